//! What happens by the clock: marks, samples of the premium, funding, liquidation, orders over time, scheduled cancels.

use crate::instrument::{InstrumentId, MarginMode};
use crate::num::{Money, NumError, Price, Qty, Rate};
use crate::order::{Reason, Side, TimeInForce};
use crate::row::Status;
use crate::time::Nanos;
use crate::venue::exchange::machine::Exchange;
use crate::venue::exchange::matching::Cause;
use crate::venue::exchange::news::{Fee, Fill, Liquidated, News, TwapState, TwapStatus};
use crate::venue::exchange::order::{AccountId, Link, NewOrder, Order, OrderState, Party};
use crate::venue::exchange::placing::any_price;
use crate::venue::rules::{SLICE_REACH, slice_due, slice_size, slices};
use crate::venue::{Forced, Report, Scope};

/// An order over time.
#[derive(Debug, Clone, Copy)]
pub struct Twap {
    /// Its id.
    pub id: u64,
    /// Whose.
    pub account: AccountId,
    /// As it is now.
    pub state: TwapState,
    /// The number of the next slice, from 1.
    next: i64,
}

impl Twap {
    fn slices(&self) -> i64 {
        slices(Nanos::from_raw(i64::from(self.state.minutes) * Nanos::MINUTE.raw()))
    }

    const fn due(&self) -> Nanos {
        slice_due(self.state.start, self.next)
    }

    /// What the next slice sends.
    fn size(&self) -> Result<Qty, NumError> {
        slice_size(self.state.quantity, self.state.executed, self.next, self.slices())
    }
}

impl Exchange {
    /// When something is to happen by the clock.
    #[must_use]
    pub fn next_time(&self) -> Nanos {
        let twaps = self.twaps.iter().map(Twap::due);
        let fixed = self.next_mark.min(self.next_sample).min(self.next_funding);
        twaps.chain(self.next_cancel).fold(fixed, Nanos::min)
    }

    /// Time passes: everything that is due up to `now` happens, in the order of its time.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn advance(&mut self, now: Nanos) -> Result<(), NumError> {
        loop {
            let due = self.next_time();
            if due > now {
                break;
            }
            self.now = self.now.max(due);
            if self.next_mark <= due {
                self.next_mark = due.after(self.options.mark_interval);
                self.make_marks()?;
            }
            if self.next_sample <= due {
                self.next_sample = due.after(self.options.sample_interval);
                self.markets.iter_mut().filter(|m| m.is_perpetual()).try_for_each(|market| market.sample())?;
            }
            if self.next_funding <= due {
                self.next_funding = due.after(self.options.funding_interval);
                self.settle_funding()?;
            }
            self.run_twaps(due)?;
            self.fire_scheduled(due)?;
        }
        self.now = self.now.max(now);
        Ok(())
    }

    /// New marks: positions are valued anew, orders wake, accounts that cannot carry their positions are liquidated.
    fn make_marks(&mut self) -> Result<(), NumError> {
        for index in 0..self.markets.len() {
            let id = InstrumentId(u32::try_from(index).unwrap_or(u32::MAX));
            let Some(market) = self.markets.get_mut(index) else { continue };
            market.make_mark();
            if let (true, Some(mark)) = (market.is_perpetual(), market.mark) {
                for account in self.accounts.iter_mut().filter(|a| a.ledger.is_exposed()) {
                    account.ledger.account.set_mark(id, mark)?;
                }
            }
            self.trigger(id)?;
        }
        self.liquidate()
    }

    fn settle_funding(&mut self) -> Result<(), NumError> {
        let time = self.now;
        for index in 0..self.markets.len() {
            let instrument = InstrumentId(u32::try_from(index).unwrap_or(u32::MAX));
            let Some(market) = self.markets.get_mut(index).filter(|market| market.is_perpetual()) else { continue };
            let Some((rate, premium, samples)) = market.close_hour()? else { continue };
            let Some(oracle) = market.oracle.or_else(|| market.reference()) else { continue };
            self.news.push(News::FundingRate { instrument, rate, premium, time });
            for (account, of) in (0..).map(AccountId).zip(&mut self.accounts) {
                let position = of.ledger.account().position(instrument).quantity;
                let mut reports = std::mem::take(&mut self.reports);
                of.ledger.settle_funding(instrument, rate, oracle, time, &mut reports)?;
                for report in reports.drain(..) {
                    if let Report::Account(crate::event::AccountEvent::Funding { payment, .. }) = report {
                        self.news.push(News::Funding { account, instrument, position, rate, payment, samples, time });
                    }
                }
                self.reports = reports;
            }
        }
        self.liquidate()
    }

    fn liquidate(&mut self) -> Result<(), NumError> {
        for index in 0..self.accounts.len() {
            let id = AccountId(u32::try_from(index).unwrap_or(u32::MAX));
            let Some(account) = self.accounts.get(index) else { continue };
            if !account.ledger.may_liquidate()? {
                continue;
            }
            for scope in account.ledger.scopes() {
                self.liquidate_scope(id, scope)?;
            }
        }
        self.follow_up()
    }

    /// Positions that stand together go until they are above their maintenance margin, into the book or to the backstop.
    fn liquidate_scope(&mut self, id: AccountId, scope: Scope) -> Result<(), NumError> {
        let now = self.now;
        let mut is_first = true;
        loop {
            let Some(account) = self.accounts.get_mut(id.index()) else { return Ok(()) };
            let Some(forced) = account.ledger.next_liquidation(scope, now)? else { return Ok(()) };
            if std::mem::take(&mut is_first) {
                let equity = account.ledger.equity_of(scope)?;
                let mut notional = Money::ZERO;
                for (_, quantity, mark) in account.ledger.positions_of(scope) {
                    notional = notional.add(mark.notional(quantity)?.abs()?)?;
                }
                self.drop_scope(id, scope)?;
                self.news.push(News::Liquidation { account: id, equity, notional, time: now });
            }
            let is_executed = if forced.is_backstop { self.take_over(id, scope)? } else { self.force(id, &forced)? };
            if !is_executed {
                // Nobody is there to trade with: the next mark asks again.
                return Ok(());
            }
        }
    }

    /// Takes all orders of a scope away before it is liquidated.
    fn drop_scope(&mut self, id: AccountId, scope: Scope) -> Result<(), NumError> {
        let Some(account) = self.account(id) else { return Ok(()) };
        let is_of = |oid: &u64| {
            let instrument = self.orders.get(oid).map(|order| order.asked.instrument);
            let perpetual = instrument.filter(|id| self.market(*id).is_some_and(|market| market.is_perpetual()));
            perpetual.is_some_and(|instrument| account.ledger.scope_of(instrument) == scope)
        };
        for oid in account.orders.iter().copied().filter(is_of).collect::<Vec<_>>() {
            self.drop_order(oid, Reason::LiquidatedCanceled)?;
        }
        Ok(())
    }

    fn force(&mut self, id: AccountId, forced: &Forced) -> Result<bool, NumError> {
        let mark = self.mark(forced.instrument).unwrap_or_default();
        let mut order = self.order_of_the_exchange(id, forced);
        let liquidation = Some(Liquidated { account: id, mark, is_backstop: false });
        let taken = self.take(&mut order, Cause { liquidation, twap: None })?;
        Ok(taken.quantity.is_positive())
    }

    /// An order that the exchange sends for an account.
    fn order_of_the_exchange(&mut self, id: AccountId, forced: &Forced) -> Order {
        let asked = NewOrder {
            instrument: forced.instrument,
            side: forced.side,
            price: any_price(forced.side),
            quantity: forced.quantity,
            time_in_force: TimeInForce::Ioc,
            reduce_only: true,
            trigger: None,
            cloid: None,
            builder: Rate::ZERO,
        };
        Order {
            oid: self.next_oid(),
            party: Party::Account(id),
            asked,
            leaves: forced.quantity,
            filled: Qty::ZERO,
            placed: self.now,
            link: Link::None,
            state: OrderState::Dormant,
            is_triggered: false,
        }
    }

    /// The backstop takes all positions of a scope at their marks, and what is left of its equity.
    fn take_over(&mut self, id: AccountId, scope: Scope) -> Result<bool, NumError> {
        let now = self.now;
        let Some(account) = self.accounts.get_mut(id.index()) else { return Ok(false) };
        let before: Vec<(InstrumentId, Qty, Price)> = account.ledger.positions_of(scope).collect();
        let mut reports = Vec::new();
        account.ledger.take_over(scope, now, &mut reports)?;
        for report in reports {
            let Report::Fill(event) = report else { continue };
            let Some((_, start_position, mark)) = before.iter().find(|(of, ..)| *of == event.instrument) else {
                continue;
            };
            let forced = Forced {
                scope,
                instrument: event.instrument,
                side: event.side,
                quantity: event.quantity,
                is_backstop: true,
            };
            let mut order = self.order_of_the_exchange(id, &forced);
            (order.leaves, order.filled) = (Qty::ZERO, event.quantity);
            self.last_trade += 1;
            self.news.push(News::Fill(Fill {
                account: id,
                order,
                trade_id: self.last_trade,
                price: event.price,
                quantity: event.quantity,
                is_taker: true,
                start_position: *start_position,
                closed_profit: Money::ZERO,
                fee: Fee::Quote(event.fee),
                builder_fee: Money::ZERO,
                liquidation: Some(Liquidated { account: id, mark: *mark, is_backstop: true }),
                twap: None,
                time: now,
            }));
            self.on_position(id, event.instrument)?;
        }
        Ok(true)
    }

    /// Starts an order over time; its id. The caller has checked its terms.
    pub fn start_twap(&mut self, account: AccountId, mut state: TwapState) -> u64 {
        self.last_twap += 1;
        let id = self.last_twap;
        state.start = self.now;
        self.twaps.push(Twap { id, account, state, next: 1 });
        self.news.push(News::Twap { account, id, state, status: TwapStatus::Activated, time: self.now });
        id
    }

    /// Ends an order over time; false if there is none.
    pub fn cancel_twap(&mut self, account: AccountId, id: u64) -> bool {
        let Some(at) = self.twaps.iter().position(|twap| twap.id == id && twap.account == account) else {
            return false;
        };
        let twap = self.twaps.remove(at);
        let status = TwapStatus::Terminated;
        self.news.push(News::Twap { account, id, state: twap.state, status, time: self.now });
        true
    }

    /// Orders over time that work.
    pub fn twaps(&self, account: AccountId) -> impl Iterator<Item = &Twap> {
        self.twaps.iter().filter(move |twap| twap.account == account)
    }

    fn run_twaps(&mut self, due: Nanos) -> Result<(), NumError> {
        let mut twaps = std::mem::take(&mut self.twaps);
        for twap in twaps.iter_mut().filter(|twap| twap.due() <= due) {
            self.slice(twap)?;
        }
        for twap in &twaps {
            if twap.next > twap.slices() {
                let (account, id, state) = (twap.account, twap.id, twap.state);
                self.news.push(News::Twap { account, id, state, status: TwapStatus::Finished, time: self.now });
            }
        }
        twaps.retain(|twap| twap.next <= twap.slices());
        twaps.append(&mut self.twaps);
        self.twaps = twaps;
        self.follow_up()
    }

    /// One slice: what is missing by now, rounded down to the lot, within 3 % of the middle.
    fn slice(&mut self, twap: &mut Twap) -> Result<(), NumError> {
        let size = twap.size()?;
        twap.next += 1;
        let TwapState { instrument, side, reduce_only, .. } = twap.state;
        let Some(market) = self.market(instrument).filter(|market| market.status == Status::Trading) else {
            return Ok(());
        };
        let Some(middle) = market.book.mid() else { return Ok(()) };
        let quantity = size.floor_to_lot(market.rules.lot_size)?;
        if !quantity.is_positive() || middle.notional(quantity)? < market.rules.min_notional {
            return Ok(());
        }
        let price = crate::venue::book::reach(middle, SLICE_REACH, side)?;
        let forced = Forced { scope: Scope::Cross, instrument, side, quantity, is_backstop: false };
        let mut order = self.order_of_the_exchange(twap.account, &forced);
        order.asked.price = price;
        order.asked.reduce_only = reduce_only;
        if reduce_only {
            order.leaves = order.leaves.min(self.reducible(&order));
        }
        let taken = self.take(&mut order, Cause { liquidation: None, twap: Some(twap.id) })?;
        twap.state.executed = twap.state.executed.add(taken.quantity)?;
        if let Some(average) = taken.average.price() {
            twap.state.notional = twap.state.notional.add(average.notional(taken.quantity)?)?;
        }
        Ok(())
    }

    /// Plans, moves or takes back the cancel of all orders of an account. The caller has checked the time.
    pub fn schedule_cancel(&mut self, account: AccountId, time: Option<Nanos>) {
        if let Some(account) = self.accounts.get_mut(account.index()) {
            account.cancel_at = time;
        }
        self.find_next_cancel();
    }

    fn fire_scheduled(&mut self, due: Nanos) -> Result<(), NumError> {
        if self.next_cancel.is_none_or(|next| next > due) {
            return Ok(());
        }
        for index in 0..self.accounts.len() {
            let Some(account) = self.accounts.get_mut(index).filter(|a| a.cancel_at.is_some_and(|time| time <= due))
            else {
                continue;
            };
            account.cancel_at = None;
            if !account.firings.fire(due) {
                continue;
            }
            for oid in account.orders.clone() {
                self.drop_order(oid, Reason::ScheduledCancel)?;
            }
        }
        self.find_next_cancel();
        Ok(())
    }

    fn find_next_cancel(&mut self) {
        self.next_cancel = self.accounts.iter().filter_map(|account| account.cancel_at).min();
    }

    /// How many scheduled cancels of an account have fired in the present UTC day.
    #[must_use]
    pub fn firings_left(&self, account: AccountId) -> u32 {
        self.account(account).map_or(0, |account| account.firings.left(self.now))
    }

    /// Chooses the leverage of a perpetual, and whether its position stands apart. The caller has checked both.
    pub fn set_leverage(&mut self, account: AccountId, instrument: InstrumentId, mode: MarginMode, leverage: u32) {
        if let Some(account) = self.accounts.get_mut(account.index()) {
            account.ledger.choose(instrument, mode, leverage);
        }
    }

    /// Moves margin into an isolated position, or out of it; false if it cannot be done.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn add_margin(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        amount: Money,
    ) -> Result<bool, NumError> {
        self.accounts.get_mut(account.index()).map_or(Ok(false), |a| a.ledger.add_margin(instrument, amount))
    }

    /// The best price for an aggressor of a side.
    #[must_use]
    pub fn opposite(&self, instrument: InstrumentId, side: Side) -> Option<Price> {
        self.market(instrument).and_then(|market| market.book.best(side.opposite()))
    }
}
