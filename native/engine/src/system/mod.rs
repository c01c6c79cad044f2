//! The trading system: a deterministic state machine, `step(event) -> commands`.
//!
//! Inside a step, always in this order: market, account, strategy, risk, orders (ARCHITECTURE.md).

mod intents;
mod operator;
mod ticks;

use crate::bars::{AggregateError, Aggregator, Rule};
use crate::event::{Bar, Command, ControlEvent, Event, MarketEvent, SignalEvent};
use crate::instrument::{InstrumentId, Instruments};
use crate::num::{Money, NumError, Price};
use crate::order::{Cloid, OrderStatus, OrderUpdate};
use crate::risk::{RiskError, RiskManager};
use crate::strategy::{Context, Intent, Strategy, StrategyError, Wakes};
use crate::time::Nanos;
use crate::world::World;

/// How often risk may refuse and the strategy try again within one step.
const MAX_RETRIES: usize = 1_000;

/// Why a step failed. The system must not be stepped again.
#[derive(Debug, thiserror::Error)]
pub enum SystemError {
    /// The strategy failed.
    #[error("the strategy failed at {time}: {source}")]
    Strategy {
        /// At which event.
        time: Nanos,
        /// With what.
        source: StrategyError,
    },
    /// The risk manager failed.
    #[error("the risk manager failed at {time}: {source}")]
    Risk {
        /// At which event.
        time: Nanos,
        /// With what.
        source: RiskError,
    },
    /// The bars that the strategy wants cannot be made from the data.
    #[error("at {time}: the strategy wants bars of {rule}: {reason}")]
    Resolution {
        /// At which event.
        time: Nanos,
        /// Which bars.
        rule: Rule,
        /// Why not.
        reason: String,
    },
    /// A number left its range.
    #[error("at {time}: {source}")]
    Number {
        /// At which event.
        time: Nanos,
        /// Which.
        source: NumError,
    },
    /// Ids of the epoch in which the run was to go on may have been given already.
    #[error(
        "at {time}: the run cannot go on in epoch {given}: it is in epoch {epoch}, and order ids must not be given twice; \
         give a larger one"
    )]
    Epoch {
        /// At which event.
        time: Nanos,
        /// Which was given.
        given: u32,
        /// In which the run is.
        epoch: u32,
    },
    /// The strategy answers every refusal with another order.
    #[error(
        "at {time}: more than {MAX_RETRIES} orders refused in one step: the strategy answers each refusal with an order"
    )]
    Endless {
        /// At which event.
        time: Nanos,
    },
}

/// The last target of an instrument and the order that works towards it.
#[derive(Debug, Clone, Copy, Default)]
struct Target {
    signal: Option<SignalEvent>,
    working: Option<Cloid>,
}

/// Strategy, risk and orders around one account.
#[derive(Debug)]
pub struct TradingSystem<S, R> {
    world: World,
    strategy: S,
    risk: R,
    targets: Vec<Target>,
    intents: Vec<Intent>,
    ids: u64,
    /// Which tick data wake the strategy.
    wakes: Wakes,
    /// The best prices that the strategy was last told, by instrument.
    best: Vec<Option<(Price, Price)>>,
    /// What builds the bars that the strategy wants besides those of the data, by instrument.
    builders: Vec<Vec<Aggregator>>,
    built: Vec<Bar>,
}

impl<S: Strategy, R: RiskManager> TradingSystem<S, R> {
    /// A system for a bot in its `epoch`-th run, with an account of `deposit` and no positions.
    #[must_use]
    pub fn new(bot_id: &str, epoch: u32, instruments: Instruments, deposit: Money, strategy: S, risk: R) -> Self {
        Self::around(World::new(bot_id, epoch, instruments, deposit), strategy, risk)
    }

    /// A system around a world.
    #[must_use]
    pub fn around(world: World, strategy: S, risk: R) -> Self {
        let count = world.instruments.len();
        Self {
            wakes: Wakes::default(),
            best: vec![None; world.books.len()],
            world,
            strategy,
            risk,
            targets: vec![Target::default(); count],
            intents: Vec::new(),
            ids: 0,
            builders: Vec::new(),
            built: Vec::new(),
        }
    }

    /// All that is known.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// The strategy.
    #[must_use]
    pub const fn strategy(&self) -> &S {
        &self.strategy
    }

    /// The strategy, for whoever has to hear from it what it was asked.
    pub(crate) const fn strategy_mut(&mut self) -> &mut S {
        &mut self.strategy
    }

    /// Whether it builds bars out of trades.
    #[must_use]
    pub fn builds_bars(&self) -> bool {
        !self.builders.is_empty()
    }

    /// Takes one event in and appends what is to be done to `commands`.
    ///
    /// # Errors
    /// [`SystemError`]; the system must not be stepped again.
    #[inline(always)] // as in the driver
    pub fn step(&mut self, event: Event<'_>, commands: &mut Vec<Command>) -> Result<(), SystemError> {
        self.world.now = self.world.now.max(event.time());
        let now = self.world.now;
        let number = |source| SystemError::Number { time: now, source };
        self.strategy.foresee(event).map_err(|source| SystemError::Strategy { time: now, source })?;
        match event {
            Event::Market(market) => {
                self.on_market(market).map_err(number)?;
                self.risk.on_market(&self.world, market).map_err(|source| SystemError::Risk { time: now, source })?;
            }
            Event::Fill(fill) => {
                self.world.account.apply_fill(fill).map_err(number)?;
                self.world.orders.on_fill(fill).map_err(number)?;
            }
            Event::Order(update) => self.on_update(update),
            Event::Account(event) => self.world.account.apply(event).map_err(number)?,
            Event::Control(control) => self.on_control(control, commands)?,
            Event::Ticks(rows) => self.on_ticks(rows)?,
            Event::Timer(_) => {}
        }
        // What may complete a bar that the strategy wants.
        let input = match event {
            Event::Market(market) if !self.builders.is_empty() => Some(market),
            _ => None,
        };
        if let Some(market) = input {
            self.build(market.instrument(), |builder, built| {
                builder.flush(market.began(), built);
                Ok(())
            })?;
        }
        self.wake(|strategy, ctx| match event {
            Event::Market(MarketEvent::Bar(bar)) => strategy.on_bar(ctx, bar),
            Event::Market(MarketEvent::Trade(trade)) => strategy.on_trade(ctx, trade),
            Event::Market(MarketEvent::Quote(quote)) => strategy.on_quote(ctx, quote),
            Event::Fill(fill) => strategy.on_fill(ctx, fill),
            Event::Order(update) => strategy.on_order(ctx, update),
            Event::Timer(timer) => strategy.on_timer(ctx, timer),
            Event::Account(_) | Event::Ticks(_) => Ok(()),
            Event::Control(ControlEvent::Start { .. }) => strategy.on_start(ctx),
            Event::Control(ControlEvent::Stop { .. }) => strategy.on_stop(ctx),
            Event::Control(_) => Ok(()),
        })?;
        if let Some(market) = input {
            self.build(market.instrument(), |builder, built| match market {
                MarketEvent::Bar(bar) if builder.rule() == Rule::Time(bar.resolution()) => Ok(()),
                MarketEvent::Bar(bar) => builder.push_bar(bar, built),
                MarketEvent::Trade(trade) => builder.push_trade(trade, built),
                MarketEvent::Quote(_) => Ok(()),
            })?;
        }
        if matches!(event, Event::Control(ControlEvent::Stop { .. })) {
            self.intents.clear();
        }
        if self.intents.is_empty() { Ok(()) } else { self.carry_out(commands) }
    }

    #[inline]
    fn on_market(&mut self, event: &MarketEvent) -> Result<(), NumError> {
        match event {
            MarketEvent::Bar(Bar { instrument, close, .. }) => self.world.account.set_mark(*instrument, *close),
            MarketEvent::Trade(trade) => self.world.account.set_mark(trade.instrument, trade.price),
            MarketEvent::Quote(quote) => {
                let middle = quote.bid_price.raw().midpoint(quote.ask_price.raw());
                self.world.account.set_mark(quote.instrument, Price::from_raw(middle))
            }
        }
    }

    fn make_builders(&mut self) -> Result<(), SystemError> {
        self.wakes = self.strategy.wakes();
        let rules = self.strategy.resolutions();
        if rules.is_empty() {
            return Ok(());
        }
        let time = self.world.now;
        let make = |rule: &Rule| {
            let reason =
                |error: AggregateError| SystemError::Resolution { time, rule: *rule, reason: error.to_string() };
            Aggregator::new(*rule).map_err(reason)
        };
        let builders = rules.iter().map(make).collect::<Result<Vec<_>, _>>()?;
        self.builders = vec![builders; self.world.instruments.len()];
        Ok(())
    }

    /// Lets the builders of an instrument work, and tells the strategy of the bars that are complete.
    fn build(
        &mut self,
        instrument: InstrumentId,
        work: impl Fn(&mut Aggregator, &mut Vec<Bar>) -> Result<(), AggregateError>,
    ) -> Result<(), SystemError> {
        let time = self.world.now;
        let Some(builders) = self.builders.get_mut(instrument.index()) else { return Ok(()) };
        let mut builders = std::mem::take(builders);
        let mut built = std::mem::take(&mut self.built);
        for builder in &mut builders {
            let rule = builder.rule();
            let reason = |error: AggregateError| SystemError::Resolution { time, rule, reason: error.to_string() };
            work(builder, &mut built).map_err(reason)?;
            for bar in built.drain(..) {
                self.wake(|strategy, ctx| strategy.on_built_bar(ctx, &bar, rule))?;
            }
        }
        self.built = built;
        if let Some(place) = self.builders.get_mut(instrument.index()) {
            *place = builders;
        }
        Ok(())
    }

    fn on_update(&mut self, update: &OrderUpdate) {
        self.world.orders.on_update(update);
        let Some(target) = self.targets.get_mut(update.instrument.index()) else { return };
        if target.working == Some(update.cloid) && update.status.is_final() {
            target.working = None;
            if update.status != OrderStatus::Filled {
                // The target was not reached: the same signal given again is a new try.
                target.signal = None;
            }
        }
    }

    #[inline]
    fn wake(
        &mut self,
        call: impl FnOnce(&mut S, &mut Context<'_>) -> Result<(), StrategyError>,
    ) -> Result<(), SystemError> {
        let mut ctx = Context::new(&self.world, &mut self.intents, &mut self.ids);
        call(&mut self.strategy, &mut ctx).map_err(|source| SystemError::Strategy { time: self.world.now, source })
    }
}
