//! Events as frozen Python classes: `Decimal` and `datetime` views of the engine's values.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use engine::order::Side;
use engine::time::Nanos;

use crate::errors::ParameterError;

mod book;
mod commands;
mod control;
mod market;
mod orders;
mod reference;
mod signal;
mod ticks;

pub use book::{PyBookDelta, PyBookSnapshot};
pub use commands::{
    PyCancel, PyModify, PyNotice, PyRefuse, PyScheduleCancel, PySetTimer, PySubmit, command_from_py, command_to_py,
};
pub use control::{PyAccountEvent, PyControl, PyTimer};
pub use market::{PyBar, PyQuote, PyTrade, market_from_py, market_to_py, with_instrument};
pub use orders::{PyFill, PyOrder, PyOrderUpdate, cloid_of};
pub use reference::{PyFundingRate, PyMarketContext};
pub use signal::PySignal;
pub use ticks::{RowEvents, rows_from_py};

/// A moment as an aware `datetime` in UTC (microseconds; the nanoseconds are in the `_ns` attribute beside it).
pub fn to_datetime(py: Python<'_>, time: Nanos) -> PyResult<Bound<'_, PyAny>> {
    static MAKE: PyOnceLock<(Py<PyAny>, Py<PyAny>)> = PyOnceLock::new();
    let (epoch, delta) = MAKE.get_or_try_init(py, || {
        let module = py.import("datetime")?;
        let utc = module.getattr("timezone")?.getattr("utc")?;
        let epoch = module.getattr("datetime")?.call1((1970, 1, 1, 0, 0, 0, 0, utc))?;
        Ok::<_, PyErr>((epoch.unbind(), module.getattr("timedelta")?.unbind()))
    })?;
    let micros = time.raw().div_euclid(1_000);
    let delta = delta.bind(py).call1((0, micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000)))?;
    epoch.bind(py).add(delta)
}

/// An `int` of nanoseconds or an aware `datetime` as a moment.
pub fn from_time(value: &Bound<'_, PyAny>) -> PyResult<Nanos> {
    if let Ok(nanos) = value.extract::<i64>() {
        return Ok(Nanos::from_raw(nanos));
    }
    let text: String = value.call_method0("isoformat")?.extract()?;
    let parsed = engine::time::parse_iso(text.as_bytes());
    let time = parsed.ok_or_else(|| ParameterError::new_err(format!("`{text}` is no time between 1678 and 2261")))?;
    Ok(time.time)
}

pub fn side_of(text: &str) -> PyResult<Side> {
    match text {
        "buy" => Ok(Side::Buy),
        "sell" => Ok(Side::Sell),
        other => Err(ParameterError::new_err(format!("side = {other}: must be buy or sell"))),
    }
}
