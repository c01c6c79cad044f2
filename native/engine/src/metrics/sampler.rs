//! Equity on a fixed grid, and the statistics of its returns.

use crate::num::Money;
use crate::time::Nanos;

/// Running mean, variance and downside of simple returns (Welford's recurrence).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ReturnStatistics {
    count: u64,
    mean: f64,
    squares: f64,
    downside: f64,
}

impl ReturnStatistics {
    fn push(&mut self, value: f64) {
        self.count += 1;
        let delta = value - self.mean;
        self.mean += delta / self.count as f64;
        self.squares += delta * (value - self.mean);
        self.downside += value.min(0.0) * value.min(0.0);
    }

    /// How many returns.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Sample deviation (n − 1); `None` below two returns.
    #[must_use]
    pub fn deviation(&self) -> Option<f64> {
        (self.count >= 2).then(|| (self.squares / (self.count - 1) as f64).sqrt())
    }

    /// Annualised Sharpe ratio, risk-free rate zero; `None` below two returns or without variation.
    #[must_use]
    pub fn sharpe(&self, periods_per_year: f64) -> Option<f64> {
        self.deviation().filter(|d| *d > 0.0).map(|d| self.mean / d * periods_per_year.sqrt())
    }

    /// Annualised Sortino ratio with all returns in the denominator; `None` below two returns or without a loss.
    #[must_use]
    pub fn sortino(&self, periods_per_year: f64) -> Option<f64> {
        let downside = (self.downside / self.count.max(1) as f64).sqrt();
        (self.count >= 2 && downside > 0.0).then(|| self.mean / downside * periods_per_year.sqrt())
    }
}

/// Samples equity by last value at each multiple of a step since the epoch.
#[derive(Debug, Clone)]
pub struct Sampler {
    step: Nanos,
    next: Nanos,
    last: Money,
    last_time: Nanos,
    statistics: ReturnStatistics,
}

impl Sampler {
    /// The first sample is `initial` at `start`.
    #[must_use]
    pub const fn new(start: Nanos, initial: Money, step: Nanos) -> Self {
        Self {
            step,
            next: start.floor_to(step).after(step),
            last: initial,
            last_time: start,
            statistics: ReturnStatistics { count: 0, mean: 0.0, squares: 0.0, downside: 0.0 },
        }
    }

    /// Whether a grid point lies before `time`.
    #[inline]
    #[must_use]
    pub fn is_due(&self, time: Nanos) -> bool {
        time > self.next
    }

    /// Takes the samples at all grid points before `time`, `equity` being the last value before `time`.
    pub fn advance(&mut self, time: Nanos, equity: Money) {
        while self.is_due(time) {
            self.sample(self.next, equity);
            self.next = self.next.after(self.step);
        }
    }

    /// Takes the last sample at `end`, which may lie between grid points.
    #[must_use]
    pub fn finish(mut self, end: Nanos, equity: Money) -> ReturnStatistics {
        self.advance(end, equity);
        if end > self.last_time {
            self.sample(end, equity);
        }
        self.statistics
    }

    fn sample(&mut self, time: Nanos, equity: Money) {
        // Below zero equity a simple return means nothing: the series ends there.
        if self.last.is_positive() {
            let change = i128::from(equity.raw()) - i128::from(self.last.raw());
            self.statistics.push(change as f64 / self.last.raw() as f64);
        }
        self.last = equity;
        self.last_time = time;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_and_last_interval_may_be_short_and_gaps_give_zero_returns() {
        let hour = Nanos::HOUR.raw();
        let mut sampler = Sampler::new(Nanos::from_raw(hour / 2), Money::from_raw(100), Nanos::HOUR);
        assert!(!sampler.is_due(Nanos::HOUR), "a value at the grid point itself belongs to it");
        assert!(sampler.is_due(Nanos::from_raw(hour + 1)));
        sampler.advance(Nanos::from_raw(3 * hour + 1), Money::from_raw(110));
        let statistics = sampler.finish(Nanos::from_raw(3 * hour + hour / 2), Money::from_raw(121));
        assert_eq!(statistics.count(), 4, "1 h, 2 h, 3 h, and the end");
        assert!((statistics.mean - 0.05).abs() < 1e-15);
    }

    #[test]
    fn an_end_on_the_grid_is_one_sample_not_two() {
        let sampler = Sampler::new(Nanos::ZERO, Money::from_raw(100), Nanos::HOUR);
        assert_eq!(sampler.finish(Nanos::HOUR, Money::from_raw(110)).count(), 1);
        let sampler = Sampler::new(Nanos::ZERO, Money::from_raw(100), Nanos::HOUR);
        assert_eq!(sampler.finish(Nanos::ZERO, Money::from_raw(100)).count(), 0);
    }
}
