//! Journals across the border.

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyString;

use engine::event::{Command, Event};
use engine::journal::{Appender, Frames, Gate, JournalError as EngineJournalError, Reader, Record};
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

/// What is written in one go.
const PIECE: usize = 64 << 10;

/// A journal that is being written.
pub struct Journal {
    pub appender: Arc<Appender>,
    /// The file, if nobody else writes it, and room for what is written next.
    file: Option<Mutex<(File, Vec<u8>)>>,
}

impl Journal {
    /// Adds an event and what it led to.
    pub fn append_step(&self, event: Event<'_>, commands: &[Command]) -> Result<(), EngineJournalError> {
        self.appender.append_step(event, commands)?;
        if self.appender.waiting() < PIECE { Ok(()) } else { self.write() }
    }

    /// Writes all that waits, where that is done here. After a failure nothing is taken any more.
    fn write(&self) -> Result<(), EngineJournalError> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, piece) = &mut *file;
        self.appender.take(piece);
        file.write_all(piece).inspect_err(|_| self.appender.close()).map_err(EngineJournalError::Io)
    }
}

/// A journal that is being written: what a `System` appends to. Those of a `JournalStore` are durable when it says so.
///
/// On a plain file it is written in large pieces, the last one at `close`, and nothing is promised after a crash.
#[pyclass(frozen, name = "JournalWriter", module = "algo_trade._native")]
pub struct PyJournalWriter {
    pub inner: Arc<Journal>,
    path: PathBuf,
    cut: Option<String>,
}

impl PyJournalWriter {
    /// One that a store writes.
    pub fn of_store(appender: Arc<Appender>, path: PathBuf, cut: Option<String>) -> Self {
        Self { inner: Arc::new(Journal { appender, file: None }), path, cut }
    }
}

#[pymethods]
impl PyJournalWriter {
    /// A new journal on a plain file, which must not be there yet; `header` is JSON that says how the system was made.
    #[new]
    fn new(path: PathBuf, header: &str) -> PyResult<Self> {
        let frames = Frames::with_header(header).map_err(|e| named(&path, &e))?;
        let file = File::create_new(&path).map_err(|e| named(&path, &e))?;
        let appender = Arc::new(Appender::new(Arc::new(Gate::default()), frames));
        let inner = Journal { appender, file: Some(Mutex::new((file, Vec::new()))) };
        Ok(Self { inner: Arc::new(inner), path, cut: None })
    }
    /// The file.
    #[getter]
    fn path(&self) -> &Path {
        &self.path
    }
    /// In words, what was damaged and cut off when it was resumed; None if it was whole.
    #[getter]
    fn cut(&self) -> Option<&str> {
        self.cut.as_deref()
    }
    /// Writes down that the run has come to its end.
    fn end(&self) -> PyResult<()> {
        self.inner.appender.append(&Record::End).map_err(|e| named(&self.path, &e))
    }
    /// Takes nothing any more; what waits is written, by a store with its next commit.
    fn close(&self) -> PyResult<()> {
        self.inner.appender.close();
        self.inner.write().map_err(|e| named(&self.path, &e))
    }
    fn __repr__(&self) -> String {
        format!("JournalWriter({})", self.path.display())
    }
}

fn named(path: &Path, error: &dyn std::fmt::Display) -> PyErr {
    JournalError::new_err(format!("{}: {error}", path.display()))
}

/// A journal on disk.
#[pyclass(frozen, name = "Journal", module = "algo_trade._native")]
pub struct PyJournal {
    path: PathBuf,
    header: String,
}

impl PyJournal {
    pub fn open(path: &Path) -> PyResult<Reader<BufReader<File>>> {
        let file = File::open(path).map_err(|e| named(path, &e))?;
        Reader::new(BufReader::with_capacity(1 << 20, file)).map_err(|e| named(path, &e))
    }
}

#[pymethods]
impl PyJournal {
    /// Opens a journal and reads its header; raises JournalError.
    #[new]
    fn new(path: PathBuf) -> PyResult<Self> {
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
    /// Raises JournalError at the first command that differs, and where the journal is damaged; with `until_ns`, a last write that
    /// was torn is where it ends.
    #[pyo3(signature = (strategy, *, symbols, rules, risk, initial_capital, bot_id, epoch = 0, books = Vec::new(), until_ns = None))]
    fn replay(
        &self,
        py: Python<'_>,
        strategy: &Bound<'_, PyAny>,
        symbols: Vec<String>,
        rules: Vec<Py<PyInstrument>>,
        risk: &Bound<'_, PyAny>,
        initial_capital: &Bound<'_, PyAny>,
        bot_id: &str,
        epoch: u32,
        books: Vec<String>,
        until_ns: Option<i64>,
    ) -> PyResult<(u64, u64, bool)> {
        let instruments = instruments(&symbols, &rules);
        let deposit: Money = from_python(initial_capital)?;
        let risk = Risk::from_py(risk, &instruments)?;
        let until = until_ns.map_or(Nanos::MAX, Nanos::from_raw);
        let mut reader = Self::open(&self.path)?;
        let world = World::new(bot_id, epoch, instruments.clone(), deposit).with_books(&book_kinds(&books)?);
        let done = match AnyStrategy::from_py(strategy, &instruments)? {
            AnyStrategy::Builtin(strategy) => py.detach(|| {
                let mut system = TradingSystem::around(world, strategy, risk);
                replay(&mut reader, &mut system, until)
            }),
            strategy @ (AnyStrategy::Python(_) | AnyStrategy::Compiled(_) | AnyStrategy::Apart(_)) => {
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
