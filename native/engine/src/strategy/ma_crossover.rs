//! Two simple averages of closes; long while the fast one is above the slow one.

use std::collections::VecDeque;

use crate::event::{Bar, SignalKind};
use crate::num::Rate;
use crate::order::Side;
use crate::strategy::{Context, ParamError, ParamSpec, Params, Strategy, StrategyError, Value};

/// Signals at the first bar where both averages are full and differ, and then at each change of side. A tie keeps the side.
///
/// The averages are compared as whole numbers (the sum over the fast window times `slow`, less the sum over the slow window
/// times `fast`), so a tie is a tie.
#[derive(Debug, Clone)]
pub struct MaCrossover {
    fast: usize,
    slow: usize,
    long_only: bool,
    states: Vec<State>,
}

#[derive(Debug, Clone, Default)]
struct State {
    closes: VecDeque<i64>,
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
            ParamSpec::new(
                "direction",
                Value::Text("both".into()),
                "sides to trade; with long_only the short side means flat",
            )
            .one_of(&["both", "long_only"]),
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
        Ok(Self { fast, slow, long_only: params.text("direction") == "long_only", states: Vec::new() })
    }
}

impl Strategy for MaCrossover {
    fn on_start(&mut self, ctx: &mut Context<'_>) -> Result<(), StrategyError> {
        let capacity = self.slow + 1;
        let state = || State { closes: VecDeque::with_capacity(capacity), ..State::default() };
        self.states = ctx.world.instruments.iter().map(|_| state()).collect();
        Ok(())
    }

    #[inline]
    fn on_bar(&mut self, ctx: &mut Context<'_>, bar: &Bar) -> Result<(), StrategyError> {
        let Some(state) = self.states.get_mut(bar.instrument.index()) else { return Ok(()) };
        let close = bar.close.raw();
        // With `close` at the back, the close that leaves a full window of n stands n places before it.
        state.closes.push_back(close);
        state.lead += i128::from(close) * (self.slow - self.fast) as i128;
        let count = state.closes.len();
        if let Some(left) = count.checked_sub(self.fast + 1).and_then(|i| state.closes.get(i)) {
            state.lead -= i128::from(*left) * self.slow as i128;
        }
        if count > self.slow {
            state.lead += i128::from(state.closes.pop_front().unwrap_or(0)) * self.fast as i128;
        } else if count < self.slow {
            return Ok(());
        }
        let side = match state.lead.signum() {
            1 => Side::Buy,
            -1 => Side::Sell,
            _ => return Ok(()),
        };
        if state.side != Some(side) {
            state.side = Some(side);
            ctx.signal(bar.instrument, side_to_signal(side, self.long_only), Rate::ONE);
        }
        Ok(())
    }
}

/// The target for a side; without short selling the short side means flat.
pub(super) const fn side_to_signal(side: Side, long_only: bool) -> SignalKind {
    match (side, long_only) {
        (Side::Buy, _) => SignalKind::Long,
        (Side::Sell, true) => SignalKind::Exit,
        (Side::Sell, false) => SignalKind::Short,
    }
}
