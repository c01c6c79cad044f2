//! Events into the system and commands out of it: the whole contract between strategy, risk, venue and drivers.

use serde::{Deserialize, Serialize};

use crate::instrument::InstrumentId;
use crate::num::{Money, Price, Qty, Rate};
use crate::order::{Cloid, FillEvent, OrderEvent, OrderUpdate, Side};
use crate::row::Row;
use crate::time::Nanos;

/// Prices over an interval `[open_time, close_time)`, known at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// What was traded.
    pub instrument: InstrumentId,
    /// Public trades in it; 0 if not known.
    pub trades: u32,
    /// Where the interval starts.
    pub open_time: Nanos,
    /// Where it ends: nobody sees the bar before.
    pub close_time: Nanos,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Traded base units; `None` for data without volumes.
    pub volume: Option<Qty>,
}

impl Bar {
    /// The length of its interval.
    #[must_use]
    pub const fn resolution(&self) -> Nanos {
        self.close_time.since(self.open_time)
    }
}

/// A public print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trade {
    /// What was traded.
    pub instrument: InstrumentId,
    /// Who took: the buyer, the seller, or nobody knows.
    pub aggressor: Option<Side>,
    /// When, at the venue.
    pub exchange_time: Nanos,
    /// When it reached us.
    pub local_time: Nanos,
    /// At which price.
    pub price: Price,
    /// How much.
    pub quantity: Qty,
    /// The venue's trade id; 0 if not known.
    pub trade_id: u64,
}

/// Best bid and offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// What is quoted.
    pub instrument: InstrumentId,
    /// When, at the venue.
    pub exchange_time: Nanos,
    /// When it reached us.
    pub local_time: Nanos,
    /// Best bid.
    pub bid_price: Price,
    /// Quantity at the best bid.
    pub bid_quantity: Qty,
    /// Best offer.
    pub ask_price: Price,
    /// Quantity at the best offer.
    pub ask_quantity: Qty,
}

/// News from the market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MarketEvent {
    /// A bar has closed.
    Bar(Bar),
    /// A public print.
    Trade(Trade),
    /// A change of the best prices.
    Quote(Quote),
}

impl MarketEvent {
    /// What it is about.
    #[must_use]
    pub const fn instrument(&self) -> InstrumentId {
        match self {
            Self::Bar(bar) => bar.instrument,
            Self::Trade(trade) => trade.instrument,
            Self::Quote(quote) => quote.instrument,
        }
    }
    /// When it happened at the venue. A bar happens at its close.
    #[must_use]
    pub const fn time(&self) -> Nanos {
        match self {
            Self::Bar(bar) => bar.close_time,
            Self::Trade(trade) => trade.exchange_time,
            Self::Quote(quote) => quote.exchange_time,
        }
    }
    /// When the interval that it tells about began; the time itself, if it tells about none.
    #[must_use]
    pub const fn began(&self) -> Nanos {
        match self {
            Self::Bar(bar) => bar.open_time,
            other => other.time(),
        }
    }
    /// Order among kinds at one instant: a trade precedes the quote it causes, a bar sums up what came before.
    #[must_use]
    pub const fn kind_rank(&self) -> u8 {
        match self {
            Self::Trade(_) => 0,
            Self::Quote(_) => 3,
            Self::Bar(_) => 6,
        }
    }
}

/// A timer that a strategy had set has come due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerEvent {
    /// When it came due.
    pub time: Nanos,
    /// The id given by [`Command::SetTimer`].
    pub id: u64,
}

/// Money that moved without a fill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountEvent {
    /// A backstop liquidation took what was left.
    Backstop {
        /// When.
        time: Nanos,
        /// How much; below zero where the venue covered a loss beyond the margin.
        loss: Money,
    },
    /// Funding of a position was settled.
    Funding {
        /// When.
        time: Nanos,
        /// Of which position.
        instrument: InstrumentId,
        /// The rate of the hour.
        rate: Rate,
        /// The oracle price that the position was valued at.
        oracle: Price,
        /// What was paid, out of the account's cash; below zero it was received.
        payment: Money,
    },
    /// The fee of a fill for whoever built the order; it comes just before its fill.
    BuilderFee {
        /// When.
        time: Nanos,
        /// Of which instrument the fill is.
        instrument: InstrumentId,
        /// How much.
        fee: Money,
    },
    /// The venue's word on a position that differs from what fills have made of ours: from now on it is this.
    Position {
        /// When.
        time: Nanos,
        /// In what.
        instrument: InstrumentId,
        /// How much is held, signed.
        quantity: Qty,
        /// At what average price; zero when flat.
        entry: Price,
    },
    /// Money was paid in, or out with a negative amount.
    Transfer {
        /// When.
        time: Nanos,
        /// How much.
        amount: Money,
    },
}

impl AccountEvent {
    /// What it is about, if that is one instrument.
    #[must_use]
    pub const fn instrument(&self) -> Option<InstrumentId> {
        match self {
            Self::Backstop { .. } | Self::Transfer { .. } => None,
            Self::Funding { instrument, .. }
            | Self::BuilderFee { instrument, .. }
            | Self::Position { instrument, .. } => Some(*instrument),
        }
    }
    /// When it happened.
    #[must_use]
    pub const fn time(&self) -> Nanos {
        match self {
            Self::Backstop { time, .. }
            | Self::Funding { time, .. }
            | Self::BuilderFee { time, .. }
            | Self::Position { time, .. }
            | Self::Transfer { time, .. } => *time,
        }
    }
}

/// The operator's word. New ones are added at the end: the position is the code on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlEvent {
    /// Trading starts: strategies are told.
    Start {
        /// When.
        time: Nanos,
    },
    /// Trading ends: strategies are told, nothing is opened any more.
    Stop {
        /// When.
        time: Nanos,
    },
    /// What follows is history: strategies hear it, and nothing that they ask for is done.
    WarmUp {
        /// When.
        time: Nanos,
    },
    /// Only what brings positions closer to zero is done, until trading is resumed.
    Pause {
        /// When.
        time: Nanos,
    },
    /// Trading goes on, after a warm-up or a pause.
    Resume {
        /// When.
        time: Nanos,
    },
    /// All orders are taken away.
    CancelAll {
        /// When.
        time: Nanos,
    },
    /// All orders are taken away and all positions closed.
    Flatten {
        /// When.
        time: Nanos,
    },
    /// The run goes on in another process, whose orders have ids of their own.
    Takeover {
        /// When.
        time: Nanos,
        /// Part of those ids; above every one before it.
        epoch: u32,
    },
}

impl ControlEvent {
    /// When it was given.
    #[must_use]
    pub const fn time(&self) -> Nanos {
        match self {
            Self::Start { time }
            | Self::Stop { time }
            | Self::WarmUp { time }
            | Self::Pause { time }
            | Self::Resume { time }
            | Self::CancelAll { time }
            | Self::Flatten { time }
            | Self::Takeover { time, .. } => *time,
        }
    }
    /// Its name: `start`, `stop`, `warm_up`, `pause`, `resume`, `cancel_all`, `flatten` or `takeover`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::Stop { .. } => "stop",
            Self::WarmUp { .. } => "warm_up",
            Self::Pause { .. } => "pause",
            Self::Resume { .. } => "resume",
            Self::CancelAll { .. } => "cancel_all",
            Self::Flatten { .. } => "flatten",
            Self::Takeover { .. } => "takeover",
        }
    }
}

/// Everything that can enter [`crate::system::TradingSystem::step`], borrowed from where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// News from the market.
    Market(&'a MarketEvent),
    /// A stretch of tick data, in the order in which it reached us; of one instant or of several.
    Ticks(&'a [Row]),
    /// The venue's word on an order.
    Order(&'a OrderUpdate),
    /// An execution of ours.
    Fill(&'a FillEvent),
    /// Money that moved without a fill.
    Account(&'a AccountEvent),
    /// A timer came due.
    Timer(TimerEvent),
    /// The operator's word.
    Control(&'a ControlEvent),
}

impl Event<'_> {
    /// When it happened.
    #[must_use]
    pub const fn time(&self) -> Nanos {
        match self {
            Self::Market(event) => event.time(),
            Self::Ticks(rows) => match rows {
                [.., last] => last.local_time,
                [] => Nanos::MIN,
            },
            Self::Order(update) => update.local_time,
            Self::Fill(fill) => fill.local_time,
            Self::Account(event) => event.time(),
            Self::Timer(timer) => timer.time,
            Self::Control(control) => control.time(),
        }
    }
}

/// What a strategy wants: a target, not an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalKind {
    /// Be long.
    Long,
    /// Be short.
    Short,
    /// Be flat.
    Exit,
}

/// A target for one instrument, with a strength that scales its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalEvent {
    /// What it is about.
    pub instrument: InstrumentId,
    /// Long, short or flat.
    pub kind: SignalKind,
    /// Scales the size; 1 is the whole of it.
    pub strength: Rate,
}

/// How loud a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// For the record.
    Info,
    /// Somebody should look.
    Warning,
    /// Something failed.
    Error,
}

/// What the system asks its driver to do. New kinds are added at the end: the position is the code on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Send an order.
    Submit(OrderEvent),
    /// Record an order that risk refused; it is not sent.
    Refuse(OrderEvent),
    /// Change price and remaining quantity of an order.
    Modify {
        /// Which order.
        cloid: Cloid,
        /// Of which instrument.
        instrument: InstrumentId,
        /// The new limit price.
        price: Price,
        /// The new remaining quantity.
        quantity: Qty,
    },
    /// Take an order away.
    Cancel {
        /// Which order.
        cloid: Cloid,
        /// Of which instrument.
        instrument: InstrumentId,
    },
    /// Take all orders away at a time, unless it is moved; `None` takes the plan back.
    ScheduleCancel {
        /// When, at the venue.
        time: Option<Nanos>,
    },
    /// Call back at a time.
    SetTimer {
        /// When.
        time: Nanos,
        /// Given back with [`TimerEvent`].
        id: u64,
    },
    /// Tell a person.
    Notice {
        /// How loud.
        level: Level,
        /// What.
        text: String,
    },
    /// Record an order that the strategy wanted while the bot was paused; it is not sent.
    Withhold(OrderEvent),
}
