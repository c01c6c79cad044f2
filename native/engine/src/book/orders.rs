//! The orders of a book (L3), in price and time priority.

use rustc_hash::FxHashMap;

use crate::book::LevelBook;
use crate::num::{Price, Qty};
use crate::order::Side;
use crate::row::{Row, RowKind};

/// An order of somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Resting {
    side: Side,
    price: Price,
    quantity: Qty,
    /// Its place in time: lower was there before.
    rank: u64,
}

/// What a row did to the orders of one level, and to which place in its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderChange {
    /// Of which side.
    pub side: Side,
    /// At which price the order stood.
    pub price: Price,
    /// The order's place in time until now.
    pub rank: u64,
    /// What it lost there.
    pub removed: Qty,
    /// What its level there holds now.
    pub left: Qty,
    /// Whether it was executed rather than taken away.
    pub is_fill: bool,
    /// Where it stands anew, at the end of that queue, and with how much.
    pub joined: Option<(Price, Qty)>,
}

/// Every order of a book; the sums by price are kept in a [`LevelBook`] beside it.
///
/// Orders are found by the venue's id, never walked, so that no hash decides anything.
#[derive(Debug, Clone, Default)]
pub struct OrderBook {
    orders: FxHashMap<u64, Resting>,
    next_rank: u64,
    unknown: u64,
}

impl OrderBook {
    /// The place in time of an order that would join now.
    #[must_use]
    pub const fn next_rank(&self) -> u64 {
        self.next_rank
    }

    /// Rows about orders that are not here: executed elsewhere, or from before the recording.
    #[must_use]
    pub const fn unknown(&self) -> u64 {
        self.unknown
    }

    /// How many orders there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.orders.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.orders.is_empty()
    }

    /// Forgets the orders of one side, or all.
    pub fn clear(&mut self, side: Option<Side>) {
        match side {
            Some(side) => self.orders.retain(|_, order| order.side != side),
            None => self.orders.clear(),
        }
    }

    /// Takes a row about an order in and brings the levels up to date; `None` if it is about an order that is not here.
    pub fn apply(&mut self, levels: &mut LevelBook, row: &Row) -> Option<OrderChange> {
        let change = match row.kind {
            RowKind::OrderAdd => self.add(row),
            RowKind::OrderCancel | RowKind::OrderFill => self.reduce(row),
            RowKind::OrderModify => self.modify(row),
            _ => None,
        };
        let Some(mut change) = change else {
            self.unknown += 1;
            return None;
        };
        let ladder = levels.side_mut(change.side);
        change.left = Qty::from_raw(ladder.get(change.price).raw() - change.removed.raw());
        if !change.removed.is_zero() {
            ladder.set(change.price, change.left);
        }
        if let Some((price, quantity)) = change.joined {
            let sum = ladder.get(price).raw().saturating_add(quantity.raw());
            ladder.set(price, Qty::from_raw(sum));
        }
        Some(change)
    }

    const fn rank(&mut self) -> u64 {
        self.next_rank += 1;
        self.next_rank - 1
    }

    fn add(&mut self, row: &Row) -> Option<OrderChange> {
        let (side, price, quantity) = (row.side.side()?, row.price, row.quantity);
        if !quantity.is_positive() || self.orders.contains_key(&row.order_id) {
            return None;
        }
        let rank = self.rank();
        self.orders.insert(row.order_id, Resting { side, price, quantity, rank });
        Some(OrderChange {
            side,
            price,
            rank,
            removed: Qty::ZERO,
            left: Qty::ZERO,
            is_fill: false,
            joined: Some((price, quantity)),
        })
    }

    fn reduce(&mut self, row: &Row) -> Option<OrderChange> {
        let order = self.orders.get_mut(&row.order_id)?;
        let removed = row.quantity.min(order.quantity);
        let Resting { side, price, rank, .. } = *order;
        order.quantity = Qty::from_raw(order.quantity.raw() - removed.raw());
        if order.quantity.is_zero() {
            self.orders.remove(&row.order_id);
        }
        let is_fill = row.kind == RowKind::OrderFill;
        Some(OrderChange { side, price, rank, removed, left: Qty::ZERO, is_fill, joined: None })
    }

    /// Less at the same price keeps the place; everything else loses it.
    fn modify(&mut self, row: &Row) -> Option<OrderChange> {
        let next = self.next_rank;
        let order = self.orders.get_mut(&row.order_id)?;
        let before = *order;
        let change = |removed: Qty, joined| OrderChange {
            side: before.side,
            price: before.price,
            rank: before.rank,
            removed,
            left: Qty::ZERO,
            is_fill: false,
            joined,
        };
        if row.price == before.price && row.quantity <= before.quantity {
            order.quantity = row.quantity;
            if row.quantity.is_zero() {
                self.orders.remove(&row.order_id);
            }
            return Some(change(Qty::from_raw(before.quantity.raw() - row.quantity.raw()), None));
        }
        if !row.quantity.is_positive() {
            self.orders.remove(&row.order_id);
            return Some(change(before.quantity, None));
        }
        *order = Resting { price: row.price, quantity: row.quantity, rank: next, ..before };
        self.next_rank = next + 1;
        Some(change(before.quantity, Some((row.price, row.quantity))))
    }
}
