//! The exchange behind the door: blocks, and what each of them brings.

use std::collections::VecDeque;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::candles::Candles;
use super::listing::{Listing, Universe};
use super::people::People;
use super::pushes::Pushes;
use super::source::Source;
use crate::hyperliquid::action::{Action, OrderType, Tif};
use crate::hyperliquid::address::Address;
use crate::instrument::InstrumentId;
use crate::local_venue::core::{ActId, Authentic, Authorized, Outlet};
use crate::num::{Money, NumError, Price, Rate, UNIT};
use crate::time::Nanos;
use crate::venue::exchange::given::GivenMarkets;
use crate::venue::exchange::machine::Exchange;
use crate::venue::exchange::options::ExchangeOptions;
use crate::venue::exchange::order::AccountId;

/// How the venue behaves. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LocalOptions {
    /// Between two blocks.
    pub block_ms: i64,
    /// Between two books of five levels.
    pub fast_book_ms: i64,
    /// Between two books of twenty levels.
    pub book_ms: i64,
    /// Between two messages of all middle prices.
    pub mids_ms: i64,
    /// Between two states of an account, where nothing changes it.
    pub state_ms: i64,
    /// Between two settlements of funding.
    pub funding_ms: i64,
    /// Cancels go before orders that may take, in a block; without it, only those that say `f`.
    pub cancels_first: bool,
    /// Dollars that an account must have traded to schedule a cancel.
    pub schedule_volume_min: i64,
    /// Dollars that an account must have traded to make a sub-account.
    pub sub_account_volume_min: i64,
    /// Accounts at most.
    pub accounts_max: usize,
}

impl Default for LocalOptions {
    fn default() -> Self {
        Self {
            block_ms: 100,
            fast_book_ms: 540,
            book_ms: 5_400,
            mids_ms: 1_000,
            state_ms: 5_000,
            funding_ms: 3_600_000,
            cancels_first: true,
            schedule_volume_min: 1_000_000,
            sub_account_volume_min: 100_000,
            accounts_max: 10_000,
        }
    }
}

impl LocalOptions {
    fn exchange(&self) -> ExchangeOptions {
        ExchangeOptions {
            funding_interval: Nanos::from_millis(self.funding_ms.max(1)),
            schedule_volume_min: dollars(self.schedule_volume_min),
            ..ExchangeOptions::default()
        }
    }
}

pub(super) const fn dollars(count: i64) -> Money {
    Money::from_raw(count.saturating_mul(UNIT))
}

/// The rate of an hour.
#[derive(Debug, Clone, Copy)]
pub(super) struct HourlyRate {
    pub time: Nanos,
    pub rate: Rate,
    pub premium: Rate,
}

/// What is remembered of a market.
#[derive(Debug, Default)]
pub(super) struct MarketRecord {
    pub candles: Candles,
    /// As they are told.
    pub prints: VecDeque<Value>,
    pub rates: VecDeque<HourlyRate>,
}

/// An action that waits for the next block.
#[derive(Debug)]
struct Pending {
    id: ActId,
    /// What goes first in a block: actions that cannot take, cancels, the others.
    class: u8,
    action: Authentic,
}

/// The exchange, its people, and what is remembered of them.
pub struct LocalExchange {
    pub(super) options: LocalOptions,
    pub(super) exchange: Exchange,
    pub(super) listing: Listing,
    pub(super) people: People,
    pub(super) markets: Vec<MarketRecord>,
    pub(super) pushes: Pushes,
    /// Orders are answered without their ids where the protocol allows it.
    pub(super) has_bare_statuses: bool,
    source: Source,
    given: GivenMarkets,
    pending: Vec<Pending>,
    next_block: Nanos,
    pub(super) block: u64,
    /// Transactions of the present block.
    pub(super) transactions: u32,
    /// Why the recording ended before its end.
    pub(super) broken: Option<String>,
}

/// Where the market comes from.
pub enum MarketData {
    /// From the customers alone.
    Customers,
    /// It is made up, from the prices of the universe on.
    Made {
        /// Which one.
        seed: u64,
        /// Rows a second of each market.
        density: u32,
    },
    /// A recording, with the names of its instruments and what drives their books.
    Recorded(Box<dyn crate::row::RowSource>, Vec<(String, crate::book::BookKind)>),
}

impl LocalExchange {
    /// An exchange that opens at a moment.
    #[must_use]
    pub fn new(options: LocalOptions, universe: Universe, data: MarketData, now: Nanos) -> Self {
        let prices = universe.prices();
        let (listing, perpetuals, pairs) = Listing::new(universe);
        let mut exchange = Exchange::new(options.exchange(), perpetuals, pairs, now);
        let ids: Vec<InstrumentId> = exchange.markets().map(|(id, _)| id).collect();
        let mut starts: Vec<Option<Price>> = Vec::new();
        // Nobody knows what a recorded market was worth elsewhere, unless it tells.
        let has_oracles = !matches!(data, MarketData::Recorded(..));
        for id in &ids {
            let coin = listing.coin(*id);
            let is_listed = listing.find(coin).is_some();
            starts.push(prices.get(coin).copied());
            if let Some(market) = exchange.market_mut(*id) {
                market.is_listed = is_listed;
                market.oracle = prices.get(coin).copied().filter(|_| has_oracles && market.is_perpetual());
            }
        }
        let source = match data {
            MarketData::Customers => Source::none(&exchange),
            MarketData::Made { seed, density } => Source::made(&exchange, &starts, seed, density),
            MarketData::Recorded(rows, symbols) => Source::recorded(&exchange, rows, &symbols),
        };
        let given = GivenMarkets::new(source.kinds());
        let mut markets = Vec::new();
        markets.resize_with(ids.len(), MarketRecord::default);
        let mut local = Self {
            pushes: Pushes::new(&options, now, ids.len()),
            next_block: now.after(Nanos::from_millis(options.block_ms.max(1))),
            options,
            exchange,
            listing,
            people: People::default(),
            markets,
            has_bare_statuses: false,
            source,
            given,
            pending: Vec::new(),
            block: 1,
            transactions: 0,
            broken: None,
        };
        // The books are there before the first question.
        local.follow_market(now);
        local
    }

    /// Why the recording ended before its end, or what grew too large, if anything did.
    #[must_use]
    pub fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// Whether books, orders and accounts agree with each other.
    ///
    /// # Errors
    /// A sentence naming what does not agree.
    pub fn check(&self) -> Result<(), String> {
        self.exchange.check()
    }

    /// The account of an address; it is opened if there is none, without money. `None` once there are too many.
    pub(super) fn account_of(&mut self, address: &Address) -> Option<AccountId> {
        if let Some(account) = self.people.find(address) {
            return Some(account);
        }
        if self.exchange.account_count() >= self.options.accounts_max {
            return None;
        }
        let account = self.exchange.open_account(Money::ZERO);
        self.people.add(*address, account, None);
        Some(account)
    }

    /// A hash that no other transaction has.
    pub(super) fn next_hash(&mut self) -> Box<str> {
        self.transactions += 1;
        format!("0x{:032x}{:032x}", self.block, self.transactions).into()
    }

    /// An action joins the next block.
    pub(super) fn enqueue(&mut self, id: ActId, action: Authentic) {
        let class = class_of(&action.action, self.options.cancels_first);
        self.pending.push(Pending { id, class, action });
    }

    /// When the next block is due.
    pub(super) const fn next_block(&self) -> Nanos {
        self.next_block
    }

    /// Makes the blocks that are due.
    pub(super) fn make_blocks(&mut self, now: Nanos, outlet: &mut Outlet<'_>) {
        let interval = Nanos::from_millis(self.options.block_ms.max(1));
        while self.next_block <= now {
            let time = self.next_block;
            self.next_block = time.after(interval);
            self.block += 1;
            self.transactions = 0;
            self.follow_market(time);
            self.digest();
            let mut pending = std::mem::take(&mut self.pending);
            pending.sort_by_key(|pending| pending.class);
            for Pending { id, action, .. } in pending {
                let is_stale = action.expires_after.is_some_and(|expiry| time.unsigned_millis() > expiry);
                let answer =
                    if is_stale { refused("Action already expired".to_owned()) } else { self.carry_out(&action) };
                self.digest();
                let is_refused = answer.get("status").is_some_and(|status| status == "err");
                outlet.answer(id, written(&answer), is_refused);
            }
            self.push(time, outlet);
        }
    }

    /// The given market moves, and time with it, up to `now`.
    fn follow_market(&mut self, now: Nanos) {
        loop {
            match self.source.next(now) {
                Ok(Some(row)) => {
                    let moved = self.exchange.advance(row.exchange_time);
                    let moved = moved.and_then(|()| self.given.on_row(&mut self.exchange, &row));
                    self.note(moved);
                }
                Ok(None) => break,
                Err(error) => {
                    self.broken = Some(error.to_string());
                    break;
                }
            }
        }
        let moved = self.exchange.advance(now);
        self.note(moved);
    }

    /// A number that grew too large somewhere in the market is no reason to stop: it is told to the operator.
    fn note(&mut self, result: Result<(), NumError>) {
        if let Err(error) = result {
            self.broken = Some(error.to_string());
        }
    }

    fn carry_out(&mut self, authentic: &Authentic) -> Value {
        let Some(account) = self.account_of(&authentic.account) else {
            return refused("Too many accounts".to_owned());
        };
        let answer = match &authentic.action {
            Authorized::L1(action) => self.act_on(account, action),
            Authorized::User(action) => self.transfer(account, action),
        };
        answer.unwrap_or_else(|error| refused(format!("Arithmetic error: {error}")))
    }
}

/// The whole action is refused.
pub(super) fn refused(text: String) -> Value {
    json!({"status": "err", "response": text})
}

/// The action was done, with an answer of a type.
pub(super) fn done(kind: &str, data: &Value) -> Value {
    json!({"status": "ok", "response": {"type": kind, "data": data}})
}

/// The action was done.
pub(super) fn accepted() -> Value {
    json!({"status": "ok", "response": {"type": "default"}})
}

pub(super) fn written(value: &Value) -> Bytes {
    Bytes::from(value.to_string())
}

fn class_of(action: &Authorized, cancels_first: bool) -> u8 {
    let takes = |order_type: OrderType| !matches!(order_type, OrderType::Limit { tif: Tif::Alo });
    let of_orders = |takes: bool| if takes { 2 } else { 0 };
    match action {
        Authorized::L1(Action::Order { orders, .. }) => of_orders(orders.iter().any(|o| takes(o.order_type))),
        Authorized::L1(Action::Modify(modify)) => of_orders(takes(modify.order.order_type)),
        Authorized::L1(Action::BatchModify { modifies }) => {
            of_orders(modifies.iter().any(|modify| takes(modify.order.order_type)))
        }
        Authorized::L1(Action::Cancel { fast, .. } | Action::CancelByCloid { fast, .. }) => {
            if cancels_first || *fast == Some(true) { 1 } else { 2 }
        }
        _ => 0,
    }
}
