//! What becomes of an order: its states, and the reasons for an end.

use serde::{Deserialize, Serialize};

/// Why an order was refused or taken away, as the venue names it. New ones are added at the end: the position is the code on disk.
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
    /// Refused: the tokens are not there, or held by other orders.
    SpotBalance,
    /// The venue knows no such order.
    Unsupported,
    /// The venue gave a reason that we have no name for; its text is in the log.
    Other,
    /// Refused by ourselves: the bot is warming up, or paused.
    NotTrading,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 31] = [
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
        Self::SpotBalance,
        Self::Unsupported,
        Self::Other,
        Self::NotTrading,
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
            Self::SpotBalance => "spot_balance",
            Self::Unsupported => "unsupported",
            Self::Other => "other",
            Self::NotTrading => "not_trading",
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
