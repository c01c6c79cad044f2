//! Money and tokens that move between accounts, in and out; sub-accounts.

use serde_json::{Value, json};

use super::exchange::{LocalExchange, accepted, dollars, done, refused};
use super::wire::decimal;
use crate::hyperliquid::address::Address;
use crate::num::{Money, NumError, Qty, UNIT};
use crate::venue::exchange::account::TokenId;
use crate::venue::exchange::order::AccountId;

/// What it costs to take money off the venue.
const WITHDRAWAL_FEE: Money = Money::from_raw(UNIT);
/// The money of the perpetuals, as a token.
const USDC: TokenId = TokenId(0);
/// The name of a sub-account, in characters.
const NAME_MAX: usize = 16;

/// Where an amount is, or goes: the perpetuals' money, or tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pocket {
    /// The money that perpetuals stand on.
    Perpetual,
    /// A token.
    Token(TokenId),
}

impl LocalExchange {
    /// Moves an amount from a pocket of one account to one of another; the refusal, if it is not there or not free.
    pub(super) fn move_amount(
        &mut self,
        (from, source): (AccountId, Pocket),
        (to, target): (AccountId, Pocket),
        amount: Qty,
    ) -> Result<Option<&'static str>, NumError> {
        if !amount.is_positive() {
            return Ok(Some("Invalid send"));
        }
        let free = match source {
            Pocket::Perpetual => {
                let ledger = self.exchange.account(from).map(|account| &account.ledger);
                Qty::from_raw(ledger.map_or(Ok(Money::ZERO), |ledger| ledger.withdrawable())?.raw())
            }
            Pocket::Token(token) => self.exchange.balance(from, token).free()?,
        };
        if free < amount {
            return Ok(Some(match source {
                Pocket::Perpetual => "Insufficient balance for withdrawal",
                Pocket::Token(_) => "Insufficient balance for token transfer",
            }));
        }
        self.put(from, source, amount.neg()?)?;
        self.put(to, target, amount)?;
        Ok(None)
    }

    fn put(&mut self, account: AccountId, pocket: Pocket, amount: Qty) -> Result<(), NumError> {
        match pocket {
            Pocket::Perpetual => self.exchange.deposit(account, Money::from_raw(amount.raw())),
            Pocket::Token(token) => self.exchange.deposit_token(account, token, amount),
        }
    }

    /// Sends money of the perpetuals to another account, which there is from then on.
    pub(super) fn usd_send(
        &mut self,
        account: AccountId,
        destination: &Address,
        amount: Money,
    ) -> Result<Value, NumError> {
        if !is_of_six_decimals(amount) {
            return Ok(refused("Invalid send".into()));
        }
        let Some(to) = self.account_of(destination) else { return Ok(refused("Too many accounts".into())) };
        let quantity = Qty::from_raw(amount.raw());
        if let Some(text) = self.move_amount((account, Pocket::Perpetual), (to, Pocket::Perpetual), quantity)? {
            return Ok(refused(text.into()));
        }
        let delta = json!({
            "type": "internalTransfer",
            "usdc": decimal(amount),
            "user": self.people.address(account).to_string(),
            "destination": destination.to_string(),
            "fee": "0.0",
        });
        self.told_to_both(account, to, &delta);
        Ok(accepted())
    }

    /// Sends a token to another account, which there is from then on.
    pub(super) fn spot_send(
        &mut self,
        account: AccountId,
        destination: &Address,
        token: &str,
        amount: Qty,
    ) -> Result<Value, NumError> {
        let Some((name, index)) = self.listing.token(token).map(|token| (token.name.clone(), token.index)) else {
            return Ok(refused(format!("Unknown token: {}", short(token))));
        };
        let Some(to) = self.account_of(destination) else { return Ok(refused("Too many accounts".into())) };
        let pocket = Pocket::Token(TokenId(index));
        if let Some(text) = self.move_amount((account, pocket), (to, pocket), amount)? {
            return Ok(refused(text.into()));
        }
        let delta = json!({
            "type": "spotTransfer",
            "token": name,
            "amount": decimal(amount),
            "usdcValue": decimal(amount),
            "user": self.people.address(account).to_string(),
            "destination": destination.to_string(),
            "fee": "0.0",
            "nativeTokenFee": "0.0",
            "nonce": null,
            "feeToken": "",
        });
        self.told_to_both(account, to, &delta);
        Ok(accepted())
    }

    /// Takes money off the venue.
    pub(super) fn withdraw(&mut self, account: AccountId, amount: Money) -> Result<Value, NumError> {
        if !is_of_six_decimals(amount) || amount <= WITHDRAWAL_FEE {
            return Ok(refused("Invalid send".into()));
        }
        let free = self.exchange.account(account).map_or(Ok(Money::ZERO), |a| a.ledger.withdrawable())?;
        if free < amount {
            return Ok(refused("Insufficient balance for withdrawal".into()));
        }
        self.exchange.deposit(account, amount.neg()?)?;
        let left = amount.sub(WITHDRAWAL_FEE)?;
        let delta =
            json!({"type": "withdraw", "usdc": decimal(left), "nonce": self.block, "fee": decimal(WITHDRAWAL_FEE)});
        self.change_of(account, &delta, self.exchange.now());
        Ok(accepted())
    }

    /// Moves dollars between the perpetuals and the tokens of an account.
    pub(super) fn class_transfer(
        &mut self,
        account: AccountId,
        amount: Money,
        to_perpetuals: bool,
    ) -> Result<Value, NumError> {
        if !is_of_six_decimals(amount) {
            return Ok(refused("Invalid send".into()));
        }
        let (from, to) = if to_perpetuals {
            (Pocket::Token(USDC), Pocket::Perpetual)
        } else {
            (Pocket::Perpetual, Pocket::Token(USDC))
        };
        if let Some(text) = self.move_amount((account, from), (account, to), Qty::from_raw(amount.raw()))? {
            return Ok(refused(text.into()));
        }
        let delta = json!({"type": "accountClassTransfer", "usdc": decimal(amount), "toPerp": to_perpetuals});
        self.change_of(account, &delta, self.exchange.now());
        Ok(accepted())
    }

    /// Sends an amount of a token from the perpetuals or the tokens of one account to those of another.
    pub(super) fn send_asset(
        &mut self,
        account: AccountId,
        destination: &Address,
        (source, target): (&str, &str),
        token: &str,
        amount: Qty,
    ) -> Result<Value, NumError> {
        let Some((name, index)) = self.listing.token(token).map(|token| (token.name.clone(), token.index)) else {
            return Ok(refused(format!("Unknown token: {}", short(token))));
        };
        let pocket = |dex: &str| match dex {
            "" if index == USDC.0 => Some(Pocket::Perpetual),
            "spot" => Some(Pocket::Token(TokenId(index))),
            _ => None,
        };
        let (Some(from), Some(to)) = (pocket(source), pocket(target)) else {
            return Ok(refused("Invalid send".into()));
        };
        let Some(receiver) = self.account_of(destination) else { return Ok(refused("Too many accounts".into())) };
        if let Some(text) = self.move_amount((account, from), (receiver, to), amount)? {
            return Ok(refused(text.into()));
        }
        let delta = json!({
            "type": "send",
            "user": self.people.address(account).to_string(),
            "destination": destination.to_string(),
            "sourceDex": source,
            "destinationDex": target,
            "token": name,
            "amount": decimal(amount),
            "usdcValue": decimal(amount),
            "fee": "0.0",
            "nativeTokenFee": "0.0",
            "nonce": null,
            "feeToken": "",
        });
        self.told_to_both(account, receiver, &delta);
        Ok(accepted())
    }

    fn told_to_both(&mut self, from: AccountId, to: AccountId, delta: &Value) {
        let now = self.exchange.now();
        self.change_of(from, delta, now);
        if from != to {
            self.change_of(to, delta, now);
        }
    }

    /// Allows a builder to charge up to so many tenths of a basis point; zero takes it back.
    pub(super) fn approve_builder(&mut self, account: AccountId, builder: Address, tenths: u32) -> Value {
        if let Some(person) = self.people.get_mut(account) {
            person.builders.retain(|(of, _)| *of != builder);
            person.builders.push((builder, tenths));
        }
        accepted()
    }

    /// What an account allows a builder to charge, in tenths of a basis point.
    pub(super) fn max_builder_fee(&self, account: AccountId, builder: &Address) -> u32 {
        let approved = self.people.get(account).map_or(&[][..], |person| &person.builders);
        approved.iter().find(|(of, _)| of == builder).map_or(0, |(_, tenths)| *tenths)
    }

    pub(super) fn create_sub_account(&mut self, master: AccountId, name: &str) -> Value {
        let traded = self.exchange.account(master).map_or(0, |account| account.volume());
        let needed = dollars(self.options.sub_account_volume_min);
        if traded < i128::from(needed.raw()) {
            return refused(format!("Cannot create sub-account until enough volume traded. Required: ${needed}."));
        }
        if name.is_empty() || name.chars().count() > NAME_MAX {
            return refused(format!("Invalid sub-account name: must be 1 to {NAME_MAX} characters."));
        }
        if self.people.get(master).is_none_or(|person| person.master.is_some()) {
            return refused("A sub-account cannot have sub-accounts.".into());
        }
        if self.exchange.account_count() >= self.options.accounts_max {
            return refused("Too many accounts".into());
        }
        let of = self.people.address(master);
        let count = u8::try_from(self.people.sub_accounts(&of).count()).unwrap_or(u8::MAX);
        if count >= 10 {
            return refused("Too many sub-accounts.".into());
        }
        // Nobody has the key of such an address: only the master acts for it.
        let mut address = of;
        address.0.reverse();
        if let Some(last) = address.0.last_mut() {
            *last = last.wrapping_add(count + 1);
        }
        let account = self.exchange.open_account(Money::ZERO);
        self.people.add(address, account, Some((of, name.to_owned())));
        done("createSubAccount", &json!(address.to_string()))
    }

    /// The sub-account of a master, or the refusal.
    fn sub_account(&self, master: AccountId, user: &Address) -> Result<AccountId, Value> {
        let of = self.people.address(master);
        let found = self.people.find(user).filter(|account| {
            self.people.get(*account).and_then(|person| person.master.as_ref()).is_some_and(|(master, _)| *master == of)
        });
        found.ok_or_else(|| refused(format!("Vault not registered: {user}")))
    }

    pub(super) fn sub_account_transfer(
        &mut self,
        master: AccountId,
        user: &Address,
        is_deposit: bool,
        amount: Money,
    ) -> Result<Value, NumError> {
        let sub = match self.sub_account(master, user) {
            Ok(sub) => sub,
            Err(refusal) => return Ok(refusal),
        };
        let (from, to) = if is_deposit { (master, sub) } else { (sub, master) };
        let quantity = Qty::from_raw(amount.raw());
        if let Some(text) = self.move_amount((from, Pocket::Perpetual), (to, Pocket::Perpetual), quantity)? {
            return Ok(refused(text.into()));
        }
        let delta = json!({
            "type": "subAccountTransfer",
            "usdc": decimal(amount),
            "user": self.people.address(from).to_string(),
            "destination": self.people.address(to).to_string(),
        });
        self.told_to_both(from, to, &delta);
        Ok(accepted())
    }

    pub(super) fn sub_account_spot_transfer(
        &mut self,
        master: AccountId,
        user: &Address,
        is_deposit: bool,
        token: &str,
        amount: Qty,
    ) -> Result<Value, NumError> {
        let sub = match self.sub_account(master, user) {
            Ok(sub) => sub,
            Err(refusal) => return Ok(refusal),
        };
        let (from, to) = if is_deposit { (master, sub) } else { (sub, master) };
        self.spot_send(from, &self.people.address(to), token, amount)
    }
}

/// Sends have at most six decimals.
const fn is_of_six_decimals(amount: Money) -> bool {
    amount.raw() % 100 == 0
}

/// As much of a text as an error can hold.
fn short(text: &str) -> String {
    text.chars().take(64).collect()
}
