//! The way the price takes through a bar.

use crate::event::Bar;
use crate::num::{Price, Qty};
use crate::venue::PathRule;

/// Open, the two extremes in the order of the rule, and close. The position is the one at the start of the bar.
pub(super) fn points(rule: PathRule, bar: &Bar, position: Qty) -> [Price; 4] {
    let low_first = match rule {
        PathRule::Ohlc => false,
        PathRule::Olhc => true,
        PathRule::Pessimistic if position.is_positive() => true,
        PathRule::Pessimistic if position.is_negative() => false,
        PathRule::Pessimistic | PathRule::Adaptive => {
            // Both differences are of one bar, whose prices are positive: they cannot overflow.
            bar.open.raw() - bar.low.raw() <= bar.high.raw() - bar.open.raw()
        }
    };
    let (first, second) = if low_first { (bar.low, bar.high) } else { (bar.high, bar.low) };
    [bar.open, first, second, bar.close]
}
