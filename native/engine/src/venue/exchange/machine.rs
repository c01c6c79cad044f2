//! The exchange: markets, accounts, orders. Actions go in, news come out; it has no clock of its own.

use rustc_hash::FxHashMap;

use crate::instrument::{Instrument, InstrumentId, Instruments};
use crate::num::{Money, NumError, Price, Qty};
use crate::order::{OrderStatus, Reason, Side};
use crate::row::Status;
use crate::time::Nanos;
use crate::venue::exchange::account::{Account, Balance, TokenId, Wallet};
use crate::venue::exchange::market::{Kind, Market};
use crate::venue::exchange::news::News;
use crate::venue::exchange::options::ExchangeOptions;
use crate::venue::exchange::order::{AccountId, Order, OrderState, Party};
use crate::venue::exchange::timed::Twap;
use crate::venue::fees::FeeMeter;
use crate::venue::rules::Firings;
use crate::venue::{FeeSchedule, FeeTable, HyperliquidFees, Ledger, Report, VenueConfig};

/// An exchange of perpetuals and spot pairs with many accounts.
///
/// Orders of all accounts meet in one book by price and time; fees, margin, funding and liquidation of each account are
/// those of the backtest ([`Ledger`]).
#[derive(Debug)]
pub struct Exchange {
    pub(super) options: ExchangeOptions,
    /// Rules of the perpetuals, shared by all accounts.
    pub(super) perpetuals: Instruments,
    /// Perpetuals by the rank of their symbols, then spot pairs.
    pub(super) markets: Vec<Market>,
    pub(super) accounts: Vec<Account>,
    /// Found by id, never walked.
    pub(super) orders: FxHashMap<u64, Order>,
    pub(super) twaps: Vec<Twap>,
    pub(super) last_oid: u64,
    pub(super) last_trade: u64,
    pub(super) last_twap: u64,
    pub(super) now: Nanos,
    pub(super) next_mark: Nanos,
    pub(super) next_sample: Nanos,
    pub(super) next_funding: Nanos,
    /// The first of the cancels that accounts have scheduled.
    pub(super) next_cancel: Option<Nanos>,
    pub(super) news: Vec<News>,
    /// Orders that were filled whole: what hangs on them has to be woken.
    pub(super) filled: Vec<Order>,
    pub(super) reports: Vec<Report>,
}

/// A spot pair.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Its name and rules.
    pub instrument: Instrument,
    /// What is bought and sold.
    pub base: TokenId,
    /// What it is paid with.
    pub quote: TokenId,
}

impl Exchange {
    /// An exchange at a moment, without accounts or orders. Perpetuals get the first ids, by the rank of their symbols;
    /// spot pairs follow as given.
    #[must_use]
    pub fn new(options: ExchangeOptions, perpetuals: Instruments, pairs: Vec<Pair>, now: Nanos) -> Self {
        let perps = perpetuals.iter().map(|(_, rules)| Market::new(rules.clone(), Kind::Perpetual));
        let spots = pairs.into_iter().map(|p| Market::new(p.instrument, Kind::Spot { base: p.base, quote: p.quote }));
        let markets = perps.chain(spots).collect();
        Self {
            next_mark: now,
            next_sample: now.floor_to(options.sample_interval).after(options.sample_interval),
            next_funding: now.floor_to(options.funding_interval).after(options.funding_interval),
            next_cancel: None,
            options,
            perpetuals,
            markets,
            accounts: Vec::new(),
            orders: FxHashMap::default(),
            twaps: Vec::new(),
            last_oid: 0,
            last_trade: 0,
            last_twap: 0,
            now,
            news: Vec::new(),
            filled: Vec::new(),
            reports: Vec::new(),
        }
    }

    /// The options.
    #[must_use]
    pub const fn options(&self) -> &ExchangeOptions {
        &self.options
    }

    /// The exchange's time: that of the last thing that happened.
    #[must_use]
    pub const fn now(&self) -> Nanos {
        self.now
    }

    /// All markets by id.
    pub fn markets(&self) -> impl Iterator<Item = (InstrumentId, &Market)> {
        (0_u32..).map(InstrumentId).zip(&self.markets)
    }

    /// A market.
    #[must_use]
    pub fn market(&self, instrument: InstrumentId) -> Option<&Market> {
        self.markets.get(instrument.index())
    }

    /// A market, to be listed, halted or given an oracle price.
    pub fn market_mut(&mut self, instrument: InstrumentId) -> Option<&mut Market> {
        self.markets.get_mut(instrument.index())
    }

    /// An account.
    #[must_use]
    pub fn account(&self, account: AccountId) -> Option<&Account> {
        self.accounts.get(account.index())
    }

    /// How many accounts there are.
    #[must_use]
    pub const fn account_count(&self) -> usize {
        self.accounts.len()
    }

    /// An order that is not done.
    #[must_use]
    pub fn order(&self, oid: u64) -> Option<&Order> {
        self.orders.get(&oid)
    }

    /// Opens an account with money for perpetuals.
    pub fn open_account(&mut self, deposit: Money) -> AccountId {
        let config = VenueConfig {
            fees: FeeSchedule::Hyperliquid(HyperliquidFees::default()),
            leverage: self.options.leverage,
            book: self.options.book.clone(),
            ..VenueConfig::default()
        };
        let spot = HyperliquidFees { tables: vec![FeeTable::spot()], ..HyperliquidFees::default() };
        self.accounts.push(Account {
            ledger: Ledger::new(config, self.perpetuals.clone(), deposit),
            wallet: Wallet::default(),
            orders: std::collections::BTreeSet::new(),
            cloids: FxHashMap::default(),
            spot_fees: FeeMeter::new(FeeSchedule::Hyperliquid(spot)),
            cancel_at: None,
            firings: Firings::default(),
        });
        AccountId(u32::try_from(self.accounts.len() - 1).unwrap_or(u32::MAX))
    }

    /// Pays money for perpetuals in, or out with a negative amount. The caller has seen to it that there is as much.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn deposit(&mut self, account: AccountId, amount: Money) -> Result<(), NumError> {
        self.accounts.get_mut(account.index()).map_or(Ok(()), |account| account.ledger.deposit(amount))
    }

    /// Pays a token in, or out with a negative amount. The caller has seen to it that there is as much.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn deposit_token(&mut self, account: AccountId, token: TokenId, amount: Qty) -> Result<(), NumError> {
        self.accounts.get_mut(account.index()).map_or(Ok(()), |account| account.wallet.change(token, amount))
    }

    /// What is held of a token.
    #[must_use]
    pub fn balance(&self, account: AccountId, token: TokenId) -> Balance {
        self.account(account).map(|account| account.wallet.get(token)).unwrap_or_default()
    }

    /// Maker and taker rate of an account at present: of perpetuals, and of spot pairs.
    pub fn fee_rates(&mut self, account: AccountId) -> [(crate::num::Rate, crate::num::Rate); 2] {
        let now = self.now;
        self.accounts
            .get_mut(account.index())
            .map(|account| [account.ledger.fees_mut().rates(now), account.spot_fees.rates(now)])
            .unwrap_or_default()
    }

    /// What happened since the last call, in order.
    pub fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    pub(super) const fn next_oid(&mut self) -> u64 {
        self.last_oid += 1;
        self.last_oid
    }

    /// Tells of an order of a customer.
    pub(super) fn tell(&mut self, order: Order, status: OrderStatus) {
        if let Some(account) = order.party.account() {
            self.news.push(News::Order { account, order, status, time: self.now });
        }
    }

    /// An order is known from now on, and rests or waits.
    pub(super) fn keep(&mut self, order: Order) {
        if let Party::Account(id) = order.party
            && let Some(account) = self.accounts.get_mut(id.index())
        {
            account.orders.insert(order.oid);
            if let Some(cloid) = order.asked.cloid {
                account.cloids.insert(cloid, order.oid);
            }
        }
        self.orders.insert(order.oid, order);
    }

    /// Forgets an order, wherever it is: in the book, among what waits, at its account.
    pub(super) fn forget(&mut self, oid: u64) -> Result<Option<Order>, NumError> {
        let Some(order) = self.orders.remove(&oid) else { return Ok(None) };
        let asked = order.asked;
        if let Some(market) = self.markets.get_mut(asked.instrument.index()) {
            match order.state {
                OrderState::Resting(rank) => {
                    market.book.reduce(asked.side, asked.price, rank, order.leaves, true);
                }
                OrderState::Waiting => {
                    market.waiting.remove(&oid);
                }
                OrderState::Dormant => {}
            }
        }
        if let Party::Account(id) = order.party {
            if matches!(order.state, OrderState::Resting(_)) {
                self.release(&order, order.leaves)?;
            }
            if let Some(account) = self.accounts.get_mut(id.index()) {
                account.orders.remove(&oid);
                if let Some(cloid) = asked.cloid
                    && account.cloids.get(&cloid) == Some(&oid)
                {
                    account.cloids.remove(&cloid);
                }
            }
        }
        Ok(Some(order))
    }

    /// Takes an order away for a reason; those that hang on it go with it.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn drop_order(&mut self, oid: u64, reason: Reason) -> Result<bool, NumError> {
        let Some(order) = self.forget(oid)? else { return Ok(false) };
        self.tell(order, OrderStatus::Cancelled(reason));
        self.drop_children(&order)?;
        Ok(true)
    }

    /// Ends the trading of an instrument. All orders go; customers are told of theirs.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn delist(&mut self, instrument: InstrumentId) -> Result<(), NumError> {
        if let Some(market) = self.market_mut(instrument) {
            market.status = Status::Delisted;
        }
        let of = self.orders.values().filter(|order| order.asked.instrument == instrument);
        let mut oids: Vec<u64> = of.map(|order| order.oid).collect();
        oids.sort_unstable();
        for oid in oids {
            self.drop_order(oid, Reason::Halted)?;
        }
        Ok(())
    }

    /// What an order of a spot pair holds: of a buy the money at its price, of a sale the base units.
    pub(super) fn held(&self, order: &Order, quantity: Qty) -> Result<Option<(AccountId, TokenId, Qty)>, NumError> {
        let Some(account) = order.party.account() else { return Ok(None) };
        let Some(Kind::Spot { base, quote }) = self.market(order.asked.instrument).map(|market| market.kind) else {
            return Ok(None);
        };
        Ok(Some(match order.asked.side {
            Side::Buy => (account, quote, Qty::from_raw(order.asked.price.notional(quantity)?.raw())),
            Side::Sell => (account, base, quantity),
        }))
    }

    /// Holds tokens for what is left of an order that begins to rest.
    pub(super) fn reserve(&mut self, order: &Order, quantity: Qty) -> Result<(), NumError> {
        if let Some((account, token, amount)) = self.held(order, quantity)?
            && let Some(account) = self.accounts.get_mut(account.index())
        {
            account.wallet.hold(token, amount)?;
        }
        Ok(())
    }

    /// Releases what a part of an order held: as much as was held for what is left, less what the rest still needs.
    pub(super) fn release(&mut self, order: &Order, quantity: Qty) -> Result<(), NumError> {
        let rest = order.leaves.sub(quantity)?;
        let (Some((account, token, before)), Some((.., after))) =
            (self.held(order, order.leaves)?, self.held(order, rest)?)
        else {
            return Ok(());
        };
        if let Some(account) = self.accounts.get_mut(account.index()) {
            account.wallet.hold(token, after.sub(before)?)?;
        }
        Ok(())
    }

    /// The mark of an instrument, or the middle of its book, or its last price.
    #[must_use]
    pub fn mark(&self, instrument: InstrumentId) -> Option<Price> {
        self.market(instrument).and_then(Market::reference)
    }

    /// What customers hold of a perpetual, in base units: the larger of all that is long and all that is short.
    #[must_use]
    pub fn open_interest(&self, instrument: InstrumentId) -> Qty {
        let positions = self.accounts.iter().map(|a| a.ledger.account().position(instrument).quantity.raw());
        let (long, short) = positions.fold((0_i64, 0_i64), |(long, short), position| {
            (long.saturating_add(position.max(0)), short.saturating_sub(position.min(0)))
        });
        Qty::from_raw(long.max(short))
    }

    /// Whether books, orders and accounts agree with each other.
    ///
    /// # Errors
    /// A sentence naming what does not agree.
    pub fn check(&self) -> Result<(), String> {
        for (id, market) in self.markets() {
            let leaves = |oid| self.orders.get(&oid).filter(|o: &&Order| o.asked.instrument == id).map(|o| o.leaves);
            market.book.check(leaves).map_err(|error| format!("{}: {error}", market.rules.symbol))?;
        }
        for account in &self.accounts {
            account.ledger.check_account()?;
            let mut holds: FxHashMap<TokenId, i64> = FxHashMap::default();
            for oid in &account.orders {
                let Some(order) = self.orders.get(oid) else { return Err(format!("order {oid} is nowhere")) };
                if matches!(order.state, OrderState::Resting(_))
                    && let Some((_, token, amount)) = self.held(order, order.leaves).map_err(|e| e.to_string())?
                {
                    *holds.entry(token).or_default() += amount.raw();
                }
            }
            for (token, balance) in account.wallet.iter() {
                let held = holds.get(&token).copied().unwrap_or_default();
                if held != balance.hold.raw() || balance.total.is_negative() {
                    return Err(format!("token {}: orders hold {held}, kept is {balance:?}", token.0));
                }
            }
        }
        Ok(())
    }
}
