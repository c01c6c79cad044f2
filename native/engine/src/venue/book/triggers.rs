//! Trigger orders and what hangs together (SIMULATION, section 7): stops, take-profits, trailing stops, groups.

use crate::instrument::InstrumentId;
use crate::num::{NumError, Price, Rounding};
use crate::order::{Cloid, Group, OrderEvent, OrderKind, OrderStatus, Reason, Side, TimeInForce, Trail};
use crate::time::Nanos;
use crate::venue::book::BookMatching;
use crate::venue::book::arrival::reach;
use crate::venue::ledger::update;
use crate::venue::rules::is_reached;
use crate::venue::{Ledger, Report};

/// A trigger order that waits.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) order: OrderEvent,
    /// The best mark since it was placed, for one that trails.
    pub(super) best: Price,
}

impl Waiting {
    /// Where it wakes, given the best mark so far.
    fn trigger_of(order: &OrderEvent, best: Price) -> Option<Price> {
        let OrderKind::TrailingStop { trail } = order.kind else { return order.kind.trigger() };
        let distance = match trail {
            Trail::Absolute(distance) => distance,
            Trail::Fraction(rate) => best.moved_by(rate, Rounding::Ceil).ok()?.sub(best).ok()?,
        };
        match order.side {
            Side::Sell => best.sub(distance).ok(),
            Side::Buy => best.add(distance).ok(),
        }
    }

    /// Whether a mark has reached an order's trigger: stops and gains look in opposite directions.
    pub(super) fn is_reached(order: &OrderEvent, best: Price, mark: Price) -> bool {
        let Some(trigger) = Self::trigger_of(order, best) else { return false };
        let is_gain = matches!(order.kind, OrderKind::TakeProfit { .. } | OrderKind::TakeProfitLimit { .. });
        is_reached(order.side, is_gain, trigger, mark)
    }

    fn follow(&mut self, mark: Price) {
        self.best = match self.order.side {
            Side::Sell => self.best.max(mark),
            Side::Buy => self.best.min(mark),
        };
    }
}

impl BookMatching {
    /// Wakes the trigger orders that the marks of these instruments have reached, oldest first; the others follow.
    pub(super) fn trigger(
        &mut self,
        ledger: &mut Ledger,
        instruments: &[InstrumentId],
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let mut woken = Vec::new();
        let markets = &self.markets;
        for (oid, waiting) in &mut self.waiting {
            let instrument = waiting.order.instrument;
            if instruments.binary_search(&instrument).is_err() {
                continue;
            }
            let Some(mark) = markets.get(instrument.index()).and_then(|m| m.book.mark()) else { continue };
            // Tested before it is moved.
            if Waiting::is_reached(&waiting.order, waiting.best, mark) {
                woken.push((*oid, mark));
            } else {
                waiting.follow(mark);
            }
        }
        for (oid, mark) in woken {
            // One that woke before may have taken it away.
            if let Some(waiting) = self.waiting.remove(&oid) {
                self.wake(ledger, oid, waiting.order, mark, now, reports)?;
            }
        }
        Ok(())
    }

    fn wake(
        &mut self,
        ledger: &mut Ledger,
        oid: u64,
        mut order: OrderEvent,
        mark: Price,
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError> {
        reports.push(update(&order, oid, OrderStatus::Triggered, now));
        let room = ledger.reducible(order.instrument, order.side);
        if order.group == Group::Position {
            order.quantity = room;
            order.reduce_only = true;
        }
        if order.reduce_only && room.is_zero() {
            reports.push(update(&order, oid, OrderStatus::Cancelled(Reason::ReduceOnlyCanceled), now));
            return Ok(());
        }
        // A market order carries a limit, so that a thin book is not swept.
        let woken = match order.kind.price() {
            Some(price) => OrderEvent { kind: OrderKind::Limit { price }, ..order.clone() },
            None => OrderEvent {
                kind: OrderKind::Limit { price: reach(mark, ledger.config.book.trigger_reach, order.side)? },
                time_in_force: TimeInForce::Ioc,
                ..order.clone()
            },
        };
        self.work(ledger, &woken, oid, now, reports)?;
        Ok(())
    }

    /// An order was filled: its children wake, its siblings go.
    pub(super) fn on_filled(
        &mut self,
        ledger: &mut Ledger,
        order: &OrderEvent,
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError> {
        if let Group::Child(parent) = order.group {
            let siblings: Vec<Cloid> = self.hanging_on(parent).filter(|c| *c != order.cloid).collect();
            for sibling in siblings {
                self.drop_waiting(sibling, Reason::SiblingFilledCanceled, now, reports);
                self.drop_resting(ledger, order.instrument, sibling, Reason::SiblingFilledCanceled, now, reports)?;
            }
        }
        for child in self.children.remove(&order.cloid).unwrap_or_default() {
            let oid = ledger.next_oid();
            let mark = self.mark(child.instrument).unwrap_or(child.decision_price);
            if Waiting::is_reached(&child, mark, mark) {
                self.wake(ledger, oid, child, mark, now, reports)?;
            } else if child.kind.trigger().is_some() || matches!(child.kind, OrderKind::TrailingStop { .. }) {
                self.waiting.insert(oid, Waiting { order: child, best: mark });
            } else {
                self.work(ledger, &child, oid, now, reports)?;
            }
        }
        Ok(())
    }

    /// Trigger orders and resting orders that hang on this one.
    fn hanging_on(&self, parent: Cloid) -> impl Iterator<Item = Cloid> + '_ {
        let waiting = self.waiting.values().map(|w| &w.order);
        let resting = self.markets.iter().flat_map(|m| m.own.iter().map(|o| &o.event));
        waiting.chain(resting).filter(move |o| o.group == Group::Child(parent)).map(|o| o.cloid)
    }

    /// An order went without being filled whole: its children die with it.
    pub(super) fn on_gone(&mut self, cloid: Cloid, now: Nanos, reports: &mut Vec<Report>) {
        for child in self.children.remove(&cloid).unwrap_or_default() {
            reports.push(update(&child, 0, OrderStatus::Cancelled(Reason::ParentCanceled), now));
        }
    }

    /// A trigger order, or a child that has not woken, leaves the venue.
    pub(super) fn take_waiting(&mut self, cloid: Cloid) -> Option<Waiting> {
        if let Some(oid) = self.waiting.iter().find(|(_, w)| w.order.cloid == cloid).map(|(oid, _)| *oid) {
            return self.waiting.remove(&oid);
        }
        let children = self.children.values_mut().find(|c| c.iter().any(|o| o.cloid == cloid))?;
        let at = children.iter().position(|o| o.cloid == cloid)?;
        let order = children.remove(at);
        Some(Waiting { best: order.decision_price, order })
    }

    /// Takes a trigger order away; false if there is none of this id.
    pub(super) fn drop_waiting(&mut self, cloid: Cloid, reason: Reason, now: Nanos, reports: &mut Vec<Report>) -> bool {
        let Some(waiting) = self.take_waiting(cloid) else { return false };
        reports.push(update(&waiting.order, 0, OrderStatus::Cancelled(reason), now));
        true
    }

    /// The position is gone, and with it the orders that were for all of it.
    pub(super) fn drop_position_orders(&mut self, instrument: InstrumentId, now: Nanos, reports: &mut Vec<Report>) {
        let of_position = self.waiting.values().map(|w| &w.order);
        let gone: Vec<Cloid> =
            of_position.filter(|o| o.instrument == instrument && o.group == Group::Position).map(|o| o.cloid).collect();
        for cloid in gone {
            self.drop_waiting(cloid, Reason::ReduceOnlyCanceled, now, reports);
        }
    }
}
