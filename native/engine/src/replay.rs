//! The replay driver: feeds a journal's events to a system and compares the commands, byte for byte.

use std::collections::VecDeque;
use std::io::Read;

use crate::event::Command;
use crate::journal::{JournalError, Reader, Record};
use crate::risk::RiskManager;
use crate::strategy::Strategy;
use crate::system::{SystemError, TradingSystem};
use crate::time::Nanos;

/// Why a replay stopped.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The system failed.
    #[error(transparent)]
    System(#[from] SystemError),
    /// A command is not the one in the journal.
    #[error("record {record}, at {time}: the journal has {expected}, the replay gives {given}")]
    Differs {
        /// Which record, from 1.
        record: u64,
        /// The time of the event before it.
        time: Nanos,
        /// The journal's command.
        expected: String,
        /// The replay's command.
        given: String,
    },
}

/// What a replay saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replayed {
    /// Events fed in.
    pub events: u64,
    /// Commands that were the same.
    pub commands: u64,
    /// The journal says that the run ended, so nothing was cut off behind a whole frame.
    pub is_complete: bool,
}

/// Feeds the records of a journal to a system, one after the other, and compares its commands with those that are there.
#[derive(Debug)]
pub struct Follower {
    seen: Replayed,
    time: Nanos,
    record: u64,
    /// What the system gave at the last event and the journal has not said yet.
    pending: VecDeque<Command>,
    commands: Vec<Command>,
}

impl Default for Follower {
    fn default() -> Self {
        let (seen, time, record) = (Replayed::default(), Nanos::MIN, 0);
        Self { seen, time, record, pending: VecDeque::new(), commands: Vec::new() }
    }
}

impl Follower {
    /// What was seen so far.
    #[must_use]
    pub const fn seen(&self) -> Replayed {
        self.seen
    }

    /// The journal has not said all that the system did at the last event.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Takes a record; an event is fed to the system.
    ///
    /// # Errors
    /// [`ReplayError`]; a record that is no event is the journal's word on what the system has done.
    pub fn take<S: Strategy, R: RiskManager>(
        &mut self,
        record: &Record,
        system: &mut TradingSystem<S, R>,
    ) -> Result<(), ReplayError> {
        self.record += 1;
        if let Record::Command(expected) = record {
            let given = self.pending.pop_front();
            // Commands are whole numbers and texts: equal values are equal bytes.
            if given.as_ref() != Some(expected) {
                let given = given.map_or_else(|| "no command".to_owned(), |c| format!("{c:?}"));
                return Err(self.differs(format!("{expected:?}"), given));
            }
            self.seen.commands += 1;
            return Ok(());
        }
        self.check_nothing_waits()?;
        self.seen.is_complete = *record == Record::End;
        let Some(event) = record.event() else { return Ok(()) };
        self.time = event.time();
        system.step(event, &mut self.commands)?;
        self.seen.events += 1;
        self.pending.extend(self.commands.drain(..));
        Ok(())
    }

    /// The journal ends here.
    ///
    /// # Errors
    /// [`ReplayError::Differs`] if the system did more than it says.
    pub fn end(&mut self) -> Result<Replayed, ReplayError> {
        self.record += 1;
        self.check_nothing_waits()?;
        Ok(self.seen)
    }

    fn check_nothing_waits(&self) -> Result<(), ReplayError> {
        self.pending.front().map_or(Ok(()), |extra| Err(self.differs("no command".to_owned(), format!("{extra:?}"))))
    }

    const fn differs(&self, expected: String, given: String) -> ReplayError {
        ReplayError::Differs { record: self.record, time: self.time, expected, given }
    }
}

/// Replays a journal up to and including `until`, into a system made as the journal's header says.
///
/// Where an end is named, a last write that was torn is one too.
///
/// # Errors
/// [`ReplayError`], at the first command that differs.
pub fn replay<S: Strategy, R: RiskManager, I: Read>(
    reader: &mut Reader<I>,
    system: &mut TradingSystem<S, R>,
    until: Nanos,
) -> Result<Replayed, ReplayError> {
    let mut follower = Follower::default();
    loop {
        match reader.next() {
            Ok(Some(record)) => {
                if record.event().is_some_and(|event| event.time() > until) {
                    return follower.end();
                }
                follower.take(&record, system)?;
            }
            Ok(None) => return follower.end(),
            Err(JournalError::Damaged { is_last: true, .. }) if until < Nanos::MAX => return Ok(follower.seen()),
            Err(error) => return Err(error.into()),
        }
    }
}
