//! Journals across the border.

use std::fs::File;
use std::io::BufReader;

use pyo3::prelude::*;
use pyo3::types::PyString;

use engine::journal::Reader;
use engine::num::Money;
use engine::replay::replay;
use engine::system::TradingSystem;
use engine::time::Nanos;
use engine::world::World;

use crate::config::{PyInstrument, instruments};
use crate::errors::{JournalError, OrPy};
use crate::number::from_python;
use crate::risk::Risk;
use crate::source::book_kinds;
use crate::strategy::AnyStrategy;

/// A journal on disk.
#[pyclass(frozen, name = "Journal", module = "algo_trade._native")]
pub struct PyJournal {
    path: std::path::PathBuf,
    header: String,
}

impl PyJournal {
    fn open(path: &std::path::Path) -> PyResult<Reader<BufReader<File>>> {
        let failed = |e: &dyn std::fmt::Display| JournalError::new_err(format!("{}: {e}", path.display()));
        let file = File::open(path).map_err(|e| failed(&e))?;
        Reader::new(BufReader::with_capacity(1 << 20, file)).map_err(|e| failed(&e))
    }
}

#[pymethods]
impl PyJournal {
    /// Opens a journal and reads its header; raises JournalError.
    #[new]
    fn new(path: std::path::PathBuf) -> PyResult<Self> {
        let header = Self::open(&path)?.header().to_owned();
        Ok(Self { path, header })
    }
    /// The JSON header: how the system was made.
    #[getter]
    fn header(&self) -> &str {
        &self.header
    }
    /// Feeds the events to a system made as the header says and compares the commands; returns (events, commands, whether the journal
    /// says that the run ended).
    ///
    /// Raises JournalError at the first command that differs.
    #[pyo3(signature = (strategy, *, symbols, rules, risk, initial_capital, bot_id, books = Vec::new(), until_ns = None))]
    fn replay(
        &self,
        py: Python<'_>,
        strategy: &Bound<'_, PyAny>,
        symbols: Vec<String>,
        rules: Vec<Py<PyInstrument>>,
        risk: &Bound<'_, PyAny>,
        initial_capital: &Bound<'_, PyAny>,
        bot_id: &str,
        books: Vec<String>,
        until_ns: Option<i64>,
    ) -> PyResult<(u64, u64, bool)> {
        let instruments = instruments(&symbols, &rules);
        let deposit: Money = from_python(initial_capital)?;
        let risk = Risk::from_py(risk, &instruments)?;
        let until = until_ns.map_or(Nanos::MAX, Nanos::from_raw);
        let mut reader = Self::open(&self.path)?;
        let world = World::new(bot_id, 0, instruments.clone(), deposit).with_books(&book_kinds(&books)?);
        let done = match AnyStrategy::from_py(strategy, &instruments)? {
            AnyStrategy::Builtin(strategy) => py.detach(|| {
                let mut system = TradingSystem::around(world, strategy, risk);
                replay(&mut reader, &mut system, until)
            }),
            strategy @ (AnyStrategy::Python(_) | AnyStrategy::Compiled(_)) => {
                let mut system = TradingSystem::around(world, strategy, risk);
                replay(&mut reader, &mut system, until)
            }
        };
        let done = done.or_py()?;
        Ok((done.events, done.commands, done.is_complete))
    }
    /// The records up to a time, one line each, given to `write` in turn; returns how many there were.
    #[pyo3(signature = (write, *, until_ns = None))]
    fn dump(&self, py: Python<'_>, write: &Bound<'_, PyAny>, until_ns: Option<i64>) -> PyResult<u64> {
        let until = until_ns.map_or(Nanos::MAX, Nanos::from_raw);
        let mut reader = Self::open(&self.path)?;
        let mut count = 0_u64;
        while let Some(record) = reader.next().or_py()? {
            if record.event().is_some_and(|e| e.time() > until) {
                break;
            }
            count += 1;
            write.call1((PyString::new(py, &format!("{record:?}")),))?;
            if count.is_multiple_of(4096) {
                py.check_signals()?;
            }
        }
        Ok(count)
    }
}
