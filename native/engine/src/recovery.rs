//! A system is brought to where its journal says that it was, so that it can go on from there.

use std::io::Read;

use crate::journal::Record;
use crate::journal::{JournalError, Reader};
use crate::order::Cloid;
use crate::replay::{Follower, ReplayError};
use crate::risk::RiskManager;
use crate::strategy::Strategy;
use crate::system::TradingSystem;
use crate::time::Nanos;

/// A fill that a journal holds: what it takes not to count it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownFill {
    /// Of which order.
    pub cloid: Cloid,
    /// The venue's id of that order.
    pub oid: u64,
    /// The venue's id of the fill.
    pub trade_id: u64,
    /// When, at the venue.
    pub time: Nanos,
}

/// What was found in a journal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Events fed in.
    pub events: u64,
    /// Commands that were the same.
    pub commands: u64,
    /// The journal says that the run came to its end.
    pub has_ended: bool,
    /// Every fill, in the order in which the system heard of it.
    pub fills: Vec<KnownFill>,
    /// In words, what was damaged and where; `None` if all was whole.
    pub cut: Option<String>,
}

/// Feeds a journal to a system up to its end, or to where it stops being whole.
#[derive(Debug)]
pub struct Recovery<I: Read> {
    reader: Reader<I>,
    follower: Follower,
    fills: Vec<KnownFill>,
}

impl<I: Read> Recovery<I> {
    /// Out of a journal that is at its first record.
    #[must_use]
    pub fn new(reader: Reader<I>) -> Self {
        Self { reader, follower: Follower::default(), fills: Vec::new() }
    }

    /// Feeds in up to `records` records; gives what was found once there are no more.
    ///
    /// # Errors
    /// [`ReplayError`]: the system must not be stepped again. A journal that is not whole to its end is no error: it is fed in up to
    /// there.
    pub fn advance<S: Strategy, R: RiskManager>(
        &mut self,
        system: &mut TradingSystem<S, R>,
        records: usize,
    ) -> Result<Option<Recovered>, ReplayError> {
        for _ in 0..records {
            match self.reader.next() {
                Ok(Some(record)) => {
                    if let Record::Fill(fill) = &record {
                        let (cloid, oid, trade_id, time) = (fill.cloid, fill.oid, fill.trade_id, fill.time);
                        self.fills.push(KnownFill { cloid, oid, trade_id, time });
                    }
                    self.follower.take(&record, system)?;
                }
                Ok(None) => {
                    self.follower.end()?;
                    return Ok(Some(self.found(None)));
                }
                Err(damage @ JournalError::Damaged { .. }) => {
                    // A frame holds whole steps unless another program wrote it.
                    let lost =
                        if self.follower.is_waiting() { "; so are commands of the last event before it" } else { "" };
                    return Ok(Some(self.found(Some(format!("{damage}; what comes after them is lost{lost}")))));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    fn found(&mut self, cut: Option<String>) -> Recovered {
        let seen = self.follower.seen();
        let has_ended = seen.is_complete && cut.is_none();
        let fills = std::mem::take(&mut self.fills);
        Recovered { events: seen.events, commands: seen.commands, has_ended, fills, cut }
    }
}
