//! Bars from Arrow record batches, through the same checks as bars from text.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchReader};
use engine::data::checks::{Admission, Checker, Numbers, RowFault};
use engine::data::csv::CHUNK_BARS;
use engine::data::csv::find_column;
use engine::data::fault::{Fault, SourceError};
use engine::data::options::{BarOptions, Column};
use engine::data::resolution::{LOOK_AHEAD_ROWS, StepCounter};
use engine::event::{Bar, MarketEvent};
use engine::stream::{Chunk, Source};
use engine::time::Nanos;

use super::columns::{Numeric, Text, Times};

/// Batches of a table or file, one by one.
pub type Batches = Box<dyn RecordBatchReader + Send>;

/// Bars of a stream of record batches, in memory bounded by the size of a batch.
pub struct ArrowBars {
    file: Box<str>,
    batches: Batches,
    /// Batches read ahead to tell the length of a bar.
    ahead: VecDeque<RecordBatch>,
    layout: Layout,
    checker: Checker,
    only_symbol: Option<usize>,
    /// The batch being read, and how far.
    current: Option<(Columns, usize)>,
    /// Rows before the current batch.
    rows_before: u64,
    is_done: bool,
}

/// Where the columns are.
struct Layout {
    at: Vec<(Column, usize)>,
    names: Vec<Box<str>>,
}

struct Columns {
    rows: usize,
    times: Times,
    symbols: Option<Text>,
    open: Numeric,
    high: Numeric,
    low: Numeric,
    close: Numeric,
    volume: Option<Numeric>,
}

impl ArrowBars {
    /// Reads the schema and looks ahead for the length of a bar.
    pub fn new(file: &str, mut batches: Batches, options: &BarOptions) -> Result<Self, SourceError> {
        let of_file = |fault| SourceError::of_file(file, fault);
        let names: Vec<Box<str>> = batches.schema().fields().iter().map(|f| f.name().as_str().into()).collect();
        let mut at = Vec::new();
        for column in Column::ALL {
            if let Some(index) = find_column(&names, column, options).map_err(of_file)? {
                at.push((column, index));
            }
        }
        let layout = Layout { at, names };
        let mut ahead = VecDeque::new();
        let resolution = match options.resolution {
            Some(resolution) => resolution,
            None => look_ahead(file, &layout, &mut batches, &mut ahead)?,
        };
        let mut checker = Checker::new(file, options.clone(), resolution);
        let has_symbol = layout.index(Column::Symbol).is_some();
        let only_symbol = if has_symbol { None } else { Some(checker.only_symbol()?) };
        Ok(Self {
            file: file.into(),
            batches,
            ahead,
            layout,
            checker,
            only_symbol,
            current: None,
            rows_before: 0,
            is_done: false,
        })
    }

    /// What was found so far, and the symbols seen.
    pub const fn checker(&self) -> &Checker {
        &self.checker
    }

    fn next_batch(&mut self) -> Result<bool, SourceError> {
        if let Some((columns, _)) = &self.current {
            self.rows_before += columns.rows as u64;
        }
        let batch = match self.ahead.pop_front() {
            Some(batch) => Some(batch),
            None => pull(&self.file, &mut self.batches)?,
        };
        self.current = match batch {
            Some(batch) => Some((self.layout.columns(&self.file, &batch)?, 0)),
            None => None,
        };
        Ok(self.current.is_some())
    }

    fn fill_chunk(&mut self, bars: &mut Vec<MarketEvent>) -> Result<(), SourceError> {
        while bars.len() < CHUNK_BARS {
            let Some((columns, at)) = &mut self.current else {
                if self.next_batch()? {
                    continue;
                }
                self.is_done = true;
                return Ok(());
            };
            let row = *at;
            if row == columns.rows {
                if !self.next_batch()? {
                    self.is_done = true;
                    return Ok(());
                }
                continue;
            }
            *at += 1;
            match columns.read(row, &mut self.checker, self.only_symbol) {
                Ok(Read::Bar(bar)) => bars.push(MarketEvent::Bar(bar)),
                Ok(Read::Nothing) => {}
                Ok(Read::Past) => {
                    self.is_done = true;
                    return Ok(());
                }
                Err(fault) => {
                    let value = fault.column.map(|column| columns.shown(column, row).into());
                    return Err(SourceError {
                        column: fault.column.map(|column| self.layout.name(column).into()),
                        value,
                        line: Some(self.rows_before + row as u64 + 1),
                        ..SourceError::of_file(&self.file, fault.fault)
                    });
                }
            }
        }
        Ok(())
    }
}

impl Source for ArrowBars {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, SourceError> {
        if self.is_done {
            return Ok(None);
        }
        let mut bars = Vec::with_capacity(CHUNK_BARS);
        if let Err(error) = self.fill_chunk(&mut bars) {
            self.is_done = true;
            return Err(error);
        }
        if self.is_done {
            bars.shrink_to_fit();
        }
        Ok((!bars.is_empty()).then(|| Arc::new(bars)))
    }
}

fn pull(file: &str, batches: &mut Batches) -> Result<Option<RecordBatch>, SourceError> {
    batches.next().transpose().map_err(|error| {
        let reason = error.to_string();
        SourceError::of_file(file, Fault::Unreadable { reason: reason.lines().next().unwrap_or_default().into() })
    })
}

/// The length of a bar, from the times of the first rows. Rows that cannot be read count later, with their number.
fn look_ahead(
    file: &str,
    layout: &Layout,
    batches: &mut Batches,
    ahead: &mut VecDeque<RecordBatch>,
) -> Result<Nanos, SourceError> {
    let mut steps = StepCounter::default();
    let mut rows = 0;
    while rows < LOOK_AHEAD_ROWS
        && let Some(batch) = pull(file, batches)?
    {
        let columns = layout.columns(file, &batch)?;
        for row in 0..columns.rows.min(LOOK_AHEAD_ROWS - rows) {
            if let Ok((time, _)) = columns.times.get(row) {
                let symbol = columns.symbols.as_ref().and_then(|s| s.get(row)).unwrap_or_default();
                steps.observe(symbol.as_bytes(), time);
            }
        }
        rows += columns.rows;
        ahead.push_back(batch);
    }
    let fault = if rows == 0 { Fault::NoRows } else { Fault::NoResolution };
    steps.commonest().ok_or_else(|| SourceError::of_file(file, fault))
}

impl Layout {
    fn index(&self, column: Column) -> Option<usize> {
        self.at.iter().find(|(c, _)| *c == column).map(|(_, at)| *at)
    }
    fn name(&self, column: Column) -> &str {
        self.index(column).and_then(|at| self.names.get(at)).map_or(column.name(), |name| name)
    }

    fn columns(&self, file: &str, batch: &RecordBatch) -> Result<Columns, SourceError> {
        let wrong = |column: Column, wanted| {
            let array = self.index(column).and_then(|at| batch.columns().get(at));
            let found = array.map(|a| a.data_type().to_string()).unwrap_or_default().into();
            SourceError {
                column: Some(self.name(column).into()),
                ..SourceError::of_file(file, Fault::WrongType { found, wanted })
            }
        };
        let array = |column| self.index(column).and_then(|at| batch.columns().get(at));
        let number = |column| array(column).and_then(Numeric::of).ok_or_else(|| wrong(column, Numeric::WANTED));
        let symbols = match array(Column::Symbol) {
            Some(column) => Some(Text::of(column).ok_or_else(|| wrong(Column::Symbol, "text"))?),
            None => None,
        };
        let times = array(Column::Timestamp).and_then(Times::of);
        Ok(Columns {
            rows: batch.num_rows(),
            times: times.ok_or_else(|| wrong(Column::Timestamp, Times::WANTED))?,
            symbols,
            open: number(Column::Open)?,
            high: number(Column::High)?,
            low: number(Column::Low)?,
            close: number(Column::Close)?,
            volume: if array(Column::Volume).is_some() { Some(number(Column::Volume)?) } else { None },
        })
    }
}

enum Read {
    Bar(Bar),
    Nothing,
    Past,
}

impl Columns {
    #[inline]
    fn read(&self, row: usize, checker: &mut Checker, only_symbol: Option<usize>) -> Result<Read, RowFault> {
        let (stamp, has_zone) = self.times.get(row).map_err(|fault| RowFault::new(Column::Timestamp, fault))?;
        if !has_zone {
            checker.assume_utc();
        }
        let symbol = match (only_symbol, &self.symbols) {
            (Some(symbol), _) => symbol,
            (None, Some(symbols)) => checker.symbol(symbols.get(row).unwrap_or_default().trim().as_bytes())?,
            (None, None) => return Ok(Read::Nothing),
        };
        let (open_time, close_time) = match checker.admit(symbol, stamp)? {
            Admission::Wanted { open_time, close_time } => (open_time, close_time),
            Admission::Unwanted => return Ok(Read::Nothing),
            Admission::Past => return Ok(Read::Past),
        };
        let mut snapped = 0;
        let mut read = |column, numbers: &Numeric| {
            let number = numbers.get(row).map_err(|fault| RowFault::new(column, fault))?;
            snapped += u32::from(number.moved);
            Ok::<i64, RowFault>(number.steps)
        };
        let numbers = Numbers {
            open: read(Column::Open, &self.open)?,
            high: read(Column::High, &self.high)?,
            low: read(Column::Low, &self.low)?,
            close: read(Column::Close, &self.close)?,
            volume: self.volume.as_ref().map(|volume| read(Column::Volume, volume)).transpose()?,
            snapped: 0,
        };
        checker.bar(symbol, open_time, close_time, &Numbers { snapped, ..numbers }).map(Read::Bar)
    }

    fn shown(&self, column: Column, row: usize) -> String {
        match column {
            Column::Timestamp => self.times.shown(row),
            Column::Symbol => self.symbols.as_ref().and_then(|s| s.get(row)).unwrap_or_default().to_owned(),
            Column::Open => self.open.shown(row),
            Column::High => self.high.shown(row),
            Column::Low => self.low.shown(row),
            Column::Close => self.close.shown(row),
            Column::Volume => self.volume.as_ref().map(|v| v.shown(row)).unwrap_or_default(),
        }
    }
}
