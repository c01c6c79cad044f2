//! The store of a runner's journals across the border.

mod folder;
mod worker;

use std::os::fd::{AsRawFd, RawFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use pyo3::prelude::*;

use engine::journal::store::{CLOSED, DiskFile, LOG_BYTES, Store, StoreError, file_of, look_through};

use self::folder::Folder;
use self::worker::Worker;
use crate::errors::{JournalError, OrPy, ParameterError, ToPy};
use crate::journal::PyJournalWriter;

impl ToPy for StoreError {
    fn to_py(self) -> PyErr {
        match self {
            Self::Name(_) => ParameterError::new_err(self.to_string()),
            other => JournalError::new_err(other.to_string()),
        }
    }
}

/// The longest window: who asks for nothing loses no more than this.
const WINDOW_MS_MAX: u64 = 60_000;

/// Many journals in a folder, made durable together by a thread of its own. One store at a time may use a folder.
///
/// What is appended is durable after `window_ms` at the latest, or as soon as the disk allows once `commit` was called.
#[pyclass(frozen, name = "JournalStore", module = "algo_trade._native")]
pub struct PyJournalStore {
    folder: PathBuf,
    worker: Arc<Worker>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[pymethods]
impl PyJournalStore {
    /// Opens the journals of a folder, which is made if it is not there: what was acknowledged and had not reached them is written.
    #[new]
    #[pyo3(signature = (folder, *, window_ms = 100))]
    fn new(py: Python<'_>, folder: PathBuf, window_ms: u64) -> PyResult<Self> {
        if !(1..=WINDOW_MS_MAX).contains(&window_ms) {
            let message = format!("window_ms = {window_ms}: must be 1 to {WINDOW_MS_MAX}");
            return Err(ParameterError::new_err(message));
        }
        let failed = |e: std::io::Error| JournalError::new_err(format!("{}: {e}", folder.display()));
        let opened = py.detach(|| Folder::new(folder.clone()).map(|disk| Store::open(disk, LOG_BYTES)));
        let store = opened.map_err(failed)?.map_err(|e| JournalError::new_err(format!("{}/{e}", folder.display())))?;
        let worker = Arc::new(Worker::new(store, Duration::from_millis(window_ms)).map_err(failed)?);
        let thread = std::thread::Builder::new().name("journal-store".to_owned());
        let thread = thread.spawn({
            let worker = worker.clone();
            move || worker.run()
        });
        Ok(Self { thread: Mutex::new(Some(thread.map_err(failed)?)), folder, worker })
    }
    /// Begins a journal; `b1/000001` is the file `b1/000001.journal`. `header` is JSON that says how the system was made.
    fn create(&self, py: Python<'_>, name: &str, header: &str) -> PyResult<PyJournalWriter> {
        let path = self.folder.join(file_of(name).or_py()?);
        let appender = py.detach(|| self.worker.visit(|store| store.create(name, header))).or_py()?;
        Ok(PyJournalWriter::of_store(appender, path, None))
    }
    /// Goes on with a journal. One that is damaged is cut at the last whole frame, and its `cut` says so.
    fn resume(&self, py: Python<'_>, name: &str) -> PyResult<PyJournalWriter> {
        let path = self.folder.join(file_of(name).or_py()?);
        let resumed = py.detach(|| {
            let file = self.worker.visit(|store| store.find(name))?;
            let whole = look_through(name, &file)?;
            let size = file.size().unwrap_or(whole.bytes);
            let appender = self.worker.visit(|store| store.resume(name, file, whole))?;
            let cut = whole.damage.map(|what| {
                let (at, lost) = (whole.bytes, size.saturating_sub(whole.bytes));
                format!("the journal was damaged at byte {at}: {what}; {lost} bytes from there on were cut off")
            });
            Ok::<_, StoreError>((appender, cut))
        });
        let (appender, cut) = resumed.or_py()?;
        Ok(PyJournalWriter::of_store(appender, path, cut))
    }
    /// Asks for everything that was appended so far to be made durable at once. Returns the ticket that `durable` then reaches; never
    /// waits. Raises JournalError once the store was closed.
    fn commit(&self) -> PyResult<u64> {
        if self.worker.is_closed() { Err(JournalError::new_err(CLOSED)) } else { Ok(self.worker.ask()) }
    }
    /// The highest ticket whose records are durable; 0 before the first.
    #[getter]
    fn durable(&self) -> u64 {
        self.worker.durable()
    }
    /// A file descriptor that becomes readable when `durable` has moved or the disk has failed; `drain` makes it wait again.
    fn fileno(&self) -> RawFd {
        self.worker.signal.as_raw_fd()
    }
    /// Lets `fileno` wait for the next news; returns `durable`.
    fn drain(&self) -> u64 {
        self.worker.signal.clear();
        self.worker.durable()
    }
    /// What the disk failed with: from then on nothing is acknowledged, and appending raises JournalError. None while all is well.
    #[getter]
    fn failure(&self) -> Option<&str> {
        self.worker.failure()
    }
    /// Makes everything durable that was appended, and takes nothing any more. Raises JournalError if that fails.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let was_well = self.worker.failure().is_none();
        py.detach(|| self.join());
        match self.worker.failure() {
            Some(failure) if was_well => Err(JournalError::new_err(failure.to_owned())),
            _ => Ok(()),
        }
    }
    fn __repr__(&self) -> String {
        format!("JournalStore({})", self.folder.display())
    }
}

impl PyJournalStore {
    fn join(&self) {
        self.worker.stop();
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take()
            && thread.join().is_err()
        {
            self.worker.fail("the thread of the journal store has failed");
        }
    }
}

impl Drop for PyJournalStore {
    // The thread never waits for the interpreter, so that it can be waited for here.
    fn drop(&mut self) {
        self.join();
    }
}
