//! How big a position is: a fixed quantity, a fraction of equity, or as much as keeps volatility at a target.

use crate::event::MarketEvent;
use crate::instrument::InstrumentId;
use crate::num::{NumError, Price, Qty, Rate, Rounding};
use crate::risk::simple::not_negative;
use crate::time::Nanos;
use crate::world::World;

/// A way of sizing.
#[derive(Debug, Clone)]
pub enum Sizing {
    /// A quantity in base units.
    Fixed(Qty),
    /// A fraction of equity, at the last price.
    Fraction(Rate),
    /// A fraction of equity such that the position's annual volatility meets a target.
    Volatility(VolatilityTarget),
}

impl Sizing {
    /// News from the market.
    #[inline]
    pub fn on_market(&mut self, event: &MarketEvent) {
        if let Self::Volatility(target) = self {
            target.on_market(event);
        }
    }

    /// The size for an instrument now, without sign, not yet rounded to its lot.
    ///
    /// # Errors
    /// [`NumError`]; a division by zero where no price is known yet.
    pub fn quantity(&self, world: &World, instrument: InstrumentId) -> Result<Qty, NumError> {
        let fraction = match self {
            Self::Fixed(quantity) => return Ok(*quantity),
            Self::Fraction(fraction) => *fraction,
            Self::Volatility(target) => target.fraction(instrument),
        };
        let equity = world.account.equity()?;
        not_negative(equity.scaled(fraction, Rounding::Floor)?.quantity_at(world.last_price(instrument))?)
    }
}

/// Volatility targeting: the fraction is `target / volatility`, at most `max_fraction`.
///
/// Volatility is the root of the exponentially weighted mean of squared bar returns (span `lookback` bars), annualised by
/// the length of the bars over 365 days. Until `lookback` returns have been seen the fraction is zero.
#[derive(Debug, Clone)]
pub struct VolatilityTarget {
    target: f64,
    max_fraction: f64,
    lookback: u32,
    states: Vec<Volatility>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Volatility {
    last: Price,
    returns: u32,
    variance: f64,
    resolution: Nanos,
}

impl VolatilityTarget {
    /// `target` is annual (0.2 is twenty per cent), `lookback` in bars, for `instruments` instruments.
    #[must_use]
    pub fn new(target: f64, lookback: u32, max_fraction: f64, instruments: usize) -> Self {
        Self { target, max_fraction, lookback: lookback.max(1), states: vec![Volatility::default(); instruments] }
    }

    fn on_market(&mut self, event: &MarketEvent) {
        let MarketEvent::Bar(bar) = event else { return };
        let Some(state) = self.states.get_mut(bar.instrument.index()) else { return };
        if state.last.is_positive() {
            let change = bar.close.to_f64() / state.last.to_f64() - 1.0;
            let weight = if state.returns == 0 { 1.0 } else { 2.0 / (f64::from(self.lookback) + 1.0) };
            state.variance += weight * (change * change - state.variance);
            state.returns = state.returns.saturating_add(1);
        }
        state.last = bar.close;
        state.resolution = bar.resolution();
    }

    fn fraction(&self, instrument: InstrumentId) -> Rate {
        let Some(state) = self.states.get(instrument.index()) else { return Rate::ZERO };
        if state.returns < self.lookback || state.variance <= 0.0 {
            return Rate::ZERO;
        }
        let per_year = 365.0 * 86_400.0 / state.resolution.seconds();
        let fraction = self.target / (state.variance * per_year).sqrt();
        Rate::from_f64(fraction.min(self.max_fraction)).unwrap_or(Rate::ZERO)
    }
}
