//! What the exchange sends, as events of the engine and plain values.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};

use engine::event::MarketEvent;
use engine::hyperliquid::message::{
    Answer, Decoder, ExchangeAnswer, Fill, Message, MessageError, OrderNews, OrderState, Outcome, View, Wire,
    decimal_text,
};
use engine::instrument::InstrumentId;
use engine::num::Price;
use engine::row::{Row, RowKind};
use engine::time::Nanos;

use crate::errors::{DataError, OrPy, ParameterError, ToPy};
use crate::events::{PyBookSnapshot, PyFill, PyOrderUpdate, RowEvents, market_to_py};
use crate::number::{decimal_of_text, decimal_type, to_decimal};

/// What a market sends in one message, at most, before its buffer is given back.
const ROWS: usize = 64;

impl ToPy for MessageError {
    fn to_py(self) -> PyErr {
        Python::attach(|py| {
            let error = DataError::new_err(self.to_string());
            let (field, value) = self.place();
            let instance = error.value(py);
            let set = instance.setattr("column", field).and_then(|()| instance.setattr("value", value));
            set.err().unwrap_or(error)
        })
    }
}

/// What a status of an order means: "resting", "triggered", "filled", "cancelled" or "rejected", the last two with the reason as a
/// trading system knows it; None for a word that is new to us.
#[pyfunction]
pub fn order_outcome(status: &str) -> Option<(&'static str, Option<&'static str>)> {
    Some(match OrderState(status.into()).outcome() {
        Outcome::Open => ("resting", None),
        Outcome::Triggered => ("triggered", None),
        Outcome::Filled => ("filled", None),
        Outcome::Cancelled(reason) => ("cancelled", Some(reason.as_str())),
        Outcome::Rejected(reason) => ("rejected", Some(reason.as_str())),
        Outcome::Unknown => return None,
    })
}

/// A message that is no event of a market.
#[pyclass(frozen, name = "HyperliquidMessage", module = "algo_trade._native")]
pub struct PyMessage {
    channel: &'static str,
    data: Py<PyAny>,
    events: Py<PyList>,
}

#[pymethods]
impl PyMessage {
    /// The channel; "greeting" for text that is no JSON, "unknown" for what is not known, which `data` names.
    #[getter]
    const fn channel(&self) -> &'static str {
        self.channel
    }
    /// What it says: dicts with our names, lists, `Decimal`, int, str. Times are nanoseconds since the epoch.
    #[getter]
    fn data(&self, py: Python<'_>) -> Py<PyAny> {
        self.data.clone_ref(py)
    }
    /// What of it a trading system takes: fills and news of orders that have an id of ours.
    #[getter]
    fn events(&self, py: Python<'_>) -> Py<PyList> {
        self.events.clone_ref(py)
    }
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let shown = self.data.bind(py).repr()?.to_string();
        let data: String = shown.chars().take(80).collect();
        let more = if data.len() < shown.len() { "…" } else { "" };
        Ok(format!("HyperliquidMessage({}, {data}{more})", self.channel))
    }
}

/// Reads messages of the socket and answers, for the instruments that it knows.
#[pyclass(name = "HyperliquidDecoder", module = "algo_trade._native")]
pub struct PyDecoder {
    decoder: Decoder,
    rows: Vec<Row>,
    events: RowEvents,
    symbols: Vec<Py<PyString>>,
    quote_currency: String,
}

#[pymethods]
impl PyDecoder {
    /// `coins` gives the symbol of each name that the exchange has ("BTC", "@107"). A fee in another currency than
    /// `quote_currency` makes no `FillEvent`.
    #[new]
    #[pyo3(signature = (coins, *, quote_currency = "USDC"))]
    fn new(coins: &Bound<'_, PyDict>, quote_currency: &str) -> PyResult<Self> {
        let mut known = Vec::with_capacity(coins.len());
        let mut symbols = Vec::with_capacity(coins.len());
        for (id, (coin, symbol)) in (0_u32..).zip(coins.iter()) {
            known.push((coin.extract::<String>()?.into_boxed_str(), InstrumentId(id)));
            symbols.push(symbol.cast_into::<PyString>()?.unbind());
        }
        let py = coins.py();
        let events = RowEvents::new(symbols.iter().map(|symbol| symbol.clone_ref(py)).collect());
        let quote_currency = quote_currency.to_owned();
        Ok(Self { decoder: Decoder::new(known), rows: Vec::with_capacity(ROWS), events, symbols, quote_currency })
    }
    /// The events of a message that came at this time, in its order: those of markets as they are, all others as
    /// `HyperliquidMessage`. Trades that are history make none.
    fn decode<'py>(
        &mut self,
        py: Python<'py>,
        message: &Bound<'py, PyAny>,
        local_time_ns: i64,
    ) -> PyResult<Bound<'py, PyList>> {
        self.rows.clear();
        let local_time = Nanos::from_raw(local_time_ns);
        let message = self.decoder.message(bytes_of(message)?, local_time, &mut self.rows).or_py()?;
        let events = PyList::empty(py);
        self.push_rows(py, &events)?;
        if !matches!(message, Message::Rows) {
            events.append(self.message(py, &message, local_time)?)?;
        }
        Ok(events)
    }
    /// The answer to a question of this type, as plain values.
    #[staticmethod]
    fn decode_info<'py>(question: &str, body: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        plain(body.py(), &Answer::parse(question, bytes_of(body)?).or_py()?.view())
    }
    /// The answer to an action, as plain values: `is_ok`, and `kind`, `statuses` and `data` or `error`.
    #[staticmethod]
    fn decode_exchange<'py>(body: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        plain(body.py(), &ExchangeAnswer::parse(bytes_of(body)?).or_py()?.view())
    }
    /// Trades before this time of the exchange are history from now on, and make no event.
    fn set_history_before(&mut self, time_ns: i64) {
        self.decoder.set_history_before(Nanos::from_raw(time_ns));
    }
    /// The newest time of the exchange in any message of a market; 0 before the first.
    #[getter]
    fn newest_ns(&self) -> i64 {
        self.decoder.newest().raw()
    }
    /// What was not known, and how often it came.
    #[getter]
    fn unknown<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = PyDict::new(py);
        for (name, count) in self.decoder.unknown() {
            counts.set_item(&**name, count)?;
        }
        Ok(counts)
    }
    fn __repr__(&self) -> String {
        format!("HyperliquidDecoder({} coins)", self.symbols.len())
    }
}

impl PyDecoder {
    fn push_rows(&mut self, py: Python<'_>, events: &Bound<'_, PyList>) -> PyResult<()> {
        // A book is the whole of its message: its rows move into the event.
        if let Some(Row { kind: RowKind::BookSnapshot, instrument, .. }) = self.rows.first()
            && let Some(symbol) = self.symbols.get(instrument.index())
        {
            let rows = std::mem::replace(&mut self.rows, Vec::with_capacity(ROWS));
            return events.append(PyBookSnapshot { rows, symbol: symbol.clone_ref(py) });
        }
        for row in &self.rows {
            if let Some(event) = self.events.push(py, row)? {
                events.append(event)?;
            }
        }
        Ok(())
    }

    fn message(&self, py: Python<'_>, message: &Message, local_time: Nanos) -> PyResult<PyMessage> {
        let events = PyList::empty(py);
        match message {
            Message::Orders(news) => news.iter().try_for_each(|news| self.push_update(&events, news, local_time))?,
            Message::User(news) => {
                news.fills.iter().flatten().try_for_each(|fill| self.push_fill(&events, fill, local_time))?;
            }
            Message::Fills(news) => {
                news.fills.iter().try_for_each(|fill| self.push_fill(&events, fill, local_time))?;
            }
            _ => {}
        }
        let data = match message {
            Message::Bar(bar) => {
                let symbol = self.symbols.get(bar.instrument.index()).map(|symbol| symbol.clone_ref(py));
                let symbol = symbol.unwrap_or_else(|| PyString::new(py, "?").unbind());
                market_to_py(py, &MarketEvent::Bar(*bar), &symbol)?
            }
            other => plain(py, &other.view())?.unbind(),
        };
        Ok(PyMessage { channel: message.channel(), data, events: events.unbind() })
    }

    /// The instrument that the exchange calls so, and its symbol.
    fn named(&self, py: Python<'_>, coin: &str) -> Option<(InstrumentId, Py<PyString>)> {
        let instrument = self.decoder.find(coin)?;
        Some((instrument, self.symbols.get(instrument.index())?.clone_ref(py)))
    }

    fn push_update(&self, events: &Bound<'_, PyList>, news: &OrderNews, local_time: Nanos) -> PyResult<()> {
        let Some((instrument, symbol)) = self.named(events.py(), &news.order.coin) else { return Ok(()) };
        let update = news.update(instrument, local_time);
        update.map_or(Ok(()), |inner| events.append(PyOrderUpdate { inner, symbol }))
    }

    fn push_fill(&self, events: &Bound<'_, PyList>, fill: &Fill, local_time: Nanos) -> PyResult<()> {
        let Some((instrument, symbol)) = self.named(events.py(), &fill.coin) else { return Ok(()) };
        let event = fill.event(instrument, &self.quote_currency, local_time);
        event.map_or(Ok(()), |inner| events.append(PyFill { inner, symbol }))
    }
}

/// What sockets give: bytes, or text.
pub fn bytes_of<'a>(message: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    if let Ok(bytes) = message.cast::<PyBytes>() {
        return Ok(bytes.as_bytes());
    }
    match message.cast::<PyString>() {
        Ok(text) => Ok(text.to_str()?.as_bytes()),
        Err(_) => Err(ParameterError::new_err(format!("{}: must be bytes or str", message.get_type().name()?))),
    }
}

/// A value as Python has it.
fn plain<'py>(py: Python<'py>, view: &View<'_>) -> PyResult<Bound<'py, PyAny>> {
    Ok(match view {
        View::Nothing => py.None().into_bound(py),
        View::Flag(flag) => flag.into_pyobject(py)?.to_owned().into_any(),
        View::Integer(count) => count.into_pyobject(py)?.into_any(),
        View::Decimal { steps, decimals } => match i64::try_from(*steps) {
            Ok(steps) if *decimals == Price::DECIMALS => to_decimal(py, Price::from_raw(steps))?,
            _ => decimal_of_text(py, &decimal_text(*steps, *decimals))?,
        },
        View::Text(text) => PyString::new(py, text).into_any(),
        View::Json(text) => loads(py, text)?,
        View::List(items) => {
            let list = PyList::empty(py);
            items.iter().try_for_each(|item| list.append(plain(py, item)?))?;
            list.into_any()
        }
        View::Record(fields) => {
            let dict = PyDict::new(py);
            fields.iter().try_for_each(|(name, value)| dict.set_item(*name, plain(py, value)?))?;
            dict.into_any()
        }
    })
}

/// JSON that is passed on as it came; no number of it goes through a float.
fn loads<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let loads = LOADS.get_or_try_init(py, || Ok::<_, PyErr>(py.import("json")?.getattr("loads")?.unbind()))?;
    let options = PyDict::new(py);
    options.set_item("parse_float", decimal_type(py)?)?;
    loads.bind(py).call((text,), Some(&options))
}
