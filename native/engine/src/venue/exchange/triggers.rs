//! Orders that wait for the mark, for their parent, or for the position (SIMULATION, section 7).

use crate::instrument::InstrumentId;
use crate::num::{NumError, Qty};
use crate::order::{OrderStatus, Reason, Side, TimeInForce};
use crate::venue::exchange::machine::Exchange;
use crate::venue::exchange::order::{AccountId, Link, Order, OrderState, Placed};

impl Exchange {
    /// Wakes the orders that the mark of an instrument has reached, oldest first.
    pub(super) fn trigger(&mut self, instrument: InstrumentId) -> Result<(), NumError> {
        let Some(market) = self.market(instrument) else { return Ok(()) };
        let Some(mark) = market.reference() else { return Ok(()) };
        let is_reached = |oid: &u64| {
            let asked = self.orders.get(oid).map(|order| order.asked);
            asked.is_some_and(|asked| asked.trigger.is_some_and(|trigger| trigger.is_reached(asked.side, mark)))
        };
        let woken: Vec<u64> = market.waiting.iter().copied().filter(is_reached).collect();
        for oid in woken {
            // One that woke before may have taken it away.
            if self.orders.contains_key(&oid) {
                self.wake(oid)?;
                self.follow_up()?;
            }
        }
        Ok(())
    }

    /// An order stops waiting and works.
    fn wake(&mut self, oid: u64) -> Result<(), NumError> {
        let Some(mut order) = self.forget(oid)? else { return Ok(()) };
        order.is_triggered = true;
        self.tell(order, OrderStatus::Triggered);
        let room = self.reducible(&order);
        let is_reducing = order.asked.reduce_only || order.link == Link::Position;
        if order.link == Link::Position && order.asked.quantity.is_zero() {
            order.leaves = room;
        }
        if is_reducing && room.is_zero() {
            self.tell(order, OrderStatus::Cancelled(Reason::ReduceOnlyCanceled));
            return Ok(());
        }
        order.asked.reduce_only = is_reducing;
        let is_market = order.asked.trigger.is_some_and(|trigger| trigger.is_market);
        order.asked.time_in_force = if is_market { TimeInForce::Ioc } else { TimeInForce::Gtc };
        if let Placed::Refused(refusal) = self.work(order)? {
            debug_assert!(refusal.touch.is_none(), "a woken order is never post-only");
        }
        Ok(())
    }

    /// Orders were filled: their children wake, their siblings go; until nothing more follows.
    pub(super) fn follow_up(&mut self) -> Result<(), NumError> {
        while !self.filled.is_empty() {
            for parent in std::mem::take(&mut self.filled) {
                if let Link::Child(of) = parent.link {
                    let is_sibling = |order: &&Order| order.link == Link::Child(of) && order.oid != parent.oid;
                    for sibling in self.orders_of(&parent, is_sibling) {
                        self.drop_order(sibling, Reason::SiblingFilledCanceled)?;
                    }
                }
                for child in self.children_of(&parent) {
                    self.arm(child)?;
                }
            }
        }
        Ok(())
    }

    /// A child begins to wait for the mark, or works at once where that has been reached.
    fn arm(&mut self, oid: u64) -> Result<(), NumError> {
        let Some(order) = self.orders.get_mut(&oid) else { return Ok(()) };
        if order.state != OrderState::Dormant {
            return Ok(());
        }
        order.state = OrderState::Waiting;
        let order = *order;
        if let Some(market) = self.markets.get_mut(order.asked.instrument.index()) {
            market.waiting.insert(oid);
        }
        self.tell(order, OrderStatus::Resting);
        let mark = self.mark(order.asked.instrument);
        let reached = |mark| order.asked.trigger.is_none_or(|trigger| trigger.is_reached(order.asked.side, mark));
        if mark.is_some_and(reached) { self.wake(oid) } else { Ok(()) }
    }

    /// Ids of the orders of the same account that fulfil a condition, oldest first.
    fn orders_of(&self, order: &Order, is_wanted: impl Fn(&&Order) -> bool) -> Vec<u64> {
        let account = order.party.account().and_then(|id| self.account(id));
        let orders = account.into_iter().flat_map(|account| &account.orders);
        orders.filter_map(|oid| self.orders.get(oid)).filter(is_wanted).map(|order| order.oid).collect()
    }

    /// Ids of the orders that hang on one.
    pub(super) fn children_of(&self, parent: &Order) -> Vec<u64> {
        self.orders_of(parent, |order| order.link == Link::Child(parent.oid))
    }

    /// An order went without being filled whole: what has not woken of its children goes with it.
    pub(super) fn drop_children(&mut self, parent: &Order) -> Result<(), NumError> {
        for child in self.children_of(parent) {
            if self.orders.get(&child).is_some_and(|order| order.state == OrderState::Dormant) {
                self.drop_order(child, Reason::ParentCanceled)?;
            }
        }
        Ok(())
    }

    /// A position changed: reduce-only orders shrink with it, the newest keeping their size; what was for the whole of it
    /// goes with it.
    pub(super) fn on_position(&mut self, id: AccountId, instrument: InstrumentId) -> Result<(), NumError> {
        let Some(account) = self.account(id) else { return Ok(()) };
        if account.orders.is_empty() {
            return Ok(());
        }
        let is_flat = account.ledger.account().position(instrument).is_flat();
        let mut room = [Side::Buy, Side::Sell].map(|side| account.ledger.reducible(instrument, side));
        let mut changed = Vec::new();
        for order in account.orders.iter().rev().filter_map(|oid| self.orders.get(oid)) {
            if order.asked.instrument != instrument {
                continue;
            }
            match order.state {
                OrderState::Resting(_) if order.asked.reduce_only => {
                    let [buy, sell] = &mut room;
                    let room = if order.asked.side == Side::Buy { buy } else { sell };
                    let leaves = order.leaves.min(*room);
                    *room = room.sub(leaves)?;
                    if leaves != order.leaves {
                        changed.push((order.oid, leaves));
                    }
                }
                OrderState::Waiting if is_flat && order.link == Link::Position => {
                    changed.push((order.oid, Qty::ZERO));
                }
                _ => {}
            }
        }
        for (oid, leaves) in changed {
            if leaves.is_zero() {
                self.drop_order(oid, Reason::ReduceOnlyCanceled)?;
            } else {
                self.shrink(oid, leaves);
            }
        }
        Ok(())
    }

    /// Cuts a resting order; it keeps its place.
    fn shrink(&mut self, oid: u64, leaves: Qty) {
        let Some(order) = self.orders.get_mut(&oid) else { return };
        let less = Qty::from_raw(order.leaves.raw() - leaves.raw());
        order.leaves = leaves;
        let (asked, state) = (order.asked, order.state);
        if let OrderState::Resting(rank) = state
            && let Some(market) = self.markets.get_mut(asked.instrument.index())
        {
            market.book.reduce(asked.side, asked.price, rank, less, false);
        }
    }
}
