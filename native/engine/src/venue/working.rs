//! One order at work on bars: what it waits for, and how it meets an open, a path and a price.

use crate::event::Bar;
use crate::num::{NumError, Price, Qty, Rounding};
use crate::order::{FillReason, Liquidity, OrderEvent, OrderKind, OrderStatus, Reason, Side, TimeInForce, Trail};
use crate::time::Nanos;
use crate::venue::ledger::{Charge, NewFill, update};
use crate::venue::{FillOn, Ledger, Report};

/// What an order waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// A market order, or the rest of one.
    Market,
    /// A limit order.
    Limit(Price),
    /// A trigger order.
    Waiting,
}

#[derive(Debug, Clone)]
pub(super) struct Working {
    pub(super) event: OrderEvent,
    pub(super) oid: u64,
    pub(super) leaves: Qty,
    pub(super) stage: Stage,
    /// It has not seen an open yet.
    pub(super) is_new: bool,
    /// It became a limit order inside the present bar, and may not fill as one in it.
    pub(super) is_born: bool,
    /// The best price since a trailing stop was placed.
    pub(super) best: Price,
    pub(super) is_done: bool,
}

impl Working {
    /// The trigger of a waiting order; a trailing one's follows the best price.
    pub(super) fn trigger(&self) -> Option<Price> {
        match self.event.kind {
            OrderKind::TrailingStop { trail } => {
                let distance = match trail {
                    Trail::Absolute(distance) => distance,
                    Trail::Fraction(rate) => self.best.moved_by(rate, Rounding::Ceil).ok()?.sub(self.best).ok()?,
                };
                match self.event.side {
                    Side::Sell => self.best.sub(distance).ok(),
                    Side::Buy => self.best.add(distance).ok(),
                }
            }
            kind => kind.trigger(),
        }
    }

    /// Whether it guards against a loss, rather than takes a gain.
    pub(super) const fn is_stop(&self) -> bool {
        matches!(self.event.kind, OrderKind::Stop { .. } | OrderKind::StopLimit { .. } | OrderKind::TrailingStop { .. })
    }

    /// Whether the price has reached the trigger: stops and gains look in opposite directions.
    pub(super) fn is_triggered_at(&self, price: Price) -> bool {
        let Some(trigger) = self.trigger() else { return false };
        match (self.event.side, self.is_stop()) {
            (Side::Sell, true) | (Side::Buy, false) => price <= trigger,
            (Side::Buy, true) | (Side::Sell, false) => price >= trigger,
        }
    }
}

/// An order meets the open of a bar.
pub(super) fn at_open(
    ledger: &mut Ledger,
    order: &mut Working,
    bar: &Bar,
    budget: &mut Option<Qty>,
    reports: &mut Vec<Report>,
) -> Result<(), NumError> {
    let was_new = std::mem::replace(&mut order.is_new, false);
    let (open, time) = (bar.open, bar.open_time);
    match order.stage {
        Stage::Market if ledger.config.fill_on == FillOn::NextOpen => meet(ledger, order, open, time, budget, reports),
        Stage::Market => Ok(()),
        Stage::Limit(_) if was_new && ledger.config.fill_on == FillOn::NextOpen => {
            meet(ledger, order, open, time, budget, reports)
        }
        Stage::Limit(price) if is_marketable(order.event.side, price, open) => {
            // It was in the book before the gap: its own price, as maker.
            execute(ledger, order, (price, Liquidity::Maker), time, budget, reports)
        }
        Stage::Limit(_) => Ok(()),
        Stage::Waiting if order.is_triggered_at(open) => {
            // A stop gets the open, however far beyond its trigger; a gain gets no better than its trigger.
            let price = if order.is_stop() { open } else { order.trigger().unwrap_or(open) };
            trigger(ledger, order, price, time, budget, reports)
        }
        Stage::Waiting => {
            trail(order, open);
            Ok(())
        }
    }
}

/// A market order, or a limit order that is new, meets a price.
pub(super) fn meet(
    ledger: &mut Ledger,
    order: &mut Working,
    market: Price,
    time: Nanos,
    budget: &mut Option<Qty>,
    reports: &mut Vec<Report>,
) -> Result<(), NumError> {
    let side = order.event.side;
    order.is_new = false;
    let Stage::Limit(limit) = order.stage else {
        let price = ledger.slipped(order.event.instrument, market, side)?;
        return execute(ledger, order, (price, Liquidity::Taker), time, budget, reports);
    };
    let crosses = is_marketable(side, limit, market);
    if crosses && order.event.time_in_force == TimeInForce::Alo {
        return finish(order, OrderStatus::Rejected(Reason::BadAloPx), time, reports);
    }
    if crosses {
        let price = no_worse(side, ledger.slipped(order.event.instrument, market, side)?, limit);
        execute(ledger, order, (price, Liquidity::Taker), time, budget, reports)?;
    }
    if order.is_done {
        return Ok(());
    }
    if order.event.time_in_force == TimeInForce::Ioc {
        let is_untouched = order.leaves == order.event.quantity;
        let status = if is_untouched { OrderStatus::Rejected } else { OrderStatus::Cancelled };
        return finish(order, status(Reason::IocCancel), time, reports);
    }
    reports.push(update(&order.event, order.oid, OrderStatus::Resting, time));
    Ok(())
}

/// A trigger order wakes at a price.
pub(super) fn trigger(
    ledger: &mut Ledger,
    order: &mut Working,
    market: Price,
    time: Nanos,
    budget: &mut Option<Qty>,
    reports: &mut Vec<Report>,
) -> Result<(), NumError> {
    reports.push(update(&order.event, order.oid, OrderStatus::Triggered, time));
    order.stage = order.event.kind.price().map_or(Stage::Market, Stage::Limit);
    order.is_born = true;
    meet(ledger, order, market, time, budget, reports)
}

/// The price moves from one point of the path to the next: stops first, then limits and gains, each in path order.
pub(super) fn segment(
    ledger: &mut Ledger,
    working: &mut [Working],
    (from, to): (Price, Price),
    bar: &Bar,
    budget: &mut Option<Qty>,
    reports: &mut Vec<Report>,
) -> Result<(), NumError> {
    let time = bar.close_time;
    let step = ledger.instruments.get(bar.instrument).map_or(Price::from_raw(1), |i| i.tick.step_at(to));
    let through = Price::from_raw(step.raw().saturating_mul(i64::from(ledger.config.penetration_ticks)));
    let mut reached: Vec<(bool, i64, usize)> = Vec::new();
    for (index, order) in working.iter().enumerate().filter(|(_, o)| !o.is_done) {
        let at = match order.stage {
            Stage::Waiting if order.is_triggered_at(to) => order.trigger(),
            Stage::Limit(price) if !order.is_born => {
                let needed = match order.event.side {
                    Side::Buy => price.sub(through)?,
                    Side::Sell => price.add(through)?,
                };
                is_marketable(order.event.side, needed, to).then_some(price)
            }
            _ => None,
        };
        if let Some(at) = at {
            reached.push((!order.is_stop() || order.stage != Stage::Waiting, at.sub(from)?.abs()?.raw(), index));
        }
    }
    reached.sort_unstable();
    for (_, _, index) in reached {
        let Some(order) = working.get_mut(index) else { continue };
        match order.stage {
            Stage::Limit(price) => execute(ledger, order, (price, Liquidity::Maker), time, budget, reports)?,
            _ => {
                let price = order.trigger().unwrap_or(to);
                trigger(ledger, order, price, time, budget, reports)?;
            }
        }
    }
    for order in working.iter_mut().filter(|o| o.stage == Stage::Waiting) {
        trail(order, to);
    }
    Ok(())
}

/// Lets a trailing stop follow the price; it was tested before.
pub(super) fn trail(order: &mut Working, price: Price) {
    order.best = match order.event.side {
        Side::Sell => order.best.max(price),
        Side::Buy => order.best.min(price),
    };
}

/// Fills as much as position (reduce-only), volume and margin allow.
pub(super) fn execute(
    ledger: &mut Ledger,
    order: &mut Working,
    (price, liquidity): (Price, Liquidity),
    time: Nanos,
    budget: &mut Option<Qty>,
    reports: &mut Vec<Report>,
) -> Result<(), NumError> {
    let (instrument, side) = (order.event.instrument, order.event.side);
    let mut quantity = order.leaves;
    if order.event.reduce_only {
        let position = ledger.account.position(instrument).quantity;
        let opposed = Qty::from_raw((position.raw() * -side.sign()).max(0));
        quantity = quantity.min(opposed);
        if quantity.is_zero() {
            return finish(order, OrderStatus::Cancelled(Reason::ReduceOnlyCanceled), time, reports);
        }
    }
    if let Some(budget) = budget {
        let lot = ledger.instruments.get(instrument).map_or(Qty::from_raw(1), |i| i.lot_size);
        quantity = quantity.min(budget.floor_to_lot(lot)?);
    }
    if !quantity.is_positive() {
        return Ok(());
    }
    if !ledger.can_fill(instrument, side, price, quantity)? {
        return finish(order, OrderStatus::Cancelled(Reason::MarginCanceled), time, reports);
    }
    let reason = if liquidity == Liquidity::Taker { FillReason::Taker } else { FillReason::Bar };
    let charge = Charge::of(order.leaves == order.event.quantity);
    let (cloid, oid) = (order.event.cloid, order.oid);
    let fill = NewFill {
        cloid,
        oid,
        instrument,
        side,
        price,
        quantity,
        liquidity,
        charge,
        reason,
        ahead_at_arrival: None,
        time,
    };
    ledger.fill(fill, reports)?;
    order.leaves = order.leaves.sub(quantity)?;
    if let Some(budget) = budget {
        *budget = budget.sub(quantity)?;
    }
    if order.leaves.is_zero() { finish(order, OrderStatus::Filled, time, reports) } else { Ok(()) }
}

pub(super) fn finish(
    order: &mut Working,
    status: OrderStatus,
    time: Nanos,
    reports: &mut Vec<Report>,
) -> Result<(), NumError> {
    order.is_done = true;
    reports.push(update(&order.event, order.oid, status, time));
    Ok(())
}

/// Whether a limit would trade at a market price.
pub(super) fn is_marketable(side: Side, limit: Price, market: Price) -> bool {
    match side {
        Side::Buy => market <= limit,
        Side::Sell => market >= limit,
    }
}

/// The better of a price and a limit, for us.
pub(super) fn no_worse(side: Side, price: Price, limit: Price) -> Price {
    match side {
        Side::Buy => price.min(limit),
        Side::Sell => price.max(limit),
    }
}
