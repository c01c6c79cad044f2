//! Moving averages over a window: plain, weighted, Hull's.

use super::error::{IndicatorError, check_period};
use super::formula::{Formula, Streamed};
use super::window::{Ramp, Sum, Window};

/// The mean of the last `period` inputs (TA-Lib `SMA`). Exact while sums are, so equal means are equal numbers.
pub type Sma = Streamed<Mean>;

/// Formula of [`Sma`].
#[derive(Debug, Clone)]
pub struct Mean {
    window: Window<Sum>,
    period: f64,
}

impl Mean {
    pub(super) fn new(period: usize) -> Self {
        Self { window: Window::new(period), period: period as f64 }
    }
}

impl Formula for Mean {
    type Input = f64;
    type Output = f64;
    const NAME: &'static str = "Sma";

    #[inline]
    fn next(&mut self, input: f64) -> Option<f64> {
        self.window.push(input).map(|sum| sum / self.period)
    }
    fn warm_up(&self) -> usize {
        self.window.span()
    }
}

impl Sma {
    /// Over `period` inputs, at least 1.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        check_period("Sma", "period", period, 1)?;
        Ok(Self::from_formula(Mean::new(period)))
    }
}

/// The mean of the last `period` inputs, the newest weighing `period`, the oldest 1 (TA-Lib `WMA`).
pub type Wma = Streamed<Weighted>;

/// Formula of [`Wma`].
#[derive(Debug, Clone)]
pub struct Weighted {
    ramp: Ramp,
    weights: f64,
}

impl Weighted {
    fn new(period: usize) -> Self {
        let n = period as f64;
        Self { ramp: Ramp::plain(period), weights: n * (n + 1.0) / 2.0 }
    }
}

impl Formula for Weighted {
    type Input = f64;
    type Output = f64;
    const NAME: &'static str = "Wma";

    #[inline]
    fn next(&mut self, input: f64) -> Option<f64> {
        self.ramp.push(input).map(|sums| (sums.sum + sums.weighted) / self.weights)
    }
    fn warm_up(&self) -> usize {
        self.ramp.span()
    }
}

impl Wma {
    /// Over `period` inputs, at least 1.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        check_period("Wma", "period", period, 1)?;
        Ok(Self::from_formula(Weighted::new(period)))
    }
}

/// Hull's average: `WMA(2 WMA(x, n / 2) - WMA(x, n), √n)`, both rounded down (TA-Lib `HMA`).
pub type Hma = Streamed<Hull>;

/// Formula of [`Hma`].
#[derive(Debug, Clone)]
pub struct Hull {
    half: Weighted,
    whole: Weighted,
    smooth: Weighted,
}

impl Formula for Hull {
    type Input = f64;
    type Output = f64;
    const NAME: &'static str = "Hma";

    #[inline]
    fn next(&mut self, input: f64) -> Option<f64> {
        let half = self.half.next(input);
        let whole = self.whole.next(input);
        self.smooth.next(2.0 * half? - whole?)
    }
    fn warm_up(&self) -> usize {
        self.whole.warm_up() + self.smooth.warm_up() - 1
    }
}

impl Hma {
    /// Over `period` inputs, at least 2.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        check_period("Hma", "period", period, 2)?;
        let (half, smooth) = (Weighted::new(period / 2), Weighted::new(period.isqrt()));
        Ok(Self::from_formula(Hull { half, whole: Weighted::new(period), smooth }))
    }
}
