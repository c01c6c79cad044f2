//! One stream of rows, read twice: by the venue in the order of exchange times, by us in the order of local times.
//!
//! Rows come in venue order. Where that is our order too, both read the same chunks; where a row overtook another on its
//! way to us, what has not reached us yet is sorted anew. That is safe chunk by chunk: a row reaches us after it happened, so
//! nothing of a later chunk can reach us before the last row of the present one happened.

use crate::backtest::arrivals::Arrivals;
use crate::row::{Row, RowChunk, RowSource};
use crate::stream::SourceError;
use crate::time::Nanos;

/// Two readers of one stream of rows.
pub(super) struct Feed {
    source: Box<dyn RowSource>,
    /// The chunk that the venue reads, and how far.
    chunk: RowChunk,
    position: usize,
    is_finished: bool,
    /// What we read.
    pub(super) arrivals: Arrivals,
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
            arrivals: Arrivals::default(),
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
        let (mut exchange, mut local, mut is_sorted) = (self.last, Nanos::MIN, true);
        for row in chunk.iter() {
            if row.exchange_time < exchange {
                return Err(backwards(row.exchange_time, exchange));
            }
            if row.local_time < row.exchange_time {
                return Err(before_it_happened(row));
            }
            is_sorted &= row.local_time >= local;
            (exchange, local) = (row.exchange_time, row.local_time);
        }
        self.end = self.end.max(self.arrivals.push(&chunk, is_sorted));
        self.last = exchange;
        self.chunk = chunk;
        self.position = 0;
        Ok(())
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
