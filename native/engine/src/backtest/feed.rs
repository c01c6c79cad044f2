//! One stream of rows, read twice: by the venue in the order of exchange times, by us in the order of local times.
//!
//! Rows come in venue order. Where that is our order too, both read the same chunks; where a row overtook another on its
//! way to us, what has not reached us yet is sorted anew. That is safe chunk by chunk: a row reaches us after it happened, so
//! nothing of a later chunk can reach us before the last row of the present one happened.

use std::collections::VecDeque;

use crate::row::{Row, RowChunk, RowKind, RowSource};
use crate::strategy::Wakes;
use crate::stream::SourceError;
use crate::time::Nanos;

/// Two readers of one stream of rows.
pub(super) struct Feed {
    source: Box<dyn RowSource>,
    /// The chunk that the venue reads, and how far.
    chunk: RowChunk,
    position: usize,
    is_finished: bool,
    /// What has been read and has not reached us, in our order.
    runs: VecDeque<RowChunk>,
    local_position: usize,
    local_last: Nanos,
    /// How far the first run has been searched for rows that wake the strategy.
    searched: (usize, usize),
    /// The latest local time of all rows.
    end: Nanos,
    last: Nanos,
}

impl Feed {
    pub(super) fn new(source: Box<dyn RowSource>) -> Result<Self, SourceError> {
        let mut feed = Self {
            source,
            chunk: RowChunk::default(),
            position: 0,
            is_finished: false,
            runs: VecDeque::new(),
            local_position: 0,
            local_last: Nanos::MIN,
            searched: (0, 0),
            end: Nanos::MIN,
            last: Nanos::MIN,
        };
        feed.load()?;
        Ok(feed)
    }

    /// Rows that the venue has not read, of the present chunk; none at the end of the data.
    #[inline]
    pub(super) fn venue_rows(&mut self) -> Result<&[Row], SourceError> {
        if self.position >= self.chunk.len() && !self.is_finished {
            self.load()?;
        }
        Ok(self.chunk.get(self.position..).unwrap_or_default())
    }

    /// The venue has read so many.
    #[inline]
    pub(super) const fn advance(&mut self, rows: usize) {
        self.position += rows;
    }

    /// Up to when it is known what reaches us: the last exchange time read; the end of time once all is.
    #[inline]
    pub(super) fn horizon(&self) -> Nanos {
        if self.is_finished { Nanos::MAX } else { self.last }
    }

    /// The latest time of all that was read.
    pub(super) const fn end(&self) -> Nanos {
        self.end
    }

    #[cold]
    fn load(&mut self) -> Result<(), SourceError> {
        let Some(chunk) = self.source.next_rows()? else {
            self.is_finished = true;
            self.chunk = RowChunk::default();
            self.position = 0;
            return Ok(());
        };
        let (mut exchange, mut local, mut is_sorted) = (self.last, self.local_last, true);
        let mut latest = self.local_last;
        for row in chunk.iter() {
            if row.exchange_time < exchange {
                return Err(backwards(row.exchange_time, exchange));
            }
            if row.local_time < row.exchange_time {
                return Err(before_it_happened(row));
            }
            is_sorted &= row.local_time >= local;
            (exchange, local) = (row.exchange_time, row.local_time);
            latest = latest.max(local);
        }
        if is_sorted {
            self.runs.push_back(chunk.clone());
        } else {
            self.sort_in(&chunk);
        }
        self.local_last = latest;
        self.last = exchange;
        self.end = latest.max(exchange);
        self.chunk = chunk;
        self.position = 0;
        Ok(())
    }

    /// Sorts a chunk in among what has not reached us yet.
    fn sort_in(&mut self, chunk: &RowChunk) {
        let mut rows = Vec::with_capacity(chunk.len());
        let mut from = self.local_position;
        for run in self.runs.drain(..) {
            rows.extend_from_slice(run.get(from..).unwrap_or_default());
            from = 0;
        }
        rows.extend_from_slice(chunk);
        // Stable: rows that reach us together keep the venue's order.
        rows.sort_by_key(|row| row.local_time);
        self.local_position = 0;
        self.searched = (0, 0);
        self.runs.push_back(RowChunk::new(rows));
    }

    /// The next stretch of rows that have reached us before `limit`, or at it; to be called until there is none.
    #[inline]
    pub(super) fn local_rows(&mut self, limit: Nanos, with_limit: bool) -> Option<LocalRows> {
        loop {
            let run = self.runs.front()?;
            let rows = run.get(self.local_position..).unwrap_or_default();
            if rows.is_empty() {
                self.runs.pop_front();
                self.local_position = 0;
                self.searched =
                    (self.searched.0.saturating_sub(1), if self.searched.0 == 0 { 0 } else { self.searched.1 });
                continue;
            }
            let is_due = |row: &Row| row.local_time < limit || (with_limit && row.local_time == limit);
            let count = gallop(rows, is_due);
            if count == 0 {
                return None;
            }
            let start = self.local_position;
            self.local_position += count;
            return Some(LocalRows { run: run.clone(), start, end: start + count });
        }
    }

    /// How long the last row took that had reached us at a time; `known` if none did since we looked.
    pub(super) fn latency_at(&self, time: Nanos, known: Nanos) -> Nanos {
        let mut latency = known;
        let mut from = self.local_position;
        for run in &self.runs {
            let rows = run.get(from..).unwrap_or_default();
            let count = rows.partition_point(|row| row.local_time <= time);
            if let Some(last) = count.checked_sub(1).and_then(|index| rows.get(index)) {
                latency = last.local_time.since(last.exchange_time);
            }
            if count < rows.len() {
                break;
            }
            from = 0;
        }
        latency
    }

    /// When the next row reaches us that the strategy wants to hear of, as far as that is known.
    pub(super) fn next_wake(&mut self, wakes: Wakes) -> Option<Nanos> {
        if wakes.is_none() {
            return None;
        }
        let is_wanted = |row: &Row| {
            if row.kind == RowKind::Trade { wakes.trades } else { wakes.quotes || wakes.books }
        };
        let (mut run, mut at) = self.searched;
        if run == 0 {
            at = at.max(self.local_position);
        }
        while let Some(rows) = self.runs.get(run) {
            let rest = rows.get(at..).unwrap_or_default();
            if let Some(offset) = rest.iter().position(is_wanted) {
                self.searched = (run, at + offset);
                return rest.get(offset).map(|row| row.local_time);
            }
            (run, at) = (run + 1, 0);
        }
        self.searched = (run, at);
        None
    }
}

/// A stretch of rows in the order in which they reached us.
pub(super) struct LocalRows {
    run: RowChunk,
    start: usize,
    end: usize,
}

impl LocalRows {
    pub(super) fn rows(&self) -> &[Row] {
        self.run.get(self.start..self.end).unwrap_or_default()
    }
}

/// How many rows from the first on satisfy a test that never becomes true again: in steps that double, then halve.
pub(super) fn gallop(rows: &[Row], test: impl Fn(&Row) -> bool) -> usize {
    let mut step = 1;
    while rows.get(step - 1).is_some_and(&test) {
        step *= 2;
    }
    let low = step / 2;
    let within = rows.get(low..(step - 1).min(rows.len())).unwrap_or_default();
    low + within.partition_point(test)
}

#[cold]
fn backwards(time: Nanos, last: Nanos) -> SourceError {
    let message = format!("tick data go back in time: {time} comes after {last}");
    SourceError { value: Some(time.to_string().into()), ..SourceError::other(&message) }
}

#[cold]
fn before_it_happened(row: &Row) -> SourceError {
    let message = format!("a row reached us at {} before it happened at {}", row.local_time, row.exchange_time);
    SourceError { value: Some(row.local_time.to_string().into()), ..SourceError::other(&message) }
}
