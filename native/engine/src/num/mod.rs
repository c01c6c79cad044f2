//! Exact numbers: prices, quantities and money as `i64` in steps of 1e-8, rates in steps of 1e-12.
//!
//! Every operation is checked: an overflow, a value finer than its step, or a NaN is an error that carries the value.
//! Products go through `i128`. Where a product has to be rounded, [`Rounding`] names the rule; half to even is the default.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

mod rounding;
mod text;

pub use rounding::{Rounding, div_round, rescale};
pub(crate) use text::STEPS_OF_ONE_FLOAT;
pub use text::{SNAP_ULPS, Snapped, from_f64, parse_decimal, parse_snapped};
use text::{limit_text, write_decimal};

/// Steps in one unit of price, quantity or money: 1e8.
pub const UNIT: i64 = 100_000_000;
/// Steps in one unit of a rate: 1e12.
pub const RATE_UNIT: i64 = 1_000_000_000_000;

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

impl NumError {
    /// The text that was refused; `None` where a computation went wrong.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Invalid { text }
            | Self::NotFinite { text }
            | Self::TooFine { text, .. }
            | Self::OutOfRange { text, .. } => Some(text),
            Self::Overflow { .. } | Self::DivisionByZero { .. } => None,
        }
    }
}

fn narrow(n: i128, operation: &'static str) -> Result<i64, NumError> {
    i64::try_from(n).map_err(|_| NumError::Overflow { operation })
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

    /// Toward zero at 1e-6: how the venue rounds fees and funding.
    #[must_use]
    pub const fn trunc6(self) -> Self {
        Self(self.0 / 100 * 100)
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
        fn the_shares_of_an_amount_add_up(amount in -1_i64 << 50..1_i64 << 50, part in 0_i64..1 << 40, rest in 1_i64..1 << 40) {
            let whole = Qty::from_raw(part + rest);
            let first = Money::from_raw(amount).share(Qty::from_raw(part), whole).unwrap();
            let second = Money::from_raw(amount).sub(first).unwrap();
            prop_assert_eq!(first.add(second).unwrap().raw(), amount);
        }
    }
}
