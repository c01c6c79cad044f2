//! What is neither market nor order: timers, the operator's word, money that moves by itself.

use pyo3::prelude::*;
use pyo3::types::PyString;

use engine::event::{AccountEvent, ControlEvent, TimerEvent};
use engine::instrument::InstrumentId;
use engine::num::Money;

use super::from_time;
use crate::number::{decimal_of_text, from_python, to_decimal};

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
    /// Of what it is about, if that is one instrument.
    pub symbol: Option<Py<PyString>>,
}

impl PyAccountEvent {
    const fn money(&self) -> Money {
        match self.inner {
            AccountEvent::Backstop { loss, .. } => loss,
            AccountEvent::Funding { payment, .. } => payment,
            AccountEvent::BuilderFee { fee, .. } => fee,
        }
    }
}

#[pymethods]
impl PyAccountEvent {
    /// A payment of funding, for an execution handler of one's own. `amount` is what was paid, below zero what was received.
    #[staticmethod]
    fn funding(
        symbol: Bound<'_, PyString>,
        time: &Bound<'_, PyAny>,
        amount: &Bound<'_, PyAny>,
        rate: &Bound<'_, PyAny>,
        oracle_price: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let inner = AccountEvent::Funding {
            time: from_time(time)?,
            instrument: InstrumentId::default(),
            rate: from_python(rate)?,
            oracle: from_python(oracle_price)?,
            payment: from_python(amount)?,
        };
        Ok(Self { inner, symbol: Some(symbol.unbind()) })
    }
    /// "backstop": a liquidation took what was left; "funding" of a position; "`builder_fee`": just before its fill.
    #[getter]
    const fn kind(&self) -> &'static str {
        match self.inner {
            AccountEvent::Backstop { .. } => "backstop",
            AccountEvent::Funding { .. } => "funding",
            AccountEvent::BuilderFee { .. } => "builder_fee",
        }
    }
    /// What was paid, in quote currency; below zero it was received.
    #[getter]
    fn amount<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.money())
    }
    /// The instrument's name; None of a backstop.
    #[getter]
    fn symbol(&self, py: Python<'_>) -> Option<Py<PyString>> {
        self.symbol.as_ref().map(|symbol| symbol.clone_ref(py))
    }
    /// The funding rate of the hour; None of anything else.
    #[getter]
    fn rate<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let AccountEvent::Funding { rate, .. } = self.inner else { return Ok(None) };
        decimal_of_text(py, &rate.to_string()).map(Some)
    }
    /// The oracle price that funding was worked out at; None of anything else.
    #[getter]
    fn oracle_price<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let AccountEvent::Funding { oracle, .. } = self.inner else { return Ok(None) };
        to_decimal(py, oracle).map(Some)
    }
    /// When, in nanoseconds since the epoch.
    #[getter]
    fn time_ns(&self) -> i64 {
        self.inner.time().raw()
    }
    fn __repr__(&self) -> String {
        format!("AccountEvent({}, {}, amount={})", self.kind(), self.inner.time(), self.money())
    }
}
