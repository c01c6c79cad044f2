//! What the recording does not show yet: quantity traded at a level since its last update, and what we took from it.

use crate::num::{Price, Qty};
use crate::order::Side;
use crate::time::Nanos;

/// One level of which something is known.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    price: Price,
    /// Traded there since the level was told of last (`T`).
    traded: Qty,
    /// What we took.
    taken: Qty,
    /// When we took last.
    taken_at: Nanos,
}

/// The levels of both sides of which something is known: few, so they are searched one by one.
#[derive(Debug, Clone, Default)]
pub(super) struct Overlay {
    sides: [Vec<Entry>; 2],
}

impl Overlay {
    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        let [buys, sells] = &self.sides;
        buys.is_empty() && sells.is_empty()
    }

    #[inline(always)]
    const fn side(&mut self, side: Side) -> &mut Vec<Entry> {
        let [buys, sells] = &mut self.sides;
        match side {
            Side::Buy => buys,
            Side::Sell => sells,
        }
    }

    fn entry(&mut self, side: Side, price: Price) -> &mut Entry {
        let entries = self.side(side);
        let at = entries.iter().position(|e| e.price == price).unwrap_or_else(|| {
            entries.push(Entry { price, ..Entry::default() });
            entries.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "found, or just pushed")]
        &mut entries[at]
    }

    /// Quantity traded at a level, which holds `held` as far as is recorded.
    pub(super) fn trade(&mut self, side: Side, price: Price, quantity: Qty, held: Qty) {
        let entry = self.entry(side, price);
        entry.traded = Qty::from_raw(entry.traded.raw().saturating_add(quantity.raw()).min(held.raw()));
    }

    /// A level that an aggressor went beyond: everything there is gone.
    pub(super) fn exhaust(&mut self, side: Side, price: Price, held: Qty) {
        self.entry(side, price).traded = held;
    }

    /// We took from a level.
    pub(super) fn take(&mut self, side: Side, price: Price, quantity: Qty, now: Nanos) {
        let entry = self.entry(side, price);
        entry.taken = Qty::from_raw(entry.taken.raw().saturating_add(quantity.raw()));
        entry.taken_at = now;
    }

    /// What anybody can still take of a level that holds `held`: `max(0, Q − T − taken)`.
    pub(super) fn available(&self, side: Side, price: Price, held: Qty, decayed: Nanos) -> Qty {
        let [buys, sells] = &self.sides;
        let entries = if side == Side::Buy { buys } else { sells };
        let Some(entry) = entries.iter().find(|e| e.price == price) else { return held };
        let taken = if entry.taken_at < decayed { 0 } else { entry.taken.raw() };
        Qty::from_raw((held.raw() - entry.traded.raw() - taken).max(0))
    }

    /// The level was told again, and holds `after`: what was traded is in it now. Returns what was traded.
    #[inline]
    pub(super) fn told(&mut self, side: Side, price: Price, after: Qty) -> Qty {
        let entries = self.side(side);
        let Some(at) = entries.iter().position(|e| e.price == price) else { return Qty::ZERO };
        #[expect(clippy::indexing_slicing, reason = "just found")]
        let entry = &mut entries[at];
        let traded = std::mem::take(&mut entry.traded);
        entry.taken = entry.taken.min(after);
        if entry.taken.is_zero() {
            entries.swap_remove(at);
        }
        traded
    }

    /// An order of the level left or was executed: it was perhaps among what we took.
    pub(super) fn shrink(&mut self, side: Side, price: Price, held_after: Qty) {
        let entries = self.side(side);
        let Some(at) = entries.iter().position(|e| e.price == price) else { return };
        if let Some(entry) = entries.get_mut(at) {
            entry.taken = entry.taken.min(held_after);
            if entry.taken.is_zero() {
                entries.swap_remove(at);
            }
        }
    }

    /// A side will be told anew.
    pub(super) fn clear(&mut self, side: Side) {
        self.side(side).clear();
    }
}
