//! Statistics: what the exchange sums in binary floats and sends with their dust, rounded here and nowhere else.

use std::fmt;

use super::error::MessageError;
use crate::num::{Money, NumError, Price, Qty, UNIT};

/// A number that informs and settles nothing (volume, valuation, mid price), in steps of 1e-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Statistic(i128);

impl Statistic {
    /// Digits after the point.
    pub const DECIMALS: u32 = 8;

    /// Parses a decimal, half to even at 1e-8.
    ///
    /// # Errors
    /// [`MessageError::Number`].
    pub fn parse(text: &str, field: &'static str) -> Result<Self, MessageError> {
        rounded(text, Self::DECIMALS).map(Self).map_err(|fault| MessageError::Number { field, fault })
    }
    /// The count of steps.
    #[must_use]
    pub const fn raw(self) -> i128 {
        self.0
    }
    /// The nearest float.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / UNIT as f64
    }
    /// As a price.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn price(self) -> Result<Price, NumError> {
        self.narrow("a price").map(Price::from_raw)
    }
    /// As a quantity.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn quantity(self) -> Result<Qty, NumError> {
        self.narrow("a quantity").map(Qty::from_raw)
    }
    /// As an amount.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn money(self) -> Result<Money, NumError> {
        self.narrow("an amount").map(Money::from_raw)
    }
    fn narrow(self, operation: &'static str) -> Result<i64, NumError> {
        i64::try_from(self.0).map_err(|_| NumError::Overflow { operation })
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_steps(f, self.0, Self::DECIMALS)
    }
}

/// Writes a count of steps of `10^-decimals` without trailing zeros.
pub(super) fn write_steps(f: &mut impl fmt::Write, steps: i128, decimals: u32) -> fmt::Result {
    let unit = 10_u128.pow(decimals);
    let (whole, part) = (steps.unsigned_abs() / unit, steps.unsigned_abs() % unit);
    f.write_str(if steps < 0 { "-" } else { "" })?;
    write!(f, "{whole}")?;
    if part == 0 {
        return Ok(());
    }
    let digits = format!("{part:0width$}", width = usize::try_from(decimals).unwrap_or_default());
    write!(f, ".{}", digits.trim_end_matches('0'))
}

/// Parses a decimal (sign, digits, point, exponent) to the nearest step of `10^-decimals`, a tie to the even one.
///
/// # Errors
/// [`NumError`] with the text: not a number, or out of the range of `i128`.
pub(super) fn rounded(text: &str, decimals: u32) -> Result<i128, NumError> {
    let invalid = || NumError::Invalid { text: text.to_owned() };
    let out_of_range = || NumError::OutOfRange { text: text.to_owned(), limit: "about 1e30" };
    let (is_negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (digits, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().map_err(|_| invalid())?),
        None => (unsigned, 0),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && part.is_empty() {
        return Err(invalid());
    }
    // Digits that still count as steps; the first behind them, and whether anything follows it, decide the rounding.
    let kept = i64::try_from(whole.len()).unwrap_or(i64::MAX).saturating_add(i64::from(exponent) + i64::from(decimals));
    let (mut steps, mut next, mut has_more) = (0_i128, 0, false);
    let mut count = 0_i64;
    for byte in whole.bytes().chain(part.bytes()) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(invalid());
        }
        if count < kept {
            let shifted = steps.checked_mul(10).and_then(|steps| steps.checked_add(i128::from(digit)));
            steps = shifted.ok_or_else(out_of_range)?;
        } else if count == kept {
            next = digit;
        } else {
            has_more |= digit != 0;
        }
        count += 1;
    }
    if steps != 0 && count < kept {
        let power = u32::try_from(kept - count).ok().and_then(|missing| 10_i128.checked_pow(missing));
        steps = power.and_then(|power| steps.checked_mul(power)).ok_or_else(out_of_range)?;
    }
    // Where even the first digit lies far behind the last step, nothing is left to round.
    let is_up = kept >= 0 && (next > 5 || (next == 5 && (has_more || steps & 1 == 1)));
    let steps = steps.checked_add(i128::from(is_up)).ok_or_else(out_of_range)?;
    Ok(if is_negative { -steps } else { steps })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::num::{Rounding, div_round};
    use proptest::prelude::*;

    #[test]
    fn dust_is_rounded_half_to_even_and_what_is_exact_stays() {
        for (text, steps) in [
            ("605822.2557999999", 60_582_225_580_000_i128),
            ("170043721737.450012207", 17_004_372_173_745_001_221),
            ("2703997.4500000002", 270_399_745_000_000),
            ("0.000000005", 0),
            ("0.000000015", 2),
            ("0.0000000150", 2),
            ("0.0000000050000001", 1),
            ("-0.000000015", -2),
            ("-0", 0),
            ("1e-9", 0),
            ("6e-9", 1),
            ("5e-10", 0),
            ("9e-10", 0),
            ("1.5E3", 150_000_000_000),
            (".5", 50_000_000),
            ("0e999999", 0),
        ] {
            assert_eq!(rounded(text, 8), Ok(steps), "{text}");
        }
        assert_eq!(Statistic::parse("170043721737.450012207", "v").unwrap().to_string(), "170043721737.45001221");
        for text in ["", ".", "-", "1.2.3", "1e", "0x1", "NaN", "1e99", "1e2147483647", "+1", " 1"] {
            assert!(rounded(text, 8).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn rounding_agrees_with_a_division(steps in any::<i64>(), decimals in 0_u32..18) {
            let mut text = String::new();
            write_steps(&mut text, i128::from(steps), decimals).unwrap();
            let expected = if decimals > 8 {
                div_round(i128::from(steps), 10_i128.pow(decimals - 8), Rounding::HalfEven)
            } else {
                i128::from(steps) * 10_i128.pow(8 - decimals)
            };
            prop_assert_eq!(rounded(&text, 8).unwrap(), expected, "{}", text);
        }
    }
}
