//! Orders: what a strategy asks for, what the system sends, and the states an order goes through.

mod news;
mod status;

pub use news::{FillEvent, FillReason, Liquidity, OrderUpdate};
pub use status::{OrderStatus, Reason};

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::instrument::InstrumentId;
use crate::num::{Price, Qty, Rate};
use crate::time::Nanos;

/// Buy or sell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Adds to the position.
    Buy,
    /// Takes from the position.
    Sell,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
    /// +1 for a buy, −1 for a sell.
    #[must_use]
    pub const fn sign(self) -> i64 {
        match self {
            Self::Buy => 1,
            Self::Sell => -1,
        }
    }
    /// A quantity with this side's sign.
    #[must_use]
    pub const fn signed(self, quantity: Qty) -> Qty {
        Qty::from_raw(quantity.raw() * self.sign())
    }
    /// The side of a signed quantity, `None` for zero.
    #[must_use]
    pub const fn of(quantity: Qty) -> Option<Self> {
        match quantity.raw() {
            0 => None,
            1.. => Some(Self::Buy),
            _ => Some(Self::Sell),
        }
    }
    /// `buy` or `sell`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

/// Our order id: a function of (bot id, run epoch, sequence number) alone, so that a replay gives the same ids.
///
/// Layout of the 128 bits: 32 of a hash of the bot id, 32 of the epoch, 64 of the sequence number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cloid(pub u128);

impl Cloid {
    /// The id of the `sequence`-th order of a bot in a run.
    #[must_use]
    pub fn new(bot: u32, epoch: u32, sequence: u64) -> Self {
        Self(u128::from(bot) << 96 | u128::from(epoch) << 64 | u128::from(sequence))
    }
    /// The part that all ids of a bot have in common: the first 32 bits.
    #[must_use]
    pub fn tag(bot_id: &str) -> u32 {
        let [a, b, c, d, ..] = *blake3::hash(bot_id.as_bytes()).as_bytes();
        u32::from_le_bytes([a, b, c, d])
    }
    /// The run in it.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the 32 bits above the sequence number are the epoch")]
    pub const fn epoch(self) -> u32 {
        (self.0 >> 64) as u32
    }
    /// The sequence number in it.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the low 64 bits are the sequence number")]
    pub const fn sequence(self) -> u64 {
        self.0 as u64
    }
}
impl fmt::Display for Cloid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#034x}", self.0)
    }
}
impl fmt::Debug for Cloid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cloid({self})")
    }
}

/// How far a trailing stop stays behind the best price since it was placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trail {
    /// By an amount.
    Absolute(Price),
    /// By a fraction of that best price.
    Fraction(Rate),
}

/// What kind of order, with its prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderKind {
    /// At once, at what the market offers.
    Market,
    /// At `price` or better.
    Limit {
        /// The worst price accepted.
        price: Price,
    },
    /// A market order once the price has moved against the position to `trigger`.
    Stop {
        /// Where it wakes.
        trigger: Price,
    },
    /// A limit order at `price` once the price has moved against the position to `trigger`.
    StopLimit {
        /// Where it wakes.
        trigger: Price,
        /// The worst price accepted then.
        price: Price,
    },
    /// A market order once the price has moved in favour to `trigger`.
    TakeProfit {
        /// Where it wakes.
        trigger: Price,
    },
    /// A limit order at `price` once the price has moved in favour to `trigger`.
    TakeProfitLimit {
        /// Where it wakes.
        trigger: Price,
        /// The worst price accepted then.
        price: Price,
    },
    /// A stop whose trigger follows the best price at a distance.
    TrailingStop {
        /// The distance.
        trail: Trail,
    },
    /// Market orders spread evenly over a time, one slice every 30 seconds.
    Twap {
        /// How long.
        duration: Nanos,
    },
}

impl OrderKind {
    /// The same kind at another price: the limit of orders that have one, else the trigger.
    #[must_use]
    pub const fn moved_to(self, price: Price) -> Self {
        match self {
            Self::Limit { .. } => Self::Limit { price },
            Self::Stop { .. } => Self::Stop { trigger: price },
            Self::TakeProfit { .. } => Self::TakeProfit { trigger: price },
            Self::StopLimit { trigger, .. } => Self::StopLimit { trigger, price },
            Self::TakeProfitLimit { trigger, .. } => Self::TakeProfitLimit { trigger, price },
            Self::Market | Self::TrailingStop { .. } | Self::Twap { .. } => self,
        }
    }
    /// The limit price, for the kinds that have one.
    #[must_use]
    pub const fn price(self) -> Option<Price> {
        match self {
            Self::Limit { price } | Self::StopLimit { price, .. } | Self::TakeProfitLimit { price, .. } => Some(price),
            _ => None,
        }
    }
    /// The trigger price, for the kinds that have one.
    #[must_use]
    pub const fn trigger(self) -> Option<Price> {
        match self {
            Self::Stop { trigger }
            | Self::StopLimit { trigger, .. }
            | Self::TakeProfit { trigger }
            | Self::TakeProfitLimit { trigger, .. } => Some(trigger),
            _ => None,
        }
    }
    /// Its name: `market`, `limit`, `stop`, `stop_limit`, `take_profit`, `take_profit_limit`, `trailing_stop`, `twap`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Market => "market",
            Self::Limit { .. } => "limit",
            Self::Stop { .. } => "stop",
            Self::StopLimit { .. } => "stop_limit",
            Self::TakeProfit { .. } => "take_profit",
            Self::TakeProfitLimit { .. } => "take_profit_limit",
            Self::TrailingStop { .. } => "trailing_stop",
            Self::Twap { .. } => "twap",
        }
    }
}

/// How long a limit order works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeInForce {
    /// Good till cancelled.
    #[default]
    Gtc,
    /// Immediate or cancel: what does not fill at once is cancelled.
    Ioc,
    /// Add liquidity only: refused if it would take.
    Alo,
    /// Fill or kill: all at once, or nothing.
    Fok,
}

impl TimeInForce {
    /// `gtc`, `ioc`, `alo` or `fok`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gtc => "gtc",
            Self::Ioc => "ioc",
            Self::Alo => "alo",
            Self::Fok => "fok",
        }
    }
}

/// What an order hangs on besides itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Nothing.
    #[default]
    None,
    /// It wakes when this order of ours is filled, dies with it, and goes when another child of it is filled.
    Child(Cloid),
    /// It is for the position as large as it is when it triggers, and goes with it.
    Position,
}

/// A sized order, as the system sends it to an execution handler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderEvent {
    /// Our id.
    pub cloid: Cloid,
    /// What is traded.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// How much, above zero.
    pub quantity: Qty,
    /// Market, limit, stop, …
    pub kind: OrderKind,
    /// How long a limit works.
    pub time_in_force: TimeInForce,
    /// May only bring the position closer to zero.
    pub reduce_only: bool,
    /// What it hangs on.
    pub group: Group,
    /// The venue refuses it if it arrives later.
    pub expires_after: Option<Nanos>,
    /// When it was decided.
    pub time: Nanos,
    /// The last price known then: against it slippage is measured.
    pub decision_price: Price,
}
