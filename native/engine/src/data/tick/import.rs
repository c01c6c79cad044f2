//! Recordings in, the canonical table out.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::data::fault::{Fault, SourceError};
use crate::data::tick::TickReader;
use crate::data::tick::correct::{CorrectError, Corrected, Correction, Corrector, Stream};
use crate::data::tick::counts::{Counts, FileFindings};
use crate::data::tick::family::Family;
use crate::data::tick::inspect::Inspector;
use crate::data::tick::steps::InferredRules;
use crate::data::tick::table::path::{Partition, TableFormat};
use crate::data::tick::table::stage::{CommitError, Stage, Staged, StagedWriter};
use crate::row::Row;
use crate::time::Nanos;

/// A recording: its name, and how it is opened when its turn comes.
pub struct Recording<'a> {
    /// Its name in messages.
    pub name: String,
    /// Opens it.
    pub open: Box<dyn FnOnce() -> Result<Box<dyn TickReader>, SourceError> + Send + 'a>,
}

/// What was found of one symbol, and its rules as far as the data give them away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StreamFindings {
    /// The venue.
    pub venue: String,
    /// The symbol.
    pub symbol: String,
    /// Rows by kind.
    pub rows: BTreeMap<Family, u64>,
    /// Time of the first row at the venue.
    pub first: Nanos,
    /// Time of the last.
    pub last: Nanos,
    /// Holes in a numbering that goes up by one.
    pub sequence_gaps: u64,
    /// Batches after which the best bid reaches the best offer.
    pub crossed_books: u64,
    /// Quotes whose bid reaches the offer.
    pub crossed_quotes: u64,
    /// What all prices and quantities keep to.
    pub rules: Option<InferredRules>,
}

/// What an import read, repaired, refused and wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportSummary {
    /// By file.
    pub files: Vec<FileFindings>,
    /// By venue and symbol.
    pub symbols: Vec<StreamFindings>,
    /// What was repaired and refused.
    #[serde(flatten)]
    pub counts: Counts,
    /// Rows of before a stream started that are alone on their day, and so left out.
    pub lone_history: u64,
    /// The files written.
    pub written: Vec<PathBuf>,
    /// The rows in them.
    pub rows: u64,
}

/// Why an import ended. Nothing was written then.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A recording that cannot be trusted, or a part of the table that is in the way.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The table cannot be written.
    #[error("{out}: cannot be written: {reason}")]
    Write {
        /// The folder of the table.
        out: String,
        /// What the system says.
        reason: io::Error,
    },
    /// Whoever watches asked for an end.
    #[error("interrupted")]
    Interrupted,
}

/// Reads recordings, sets them right and writes them into the table in the folder `out`, all or nothing.
///
/// `watch` hears of each row twice, read and written, and says whether to go on. Memory stays below about 60 MiB for
/// recordings of any length; the disk of `out` holds them a second time, packed, until the end.
///
/// # Errors
/// [`ImportError`].
pub fn import(
    recordings: Vec<Recording<'_>>,
    out: &Path,
    correction: Correction,
    format: TableFormat,
    watch: &mut dyn FnMut(u64) -> bool,
) -> Result<ImportSummary, ImportError> {
    let unwritable = |reason| ImportError::Write { out: out.display().to_string(), reason };
    let stage = Stage::new(out, format).map_err(unwritable)?;
    let is_strict = correction.is_strict;
    let mut corrector = Corrector::new(correction, stage.folder());
    let failed = |error| match error {
        CorrectError::Source(error) => ImportError::Source(error),
        CorrectError::Spill(reason) => unwritable(reason),
        CorrectError::Interrupted => ImportError::Interrupted,
    };
    for Recording { name, open } in recordings {
        let mut reader = open()?;
        corrector.read(&name, reader.as_mut(), watch).map_err(failed)?;
    }
    let corrected = corrector.finish().map_err(failed)?;
    let names: Vec<String> = corrected.files.iter().map(|f| f.file.clone()).collect();
    let read: u64 = corrected.files.iter().map(|f| f.rows).sum();
    let mut writing = Writing { stage, source: source_of(&names), parts: Vec::new(), open: None, lone_history: 0 };
    let mut found: Vec<Found> = corrected.streams.iter().map(|_| Found::default()).collect();
    let mut corrected = corrected;
    let mut done = 0_u64;
    while let Some((row, family, origin)) = corrected.next_row().map_err(failed)? {
        let index = row.instrument.index();
        let (Some(stream), Some(found)) = (corrected.streams.get(index), found.get_mut(index)) else { continue };
        found.inspector.observe(&row, family, origin, is_strict, &names)?;
        found.observe(&row, family);
        writing.push(stream, family, &row).map_err(unwritable)?;
        done += 1;
        if done.is_multiple_of(1 << 14) && !watch(read + done) {
            return Err(ImportError::Interrupted);
        }
    }
    writing.finish_part().map_err(unwritable)?;
    if writing.parts.is_empty() {
        let file = names.join(", ");
        return Err(SourceError::of_file(&file, Fault::Other("there are no rows to write".into())).into());
    }
    summary(corrected, found, writing).map_err(|error| match error {
        CommitError::Source(error) => ImportError::Source(error),
        CommitError::Io(reason) => unwritable(reason),
    })
}

fn summary(corrected: Corrected, found: Vec<Found>, writing: Writing) -> Result<ImportSummary, CommitError> {
    let rows = writing.parts.iter().map(|part| part.written.rows).sum();
    let Writing { stage, parts, lone_history, .. } = writing;
    let written = stage.commit(&parts)?;
    let mut symbols: Vec<StreamFindings> =
        corrected.streams.iter().zip(found).map(|(stream, found)| found.findings(stream)).collect();
    symbols.sort_by(|a, b| (&a.venue, &a.symbol).cmp(&(&b.venue, &b.symbol)));
    Ok(ImportSummary { files: corrected.files, symbols, counts: corrected.counts, lone_history, written, rows })
}

#[derive(Default)]
struct Found {
    inspector: Inspector,
    rows: BTreeMap<Family, u64>,
    span: Option<(Nanos, Nanos)>,
}

impl Found {
    fn observe(&mut self, row: &Row, family: Family) {
        *self.rows.entry(family).or_default() += 1;
        let (first, last) = self.span.get_or_insert((row.exchange_time, row.exchange_time));
        *first = row.exchange_time.min(*first);
        *last = row.exchange_time.max(*last);
    }
    fn findings(self, stream: &Stream) -> StreamFindings {
        let (first, last) = self.span.unwrap_or_default();
        let suspicions = self.inspector.found;
        StreamFindings {
            venue: stream.venue.clone(),
            symbol: stream.symbol.clone(),
            rows: self.rows,
            first,
            last,
            sequence_gaps: suspicions.sequence_gaps,
            crossed_books: suspicions.crossed_books,
            crossed_quotes: suspicions.crossed_quotes,
            rules: stream.steps.rules(stream.venue == "hyperliquid"),
        }
    }
}

/// The parts of the table, one open at a time: rows come by day, stream and family.
struct Writing {
    stage: Stage,
    source: String,
    parts: Vec<Staged>,
    open: Option<StagedWriter>,
    lone_history: u64,
}

impl Writing {
    fn push(&mut self, stream: &Stream, family: Family, row: &Row) -> io::Result<()> {
        let day = row.exchange_time.floor_to(Nanos::DAY);
        let is_same = self.open.as_ref().is_some_and(|open| {
            let at = open.writer.partition();
            at.day == day && at.family == family && at.symbol == stream.symbol && at.venue == stream.venue
        });
        if !is_same {
            self.finish_part()?;
            let partition = Partition { day, symbol: stream.symbol.clone(), family, venue: stream.venue.clone() };
            self.open = Some(self.stage.part(partition, &self.source)?);
        }
        self.open.as_mut().map_or(Ok(()), |open| open.writer.push(row))
    }

    fn finish_part(&mut self) -> io::Result<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let staged = open.finish()?;
        if staged.written.is_history {
            // Prints from before the stream started, on a day that a recording of their own time will fill.
            self.lone_history += staged.written.rows;
        } else {
            self.parts.push(staged);
        }
        Ok(())
    }
}

/// The names of the recordings, without their folders; some of many.
fn source_of(names: &[String]) -> String {
    const NAMED: usize = 8;
    let last = |name: &String| name.rsplit('/').next().unwrap_or_default().to_owned();
    let mut named: Vec<String> = names.iter().take(NAMED).map(last).collect();
    if names.len() > NAMED {
        named.push(format!("and {} more", names.len() - NAMED));
    }
    named.join(", ")
}
