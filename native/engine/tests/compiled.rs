//! Strategies through the C ABI: the same fills as inside the engine, every event whole, and no way to take one over twice.
#![allow(unsafe_code, clippy::unwrap_used, missing_docs)]

mod common;
#[path = "../../../docs/examples/quoter.rs"]
mod quoter;

use std::ffi::{c_char, c_void};
use std::ptr;

use common::ticks::{instrument, run_ticks, tenth, walk};
use engine::num::Qty;
use engine::strategy::compiled::{
    ABI_VERSION, CompiledError, CompiledStrategy, FillReport, Handle, OpenOrder, OrderReport, QuoteEvent, TradeEvent,
    Vtable,
};
use engine::time::Nanos;
use quoter::Quoter;

const INTERVAL: i64 = 100_000_000;

const fn nothing() -> Vtable {
    Vtable {
        abi_version: ABI_VERSION,
        flags: 0,
        state: ptr::null_mut(),
        on_start: None,
        on_bar: None,
        on_trade: None,
        on_quote: None,
        on_book: None,
        on_fill: None,
        on_order: None,
        on_timer: None,
        on_stop: None,
        describe: None,
        drop: None,
    }
}

fn take(mut vtable: Vtable) -> CompiledStrategy {
    unsafe { CompiledStrategy::take(&raw mut vtable) }.unwrap()
}

/// What a test strategy counts; freed by `free`.
#[derive(Default)]
struct Counts {
    size: i64,
    bound: i64,
    trades: i64,
    quotes: i64,
    books: i64,
    fills: i64,
    orders: i64,
    freed: *mut i64,
}

unsafe fn counts<'a>(state: *mut c_void) -> &'a mut Counts {
    unsafe { &mut *state.cast::<Counts>() }
}

unsafe extern "C" fn on_start(_: *mut c_void, ctx: *mut Handle) -> i32 {
    unsafe {
        let call = (*ctx).call;
        (call.set_timer)(ctx, (call.now)(ctx) + INTERVAL, 0);
    }
    0
}

unsafe extern "C" fn on_timer(state: *mut c_void, ctx: *mut Handle, time: i64, id: i64) -> i32 {
    unsafe {
        let (state, call) = (counts(state), (*ctx).call);
        for instrument in 0..(call.instruments)(ctx) {
            for side in [1, -1] {
                let best = (call.level_price)(ctx, instrument, side, 0);
                let (mut standing, mut order) = (0, OpenOrder::default());
                for index in 0..(call.orders)(ctx, instrument) {
                    assert_eq!((call.order_at)(ctx, instrument, index, &raw mut order), 0);
                    if order.side != side || order.is_cancelling != 0 {
                        continue;
                    }
                    if order.price == best {
                        standing += 1;
                    } else {
                        (call.cancel)(ctx, instrument, order.order);
                    }
                }
                let held = (call.position)(ctx, instrument) * side;
                if best != 0 && standing == 0 && held + state.size <= state.bound {
                    (call.place)(ctx, instrument, side, 1, best, 0, state.size, 2, 0);
                }
            }
        }
        (call.set_timer)(ctx, time + INTERVAL, id);
    }
    0
}

unsafe extern "C" fn on_trade(state: *mut c_void, _: *mut Handle, trade: *const TradeEvent) -> i32 {
    unsafe {
        counts(state).trades += 1;
        i32::from((*trade).aggressor.abs() != 1 || (*trade).price <= 0 || (*trade).local_time <= (*trade).exchange_time)
    }
}

unsafe extern "C" fn on_quote(state: *mut c_void, ctx: *mut Handle, quote: *const QuoteEvent) -> i32 {
    unsafe {
        counts(state).quotes += 1;
        let (quote, call) = (&*quote, (*ctx).call);
        let best = (call.level_price)(ctx, quote.instrument, 1, 0);
        i32::from(quote.bid_price != best || quote.ask_quantity != (call.level_quantity)(ctx, quote.instrument, -1, 0))
    }
}

unsafe extern "C" fn on_book(state: *mut c_void, _: *mut Handle, instrument: i64) -> i32 {
    unsafe { counts(state).books += 1 };
    i32::from(instrument != 0)
}

unsafe extern "C" fn on_fill(state: *mut c_void, ctx: *mut Handle, fill: *const FillReport) -> i32 {
    unsafe {
        counts(state).fills += 1;
        i32::from((*fill).order == 0 || (*fill).is_maker != 1 || ((*ctx).call.now)(ctx) != (*fill).local_time)
    }
}

unsafe extern "C" fn on_order(state: *mut c_void, _: *mut Handle, update: *const OrderReport) -> i32 {
    unsafe {
        counts(state).orders += 1;
        i32::from((*update).order == 0 || !(0..=6).contains(&(*update).status))
    }
}

unsafe extern "C" fn free(state: *mut c_void) {
    unsafe {
        let state = Box::from_raw(state.cast::<Counts>());
        if !state.freed.is_null() {
            *state.freed += state.trades.min(state.quotes).min(state.books).min(state.fills).min(state.orders);
        }
    }
}

#[test]
fn through_the_abi_it_trades_as_inside_the_engine() {
    let rules = instrument("BTC", "0.1", "0.001");
    let rows = walk(0, "60000", &rules, 4_000, 40, 21);
    let (size, bound) = (Qty::from_raw(10_000_000), Qty::from_raw(40_000_000));
    let inside = Quoter { size, max_position: bound, interval: Nanos::from_raw(INTERVAL) };
    let inside = run_ticks(rows.clone(), vec![rules.clone()], inside, tenth(), 1_000_000);
    assert!(inside.records.fills.len() > 50);

    let mut freed = 0;
    let state = Counts { size: size.raw(), bound: bound.raw(), freed: &raw mut freed, ..Counts::default() };
    let state = Box::into_raw(Box::new(state)).cast();
    let plain = Vtable { state, on_start: Some(on_start), on_timer: Some(on_timer), drop: Some(free), ..nothing() };
    let through = run_ticks(rows.clone(), vec![rules.clone()], take(plain), tenth(), 1_000_000);
    assert_eq!(through.records.digest, inside.records.digest);

    let state = Counts { size: size.raw(), bound: bound.raw(), freed: &raw mut freed, ..Counts::default() };
    let state = Box::into_raw(Box::new(state)).cast();
    let curious = Vtable {
        state,
        on_trade: Some(on_trade),
        on_quote: Some(on_quote),
        on_book: Some(on_book),
        on_fill: Some(on_fill),
        on_order: Some(on_order),
        ..plain
    };
    let curious = run_ticks(rows, vec![rules], take(curious), tenth(), 1_000_000);
    assert_eq!(curious.records.fills, inside.records.fills, "looking on changes nothing");
    assert!(freed >= 50, "each callback was called, and each state freed at the end: {freed}");
}

unsafe extern "C" fn three(_: *mut c_void, _: *mut Handle) -> i32 {
    3
}

unsafe extern "C" fn explain(_: *mut c_void, code: i32) -> *const c_char {
    if code == 3 { c"out of patience".as_ptr() } else { ptr::null() }
}

#[test]
fn a_number_that_is_not_zero_stops_the_run_with_its_meaning() {
    let error = CompiledError::Returned { callback: "on_start", code: 3, meaning: Some("out of patience".into()) };
    assert_eq!(error.to_string(), "on_start returned 3: out of patience");
    let mut strategy = take(Vtable { on_start: Some(three), describe: Some(explain), ..nothing() });
    let world =
        engine::world::World::new("bot", 0, engine::instrument::Instruments::default(), engine::num::Money::ZERO);
    let (mut intents, mut ids) = (Vec::new(), 0);
    let mut ctx = engine::strategy::Context::new(&world, &mut intents, &mut ids);
    let failed = engine::strategy::Strategy::on_start(&mut strategy, &mut ctx).unwrap_err();
    assert_eq!(failed.to_string(), error.to_string());
}

#[test]
fn a_table_is_taken_over_once_and_only_if_it_can_be_run() {
    let mut good = Vtable { on_start: Some(three), ..nothing() };
    let (mut asleep, mut old) = (nothing(), Vtable { abi_version: 9, ..nothing() });
    let take = |vtable: *mut Vtable| unsafe { CompiledStrategy::take(vtable) }.map(|_| ());
    assert_eq!(take(&raw mut good), Ok(()));
    assert_eq!(take(&raw mut good), Err(CompiledError::Taken));
    assert_eq!(take(&raw mut asleep), Err(CompiledError::Asleep));
    assert_eq!(take(&raw mut old), Err(CompiledError::Version { found: 9 }));
    assert_eq!(take(ptr::null_mut()), Err(CompiledError::Missing));
}
