//! Oscillators: where the price is, and how far it has come.

use engine::indicators as formulas;

use super::catalogue;

catalogue! {
    /// Wilder's relative strength index, 0 to 100; 0 where nothing has moved.
    ///
    /// Inputs: one number. Gives a float without unit, first with input number `period + 1 + unstable_period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 2 to 100000, changes
    /// unstable_period : int, values held back while the seed still shows
    ///
    /// Notes
    /// -----
    /// Wilder (1978). TA-Lib's RSI.
    Rsi(value), rsi(values), [period = 14, *, unstable_period = 0], (period: usize, unstable_period: usize)
        => formulas::Rsi::with_unstable(period, unstable_period);

    /// The place of an RSI in its own range, 0 to 100, and the mean of that.
    ///
    /// Inputs: one number. Gives `StochasticValue(k, d)` without unit,
    /// first with input number `period + fast_k + fast_d - 1 + unstable_period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 2 to 100000, changes of the RSI
    /// fast_k : int, 1 to 100000, values over which the range is taken
    /// fast_d : int, 1 to 100000, values over which `d` is the mean
    /// unstable_period : int, values of the RSI held back while its seed still shows
    ///
    /// Notes
    /// -----
    /// Chande and Kroll (1994). TA-Lib's STOCHRSI; k is 0 where the range is empty.
    StochRsi(value), stoch_rsi(values), [period = 14, fast_k = 5, fast_d = 3, *, unstable_period = 0],
        (period: usize, fast_k: usize, fast_d: usize, unstable_period: usize)
        => formulas::StochRsi::with_unstable(period, fast_k, fast_d, unstable_period);

    /// Slow stochastic oscillator, 0 to 100: where the close is in the range, smoothed, and the mean of that.
    ///
    /// Inputs: high, low, close. Gives `StochasticValue(k, d)` without unit,
    /// first with input number `fast_k + slow_k + slow_d - 2`.
    ///
    /// Parameters
    /// ----------
    /// fast_k : int, 1 to 100000, bars over which the range is taken
    /// slow_k : int, 1 to 100000, values over which `k` is the mean
    /// slow_d : int, 1 to 100000, values over which `d` is the mean
    ///
    /// Notes
    /// -----
    /// Lane. TA-Lib's STOCH with plain averages; 0 where the range is empty.
    Stochastic(high, low, close), stochastic(high, low, close), [fast_k = 5, slow_k = 3, slow_d = 3],
        (fast_k: usize, slow_k: usize, slow_d: usize) => formulas::Stochastic::new(fast_k, slow_k, slow_d);

    /// Commodity channel index: the typical price's distance from its mean in units of 0.015 mean absolute deviations.
    ///
    /// Inputs: high, low, close. Gives a float without unit, first with input number `period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 2 to 100000, bars; an update takes time proportional to it
    ///
    /// Notes
    /// -----
    /// Lambert (1980). TA-Lib's CCI; 0 where there is no deviation.
    Cci(high, low, close), cci(high, low, close), [period = 14], (period: usize) => formulas::Cci::new(period);

    /// Williams %R, 0 (the close is the highest high) to -100 (the lowest low).
    ///
    /// Inputs: high, low, close. Gives a float without unit, first with input number `period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 1 to 100000, bars
    ///
    /// Notes
    /// -----
    /// TA-Lib's WILLR; 0 where the range is empty.
    WilliamsR(high, low, close), williams_r(high, low, close), [period = 14], (period: usize) => formulas::WilliamsR::new(period);

    /// Rate of change against the input `period` before, in per cent; 0 where that one was 0.
    ///
    /// Inputs: one number. Gives a float in per cent, first with input number `period + 1`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 1 to 100000, inputs
    ///
    /// Notes
    /// -----
    /// TA-Lib's ROC.
    Roc(value), roc(values), [period = 10], (period: usize) => formulas::Roc::new(period);

    /// Change against the input `period` before.
    ///
    /// Inputs: one number. Gives a float in its unit, first with input number `period + 1`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 1 to 100000, inputs
    ///
    /// Notes
    /// -----
    /// TA-Lib's MOM.
    Momentum(value), momentum(values), [period = 10], (period: usize) => formulas::Momentum::new(period);
}
