//! What a strategy sees and how it answers.

use serde::{Deserialize, Serialize};

use crate::event::{SignalEvent, SignalKind};
use crate::instrument::InstrumentId;
use crate::num::{Price, Qty, Rate};
use crate::order::{Cloid, Group, OrderKind, Side, TimeInForce};
use crate::time::Nanos;
use crate::world::World;

/// An order that a strategy asks for. Prices are rounded to the tick away from aggression, the quantity down to the lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRequest {
    /// What to trade.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// How much; `None` leaves it to the risk manager.
    pub quantity: Option<Qty>,
    /// Market, limit, stop, …
    pub kind: OrderKind,
    /// How long a limit works.
    pub time_in_force: TimeInForce,
    /// May only bring the position closer to zero.
    pub reduce_only: bool,
    /// What it hangs on.
    pub group: Group,
    /// The venue refuses it if it arrives later.
    pub expires_after: Option<Nanos>,
}

impl OrderRequest {
    /// A plain order: good till cancelled, hanging on nothing.
    #[must_use]
    pub const fn new(instrument: InstrumentId, side: Side, quantity: Option<Qty>, kind: OrderKind) -> Self {
        Self {
            instrument,
            side,
            quantity,
            kind,
            time_in_force: TimeInForce::Gtc,
            reduce_only: false,
            group: Group::None,
            expires_after: None,
        }
    }
}

/// What a strategy asked for during one wake-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Intent {
    /// A target.
    Signal(SignalEvent),
    /// A new order, its id already given.
    Place(Cloid, OrderRequest),
    /// Another price and remaining quantity for an order.
    Modify {
        /// Which order.
        cloid: Cloid,
        /// Of which instrument.
        instrument: InstrumentId,
        /// The new limit price.
        price: Price,
        /// The new remaining quantity.
        quantity: Qty,
    },
    /// An order to take away.
    Cancel {
        /// Which order.
        cloid: Cloid,
        /// Of which instrument.
        instrument: InstrumentId,
    },
    /// Everything is to be taken away at a time; without one, the plan is off.
    ScheduleCancel {
        /// When, at the venue.
        time: Option<Nanos>,
    },
    /// A wake-up call.
    Timer {
        /// When.
        time: Nanos,
        /// Given back with the timer.
        id: u64,
    },
}

/// A strategy's view of the world for one wake-up, and its pen.
#[derive(Debug)]
pub struct Context<'a> {
    /// What is known: time, instruments, prices, account, orders.
    pub world: &'a World,
    /// Where answers are put, in order.
    pub intents: &'a mut Vec<Intent>,
    /// Ids given out in this wake-up so far.
    ids: &'a mut u64,
}

impl<'a> Context<'a> {
    /// A view of the world; `ids` counts the ids given out in this wake-up.
    pub const fn new(world: &'a World, intents: &'a mut Vec<Intent>, ids: &'a mut u64) -> Self {
        Self { world, intents, ids }
    }
}

impl Context<'_> {
    /// Asks for a target position.
    pub fn signal(&mut self, instrument: InstrumentId, kind: SignalKind, strength: Rate) {
        self.intents.push(Intent::Signal(SignalEvent { instrument, kind, strength }));
    }

    /// Asks for an order and gives it its id.
    pub fn place(&mut self, request: OrderRequest) -> Cloid {
        let cloid = self.world.orders.cloid(*self.ids);
        *self.ids += 1;
        self.intents.push(Intent::Place(cloid, request));
        cloid
    }

    /// Asks for a resting limit order of the risk manager's size.
    pub fn quote(&mut self, instrument: InstrumentId, side: Side, price: Price, quantity: Option<Qty>) -> Cloid {
        self.place(OrderRequest::new(instrument, side, quantity, OrderKind::Limit { price }))
    }

    /// Asks for an order to be taken away.
    pub fn cancel(&mut self, instrument: InstrumentId, cloid: Cloid) {
        self.intents.push(Intent::Cancel { cloid, instrument });
    }

    /// Asks for another price and remaining quantity of a resting order.
    pub fn modify(&mut self, instrument: InstrumentId, cloid: Cloid, price: Price, quantity: Qty) {
        self.intents.push(Intent::Modify { cloid, instrument, price, quantity });
    }

    /// Asks the venue to take everything away at `time`, unless that is moved; `None` takes the plan back.
    pub fn schedule_cancel(&mut self, time: Option<Nanos>) {
        self.intents.push(Intent::ScheduleCancel { time });
    }

    /// Asks to be woken at `time`.
    pub fn set_timer(&mut self, time: Nanos, id: u64) {
        self.intents.push(Intent::Timer { time, id });
    }
}
