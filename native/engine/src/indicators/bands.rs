//! Channels around the price: Bollinger's, Keltner's, Donchian's.

use super::averages::Mean;
use super::dynamic::Columns;
use super::error::{IndicatorError, check_factor, check_period};
use super::exponential::{Exponential, exponential};
use super::formula::{Formula, Settled, Streamed};
use super::input::{HighLow, HighLowClose};
use super::output::BandsValue;
use super::volatility::AverageRange;
use super::window::{Largest, Moments, Smallest, Window};

/// The mean of `period` inputs and so many deviations (of the population) on either side (TA-Lib `BBANDS`).
pub type Bollinger = Streamed<DeviationBands>;

/// Formula of [`Bollinger`].
#[derive(Debug, Clone)]
pub struct DeviationBands {
    mean: Mean,
    moments: Moments,
    deviations: f64,
}

impl Formula for DeviationBands {
    type Input = f64;
    type Output = BandsValue;
    const NAME: &'static str = "Bollinger";

    #[inline]
    fn next(&mut self, input: f64) -> Option<BandsValue> {
        // The middle is the plain mean, bit for bit, rather than the one that the variance gives as a by-product.
        let middle = self.mean.next(input);
        let width = self.deviations * self.moments.push(input)?.variance.sqrt();
        let middle = middle?;
        Some(BandsValue { upper: middle + width, middle, lower: middle - width })
    }
    fn rows_when_warm(&mut self, columns: &Columns<'_>, out: &mut [&mut [f64]]) {
        if let ([inputs], [uppers, middles, lowers]) = (columns.numbers, out) {
            for (middle, input) in middles.iter_mut().zip(*inputs) {
                *middle = self.mean.next(*input).unwrap_or(f64::NAN);
            }
            for (upper, input) in uppers.iter_mut().zip(*inputs) {
                *upper = self.moments.push(*input).map_or(f64::NAN, |moment| moment.variance);
            }
            // Roots wait for nothing: in a loop of their own they are worked out side by side.
            for ((upper, middle), lower) in uppers.iter_mut().zip(middles.iter()).zip(lowers.iter_mut()) {
                let width = self.deviations * upper.sqrt();
                (*upper, *lower) = (middle + width, middle - width);
            }
        }
    }
    fn warm_up(&self) -> usize {
        self.moments.span()
    }
}

impl Bollinger {
    /// Over `period` inputs, at least 2.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize, deviations: f64) -> Result<Self, IndicatorError> {
        check_period("Bollinger", "period", period, 2)?;
        check_factor("Bollinger", "deviations", deviations)?;
        Ok(Self::from_formula(DeviationBands { mean: Mean::new(period), moments: Moments::new(period), deviations }))
    }
}

/// The EMA of the typical price and so many average true ranges on either side (TA-Lib `KC`).
pub type Keltner = Streamed<RangeBands>;

/// Formula of [`Keltner`].
#[derive(Debug, Clone)]
pub struct RangeBands {
    average: Settled<Exponential>,
    range: Settled<AverageRange>,
    /// As in TA-Lib, the part with the shorter warm-up starts late, so that both have their first value together.
    average_waits: usize,
    range_waits: usize,
    multiplier: f64,
}

impl Formula for RangeBands {
    type Input = HighLowClose;
    type Output = BandsValue;
    const NAME: &'static str = "Keltner";

    #[inline]
    fn next(&mut self, bar: HighLowClose) -> Option<BandsValue> {
        let middle = after_waiting(&mut self.average_waits, || self.average.next(bar.typical()));
        let range = after_waiting(&mut self.range_waits, || self.range.next(bar));
        let (middle, width) = (middle?, self.multiplier * range?);
        Some(BandsValue { upper: middle + width, middle, lower: middle - width })
    }
    fn warm_up(&self) -> usize {
        self.average.warm_up().max(self.range.warm_up())
    }
}

#[inline]
fn after_waiting<T>(waits: &mut usize, next: impl FnOnce() -> Option<T>) -> Option<T> {
    if *waits > 0 {
        *waits -= 1;
        return None;
    }
    next()
}

impl Keltner {
    /// An average over `period` bars (at least 2), ranges over `range_period` (at least 1).
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize, range_period: usize, multiplier: f64) -> Result<Self, IndicatorError> {
        check_period("Keltner", "period", period, 2)?;
        check_period("Keltner", "range_period", range_period, 1)?;
        check_factor("Keltner", "multiplier", multiplier)?;
        let average = exponential(period, 0);
        let range = Settled::new(AverageRange::new(range_period), 0);
        let warm_up = average.warm_up().max(range.warm_up());
        let (average_waits, range_waits) = (warm_up - average.warm_up(), warm_up - range.warm_up());
        Ok(Self::from_formula(RangeBands { average, range, average_waits, range_waits, multiplier }))
    }
}

/// The highest high and the lowest low of `period` bars, and half-way between (TA-Lib `DONCHIAN`).
pub type Donchian = Streamed<ExtremeBands>;

/// Formula of [`Donchian`].
#[derive(Debug, Clone)]
pub struct ExtremeBands {
    highest: Window<Largest>,
    lowest: Window<Smallest>,
}

impl Formula for ExtremeBands {
    type Input = HighLow;
    type Output = BandsValue;
    const NAME: &'static str = "Donchian";

    #[inline]
    fn next(&mut self, bar: HighLow) -> Option<BandsValue> {
        let upper = self.highest.push(bar.high);
        let lower = self.lowest.push(bar.low)?;
        let upper = upper?;
        Some(BandsValue { upper, middle: (upper + lower) / 2.0, lower })
    }
    fn warm_up(&self) -> usize {
        self.highest.span()
    }
}

impl Donchian {
    /// Over `period` bars, at least 1.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        check_period("Donchian", "period", period, 1)?;
        Ok(Self::from_formula(ExtremeBands { highest: Window::new(period), lowest: Window::new(period) }))
    }
}
