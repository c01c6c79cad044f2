//! Ranges, channels and trends of bars.

use engine::indicators as formulas;

use super::catalogue;

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
    Keltner(high, low, close), keltner(high, low, close), [period = 20, range_period = 10, multiplier = 2.0],
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
    Donchian(high, low), donchian(high, low), [period = 20], (period: usize) => formulas::Donchian::new(period);

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
    Atr(high, low, close), atr(high, low, close), [period = 14, *, unstable_period = 0], (period: usize, unstable_period: usize)
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
    Adx(high, low, close), adx(high, low, close), [period = 14, *, unstable_period = 0], (period: usize, unstable_period: usize)
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
    Dmi(high, low, close), dmi(high, low, close), [period = 14, *, unstable_period = 0], (period: usize, unstable_period: usize)
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
    SuperTrend(high, low, close), super_trend(high, low, close), [period = 10, multiplier = 3.0, *, unstable_period = 0],
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
    ParabolicSar(high, low), parabolic_sar(high, low), [acceleration = 0.02, maximum = 0.2], (acceleration: f64, maximum: f64)
        => formulas::ParabolicSar::new(acceleration, maximum);
}
