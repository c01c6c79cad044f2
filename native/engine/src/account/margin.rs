//! Margin of a position: initial by leverage, maintenance by tier, and the price of liquidation (SIMULATION, section 10).

use crate::instrument::{Instrument, MarginTier};
use crate::num::{Money, NumError, Price, Qty, Rounding, UNIT, div_round};

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

/// The largest leverage that the tier of a notional allows.
///
/// # Errors
/// [`NumError::Overflow`].
pub fn max_leverage(instrument: &Instrument, notional: Money) -> Result<u32, NumError> {
    let notional = notional.abs()?;
    let tier = instrument.tiers.iter().rev().find(|t| t.lower_bound <= notional).or(instrument.tiers.first());
    Ok(tier.map_or(1, |t| t.max_leverage.max(1)))
}

/// Maintenance margin of a notional: `notional * r_n − ded_n`, with `r_n = 1 / (2 * max_leverage_n)` of its tier and
/// `ded_n = ded_{n−1} + lower_n * (r_n − r_{n−1})`, so that it is continuous across tiers. Rounded up, deductions down.
///
/// # Errors
/// [`NumError::Overflow`].
pub fn maintenance_margin(instrument: &Instrument, notional: Money) -> Result<Money, NumError> {
    let notional = notional.abs()?;
    let mut divisor = None;
    let mut deduction = Money::ZERO;
    for (tier, deducted) in Tiers::of(instrument) {
        if notional < tier.lower_bound {
            break;
        }
        divisor = Some(divisor_of(tier));
        deduction = deducted?;
    }
    let Some(divisor) = divisor else { return Ok(Money::ZERO) };
    Money::from_raw((notional.raw() - 1).div_euclid(divisor) + 1).sub(deduction)
}

/// The mark price at which a position of `quantity` (signed) is liquidated, nearest 1e-8: where equity meets
/// maintenance margin, `equity + quantity * (p − mark) = others + |quantity| * p * r_n − ded_n`, in the tier that holds
/// `|quantity| * p`. `None` where no price above zero does it.
///
/// `equity` and `others` are taken at `mark`: of a cross position the equity of all that is cross, and the maintenance margin
/// of the other cross positions; of an isolated one its margin with its unrealised profit, and zero.
///
/// # Errors
/// [`NumError::Overflow`].
pub fn liquidation_price(
    instrument: &Instrument,
    quantity: Qty,
    mark: Price,
    equity: Money,
    others: Money,
) -> Result<Option<Price>, NumError> {
    const OVERFLOW: NumError = NumError::Overflow { operation: "liquidation price" };
    let size = i128::from(quantity.abs()?.raw());
    if size == 0 {
        return Ok(None);
    }
    let sign = i128::from(quantity.raw().signum());
    let worth = i128::from(mark.raw()) * i128::from(quantity.raw());
    let short_of = i128::from(others.raw()) - i128::from(equity.raw());
    let mut uppers = instrument.tiers.iter().skip(1).map(|t| t.lower_bound);
    for (tier, deduction) in Tiers::of(instrument) {
        let upper = uppers.next();
        // p = (q·p0 + others − E − ded) / (q − |q|·r), with r = 1 / d; both sides times d.
        let divisor = i128::from(divisor_of(tier));
        let rest = (short_of - i128::from(deduction?.raw())) * i128::from(UNIT);
        let above = (rest + worth).checked_mul(divisor * sign).ok_or(OVERFLOW)?;
        let price = div_round(above, size.checked_mul(divisor - sign).ok_or(OVERFLOW)?, Rounding::HalfEven);
        let price = i64::try_from(price).map_err(|_| OVERFLOW)?;
        let notional = i128::from(price) * size;
        let is_below = |bound: Money| notional < i128::from(bound.raw()) * i128::from(UNIT);
        // Equity less maintenance is monotone in the price, so the first tier that holds its own solution has the only one.
        if upper.is_none_or(is_below) {
            return Ok((price > 0).then(|| Price::from_raw(price)));
        }
    }
    Ok(None)
}

/// Twice the largest leverage: one over the maintenance rate.
fn divisor_of(tier: &MarginTier) -> i64 {
    2 * i64::from(tier.max_leverage.max(1))
}

/// Tiers with their deductions.
struct Tiers<'a> {
    tiers: std::slice::Iter<'a, MarginTier>,
    before: Option<&'a MarginTier>,
    deduction: Money,
}

impl<'a> Tiers<'a> {
    fn of(instrument: &'a Instrument) -> Self {
        Self { tiers: instrument.tiers.iter(), before: None, deduction: Money::ZERO }
    }

    /// `lower * (1/d − 1/d')`, rounded down.
    fn step(before: &MarginTier, tier: &MarginTier) -> Result<Money, NumError> {
        let (d0, d1) = (i128::from(divisor_of(before)), i128::from(divisor_of(tier)));
        let step = div_round(i128::from(tier.lower_bound.raw()) * (d0 - d1), d0 * d1, Rounding::Floor);
        i64::try_from(step).map(Money::from_raw).map_err(|_| NumError::Overflow { operation: "margin deduction" })
    }
}

impl<'a> Iterator for Tiers<'a> {
    type Item = (&'a MarginTier, Result<Money, NumError>);

    fn next(&mut self) -> Option<Self::Item> {
        let tier = self.tiers.next()?;
        let Some(before) = self.before.replace(tier) else { return Some((tier, Ok(Money::ZERO))) };
        let deduction = Self::step(before, tier).and_then(|step| self.deduction.add(step));
        if let Ok(deduction) = deduction {
            self.deduction = deduction;
        }
        Some((tier, deduction))
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;

    fn instrument(tiers: &[(&str, u32)]) -> Instrument {
        let mut instrument = Instrument::unrestricted("X");
        let tier = |(lower, max_leverage): &(&str, u32)| MarginTier {
            lower_bound: lower.parse().unwrap(),
            max_leverage: *max_leverage,
        };
        instrument.tiers = tiers.iter().map(tier).collect();
        instrument
    }

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    /// Of an isolated position at its entry.
    fn isolated(quantity: &str, entry: &str, margin: &str, leverage: u32) -> String {
        let rules = instrument(&[("0", leverage)]);
        let found =
            liquidation_price(&rules, quantity.parse().unwrap(), entry.parse().unwrap(), money(margin), Money::ZERO);
        found.unwrap().unwrap().to_string()
    }

    #[test]
    fn tiers_of_btc_give_the_worked_figures() {
        let btc = instrument(&[("0", 40), ("150000000", 20)]);
        for (notional, margin) in [("100000000", "1250000"), ("150000000", "1875000"), ("200000000", "3125000")] {
            assert_eq!(maintenance_margin(&btc, money(notional)).unwrap().to_string(), margin);
        }
        assert_eq!(max_leverage(&btc, money("149999999.99999999")).unwrap(), 40);
        assert_eq!(max_leverage(&btc, money("-150000000")).unwrap(), 20);
    }

    #[test]
    fn initial_margin_is_rounded_up() {
        assert_eq!(initial_margin(Money::from_raw(10), 3).unwrap().raw(), 4);
        assert_eq!(initial_margin(Money::from_raw(-9), 3).unwrap().raw(), 3);
        assert_eq!(initial_margin(Money::ZERO, 3).unwrap().raw(), 0);
    }

    #[test]
    fn worked_isolated_positions_give_the_venues_liquidation_price() {
        assert_eq!(isolated("0.0015", "66930", "20.043862", 50), "54108.51043771");
        assert_eq!(isolated("-0.019", "2642.8", "25.091876", 50), "3924.18322043");
        assert_eq!(isolated("0.6", "173.06", "20.735658", 20), "142.05186667");
        assert_eq!(isolated("4", "50000", "20000", 40), "45569.62025316");
    }

    #[test]
    fn all_recorded_positions_agree_with_the_venue_to_3e_8_of_the_entry() {
        let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
        let folder = std::env::var_os("ALGO_TRADE_SHARED").map_or(beside, PathBuf::from);
        let file = folder.join("venue_facts/hyperliquid_liquidation_prices.csv");
        let Ok(text) = std::fs::read_to_string(file) else { return };
        let mut positions = 0;
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            let [_, side, entry, quantity, margin, _, max_leverage, expected] = fields[..] else { panic!("{line}") };
            let quantity = if side == "long" { quantity.to_owned() } else { format!("-{quantity}") };
            let found = isolated(&quantity, entry, margin, max_leverage.parse().unwrap());
            let raw = |text: &str| text.parse::<Price>().unwrap().raw();
            let off = (raw(&found) - raw(expected)).abs();
            assert!(i128::from(off) * 100_000_000 <= 3 * i128::from(raw(entry)), "{line}: {found}");
            positions += 1;
        }
        assert_eq!(positions, 29);
    }

    #[test]
    fn a_cross_position_counts_the_margin_of_the_others() {
        let btc = instrument(&[("0", 40), ("150000000", 20)]);
        let found = liquidation_price(
            &btc,
            "2".parse().unwrap(),
            "50000".parse().unwrap(),
            money("10000"),
            money("600"), // short 10 ETH @ 3000 at 25x
        );
        assert_eq!(found.unwrap().unwrap().to_string(), "45873.41772152");
    }

    #[test]
    fn what_no_price_can_lose_has_no_liquidation_price() {
        let rules = instrument(&[("0", 20)]);
        let found = liquidation_price(&rules, Qty::ONE, Price::ONE, money("1"), Money::ZERO);
        assert_eq!(found.unwrap(), None);
        let found = liquidation_price(&rules, Qty::ZERO, Price::ONE, money("1"), Money::ZERO);
        assert_eq!(found.unwrap(), None);
    }

    proptest! {
        /// In whichever tier the solution lies: a step inside it is safe, a step beyond it is not.
        #[test]
        fn equity_meets_maintenance_at_the_liquidation_price(
            is_long in any::<bool>(), lots in 1_i64..10_000, mark in 1_000_i64..100_000, part in 1_i64..1_000,
            leverages in (1_u32..60, 1_u32..60, 1_u32..60), others in 0_i64..1_000
        ) {
            let (a, b, c) = leverages;
            let mut order = [a, b, c];
            order.sort_unstable_by(|x, y| y.cmp(x));
            let rules = instrument(&[("0", order[0]), ("1000000", order[1]), ("50000000", order[2])]);
            let quantity = Qty::from_raw(if is_long { lots * UNIT } else { -lots * UNIT });
            let mark = Price::from_raw(mark * UNIT);
            let notional = mark.notional(quantity).unwrap();
            let others = Money::from_raw(others * UNIT);
            let equity = Money::from_raw(notional.abs().unwrap().raw() / 1_000 * part).add(others).unwrap();
            let left = |price: Price| {
                let change = price.notional(quantity).unwrap().sub(notional).unwrap();
                let maintenance = maintenance_margin(&rules, price.notional(quantity).unwrap()).unwrap();
                equity.add(change).unwrap().sub(maintenance).unwrap().sub(others).unwrap().raw()
            };
            if let Some(price) = liquidation_price(&rules, quantity, mark, equity, others).unwrap() {
                let step = Price::from_raw(if is_long { 1 } else { -1 });
                prop_assert!(left(price.add(step).unwrap()) >= -1);
                prop_assert!(left(price.sub(step).unwrap()) <= 1);
            } else {
                prop_assert!(is_long && left(Price::from_raw(1)) >= -lots);
            }
        }
    }
}
