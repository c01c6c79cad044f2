//! One instrument at the venue: the recorded book, what lies over it, our resting orders, and what fills them.

use crate::book::{BookKind, MarketBook, Observer, OrderChange};
use crate::num::{Price, Qty};
use crate::order::{Cloid, FillReason, Side};
use crate::row::{Flags, Row, RowKind};
use crate::time::Nanos;
use crate::venue::book::options::{BookOptions, Evidence};
use crate::venue::book::overlay::Overlay;
use crate::venue::book::own::{Level, OwnOrders, is_better};

/// A fill that the evidence allows, at the order's own price.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub(super) cloid: Cloid,
    pub(super) quantity: Qty,
    pub(super) reason: FillReason,
}

/// One instrument at the venue. What every row touches comes first, in memory too.
#[derive(Debug, Clone)]
#[repr(C)]
pub(super) struct Market {
    /// When anything was told of it last.
    pub(super) told: Nanos,
    pub(super) own: OwnOrders,
    pub(super) overlay: Overlay,
    pub(super) book: MarketBook,
    /// Before the first print a crossed book is an auction, in which nothing is matched.
    pub(super) is_auction: bool,
    has_traded: bool,
}

impl Market {
    pub(super) fn new(kind: BookKind) -> Self {
        Self {
            book: MarketBook::new(kind),
            overlay: Overlay::default(),
            own: OwnOrders::default(),
            told: Nanos::MIN,
            is_auction: false,
            has_traded: false,
        }
    }

    /// Takes a row in; what it fills is appended to `hits`.
    #[inline(always)]
    pub(super) fn on_row(&mut self, row: &Row, options: &BookOptions, hits: &mut Vec<Hit>) {
        self.told = row.exchange_time;
        if row.kind == RowKind::Trade {
            self.on_trade(row, options, hits);
            return;
        }
        let is_quiet = self.own.is_empty();
        if is_quiet && self.overlay.is_empty() {
            self.book.apply(row, &mut ());
        } else {
            let mut watch = Watch { overlay: &mut self.overlay, own: &mut self.own, options, hits };
            self.book.apply(row, &mut watch);
        }
        if row.flags.has(Flags::LAST) && (!is_quiet || self.book.kind() == BookKind::L3) {
            self.on_batch(row.exchange_time, options, hits);
        }
    }

    /// A batch is complete: the book is as the venue had it.
    #[inline(never)]
    fn on_batch(&mut self, now: Nanos, options: &BookOptions, hits: &mut Vec<Hit>) {
        if self.book.kind() == BookKind::L3 && !self.has_traded {
            self.is_auction = self.book.levels.is_crossed();
        }
        if self.is_auction || !self.own.may_be_reached || options.cross_fill == Evidence::Off {
            return;
        }
        self.own.may_be_reached = false;
        for side in [Side::Buy, Side::Sell] {
            let (Some(own), Some(other)) = (self.own.best(side), self.book.levels.side(side.opposite()).best()) else {
                continue;
            };
            if !is_better(side, other, own) {
                self.own.may_be_reached = true;
                self.cross(side, now, options, hits);
            }
        }
    }

    /// The other side of the book reaches our orders of a side: they take what it displays, at their own prices.
    fn cross(&mut self, side: Side, now: Nanos, options: &BookOptions, hits: &mut Vec<Hit>) {
        let other = side.opposite();
        let decayed = decayed(now, options);
        for level in self.own.side(side) {
            if self.book.levels.side(other).best().is_none_or(|best| is_better(side, best, level.price)) {
                break;
            }
            for order in &level.orders {
                if options.cross_fill == Evidence::Full || !options.partial_fills {
                    hits.push(Hit { cloid: order.event.cloid, quantity: order.leaves, reason: FillReason::Cross });
                    continue;
                }
                let mut filled = Qty::ZERO;
                for (price, held) in self.book.levels.side(other).iter() {
                    let left = order.leaves.raw() - filled.raw();
                    if left == 0 || is_better(side, price, level.price) {
                        break;
                    }
                    let available = self.overlay.available(other, price, held, decayed);
                    let part = Qty::from_raw(left.min(available.raw()));
                    if part.is_positive() {
                        self.overlay.take(other, price, part, now);
                        filled = Qty::from_raw(filled.raw() + part.raw());
                    }
                }
                if filled.is_positive() {
                    hits.push(Hit { cloid: order.event.cloid, quantity: filled, reason: FillReason::Cross });
                }
            }
        }
    }

    /// A public print: it uses up the queue at its level, and reaches past every better one.
    fn on_trade(&mut self, row: &Row, options: &BookOptions, hits: &mut Vec<Hit>) {
        if row.flags.has(Flags::HISTORY) {
            return;
        }
        self.book.last_trade = Some(row.price);
        self.has_traded = true;
        self.is_auction = false;
        // In a book of orders executions drive; prints only inform.
        if self.book.kind() == BookKind::L3 {
            return;
        }
        match row.side.side() {
            Some(aggressor) => self.trade(aggressor.opposite(), row, options, hits),
            None if options.unknown_aggressor_fills => {
                self.trade(Side::Buy, row, options, hits);
                self.trade(Side::Sell, row, options, hits);
            }
            None => {}
        }
    }

    /// A print that met orders of `side`.
    fn trade(&mut self, side: Side, row: &Row, options: &BookOptions, hits: &mut Vec<Hit>) {
        let (price, quantity) = (row.price, row.quantity);
        let ladder = self.book.levels.side(side);
        for (passed, held) in ladder.iter().take_while(|(p, _)| is_better(side, *p, price)) {
            self.overlay.exhaust(side, passed, held);
        }
        let held = ladder.get(price);
        if !held.is_zero() {
            self.overlay.trade(side, price, quantity, held);
        }
        let mut budget = quantity;
        for level in self.own.side_mut(side) {
            if is_better(side, level.price, price) {
                pass_through(level, &mut budget, options, hits);
            } else if level.price == price {
                work_off(level, budget, options, hits);
            } else {
                break;
            }
        }
    }

    /// What the other side of the book offers to an aggressor of `side` down to its limit.
    pub(super) fn reachable(&self, side: Side, limit: Price, now: Nanos, options: &BookOptions) -> Qty {
        let other = side.opposite();
        let levels = self.book.levels.side(other).iter().take_while(|(price, _)| !is_better(side, *price, limit));
        let decayed = decayed(now, options);
        Qty::from_raw(levels.fold(0_i64, |sum, (price, held)| {
            sum.saturating_add(self.overlay.available(other, price, held, decayed).raw())
        }))
    }
}

/// What was taken before this time is forgotten.
pub(super) fn decayed(now: Nanos, options: &BookOptions) -> Nanos {
    options.taken_decay.map_or(Nanos::MIN, |decay| now.since(decay))
}

/// A print went beyond a level of ours: nobody is ahead any more (SIMULATION, 5.2).
fn pass_through(level: &mut Level, budget: &mut Qty, options: &BookOptions, hits: &mut Vec<Hit>) {
    for order in &mut level.orders {
        order.ahead = Some(Qty::ZERO);
        let is_whole = !options.partial_fills || options.through_fill == Evidence::Full;
        let quantity = match options.through_fill {
            Evidence::Off => Qty::ZERO,
            _ if is_whole => order.leaves,
            _ => order.leaves.min(*budget),
        };
        if quantity.is_positive() {
            hits.push(Hit { cloid: order.event.cloid, quantity, reason: FillReason::Through });
            *budget = Qty::from_raw((budget.raw() - quantity.raw()).max(0));
        }
    }
}

/// A print at a level of ours: first those ahead, then we, one budget for all (SIMULATION, 5.1).
fn work_off(level: &mut Level, quantity: Qty, options: &BookOptions, hits: &mut Vec<Hit>) {
    if !options.partial_fills {
        for order in &mut level.orders {
            let Some(ahead) = order.ahead else { continue };
            if quantity > ahead {
                hits.push(Hit { cloid: order.event.cloid, quantity: order.leaves, reason: FillReason::Queue });
            }
            order.ahead = Some(Qty::from_raw((ahead.raw() - quantity.raw()).max(0)));
        }
        return;
    }
    let (mut budget, mut consumed) = (quantity.raw(), 0_i64);
    for order in &level.orders {
        // Whoever stands behind an unknown queue is not reached.
        let Some(ahead) = order.ahead else { break };
        let others = budget.min((ahead.raw() - consumed).max(0));
        budget -= others;
        consumed += others;
        // While anybody is still ahead, nothing of the print is left.
        let ours = budget.min(order.leaves.raw());
        budget -= ours;
        if ours > 0 {
            let quantity = Qty::from_raw(ours);
            hits.push(Hit { cloid: order.event.cloid, quantity, reason: FillReason::Queue });
        }
    }
    for order in &mut level.orders {
        order.ahead = order.ahead.map(|ahead| Qty::from_raw((ahead.raw() - consumed).max(0)));
    }
}

/// Follows the book for our orders while rows are applied to it.
struct Watch<'a> {
    overlay: &'a mut Overlay,
    own: &'a mut OwnOrders,
    options: &'a BookOptions,
    hits: &'a mut Vec<Hit>,
}

impl Observer for Watch<'_> {
    #[inline(always)]
    fn on_level(&mut self, side: Side, price: Price, before: Qty, after: Qty) {
        let traded = if self.overlay.is_empty() { Qty::ZERO } else { self.overlay.told(side, price, after) };
        if !after.is_zero() {
            self.own.note_level(side, price);
        }
        if self.own.side(side).is_empty() {
            return;
        }
        if let Some(level) = self.own.level_mut(side, price) {
            for order in &mut level.orders {
                order.ahead = Some(match order.ahead {
                    Some(ahead) => self.options.queue.advance(ahead, before, after, traded),
                    // Told for the first time since it came: everybody there came before.
                    None => after,
                });
            }
        }
    }

    fn on_order(&mut self, change: &OrderChange) {
        let side = change.side;
        self.own.may_be_reached = true;
        let mut budget = if change.is_fill { change.removed.raw() } else { 0 };
        for level in self.own.side_mut(side) {
            if is_better(side, change.price, level.price) {
                break;
            }
            let is_level = level.price == change.price;
            for order in &mut level.orders {
                // A place before ours in the same queue; every order of a worse price stands behind us.
                if is_level && change.rank < order.rank {
                    order.ahead = order.ahead.map(|a| Qty::from_raw((a.raw() - change.removed.raw()).max(0)));
                    continue;
                }
                let quantity = if self.options.partial_fills || budget == 0 {
                    Qty::from_raw(budget.min(order.leaves.raw()))
                } else {
                    order.leaves
                };
                if quantity.is_positive() {
                    budget = (budget - quantity.raw()).max(0);
                    self.hits.push(Hit { cloid: order.event.cloid, quantity, reason: FillReason::L3 });
                }
            }
        }
        // In a book of orders nothing is traded without its order, so only what we took has to be followed.
        if !self.overlay.is_empty() {
            self.overlay.shrink(side, change.price, change.left);
        }
    }

    fn on_clear(&mut self, side: Side) {
        self.overlay.clear(side);
        for order in self.own.side_mut(side).iter_mut().flat_map(|level| level.orders.iter_mut()) {
            order.ahead = None;
        }
    }
}
