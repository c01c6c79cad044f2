//! The exchange, seen from its customers.

mod given;
mod invariants;
mod margin;
mod orders;
mod spot;

use crate::instrument::{Instrument, InstrumentId, Instruments, MarginTier, TickRule};
use crate::num::{Money, Price, Qty, Rate, UNIT};
use crate::order::{Cloid, Side, TimeInForce};
use crate::time::Nanos;
use crate::venue::exchange::account::TokenId;
use crate::venue::exchange::machine::{Exchange, Pair};
use crate::venue::exchange::news::News;
use crate::venue::exchange::options::ExchangeOptions;
use crate::venue::exchange::order::{AccountId, Grouping, NewOrder, Placed, Trigger};

const BTC: InstrumentId = InstrumentId(0);
const ETH: InstrumentId = InstrumentId(1);
const PAIR: InstrumentId = InstrumentId(2);
const USDC: TokenId = TokenId(0);
const PURR: TokenId = TokenId(1);

/// 2024-01-01 00:00.
const START: Nanos = Nanos::from_raw(1_704_067_200 * Nanos::SECOND.raw());

fn rules(symbol: &str, lot: &str, size_decimals: u32, max_decimals: u32) -> Instrument {
    Instrument {
        symbol: symbol.into(),
        tick: TickRule::Figures { figures: 5, decimals: max_decimals - size_decimals },
        lot_size: lot.parse().unwrap(),
        min_notional: Money::from_raw(10 * UNIT),
        tiers: vec![MarginTier { lower_bound: Money::ZERO, max_leverage: 40 }],
        leverage: None,
        margin_mode: None,
    }
}

/// An exchange, and what its customers have been told so far.
struct World {
    exchange: Exchange,
    news: Vec<News>,
}

impl World {
    fn new() -> Self {
        let perpetuals = Instruments::new(vec![rules("BTC", "0.00001", 5, 6), rules("ETH", "0.0001", 4, 6)]);
        let pair = Pair { instrument: rules("PURR/USDC", "1", 0, 8), base: PURR, quote: USDC };
        let exchange = Exchange::new(ExchangeOptions::default(), perpetuals, vec![pair], START);
        Self { exchange, news: Vec::new() }
    }

    /// With accounts of this much each.
    fn with(deposits: &[&str]) -> (Self, Vec<AccountId>) {
        let mut world = Self::new();
        let ids = deposits.iter().map(|deposit| world.exchange.open_account(deposit.parse().unwrap())).collect();
        (world, ids)
    }

    fn place(&mut self, account: AccountId, order: NewOrder) -> Placed {
        let placed = self.exchange.place(account, &[order], Grouping::None).unwrap();
        self.checked();
        placed[0]
    }

    fn group(&mut self, account: AccountId, orders: &[NewOrder], grouping: Grouping) -> Vec<Placed> {
        let placed = self.exchange.place(account, orders, grouping).unwrap();
        self.checked();
        placed
    }

    fn advance(&mut self, seconds: i64) {
        let now = self.exchange.now().after(Nanos::from_raw(seconds * Nanos::SECOND.raw()));
        self.exchange.advance(now).unwrap();
        self.checked();
    }

    fn checked(&mut self) {
        assert_eq!(self.exchange.check(), Ok(()));
        self.news.extend(self.exchange.take_news());
    }

    /// What became of orders, oldest news first: `oid status`.
    fn told(&mut self) -> Vec<String> {
        let line = |news: News| match news {
            News::Order { order, status, .. } => {
                let reason = status.reason().map_or(String::new(), |reason| format!(" {}", reason.as_str()));
                Some(format!("{} {}{reason}", order.oid, status.as_str()))
            }
            _ => None,
        };
        std::mem::take(&mut self.news).into_iter().filter_map(line).collect()
    }

    fn position(&self, account: AccountId, instrument: InstrumentId) -> String {
        self.exchange.account(account).unwrap().ledger.account().position(instrument).quantity.to_string()
    }

    fn oid(placed: Placed) -> u64 {
        match placed {
            Placed::Resting { oid } | Placed::Filled { oid, .. } => oid,
            other => panic!("{other:?}"),
        }
    }

    /// Two others trade at a price, so that the book's last price, and with it the mark, is there.
    fn print(&mut self, maker: AccountId, taker: AccountId, price: &str) {
        self.place(maker, sell(BTC, price, "0.01"));
        self.place(taker, buy(BTC, price, "0.01"));
    }
}

fn limit(instrument: InstrumentId, side: Side, price: &str, quantity: &str) -> NewOrder {
    NewOrder {
        instrument,
        side,
        price: price.parse().unwrap(),
        quantity: quantity.parse().unwrap(),
        time_in_force: TimeInForce::Gtc,
        reduce_only: false,
        trigger: None,
        cloid: None,
        builder: Rate::ZERO,
    }
}

fn buy(instrument: InstrumentId, price: &str, quantity: &str) -> NewOrder {
    limit(instrument, Side::Buy, price, quantity)
}

fn sell(instrument: InstrumentId, price: &str, quantity: &str) -> NewOrder {
    limit(instrument, Side::Sell, price, quantity)
}

/// A market stop that leaves a position.
fn stop(side: Side, trigger: &str, quantity: &str) -> NewOrder {
    let trigger = trigger.parse::<Price>().unwrap();
    let worst = if side == Side::Sell { "5000" } else { "90000" };
    NewOrder {
        trigger: Some(Trigger { price: trigger, is_market: true, is_gain: false }),
        reduce_only: true,
        ..limit(BTC, side, worst, quantity)
    }
}

/// A market order that takes a profit.
fn gain(side: Side, trigger: &str, quantity: &str) -> NewOrder {
    let mut order = stop(side, trigger, quantity);
    order.trigger = order.trigger.map(|trigger| Trigger { is_gain: true, ..trigger });
    order
}

fn refused(placed: Placed) -> &'static str {
    match placed {
        Placed::Refused(refusal) => refusal.reason.as_str(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_id_of_a_customer_names_its_newest_order_while_that_is_not_done() {
    let (mut w, ids) = World::with(&["1000"]);
    let named = NewOrder { cloid: Some(Cloid(7)), ..buy(BTC, "50000", "0.001") };
    let first = World::oid(w.place(ids[0], named));
    assert_eq!(w.exchange.account(ids[0]).unwrap().find(Cloid(7)), Some(first));
    let name = crate::venue::exchange::placing::OrderName::Cloid(Cloid(7));
    assert!(w.exchange.cancel(ids[0], BTC, name).unwrap());
    assert!(!w.exchange.cancel(ids[0], BTC, name).unwrap(), "it is done");
    w.checked();
    assert_eq!(w.told(), ["1 resting", "1 cancelled requested"]);
}
