//! Averages and what is built on them: moving averages, MACD, Bollinger bands.

use engine::indicators as formulas;

use super::catalogue;

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
    Sma(value), sma(values), [period], (period: usize) => formulas::Sma::new(period);

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
    Ema(value), ema(values), [period, *, unstable_period = 0], (period: usize, unstable_period: usize)
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
    Wma(value), wma(values), [period], (period: usize) => formulas::Wma::new(period);

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
    Dema(value), dema(values), [period, *, unstable_period = 0], (period: usize, unstable_period: usize)
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
    Tema(value), tema(values), [period, *, unstable_period = 0], (period: usize, unstable_period: usize)
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
    Hma(value), hma(values), [period], (period: usize) => formulas::Hma::new(period);

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
    Kama(value), kama(values), [period, *, unstable_period = 0], (period: usize, unstable_period: usize)
        => formulas::Kama::with_unstable(period, unstable_period);

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
    Macd(value), macd(values), [fast = 12, slow = 26, signal = 9, *, unstable_period = 0],
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
    Bollinger(value), bollinger(values), [period = 20, deviations = 2.0], (period: usize, deviations: f64)
        => formulas::Bollinger::new(period, deviations);
}
