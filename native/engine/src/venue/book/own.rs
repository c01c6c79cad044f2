//! Our own resting orders of one instrument, by side and price, each level in order of arrival.

use std::collections::BTreeMap;

use crate::num::{Price, Qty};
use crate::order::{Cloid, OrderEvent, Side};

/// An order of ours in the book.
#[derive(Debug, Clone)]
pub(super) struct Resting {
    pub(super) event: OrderEvent,
    pub(super) oid: u64,
    pub(super) price: Price,
    pub(super) leaves: Qty,
    /// What stands before it; `None` where the data do not tell.
    pub(super) ahead: Option<Qty>,
    /// Its place in time among the orders of a book of orders.
    pub(super) rank: u64,
    /// What stood before it when it came.
    pub(super) ahead_at_arrival: Option<Qty>,
}

#[derive(Debug, Clone)]
pub(super) struct Level {
    pub(super) price: Price,
    pub(super) orders: Vec<Resting>,
}

/// All our resting orders of one instrument.
#[derive(Debug, Clone, Default)]
pub(super) struct OwnOrders {
    /// Best price first.
    sides: [Vec<Level>; 2],
    places: BTreeMap<Cloid, (Side, Price)>,
    /// Whether the other side of the book may have reached an order of ours; `false` only where it has not.
    pub(super) may_be_reached: bool,
    /// How many may only reduce the position.
    pub(super) reduce_only: usize,
}

/// Whether a price is better than another, for a resting order: more likely to be met.
pub(super) fn is_better(side: Side, price: Price, other: Price) -> bool {
    match side {
        Side::Buy => price > other,
        Side::Sell => price < other,
    }
}

impl OwnOrders {
    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Levels of a side, best first.
    #[inline(always)]
    pub(super) const fn side(&self, side: Side) -> &Vec<Level> {
        let [buys, sells] = &self.sides;
        match side {
            Side::Buy => buys,
            Side::Sell => sells,
        }
    }

    #[inline(always)]
    pub(super) const fn side_mut(&mut self, side: Side) -> &mut Vec<Level> {
        let [buys, sells] = &mut self.sides;
        match side {
            Side::Buy => buys,
            Side::Sell => sells,
        }
    }

    /// The best price of a side.
    #[inline(always)]
    pub(super) fn best(&self, side: Side) -> Option<Price> {
        self.side(side).first().map(|level| level.price)
    }

    /// The orders at a price.
    #[inline]
    pub(super) fn level_mut(&mut self, side: Side, price: Price) -> Option<&mut Level> {
        let levels = self.side_mut(side);
        let at = levels.partition_point(|level| is_better(side, level.price, price));
        levels.get_mut(at).filter(|level| level.price == price)
    }

    /// A level of `side` holds something: does it reach our orders of the other side?
    #[inline(always)]
    pub(super) fn note_level(&mut self, side: Side, price: Price) {
        let other = side.opposite();
        self.may_be_reached |= self.best(other).is_some_and(|own| !is_better(other, price, own));
    }

    pub(super) fn insert(&mut self, order: Resting) {
        self.may_be_reached = true;
        let (side, price) = (order.event.side, order.price);
        self.places.insert(order.event.cloid, (side, price));
        self.reduce_only += usize::from(order.event.reduce_only);
        let levels = self.side_mut(side);
        let at = levels.partition_point(|level| is_better(side, level.price, price));
        match levels.get_mut(at).filter(|level| level.price == price) {
            Some(level) => level.orders.push(order),
            None => levels.insert(at, Level { price, orders: vec![order] }),
        }
    }

    pub(super) fn get_mut(&mut self, cloid: Cloid) -> Option<&mut Resting> {
        let (side, price) = self.places.get(&cloid).copied()?;
        self.level_mut(side, price)?.orders.iter_mut().find(|o| o.event.cloid == cloid)
    }

    pub(super) fn contains(&self, cloid: Cloid) -> bool {
        self.places.contains_key(&cloid)
    }

    pub(super) fn remove(&mut self, cloid: Cloid) -> Option<Resting> {
        let (side, price) = self.places.remove(&cloid)?;
        let levels = self.side_mut(side);
        let at = levels.partition_point(|level| is_better(side, level.price, price));
        let level = levels.get_mut(at)?;
        let place = level.orders.iter().position(|o| o.event.cloid == cloid)?;
        let order = level.orders.remove(place);
        if level.orders.is_empty() {
            levels.remove(at);
        }
        self.reduce_only -= usize::from(order.event.reduce_only);
        Some(order)
    }

    /// Every order: bids, then offers, best first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Resting> {
        self.sides.iter().flatten().flat_map(|level| level.orders.iter())
    }
}
