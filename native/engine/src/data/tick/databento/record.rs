//! One record: an order of the book, or a change with the best levels after it.

use crate::data::fault::{Fault, SourceError};
use crate::data::tick::databento::bytes::{damaged, i64_at, u32_at, u64_at};
use crate::num::{Price, Qty, UNIT};
use crate::row::RowSide;
use crate::time::Nanos;

/// No price, no time.
const UNDEFINED_PRICE: i64 = i64::MAX;
const UNDEFINED_TIME: u64 = u64::MAX;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Add,
    Cancel,
    Modify,
    Clear,
    Trade,
    Fill,
    None,
}

/// What follows a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// An order of the book, with its id.
    Order,
    /// So many best levels.
    Levels(usize),
}

/// A record that can be read.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    pub shape: Shape,
    pub instrument: u32,
    /// Zero if not known.
    pub exchange_time: Nanos,
    /// Zero if not known.
    pub local_time: Nanos,
    pub action: Action,
    pub side: RowSide,
    pub price: Price,
    pub quantity: Qty,
    pub order_id: u64,
    pub flags: u8,
    pub sequence: u32,
    levels: &'a [u8],
}

impl<'a> Change<'a> {
    /// Last record of its event.
    pub const LAST: u8 = 128;
    /// Part of a book as it is, not a change of it.
    pub const SNAPSHOT: u8 = 32;

    /// Reads a record; `None` if it is of another kind.
    pub fn parse(bytes: &'a [u8]) -> Result<Option<Self>, SourceError> {
        // Where the fields of a kind lie behind its head of 16 bytes.
        let (shape, length) = match bytes.get(1) {
            Some(0x00) => (Shape::Levels(0), 48),
            Some(0x01) => (Shape::Levels(1), 80),
            Some(0x0a) => (Shape::Levels(10), 368),
            Some(0xa0) => (Shape::Order, 56),
            _ => return Ok(None),
        };
        let fields = bytes.get(..length).ok_or_else(|| damaged("a record is shorter than its kind"))?;
        let short = || damaged("a record is shorter than its kind");
        let read = || {
            let at = if shape == Shape::Order { 24 } else { 16 };
            let byte =
                |order: usize, change: usize| fields.get(if shape == Shape::Order { order } else { change }).copied();
            Some(Raw {
                instrument: u32_at(fields, 4)?,
                exchange_time: u64_at(fields, 8)?,
                local_time: u64_at(fields, at + 16)?,
                price: i64_at(fields, at)?,
                size: u32_at(fields, at + 8)?,
                action: byte(38, 28)?,
                side: byte(39, 29)?,
                flags: byte(36, 30)?,
                order_id: if shape == Shape::Order { u64_at(fields, 16)? } else { 0 },
                sequence: u32_at(fields, at + 28)?,
            })
        };
        let raw: Raw = read().ok_or_else(short)?;
        Ok(Some(Self {
            shape,
            instrument: raw.instrument,
            exchange_time: time("ts_event", raw.exchange_time)?,
            local_time: time("ts_recv", raw.local_time)?,
            action: action(raw.action)?,
            side: side(raw.side)?,
            price: price("price", raw.price)?.unwrap_or(Price::ZERO),
            quantity: Qty::from_raw(i64::from(raw.size) * UNIT),
            order_id: raw.order_id,
            flags: raw.flags,
            sequence: raw.sequence,
            levels: fields.get(48..).unwrap_or_default(),
        }))
    }

    /// The best levels after the change, best first: side, price, quantity.
    pub fn levels(&self) -> impl Iterator<Item = Result<(RowSide, Price, Qty), SourceError>> {
        let (levels, _) = self.levels.as_chunks::<32>();
        let level = |side, price_at: usize, size_at: usize| {
            levels.iter().filter_map(move |level| {
                let found = price("level", i64_at(level, price_at)?).transpose()?;
                let size = u32_at(level, size_at)?;
                Some(found.map(|price| (side, price, Qty::from_raw(i64::from(size) * UNIT))))
            })
        };
        level(RowSide::Buy, 0, 16).chain(level(RowSide::Sell, 8, 20))
    }
}

/// Fields as they lie there.
struct Raw {
    instrument: u32,
    exchange_time: u64,
    local_time: u64,
    price: i64,
    size: u32,
    action: u8,
    side: u8,
    flags: u8,
    order_id: u64,
    sequence: u32,
}

fn time(column: &str, nanos: u64) -> Result<Nanos, SourceError> {
    if nanos == UNDEFINED_TIME {
        return Ok(Nanos::ZERO);
    }
    let nanos = i64::try_from(nanos).map_err(|_| Fault::NotATime.of(column, &nanos.to_string()))?;
    Ok(Nanos::from_raw(nanos))
}

/// From 1e-9 to 1e-8, exactly; `None` for no price.
fn price(column: &str, nanos: i64) -> Result<Option<Price>, SourceError> {
    if nanos == UNDEFINED_PRICE {
        return Ok(None);
    }
    if nanos % 10 != 0 {
        return Err(Fault::TooFine.of(column, &format!("{nanos}e-9")));
    }
    Ok(Some(Price::from_raw(nanos / 10)))
}

fn action(code: u8) -> Result<Action, SourceError> {
    Ok(match code {
        b'A' => Action::Add,
        b'C' => Action::Cancel,
        b'M' => Action::Modify,
        b'R' => Action::Clear,
        b'T' => Action::Trade,
        b'F' => Action::Fill,
        b'N' => Action::None,
        other => return Err(letter("one of A, C, M, R, T, F, N", "action", other)),
    })
}

fn side(code: u8) -> Result<RowSide, SourceError> {
    Ok(match code {
        b'B' => RowSide::Buy,
        b'A' => RowSide::Sell,
        b'N' => RowSide::None,
        other => return Err(letter("one of A, B, N", "side", other)),
    })
}

fn letter(wanted: &'static str, column: &str, code: u8) -> SourceError {
    let shown = char::from(code).escape_default().to_string();
    Fault::Unexpected { wanted, unit: "record" }.of(column, &shown)
}
