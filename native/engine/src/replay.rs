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

/// Replays a journal up to and including `until`, into a system made as the journal's header says.
///
/// # Errors
/// [`ReplayError`], at the first command that differs.
pub fn replay<S: Strategy, R: RiskManager, I: Read>(
    reader: &mut Reader<I>,
    system: &mut TradingSystem<S, R>,
    until: Nanos,
) -> Result<Replayed, ReplayError> {
    let mut seen = Replayed::default();
    let mut time = Nanos::MIN;
    let mut record_number = 0;
    let mut pending: VecDeque<Command> = VecDeque::new();
    let mut commands = Vec::new();
    loop {
        let record = reader.next()?;
        record_number += 1;
        let differs =
            |expected: String, given: String| ReplayError::Differs { record: record_number, time, expected, given };
        match record {
            Some(Record::Command(expected)) => {
                let given = pending.pop_front();
                if given.as_ref().map(encoded).transpose()? != Some(encoded(&expected)?) {
                    let given = given.map_or_else(|| "no command".to_owned(), |c| format!("{c:?}"));
                    return Err(differs(format!("{expected:?}"), given));
                }
                seen.commands += 1;
            }
            other => {
                if let Some(extra) = pending.front() {
                    return Err(differs("no command".to_owned(), format!("{extra:?}")));
                }
                let Some(record) = other else { return Ok(seen) };
                seen.is_complete = record == Record::End;
                let Some(event) = record.event() else { continue };
                if event.time() > until {
                    return Ok(seen);
                }
                time = event.time();
                system.step(event, &mut commands)?;
                seen.events += 1;
                pending.extend(commands.drain(..));
            }
        }
    }
}

fn encoded(command: &Command) -> Result<Vec<u8>, JournalError> {
    Ok(postcard::to_allocvec(command)?)
}
