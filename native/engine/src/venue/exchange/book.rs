//! The book of an instrument: orders by price, then by their place in time.

use std::collections::BTreeMap;

use crate::num::{Money, NumError, Price, Qty};
use crate::order::Side;

/// One price.
#[derive(Debug, Clone, Default)]
pub struct Level {
    /// Orders by their place in time.
    orders: BTreeMap<u64, u64>,
    /// Their sum.
    quantity: Qty,
}

/// Both sides. Orders are ids here; what is left of each is told with every change.
#[derive(Debug, Clone, Default)]
pub struct QueueBook {
    /// By price, best first: a bid's key is its price with the sign turned.
    bids: BTreeMap<i64, Level>,
    asks: BTreeMap<i64, Level>,
    next_rank: u64,
}

/// A price, what rests there, and in how many orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelView {
    /// The price.
    pub price: Price,
    /// The sum of the orders.
    pub quantity: Qty,
    /// How many there are.
    pub orders: usize,
}

const fn key(side: Side, price: Price) -> i64 {
    -side.sign() * price.raw()
}

impl QueueBook {
    const fn side(&self, side: Side) -> &BTreeMap<i64, Level> {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    const fn side_mut(&mut self, side: Side) -> &mut BTreeMap<i64, Level> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    /// Puts an order at the end of its price's queue; its place in time.
    ///
    /// # Errors
    /// [`NumError::Overflow`], if the level would hold more than there can be.
    pub fn add(&mut self, side: Side, price: Price, quantity: Qty, oid: u64) -> Result<u64, NumError> {
        self.next_rank += 1;
        let rank = self.next_rank;
        let level = self.side_mut(side).entry(key(side, price)).or_default();
        level.quantity = level.quantity.add(quantity)?;
        level.orders.insert(rank, oid);
        Ok(rank)
    }

    /// An order at a place has lost `quantity`; with `is_gone` it leaves its queue.
    pub fn reduce(&mut self, side: Side, price: Price, rank: u64, quantity: Qty, is_gone: bool) {
        let levels = self.side_mut(side);
        let Some(level) = levels.get_mut(&key(side, price)) else { return };
        level.quantity = Qty::from_raw(level.quantity.raw() - quantity.raw());
        if is_gone {
            level.orders.remove(&rank);
        }
        if level.orders.is_empty() {
            levels.remove(&key(side, price));
        }
    }

    /// The order that is met first on a side, and its price.
    #[must_use]
    pub fn front(&self, side: Side) -> Option<(Price, u64)> {
        let (key, level) = self.side(side).first_key_value()?;
        let (_, oid) = level.orders.first_key_value()?;
        Some((Price::from_raw(-side.sign() * key), *oid))
    }

    /// The best price of a side.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<Price> {
        self.side(side).first_key_value().map(|(key, _)| Price::from_raw(-side.sign() * key))
    }

    /// Best bid and offer; `None` while a side is empty.
    #[must_use]
    pub fn touch(&self) -> Option<(Price, Price)> {
        Some((self.best(Side::Buy)?, self.best(Side::Sell)?))
    }

    /// The middle of bid and offer, rounded down to 1e-8.
    #[must_use]
    pub fn mid(&self) -> Option<Price> {
        let (bid, ask) = self.touch()?;
        Some(Price::from_raw(bid.raw().midpoint(ask.raw())))
    }

    /// The levels of a side, best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = LevelView> + '_ {
        self.side(side).iter().map(move |(key, level)| LevelView {
            price: Price::from_raw(-side.sign() * key),
            quantity: level.quantity,
            orders: level.orders.len(),
        })
    }

    /// The orders at a price, by their place in time.
    pub fn orders_at(&self, side: Side, price: Price) -> impl DoubleEndedIterator<Item = u64> + '_ {
        self.side(side).get(&key(side, price)).into_iter().flat_map(|level| level.orders.values().copied())
    }

    /// The average price at which this much money would trade against a side, or as much of it as there is.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn impact_price(&self, side: Side, notional: Money) -> Result<Option<Price>, NumError> {
        let (mut worth, mut quantity) = (Money::ZERO, Qty::ZERO);
        for level in self.levels(side) {
            let whole = level.price.notional(level.quantity)?;
            let left = notional.sub(worth)?;
            if whole >= left {
                let part = left.quantity_at(level.price)?;
                worth = worth.add(level.price.notional(part)?)?;
                quantity = quantity.add(part)?;
                break;
            }
            worth = worth.add(whole)?;
            quantity = quantity.add(level.quantity)?;
        }
        if quantity.is_zero() { Ok(self.best(side)) } else { worth.price_of(quantity).map(Some) }
    }

    /// Whether sums and queues agree with what is left of each order.
    ///
    /// # Errors
    /// A sentence naming the price where they do not.
    pub fn check(&self, leaves: impl Fn(u64) -> Option<Qty>) -> Result<(), String> {
        for side in [Side::Buy, Side::Sell] {
            for (key, level) in self.side(side) {
                let sum = level.orders.values().map(|oid| leaves(*oid).map_or(0, Qty::raw)).sum::<i64>();
                if sum != level.quantity.raw() || sum <= 0 {
                    return Err(format!("at {key}: the orders sum up to {sum}, the level holds {}", level.quantity));
                }
            }
        }
        match self.touch() {
            Some((bid, ask)) if bid >= ask => Err(format!("bid {bid} meets offer {ask}")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(orders: &[(Side, &str, &str)]) -> QueueBook {
        let mut book = QueueBook::default();
        for (oid, (side, price, quantity)) in (1..).zip(orders) {
            book.add(*side, price.parse().unwrap(), quantity.parse().unwrap(), oid).unwrap();
        }
        book
    }

    #[test]
    fn the_best_price_comes_first_and_at_a_price_who_came_first() {
        let mut b = book(&[
            (Side::Buy, "99", "1"),
            (Side::Buy, "100", "2"),
            (Side::Buy, "100", "3"),
            (Side::Sell, "102", "1"),
            (Side::Sell, "101", "1"),
        ]);
        assert_eq!(b.front(Side::Buy), Some(("100".parse().unwrap(), 2)));
        assert_eq!(b.front(Side::Sell), Some(("101".parse().unwrap(), 5)));
        assert_eq!(b.mid(), Some("100.5".parse().unwrap()));
        b.reduce(Side::Buy, "100".parse().unwrap(), 2, "2".parse().unwrap(), true);
        assert_eq!(b.front(Side::Buy), Some(("100".parse().unwrap(), 3)));
        let bids: Vec<_> =
            b.levels(Side::Buy).map(|l| (l.price.to_string(), l.quantity.to_string(), l.orders)).collect();
        assert_eq!(bids, [("100".into(), "3".into(), 1), ("99".into(), "1".into(), 1)]);
    }

    #[test]
    fn the_impact_price_walks_the_levels() {
        let b = book(&[(Side::Sell, "100", "1"), (Side::Sell, "110", "10")]);
        let price =
            |notional: &str| b.impact_price(Side::Sell, notional.parse().unwrap()).unwrap().unwrap().to_string();
        assert_eq!(price("50"), "100");
        assert_eq!(price("1200"), "109.09090909", "1 at 100 and 10 at 110");
        assert_eq!(price("1000000"), "109.09090909", "as much as there is");
        assert_eq!(b.impact_price(Side::Buy, Money::ZERO).unwrap(), None);
    }
}
