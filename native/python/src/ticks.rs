//! Tick data across the border: tables read, recordings and synthetic markets written into tables.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use engine::backtest::HeardRows;
use engine::data::memory::MemoryRows;
use engine::data::tick::correct::Correction;
use engine::data::tick::family::Family;
use engine::data::tick::from_rows::FromRows;
use engine::data::tick::import::{ImportError, ImportSummary, Recording, import};
use engine::data::tick::synthetic::market::{Detail, MarketOptions};
use engine::data::tick::synthetic::source::SyntheticTicks;
use engine::data::tick::table::columns::{schema, symbols, to_batch};
use engine::data::tick::table::lake::{Lake, LakeQuery, PartPrint, fingerprint};
use engine::data::tick::table::path::TableFormat;
use engine::data::tick::{Format, TickOptions, open};
use engine::instrument::Instruments;
use engine::row::{Row, RowSource};
use engine::stream::SourceError;
use engine::time::Nanos;
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyString};
use pyo3_arrow::PyRecordBatchReader;

use crate::errors::{DataError, EngineError, OrPy, ParameterError, ToPy};
use crate::events::RowEvents;

/// The tick tables of folders or files: found when made, read when a run or a frame wants them.
#[pyclass(frozen, module = "algo_trade._native")]
pub struct TickData {
    lake: Lake,
    symbols: Vec<String>,
    /// All rows, once they are to be kept.
    kept: OnceLock<Kept>,
}

/// The rows that were in the files, and what these were then: the files may change afterwards.
struct Kept {
    rows: MemoryRows,
    prints: Vec<PartPrint>,
}

impl TickData {
    /// The rows in the order of a run, with the numbers that `instruments` gives the symbols.
    #[must_use]
    pub fn source(&self, instruments: &Instruments) -> Box<dyn RowSource> {
        let names = instruments.iter().map(|(id, _)| instruments.symbol(id));
        match self.kept.get() {
            // Kept rows have the numbers of the lake's own symbols.
            Some(kept) if names.eq(self.symbols.iter().map(String::as_str)) => Box::new(kept.rows.clone()),
            _ => Box::new(self.lake.source(instruments)),
        }
    }

    fn prints(&self, py: Python<'_>) -> PyResult<Vec<PartPrint>> {
        match self.kept.get() {
            Some(kept) => Ok(kept.prints.clone()),
            None => py.detach(|| self.lake.prints()).or_py(),
        }
    }
}

#[pymethods]
impl TickData {
    #[new]
    #[pyo3(signature = (paths, *, symbols = Vec::new(), kinds = Vec::new(), venue = None, start_ns = None, end_ns = None))]
    fn new(
        paths: Vec<PathBuf>,
        symbols: Vec<String>,
        kinds: Vec<String>,
        venue: Option<String>,
        start_ns: Option<i64>,
        end_ns: Option<i64>,
    ) -> PyResult<Self> {
        let family = |kind: &String| {
            let known = || Family::ALL.map(Family::as_str).join(", ");
            Family::named(kind)
                .ok_or_else(|| ParameterError::new_err(format!("kinds = {kind}: must be among {}", known())))
        };
        let families = kinds.iter().map(family).collect::<PyResult<_>>()?;
        let (start, end) = (start_ns.map_or(Nanos::MIN, Nanos::from_raw), end_ns.map_or(Nanos::MAX, Nanos::from_raw));
        let lake = Lake::open(&paths, LakeQuery { symbols, families, venue, start, end }).or_py()?;
        let symbols = lake.symbols();
        Ok(Self { lake, symbols, kept: OnceLock::new() })
    }

    /// Reads all rows now and keeps them, 64 bytes each, so that every run after it starts at once.
    fn load(&self, py: Python<'_>) -> PyResult<()> {
        let read = || {
            let prints = self.lake.prints()?;
            let rows = MemoryRows::collect(&mut self.lake.source(&Instruments::unrestricted(&self.symbols)))?;
            Ok::<_, SourceError>(Kept { rows, prints })
        };
        if self.kept.get().is_none() {
            let kept = py.detach(read).or_py()?;
            let _ = self.kept.set(kept); // Another thread may have been faster, with the same rows.
        }
        Ok(())
    }

    /// The symbols, sorted.
    #[getter]
    fn symbols(&self) -> Vec<String> {
        self.symbols.clone()
    }

    /// The kinds of rows that there are: trades, orders, book, quotes, contexts, funding, status.
    #[getter]
    fn kinds(&self) -> Vec<&'static str> {
        self.lake.families().into_iter().map(Family::as_str).collect()
    }

    /// What can drive the book of a symbol, the richest first: "l3", "l2", "quote".
    fn books(&self, symbol: &str) -> Vec<&'static str> {
        self.lake.books(symbol).into_iter().map(engine::book::BookKind::as_str).collect()
    }

    /// The venues that the data are of.
    #[getter]
    fn venues(&self) -> Vec<String> {
        self.lake.venues()
    }

    /// One digest over all files, 64 hex digits.
    #[getter]
    fn fingerprint(&self, py: Python<'_>) -> PyResult<String> {
        Ok(fingerprint(&self.prints(py)?))
    }

    /// What each file holds: a JSON list of kind, venue, symbol, day, rows, digest. A range of time does not cut it.
    fn parts_json(&self, py: Python<'_>) -> PyResult<String> {
        to_json(&self.prints(py)?)
    }

    /// The rows in the order of a run as an Arrow stream, with the columns of the table.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let source = self.source(&Instruments::unrestricted(&self.symbols));
        let batches = RowBatches { source, symbols: self.symbols.clone(), schema: schema() };
        let reader = Bound::new(py, PyRecordBatchReader::new(Box::new(batches)))?;
        reader.call_method1("__arrow_c_stream__", (requested_schema,))
    }

    /// The rows one by one as events, in the order in which they reached us.
    fn __iter__(&self, py: Python<'_>) -> PyResult<TickIterator> {
        let source = self.source(&Instruments::unrestricted(&self.symbols));
        let heard = py.detach(|| HeardRows::new(source)).or_py()?;
        let symbols = self.symbols.iter().map(|symbol| PyString::intern(py, symbol).unbind()).collect();
        let reading = Reading { heard, rows: Vec::new().into_iter(), events: RowEvents::new(symbols) };
        Ok(TickIterator { reading: Mutex::new(reading) })
    }

    fn __repr__(&self) -> String {
        format!("TickData({} of {})", self.kinds().join(", "), self.symbols.join(", "))
    }
}

/// Ticks as events, in the order in which they reached us.
#[pyclass(frozen, module = "algo_trade._native")]
pub struct TickIterator {
    reading: Mutex<Reading>,
}

struct Reading {
    heard: HeardRows,
    rows: std::vec::IntoIter<Row>,
    events: RowEvents,
}

#[pymethods]
impl TickIterator {
    const fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let mut guard = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let Reading { heard, rows, events } = &mut *guard;
        loop {
            for row in rows.by_ref() {
                if let Some(event) = events.push(py, &row)? {
                    return Ok(Some(event));
                }
            }
            let Some(next) = heard.next_rows().or_py()? else { return Ok(None) };
            *rows = next.into_iter();
        }
    }
}

struct RowBatches {
    source: Box<dyn RowSource>,
    symbols: Vec<String>,
    schema: SchemaRef,
}

impl Iterator for RowBatches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let chunk = self.source.next_rows().map_err(|error| ArrowError::ExternalError(Box::new(error))).transpose()?;
        Some(chunk.and_then(|rows| to_batch(&self.schema, symbols(&self.symbols, &rows)?, &rows)))
    }
}

impl RecordBatchReader for RowBatches {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// Reads recordings, sets them right and writes them into the table in the folder `out`: all of them, or nothing.
///
/// `progress` is called with the number of rows done, about every 65,536 rows; each row is read once and written once.
#[pyfunction]
#[pyo3(signature = (paths, out, *, format = "auto", symbol = None, venue = None, is_arrow = false, is_strict = false, progress = None))]
pub fn import_ticks(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    out: PathBuf,
    format: &str,
    symbol: Option<String>,
    venue: Option<String>,
    is_arrow: bool,
    is_strict: bool,
    progress: Option<Py<PyAny>>,
) -> PyResult<String> {
    let format = Format::from_name(format).ok_or_else(|| {
        let known: Vec<&str> = Format::ALL.iter().map(|format| format.as_str()).collect();
        ParameterError::new_err(format!("format = {format}: must be auto or one of {}", known.join(", ")))
    })?;
    let options = TickOptions { symbol, venue };
    let options = &options;
    let recordings = paths
        .into_iter()
        .map(|path| Recording {
            name: path.display().to_string(),
            open: Box::new(move || open(&path, format, options)),
        })
        .collect();
    run(py, recordings, &out, is_arrow, is_strict, progress.as_ref())
}

/// Writes seeded ticks of markets that do not exist into the table in the folder `out`.
#[pyfunction]
#[pyo3(signature = (symbols, rows, out, *, seed = 0, density = 1_000, is_orders = false, is_arrow = false, start_ns = None, progress = None))]
pub fn synthetic_ticks(
    py: Python<'_>,
    symbols: Vec<String>,
    rows: u64,
    out: PathBuf,
    seed: u64,
    density: u32,
    is_orders: bool,
    is_arrow: bool,
    start_ns: Option<i64>,
    progress: Option<Py<PyAny>>,
) -> PyResult<String> {
    if symbols.is_empty() || rows == 0 || density == 0 {
        return Err(ParameterError::new_err("synthetic ticks need a symbol, a row and a density above zero"));
    }
    let mut options = MarketOptions { density, ..MarketOptions::default() };
    options.detail = if is_orders { Detail::Orders } else { Detail::Levels };
    options.start = start_ns.map_or(options.start, Nanos::from_raw);
    let mut names = symbols;
    names.sort_unstable();
    names.dedup();
    let reader = FromRows::new(SyntheticTicks::new(&names, rows, seed, &options), &names, "synthetic");
    let name = format!("synthetic, seed {seed}");
    run(py, vec![Recording { name, open: Box::new(|| Ok(Box::new(reader))) }], &out, is_arrow, false, progress.as_ref())
}

/// Rows between two looks at signals and progress.
const LOOK_ROWS: u64 = 1 << 16;

fn run(
    py: Python<'_>,
    recordings: Vec<Recording<'_>>,
    out: &std::path::Path,
    is_arrow: bool,
    is_strict: bool,
    progress: Option<&Py<PyAny>>,
) -> PyResult<String> {
    let correction = Correction { is_strict, ..Correction::default() };
    let format = if is_arrow { TableFormat::Arrow } else { TableFormat::Parquet };
    let (mut failure, mut next_look) = (None, 0);
    let mut watch = |rows: u64| {
        if rows < next_look {
            return true;
        }
        next_look = rows + LOOK_ROWS;
        let looked = Python::attach(|py| {
            py.check_signals()?;
            progress.map(|p| p.call1(py, (rows,))).transpose()
        });
        looked.map_err(|error| failure = Some(error)).is_ok()
    };
    // Recordings are opened by this thread alone, but Rust cannot know.
    let outcome = py.detach(|| import(recordings, out, correction, format, &mut watch));
    match (outcome, failure) {
        (_, Some(error)) => Err(error),
        (Ok(summary), None) => to_json::<ImportSummary>(&summary),
        (Err(error), None) => Err(error.to_py()),
    }
}

impl ToPy for ImportError {
    fn to_py(self) -> PyErr {
        match self {
            Self::Source(error) => error.to_py(),
            Self::Interrupted => PyKeyboardInterrupt::new_err(()),
            unwritable @ Self::Write { .. } => DataError::new_err(unwritable.to_string()),
        }
    }
}

fn to_json<T: serde::Serialize>(document: &T) -> PyResult<String> {
    serde_json::to_string(document).map_err(|error| EngineError::new_err(error.to_string()))
}
