//! A book without speed, to check rows by: what is left after each of them, and whether it is crossed.

use std::collections::BTreeMap;

use crate::num::{Price, Qty};
use crate::row::{Flags, Row, RowKind, RowSide};

/// Levels, and the orders behind them where the feed names orders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlainBook {
    bids: BTreeMap<Price, Qty>,
    asks: BTreeMap<Price, Qty>,
    orders: BTreeMap<u64, (RowSide, Price, Qty)>,
}

impl PlainBook {
    /// Takes the next row in. Kinds that say nothing of the book, and rows older than the stream, are passed over.
    pub fn apply(&mut self, row: &Row) {
        if row.flags.has(Flags::HISTORY) {
            return;
        }
        match row.kind {
            RowKind::BookSnapshot => {
                if row.flags.has(Flags::FIRST) {
                    self.clear(RowSide::None);
                }
                self.set(row.side, row.price, row.quantity);
            }
            RowKind::BookDelta => self.set(row.side, row.price, row.quantity),
            RowKind::BookClear => self.clear(row.side),
            RowKind::OrderAdd => {
                self.remove(row.order_id, Qty::MAX);
                self.add(row);
            }
            RowKind::OrderModify => {
                let side = self.remove(row.order_id, Qty::MAX).unwrap_or(row.side);
                self.add(&Row { side, ..*row });
            }
            RowKind::OrderCancel | RowKind::OrderFill => drop(self.remove(row.order_id, row.quantity)),
            RowKind::Trade | RowKind::Quote | RowKind::Context | RowKind::Funding | RowKind::Status => {}
        }
    }

    /// The best bid and the quantity there.
    #[must_use]
    pub fn best_bid(&self) -> Option<(Price, Qty)> {
        self.bids.last_key_value().map(|(price, quantity)| (*price, *quantity))
    }
    /// The best offer and the quantity there.
    #[must_use]
    pub fn best_ask(&self) -> Option<(Price, Qty)> {
        self.asks.first_key_value().map(|(price, quantity)| (*price, *quantity))
    }
    /// Best bid and best offer, where the bid reaches the offer.
    #[must_use]
    pub fn crossed(&self) -> Option<(Price, Price)> {
        let ((bid, _), (ask, _)) = (self.best_bid()?, self.best_ask()?);
        (bid >= ask).then_some((bid, ask))
    }
    /// What is at a level; zero for nothing.
    #[must_use]
    pub fn quantity(&self, side: RowSide, price: Price) -> Qty {
        let levels = if side == RowSide::Buy { &self.bids } else { &self.asks };
        levels.get(&price).copied().unwrap_or_default()
    }
    /// How many levels a side has.
    #[must_use]
    pub fn depth(&self, side: RowSide) -> usize {
        if side == RowSide::Buy { self.bids.len() } else { self.asks.len() }
    }
    /// The levels of a side with their quantities, by price.
    pub fn levels(&self, side: RowSide) -> impl DoubleEndedIterator<Item = (Price, Qty)> {
        let levels = if side == RowSide::Buy { &self.bids } else { &self.asks };
        levels.iter().map(|(price, quantity)| (*price, *quantity))
    }
    /// An order: its side, price, and what is left of it.
    #[must_use]
    pub fn order(&self, id: u64) -> Option<(RowSide, Price, Qty)> {
        self.orders.get(&id).copied()
    }

    fn clear(&mut self, side: RowSide) {
        if side != RowSide::Sell {
            self.bids.clear();
        }
        if side != RowSide::Buy {
            self.asks.clear();
        }
        self.orders.retain(|_, order| side != RowSide::None && order.0 != side);
    }

    fn set(&mut self, side: RowSide, price: Price, quantity: Qty) {
        let levels = if side == RowSide::Buy { &mut self.bids } else { &mut self.asks };
        if quantity.is_positive() {
            levels.insert(price, quantity);
        } else {
            levels.remove(&price);
        }
    }

    fn add(&mut self, row: &Row) {
        if row.quantity.is_positive() {
            self.orders.insert(row.order_id, (row.side, row.price, row.quantity));
            self.shift(row.side, row.price, row.quantity.raw());
        }
    }

    /// Takes `quantity` off an order; its side, if there is such an order. Feeds name orders that the book never had.
    fn remove(&mut self, id: u64, quantity: Qty) -> Option<RowSide> {
        let (side, price, left) = self.orders.get_mut(&id)?;
        let (side, price, taken) = (*side, *price, quantity.min(*left));
        *left = Qty::from_raw(left.raw() - taken.raw());
        if !left.is_positive() {
            self.orders.remove(&id);
        }
        self.shift(side, price, -taken.raw());
        Some(side)
    }

    fn shift(&mut self, side: RowSide, price: Price, by: i64) {
        let sum = self.quantity(side, price).raw().saturating_add(by);
        self.set(side, price, Qty::from_raw(sum));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::InstrumentId;
    use crate::time::Nanos;

    fn row(kind: RowKind, side: RowSide, price: i64, quantity: i64) -> Row {
        let row = Row::new(kind, InstrumentId(0), Nanos::ZERO, Nanos::ZERO);
        row.at(side, Price::from_raw(price), Qty::from_raw(quantity))
    }

    #[test]
    fn orders_make_the_levels_and_leave_them() {
        let mut book = PlainBook::default();
        book.apply(&row(RowKind::OrderAdd, RowSide::Buy, 10, 5).of(1));
        book.apply(&row(RowKind::OrderAdd, RowSide::Buy, 10, 2).of(2));
        assert_eq!(book.best_bid(), Some((Price::from_raw(10), Qty::from_raw(7))));
        book.apply(&row(RowKind::OrderFill, RowSide::Buy, 10, 4).of(1));
        book.apply(&row(RowKind::OrderModify, RowSide::Buy, 11, 3).of(2));
        assert_eq!(book.quantity(RowSide::Buy, Price::from_raw(10)), Qty::from_raw(1));
        assert_eq!(book.best_bid(), Some((Price::from_raw(11), Qty::from_raw(3))));
        // More than is left, and an order that nobody has seen.
        book.apply(&row(RowKind::OrderCancel, RowSide::Buy, 10, 9).of(1));
        book.apply(&row(RowKind::OrderCancel, RowSide::Buy, 10, 9).of(7));
        assert_eq!(book.depth(RowSide::Buy), 1);
    }

    #[test]
    fn a_snapshot_replaces_what_was_there() {
        let mut book = PlainBook::default();
        book.apply(&row(RowKind::BookDelta, RowSide::Sell, 8, 5));
        book.apply(&row(RowKind::BookSnapshot, RowSide::Buy, 9, 1).marked(Flags::FIRST));
        book.apply(&row(RowKind::BookSnapshot, RowSide::Sell, 9, 1).marked(Flags::LAST));
        assert_eq!(book.quantity(RowSide::Sell, Price::from_raw(8)), Qty::ZERO);
        assert_eq!(book.crossed(), Some((Price::from_raw(9), Price::from_raw(9))));
    }
}
