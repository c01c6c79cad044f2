//! The built-in strategies by name.

use crate::event::{Bar, Quote, TimerEvent, Trade};
use crate::instrument::InstrumentId;
use crate::order::{FillEvent, OrderUpdate};
use crate::strategy::{
    Context, Grid, MaCrossover, MarketMaker, ParamError, ParamSpec, Params, RsiStrategy, Strategy, StrategyError,
    Value, Wakes, nearest,
};

/// A strategy that comes with the engine.
#[derive(Debug, Clone)]
pub enum Builtin {
    /// `ma_crossover`.
    MaCrossover(MaCrossover),
    /// `rsi`.
    Rsi(RsiStrategy),
    /// `grid`.
    Grid(Grid),
    /// `market_maker`.
    MarketMaker(MarketMaker),
}

/// The name, meaning and parameters of a built-in strategy.
pub struct Declared {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub help: &'static str,
    /// Its parameters.
    pub params: fn() -> Vec<ParamSpec>,
    build: fn(&Params) -> Result<Builtin, ParamError>,
}

impl Builtin {
    /// Every built-in strategy.
    pub const ALL: [Declared; 4] = [
        Declared {
            name: "ma_crossover",
            help: MaCrossover::HELP,
            params: MaCrossover::params,
            build: |p| MaCrossover::new(p).map(Self::MaCrossover),
        },
        Declared {
            name: "rsi",
            help: RsiStrategy::HELP,
            params: RsiStrategy::params,
            build: |p| RsiStrategy::new(p).map(Self::Rsi),
        },
        Declared { name: "grid", help: Grid::HELP, params: Grid::params, build: |p| Grid::new(p).map(Self::Grid) },
        Declared {
            name: "market_maker",
            help: MarketMaker::HELP,
            params: MarketMaker::params,
            build: |p| MarketMaker::new(p).map(Self::MarketMaker),
        },
    ];

    /// The declaration of a name.
    ///
    /// # Errors
    /// [`ParamError::NoStrategy`] with the nearest name.
    pub fn declared(name: &str) -> Result<&'static Declared, ParamError> {
        const ALL: &[Declared] = &Builtin::ALL;
        ALL.iter().find(|d| d.name == name).ok_or_else(|| {
            let names: Vec<&str> = ALL.iter().map(|d| d.name).collect();
            ParamError::NoStrategy { name: name.into(), suggestion: nearest(name, &names), known: names.join(", ") }
        })
    }

    /// Builds a strategy from its name and parameters; what is not given has its default.
    ///
    /// # Errors
    /// [`ParamError`].
    pub fn create(name: &str, given: &[(String, Value)]) -> Result<(Self, Params), ParamError> {
        let declared = Self::declared(name)?;
        let params = Params::resolve(name, &(declared.params)(), given)?;
        Ok(((declared.build)(&params)?, params))
    }
}

macro_rules! each {
    ($self:ident, $strategy:ident => $call:expr) => {
        match $self {
            Self::MaCrossover($strategy) => $call,
            Self::Rsi($strategy) => $call,
            Self::Grid($strategy) => $call,
            Self::MarketMaker($strategy) => $call,
        }
    };
}

impl Strategy for Builtin {
    fn wakes(&self) -> Wakes {
        each!(self, s => s.wakes())
    }
    fn warm_up(&self) -> usize {
        each!(self, s => s.warm_up())
    }
    fn on_start(&mut self, ctx: &mut Context<'_>) -> Result<(), StrategyError> {
        each!(self, s => s.on_start(ctx))
    }
    #[inline]
    fn on_bar(&mut self, ctx: &mut Context<'_>, bar: &Bar) -> Result<(), StrategyError> {
        each!(self, s => s.on_bar(ctx, bar))
    }
    fn on_trade(&mut self, ctx: &mut Context<'_>, trade: &Trade) -> Result<(), StrategyError> {
        each!(self, s => s.on_trade(ctx, trade))
    }
    fn on_quote(&mut self, ctx: &mut Context<'_>, quote: &Quote) -> Result<(), StrategyError> {
        each!(self, s => s.on_quote(ctx, quote))
    }
    fn on_book(&mut self, ctx: &mut Context<'_>, instrument: InstrumentId) -> Result<(), StrategyError> {
        each!(self, s => s.on_book(ctx, instrument))
    }
    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &FillEvent) -> Result<(), StrategyError> {
        each!(self, s => s.on_fill(ctx, fill))
    }
    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) -> Result<(), StrategyError> {
        each!(self, s => s.on_order(ctx, update))
    }
    fn on_timer(&mut self, ctx: &mut Context<'_>, timer: TimerEvent) -> Result<(), StrategyError> {
        each!(self, s => s.on_timer(ctx, timer))
    }
    fn on_stop(&mut self, ctx: &mut Context<'_>) -> Result<(), StrategyError> {
        each!(self, s => s.on_stop(ctx))
    }
}
