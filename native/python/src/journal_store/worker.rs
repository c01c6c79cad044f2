//! The thread that makes journals durable, and what it shares with those who ask for it.

use std::io::{PipeReader, PipeWriter, Read, Result, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::journal::Gate;
use engine::journal::store::{CLOSED, Store, StoreError};

use super::folder::Folder;

type Answer<T> = std::result::Result<T, StoreError>;

#[derive(Default)]
struct Asked {
    ticket: u64,
    is_stopping: bool,
}

/// What the thread and everybody else share.
pub struct Worker {
    store: Mutex<Store<Folder>>,
    /// Who else wants the store: the thread, which hardly ever lets go of it, waits until they are gone.
    visitors: Mutex<usize>,
    gone: Condvar,
    gate: Arc<Gate>,
    asked: Mutex<Asked>,
    wake: Condvar,
    durable: AtomicU64,
    pub signal: Signal,
    window: Duration,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Worker {
    pub fn new(store: Store<Folder>, window: Duration) -> Result<Self> {
        Ok(Self {
            gate: store.gate().clone(),
            store: Mutex::new(store),
            visitors: Mutex::default(),
            gone: Condvar::new(),
            asked: Mutex::default(),
            wake: Condvar::new(),
            durable: AtomicU64::new(0),
            signal: Signal::new()?,
            window,
        })
    }

    /// Works until it is told to stop or the disk fails.
    pub fn run(&self) {
        while let Some(ticket) = self.wait() {
            if self.commit(ticket).is_err() {
                return;
            }
        }
        let ticket = lock(&self.asked).ticket;
        if self.own(Store::close).is_ok() {
            self.acknowledge(ticket);
        }
    }

    fn commit(&self, ticket: u64) -> Answer<()> {
        self.own(Store::commit)?;
        self.acknowledge(ticket);
        // It is in the log: that the files follow concerns nobody who waits.
        while self.own(Store::tidy)? && !self.is_asked(&lock(&self.asked)) {}
        Ok(())
    }

    /// The ticket that is asked for, or the last one, if something waits long enough; `None` once it is to stop.
    fn wait(&self) -> Option<u64> {
        let mut asked = lock(&self.asked);
        loop {
            if asked.is_stopping {
                return None;
            }
            if self.is_asked(&asked) {
                return Some(asked.ticket);
            }
            let (guard, timeout) = self.wake.wait_timeout(asked, self.window).unwrap_or_else(PoisonError::into_inner);
            asked = guard;
            if timeout.timed_out() && self.gate.waiting() > 0 {
                return Some(asked.ticket);
            }
        }
    }

    fn is_asked(&self, asked: &Asked) -> bool {
        asked.is_stopping || asked.ticket > self.durable()
    }

    fn acknowledge(&self, ticket: u64) {
        if self.durable.fetch_max(ticket, Ordering::AcqRel) < ticket {
            self.signal.set();
        }
    }

    /// Does something with the store that the thread does not do.
    pub fn visit<T>(&self, work: impl FnOnce(&mut Store<Folder>) -> Answer<T>) -> Answer<T> {
        *lock(&self.visitors) += 1;
        let done = self.with_store(work);
        *lock(&self.visitors) -= 1;
        self.gone.notify_one();
        done
    }

    fn own<T>(&self, work: impl FnOnce(&mut Store<Folder>) -> Answer<T>) -> Answer<T> {
        let visitors = self.gone.wait_while(lock(&self.visitors), |visitors| *visitors > 0);
        drop(visitors.unwrap_or_else(PoisonError::into_inner));
        self.with_store(work)
    }

    /// Whoever listens is told if it fails.
    fn with_store<T>(&self, work: impl FnOnce(&mut Store<Folder>) -> Answer<T>) -> Answer<T> {
        let done = work(&mut lock(&self.store));
        if done.is_err() && self.failure().is_some() {
            self.signal.set();
        }
        done
    }

    pub fn ask(&self) -> u64 {
        let mut asked = lock(&self.asked);
        asked.ticket += 1;
        self.wake.notify_one();
        asked.ticket
    }

    pub fn stop(&self) {
        lock(&self.asked).is_stopping = true;
        self.wake.notify_one();
    }

    pub fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    pub fn is_closed(&self) -> bool {
        self.gate.why() == Some(CLOSED)
    }

    pub fn failure(&self) -> Option<&str> {
        self.gate.why().filter(|why| *why != CLOSED)
    }

    pub fn fail(&self, why: &str) {
        self.gate.shut(why);
        self.signal.set();
    }
}

/// A pipe that holds a byte while there is news.
pub struct Signal {
    out: PipeReader,
    state: Mutex<(PipeWriter, bool)>,
}

impl Signal {
    fn new() -> Result<Self> {
        let (out, into) = std::io::pipe()?;
        Ok(Self { out, state: Mutex::new((into, false)) })
    }

    fn set(&self) {
        let mut state = lock(&self.state);
        let (into, is_set) = &mut *state;
        // There is never more than one byte in it, so that nobody waits here.
        if !*is_set {
            *is_set = into.write_all(&[1]).is_ok();
        }
    }

    pub fn clear(&self) {
        let mut state = lock(&self.state);
        if state.1 {
            state.1 = (&self.out).read(&mut [0]).is_err();
        }
    }
}

impl AsRawFd for Signal {
    fn as_raw_fd(&self) -> RawFd {
        self.out.as_raw_fd()
    }
}
