//! What the market says: bars, trades, quotes.

use pyo3::prelude::*;
use pyo3::types::PyString;

use engine::event::{Bar, MarketEvent, Quote, Trade};
use engine::instrument::InstrumentId;
use engine::order::Side;

use super::{from_time, side_of, to_datetime};
use crate::errors::ParameterError;
use crate::number::{from_python, to_decimal};

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
    /// When it happened: its close, before which nobody knows it. In nanoseconds since the epoch.
    #[getter]
    fn time_ns(&self) -> i64 {
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
    /// When it reached us, UTC.
    #[getter]
    fn local_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_datetime(py, self.inner.local_time)
    }
    /// When it reached us, in nanoseconds since the epoch.
    #[getter]
    fn local_time_ns(&self) -> i64 {
        self.inner.local_time.raw()
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
    /// Whether there are a bid and an offer.
    #[getter]
    fn is_two_sided(&self) -> bool {
        self.inner.bid_price.raw() != 0 && self.inner.ask_price.raw() != 0
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
    /// When it reached us, UTC.
    #[getter]
    fn local_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_datetime(py, self.inner.local_time)
    }
    /// When it reached us, in nanoseconds since the epoch.
    #[getter]
    fn local_time_ns(&self) -> i64 {
        self.inner.local_time.raw()
    }
    fn __repr__(&self, py: Python<'_>) -> String {
        let q = &self.inner;
        format!("Quote({}, {}, {} / {})", self.symbol.bind(py), q.exchange_time, q.bid_price, q.ask_price)
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
    Err(ParameterError::new_err(format!(
        "{} is no event of a market without books, which gives Bar, Trade and Quote; what drives the books is said by the data \
         provider (its books), and to the simulated venue (books=data.books)",
        event.repr()?
    )))
}

/// Puts the instrument into an event.
pub const fn with_instrument(event: MarketEvent, instrument: InstrumentId) -> MarketEvent {
    match event {
        MarketEvent::Bar(bar) => MarketEvent::Bar(Bar { instrument, ..bar }),
        MarketEvent::Trade(trade) => MarketEvent::Trade(Trade { instrument, ..trade }),
        MarketEvent::Quote(quote) => MarketEvent::Quote(Quote { instrument, ..quote }),
    }
}
