//! Exact numbers across the border: `decimal.Decimal` outside, steps inside.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString};

use engine::num::{NumError, Snapped, from_f64};

use crate::errors::{NumberError, ToPy};

/// `decimal.Decimal`.
pub fn decimal_type(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static DECIMAL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    DECIMAL.get_or_try_init(py, || Ok(py.import("decimal")?.getattr("Decimal")?.unbind())).map(|d| d.bind(py))
}

/// A number of the engine as a `Decimal`, through its exact text.
pub fn to_decimal<'py>(py: Python<'py>, value: impl std::fmt::Display) -> PyResult<Bound<'py, PyAny>> {
    decimal_type(py)?.call1((value.to_string(),))
}

/// A `Decimal`, `int`, `str` or `float` as a number of the engine, exactly. A float means the decimal that it prints as.
pub fn from_python<T>(value: &Bound<'_, PyAny>) -> PyResult<T>
where
    T: std::str::FromStr<Err = NumError>,
{
    if value.is_instance_of::<PyBool>() {
        return Err(NumberError::new_err(format!("`{value}` is not a number")));
    }
    if let Ok(float) = value.cast::<PyFloat>() {
        let Snapped { steps, .. } = from_f64(float.extract()?).map_err(ToPy::to_py)?;
        return engine::num::Price::from_raw(steps).to_string().parse().map_err(ToPy::to_py);
    }
    if value.is_instance_of::<PyInt>()
        || value.is_instance_of::<PyString>()
        || value.is_instance(decimal_type(value.py())?)?
    {
        return value.str()?.to_string_lossy().parse().map_err(ToPy::to_py);
    }
    Err(NumberError::new_err(format!(
        "`{}` ({}) is not a number: give a Decimal, int, str or float",
        value.repr()?,
        value.get_type().name()?
    )))
}
