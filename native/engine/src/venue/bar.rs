//! Matching on bars (SIMULATION, section 11): an order decided at a close acts from the next bar on.

use crate::event::{Bar, MarketEvent};
use crate::instrument::InstrumentId;
use crate::num::{NumError, Price, Qty};
use crate::order::{Cloid, OrderEvent, OrderKind, OrderStatus, Reason};
use crate::time::Nanos;
use crate::venue::ledger::{Exposure, not_found, update};
use crate::venue::path::points;
use crate::venue::working::{Stage, Working, at_open, meet, segment};
use crate::venue::{FillOn, Ledger, Matching, Report};

/// What own orders may fill in a bar: a share of its volume, worked out only when an order asks.
#[derive(Debug, Clone, Copy)]
enum Budget {
    /// The volume of a bar that no order has met; `None` for data without volumes.
    Untouched(Option<Qty>),
    /// What is left of the share; `None` for no limit.
    Left(Option<Qty>),
}

impl Default for Budget {
    fn default() -> Self {
        Self::Untouched(None)
    }
}

impl Budget {
    fn left(self, ledger: &Ledger) -> Result<Option<Qty>, NumError> {
        match self {
            Self::Untouched(volume) => volume.map(|v| v.scaled(ledger.config.max_participation)).transpose(),
            Self::Left(left) => Ok(left),
        }
    }
}

/// The orders and the last bar of one instrument.
#[derive(Debug, Clone, Default)]
struct Book {
    working: Vec<Working>,
    last: Option<Price>,
    /// What own orders may still fill in the present bar.
    budget: Budget,
    /// Prices between which no liquidation can happen, and the ledger's version that they hold for.
    safe: Option<(u64, Option<(Price, Price)>)>,
}

/// Matching on bars.
#[derive(Debug, Clone)]
pub struct BarMatching {
    books: Vec<Book>,
}

impl BarMatching {
    pub(super) fn new(instruments: usize) -> Self {
        Self { books: vec![Book::default(); instruments] }
    }
}

impl Matching for BarMatching {
    type Event = MarketEvent;

    #[inline]
    fn on_market(
        &mut self,
        ledger: &mut Ledger,
        event: &MarketEvent,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError> {
        let MarketEvent::Bar(bar) = event else { return Ok(()) };
        let Some(book) = self.books.get_mut(bar.instrument.index()) else { return Ok(()) };
        if book.working.is_empty() && book.is_safe(ledger, bar)? {
            book.last = Some(bar.close);
            book.budget = Budget::Untouched(bar.volume);
            return Ok(());
        }
        self.sync_marks(ledger)?;
        self.walk(ledger, bar, reports)
    }

    fn submit(
        &mut self,
        ledger: &mut Ledger,
        order: &OrderEvent,
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError> {
        self.sync_marks(ledger)?;
        let refuse = |reports: &mut Vec<Report>, reason| {
            reports.push(update(order, 0, OrderStatus::Rejected(reason), now));
        };
        let Some(book) = self.books.get(order.instrument.index()) else {
            refuse(reports, Reason::NoLiquidity);
            return Ok(());
        };
        if book.working.iter().any(|w| w.event.cloid == order.cloid) {
            refuse(reports, Reason::DuplicateCloid);
            return Ok(());
        }
        let price = order.kind.price().or(order.kind.trigger()).or(book.last).unwrap_or(order.decision_price);
        if let Err(reason) = ledger.check(order, price)? {
            refuse(reports, reason);
            return Ok(());
        }
        let stage = match order.kind {
            OrderKind::Market => Stage::Market,
            OrderKind::Limit { price } => Stage::Limit(price),
            _ => Stage::Waiting,
        };
        let best = book.last.unwrap_or(order.decision_price);
        let mut new = Working {
            event: order.clone(),
            oid: 0,
            leaves: order.quantity,
            stage,
            is_new: true,
            is_born: false,
            best,
            is_done: false,
        };
        let is_trailing = matches!(order.kind, OrderKind::TrailingStop { .. });
        if stage == Stage::Waiting && !is_trailing && book.last.is_some_and(|mark| new.is_triggered_at(mark)) {
            refuse(reports, Reason::BadTriggerPx);
            return Ok(());
        }
        if stage != Stage::Waiting && !order.reduce_only {
            let mut exposures = if ledger.config.reserve_open_orders { self.exposures() } else { Vec::new() };
            exposures.push(Exposure { instrument: order.instrument, side: order.side, leaves: order.quantity, price });
            if !ledger.can_carry(&exposures)? {
                refuse(reports, Reason::PerpMargin);
                return Ok(());
            }
        }
        new.oid = ledger.next_oid();
        if stage == Stage::Waiting {
            reports.push(update(order, new.oid, OrderStatus::Waiting, now));
        }
        let Some(book) = self.books.get_mut(order.instrument.index()) else { return Ok(()) };
        if ledger.config.fill_on == FillOn::Close && stage != Stage::Waiting {
            let Some(close) = book.last else {
                refuse(reports, Reason::NoLiquidity);
                return Ok(());
            };
            let mut budget = book.budget.left(ledger)?;
            meet(ledger, &mut new, close, now, &mut budget, reports)?;
            book.budget = Budget::Left(budget);
        }
        if !new.is_done {
            book.working.push(new);
        }
        Ok(())
    }

    fn modify(
        &mut self,
        ledger: &mut Ledger,
        (instrument, cloid): (InstrumentId, Cloid),
        (price, quantity): (Price, Qty),
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError> {
        let Some(old) = self.take(instrument, cloid) else {
            reports.push(not_found(instrument, cloid, now));
            return Ok(());
        };
        // Cancel and new order under the same id: time priority is lost, and a refused change leaves nothing.
        let kind = old.event.kind.moved_to(price);
        self.submit(ledger, &OrderEvent { quantity, kind, ..old.event }, now, reports)
    }

    /// Bars know nothing of the moments between them: what is planned is not carried out.
    fn schedule_cancel(&mut self, _time: Option<Nanos>, _now: Nanos) {}

    fn cancel(
        &mut self,
        _ledger: &mut Ledger,
        (instrument, cloid): (InstrumentId, Cloid),
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError> {
        reports.push(match self.take(instrument, cloid) {
            Some(order) => update(&order.event, order.oid, OrderStatus::Cancelled(Reason::Requested), now),
            None => not_found(instrument, cloid, now),
        });
        Ok(())
    }
}

impl BarMatching {
    fn take(&mut self, instrument: InstrumentId, cloid: Cloid) -> Option<Working> {
        let book = self.books.get_mut(instrument.index())?;
        let index = book.working.iter().position(|w| w.event.cloid == cloid)?;
        Some(book.working.remove(index))
    }

    /// Values every position at its last close; bars that touch no order of ours do not bother to.
    fn sync_marks(&self, ledger: &mut Ledger) -> Result<(), NumError> {
        for (id, book) in (0_u32..).map(InstrumentId).zip(&self.books) {
            if let Some(last) = book.last {
                ledger.account.set_mark(id, last)?;
            }
        }
        Ok(())
    }

    /// What all working orders would add, for the margin that they reserve.
    fn exposures(&self) -> Vec<Exposure> {
        let working = self.books.iter().flat_map(|b| b.working.iter().map(move |w| (b.last, w)));
        working
            .filter(|(_, w)| !w.event.reduce_only && w.stage != Stage::Waiting)
            .map(|(last, w)| Exposure {
                instrument: w.event.instrument,
                side: w.event.side,
                leaves: w.leaves,
                price: w.event.kind.price().or(last).unwrap_or(w.event.decision_price),
            })
            .collect()
    }

    /// Takes the price through the bar: the open, then the extremes, then the close.
    fn walk(&mut self, ledger: &mut Ledger, bar: &Bar, reports: &mut Vec<Report>) -> Result<(), NumError> {
        let instrument = bar.instrument;
        let position = ledger.account.position(instrument).quantity;
        let path = points(ledger.config.path, bar, position);
        let mut budget = Budget::Untouched(bar.volume).left(ledger)?;
        let Some(book) = self.books.get_mut(instrument.index()) else { return Ok(()) };
        ledger.account.set_mark(instrument, bar.open)?;
        for order in &mut book.working {
            order.is_born = false;
            at_open(ledger, order, bar, &mut budget, reports)?;
        }
        book.sweep(ledger, bar.open_time, reports);
        self.check_margin(ledger, bar.open_time, reports)?;
        // With nothing left to meet the rest of the bar, only a liquidation could happen in it.
        let Some(book) = self.books.get_mut(instrument.index()) else { return Ok(()) };
        let is_over = book.working.is_empty() && book.is_safe(ledger, bar)?;
        let [_, ends @ ..] = path;
        for (from, to) in path.iter().zip(ends).filter(|_| !is_over) {
            let Some(book) = self.books.get_mut(instrument.index()) else { return Ok(()) };
            segment(ledger, &mut book.working, (*from, to), bar, &mut budget, reports)?;
            book.sweep(ledger, bar.close_time, reports);
            ledger.account.set_mark(instrument, to)?;
            self.check_margin(ledger, bar.close_time, reports)?;
        }
        let Some(book) = self.books.get_mut(instrument.index()) else { return Ok(()) };
        book.last = Some(bar.close);
        if ledger.config.fill_on == FillOn::Close {
            for order in book.working.iter_mut().filter(|o| o.stage == Stage::Market) {
                meet(ledger, order, bar.close, bar.close_time, &mut budget, reports)?;
            }
            book.sweep(ledger, bar.close_time, reports);
        }
        book.budget = Budget::Left(budget);
        Ok(())
    }

    /// Liquidates what is below maintenance margin at the present marks; its working orders go first.
    fn check_margin(&mut self, ledger: &mut Ledger, now: Nanos, reports: &mut Vec<Report>) -> Result<(), NumError> {
        if !ledger.may_liquidate()? {
            return Ok(());
        }
        for scope in ledger.scopes() {
            if !ledger.is_below_maintenance(scope)? {
                continue;
            }
            let books = (0_u32..).map(InstrumentId).zip(&mut self.books);
            for (_, book) in books.filter(|(id, _)| ledger.scope_of(*id) == scope) {
                for order in book.working.drain(..) {
                    let status = OrderStatus::Cancelled(Reason::LiquidatedCanceled);
                    reports.push(update(&order.event, order.oid, status, now));
                }
            }
            ledger.liquidate_at_marks(scope, now, reports)?;
        }
        Ok(())
    }
}

impl Book {
    /// Whether a bar cannot lead to a liquidation, by the range kept since the last change of the account.
    #[inline]
    fn is_safe(&mut self, ledger: &Ledger, bar: &Bar) -> Result<bool, NumError> {
        let range = match self.safe {
            Some((version, range)) if version == ledger.version() => range,
            _ => {
                let range = ledger.safe_range(bar.instrument)?;
                self.safe = Some((ledger.version(), range));
                range
            }
        };
        Ok(range.is_some_and(|(low, high)| bar.low >= low && bar.high <= high))
    }

    /// Removes what is done, and reduce-only orders whose position is gone.
    fn sweep(&mut self, ledger: &Ledger, now: Nanos, reports: &mut Vec<Report>) {
        self.working.retain_mut(|order| {
            if order.is_done {
                return false;
            }
            let position = ledger.account.position(order.event.instrument).quantity;
            let is_void = order.event.reduce_only && position.raw().signum() * order.event.side.sign() >= 0;
            if is_void {
                let status = OrderStatus::Cancelled(Reason::ReduceOnlyCanceled);
                reports.push(update(&order.event, order.oid, status, now));
            }
            !is_void
        });
    }
}
