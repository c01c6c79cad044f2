//! Bars of a market, made of its prints: minutes are kept, longer ones are put together when asked for.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::wire::{decimal, decimal_sum};
use crate::local_venue::topic::Interval;
use crate::num::{Price, Qty};
use crate::time::Nanos;

/// Bars that an answer holds at most, and minutes that are kept.
pub(super) const BARS_MAX: usize = 5_000;

#[derive(Debug, Clone, Copy)]
struct Bar {
    open_time: Nanos,
    open: Price,
    high: Price,
    low: Price,
    close: Price,
    volume: i128,
    trades: u64,
}

impl Bar {
    fn take_in(&mut self, other: &Self) {
        self.high = self.high.max(other.high);
        self.low = self.low.min(other.low);
        self.close = other.close;
        self.volume += other.volume;
        self.trades += other.trades;
    }
}

/// The minutes of one market.
#[derive(Debug, Clone, Default)]
pub(super) struct Candles(VecDeque<Bar>);

/// When the bar of a time opens, and when the next one does. Weeks begin on Monday, months on their first.
fn bounds(interval: Interval, time: Nanos) -> (Nanos, Nanos) {
    let Some(length) = interval.length() else {
        let (year, month) = crate::time::month_of(time);
        let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        return (crate::time::start_of_month(year, month), crate::time::start_of_month(next.0, next.1));
    };
    // The epoch was a Thursday: weeks are counted from the Monday before it.
    let shift = if interval == Interval::OneWeek { 3 * Nanos::DAY.raw() } else { 0 };
    let start = Nanos::from_raw((time.raw() + shift).div_euclid(length.raw()) * length.raw() - shift);
    (start, start.after(length))
}

impl Candles {
    /// Counts a print.
    pub(super) fn count(&mut self, price: Price, quantity: Qty, time: Nanos) {
        let open_time = time.floor_to(Nanos::MINUTE);
        let volume = i128::from(quantity.raw());
        let bar = Bar { open_time, open: price, high: price, low: price, close: price, volume, trades: 1 };
        match self.0.back_mut() {
            Some(last) if last.open_time == open_time => last.take_in(&bar),
            _ => {
                self.0.push_back(bar);
                if self.0.len() > BARS_MAX {
                    self.0.pop_front();
                }
            }
        }
    }

    /// Bars that open between two times, both included, oldest first, at most the newest [`BARS_MAX`].
    pub(super) fn between(&self, coin: &str, interval: Interval, start: Nanos, end: Nanos) -> Vec<Value> {
        let mut bars = self.since(interval, start);
        bars.retain(|(bar, _)| bar.open_time <= end);
        let first = bars.len().saturating_sub(BARS_MAX);
        bars.iter().skip(first).map(|(bar, next)| written(coin, interval, bar, *next)).collect()
    }

    /// The bar that a time belongs to, and those after it.
    pub(super) fn from(&self, coin: &str, interval: Interval, time: Nanos) -> Vec<Value> {
        self.since(interval, time).iter().map(|(bar, next)| written(coin, interval, bar, *next)).collect()
    }

    fn since(&self, interval: Interval, time: Nanos) -> Vec<(Bar, Nanos)> {
        let (start, _) = bounds(interval, time);
        let mut bars: Vec<(Bar, Nanos)> = Vec::new();
        for minute in self.0.range(self.0.partition_point(|minute| minute.open_time < start)..) {
            let (open_time, next) = bounds(interval, minute.open_time);
            match bars.last_mut() {
                Some((bar, _)) if bar.open_time == open_time => bar.take_in(minute),
                _ => bars.push((Bar { open_time, ..*minute }, next)),
            }
        }
        bars
    }
}

fn written(coin: &str, interval: Interval, bar: &Bar, next: Nanos) -> Value {
    json!({
        "t": bar.open_time.millis(),
        "T": next.millis() - 1,
        "s": coin,
        "i": interval.as_str(),
        "o": decimal(bar.open),
        "c": decimal(bar.close),
        "h": decimal(bar.high),
        "l": decimal(bar.low),
        "v": decimal_sum(bar.volume),
        "n": bar.trades,
    })
}
