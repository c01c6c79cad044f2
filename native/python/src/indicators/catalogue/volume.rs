//! Prices and volumes together.

use engine::indicators::{self as formulas, IndicatorError, Session};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::super::{Indicator, columns};
use super::catalogue;
use crate::errors::ParameterError;

catalogue! {
    /// On-balance volume: volume added when the price rises and taken away when it falls.
    ///
    /// Inputs: price, volume. Gives a float in units of volume, first with the first input, whose volume it is.
    ///
    /// Notes
    /// -----
    /// Granville (1963). TA-Lib's OBV.
    Obv(price, volume), obv(price, volume), [], () => Ok::<_, IndicatorError>(formulas::Obv::new());

    /// Money flow index, 0 to 100: the share of typical price times volume that flowed upward; 0 where none flowed.
    ///
    /// Inputs: high, low, close, volume. Gives a float without unit, first with input number `period + 1`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 2 to 100000, changes
    ///
    /// Notes
    /// -----
    /// Quong and Soudack (1989). TA-Lib's MFI.
    Mfi(high, low, close, volume), mfi(high, low, close, volume), [period = 14], (period: usize)
        => formulas::Mfi::new(period);

    /// Volume-weighted average of the last `period` typical prices; NaN where nothing was traded in them.
    ///
    /// Inputs: high, low, close, volume. Gives a float in units of price, first with input number `period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 1 to 100000, bars
    ///
    /// Notes
    /// -----
    /// TA-Lib's VWMA of TYPPRICE, which over one bar is the price, traded or not.
    RollingVwap(high, low, close, volume), rolling_vwap(high, low, close, volume), [period], (period: usize) => formulas::RollingVwap::new(period);
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
pub struct Vwap;

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

    /// Takes one input and returns the new value.
    ///
    /// The input is numbers and, with a session, the `time` at which the bar opened, in nanoseconds since the epoch; or a
    /// `Bar`, which has all of it.
    ///
    /// Raises
    /// ------
    /// ParameterError
    ///     Fewer than four numbers; a session without a time.
    /// DataError
    ///     The bar has no volume.
    #[pyo3(signature = (high, low=None, close=None, volume=None, /, *, time=None))]
    fn update<'py>(
        mut slf: PyRefMut<'py, Self>,
        high: &Bound<'py, PyAny>,
        low: Option<f64>,
        close: Option<f64>,
        volume: Option<f64>,
        time: Option<i64>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        slf.as_super().feed(high, [low, close, volume], time)
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
pub fn vwap<'py>(
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
