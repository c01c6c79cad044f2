//! Numbers, times and columns out of lines of text.

use std::str::FromStr;

use serde::Deserialize;

use crate::data::fault::{Fault, SourceError};
use crate::data::tick::findings::Findings;
use crate::data::values::number_of_text;
use crate::instrument::InstrumentId;
use crate::num::{Price, Qty};
use crate::row::{Row, RowSide};
use crate::time::Nanos;

/// A price.
pub fn price(column: &str, text: &str, findings: &mut Findings) -> Result<Price, SourceError> {
    number(column, text, findings).map(Price::from_raw)
}

/// A quantity.
pub fn quantity(column: &str, text: &str, findings: &mut Findings) -> Result<Qty, SourceError> {
    number(column, text, findings).map(Qty::from_raw)
}

fn number(column: &str, text: &str, findings: &mut Findings) -> Result<i64, SourceError> {
    let number = number_of_text(text.as_bytes()).map_err(|fault| fault.of(column, text))?;
    if number.moved {
        findings.note("numbers that a float missed, moved to their step of 1e-8");
    }
    Ok(number.steps)
}

/// A whole number.
pub fn integer<T: FromStr>(column: &str, text: &str) -> Result<T, SourceError> {
    text.parse().map_err(|_| Fault::Unexpected { wanted: "a whole number", unit: "line" }.of(column, text))
}

/// A time as a count of units of so many nanoseconds. It is after 1970: a zero is a missing time.
pub fn time(column: &str, count: i64, unit: i64) -> Result<Nanos, SourceError> {
    let nanos = count.checked_mul(unit).filter(|nanos| *nanos > 0);
    nanos.map(Nanos::from_raw).ok_or_else(|| Fault::NotATime.of(column, &count.to_string()))
}

/// Nanoseconds in a millisecond.
pub const MILLIS: i64 = 1_000_000;

/// What lies behind a required key.
pub fn required<T>(value: Option<T>, key: &str) -> Result<T, SourceError> {
    value.ok_or_else(|| Fault::Missing.of(key, ""))
}

/// JSON of a known shape; strings are borrowed, so that no number goes through a float.
pub fn json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, SourceError> {
    serde_json::from_str(text).map_err(|error| Fault::NotJson { reason: error.to_string().into() }.alone())
}

/// The line of a recording: `local_ns JSON`.
pub fn recorded(line: &str) -> Result<(Nanos, &str), SourceError> {
    let (local, message) = line.split_once(' ').unwrap_or((line, ""));
    Ok((time("local time", integer("local time", local)?, 1)?, message.trim_ascii_start()))
}

/// Levels as venues send them: price and quantity as text.
pub type Level<'a> = (&'a str, &'a str);

/// Appends levels of a side as rows like `row`.
pub fn push_levels<'a>(
    row: Row,
    side: RowSide,
    levels: impl IntoIterator<Item = Level<'a>>,
    findings: &mut Findings,
    rows: &mut Vec<Row>,
) -> Result<(), SourceError> {
    for (price_text, quantity_text) in levels {
        let price = price("price", price_text, findings)?;
        rows.push(row.at(side, price, quantity("quantity", quantity_text, findings)?));
    }
    Ok(())
}

/// What is kept of each instrument, by its number.
pub fn of_instrument<T: Default>(all: &mut Vec<T>, instrument: InstrumentId) -> Option<&mut T> {
    let index = usize::try_from(instrument.0).ok()?;
    if all.len() <= index {
        all.resize_with(index + 1, T::default);
    }
    all.get_mut(index)
}

/// Splits lines at commas without allocating for each.
#[derive(Debug, Default)]
pub struct Splitter {
    /// Where each field ends.
    ends: Vec<usize>,
}

/// The fields of a line.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    line: &'a str,
    ends: &'a [usize],
}

impl Splitter {
    pub fn split<'a>(&'a mut self, line: &'a str) -> Fields<'a> {
        self.ends.clear();
        self.ends.extend(memchr::memchr_iter(b',', line.as_bytes()));
        self.ends.push(line.len());
        Fields { line, ends: &self.ends }
    }
}

impl<'a> Fields<'a> {
    /// The field at an index; empty where there is none.
    pub fn get(&self, index: usize) -> &'a str {
        let start = index.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).map(|end| end + 1));
        let range = start.zip(self.ends.get(index));
        range.and_then(|(start, end)| self.line.get(start..*end)).unwrap_or_default()
    }
    /// Checks how many there are.
    pub fn expect(&self, expected: usize) -> Result<(), SourceError> {
        let found = self.ends.len();
        if found == expected { Ok(()) } else { Err(Fault::Ragged { found, expected }.alone()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_place() {
        let mut splitter = Splitter::default();
        let fields = splitter.split("a,,ccc");
        assert_eq!((0..4).map(|index| fields.get(index)).collect::<Vec<_>>(), ["a", "", "ccc", ""]);
        assert!(fields.expect(3).is_ok());
        assert!(matches!(fields.expect(4).unwrap_err().fault, Fault::Ragged { found: 3, expected: 4 }));
    }

    #[test]
    fn times_that_cannot_be_are_refused() {
        assert_eq!(time("t", 5, MILLIS).unwrap(), Nanos::from_raw(5_000_000));
        for count in [0, -1, i64::MAX] {
            assert!(time("t", count, MILLIS).is_err(), "{count}");
        }
    }
}
