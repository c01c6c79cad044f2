//! Moving average convergence and divergence.

use super::error::{IndicatorError, check_period};
use super::exponential::{Exponential, exponential};
use super::formula::{Formula, Settled, Streamed};
use super::output::MacdValue;

/// A fast EMA less a slow one, and the EMA of that (Appel; TA-Lib `MACD`).
pub type Macd = Streamed<Convergence>;

/// Formula of [`Macd`].
#[derive(Debug, Clone)]
pub struct Convergence {
    fast: Settled<Exponential>,
    slow: Settled<Exponential>,
    signal: Settled<Exponential>,
    /// TA-Lib seeds the fast average with the last inputs before the slow one is ready, not with the first.
    fast_waits: usize,
}

impl Formula for Convergence {
    type Input = f64;
    type Output = MacdValue;
    const NAME: &'static str = "Macd";

    #[inline]
    fn next(&mut self, input: f64) -> Option<MacdValue> {
        let slow = self.slow.next(input);
        if self.fast_waits > 0 {
            self.fast_waits -= 1;
            return None;
        }
        let macd = self.fast.next(input)? - slow?;
        let signal = self.signal.next(macd)?;
        Some(MacdValue { macd, signal, histogram: macd - signal })
    }
    #[inline]
    fn next_when_warm(&mut self, input: f64) -> Option<MacdValue> {
        let macd = self.fast.next_when_warm(input)? - self.slow.next_when_warm(input)?;
        let signal = self.signal.next_when_warm(macd)?;
        Some(MacdValue { macd, signal, histogram: macd - signal })
    }
    fn warm_up(&self) -> usize {
        self.slow.warm_up() + self.signal.warm_up() - 1
    }
}

impl Macd {
    /// With averages over `fast` and `slow` inputs (at least 2, and `fast < slow`), and of `signal` values (at least 1).
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(fast: usize, slow: usize, signal: usize) -> Result<Self, IndicatorError> {
        Self::with_unstable(fast, slow, signal, 0)
    }

    /// The same, the first `unstable_period` values of each average held back.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn with_unstable(
        fast: usize,
        slow: usize,
        signal: usize,
        unstable_period: usize,
    ) -> Result<Self, IndicatorError> {
        check_period("Macd", "fast", fast, 2)?;
        check_period("Macd", "slow", slow, 2)?;
        check_period("Macd", "signal", signal, 1)?;
        if fast >= slow {
            let allowed = format!("below slow = {slow}");
            return Err(IndicatorError::Parameter {
                indicator: "Macd",
                parameter: "fast",
                given: fast.to_string(),
                allowed,
            });
        }
        Ok(Self::from_formula(Convergence {
            fast: exponential(fast, unstable_period),
            slow: exponential(slow, unstable_period),
            signal: exponential(signal, unstable_period),
            fast_waits: slow - fast,
        }))
    }
}
