//! What a recorder hears, as rows: messages of the socket as they come, each fact once, in bounded memory.
//!
//! Messages are read as those of a recording are, so that a recorded hour and an import of its messages have the same rows.

use std::collections::VecDeque;
use std::mem;

use rustc_hash::FxHashSet;

use crate::data::fault::{Fault, SourceError};
use crate::data::tick::family::Family;
use crate::data::tick::findings::Findings;
use crate::data::tick::hyperliquid::Stream;
use crate::data::tick::refusal::Refusal;
use crate::event::Trade;
use crate::instrument::InstrumentId;
use crate::row::{Flags, Row, RowKind};
use crate::time::Nanos;

/// Prints of an instrument that are known again: what comes after a new subscription are the newest.
const PRINTS: usize = 2_048;
const FAMILIES: usize = Family::ALL.len();
/// What the quickest row takes to reach us where a clock is set right, as in an import.
const LATENCY_MIN: Nanos = Nanos::from_raw(1_000_000);

/// What became of what was heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordCounts {
    /// Messages that were read.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Rows that were kept.
    pub rows: u64,
    /// Prints that had been heard already.
    pub repeated: u64,
    /// Rows that no market can have.
    pub refused: u64,
    /// Messages that contradict the protocol.
    pub malformed: u64,
    /// Messages for which there was no room.
    pub not_kept: u64,
}

/// Rows of a family, of instruments that are places in [`RecordBuffer::symbols`], in the order in which they came.
pub type Drained = (Family, Vec<Row>);

/// Rows that nobody has taken yet.
#[derive(Debug)]
pub struct RecordBuffer {
    stream: Stream,
    findings: Findings,
    symbols: Vec<String>,
    wanted: [bool; FAMILIES],
    held: [Vec<Row>; FAMILIES],
    /// Of each instrument: the newest time of each family.
    newest: Vec<[Nanos; FAMILIES]>,
    prints: Vec<Prints>,
    /// By how much local times were too early for what they tell: they are moved by it. It only grows, so that they never
    /// run backwards.
    behind: Nanos,
    rows: usize,
    rows_max: usize,
    fresh: Vec<Row>,
    counts: RecordCounts,
    fault: Option<String>,
}

/// Ids of prints, the newest of them.
#[derive(Debug, Default)]
struct Prints {
    known: FxHashSet<u64>, // never iterated
    order: VecDeque<u64>,
}

impl Prints {
    /// False for one that is known. A print without an id is none that could be known again.
    fn add(&mut self, id: u64) -> bool {
        if id == 0 {
            return true;
        }
        if !self.known.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > PRINTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

impl RecordBuffer {
    /// For instruments by the exchange's name and ours, and rows of these families. No more is taken once there are
    /// `rows_max` rows.
    #[must_use]
    pub fn new(coins: Vec<(String, String)>, families: &[Family], rows_max: usize) -> Self {
        let (coins, symbols): (Vec<_>, Vec<_>) = coins.into_iter().unzip();
        let mut prints = Vec::new();
        prints.resize_with(coins.len(), Prints::default);
        Self {
            stream: Stream::default(),
            newest: vec![[Nanos::ZERO; FAMILIES]; coins.len()],
            findings: Findings::of(coins),
            symbols,
            wanted: Family::ALL.map(|family| families.contains(&family)),
            held: Default::default(),
            prints,
            behind: Nanos::ZERO,
            rows: 0,
            rows_max,
            fresh: Vec::new(),
            counts: RecordCounts::default(),
            fault: None,
        }
    }

    /// Takes a message that came at a local time; false if there is no room, and then nothing of it is known.
    pub fn take(&mut self, message: &[u8], local_time: Nanos) -> bool {
        if self.is_full() {
            self.counts.not_kept += 1;
            return false;
        }
        self.counts.messages += 1;
        self.counts.bytes += message.len() as u64;
        let mut fresh = mem::take(&mut self.fresh);
        match self.read(message, local_time, &mut fresh) {
            Ok(()) => self.keep(&mut fresh),
            Err(error) => {
                self.counts.malformed += 1;
                self.fault = Some(error.to_string());
            }
        }
        fresh.clear();
        self.fresh = fresh;
        true
    }

    fn read(&mut self, message: &[u8], local_time: Nanos, fresh: &mut Vec<Row>) -> Result<(), SourceError> {
        let text = std::str::from_utf8(message).map_err(|_| Fault::NotText.alone())?;
        self.stream.text(text.trim_ascii(), local_time, &mut self.findings, fresh)
    }

    /// Takes prints that were told elsewhere, as history; returns how many were new, or `None` without room.
    pub fn add(&mut self, trades: impl IntoIterator<Item = Trade>) -> Option<u64> {
        if self.is_full() {
            return None;
        }
        let before = self.counts;
        let mut rows = trades.into_iter().map(|trade| Row::from(trade).marked(Flags::HISTORY)).collect();
        self.keep(&mut rows);
        // Who tells them knows that most were heard.
        self.counts.repeated = before.repeated;
        Some(self.counts.rows - before.rows)
    }

    fn is_full(&self) -> bool {
        self.rows >= self.rows_max
    }

    /// Keeps the rows of a message: what is wanted, sound and new.
    fn keep(&mut self, fresh: &mut Vec<Row>) {
        let before = fresh.len();
        fresh.retain(|row| Refusal::of(row).is_none());
        if fresh.len() < before {
            self.counts.refused += (before - fresh.len()) as u64;
            mark_ends(fresh);
        }
        let early = fresh.iter().map(|row| row.exchange_time.since(row.local_time)).fold(Nanos::ZERO, Nanos::max);
        if early > self.behind {
            self.behind = early.after(LATENCY_MIN);
        }
        for row in fresh.iter() {
            let family = Family::of(row.kind);
            let (at, index) = (family as usize, row.instrument.index());
            let (Some(true), Some(held)) = (self.wanted.get(at), self.held.get_mut(at)) else { continue };
            if row.kind == RowKind::Trade && self.prints.get_mut(index).is_some_and(|known| !known.add(row.order_id)) {
                self.counts.repeated += 1;
                continue;
            }
            if let Some(newest) = self.newest.get_mut(index).and_then(|of| of.get_mut(at)) {
                *newest = row.exchange_time.max(*newest);
            }
            held.push(Row { local_time: row.local_time.after(self.behind), ..*row });
            self.rows += 1;
            self.counts.rows += 1;
        }
    }

    /// Takes out what is there, of each family by instrument, and in the order in which it came.
    pub fn drain(&mut self) -> Vec<Drained> {
        self.rows = 0;
        let held = mem::take(&mut self.held);
        Family::ALL.into_iter().zip(held).filter(|(_, rows)| !rows.is_empty()).collect()
    }

    /// Our names, by instrument.
    #[must_use]
    pub fn symbols(&self) -> &[String] {
        &self.symbols
    }
    /// Rows that nobody has taken yet.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }
    /// The newest time of the exchange that an instrument has a row of; zero before the first.
    #[must_use]
    pub fn newest(&self, family: Family, instrument: InstrumentId) -> Nanos {
        self.newest.get(instrument.index()).and_then(|of| of.get(family as usize)).copied().unwrap_or_default()
    }
    /// How far the clock of this machine lies behind that of the exchange, as far as rows tell: they are moved by it.
    #[must_use]
    pub const fn behind(&self) -> Nanos {
        self.behind
    }
    /// What became of what was heard.
    #[must_use]
    pub const fn counts(&self) -> RecordCounts {
        self.counts
    }
    /// What was wrong with the last message that contradicts the protocol.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }
}

/// Marks the ends of what is left of a book or a quote, of which some rows were refused.
fn mark_ends(rows: &mut [Row]) {
    let is_batch = |row: &&mut Row| matches!(row.kind, RowKind::BookSnapshot | RowKind::Quote);
    if let Some(first) = rows.first_mut().filter(is_batch) {
        *first = first.marked(Flags::FIRST);
    }
    if let Some(last) = rows.last_mut().filter(is_batch) {
        *last = last.marked(Flags::LAST);
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
