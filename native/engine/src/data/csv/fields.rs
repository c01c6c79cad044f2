//! Numbers and times out of bytes, eight at a time. What they do not recognise is left to the general parsers.

use crate::data::checks::is_same;
use crate::num::UNIT;
use crate::time::{Nanos, parse_iso};

const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The first eight bytes with `'0'` taken off each, and how many of them, from the first, are digits.
#[inline(always)]
fn digits(text: &[u8]) -> Option<(u64, u32)> {
    let word = u64::from_le_bytes(*text.first_chunk::<8>()?) ^ ZEROS;
    let others = (word.wrapping_add(0x7676_7676_7676_7676) | word) & 0x8080_8080_8080_8080;
    Some((word, others.trailing_zeros() / 8))
}

/// The value of eight digits, the first one the most significant.
#[inline(always)]
const fn eight(word: u64) -> u64 {
    const MASK: u64 = 0x0000_00ff_0000_00ff;
    const HIGH: u64 = 100 + (1_000_000 << 32);
    const LOW: u64 = 1 + (10_000 << 32);
    let pairs = word.wrapping_mul(10).wrapping_add(word >> 8);
    ((pairs & MASK).wrapping_mul(HIGH).wrapping_add(((pairs >> 16) & MASK).wrapping_mul(LOW))) >> 32
}

/// A number without sign and exponent, of at most 8 decimals, in steps of 1e-8, and what follows it.
///
/// `None` for everything else, which is not to say that it is wrong.
#[inline(always)]
pub fn number(text: &[u8]) -> Option<(i64, &[u8])> {
    const WHOLE_MAX: u64 = (i64::MAX / UNIT) as u64;
    const POWERS: [u64; 8] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];
    let (word, count) = digits(text)?;
    if count == 0 {
        return None;
    }
    let mut whole = eight(word << (64 - 8 * count));
    let mut rest = text.get(count as usize..)?;
    if count == 8 {
        let (word, count) = digits(rest)?;
        if count > 0 {
            whole = whole * POWERS.get(count as usize)? + eight(word << (64 - 8 * count));
            rest = rest.get(count as usize..)?;
        }
    }
    if whole >= WHOLE_MAX {
        return None;
    }
    let mut steps = whole * UNIT as u64;
    if let [b'.', fraction @ ..] = rest {
        let (word, count) = digits(fraction)?;
        rest = fraction.get(count as usize..)?;
        if count > 0 {
            // Digits past the last are zeros, so the value of eight is already the count of steps.
            steps += eight(if count == 8 { word } else { word & ((1 << (8 * count)) - 1) });
        }
    }
    Some((steps.cast_signed(), rest))
}

/// Reads time stamps, remembering the date and the ending of the one before: most rows differ in the time of day only.
#[derive(Debug, Default)]
pub struct Clock {
    /// `2021-12-31T`, and its nanoseconds.
    date: Option<([u8; 11], i64)>,
    /// What follows the seconds, and the nanoseconds that it adds.
    ending: Vec<u8>,
    ending_nanos: i64,
    has_zone: bool,
}

impl Clock {
    /// A time stamp that ends where its field does, and whether it names a zone. `None` if it is not ISO 8601 with seconds.
    #[inline(always)]
    pub fn read(&mut self, field: &[u8]) -> Option<(Nanos, bool)> {
        if let Some((date, start)) = &self.date
            && let Some((head, tail)) = field.split_first_chunk::<11>()
            && head == date
            && let Some(seconds) = seconds_of_day(tail)
            && let Some(ending) = tail.get(8..)
            && is_same(ending, &self.ending)
        {
            let time = start + seconds.cast_signed() * Nanos::SECOND.raw() + self.ending_nanos;
            return Some((Nanos::from_raw(time), self.has_zone));
        }
        self.learn(field)
    }

    #[cold]
    fn learn(&mut self, field: &[u8]) -> Option<(Nanos, bool)> {
        let parsed = parse_iso(field)?;
        self.date = None;
        if let Some((head, tail)) = field.split_first_chunk::<11>()
            && let Some(seconds) = seconds_of_day(tail)
            && let Some(date) = parse_iso(head.first_chunk::<10>()?)
            && let Some(ending) = tail.get(8..)
        {
            self.date = Some((*head, date.time.raw()));
            self.ending.clear();
            self.ending.extend_from_slice(ending);
            self.ending_nanos = parsed.time.raw() - date.time.raw() - seconds.cast_signed() * Nanos::SECOND.raw();
            self.has_zone = parsed.has_zone;
        }
        Some((parsed.time, parsed.has_zone))
    }
}

/// `HH:MM:SS` at the start of the text.
#[inline(always)]
fn seconds_of_day(text: &[u8]) -> Option<u64> {
    let word = u64::from_le_bytes(*text.first_chunk::<8>()?) ^ u64::from_le_bytes(*b"00:00:00");
    let others = (word.wrapping_add(0x7676_7676_7676_7676) | word) & 0x8080_8080_8080_8080;
    if others != 0 || word & 0x0000_ff00_00ff_0000 != 0 {
        return None;
    }
    let two = |at: u32| ((word >> at) & 0xf) * 10 + ((word >> (at + 8)) & 0xf);
    let (hour, minute, second) = (two(0), two(24), two(48));
    (hour < 24 && minute < 60 && second < 60).then_some((hour * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::num::parse_decimal;
    use proptest::prelude::*;

    fn fast(text: &str) -> Option<(i64, String)> {
        let padded = format!("{text},0000000000000000");
        let (steps, rest) = number(padded.as_bytes())?;
        let rest = std::str::from_utf8(rest).unwrap();
        Some((steps, rest.strip_suffix("0000000000000000").unwrap().to_owned()))
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_general_parser() {
        for text in ["", "-1", "+1", ".5", "x", "\"1\"", "92233720368.1", "12345678901234567"] {
            assert_eq!(fast(text), None, "{text}");
        }
        // The rest is not at the end of the field, which sends the row to the general parser too.
        assert_eq!(fast("1e5").unwrap().1, "e5,");
        assert_eq!(fast("0.123456789").unwrap().1, "9,");
    }

    #[test]
    fn a_remembered_date_never_hides_a_wrong_time() {
        let mut clock = Clock::default();
        assert!(clock.read(b"2021-12-31 23:01:00.000000").is_some());
        for wrong in [
            "2021-12-31 24:01:00.000000",
            "2021-12-31 23:61:00.000000",
            "2021-12-31 2x:01:00.000000",
            "2021-12-31 23:01",
        ] {
            assert_eq!(
                clock.read(wrong.as_bytes()).map(|t| t.0),
                parse_iso(wrong.as_bytes()).map(|p| p.time),
                "{wrong}"
            );
        }
    }

    proptest! {
        #[test]
        fn plain_numbers_are_read_as_the_general_parser_reads_them(whole in 0_u64..92_233_720_368, fraction in "[0-9]{0,8}", point in any::<bool>()) {
            let text = if point || !fraction.is_empty() { format!("{whole}.{fraction}") } else { whole.to_string() };
            let (steps, rest) = fast(&text).unwrap();
            prop_assert_eq!(rest, ",");
            prop_assert_eq!(steps, parse_decimal(text.as_bytes(), 8).unwrap());
        }

        #[test]
        fn times_are_read_as_the_general_parser_reads_them(
            seconds in prop::collection::vec(0_i64..4_000_000_000, 1..20),
            ending in prop::sample::select(vec!["", "Z", ".5", ".000000", "+02:00", ".25-0130"]),
            separator in prop::sample::select(vec!['T', ' ']),
        ) {
            let mut clock = Clock::default();
            for second in seconds {
                let shown = Nanos::from_raw(second * 1_000_000_000).to_string();
                let text = shown.replace('Z', ending).replace('T', &separator.to_string());
                let parsed = parse_iso(text.as_bytes()).unwrap();
                prop_assert_eq!(clock.read(text.as_bytes()), Some((parsed.time, parsed.has_zone)));
            }
        }
    }
}
