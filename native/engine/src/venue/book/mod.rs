//! Matching on order books (SIMULATION, sections 2 to 7): the recording is never changed, our effect on it lies over it.

mod arrival;
mod market;
mod options;
mod overlay;
mod own;
mod queue;
#[cfg(test)]
mod tests;
mod timed;
mod triggers;

pub use arrival::reach;
pub use options::{BookOptions, Evidence};
pub use queue::QueueModel;

use std::collections::BTreeMap;

use crate::book::{BookKind, MarketBook, prefetch};
use crate::instrument::InstrumentId;
use crate::num::{NumError, Price, Qty};
use crate::order::{Cloid, FillReason, Liquidity, OrderEvent, OrderStatus, Reason, Side};
use crate::row::{Flags, Row, RowKind};
use crate::time::Nanos;
use crate::venue::book::market::{Hit, Market};
use crate::venue::book::own::Resting;
use crate::venue::book::timed::Timed;
use crate::venue::book::triggers::Waiting;
use crate::venue::ledger::{Charge, Exposure, NewFill, not_found, update};
use crate::venue::{Forced, Funding, FundingRule, Ledger, Matching, Report, Scope};

/// An action that waits for the book to speak again.
#[derive(Debug, Clone)]
enum Parked {
    Submit(OrderEvent),
    Modify(Cloid, Price, Qty),
    Cancel(Cloid),
}

/// Matching on the books of all instruments.
#[derive(Debug, Clone)]
pub struct BookMatching {
    markets: Vec<Market>,
    /// Trigger orders that wait for the mark price, of all instruments, oldest first.
    waiting: BTreeMap<u64, Waiting>,
    /// Orders that wake when another is filled, by that other.
    children: BTreeMap<Cloid, Vec<OrderEvent>>,
    timed: Timed,
    parked: BTreeMap<InstrumentId, Vec<Parked>>,
    funding: Funding,
    /// Instruments whose mark may have moved in the present instant.
    dirty: Vec<InstrumentId>,
    /// Funding rows of the present instant.
    fundings: Vec<Row>,
    hits: Vec<Hit>,
    /// The state of the ledger at which nothing had to be liquidated, if so when that was asked last.
    calm: Option<u64>,
}

impl BookMatching {
    /// For instruments whose books are driven by these kinds of rows.
    #[must_use]
    pub(super) fn new(kinds: &[BookKind], funding: FundingRule) -> Self {
        Self {
            markets: kinds.iter().map(|kind| Market::new(*kind)).collect(),
            waiting: BTreeMap::new(),
            children: BTreeMap::new(),
            timed: Timed::default(),
            parked: BTreeMap::new(),
            funding: Funding::new(funding, kinds.len()),
            dirty: Vec::new(),
            fundings: Vec::new(),
            hits: Vec::new(),
            calm: None,
        }
    }

    /// The book of an instrument as the venue has it, without our orders.
    #[must_use]
    pub fn book(&self, instrument: InstrumentId) -> Option<&MarketBook> {
        self.markets.get(instrument.index()).map(|market| &market.book)
    }

    /// What stands before an order of ours; `None` if it does not rest, or nobody knows.
    #[must_use]
    pub fn ahead(&self, instrument: InstrumentId, cloid: Cloid) -> Option<Qty> {
        let market = self.markets.get(instrument.index())?;
        market.own.iter().find(|o| o.event.cloid == cloid)?.ahead
    }

    /// The recorded books move row by row, and whatever an instant brings is settled before the next; stops before the
    /// first row that comes after a report. `instant` is the time of the last row taken in. Returns how many were.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn on_rows(
        &mut self,
        ledger: &mut Ledger,
        rows: &[Row],
        instant: &mut Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<usize, NumError> {
        for (done, row) in rows.iter().enumerate() {
            if self.is_unsettled() && row.exchange_time != *instant {
                self.settle(ledger, *instant, reports)?;
            }
            if !reports.is_empty() {
                return Ok(done);
            }
            *instant = row.exchange_time;
            prefetch(&self.markets, rows, done, |market| &market.book);
            self.on_row(ledger, row, reports)?;
        }
        Ok(rows.len())
    }

    /// The recorded book moves by one row; own orders may fill.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    #[inline(always)]
    pub fn on_row(&mut self, ledger: &mut Ledger, row: &Row, reports: &mut Vec<Report>) -> Result<(), NumError> {
        let Some(market) = self.markets.get_mut(row.instrument.index()) else { return Ok(()) };
        market.on_row(row, &ledger.config.book, &mut self.hits);
        let is_news = matches!(row.kind, RowKind::Context | RowKind::Funding);
        if is_news || ledger.is_exposed() || !self.waiting.is_empty() || !self.parked.is_empty() {
            self.note(ledger, row)?;
        }
        if self.hits.is_empty() { Ok(()) } else { self.fill_hits(ledger, row, reports) }
    }

    /// What has to be looked at once the instant is over: where the mark may have moved, and what is to be paid.
    #[inline(never)]
    fn note(&mut self, ledger: &Ledger, row: &Row) -> Result<(), NumError> {
        match row.kind {
            RowKind::Funding => self.fundings.push(*row),
            RowKind::Context => self.funding.on_context(row.instrument, row.exchange_time, &row.context())?,
            // With a context the mark is the venue's; without one, it follows each batch.
            _ if !row.flags.has(Flags::LAST) && row.kind != RowKind::Trade => return Ok(()),
            _ => {}
        }
        let is_watched = row.kind == RowKind::Funding || !self.waiting.is_empty() || !self.parked.is_empty();
        if !is_watched && self.calm == Some(ledger.version()) {
            // The same account at the same marks needs no second look.
            let mark = self.markets.get(row.instrument.index()).and_then(|market| market.book.mark());
            if mark == Some(ledger.account.mark(row.instrument)) {
                return Ok(());
            }
        }
        if self.dirty.last() != Some(&row.instrument) {
            self.dirty.push(row.instrument);
        }
        Ok(())
    }

    /// Whether something has to be done once all rows of an instant are in ([`BookMatching::settle`]).
    #[must_use]
    #[inline(always)]
    pub const fn is_unsettled(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// After the last row of an instant: triggers, funding, liquidations, and actions that waited for the book.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn settle(&mut self, ledger: &mut Ledger, now: Nanos, reports: &mut Vec<Report>) -> Result<(), NumError> {
        let mut dirty = std::mem::take(&mut self.dirty);
        dirty.sort_unstable();
        dirty.dedup();
        for instrument in &dirty {
            let mark = self.markets.get(instrument.index()).and_then(|market| market.book.mark());
            if let Some(mark) = mark {
                ledger.account.set_mark(*instrument, mark)?;
            }
        }
        self.trigger(ledger, &dirty, now, reports)?;
        for row in std::mem::take(&mut self.fundings) {
            let told = row.price;
            let known = self.book(row.instrument).and_then(|b| b.context).map_or(told, |c| c.oracle);
            let oracle = if told.is_positive() { told } else { known };
            self.funding.on_recorded(ledger, row.instrument, (row.funding_rate(), oracle), now, reports)?;
        }
        self.liquidate(ledger, now, reports)?;
        for instrument in &dirty {
            for parked in self.parked.remove(instrument).unwrap_or_default() {
                match parked {
                    Parked::Submit(order) => self.submit(ledger, &order, now, reports)?,
                    Parked::Modify(cloid, price, quantity) => {
                        self.modify(ledger, (*instrument, cloid), (price, quantity), now, reports)?;
                    }
                    Parked::Cancel(cloid) => self.cancel(ledger, (*instrument, cloid), now, reports)?,
                }
            }
        }
        dirty.clear();
        // What was done may have marked instruments anew; that is settled with their next rows.
        self.dirty = dirty;
        Ok(())
    }

    /// Carries out what the evidence of a row allows.
    #[inline(never)]
    fn fill_hits(&mut self, ledger: &mut Ledger, row: &Row, reports: &mut Vec<Report>) -> Result<(), NumError> {
        let hits = std::mem::take(&mut self.hits);
        for hit in &hits {
            self.fill_resting(ledger, row.instrument, *hit, row.exchange_time, reports)?;
        }
        self.hits = hits;
        self.hits.clear();
        if self.dirty.last() != Some(&row.instrument) {
            self.dirty.push(row.instrument);
        }
        Ok(())
    }

    /// A resting order is met, at its own price.
    fn fill_resting(
        &mut self,
        ledger: &mut Ledger,
        instrument: InstrumentId,
        hit: Hit,
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError> {
        let Some(market) = self.markets.get_mut(instrument.index()) else { return Ok(()) };
        let Some(order) = market.own.get_mut(hit.cloid) else { return Ok(()) };
        let side = order.event.side;
        let mut quantity = hit.quantity.min(order.leaves);
        if order.event.reduce_only {
            quantity = quantity.min(ledger.reducible(instrument, side));
        }
        if !quantity.is_positive() {
            return Ok(());
        }
        let (price, oid, ahead_at_arrival) = (order.price, order.oid, order.ahead_at_arrival);
        let charge = Charge::of(order.leaves == order.event.quantity);
        if !ledger.can_fill(instrument, side, price, quantity)? {
            return self.drop_resting(ledger, instrument, hit.cloid, Reason::MarginCanceled, now, reports);
        }
        order.leaves = order.leaves.sub(quantity)?;
        let is_done = order.leaves.is_zero();
        let fill = NewFill {
            cloid: hit.cloid,
            oid,
            instrument,
            side,
            price,
            quantity,
            liquidity: Liquidity::Maker,
            charge,
            reason: hit.reason,
            ahead_at_arrival,
            time: now,
        };
        ledger.fill(fill, reports)?;
        if is_done && let Some(order) = market.own.remove(hit.cloid) {
            reports.push(update(&order.event, order.oid, OrderStatus::Filled, now));
            self.on_filled(ledger, &order.event, now, reports)?;
        }
        self.on_position(ledger, instrument, now, reports)
    }

    /// Takes a resting order away for a reason of the venue's.
    fn drop_resting(
        &mut self,
        ledger: &mut Ledger,
        instrument: InstrumentId,
        cloid: Cloid,
        reason: Reason,
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError> {
        let taken = self.markets.get_mut(instrument.index()).and_then(|market| market.own.remove(cloid));
        let Some(order) = taken else { return Ok(()) };
        reports.push(update(&order.event, order.oid, OrderStatus::Cancelled(reason), now));
        // What was cut short for lack of margin still protects what was filled.
        if reason == Reason::MarginCanceled && order.leaves < order.event.quantity {
            return self.on_filled(ledger, &order.event, now, reports);
        }
        self.on_gone(order.event.cloid, now, reports);
        Ok(())
    }

    /// A position changed: reduce-only orders shrink with it, and orders for the whole position go with it.
    fn on_position(
        &mut self,
        ledger: &mut Ledger,
        instrument: InstrumentId,
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError> {
        if ledger.account.position(instrument).is_flat() {
            self.drop_position_orders(instrument, now, reports);
        }
        let Some(market) = self.markets.get_mut(instrument.index()) else { return Ok(()) };
        if market.own.reduce_only == 0 {
            return Ok(());
        }
        let mut gone = Vec::new();
        for side in [Side::Buy, Side::Sell] {
            let mut room = ledger.reducible(instrument, side).raw();
            // The newest keep their size; the oldest go first.
            let mut orders: Vec<&mut Resting> =
                market.own.side_mut(side).iter_mut().flat_map(|l| &mut l.orders).collect();
            orders.retain(|o| o.event.reduce_only);
            orders.sort_unstable_by_key(|o| std::cmp::Reverse(o.oid));
            for order in orders {
                order.leaves = order.leaves.min(Qty::from_raw(room));
                room -= order.leaves.raw();
                if order.leaves.is_zero() {
                    gone.push(order.event.cloid);
                }
            }
        }
        for cloid in gone {
            self.drop_resting(ledger, instrument, cloid, Reason::ReduceOnlyCanceled, now, reports)?;
        }
        Ok(())
    }

    /// What all resting orders would add, for the margin that they reserve.
    fn exposures(&self) -> Vec<Exposure> {
        let own = self.markets.iter().filter(|m| !m.own.is_empty()).flat_map(|m| m.own.iter());
        own.filter(|o| !o.event.reduce_only)
            .map(|o| Exposure { instrument: o.event.instrument, side: o.event.side, leaves: o.leaves, price: o.price })
            .collect()
    }

    /// Liquidates what is below its maintenance margin; what is sold walks the book as any taker's order.
    fn liquidate(&mut self, ledger: &mut Ledger, now: Nanos, reports: &mut Vec<Report>) -> Result<(), NumError> {
        self.calm = None;
        if !ledger.may_liquidate()? {
            self.calm = Some(ledger.version());
            return Ok(());
        }
        let mut is_calm = true;
        for scope in ledger.scopes() {
            let mut is_first = true;
            while let Some(forced) = ledger.next_liquidation(scope, now)? {
                if std::mem::take(&mut is_first) {
                    self.drop_scope(ledger, scope, now, reports)?;
                }
                let executed = if forced.is_backstop {
                    ledger.take_over(scope, now, reports)?;
                    true
                } else {
                    self.force(ledger, &forced, now, reports)?
                };
                if !executed {
                    // Nobody is there to trade with: the next mark asks again.
                    break;
                }
            }
            if !is_first {
                is_calm = false;
                for id in (0_u32..).map(InstrumentId).take(self.markets.len()) {
                    self.on_position(ledger, id, now, reports)?;
                }
            }
        }
        self.calm = is_calm.then(|| ledger.version());
        Ok(())
    }

    /// Takes all orders of a scope away before it is liquidated.
    fn drop_scope(
        &mut self,
        ledger: &mut Ledger,
        scope: Scope,
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError> {
        let resting = self.markets.iter().flat_map(|m| m.own.iter().map(|o| (o.event.instrument, o.event.cloid)));
        let of_scope = resting.filter(|(instrument, _)| ledger.scope_of(*instrument) == scope);
        for (instrument, cloid) in of_scope.collect::<Vec<_>>() {
            self.drop_resting(ledger, instrument, cloid, Reason::LiquidatedCanceled, now, reports)?;
        }
        Ok(())
    }

    /// Walks the book with a forced order; false if there was nothing to meet it.
    fn force(
        &mut self,
        ledger: &mut Ledger,
        forced: &Forced,
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<bool, NumError> {
        let Some(market) = self.markets.get_mut(forced.instrument.index()) else { return Ok(false) };
        let other = forced.side.opposite();
        let decayed = market::decayed(now, &ledger.config.book);
        let mut left = forced.quantity;
        let mut parts = Vec::new();
        for (price, held) in market.book.levels.side(other).iter() {
            let part = left.min(market.overlay.available(other, price, held, decayed));
            if part.is_positive() {
                parts.push((price, part));
                left = left.sub(part)?;
            }
            if left.is_zero() {
                break;
            }
        }
        for (index, (price, quantity)) in parts.iter().enumerate() {
            market.overlay.take(other, *price, *quantity, now);
            let part = Forced { quantity: *quantity, ..*forced };
            ledger.force(&part, *price, Charge::of(index == 0), now, reports)?;
        }
        Ok(!parts.is_empty())
    }

    /// Where an instrument's book has been silent for too long, an action waits here for its next word.
    fn parked_if_silent(&mut self, ledger: &Ledger, instrument: InstrumentId, now: Nanos) -> Option<&mut Vec<Parked>> {
        let market = self.markets.get(instrument.index())?;
        let is_silent = now.since(market.told) > ledger.config.book.book_age_max;
        is_silent.then(|| self.parked.entry(instrument).or_default())
    }
}

impl Matching for BookMatching {
    type Event = Row;

    #[inline]
    fn on_market(&mut self, ledger: &mut Ledger, row: &Row, reports: &mut Vec<Report>) -> Result<(), NumError> {
        self.on_row(ledger, row, reports)
    }

    fn submit(
        &mut self,
        ledger: &mut Ledger,
        order: &OrderEvent,
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError> {
        if let Some(parked) = self.parked_if_silent(ledger, order.instrument, now) {
            parked.push(Parked::Submit(order.clone()));
            return Ok(());
        }
        self.arrive(ledger, order, now, reports).map(|_| ())
    }

    fn modify(
        &mut self,
        ledger: &mut Ledger,
        (instrument, cloid): (InstrumentId, Cloid),
        (price, quantity): (Price, Qty),
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError> {
        if let Some(parked) = self.parked_if_silent(ledger, instrument, now) {
            parked.push(Parked::Modify(cloid, price, quantity));
            return Ok(());
        }
        self.change(ledger, (instrument, cloid), (price, quantity), now, reports)
    }

    fn cancel(
        &mut self,
        ledger: &mut Ledger,
        (instrument, cloid): (InstrumentId, Cloid),
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError> {
        if let Some(parked) = self.parked_if_silent(ledger, instrument, now) {
            parked.push(Parked::Cancel(cloid));
            return Ok(());
        }
        if self.markets.get(instrument.index()).is_some_and(|market| market.own.contains(cloid)) {
            return self.drop_resting(ledger, instrument, cloid, Reason::Requested, now, reports);
        }
        if self.drop_waiting(cloid, Reason::Requested, now, reports) || self.timed.cancel(cloid, now, reports) {
            return Ok(());
        }
        reports.push(not_found(instrument, cloid, now));
        Ok(())
    }

    fn schedule_cancel(&mut self, time: Option<Nanos>, now: Nanos) {
        self.timed.schedule_cancel(time, now);
    }
}

/// A fill that took, before the ledger has it.
fn taker_fill(order: &OrderEvent, oid: u64, (price, quantity): (Price, Qty), charge: Charge, now: Nanos) -> NewFill {
    NewFill {
        cloid: order.cloid,
        oid,
        instrument: order.instrument,
        side: order.side,
        price,
        quantity,
        liquidity: Liquidity::Taker,
        charge,
        reason: FillReason::Taker,
        ahead_at_arrival: None,
        time: now,
    }
}
