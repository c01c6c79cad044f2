//! An order, or a change of one, arrives: checks, crossing, resting (SIMULATION, section 6).

use crate::instrument::InstrumentId;
use crate::num::{NumError, Price, Qty, Rounding};
use crate::order::{Cloid, Group, OrderEvent, OrderKind, OrderStatus, OrderUpdate, Reason, Side, TimeInForce};
use crate::row::Status;
use crate::time::Nanos;
use crate::venue::book::market::decayed;
use crate::venue::book::own::{Resting, is_better};
use crate::venue::book::triggers::Waiting;
use crate::venue::book::{BookMatching, taker_fill};
use crate::venue::ledger::{Charge, Exposure, not_found, update};
use crate::venue::rules::is_outside_band;
use crate::venue::{Ledger, Report};

/// What became of an arriving order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrived {
    Accepted,
    Refused,
}

/// How far a taker went.
struct Taken {
    leaves: Qty,
    /// Margin ran out.
    is_short: bool,
}

impl BookMatching {
    /// An order arrives: it is refused with a reason, waits, takes, rests.
    pub(super) fn arrive(
        &mut self,
        ledger: &mut Ledger,
        order: &OrderEvent,
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<Arrived, NumError> {
        if let Err(reason) = self.check(ledger, order, now)? {
            reports.push(update(order, 0, OrderStatus::Rejected(reason), now));
            self.on_gone(order.cloid, now, reports);
            return Ok(Arrived::Refused);
        }
        match (order.kind, order.group) {
            (_, Group::Child(parent)) => {
                let oid = ledger.next_oid();
                self.children.entry(parent).or_default().push(order.clone());
                reports.push(update(order, oid, OrderStatus::Waiting, now));
            }
            (OrderKind::Twap { duration }, _) => {
                let oid = ledger.next_oid();
                self.timed.start_twap(order.clone(), oid, duration, now);
                reports.push(update(order, oid, OrderStatus::Resting, now));
            }
            (OrderKind::Market | OrderKind::Limit { .. }, _) => {
                let oid = ledger.next_oid();
                return self.work(ledger, order, oid, now, reports);
            }
            _ => {
                let oid = ledger.next_oid();
                let mark = self.mark(order.instrument).unwrap_or(order.decision_price);
                self.waiting.insert(oid, Waiting { order: order.clone(), best: mark });
                reports.push(update(order, oid, OrderStatus::Waiting, now));
            }
        }
        Ok(Arrived::Accepted)
    }

    pub(super) fn mark(&self, instrument: InstrumentId) -> Option<Price> {
        self.markets.get(instrument.index())?.book.mark()
    }

    /// The checks before matching, in the order in which the venue makes them.
    fn check(&self, ledger: &Ledger, order: &OrderEvent, now: Nanos) -> Result<Result<(), Reason>, NumError> {
        let Some(market) = self.markets.get(order.instrument.index()) else { return Ok(Err(Reason::NoLiquidity)) };
        if order.expires_after.is_some_and(|expiry| now > expiry) {
            return Ok(Err(Reason::ExpiredAction));
        }
        let status = market.book.status;
        if matches!(status, Status::Halted | Status::Delisted | Status::Settled) {
            return Ok(Err(Reason::Halted));
        }
        let is_known = market.own.contains(order.cloid)
            || self.waiting.values().any(|w| w.order.cloid == order.cloid)
            || self.timed.contains(order.cloid);
        if is_known {
            return Ok(Err(Reason::DuplicateCloid));
        }
        let mark = market.book.mark();
        let touch = market.book.levels.side(order.side.opposite()).best();
        let price = order.kind.price().or(order.kind.trigger()).or(touch).or(mark).unwrap_or(order.decision_price);
        if let Err(reason) = ledger.check_steps(order) {
            return Ok(Err(reason));
        }
        if let (Some(mark), Some(limit)) = (mark, order.kind.price())
            && is_outside_band(limit, mark, ledger.config.book.price_band)?
        {
            return Ok(Err(Reason::PriceBand));
        }
        if let Err(reason) = ledger.check_size(order, price)? {
            return Ok(Err(reason));
        }
        if status == Status::PostOnly && order.time_in_force != TimeInForce::Alo {
            return Ok(Err(Reason::PostOnlyPeriod));
        }
        let open = self.markets.iter().map(|m| m.own.len()).sum::<usize>() + self.waiting.len();
        if open >= ledger.config.book.open_orders_max {
            return Ok(Err(Reason::OpenOrders));
        }
        // A child has nothing to reduce before its parent is filled.
        if order.group == Group::None && order.reduce_only && ledger.reducible(order.instrument, order.side).is_zero() {
            return Ok(Err(Reason::ReduceOnly));
        }
        let is_trailing = matches!(order.kind, OrderKind::TrailingStop { .. });
        if !is_trailing && mark.is_some_and(|mark| Waiting::is_reached(order, mark, mark)) {
            return Ok(Err(Reason::BadTriggerPx));
        }
        let needs_margin = matches!(order.kind, OrderKind::Market | OrderKind::Limit { .. }) && !order.reduce_only;
        if needs_margin && order.group == Group::None {
            let mut exposures = if ledger.config.reserve_open_orders { self.exposures() } else { Vec::new() };
            let (instrument, side) = (order.instrument, order.side);
            exposures.push(Exposure { instrument, side, leaves: order.quantity, price });
            if !ledger.can_carry(&exposures)? {
                return Ok(Err(Reason::PerpMargin));
            }
        }
        Ok(Ok(()))
    }

    /// A market or limit order meets the book: takes what its limit and time in force allow, and rests with what is left.
    pub(super) fn work(
        &mut self,
        ledger: &mut Ledger,
        order: &OrderEvent,
        oid: u64,
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<Arrived, NumError> {
        let Some(market) = self.markets.get(order.instrument.index()) else { return Ok(Arrived::Refused) };
        let (side, other) = (order.side, order.side.opposite());
        let best = market.book.levels.side(other).best();
        let limit = match order.kind.price() {
            Some(limit) => limit,
            None => match market.book.levels.mid().or(best) {
                Some(middle) => reach(middle, ledger.config.book.market_reach, side)?,
                None => return Ok(self.refuse(order, oid, Reason::NoLiquidity, now, reports)),
            },
        };
        let is_market = order.kind.price().is_none();
        if is_market && best.is_none() {
            return Ok(self.refuse(order, oid, Reason::NoLiquidity, now, reports));
        }
        let crosses = best.is_some_and(|best| !is_better(side, best, limit));
        if crosses && order.time_in_force == TimeInForce::Alo {
            return Ok(self.refuse(order, oid, Reason::BadAloPx, now, reports));
        }
        let mut quantity = order.quantity;
        if order.reduce_only {
            quantity = quantity.min(ledger.reducible(order.instrument, side));
        }
        let is_all_or_none = order.time_in_force == TimeInForce::Fok;
        if is_all_or_none && market.reachable(side, limit, now, &ledger.config.book) < quantity {
            return Ok(self.refuse(order, oid, Reason::IocCancel, now, reports));
        }
        let taken = if crosses && !market.is_auction {
            self.take(ledger, order, oid, (limit, quantity), now, reports)?
        } else {
            Taken { leaves: quantity, is_short: false }
        };
        let instrument = order.instrument;
        let is_touched = taken.leaves < quantity;
        let is_immediate = is_market || matches!(order.time_in_force, TimeInForce::Ioc | TimeInForce::Fok);
        if taken.leaves.is_zero() {
            reports.push(update(order, oid, OrderStatus::Filled, now));
            self.on_filled(ledger, order, now, reports)?;
        } else if taken.is_short || (is_immediate && is_touched) {
            let reason = if taken.is_short { Reason::MarginCanceled } else { Reason::IocCancel };
            reports.push(update(order, oid, OrderStatus::Cancelled(reason), now));
            if taken.is_short && is_touched {
                self.on_filled(ledger, order, now, reports)?;
            } else {
                self.on_gone(order.cloid, now, reports);
            }
        } else if is_immediate {
            return Ok(self.refuse(order, oid, Reason::IocCancel, now, reports));
        } else {
            self.rest(order, oid, (limit, taken.leaves));
            reports.push(update(order, oid, OrderStatus::Resting, now));
        }
        if is_touched {
            self.on_position(ledger, instrument, now, reports)?;
        }
        Ok(Arrived::Accepted)
    }

    /// An order joins the queue of its level.
    fn rest(&mut self, order: &OrderEvent, oid: u64, (price, leaves): (Price, Qty)) {
        let Some(market) = self.markets.get_mut(order.instrument.index()) else { return };
        let is_visible = market.book.is_visible(order.side, price);
        let ahead = is_visible.then(|| market.book.levels.side(order.side).get(price));
        let rank = market.book.orders.next_rank();
        market.own.insert(Resting { event: order.clone(), oid, price, leaves, ahead, rank, ahead_at_arrival: ahead });
    }

    /// Walks the other side of the book up to the limit: what is there and not taken yet, level by level. Orders of our
    /// own that stand in the way are taken out of it.
    fn take(
        &mut self,
        ledger: &mut Ledger,
        order: &OrderEvent,
        oid: u64,
        (limit, quantity): (Price, Qty),
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<Taken, NumError> {
        let instrument = order.instrument;
        let (side, other) = (order.side, order.side.opposite());
        let mut leaves = quantity;
        let mut visited: Option<Price> = None;
        while leaves.is_positive() {
            let Some(market) = self.markets.get_mut(instrument.index()) else { break };
            // The next price, recorded or our own, behind the one that was visited last.
            let is_next = |p: Price| visited.is_none_or(|v| is_better(other, v, p));
            let recorded = market.book.levels.side(other).iter().find(|(p, _)| is_next(*p));
            let own = market.own.side(other).iter().map(|level| level.price).find(|p| is_next(*p));
            let Some(price) = best_of(other, recorded.map(|(p, _)| p), own) else { break };
            if is_better(side, price, limit) {
                break;
            }
            visited = Some(price);
            let held = recorded.filter(|(p, _)| *p == price).map_or(Qty::ZERO, |(_, held)| held);
            let is_whole = !ledger.config.book.partial_fills;
            let available = market.overlay.available(other, price, held, decayed(now, &ledger.config.book));
            let available = if is_whole && held.is_positive() { leaves } else { available };
            // In the order of time: first those before our own order, then it, then those behind it.
            let mut left = available;
            let mut stops: Vec<(Cloid, Qty)> = Vec::new();
            if let Some(level) = market.own.level_mut(other, price) {
                stops.extend(level.orders.iter().map(|o| (o.event.cloid, o.ahead.unwrap_or(held))));
            }
            let mut reached = Qty::ZERO;
            for (cloid, ahead) in
                stops.into_iter().map(Some).chain([None]).map(|s| s.unwrap_or((Cloid::default(), available)))
            {
                let part = leaves.min(left).min(Qty::from_raw((ahead.raw() - reached.raw()).max(0)));
                if part.is_positive() {
                    if !ledger.can_fill(instrument, side, price, part)? {
                        return Ok(Taken { leaves, is_short: true });
                    }
                    let Some(market) = self.markets.get_mut(instrument.index()) else { break };
                    market.overlay.take(other, price, part, now);
                    let charge = Charge::of(leaves == order.quantity);
                    ledger.fill(taker_fill(order, oid, (price, part), charge, now), reports)?;
                    leaves = leaves.sub(part)?;
                    left = left.sub(part)?;
                    reached = reached.add(part)?;
                }
                if leaves.is_zero() {
                    break;
                }
                if cloid != Cloid::default() {
                    self.drop_resting(ledger, instrument, cloid, Reason::SelfTradeCanceled, now, reports)?;
                }
            }
        }
        Ok(Taken { leaves, is_short: false })
    }

    /// A change of price and remaining quantity arrives. On Hyperliquid it is a cancel and a new order under the same id.
    pub(super) fn change(
        &mut self,
        ledger: &mut Ledger,
        (instrument, cloid): (InstrumentId, Cloid),
        (price, quantity): (Price, Qty),
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError> {
        let keeps_queue = ledger.config.book.modify_keeps_queue;
        let resting = self.markets.get_mut(instrument.index()).and_then(|market| market.own.get_mut(cloid));
        let keeps = |price_of: Price, leaves: Qty| keeps_queue && price_of == price && quantity <= leaves;
        if quantity.is_positive()
            && let Some(order) = resting.filter(|order| keeps(order.price, order.leaves))
        {
            order.leaves = quantity;
            reports.push(update(&order.event, order.oid, OrderStatus::Resting, now));
            return Ok(());
        }
        let taken = self.markets.get_mut(instrument.index()).and_then(|market| market.own.remove(cloid));
        let old = match &taken {
            Some(resting) => resting.event.clone(),
            None => match self.take_waiting(cloid) {
                Some(waiting) => waiting.order,
                None => {
                    reports.push(not_found(instrument, cloid, now));
                    return Ok(());
                }
            },
        };
        let kind = match old.kind {
            // A trigger order that was triggered is a limit order now.
            OrderKind::StopLimit { .. } | OrderKind::TakeProfitLimit { .. } if taken.is_some() => {
                OrderKind::Limit { price }
            }
            kind => kind.moved_to(price),
        };
        let new = OrderEvent { quantity, kind, expires_after: None, ..old };
        let before = reports.len();
        let arrived = self.arrive(ledger, &new, now, reports)?;
        if arrived == Arrived::Refused
            && ledger.config.book.modify_keeps_old
            && let Some(resting) = taken
        {
            // The refusal is of the change, the order stays where it was.
            let reason = reports.drain(before..).find_map(|report| match report {
                Report::Order(OrderUpdate { status, .. }) => status.reason(),
                _ => None,
            });
            let status = OrderStatus::ActionRejected(reason.unwrap_or(Reason::NotFound));
            reports.push(update(&resting.event, resting.oid, status, now));
            if let Some(market) = self.markets.get_mut(instrument.index()) {
                market.own.insert(resting);
            }
        }
        Ok(())
    }

    fn refuse(
        &mut self,
        order: &OrderEvent,
        oid: u64,
        reason: Reason,
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Arrived {
        reports.push(update(order, oid, OrderStatus::Rejected(reason), now));
        self.on_gone(order.cloid, now, reports);
        Arrived::Refused
    }
}

/// A price moved away by a share, in the direction that an aggressor of `side` goes.
///
/// # Errors
/// [`NumError::Overflow`].
pub fn reach(price: Price, share: crate::num::Rate, side: Side) -> Result<Price, NumError> {
    match side {
        Side::Buy => price.moved_by(share, Rounding::Floor),
        Side::Sell => price.moved_by(share.neg()?, Rounding::Ceil),
    }
}

/// The better of two prices for those who rest on `side`.
fn best_of(side: Side, a: Option<Price>, b: Option<Price>) -> Option<Price> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if is_better(side, b, a) { b } else { a }),
        (a, b) => a.or(b),
    }
}
