//! Two simple averages of closes; long while the fast one is above the slow one.

use crate::event::Bar;
use crate::num::Rate;
use crate::order::Side;
use crate::strategy::direction::Direction;
use crate::strategy::{Context, ParamError, ParamSpec, Params, Strategy, StrategyError, Value};

/// Signals at the first bar where both averages are full and differ, and then at each change of side. A tie keeps the side.
///
/// The averages are compared as whole numbers (the sum over the fast window times `slow`, less the sum over the slow window
/// times `fast`), so a tie is a tie.
#[derive(Debug, Clone)]
pub struct MaCrossover {
    fast: usize,
    slow: usize,
    /// The periods once more, as factors of prices.
    factors: (i64, i64),
    direction: Direction,
    states: Vec<State>,
}

#[derive(Debug, Clone)]
struct State {
    /// The last `slow` closes, a ring; zero where there was none yet.
    closes: Vec<i64>,
    /// Where the oldest of them stands, and the next one will.
    at: usize,
    is_full: bool,
    /// The fast average less the slow one, times both periods.
    lead: i128,
    side: Option<Side>,
}

impl MaCrossover {
    /// What it does, in a sentence.
    pub const HELP: &'static str =
        "Long while the fast simple average of closes is above the slow one, short (or flat) below.";

    /// Its parameters.
    #[must_use]
    pub fn params() -> Vec<ParamSpec> {
        vec![
            ParamSpec::new("fast", Value::Int(10), "bars in the fast average")
                .between(Value::Int(1), Value::Int(100_000)),
            ParamSpec::new("slow", Value::Int(30), "bars in the slow average, more than in the fast one")
                .between(Value::Int(2), Value::Int(100_000)),
            Direction::param(),
        ]
    }

    /// From checked parameters.
    ///
    /// # Errors
    /// [`ParamError::Invalid`] unless `fast < slow`.
    pub fn new(params: &Params) -> Result<Self, ParamError> {
        let (fast, slow) = (params.count("fast"), params.count("slow"));
        if fast >= slow {
            return Err(ParamError::Invalid {
                strategy: "ma_crossover".into(),
                name: "fast".into(),
                value: fast.to_string(),
                wanted: format!("less than slow ({slow})"),
            });
        }
        let factors = (params.int("fast"), params.int("slow"));
        Ok(Self { fast, slow, factors, direction: Direction::of(params), states: Vec::new() })
    }
}

impl Strategy for MaCrossover {
    fn warm_up(&self) -> usize {
        self.slow
    }

    fn on_start(&mut self, ctx: &mut Context<'_>) -> Result<(), StrategyError> {
        let empty = State { closes: vec![0; self.slow], at: 0, is_full: false, lead: 0, side: None };
        self.states = vec![empty; ctx.world.instruments.len()];
        Ok(())
    }

    #[inline]
    fn on_bar(&mut self, ctx: &mut Context<'_>, bar: &Bar) -> Result<(), StrategyError> {
        let Some(state) = self.states.get_mut(bar.instrument.index()) else { return Ok(()) };
        let close = bar.close.raw();
        let left_fast = if state.at >= self.fast { state.at - self.fast } else { state.at + self.slow - self.fast };
        let left_fast = state.closes.get(left_fast).copied().unwrap_or(0);
        let left_slow = state.closes.get_mut(state.at).map_or(0, |place| std::mem::replace(place, close));
        let (fast, slow) = self.factors;
        let times = |price: i64, factor: i64| i128::from(price) * i128::from(factor);
        state.lead += times(close, slow - fast) - times(left_fast, slow) + times(left_slow, fast);
        state.at += 1;
        if state.at == self.slow {
            state.at = 0;
            state.is_full = true;
        }
        if !state.is_full {
            return Ok(());
        }
        let side = match state.lead.signum() {
            1 => Side::Buy,
            -1 => Side::Sell,
            _ => return Ok(()),
        };
        if state.side != Some(side) {
            state.side = Some(side);
            ctx.signal(bar.instrument, self.direction.signal(side), Rate::ONE);
        }
        Ok(())
    }
}
