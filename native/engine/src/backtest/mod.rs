//! Backtest drivers: market data, a trading system and a simulated venue in one deterministic loop.
//!
//! [`Backtest`] runs over bars and other events of one clock, [`TickBacktest`] over tick data, which have two.

mod arrivals;
mod bars;
mod feed;
mod heard;
mod marks;
mod session;
mod ticks;

pub use bars::Backtest;
pub use heard::HeardRows;
pub use marks::{Best, FillMark, HORIZONS, TickRecords};
pub use ticks::TickBacktest;

use crate::journal::JournalError;
use crate::num::{Money, NumError};
use crate::record::Records;
use crate::stream::SourceError;
use crate::system::SystemError;
use crate::time::Nanos;

/// More rounds than this at one instant are an endless conversation between strategy and venue.
const ROUNDS_MAX: usize = 1_000;
/// How many events pass between two looks at progress and interruption.
const POLL: u64 = 1 << 16;

/// Why a backtest stopped.
#[derive(Debug, thiserror::Error)]
pub enum BacktestError {
    /// The data cannot be trusted.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// There are no data.
    #[error("there are no market data to run on")]
    Empty,
    /// Strategy, risk or account failed.
    #[error(transparent)]
    System(#[from] SystemError),
    /// A number left its range at the venue or in the statistics.
    #[error(transparent)]
    Number(#[from] NumError),
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The strategy and the venue talk without end.
    #[error(
        "at {time}: more than {ROUNDS_MAX} rounds at one instant: the strategy answers each report with an order that is answered at once"
    )]
    Endless {
        /// When.
        time: Nanos,
    },
    /// It was asked to stop.
    #[error("interrupted after {events} events")]
    Interrupted {
        /// Events done.
        events: u64,
    },
}

/// What a backtest gives.
#[derive(Debug)]
pub struct Outcome {
    /// Fills, orders, equity, statistics, digest.
    pub records: Records,
    /// The beginning of the first bar, or the time of the first event.
    pub start: Nanos,
    /// The time of the last event.
    pub end: Nanos,
    /// Market events.
    pub events: u64,
    /// Equity at the end.
    pub final_equity: Money,
    /// Where the market was around fills; empty for bars, and where only statistics are kept.
    pub ticks: TickRecords,
}

/// Looks at progress from time to time: gets the number of events done and the present time, returns false to interrupt.
pub type Poll<'a> = dyn FnMut(u64, Nanos) -> bool + 'a;
