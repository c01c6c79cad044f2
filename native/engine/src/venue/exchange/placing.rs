//! Orders are asked for, changed and taken back: the checks, in the exchange's order, and what becomes of each.

use crate::instrument::InstrumentId;
use crate::num::{Money, NumError, Price, Qty};
use crate::order::{Cloid, OrderStatus, Reason, Side, TimeInForce};
use crate::row::Status;
use crate::venue::exchange::account::Account;
use crate::venue::exchange::machine::Exchange;
use crate::venue::exchange::market::{Kind, Market};
use crate::venue::exchange::order::{AccountId, Grouping, Link, NewOrder, Order, OrderState, Party, Placed};
use crate::venue::ledger::Exposure;
use crate::venue::rules::{check_steps, is_outside_band};

/// The exchange's id of an order, or the customer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderName {
    /// The exchange's.
    Oid(u64),
    /// The customer's.
    Cloid(Cloid),
}

/// Open orders besides the first thousand: one for each of these that the account has traded, up to five times as many.
const VOLUME_AN_ORDER: i128 = 5_000_000 * 100_000_000;

impl Exchange {
    /// Places orders, one answer for each.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn place(
        &mut self,
        account: AccountId,
        orders: &[NewOrder],
        grouping: Grouping,
    ) -> Result<Vec<Placed>, NumError> {
        let mut answers = Vec::with_capacity(orders.len());
        let mut parent = None;
        for (index, asked) in orders.iter().enumerate() {
            let placed = match grouping {
                Grouping::None => self.place_one(account, *asked, Link::None)?,
                Grouping::Position => self.place_one(account, *asked, Link::Position)?,
                Grouping::Children if index == 0 => {
                    let oid = self.last_oid + 1;
                    let placed = self.place_one(account, *asked, Link::None)?;
                    parent = (!matches!(placed, Placed::Refused(_))).then_some(oid);
                    placed
                }
                Grouping::Children => match parent {
                    Some(oid) => self.place_one(account, *asked, Link::Child(oid))?,
                    None => Placed::Refused(Reason::ParentCanceled.into()),
                },
            };
            answers.push(placed);
            // The parent's children have to be there before they can be woken.
            if grouping != Grouping::Children || index + 1 == orders.len() {
                self.follow_up()?;
            }
        }
        Ok(answers)
    }

    fn place_one(&mut self, account: AccountId, asked: NewOrder, link: Link) -> Result<Placed, NumError> {
        if let Err(reason) = self.check_order(account, &asked, link)? {
            return Ok(Placed::Refused(reason.into()));
        }
        let oid = self.next_oid();
        let mut order = Order {
            oid,
            party: Party::Account(account),
            asked,
            leaves: asked.quantity,
            filled: Qty::ZERO,
            placed: self.now,
            link,
            state: OrderState::Dormant,
            is_triggered: false,
        };
        match (link, asked.trigger) {
            (Link::Child(parent), _) if self.orders.contains_key(&parent) => {
                self.keep(order);
                Ok(Placed::WaitingForFill)
            }
            (Link::Child(parent), Some(_)) => {
                // The parent is done already. Where it was filled, the follow-up finds the child and wakes it.
                self.keep(order);
                let is_filled = self.filled.iter().any(|filled| filled.oid == parent);
                if !is_filled {
                    self.drop_order(oid, Reason::ParentCanceled)?;
                }
                Ok(Placed::WaitingForTrigger)
            }
            (_, Some(_)) => {
                order.state = OrderState::Waiting;
                if let Some(market) = self.markets.get_mut(asked.instrument.index()) {
                    market.waiting.insert(oid);
                }
                self.keep(order);
                self.tell(order, OrderStatus::Resting);
                Ok(if link == Link::Position { Placed::WaitingForTrigger } else { Placed::Resting { oid } })
            }
            _ => self.work(order),
        }
    }

    /// The checks before an order meets the book, in the exchange's order.
    fn check_order(&self, id: AccountId, asked: &NewOrder, link: Link) -> Result<Result<(), Reason>, NumError> {
        let (Some(market), Some(account)) = (self.market(asked.instrument), self.account(id)) else {
            return Ok(Err(Reason::NoLiquidity));
        };
        if !market.is_listed || matches!(market.status, Status::Halted | Status::Delisted | Status::Settled) {
            return Ok(Err(Reason::Halted));
        }
        let is_whole_position = link == Link::Position && asked.quantity.is_zero();
        let quantity = if is_whole_position { market.rules.lot_size } else { asked.quantity };
        let prices = std::iter::once(asked.price).chain(asked.trigger.map(|trigger| trigger.price));
        if let Err(reason) = check_steps(&market.rules, quantity, prices) {
            return Ok(Err(reason));
        }
        if let Some(mark) = market.reference()
            && is_outside_band(asked.price, mark, self.options.book.price_band)?
        {
            return Ok(Err(Reason::PriceBand));
        }
        if !is_whole_position && is_small(market, account, asked)? {
            return Ok(Err(Reason::MinNotional));
        }
        if market.status == Status::PostOnly && asked.time_in_force != TimeInForce::Alo {
            return Ok(Err(Reason::PostOnlyPeriod));
        }
        if let Err(reason) = self.check_open_orders(account, asked) {
            return Ok(Err(reason));
        }
        let room = account.ledger.reducible(asked.instrument, asked.side);
        if market.is_perpetual() && link == Link::None && asked.reduce_only && room.is_zero() {
            return Ok(Err(Reason::ReduceOnly));
        }
        let is_child = matches!(link, Link::Child(_));
        if let (Some(trigger), Some(mark)) = (asked.trigger, market.reference())
            && !is_child
            && trigger.is_reached(asked.side, mark)
        {
            return Ok(Err(Reason::BadTriggerPx));
        }
        if self.is_capped(asked.instrument, market, account, asked)? {
            return Ok(Err(Reason::OpenInterest));
        }
        if asked.trigger.is_some() || is_child || (market.is_perpetual() && asked.reduce_only) {
            return Ok(Ok(()));
        }
        self.check_funds(market, account, asked)
    }

    /// How many orders may be open, and what is refused beyond the first thousand.
    fn check_open_orders(&self, account: &Account, asked: &NewOrder) -> Result<(), Reason> {
        let base = self.options.book.open_orders_max;
        let earned = usize::try_from(account.volume() / VOLUME_AN_ORDER).unwrap_or(usize::MAX);
        let most = base.saturating_add(earned).min(base.saturating_mul(5));
        let is_extra = asked.reduce_only || asked.trigger.is_some();
        if account.orders.len() >= most || (is_extra && account.orders.len() >= base) {
            return Err(Reason::OpenOrders);
        }
        Ok(())
    }

    /// Whether an order would add to what is open while that is capped.
    fn is_capped(
        &self,
        instrument: InstrumentId,
        market: &Market,
        account: &Account,
        asked: &NewOrder,
    ) -> Result<bool, NumError> {
        let Some(cap) = market.open_interest_cap else { return Ok(false) };
        let Some(mark) = market.reference() else { return Ok(false) };
        let adds = asked.quantity > account.ledger.reducible(instrument, asked.side);
        Ok(adds && mark.notional(self.open_interest(instrument))? >= cap)
    }

    /// Whether the account can carry the order besides all others that rest: margin, or tokens that are not held.
    fn check_funds(
        &self,
        market: &Market,
        account: &Account,
        asked: &NewOrder,
    ) -> Result<Result<(), Reason>, NumError> {
        if let Kind::Spot { base, quote } = market.kind {
            let (token, needed) = match asked.side {
                Side::Buy => (quote, Qty::from_raw(asked.price.notional(asked.quantity)?.raw())),
                Side::Sell => (base, asked.quantity),
            };
            let is_enough = account.wallet.get(token).free()? >= needed;
            return Ok(if is_enough { Ok(()) } else { Err(Reason::SpotBalance) });
        }
        let resting = account.orders.iter().filter_map(|oid| self.orders.get(oid));
        let adding = resting.filter(|o| matches!(o.state, OrderState::Resting(_)) && !o.asked.reduce_only);
        let perpetual = adding.filter(|o| self.market(o.asked.instrument).is_some_and(Market::is_perpetual));
        let exposure = |asked: &NewOrder, leaves: Qty| Exposure {
            instrument: asked.instrument,
            side: asked.side,
            leaves,
            price: asked.price,
        };
        let mut exposures: Vec<Exposure> = perpetual.map(|o| exposure(&o.asked, o.leaves)).collect();
        exposures.push(exposure(asked, asked.quantity));
        Ok(if account.ledger.can_carry(&exposures)? { Ok(()) } else { Err(Reason::PerpMargin) })
    }

    /// The order of a customer by its name, if it is not done and of this instrument.
    #[must_use]
    pub fn find(&self, account: AccountId, instrument: InstrumentId, name: OrderName) -> Option<&Order> {
        let of = self.account(account)?;
        let oid = match name {
            OrderName::Oid(oid) => oid,
            OrderName::Cloid(cloid) => of.find(cloid)?,
        };
        let order = self.orders.get(&oid)?;
        (order.party == Party::Account(account) && order.asked.instrument == instrument).then_some(order)
    }

    /// Takes an order back; false if it was never placed, or is done.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn cancel(&mut self, account: AccountId, instrument: InstrumentId, name: OrderName) -> Result<bool, NumError> {
        let Some(oid) = self.find(account, instrument, name).map(|order| order.oid) else { return Ok(false) };
        self.drop_order(oid, Reason::Requested)
    }

    /// Replaces an order: it is taken back, and another placed with a new id. `None` if there is no such order. If the new
    /// one is refused, the old one is gone all the same.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn modify(&mut self, account: AccountId, name: OrderName, asked: NewOrder) -> Result<Option<Placed>, NumError> {
        let Some(old) = self.find(account, asked.instrument, name).copied() else { return Ok(None) };
        let link = match old.link {
            Link::Child(_) | Link::Position if old.asked.trigger.is_some() && !old.is_triggered => old.link,
            _ => Link::None,
        };
        self.forget(old.oid)?;
        self.tell(old, OrderStatus::Cancelled(Reason::Requested));
        let placed = self.place_one(account, asked, link)?;
        // Children stay with the order in whose place another has come.
        let new = self.last_oid;
        let children: Vec<u64> = self.children_of(&old);
        for child in children {
            match (placed, self.orders.get_mut(&child)) {
                (Placed::Refused(_), _) => {
                    self.drop_order(child, Reason::ParentCanceled)?;
                }
                (_, Some(child)) => child.link = Link::Child(new),
                _ => {}
            }
        }
        self.follow_up()?;
        Ok(Some(placed))
    }
}

/// Whether an order is too small; what closes the whole position, or is cut to it, never is.
fn is_small(market: &Market, account: &Account, asked: &NewOrder) -> Result<bool, NumError> {
    let least: Money = market.rules.min_notional;
    let room = account.ledger.reducible(asked.instrument, asked.side);
    let closes = !room.is_zero() && (asked.quantity == room || (asked.reduce_only && asked.quantity > room));
    Ok(!closes && asked.price.notional(asked.quantity)? < least)
}

/// A worst price that is always reached, for orders that have to go.
pub(super) const fn any_price(side: Side) -> Price {
    match side {
        Side::Buy => Price::MAX,
        Side::Sell => Price::from_raw(1),
    }
}
