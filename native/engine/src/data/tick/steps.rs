//! The venue's rules for a symbol, as far as its data give them away.

use serde::{Serialize, Serializer};

use crate::data::tick::family::Family;
use crate::num::{Price, Qty};
use crate::row::{Row, RowKind};

/// The steps that all prices and all quantities seen are multiples of.
///
/// With few rows they may be coarser than the venue's: what never occurred cannot be known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Steps {
    price: u64,
    quantity: u64,
}

/// The rules that follow from the steps, in the words of the venue file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum InferredRules {
    /// Hyperliquid: five significant figures, and lots of `10^-size_decimals`.
    Figures {
        /// Digits of quantities after the point.
        size_decimals: u32,
    },
    /// One step each.
    Fixed {
        /// The greatest common divisor of the prices.
        #[serde(serialize_with = "text")]
        tick_size: Price,
        /// The greatest common divisor of the quantities.
        #[serde(serialize_with = "text")]
        lot_size: Qty,
    },
}

/// Decimals cross into JSON as text, exact.
fn text<S: Serializer>(number: &impl std::fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

/// Digits after the point of prices, at most, less those of quantities (Hyperliquid's perpetuals).
const FIGURES_DECIMALS: u32 = 6;

impl Steps {
    /// Takes a row in, if it holds a price of trading.
    pub fn observe(&mut self, row: &Row) {
        if matches!(Family::of(row.kind), Family::Trades | Family::Orders | Family::Book | Family::Quotes)
            && row.kind != RowKind::BookClear
        {
            self.price = divisor(self.price, row.price.raw().unsigned_abs());
            self.quantity = divisor(self.quantity, row.quantity.raw().unsigned_abs());
        }
    }

    /// The rules; `None` where no price or no quantity was seen. `by_figures` asks for the rule of Hyperliquid, which is
    /// given if the prices keep it.
    #[must_use]
    pub fn rules(self, by_figures: bool) -> Option<InferredRules> {
        let (price, quantity) = (i64::try_from(self.price).ok()?, i64::try_from(self.quantity).ok()?);
        if price == 0 || quantity == 0 {
            return None;
        }
        let (price_decimals, size_decimals) = (decimals(self.price), decimals(self.quantity));
        if by_figures && price_decimals + size_decimals <= FIGURES_DECIMALS {
            return Some(InferredRules::Figures { size_decimals });
        }
        Some(InferredRules::Fixed { tick_size: Price::from_raw(price), lot_size: Qty::from_raw(quantity) })
    }
}

/// The greatest common divisor; of zero and a number, the number.
const fn divisor(a: u64, b: u64) -> u64 {
    let (mut a, mut b) = (a, b);
    while a != 0 {
        (a, b) = (b % a, a);
    }
    b
}

/// Digits after the point that a step of 1e-8 units needs.
const fn decimals(step: u64) -> u32 {
    let (mut step, mut decimals) = (step, 8);
    while decimals > 0 && step % 10 == 0 {
        step /= 10;
        decimals -= 1;
    }
    decimals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::InstrumentId;
    use crate::row::RowSide;
    use crate::time::Nanos;

    fn steps(levels: &[(&str, &str)]) -> Steps {
        let mut steps = Steps::default();
        for (price, quantity) in levels {
            let row = Row::new(RowKind::Trade, InstrumentId(0), Nanos::ZERO, Nanos::ZERO);
            steps.observe(&row.at(RowSide::Buy, price.parse().unwrap(), quantity.parse().unwrap()));
        }
        steps
    }

    #[test]
    fn steps_are_the_greatest_common_divisors() {
        let found = steps(&[("100.25", "3"), ("101", "0.5"), ("100.75", "2")]).rules(false);
        let expected = InferredRules::Fixed { tick_size: "0.25".parse().unwrap(), lot_size: "0.5".parse().unwrap() };
        assert_eq!(found, Some(expected));
        assert_eq!(Steps::default().rules(true), None);
    }

    #[test]
    fn the_rule_of_figures_is_given_where_the_prices_keep_it() {
        let levels = [("105055", "0.00012"), ("105056.5", "1")];
        assert_eq!(steps(&levels).rules(true), Some(InferredRules::Figures { size_decimals: 5 }));
        // Six decimals of quantity leave no decimals for prices.
        assert!(matches!(steps(&[("1.5", "0.000001")]).rules(true), Some(InferredRules::Fixed { .. })));
    }
}
