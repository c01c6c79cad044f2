//! The one place where rows of bars are checked, whatever they were read from.
//!
//! A reader finds the symbol ([`Checker::symbol`]), asks whether the row is wanted and in order ([`Checker::admit`]),
//! and turns its numbers into a bar ([`Checker::bar`]). Rows that are left out are checked for order only.

use std::collections::BTreeMap;

use crate::data::fault::{Fault, SourceError};
use crate::data::options::{BarOptions, Column, Stamp, VolumeUnit};
use crate::data::summary::{DataSummary, Tally};
use crate::event::Bar;
use crate::instrument::InstrumentId;
use crate::num::{Price, Qty, Rounding, UNIT, div_round};
use crate::time::Nanos;

/// More symbols than this in one source is a mistake.
pub const SYMBOLS_MAX: usize = 65_536;

/// A fault of a row and the column it is in; the reader adds the place and the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// The column at fault; `None` for the row as a whole.
    pub column: Option<Column>,
    /// What is wrong.
    pub fault: Fault,
}

impl RowFault {
    /// A fault in a column.
    #[must_use]
    pub const fn new(column: Column, fault: Fault) -> Self {
        Self { column: Some(column), fault }
    }
}

/// Whether a row is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It is: the bar lies between these times.
    Wanted {
        /// Where it starts.
        open_time: Nanos,
        /// Where it ends.
        close_time: Nanos,
    },
    /// It is not selected.
    Unwanted,
    /// It lies past the range asked for, and so does everything after it.
    Past,
}

/// The numbers of a bar in steps of 1e-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Numbers {
    /// First price.
    pub open: i64,
    /// Highest price.
    pub high: i64,
    /// Lowest price.
    pub low: i64,
    /// Last price.
    pub close: i64,
    /// Volume in the unit of the options; `None` without a volume column.
    pub volume: Option<i64>,
    /// How many of them were moved to a step.
    pub snapped: u32,
}

#[derive(Debug)]
struct Known {
    name: Box<str>,
    /// `None`: not selected.
    id: Option<InstrumentId>,
    first_stamp: Nanos,
    last_stamp: Nanos,
    has_row: bool,
    tally: Tally,
}

/// Checks the rows of one source, and keeps what its summary needs.
#[derive(Debug)]
pub struct Checker {
    file: Box<str>,
    options: BarOptions,
    resolution: Nanos,
    previous: Nanos,
    known: Vec<Known>,
    by_name: BTreeMap<Box<[u8]>, usize>,
    latest: usize,
    selected: u32,
    is_utc_assumed: bool,
}

impl Checker {
    /// A checker for one file or table. `resolution` is that of the options, or what was found by looking ahead.
    #[must_use]
    pub fn new(file: &str, options: BarOptions, resolution: Nanos) -> Self {
        Self {
            file: file.into(),
            options,
            resolution,
            previous: Nanos::MIN,
            known: Vec::new(),
            by_name: BTreeMap::new(),
            latest: 0,
            selected: 0,
            is_utc_assumed: false,
        }
    }

    /// The symbol of data without a symbol column.
    ///
    /// # Errors
    /// [`Fault::NoSymbol`] and [`Fault::ManySymbols`] unless exactly one was given.
    pub fn only_symbol(&mut self) -> Result<usize, SourceError> {
        match self.options.symbols.as_slice() {
            [] => Err(SourceError::of_file(&self.file, Fault::NoSymbol)),
            [one] => {
                let name = one.clone();
                self.symbol(name.as_bytes()).map_err(|row| SourceError::of_file(&self.file, row.fault))
            }
            many => Err(SourceError::of_file(&self.file, Fault::ManySymbols { given: many.len() })),
        }
    }

    /// The index of a symbol in this source, a new one if it has not appeared yet.
    ///
    /// # Errors
    /// [`Fault::Missing`], [`Fault::NotText`], [`Fault::TooManySymbols`].
    #[inline]
    pub fn symbol(&mut self, name: &[u8]) -> Result<usize, RowFault> {
        // Rows of one symbol, or of several that take turns: the same as the last, or the one that follows it.
        if let Some(known) = self.known.get(self.latest)
            && is_same(known.name.as_bytes(), name)
        {
            return Ok(self.latest);
        }
        let next = if self.latest + 1 < self.known.len() { self.latest + 1 } else { 0 };
        if let Some(known) = self.known.get(next)
            && is_same(known.name.as_bytes(), name)
        {
            self.latest = next;
            return Ok(next);
        }
        self.search_symbol(name)
    }

    fn search_symbol(&mut self, name: &[u8]) -> Result<usize, RowFault> {
        let fail = |fault| RowFault::new(Column::Symbol, fault);
        if let Some(&index) = self.by_name.get(name) {
            self.latest = index;
            return Ok(index);
        }
        if name.is_empty() {
            return Err(fail(Fault::Missing));
        }
        let text = std::str::from_utf8(name).map_err(|_| fail(Fault::NotText))?;
        if self.known.len() == SYMBOLS_MAX {
            return Err(fail(Fault::TooManySymbols { limit: SYMBOLS_MAX }));
        }
        let is_asked_for = self.options.symbols.is_empty() || self.options.symbols.iter().any(|s| s == text);
        let id = match &self.options.instruments {
            _ if !is_asked_for => None,
            Some(instruments) => instruments.find(text),
            None => Some(InstrumentId(self.selected)),
        };
        self.selected += u32::from(id.is_some());
        let index = self.known.len();
        self.known.push(Known {
            name: text.into(),
            id,
            first_stamp: Nanos::MIN,
            last_stamp: Nanos::MIN,
            has_row: false,
            tally: Tally::default(),
        });
        self.by_name.insert(name.into(), index);
        self.latest = index;
        Ok(index)
    }

    /// Checks the order of a row, and whether it is wanted. Every row must come through here, in the order of the source.
    ///
    /// # Errors
    /// [`Fault::Earlier`], [`Fault::Repeated`].
    #[inline]
    pub fn admit(&mut self, symbol: usize, stamp: Nanos) -> Result<Admission, RowFault> {
        let Some(known) = self.known.get_mut(symbol) else { return Ok(Admission::Unwanted) };
        if stamp < self.previous {
            return Err(RowFault::new(Column::Timestamp, Fault::Earlier { previous: self.previous }));
        }
        if stamp <= known.last_stamp && known.has_row {
            return Err(RowFault::new(Column::Timestamp, Fault::Repeated { symbol: known.name.clone() }));
        }
        self.previous = stamp;
        if !known.has_row {
            known.first_stamp = stamp;
            known.has_row = true;
        }
        known.last_stamp = stamp;
        let (open_time, close_time) = match self.options.stamp {
            Stamp::Open => (stamp, stamp.after(self.resolution)),
            Stamp::Close => (stamp.since(self.resolution), stamp),
        };
        if open_time >= self.options.end {
            return Ok(Admission::Past);
        }
        if open_time < self.options.start || known.id.is_none() {
            return Ok(Admission::Unwanted);
        }
        Ok(Admission::Wanted { open_time, close_time })
    }

    /// Checks the numbers of an admitted row and makes the bar.
    ///
    /// # Errors
    /// [`Fault::NotPositive`], [`Fault::Negative`], [`Fault::HighBelow`], [`Fault::LowAbove`], [`Fault::OutOfRange`].
    #[inline]
    pub fn bar(
        &mut self,
        symbol: usize,
        open_time: Nanos,
        close_time: Nanos,
        numbers: &Numbers,
    ) -> Result<Bar, RowFault> {
        let &Numbers { open, high, low, close, volume, snapped } = numbers;
        let is_sound =
            (low > 0) & (low <= open) & (low <= close) & (high >= open) & (high >= close) & (volume.unwrap_or(0) >= 0);
        if !is_sound {
            return Err(fault_of(numbers));
        }
        let volume = match (volume, self.options.volume_unit) {
            (Some(volume), VolumeUnit::Quote) => {
                Some(base_volume(volume, close).ok_or(RowFault::new(Column::Volume, Fault::OutOfRange))?)
            }
            (volume, _) => volume,
        };
        let Some(known) = self.known.get_mut(symbol) else {
            return Err(RowFault { column: None, fault: Fault::Other("a row of an unknown symbol".into()) });
        };
        let bar = Bar {
            instrument: known.id.unwrap_or_default(),
            trades: 0,
            open_time,
            close_time,
            open: Price::from_raw(open),
            high: Price::from_raw(high),
            low: Price::from_raw(low),
            close: Price::from_raw(close),
            volume: volume.map(Qty::from_raw),
        };
        known.tally.observe(&bar, snapped);
        Ok(bar)
    }

    /// Notes that a time stamp named no zone and was read as UTC.
    pub const fn assume_utc(&mut self) {
        self.is_utc_assumed = true;
    }

    /// The length of a bar.
    #[must_use]
    pub const fn resolution(&self) -> Nanos {
        self.resolution
    }

    /// The symbols that were kept, in the order of their ids where the source numbers them itself.
    #[must_use]
    pub fn symbols(&self) -> Vec<&str> {
        self.known.iter().filter(|k| k.id.is_some()).map(|k| &*k.name).collect()
    }

    /// Every symbol seen, with the stamps of its first and last row, those left out included.
    pub fn seen(&self) -> impl Iterator<Item = (&str, Nanos, Nanos)> {
        self.known.iter().filter(|k| k.has_row).map(|k| (&*k.name, k.first_stamp, k.last_stamp))
    }

    /// What was found so far, by symbol name.
    #[must_use]
    pub fn summary(&self) -> DataSummary {
        let kept = self.known.iter().filter(|k| k.tally.rows() > 0);
        let mut symbols: Vec<_> = kept.map(|k| k.tally.summary(&k.name, self.resolution)).collect();
        symbols.sort_by(|a, b| a.symbol.cmp(&b.symbol));
        let mut left_out: Vec<_> =
            self.known.iter().filter(|k| k.id.is_none() && k.has_row).map(|k| k.name.to_string()).collect();
        left_out.sort();
        DataSummary {
            files: vec![self.file.to_string()],
            symbols,
            left_out,
            is_utc_assumed: self.is_utc_assumed,
            volume_unit: self.options.volume_unit,
            stamp: self.options.stamp,
        }
    }
}

/// Whether two short texts are equal. A call of `memcmp` for three bytes took a third of the reading time.
#[inline(always)]
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a == b)
}

/// Which of the checks the numbers fail.
#[cold]
fn fault_of(numbers: &Numbers) -> RowFault {
    let &Numbers { open, high, low, close, volume, .. } = numbers;
    let shown = |steps: i64| Price::from_raw(steps).to_string().into_boxed_str();
    for (column, price) in [(Column::Open, open), (Column::High, high), (Column::Low, low), (Column::Close, close)] {
        if price <= 0 {
            return RowFault::new(column, Fault::NotPositive);
        }
    }
    if volume.is_some_and(|v| v < 0) {
        return RowFault::new(Column::Volume, Fault::Negative);
    }
    for (other, price) in [(Column::Low, low), (Column::Open, open), (Column::Close, close)] {
        if high < price {
            return RowFault::new(Column::High, Fault::HighBelow { other, price: shown(price) });
        }
    }
    let (other, price) = if low > open { (Column::Open, open) } else { (Column::Close, close) };
    RowFault::new(Column::Low, Fault::LowAbove { other, price: shown(price) })
}

/// Quote volume over price in base units, half to even. `None` if it does not fit.
#[inline]
fn base_volume(quote: i64, price: i64) -> Option<i64> {
    const HALF: u64 = 10_000; // 1e8 in two factors
    let (quote, divisor) = (u64::try_from(quote).ok()?, u64::try_from(price).ok()?);
    if divisor == 0 {
        return None;
    }
    if divisor >= u64::MAX / HALF {
        let wide = div_round(i128::from(quote) * i128::from(UNIT), i128::from(divisor), Rounding::HalfEven);
        return i64::try_from(wide).ok();
    }
    // Long division in three digits (1, 1e4, 1e8) stays in 64 bits; a 128-bit division costs ten times as much.
    let (whole, rest) = (quote / divisor, quote % divisor);
    let (first, rest) = (rest * HALF / divisor, rest * HALF % divisor);
    let (second, rest) = (rest * HALF / divisor, rest * HALF % divisor);
    let steps = whole.checked_mul(HALF * HALF)?.checked_add(first * HALF + second)?;
    let is_up = rest > divisor - rest || (rest == divisor - rest && steps & 1 == 1);
    i64::try_from(steps.checked_add(u64::from(is_up))?).ok()
}

/// What a source that is read to its end must have given.
///
/// # Errors
/// [`Fault::NoRows`], [`Fault::NoSuchSymbol`], [`Fault::NothingInRange`].
pub fn check_selection<'a>(
    file: &str,
    asked_for: &[String],
    summary: &DataSummary,
    seen: impl Iterator<Item = (&'a str, Nanos, Nanos)>,
) -> Result<(), SourceError> {
    let seen: Vec<_> = seen.collect();
    if seen.is_empty() {
        return Err(SourceError::of_file(file, Fault::NoRows));
    }
    let has_rows = |name: &str| summary.symbols.iter().any(|s| s.symbol == name);
    let nothing = |&(name, first, last): &(&str, Nanos, Nanos)| {
        SourceError::of_file(file, Fault::NothingInRange { symbol: name.into(), first, last })
    };
    for wanted in asked_for {
        match seen.iter().find(|(name, ..)| name == wanted) {
            Some(row) if !has_rows(wanted) => return Err(nothing(row)),
            Some(_) => {}
            None => {
                let mut names: Vec<_> = seen.iter().map(|(name, ..)| *name).collect();
                names.sort_unstable();
                let more = names.len().saturating_sub(20);
                names.truncate(20);
                let mut holds = names.join(", ");
                if more > 0 {
                    holds.push_str(&format!(" and {more} more"));
                }
                return Err(SourceError::of_file(
                    file,
                    Fault::NoSuchSymbol { wanted: wanted.as_str().into(), holds: holds.into() },
                ));
            }
        }
    }
    match seen.first() {
        Some(row) if summary.symbols.is_empty() => Err(nothing(row)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn checker() -> Checker {
        Checker::new("t", BarOptions::default(), Nanos::MINUTE)
    }
    fn numbers(open: i64, high: i64, low: i64, close: i64, volume: i64) -> Numbers {
        Numbers { open, high, low, close, volume: Some(volume), snapped: 0 }
    }
    fn fault(n: Numbers) -> RowFault {
        let mut checker = checker();
        let symbol = checker.symbol(b"BTC").unwrap();
        checker.bar(symbol, Nanos::ZERO, Nanos::MINUTE, &n).unwrap_err()
    }

    #[test]
    fn each_unsound_bar_names_its_column_and_reason() {
        for (n, column, part) in [
            (numbers(0, 4, 1, 3, 0), Column::Open, "not above zero"),
            (numbers(2, 4, -1, 3, 0), Column::Low, "not above zero"),
            (numbers(2, 4, 1, 3, -5), Column::Volume, "negative"),
            (numbers(2, 1, 2, 1, 0), Column::High, "below the low"),
            (numbers(5, 4, 1, 3, 0), Column::High, "below the open"),
            (numbers(2, 4, 1, 5, 0), Column::High, "below the close"),
            (numbers(2, 9, 3, 3, 0), Column::Low, "above the open"),
            (numbers(4, 9, 3, 2, 0), Column::Low, "above the close"),
        ] {
            let found = fault(n);
            assert_eq!(found.column, Some(column), "{n:?}");
            assert!(found.fault.to_string().contains(part), "{n:?}: {}", found.fault);
        }
    }

    #[test]
    fn rows_must_not_go_back_in_time_nor_repeat_for_a_symbol() {
        let mut checker = checker();
        let (btc, eth) = (checker.symbol(b"BTC").unwrap(), checker.symbol(b"ETH").unwrap());
        assert!(checker.admit(btc, Nanos::MINUTE).is_ok());
        assert!(checker.admit(eth, Nanos::MINUTE).is_ok());
        assert_eq!(checker.admit(eth, Nanos::MINUTE).unwrap_err().fault, Fault::Repeated { symbol: "ETH".into() });
        assert_eq!(checker.admit(btc, Nanos::SECOND).unwrap_err().fault, Fault::Earlier { previous: Nanos::MINUTE });
    }

    #[test]
    fn a_range_keeps_its_start_and_leaves_out_its_end() {
        let options = BarOptions { start: Nanos::MINUTE, end: Nanos::HOUR, ..BarOptions::default() };
        let mut checker = Checker::new("t", options, Nanos::MINUTE);
        let btc = checker.symbol(b"BTC").unwrap();
        assert_eq!(checker.admit(btc, Nanos::ZERO).unwrap(), Admission::Unwanted);
        assert!(matches!(checker.admit(btc, Nanos::MINUTE).unwrap(), Admission::Wanted { .. }));
        assert_eq!(checker.admit(btc, Nanos::HOUR).unwrap(), Admission::Past);
    }

    #[test]
    fn a_stamp_at_the_close_moves_the_bar_back_by_its_length() {
        let options = BarOptions { stamp: Stamp::Close, ..BarOptions::default() };
        let mut checker = Checker::new("t", options, Nanos::MINUTE);
        let btc = checker.symbol(b"BTC").unwrap();
        assert_eq!(
            checker.admit(btc, Nanos::MINUTE).unwrap(),
            Admission::Wanted { open_time: Nanos::ZERO, close_time: Nanos::MINUTE }
        );
    }

    proptest! {
        #[test]
        fn the_fast_division_by_the_price_is_the_exact_one(quote in 0..i64::MAX, price in 1..i64::MAX, shift in 0..40_u32) {
            let price = (price >> shift).max(1);
            let exact = div_round(i128::from(quote) * i128::from(UNIT), i128::from(price), Rounding::HalfEven);
            prop_assert_eq!(base_volume(quote, price), i64::try_from(exact).ok());
        }
    }
}
