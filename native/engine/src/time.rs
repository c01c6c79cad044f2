//! Time as nanoseconds since the Unix epoch, UTC. It is data: the engine never asks a clock.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A moment, or a length of time, in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[repr(transparent)]
#[serde(transparent)]
pub struct Nanos(i64);

impl Nanos {
    /// The epoch, or no time at all.
    pub const ZERO: Self = Self(0);
    /// Later than everything.
    pub const MAX: Self = Self(i64::MAX);
    /// Earlier than everything.
    pub const MIN: Self = Self(i64::MIN);
    /// One second.
    pub const SECOND: Self = Self(1_000_000_000);
    /// One minute.
    pub const MINUTE: Self = Self(60 * 1_000_000_000);
    /// One hour.
    pub const HOUR: Self = Self(3_600 * 1_000_000_000);
    /// One day of 24 hours.
    pub const DAY: Self = Self(86_400 * 1_000_000_000);

    /// From a count of nanoseconds.
    #[must_use]
    pub const fn from_raw(nanos: i64) -> Self {
        Self(nanos)
    }
    /// The count of nanoseconds.
    #[must_use]
    pub const fn raw(self) -> i64 {
        self.0
    }
    /// From a count of milliseconds; stays at the end of time instead of wrapping.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }
    /// The count of whole milliseconds, toward zero.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0 / 1_000_000
    }
    /// The count of whole milliseconds since the epoch, for what knows no time before it: zero there.
    #[must_use]
    #[expect(clippy::cast_sign_loss, reason = "never below zero")]
    pub const fn unsigned_millis(self) -> u64 {
        let millis = self.millis();
        if millis < 0 { 0 } else { millis as u64 }
    }
    /// Later by `length`; stays at the end of time instead of wrapping.
    #[must_use]
    pub const fn after(self, length: Self) -> Self {
        Self(self.0.saturating_add(length.0))
    }
    /// The length from `earlier` to here; negative if that is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
    /// The last multiple of `step` (counted from the epoch) at or before this moment. `step` must be positive.
    #[must_use]
    pub const fn floor_to(self, step: Self) -> Self {
        Self(self.0 - self.0.rem_euclid(step.0))
    }
    /// In seconds, for ratios.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

/// Prints RFC 3339 in UTC, with as many decimals as the value needs in groups of three.
impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(1_000_000_000);
        let nanos = self.0.rem_euclid(1_000_000_000);
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        let second = seconds.rem_euclid(86_400);
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)?;
        match nanos {
            0 => write!(f, "Z"),
            n if n % 1_000_000 == 0 => write!(f, ".{:03}Z", n / 1_000_000),
            n if n % 1_000 == 0 => write!(f, ".{:06}Z", n / 1_000),
            n => write!(f, ".{n:09}Z"),
        }
    }
}
impl fmt::Debug for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Nanos({})", self.0)
    }
}

/// A parsed time stamp, and whether its text named a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parsed {
    /// The moment.
    pub time: Nanos,
    /// The text ended in `Z` or an offset; without one it was read as UTC.
    pub has_zone: bool,
}

/// Parses ISO 8601: `YYYY-MM-DD`, then optionally `T` or a space and `HH:MM[:SS[.fraction]]`, then optionally `Z` or `±HH[:]MM`.
///
/// Returns `None` for anything else, for a date that does not exist, and for years outside 1678 to 2261.
#[must_use]
pub fn parse_iso(text: &[u8]) -> Option<Parsed> {
    let (date, rest) = text.split_at_checked(10)?;
    let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = date else { return None };
    let year = two(y0, y1)? * 100 + two(y2, y3)?;
    let (month, day) = (two(m0, m1)?, two(d0, d1)?);
    if !(1678..=2261).contains(&year) || !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    let mut nanos = days_from_civil(year, month, day) * Nanos::DAY.0;
    let mut rest = rest;
    if let [b'T' | b't' | b' ', h0, h1, b':', i0, i1, tail @ ..] = rest {
        let (hour, minute) = (two(*h0, *h1)?, two(*i0, *i1)?);
        let (second, fraction, tail) = match tail {
            [b':', s0, s1, b'.', tail @ ..] => {
                let (fraction, tail) = fraction_nanos(tail)?;
                (two(*s0, *s1)?, fraction, tail)
            }
            [b':', s0, s1, tail @ ..] => (two(*s0, *s1)?, 0, tail),
            tail => (0, 0, tail),
        };
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        nanos += (hour * 3600 + minute * 60 + second) * Nanos::SECOND.0 + fraction;
        rest = tail;
    }
    let offset_minutes = match rest {
        [] => return Some(Parsed { time: Nanos(nanos), has_zone: false }),
        [b'Z' | b'z'] => 0,
        &[sign @ (b'+' | b'-'), h0, h1, b':', m0, m1] | &[sign @ (b'+' | b'-'), h0, h1, m0, m1] => {
            let (hours, minutes) = (two(h0, h1)?, two(m0, m1)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if sign == b'-' { -1 } else { 1 }
        }
        _ => return None,
    };
    Some(Parsed { time: Nanos(nanos - offset_minutes * Nanos::MINUTE.0), has_zone: true })
}

/// The value of two ASCII digits.
#[inline]
fn two(high: u8, low: u8) -> Option<i64> {
    let (high, low) = (high.wrapping_sub(b'0'), low.wrapping_sub(b'0'));
    (high <= 9 && low <= 9).then(|| i64::from(high) * 10 + i64::from(low))
}

/// One to nine digits after the point as nanoseconds, and what follows them.
fn fraction_nanos(text: &[u8]) -> Option<(i64, &[u8])> {
    let count = text.iter().take_while(|b| b.is_ascii_digit()).count();
    if count == 0 || count > 9 {
        return None;
    }
    let (digits, rest) = text.split_at_checked(count)?;
    let value = digits.iter().fold(0_i64, |sum, d| sum * 10 + i64::from(d - b'0'));
    let missing = 9_u32.checked_sub(u32::try_from(count).ok()?)?;
    Some((value * 10_i64.pow(missing), rest))
}

/// An epoch number in seconds, milli-, micro- or nanoseconds, told apart by size (dates from 1973 to 2261).
#[must_use]
pub fn from_epoch(value: i64) -> Option<Nanos> {
    let factor = match value.unsigned_abs() {
        0..100_000_000_000 => 1_000_000_000,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        _ => 1,
    };
    value.checked_mul(factor).map(Nanos)
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar (years counted from March, so that the leap day is last).
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The date of a count of days since 1970-01-01.
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

/// The year and the month, from 1, of a time.
#[must_use]
pub const fn month_of(time: Nanos) -> (i64, i64) {
    let (year, month, _) = civil_from_days(time.raw().div_euclid(Nanos::DAY.raw()));
    (year, month)
}

/// When a month, from 1, begins.
#[must_use]
pub const fn start_of_month(year: i64, month: i64) -> Nanos {
    Nanos::from_raw(days_from_civil(year, month, 1) * Nanos::DAY.raw())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn iso(text: &str) -> Option<(String, bool)> {
        parse_iso(text.as_bytes()).map(|p| (p.time.to_string(), p.has_zone))
    }

    #[test]
    fn iso_text_is_read_with_and_without_zone() {
        for (text, shown, zone) in [
            ("2021-12-31 23:01:00.000000", "2021-12-31T23:01:00Z", false),
            ("2021-12-31T23:01:00Z", "2021-12-31T23:01:00Z", true),
            ("2021-12-31T23:01:00.5+02:00", "2021-12-31T21:01:00.500Z", true),
            ("2021-12-31T23:01:00-0130", "2022-01-01T00:31:00Z", true),
            ("2024-02-29", "2024-02-29T00:00:00Z", false),
            ("2024-02-29 07:08", "2024-02-29T07:08:00Z", false),
            ("1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999999Z", true),
        ] {
            assert_eq!(iso(text), Some((shown.to_owned(), zone)), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "yesterday",
            "2023-02-29",
            "2023-13-01",
            "2023-01-01T24:00:00",
            "2023-01-01T10:00:00.",
            "2023-01-01X",
            "0001-01-01",
        ] {
            assert_eq!(iso(text), None, "{text}");
        }
    }

    #[test]
    fn the_unit_of_an_epoch_number_is_told_by_its_size() {
        for value in [1_640_995_200, 1_640_995_200_000, 1_640_995_200_000_000, 1_640_995_200_000_000_000] {
            assert_eq!(from_epoch(value).unwrap().to_string(), "2022-01-01T00:00:00Z");
        }
    }

    proptest! {
        #[test]
        fn every_moment_survives_print_and_parse(nanos in -9_000_000_000_000_000_000_i64..9_000_000_000_000_000_000) {
            let printed = Nanos::from_raw(nanos).to_string();
            prop_assert_eq!(parse_iso(printed.as_bytes()).unwrap().time.raw(), nanos);
        }
    }
}
