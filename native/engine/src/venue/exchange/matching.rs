//! An order meets the book: it takes by price, then by time, and rests with what is left.

use crate::account::Average;
use crate::instrument::InstrumentId;
use crate::num::{Money, NumError, Price, Qty, RATE_UNIT, Rate, Rounding};
use crate::order::{FillReason, Liquidity, OrderStatus, Reason, Side, TimeInForce};
use crate::time::Nanos;
use crate::venue::Report;
use crate::venue::exchange::machine::Exchange;
use crate::venue::exchange::market::Kind;
use crate::venue::exchange::news::{Fee, Fill, Liquidated, News};
use crate::venue::exchange::order::{AccountId, Order, OrderState, Placed, Refusal};
use crate::venue::ledger::{Charge, NewFill};

/// Why trades happen, where it is not the customer's will alone.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cause {
    /// Who is liquidated.
    pub liquidation: Option<Liquidated>,
    /// The order over time that this is a slice of.
    pub twap: Option<u64>,
}

/// One meeting of two orders.
#[derive(Debug, Clone, Copy)]
struct Meeting {
    instrument: InstrumentId,
    price: Price,
    quantity: Qty,
    trade_id: u64,
    cause: Cause,
}

/// How far a taker went.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Taken {
    pub average: Average,
    pub quantity: Qty,
    /// Margin ran out.
    pub is_short: bool,
}

/// Whether `price` is worse than `limit` for an aggressor of `side`.
pub(super) fn is_beyond(side: Side, price: Price, limit: Price) -> bool {
    match side {
        Side::Buy => price > limit,
        Side::Sell => price < limit,
    }
}

impl Exchange {
    /// An order of a customer, or a woken one, meets the book. The caller has checked it. What hangs on it is not woken yet.
    pub(super) fn work(&mut self, mut order: Order) -> Result<Placed, NumError> {
        let asked = order.asked;
        let Some(market) = self.markets.get(asked.instrument.index()) else {
            return Ok(Placed::Refused(Reason::NoLiquidity.into()));
        };
        let best = market.book.best(asked.side.opposite());
        let crosses = best.is_some_and(|best| !is_beyond(asked.side, best, asked.price));
        if crosses && asked.time_in_force == TimeInForce::Alo {
            let touch =
                (market.book.best(Side::Buy).unwrap_or_default(), market.book.best(Side::Sell).unwrap_or_default());
            let refusal = Refusal { reason: Reason::BadAloPx, touch: Some(touch) };
            return self.refuse(order, refusal);
        }
        if asked.reduce_only {
            order.leaves = order.leaves.min(self.reducible(&order));
        }
        let taken = if crosses { self.take(&mut order, Cause::default())? } else { Taken::default() };
        let is_touched = taken.quantity.is_positive();
        let is_immediate = asked.time_in_force == TimeInForce::Ioc;
        let filled = |taken: &Taken| Placed::Filled {
            oid: order.oid,
            quantity: taken.quantity,
            price: taken.average.price().unwrap_or_default(),
        };
        if order.leaves.is_zero() {
            self.tell(order, OrderStatus::Filled);
            self.filled.push(order);
            return Ok(filled(&taken));
        }
        if taken.is_short && !is_touched {
            return self.refuse(order, Reason::PerpMargin.into());
        }
        if taken.is_short || (is_immediate && is_touched) {
            let reason = if taken.is_short { Reason::MarginCanceled } else { Reason::IocCancel };
            self.tell(order, OrderStatus::Cancelled(reason));
            if taken.is_short {
                // What was cut short for lack of margin still protects what was filled.
                self.filled.push(order);
            } else {
                self.drop_children(&order)?;
            }
            return Ok(filled(&taken));
        }
        if is_immediate {
            let is_market = asked.trigger.is_some_and(|trigger| trigger.is_market);
            let reason = if is_market || best.is_none() { Reason::NoLiquidity } else { Reason::IocCancel };
            return self.refuse(order, reason.into());
        }
        self.rest(order)?;
        Ok(if is_touched { filled(&taken) } else { Placed::Resting { oid: order.oid } })
    }

    /// An order is refused; those that hang on it go with it. One that was woken had been accepted before: it is cancelled.
    fn refuse(&mut self, order: Order, refusal: Refusal) -> Result<Placed, NumError> {
        self.tell(order, OrderStatus::Rejected(refusal.reason));
        self.drop_children(&order)?;
        Ok(Placed::Refused(refusal))
    }

    /// An order joins the queue of its price.
    fn rest(&mut self, mut order: Order) -> Result<(), NumError> {
        let asked = order.asked;
        let Some(market) = self.markets.get_mut(asked.instrument.index()) else { return Ok(()) };
        let rank = market.book.add(asked.side, asked.price, order.leaves, order.oid)?;
        order.state = OrderState::Resting(rank);
        self.reserve(&order, order.leaves)?;
        self.keep(order);
        self.tell(order, OrderStatus::Resting);
        Ok(())
    }

    /// What a reduce-only order may fill at most.
    pub(super) fn reducible(&self, order: &Order) -> Qty {
        let ledger = order.party.account().and_then(|id| self.account(id)).map(|account| &account.ledger);
        ledger.map_or(Qty::MAX, |ledger| ledger.reducible(order.asked.instrument, order.asked.side))
    }

    /// Walks the other side of the book up to the limit. Orders of the same customer that stand in the way are taken out
    /// of it, and so is whoever cannot carry the trade.
    pub(super) fn take(&mut self, order: &mut Order, cause: Cause) -> Result<Taken, NumError> {
        let asked = order.asked;
        let (instrument, other) = (asked.instrument, asked.side.opposite());
        let mut taken = Taken::default();
        while order.leaves.is_positive() {
            let front = self.markets.get(instrument.index()).and_then(|market| market.book.front(other));
            let Some((price, oid)) = front.filter(|(price, _)| !is_beyond(asked.side, *price, asked.price)) else {
                break;
            };
            let Some(maker) = self.orders.get(&oid).copied() else { break };
            if maker.party == order.party {
                self.drop_order(oid, Reason::SelfTradeCanceled)?;
                continue;
            }
            let quantity = order.leaves.min(maker.leaves);
            if !self.can_fill(&maker, price, quantity)? {
                self.drop_order(oid, Reason::MarginCanceled)?;
                continue;
            }
            if cause.liquidation.is_none() && !self.can_fill(order, price, quantity)? {
                taken.is_short = true;
                break;
            }
            self.last_trade += 1;
            let meeting = Meeting { instrument, price, quantity, trade_id: self.last_trade, cause };
            self.meet(order, maker, &meeting)?;
            taken.average.add(price, quantity)?;
            taken.quantity = taken.quantity.add(quantity)?;
        }
        Ok(taken)
    }

    /// Two orders trade.
    fn meet(&mut self, taker: &mut Order, mut maker: Order, meeting: &Meeting) -> Result<(), NumError> {
        let Meeting { instrument, price, quantity, trade_id, .. } = *meeting;
        // The maker's hold is that of the order as it was.
        self.release(&maker, quantity)?;
        for order in [&mut *taker, &mut maker] {
            order.leaves = order.leaves.sub(quantity)?;
            order.filled = order.filled.add(quantity)?;
        }
        if let OrderState::Resting(rank) = maker.state
            && let Some(market) = self.markets.get_mut(instrument.index())
        {
            market.book.reduce(maker.asked.side, price, rank, quantity, maker.leaves.is_zero());
            market.count(price, quantity, self.now);
        }
        let (buyer, seller) = match taker.asked.side {
            Side::Buy => (taker.party, maker.party),
            Side::Sell => (maker.party, taker.party),
        };
        self.news.push(News::Trade {
            instrument,
            aggressor: taker.asked.side,
            price,
            quantity,
            trade_id,
            buyer,
            seller,
            time: self.now,
        });
        self.book_fill(taker, Liquidity::Taker, meeting)?;
        self.book_fill(&maker, Liquidity::Maker, meeting)?;
        if maker.leaves.is_zero() {
            // The place in the book went with the quantity.
            let mut done = maker;
            done.state = OrderState::Dormant;
            self.orders.insert(maker.oid, done);
            self.forget(maker.oid)?;
            self.tell(maker, OrderStatus::Filled);
            if maker.party.account().is_some() {
                self.filled.push(maker);
            }
        } else {
            self.orders.insert(maker.oid, maker);
        }
        for party in [taker.party, maker.party] {
            if let Some(account) = party.account() {
                self.on_position(account, instrument)?;
            }
        }
        Ok(())
    }

    /// Whether an account can carry a fill at this moment. A spot order has what it needs in hold, or was checked for it.
    fn can_fill(&self, order: &Order, price: Price, quantity: Qty) -> Result<bool, NumError> {
        let Some(account) = order.party.account().and_then(|id| self.account(id)) else { return Ok(true) };
        if !self.market(order.asked.instrument).is_some_and(|market| market.is_perpetual()) {
            return Ok(true);
        }
        account.ledger.can_fill(order.asked.instrument, order.asked.side, price, quantity)
    }

    /// Books one side of a trade. `order` is as it is after it.
    fn book_fill(&mut self, order: &Order, liquidity: Liquidity, meeting: &Meeting) -> Result<(), NumError> {
        let Some(account) = order.party.account() else { return Ok(()) };
        match self.market(meeting.instrument).map(|market| market.kind) {
            Some(Kind::Perpetual) => self.book_perpetual(account, order, liquidity, meeting),
            Some(Kind::Spot { .. }) => self.book_spot(account, order, liquidity, meeting),
            None => Ok(()),
        }
    }

    fn book_perpetual(
        &mut self,
        id: AccountId,
        order: &Order,
        liquidity: Liquidity,
        meeting: &Meeting,
    ) -> Result<(), NumError> {
        let Meeting { instrument, price, quantity, cause, .. } = *meeting;
        let (now, mark) = (self.now, self.mark(instrument));
        let builder_fee = builder_fee(order, price, quantity)?;
        let Some(account) = self.accounts.get_mut(id.index()) else { return Ok(()) };
        let ledger = &mut account.ledger;
        if let Some(mark) = mark {
            ledger.account.set_mark(instrument, mark)?;
        }
        let start_position = ledger.account.position(instrument).quantity;
        let realised = ledger.account.lines().realised;
        let is_liquidated = cause.liquidation.filter(|l| l.account == id);
        let reason = match (is_liquidated, liquidity) {
            (Some(_), _) => FillReason::Liquidation,
            (None, Liquidity::Taker) => FillReason::Taker,
            (None, Liquidity::Maker) => FillReason::Queue,
        };
        let fill = NewFill {
            cloid: order.asked.cloid.unwrap_or_default(),
            oid: order.oid,
            instrument,
            side: order.asked.side,
            price,
            quantity,
            liquidity,
            charge: Charge::of(order.filled == quantity),
            reason,
            ahead_at_arrival: None,
            time: now,
        };
        let mut reports = std::mem::take(&mut self.reports);
        ledger.fill(fill, &mut reports)?;
        if !builder_fee.is_zero() {
            let event = crate::event::AccountEvent::BuilderFee { time: now, instrument, fee: builder_fee };
            ledger.book(event, &mut reports)?;
        }
        let closed_profit = ledger.account.lines().realised.sub(realised)?;
        let volume = i128::from(price.notional(quantity)?.raw());
        account.spot_fees.count(volume, now);
        for report in reports.drain(..) {
            if let Report::Fill(event) = report {
                let fee = Fee::Quote(event.fee);
                self.news.push(fill_news(
                    order,
                    liquidity,
                    meeting,
                    Booked { id, start_position, closed_profit, fee, builder_fee, time: now },
                ));
            }
        }
        self.reports = reports;
        Ok(())
    }

    fn book_spot(
        &mut self,
        id: AccountId,
        order: &Order,
        liquidity: Liquidity,
        meeting: &Meeting,
    ) -> Result<(), NumError> {
        let Meeting { instrument, price, quantity, .. } = *meeting;
        let Some(Kind::Spot { base, quote }) = self.market(instrument).map(|market| market.kind) else { return Ok(()) };
        let now = self.now;
        let Some(account) = self.accounts.get_mut(id.index()) else { return Ok(()) };
        let (maker, taker) = account.spot_fees.rates(now);
        let rate = if liquidity == Liquidity::Maker { maker } else { taker };
        let notional = price.notional(quantity)?;
        let start_position = account.wallet.get(base).total;
        let closed_profit;
        let fee = match order.asked.side {
            Side::Buy => {
                let fee = base_fee(quantity, rate)?;
                account.wallet.change(base, quantity.sub(fee)?)?;
                account.wallet.change(quote, Qty::from_raw(notional.neg()?.raw()))?;
                closed_profit = account.wallet.count_entry(base, price, quantity)?;
                Fee::Base(fee)
            }
            Side::Sell => {
                let fee = crate::num::fee(price, quantity, rate, Rounding::TowardZero)?.trunc6();
                account.wallet.change(base, quantity.neg()?)?;
                account.wallet.change(quote, Qty::from_raw(notional.sub(fee)?.raw()))?;
                closed_profit = account.wallet.count_entry(base, price, quantity.neg()?)?;
                Fee::Quote(fee)
            }
        };
        let volume = 2 * i128::from(notional.raw());
        account.spot_fees.count(volume, now);
        account.ledger.fees_mut().count(volume, now);
        let builder_fee = Money::ZERO;
        self.news.push(fill_news(
            order,
            liquidity,
            meeting,
            Booked { id, start_position, closed_profit, fee, builder_fee, time: now },
        ));
        Ok(())
    }
}

/// What a fill did to the account that it is of.
struct Booked {
    id: AccountId,
    start_position: Qty,
    closed_profit: Money,
    fee: Fee,
    builder_fee: Money,
    time: Nanos,
}

/// One side of a meeting, as it is told.
fn fill_news(order: &Order, liquidity: Liquidity, meeting: &Meeting, booked: Booked) -> News {
    let Booked { id, start_position, closed_profit, fee, builder_fee, time } = booked;
    let is_taker = liquidity == Liquidity::Taker;
    News::Fill(Fill {
        account: id,
        order: *order,
        trade_id: meeting.trade_id,
        price: meeting.price,
        quantity: meeting.quantity,
        is_taker,
        start_position,
        closed_profit,
        fee,
        builder_fee,
        liquidation: meeting.cause.liquidation,
        twap: meeting.cause.twap.filter(|_| is_taker),
        time,
    })
}

/// What the builder of an order gets of a fill, toward zero at 1e-6.
fn builder_fee(order: &Order, price: Price, quantity: Qty) -> Result<Money, NumError> {
    if order.asked.builder.is_zero() {
        return Ok(Money::ZERO);
    }
    Ok(crate::num::fee(price, quantity, order.asked.builder, Rounding::TowardZero)?.trunc6())
}

/// A fee in base units, toward zero at 1e-8. The venue's own rounding of these is not known.
fn base_fee(quantity: Qty, rate: Rate) -> Result<Qty, NumError> {
    let product = i128::from(quantity.raw()) * i128::from(rate.raw()) / i128::from(RATE_UNIT);
    i64::try_from(product).map(Qty::from_raw).map_err(|_| NumError::Overflow { operation: "fee in base units" })
}
