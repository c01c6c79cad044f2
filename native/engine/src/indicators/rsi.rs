//! Relative strength: Wilder's index, and its place in its own range.

use super::averages::Mean;
use super::error::{IndicatorError, check_period};
use super::exponential::Wilder;
use super::formula::{Formula, Settled, Streamed};
use super::oscillators::place_in_range;
use super::output::StochasticValue;
use super::window::{Largest, Smallest, Window};

/// Wilder's relative strength index, 0 to 100; 0 where nothing moves (Wilder 1978; TA-Lib `RSI`).
pub type Rsi = Streamed<Settled<RelativeStrength>>;

/// Formula of [`Rsi`].
#[derive(Debug, Clone)]
pub struct RelativeStrength {
    last: f64,
    has_last: bool,
    moves: Wilder<2>,
}

impl RelativeStrength {
    fn new(period: usize) -> Self {
        Self { last: 0.0, has_last: false, moves: Wilder::new(period) }
    }
}

#[inline]
fn gain_and_loss(change: f64) -> [f64; 2] {
    // Not `max`, which would turn a NaN into 0.
    let gain = if change < 0.0 { 0.0 } else { change };
    [gain, gain - change]
}

#[inline]
fn strength([gain, loss]: [f64; 2]) -> f64 {
    let both = gain + loss;
    if both == 0.0 { 0.0 } else { 100.0 * (gain / both) }
}

impl Formula for RelativeStrength {
    type Input = f64;
    type Output = f64;
    const NAME: &'static str = "Rsi";

    #[inline]
    fn next(&mut self, input: f64) -> Option<f64> {
        let change = input - std::mem::replace(&mut self.last, input);
        if !self.has_last {
            self.has_last = true;
            return None;
        }
        self.moves.next(gain_and_loss(change)).map(strength)
    }
    #[inline]
    fn next_when_warm(&mut self, input: f64) -> Option<f64> {
        let change = input - std::mem::replace(&mut self.last, input);
        Some(strength(self.moves.next_when_warm(gain_and_loss(change))))
    }
    fn warm_up(&self) -> usize {
        self.moves.period() + 1
    }
}

impl Rsi {
    /// Over `period` changes, at least 2.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        Self::with_unstable(period, 0)
    }

    /// The same, its first `unstable_period` values held back.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn with_unstable(period: usize, unstable_period: usize) -> Result<Self, IndicatorError> {
        check_period("Rsi", "period", period, 2)?;
        Ok(Self::from_formula(Settled::new(RelativeStrength::new(period), unstable_period)))
    }
}

/// The place of an RSI in its own range over `fast_k` values, 0 to 100, and the mean of `fast_d` of those (TA-Lib `STOCHRSI`).
pub type StochRsi = Streamed<StochasticStrength>;

/// Formula of [`StochRsi`].
#[derive(Debug, Clone)]
pub struct StochasticStrength {
    strength: Settled<RelativeStrength>,
    highest: Window<Largest>,
    lowest: Window<Smallest>,
    d: Mean,
}

impl Formula for StochasticStrength {
    type Input = f64;
    type Output = StochasticValue;
    const NAME: &'static str = "StochRsi";

    #[inline]
    fn next(&mut self, input: f64) -> Option<StochasticValue> {
        let strength = self.strength.next(input)?;
        let highest = self.highest.push(strength);
        let k = place_in_range(strength, self.lowest.push(strength)?, highest?);
        Some(StochasticValue { k, d: self.d.next(k)? })
    }
    fn warm_up(&self) -> usize {
        self.strength.warm_up() + self.highest.span() + self.d.warm_up() - 2
    }
}

impl StochRsi {
    /// Of an RSI over `period` changes (at least 2), its range over `fast_k`, the mean of `fast_d` (at least 1).
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize, fast_k: usize, fast_d: usize) -> Result<Self, IndicatorError> {
        Self::with_unstable(period, fast_k, fast_d, 0)
    }

    /// The same, the first `unstable_period` values of the RSI held back.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn with_unstable(
        period: usize,
        fast_k: usize,
        fast_d: usize,
        unstable_period: usize,
    ) -> Result<Self, IndicatorError> {
        check_period("StochRsi", "period", period, 2)?;
        check_period("StochRsi", "fast_k", fast_k, 1)?;
        check_period("StochRsi", "fast_d", fast_d, 1)?;
        Ok(Self::from_formula(StochasticStrength {
            strength: Settled::new(RelativeStrength::new(period), unstable_period),
            highest: Window::new(fast_k),
            lowest: Window::new(fast_k),
            d: Mean::new(fast_d),
        }))
    }
}
