//! What happens at the venue by the clock: slices of a TWAP, cancels that were scheduled (SIMULATION, sections 6 and 7).

use crate::num::{NumError, Qty, Rate};
use crate::order::{Cloid, OrderEvent, OrderKind, OrderStatus, Reason, TimeInForce};
use crate::row::Status;
use crate::time::Nanos;
use crate::venue::book::BookMatching;
use crate::venue::book::arrival::reach;
use crate::venue::ledger::update;
use crate::venue::{Ledger, Report};

/// Between two slices.
const SLICE: Nanos = Nanos::from_raw(30 * Nanos::SECOND.raw());
/// How far a slice reaches from the middle.
const SLICE_REACH: Rate = Rate::from_raw(30_000_000_000);
/// A slice is at most this many times the even share.
const CATCH_UP: i64 = 3;
/// A cancel is scheduled at least this far ahead.
const LEAD: Nanos = Nanos::from_raw(5 * Nanos::SECOND.raw());
/// Scheduled cancels that may fire in a UTC day.
const FIRINGS_MAX: u32 = 10;

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
        self.start.after(Nanos::from_raw((self.next - 1) * SLICE.raw()))
    }

    /// What the next slice sends: all that is missing by then, at most three times the even share.
    fn size(&self) -> Result<Qty, NumError> {
        let (total, slices) = (i128::from(self.order.quantity.raw()), i128::from(self.slices));
        let missing = total * i128::from(self.next) / slices - i128::from(self.executed.raw());
        let most = total * i128::from(CATCH_UP) / slices;
        i64::try_from(missing.min(most))
            .map(Qty::from_raw)
            .map_err(|_| NumError::Overflow { operation: "a slice of a TWAP" })
    }
}

/// Everything that waits for a time.
#[derive(Debug, Clone, Default)]
pub(super) struct Timed {
    twaps: Vec<Twap>,
    cancel_at: Option<Nanos>,
    /// The UTC day, and how many scheduled cancels fired in it.
    firings: (i64, u32),
}

impl Timed {
    pub(super) fn start_twap(&mut self, order: OrderEvent, oid: u64, duration: Nanos, now: Nanos) {
        let slices = (duration.raw() / SLICE.raw()).max(1);
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
        self.cancel_at = time.map(|time| time.max(now.after(LEAD)));
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
        let day = now.raw().div_euclid(Nanos::DAY.raw());
        let fired = if self.timed.firings.0 == day { self.timed.firings.1 } else { 0 };
        if fired >= FIRINGS_MAX {
            return Ok(());
        }
        self.timed.firings = (day, fired + 1);
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
