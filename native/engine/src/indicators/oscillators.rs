//! Where the price is in its range, and how far it has come: Stochastic, Williams %R, CCI, ROC, momentum.

use super::averages::Mean;
use super::error::{IndicatorError, check_period};
use super::formula::{Formula, Streamed};
use super::input::HighLowClose;
use super::output::StochasticValue;
use super::window::{Lag, Largest, Moments, Smallest, Window};

/// 0 at the low end, 100 at the high end; 0 where the range is empty, as in TA-Lib.
#[inline]
pub(super) fn place_in_range(value: f64, lowest: f64, highest: f64) -> f64 {
    let hundredth = (highest - lowest) / 100.0;
    if hundredth == 0.0 { 0.0 } else { (value - lowest) / hundredth }
}

/// The slow stochastic oscillator (Lane; TA-Lib `STOCH` with plain averages).
pub type Stochastic = Streamed<SlowStochastic>;

/// Formula of [`Stochastic`].
#[derive(Debug, Clone)]
pub struct SlowStochastic {
    highest: Window<Largest>,
    lowest: Window<Smallest>,
    k: Mean,
    d: Mean,
}

impl Formula for SlowStochastic {
    type Input = HighLowClose;
    type Output = StochasticValue;
    const NAME: &'static str = "Stochastic";

    #[inline]
    fn next(&mut self, bar: HighLowClose) -> Option<StochasticValue> {
        let highest = self.highest.push(bar.high);
        let lowest = self.lowest.push(bar.low)?;
        let k = self.k.next(place_in_range(bar.close, lowest, highest?))?;
        Some(StochasticValue { k, d: self.d.next(k)? })
    }
    fn warm_up(&self) -> usize {
        self.highest.span() + self.k.warm_up() + self.d.warm_up() - 2
    }
}

impl Stochastic {
    /// The range over `fast_k` bars, its mean over `slow_k`, the mean of that over `slow_d`; each at least 1.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(fast_k: usize, slow_k: usize, slow_d: usize) -> Result<Self, IndicatorError> {
        check_period("Stochastic", "fast_k", fast_k, 1)?;
        check_period("Stochastic", "slow_k", slow_k, 1)?;
        check_period("Stochastic", "slow_d", slow_d, 1)?;
        Ok(Self::from_formula(SlowStochastic {
            highest: Window::new(fast_k),
            lowest: Window::new(fast_k),
            k: Mean::new(slow_k),
            d: Mean::new(slow_d),
        }))
    }
}

/// How far below the highest high the close is, 0 to -100; 0 where the range is empty (TA-Lib `WILLR`).
pub type WilliamsR = Streamed<DistanceFromHigh>;

/// Formula of [`WilliamsR`].
#[derive(Debug, Clone)]
pub struct DistanceFromHigh {
    highest: Window<Largest>,
    lowest: Window<Smallest>,
}

impl Formula for DistanceFromHigh {
    type Input = HighLowClose;
    type Output = f64;
    const NAME: &'static str = "WilliamsR";

    #[inline]
    fn next(&mut self, bar: HighLowClose) -> Option<f64> {
        let highest = self.highest.push(bar.high);
        let lowest = self.lowest.push(bar.low)?;
        let highest = highest?;
        let hundredth = (highest - lowest) / -100.0;
        Some(if hundredth == 0.0 { 0.0 } else { (highest - bar.close) / hundredth })
    }
    fn warm_up(&self) -> usize {
        self.highest.span()
    }
}

impl WilliamsR {
    /// Over `period` bars, at least 1.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        check_period("WilliamsR", "period", period, 1)?;
        Ok(Self::from_formula(DistanceFromHigh { highest: Window::new(period), lowest: Window::new(period) }))
    }
}

/// The commodity channel index: the typical price's distance from its mean in units of 0.015 mean absolute deviations;
/// 0 where there is no deviation (Lambert 1980; TA-Lib `CCI`).
pub type Cci = Streamed<ChannelIndex>;

/// Formula of [`Cci`]. The mean absolute deviation has no recursion: an update looks at all `period` prices.
#[derive(Debug, Clone)]
pub struct ChannelIndex {
    prices: Lag,
    moments: Moments,
    period: f64,
}

impl Formula for ChannelIndex {
    type Input = HighLowClose;
    type Output = f64;
    const NAME: &'static str = "Cci";

    #[inline]
    fn next(&mut self, bar: HighLowClose) -> Option<f64> {
        let price = bar.typical();
        let _ = self.prices.push(price);
        let mean = self.moments.push(price)?.mean;
        let deviation = total_distance(self.prices.inputs(), mean);
        let distance = price - mean;
        let is_still = distance == 0.0 || deviation == 0.0;
        Some(if is_still { 0.0 } else { distance / (0.015 * (deviation / self.period)) })
    }
    fn warm_up(&self) -> usize {
        self.moments.span()
    }
}

/// Four sums side by side, so that an addition need not wait for the one before.
#[inline]
fn total_distance(prices: &[f64], mean: f64) -> f64 {
    let (fours, rest) = prices.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for four in fours {
        for (sum, price) in sums.iter_mut().zip(four) {
            *sum += (price - mean).abs();
        }
    }
    let [a, b, c, d] = sums;
    rest.iter().fold((a + b) + (c + d), |sum, price| sum + (price - mean).abs())
}

impl Cci {
    /// Over `period` bars, at least 2.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        check_period("Cci", "period", period, 2)?;
        let (prices, moments) = (Lag::new(period), Moments::new(period));
        Ok(Self::from_formula(ChannelIndex { prices, moments, period: period as f64 }))
    }
}

/// The change against the input `period` before, in per cent; 0 where that one was 0 (TA-Lib `ROC`).
pub type Roc = Streamed<RateOfChange>;

/// Formula of [`Roc`].
#[derive(Debug, Clone)]
pub struct RateOfChange {
    lag: Lag,
}

impl Formula for RateOfChange {
    type Input = f64;
    type Output = f64;
    const NAME: &'static str = "Roc";

    #[inline]
    fn next(&mut self, input: f64) -> Option<f64> {
        let old = self.lag.push(input)?;
        Some(if old == 0.0 { 0.0 } else { (input / old - 1.0) * 100.0 })
    }
    fn warm_up(&self) -> usize {
        self.lag.span() + 1
    }
}

impl Roc {
    /// Against the input `period` before, at least 1.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        check_period("Roc", "period", period, 1)?;
        Ok(Self::from_formula(RateOfChange { lag: Lag::new(period) }))
    }
}

/// The change against the input `period` before (TA-Lib `MOM`).
pub type Momentum = Streamed<Change>;

/// Formula of [`Momentum`].
#[derive(Debug, Clone)]
pub struct Change {
    lag: Lag,
}

impl Formula for Change {
    type Input = f64;
    type Output = f64;
    const NAME: &'static str = "Momentum";

    #[inline]
    fn next(&mut self, input: f64) -> Option<f64> {
        self.lag.push(input).map(|old| input - old)
    }
    fn warm_up(&self) -> usize {
        self.lag.span() + 1
    }
}

impl Momentum {
    /// Against the input `period` before, at least 1.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        check_period("Momentum", "period", period, 1)?;
        Ok(Self::from_formula(Change { lag: Lag::new(period) }))
    }
}
