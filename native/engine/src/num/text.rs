//! Decimals as people and files write them, and floats that mean one: into steps and back, exactly.

use std::fmt;

use super::{NumError, UNIT};

/// How far from a step, in units in the last place of an `f64`, a float may lie and still mean that step.
pub const SNAP_ULPS: f64 = 4.0;

/// Parses decimal text (sign, digits, point, exponent) into steps of `10^-decimals`, exactly.
///
/// # Errors
/// [`NumError`] with the text: not a number, not finite, finer than a step, or out of range.
pub fn parse_decimal(text: &[u8], decimals: u32) -> Result<i64, NumError> {
    let shown = || String::from_utf8_lossy(text).into_owned();
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let mut mantissa: i128 = 0;
    let mut fraction_digits: i64 = 0;
    let mut seen_digit = false;
    let mut seen_point = false;
    let mut rest = digits;
    while let [byte, tail @ ..] = rest {
        match byte {
            b'0'..=b'9' => {
                seen_digit = true;
                // Beyond 36 digits only trailing zeros can be exact; they are dropped rather than multiplied in.
                if mantissa > 10_i128.pow(35) {
                    if *byte != b'0' {
                        return Err(NumError::TooFine { text: shown(), decimals });
                    }
                    fraction_digits -= i64::from(!seen_point);
                } else {
                    mantissa = mantissa * 10 + i128::from(byte - b'0');
                    fraction_digits += i64::from(seen_point);
                }
            }
            b'.' if !seen_point => seen_point = true,
            b'e' | b'E' if seen_digit => {
                let exponent = std::str::from_utf8(tail).ok().and_then(|t| t.parse::<i32>().ok());
                let exponent = exponent.ok_or_else(|| NumError::Invalid { text: shown() })?;
                fraction_digits -= i64::from(exponent);
                break;
            }
            _ => return Err(not_a_number(text)),
        }
        rest = tail;
    }
    if !seen_digit {
        return Err(not_a_number(text));
    }
    let out_of_range = || NumError::OutOfRange { text: shown(), limit: limit_text(decimals) };
    let shift = i64::from(decimals) - fraction_digits;
    let steps = if mantissa == 0 {
        0
    } else if shift >= 0 {
        let power = u32::try_from(shift).ok().and_then(|s| 10_i128.checked_pow(s)).ok_or_else(out_of_range)?;
        mantissa.checked_mul(power).ok_or_else(out_of_range)?
    } else {
        let power = u32::try_from(-shift).ok().and_then(|s| 10_i128.checked_pow(s));
        match power {
            Some(power) if mantissa % power == 0 => mantissa / power,
            _ => return Err(NumError::TooFine { text: shown(), decimals }),
        }
    };
    let steps = i64::try_from(steps).map_err(|_| out_of_range())?;
    Ok(if negative { -steps } else { steps })
}

fn not_a_number(text: &[u8]) -> NumError {
    let shown = String::from_utf8_lossy(text).into_owned();
    let bare = shown.trim_start_matches(['-', '+']).to_ascii_lowercase();
    if matches!(bare.as_str(), "nan" | "inf" | "infinity") {
        NumError::NotFinite { text: shown }
    } else {
        NumError::Invalid { text: shown }
    }
}

pub(super) const fn limit_text(decimals: u32) -> &'static str {
    if decimals == 8 { "92,233,720,368" } else { "9,223,372" }
}

/// A parsed number, and whether it had to be moved to its step (at most [`SNAP_ULPS`] away).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapped {
    /// The value in steps of 1e-8.
    pub steps: i64,
    /// The text or float was not exactly this step.
    pub moved: bool,
}

/// Parses decimal text at 1e-8; text finer than that which is the print of a float within 4 ulp of a step is that step.
///
/// Files written from floats hold values such as `0.00031099999999999997`, which mean `0.000311`.
///
/// # Errors
/// As [`parse_decimal`].
pub fn parse_snapped(text: &[u8]) -> Result<Snapped, NumError> {
    match parse_decimal(text, 8) {
        Ok(steps) => Ok(Snapped { steps, moved: false }),
        Err(error @ NumError::TooFine { .. }) => {
            let float = std::str::from_utf8(text).ok().and_then(|t| t.parse::<f64>().ok());
            float.and_then(snap).map(|steps| Snapped { steps, moved: true }).ok_or(error)
        }
        Err(error) => Err(error),
    }
}

/// Below this many steps (2^26 in units) floats lie closer together than steps do, so that each step has a float of its own.
pub(crate) const STEPS_OF_ONE_FLOAT: f64 = 6_710_886_400_000_000.0;

/// Converts a float to steps of 1e-8: the decimal that its shortest print shows, or the step within 4 ulp.
///
/// # Errors
/// [`NumError`] with the value: NaN, infinite, finer than a step, or out of range.
pub fn from_f64(value: f64) -> Result<Snapped, NumError> {
    let scaled = (value * UNIT as f64).round();
    #[expect(clippy::float_cmp, reason = "the question is whether this is the float nearest to the step")]
    if scaled.abs() < STEPS_OF_ONE_FLOAT && scaled / UNIT as f64 == value {
        #[expect(clippy::cast_possible_truncation, reason = "an integer below 2^53")]
        return Ok(Snapped { steps: scaled as i64, moved: false });
    }
    parse_snapped(value.to_string().as_bytes())
}

/// The step of 1e-8 within [`SNAP_ULPS`] of `value`, if there is one.
fn snap(value: f64) -> Option<i64> {
    let nearest = (value * UNIT as f64).round();
    let distance = (value - nearest / UNIT as f64).abs();
    let ulp = f64::from_bits(value.abs().to_bits() + 1) - value.abs();
    #[expect(clippy::cast_possible_truncation, reason = "bounded by the comparison")]
    (nearest.abs() < i64::MAX as f64 && distance <= SNAP_ULPS * ulp).then_some(nearest as i64)
}

/// Writes steps of `10^-decimals` as a decimal without trailing zeros.
pub(super) fn write_decimal(f: &mut fmt::Formatter<'_>, steps: i64, decimals: usize, unit: u64) -> fmt::Result {
    let magnitude = steps.unsigned_abs();
    let (whole, mut fraction) = (magnitude / unit, magnitude % unit);
    let sign = if steps < 0 { "-" } else { "" };
    if fraction == 0 {
        return write!(f, "{sign}{whole}");
    }
    let mut width = decimals;
    while fraction % 10 == 0 {
        fraction /= 10;
        width -= 1;
    }
    write!(f, "{sign}{whole}.{fraction:0width$}")
}

#[cfg(test)]
mod tests {
    use super::super::{Price, Rate};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_parsed_exactly_and_printed_without_trailing_zeros() {
        for (text, steps, shown) in [
            ("0", 0, "0"),
            ("-0.00000001", -1, "-0.00000001"),
            ("46319.0", 4_631_900_000_000, "46319"),
            ("1.50", 150_000_000, "1.5"),
            ("+.5", 50_000_000, "0.5"),
            ("7.", 700_000_000, "7"),
            ("1e-5", 1_000, "0.00001"),
            ("12E2", 120_000_000_000, "1200"),
            ("1.000000000000000000000000000000000000000000", UNIT, "1"),
            ("92233720368.54775807", i64::MAX, "92233720368.54775807"),
        ] {
            let price: Price = text.parse().unwrap();
            assert_eq!((price.raw(), price.to_string().as_str()), (steps, shown), "{text}");
        }
    }

    #[test]
    fn what_is_not_an_exact_decimal_is_refused_with_the_text() {
        for (text, part) in [
            ("", "not a number"),
            ("abc", "`abc` is not a number"),
            ("1.2.3", "not a number"),
            ("-", "not a number"),
            ("1e", "not a number"),
            ("NaN", "not a finite"),
            ("-inf", "not a finite"),
            ("46000.123456789", "finer than 1e-8"),
            ("1e-9", "finer than 1e-8"),
            ("92233720368.54775808", "out of range"),
            ("1e30", "out of range"),
        ] {
            let error = text.parse::<Price>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn a_float_within_four_ulp_of_a_step_is_that_step_and_says_so() {
        assert_eq!(parse_snapped(b"0.00031099999999999997").unwrap(), Snapped { steps: 31_100, moved: true });
        assert_eq!(parse_snapped(b"0.000311").unwrap(), Snapped { steps: 31_100, moved: false });
        assert_eq!(from_f64(0.000_311).unwrap(), Snapped { steps: 31_100, moved: false });
        assert_eq!(from_f64(0.1 + 0.2).unwrap(), Snapped { steps: 30_000_000, moved: true });
        assert!(parse_snapped(b"46000.123456789").is_err());
        assert!(from_f64(46_000.123_456_789).is_err());
        assert!(from_f64(f64::NAN).is_err());
        assert_eq!(from_f64(123_456_789.123_456_79).unwrap().steps, 12_345_678_912_345_679);
    }

    proptest! {
        #[test]
        fn every_value_survives_print_and_parse(steps in any::<i64>().prop_filter("no opposite", |s| *s != i64::MIN)) {
            prop_assert_eq!(Price::from_raw(steps).to_string().parse::<Price>().unwrap().raw(), steps);
            prop_assert_eq!(Rate::from_raw(steps).to_string().parse::<Rate>().unwrap().raw(), steps);
        }

        #[test]
        fn every_double_of_fifteen_digits_is_its_decimal(steps in -900_000_000_000_000_i64..900_000_000_000_000) {
            let float: f64 = Price::from_raw(steps).to_string().parse().unwrap();
            prop_assert_eq!(from_f64(float).unwrap().steps, steps);
        }
    }
}
