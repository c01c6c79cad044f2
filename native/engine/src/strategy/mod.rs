//! Strategies: the trait, what they see, what they ask for, and the built-in ones.

pub mod apart;
mod builtin;
pub mod compiled;
mod context;
mod direction;
mod grid;
mod ma_crossover;
mod market_maker;
mod params;
mod quoting;
mod rsi;

pub use builtin::{Builtin, Declared};
pub use context::{Context, Intent, OrderRequest};
pub use grid::Grid;
pub use ma_crossover::MaCrossover;
pub use market_maker::MarketMaker;
pub use params::{ParamError, ParamSpec, Params, Value, nearest};
pub use rsi::RsiStrategy;

use serde::{Deserialize, Serialize};

use crate::bars::Rule;
use crate::event::{Bar, Event, Quote, TimerEvent, Trade};
use crate::instrument::InstrumentId;
use crate::order::{FillEvent, OrderUpdate};

/// What a strategy failed with; the system stops and says at which event.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StrategyError(#[from] pub Box<dyn std::error::Error + Send + Sync>);

impl From<crate::num::NumError> for StrategyError {
    fn from(error: crate::num::NumError) -> Self {
        Self(Box::new(error))
    }
}

/// Which market data of ticks wake a strategy. Its timers, fills and order updates always do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Wakes {
    /// Each public print.
    pub trades: bool,
    /// Each change of a best price.
    pub quotes: bool,
    /// Each batch of changes of a book.
    pub books: bool,
}

impl Wakes {
    /// Whether nothing does.
    #[must_use]
    pub const fn is_none(self) -> bool {
        !(self.trades || self.quotes || self.books)
    }
}

/// A strategy is woken by events and answers through the [`Context`]: with signals, orders or timers.
///
/// Every method has an empty default, so that a strategy says only what it cares about.
pub trait Strategy {
    /// Bars wanted besides those of the data, of every instrument; built from its bars and trades.
    fn resolutions(&self) -> Vec<Rule> {
        Vec::new()
    }
    /// Which tick data wake it; where none do, books are brought up to date in one go.
    fn wakes(&self) -> Wakes {
        Wakes::default()
    }
    /// How many bars of each instrument it has to hear before it may trade.
    fn warm_up(&self) -> usize {
        0
    }
    /// An event is about to be stepped: for a strategy that has to ask elsewhere what it will want.
    ///
    /// # Errors
    /// See [`Strategy::on_start`].
    fn foresee(&mut self, _event: Event<'_>) -> Result<(), StrategyError> {
        Ok(())
    }
    /// Trading starts.
    ///
    /// # Errors
    /// Whatever the strategy failed with; so in all methods.
    fn on_start(&mut self, _ctx: &mut Context<'_>) -> Result<(), StrategyError> {
        Ok(())
    }
    /// A bar has closed.
    ///
    /// # Errors
    /// See [`Strategy::on_start`].
    fn on_bar(&mut self, _ctx: &mut Context<'_>, _bar: &Bar) -> Result<(), StrategyError> {
        Ok(())
    }
    /// A bar of one of [`Strategy::resolutions`] is complete. What completes it is told first, unless it came later.
    ///
    /// # Errors
    /// See [`Strategy::on_start`].
    fn on_built_bar(&mut self, ctx: &mut Context<'_>, bar: &Bar, _rule: Rule) -> Result<(), StrategyError> {
        self.on_bar(ctx, bar)
    }
    /// A public print.
    ///
    /// # Errors
    /// See [`Strategy::on_start`].
    fn on_trade(&mut self, _ctx: &mut Context<'_>, _trade: &Trade) -> Result<(), StrategyError> {
        Ok(())
    }
    /// A change of the best prices.
    ///
    /// # Errors
    /// See [`Strategy::on_start`].
    fn on_quote(&mut self, _ctx: &mut Context<'_>, _quote: &Quote) -> Result<(), StrategyError> {
        Ok(())
    }
    /// A book has changed, by a whole batch.
    ///
    /// # Errors
    /// See [`Strategy::on_start`].
    fn on_book(&mut self, _ctx: &mut Context<'_>, _instrument: InstrumentId) -> Result<(), StrategyError> {
        Ok(())
    }
    /// An execution of ours; the account has it already.
    ///
    /// # Errors
    /// See [`Strategy::on_start`].
    fn on_fill(&mut self, _ctx: &mut Context<'_>, _fill: &FillEvent) -> Result<(), StrategyError> {
        Ok(())
    }
    /// The venue's word on an order of ours.
    ///
    /// # Errors
    /// See [`Strategy::on_start`].
    fn on_order(&mut self, _ctx: &mut Context<'_>, _update: &OrderUpdate) -> Result<(), StrategyError> {
        Ok(())
    }
    /// A timer came due.
    ///
    /// # Errors
    /// See [`Strategy::on_start`].
    fn on_timer(&mut self, _ctx: &mut Context<'_>, _timer: TimerEvent) -> Result<(), StrategyError> {
        Ok(())
    }
    /// Trading ends; orders given here are not sent any more.
    ///
    /// # Errors
    /// See [`Strategy::on_start`].
    fn on_stop(&mut self, _ctx: &mut Context<'_>) -> Result<(), StrategyError> {
        Ok(())
    }
}
