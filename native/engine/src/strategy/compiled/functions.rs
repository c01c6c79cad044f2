//! What compiled strategies can ask and do: C functions around a [`Context`]. One of the two files with `unsafe` here.

#![expect(unsafe_code, reason = "the border to C; the proofs stand at the blocks")]

use std::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::event::SignalKind;
use crate::instrument::InstrumentId;
use crate::num::{Price, Qty, Rate};
use crate::order::{Cloid, OrderKind, Side, TimeInForce};
use crate::strategy::compiled::abi::{ABI_VERSION, Functions, Handle, OpenOrder, number_of};
use crate::strategy::{Context, OrderRequest};
use crate::time::Nanos;

/// The one table of all functions.
pub static FUNCTIONS: Functions = Functions {
    abi_version: ABI_VERSION as i64,
    now,
    instruments,
    symbol,
    tick_size,
    lot_size,
    level_price,
    level_quantity,
    last_price,
    position,
    equity,
    orders,
    order_at,
    place,
    modify,
    cancel,
    signal,
    set_timer,
};

/// The answer to words that mean nothing.
const REFUSED: i64 = -1;

/// What a handle leads to while a callback runs.
pub(super) struct Host<'a, 'b> {
    pub context: &'a mut Context<'b>,
    /// A function panicked: the step fails, whatever the callback returns.
    pub has_panicked: bool,
}

/// Looks at the host of a handle. A panic ends here: it is noted, and answered with [`REFUSED`].
fn with(handle: *mut Handle, look: impl FnOnce(&mut Context<'_>) -> i64) -> i64 {
    if handle.is_null() {
        return REFUSED;
    }
    // SAFETY: the header's contract is that a callback passes on the handle that it was given, on the thread and during the
    // call in which it was given it. `CompiledStrategy::call` made that handle from a live `&mut Host` which it does not
    // touch until the callback has returned, and no function here calls back into a strategy, so this is the only reference.
    let host = unsafe { &mut *(*handle).host.cast::<Host<'_, '_>>() };
    let looked = catch_unwind(AssertUnwindSafe(|| look(host.context)));
    looked.unwrap_or_else(|_| {
        host.has_panicked = true;
        REFUSED
    })
}

fn id(instrument: i64) -> Option<InstrumentId> {
    u32::try_from(instrument).ok().map(InstrumentId)
}

/// The instrument of this number, if there is one.
fn known(ctx: &Context<'_>, instrument: i64) -> Option<InstrumentId> {
    id(instrument).filter(|id| ctx.world.instruments.get(*id).is_some())
}

const fn side_of(sign: i64) -> Option<Side> {
    match sign {
        1 => Some(Side::Buy),
        -1 => Some(Side::Sell),
        _ => None,
    }
}

/// The whole id of an order of this bot.
fn cloid(ctx: &Context<'_>, order: i64) -> Option<Cloid> {
    let number = u64::try_from(order).ok().filter(|number| *number > 0)?;
    let (epoch, sequence) = (number >> 32, number & u64::from(u32::MAX));
    let bot = ctx.world.orders.cloid(0).0 >> 96;
    Some(Cloid(bot << 96 | u128::from(epoch) << 64 | u128::from(sequence)))
}

extern "C" fn now(handle: *mut Handle) -> i64 {
    with(handle, |ctx| ctx.world.now.raw())
}

extern "C" fn instruments(handle: *mut Handle) -> i64 {
    with(handle, |ctx| i64::try_from(ctx.world.instruments.len()).unwrap_or(0))
}

/// # Safety
/// `buffer` has room for `size` bytes, or is null.
unsafe extern "C" fn symbol(handle: *mut Handle, instrument: i64, buffer: *mut c_char, size: i64) -> i64 {
    with(handle, |ctx| {
        let Some(rules) = id(instrument).and_then(|id| ctx.world.instruments.get(id)) else { return 0 };
        let bytes = rules.symbol.as_bytes();
        let room = usize::try_from(size).unwrap_or(0).min(bytes.len());
        if !buffer.is_null() {
            // SAFETY: the caller's room for `size` bytes is at least `room`, and a string is not part of its own copy.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.cast::<u8>(), room) };
        }
        i64::try_from(bytes.len()).unwrap_or(0)
    })
}

extern "C" fn tick_size(handle: *mut Handle, instrument: i64, price: i64) -> i64 {
    with(handle, |ctx| {
        let rules = id(instrument).and_then(|id| ctx.world.instruments.get(id));
        rules.map_or(0, |rules| rules.tick.step_at(Price::from_raw(price)).raw())
    })
}

extern "C" fn lot_size(handle: *mut Handle, instrument: i64) -> i64 {
    with(handle, |ctx| {
        id(instrument).and_then(|id| ctx.world.instruments.get(id)).map_or(0, |rules| rules.lot_size.raw())
    })
}

fn level(ctx: &Context<'_>, instrument: i64, side: i64, index: i64) -> Option<(Price, Qty)> {
    let ladder = ctx.world.book(id(instrument)?)?.levels.side(side_of(side)?);
    match usize::try_from(index).ok()? {
        0 => ladder.best_level(),
        index => ladder.iter().nth(index),
    }
}

extern "C" fn level_price(handle: *mut Handle, instrument: i64, side: i64, index: i64) -> i64 {
    with(handle, |ctx| level(ctx, instrument, side, index).map_or(0, |(price, _)| price.raw()))
}

extern "C" fn level_quantity(handle: *mut Handle, instrument: i64, side: i64, index: i64) -> i64 {
    with(handle, |ctx| level(ctx, instrument, side, index).map_or(0, |(_, quantity)| quantity.raw()))
}

extern "C" fn last_price(handle: *mut Handle, instrument: i64) -> i64 {
    with(handle, |ctx| known(ctx, instrument).map_or(0, |id| ctx.world.last_price(id).raw()))
}

extern "C" fn position(handle: *mut Handle, instrument: i64) -> i64 {
    with(handle, |ctx| known(ctx, instrument).map_or(0, |id| ctx.world.account.position(id).quantity.raw()))
}

extern "C" fn equity(handle: *mut Handle) -> i64 {
    with(handle, |ctx| ctx.world.account.equity().map_or(0, |money| money.raw()))
}

extern "C" fn orders(handle: *mut Handle, instrument: i64) -> i64 {
    with(handle, |ctx| id(instrument).map_or(0, |id| i64::try_from(ctx.world.orders.of(id).count()).unwrap_or(0)))
}

/// # Safety
/// `into` is a place for an [`OpenOrder`], or null.
unsafe extern "C" fn order_at(handle: *mut Handle, instrument: i64, index: i64, into: *mut OpenOrder) -> i64 {
    with(handle, |ctx| {
        let (Some(id), Ok(index), false) = (id(instrument), usize::try_from(index), into.is_null()) else {
            return REFUSED;
        };
        let Some(order) = ctx.world.orders.of(id).nth(index) else { return REFUSED };
        // SAFETY: the caller's place for an `OpenOrder`; `write` does not look at what was there.
        unsafe { into.write(OpenOrder::from(order)) };
        0
    })
}

extern "C" fn place(
    handle: *mut Handle,
    instrument: i64,
    side: i64,
    kind: i64,
    price: i64,
    trigger: i64,
    quantity: i64,
    time_in_force: i64,
    reduce_only: i64,
) -> i64 {
    with(handle, |ctx| {
        let (price, trigger) = (Price::from_raw(price), Price::from_raw(trigger));
        let kind = match kind {
            0 => OrderKind::Market,
            1 => OrderKind::Limit { price },
            2 => OrderKind::Stop { trigger },
            3 => OrderKind::StopLimit { trigger, price },
            4 => OrderKind::TakeProfit { trigger },
            5 => OrderKind::TakeProfitLimit { trigger, price },
            _ => return REFUSED,
        };
        let time_in_force = match time_in_force {
            0 => TimeInForce::Gtc,
            1 => TimeInForce::Ioc,
            2 => TimeInForce::Alo,
            3 => TimeInForce::Fok,
            _ => return REFUSED,
        };
        let (Some(instrument), Some(side), 0..) = (known(ctx, instrument), side_of(side), quantity) else {
            return REFUSED;
        };
        let quantity = (quantity > 0).then_some(Qty::from_raw(quantity));
        let request = OrderRequest::new(instrument, side, quantity, kind);
        let cloid = ctx.place(OrderRequest { time_in_force, reduce_only: reduce_only != 0, ..request });
        number_of(cloid)
    })
}

extern "C" fn modify(handle: *mut Handle, instrument: i64, order: i64, price: i64, quantity: i64) -> i64 {
    with(handle, |ctx| {
        let (Some(instrument), Some(cloid)) = (known(ctx, instrument), cloid(ctx, order)) else { return REFUSED };
        ctx.modify(instrument, cloid, Price::from_raw(price), Qty::from_raw(quantity));
        0
    })
}

extern "C" fn cancel(handle: *mut Handle, instrument: i64, order: i64) -> i64 {
    with(handle, |ctx| {
        let (Some(instrument), Some(cloid)) = (known(ctx, instrument), cloid(ctx, order)) else { return REFUSED };
        ctx.cancel(instrument, cloid);
        0
    })
}

extern "C" fn signal(handle: *mut Handle, instrument: i64, side: i64, strength: i64) -> i64 {
    with(handle, |ctx| {
        let kind = match side {
            1 => SignalKind::Long,
            -1 => SignalKind::Short,
            0 => SignalKind::Exit,
            _ => return REFUSED,
        };
        // From steps of 1e-8 to those of a rate.
        let (Some(instrument), Some(strength)) = (known(ctx, instrument), strength.checked_mul(10_000)) else {
            return REFUSED;
        };
        ctx.signal(instrument, kind, Rate::from_raw(strength));
        0
    })
}

extern "C" fn set_timer(handle: *mut Handle, time: i64, timer: i64) -> i64 {
    with(handle, |ctx| {
        let Ok(timer) = u64::try_from(timer) else { return REFUSED };
        ctx.set_timer(Nanos::from_raw(time), timer);
        0
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::Instruments;
    use crate::num::Money;
    use crate::world::World;

    #[test]
    fn a_number_names_the_same_order_in_every_run_and_zero_names_none() {
        let world = World::new("bot", 3, Instruments::unrestricted(&["BTC"]), Money::ZERO);
        let (mut intents, mut ids) = (Vec::new(), 0);
        let ctx = Context::new(&world, &mut intents, &mut ids);
        let bot = u32::try_from(world.orders.cloid(0).0 >> 96).unwrap();
        for (epoch, sequence) in [(0, 1), (0, 7), (3, 1), (2, u64::from(u32::MAX))] {
            let id = Cloid::new(bot, epoch, sequence);
            assert_eq!(cloid(&ctx, number_of(id)), Some(id));
        }
        assert_eq!(number_of(Cloid::new(bot, 0, 7)), 7);
        assert_eq!((number_of(Cloid::default()), number_of(Cloid::new(bot, 0, 1 << 40))), (0, 0));
        assert_eq!((cloid(&ctx, 0), cloid(&ctx, -1)), (None, None));
    }
}
