//! Indicators of the numbers of a bar.

use engine::indicators::{self as formulas, IndicatorError, Streaming};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::super::{Argument, Indicator, columns};
use crate::errors::OrPy;

catalogue! {
    /// Keltner channel: the EMA of the typical price, and so many average true ranges on either side.
    ///
    /// Inputs: high, low, close. Gives `BandsValue(upper, middle, lower)` in their unit,
    /// first with input number `max(period, range_period + 1)`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 2 to 100000, bars of the EMA
    /// range_period : int, 1 to 100000, bars of the average true range
    /// multiplier : float, above 0, ranges
    ///
    /// Notes
    /// -----
    /// TA-Lib's KC: the part with the shorter warm-up starts late, so that both are seeded up to the same bar.
    Keltner, keltner(high, low, close), [period = 20, range_period = 10, multiplier = 2.0],
        (period: usize, range_period: usize, multiplier: f64)
        => formulas::Keltner::new(period, range_period, multiplier);

    /// Donchian channel: the highest high and the lowest low of the last `period` bars, and half-way between.
    ///
    /// Inputs: high, low. Gives `BandsValue(upper, middle, lower)` in their unit, first with input number `period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 1 to 100000, bars
    ///
    /// Notes
    /// -----
    /// TA-Lib's DONCHIAN.
    Donchian, donchian(high, low), [period = 20], (period: usize) => formulas::Donchian::new(period);

    /// Average true range, in units of price.
    ///
    /// Inputs: high, low, close. Gives a float in their unit, first with input number `period + 1 + unstable_period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 1 to 100000, ranges
    /// unstable_period : int, values held back while the seed still shows
    ///
    /// Notes
    /// -----
    /// Wilder (1978). TA-Lib's ATR.
    Atr, atr(high, low, close), [period = 14, *, unstable_period = 0], (period: usize, unstable_period: usize)
        => formulas::Atr::with_unstable(period, unstable_period);

    /// Average directional index, 0 to 100: the strength of a trend, and the two directions it is made of.
    ///
    /// Inputs: high, low, close. Gives `AdxValue(adx, plus_di, minus_di)` without unit,
    /// first with input number `2 period + unstable_period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 2 to 100000, bars
    /// unstable_period : int, values held back while the seed still shows
    ///
    /// Notes
    /// -----
    /// Wilder (1978). TA-Lib's ADX; without movement the directions are 0 and the index keeps its value.
    Adx, adx(high, low, close), [period = 14, *, unstable_period = 0], (period: usize, unstable_period: usize)
        => formulas::Adx::with_unstable(period, unstable_period);

    /// Directional indicators +DI and -DI, each 0 to 100.
    ///
    /// Inputs: high, low, close. Gives `DmiValue(plus_di, minus_di)` without unit,
    /// first with input number `period + 1 + unstable_period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 2 to 100000, bars
    /// unstable_period : int, values held back while the seed still shows
    ///
    /// Notes
    /// -----
    /// Wilder (1978). TA-Lib's PLUS_DI and MINUS_DI; 0 where there is no range.
    Dmi, dmi(high, low, close), [period = 14, *, unstable_period = 0], (period: usize, unstable_period: usize)
        => formulas::Dmi::with_unstable(period, unstable_period);

    /// SuperTrend: a line some average true ranges from the median price, which changes sides when the close crosses it.
    ///
    /// Inputs: high, low, close. Gives `SuperTrendValue(line, direction)`, the line in their unit, the direction 1 (the
    /// line is below) or -1, first with input number `period + 1 + unstable_period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 2 to 100000, ranges
    /// multiplier : float, above 0, ranges
    /// unstable_period : int, values of the range held back while its seed still shows
    ///
    /// Notes
    /// -----
    /// TA-Lib's SUPERTREND; the first direction is 1.
    SuperTrend, super_trend(high, low, close), [period = 10, multiplier = 3.0, *, unstable_period = 0],
        (period: usize, multiplier: f64, unstable_period: usize)
        => formulas::SuperTrend::with_unstable(period, multiplier, unstable_period);

    /// Parabolic stop and reverse: a stop that closes in on the price, and changes sides when it is touched.
    ///
    /// Inputs: high, low. Gives a float in their unit, first with input number 2.
    ///
    /// Parameters
    /// ----------
    /// acceleration : float, above 0, first step and growth of the step
    /// maximum : float, above 0, largest step
    ///
    /// Notes
    /// -----
    /// Wilder (1978). TA-Lib's SAR.
    ParabolicSar, parabolic_sar(high, low), [acceleration = 0.02, maximum = 0.2], (acceleration: f64, maximum: f64)
        => formulas::ParabolicSar::new(acceleration, maximum);

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
    Stochastic, stochastic(high, low, close), [fast_k = 5, slow_k = 3, slow_d = 3],
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
    Cci, cci(high, low, close), [period = 14], (period: usize) => formulas::Cci::new(period);

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
    WilliamsR, williams_r(high, low, close), [period = 14], (period: usize) => formulas::WilliamsR::new(period);

    /// On-balance volume: volume added when the price rises and taken away when it falls.
    ///
    /// Inputs: price, volume. Gives a float in units of volume, first with the first input, whose volume it is.
    ///
    /// Notes
    /// -----
    /// Granville (1963). TA-Lib's OBV.
    Obv, obv(price, volume), [], () => Ok::<_, IndicatorError>(formulas::Obv::new());

    /// Money flow index, 0 to 100: the share of typical price times volume that flowed upward; 0 where none flowed.
    ///
    /// Inputs: high, low, close, volume. Gives a float without unit, first with input number `period + 1 + unstable_period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 2 to 100000, changes
    /// unstable_period : int, values held back
    ///
    /// Notes
    /// -----
    /// Quong and Soudack (1989). TA-Lib's MFI.
    Mfi, mfi(high, low, close, volume), [period = 14, *, unstable_period = 0],
        (period: usize, unstable_period: usize) => formulas::Mfi::with_unstable(period, unstable_period);

    /// Volume-weighted average of the last `period` typical prices; NaN while nothing was traded in them.
    ///
    /// Inputs: high, low, close, volume. Gives a float in units of price, first with input number `period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 1 to 100000, bars
    ///
    /// Notes
    /// -----
    /// TA-Lib's VWMA of TYPPRICE.
    RollingVwap, rolling_vwap(high, low, close, volume), [period], (period: usize) => formulas::RollingVwap::new(period);
}
