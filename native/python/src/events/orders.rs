//! Our orders: their state, their news, their fills.

use pyo3::prelude::*;
use pyo3::types::PyString;

use engine::instrument::InstrumentId;
use engine::num::{Price, Qty};
use engine::order::{
    Cloid, FillEvent, FillReason, Group, Liquidity, OrderEvent, OrderKind, OrderStatus, OrderUpdate, Reason,
};
use engine::time::Nanos;

use super::{from_time, side_of, to_datetime};
use crate::config::one_of;
use crate::errors::ParameterError;
use crate::number::{from_python, to_decimal};

/// An order id from its text.
pub fn cloid_of(text: &str) -> PyResult<Cloid> {
    let parsed = text.strip_prefix("0x").and_then(|hex| u128::from_str_radix(hex, 16).ok()).map(Cloid);
    parsed.ok_or_else(|| ParameterError::new_err(format!("cloid = {text}: must be 0x and 32 hex digits")))
}

/// An execution of ours.
#[pyclass(frozen, name = "FillEvent", module = "algo_trade._native")]
pub struct PyFill {
    pub inner: FillEvent,
    pub symbol: Py<PyString>,
}

#[pymethods]
impl PyFill {
    /// For an execution handler of one's own. `time` is the venue's, and `local_time`, if it differs, when we heard of it; each is an
    /// aware datetime or nanoseconds since the epoch.
    #[new]
    #[pyo3(signature = (symbol, *, cloid, side, price, quantity, fee, time, local_time = None, liquidity = "taker", reason = None, trade_id = 0, oid = 0))]
    fn new(
        symbol: Bound<'_, PyString>,
        cloid: &str,
        side: &str,
        price: &Bound<'_, PyAny>,
        quantity: &Bound<'_, PyAny>,
        fee: &Bound<'_, PyAny>,
        time: &Bound<'_, PyAny>,
        local_time: Option<&Bound<'_, PyAny>>,
        liquidity: &str,
        reason: Option<&str>,
        trade_id: u64,
        oid: u64,
    ) -> PyResult<Self> {
        let (price, quantity): (Price, Qty) = (from_python(price)?, from_python(quantity)?);
        if !price.is_positive() || !quantity.is_positive() {
            return Err(ParameterError::new_err("a fill has a price and a quantity above zero"));
        }
        let (liquidity, usual) = match liquidity {
            "taker" => (Liquidity::Taker, FillReason::Taker),
            "maker" => (Liquidity::Maker, FillReason::Bar),
            other => return Err(ParameterError::new_err(format!("liquidity = {other}: must be maker or taker"))),
        };
        let choices = FillReason::ALL.map(|known| (known.as_str(), known));
        let reason = reason.map_or(Ok(usual), |text| one_of("reason", text, &choices))?;
        let inner = FillEvent {
            cloid: cloid_of(cloid)?,
            oid,
            trade_id,
            instrument: InstrumentId::default(),
            side: side_of(side)?,
            price,
            quantity,
            fee: from_python(fee)?,
            liquidity,
            reason,
            ahead_at_arrival: None,
            time: from_time(time)?,
            local_time: from_time(local_time.unwrap_or(time))?,
        };
        Ok(Self { inner, symbol: symbol.unbind() })
    }
    /// The instrument's name.
    #[getter]
    fn symbol(&self, py: Python<'_>) -> Py<PyString> {
        self.symbol.clone_ref(py)
    }
    /// Our order id, as `0x…`.
    #[getter]
    fn cloid(&self) -> String {
        self.inner.cloid.to_string()
    }
    /// The venue's order id.
    #[getter]
    fn oid(&self) -> u64 {
        self.inner.oid
    }
    /// The venue's trade id, unique per fill.
    #[getter]
    fn trade_id(&self) -> u64 {
        self.inner.trade_id
    }
    /// "buy" or "sell".
    #[getter]
    fn side(&self) -> &'static str {
        self.inner.side.as_str()
    }
    /// At which price.
    #[getter]
    fn price<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.inner.price)
    }
    /// How much, in base units, above zero.
    #[getter]
    fn quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.inner.quantity)
    }
    /// What it cost in quote currency; negative is a rebate.
    #[getter]
    fn fee<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.inner.fee)
    }
    /// "maker" or "taker".
    #[getter]
    fn liquidity(&self) -> &'static str {
        self.inner.liquidity.as_str()
    }
    /// By which rule of the simulation.
    #[getter]
    fn reason(&self) -> &'static str {
        self.inner.reason.as_str()
    }
    /// When, at the venue, UTC.
    #[getter]
    fn time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_datetime(py, self.inner.time)
    }
    /// When, at the venue, in nanoseconds since the epoch.
    #[getter]
    fn time_ns(&self) -> i64 {
        self.inner.time.raw()
    }
    fn __repr__(&self, py: Python<'_>) -> String {
        let f = &self.inner;
        format!(
            "FillEvent({}, {}, {} {} @ {}, fee={})",
            self.symbol.bind(py),
            f.time,
            f.side.as_str(),
            f.quantity,
            f.price,
            f.fee
        )
    }
}

/// An order: as it was sent, and what is left of it.
#[pyclass(frozen, name = "OrderEvent", module = "algo_trade._native")]
pub struct PyOrder {
    pub inner: OrderEvent,
    pub leaves: Qty,
    pub symbol: Py<PyString>,
}

#[pymethods]
impl PyOrder {
    /// The instrument's name.
    #[getter]
    fn symbol(&self, py: Python<'_>) -> Py<PyString> {
        self.symbol.clone_ref(py)
    }
    /// Our order id, as `0x…`.
    #[getter]
    fn cloid(&self) -> String {
        self.inner.cloid.to_string()
    }
    /// "buy" or "sell".
    #[getter]
    fn side(&self) -> &'static str {
        self.inner.side.as_str()
    }
    /// "market", "limit", "stop", "stop_limit", "take_profit", "take_profit_limit", "trailing_stop" or "twap".
    #[getter]
    fn kind(&self) -> &'static str {
        self.inner.kind.as_str()
    }
    /// How much was asked for, in base units.
    #[getter]
    fn quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.inner.quantity)
    }
    /// What is left of it.
    #[getter]
    fn leaves<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.leaves)
    }
    /// The limit price; None for kinds without one.
    #[getter]
    fn price<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.inner.kind.price().map(|p| to_decimal(py, p)).transpose()
    }
    /// The trigger price; None for kinds without one.
    #[getter]
    fn trigger_price<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.inner.kind.trigger().map(|p| to_decimal(py, p)).transpose()
    }
    /// How long a TWAP works, in nanoseconds; None of other kinds.
    #[getter]
    const fn duration_ns(&self) -> Option<i64> {
        match self.inner.kind {
            OrderKind::Twap { duration } => Some(duration.raw()),
            _ => None,
        }
    }
    /// The id of the order that it hangs on; None if there is none.
    #[getter]
    fn parent(&self) -> Option<String> {
        match self.inner.group {
            Group::Child(parent) => Some(parent.to_string()),
            Group::None | Group::Position => None,
        }
    }
    /// Whether it is for the position as large as it is when it triggers.
    #[getter]
    fn for_position(&self) -> bool {
        self.inner.group == Group::Position
    }
    /// The venue refuses it if it arrives later, in nanoseconds since the epoch; None: it does not expire.
    #[getter]
    fn expires_after_ns(&self) -> Option<i64> {
        self.inner.expires_after.map(Nanos::raw)
    }
    /// "gtc", "ioc", "alo" or "fok".
    #[getter]
    fn time_in_force(&self) -> &'static str {
        self.inner.time_in_force.as_str()
    }
    /// Whether it may only bring the position closer to zero.
    #[getter]
    fn reduce_only(&self) -> bool {
        self.inner.reduce_only
    }
    /// When it was decided, UTC.
    #[getter]
    fn time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_datetime(py, self.inner.time)
    }
    fn __repr__(&self, py: Python<'_>) -> String {
        let o = &self.inner;
        let price = o.kind.price().map(|p| format!(" @ {p}")).unwrap_or_default();
        format!(
            "OrderEvent({}, {} {} {}{price}, leaves={}, cloid={})",
            self.symbol.bind(py),
            o.kind.as_str(),
            o.side.as_str(),
            o.quantity,
            self.leaves,
            o.cloid
        )
    }
}

/// The venue's word on an order.
#[pyclass(frozen, name = "OrderUpdate", module = "algo_trade._native")]
pub struct PyOrderUpdate {
    pub inner: OrderUpdate,
    pub symbol: Py<PyString>,
}

#[pymethods]
impl PyOrderUpdate {
    /// For an execution handler of one's own. `time` is the venue's, and `local_time`, if it differs, when we heard of it; each is an
    /// aware datetime or nanoseconds since the epoch.
    #[new]
    #[pyo3(signature = (symbol, *, cloid, status, time, local_time = None, reason = None, oid = 0))]
    fn new(
        symbol: Bound<'_, PyString>,
        cloid: &str,
        status: &str,
        time: &Bound<'_, PyAny>,
        local_time: Option<&Bound<'_, PyAny>>,
        reason: Option<&str>,
        oid: u64,
    ) -> PyResult<Self> {
        let known = reason.map(|text| {
            let found = Reason::ALL.into_iter().find(|known| known.as_str() == text);
            found.ok_or_else(|| ParameterError::new_err(format!("reason = {text}: no reason that is known")))
        });
        let status = OrderStatus::from_name(status, known.transpose()?).ok_or_else(|| {
            ParameterError::new_err(format!(
                "status = {status}: must be resting, waiting, triggered or filled, or, with a reason, cancelled, rejected or action_rejected"
            ))
        })?;
        let (cloid, instrument) = (cloid_of(cloid)?, InstrumentId::default());
        let (time, local_time) = (from_time(time)?, from_time(local_time.unwrap_or(time))?);
        Ok(Self { inner: OrderUpdate { cloid, oid, instrument, status, time, local_time }, symbol: symbol.unbind() })
    }
    /// The instrument's name.
    #[getter]
    fn symbol(&self, py: Python<'_>) -> Py<PyString> {
        self.symbol.clone_ref(py)
    }
    /// Our order id, as `0x…`.
    #[getter]
    fn cloid(&self) -> String {
        self.inner.cloid.to_string()
    }
    /// "resting", "waiting", "triggered", "filled", "cancelled", "rejected" or "action_rejected".
    #[getter]
    fn status(&self) -> &'static str {
        self.inner.status.as_str()
    }
    /// Why it was cancelled or refused; None otherwise.
    #[getter]
    fn reason(&self) -> Option<&'static str> {
        self.inner.status.reason().map(Reason::as_str)
    }
    /// When, at the venue, UTC.
    #[getter]
    fn time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_datetime(py, self.inner.time)
    }
    /// When, at the venue, in nanoseconds since the epoch.
    #[getter]
    fn time_ns(&self) -> i64 {
        self.inner.time.raw()
    }
    fn __repr__(&self, py: Python<'_>) -> String {
        let reason = self.reason().map(|r| format!(" ({r})")).unwrap_or_default();
        format!("OrderUpdate({}, {}, {}{reason})", self.symbol.bind(py), self.inner.cloid, self.status())
    }
}
