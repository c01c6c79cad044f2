//! Wilder's parabolic stop and reverse.

use super::error::{IndicatorError, check_factor};
use super::formula::{Formula, Streamed};
use super::input::HighLow;

/// A stop that closes in on the price ever faster, and changes sides when it is touched (Wilder 1978; TA-Lib `SAR`).
pub type ParabolicSar = Streamed<StopAndReverse>;

/// Formula of [`ParabolicSar`].
#[derive(Debug, Clone)]
pub struct StopAndReverse {
    acceleration: f64,
    maximum: f64,
    last: Option<HighLow>,
    stop: Option<Stop>,
}

#[derive(Debug, Clone, Copy)]
struct Stop {
    is_long: bool,
    /// Where the stop is for the coming bar.
    level: f64,
    /// The best price of the trade so far.
    extreme: f64,
    speed: f64,
}

impl StopAndReverse {
    /// The direction of the second bar against the first decides which way the first trade goes.
    fn open(&self, bar: HighLow, last: HighLow) -> Stop {
        let (up, down) = (bar.high - last.high, last.low - bar.low);
        let is_long = !(down > 0.0 && up < down);
        let (level, extreme) = if is_long { (last.low, bar.high) } else { (last.high, bar.low) };
        Stop { is_long, level, extreme, speed: self.acceleration }
    }

    /// Takes a bar: where the stop was, or where it is after a reversal; and the stop for the next bar.
    fn step(&self, stop: Stop, bar: HighLow, last: HighLow) -> (f64, Stop) {
        let is_touched = if stop.is_long { bar.low <= stop.level } else { bar.high >= stop.level };
        if is_touched {
            let is_long = !stop.is_long;
            let shown = behind(stop.extreme, is_long, bar, last);
            let extreme = if is_long { bar.high } else { bar.low };
            let level = behind(shown + self.acceleration * (extreme - shown), is_long, bar, last);
            return (shown, Stop { is_long, level, extreme, speed: self.acceleration });
        }
        let is_better = if stop.is_long { bar.high > stop.extreme } else { bar.low < stop.extreme };
        let (extreme, speed) = if is_better {
            let speed = stop.speed + self.acceleration;
            (if stop.is_long { bar.high } else { bar.low }, if speed > self.maximum { self.maximum } else { speed })
        } else {
            (stop.extreme, stop.speed)
        };
        let level = behind(stop.level + speed * (extreme - stop.level), stop.is_long, bar, last);
        (stop.level, Stop { level, extreme, speed, ..stop })
    }
}

/// The stop may not lie within the last two bars.
fn behind(level: f64, is_long: bool, bar: HighLow, last: HighLow) -> f64 {
    let pull =
        |level: f64, edge: f64| if (is_long && level > edge) || (!is_long && level < edge) { edge } else { level };
    if is_long { pull(pull(level, last.low), bar.low) } else { pull(pull(level, last.high), bar.high) }
}

impl Formula for StopAndReverse {
    type Input = HighLow;
    type Output = f64;
    const NAME: &'static str = "ParabolicSar";

    fn next(&mut self, bar: HighLow) -> Option<f64> {
        let last = self.last.replace(bar)?;
        // In the bar that opens the first trade, TA-Lib takes that bar for the one before as well.
        let (stop, last) = match self.stop {
            Some(stop) => (stop, last),
            None => (self.open(bar, last), bar),
        };
        let (shown, stop) = self.step(stop, bar, last);
        // A NaN compares as no touch and no better price: it has to be put in by hand.
        let unknown = (bar.high + bar.low) * 0.0;
        self.stop = Some(Stop { level: stop.level + unknown, ..stop });
        Some(shown + unknown)
    }
    fn warm_up(&self) -> usize {
        2
    }
}

impl ParabolicSar {
    /// With a speed that starts at `acceleration` and grows by it to at most `maximum`.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(acceleration: f64, maximum: f64) -> Result<Self, IndicatorError> {
        check_factor("ParabolicSar", "acceleration", acceleration)?;
        check_factor("ParabolicSar", "maximum", maximum)?;
        let acceleration = acceleration.min(maximum);
        Ok(Self::from_formula(StopAndReverse { acceleration, maximum, last: None, stop: None }))
    }
}
