//! Numbers and times out of the values of a field, or what is wrong with them. Part of the checks of a row.

use crate::data::fault::Fault;
use crate::num::{STEPS_OF_ONE_FLOAT, Snapped, UNIT, from_f64, parse_snapped};
use crate::time::{Nanos, from_epoch, parse_iso};

/// A number of a text field.
///
/// # Errors
/// [`Fault::Missing`] for empty text and the words for it, else what [`parse_snapped`] says.
pub fn number_of_text(text: &[u8]) -> Result<Snapped, Fault> {
    if is_missing(text) {
        return Err(Fault::Missing);
    }
    Ok(parse_snapped(text)?)
}

/// A number of a float.
///
/// # Errors
/// What [`from_f64`] says.
#[inline]
pub fn number_of_float(value: f64) -> Result<Snapped, Fault> {
    // As the first test of `from_f64`, but without a call of `round`, which takes half of the time of reading a table.
    let scaled = value * UNIT as f64;
    if (0.0..STEPS_OF_ONE_FLOAT).contains(&scaled) {
        #[expect(clippy::cast_possible_truncation, reason = "an integer below 2^53")]
        let steps = (scaled + 0.5) as i64;
        #[expect(clippy::float_cmp, reason = "the question is whether this is the float nearest to the step")]
        if steps as f64 / UNIT as f64 == value {
            return Ok(Snapped { steps, moved: false });
        }
    }
    Ok(from_f64(value)?)
}

/// A time of a text field, ISO 8601 or an epoch number, and whether it names a zone.
///
/// # Errors
/// [`Fault::Missing`], [`Fault::NotATime`].
pub fn time_of_text(text: &[u8]) -> Result<(Nanos, bool), Fault> {
    if is_missing(text) {
        return Err(Fault::Missing);
    }
    if let Some(parsed) = parse_iso(text) {
        return Ok((parsed.time, parsed.has_zone));
    }
    let number = std::str::from_utf8(text).ok().and_then(|t| t.trim_end_matches('0').strip_suffix('.').or(Some(t)));
    let time = number.and_then(|t| t.parse::<i64>().ok()).and_then(from_epoch);
    time.map(|time| (time, true)).ok_or(Fault::NotATime)
}

fn is_missing(text: &[u8]) -> bool {
    text.is_empty() || [&b"null"[..], b"none", b"na", b"n/a"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_for_nothing_are_missing_and_words_are_no_numbers() {
        assert_eq!(number_of_text(b""), Err(Fault::Missing));
        assert_eq!(number_of_text(b"null"), Err(Fault::Missing));
        assert_eq!(number_of_text(b"NaN"), Err(Fault::NotFinite));
        assert_eq!(number_of_text(b"-inf"), Err(Fault::NotFinite));
        assert_eq!(number_of_text(b"1,5"), Err(Fault::NotANumber));
        assert_eq!(number_of_text(b"1.123456789"), Err(Fault::TooFine));
        assert_eq!(number_of_text(b"1e30"), Err(Fault::OutOfRange));
        assert_eq!(time_of_text(b"soon"), Err(Fault::NotATime));
    }

    #[test]
    fn times_are_read_as_iso_text_or_as_numbers() {
        for text in ["2022-01-01", "1640995200", "1640995200000", "1640995200.0", "1640995200000000000"] {
            assert_eq!(time_of_text(text.as_bytes()).unwrap().0.to_string(), "2022-01-01T00:00:00Z", "{text}");
        }
    }

    proptest! {
        #[test]
        fn floats_are_read_as_the_exact_conversion_reads_them(steps in any::<i64>(), shift in 0..63_u32, bits in any::<u64>()) {
            for value in [(steps >> shift) as f64 / 1e8, f64::from_bits(bits)] {
                prop_assert_eq!(number_of_float(value), from_f64(value).map_err(Fault::from));
            }
        }
    }
}
