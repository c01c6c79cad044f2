//! Matching on bars (SIMULATION, section 11): an order decided at a close acts from the next bar on.

use crate::event::{Bar, MarketEvent};
use crate::instrument::InstrumentId;
use crate::num::{NumError, Price, Qty, Rate, Rounding};
use crate::order::{
    Cloid, FillReason, Liquidity, OrderEvent, OrderKind, OrderStatus, OrderUpdate, Reason, Side, TimeInForce, Trail,
};
use crate::time::Nanos;
use crate::venue::ledger::{Exposure, NewFill, update};
use crate::venue::liquidation::Liquidation;
use crate::venue::path::points;
use crate::venue::{FillOn, Ledger, Matching, Report};

/// What an order waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// A market order, or the rest of one.
    Market,
    /// A limit order.
    Limit(Price),
    /// A trigger order.
    Waiting,
}

#[derive(Debug, Clone)]
struct Working {
    event: OrderEvent,
    oid: u64,
    leaves: Qty,
    stage: Stage,
    /// It has not seen an open yet.
    is_new: bool,
    /// It became a limit order inside the present bar, and may not fill as one in it.
    is_born: bool,
    /// The best price since a trailing stop was placed.
    best: Price,
    is_done: bool,
}

impl Working {
    /// The trigger of a waiting order; a trailing one's follows the best price.
    fn trigger(&self) -> Option<Price> {
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
    const fn is_stop(&self) -> bool {
        matches!(self.event.kind, OrderKind::Stop { .. } | OrderKind::StopLimit { .. } | OrderKind::TrailingStop { .. })
    }

    /// Whether the price has reached the trigger: stops and gains look in opposite directions.
    fn is_triggered_at(&self, price: Price) -> bool {
        let Some(trigger) = self.trigger() else { return false };
        match (self.event.side, self.is_stop()) {
            (Side::Sell, true) | (Side::Buy, false) => price <= trigger,
            (Side::Buy, true) | (Side::Sell, false) => price >= trigger,
        }
    }
}

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
    liquidation: Liquidation,
}

impl BarMatching {
    pub(super) fn new(instruments: usize) -> Self {
        Self { books: vec![Book::default(); instruments], liquidation: Liquidation::default() }
    }
}

impl Matching for BarMatching {
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
            let status = OrderStatus::ActionRejected(Reason::NotFound);
            reports.push(Report::Order(OrderUpdate { cloid, oid: 0, instrument, status, time: now }));
            return Ok(());
        };
        // Cancel and new order under the same id: time priority is lost, and a refused change leaves nothing.
        let kind = match old.event.kind {
            OrderKind::Limit { .. } => OrderKind::Limit { price },
            OrderKind::Stop { .. } => OrderKind::Stop { trigger: price },
            OrderKind::TakeProfit { .. } => OrderKind::TakeProfit { trigger: price },
            OrderKind::StopLimit { trigger, .. } => OrderKind::StopLimit { trigger, price },
            OrderKind::TakeProfitLimit { trigger, .. } => OrderKind::TakeProfitLimit { trigger, price },
            kind @ (OrderKind::Market | OrderKind::TrailingStop { .. }) => kind,
        };
        self.submit(ledger, &OrderEvent { quantity, kind, ..old.event }, now, reports)
    }

    fn cancel(&mut self, (instrument, cloid): (InstrumentId, Cloid), now: Nanos, reports: &mut Vec<Report>) {
        reports.push(match self.take(instrument, cloid) {
            Some(order) => update(&order.event, order.oid, OrderStatus::Cancelled(Reason::Requested), now),
            None => {
                let status = OrderStatus::ActionRejected(Reason::NotFound);
                Report::Order(OrderUpdate { cloid, oid: 0, instrument, status, time: now })
            }
        });
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
        let [_, ends @ ..] = path;
        for (from, to) in path.iter().zip(ends) {
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

    /// Liquidates if equity is below maintenance margin at the present marks; all working orders go first.
    fn check_margin(&mut self, ledger: &mut Ledger, now: Nanos, reports: &mut Vec<Report>) -> Result<(), NumError> {
        if !ledger.is_below_maintenance()? {
            return Ok(());
        }
        for order in self.books.iter_mut().flat_map(|b| b.working.drain(..)) {
            let status = OrderStatus::Cancelled(Reason::LiquidatedCanceled);
            reports.push(update(&order.event, order.oid, status, now));
        }
        ledger.liquidate(&mut self.liquidation, now, reports)
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

/// An order meets the open of a bar.
fn at_open(
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
fn meet(
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
fn trigger(
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
fn segment(
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
fn trail(order: &mut Working, price: Price) {
    order.best = match order.event.side {
        Side::Sell => order.best.max(price),
        Side::Buy => order.best.min(price),
    };
}

/// Fills as much as position (reduce-only), volume and margin allow.
fn execute(
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
    let rate: Rate = ledger.rate(liquidity);
    let (cloid, oid) = (order.event.cloid, order.oid);
    ledger.fill(NewFill { cloid, oid, instrument, side, price, quantity, liquidity, rate, reason, time }, reports)?;
    order.leaves = order.leaves.sub(quantity)?;
    if let Some(budget) = budget {
        *budget = budget.sub(quantity)?;
    }
    if order.leaves.is_zero() { finish(order, OrderStatus::Filled, time, reports) } else { Ok(()) }
}

fn finish(order: &mut Working, status: OrderStatus, time: Nanos, reports: &mut Vec<Report>) -> Result<(), NumError> {
    order.is_done = true;
    reports.push(update(&order.event, order.oid, status, time));
    Ok(())
}

/// Whether a limit would trade at a market price.
fn is_marketable(side: Side, limit: Price, market: Price) -> bool {
    match side {
        Side::Buy => market <= limit,
        Side::Sell => market >= limit,
    }
}

/// The better of a price and a limit, for us.
fn no_worse(side: Side, price: Price, limit: Price) -> Price {
    match side {
        Side::Buy => price.min(limit),
        Side::Sell => price.max(limit),
    }
}
