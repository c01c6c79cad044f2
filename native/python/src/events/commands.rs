//! What the system asks its driver to do.

use pyo3::prelude::*;
use pyo3::types::PyString;

use engine::event::{Command, Level};
use engine::instrument::InstrumentId;
use engine::num::{Price, Qty};
use engine::order::{Cloid, Reason};
use engine::time::Nanos;

use super::PyOrder;
use crate::errors::ParameterError;
use crate::number::to_decimal;

/// Send this order.
#[pyclass(frozen, name = "SubmitOrder", module = "algo_trade._native")]
pub struct PySubmit {
    /// The order.
    #[pyo3(get)]
    order: Py<PyOrder>,
}

#[pymethods]
impl PySubmit {
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("SubmitOrder({})", self.order.bind(py).repr()?))
    }
}

/// Record this order, which was refused; it is not sent.
#[pyclass(frozen, name = "RefuseOrder", module = "algo_trade._native")]
pub struct PyRefuse {
    /// The order.
    #[pyo3(get)]
    order: Py<PyOrder>,
    reason: Reason,
}

#[pymethods]
impl PyRefuse {
    /// "risk": by the risk manager; "`not_trading`": the bot is paused.
    #[getter]
    fn reason(&self) -> &'static str {
        self.reason.as_str()
    }
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("RefuseOrder({}, {})", self.order.bind(py).repr()?, self.reason()))
    }
}

/// Change price and remaining quantity of an order.
#[pyclass(frozen, name = "ModifyOrder", module = "algo_trade._native")]
pub struct PyModify {
    cloid: Cloid,
    instrument: InstrumentId,
    price: Price,
    quantity: Qty,
    symbol: Py<PyString>,
}

#[pymethods]
impl PyModify {
    /// Our order id, as `0x…`.
    #[getter]
    fn cloid(&self) -> String {
        self.cloid.to_string()
    }
    /// The instrument's name.
    #[getter]
    fn symbol(&self, py: Python<'_>) -> Py<PyString> {
        self.symbol.clone_ref(py)
    }
    /// The new price.
    #[getter]
    fn price<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.price)
    }
    /// The new remaining quantity.
    #[getter]
    fn quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.quantity)
    }
    fn __repr__(&self, py: Python<'_>) -> String {
        format!("ModifyOrder({}, {}, {} @ {})", self.symbol.bind(py), self.cloid, self.quantity, self.price)
    }
}

/// Take an order away.
#[pyclass(frozen, name = "CancelOrder", module = "algo_trade._native")]
pub struct PyCancel {
    cloid: Cloid,
    instrument: InstrumentId,
    symbol: Py<PyString>,
}

#[pymethods]
impl PyCancel {
    /// Our order id, as `0x…`.
    #[getter]
    fn cloid(&self) -> String {
        self.cloid.to_string()
    }
    /// The instrument's name.
    #[getter]
    fn symbol(&self, py: Python<'_>) -> Py<PyString> {
        self.symbol.clone_ref(py)
    }
    fn __repr__(&self, py: Python<'_>) -> String {
        format!("CancelOrder({}, {})", self.symbol.bind(py), self.cloid)
    }
}

/// Take all orders away at a time, unless it is moved; without a time the plan is taken back.
#[pyclass(frozen, name = "ScheduleCancel", module = "algo_trade._native")]
pub struct PyScheduleCancel {
    time: Option<Nanos>,
}

#[pymethods]
impl PyScheduleCancel {
    /// When, at the venue, in nanoseconds since the epoch; None takes the plan back.
    #[getter]
    fn time_ns(&self) -> Option<i64> {
        self.time.map(Nanos::raw)
    }
    fn __repr__(&self) -> String {
        self.time.map_or_else(|| "ScheduleCancel(None)".to_owned(), |time| format!("ScheduleCancel({time})"))
    }
}

/// Give a `TimerEvent` back at this time.
#[pyclass(frozen, name = "SetTimer", module = "algo_trade._native")]
pub struct PySetTimer {
    time: Nanos,
    /// Given back with the event.
    #[pyo3(get)]
    id: u64,
}

#[pymethods]
impl PySetTimer {
    /// When, in nanoseconds since the epoch.
    #[getter]
    fn time_ns(&self) -> i64 {
        self.time.raw()
    }
    fn __repr__(&self) -> String {
        format!("SetTimer({}, {})", self.time, self.id)
    }
}

/// Tell a person.
#[pyclass(frozen, name = "Notice", module = "algo_trade._native")]
pub struct PyNotice {
    level: Level,
    /// What.
    #[pyo3(get)]
    text: String,
}

#[pymethods]
impl PyNotice {
    /// "info", "warning" or "error".
    #[getter]
    fn level(&self) -> &'static str {
        match self.level {
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
    fn __repr__(&self) -> String {
        format!("Notice({}, {:?})", self.level(), self.text)
    }
}

/// A command of the engine as a Python object.
pub fn command_to_py(
    py: Python<'_>,
    command: Command,
    symbol: impl Fn(InstrumentId) -> Py<PyString>,
) -> PyResult<Py<PyAny>> {
    let order = |inner: engine::order::OrderEvent| {
        Py::new(py, PyOrder { symbol: symbol(inner.instrument), leaves: inner.quantity, inner })
    };
    Ok(match command {
        Command::Submit(event) => Py::new(py, PySubmit { order: order(event)? })?.into_any(),
        Command::Refuse(event) => Py::new(py, PyRefuse { order: order(event)?, reason: Reason::Risk })?.into_any(),
        Command::Withhold(event) => {
            Py::new(py, PyRefuse { order: order(event)?, reason: Reason::NotTrading })?.into_any()
        }
        Command::Modify { cloid, instrument, price, quantity } => {
            let symbol = symbol(instrument);
            Py::new(py, PyModify { cloid, instrument, price, quantity, symbol })?.into_any()
        }
        Command::Cancel { cloid, instrument } => {
            Py::new(py, PyCancel { cloid, instrument, symbol: symbol(instrument) })?.into_any()
        }
        Command::ScheduleCancel { time } => Py::new(py, PyScheduleCancel { time })?.into_any(),
        Command::SetTimer { time, id } => Py::new(py, PySetTimer { time, id })?.into_any(),
        Command::Notice { level, text } => Py::new(py, PyNotice { level, text })?.into_any(),
    })
}

/// A Python object as a command of the engine.
pub fn command_from_py(object: &Bound<'_, PyAny>) -> PyResult<Command> {
    if let Ok(submit) = object.cast::<PySubmit>() {
        return Ok(Command::Submit(submit.get().order.get().inner.clone()));
    }
    if let Ok(refuse) = object.cast::<PyRefuse>() {
        let order = refuse.get().order.get().inner.clone();
        return Ok(match refuse.get().reason {
            Reason::NotTrading => Command::Withhold(order),
            _ => Command::Refuse(order),
        });
    }
    if let Ok(modify) = object.cast::<PyModify>() {
        let PyModify { cloid, instrument, price, quantity, .. } = *modify.get();
        return Ok(Command::Modify { cloid, instrument, price, quantity });
    }
    if let Ok(cancel) = object.cast::<PyCancel>() {
        let PyCancel { cloid, instrument, .. } = *cancel.get();
        return Ok(Command::Cancel { cloid, instrument });
    }
    if let Ok(plan) = object.cast::<PyScheduleCancel>() {
        return Ok(Command::ScheduleCancel { time: plan.get().time });
    }
    if let Ok(timer) = object.cast::<PySetTimer>() {
        return Ok(Command::SetTimer { time: timer.get().time, id: timer.get().id });
    }
    if let Ok(notice) = object.cast::<PyNotice>() {
        return Ok(Command::Notice { level: notice.get().level, text: notice.get().text.clone() });
    }
    Err(ParameterError::new_err(format!("{} is no command of the system", object.repr()?)))
}
