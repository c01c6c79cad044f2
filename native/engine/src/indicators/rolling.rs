//! Statistics of the last `period` inputs: extremes, deviation, z-score, straight line.

use super::error::{IndicatorError, check_period};
use super::formula::{Formula, Streamed};
use super::output::LinearRegressionValue;
use super::window::{Largest, Moments, Ramp, RampSums, Smallest, Window};

/// The largest of the last `period` inputs (TA-Lib `MAX`).
pub type Max = Streamed<Highest>;

/// Formula of [`Max`].
#[derive(Debug, Clone)]
pub struct Highest {
    window: Window<Largest>,
}

impl Formula for Highest {
    type Input = f64;
    type Output = f64;
    const NAME: &'static str = "Max";

    #[inline]
    fn next(&mut self, input: f64) -> Option<f64> {
        self.window.push(input)
    }
    fn warm_up(&self) -> usize {
        self.window.span()
    }
}

impl Max {
    /// Over `period` inputs, at least 1.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        check_period("Max", "period", period, 1)?;
        Ok(Self::from_formula(Highest { window: Window::new(period) }))
    }
}

/// The smallest of the last `period` inputs (TA-Lib `MIN`).
pub type Min = Streamed<Lowest>;

/// Formula of [`Min`].
#[derive(Debug, Clone)]
pub struct Lowest {
    window: Window<Smallest>,
}

impl Formula for Lowest {
    type Input = f64;
    type Output = f64;
    const NAME: &'static str = "Min";

    #[inline]
    fn next(&mut self, input: f64) -> Option<f64> {
        self.window.push(input)
    }
    fn warm_up(&self) -> usize {
        self.window.span()
    }
}

impl Min {
    /// Over `period` inputs, at least 1.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        check_period("Min", "period", period, 1)?;
        Ok(Self::from_formula(Lowest { window: Window::new(period) }))
    }
}

/// The deviation (of the population, divided by `period`) of the last `period` inputs (TA-Lib `STDDEV`).
pub type Std = Streamed<Deviation>;

/// Formula of [`Std`].
#[derive(Debug, Clone)]
pub struct Deviation {
    moments: Moments,
}

impl Formula for Deviation {
    type Input = f64;
    type Output = f64;
    const NAME: &'static str = "Std";

    #[inline]
    fn next(&mut self, input: f64) -> Option<f64> {
        self.moments.push(input).map(|moment| moment.variance.sqrt())
    }
    fn warm_up(&self) -> usize {
        self.moments.span()
    }
}

impl Std {
    /// Over `period` inputs, at least 2.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        check_period("Std", "period", period, 2)?;
        Ok(Self::from_formula(Deviation { moments: Moments::new(period) }))
    }
}

/// How many deviations (of the population) the input is from the mean of the last `period`; 0 where there is no deviation.
pub type Zscore = Streamed<Standardised>;

/// Formula of [`Zscore`].
#[derive(Debug, Clone)]
pub struct Standardised {
    moments: Moments,
}

impl Formula for Standardised {
    type Input = f64;
    type Output = f64;
    const NAME: &'static str = "Zscore";

    #[inline]
    fn next(&mut self, input: f64) -> Option<f64> {
        let moment = self.moments.push(input)?;
        let deviation = moment.variance.sqrt();
        Some(if deviation == 0.0 { 0.0 } else { (input - moment.mean) / deviation })
    }
    fn warm_up(&self) -> usize {
        self.moments.span()
    }
}

impl Zscore {
    /// Over `period` inputs, at least 2.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        check_period("Zscore", "period", period, 2)?;
        Ok(Self::from_formula(Standardised { moments: Moments::new(period) }))
    }
}

/// The line of least squares through the last `period` inputs
/// (TA-Lib `LINEARREG_SLOPE`, `LINEARREG_INTERCEPT`, `LINEARREG`).
pub type LinearRegression = Streamed<Line>;

/// Formula of [`LinearRegression`].
#[derive(Debug, Clone)]
pub struct Line {
    ramp: Ramp,
    period: f64,
}

impl Formula for Line {
    type Input = f64;
    type Output = LinearRegressionValue;
    const NAME: &'static str = "LinearRegression";

    #[inline]
    fn next(&mut self, input: f64) -> Option<LinearRegressionValue> {
        let n = self.period;
        let RampSums { reference, sum, weighted } = self.ramp.push(input)?;
        let mean = reference + sum / n;
        // Places 0 to n - 1 have the mean (n - 1) / 2 and the squared deviations n (n² - 1) / 12.
        let centre = (n - 1.0) / 2.0;
        let slope = (weighted - centre * sum) / (n * (n * n - 1.0) / 12.0);
        let rise = slope * centre;
        Some(LinearRegressionValue { slope, intercept: mean - rise, value: mean + rise })
    }
    fn warm_up(&self) -> usize {
        self.ramp.span()
    }
}

impl LinearRegression {
    /// Over `period` inputs, at least 2.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        check_period("LinearRegression", "period", period, 2)?;
        Ok(Self::from_formula(Line { ramp: Ramp::of_distances(period), period: period as f64 }))
    }
}
