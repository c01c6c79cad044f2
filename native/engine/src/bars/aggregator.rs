//! One bar in the making, for one instrument and one rule.
//!
//! - A time bar covers `[n * length, (n + 1) * length)` counted from the epoch, so days start at midnight UTC (and weeks
//!   on Thursday). It comes out when it is over, never before: with the first input at or past its end, with an input
//!   bar that ends exactly at its end, or with [`Aggregator::flush`]. An interval without input gives no bar.
//! - The other bars come out with the input that fills them. That input belongs to them whole, so they may hold more
//!   than the rule asks for; nothing is ever split.
//! - An input bar counts to the interval in which it ends, whole, even if it began in the one before.

use crate::bars::Rule;
use crate::event::{Bar, Trade};
use crate::num::{NumError, UNIT};
use crate::time::Nanos;

/// Why a bar cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AggregateError {
    /// A sum does not fit.
    #[error(transparent)]
    Number(#[from] NumError),
    /// The rule counts volume, and the input has none.
    #[error("bars without volume cannot be made into bars by volume or notional: use bars by time")]
    NoVolume,
    /// The input is longer than the bar that is wanted.
    #[error("the bars of the data are longer, {input}")]
    TooCoarse {
        /// What an input bar covers.
        input: Rule,
    },
    /// The rule would never, or always, be met.
    #[error("a bar of {size} cannot be made: it must be above zero")]
    NotPositive {
        /// What was asked for.
        size: String,
    },
}

/// Makes bars. One for each instrument and rule; nothing is allocated while it runs.
#[derive(Debug, Clone)]
pub struct Aggregator {
    rule: Rule,
    made: Option<Making>,
}

#[derive(Debug, Clone, Copy)]
struct Making {
    bar: Bar,
    ticks: u64,
    /// In steps of 1e-16.
    notional: i128,
}

impl Aggregator {
    /// Makes bars by this rule.
    ///
    /// # Errors
    /// [`AggregateError::NotPositive`] for a size of zero or below.
    pub fn new(rule: Rule) -> Result<Self, AggregateError> {
        let is_positive = match rule {
            Rule::Time(length) => length > Nanos::ZERO,
            Rule::Ticks(count) => count > 0,
            Rule::Volume(size) => size.is_positive(),
            Rule::Notional(size) => size.is_positive(),
        };
        if is_positive {
            Ok(Self { rule, made: None })
        } else {
            Err(AggregateError::NotPositive { size: rule.to_string() })
        }
    }

    /// The rule.
    #[must_use]
    pub const fn rule(&self) -> Rule {
        self.rule
    }

    /// When the bar in the making ends, for bars by time.
    #[must_use]
    pub fn ends_at(&self) -> Option<Nanos> {
        matches!(self.rule, Rule::Time(_)).then_some(self.made.map(|m| m.bar.close_time)).flatten()
    }

    /// The bar in the making as far as it goes. It is not over: showing it to a strategy as a bar would be looking ahead.
    #[must_use]
    pub fn unfinished(&self) -> Option<Bar> {
        self.made.map(|m| m.bar)
    }

    /// Takes a trade in; completed bars are appended to `out`, in order.
    ///
    /// # Errors
    /// [`AggregateError::Number`]; the trade is then not counted.
    #[inline]
    pub fn push_trade(&mut self, trade: &Trade, out: &mut Vec<Bar>) -> Result<(), AggregateError> {
        let time = trade.exchange_time;
        let (open_time, close_time) = match self.rule {
            Rule::Time(length) => {
                self.flush(time, out);
                let start = time.floor_to(length);
                (start, start.after(length))
            }
            _ => (time, time),
        };
        let input = Bar {
            instrument: trade.instrument,
            trades: 1,
            open_time,
            close_time,
            open: trade.price,
            high: trade.price,
            low: trade.price,
            close: trade.price,
            volume: Some(trade.quantity),
        };
        self.add(&input, 1, out)
    }

    /// Takes a smaller bar in; completed bars are appended to `out`, in order.
    ///
    /// # Errors
    /// [`AggregateError`]; the bar is then not counted.
    #[inline]
    pub fn push_bar(&mut self, bar: &Bar, out: &mut Vec<Bar>) -> Result<(), AggregateError> {
        let mut input = *bar;
        if let Rule::Time(length) = self.rule {
            if bar.resolution() > length {
                return Err(AggregateError::TooCoarse { input: Rule::Time(bar.resolution()) });
            }
            // The last nanosecond of the bar decides, since its end belongs to the next interval.
            let start = Nanos::from_raw(bar.close_time.raw().saturating_sub(1)).floor_to(length);
            self.flush(start, out);
            (input.open_time, input.close_time) = (start, start.after(length));
        }
        self.add(&input, u64::from(bar.trades.max(1)), out)?;
        if matches!(self.rule, Rule::Time(_)) {
            self.flush(bar.close_time, out);
        }
        Ok(())
    }

    /// Time has come to `time`: a time bar that is over by then is appended to `out`.
    #[inline]
    pub fn flush(&mut self, time: Nanos, out: &mut Vec<Bar>) {
        if let Rule::Time(_) = self.rule
            && let Some(made) = &self.made
            && made.bar.close_time <= time
        {
            out.push(made.bar);
            self.made = None;
        }
    }

    fn add(&mut self, input: &Bar, ticks: u64, out: &mut Vec<Bar>) -> Result<(), AggregateError> {
        let notional = match (self.rule, input.volume) {
            (Rule::Volume(_) | Rule::Notional(_), None) => return Err(AggregateError::NoVolume),
            (Rule::Notional(_), Some(volume)) => i128::from(input.close.raw()) * i128::from(volume.raw()),
            _ => 0,
        };
        let made = match &self.made {
            None => Making { bar: *input, ticks, notional },
            Some(made) => made.with(input, ticks, notional, matches!(self.rule, Rule::Time(_)))?,
        };
        let is_full = match self.rule {
            Rule::Time(_) => false,
            Rule::Ticks(count) => made.ticks >= u64::from(count),
            Rule::Volume(size) => made.bar.volume.is_some_and(|v| v >= size),
            Rule::Notional(size) => made.notional >= i128::from(size.raw()) * i128::from(UNIT),
        };
        if is_full {
            out.push(made.bar);
            self.made = None;
        } else {
            self.made = Some(made);
        }
        Ok(())
    }
}

impl Making {
    fn with(&self, input: &Bar, ticks: u64, notional: i128, keeps_end: bool) -> Result<Self, NumError> {
        let volume = match (self.bar.volume, input.volume) {
            (Some(sum), Some(volume)) => Some(sum.add(volume)?),
            _ => None,
        };
        let overflow = NumError::Overflow { operation: "notional sum" };
        Ok(Self {
            bar: Bar {
                trades: self.bar.trades.saturating_add(input.trades),
                close_time: if keeps_end { self.bar.close_time } else { input.close_time },
                high: self.bar.high.max(input.high),
                low: self.bar.low.min(input.low),
                close: input.close,
                volume,
                ..self.bar
            },
            ticks: self.ticks.saturating_add(ticks),
            notional: self.notional.checked_add(notional).ok_or(overflow)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::InstrumentId;
    use crate::num::{Money, Price, Qty};
    use proptest::prelude::*;

    fn flat(instrument: InstrumentId, open_time: Nanos, close_time: Nanos, price: Price) -> Bar {
        Bar {
            instrument,
            trades: 0,
            open_time,
            close_time,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: None,
        }
    }
    fn at(seconds: i64) -> Nanos {
        Nanos::from_raw(seconds * Nanos::SECOND.raw())
    }
    fn trade(seconds: i64, price: i64, quantity: i64) -> Trade {
        Trade {
            instrument: InstrumentId(0),
            aggressor: None,
            exchange_time: at(seconds),
            local_time: at(seconds),
            price: Price::from_raw(price * UNIT),
            quantity: Qty::from_raw(quantity * UNIT),
            trade_id: 0,
        }
    }
    fn minute_bar(minute: i64, price: i64, volume: i64) -> Bar {
        Bar {
            trades: 2,
            volume: Some(Qty::from_raw(volume * UNIT)),
            ..flat(InstrumentId(0), at(minute * 60), at(minute * 60 + 60), Price::from_raw(price * UNIT))
        }
    }
    fn minutes(count: i64) -> Aggregator {
        Aggregator::new(Rule::Time(at(count * 60))).unwrap()
    }

    #[test]
    fn a_trade_at_the_end_of_an_interval_closes_it_and_opens_the_next() {
        let (mut aggregator, mut out) = (minutes(1), Vec::new());
        for t in [trade(0, 10, 1), trade(30, 12, 1), trade(59, 9, 2)] {
            aggregator.push_trade(&t, &mut out).unwrap();
        }
        assert!(out.is_empty(), "nobody sees the bar before its end");
        aggregator.push_trade(&trade(60, 11, 1), &mut out).unwrap();
        let bar = out[0];
        assert_eq!((bar.open_time, bar.close_time, bar.trades), (at(0), at(60), 3));
        assert_eq!([bar.open, bar.high, bar.low, bar.close].map(|p| p.raw() / UNIT), [10, 12, 9, 9]);
        assert_eq!(bar.volume.unwrap().raw(), 4 * UNIT);
        assert_eq!(aggregator.unfinished().unwrap().open_time, at(60));
    }

    #[test]
    fn a_bar_that_ends_on_the_boundary_completes_the_larger_one_at_once() {
        let (mut aggregator, mut out) = (minutes(5), Vec::new());
        for minute in 0..5 {
            assert!(out.is_empty());
            aggregator.push_bar(&minute_bar(minute, 10 + minute, 1), &mut out).unwrap();
        }
        assert_eq!((out.len(), out[0].close_time, out[0].trades), (1, at(300), 10));
        assert_eq!((out[0].open.raw() / UNIT, out[0].close.raw() / UNIT), (10, 14));
    }

    #[test]
    fn an_interval_without_input_gives_no_bar_and_boundaries_stay_at_the_epoch() {
        let (mut aggregator, mut out) = (minutes(5), Vec::new());
        aggregator.push_bar(&minute_bar(3, 10, 1), &mut out).unwrap();
        aggregator.push_bar(&minute_bar(17, 11, 1), &mut out).unwrap();
        aggregator.flush(at(1199), &mut out);
        assert_eq!(out.len(), 1);
        aggregator.flush(at(1200), &mut out);
        assert_eq!(
            out.iter().map(|b| (b.open_time, b.close_time)).collect::<Vec<_>>(),
            [(at(0), at(300)), (at(900), at(1200))]
        );
    }

    #[test]
    fn a_bar_across_a_boundary_counts_where_it_ends() {
        let (mut aggregator, mut out) = (minutes(5), Vec::new());
        let wide = Bar { open_time: at(240), close_time: at(420), ..minute_bar(0, 10, 7) };
        aggregator.push_bar(&wide, &mut out).unwrap();
        assert!(out.is_empty());
        aggregator.flush(at(600), &mut out);
        assert_eq!((out[0].open_time, out[0].close_time), (at(300), at(600)));
    }

    #[test]
    fn the_input_that_fills_a_bar_belongs_to_it_whole() {
        for (rule, count) in [
            (Rule::Ticks(2), 2),
            (Rule::Volume(Qty::from_raw(4 * UNIT)), 2),
            (Rule::Notional(Money::from_raw(40 * UNIT)), 2),
            (Rule::Notional(Money::from_raw(30 * UNIT)), 1),
        ] {
            let (mut aggregator, mut out) = (Aggregator::new(rule).unwrap(), Vec::new());
            aggregator.push_trade(&trade(1, 10, 3), &mut out).unwrap();
            aggregator.push_trade(&trade(2, 10, 3), &mut out).unwrap();
            assert_eq!(out[0].trades, count, "{rule:?}");
            assert_eq!(out[0].close_time, at(i64::from(count)));
        }
    }

    #[test]
    fn what_cannot_be_made_is_refused() {
        assert!(Aggregator::new(Rule::Time(Nanos::ZERO)).is_err());
        assert!(Aggregator::new(Rule::Ticks(0)).is_err());
        let mut by_volume = Aggregator::new(Rule::Volume(Qty::ONE)).unwrap();
        let bar = flat(InstrumentId(0), at(0), at(60), Price::ONE);
        assert_eq!(by_volume.push_bar(&bar, &mut Vec::new()), Err(AggregateError::NoVolume));
        let mut sum = minutes(5);
        let huge = Bar { volume: Some(Qty::MAX), ..bar };
        sum.push_bar(&huge, &mut Vec::new()).unwrap();
        assert!(matches!(sum.push_bar(&huge, &mut Vec::new()), Err(AggregateError::Number(_))));
    }

    fn rules() -> impl Strategy<Value = Rule> {
        prop_oneof![
            (1_i64..400).prop_map(|s| Rule::Time(at(s))),
            (1_u32..20).prop_map(Rule::Ticks),
            (1_i64..50).prop_map(|q| Rule::Volume(Qty::from_raw(q * UNIT))),
            (1_i64..5000).prop_map(|q| Rule::Notional(Money::from_raw(q * UNIT))),
        ]
    }

    proptest! {
        #[test]
        fn nothing_traded_is_lost_and_no_bar_comes_early(
            rule in rules(),
            steps in prop::collection::vec((0_i64..90, 1_i64..100, 1_i64..10), 1..200),
        ) {
            let mut aggregator = Aggregator::new(rule).unwrap();
            let (mut out, mut parts, mut groups, mut time) = (Vec::new(), Vec::new(), Vec::new(), 0);
            for (wait, price, quantity) in steps {
                time += wait;
                let input = trade(time, price, quantity);
                let before = out.len();
                aggregator.push_trade(&input, &mut out).unwrap();
                for bar in &out[before..] {
                    prop_assert!(bar.close_time <= at(time), "a bar came before its close");
                }
                // By time, the input belongs to the next bar; else it filled the one that came out.
                if matches!(rule, Rule::Time(_)) {
                    if out.len() > before {
                        groups.push(std::mem::take(&mut parts));
                    }
                    parts.push(input);
                } else {
                    parts.push(input);
                    if out.len() > before {
                        groups.push(std::mem::take(&mut parts));
                    }
                }
            }
            prop_assert_eq!(out.len(), groups.len());
            out.extend(aggregator.unfinished());
            groups.extend((!parts.is_empty()).then_some(parts));
            for (bar, group) in out.iter().zip(&groups) {
                prop_assert_eq!(bar.trades as usize, group.len());
                prop_assert_eq!(bar.open, group[0].price);
                prop_assert_eq!(bar.close, group[group.len() - 1].price);
                prop_assert_eq!(bar.high, group.iter().map(|t| t.price).max().unwrap());
                prop_assert_eq!(bar.low, group.iter().map(|t| t.price).min().unwrap());
                prop_assert_eq!(bar.volume.unwrap().raw(), group.iter().map(|t| t.quantity.raw()).sum::<i64>());
            }
        }

        #[test]
        fn bars_of_bars_are_the_bars_of_their_trades(
            length in 1_i64..8,
            steps in prop::collection::vec((0_i64..150, 1_i64..100, 1_i64..10), 1..200),
        ) {
            let (mut small, mut nested, mut direct) = (minutes(1), minutes(length), minutes(length));
            let (mut bars, mut from_bars, mut from_trades, mut time) = (Vec::new(), Vec::new(), Vec::new(), 0);
            for (wait, price, quantity) in steps {
                time += wait;
                small.push_trade(&trade(time, price, quantity), &mut bars).unwrap();
                direct.push_trade(&trade(time, price, quantity), &mut from_trades).unwrap();
            }
            let end = at(time + 3600);
            small.flush(end, &mut bars);
            for bar in &bars {
                nested.push_bar(bar, &mut from_bars).unwrap();
            }
            nested.flush(end, &mut from_bars);
            direct.flush(end, &mut from_trades);
            prop_assert_eq!(from_bars, from_trades);
        }
    }
}
