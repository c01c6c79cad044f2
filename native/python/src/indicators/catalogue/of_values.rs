//! Indicators of single numbers.

use engine::indicators::{self as formulas, Streaming};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::super::{Argument, Indicator, columns};
use crate::errors::OrPy;

catalogue! {
    /// Simple moving average: the mean of the last `period` inputs. Equal means are equal floats where sums are exact.
    ///
    /// Inputs: one number. Gives a float in its unit, first with input number `period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 1 to 100000, inputs
    ///
    /// Notes
    /// -----
    /// TA-Lib's SMA.
    Sma, sma(values), [period], (period: usize) => formulas::Sma::new(period);

    /// Exponential moving average, `k = 2 / (period + 1)`, seeded with the mean of the first `period` inputs.
    ///
    /// Inputs: one number. Gives a float in its unit, first with input number `period + unstable_period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 1 to 100000, inputs
    /// unstable_period : int, values held back while the seed still shows
    ///
    /// Notes
    /// -----
    /// TA-Lib's EMA.
    Ema, ema(values), [period, *, unstable_period = 0], (period: usize, unstable_period: usize)
        => formulas::Ema::with_unstable(period, unstable_period);

    /// Weighted moving average: the newest input weighs `period`, the oldest 1.
    ///
    /// Inputs: one number. Gives a float in its unit, first with input number `period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 1 to 100000, inputs
    ///
    /// Notes
    /// -----
    /// TA-Lib's WMA.
    Wma, wma(values), [period], (period: usize) => formulas::Wma::new(period);

    /// Double exponential moving average, `2 EMA - EMA(EMA)`.
    ///
    /// Inputs: one number. Gives a float in its unit, first with input number `2 period - 1 + 2 unstable_period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 1 to 100000, inputs
    /// unstable_period : int, values of each average held back while its seed still shows
    ///
    /// Notes
    /// -----
    /// Mulloy (1994). TA-Lib's DEMA.
    Dema, dema(values), [period, *, unstable_period = 0], (period: usize, unstable_period: usize)
        => formulas::Dema::with_unstable(period, unstable_period);

    /// Triple exponential moving average, `3 EMA - 3 EMA(EMA) + EMA(EMA(EMA))`.
    ///
    /// Inputs: one number. Gives a float in its unit, first with input number `3 period - 2 + 3 unstable_period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 1 to 100000, inputs
    /// unstable_period : int, values of each average held back while its seed still shows
    ///
    /// Notes
    /// -----
    /// Mulloy (1994). TA-Lib's TEMA.
    Tema, tema(values), [period, *, unstable_period = 0], (period: usize, unstable_period: usize)
        => formulas::Tema::with_unstable(period, unstable_period);

    /// Hull moving average, `WMA(2 WMA(x, period / 2) - WMA(x, period), √period)`, both rounded down.
    ///
    /// Inputs: one number. Gives a float in its unit, first with input number `period + ⌊√period⌋ - 1`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 2 to 100000, inputs
    ///
    /// Notes
    /// -----
    /// Hull (2005). TA-Lib's HMA.
    Hma, hma(values), [period], (period: usize) => formulas::Hma::new(period);

    /// Kaufman's adaptive moving average: fast in a straight move, slow in noise.
    ///
    /// Inputs: one number. Gives a float in its unit, first with input number `period + 1 + unstable_period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 2 to 100000, changes of which the efficiency is taken
    /// unstable_period : int, values held back while the seed still shows
    ///
    /// Notes
    /// -----
    /// Kaufman (1995), smoothing between EMAs of 2 and 30. TA-Lib's KAMA.
    Kama, kama(values), [period, *, unstable_period = 0], (period: usize, unstable_period: usize)
        => formulas::Kama::with_unstable(period, unstable_period);

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
    Rsi, rsi(values), [period = 14, *, unstable_period = 0], (period: usize, unstable_period: usize)
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
    StochRsi, stoch_rsi(values), [period = 14, fast_k = 5, fast_d = 3, *, unstable_period = 0],
        (period: usize, fast_k: usize, fast_d: usize, unstable_period: usize)
        => formulas::StochRsi::with_unstable(period, fast_k, fast_d, unstable_period);

    /// Moving average convergence and divergence: a fast EMA less a slow one, the EMA of that, and their difference.
    ///
    /// Inputs: one number. Gives `MacdValue(macd, signal, histogram)` in its unit,
    /// first with input number `slow + signal - 1 + 2 unstable_period`.
    ///
    /// Parameters
    /// ----------
    /// fast : int, 2 to 100000 and below `slow`, inputs
    /// slow : int, 2 to 100000, inputs
    /// signal : int, 1 to 100000, values of `macd`
    /// unstable_period : int, values of each average held back while its seed still shows
    ///
    /// Notes
    /// -----
    /// Appel (1979). TA-Lib's MACD: the fast average is seeded with the last `fast` inputs before the slow one is ready.
    Macd, macd(values), [fast = 12, slow = 26, signal = 9, *, unstable_period = 0],
        (fast: usize, slow: usize, signal: usize, unstable_period: usize)
        => formulas::Macd::with_unstable(fast, slow, signal, unstable_period);

    /// Bollinger bands: the mean of the last `period` inputs, and so many deviations on either side.
    ///
    /// Inputs: one number. Gives `BandsValue(upper, middle, lower)` in its unit, first with input number `period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 2 to 100000, inputs
    /// deviations : float, above 0, deviations (of the population, divided by `period`)
    ///
    /// Notes
    /// -----
    /// Bollinger (1983). TA-Lib's BBANDS.
    Bollinger, bollinger(values), [period = 20, deviations = 2.0], (period: usize, deviations: f64)
        => formulas::Bollinger::new(period, deviations);

    /// Exponentially weighted variance, `k = 2 / (period + 1)`.
    ///
    /// Inputs: one number. Gives a float in its unit squared, never negative, first with input number `period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 1 to 100000, span in inputs
    ///
    /// Notes
    /// -----
    /// Finch (2009). pandas' `ewm(span=period, adjust=False, min_periods=period).var(bias=True)`.
    EwmVariance, ewm_variance(values), [period], (period: usize) => formulas::EwmVariance::new(period);

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
    Roc, roc(values), [period = 10], (period: usize) => formulas::Roc::new(period);

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
    Momentum, momentum(values), [period = 10], (period: usize) => formulas::Momentum::new(period);

    /// The smallest of the last `period` inputs.
    ///
    /// Inputs: one number. Gives a float in its unit, first with input number `period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 1 to 100000, inputs
    ///
    /// Notes
    /// -----
    /// TA-Lib's MIN.
    Min, rolling_min(values), [period], (period: usize) => formulas::Min::new(period);

    /// The largest of the last `period` inputs.
    ///
    /// Inputs: one number. Gives a float in its unit, first with input number `period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 1 to 100000, inputs
    ///
    /// Notes
    /// -----
    /// TA-Lib's MAX.
    Max, rolling_max(values), [period], (period: usize) => formulas::Max::new(period);

    /// Standard deviation (of the population, divided by `period`) of the last `period` inputs.
    ///
    /// Inputs: one number. Gives a float in its unit, exactly 0 where all are equal, first with input number `period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 2 to 100000, inputs
    ///
    /// Notes
    /// -----
    /// TA-Lib's STDDEV.
    Std, rolling_std(values), [period], (period: usize) => formulas::Std::new(period);

    /// How many deviations (of the population) an input is from the mean of the last `period`; 0 where there is none.
    ///
    /// Inputs: one number. Gives a float without unit, first with input number `period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 2 to 100000, inputs
    Zscore, zscore(values), [period], (period: usize) => formulas::Zscore::new(period);

    /// Line of least squares through the last `period` inputs, the oldest at 0, the newest at `period - 1`.
    ///
    /// Inputs: one number. Gives `LinearRegressionValue(slope, intercept, value)`: rise per input, the line at the
    /// oldest and at the newest input, in the unit of the input; first with input number `period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 2 to 100000, inputs
    ///
    /// Notes
    /// -----
    /// TA-Lib's LINEARREG_SLOPE, LINEARREG_INTERCEPT and LINEARREG.
    LinearRegression, linear_regression(values), [period = 14], (period: usize)
        => formulas::LinearRegression::new(period);
}
