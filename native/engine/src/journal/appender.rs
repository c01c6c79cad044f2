//! Where the records of a journal wait until somebody writes them: what appends never waits for a disk.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::frames::Frames;
use super::{JournalError, Record};
use crate::event::{Command, Event};

/// So much may wait to be written, of all journals together; a disk that falls behind this far has failed.
const WAITING_MAX: usize = 256 << 20;

/// What journals that are written together share: how much of them waits, and whether anything is taken at all.
#[derive(Debug, Default)]
pub struct Gate {
    waiting: AtomicUsize,
    shut: OnceLock<String>,
}

impl Gate {
    /// From now on nothing is taken, for this reason; the first one stays.
    pub fn shut(&self, why: &str) {
        self.shut.get_or_init(|| why.to_owned());
    }

    /// Why nothing is taken any more.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        self.shut.get().map(String::as_str)
    }

    /// How many bytes wait to be written.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    fn check(&self) -> Result<(), JournalError> {
        if let Some(why) = self.why() {
            return Err(JournalError::Closed(why.to_owned()));
        }
        if self.waiting() > WAITING_MAX {
            let waiting = self.waiting() >> 20;
            return Err(JournalError::Closed(format!("{waiting} MiB wait to be written: the disk is too slow")));
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Waiting {
    frames: Frames,
    is_closed: bool,
}

/// The end of a journal where records go in. It is shared by who appends and who writes.
#[derive(Debug)]
pub struct Appender {
    gate: Arc<Gate>,
    waiting: Mutex<Waiting>,
}

impl Appender {
    /// Behind a gate, with what waits already: the beginning of a journal, or nothing where one goes on.
    #[must_use]
    pub fn new(gate: Arc<Gate>, frames: Frames) -> Self {
        gate.waiting.fetch_add(frames.bytes().len(), Ordering::Relaxed);
        Self { gate, waiting: Mutex::new(Waiting { frames, is_closed: false }) }
    }

    /// Whether records are taken now.
    ///
    /// # Errors
    /// [`JournalError::Closed`] says why not.
    pub fn check(&self) -> Result<(), JournalError> {
        self.gate.check()?;
        open(&self.lock())
    }

    /// Adds an event and the commands that it led to; no torn write parts them.
    ///
    /// # Errors
    /// [`JournalError`]; nothing has been added then.
    pub fn append_step(&self, event: Event<'_>, commands: &[Command]) -> Result<(), JournalError> {
        self.add(|frames| frames.push_step(event, commands))
    }

    /// Adds a record.
    ///
    /// # Errors
    /// [`JournalError`]; nothing has been added then.
    pub fn append(&self, record: &Record) -> Result<(), JournalError> {
        self.add(|frames| frames.push(record))
    }

    fn add(&self, push: impl FnOnce(&mut Frames) -> Result<(), JournalError>) -> Result<(), JournalError> {
        self.gate.check()?;
        let mut waiting = self.lock();
        open(&waiting)?;
        let before = waiting.frames.bytes().len();
        push(&mut waiting.frames)?;
        self.gate.waiting.fetch_add(waiting.frames.bytes().len() - before, Ordering::Relaxed);
        Ok(())
    }

    /// Hands over all that waits, in whole frames; what `into` held is lost, and its room used again.
    pub fn take(&self, into: &mut Vec<u8>) {
        self.lock().frames.take(into);
        self.gate.waiting.fetch_sub(into.len(), Ordering::Relaxed);
    }

    /// How many bytes wait to be written.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lock().frames.bytes().len()
    }

    /// Nothing is taken any more; what waits is still to be written.
    pub fn close(&self) {
        self.lock().is_closed = true;
    }

    /// Whether it was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // What a thread that panicked left is still whole: every change here is made by one call that cannot.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(waiting: &Waiting) -> Result<(), JournalError> {
    if waiting.is_closed { Err(JournalError::Closed("it was closed".to_owned())) } else { Ok(()) }
}
