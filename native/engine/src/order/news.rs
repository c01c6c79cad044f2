//! What the venue tells of our orders: news of their states, and fills.

use serde::{Deserialize, Serialize};

use crate::instrument::InstrumentId;
use crate::num::{Money, Price, Qty};
use crate::order::{Cloid, OrderStatus, Side};
use crate::time::Nanos;

/// The venue's word on an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderUpdate {
    /// Our id.
    pub cloid: Cloid,
    /// The venue's id; 0 where it has none (a refused order).
    pub oid: u64,
    /// What is traded.
    pub instrument: InstrumentId,
    /// The state from now on.
    pub status: OrderStatus,
    /// When, at the venue.
    pub time: Nanos,
    /// When we heard of it.
    pub local_time: Nanos,
}

/// Whether a fill made or took liquidity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Liquidity {
    /// It rested and was met.
    Maker,
    /// It met what rested.
    Taker,
}

impl Liquidity {
    /// `maker` or `taker`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Maker => "maker",
            Self::Taker => "taker",
        }
    }
}

/// By which rule a simulated fill came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FillReason {
    /// Taken from the other side.
    Taker,
    /// Inside a bar, by the bar rules.
    Bar,
    /// Forced by the venue.
    Liquidation,
    /// A print at its price, after those ahead of it in the queue.
    Queue,
    /// A print beyond its price.
    Through,
    /// The other side of the book reached its price.
    Cross,
    /// An order behind it in the queue was executed.
    L3,
}

impl FillReason {
    /// Every rule.
    pub const ALL: [Self; 7] =
        [Self::Taker, Self::Bar, Self::Liquidation, Self::Queue, Self::Through, Self::Cross, Self::L3];
    /// The code used in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Taker => "taker",
            Self::Bar => "bar",
            Self::Liquidation => "liquidation",
            Self::Queue => "queue",
            Self::Through => "through",
            Self::Cross => "cross",
            Self::L3 => "l3",
        }
    }
}

/// An execution of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FillEvent {
    /// Our order id.
    pub cloid: Cloid,
    /// The venue's order id.
    pub oid: u64,
    /// The venue's trade id, unique per fill.
    pub trade_id: u64,
    /// What was traded.
    pub instrument: InstrumentId,
    /// Bought or sold.
    pub side: Side,
    /// At which price.
    pub price: Price,
    /// How much, above zero.
    pub quantity: Qty,
    /// What it cost; negative is a rebate.
    pub fee: Money,
    /// Made or took.
    pub liquidity: Liquidity,
    /// By which rule.
    pub reason: FillReason,
    /// What stood ahead of the order when it arrived at its level; `None` if it never rested, or nobody knows.
    pub ahead_at_arrival: Option<Qty>,
    /// When, at the venue.
    pub time: Nanos,
    /// When we heard of it.
    pub local_time: Nanos,
}
