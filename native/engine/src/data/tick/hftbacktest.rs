//! Event arrays of hftbacktest: 64 bytes an event, a word of flags, two times, floats.
//!
//! Where the orders by exchange and by local time differ, such a file holds an event twice: for the exchange
//! (`EXCH_EVENT` alone) at its place there, later for us (`LOCAL_EVENT` alone). Both carry both times, so the first becomes
//! the row, and the second, equal to it in all but that flag, is dropped. An event for us alone stays: it has no other.

use std::collections::BTreeMap;

use crate::data::fault::{Fault, SourceError};
use crate::data::input::Input;
use crate::data::tick::batches::Batches;
use crate::data::tick::findings::Findings;
use crate::data::tick::orders::Orders;
use crate::data::tick::{BATCH_ROWS, TickReader, npy};
use crate::data::values::number_of_float;
use crate::instrument::InstrumentId;
use crate::num::{Price, Qty};
use crate::row::{Flags, Row, RowKind, RowSide};
use crate::time::Nanos;

const EXCH_EVENT: u64 = 1 << 31;
const LOCAL_EVENT: u64 = 1 << 30;
const BUY_EVENT: u64 = 1 << 29;
const SELL_EVENT: u64 = 1 << 28;
/// The bits below the flags say what kind of event it is.
const KIND_BITS: u64 = 0xff;
const EVENT_BYTES: usize = 64;
/// More unpaired events than this, and the file does not follow the rule.
const UNPAIRED_MAX: usize = 1 << 20;

/// One event as the file has it.
#[derive(Debug, Clone, Copy)]
struct Event {
    flags: u64,
    exchange_time: i64,
    local_time: i64,
    price: f64,
    quantity: f64,
    order_id: u64,
}

/// What the two copies of an event have in common; by local time, so that what was passed can be forgotten.
type Twin = (i64, i64, u64, u64, u64, u64);

impl Event {
    fn parse(bytes: &[u8; EVENT_BYTES]) -> Self {
        let word = |at: usize| {
            let bytes = bytes.get(8 * at..).and_then(|rest| rest.first_chunk::<8>()).copied();
            u64::from_le_bytes(bytes.unwrap_or_default())
        };
        Self {
            flags: word(0),
            exchange_time: word(1).cast_signed(),
            local_time: word(2).cast_signed(),
            price: f64::from_bits(word(3)),
            quantity: f64::from_bits(word(4)),
            order_id: word(5),
        }
    }
    const fn twin(&self) -> Twin {
        let what = self.flags & !(EXCH_EVENT | LOCAL_EVENT);
        let (price, quantity) = (self.price.to_bits(), self.quantity.to_bits());
        (self.local_time, self.exchange_time, what, price, quantity, self.order_id)
    }
    const fn side(&self) -> RowSide {
        match (self.flags & BUY_EVENT != 0, self.flags & SELL_EVENT != 0) {
            (true, false) => RowSide::Buy,
            (false, true) => RowSide::Sell,
            _ => RowSide::None,
        }
    }
}

/// Reads an array of events.
pub struct EventReader {
    file: Box<str>,
    input: Input,
    findings: Findings,
    instrument: InstrumentId,
    left: u64,
    record: u64,
    buffer: Vec<u8>,
    batches: Batches,
    orders: Orders,
    /// A clearing of the book that may belong to the snapshot after it.
    clear: Option<Row>,
    /// Exchange copies whose local copy has not come yet.
    unpaired: BTreeMap<Twin, u32>,
}

impl EventReader {
    /// Reads the header; `file` is the name in messages.
    pub fn new(file: &str, mut input: Input, mut findings: Findings) -> Result<Self, SourceError> {
        let left = npy::read_header(&mut input).map_err(|error| error.in_file(file))?;
        let instrument = findings.nameless_instrument().map_err(|error| error.in_file(file))?;
        Ok(Self {
            file: file.into(),
            input,
            findings,
            instrument,
            left,
            record: 0,
            buffer: Vec::new(),
            batches: Batches::default(),
            orders: Orders::default(),
            clear: None,
            unpaired: BTreeMap::new(),
        })
    }

    fn read_events(&mut self, rows: &mut Vec<Row>) -> Result<(), SourceError> {
        let enough = rows.len().saturating_add(BATCH_ROWS);
        while rows.len() < enough && self.left > 0 {
            let count = self.left.min(BATCH_ROWS as u64);
            self.buffer.resize(usize::try_from(count).unwrap_or(BATCH_ROWS) * EVENT_BYTES, 0);
            let filled = npy::read_full(&mut self.input, &mut self.buffer)?;
            let buffer = std::mem::take(&mut self.buffer);
            let (events, _) = buffer.get(..filled).unwrap_or_default().as_chunks::<EVENT_BYTES>();
            for event in events {
                self.record += 1;
                self.event(&Event::parse(event), rows)?;
            }
            if filled < buffer.len() {
                return Err(npy::truncated().alone());
            }
            self.buffer = buffer;
            self.left -= count;
            if self.left == 0 {
                self.finish(rows)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, rows: &mut Vec<Row>) -> Result<(), SourceError> {
        if let Some(clear) = self.clear.take() {
            self.clear_alone(clear, false, rows)?;
        }
        self.batches.end(rows);
        for _ in 0..self.unpaired.len() {
            self.findings.note(UNPAIRED);
        }
        self.unpaired.clear();
        if self.input.read(&mut [0; 1]).map_err(|fault| fault.alone())? > 0 {
            return Err(npy::damaged("there are more bytes than events").alone());
        }
        Ok(())
    }

    fn event(&mut self, event: &Event, rows: &mut Vec<Row>) -> Result<(), SourceError> {
        if self.is_second_copy(event)? {
            return Ok(());
        }
        let row = self.row_of(event)?;
        if let Some(clear) = self.clear.take() {
            let is_replaced = row.kind == RowKind::BookSnapshot && is_same_moment(&clear, &row);
            if is_replaced && (clear.side == RowSide::None || clear.side == row.side) {
                self.findings.note("clearings of the book that a snapshot follows, left to it");
            } else {
                self.clear_alone(clear, is_same_moment(&clear, &row) && row.kind.rank() < RowKind::Quote.rank(), rows)?;
            }
        }
        match row.kind {
            RowKind::BookClear => self.clear = Some(row),
            RowKind::BookDelta | RowKind::BookSnapshot => self.batches.push(row, rows),
            RowKind::OrderAdd | RowKind::OrderCancel | RowKind::OrderModify | RowKind::OrderFill => {
                if let Some(row) = self.orders.merge(row, &mut self.findings)? {
                    self.batches.push(row, rows);
                }
            }
            _ => {
                self.batches.end(rows);
                rows.push(row);
            }
        }
        Ok(())
    }

    /// A clearing that no snapshot follows; `goes_on` says that rows of the same moment do.
    fn clear_alone(&mut self, clear: Row, goes_on: bool, rows: &mut Vec<Row>) -> Result<(), SourceError> {
        if !clear.price.is_zero() {
            self.findings.note("clearings up to a price, taken as clearings of the side");
        }
        self.batches.end(rows);
        let row = self.orders.merge(clear, &mut self.findings)?;
        rows.extend(row.map(|row| if goes_on { row } else { row.marked(Flags::LAST) }));
        Ok(())
    }

    fn is_second_copy(&mut self, event: &Event) -> Result<bool, SourceError> {
        let (for_exchange, for_us) = (event.flags & EXCH_EVENT != 0, event.flags & LOCAL_EVENT != 0);
        if for_us {
            // Local copies come in the order of local time, so what lies before this one stays alone.
            while let Some(first) = self.unpaired.first_entry().filter(|first| first.key().0 < event.local_time) {
                first.remove();
                self.findings.note(UNPAIRED);
            }
        }
        match (for_exchange, for_us) {
            (true, true) => {}
            (true, false) => {
                if self.unpaired.len() >= UNPAIRED_MAX {
                    return Err(npy::damaged("a million events for the exchange have no copy for us").alone());
                }
                let copies = self.unpaired.entry(event.twin()).or_insert(0);
                *copies = copies.saturating_add(1);
            }
            (false, true) => {
                if let Some(copies) = self.unpaired.get_mut(&event.twin()) {
                    *copies -= 1;
                    if *copies == 0 {
                        self.unpaired.remove(&event.twin());
                    }
                    self.findings.note("events written twice, for the exchange and for us, joined");
                    return Ok(true);
                }
                self.findings.note("events for us alone, taken as events of both");
            }
            (false, false) => {
                self.findings.note("events without a flag of exchange or local, taken as events of both");
            }
        }
        Ok(false)
    }

    fn row_of(&mut self, event: &Event) -> Result<Row, SourceError> {
        let kind = match event.flags & KIND_BITS {
            1 => RowKind::BookDelta,
            2 => RowKind::Trade,
            3 => RowKind::BookClear,
            4 => RowKind::BookSnapshot,
            5 => RowKind::Quote,
            10 => RowKind::OrderAdd,
            11 => RowKind::OrderCancel,
            12 => RowKind::OrderModify,
            13 => RowKind::OrderFill,
            other => {
                let wanted = "a kind of event (1 to 5, 10 to 13)";
                return Err(Fault::Unexpected { wanted, unit: "record" }.of("ev", &other.to_string()));
            }
        };
        // What clears a whole side has no price, and a cancel takes the whole order, whatever its quantity.
        let price = if kind == RowKind::BookClear && event.price.is_nan() { 0.0 } else { event.price };
        let price = self.number("px", price)?;
        let quantity = match kind {
            RowKind::OrderCancel => Qty::MAX.raw(),
            RowKind::BookClear => 0,
            _ => self.number("qty", event.quantity)?,
        };
        let times = (Nanos::from_raw(event.exchange_time), Nanos::from_raw(event.local_time));
        let row = Row::new(kind, self.instrument, times.0, times.1);
        Ok(row.at(event.side(), Price::from_raw(price), Qty::from_raw(quantity)).of(event.order_id))
    }

    fn number(&mut self, column: &str, value: f64) -> Result<i64, SourceError> {
        let number = number_of_float(value).map_err(|fault| fault.of(column, &value.to_string()))?;
        if number.moved {
            self.findings.note("numbers that a float missed, moved to their step of 1e-8");
        }
        Ok(number.steps)
    }
}

const UNPAIRED: &str = "events for the exchange alone, taken as events of both";

fn is_same_moment(a: &Row, b: &Row) -> bool {
    (a.exchange_time, a.local_time) == (b.exchange_time, b.local_time)
}

impl TickReader for EventReader {
    fn read(&mut self, rows: &mut Vec<Row>) -> Result<bool, SourceError> {
        let before = rows.len();
        self.read_events(rows).map_err(|mut error| {
            self.left = 0;
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

#[cfg(test)]
mod tests;
