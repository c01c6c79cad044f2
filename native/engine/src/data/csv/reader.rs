//! The reader: blocks of bytes in, chunks of bars out.
//!
//! A row is first read by the fast way, which knows plain numbers and ISO times and nothing else. Where that does not
//! recognise a row, the general way reads it again from its start, and finds either a bar or the fault.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use crate::data::checks::{Admission, Checker, Numbers, RowFault, check_selection};
use crate::data::csv::fields::{Clock, number};
use crate::data::csv::header::{Header, split};
use crate::data::csv::lines::{LINE_BYTES_MAX, Lines};
use crate::data::fault::{Fault, SourceError};
use crate::data::input::Input;
use crate::data::options::{BarOptions, Column};
use crate::data::resolution::{LOOK_AHEAD_ROWS, StepCounter};
use crate::data::summary::DataSummary;
use crate::data::values::{number_of_text, time_of_text};
use crate::event::{Bar, MarketEvent};
use crate::stream::{Chunk, Source};
use crate::time::Nanos;

/// Bytes read at a time.
pub const BLOCK_BYTES: usize = 1 << 20;
/// Bars in a chunk, at most.
pub const CHUNK_BARS: usize = 65_536;
/// The look-ahead for the length of a bar stops at this many bytes.
const LOOK_AHEAD_BYTES: usize = 4 << 20;
/// Bars of a CSV file, in bounded memory.
#[derive(Debug)]
pub struct CsvBars {
    file: Box<str>,
    symbols: Vec<String>,
    lines: Lines,
    header: Header,
    rows: Rows,
    spare: Option<Chunk>,
    is_done: bool,
}

impl CsvBars {
    /// Opens a file, plain or compressed.
    ///
    /// # Errors
    /// [`SourceError`] for a file that cannot be read, its header, or bars whose length cannot be told.
    pub fn open(path: &Path, options: &BarOptions) -> Result<Self, SourceError> {
        let file = path.to_string_lossy();
        let input = Input::open(path).map_err(|fault| SourceError::of_file(&file, fault))?;
        Self::new(&file, input, options, BLOCK_BYTES)
    }

    /// Reads from any input, `block_bytes` at a time. `file` is for messages.
    ///
    /// # Errors
    /// As [`CsvBars::open`].
    pub fn new(file: &str, input: Input, options: &BarOptions, block_bytes: usize) -> Result<Self, SourceError> {
        let of_file = |fault| SourceError::of_file(file, fault);
        let mut lines = Lines::new(input, block_bytes);
        lines.fill_until(|text| memchr::memchr(b'\n', text).is_some(), LINE_BYTES_MAX).map_err(of_file)?;
        lines.skip_byte_order_mark();
        let first = lines.next_line().ok_or_else(|| of_file(Fault::Empty))?;
        let header = Header::parse(file, first, options)?;
        let resolution = match options.resolution {
            Some(resolution) => resolution,
            None => look_ahead(&mut lines, &header).map_err(of_file)?,
        };
        let mut checker = Checker::new(file, options.clone(), resolution);
        let only_symbol = if header.has(Column::Symbol) { None } else { Some(checker.only_symbol()?) };
        let has_volume = header.has(Column::Volume);
        Ok(Self {
            file: file.into(),
            symbols: options.symbols.clone(),
            lines,
            header,
            rows: Rows { checker, clock: Clock::default(), only_symbol, has_volume },
            spare: None,
            is_done: false,
        })
    }

    /// What was found so far; complete when the source has been read to its end.
    #[must_use]
    pub fn summary(&self) -> DataSummary {
        self.rows.checker.summary()
    }

    /// The checker, for the symbols seen.
    #[must_use]
    pub const fn checker(&self) -> &Checker {
        &self.rows.checker
    }

    /// Whether there was a row for every symbol asked for, once the file has been read to its end.
    ///
    /// # Errors
    /// [`Fault::NoRows`], [`Fault::NoSuchSymbol`], [`Fault::NothingInRange`].
    pub fn check_selection(&self) -> Result<(), SourceError> {
        check_selection(&self.file, &self.symbols, &self.summary(), self.rows.checker.seen())
    }

    fn fail(&self, row: RowFault, line: &[u8]) -> SourceError {
        let mut value = None;
        if let Some(column) = row.column {
            let mut fields = Vec::new();
            let at = self.header.columns.iter().position(|c| *c == Some(column));
            if split(line, self.header.delimiter, &mut fields).is_ok()
                && let Some(field) = at.and_then(|at| fields.get(at))
            {
                let shown: String = String::from_utf8_lossy(field).chars().take(80).collect();
                value = Some(shown.into_boxed_str());
            }
        }
        SourceError {
            fault: row.fault,
            file: Some(self.file.clone()),
            line: Some(self.lines.line),
            column: row.column.map(|c| self.header.name(c).into()),
            value,
        }
    }

    fn fill_chunk(&mut self, bars: &mut Vec<MarketEvent>) -> Result<(), SourceError> {
        while bars.len() < CHUNK_BARS {
            if self.lines.is_used_up() && !self.lines.fill().map_err(|fault| self.fail_at_end(fault))? {
                self.is_done = true;
                break;
            }
            // The fast way, as far as it goes.
            let mut rest = self.lines.ahead();
            let before = rest.len();
            let limit = CHUNK_BARS - bars.len();
            let mut count = 0;
            let mut stop = None;
            while count < limit && rest.len() > self.lines.beyond() {
                match self.rows.fast(&self.header, rest) {
                    Fast::Bar(bar, tail) => {
                        bars.push(MarketEvent::Bar(bar));
                        rest = tail;
                    }
                    Fast::Unwanted(tail) => rest = tail,
                    Fast::Past => {
                        stop = Some(Ok(true));
                        break;
                    }
                    Fast::Fault(row) => {
                        stop = Some(Err(row));
                        break;
                    }
                    Fast::Unknown => {
                        stop = Some(Ok(false));
                        break;
                    }
                }
                count += 1;
            }
            let used = before - rest.len();
            self.lines.advance(used, count as u64);
            match stop {
                None => {}
                Some(Ok(true)) => {
                    self.is_done = true;
                    break;
                }
                Some(Err(row)) => {
                    let line = self.lines.next_line().unwrap_or_default().to_vec();
                    return Err(self.fail(row, &line));
                }
                Some(Ok(false)) => {
                    // One row the general way.
                    let Some(line) = self.lines.next_line() else { continue };
                    match self.rows.general(&self.header, line) {
                        Ok(General::Bar(bar)) => bars.push(MarketEvent::Bar(bar)),
                        Ok(General::Nothing) => {}
                        Ok(General::Past) => {
                            self.is_done = true;
                            break;
                        }
                        Err(row) => {
                            let line = line.to_vec();
                            return Err(self.fail(row, &line));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn fail_at_end(&self, fault: Fault) -> SourceError {
        SourceError { line: Some(self.lines.line + 1), ..SourceError::of_file(&self.file, fault) }
    }
}

impl Source for CsvBars {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, SourceError> {
        if self.is_done {
            return Ok(None);
        }
        // The buffer of the chunk before, if its reader has let go of it.
        let mut chunk = self.spare.take().unwrap_or_default();
        let mut bars = Arc::get_mut(&mut chunk).map(std::mem::take).unwrap_or_default();
        bars.clear();
        bars.reserve_exact(CHUNK_BARS);
        let filled = self.fill_chunk(&mut bars);
        if let Err(error) = filled {
            self.is_done = true;
            return Err(error);
        }
        if bars.is_empty() {
            return Ok(None);
        }
        if self.is_done {
            bars.shrink_to_fit();
        }
        let chunk = Arc::new(bars);
        self.spare = Some(Arc::clone(&chunk));
        Ok(Some(chunk))
    }
}

/// The length of a bar, from the times of the first rows. Rows that cannot be read count later, with their line.
fn look_ahead(lines: &mut Lines, header: &Header) -> Result<Nanos, Fault> {
    lines.fill_until(|text| memchr::memchr_iter(b'\n', text).nth(LOOK_AHEAD_ROWS).is_some(), LOOK_AHEAD_BYTES)?;
    let mut steps = StepCounter::default();
    let mut clock = Clock::default();
    let mut fields: Vec<Cow<'_, [u8]>> = Vec::new();
    let mut rows = 0;
    for line in lines.text().split(|b| *b == b'\n').take(LOOK_AHEAD_ROWS) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.trim_ascii().is_empty() || split(line, header.delimiter, &mut fields).is_err() {
            continue;
        }
        let field = |column| header.columns.iter().position(|c| *c == Some(column)).and_then(|at| fields.get(at));
        let stamp = field(Column::Timestamp)
            .and_then(|text| clock.read(text).map(|t| t.0).or_else(|| time_of_text(text).ok().map(|t| t.0)));
        if let Some(stamp) = stamp {
            steps.observe(field(Column::Symbol).map_or(&b""[..], |s| s), stamp);
        }
        rows += 1;
    }
    match steps.commonest() {
        Some(step) => Ok(step),
        None if rows == 0 => Err(Fault::NoRows),
        None => Err(Fault::NoResolution),
    }
}

enum Fast<'a> {
    Bar(Bar, &'a [u8]),
    Unwanted(&'a [u8]),
    Past,
    Fault(RowFault),
    Unknown,
}

enum General {
    Bar(Bar),
    Nothing,
    Past,
}

#[derive(Debug)]
struct Rows {
    checker: Checker,
    clock: Clock,
    only_symbol: Option<usize>,
    has_volume: bool,
}

impl Rows {
    /// A row whose fields are all plain.
    #[inline]
    fn fast<'a>(&mut self, header: &Header, text: &'a [u8]) -> Fast<'a> {
        let Some((row, rest)) = self.fast_fields(header, text) else { return Fast::Unknown };
        let symbol = match self.only_symbol {
            Some(symbol) => symbol,
            None => match self.checker.symbol(row.symbol) {
                Ok(symbol) => symbol,
                Err(fault) => return Fast::Fault(fault),
            },
        };
        match self.checker.admit(symbol, row.stamp) {
            Ok(Admission::Wanted { open_time, close_time }) => {
                match self.checker.bar(symbol, open_time, close_time, &row.numbers) {
                    Ok(bar) => Fast::Bar(bar, rest),
                    Err(fault) => Fast::Fault(fault),
                }
            }
            Ok(Admission::Unwanted) => Fast::Unwanted(rest),
            Ok(Admission::Past) => Fast::Past,
            Err(fault) => Fast::Fault(fault),
        }
    }

    /// The fields of a row, if each is plain and ends where it should.
    #[inline(always)]
    fn fast_fields<'a>(&mut self, header: &Header, text: &'a [u8]) -> Option<(FastRow<'a>, &'a [u8])> {
        let mut row = FastRow::default();
        let mut rest = text;
        let (last, others) = header.columns.split_last()?;
        for column in others {
            let [end, tail @ ..] = self.fast_field(&mut row, *column, header.delimiter, rest)? else { return None };
            if *end != header.delimiter {
                return None;
            }
            rest = tail;
        }
        match self.fast_field(&mut row, *last, header.delimiter, rest)? {
            [b'\n', tail @ ..] | [b'\r', b'\n', tail @ ..] => Some((row, tail)),
            _ => None,
        }
    }

    #[inline(always)]
    fn fast_field<'a>(
        &mut self,
        row: &mut FastRow<'a>,
        column: Option<Column>,
        delimiter: u8,
        text: &'a [u8],
    ) -> Option<&'a [u8]> {
        let slot = match column {
            Some(Column::Open) => &mut row.numbers.open,
            Some(Column::High) => &mut row.numbers.high,
            Some(Column::Low) => &mut row.numbers.low,
            Some(Column::Close) => &mut row.numbers.close,
            Some(Column::Volume) => row.numbers.volume.insert(0),
            Some(Column::Timestamp) => {
                let (field, rest) = plain(text, delimiter)?;
                let (stamp, has_zone) = self.clock.read(field).or_else(|| time_of_text(field).ok())?;
                row.stamp = stamp;
                if !has_zone {
                    self.checker.assume_utc();
                }
                return Some(rest);
            }
            Some(Column::Symbol) => {
                let (field, rest) = plain(text, delimiter)?;
                row.symbol = field.trim_ascii();
                return Some(rest);
            }
            None => return plain(text, delimiter).map(|(_, rest)| rest),
        };
        let (steps, rest) = number(text)?;
        *slot = steps;
        Some(rest)
    }

    /// Any row, or what is wrong with it.
    #[cold]
    fn general(&mut self, header: &Header, line: &[u8]) -> Result<General, RowFault> {
        if line.trim_ascii().is_empty() {
            return Ok(General::Nothing);
        }
        let of_row = |fault| RowFault { column: None, fault };
        let mut fields = Vec::with_capacity(header.columns.len());
        split(line, header.delimiter, &mut fields).map_err(of_row)?;
        if fields.len() != header.columns.len() {
            return Err(of_row(Fault::Ragged { found: fields.len(), expected: header.columns.len() }));
        }
        let field = |column: Column| {
            let at = header.columns.iter().position(|c| *c == Some(column));
            at.and_then(|at| fields.get(at)).map_or(&b""[..], |f| f)
        };
        let (stamp, has_zone) =
            time_of_text(field(Column::Timestamp)).map_err(|fault| RowFault::new(Column::Timestamp, fault))?;
        if !has_zone {
            self.checker.assume_utc();
        }
        let symbol = match self.only_symbol {
            Some(symbol) => symbol,
            None => self.checker.symbol(field(Column::Symbol))?,
        };
        let (open_time, close_time) = match self.checker.admit(symbol, stamp)? {
            Admission::Wanted { open_time, close_time } => (open_time, close_time),
            Admission::Unwanted => return Ok(General::Nothing),
            Admission::Past => return Ok(General::Past),
        };
        let mut snapped = 0;
        let mut read = |column| {
            let number = number_of_text(field(column)).map_err(|fault| RowFault::new(column, fault))?;
            snapped += u32::from(number.moved);
            Ok(number.steps)
        };
        let numbers = Numbers {
            open: read(Column::Open)?,
            high: read(Column::High)?,
            low: read(Column::Low)?,
            close: read(Column::Close)?,
            volume: if self.has_volume { Some(read(Column::Volume)?) } else { None },
            snapped: 0,
        };
        self.checker.bar(symbol, open_time, close_time, &Numbers { snapped, ..numbers }).map(General::Bar)
    }
}

#[derive(Debug, Default)]
struct FastRow<'a> {
    stamp: Nanos,
    symbol: &'a [u8],
    numbers: Numbers,
}

/// A field without quotes, and what follows it.
#[inline(always)]
fn plain(text: &[u8], delimiter: u8) -> Option<(&[u8], &[u8])> {
    for (end, byte) in text.iter().enumerate() {
        if *byte == delimiter || *byte == b'\n' || *byte == b'\r' {
            return text.split_at_checked(end);
        }
        if *byte == b'"' {
            return None;
        }
    }
    None
}
