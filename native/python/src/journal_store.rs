//! Journals that are made durable together, by a thread of their own.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use pyo3::prelude::*;

use engine::journal::store::{LOG_BYTES, Store, StoreError, look_through};
use engine::journal::{Appender, Gate};

use crate::errors::JournalError;
use crate::journal::PyJournalWriter;
use crate::journal_disk::RealDisk;

/// What the thread and those who wait for it share.
#[derive(Default)]
struct Progress {
    /// Tickets that were given out.
    asked: u64,
    /// Tickets of which all is durable.
    durable: u64,
    is_closing: bool,
}

struct Shared {
    store: Mutex<Store<RealDisk>>,
    progress: Mutex<Progress>,
    wish: Condvar,
    gate: Arc<Gate>,
    /// Written to when `durable` has moved, or the disk has failed.
    bell: UnixStream,
}

impl Shared {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self) -> MutexGuard<'_, Store<RealDisk>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody is to look. A bell that rings already need not ring twice.
    fn ring(&self) {
        let _ = (&self.bell).write(&[1]);
    }

    /// Commits when asked, or when the window is over, until it is closed or the disk fails.
    fn work(&self, window: Duration) {
        loop {
            let (target, is_closing) = {
                let progress = self.progress();
                let idle = |progress: &mut Progress| progress.asked == progress.durable && !progress.is_closing;
                let (progress, _) =
                    self.wish.wait_timeout_while(progress, window, idle).unwrap_or_else(PoisonError::into_inner);
                (progress.asked, progress.is_closing)
            };
            let done = self.store().commit();
            if done.is_ok() {
                let before = std::mem::replace(&mut self.progress().durable, target);
                if before != target {
                    self.ring();
                }
            }
            let settled = done.and_then(|_| {
                let mut store = self.store();
                store.settle()?;
                store.tidy()
            });
            if is_closing || settled.is_err() {
                break;
            }
        }
        self.ring();
    }
}

/// All journals of a runner: files that are only appended to, made durable together by one write to a redo log beside them.
#[pyclass(frozen, name = "JournalStore", module = "algo_trade._native")]
pub struct PyJournalStore {
    shared: Arc<Shared>,
    folder: PathBuf,
    ear: UnixStream,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl PyJournalStore {
    fn to_py(&self, error: &StoreError) -> PyErr {
        JournalError::new_err(format!("{}: {error}", self.folder.display()))
    }

    fn writer(&self, name: &str, appender: Arc<Appender>, cut: Option<String>) -> PyJournalWriter {
        PyJournalWriter::of_store(appender, self.folder.join(format!("{name}.journal")), cut)
    }
}

#[pymethods]
impl PyJournalStore {
    /// Opens the store of a folder and brings its journals up to date; what is written is durable within `window_ms`, or when asked.
    /// One store at a time may use a folder. Raises JournalError.
    #[new]
    #[pyo3(signature = (folder, *, window_ms = 100))]
    fn new(py: Python<'_>, folder: PathBuf, window_ms: u64) -> PyResult<Self> {
        let named = |error: &dyn std::fmt::Display| JournalError::new_err(format!("{}: {error}", folder.display()));
        let opened = py.detach(|| Store::open(RealDisk::new(&folder)?, LOG_BYTES).map_err(std::io::Error::other));
        let store = opened.map_err(|error| named(&error))?;
        let pair = UnixStream::pair().and_then(|(ear, bell)| {
            ear.set_nonblocking(true)?;
            bell.set_nonblocking(true)?;
            Ok((ear, bell))
        });
        let (ear, bell) = pair.map_err(|error| named(&error))?;
        let (gate, progress, wish) = (store.gate().clone(), Mutex::default(), Condvar::new());
        let shared = Arc::new(Shared { store: Mutex::new(store), progress, wish, gate, bell });
        let (works, window) = (shared.clone(), Duration::from_millis(window_ms.max(1)));
        let begun = std::thread::Builder::new().name("journals".to_owned()).spawn(move || works.work(window));
        let thread = Mutex::new(Some(begun.map_err(|error| named(&error))?));
        Ok(Self { shared, folder, ear, thread })
    }
    /// Begins a journal: `name` is its path in the folder, without the ending. Its file is there once it was committed. Raises
    /// JournalError if there is one already.
    fn create(&self, py: Python<'_>, name: &str, header: &str) -> PyResult<PyJournalWriter> {
        let made = py.detach(|| self.shared.store().create(name, header));
        Ok(self.writer(name, made.map_err(|error| self.to_py(&error))?, None))
    }
    /// Goes on with a journal after its last whole record; `cut` of what it returns says what was damaged. Raises JournalError.
    fn resume(&self, py: Python<'_>, name: &str) -> PyResult<PyJournalWriter> {
        let gone_on = py.detach(|| {
            let file = self.shared.store().find(name)?;
            let whole = look_through(name, &file)?;
            let cut = whole.damage.map(|what| format!("{what} at byte {}: cut off there", whole.bytes));
            let appender = self.shared.store().resume(name, file, whole)?;
            Ok((appender, cut))
        });
        let (appender, cut) = gone_on.map_err(|error| self.to_py(&error))?;
        Ok(self.writer(name, appender, cut))
    }
    /// Asks for all that was appended so far to be made durable at once; returns the ticket that says when it is. Never waits.
    fn commit(&self) -> u64 {
        let mut progress = self.shared.progress();
        progress.asked += 1;
        self.shared.wish.notify_one();
        progress.asked
    }
    /// The highest ticket of which all is durable.
    #[getter]
    fn durable(&self) -> u64 {
        self.shared.progress().durable
    }
    /// What can be waited for: it becomes readable when `durable` has moved, and when the disk fails.
    fn fileno(&self) -> i32 {
        self.ear.as_raw_fd()
    }
    /// Takes note that it was readable; returns `durable`.
    fn drain(&self) -> u64 {
        let mut rung = [0; 256];
        while matches!((&self.ear).read(&mut rung), Ok(count) if count == rung.len()) {}
        self.durable()
    }
    /// Why nothing is taken any more; None while all is well.
    #[getter]
    fn failure(&self) -> Option<String> {
        self.shared.gate.why().map(str::to_owned)
    }
    /// Makes everything durable, in the journals' own files, and takes nothing any more. Raises JournalError if that fails.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return Ok(()) };
        let closed = py.detach(|| {
            self.shared.progress().is_closing = true;
            self.shared.wish.notify_one();
            let _ = thread.join();
            self.shared.store().close()
        });
        closed.map_err(|error| self.to_py(&error))
    }
}
