//! Funding (SIMULATION, section 9): the premium, the hourly rate made of it, and when it is settled.
//!
//! Rates are steps of 1e-12, each quotient rounded half to even; a payment is rounded toward zero at 1e-6.

use serde::{Deserialize, Serialize};

use crate::instrument::InstrumentId;
use crate::num::{Money, NumError, Price, Qty, RATE_UNIT, Rate, Rounding, div_round, fee};
use crate::row::Context;
use crate::time::Nanos;
use crate::venue::{Ledger, Report};

/// Where funding rates come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FundingRule {
    /// From the data; without rows of funding there is none.
    #[default]
    Recorded,
    /// From the data where they hold rows of funding, else from the premium by the venue's formula.
    Formula,
    /// No funding.
    None,
}

const OVERFLOW: NumError = NumError::Overflow { operation: "funding rate" };

/// Part of the 8-hour rate that is paid at no premium: 0.01 %.
const INTEREST: i64 = 100_000_000;
/// How far the interest part may move the rate.
const INTEREST_MAX: i64 = 500_000_000;
/// The largest hourly rate: 4 %.
const HOURLY_MAX: i64 = 40_000_000_000;
/// The premium is sampled on this grid.
const SAMPLE: Nanos = Nanos::from_raw(5 * Nanos::SECOND.raw());
/// For how long a context is taken to hold where no other follows.
const CONTEXT_AGE_MAX: Nanos = Nanos::MINUTE;

/// The premium of the impact prices over the oracle: `(max(bid − O, 0) − max(O − ask, 0)) / O`.
///
/// # Errors
/// [`NumError::DivisionByZero`] for an oracle price that is not positive, [`NumError::Overflow`].
pub fn premium(impact_bid: Price, impact_ask: Price, oracle: Price) -> Result<Rate, NumError> {
    let above = impact_bid.sub(oracle)?.raw().max(0);
    let below = oracle.sub(impact_ask)?.raw().max(0);
    over(i128::from(above) - i128::from(below), oracle, 1)
}

/// The premium of markets that others than the venue deploy: the middle of the impact prices over the oracle, less one.
///
/// # Errors
/// As [`premium`].
pub fn premium_of_middle(impact_bid: Price, impact_ask: Price, oracle: Price) -> Result<Rate, NumError> {
    let twice = i128::from(impact_bid.raw()) + i128::from(impact_ask.raw()) - 2 * i128::from(oracle.raw());
    over(twice, oracle, 2)
}

fn over(steps: i128, oracle: Price, times: i128) -> Result<Rate, NumError> {
    if !oracle.is_positive() {
        return Err(NumError::DivisionByZero { operation: "premium over the oracle price" });
    }
    let quotient = div_round(steps * i128::from(RATE_UNIT), i128::from(oracle.raw()) * times, Rounding::HalfEven);
    i64::try_from(quotient).map(Rate::from_raw).map_err(|_| OVERFLOW)
}

/// The rate of eight hours: `avg + clamp(0.0001 − avg, −0.0005, 0.0005)`.
///
/// # Errors
/// [`NumError::Overflow`].
pub fn eight_hour_rate(average_premium: Rate) -> Result<Rate, NumError> {
    let interest = Rate::from_raw(INTEREST).sub(average_premium)?.raw().clamp(-INTEREST_MAX, INTEREST_MAX);
    average_premium.add(Rate::from_raw(interest))
}

/// The rate of an hour: an eighth of [`eight_hour_rate`], at most 4 % either way.
///
/// # Errors
/// [`NumError::Overflow`].
pub fn hourly_rate(average_premium: Rate) -> Result<Rate, NumError> {
    let eighth = div_round(i128::from(eight_hour_rate(average_premium)?.raw()), 8, Rounding::HalfEven);
    let eighth = i64::try_from(eighth).map_err(|_| OVERFLOW)?;
    Ok(Rate::from_raw(eighth.clamp(-HOURLY_MAX, HOURLY_MAX)))
}

/// What a position pays: `position * oracle * rate`, toward zero at 1e-6; below zero it receives.
///
/// # Errors
/// [`NumError::Overflow`].
pub fn payment(position: Qty, oracle: Price, rate: Rate) -> Result<Money, NumError> {
    Ok(fee(oracle, position, rate, Rounding::TowardZero)?.trunc6())
}

/// What is known of an instrument's hour.
#[derive(Debug, Clone, Copy, Default)]
struct Hour {
    /// The premium that holds and since when.
    premium: Option<(Nanos, Rate)>,
    oracle: Price,
    /// Up to where the grid has been sampled.
    sampled: Nanos,
    sum: i128,
    samples: i64,
    /// The last hour that was settled.
    settled: Option<Nanos>,
    /// The data hold rates of this instrument.
    is_recorded: bool,
}

impl Hour {
    /// Samples the grid up to but without `end` with the premium that holds.
    fn sample(&mut self, end: Nanos) {
        let Some((since, premium)) = self.premium else { return };
        let from = self.sampled.max(since);
        let to = end.min(since.after(CONTEXT_AGE_MAX));
        if to > from {
            let points = points_before(to) - points_before(from);
            self.sum += i128::from(points) * i128::from(premium.raw());
            self.samples += points;
        }
        self.sampled = self.sampled.max(end);
    }

    /// The mean premium of what was sampled, which is then forgotten.
    fn average(&mut self) -> Option<Rate> {
        let (sum, samples) = (std::mem::take(&mut self.sum), std::mem::take(&mut self.samples));
        let mean = (samples > 0).then(|| div_round(sum, i128::from(samples), Rounding::HalfEven))?;
        i64::try_from(mean).ok().map(Rate::from_raw)
    }
}

/// How many points of the grid lie before a time, up to a constant.
const fn points_before(time: Nanos) -> i64 {
    (time.raw() - 1).div_euclid(SAMPLE.raw())
}

/// When funding is due, and at which rate.
#[derive(Debug, Clone)]
pub struct Funding {
    rule: FundingRule,
    hours: Vec<Hour>,
    /// The next full hour to be settled by the formula.
    next: Option<Nanos>,
}

impl Funding {
    /// For `instruments` instruments.
    #[must_use]
    pub fn new(rule: FundingRule, instruments: usize) -> Self {
        Self { rule, hours: vec![Hour::default(); instruments], next: None }
    }

    /// Takes in a context, which holds from `time` until the next, or for a minute. One without oracle or impact prices
    /// says nothing. Full hours before `time` must have been settled, see [`Funding::next`].
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn on_context(&mut self, instrument: InstrumentId, time: Nanos, context: &Context) -> Result<(), NumError> {
        let is_whole = [context.oracle, context.impact_bid, context.impact_ask].iter().all(|p| p.is_positive());
        let Some(hour) = self.hours.get_mut(instrument.index()) else { return Ok(()) };
        if self.rule != FundingRule::Formula || !is_whole {
            return Ok(());
        }
        hour.sample(time);
        hour.premium = Some((time, premium(context.impact_bid, context.impact_ask, context.oracle)?));
        hour.oracle = context.oracle;
        self.next.get_or_insert(hour_after(time));
        Ok(())
    }

    /// Settles a recorded rate, of the full hour in which `now` lies: it wins over the formula from then on. An hour is settled once.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn on_recorded(
        &mut self,
        ledger: &mut Ledger,
        instrument: InstrumentId,
        (rate, oracle): (Rate, Price),
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError> {
        let Some(hour) = self.hours.get_mut(instrument.index()) else { return Ok(()) };
        let of = now.floor_to(Nanos::HOUR);
        hour.is_recorded = true;
        if self.rule == FundingRule::None || hour.settled.is_some_and(|last| last >= of) {
            return Ok(());
        }
        hour.settled = Some(of);
        ledger.settle_funding(instrument, rate, oracle, now, reports)
    }

    /// The next full hour at which [`Funding::advance`] has something to do, once the data of that instant are in.
    #[must_use]
    pub const fn next(&self) -> Option<Nanos> {
        self.next
    }

    /// Settles by the formula every full hour up to and including `now`, on the positions held. An hour without a context has no rate.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn advance(&mut self, ledger: &mut Ledger, now: Nanos, reports: &mut Vec<Report>) -> Result<(), NumError> {
        while let Some(due) = self.next.filter(|due| *due <= now) {
            let mut has_samples = false;
            for (id, hour) in (0_u32..).map(InstrumentId).zip(&mut self.hours) {
                hour.sample(due);
                let Some(average) = hour.average() else { continue };
                has_samples = true;
                if hour.is_recorded || hour.settled.is_some_and(|last| last >= due) {
                    continue;
                }
                hour.settled = Some(due);
                ledger.settle_funding(id, hourly_rate(average)?, hour.oracle, due, reports)?;
            }
            // Where the data stop, the hours without any are not walked one by one: the next context starts again.
            self.next = has_samples.then(|| due.after(Nanos::HOUR));
        }
        Ok(())
    }
}

/// The first full hour after a time.
const fn hour_after(time: Nanos) -> Nanos {
    time.floor_to(Nanos::HOUR).after(Nanos::HOUR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::Instruments;
    use crate::num::UNIT;
    use crate::order::Side;
    use crate::venue::VenueConfig;

    const ID: InstrumentId = InstrumentId(0);

    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    #[test]
    fn the_worked_premiums_give_the_worked_rates_and_payments() {
        let high = premium(price("10100"), price("10110"), price("10000")).unwrap();
        assert_eq!(high, rate("0.01"));
        assert_eq!(eight_hour_rate(high).unwrap(), rate("0.0095"));
        assert_eq!(hourly_rate(high).unwrap(), rate("0.0011875"));
        assert_eq!(payment("10".parse().unwrap(), price("10000"), rate("0.0011875")).unwrap().to_string(), "118.75");

        let low = premium(price("77558"), price("77559"), price("77605")).unwrap();
        assert_eq!(low, rate("-0.000592745313"));
        assert_eq!(eight_hour_rate(low).unwrap(), rate("-0.000092745313"));

        let flat = premium(price("77604"), price("77606"), price("77605")).unwrap();
        assert_eq!(hourly_rate(flat).unwrap(), rate("0.0000125"));
        let received = payment("-0.5".parse().unwrap(), price("77605"), rate("0.0000125")).unwrap();
        assert_eq!(received.to_string(), "-0.485031");

        assert_eq!(hourly_rate(rate("0.5")).unwrap(), rate("0.04"));
        assert_eq!(hourly_rate(rate("-0.5")).unwrap(), rate("-0.04"));
        let middle = premium_of_middle(price("101"), price("102"), price("100")).unwrap();
        assert_eq!(middle, rate("0.015"));
        assert!(premium(Price::ONE, Price::ONE, Price::ZERO).is_err());
    }

    struct World {
        funding: Funding,
        ledger: Ledger,
        reports: Vec<Report>,
    }

    /// Long one, bought at 100.
    fn world(rule: FundingRule) -> World {
        let instruments = Instruments::unrestricted(&["X"]);
        let mut ledger = Ledger::new(VenueConfig::default(), instruments, Money::from_raw(1_000 * UNIT));
        let mut reports = Vec::new();
        crate::venue::cost_cases::trade(&mut ledger, ID, Side::Buy, "100", "1", &mut reports);
        reports.clear();
        World { funding: Funding::new(rule, 1), ledger, reports }
    }

    impl World {
        fn context(&mut self, second: i64, bid: &str, ask: &str) {
            let context =
                Context { mark: price("100"), oracle: price("100"), impact_bid: price(bid), impact_ask: price(ask) };
            self.funding.on_context(ID, at(second), &context).unwrap();
        }

        fn advance(&mut self, second: i64) -> Vec<String> {
            self.funding.advance(&mut self.ledger, at(second), &mut self.reports).unwrap();
            self.told()
        }

        fn recorded(&mut self, second: i64, value: &str) -> Vec<String> {
            let row = (rate(value), price("100"));
            self.funding.on_recorded(&mut self.ledger, ID, row, at(second), &mut self.reports).unwrap();
            self.told()
        }

        fn told(&mut self) -> Vec<String> {
            let line = |report: Report| match report {
                Report::Account(crate::event::AccountEvent::Funding { time, rate, payment, .. }) => {
                    format!("{} s: {payment} at {rate}", time.raw() / Nanos::SECOND.raw())
                }
                other => panic!("{other:?}"),
            };
            self.reports.drain(..).map(line).collect()
        }
    }

    const fn at(second: i64) -> Nanos {
        Nanos::from_raw(second * Nanos::SECOND.raw())
    }

    #[test]
    fn the_premium_is_averaged_over_a_grid_of_five_seconds_and_settled_on_the_hour() {
        let mut w = world(FundingRule::Formula);
        // Ten points of the grid at 1 %, none between 3551 and 3554, ten at 3 %: the mean is 2 %.
        w.context(3_500, "101", "101.5");
        w.context(3_550, "103", "103.5");
        assert_eq!(w.funding.next(), Some(at(3_600)));
        assert_eq!(w.advance(3_599), [] as [&str; 0]);
        // (0.02 − 0.0005) / 8 of 100.
        assert_eq!(w.advance(3_600), ["3600 s: 0.24375 at 0.0024375"]);
        assert_eq!(w.ledger.account().lines().funding.to_string(), "-0.24375");
    }

    #[test]
    fn a_context_holds_for_a_minute_and_an_hour_without_any_has_no_rate() {
        let mut w = world(FundingRule::Formula);
        w.context(0, "101", "101.5");
        w.context(3_540, "100", "100");
        // 12 points at 1 %, 12 at 0: 0.5 % less the clamp, an eighth of it.
        assert_eq!(w.advance(3_600), ["3600 s: 0.05625 at 0.0005625"]);
        assert_eq!(w.advance(90_000), [] as [&str; 0]);
        assert_eq!(w.funding.next(), None);
        w.context(90_001, "100", "100");
        assert_eq!(w.funding.next(), Some(at(93_600)));
    }

    #[test]
    fn a_recorded_rate_wins_and_an_hour_is_settled_once() {
        let mut w = world(FundingRule::Formula);
        w.context(3_590, "100", "100");
        assert_eq!(w.advance(3_600), ["3600 s: 0.00125 at 0.0000125"]);
        assert_eq!(w.recorded(3_601, "0.001"), [] as [&str; 0], "the first hour was settled before its row came");
        w.context(7_190, "100", "100");
        assert_eq!(w.advance(7_200), [] as [&str; 0]);
        assert_eq!(w.recorded(7_201, "-0.001"), ["7201 s: -0.1 at -0.001"]);
        assert_eq!(w.recorded(7_202, "-0.001"), [] as [&str; 0]);
    }

    #[test]
    fn without_the_formula_only_rows_are_settled_and_without_funding_nothing_is() {
        let mut w = world(FundingRule::Recorded);
        w.context(3_590, "100", "100");
        assert_eq!(w.advance(3_600), [] as [&str; 0]);
        assert_eq!(w.recorded(3_600, "0.001"), ["3600 s: 0.1 at 0.001"]);
        let mut w = world(FundingRule::None);
        assert_eq!(w.recorded(3_600, "0.001"), [] as [&str; 0]);
    }
}
