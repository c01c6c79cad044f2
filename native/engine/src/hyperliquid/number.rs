//! Decimals on the wire: strings in plain notation, at most 8 decimals, no exponent, no trailing zero, `0` for zero.
//!
//! That is how [`Price`](crate::num::Price) and [`Qty`](crate::num::Qty) print; no float stands between a strategy and the wire. For fields:
//! `#[serde(with = "number")]`. What comes in may have trailing zeros; what goes out, and is hashed, has none.

use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{self, Deserializer, Visitor};
use serde::ser::Serializer;

use crate::num::NumError;

/// Reads `-`? digits (`.` digits)?: no exponent, no plus, no blank, no bare point.
///
/// # Errors
/// [`NumError`] with the text: not of that form, finer than a step, or out of range.
pub fn parse<T: FromStr<Err = NumError>>(text: &str) -> Result<T, NumError> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if is_digits(whole) && is_digits(fraction) {
        text.parse()
    } else {
        Err(NumError::Invalid { text: text.chars().take(64).collect() })
    }
}

/// Writes a number as a string.
///
/// # Errors
/// The serializer's.
pub fn serialize<T: Display, S: Serializer>(number: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

/// Reads a number from a string, as [`parse`] does.
///
/// # Errors
/// Of [`parse`], and for what is not a string.
pub fn deserialize<'de, T: FromStr<Err = NumError>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Text<T>(PhantomData<T>);
    impl<T: FromStr<Err = NumError>> Visitor<'_> for Text<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a decimal number in a string")
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            parse(text).map_err(E::custom)
        }
    }
    deserializer.deserialize_str(Text(PhantomData))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::num::{Price, Qty};
    use proptest::prelude::*;

    #[test]
    fn a_number_is_written_plain_and_without_trailing_zeros() {
        for (text, wire) in [
            ("100.00", "100"),
            ("0.00000001", "0.00000001"),
            ("1e-5", "0.00001"),
            ("1234567.890", "1234567.89"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("-12.50", "-12.5"),
            ("12E2", "1200"),
        ] {
            assert_eq!(text.parse::<Price>().unwrap().to_string(), wire, "{text}");
        }
    }

    #[test]
    fn only_plain_notation_is_read() {
        assert_eq!(parse::<Qty>("25.200"), Ok(Qty::from_raw(2_520_000_000)));
        assert_eq!(parse::<Qty>("-0"), Ok(Qty::ZERO));
        for text in ["", "-", ".5", "5.", "+1", " 1", "1 ", "1e3", "1.2.3", "0x10", "NaN", "--1", "1_000", "١"] {
            assert_eq!(parse::<Qty>(text), Err(NumError::Invalid { text: text.into() }), "{text}");
        }
        assert!(matches!(parse::<Qty>("0.123456789"), Err(NumError::TooFine { .. })));
        assert!(matches!(parse::<Qty>("92233720368.54775808"), Err(NumError::OutOfRange { .. })));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(steps in any::<i64>().prop_filter("no opposite", |s| *s != i64::MIN)) {
            prop_assert_eq!(parse::<Price>(&Price::from_raw(steps).to_string()), Ok(Price::from_raw(steps)));
        }
    }
}
