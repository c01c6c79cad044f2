//! Division with a named rule of rounding.

use serde::{Deserialize, Serialize};

use super::UNIT;

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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
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
    }
}
