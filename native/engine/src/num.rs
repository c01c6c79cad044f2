//! Exact numbers: prices, quantities and money as `i64` in steps of 1e-8, rates in steps of 1e-12.
//!
//! Every operation is checked: an overflow, a value finer than its step, or a NaN is an error that carries the value.
//! Products go through `i128`. Where a product has to be rounded, [`Rounding`] names the rule; half to even is the default.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Steps in one unit of price, quantity or money: 1e8.
pub const UNIT: i64 = 100_000_000;
/// Steps in one unit of a rate: 1e12.
pub const RATE_UNIT: i64 = 1_000_000_000_000;
/// How far from a step, in units in the last place of an `f64`, a float may lie and still mean that step.
pub const SNAP_ULPS: f64 = 4.0;

/// Why a number was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumError {
    /// The text is not a decimal number.
    #[error("`{text}` is not a number")]
    Invalid {
        /// The text as given.
        text: String,
    },
    /// NaN or infinity.
    #[error("`{text}` is not a finite number")]
    NotFinite {
        /// The text as given.
        text: String,
    },
    /// More decimals than the type holds.
    #[error("`{text}` is finer than 1e-{decimals}: round it to at most {decimals} decimals")]
    TooFine {
        /// The text as given.
        text: String,
        /// How many decimals the type holds.
        decimals: u32,
    },
    /// The value does not fit.
    #[error("`{text}` is out of range: the largest value is about {limit}")]
    OutOfRange {
        /// The text as given.
        text: String,
        /// The largest value, as text.
        limit: &'static str,
    },
    /// A sum or product left the range of `i64`.
    #[error("{operation} overflows: the result is beyond ±92,233,720,368.54775807")]
    Overflow {
        /// What was computed.
        operation: &'static str,
    },
    /// A division by zero.
    #[error("{operation} divides by zero")]
    DivisionByZero {
        /// What was computed.
        operation: &'static str,
    },
}

/// How a product or quotient that is not a whole number of steps is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Rounding {
    /// To the nearest step, a tie to the even one (the default).
    #[default]
    HalfEven,
    /// Toward zero.
    TowardZero,
    /// Toward negative infinity.
    Floor,
    /// Toward positive infinity.
    Ceil,
}

/// Divides `n` by `d > 0` and rounds the quotient.
#[must_use]
pub fn div_round(n: i128, d: i128, rounding: Rounding) -> i128 {
    debug_assert!(d > 0);
    let (quotient, remainder) = match (i64::try_from(n), i64::try_from(d)) {
        // A division of 64 bits is many times faster than one of 128.
        (Ok(n), Ok(d)) => (i128::from(n.div_euclid(d)), i128::from(n.rem_euclid(d))),
        _ => {
            let (quotient, remainder) = (n / d, n % d);
            if remainder < 0 { (quotient - 1, remainder + d) } else { (quotient, remainder) }
        }
    };
    round_quotient(quotient, remainder, d, rounding, n < 0)
}

/// The quotient of a Euclidean division, adjusted by the rule. `negative`: the dividend was below zero.
#[inline]
fn round_quotient(quotient: i128, remainder: i128, d: i128, rounding: Rounding, negative: bool) -> i128 {
    let up = match rounding {
        Rounding::HalfEven => {
            let twice = remainder * 2;
            twice > d || (twice == d && quotient & 1 == 1)
        }
        Rounding::TowardZero => negative && remainder != 0,
        Rounding::Floor => false,
        Rounding::Ceil => remainder != 0,
    };
    quotient + i128::from(up)
}

/// Divides by 1e8 and rounds: the step from a product of two 1e-8 numbers (1e-16) back to 1e-8.
///
/// A general 128-bit division costs tens of nanoseconds. `1e8 = 2^8 * 5^8`, and `5^8` has 19 bits, so long division in
/// limbs of 44 bits needs only 64-bit divisions by a constant, which compile to multiplications.
#[inline]
#[must_use]
pub fn rescale(n: i128, rounding: Rounding) -> i128 {
    const D: u64 = 390_625; // 5^8
    const LIMB: u32 = 44;
    const MASK: u128 = (1 << LIMB) - 1;
    let magnitude = n.unsigned_abs();
    let shifted = magnitude >> 8;
    let (quotient, r0) = if let Ok(small) = u64::try_from(shifted) {
        // Up to 472,236 units of money: one limb does.
        (i128::from(small / D), small % D)
    } else {
        let limb = |at: u32| ((shifted >> at) & MASK) as u64;
        let top = limb(2 * LIMB);
        let (q2, r2) = (top / D, top % D);
        let middle = (r2 << LIMB) | limb(LIMB);
        let (q1, r1) = (middle / D, middle % D);
        let low = (r1 << LIMB) | limb(0);
        ((i128::from(q2) << (2 * LIMB)) + (i128::from(q1) << LIMB) + i128::from(low / D), low % D)
    };
    let remainder = (r0 << 8) | (magnitude & 0xff) as u64;
    let negative = n < 0;
    let up = match rounding {
        // More than half, or half and odd, without a branch that no predictor can learn.
        Rounding::HalfEven => remainder + u64::from(quotient & 1 == 1) > UNIT as u64 / 2,
        Rounding::TowardZero => false,
        Rounding::Floor => negative && remainder != 0,
        Rounding::Ceil => !negative && remainder != 0,
    };
    let rounded = quotient + i128::from(up);
    if negative { -rounded } else { rounded }
}

fn narrow(n: i128, operation: &'static str) -> Result<i64, NumError> {
    i64::try_from(n).map_err(|_| NumError::Overflow { operation })
}

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

const fn limit_text(decimals: u32) -> &'static str {
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
fn write_decimal(f: &mut fmt::Formatter<'_>, steps: i64, decimals: usize, unit: u64) -> fmt::Result {
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

macro_rules! fixed {
    ($(#[$doc:meta])* $name:ident, $decimals:literal, $unit:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[repr(transparent)]
        #[serde(transparent)]
        pub struct $name(i64);

        #[expect(clippy::should_implement_trait, reason = "checked sums return a Result, which the operators cannot")]
        impl $name {
            /// Zero.
            pub const ZERO: Self = Self(0);
            /// One unit.
            pub const ONE: Self = Self($unit);
            /// The largest value.
            pub const MAX: Self = Self(i64::MAX);
            /// Digits after the point.
            pub const DECIMALS: u32 = $decimals;

            /// From a count of steps.
            #[must_use]
            pub const fn from_raw(steps: i64) -> Self {
                Self(steps)
            }
            /// The count of steps.
            #[must_use]
            pub const fn raw(self) -> i64 {
                self.0
            }
            /// Whether it is zero.
            #[must_use]
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }
            /// Whether it is above zero.
            #[must_use]
            pub const fn is_positive(self) -> bool {
                self.0 > 0
            }
            /// Whether it is below zero.
            #[must_use]
            pub const fn is_negative(self) -> bool {
                self.0 < 0
            }
            /// The sum.
            ///
            /// # Errors
            /// [`NumError::Overflow`].
            pub fn add(self, other: Self) -> Result<Self, NumError> {
                self.0.checked_add(other.0).map(Self).ok_or(NumError::Overflow { operation: concat!(stringify!($name), " sum") })
            }
            /// The difference.
            ///
            /// # Errors
            /// [`NumError::Overflow`].
            pub fn sub(self, other: Self) -> Result<Self, NumError> {
                self.0.checked_sub(other.0).map(Self).ok_or(NumError::Overflow { operation: concat!(stringify!($name), " difference") })
            }
            /// The value with the other sign.
            ///
            /// # Errors
            /// [`NumError::Overflow`] for the one value that has no opposite.
            pub fn neg(self) -> Result<Self, NumError> {
                self.0.checked_neg().map(Self).ok_or(NumError::Overflow { operation: concat!(stringify!($name), " negation") })
            }
            /// The distance from zero.
            ///
            /// # Errors
            /// [`NumError::Overflow`] for the one value that has no opposite.
            pub fn abs(self) -> Result<Self, NumError> {
                if self.0 < 0 { self.neg() } else { Ok(self) }
            }
            /// The nearest float, for statistics and pictures; never for money that is kept.
            #[must_use]
            pub fn to_f64(self) -> f64 {
                self.0 as f64 / $unit as f64
            }
        }

        impl FromStr for $name {
            type Err = NumError;
            fn from_str(text: &str) -> Result<Self, NumError> {
                parse_decimal(text.as_bytes(), $decimals).map(Self)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_decimal(f, self.0, $decimals, $unit as u64)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

fixed!(
    /// A price in quote currency per base unit, in steps of 1e-8.
    Price, 8, UNIT
);
fixed!(
    /// A quantity in base units, in steps of 1e-8. Signed where it is a position or a change of one.
    Qty, 8, UNIT
);
fixed!(
    /// An amount of quote currency, in steps of 1e-8.
    Money, 8, UNIT
);
fixed!(
    /// A dimensionless rate (fee, funding, strength, fraction), in steps of 1e-12.
    Rate, 12, RATE_UNIT
);

impl Price {
    /// Price times quantity in quote currency, half to even at 1e-8. The sign is the quantity's.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn notional(self, quantity: Qty) -> Result<Money, NumError> {
        let product = i128::from(self.0) * i128::from(quantity.0);
        narrow(rescale(product, Rounding::HalfEven), "price times quantity").map(Money)
    }

    /// The nearest multiple of `step` in the direction of `rounding`.
    ///
    /// # Errors
    /// [`NumError::DivisionByZero`] for a step that is not positive, [`NumError::Overflow`].
    pub fn round_to(self, step: Self, rounding: Rounding) -> Result<Self, NumError> {
        round_to_step(self.0, step.0, rounding, "price rounded to its tick").map(Self)
    }

    /// This price moved by a rate: `price * (1 + rate)`, rounded at 1e-8.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn moved_by(self, rate: Rate, rounding: Rounding) -> Result<Self, NumError> {
        let factor = i128::from(RATE_UNIT) + i128::from(rate.0);
        let product =
            i128::from(self.0).checked_mul(factor).ok_or(NumError::Overflow { operation: "price moved by a rate" })?;
        narrow(div_round(product, i128::from(RATE_UNIT), rounding), "price moved by a rate").map(Self)
    }
}

impl Qty {
    /// The largest multiple of `lot` not beyond this quantity, toward zero.
    ///
    /// # Errors
    /// [`NumError::DivisionByZero`] for a lot that is not positive.
    pub fn floor_to_lot(self, lot: Self) -> Result<Self, NumError> {
        round_to_step(self.0, lot.0, Rounding::TowardZero, "quantity rounded to its lot").map(Self)
    }

    /// This quantity times a rate, toward zero at 1e-8.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn scaled(self, rate: Rate) -> Result<Self, NumError> {
        let product = i128::from(self.0) * i128::from(rate.0);
        narrow(div_round(product, i128::from(RATE_UNIT), Rounding::TowardZero), "quantity times a rate").map(Self)
    }
}

impl Money {
    /// This amount times `part / whole`, half to even: how a cost or a fee is shared out by quantity.
    ///
    /// # Errors
    /// [`NumError::DivisionByZero`], [`NumError::Overflow`].
    pub fn share(self, part: Qty, whole: Qty) -> Result<Self, NumError> {
        if whole.0 == 0 {
            return Err(NumError::DivisionByZero { operation: "share of an amount" });
        }
        if part == whole {
            return Ok(self);
        }
        let sign = if whole.0 < 0 { -1 } else { 1 };
        let product = i128::from(self.0) * i128::from(part.0) * sign;
        narrow(div_round(product, i128::from(whole.0).abs(), Rounding::HalfEven), "share of an amount").map(Self)
    }

    /// This amount times a rate.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn scaled(self, rate: Rate, rounding: Rounding) -> Result<Self, NumError> {
        let product = i128::from(self.0) * i128::from(rate.0);
        narrow(div_round(product, i128::from(RATE_UNIT), rounding), "amount times a rate").map(Self)
    }

    /// How much of something at `price` this amount buys, toward zero at 1e-8.
    ///
    /// # Errors
    /// [`NumError::DivisionByZero`] for a price that is not positive, [`NumError::Overflow`].
    pub fn quantity_at(self, price: Price) -> Result<Qty, NumError> {
        if price.0 <= 0 {
            return Err(NumError::DivisionByZero { operation: "quantity for an amount" });
        }
        let steps = i128::from(self.0) * i128::from(UNIT);
        narrow(div_round(steps, i128::from(price.0), Rounding::TowardZero), "quantity for an amount").map(Qty)
    }

    /// The price at which `quantity` is worth this amount, half to even.
    ///
    /// # Errors
    /// [`NumError::DivisionByZero`], [`NumError::Overflow`].
    pub fn price_of(self, quantity: Qty) -> Result<Price, NumError> {
        if quantity.0 == 0 {
            return Err(NumError::DivisionByZero { operation: "price of a quantity" });
        }
        let sign = if quantity.0 < 0 { -1 } else { 1 };
        let steps = i128::from(self.0) * i128::from(UNIT) * sign;
        narrow(div_round(steps, i128::from(quantity.0).abs(), Rounding::HalfEven), "price of a quantity").map(Price)
    }
}

impl Rate {
    /// Basis points (1e-4) as a rate, exactly.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn from_bps(bps: Price) -> Result<Self, NumError> {
        // 1e-8 of a basis point is 1e-12 of one: the step counts are the same.
        Ok(Self(bps.0))
    }

    /// A float as a rate, to the nearest 1e-12.
    ///
    /// # Errors
    /// [`NumError::NotFinite`], [`NumError::OutOfRange`].
    pub fn from_f64(value: f64) -> Result<Self, NumError> {
        if !value.is_finite() {
            return Err(NumError::NotFinite { text: value.to_string() });
        }
        let steps = (value * RATE_UNIT as f64).round();
        if steps.abs() >= i64::MAX as f64 {
            return Err(NumError::OutOfRange { text: value.to_string(), limit: limit_text(12) });
        }
        #[expect(clippy::cast_possible_truncation, reason = "bounded by the comparison")]
        Ok(Self(steps as i64))
    }
}

/// The fee of a fill: `rate * price * quantity`, rounded once. Negative is a rebate.
///
/// # Errors
/// [`NumError::Overflow`].
pub fn fee(price: Price, quantity: Qty, rate: Rate, rounding: Rounding) -> Result<Money, NumError> {
    const OPERATION: &str = "fee of a fill";
    let product = i128::from(price.0) * i128::from(quantity.0);
    let product = product.checked_mul(i128::from(rate.0)).ok_or(NumError::Overflow { operation: OPERATION })?;
    // 1e-8 * 1e-8 * 1e-12 = 1e-28, back to 1e-8.
    narrow(div_round(product, 10_i128.pow(20), rounding), OPERATION).map(Money)
}

fn round_to_step(steps: i64, step: i64, rounding: Rounding, operation: &'static str) -> Result<i64, NumError> {
    if step <= 0 {
        return Err(NumError::DivisionByZero { operation });
    }
    if step == 1 {
        return Ok(steps);
    }
    let multiple = div_round(i128::from(steps), i128::from(step), rounding) * i128::from(step);
    narrow(multiple, operation)
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn a_fee_is_rounded_once_half_to_even_or_toward_zero() {
        let (price, quantity) = ("66653".parse().unwrap(), "0.001".parse().unwrap());
        let rate: Rate = "0.00015".parse().unwrap();
        assert_eq!(fee(price, quantity, rate, Rounding::HalfEven).unwrap().to_string(), "0.00999795");
        let half: Rate = "0.000000005".parse().unwrap();
        assert_eq!(fee(Price::ONE, Qty::from_raw(100_000_000), half, Rounding::HalfEven).unwrap().raw(), 0);
        assert_eq!(fee(Price::ONE, Qty::from_raw(300_000_000), half, Rounding::HalfEven).unwrap().raw(), 2);
        assert_eq!(fee(Price::ONE, Qty::from_raw(300_000_000), half, Rounding::TowardZero).unwrap().raw(), 1);
    }

    #[test]
    fn an_overflow_is_an_error_and_never_a_wrap() {
        assert!(Price::MAX.add(Price::from_raw(1)).is_err());
        assert!(Price::MAX.notional(Qty::MAX).is_err());
        assert!(Price::from_raw(i64::MIN).abs().is_err());
        assert!(Money::ONE.quantity_at(Price::ZERO).is_err());
        assert!(Money::ONE.share(Qty::ONE, Qty::ZERO).is_err());
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

        #[test]
        fn the_fast_rescale_equals_the_general_division(a in any::<i64>(), b in any::<i64>(), shift in 0_u32..64) {
            let n = i128::from(a) * i128::from(b >> shift);
            for rounding in [Rounding::HalfEven, Rounding::TowardZero, Rounding::Floor, Rounding::Ceil] {
                prop_assert_eq!(rescale(n, rounding), div_round(n, i128::from(UNIT), rounding));
            }
        }

        #[test]
        fn ties_go_to_the_even_step(k in -1_000_000_i128..1_000_000) {
            let half = k * i128::from(UNIT) + i128::from(UNIT) / 2;
            let even = if k & 1 == 0 { k } else { k + 1 };
            prop_assert_eq!(rescale(half, Rounding::HalfEven), even);
            prop_assert_eq!(div_round(half, i128::from(UNIT), Rounding::HalfEven), even);
        }

        #[test]
        fn the_shares_of_an_amount_add_up(amount in -1_i64 << 50..1_i64 << 50, part in 0_i64..1 << 40, rest in 1_i64..1 << 40) {
            let whole = Qty::from_raw(part + rest);
            let first = Money::from_raw(amount).share(Qty::from_raw(part), whole).unwrap();
            let second = Money::from_raw(amount).sub(first).unwrap();
            prop_assert_eq!(first.add(second).unwrap().raw(), amount);
        }
    }
}
