//! Margin of a position: initial by leverage, maintenance by tier (SIMULATION, section 10).

use crate::instrument::Instrument;
use crate::num::{Money, NumError, RATE_UNIT, Rate, Rounding};

/// Initial margin of a notional at a leverage, rounded up.
///
/// # Errors
/// [`NumError::Overflow`], [`NumError::DivisionByZero`] for a leverage of zero.
pub fn initial_margin(notional: Money, leverage: u32) -> Result<Money, NumError> {
    if leverage == 0 {
        return Err(NumError::DivisionByZero { operation: "initial margin" });
    }
    Ok(Money::from_raw((notional.abs()?.raw() - 1).div_euclid(i64::from(leverage)) + 1))
}

/// Maintenance margin of a notional: `notional * r_n − ded_n`, with `r_n = 1 / (2 * max_leverage_n)` of its tier and
/// `ded_n = ded_{n−1} + lower_n * (r_n − r_{n−1})`, so that it is continuous across tiers. Rounded up.
///
/// # Errors
/// [`NumError::Overflow`].
pub fn maintenance_margin(instrument: &Instrument, notional: Money) -> Result<Money, NumError> {
    let notional = notional.abs()?;
    let mut rate = Rate::ZERO;
    let mut deduction = Money::ZERO;
    for tier in &instrument.tiers {
        if notional < tier.lower_bound {
            break;
        }
        let tier_rate = Rate::from_raw(RATE_UNIT / (2 * i64::from(tier.max_leverage.max(1))));
        deduction = deduction.add(tier.lower_bound.scaled(tier_rate.sub(rate)?, Rounding::Floor)?)?;
        rate = tier_rate;
    }
    notional.scaled(rate, Rounding::Ceil)?.sub(deduction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::MarginTier;

    #[test]
    fn tiers_of_btc_give_the_worked_figures() {
        let mut btc = Instrument::unrestricted("BTC");
        let tier = |lower: &str, max_leverage| MarginTier { lower_bound: lower.parse().unwrap(), max_leverage };
        btc.tiers = vec![tier("0", 40), tier("150000000", 20)];
        for (notional, margin) in [("100000000", "1250000"), ("150000000", "1875000"), ("200000000", "3125000")] {
            assert_eq!(maintenance_margin(&btc, notional.parse().unwrap()).unwrap().to_string(), margin);
        }
    }

    #[test]
    fn initial_margin_is_rounded_up() {
        assert_eq!(initial_margin(Money::from_raw(10), 3).unwrap().raw(), 4);
        assert_eq!(initial_margin(Money::from_raw(-9), 3).unwrap().raw(), 3);
        assert_eq!(initial_margin(Money::ZERO, 3).unwrap().raw(), 0);
    }
}
