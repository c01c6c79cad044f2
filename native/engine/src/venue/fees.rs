//! Fees (SIMULATION, section 8): plain rates, or the venue's schedule by volume with rebates and discounts.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::num::{Money, NumError, Price, Qty, RATE_UNIT, Rate, Rounding, UNIT, div_round};
use crate::order::{Liquidity, Side};
use crate::time::Nanos;

/// What a fee rate multiplies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeBasis {
    /// The notional of the fill.
    #[default]
    Value,
    /// The quantity of the fill: the rate is quote currency for one base unit.
    PerQty,
    /// Each fill: the rate is quote currency.
    PerFill,
    /// The first fill of each order: the rate is quote currency.
    PerOrder,
}

/// Constant rates; a negative one is a rebate. Rounded half to even at 1e-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PlainFees {
    /// Rate of fills that made liquidity.
    pub maker: Rate,
    /// Rate of fills that took liquidity.
    pub taker: Rate,
    /// What both multiply.
    pub basis: FeeBasis,
    /// Charged on the notional of every buy besides.
    pub buyer: Rate,
    /// Charged on the notional of every sale besides.
    pub seller: Rate,
}

/// Rates of an account whose volume is above a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeTier {
    /// Weighted volume of 14 days above which the tier holds; the first is zero.
    pub above: Money,
    /// Rate of fills that made liquidity.
    pub maker: Rate,
    /// Rate of fills that took liquidity.
    pub taker: Rate,
}

/// The maker rate of an account whose share of the venue's maker volume is above a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakerTier {
    /// The share above which it holds.
    pub above: Rate,
    /// The rate in place of that of the volume; negative, a rebate.
    pub maker: Rate,
}

/// A fee table and the time from which it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeTable {
    /// From when on; looked at when rates are assessed, at 00:00 UTC.
    pub valid_from: Nanos,
    /// By volume, ascending.
    pub tiers: Vec<FeeTier>,
    /// By share of maker volume, ascending.
    pub makers: Vec<MakerTier>,
}

impl FeeTable {
    /// The table of Hyperliquid's perpetuals, as documented in 2025.
    #[must_use]
    pub fn perpetuals() -> Self {
        const MILLION: i64 = 1_000_000 * UNIT;
        const TENTH_OF_BPS: i64 = 10_000_000;
        let tier = |(above, taker, maker): (i64, i64, i64)| FeeTier {
            above: Money::from_raw(above * MILLION),
            maker: Rate::from_raw(maker * TENTH_OF_BPS),
            taker: Rate::from_raw(taker * TENTH_OF_BPS),
        };
        let maker = |(per_mille, tenths): (i64, i64)| MakerTier {
            above: Rate::from_raw(per_mille * RATE_UNIT / 1_000),
            maker: Rate::from_raw(tenths * TENTH_OF_BPS),
        };
        Self {
            valid_from: Nanos::MIN,
            tiers: [(0, 45, 15), (5, 40, 12), (25, 35, 8), (100, 30, 4), (500, 28, 0), (2_000, 26, 0), (7_000, 24, 0)]
                .map(tier)
                .to_vec(),
            makers: [(5, -1), (15, -2), (30, -3)].map(maker).to_vec(),
        }
    }

    /// The table of Hyperliquid's spot pairs, as documented in 2025. Spot volume counts twice.
    #[must_use]
    pub fn spot() -> Self {
        let mut table = Self::perpetuals();
        let rates = [(70, 40), (60, 30), (50, 20), (40, 10), (35, 0), (30, 0), (25, 0)];
        for (tier, (taker, maker)) in table.tiers.iter_mut().zip(rates) {
            tier.taker = Rate::from_raw(taker * 10_000_000);
            tier.maker = Rate::from_raw(maker * 10_000_000);
        }
        table
    }

    /// Maker and taker rate before discounts, for a volume in steps of 1e-8.
    fn rates(&self, volume: i128, maker_share: Rate) -> (Rate, Rate) {
        let holds = |tier: &&FeeTier| tier.above.is_zero() || volume > i128::from(tier.above.raw());
        let (maker, taker) = self.tiers.iter().rev().find(holds).map_or_else(Default::default, |t| (t.maker, t.taker));
        let rebate = self.makers.iter().rev().find(|m| maker_share > m.above);
        (rebate.map_or(maker, |m| m.maker), taker)
    }
}

/// The schedule of Hyperliquid, and what of it applies to this account. Rounded toward zero at 1e-6.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HyperliquidFees {
    /// Tables by the time from which they hold, ascending; the first serves the time before it too.
    pub tables: Vec<FeeTable>,
    /// Weighted volume of 14 days that the account makes elsewhere, added to its own: perpetuals and twice spot.
    pub volume_14d: Money,
    /// Its share of the venue's maker volume.
    pub maker_share: Rate,
    /// Discount for staking, on positive rates.
    pub staking: Rate,
    /// Discount for having been referred, on positive rates, until the account has traded [`REFERRED_VOLUME`].
    pub referral: Rate,
    /// Rate of the builder of the orders, on the notional, as a fee of its own.
    pub builder: Rate,
}

/// The volume that is charged with the referral discount.
pub const REFERRED_VOLUME: Money = Money::from_raw(25_000_000 * UNIT);

impl Default for HyperliquidFees {
    fn default() -> Self {
        Self {
            tables: vec![FeeTable::perpetuals()],
            volume_14d: Money::ZERO,
            maker_share: Rate::ZERO,
            staking: Rate::ZERO,
            referral: Rate::ZERO,
            builder: Rate::ZERO,
        }
    }
}

/// What fills cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeSchedule {
    /// Constant rates.
    Plain(PlainFees),
    /// Rates by volume, as on Hyperliquid.
    Hyperliquid(HyperliquidFees),
}

impl FeeSchedule {
    /// Constant rates on the notional.
    #[must_use]
    pub fn plain(maker: Rate, taker: Rate) -> Self {
        Self::Plain(PlainFees { maker, taker, ..PlainFees::default() })
    }
}

/// What is known of a fill when its fee is worked out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chargeable {
    pub side: Side,
    pub price: Price,
    pub quantity: Qty,
    pub liquidity: Liquidity,
    /// Whether its order has not filled before.
    pub is_first: bool,
    pub time: Nanos,
}

/// Works fees out, and follows the volume that they depend on.
#[derive(Debug, Clone)]
pub(super) struct FeeMeter {
    schedule: FeeSchedule,
    /// The UTC day that the rates are of.
    today: Option<i64>,
    /// Own volume of the days before and of today, in steps of 1e-8; days without any are left out.
    days: VecDeque<(i64, i128)>,
    /// Own volume since the start.
    total: i128,
    maker: Rate,
    taker: Rate,
}

/// How many days before today count.
const DAYS: i64 = 14;

impl FeeMeter {
    pub(super) const fn new(schedule: FeeSchedule) -> Self {
        Self { schedule, today: None, days: VecDeque::new(), total: 0, maker: Rate::ZERO, taker: Rate::ZERO }
    }

    /// The fee of a fill and that of its builder; the volume is counted.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub(super) fn charge(&mut self, fill: &Chargeable) -> Result<(Money, Money), NumError> {
        match &self.schedule {
            FeeSchedule::Plain(fees) => Ok((plain(fees, fill)?, Money::ZERO)),
            FeeSchedule::Hyperliquid(_) => self.charge_by_volume(fill),
        }
    }

    /// Maker and taker rate at a time, before discounts.
    pub(super) fn rates(&mut self, now: Nanos) -> (Rate, Rate) {
        self.begin_day(now);
        match &self.schedule {
            FeeSchedule::Plain(fees) => (fees.maker, fees.taker),
            FeeSchedule::Hyperliquid(_) => (self.maker, self.taker),
        }
    }

    /// Own volume since the start, in steps of 1e-8.
    pub(super) const fn volume(&self) -> i128 {
        self.total
    }

    /// Counts volume that was not charged here, in steps of 1e-8.
    pub(super) fn count(&mut self, volume: i128, now: Nanos) {
        self.begin_day(now);
        self.total += volume;
        let today = self.today.unwrap_or_default();
        match self.days.back_mut() {
            Some((last, sum)) if *last == today => *sum += volume,
            _ => self.days.push_back((today, volume)),
        }
    }

    /// A fill inside a bar may be reported after a later one of another instrument: it belongs to the day that has begun.
    fn begin_day(&mut self, now: Nanos) {
        let day = now.raw().div_euclid(Nanos::DAY.raw());
        if self.today.is_none_or(|today| day > today) {
            self.assess(day);
        }
    }

    fn charge_by_volume(&mut self, fill: &Chargeable) -> Result<(Money, Money), NumError> {
        self.begin_day(fill.time);
        let FeeSchedule::Hyperliquid(fees) = &self.schedule else { return Ok((Money::ZERO, Money::ZERO)) };
        let base = if fill.liquidity == Liquidity::Maker { self.maker } else { self.taker };
        let referral = if self.total < i128::from(REFERRED_VOLUME.raw()) { fees.referral } else { Rate::ZERO };
        let rate = discounted(base, [fees.staking, referral])?;
        let fee = on_value(fill, rate, Rounding::TowardZero)?.trunc6();
        let builder = on_value(fill, fees.builder, Rounding::TowardZero)?.trunc6();
        self.count(i128::from(fill.price.notional(fill.quantity)?.raw()), fill.time);
        Ok((fee, builder))
    }

    /// Assesses the rates of a day from the volume of the days before it.
    fn assess(&mut self, day: i64) {
        self.today = Some(day);
        while self.days.front().is_some_and(|(earlier, _)| *earlier < day - DAYS) {
            self.days.pop_front();
        }
        let FeeSchedule::Hyperliquid(fees) = &self.schedule else { return };
        let own: i128 = self.days.iter().map(|(_, volume)| volume).sum();
        let start = day.saturating_mul(Nanos::DAY.raw());
        let table = fees.tables.iter().rev().find(|t| t.valid_from.raw() <= start).or(fees.tables.first());
        let rates = table.map(|t| t.rates(own + i128::from(fees.volume_14d.raw()), fees.maker_share));
        (self.maker, self.taker) = rates.unwrap_or_default();
    }
}

/// A positive rate after discounts, half to even at 1e-12; another as it is.
fn discounted(rate: Rate, discounts: [Rate; 2]) -> Result<Rate, NumError> {
    const OVERFLOW: NumError = NumError::Overflow { operation: "fee rate after discounts" };
    if !rate.is_positive() {
        return Ok(rate);
    }
    let unit = i128::from(RATE_UNIT);
    let mut product = i128::from(rate.raw());
    for discount in discounts {
        product = product.checked_mul(unit - i128::from(discount.raw())).ok_or(OVERFLOW)?;
    }
    i64::try_from(div_round(product, unit * unit, Rounding::HalfEven)).map(Rate::from_raw).map_err(|_| OVERFLOW)
}

/// A rate on the notional of a fill, rounded once.
fn on_value(fill: &Chargeable, rate: Rate, rounding: Rounding) -> Result<Money, NumError> {
    crate::num::fee(fill.price, fill.quantity, rate, rounding)
}

fn plain(fees: &PlainFees, fill: &Chargeable) -> Result<Money, NumError> {
    const OVERFLOW: NumError = NumError::Overflow { operation: "fee of a fill" };
    let rate = if fill.liquidity == Liquidity::Maker { fees.maker } else { fees.taker };
    let besides = if fill.side == Side::Buy { fees.buyer } else { fees.seller };
    if fees.basis == FeeBasis::Value {
        return on_value(fill, rate.add(besides)?, Rounding::HalfEven);
    }
    // In steps of 1e-28, as price times quantity times rate, so that the sum is rounded once.
    let basis = match fees.basis {
        FeeBasis::Value => 0,
        FeeBasis::PerQty => i128::from(fill.quantity.raw()) * i128::from(UNIT),
        FeeBasis::PerFill => i128::from(UNIT) * i128::from(UNIT),
        FeeBasis::PerOrder if fill.is_first => i128::from(UNIT) * i128::from(UNIT),
        FeeBasis::PerOrder => 0,
    };
    let value = i128::from(fill.price.raw()) * i128::from(fill.quantity.raw());
    let parts = [(basis, rate), (value, besides)].map(|(n, rate)| n.checked_mul(i128::from(rate.raw())));
    let sum = parts.into_iter().try_fold(0_i128, |sum, part| sum.checked_add(part?)).ok_or(OVERFLOW)?;
    let steps = div_round(sum, 10_i128.pow(20), Rounding::HalfEven);
    i64::try_from(steps).map(Money::from_raw).map_err(|_| OVERFLOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(price: &str, quantity: &str, liquidity: Liquidity) -> Chargeable {
        let (price, quantity) = (price.parse().unwrap(), quantity.parse().unwrap());
        Chargeable { side: Side::Buy, price, quantity, liquidity, is_first: true, time: Nanos::ZERO }
    }

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    fn hyperliquid(change: impl FnOnce(&mut HyperliquidFees)) -> FeeMeter {
        let mut fees = HyperliquidFees::default();
        change(&mut fees);
        FeeMeter::new(FeeSchedule::Hyperliquid(fees))
    }

    fn charged(meter: &mut FeeMeter, fill: &Chargeable) -> (String, String) {
        let (fee, builder) = meter.charge(fill).unwrap();
        (fee.to_string(), builder.to_string())
    }

    fn fee(meter: &mut FeeMeter, fill: &Chargeable) -> String {
        charged(meter, fill).0
    }

    /// With one tier of this maker rate.
    fn at_maker_rate(maker: &str) -> FeeMeter {
        let tier = FeeTier { above: Money::ZERO, maker: rate(maker), taker: Rate::ZERO };
        let table = FeeTable { valid_from: Nanos::MIN, tiers: vec![tier], makers: Vec::new() };
        hyperliquid(|f| f.tables = vec![table])
    }

    #[test]
    fn real_fills_cost_what_the_venue_charged() {
        let maker = Liquidity::Maker;
        assert_eq!(fee(&mut hyperliquid(|_| ()), &fill("66653", "0.001", maker)), "0.009997");
        assert_eq!(fee(&mut at_maker_rate("0.00003"), &fill("66.362", "1.911", maker)), "0.003804");
        let mut rebated = hyperliquid(|f| {
            f.maker_share = rate("0.031");
            f.staking = rate("0.4");
        });
        assert_eq!(fee(&mut rebated, &fill("2225.5", "0.225", maker)), "-0.015022", "a rebate is not discounted");
    }

    #[test]
    fn discounts_multiply_the_rate_of_the_tier() {
        let mut meter = hyperliquid(|f| {
            f.volume_14d = "25000000.00000001".parse().unwrap();
            f.staking = rate("0.2");
            f.referral = rate("0.04");
            f.builder = rate("0.0001");
        });
        let fill = fill("100", "100", Liquidity::Taker);
        assert_eq!(charged(&mut meter, &fill), ("2.688".to_owned(), "1".to_owned()));
    }

    #[test]
    fn a_share_of_the_makers_volume_replaces_the_maker_rate() {
        for (share, expected) in
            [("0.005", "0.00015"), ("0.0051", "-0.00001"), ("0.016", "-0.00002"), ("1", "-0.00003")]
        {
            assert_eq!(FeeTable::perpetuals().rates(0, rate(share)).0, rate(expected), "a share of {share}");
        }
    }

    #[test]
    fn rates_follow_the_own_volume_of_the_fourteen_days_before_from_midnight_on() {
        let mut meter = hyperliquid(|_| ());
        let at = |day: i64, hour: i64, quantity: &str| Chargeable {
            time: Nanos::from_raw(day * Nanos::DAY.raw() + hour * Nanos::HOUR.raw()),
            ..fill("10000", quantity, Liquidity::Taker)
        };
        let mut charge = |day, hour, quantity| fee(&mut meter, &at(day, hour, quantity));
        assert_eq!(charge(20_000, 1, "501"), "2254.5", "5.01 M at 4.5 bps");
        assert_eq!(charge(20_000, 23, "1"), "4.5", "today's volume does not count today");
        assert_eq!(charge(20_001, 0, "1"), "4");
        assert_eq!(charge(20_014, 23, "1"), "4", "the fourteenth day before");
        assert_eq!(charge(20_015, 0, "1"), "4.5");
        assert_eq!(charge(20_014, 23, "1"), "4.5", "a late report does not turn the day back");
    }

    #[test]
    fn the_referral_discount_ends_with_the_volume_that_it_is_for() {
        let mut meter = hyperliquid(|f| f.referral = rate("0.04"));
        let small = fill("10000", "1", Liquidity::Taker);
        assert_eq!(fee(&mut meter, &small), "4.32");
        meter.charge(&fill("10000", "2500", Liquidity::Taker)).unwrap();
        assert_eq!(fee(&mut meter, &small), "4.5");
    }

    #[test]
    fn a_table_holds_from_its_date() {
        let tier = |taker| vec![FeeTier { above: Money::ZERO, maker: Rate::ZERO, taker: rate(taker) }];
        let table = |valid_from, taker| FeeTable { valid_from, tiers: tier(taker), makers: Vec::new() };
        let mut meter = hyperliquid(|f| {
            f.tables = vec![table(Nanos::DAY, "0.001"), table(Nanos::from_raw(2 * Nanos::DAY.raw()), "0.002")];
        });
        let mut at = |day: i64| {
            let time = Nanos::from_raw(day * Nanos::DAY.raw());
            fee(&mut meter, &Chargeable { time, ..fill("100", "1", Liquidity::Taker) })
        };
        assert_eq!([at(0), at(1), at(2), at(3)], ["0.1", "0.1", "0.2", "0.2"]);
    }

    #[test]
    fn plain_rates_are_on_value_quantity_fill_or_order_and_sides_pay_besides() {
        let charge = |basis, taker: &str, fill: &Chargeable| {
            let (maker, taker, buyer, seller) = (Rate::ZERO, rate(taker), rate("0.001"), Rate::ZERO);
            fee(&mut FeeMeter::new(FeeSchedule::Plain(PlainFees { maker, taker, basis, buyer, seller })), fill)
        };
        let buy = fill("100", "3", Liquidity::Taker);
        let sell = Chargeable { side: Side::Sell, ..buy };
        assert_eq!(charge(FeeBasis::Value, "0.0002", &buy), "0.36");
        assert_eq!(charge(FeeBasis::Value, "0.0002", &sell), "0.06");
        assert_eq!(charge(FeeBasis::PerQty, "0.5", &buy), "1.8");
        assert_eq!(charge(FeeBasis::PerQty, "-0.5", &sell), "-1.5");
        assert_eq!(charge(FeeBasis::PerFill, "0.25", &sell), "0.25");
        assert_eq!(charge(FeeBasis::PerOrder, "0.25", &sell), "0.25");
        assert_eq!(charge(FeeBasis::PerOrder, "0.25", &Chargeable { is_first: false, ..sell }), "0");
        // Half a step from each part is one step together.
        let tiny = fill("0.00000001", "0.5", Liquidity::Taker);
        let fees = PlainFees {
            taker: rate("0.000000005"),
            basis: FeeBasis::PerFill,
            buyer: Rate::ONE,
            ..PlainFees::default()
        };
        assert_eq!(FeeMeter::new(FeeSchedule::Plain(fees)).charge(&tiny).unwrap().0.raw(), 1);
    }
}
