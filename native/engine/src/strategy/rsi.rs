//! Wilder's relative strength index: long when oversold, short when overbought, holding in between.

use crate::event::Bar;
use crate::num::Rate;
use crate::order::Side;
use crate::strategy::direction::Direction;
use crate::strategy::{Context, ParamError, ParamSpec, Params, Strategy, StrategyError, Value};

/// Long from the first RSI at or below `oversold`, short (flat with `long_only`) from the first at or above `overbought`.
///
/// While prices have not moved at all the index is undefined, and the side is kept.
#[derive(Debug, Clone)]
pub struct RsiStrategy {
    period: usize,
    oversold: f64,
    overbought: f64,
    direction: Direction,
    states: Vec<State>,
}

#[derive(Debug, Clone, Default)]
struct State {
    last: Option<f64>,
    changes: usize,
    gain: f64,
    loss: f64,
    side: Option<Side>,
}

impl State {
    /// Takes in a close; the index once `period` changes have been seen and prices have moved.
    fn update(&mut self, close: f64, period: usize) -> Option<f64> {
        let change = close - self.last.replace(close)?;
        let (gain, loss) = (change.max(0.0), (-change).max(0.0));
        let n = period as f64;
        if self.changes < period {
            self.changes += 1;
            self.gain += gain;
            self.loss += loss;
            if self.changes < period {
                return None;
            }
            self.gain /= n;
            self.loss /= n;
        } else {
            self.gain = (self.gain * (n - 1.0) + gain) / n;
            self.loss = (self.loss * (n - 1.0) + loss) / n;
        }
        let sum = self.gain + self.loss;
        (sum > 0.0).then(|| 100.0 * (self.gain / sum))
    }
}

impl RsiStrategy {
    /// What it does, in a sentence.
    pub const HELP: &'static str =
        "Long from the first oversold RSI (Wilder), short (or flat) from the first overbought one.";

    /// Its parameters.
    #[must_use]
    pub fn params() -> Vec<ParamSpec> {
        let percent = |name, default, help| {
            ParamSpec::new(name, Value::Float(default), help).between(Value::Float(0.0), Value::Float(100.0))
        };
        vec![
            ParamSpec::new("period", Value::Int(14), "bars").between(Value::Int(2), Value::Int(100_000)),
            percent("oversold", 30.0, "long at or below this RSI, 0 to 100"),
            percent("overbought", 70.0, "short at or above this RSI, 0 to 100, above oversold"),
            Direction::param(),
        ]
    }

    /// From checked parameters.
    ///
    /// # Errors
    /// [`ParamError::Invalid`] unless `oversold < overbought`.
    pub fn new(params: &Params) -> Result<Self, ParamError> {
        let (oversold, overbought) = (params.float("oversold"), params.float("overbought"));
        if oversold >= overbought {
            return Err(ParamError::Invalid {
                strategy: "rsi".into(),
                name: "oversold".into(),
                value: oversold.to_string(),
                wanted: format!("less than overbought ({overbought})"),
            });
        }
        Ok(Self {
            period: params.count("period"),
            oversold,
            overbought,
            direction: Direction::of(params),
            states: Vec::new(),
        })
    }
}

impl Strategy for RsiStrategy {
    /// The first change needs two closes.
    fn warm_up(&self) -> usize {
        self.period + 1
    }

    fn on_start(&mut self, ctx: &mut Context<'_>) -> Result<(), StrategyError> {
        self.states = vec![State::default(); ctx.world.instruments.len()];
        Ok(())
    }

    #[inline]
    fn on_bar(&mut self, ctx: &mut Context<'_>, bar: &Bar) -> Result<(), StrategyError> {
        let Some(state) = self.states.get_mut(bar.instrument.index()) else { return Ok(()) };
        let side = match state.update(bar.close.to_f64(), self.period) {
            Some(rsi) if rsi <= self.oversold => Side::Buy,
            Some(rsi) if rsi >= self.overbought => Side::Sell,
            _ => return Ok(()),
        };
        if state.side != Some(side) {
            state.side = Some(side);
            ctx.signal(bar.instrument, self.direction.signal(side), Rate::ONE);
        }
        Ok(())
    }
}
