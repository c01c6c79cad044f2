//! Direction and strength of a trend: Wilder's directional indicators, ADX, SuperTrend.

use super::error::{IndicatorError, check_factor, check_period};
use super::formula::{Formula, Settled, Streamed};
use super::input::HighLowClose;
use super::output::{AdxValue, DmiValue, SuperTrendValue};
use super::volatility::{AverageRange, true_range};

/// Wilder's directional indicators +DI and -DI (Wilder 1978; TA-Lib `PLUS_DI`, `MINUS_DI`).
pub type Dmi = Streamed<Settled<Directions>>;

/// Formula of [`Dmi`].
#[derive(Debug, Clone)]
pub struct Directions {
    period: usize,
    keep: f64,
    last: Option<HighLowClose>,
    seen: usize,
    /// Smoothed sums of upward movement, downward movement and true range.
    sums: [f64; 3],
}

impl Directions {
    fn new(period: usize) -> Self {
        let n = period as f64;
        Self { period, keep: (n - 1.0) / n, last: None, seen: 0, sums: [0.0; 3] }
    }
}

/// How far the bar reaches above or below the one before: the longer of the two ways counts, the other is 0.
#[inline]
fn movement(bar: HighLowClose, last: HighLowClose) -> (f64, f64) {
    let up = bar.high - last.high;
    let down = last.low - bar.low;
    let up_counts = up > 0.0 && up > down;
    let down_counts = down > 0.0 && up < down;
    // A NaN is no movement but has to be felt.
    let unknown = (up + down) * 0.0;
    (if up_counts { up } else { unknown }, if down_counts { down } else { unknown })
}

impl Formula for Directions {
    type Input = HighLowClose;
    type Output = DmiValue;
    const NAME: &'static str = "Dmi";

    #[inline]
    fn next(&mut self, bar: HighLowClose) -> Option<DmiValue> {
        let last = self.last.replace(bar)?;
        let (up, down) = movement(bar, last);
        let range = true_range(bar.high, bar.low, last.close);
        // Wilder's sums start with period - 1 bars; the next one is already smoothed in.
        let is_seeding = self.seen + 1 < self.period;
        let keep = if is_seeding { 1.0 } else { self.keep };
        for (sum, number) in self.sums.iter_mut().zip([up, down, range]) {
            *sum = *sum * keep + number;
        }
        if is_seeding {
            self.seen += 1;
            return None;
        }
        let [up, down, range] = self.sums;
        if range == 0.0 {
            return Some(DmiValue { plus_di: 0.0, minus_di: 0.0 });
        }
        Some(DmiValue { plus_di: 100.0 * (up / range), minus_di: 100.0 * (down / range) })
    }
    fn warm_up(&self) -> usize {
        self.period + 1
    }
}

impl Dmi {
    /// Over `period` bars, at least 2.
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
        check_period("Dmi", "period", period, 2)?;
        Ok(Self::from_formula(Settled::new(Directions::new(period), unstable_period)))
    }
}

/// Wilder's average directional index, with the directions it is made of (Wilder 1978; TA-Lib `ADX`).
pub type Adx = Streamed<Settled<DirectionalIndex>>;

/// Formula of [`Adx`].
#[derive(Debug, Clone)]
pub struct DirectionalIndex {
    directions: Directions,
    seen: usize,
    /// While seeding a sum, then the average.
    average: f64,
}

/// How one-sided the movement is, 0 to 100; `None` where there is none.
#[inline]
fn one_sidedness(value: DmiValue) -> Option<f64> {
    let sum = value.plus_di + value.minus_di;
    (sum != 0.0).then(|| 100.0 * ((value.minus_di - value.plus_di).abs() / sum))
}

impl Formula for DirectionalIndex {
    type Input = HighLowClose;
    type Output = AdxValue;
    const NAME: &'static str = "Adx";

    #[inline]
    fn next(&mut self, bar: HighLowClose) -> Option<AdxValue> {
        let directions = self.directions.next(bar)?;
        let index = one_sidedness(directions);
        let period = self.directions.period;
        let n = period as f64;
        if self.seen < period {
            self.seen += 1;
            self.average += index.unwrap_or(0.0);
            if self.seen < period {
                return None;
            }
            self.average /= n;
        } else if let Some(index) = index {
            self.average = (self.average * (n - 1.0) + index) / n;
        }
        Some(AdxValue { adx: self.average, plus_di: directions.plus_di, minus_di: directions.minus_di })
    }
    fn warm_up(&self) -> usize {
        2 * self.directions.period
    }
}

impl Adx {
    /// Over `period` bars, at least 2.
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
        check_period("Adx", "period", period, 2)?;
        let formula = DirectionalIndex { directions: Directions::new(period), seen: 0, average: 0.0 };
        Ok(Self::from_formula(Settled::new(formula, unstable_period)))
    }
}

/// A line so many average true ranges from the median price, which only moves with the trend and changes sides when the
/// close crosses it (Seban; TA-Lib `SUPERTREND`).
pub type SuperTrend = Streamed<TrailingLine>;

/// Formula of [`SuperTrend`].
#[derive(Debug, Clone)]
pub struct TrailingLine {
    range: Settled<AverageRange>,
    multiplier: f64,
    last: Option<Trail>,
}

#[derive(Debug, Clone, Copy)]
struct Trail {
    upper: f64,
    lower: f64,
    close: f64,
    is_rising: bool,
}

impl Trail {
    /// The edges move only toward the price, unless the last close had broken through them.
    #[inline]
    fn follow(self, upper: f64, lower: f64, close: f64) -> Self {
        let upper = if upper >= self.upper && self.close <= self.upper { self.upper } else { upper };
        let lower = if lower <= self.lower && self.close >= self.lower { self.lower } else { lower };
        let is_rising = if self.is_rising { close >= lower } else { close > upper };
        Self { upper, lower, close, is_rising }
    }
}

impl Formula for TrailingLine {
    type Input = HighLowClose;
    type Output = SuperTrendValue;
    const NAME: &'static str = "SuperTrend";

    #[inline]
    fn next(&mut self, bar: HighLowClose) -> Option<SuperTrendValue> {
        let width = self.multiplier * self.range.next(bar)?;
        let median = (bar.high + bar.low) / 2.0;
        let (upper, lower, close) = (median + width, median - width, bar.close);
        let trail = match self.last {
            Some(last) => last.follow(upper, lower, close),
            None => Trail { upper, lower, close, is_rising: true },
        };
        self.last = Some(trail);
        // The width keeps a NaN for good, the comparisons of the trail would not.
        let unknown = width * 0.0;
        let (line, direction) = if trail.is_rising { (trail.lower, 1.0) } else { (trail.upper, -1.0) };
        Some(SuperTrendValue { line: line + unknown, direction: direction + unknown })
    }
    fn warm_up(&self) -> usize {
        self.range.warm_up()
    }
}

impl SuperTrend {
    /// With ranges over `period` bars, at least 2.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize, multiplier: f64) -> Result<Self, IndicatorError> {
        Self::with_unstable(period, multiplier, 0)
    }

    /// The same, starting when the first `unstable_period` values of the range have passed.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn with_unstable(period: usize, multiplier: f64, unstable_period: usize) -> Result<Self, IndicatorError> {
        check_period("SuperTrend", "period", period, 2)?;
        check_factor("SuperTrend", "multiplier", multiplier)?;
        let range = Settled::new(AverageRange::new(period), unstable_period);
        Ok(Self::from_formula(TrailingLine { range, multiplier, last: None }))
    }
}
