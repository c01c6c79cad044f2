//! The deepest and the longest fall of equity from a peak.

use crate::num::Money;
use crate::time::Nanos;

/// Follows peaks and troughs.
#[derive(Debug, Clone, Copy)]
pub struct Drawdown {
    peak: Money,
    peak_time: Nanos,
    trough: Money,
    deepest: f64,
    longest: Nanos,
}

impl Drawdown {
    /// The first peak is `initial` at `start`.
    #[must_use]
    pub const fn new(start: Nanos, initial: Money) -> Self {
        Self { peak: initial, peak_time: start, trough: initial, deepest: 0.0, longest: Nanos::ZERO }
    }

    /// Takes in equity at a time.
    #[inline]
    pub fn on_equity(&mut self, time: Nanos, equity: Money) {
        if equity >= self.peak {
            self.close(time);
            self.peak = equity;
            self.peak_time = time;
            self.trough = equity;
        } else if equity < self.trough {
            self.trough = equity;
        }
    }

    /// Depth as a positive fraction of the peak, and length.
    #[must_use]
    pub fn finish(mut self, end: Nanos) -> (f64, Nanos) {
        self.close(end);
        (self.deepest, self.longest)
    }

    /// Ends the fall from the present peak, if there was one.
    fn close(&mut self, time: Nanos) {
        if self.trough < self.peak && self.peak.is_positive() {
            let fall = i128::from(self.peak.raw()) - i128::from(self.trough.raw());
            self.deepest = self.deepest.max(fall as f64 / self.peak.raw() as f64);
            self.longest = self.longest.max(time.since(self.peak_time));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_and_length_may_come_from_different_falls() {
        let mut drawdown = Drawdown::new(Nanos::ZERO, Money::from_raw(100));
        for (time, equity) in [(1, 50), (2, 100), (3, 120), (4, 110), (9, 119)] {
            drawdown.on_equity(Nanos::from_raw(time), Money::from_raw(equity));
        }
        assert_eq!(drawdown.finish(Nanos::from_raw(10)), (0.5, Nanos::from_raw(7)));
    }

    #[test]
    fn a_rise_alone_has_no_drawdown() {
        let mut drawdown = Drawdown::new(Nanos::ZERO, Money::from_raw(100));
        drawdown.on_equity(Nanos::from_raw(5), Money::from_raw(101));
        assert_eq!(drawdown.finish(Nanos::from_raw(9)), (0.0, Nanos::ZERO));
    }
}
