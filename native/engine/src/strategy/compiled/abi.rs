//! What crosses the border, as C sees it.
//!
//! Everything that a strategy is told is a struct of `int64_t` alone, so that languages without C structs can read it as an
//! array. Prices, quantities and money are in steps of 1e-8, times in nanoseconds since the epoch. An order is named by its
//! sequence number within the run; 0 names none. Sides are +1 (buy) and −1 (sell).

use std::ffi::{c_char, c_void};

use crate::event::{Bar, Quote, Trade};
use crate::order::{Cloid, FillEvent, Liquidity, OrderStatus, OrderUpdate, Reason, Side};
use crate::orders::{LiveOrder, OrderState};

/// The version of these declarations; a strategy compiled for another one is refused.
pub const ABI_VERSION: u32 = 1;
/// The name of the capsule in which Python hands a [`Vtable`] over.
pub const CAPSULE_NAME: &str = "algo_trade.strategy.v1";
/// A mark on a [`Vtable`]: its callbacks use Python, so it must be called with the interpreter's lock held.
pub const NEEDS_PYTHON: u32 = 1;

/// What callbacks get to ask and act with; valid during that call alone.
#[derive(Debug)]
#[repr(C)]
pub struct Handle {
    /// What can be called with it.
    pub call: &'static Functions,
    /// The engine's own.
    pub(super) host: *mut c_void,
}

type OnStart = unsafe extern "C" fn(*mut c_void, *mut Handle) -> i32;
type OnEvent<T> = unsafe extern "C" fn(*mut c_void, *mut Handle, *const T) -> i32;

/// A strategy: its state, and what it wants to be woken by. A callback that is null is not subscribed.
///
/// Each callback returns 0, or a number by which it failed; then the run ends with what `describe` says of that number.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Vtable {
    /// [`ABI_VERSION`]; set to 0 when the strategy has been taken over.
    pub abi_version: u32,
    /// [`NEEDS_PYTHON`] or 0.
    pub flags: u32,
    /// Given to each callback.
    pub state: *mut c_void,
    /// Trading starts.
    pub on_start: Option<OnStart>,
    /// A bar has closed.
    pub on_bar: Option<OnEvent<BarEvent>>,
    /// A public print.
    pub on_trade: Option<OnEvent<TradeEvent>>,
    /// A change of the best prices.
    pub on_quote: Option<OnEvent<QuoteEvent>>,
    /// The book of an instrument has changed, by a whole batch.
    pub on_book: Option<unsafe extern "C" fn(*mut c_void, *mut Handle, i64) -> i32>,
    /// An execution of ours; the account has it already.
    pub on_fill: Option<OnEvent<FillReport>>,
    /// The venue's word on an order of ours.
    pub on_order: Option<OnEvent<OrderReport>>,
    /// A timer came due: its time, and its id.
    pub on_timer: Option<unsafe extern "C" fn(*mut c_void, *mut Handle, i64, i64) -> i32>,
    /// Trading ends.
    pub on_stop: Option<OnStart>,
    /// What a number returned by a callback means, as UTF-8; null where it does not know.
    pub describe: Option<unsafe extern "C" fn(*mut c_void, i32) -> *const c_char>,
    /// Frees the state; called once, last.
    pub drop: Option<unsafe extern "C" fn(*mut c_void)>,
}

/// What a callback can ask and do. An instrument or order that does not exist answers 0, and an action on it is refused with a
/// number below zero.
#[derive(Debug)]
#[repr(C)]
pub struct Functions {
    /// [`ABI_VERSION`].
    pub abi_version: i64,
    /// The time of the present event.
    pub now: unsafe extern "C" fn(*mut Handle) -> i64,
    /// How many instruments there are; they are numbered from 0 in the order of their symbols.
    pub instruments: unsafe extern "C" fn(*mut Handle) -> i64,
    /// Copies at most `size` bytes of a symbol, UTF-8 without an end mark, and returns how many it has.
    pub symbol: unsafe extern "C" fn(*mut Handle, i64, *mut c_char, i64) -> i64,
    /// The step of allowed prices at a price.
    pub tick_size: unsafe extern "C" fn(*mut Handle, i64, i64) -> i64,
    /// The step of quantities.
    pub lot_size: unsafe extern "C" fn(*mut Handle, i64) -> i64,
    /// The price of the n-th best level (from 0) of a side of the book; 0 if there is none.
    pub level_price: unsafe extern "C" fn(*mut Handle, i64, i64, i64) -> i64,
    /// The quantity there.
    pub level_quantity: unsafe extern "C" fn(*mut Handle, i64, i64, i64) -> i64,
    /// The last price, or the mark where the venue has one.
    pub last_price: unsafe extern "C" fn(*mut Handle, i64) -> i64,
    /// The position, signed.
    pub position: unsafe extern "C" fn(*mut Handle, i64) -> i64,
    /// What the account is worth.
    pub equity: unsafe extern "C" fn(*mut Handle) -> i64,
    /// How many orders of an instrument are not done.
    pub orders: unsafe extern "C" fn(*mut Handle, i64) -> i64,
    /// The n-th of them, oldest first; returns 0, or below zero if there is none.
    pub order_at: unsafe extern "C" fn(*mut Handle, i64, i64, *mut OpenOrder) -> i64,
    /// Places an order: instrument, side, kind, price, trigger, quantity (0: the risk manager's), time in force, reduce only.
    /// Returns its number, or below zero for words that mean nothing.
    pub place: unsafe extern "C" fn(*mut Handle, i64, i64, i64, i64, i64, i64, i64, i64) -> i64,
    /// Asks for another price and remaining quantity: instrument, order, price, quantity.
    pub modify: unsafe extern "C" fn(*mut Handle, i64, i64, i64, i64) -> i64,
    /// Asks for an order to be taken away: instrument, order.
    pub cancel: unsafe extern "C" fn(*mut Handle, i64, i64) -> i64,
    /// Asks for a target: instrument, +1 long, −1 short, 0 flat, strength in steps of 1e-8.
    pub signal: unsafe extern "C" fn(*mut Handle, i64, i64, i64) -> i64,
    /// Asks to be woken: time, id (not below zero).
    pub set_timer: unsafe extern "C" fn(*mut Handle, i64, i64) -> i64,
}

macro_rules! row {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        #[repr(C)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: i64,)+
        }
    };
}

row! {
    /// A bar that has closed.
    BarEvent {
        /// Of which instrument.
        instrument,
        /// Where the interval starts.
        open_time,
        /// Where it ends.
        close_time,
        /// First price.
        open,
        /// Highest price.
        high,
        /// Lowest price.
        low,
        /// Last price.
        close,
        /// Traded base units; −1 where the data have none.
        volume,
        /// Public trades in it; 0 if not known.
        trades,
    }
}
row! {
    /// A public print.
    TradeEvent {
        /// Of which instrument.
        instrument,
        /// When, at the venue.
        exchange_time,
        /// When it reached us.
        local_time,
        /// Side of the aggressor; 0 if nobody knows.
        aggressor,
        /// At which price.
        price,
        /// How much.
        quantity,
    }
}
row! {
    /// Best bid and offer.
    QuoteEvent {
        /// Of which instrument.
        instrument,
        /// When, at the venue.
        exchange_time,
        /// When it reached us.
        local_time,
        /// Best bid.
        bid_price,
        /// Quantity there.
        bid_quantity,
        /// Best offer.
        ask_price,
        /// Quantity there.
        ask_quantity,
    }
}
row! {
    /// An execution of ours.
    FillReport {
        /// Of which instrument.
        instrument,
        /// Of which order.
        order,
        /// Bought or sold.
        side,
        /// At which price.
        price,
        /// How much.
        quantity,
        /// What it cost; negative is a rebate.
        fee,
        /// 1 if it rested and was met, 0 if it took.
        is_maker,
        /// When, at the venue.
        exchange_time,
        /// When we heard of it.
        local_time,
    }
}
row! {
    /// The venue's word on an order of ours.
    OrderReport {
        /// Of which instrument.
        instrument,
        /// Of which order.
        order,
        /// 0 resting, 1 waiting, 2 triggered, 3 filled, 4 cancelled, 5 rejected, 6 an action on it was rejected.
        status,
        /// Why: the place of the reason in the header's list, from 1; 0 where there is none.
        reason,
        /// When, at the venue.
        exchange_time,
        /// When we heard of it.
        local_time,
    }
}
row! {
    /// An order that is not done.
    OpenOrder {
        /// Its number.
        order,
        /// Buy or sell.
        side,
        /// Its limit price as it was sent; 0 for none.
        price,
        /// Its trigger price; 0 for none.
        trigger,
        /// Its quantity as it was sent.
        quantity,
        /// What is left of it.
        leaves,
        /// 0 in flight, 1 resting, 2 waiting for its trigger.
        state,
        /// 1 if a cancel is on its way.
        is_cancelling,
    }
}

/// The number of an order that C sees: its sequence number, and above its 32 bits the epoch, so that orders of a run that was
/// taken over are not mistaken for new ones. 0 for an id that is not ours.
pub(super) fn number_of(cloid: Cloid) -> i64 {
    let sequence = u32::try_from(cloid.sequence()).unwrap_or(0);
    if sequence == 0 { 0 } else { i64::try_from(u64::from(cloid.epoch()) << 32 | u64::from(sequence)).unwrap_or(0) }
}

impl From<&Bar> for BarEvent {
    fn from(bar: &Bar) -> Self {
        Self {
            instrument: bar.instrument.0.into(),
            open_time: bar.open_time.raw(),
            close_time: bar.close_time.raw(),
            open: bar.open.raw(),
            high: bar.high.raw(),
            low: bar.low.raw(),
            close: bar.close.raw(),
            volume: bar.volume.map_or(-1, |volume| volume.raw()),
            trades: bar.trades.into(),
        }
    }
}

impl From<&Trade> for TradeEvent {
    fn from(trade: &Trade) -> Self {
        Self {
            instrument: trade.instrument.0.into(),
            exchange_time: trade.exchange_time.raw(),
            local_time: trade.local_time.raw(),
            aggressor: trade.aggressor.map_or(0, Side::sign),
            price: trade.price.raw(),
            quantity: trade.quantity.raw(),
        }
    }
}

impl From<&Quote> for QuoteEvent {
    fn from(quote: &Quote) -> Self {
        Self {
            instrument: quote.instrument.0.into(),
            exchange_time: quote.exchange_time.raw(),
            local_time: quote.local_time.raw(),
            bid_price: quote.bid_price.raw(),
            bid_quantity: quote.bid_quantity.raw(),
            ask_price: quote.ask_price.raw(),
            ask_quantity: quote.ask_quantity.raw(),
        }
    }
}

impl From<&FillEvent> for FillReport {
    fn from(fill: &FillEvent) -> Self {
        Self {
            instrument: fill.instrument.0.into(),
            order: number_of(fill.cloid),
            side: fill.side.sign(),
            price: fill.price.raw(),
            quantity: fill.quantity.raw(),
            fee: fill.fee.raw(),
            is_maker: (fill.liquidity == Liquidity::Maker).into(),
            exchange_time: fill.time.raw(),
            local_time: fill.local_time.raw(),
        }
    }
}

impl From<&OrderUpdate> for OrderReport {
    fn from(update: &OrderUpdate) -> Self {
        let status = match update.status {
            OrderStatus::Resting => 0,
            OrderStatus::Waiting => 1,
            OrderStatus::Triggered => 2,
            OrderStatus::Filled => 3,
            OrderStatus::Cancelled(_) => 4,
            OrderStatus::Rejected(_) => 5,
            OrderStatus::ActionRejected(_) => 6,
        };
        let place = |reason: Reason| (1..).zip(Reason::ALL).find(|(_, r)| *r == reason).map_or(0, |(place, _)| place);
        Self {
            instrument: update.instrument.0.into(),
            order: number_of(update.cloid),
            status,
            reason: update.status.reason().map_or(0, place),
            exchange_time: update.time.raw(),
            local_time: update.local_time.raw(),
        }
    }
}

impl From<&LiveOrder> for OpenOrder {
    fn from(order: &LiveOrder) -> Self {
        Self {
            order: number_of(order.event.cloid),
            side: order.event.side.sign(),
            price: order.event.kind.price().map_or(0, |price| price.raw()),
            trigger: order.event.kind.trigger().map_or(0, |price| price.raw()),
            quantity: order.event.quantity.raw(),
            leaves: order.leaves.raw(),
            state: match order.state {
                OrderState::InFlight => 0,
                OrderState::Resting => 1,
                OrderState::Waiting => 2,
            },
            is_cancelling: order.is_cancelling.into(),
        }
    }
}
