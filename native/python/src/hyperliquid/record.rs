//! What a recorder hears, as tables.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_schema::ArrowError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3_arrow::PyTable;

use engine::data::tick::family::Family;
use engine::data::tick::record::{Drained, RecordBuffer};
use engine::data::tick::table::columns::{schema, symbols, to_batch};
use engine::event::Trade;
use engine::instrument::InstrumentId;
use engine::time::Nanos;

use super::messages::bytes_of;
use crate::errors::{EngineError, ParameterError};
use crate::events::PyTrade;

/// Rows of messages that nobody has taken yet. One thread may put messages in while another takes tables out.
#[pyclass(frozen, name = "RecordBuffer", module = "algo_trade._native")]
pub struct PyRecordBuffer {
    inner: Mutex<RecordBuffer>,
    symbols: Vec<String>,
    numbers: HashMap<String, InstrumentId>,
    rows_max: usize,
}

#[pymethods]
impl PyRecordBuffer {
    /// `coins` gives the symbol of each name that the exchange has; `kinds` are "trades", "book", "quotes" and "contexts".
    #[new]
    #[pyo3(signature = (coins, *, kinds, rows_max = 1_000_000))]
    fn new(coins: &Bound<'_, PyDict>, kinds: Vec<String>, rows_max: usize) -> PyResult<Self> {
        let families = kinds.iter().map(|kind| family(kind)).collect::<PyResult<Vec<_>>>()?;
        if rows_max == 0 {
            return Err(ParameterError::new_err("rows_max = 0: must be above 0"));
        }
        let coins = coins.iter().map(|(coin, symbol)| Ok((coin.extract()?, symbol.extract()?)));
        let buffer = RecordBuffer::new(coins.collect::<PyResult<_>>()?, &families, rows_max);
        let symbols = buffer.symbols().to_vec();
        let numbers = symbols.iter().cloned().zip((0..).map(InstrumentId)).collect();
        Ok(Self { inner: Mutex::new(buffer), symbols, numbers, rows_max })
    }
    /// Takes a message that came at this time; False if there is no room, and then nothing of it is known.
    fn take(&self, message: &Bound<'_, PyAny>, local_time_ns: i64) -> PyResult<bool> {
        let message = bytes_of(message)?;
        Ok(self.lock().take(message, Nanos::from_raw(local_time_ns)))
    }
    /// Takes prints that were told elsewhere, as history: how many were new; None if there is no room.
    fn add(&self, trades: Vec<Bound<'_, PyTrade>>) -> PyResult<Option<u64>> {
        let trades = trades.iter().map(|trade| {
            let trade = trade.get();
            Ok(Trade { instrument: self.instrument(&trade.symbol.to_string())?, ..trade.inner })
        });
        let trades = trades.collect::<PyResult<Vec<_>>>()?;
        Ok(self.lock().add(trades))
    }
    /// Takes out all rows: a table for each kind that has some, by symbol, in the order in which they came.
    fn drain(&self, py: Python<'_>) -> PyResult<Vec<(&'static str, PyTable)>> {
        let drained = self.lock().drain();
        let tables = py.detach(|| drained.into_iter().map(|each| self.table(each)).collect::<Result<_, _>>());
        tables.map_err(|error: ArrowError| EngineError::new_err(format!("a table cannot be built: {error}")))
    }
    /// The newest time of the exchange that a symbol has a row of this kind of; 0 before the first.
    fn newest_ns(&self, kind: &str, symbol: &str) -> PyResult<i64> {
        let (family, instrument) = (family(kind)?, self.instrument(symbol)?);
        Ok(self.lock().newest(family, instrument).raw())
    }
    /// How far the clock of this machine lies behind that of the exchange, as far as rows tell; local times are moved by it.
    #[getter]
    fn behind_ns(&self) -> i64 {
        self.lock().behind().raw()
    }
    /// How many rows there are.
    #[getter]
    fn rows(&self) -> usize {
        self.lock().rows()
    }
    /// With so many rows, nothing more is taken.
    #[getter]
    const fn rows_max(&self) -> usize {
        self.rows_max
    }
    /// What became of what was heard: messages, bytes, rows, repeated, refused, malformed, not_kept.
    #[getter]
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = self.lock().counts();
        let told = PyDict::new(py);
        for (name, count) in [
            ("messages", counts.messages),
            ("bytes", counts.bytes),
            ("rows", counts.rows),
            ("repeated", counts.repeated),
            ("refused", counts.refused),
            ("malformed", counts.malformed),
            ("not_kept", counts.not_kept),
        ] {
            told.set_item(name, count)?;
        }
        Ok(told)
    }
    /// What was wrong with the last message that contradicts the protocol.
    #[getter]
    fn fault(&self) -> Option<String> {
        self.lock().fault().map(str::to_owned)
    }
    fn __repr__(&self) -> String {
        format!("RecordBuffer({} symbols, {} rows)", self.symbols.len(), self.rows())
    }
}

impl PyRecordBuffer {
    /// Held for moments only, and never while the interpreter is given to others.
    fn lock(&self) -> MutexGuard<'_, RecordBuffer> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn instrument(&self, symbol: &str) -> PyResult<InstrumentId> {
        self.numbers
            .get(symbol)
            .copied()
            .ok_or_else(|| ParameterError::new_err(format!("symbol = {symbol}: is not recorded")))
    }

    fn table(&self, (family, mut rows): Drained) -> Result<(&'static str, PyTable), ArrowError> {
        rows.sort_by_key(|row| row.instrument);
        let schema = schema();
        let batch = to_batch(&schema, symbols(&self.symbols, &rows)?, &rows)?;
        let table = PyTable::try_new(vec![batch], Arc::clone(&schema));
        Ok((family.as_str(), table.map_err(|error| ArrowError::ExternalError(error.to_string().into()))?))
    }
}

fn family(kind: &str) -> PyResult<Family> {
    const KINDS: [Family; 4] = [Family::Trades, Family::Book, Family::Quotes, Family::Contexts];
    let found = Family::named(kind).filter(|family| KINDS.contains(family));
    found.ok_or_else(|| {
        ParameterError::new_err(format!("kind = {kind}: must be one of {}", KINDS.map(Family::as_str).join(", ")))
    })
}
