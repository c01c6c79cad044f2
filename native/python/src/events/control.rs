//! What is neither market nor order: timers, the operator's word, money that moves by itself.

use pyo3::prelude::*;
use pyo3::types::PyString;

use engine::event::{AccountEvent, ControlEvent, TimerEvent};
use engine::instrument::InstrumentId;
use engine::num::{Money, Price, Qty};

use super::from_time;
use crate::errors::ParameterError;
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

/// The operator's word: trading starts, pauses, goes on, ends. Of `warm_up`, `pause` and `resume` the last one holds.
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
    /// What follows is history: the strategy hears it, and nothing that it asks for is done.
    #[staticmethod]
    fn warm_up(time: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self { inner: ControlEvent::WarmUp { time: from_time(time)? } })
    }
    /// Only what brings positions closer to zero is done, until trading is resumed.
    #[staticmethod]
    fn pause(time: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self { inner: ControlEvent::Pause { time: from_time(time)? } })
    }
    /// Trading goes on, after a warm-up or a pause.
    #[staticmethod]
    fn resume(time: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self { inner: ControlEvent::Resume { time: from_time(time)? } })
    }
    /// All orders are taken away.
    #[staticmethod]
    fn cancel_all(time: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self { inner: ControlEvent::CancelAll { time: from_time(time)? } })
    }
    /// All orders are taken away and all positions closed, past the strategy and the risk manager.
    #[staticmethod]
    fn flatten(time: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self { inner: ControlEvent::Flatten { time: from_time(time)? } })
    }
    /// The run goes on in another process, whose orders have ids of this `epoch`: above every one before it.
    #[staticmethod]
    fn takeover(time: &Bound<'_, PyAny>, epoch: u32) -> PyResult<Self> {
        Ok(Self { inner: ControlEvent::Takeover { time: from_time(time)?, epoch } })
    }
    /// Which word: the name of the function that makes it.
    #[getter]
    fn kind(&self) -> &'static str {
        self.inner.as_str()
    }
    /// The epoch of a takeover; None of anything else.
    #[getter]
    const fn epoch(&self) -> Option<u32> {
        match self.inner {
            ControlEvent::Takeover { epoch, .. } => Some(epoch),
            _ => None,
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
    /// With its instrument: one of these, or no matter which for money that is not told by position.
    pub fn known_as(&self, find: impl Fn(&str) -> PyResult<InstrumentId>) -> PyResult<AccountEvent> {
        let mut inner = self.inner.clone();
        let symbol = |symbol: &Py<PyString>| Python::attach(|py| find(&symbol.bind(py).to_string_lossy()));
        match (&mut inner, &self.symbol) {
            (AccountEvent::Position { instrument, .. }, Some(name)) => *instrument = symbol(name)?,
            (AccountEvent::Funding { instrument, .. } | AccountEvent::BuilderFee { instrument, .. }, Some(name)) => {
                // An account may pay for what this system does not trade.
                *instrument = symbol(name).unwrap_or(InstrumentId(u32::MAX));
            }
            _ => {}
        }
        Ok(inner)
    }

    const fn money(&self) -> Money {
        match self.inner {
            AccountEvent::Backstop { loss, .. } => loss,
            AccountEvent::Funding { payment, .. } => payment,
            AccountEvent::BuilderFee { fee, .. } => fee,
            AccountEvent::Transfer { amount, .. } => amount,
            AccountEvent::Position { .. } => Money::ZERO,
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
    /// The venue's word on a position: `quantity` is signed, and `entry_price` None when it is zero.
    #[staticmethod]
    fn position(
        symbol: Bound<'_, PyString>,
        time: &Bound<'_, PyAny>,
        quantity: &Bound<'_, PyAny>,
        entry_price: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let quantity: Qty = from_python(quantity)?;
        let entry: Option<Price> = entry_price.map(from_python).transpose()?;
        if quantity.is_zero() != entry.is_none() || entry.is_some_and(|price| !price.is_positive()) {
            let given = entry.map_or_else(|| "None".to_owned(), |price| price.to_string());
            return Err(ParameterError::new_err(format!(
                "position of {symbol}: entry_price = {given} with quantity = {quantity}: must be above zero, and None when flat"
            )));
        }
        let (time, instrument) = (from_time(time)?, InstrumentId::default());
        let inner = AccountEvent::Position { time, instrument, quantity, entry: entry.unwrap_or_default() };
        Ok(Self { inner, symbol: Some(symbol.unbind()) })
    }
    /// Money that was paid in, or out with an `amount` below zero.
    #[staticmethod]
    fn transfer(time: &Bound<'_, PyAny>, amount: &Bound<'_, PyAny>) -> PyResult<Self> {
        let inner = AccountEvent::Transfer { time: from_time(time)?, amount: from_python(amount)? };
        Ok(Self { inner, symbol: None })
    }
    /// "backstop": a liquidation took what was left; "funding" of a position; "`builder_fee`": just before its fill; "position": the
    /// venue's word on one; "transfer": money paid in or out.
    #[getter]
    const fn kind(&self) -> &'static str {
        match self.inner {
            AccountEvent::Backstop { .. } => "backstop",
            AccountEvent::Funding { .. } => "funding",
            AccountEvent::BuilderFee { .. } => "builder_fee",
            AccountEvent::Position { .. } => "position",
            AccountEvent::Transfer { .. } => "transfer",
        }
    }
    /// What was paid, in quote currency; below zero it was received. Of a transfer, what was paid in; of a position, zero.
    #[getter]
    fn amount<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.money())
    }
    /// The instrument's name; None of a backstop and a transfer.
    #[getter]
    fn symbol(&self, py: Python<'_>) -> Option<Py<PyString>> {
        self.symbol.as_ref().map(|symbol| symbol.clone_ref(py))
    }
    /// How much the venue says is held, signed; None of anything else.
    #[getter]
    fn quantity<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let AccountEvent::Position { quantity, .. } = self.inner else { return Ok(None) };
        to_decimal(py, quantity).map(Some)
    }
    /// The average price of what the venue says is held; None when flat, and of anything else.
    #[getter]
    fn entry_price<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.inner {
            AccountEvent::Position { quantity, entry, .. } if !quantity.is_zero() => to_decimal(py, entry).map(Some),
            _ => Ok(None),
        }
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
