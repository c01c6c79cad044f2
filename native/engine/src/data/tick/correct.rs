//! From the rows of files, as recorded, to rows in venue order with sound clocks (SIMULATION, section 2.1).
//!
//! One pass over the files checks the numbers, closes batches, finds the skew of the recorder's clock and hands the rows
//! to a sort on disk; a second pass over the sorted rows sets their local times.
//!
//! A batch (rows of one book up to [`Flags::LAST`]) moves as one: its rows share a time and are sorted by the sequence of
//! the first of them, in the order in which they stood. So FIRST and LAST mark the ends of the same rows after the sort as
//! before. Where a feed forgot LAST, the batch ends when the time of the venue moves on.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use crate::data::fault::SourceError;
use crate::data::tick::TickReader;
use crate::data::tick::counts::{Counts, FileFindings};
use crate::data::tick::family::Family;
use crate::data::tick::refusal::Refusal;
use crate::data::tick::spill::{Keyed, Origin, RUN_ROWS, Sorted, Sorter};
use crate::data::tick::steps::Steps;
use crate::instrument::InstrumentId;
use crate::row::{Flags, Row, RowKind};
use crate::time::Nanos;

/// What is done about clocks and rows that cannot be meant.
#[derive(Debug, Clone)]
pub struct Correction {
    /// The latency that the quickest row has after a skewed clock was set right.
    pub base_latency: Nanos,
    /// How long a row took that names no local time.
    pub feed_latency: Nanos,
    /// Whether what is otherwise counted ends the import: refused rows, gaps, crossed books.
    pub is_strict: bool,
    /// Rows sorted in memory at a time.
    pub run_rows: usize,
}

impl Default for Correction {
    fn default() -> Self {
        let millisecond = Nanos::from_raw(1_000_000);
        Self { base_latency: millisecond, feed_latency: millisecond, is_strict: false, run_rows: RUN_ROWS }
    }
}

/// What went wrong on the way.
#[derive(Debug, thiserror::Error)]
pub enum CorrectError {
    /// A row or a file that cannot be trusted.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A temporary file.
    #[error("temporary rows: {0}: free some space where the table is written")]
    Spill(#[from] io::Error),
    /// Whoever watches asked for an end.
    #[error("interrupted")]
    Interrupted,
}

/// One symbol of one venue.
#[derive(Debug)]
pub struct Stream {
    /// The venue; `unknown` if nothing names it.
    pub venue: String,
    /// The symbol.
    pub symbol: String,
    /// The steps of its prices and quantities.
    pub steps: Steps,
    batches: [Batch; 3],
    /// Clears that wait for the row that says whether the book is one of levels or of orders.
    clears: Vec<Keyed>,
}

/// Clears kept waiting; more than these belong to nothing.
const CLEARS_MAX: usize = 256;

/// The batch of a family that is not yet closed.
#[derive(Debug, Default)]
struct Batch {
    /// Its last row so far: LAST may still have to be put on it.
    held: Option<Keyed>,
    sequence: u64,
    /// FIRST of a row that was refused, for the next one of its batch.
    owes_first: Option<Nanos>,
}

/// Collects the rows of files.
pub struct Corrector {
    correction: Correction,
    streams: Vec<Stream>,
    numbers: BTreeMap<(String, String), u32>,
    /// The least latency of each venue's rows.
    least: BTreeMap<String, Nanos>,
    counts: Counts,
    files: Vec<FileFindings>,
    rows_seen: u64,
    sorter: Sorter,
}

impl Corrector {
    /// Sorts in `folder`, which its owner removes.
    #[must_use]
    pub fn new(correction: Correction, folder: &Path) -> Self {
        let sorter = Sorter::new(folder, correction.run_rows);
        Self {
            correction,
            streams: Vec::new(),
            numbers: BTreeMap::new(),
            least: BTreeMap::new(),
            counts: Counts::default(),
            files: Vec::new(),
            rows_seen: 0,
            sorter,
        }
    }

    /// Takes a file in. `watch` hears how many rows were read so far, of all files, and says whether to go on.
    ///
    /// # Errors
    /// [`CorrectError`].
    pub fn read(
        &mut self,
        name: &str,
        reader: &mut dyn TickReader,
        watch: &mut dyn FnMut(u64) -> bool,
    ) -> Result<(), CorrectError> {
        let file = u32::try_from(self.files.len()).map_err(|_| SourceError::other("too many files"))?;
        let (mut rows, mut record) = (Vec::new(), 0);
        // The stream of each instrument of the reader.
        let mut streams: Vec<u32> = Vec::new();
        while reader.read(&mut rows)? {
            for row in rows.drain(..) {
                record += 1;
                let index = row.instrument.index();
                while streams.len() <= index {
                    let stream = self.stream(name, reader, streams.len())?;
                    streams.push(stream);
                }
                if let Some(stream) = streams.get(index) {
                    let row = Row { instrument: InstrumentId(*stream), ..row };
                    self.admit(row, name, Origin { file, record })?;
                }
            }
            if !watch(self.rows_seen + record) {
                return Err(CorrectError::Interrupted);
            }
        }
        self.rows_seen += record;
        let venue = venue_of(reader).to_owned();
        self.files.push(FileFindings { file: name.to_owned(), venue, rows: record, notes: reader.notes() });
        Ok(())
    }

    /// The number of the stream of a reader's instrument.
    fn stream(&mut self, name: &str, reader: &dyn TickReader, index: usize) -> Result<u32, SourceError> {
        let symbol =
            reader.symbols().get(index).ok_or_else(|| SourceError::other("a row of no symbol").in_file(name))?;
        let key = (venue_of(reader).to_owned(), symbol.clone());
        if let Some(number) = self.numbers.get(&key) {
            return Ok(*number);
        }
        let number = u32::try_from(self.streams.len()).map_err(|_| SourceError::other("too many symbols"))?;
        self.streams.push(Stream {
            venue: key.0.clone(),
            symbol: symbol.clone(),
            steps: Steps::default(),
            batches: Default::default(),
            clears: Vec::new(),
        });
        self.numbers.insert(key, number);
        Ok(number)
    }

    fn admit(&mut self, row: Row, name: &str, origin: Origin) -> Result<(), CorrectError> {
        let Some(stream) = self.streams.get_mut(row.instrument.index()) else { return Ok(()) };
        let mut out = Out { sorter: &mut self.sorter, counts: &mut self.counts };
        if let Some(refusal) = Refusal::of(&row) {
            if self.correction.is_strict {
                return Err(refusal.error(&row, name, origin.record).into());
            }
            *out.counts.refused.entry(refusal).or_default() += 1;
            return stream.refuse(&row, &mut out).map_err(Into::into);
        }
        if row.local_time == Nanos::ZERO {
            out.counts.without_local_time += 1;
        } else {
            let latency = row.local_time.since(row.exchange_time);
            out.counts.with_local_time += 1;
            if let Some(least) = self.least.get_mut(&stream.venue) {
                *least = latency.min(*least);
            } else {
                self.least.insert(stream.venue.clone(), latency);
            }
        }
        stream.steps.observe(&row);
        stream.take(row, origin, &mut out).map_err(Into::into)
    }

    /// All rows in order: by day, stream, family and then venue order.
    ///
    /// # Errors
    /// [`CorrectError::Spill`].
    pub fn finish(mut self) -> Result<Corrected, CorrectError> {
        let mut out = Out { sorter: &mut self.sorter, counts: &mut self.counts };
        for stream in &mut self.streams {
            stream.close(&mut out)?;
        }
        let shift_of = |stream: &Stream| {
            let least = self.least.get(&stream.venue).copied().unwrap_or_default();
            if least < Nanos::ZERO { self.correction.base_latency.since(least) } else { Nanos::ZERO }
        };
        let shifts = self.streams.iter().map(shift_of).collect();
        for (venue, least) in &self.least {
            if *least < Nanos::ZERO {
                self.counts.shifts.insert(venue.clone(), self.correction.base_latency.since(*least));
            }
        }
        Ok(Corrected {
            streams: self.streams,
            shifts,
            feed_latency: self.correction.feed_latency,
            counts: self.counts,
            files: self.files,
            sorted: self.sorter.finish()?,
        })
    }
}

/// What the reader says, if anything.
fn venue_of(reader: &dyn TickReader) -> &str {
    if reader.venue().is_empty() { "unknown" } else { reader.venue() }
}

/// Where rows go, and what is counted.
struct Out<'a> {
    sorter: &'a mut Sorter,
    counts: &'a mut Counts,
}

impl Stream {
    fn take(&mut self, row: Row, origin: Origin, out: &mut Out<'_>) -> io::Result<()> {
        let keyed = Keyed { row, family: Family::of(row.kind) as u8, sequence: row.sequence, origin };
        let family = Family::of(row.kind);
        if row.kind == RowKind::BookClear {
            self.clears.push(keyed);
            return if self.clears.len() > CLEARS_MAX { self.settle_clears(Family::Book, out) } else { Ok(()) };
        }
        if matches!(family, Family::Orders | Family::Book) && !self.clears.is_empty() {
            self.settle_clears(family, out)?;
        }
        match self.batch(family) {
            Some(batch) => batch.take(keyed, family, out),
            None => out.sorter.push(keyed),
        }
    }

    fn settle_clears(&mut self, family: Family, out: &mut Out<'_>) -> io::Result<()> {
        for clear in std::mem::take(&mut self.clears) {
            if let Some(batch) = self.batch(family) {
                batch.take(clear, family, out)?;
            }
        }
        Ok(())
    }

    fn refuse(&mut self, row: &Row, out: &mut Out<'_>) -> io::Result<()> {
        let Some(batch) = self.batch(Family::of(row.kind)) else { return Ok(()) };
        if row.flags.has(Flags::FIRST) {
            batch.owes_first = Some(row.exchange_time);
        }
        if row.flags.has(Flags::LAST) {
            batch.owes_first = None;
            batch.close(out)?;
        }
        Ok(())
    }

    fn close(&mut self, out: &mut Out<'_>) -> io::Result<()> {
        self.settle_clears(Family::Book, out)?;
        for batch in &mut self.batches {
            if batch.close(out)? {
                out.counts.batches_closed += 1;
            }
        }
        Ok(())
    }

    const fn batch(&mut self, family: Family) -> Option<&mut Batch> {
        let [orders, book, quotes] = &mut self.batches;
        match family {
            Family::Orders => Some(orders),
            Family::Book => Some(book),
            Family::Quotes => Some(quotes),
            _ => None,
        }
    }
}

impl Batch {
    fn take(&mut self, mut keyed: Keyed, family: Family, out: &mut Out<'_>) -> io::Result<()> {
        if self.owes_first.take() == Some(keyed.row.exchange_time) {
            keyed.row.flags = keyed.row.flags.with(Flags::FIRST);
        }
        let goes_on = self.held.is_some_and(|held| {
            held.row.exchange_time == keyed.row.exchange_time && !keyed.row.flags.has(Flags::FIRST)
        });
        if goes_on {
            if let Some(held) = self.held.take() {
                out.sorter.push(held)?;
            }
        } else {
            if self.close(out)? {
                out.counts.batches_closed += 1;
            }
            // A row without a number follows the one before it.
            self.sequence = if keyed.row.sequence == 0 { self.sequence } else { keyed.row.sequence };
        }
        let is_last = keyed.row.flags.has(Flags::LAST);
        self.held = Some(Keyed { family: family as u8, sequence: self.sequence, ..keyed });
        if is_last {
            self.close(out)?;
        }
        Ok(())
    }

    /// Puts LAST on the row that is held; false if there is none.
    fn close(&mut self, out: &mut Out<'_>) -> io::Result<bool> {
        let Some(mut held) = self.held.take() else { return Ok(false) };
        held.row.flags = held.row.flags.with(Flags::LAST);
        out.sorter.push(held)?;
        Ok(true)
    }
}

/// Rows in order, with sound clocks. Their instrument is the number of their stream.
pub struct Corrected {
    /// The symbols, by the number of their stream.
    pub streams: Vec<Stream>,
    /// What was found in each file.
    pub files: Vec<FileFindings>,
    /// What was repaired and refused.
    pub counts: Counts,
    shifts: Vec<Nanos>,
    feed_latency: Nanos,
    sorted: Sorted,
}

impl Corrected {
    /// The next row, its family, and where it stood.
    ///
    /// # Errors
    /// [`CorrectError::Spill`].
    pub fn next_row(&mut self) -> Result<Option<(Row, Family, Origin)>, CorrectError> {
        let Some(Keyed { mut row, family, origin, .. }) = self.sorted.next_row()? else { return Ok(None) };
        let shift = self.shifts.get(row.instrument.index()).copied().unwrap_or_default();
        row.local_time = if row.local_time == Nanos::ZERO {
            row.exchange_time.after(self.feed_latency)
        } else {
            row.local_time.after(shift)
        };
        let family = Family::ALL.into_iter().find(|f| *f as u8 == family).unwrap_or_else(|| Family::of(row.kind));
        Ok(Some((row, family, origin)))
    }
}

#[cfg(test)]
#[path = "correct_tests.rs"]
mod tests;
