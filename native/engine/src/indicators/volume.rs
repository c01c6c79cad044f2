//! Prices and volumes together: VWAP, on-balance volume, money flow.

use super::error::{IndicatorError, check_period};
use super::formula::{Formula, Streamed};
use super::input::{HighLowCloseVolume, PriceVolume, TimedBar};
use super::window::{SumOfTwo, Total, Window};
use crate::time::Nanos;

/// When a [`Vwap`] starts anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Session {
    /// Never.
    #[default]
    Whole,
    /// At midnight UTC, by the time at which the bar opened.
    Day,
}

/// The average of typical prices weighted by volume since the start of the session (TA-Lib `VWAP`, which knows no
/// sessions). 0 until there is a volume, as in TA-Lib.
pub type Vwap = Streamed<SessionAverage>;

/// Formula of [`Vwap`].
#[derive(Debug, Clone)]
pub struct SessionAverage {
    session: Session,
    day: Option<Nanos>,
    notional: Total,
    volume: Total,
}

impl Formula for SessionAverage {
    type Input = TimedBar;
    type Output = f64;
    const NAME: &'static str = "Vwap";

    #[inline]
    fn next(&mut self, input: TimedBar) -> Option<f64> {
        if self.session == Session::Day {
            let day = input.time.map(|time| time.floor_to(Nanos::DAY));
            if day != self.day {
                (self.day, self.notional, self.volume) = (day, Total::default(), Total::default());
            }
        }
        let bar = input.bar;
        self.notional.add(bar.prices.typical() * bar.volume);
        self.volume.add(bar.volume);
        let volume = self.volume.value();
        Some(if volume == 0.0 { 0.0 } else { self.notional.value() / volume })
    }
    fn warm_up(&self) -> usize {
        1
    }
    fn needs_time(&self) -> bool {
        self.session == Session::Day
    }
}

impl Vwap {
    /// Since the first input, or since the session's first.
    #[must_use]
    pub fn new(session: Session) -> Self {
        Self::from_formula(SessionAverage { session, day: None, notional: Total::default(), volume: Total::default() })
    }
}

/// The average of the last `period` typical prices weighted by volume (TA-Lib `VWMA` of `TYPPRICE`); NaN where
/// nothing was traded, except over one bar.
pub type RollingVwap = Streamed<VolumeWeighted>;

/// Formula of [`RollingVwap`].
#[derive(Debug, Clone)]
pub struct VolumeWeighted {
    window: Window<SumOfTwo>,
}

impl Formula for VolumeWeighted {
    type Input = HighLowCloseVolume;
    type Output = f64;
    const NAME: &'static str = "RollingVwap";

    #[inline]
    fn next(&mut self, bar: HighLowCloseVolume) -> Option<f64> {
        let price = bar.prices.typical();
        let [notional, volume] = self.window.push([price * bar.volume, bar.volume])?;
        if self.window.span() == 1 {
            // TA-Lib gives the price, traded or not. A NaN in the volume has to be felt all the same.
            return Some(price + volume * 0.0);
        }
        Some(notional / volume)
    }
    fn warm_up(&self) -> usize {
        self.window.span()
    }
}

impl RollingVwap {
    /// Over `period` bars, at least 1.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        check_period("RollingVwap", "period", period, 1)?;
        Ok(Self::from_formula(VolumeWeighted { window: Window::new(period) }))
    }
}

/// Volume added when the price rises and taken away when it falls; starts with the first volume (Granville; TA-Lib `OBV`).
pub type Obv = Streamed<OnBalance>;

/// Formula of [`Obv`].
#[derive(Debug, Clone)]
pub struct OnBalance {
    last: Option<f64>,
    balance: Total,
}

impl Formula for OnBalance {
    type Input = PriceVolume;
    type Output = f64;
    const NAME: &'static str = "Obv";

    #[inline]
    fn next(&mut self, input: PriceVolume) -> Option<f64> {
        let PriceVolume { price, volume } = input;
        let last = self.last.replace(price).unwrap_or(f64::NEG_INFINITY);
        if price > last {
            self.balance.add(volume);
        } else if price < last {
            self.balance.add(-volume);
        } else {
            // Nothing moves; a NaN has to be felt all the same.
            self.balance.add((price - last) * volume);
        }
        Some(self.balance.value())
    }
    fn warm_up(&self) -> usize {
        1
    }
}

impl Obv {
    /// Without parameters.
    #[must_use]
    pub fn new() -> Self {
        Self::from_formula(OnBalance { last: None, balance: Total::default() })
    }
}

impl Default for Obv {
    fn default() -> Self {
        Self::new()
    }
}

/// The share of money that flowed upward over `period` bars, 0 to 100; 0 where none flowed (TA-Lib `MFI`).
pub type Mfi = Streamed<MoneyFlow>;

/// Formula of [`Mfi`].
#[derive(Debug, Clone)]
pub struct MoneyFlow {
    last: Option<f64>,
    flows: Window<SumOfTwo>,
}

impl Formula for MoneyFlow {
    type Input = HighLowCloseVolume;
    type Output = f64;
    const NAME: &'static str = "Mfi";

    #[inline]
    fn next(&mut self, bar: HighLowCloseVolume) -> Option<f64> {
        let price = bar.prices.typical();
        let last = self.last.replace(price)?;
        let flow = price * bar.volume;
        // Nothing moves; a NaN has to be felt all the same.
        let still = (price - last) * flow;
        let up = if price > last {
            flow
        } else if price < last {
            0.0
        } else {
            still
        };
        let down = if price < last {
            flow
        } else if price > last {
            0.0
        } else {
            still
        };
        let [up, down] = self.flows.push([up, down])?;
        let both = up + down;
        Some(if both == 0.0 { 0.0 } else { 100.0 * (up / both) })
    }
    fn warm_up(&self) -> usize {
        self.flows.span() + 1
    }
}

impl Mfi {
    /// Over `period` changes, at least 2.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        check_period("Mfi", "period", period, 2)?;
        Ok(Self::from_formula(MoneyFlow { last: None, flows: Window::new(period) }))
    }
}
