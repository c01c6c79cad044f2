//! The two sides of a book as queues of orders, from the best price outwards.

use std::collections::VecDeque;

use crate::row::RowSide;

/// An order that rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resting {
    /// Its id.
    pub id: u64,
    /// What is left of it, in lots.
    pub lots: i64,
}

/// One price: orders by arrival.
#[derive(Debug, Clone, Default)]
pub struct Level {
    /// The orders; the front is filled first.
    pub orders: VecDeque<Resting>,
    /// Their sum, in lots.
    pub lots: i64,
}

/// One side: the best level in front, then each price that follows, with or without orders.
#[derive(Debug, Clone)]
pub struct SideQueues {
    /// Which side.
    pub side: RowSide,
    /// The best price, in ticks. Means something while there are orders.
    pub best: i64,
    /// Levels by distance from the best.
    pub levels: VecDeque<Level>,
    /// Orders of all levels.
    pub count: usize,
    spare: Vec<Level>,
}

impl SideQueues {
    /// A side without orders around a price.
    #[must_use]
    pub const fn new(side: RowSide, best: i64) -> Self {
        Self { side, best, levels: VecDeque::new(), count: 0, spare: Vec::new() }
    }

    /// Ticks outwards: down for bids, up for offers.
    #[must_use]
    pub const fn outwards(&self) -> i64 {
        if matches!(self.side, RowSide::Buy) { -1 } else { 1 }
    }

    /// The price of the level at a distance from the best.
    #[must_use]
    pub fn price(&self, distance: usize) -> i64 {
        self.best + self.outwards() * i64::try_from(distance).unwrap_or(0)
    }

    /// The level of a price; `None` if it is better than the best.
    #[must_use]
    pub fn distance(&self, price: i64) -> Option<usize> {
        usize::try_from((price - self.best) * self.outwards()).ok()
    }

    /// What rests at a price, in lots.
    #[must_use]
    pub fn lots_at(&self, price: i64) -> i64 {
        self.distance(price).and_then(|d| self.levels.get(d)).map_or(0, |level| level.lots)
    }

    /// Puts an order at the back of its price, which may be a new best.
    pub fn add(&mut self, price: i64, order: Resting) {
        while self.distance(price).is_none() {
            let level = self.spare.pop().unwrap_or_default();
            self.levels.push_front(level);
            self.best -= self.outwards();
        }
        let distance = self.distance(price).unwrap_or(0);
        while self.levels.len() <= distance {
            let level = self.spare.pop().unwrap_or_default();
            self.levels.push_back(level);
        }
        if let Some(level) = self.levels.get_mut(distance) {
            level.orders.push_back(order);
            level.lots += order.lots;
            self.count += 1;
        }
    }

    /// Takes lots off the order at a place of a level; what was taken.
    pub fn reduce(&mut self, distance: usize, place: usize, lots: i64) -> i64 {
        let Some(level) = self.levels.get_mut(distance) else { return 0 };
        let Some(order) = level.orders.get_mut(place) else { return 0 };
        let taken = lots.min(order.lots);
        order.lots -= taken;
        level.lots -= taken;
        if order.lots == 0 {
            level.orders.remove(place);
            self.count -= 1;
        }
        taken
    }

    /// Drops empty levels in front, so that the best has orders again.
    pub fn settle(&mut self) {
        while self.count > 0 && self.levels.front().is_some_and(|level| level.orders.is_empty()) {
            self.spare.extend(self.levels.pop_front());
            self.best += self.outwards();
        }
    }

    /// Drops empty levels at the back, as far as they reach beyond `depth`.
    pub fn trim(&mut self, depth: usize) {
        while self.levels.len() > depth && self.levels.back().is_some_and(|level| level.orders.is_empty()) {
            self.spare.extend(self.levels.pop_back());
        }
    }
}
