//! How far prices move: true range and its average, exponentially weighted variance.

use super::dynamic::Columns;
use super::error::{IndicatorError, check_period};
use super::exponential::Wilder;
use super::formula::{Formula, Settled, Streamed};
use super::input::HighLowClose;

/// The longest of: the range of the bar, and the ways from the last close to its high and to its low.
#[inline]
pub(super) fn true_range(high: f64, low: f64, last_close: f64) -> f64 {
    let range = high - low;
    let up = (high - last_close).abs();
    let down = (low - last_close).abs();
    let longest = if up > range { up } else { range };
    if down > longest { down } else { longest }
}

/// Wilder's average of the true range, in units of price (Wilder 1978; TA-Lib `ATR`).
pub type Atr = Streamed<Settled<AverageRange>>;

/// Formula of [`Atr`].
#[derive(Debug, Clone)]
pub struct AverageRange {
    last_close: f64,
    has_last: bool,
    range: Wilder<1>,
}

impl AverageRange {
    pub(super) fn new(period: usize) -> Self {
        Self { last_close: 0.0, has_last: false, range: Wilder::new(period) }
    }
}

impl Formula for AverageRange {
    type Input = HighLowClose;
    type Output = f64;
    const NAME: &'static str = "Atr";

    #[inline]
    fn next(&mut self, bar: HighLowClose) -> Option<f64> {
        let last_close = std::mem::replace(&mut self.last_close, bar.close);
        if !self.has_last {
            self.has_last = true;
            return None;
        }
        self.range.next([true_range(bar.high, bar.low, last_close)]).map(|[average]| average)
    }
    #[inline]
    fn next_when_warm(&mut self, bar: HighLowClose) -> Option<f64> {
        let last_close = std::mem::replace(&mut self.last_close, bar.close);
        let [average] = self.range.next_when_warm([true_range(bar.high, bar.low, last_close)]);
        Some(average)
    }
    fn rows_when_warm(&mut self, columns: &Columns<'_>, out: &mut [&mut [f64]]) {
        let ([highs, lows, closes], [out]) = (columns.numbers, out) else { return };
        // The ranges wait for nothing: in a loop of their own they are worked out side by side.
        if let ([high, highs @ ..], [low, lows @ ..], [range, ranges @ ..]) = (*highs, *lows, &mut **out) {
            *range = true_range(*high, *low, self.last_close);
            for (((range, high), low), last_close) in ranges.iter_mut().zip(highs).zip(lows).zip(*closes) {
                *range = true_range(*high, *low, *last_close);
            }
        }
        self.last_close = closes.last().copied().unwrap_or(self.last_close);
        self.range.replace(out);
    }
    fn warm_up(&self) -> usize {
        self.range.period() + 1
    }
}

impl Atr {
    /// Over `period` ranges, at least 1.
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
        check_period("Atr", "period", period, 1)?;
        Ok(Self::from_formula(Settled::new(AverageRange::new(period), unstable_period)))
    }
}

/// The exponentially weighted variance, `k = 2 / (period + 1)`: pandas' `ewm(span=period, adjust=False).var(bias=True)`,
/// from the `period`-th input on.
pub type EwmVariance = Streamed<WeightedVariance>;

/// Formula of [`EwmVariance`].
#[derive(Debug, Clone)]
pub struct WeightedVariance {
    period: usize,
    k: f64,
    seen: usize,
    mean: f64,
    variance: f64,
}

impl Formula for WeightedVariance {
    type Input = f64;
    type Output = f64;
    const NAME: &'static str = "EwmVariance";

    #[inline]
    fn next(&mut self, input: f64) -> Option<f64> {
        if self.seen == 0 {
            self.mean = input;
        }
        // Finch (2009), Incremental calculation of weighted mean and variance. A sum of squares: never negative.
        let distance = input - self.mean;
        self.mean += self.k * distance;
        self.variance = (1.0 - self.k) * (self.variance + self.k * distance * distance);
        if self.seen < self.period {
            self.seen += 1;
        }
        (self.seen == self.period).then_some(self.variance)
    }
    fn warm_up(&self) -> usize {
        self.period
    }
}

impl EwmVariance {
    /// With a span of `period` inputs, at least 1.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        check_period("EwmVariance", "period", period, 1)?;
        let k = 2.0 / (period as f64 + 1.0);
        Ok(Self::from_formula(WeightedVariance { period, k, seen: 0, mean: 0.0, variance: 0.0 }))
    }
}
