//! The average price by volume, which knows the time of its inputs.

use engine::indicators::{self as formulas, Session};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::super::{Indicator, columns};
use crate::errors::ParameterError;

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

/// Adds the class and the function to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Vwap>()?;
    module.add_function(wrap_pyfunction!(vwap, module)?)
}
