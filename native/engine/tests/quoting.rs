//! The strategies that quote, on tick data.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use common::ticks::{Watched, builtin, instrument, run_ticks, tenth, walk};
use engine::data::tick::synthetic::market::MarketOptions;
use engine::data::tick::synthetic::source::SyntheticTicks;
use engine::instrument::{Instrument, InstrumentId};
use engine::num::{Price, Qty};
use engine::order::{OrderKind, OrderStatus, Side, TimeInForce};
use engine::row::{Row, RowKind, RowSource};
use engine::strategy::{Context, Intent, OrderRequest};

const ID: InstrumentId = InstrumentId(0);
/// Price, tick and lot as on real markets, with a symbol.
const MARKETS: [(&str, &str, &str, &str); 3] =
    [("BTC", "60000", "0.1", "0.00001"), ("XRP", "1.9", "0.0001", "1"), ("ES", "4800", "0.25", "0.01")];

fn placed(ctx: &Context<'_>) -> Vec<OrderRequest> {
    let request = |intent: &Intent| if let Intent::Place(_, request) = intent { Some(*request) } else { None };
    ctx.intents.iter().filter_map(request).collect()
}

fn cancelled(ctx: &Context<'_>) -> usize {
    ctx.intents.iter().filter(|intent| matches!(intent, Intent::Cancel { .. })).count()
}

fn limit(request: &OrderRequest) -> Price {
    let OrderKind::Limit { price } = request.kind else { panic!("{request:?}") };
    price
}

#[test]
fn with_defaults_it_trades_both_sides_of_very_different_markets() {
    for (symbol, middle, tick, lot) in MARKETS {
        let rules = instrument(symbol, tick, lot);
        let rows = walk(0, middle, &rules, 6_000, 30, 7);
        let (mut two_sided, mut looks) = (0, 0);
        let strategy = Watched {
            inner: builtin("market_maker", &[]),
            check: |ctx: &Context<'_>| {
                looks += 1;
                let has = |side| ctx.world.orders.of(ID).any(|o| o.event.side == side && !o.is_cancelling);
                two_sided += usize::from(has(Side::Buy) && has(Side::Sell));
            },
        };
        let outcome = run_ticks(rows, vec![rules], strategy, tenth(), 100_000);
        let fills = &outcome.records.fills;
        let sides = [Side::Buy, Side::Sell].map(|side| fills.iter().filter(|f| f.side == side).count());
        assert!(sides[0] > 20 && sides[1] > 20, "{symbol}: {sides:?}");
        assert!(two_sided * 10 > looks * 5, "{symbol}: {two_sided} of {looks}");
    }
}

#[test]
fn the_position_and_all_that_is_open_never_pass_the_bound() {
    let rules = instrument("BTC", "0.1", "0.001");
    let rows = walk(0, "60000", &rules, 6_000, 40, 3);
    let bound = Qty::from_raw(4 * 5_000_000);
    let mut seen = Qty::ZERO;
    let given = [("quantity", "0.05"), ("max_position", "4"), ("levels", "3"), ("risk_aversion", "0.001")];
    let strategy = Watched {
        inner: builtin("market_maker", &given),
        check: |ctx: &Context<'_>| {
            let position = ctx.world.account.position(ID).quantity;
            seen = seen.max(position.abs().unwrap());
            for side in [Side::Buy, Side::Sell] {
                let open = ctx.world.orders.of(ID).filter(|o| o.event.side == side).map(|o| o.leaves.raw());
                let new = placed(ctx).into_iter().filter(|r| r.side == side).map(|r| r.quantity.unwrap().raw());
                let all = position.raw() * side.sign() + open.sum::<i64>() + new.sum::<i64>();
                assert!(all <= bound.raw(), "{side:?}: {all}");
            }
        },
    };
    let outcome = run_ticks(rows, vec![rules], strategy, tenth(), 1_000_000);
    assert_eq!(seen, bound, "the bound was reached");
    assert!(outcome.records.fills.len() > 100);
}

#[test]
fn orders_are_post_only_on_the_tick_and_never_cross_what_is_known() {
    let rules = instrument("XRP", "0.0001", "1");
    let rows = walk(0, "1.9", &rules, 3_000, 60, 11);
    let mut count = 0;
    let strategy = Watched {
        inner: builtin("market_maker", &[("levels", "3"), ("min_half_spread", "0")]),
        check: |ctx: &Context<'_>| {
            let (bid, ask) = ctx.world.book(ID).unwrap().levels.best().unwrap();
            for request in placed(ctx) {
                count += 1;
                assert_eq!(request.time_in_force, TimeInForce::Alo);
                let price = limit(&request);
                assert!(ctx.world.instruments.get(ID).unwrap().tick.allows(price));
                assert!(if request.side == Side::Buy { price < ask } else { price > bid }, "{request:?}");
            }
        },
    };
    run_ticks(rows, vec![rules], strategy, tenth(), 100_000);
    assert!(count > 100);
}

#[test]
fn an_order_that_stands_well_keeps_its_place_in_the_queue() {
    let rules = instrument("ES", "0.25", "1");
    // The book never moves, and nobody trades.
    let mut rows = walk(0, "4800", &rules, 400, 0, 1);
    rows.retain(|row| row.kind != RowKind::Trade);
    let mut cancels = 0;
    let strategy = Watched {
        inner: builtin("market_maker", &[("quantity", "1"), ("levels", "2")]),
        check: |ctx: &Context<'_>| cancels += cancelled(ctx),
    };
    let outcome = run_ticks(rows, vec![rules], strategy, tenth(), 1_000_000);
    let prices: Vec<String> = outcome
        .records
        .orders
        .iter()
        .map(|o| format!("{} {}", o.event.side.as_str(), o.event.kind.price().unwrap()))
        .collect();
    assert_eq!(prices, ["buy 4800", "buy 4799.75", "sell 4800.25", "sell 4800.5"]);
    assert_eq!(cancels, 0);
}

#[test]
fn a_size_below_one_lot_is_tried_once_a_minute_and_no_more() {
    let rules = instrument("ES", "0.25", "1");
    // Two minutes and a half; a tenth of 10,000 buys a fifth of a contract.
    let rows = walk(0, "4800", &rules, 3_000, 30, 5);
    let outcome = run_ticks(rows, vec![rules], builtin("market_maker", &[]), tenth(), 10_000);
    assert_eq!(outcome.records.orders.len(), 2 * 3);
}

#[test]
fn a_one_sided_market_is_not_quoted_and_open_quotes_are_taken_away() {
    let rules = instrument("BTC", "0.1", "0.001");
    let mut rows = walk(0, "60000", &rules, 200, 0, 1);
    rows.retain(|row| row.kind != RowKind::Trade);
    let last = rows.last().unwrap().exchange_time;
    let row = |time| Row::new(RowKind::BookClear, ID, time, time);
    let later = |millis: i64| last.after(engine::time::Nanos::from_raw(millis * 1_000_000));
    rows.push(row(later(100)).at(Side::Sell.into(), Price::ZERO, Qty::ZERO).marked(engine::row::Flags::LAST));
    rows.push(row(later(2_000)).at(Side::Sell.into(), Price::ZERO, Qty::ZERO).marked(engine::row::Flags::LAST));
    let mut open = usize::MAX;
    let strategy = Watched {
        inner: builtin("market_maker", &[("quantity", "0.01")]),
        check: |ctx: &Context<'_>| open = ctx.world.orders.of(ID).count(),
    };
    let outcome = run_ticks(rows, vec![rules], strategy, tenth(), 100_000);
    assert_eq!(open, 0);
    assert_eq!(outcome.records.orders.len(), 2);
}

#[test]
fn on_synthetic_markets_it_stays_within_its_bound_and_is_the_same_every_time() {
    let run = || {
        let mut source = SyntheticTicks::new(&["AAA", "BBB"], 60_000, 9, &MarketOptions::default());
        let mut rows = Vec::new();
        while let Some(chunk) = source.next_rows().unwrap() {
            rows.extend_from_slice(&chunk);
        }
        let rules = ["AAA", "BBB"].map(Instrument::unrestricted).to_vec();
        run_ticks(rows, rules, builtin("market_maker", &[("levels", "2")]), tenth(), 100_000)
    };
    let (one, other) = (run(), run());
    assert!(one.records.fills.len() > 20, "{}", one.records.fills.len());
    assert_eq!(one.records.digest, other.records.digest);
    let rejected = one.records.orders.iter().filter(|o| matches!(o.status, Some(OrderStatus::Rejected(_)))).count();
    assert!(rejected * 10 < one.records.orders.len(), "{rejected} of {}", one.records.orders.len());
}

#[test]
fn market_maker_on_bars_says_that_it_needs_books() {
    let risk = tenth();
    let events = common::bars(100, 1);
    let system = common::system(builtin("market_maker", &[]), risk);
    let venue = engine::venue::SimulatedVenue::bars(
        engine::venue::VenueConfig::default(),
        engine::instrument::Instruments::unrestricted(&common::SYMBOLS),
        common::CAPITAL,
    );
    let sources: Vec<Box<dyn engine::stream::Source>> = vec![Box::new(common::Once(Some(std::sync::Arc::new(events))))];
    let backtest =
        engine::backtest::Backtest::<_, _, _, Vec<u8>>::new(system, venue, sources, engine::record::Detail::Full, None);
    let error = backtest.unwrap().run(&mut |_, _| true).unwrap_err();
    assert!(error.to_string().contains("give it tick data"), "{error}");
}

#[test]
fn the_grid_is_laid_around_the_first_middle_of_the_book() {
    let rules = instrument("BTC", "0.1", "0.001");
    let rows = walk(0, "60000", &rules, 600, 0, 1);
    let outcome =
        run_ticks(rows, vec![rules], builtin("grid", &[("levels", "4"), ("step", "0.001")]), tenth(), 100_000);
    let mut prices: Vec<String> =
        outcome.records.orders.iter().map(|o| o.event.kind.price().unwrap().to_string()).collect();
    prices.sort();
    assert_eq!(prices, ["59880", "59940", "60060.1", "60120.1"].map(str::to_owned));
}
