//! What is neither market nor order: timers, the operator's word, money that moves by itself.

use pyo3::prelude::*;

use engine::event::{AccountEvent, ControlEvent, TimerEvent};

use super::from_time;
use crate::number::to_decimal;

/// A timer that the system had set has come due.
#[pyclass(frozen, name = "TimerEvent", module = "algo_trade._native")]
pub struct PyTimer {
    pub inner: TimerEvent,
}

#[pymethods]
impl PyTimer {
    /// `time` is an aware datetime or nanoseconds since the epoch; `id` is the one of `SetTimer`.
    #[new]
    fn new(time: &Bound<'_, PyAny>, id: u64) -> PyResult<Self> {
        Ok(Self { inner: TimerEvent { time: from_time(time)?, id } })
    }
    /// When it came due, in nanoseconds since the epoch.
    #[getter]
    fn time_ns(&self) -> i64 {
        self.inner.time.raw()
    }
    /// The id given with `SetTimer`.
    #[getter]
    fn id(&self) -> u64 {
        self.inner.id
    }
    fn __repr__(&self) -> String {
        format!("TimerEvent({}, {})", self.inner.time, self.inner.id)
    }
}

/// The operator's word: trading starts, trading ends.
#[pyclass(frozen, name = "ControlEvent", module = "algo_trade._native")]
pub struct PyControl {
    pub inner: ControlEvent,
}

#[pymethods]
impl PyControl {
    /// Trading starts: the strategy is told.
    #[staticmethod]
    fn start(time: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self { inner: ControlEvent::Start { time: from_time(time)? } })
    }
    /// Trading ends: the strategy is told, nothing is ordered any more.
    #[staticmethod]
    fn stop(time: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self { inner: ControlEvent::Stop { time: from_time(time)? } })
    }
    /// "start" or "stop".
    #[getter]
    fn kind(&self) -> &'static str {
        match self.inner {
            ControlEvent::Start { .. } => "start",
            ControlEvent::Stop { .. } => "stop",
        }
    }
    /// When, in nanoseconds since the epoch.
    #[getter]
    fn time_ns(&self) -> i64 {
        self.inner.time().raw()
    }
    fn __repr__(&self) -> String {
        format!("ControlEvent.{}({})", self.kind(), self.inner.time())
    }
}

/// Money that moved without a fill.
#[pyclass(frozen, name = "AccountEvent", module = "algo_trade._native")]
pub struct PyAccountEvent {
    pub inner: AccountEvent,
}

#[pymethods]
impl PyAccountEvent {
    /// "backstop": a liquidation took what was left.
    #[getter]
    #[expect(clippy::unused_self, reason = "there is one kind so far")]
    fn kind(&self) -> &'static str {
        "backstop"
    }
    /// What was lost, in quote currency.
    #[getter]
    fn loss<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let AccountEvent::Backstop { loss, .. } = self.inner;
        to_decimal(py, loss)
    }
    /// When, in nanoseconds since the epoch.
    #[getter]
    fn time_ns(&self) -> i64 {
        self.inner.time().raw()
    }
    fn __repr__(&self) -> String {
        let AccountEvent::Backstop { time, loss } = self.inner;
        format!("AccountEvent(backstop, {time}, loss={loss})")
    }
}
