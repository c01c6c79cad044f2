//! The book as the exchange writes it, read in one pass without a look at what lies between its levels.
//!
//! A message of this shape is two kilobytes of forty levels, and the busiest of all. Anything that is not exactly so
//! (spaces, other keys, escapes, nine decimals) is left to the general reader: here it is no error, only `None`.

use super::kinds::MILLIS;
use crate::data::tick::mark_book;
use crate::instrument::InstrumentId;
use crate::num::{Price, Qty, UNIT};
use crate::row::{Row, RowKind, RowSide};
use crate::time::Nanos;

/// Levels for which there is room from the start: what the exchange shows.
const LEVELS: usize = 40;

/// Appends the rows of a message of the channel `l2Book`, and returns its time; `None`, and nothing is appended, where the
/// general reader has to look.
pub fn book_message(
    bytes: &[u8],
    find: impl FnOnce(&str) -> Option<InstrumentId>,
    local_time: Nanos,
    rows: &mut Vec<Row>,
) -> Option<Nanos> {
    let mut cursor = Cursor(bytes);
    cursor.expect(br#"{"channel":"l2Book","data":"#)?;
    let from = rows.len();
    let time = cursor.book(find, local_time, rows);
    if time.is_none() || cursor.0 != b"}" {
        rows.truncate(from);
        return None;
    }
    time
}

/// What is not read yet.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    #[inline(always)]
    fn take(&mut self, wanted: &[u8]) -> bool {
        match self.0.strip_prefix(wanted) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    #[inline(always)]
    fn expect(&mut self, wanted: &[u8]) -> Option<()> {
        self.take(wanted).then_some(())
    }

    /// `{"coin":…,"time":…,"levels":[[…],[…]]}`, the last two in either order.
    fn book(
        &mut self,
        find: impl FnOnce(&str) -> Option<InstrumentId>,
        local_time: Nanos,
        rows: &mut Vec<Row>,
    ) -> Option<Nanos> {
        self.expect(br#"{"coin":""#)?;
        let instrument = find(self.name()?)?;
        let row = Row::new(RowKind::BookSnapshot, instrument, Nanos::ZERO, local_time);
        let from = rows.len();
        if self.take(br#","time":"#) {
            let time = self.time()?;
            let row = Row { exchange_time: time, ..row };
            self.expect(br#","levels":"#)?;
            self.levels(row, rows)?;
            self.expect(b"}")?;
            mark_book(rows, from, row);
            return Some(time);
        }
        self.expect(br#","levels":"#)?;
        self.levels(row, rows)?;
        self.expect(br#","time":"#)?;
        let time = self.time()?;
        self.expect(b"}")?;
        for row in rows.iter_mut().skip(from) {
            row.exchange_time = time;
        }
        mark_book(rows, from, Row { exchange_time: time, ..row });
        Some(time)
    }

    fn levels(&mut self, row: Row, rows: &mut Vec<Row>) -> Option<()> {
        rows.reserve(LEVELS);
        self.expect(b"[[")?;
        self.side(row, RowSide::Buy, rows)?;
        self.expect(b",[")?;
        self.side(row, RowSide::Sell, rows)?;
        self.expect(b"]")
    }

    #[inline(always)]
    fn side(&mut self, row: Row, side: RowSide, rows: &mut Vec<Row>) -> Option<()> {
        if self.take(b"]") {
            return Some(());
        }
        loop {
            let (price, quantity) = self.level()?;
            rows.push(row.at(side, Price::from_raw(price), Qty::from_raw(quantity)));
            if !self.take(b",") {
                return self.expect(b"]");
            }
        }
    }

    /// `{"px":"…","sz":"…","n":…}`, or with its keys sorted.
    #[inline(always)]
    fn level(&mut self) -> Option<(i64, i64)> {
        if self.take(br#"{"px":""#) {
            let price = self.steps()?;
            self.expect(br#"","sz":""#)?;
            let quantity = self.steps()?;
            self.expect(br#"","n":"#)?;
            self.integer()?;
            self.expect(b"}")?;
            return Some((price, quantity));
        }
        self.expect(br#"{"n":"#)?;
        self.integer()?;
        self.expect(br#","px":""#)?;
        let price = self.steps()?;
        self.expect(br#"","sz":""#)?;
        let quantity = self.steps()?;
        self.expect(br#""}"#)?;
        Some((price, quantity))
    }

    /// Up to the closing quote, which is taken too.
    fn name(&mut self) -> Option<&'a str> {
        let end = memchr::memchr(b'"', self.0)?;
        let (name, rest) = self.0.split_at_checked(end)?;
        self.0 = rest.get(1..)?;
        let is_plain = name.iter().all(|byte| matches!(byte, b' '..=b'~' if *byte != b'\\'));
        if is_plain { std::str::from_utf8(name).ok() } else { None }
    }

    fn time(&mut self) -> Option<Nanos> {
        let millis = i64::try_from(self.integer()?).ok()?;
        millis.checked_mul(MILLIS).filter(|nanos| *nanos > 0).map(Nanos::from_raw)
    }

    /// A whole number as JSON has it, of at most 15 digits.
    #[inline(always)]
    fn integer(&mut self) -> Option<u64> {
        if let [digit @ b'0'..=b'9', next, ..] = self.0
            && !next.is_ascii_digit()
        {
            self.0 = self.0.get(1..)?;
            return Some(u64::from(digit - b'0'));
        }
        if let [b'0', ..] = self.0 {
            return None;
        }
        self.whole()
    }

    #[inline(always)]
    fn whole(&mut self) -> Option<u64> {
        let (digits, count) = self.digits();
        if count == 0 {
            return None;
        }
        self.0 = self.0.get(count..)?;
        let value = eight(digits << (8 * (8 - count)));
        if count < 8 { Some(value) } else { self.more_digits(value) }
    }

    #[inline(never)]
    fn more_digits(&mut self, value: u64) -> Option<u64> {
        let (digits, count) = self.digits();
        if count == 0 {
            return Some(value);
        }
        if count == 8 {
            return None;
        }
        self.0 = self.0.get(count..)?;
        let scale = 10_u64.pow(u32::try_from(count).ok()?);
        value.checked_mul(scale)?.checked_add(eight(digits << (8 * (8 - count))))
    }

    /// A decimal of at most eight digits behind the point, in steps of 1e-8.
    #[inline(always)]
    fn steps(&mut self) -> Option<i64> {
        let whole = i64::try_from(self.whole()?).ok()?.checked_mul(UNIT)?;
        let [b'.', rest @ ..] = self.0 else { return Some(whole) };
        self.0 = rest;
        let (digits, count) = self.digits();
        if count == 0 {
            return None;
        }
        self.0 = self.0.get(count..)?;
        // The places behind the last digit are zeros, as eight decimals need them.
        let part = if count == 8 { digits } else { digits & ((1 << (8 * count)) - 1) };
        whole.checked_add(i64::try_from(eight(part)).ok()?)
    }

    /// The next eight bytes less `0` each, the first in the lowest place, and how many of them are digits before any
    /// other byte comes.
    #[inline(always)]
    fn digits(&self) -> (u64, usize) {
        const ZEROS: u64 = u64::from_ne_bytes([b'0'; 8]);
        const ABOVE_NINE: u64 = u64::from_ne_bytes([0x80 - 10; 8]);
        const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
        let word = match self.0.first_chunk() {
            Some(bytes) => u64::from_le_bytes(*bytes),
            None => last_word(self.0),
        };
        let digits = word ^ ZEROS;
        // A carry out of a byte that is no digit only changes bytes behind it.
        let others = (digits.wrapping_add(ABOVE_NINE) | digits) & HIGH;
        (digits, (others.trailing_zeros() / 8) as usize)
    }
}

/// Fewer than eight bytes, with zeros behind them.
#[cold]
fn last_word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
    u64::from_le_bytes(word)
}

/// Eight digits, the first in the lowest byte, as a number: pairs, then fours, then all, side by side.
#[inline(always)]
const fn eight(digits: u64) -> u64 {
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff
}

#[cfg(test)]
#[path = "fast_tests.rs"]
mod tests;
