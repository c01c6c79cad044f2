//! Exact numbers across the border: `decimal.Decimal` outside, steps inside.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString};

use engine::num::{Money, NumError, Price, Qty, Snapped, from_f64};

use crate::errors::{NumberError, ToPy};

/// `decimal.Decimal`.
pub fn decimal_type(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static DECIMAL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    DECIMAL.get_or_try_init(py, || Ok(py.import("decimal")?.getattr("Decimal")?.unbind())).map(|d| d.bind(py))
}

/// A number that counts steps of 1e-8.
pub trait Steps {
    fn steps(self) -> i64;
}
impl Steps for Price {
    fn steps(self) -> i64 {
        self.raw()
    }
}
impl Steps for Qty {
    fn steps(self) -> i64 {
        self.raw()
    }
}
impl Steps for Money {
    fn steps(self) -> i64 {
        self.raw()
    }
}

/// A `Decimal` and its steps, or nothing yet.
type Place = Option<(i64, Py<PyAny>)>;

/// How many bits number the places of [`RECENT`].
const PLACES: u32 = 12;

/// Decimals made lately, by their steps. Prices come again and again on their grid, a `Decimal` never changes, and
/// finding one costs a fifth of making one. One table for all threads: whoever holds the interpreter finds its lock free,
/// and a process with a thread for each strategy does not keep a table for each.
static RECENT: Mutex<[Place; 1 << PLACES]> = Mutex::new([const { None }; 1 << PLACES]);

/// A number of the engine as a `Decimal`, exactly.
pub fn to_decimal<'py>(py: Python<'py>, value: impl Steps) -> PyResult<Bound<'py, PyAny>> {
    let steps = value.steps();
    // Fibonacci hashing: neighbours on any grid fall on different places.
    let place = steps.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - PLACES);
    let place = usize::try_from(place).unwrap_or_default();
    let known = match recent().get(place) {
        Some(Some((known, decimal))) if *known == steps => Some(decimal.clone_ref(py)),
        _ => None,
    };
    if let Some(decimal) = known {
        return Ok(decimal.into_bound(py));
    }
    let decimal = decimal_of_text(py, &Price::from_raw(steps).to_string())?;
    let made = Some((steps, decimal.clone().unbind()));
    // What was there is dropped after the lock.
    let _old = recent().get_mut(place).and_then(|old| std::mem::replace(old, made));
    Ok(decimal)
}

/// The decimals made lately. A panic cannot have left them half changed.
fn recent() -> MutexGuard<'static, [Place; 1 << PLACES]> {
    RECENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A decimal number as a `Decimal`, through its exact text.
pub fn decimal_of_text<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    decimal_type(py)?.call1((text,))
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
        return Price::from_raw(steps).to_string().parse().map_err(ToPy::to_py);
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
