//! What the exchange says of orders: those that are open, and what became of the others.

use std::borrow::Cow;

use super::error::MessageError;
use super::json::{Raw, View, Wire, record};
use crate::hyperliquid::names::{SUFFIX_CANCELED, SUFFIX_REJECTED, status};
use crate::instrument::InstrumentId;
use crate::num::{Price, Qty};
use crate::order::{Cloid, OrderStatus, OrderUpdate, Reason, Side};
use crate::time::Nanos;

record! {
    /// An order as it stands. What it had filled is not told reliably: count its fills.
    Order {
        /// The exchange's name of the instrument.
        coin: Box<str> = COIN,
        /// Buy or sell.
        side: Side = SIDE,
        /// The limit price.
        limit_price: Price = LIMIT_PX,
        /// What is left of it; in what tells of a status, what was left when that changed.
        quantity: Qty = SZ,
        /// The exchange's id.
        oid: u64 = OID,
        /// When it was placed.
        time: Nanos = TIMESTAMP,
        /// What was asked for; not told in 2023.
        original_quantity: Option<Qty> = ORIG_SZ,
        /// Our id, if it has one.
        cloid: Option<Cloid> = CLOID,
        /// Whether it may only bring the position closer to zero.
        reduce_only: Option<bool> = REDUCE_ONLY,
        /// `Limit`, `Stop Market` and so on; not told in `openOrders`.
        kind: Option<Box<str>> = ORDER_TYPE,
        /// `Gtc`, `Ioc`, `Alo` and others; none for triggers.
        time_in_force: Option<Box<str>> = TIF,
        /// Whether it waits for a price.
        is_trigger: Option<bool> = IS_TRIGGER,
        /// For which.
        trigger_price: Option<Price> = TRIGGER_PX,
        /// For which, in words.
        trigger_condition: Option<Box<str>> = TRIGGER_CONDITION,
        /// Whether it follows the size of the position.
        is_position_tpsl: Option<bool> = IS_POSITION_TPSL,
        /// Orders that wait for this one to fill.
        children: Option<Vec<Order>> = CHILDREN,
    }
}

record! {
    /// What became of an order.
    OrderNews {
        /// The order.
        order: Order = ORDER,
        /// Its status from now on.
        status: OrderState = STATUS,
        /// Since when.
        status_time: Nanos = STATUS_TIMESTAMP,
    }
}

record! {
    /// The answer to a question for one order.
    OrderAnswer {
        /// `order`, or `unknownOid`: not known any more, which does not mean that it never filled.
        status: Box<str> = STATUS,
        /// The order, if it is known.
        order: Option<OrderNews> = ORDER,
    }
}

record! {
    /// An order that the exchange took away.
    NonUserCancel {
        /// The exchange's name of the instrument.
        coin: Box<str> = COIN,
        /// The order.
        oid: u64 = OID,
    }
}

/// The status of an order in the exchange's word, which may be new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderState(pub Box<str>);

/// What a status means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It rests, or waits for its price.
    Open,
    /// Its price was reached.
    Triggered,
    /// Nothing is left of it.
    Filled,
    /// It is gone.
    Cancelled(Reason),
    /// It was never accepted.
    Rejected(Reason),
    /// A word that says nothing to us.
    Unknown,
}

impl OrderState {
    /// What it means.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match &*self.0 {
            status::OPEN => Outcome::Open,
            status::TRIGGERED => Outcome::Triggered,
            status::FILLED => Outcome::Filled,
            status::CANCELED => Outcome::Cancelled(Reason::Requested),
            status::REJECTED => Outcome::Rejected(Reason::Other),
            status::SCHEDULED_CANCEL => Outcome::Cancelled(Reason::ScheduledCancel),
            other if other.ends_with(SUFFIX_CANCELED) => Outcome::Cancelled(reason_of_cancel(other)),
            other if other.ends_with(SUFFIX_REJECTED) => Outcome::Rejected(reason_of_refusal(other)),
            _ => Outcome::Unknown,
        }
    }
}

fn reason_of_cancel(text: &str) -> Reason {
    match text {
        status::MARGIN_CANCELED => Reason::MarginCanceled,
        status::REDUCE_ONLY_CANCELED => Reason::ReduceOnlyCanceled,
        status::LIQUIDATED_CANCELED => Reason::LiquidatedCanceled,
        status::SELF_TRADE_CANCELED => Reason::SelfTradeCanceled,
        status::SIBLING_FILLED_CANCELED => Reason::SiblingFilledCanceled,
        status::OPEN_INTEREST_CAP_CANCELED => Reason::OpenInterest,
        status::DELISTED_CANCELED => Reason::Halted,
        _ => Reason::Other,
    }
}

fn reason_of_refusal(text: &str) -> Reason {
    match text {
        status::TICK_REJECTED => Reason::Tick,
        status::MIN_TRADE_NTL_REJECTED | status::MIN_TRADE_SPOT_NTL_REJECTED => Reason::MinNotional,
        status::PERP_MARGIN_REJECTED | status::INSUFFICIENT_SPOT_BALANCE_REJECTED => Reason::PerpMargin,
        status::REDUCE_ONLY_REJECTED => Reason::ReduceOnly,
        status::BAD_ALO_PX_REJECTED => Reason::BadAloPx,
        status::IOC_CANCEL_REJECTED => Reason::IocCancel,
        status::BAD_TRIGGER_PX_REJECTED => Reason::BadTriggerPx,
        status::MARKET_ORDER_NO_LIQUIDITY_REJECTED => Reason::NoLiquidity,
        status::ORACLE_REJECTED => Reason::PriceBand,
        status::POSITION_INCREASE_AT_OPEN_INTEREST_CAP_REJECTED
        | status::POSITION_FLIP_AT_OPEN_INTEREST_CAP_REJECTED
        | status::TOO_AGGRESSIVE_AT_OPEN_INTEREST_CAP_REJECTED
        | status::OPEN_INTEREST_INCREASE_REJECTED => Reason::OpenInterest,
        _ => Reason::Other,
    }
}

impl Wire for OrderState {
    fn read(value: Raw<'_>, field: &'static str) -> Result<Self, MessageError> {
        Wire::read(value, field).map(Self)
    }
    fn view(&self) -> View<'_> {
        View::Text(Cow::Borrowed(&self.0))
    }
}

impl OrderNews {
    /// As the trading system takes it: only of an order with an id of ours, and with a status that says something to us.
    #[must_use]
    pub fn update(&self, instrument: InstrumentId, local_time: Nanos) -> Option<OrderUpdate> {
        let status = match self.status.outcome() {
            Outcome::Open if self.order.is_trigger == Some(true) => OrderStatus::Waiting,
            Outcome::Open => OrderStatus::Resting,
            Outcome::Triggered => OrderStatus::Triggered,
            Outcome::Filled => OrderStatus::Filled,
            Outcome::Cancelled(reason) => OrderStatus::Cancelled(reason),
            Outcome::Rejected(reason) => OrderStatus::Rejected(reason),
            Outcome::Unknown => return None,
        };
        let (cloid, oid) = (self.order.cloid?, self.order.oid);
        Some(OrderUpdate { cloid, oid, instrument, status, time: self.status_time, local_time })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(status: &str, more: &str) -> OrderNews {
        let text = format!(
            r#"{{"order":{{"coin":"BTC","side":"B","limitPx":"10.0","sz":"0.0","oid":7,"timestamp":5,"origSz":"1.0"{more}}},"status":"{status}","statusTimestamp":6,"new":[]}}"#
        );
        OrderNews::read(Raw::whole(text.as_bytes(), "test").unwrap(), "test").unwrap()
    }

    #[test]
    fn statuses_that_are_new_are_sorted_by_their_endings_and_keep_their_text() {
        for (text, outcome) in [
            ("open", Outcome::Open),
            ("canceled", Outcome::Cancelled(Reason::Requested)),
            ("scheduledCancel", Outcome::Cancelled(Reason::ScheduledCancel)),
            ("fullMoonCanceled", Outcome::Cancelled(Reason::Other)),
            ("badAloPxRejected", Outcome::Rejected(Reason::BadAloPx)),
            ("fullMoonRejected", Outcome::Rejected(Reason::Other)),
            ("dreaming", Outcome::Unknown),
        ] {
            let news = news(text, "");
            assert_eq!((news.status.outcome(), &*news.status.0), (outcome, text));
        }
    }

    #[test]
    fn news_reach_the_system_only_with_an_id_of_ours() {
        let cloid = r#","cloid":"0x000000000000000000000000000000ff","reduceOnly":true"#;
        let update = news("filled", cloid).update(InstrumentId(3), Nanos::from_raw(9)).unwrap();
        assert_eq!((update.cloid, update.oid, update.status), (Cloid(255), 7, OrderStatus::Filled));
        assert_eq!((update.time.raw(), update.local_time.raw()), (6_000_000, 9));
        assert_eq!(news("filled", r#","cloid":null"#).update(InstrumentId(3), Nanos::ZERO), None);
        let gone = news("fullMoonCanceled", cloid).update(InstrumentId(3), Nanos::ZERO).unwrap();
        assert_eq!(gone.status, OrderStatus::Cancelled(Reason::Other), "an end is an end, whatever its name");
        assert_eq!(news("dreaming", cloid).update(InstrumentId(3), Nanos::ZERO), None);
    }
}
