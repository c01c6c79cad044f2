//! A customer's account: what its perpetuals stand on, its tokens, and its open orders.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use crate::num::{Money, NumError, Price, Qty};
use crate::order::Cloid;
use crate::time::Nanos;
use crate::venue::Ledger;
use crate::venue::fees::FeeMeter;
use crate::venue::rules::Firings;

/// Index of a token. The first is the quote currency of the perpetuals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub u32);

/// What is held of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Balance {
    /// All of it.
    pub total: Qty,
    /// What open orders hold.
    pub hold: Qty,
    /// What it cost, in quote currency.
    pub entry_notional: Money,
}

impl Balance {
    /// What can be used.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn free(&self) -> Result<Qty, NumError> {
        self.total.sub(self.hold)
    }
}

/// Balances of tokens.
#[derive(Debug, Clone, Default)]
pub struct Wallet(BTreeMap<TokenId, Balance>);

impl Wallet {
    /// What is held of a token.
    #[must_use]
    pub fn get(&self, token: TokenId) -> Balance {
        self.0.get(&token).copied().unwrap_or_default()
    }

    /// All tokens that were ever held.
    pub fn iter(&self) -> impl Iterator<Item = (TokenId, Balance)> + '_ {
        self.0.iter().map(|(token, balance)| (*token, *balance))
    }

    /// Changes what there is of a token; the caller has seen to it that there is as much.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub(super) fn change(&mut self, token: TokenId, amount: Qty) -> Result<(), NumError> {
        let balance = self.0.entry(token).or_default();
        balance.total = balance.total.add(amount)?;
        Ok(())
    }

    /// Holds some of a token for an order, or releases it with a negative amount.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub(super) fn hold(&mut self, token: TokenId, amount: Qty) -> Result<(), NumError> {
        let balance = self.0.entry(token).or_default();
        balance.hold = balance.hold.add(amount)?;
        Ok(())
    }

    /// Counts what was paid for a token, or a share of it less when some is sold.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub(super) fn count_entry(&mut self, token: TokenId, price: Price, bought: Qty) -> Result<Money, NumError> {
        let balance = self.0.entry(token).or_default();
        if bought.is_positive() {
            balance.entry_notional = balance.entry_notional.add(price.notional(bought)?)?;
            return Ok(Money::ZERO);
        }
        let sold = bought.abs()?;
        // The sale has been booked already.
        let before = balance.total.add(sold)?;
        let released =
            if before.is_positive() { balance.entry_notional.share(sold.min(before), before)? } else { Money::ZERO };
        balance.entry_notional = balance.entry_notional.sub(released)?;
        price.notional(sold)?.sub(released)
    }
}

/// A customer.
#[derive(Debug, Clone)]
pub struct Account {
    /// Positions in perpetuals, and the money that they stand on.
    pub ledger: Ledger,
    /// Tokens.
    pub wallet: Wallet,
    /// Ids of all orders that are not done: resting, waiting, dormant.
    pub orders: BTreeSet<u64>,
    /// The newest order of each of the customer's ids, while it is not done.
    pub(super) cloids: FxHashMap<Cloid, u64>,
    /// Fees of spot pairs.
    pub(super) spot_fees: FeeMeter,
    /// When all orders are to be cancelled.
    pub(super) cancel_at: Option<Nanos>,
    /// Scheduled cancels that have fired today.
    pub(super) firings: Firings,
}

impl Account {
    /// The order of a customer's id that is not done.
    #[must_use]
    pub fn find(&self, cloid: Cloid) -> Option<u64> {
        self.cloids.get(&cloid).copied()
    }

    /// What the account has traded since the start, in steps of 1e-8 of quote currency; spot counts twice.
    #[must_use]
    pub const fn volume(&self) -> i128 {
        self.spot_fees.volume()
    }
}
