//! The order manager: gives orders their ids and follows each until it is done.

use std::collections::BTreeMap;

use crate::instrument::InstrumentId;
use crate::num::{NumError, Price, Qty};
use crate::order::{Cloid, FillEvent, OrderEvent, OrderStatus, OrderUpdate, Side};

/// Where an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderState {
    /// Sent, not answered.
    InFlight,
    /// In the book.
    Resting,
    /// A trigger order that waits for its price.
    Waiting,
}

/// An order that is not done yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveOrder {
    /// As it was sent.
    pub event: OrderEvent,
    /// What is left of it.
    pub leaves: Qty,
    /// Where it is.
    pub state: OrderState,
    /// A cancel is on its way.
    pub is_cancelling: bool,
    /// A change of price and remaining quantity is on its way.
    pub change: Option<(Price, Qty)>,
}

/// The number of the first order of a run; an order without a number of ours has zero in the C ABI.
const FIRST: u64 = 1;

/// All orders of a bot that are not done, per instrument and in the order in which they were sent.
#[derive(Debug, Clone)]
pub struct Orders {
    bot: u32,
    epoch: u32,
    next: u64,
    live: Vec<BTreeMap<Cloid, LiveOrder>>,
}

impl Orders {
    /// For a bot in its `epoch`-th run, with `instruments` instruments.
    #[must_use]
    pub fn new(bot_id: &str, epoch: u32, instruments: usize) -> Self {
        Self { bot: Cloid::tag(bot_id), epoch, next: FIRST, live: vec![BTreeMap::new(); instruments] }
    }

    /// Part of the ids that are given now: which run of the bot this is.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The run goes on in another process: ids go on in its epoch, counted anew. False, and nothing has changed, if ids of that
    /// epoch or a later one may have been given already.
    pub(crate) const fn take_over(&mut self, epoch: u32) -> bool {
        let is_new = epoch > self.epoch;
        if is_new {
            (self.epoch, self.next) = (epoch, FIRST);
        }
        is_new
    }

    /// The id of the order after the next `ahead` ones.
    #[must_use]
    pub fn cloid(&self, ahead: u64) -> Cloid {
        Cloid::new(self.bot, self.epoch, self.next + ahead)
    }

    /// Marks the next `count` ids as used.
    pub(crate) const fn use_ids(&mut self, count: u64) {
        self.next += count;
    }

    /// A new order has been sent.
    pub(crate) fn insert(&mut self, event: &OrderEvent) {
        if let Some(live) = self.live.get_mut(event.instrument.index()) {
            let leaves = event.quantity;
            let event = event.clone();
            let cloid = event.cloid;
            let state = OrderState::InFlight;
            let order = LiveOrder { event, leaves, state, is_cancelling: false, change: None };
            live.insert(cloid, order);
        }
    }

    pub(crate) fn get_mut(&mut self, instrument: InstrumentId, cloid: Cloid) -> Option<&mut LiveOrder> {
        self.live.get_mut(instrument.index())?.get_mut(&cloid)
    }

    /// A fill took from an order. Fills of orders that are not ours (a liquidation) are passed over.
    pub(crate) fn on_fill(&mut self, fill: &FillEvent) -> Result<(), NumError> {
        if let Some(order) = self.get_mut(fill.instrument, fill.cloid) {
            order.leaves = order.leaves.sub(fill.quantity)?;
        }
        Ok(())
    }

    /// The venue's word; a final one removes the order.
    pub(crate) fn on_update(&mut self, update: &OrderUpdate) {
        let Some(live) = self.live.get_mut(update.instrument.index()) else { return };
        if update.status.is_final() {
            live.remove(&update.cloid);
        } else if let Some(order) = live.get_mut(&update.cloid) {
            // A change that was sent before the placing was answered has an answer of its own to come.
            let is_first = order.state == OrderState::InFlight;
            match update.status {
                OrderStatus::Resting | OrderStatus::Triggered => order.state = OrderState::Resting,
                OrderStatus::Waiting => order.state = OrderState::Waiting,
                _ => (order.is_cancelling, order.change) = (false, None),
            }
            // Accepted: from now on it is as it was asked to be.
            if !is_first && let Some((price, quantity)) = order.change.take() {
                order.event.kind = order.event.kind.moved_to(price);
                order.leaves = quantity;
            }
        }
    }

    /// An order that is not done.
    #[must_use]
    pub fn get(&self, instrument: InstrumentId, cloid: Cloid) -> Option<&LiveOrder> {
        self.live.get(instrument.index())?.get(&cloid)
    }

    /// All orders of an instrument that are not done, oldest first.
    pub fn of(&self, instrument: InstrumentId) -> impl Iterator<Item = &LiveOrder> {
        self.live.get(instrument.index()).into_iter().flat_map(BTreeMap::values)
    }

    /// All orders that are not done, oldest first: ids of a later run, and in a run those given later, are larger.
    #[must_use]
    pub fn by_age(&self) -> Vec<&LiveOrder> {
        let mut orders: Vec<&LiveOrder> = self.live.iter().flat_map(BTreeMap::values).collect();
        orders.sort_unstable_by_key(|order| order.event.cloid);
        orders
    }

    /// What is left of all orders of one side that may still add to the position.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn working(&self, instrument: InstrumentId, side: Side) -> Result<Qty, NumError> {
        let adding = |o: &&LiveOrder| o.event.side == side && !o.event.reduce_only && !o.is_cancelling;
        self.of(instrument).filter(adding).try_fold(Qty::ZERO, |sum, o| sum.add(o.leaves))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::{Group, OrderKind, Reason, TimeInForce};
    use crate::time::Nanos;

    #[test]
    fn a_changed_order_has_its_new_price_once_the_venue_has_accepted_it() {
        let mut orders = Orders::new("bot", 0, 1);
        let (cloid, instrument, time) = (orders.cloid(0), InstrumentId(0), Nanos::ZERO);
        let old = OrderKind::Limit { price: Price::from_raw(5) };
        orders.insert(&OrderEvent {
            cloid,
            instrument,
            side: Side::Buy,
            quantity: Qty::from_raw(9),
            kind: old,
            time_in_force: TimeInForce::Gtc,
            reduce_only: false,
            group: Group::None,
            expires_after: None,
            time,
            decision_price: Price::from_raw(5),
        });
        let news = |status| OrderUpdate { cloid, oid: 1, instrument, status, time, local_time: time };
        // Asked for before the placing was answered: that answer is not yet one to the change.
        orders.get_mut(instrument, cloid).unwrap().change = Some((Price::from_raw(6), Qty::from_raw(3)));
        orders.on_update(&news(OrderStatus::Resting));
        assert_eq!(orders.get(instrument, cloid).unwrap().event.kind, old);
        assert_eq!(orders.get(instrument, cloid).unwrap().leaves, Qty::from_raw(9));
        for (status, kind, leaves) in [
            (OrderStatus::ActionRejected(Reason::NotFound), old, 9),
            (OrderStatus::Resting, OrderKind::Limit { price: Price::from_raw(7) }, 4),
        ] {
            orders.get_mut(instrument, cloid).unwrap().change = Some((Price::from_raw(7), Qty::from_raw(4)));
            assert_eq!(orders.get(instrument, cloid).unwrap().event.kind, old, "not before it is answered");
            orders.on_update(&news(status));
            let order = orders.get(instrument, cloid).unwrap();
            assert_eq!((order.event.kind, order.leaves.raw()), (kind, leaves));
        }
    }
}
