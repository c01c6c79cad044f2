//! Records into rows.
//!
//! An execution is a T (the aggressor: a trade), an F for each resting order, and then the C or M that takes the quantity
//! out of the book: F becomes the fill that does so itself (see [`Orders`]). A snapshot is a run of marked records; its
//! orders keep the times at which they were placed or none, so it is dated, as a whole, by the latest of them.

use crate::data::fault::{Fault, SourceError};
use crate::data::input::Input;
use crate::data::tick::batches::mark_book;
use crate::data::tick::databento::bytes::Records;
use crate::data::tick::databento::metadata::Metadata;
use crate::data::tick::databento::record::{Action, Change, Shape};
use crate::data::tick::fields::of_instrument;
use crate::data::tick::findings::Findings;
use crate::data::tick::orders::Orders;
use crate::data::tick::{BATCH_ROWS, TickReader};
use crate::instrument::InstrumentId;
use crate::row::{Flags, Row, RowKind, RowSide};
use crate::time::Nanos;

/// An event with more rows than this is handed out in parts.
const EVENT_ROWS_MAX: usize = 1 << 16;
/// A snapshot of more orders is not one.
const SNAPSHOT_ROWS_MAX: usize = 1 << 21;

/// Reads the records of a file.
pub struct ChangeReader {
    file: Box<str>,
    records: Records,
    metadata: Metadata,
    findings: Findings,
    orders: Orders,
    /// The snapshot that is being read.
    snapshot: Vec<Row>,
    /// The last best levels of each instrument.
    levels: Vec<Vec<Row>>,
    record: u64,
    is_in_event: bool,
    is_done: bool,
}

impl ChangeReader {
    /// Reads the head; `file` is the name in messages.
    pub fn new(file: &str, input: Input, mut findings: Findings) -> Result<Self, SourceError> {
        let mut records = Records::new(input);
        let metadata = Metadata::read(&mut records).map_err(|error| error.in_file(file))?;
        findings.see_venue(&metadata.dataset);
        Ok(Self {
            file: file.into(),
            records,
            metadata,
            findings,
            orders: Orders::default(),
            snapshot: Vec::new(),
            levels: Vec::new(),
            record: 0,
            is_in_event: false,
            is_done: false,
        })
    }

    fn read_records(&mut self, rows: &mut Vec<Row>) -> Result<(), SourceError> {
        let from = rows.len();
        let enough = |count: usize, is_in_event: bool| {
            count >= BATCH_ROWS && (!is_in_event || count >= BATCH_ROWS + EVENT_ROWS_MAX)
        };
        while !enough(rows.len() - from, self.is_in_event) {
            self.record += 1;
            let Some(bytes) = self.records.next()? else {
                self.end_snapshot(rows);
                self.is_done = true;
                break;
            };
            match Change::parse(bytes)? {
                None => self.findings.note("records of other kinds, left out"),
                Some(change) => {
                    let instrument =
                        self.metadata.instrument(change.instrument, change.local_time, &mut self.findings)?;
                    let row = row_of(&change, instrument, &mut self.findings)?;
                    let (action, is_last) = (change.action, change.flags & Change::LAST != 0);
                    match change.shape {
                        Shape::Order => {
                            let is_snapshot = change.flags & Change::SNAPSHOT != 0;
                            self.order(action, is_snapshot, row, rows)?;
                        }
                        Shape::Levels(count) => {
                            if action == Action::Trade {
                                rows.push(row);
                            }
                            levels_of(&change, count, row, &mut self.levels, rows)?;
                        }
                    }
                    self.is_in_event = !is_last;
                    if is_last {
                        self.end_snapshot(rows);
                        mark_event(rows, from, instrument);
                    }
                }
            }
        }
        Ok(())
    }

    fn order(&mut self, action: Action, is_snapshot: bool, row: Row, rows: &mut Vec<Row>) -> Result<(), SourceError> {
        let goes_on = is_snapshot
            && action == Action::Add
            && self.snapshot.first().is_none_or(|first| first.instrument == row.instrument);
        if !goes_on {
            self.end_snapshot(rows);
        }
        let kind = match action {
            Action::Add => RowKind::OrderAdd,
            Action::Cancel => RowKind::OrderCancel,
            Action::Modify => RowKind::OrderModify,
            Action::Fill => RowKind::OrderFill,
            Action::Clear => RowKind::BookClear,
            // The id that a trade has here is that of the aggressor's order, not of the print.
            Action::Trade => {
                rows.push(row.of(0));
                return Ok(());
            }
            Action::None => {
                self.findings.note("records without an action, left out");
                return Ok(());
            }
        };
        let is_in_snapshot = is_snapshot && matches!(action, Action::Add | Action::Clear);
        if !is_in_snapshot {
            rows.extend(self.orders.merge(Row { kind, ..row }, &mut self.findings)?);
            return Ok(());
        }
        if self.snapshot.is_empty() {
            let clear = Row::new(RowKind::BookClear, row.instrument, row.exchange_time, row.local_time);
            self.snapshot.extend(self.orders.merge(clear, &mut self.findings)?);
            if action == Action::Add {
                self.findings.note("snapshots that do not clear the book first, made to do so");
            }
        }
        if action == Action::Add {
            if self.snapshot.len() >= SNAPSHOT_ROWS_MAX {
                let message = format!("a snapshot holds more than {SNAPSHOT_ROWS_MAX} orders");
                return Err(Fault::Other(message.into()).alone());
            }
            self.snapshot.extend(self.orders.merge(Row { kind, ..row }, &mut self.findings)?);
        }
        Ok(())
    }

    /// Hands out the snapshot: its clearing, then its orders in the order of the file, which is that of their queues.
    fn end_snapshot(&mut self, rows: &mut Vec<Row>) {
        let Some(clear) = self.snapshot.first() else { return };
        let instrument = clear.instrument;
        let latest = self.snapshot.iter().map(|row| row.exchange_time).max().unwrap_or_default();
        let from = rows.len() + 1;
        rows.extend(self.snapshot.drain(..).map(|row| {
            // A sequence is that of the change which placed the order: it would sort the snapshot anew.
            Row { exchange_time: latest, sequence: 0, ..row }
        }));
        if rows.len() > from {
            mark_book(rows, from, Row::new(RowKind::BookClear, instrument, latest, Nanos::ZERO));
        }
    }
}

/// The row of a change, as a trade; its kind is still to be told.
fn row_of(change: &Change<'_>, instrument: InstrumentId, findings: &mut Findings) -> Result<Row, SourceError> {
    let exchange = match (change.exchange_time, change.local_time) {
        (Nanos::ZERO, Nanos::ZERO) => return Err(Fault::Missing.of("ts_event", "")),
        (Nanos::ZERO, local) => {
            findings.note("records without a time of the venue, dated by the recorder");
            local
        }
        (exchange, _) => exchange,
    };
    let row = Row::new(RowKind::Trade, instrument, exchange, change.local_time);
    let sequence = u64::from(change.sequence);
    Ok(Row { sequence, ..row.at(change.side, change.price, change.quantity) }.of(change.order_id))
}

/// The levels as a quote or a whole book, unless they are the same as before.
fn levels_of(
    change: &Change<'_>,
    count: usize,
    row: Row,
    known: &mut Vec<Vec<Row>>,
    rows: &mut Vec<Row>,
) -> Result<(), SourceError> {
    if count == 0 {
        return Ok(());
    }
    let kind = if count == 1 { RowKind::Quote } else { RowKind::BookSnapshot };
    let row = Row { kind, order_id: 0, ..row };
    let from = rows.len();
    if kind == RowKind::Quote {
        // A side without orders is a price and a quantity of zero.
        let mut sides = [RowSide::Buy, RowSide::Sell].map(|side| row.at(side, Default::default(), Default::default()));
        for level in change.levels() {
            let (side, price, quantity) = level?;
            for quote in sides.iter_mut().filter(|quote| quote.side == side) {
                *quote = quote.at(side, price, quantity);
            }
        }
        rows.extend(sides);
    } else {
        for level in change.levels() {
            let (side, price, quantity) = level?;
            rows.push(row.at(side, price, quantity));
        }
    }
    mark_book(rows, from, row);
    let fresh = rows.get(from..).unwrap_or_default();
    let Some(last) = of_instrument(known, row.instrument) else { return Ok(()) };
    let what = |row: &Row| (row.kind, row.side, row.price, row.quantity);
    if last.len() == fresh.len() && last.iter().zip(fresh).all(|(a, b)| what(a) == what(b)) {
        rows.truncate(from);
    } else {
        last.clear();
        last.extend_from_slice(fresh);
    }
    Ok(())
}

/// Marks the last row of an event; the record that ended it may have left none.
fn mark_event(rows: &mut [Row], from: usize, instrument: InstrumentId) {
    let rows = rows.get_mut(from..).unwrap_or_default();
    if let Some(last) = rows.iter_mut().rev().find(|row| row.instrument == instrument) {
        *last = last.marked(Flags::LAST);
    }
}

impl TickReader for ChangeReader {
    fn read(&mut self, rows: &mut Vec<Row>) -> Result<bool, SourceError> {
        let before = rows.len();
        if self.is_done {
            return Ok(false);
        }
        self.read_records(rows).map_err(|mut error| {
            self.is_done = true;
            error.line = Some(self.record);
            error.in_file(&self.file)
        })?;
        Ok(rows.len() > before)
    }
    fn symbols(&self) -> &[String] {
        self.findings.symbols()
    }
    fn venue(&self) -> &str {
        self.findings.venue()
    }
    fn notes(&self) -> Vec<(String, u64)> {
        self.findings.notes()
    }
}
