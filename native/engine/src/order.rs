//! Orders: what a strategy asks for, what the system sends, and the states an order goes through.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::instrument::InstrumentId;
use crate::num::{Money, Price, Qty, Rate};
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

/// Why an order was refused or taken away, as the venue names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The quantity is not a multiple of the lot.
    Lot,
    /// The price is not on the tick grid.
    Tick,
    /// The notional is below the minimum.
    MinNotional,
    /// The id was used before.
    DuplicateCloid,
    /// A reduce-only order that would not reduce.
    ReduceOnly,
    /// The trigger is already reached.
    BadTriggerPx,
    /// Not enough margin.
    PerpMargin,
    /// A post-only order that would take.
    BadAloPx,
    /// An immediate-or-cancel order that met nothing, or its rest.
    IocCancel,
    /// No market to trade against.
    NoLiquidity,
    /// The order is not there (any more).
    NotFound,
    /// A resting order for which margin no longer suffices at its match.
    MarginCanceled,
    /// A resting reduce-only order whose position is gone.
    ReduceOnlyCanceled,
    /// Taken away by a liquidation.
    LiquidatedCanceled,
    /// Taken away by ourselves.
    Requested,
    /// Refused by our own risk limits, before the venue.
    Risk,
    /// It arrived after the time that it carries.
    ExpiredAction,
    /// The instrument is halted, delisted or settled.
    Halted,
    /// The price is too far from the mark.
    PriceBand,
    /// Only orders that add liquidity are taken now.
    PostOnlyPeriod,
    /// Too many open orders.
    OpenOrders,
    /// Too much open interest.
    OpenInterest,
    /// It met an order of our own that took.
    SelfTradeCanceled,
    /// Another order of its group was filled.
    SiblingFilledCanceled,
    /// The order that it hung on was taken away.
    ParentCanceled,
    /// Taken away by a cancel that was scheduled.
    ScheduledCancel,
    /// Lost on the way.
    Gateway,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 27] = [
        Self::Lot,
        Self::Tick,
        Self::MinNotional,
        Self::DuplicateCloid,
        Self::ReduceOnly,
        Self::BadTriggerPx,
        Self::PerpMargin,
        Self::BadAloPx,
        Self::IocCancel,
        Self::NoLiquidity,
        Self::NotFound,
        Self::MarginCanceled,
        Self::ReduceOnlyCanceled,
        Self::LiquidatedCanceled,
        Self::Requested,
        Self::Risk,
        Self::ExpiredAction,
        Self::Halted,
        Self::PriceBand,
        Self::PostOnlyPeriod,
        Self::OpenOrders,
        Self::OpenInterest,
        Self::SelfTradeCanceled,
        Self::SiblingFilledCanceled,
        Self::ParentCanceled,
        Self::ScheduledCancel,
        Self::Gateway,
    ];
    /// The code used in tables and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lot => "lot",
            Self::Tick => "tick",
            Self::MinNotional => "min_notional",
            Self::DuplicateCloid => "duplicate_cloid",
            Self::ReduceOnly => "reduce_only",
            Self::BadTriggerPx => "bad_trigger_px",
            Self::PerpMargin => "perp_margin",
            Self::BadAloPx => "bad_alo_px",
            Self::IocCancel => "ioc_cancel",
            Self::NoLiquidity => "no_liquidity",
            Self::NotFound => "not_found",
            Self::MarginCanceled => "margin_canceled",
            Self::ReduceOnlyCanceled => "reduce_only_canceled",
            Self::LiquidatedCanceled => "liquidated_canceled",
            Self::Requested => "requested",
            Self::Risk => "risk",
            Self::ExpiredAction => "expired_action",
            Self::Halted => "halted",
            Self::PriceBand => "price_band",
            Self::PostOnlyPeriod => "post_only_period",
            Self::OpenOrders => "open_orders",
            Self::OpenInterest => "open_interest",
            Self::SelfTradeCanceled => "self_trade_canceled",
            Self::SiblingFilledCanceled => "sibling_filled_canceled",
            Self::ParentCanceled => "parent_canceled",
            Self::ScheduledCancel => "scheduled_cancel",
            Self::Gateway => "gateway",
        }
    }
}

/// What became of an order or of an action on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// It rests in the book.
    Resting,
    /// A trigger order waits for its price.
    Waiting,
    /// A trigger order woke up.
    Triggered,
    /// Nothing is left of it.
    Filled,
    /// It is gone, with what was left.
    Cancelled(Reason),
    /// It was never accepted.
    Rejected(Reason),
    /// A cancel or modify was refused; the order itself is as it was.
    ActionRejected(Reason),
}

impl OrderStatus {
    /// Whether the order lives no longer.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Filled | Self::Cancelled(_) | Self::Rejected(_))
    }
    /// The state of this name; those that say why take a reason, the others none.
    #[must_use]
    pub fn from_name(name: &str, reason: Option<Reason>) -> Option<Self> {
        Some(match (name, reason) {
            ("resting", None) => Self::Resting,
            ("waiting", None) => Self::Waiting,
            ("triggered", None) => Self::Triggered,
            ("filled", None) => Self::Filled,
            ("cancelled", Some(reason)) => Self::Cancelled(reason),
            ("rejected", Some(reason)) => Self::Rejected(reason),
            ("action_rejected", Some(reason)) => Self::ActionRejected(reason),
            _ => return None,
        })
    }
    /// Its name, without the reason.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resting => "resting",
            Self::Waiting => "waiting",
            Self::Triggered => "triggered",
            Self::Filled => "filled",
            Self::Cancelled(_) => "cancelled",
            Self::Rejected(_) => "rejected",
            Self::ActionRejected(_) => "action_rejected",
        }
    }
    /// The reason of a refusal or cancellation.
    #[must_use]
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Cancelled(reason) | Self::Rejected(reason) | Self::ActionRejected(reason) => Some(reason),
            _ => None,
        }
    }
}

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
