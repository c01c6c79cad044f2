//! A system is brought to where its journal says that it was, so that it can go on from there.

use std::collections::BTreeMap;
use std::io::Read;

use crate::event::{AccountEvent, Command, MarketEvent};
use crate::instrument::InstrumentId;
use crate::journal::Record;
use crate::journal::{JournalError, Reader};
use crate::order::{Cloid, FillEvent};
use crate::orders::LiveOrder;
use crate::replay::{Follower, ReplayError};
use crate::risk::RiskManager;
use crate::strategy::Strategy;
use crate::system::TradingSystem;
use crate::time::Nanos;

/// What was found in a journal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Events fed in.
    pub events: u64,
    /// Commands that were the same.
    pub commands: u64,
    /// The journal says that the run came to its end.
    pub has_ended: bool,
    /// The fills of orders that are not done, order by order.
    pub fills: Vec<FillEvent>,
    /// Orders that are not done and of which the end or a change was asked for, oldest first: that may never have left.
    pub in_doubt: Vec<Cloid>,
    /// Timers that were set and have not come due, as they were set.
    pub timers: Vec<(Nanos, u64)>,
    /// When the last bar of each instrument closed, of those that had one.
    pub bars: Vec<(InstrumentId, Nanos)>,
    /// When funding was settled last, of each instrument that had any.
    pub fundings: Vec<(InstrumentId, Nanos)>,
    /// In words, what was damaged and where; `None` if all was whole.
    pub cut: Option<String>,
}

/// Feeds a journal to a system up to its end, or to where it stops being whole.
#[derive(Debug)]
pub struct Recovery<I: Read> {
    reader: Reader<I>,
    follower: Follower,
    fills: BTreeMap<Cloid, Vec<FillEvent>>,
    timers: Vec<(Nanos, u64)>,
    bars: BTreeMap<InstrumentId, Nanos>,
    fundings: BTreeMap<InstrumentId, Nanos>,
}

impl<I: Read> Recovery<I> {
    /// Out of a journal that is at its first record.
    #[must_use]
    pub fn new(reader: Reader<I>) -> Self {
        let (fills, timers, bars, fundings) = (BTreeMap::new(), Vec::new(), BTreeMap::new(), BTreeMap::new());
        Self { reader, follower: Follower::default(), fills, timers, bars, fundings }
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
                    self.note(&record);
                    self.follower.take(&record, system)?;
                }
                Ok(None) => {
                    self.follower.end()?;
                    return Ok(Some(self.found(system, None)));
                }
                Err(damage @ JournalError::Damaged { .. }) => {
                    // A frame holds whole steps unless another program wrote it.
                    let lost =
                        if self.follower.is_waiting() { "; so are commands of the last event before it" } else { "" };
                    return Ok(Some(
                        self.found(system, Some(format!("{damage}; what comes after them is lost{lost}"))),
                    ));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// Keeps what the world outside has to know of where the system stands.
    fn note(&mut self, record: &Record) {
        match record {
            Record::Fill(fill) => self.fills.entry(fill.cloid).or_default().push(fill.clone()),
            Record::Order(update) if update.status.is_final() => {
                self.fills.remove(&update.cloid);
            }
            Record::Command(Command::SetTimer { time, id }) => self.timers.push((*time, *id)),
            Record::Timer(timer) => {
                if let Some(at) = self.timers.iter().position(|(_, id)| *id == timer.id) {
                    self.timers.remove(at);
                }
            }
            Record::Market(MarketEvent::Bar(bar)) => {
                self.bars.insert(bar.instrument, bar.close_time);
            }
            Record::Account(AccountEvent::Funding { instrument, time, .. }) => {
                self.fundings.insert(*instrument, *time);
            }
            _ => {}
        }
    }

    fn found<S: Strategy, R: RiskManager>(&mut self, system: &TradingSystem<S, R>, cut: Option<String>) -> Recovered {
        let orders = system.world().orders.by_age();
        let is_in_doubt = |o: &&&LiveOrder| o.is_cancelling || o.change.is_some();
        let in_doubt = orders.iter().filter(is_in_doubt).map(|o| o.event.cloid).collect();
        let seen = self.follower.seen();
        let has_ended = seen.is_complete && cut.is_none();
        let fills = std::mem::take(&mut self.fills).into_values().flatten().collect();
        let timers = std::mem::take(&mut self.timers);
        let bars = std::mem::take(&mut self.bars).into_iter().collect();
        let fundings = std::mem::take(&mut self.fundings).into_iter().collect();
        Recovered {
            events: seen.events,
            commands: seen.commands,
            has_ended,
            fills,
            in_doubt,
            timers,
            bars,
            fundings,
            cut,
        }
    }
}
