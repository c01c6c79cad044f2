//! What happens at the venue by the clock: slices of a TWAP, cancels that were scheduled (SIMULATION, sections 6 and 7).

use crate::num::{NumError, Qty};
use crate::order::{Cloid, OrderEvent, OrderKind, OrderStatus, Reason, TimeInForce};
use crate::row::Status;
use crate::time::Nanos;
use crate::venue::book::BookMatching;
use crate::venue::book::arrival::reach;
use crate::venue::ledger::update;
use crate::venue::rules::{Firings, SCHEDULE_LEAD, SLICE_REACH, slice_due, slice_size, slices};
use crate::venue::{Ledger, Report};

/// A market order in slices.
#[derive(Debug, Clone)]
struct Twap {
    order: OrderEvent,
    oid: u64,
    start: Nanos,
    slices: i64,
    /// The number of the next slice, from 1.
    next: i64,
    executed: Qty,
}

impl Twap {
    fn due(&self) -> Nanos {
        slice_due(self.start, self.next)
    }

    /// What the next slice sends.
    fn size(&self) -> Result<Qty, NumError> {
        slice_size(self.order.quantity, self.executed, self.next, self.slices)
    }
}

/// Everything that waits for a time.
#[derive(Debug, Clone, Default)]
pub(super) struct Timed {
    twaps: Vec<Twap>,
    cancel_at: Option<Nanos>,
    firings: Firings,
}

impl Timed {
    pub(super) fn start_twap(&mut self, order: OrderEvent, oid: u64, duration: Nanos, now: Nanos) {
        let slices = slices(duration);
        self.twaps.push(Twap { order, oid, start: now, slices, next: 1, executed: Qty::ZERO });
    }

    pub(super) fn contains(&self, cloid: Cloid) -> bool {
        self.twaps.iter().any(|twap| twap.order.cloid == cloid)
    }

    /// What the next slice of the oldest TWAP sends.
    #[cfg(test)]
    pub(super) fn peek(&self) -> Option<Qty> {
        self.twaps.first().and_then(|twap| twap.size().ok())
    }

    /// Ends a TWAP; false if there is none of this id.
    pub(super) fn cancel(&mut self, cloid: Cloid, now: Nanos, reports: &mut Vec<Report>) -> bool {
        let Some(at) = self.twaps.iter().position(|twap| twap.order.cloid == cloid) else { return false };
        let twap = self.twaps.remove(at);
        reports.push(update(&twap.order, twap.oid, OrderStatus::Cancelled(Reason::Requested), now));
        true
    }

    /// Plans, moves or takes back the cancel of everything. A time that is too near is moved to the nearest allowed.
    pub(super) fn schedule_cancel(&mut self, time: Option<Nanos>, now: Nanos) {
        self.cancel_at = time.map(|time| time.max(now.after(SCHEDULE_LEAD)));
    }
}

impl BookMatching {
    /// When something is to happen by the clock.
    #[must_use]
    #[inline]
    pub fn next_time(&self) -> Option<Nanos> {
        if self.timed.twaps.is_empty() && self.timed.cancel_at.is_none() {
            return self.funding.next();
        }
        self.timed.twaps.iter().map(Twap::due).chain(self.timed.cancel_at).chain(self.funding.next()).min()
    }

    /// Does what is due by the clock.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn on_time(&mut self, ledger: &mut Ledger, now: Nanos, reports: &mut Vec<Report>) -> Result<(), NumError> {
        self.funding.advance(ledger, now, reports)?;
        let mut twaps = std::mem::take(&mut self.timed.twaps);
        for twap in twaps.iter_mut().filter(|twap| twap.due() <= now) {
            self.slice(ledger, twap, now, reports)?;
        }
        twaps.retain(|twap| {
            let is_filled = twap.executed >= twap.order.quantity;
            let is_over = is_filled || twap.next > twap.slices;
            if is_over {
                // What the last slice leaves is dropped.
                let status = if is_filled { OrderStatus::Filled } else { OrderStatus::Cancelled(Reason::IocCancel) };
                reports.push(update(&twap.order, twap.oid, status, now));
            }
            !is_over
        });
        twaps.append(&mut self.timed.twaps);
        self.timed.twaps = twaps;
        if self.timed.cancel_at.is_some_and(|time| time <= now) {
            self.timed.cancel_at = None;
            self.fire_scheduled_cancel(ledger, now, reports)?;
        }
        Ok(())
    }

    /// One slice: as much as is missing by now, at most three times the even share, rounded down to the lot.
    fn slice(
        &mut self,
        ledger: &mut Ledger,
        twap: &mut Twap,
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError> {
        let size = twap.size()?;
        twap.next += 1;
        let Some(market) = self.markets.get(twap.order.instrument.index()) else { return Ok(()) };
        if market.book.status != Status::Trading {
            return Ok(());
        }
        let Some(middle) = market.book.levels.mid() else { return Ok(()) };
        let Some(instrument) = ledger.instruments.get(twap.order.instrument) else { return Ok(()) };
        let quantity = size.floor_to_lot(instrument.lot_size)?;
        let is_small = middle.notional(quantity)? < instrument.min_notional;
        if !quantity.is_positive() || is_small {
            return Ok(());
        }
        let price = reach(middle, SLICE_REACH, twap.order.side)?;
        let kind = OrderKind::Limit { price };
        let slice = OrderEvent { quantity, kind, time_in_force: TimeInForce::Ioc, ..twap.order.clone() };
        let mut answers = Vec::new();
        self.work(ledger, &slice, twap.oid, now, &mut answers)?;
        // Only the fills are news: the order itself works on.
        for report in answers {
            match &report {
                Report::Fill(fill) if fill.cloid == twap.order.cloid => {
                    twap.executed = twap.executed.add(fill.quantity)?;
                    reports.push(report);
                }
                Report::Order(news) if news.cloid == twap.order.cloid => {}
                _ => reports.push(report),
            }
        }
        Ok(())
    }

    /// Takes everything away, as it was planned; a day sees ten of these at most.
    fn fire_scheduled_cancel(
        &mut self,
        ledger: &mut Ledger,
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError> {
        if !self.timed.firings.fire(now) {
            return Ok(());
        }
        let resting = self.markets.iter().flat_map(|m| m.own.iter().map(|o| (o.event.instrument, o.event.cloid)));
        for (instrument, cloid) in resting.collect::<Vec<_>>() {
            self.drop_resting(ledger, instrument, cloid, Reason::ScheduledCancel, now, reports)?;
        }
        let waiting: Vec<Cloid> = self.waiting.values().map(|w| w.order.cloid).collect();
        for cloid in waiting {
            self.drop_waiting(cloid, Reason::ScheduledCancel, now, reports);
        }
        Ok(())
    }
}
