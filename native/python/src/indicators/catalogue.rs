//! The catalogue: for each indicator its class, its batch function, its parameters and their text, declared once.

use engine::indicators::{self as formulas, IndicatorError, Session, Streaming};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::{Argument, Indicator, columns};
use crate::errors::{OrPy, ParameterError};

/// Named tuples that indicators give: floats from a class, arrays from a batch function.
pub const VALUE_TYPES: &[(&str, &[&str])] = &[
    ("MacdValue", &["macd", "signal", "histogram"]),
    ("BandsValue", &["upper", "middle", "lower"]),
    ("AdxValue", &["adx", "plus_di", "minus_di"]),
    ("DmiValue", &["plus_di", "minus_di"]),
    ("StochasticValue", &["k", "d"]),
    ("SuperTrendValue", &["line", "direction"]),
    ("LinearRegressionValue", &["slope", "intercept", "value"]),
];

macro_rules! catalogue {
    ($(
        $(#[doc = $doc:literal])+
        $class:ident, $function:ident($($column:ident),+), [$($signature:tt)*], ($($param:ident: $type:ty),*) => $make:expr;
    )+) => {
        $(
            $(#[doc = $doc])+
            ///
            /// Raises
            /// ------
            /// ParameterError
            ///     A parameter is out of range.
            #[pyclass(extends = Indicator, module = "algo_trade._native")]
            struct $class;

            #[pymethods]
            impl $class {
                #[new]
                #[pyo3(signature = ($($signature)*))]
                fn new(
                    py: Python<'_>,
                    $(#[pyo3(from_py_with = <$type as Argument>::read)] $param: $type),*
                ) -> PyResult<PyClassInitializer<Self>> {
                    let params = PyDict::new(py);
                    $(params.set_item(stringify!($param), $param)?;)*
                    let inner: Box<dyn Streaming> = Box::new($make.or_py()?);
                    Ok(PyClassInitializer::from(Indicator::new(py, inner, params)?).add_subclass(Self))
                }
            }

            #[doc = concat!("`", stringify!($class), "` over whole columns: the numbers of the class, bit for bit.")]
            ///
            #[doc = concat!("Takes the columns ", $("`", stringify!($column), "`, ",)+ "then the parameters of the class.")]
            ///
            /// Parameters
            /// ----------
            #[doc = concat!($(stringify!($column), " ",)+ ": array-like of float64, shape (n,)")]
            ///     numpy, polars, pyarrow, a list or any Arrow array; contiguous float64 is read where it lies.
            ///     Null is NaN. Leading rows with a NaN do not count. A later NaN makes the value NaN: until it has left
            ///     the window, or for good where the formula is recursive.
            ///
            /// Returns
            /// -------
            /// numpy array of float64, shape (n,), or a named tuple of such arrays; NaN while warming up.
            ///
            /// Raises
            /// ------
            /// ParameterError
            ///     A parameter is out of range.
            /// DataError
            ///     A column is not one-dimensional, or the columns differ in length.
            #[pyfunction]
            #[pyo3(signature = ($($column,)+ $($signature)*))]
            fn $function<'py>(
                py: Python<'py>,
                $($column: &Bound<'py, PyAny>,)+
                $(#[pyo3(from_py_with = <$type as Argument>::read)] $param: $type),*
            ) -> PyResult<Bound<'py, PyAny>> {
                columns::run(py, &$make.or_py()?, &[$($column),+], None)
            }
        )+

        /// Adds the classes and functions to the module.
        pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
            $(
                module.add_class::<$class>()?;
                module.add_function(wrap_pyfunction!($function, module)?)?;
            )+
            module.add_class::<Vwap>()?;
            module.add_function(wrap_pyfunction!(vwap, module)?)
        }
    };
}

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

fn session_from_name(name: Option<&str>) -> PyResult<Session> {
    match name {
        None => Ok(Session::Whole),
        Some("day") => Ok(Session::Day),
        Some(other) => Err(ParameterError::new_err(format!("Vwap: session = {other:?}: must be \"day\" or None"))),
    }
}

/// Average of typical prices weighted by volume since the first input, or since midnight UTC.
///
/// Inputs: high, low, close, volume, and `time` with a session. Gives a float in units of price, first with the first
/// input; 0 until something was traded, as in TA-Lib.
///
/// Parameters
/// ----------
/// session : "day" or None
///     "day" starts anew at midnight UTC, by the time at which a bar opened.
///
/// Raises
/// ------
/// ParameterError
///     The session is unknown; in `update`, a session without a time.
///
/// Notes
/// -----
/// TA-Lib's VWAP, which knows no sessions.
#[pyclass(extends = Indicator, module = "algo_trade._native")]
struct Vwap;

#[pymethods]
impl Vwap {
    #[new]
    #[pyo3(signature = (*, session=None))]
    fn new(py: Python<'_>, session: Option<&str>) -> PyResult<PyClassInitializer<Self>> {
        let params = PyDict::new(py);
        params.set_item("session", session)?;
        let inner = Box::new(formulas::Vwap::new(session_from_name(session)?));
        Ok(PyClassInitializer::from(Indicator::new(py, inner, params)?).add_subclass(Self))
    }
}

/// `Vwap` over whole columns: the numbers of the class, bit for bit.
///
/// Parameters
/// ----------
/// high, low, close, volume : array-like of float64, shape (n,)
/// session : "day" or None
/// time : array-like, shape (n,), needed with a session
///     When the bars opened: int64 nanoseconds since the epoch, or `datetime64` in UTC.
///
/// Returns
/// -------
/// numpy array of float64, shape (n,)
///
/// Raises
/// ------
/// ParameterError
///     The session is unknown, or has no times.
/// DataError
///     A column is not one-dimensional, or the columns differ in length.
#[pyfunction]
#[pyo3(signature = (high, low, close, volume, *, session=None, time=None))]
fn vwap<'py>(
    py: Python<'py>,
    high: &Bound<'py, PyAny>,
    low: &Bound<'py, PyAny>,
    close: &Bound<'py, PyAny>,
    volume: &Bound<'py, PyAny>,
    session: Option<&str>,
    time: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let indicator = formulas::Vwap::new(session_from_name(session)?);
    columns::run(py, &indicator, &[high, low, close, volume], time)
}
