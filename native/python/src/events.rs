//! Events as frozen Python classes: `Decimal` and `datetime` views of the engine's values.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyType};

use engine::event::{Bar, MarketEvent, Quote, SignalKind, Trade};
use engine::instrument::InstrumentId;
use engine::num::{Qty, Rate};
use engine::order::{FillEvent, OrderEvent, OrderUpdate, Side};
use engine::time::Nanos;

use crate::errors::{OrPy, ParameterError};
use crate::number::{from_python, to_decimal};

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

fn side_of(text: &str) -> PyResult<Side> {
    match text {
        "buy" => Ok(Side::Buy),
        "sell" => Ok(Side::Sell),
        other => Err(ParameterError::new_err(format!("side = {other}: must be buy or sell"))),
    }
}

/// Prices over an interval `[open_time, close_time)`, known at its end.
#[pyclass(frozen, name = "Bar", module = "algo_trade._native")]
pub struct PyBar {
    pub inner: Bar,
    pub symbol: Py<PyString>,
}

#[pymethods]
impl PyBar {
    /// Times are ints of nanoseconds or aware datetimes; numbers are Decimal, int, str or float.
    #[new]
    #[pyo3(signature = (symbol, open_time, close_time, open, high, low, close, volume = None, trades = 0))]
    fn new(
        symbol: Bound<'_, PyString>,
        open_time: &Bound<'_, PyAny>,
        close_time: &Bound<'_, PyAny>,
        open: &Bound<'_, PyAny>,
        high: &Bound<'_, PyAny>,
        low: &Bound<'_, PyAny>,
        close: &Bound<'_, PyAny>,
        volume: Option<&Bound<'_, PyAny>>,
        trades: u32,
    ) -> PyResult<Self> {
        let inner = Bar {
            instrument: InstrumentId(u32::MAX),
            trades,
            open_time: from_time(open_time)?,
            close_time: from_time(close_time)?,
            open: from_python(open)?,
            high: from_python(high)?,
            low: from_python(low)?,
            close: from_python(close)?,
            volume: volume.map(from_python).transpose()?,
        };
        Ok(Self { inner, symbol: symbol.unbind() })
    }
    /// The instrument's name.
    #[getter]
    fn symbol(&self, py: Python<'_>) -> Py<PyString> {
        self.symbol.clone_ref(py)
    }
    /// First price.
    #[getter]
    fn open<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.inner.open)
    }
    /// Highest price.
    #[getter]
    fn high<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.inner.high)
    }
    /// Lowest price.
    #[getter]
    fn low<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.inner.low)
    }
    /// Last price.
    #[getter]
    fn close<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.inner.close)
    }
    /// Traded base units; None for data without volumes.
    #[getter]
    fn volume<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.inner.volume.map(|v| to_decimal(py, v)).transpose()
    }
    /// Public trades in it; 0 if not known.
    #[getter]
    fn trades(&self) -> u32 {
        self.inner.trades
    }
    /// Where the interval starts, UTC.
    #[getter]
    fn open_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_datetime(py, self.inner.open_time)
    }
    /// Where the interval ends, UTC: nobody sees the bar before.
    #[getter]
    fn close_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_datetime(py, self.inner.close_time)
    }
    /// Where the interval starts, in nanoseconds since the epoch.
    #[getter]
    fn open_time_ns(&self) -> i64 {
        self.inner.open_time.raw()
    }
    /// Where the interval ends, in nanoseconds since the epoch.
    #[getter]
    fn close_time_ns(&self) -> i64 {
        self.inner.close_time.raw()
    }
    /// The length of the interval, in nanoseconds.
    #[getter]
    fn resolution_ns(&self) -> i64 {
        self.inner.resolution().raw()
    }
    fn __repr__(&self, py: Python<'_>) -> String {
        let b = &self.inner;
        let volume = b.volume.map_or_else(|| "None".into(), |v| v.to_string());
        format!(
            "Bar({}, {} to {}, open={}, high={}, low={}, close={}, volume={volume})",
            self.symbol.bind(py),
            b.open_time,
            b.close_time,
            b.open,
            b.high,
            b.low,
            b.close
        )
    }
}

/// A public print.
#[pyclass(frozen, name = "Trade", module = "algo_trade._native")]
pub struct PyTrade {
    pub inner: Trade,
    pub symbol: Py<PyString>,
}

#[pymethods]
impl PyTrade {
    /// `aggressor` is "buy", "sell" or None; times are ints of nanoseconds or aware datetimes.
    #[new]
    #[pyo3(signature = (symbol, time, price, quantity, aggressor = None, trade_id = 0, local_time = None))]
    fn new(
        symbol: Bound<'_, PyString>,
        time: &Bound<'_, PyAny>,
        price: &Bound<'_, PyAny>,
        quantity: &Bound<'_, PyAny>,
        aggressor: Option<&str>,
        trade_id: u64,
        local_time: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let exchange_time = from_time(time)?;
        let inner = Trade {
            instrument: InstrumentId(u32::MAX),
            aggressor: aggressor.map(side_of).transpose()?,
            exchange_time,
            local_time: local_time.map(from_time).transpose()?.unwrap_or(exchange_time),
            price: from_python(price)?,
            quantity: from_python(quantity)?,
            trade_id,
        };
        Ok(Self { inner, symbol: symbol.unbind() })
    }
    /// The instrument's name.
    #[getter]
    fn symbol(&self, py: Python<'_>) -> Py<PyString> {
        self.symbol.clone_ref(py)
    }
    /// At which price.
    #[getter]
    fn price<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.inner.price)
    }
    /// How much, in base units.
    #[getter]
    fn quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.inner.quantity)
    }
    /// Who took: "buy", "sell", or None if nobody knows.
    #[getter]
    fn aggressor(&self) -> Option<&'static str> {
        self.inner.aggressor.map(Side::as_str)
    }
    /// The venue's trade id; 0 if not known.
    #[getter]
    fn trade_id(&self) -> u64 {
        self.inner.trade_id
    }
    /// When, at the venue, UTC.
    #[getter]
    fn time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_datetime(py, self.inner.exchange_time)
    }
    /// When, at the venue, in nanoseconds since the epoch.
    #[getter]
    fn time_ns(&self) -> i64 {
        self.inner.exchange_time.raw()
    }
    fn __repr__(&self, py: Python<'_>) -> String {
        let t = &self.inner;
        format!("Trade({}, {}, {} @ {})", self.symbol.bind(py), t.exchange_time, t.quantity, t.price)
    }
}

/// Best bid and offer.
#[pyclass(frozen, name = "Quote", module = "algo_trade._native")]
pub struct PyQuote {
    pub inner: Quote,
    pub symbol: Py<PyString>,
}

#[pymethods]
impl PyQuote {
    /// Times are ints of nanoseconds or aware datetimes.
    #[new]
    #[pyo3(signature = (symbol, time, bid_price, bid_quantity, ask_price, ask_quantity, local_time = None))]
    fn new(
        symbol: Bound<'_, PyString>,
        time: &Bound<'_, PyAny>,
        bid_price: &Bound<'_, PyAny>,
        bid_quantity: &Bound<'_, PyAny>,
        ask_price: &Bound<'_, PyAny>,
        ask_quantity: &Bound<'_, PyAny>,
        local_time: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let exchange_time = from_time(time)?;
        let inner = Quote {
            instrument: InstrumentId(u32::MAX),
            exchange_time,
            local_time: local_time.map(from_time).transpose()?.unwrap_or(exchange_time),
            bid_price: from_python(bid_price)?,
            bid_quantity: from_python(bid_quantity)?,
            ask_price: from_python(ask_price)?,
            ask_quantity: from_python(ask_quantity)?,
        };
        Ok(Self { inner, symbol: symbol.unbind() })
    }
    /// The instrument's name.
    #[getter]
    fn symbol(&self, py: Python<'_>) -> Py<PyString> {
        self.symbol.clone_ref(py)
    }
    /// Best bid.
    #[getter]
    fn bid_price<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.inner.bid_price)
    }
    /// Quantity at the best bid.
    #[getter]
    fn bid_quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.inner.bid_quantity)
    }
    /// Best offer.
    #[getter]
    fn ask_price<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.inner.ask_price)
    }
    /// Quantity at the best offer.
    #[getter]
    fn ask_quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.inner.ask_quantity)
    }
    /// When, at the venue, UTC.
    #[getter]
    fn time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_datetime(py, self.inner.exchange_time)
    }
    /// When, at the venue, in nanoseconds since the epoch.
    #[getter]
    fn time_ns(&self) -> i64 {
        self.inner.exchange_time.raw()
    }
    fn __repr__(&self, py: Python<'_>) -> String {
        let q = &self.inner;
        format!("Quote({}, {}, {} / {})", self.symbol.bind(py), q.exchange_time, q.bid_price, q.ask_price)
    }
}

/// An execution of ours.
#[pyclass(frozen, name = "FillEvent", module = "algo_trade._native")]
pub struct PyFill {
    pub inner: FillEvent,
    pub symbol: Py<PyString>,
}

#[pymethods]
impl PyFill {
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
    /// "market", "limit", "stop", "stop_limit", "take_profit", "take_profit_limit" or "trailing_stop".
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
    /// "gtc", "ioc" or "alo".
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
        self.inner.status.reason().map(engine::order::Reason::as_str)
    }
    /// When, at the venue, UTC.
    #[getter]
    fn time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_datetime(py, self.inner.time)
    }
    fn __repr__(&self, py: Python<'_>) -> String {
        let reason = self.reason().map(|r| format!(" ({r})")).unwrap_or_default();
        format!("OrderUpdate({}, {}, {}{reason})", self.symbol.bind(py), self.inner.cloid, self.status())
    }
}

/// A target for one symbol: long, short or flat, with a strength that scales its size.
#[pyclass(frozen, name = "SignalEvent", module = "algo_trade._native", eq, hash)]
#[derive(PartialEq, Eq, Hash)]
pub struct PySignal {
    #[pyo3(get)]
    pub symbol: String,
    pub kind: Kind,
    pub strength: i64,
}

/// The engine's kind, hashable.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Long,
    Short,
    Exit,
}

impl From<Kind> for SignalKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Long => Self::Long,
            Kind::Short => Self::Short,
            Kind::Exit => Self::Exit,
        }
    }
}

fn strength(value: f64) -> PyResult<i64> {
    let rate = Rate::from_f64(value).or_py()?;
    if rate.is_negative() {
        return Err(ParameterError::new_err(format!("strength = {value}: must be at least 0")));
    }
    Ok(rate.raw())
}

#[pymethods]
impl PySignal {
    /// A position of plus the size times the strength.
    #[classmethod]
    #[pyo3(signature = (symbol, strength = 1.0))]
    fn long(_cls: &Bound<'_, PyType>, symbol: String, strength: f64) -> PyResult<Self> {
        Ok(Self { symbol, kind: Kind::Long, strength: self::strength(strength)? })
    }
    /// A position of minus the size times the strength.
    #[classmethod]
    #[pyo3(signature = (symbol, strength = 1.0))]
    fn short(_cls: &Bound<'_, PyType>, symbol: String, strength: f64) -> PyResult<Self> {
        Ok(Self { symbol, kind: Kind::Short, strength: self::strength(strength)? })
    }
    /// No position.
    #[classmethod]
    fn exit(_cls: &Bound<'_, PyType>, symbol: String) -> Self {
        Self { symbol, kind: Kind::Exit, strength: Rate::ONE.raw() }
    }
    /// "long", "short" or "exit".
    #[getter]
    fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Long => "long",
            Kind::Short => "short",
            Kind::Exit => "exit",
        }
    }
    /// Scales the size; 1 is the whole of it.
    #[getter]
    fn strength(&self) -> f64 {
        Rate::from_raw(self.strength).to_f64()
    }
    fn __repr__(&self) -> String {
        format!("SignalEvent.{}({:?}, strength={})", self.kind(), self.symbol, Rate::from_raw(self.strength))
    }
}

/// A market event of the engine as a Python object.
pub fn market_to_py(py: Python<'_>, event: &MarketEvent, symbol: &Py<PyString>) -> PyResult<Py<PyAny>> {
    let symbol = symbol.clone_ref(py);
    Ok(match event {
        MarketEvent::Bar(bar) => Py::new(py, PyBar { inner: *bar, symbol })?.into_any(),
        MarketEvent::Trade(trade) => Py::new(py, PyTrade { inner: *trade, symbol })?.into_any(),
        MarketEvent::Quote(quote) => Py::new(py, PyQuote { inner: *quote, symbol })?.into_any(),
    })
}

/// A market event given by Python: the event without its instrument, and the symbol.
pub fn market_from_py(event: &Bound<'_, PyAny>) -> PyResult<(MarketEvent, String)> {
    let py = event.py();
    if let Ok(bar) = event.cast::<PyBar>() {
        return Ok((MarketEvent::Bar(bar.get().inner), bar.get().symbol.bind(py).extract()?));
    }
    if let Ok(trade) = event.cast::<PyTrade>() {
        return Ok((MarketEvent::Trade(trade.get().inner), trade.get().symbol.bind(py).extract()?));
    }
    if let Ok(quote) = event.cast::<PyQuote>() {
        return Ok((MarketEvent::Quote(quote.get().inner), quote.get().symbol.bind(py).extract()?));
    }
    Err(ParameterError::new_err(format!("{} is no market event: give a Bar, Trade or Quote", event.repr()?)))
}

/// Puts the instrument into an event.
pub const fn with_instrument(event: MarketEvent, instrument: InstrumentId) -> MarketEvent {
    match event {
        MarketEvent::Bar(bar) => MarketEvent::Bar(Bar { instrument, ..bar }),
        MarketEvent::Trade(trade) => MarketEvent::Trade(Trade { instrument, ..trade }),
        MarketEvent::Quote(quote) => MarketEvent::Quote(Quote { instrument, ..quote }),
    }
}
