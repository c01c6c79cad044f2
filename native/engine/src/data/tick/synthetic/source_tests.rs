use proptest::prelude::*;

use super::*;
use crate::data::tick::family::Family;
use crate::data::tick::plain_book::PlainBook;
use crate::data::tick::synthetic::market::Detail;
use crate::num::{Price, Qty};
use crate::row::{Flags, RowKind, RowSide};

fn rows(symbols: &[&str], count: u64, seed: u64, options: &MarketOptions) -> Vec<Row> {
    let mut source = SyntheticTicks::new(symbols, count, seed, options);
    let mut rows = Vec::new();
    while let Some(chunk) = source.next_rows().unwrap() {
        rows.extend_from_slice(&chunk);
    }
    rows
}

fn with(detail: Detail) -> MarketOptions {
    MarketOptions { detail, ..MarketOptions::default() }
}

/// The place of a row in a run.
fn order(row: &Row) -> (Nanos, InstrumentId, Family) {
    (row.exchange_time, row.instrument, Family::of(row.kind))
}

/// Follows the rows of one market with a plain book, and says how wide its spread was after each batch.
fn follow(rows: &[Row]) -> Vec<i64> {
    let mut book = PlainBook::default();
    let mut spreads = Vec::new();
    let mut prints: Vec<&Row> = Vec::new();
    let (mut trade_id, mut batch, mut local) = (0, 0, Nanos::MIN);
    for row in rows {
        assert!(row.local_time > row.exchange_time && row.local_time >= local);
        local = row.local_time;
        if row.kind == RowKind::Trade {
            // The resting side has that much at that price, less what this event took before.
            let taken: i64 = prints.iter().filter(|p| p.price == row.price).map(|p| p.quantity.raw()).sum();
            let resting = if row.side == RowSide::Buy { RowSide::Sell } else { RowSide::Buy };
            assert!(book.quantity(resting, row.price).raw() >= taken + row.quantity.raw(), "{row:?}");
            trade_id += 1;
            assert_eq!(row.order_id, trade_id);
            prints.push(row);
        }
        if !matches!(Family::of(row.kind), Family::Orders | Family::Book) {
            continue;
        }
        let before = book.quantity(row.side, row.price);
        match row.kind {
            RowKind::OrderFill => {
                // The front of the queue: the least id at its price that has not lost its place is not known here, but the
                // order is there, at the price of its print, and has that much.
                let (side, price, left) = book.order(row.order_id).unwrap();
                let print = prints.remove(0);
                assert_eq!((side, price, row.quantity), (row.side, print.price, print.quantity));
                assert!(left >= row.quantity);
            }
            RowKind::OrderCancel => {
                let (side, price, left) = book.order(row.order_id).unwrap();
                assert_eq!((side, price), (row.side, row.price));
                assert!(left >= row.quantity);
            }
            RowKind::OrderAdd => assert_eq!(book.order(row.order_id), None),
            RowKind::OrderModify => assert!(book.order(row.order_id).is_some()),
            _ => {}
        }
        book.apply(row);
        if row.kind == RowKind::BookDelta {
            let taken: i64 =
                prints.iter().filter(|p| p.price == row.price && p.side != row.side).map(|p| p.quantity.raw()).sum();
            if taken > 0 {
                assert_eq!(row.quantity.raw(), before.raw() - taken, "the delta reflects the prints before it");
                prints.retain(|p| p.price != row.price);
            }
        }
        if row.flags.has(Flags::LAST) {
            assert_eq!(book.crossed(), None, "{row:?}");
            assert!(book.depth(RowSide::Buy) <= 40 && book.depth(RowSide::Sell) <= 40);
            assert!(prints.is_empty(), "a print without its change of the book");
            batch += 1;
            assert_eq!(row.sequence, batch);
            spreads.push(book.best_ask().unwrap().0.raw() - book.best_bid().unwrap().0.raw());
        }
    }
    spreads
}

#[test]
fn a_seed_gives_the_same_rows_for_ever() {
    let first = rows(&["ETH", "BTC"], 5_000, 7, &with(Detail::Levels));
    assert_eq!(first, rows(&["BTC", "ETH"], 5_000, 7, &with(Detail::Levels)));
    assert_ne!(first, rows(&["BTC", "ETH"], 5_000, 8, &with(Detail::Levels)));
    // Of a market alone the rows are those that it has among others.
    let alone: Vec<_> = rows(&["BTC"], 1_000, 7, &with(Detail::Levels));
    assert!(first.iter().filter(|row| row.instrument.0 == 0).zip(&alone).take(1_000).all(|(a, b)| a == b));
}

#[test]
fn rows_of_many_markets_come_in_the_order_of_a_run() {
    for detail in [Detail::Levels, Detail::Orders] {
        let rows = rows(&["A", "B", "C", "D"], 200_000, 3, &with(detail));
        assert!(rows.is_sorted_by_key(order));
    }
}

#[test]
fn the_market_is_a_market() {
    let options = MarketOptions { density: 20_000, ..MarketOptions::default() };
    let rows = rows(&["BTC"], 2_000_000, 1, &options);
    let span = rows.last().unwrap().exchange_time.since(rows[0].exchange_time).seconds();
    let density = rows.len() as f64 / span;
    assert!((16_000.0..24_000.0).contains(&density), "{density} rows a second");
    let tick = rows.iter().find(|r| r.kind == RowKind::BookSnapshot).unwrap();
    let step = (rows[1].price.raw() - tick.price.raw()).abs();
    let spreads = follow(&rows);
    let mean = spreads.iter().sum::<i64>() as f64 / spreads.len() as f64 / step as f64;
    assert!((1.2..8.0).contains(&mean), "a spread of {mean} ticks");
    let count = |kind| rows.iter().filter(|row| row.kind == kind).count();
    let trades = count(RowKind::Trade);
    assert!((rows.len() / 50..rows.len() / 3).contains(&trades), "{trades} trades of {}", rows.len());
    // Trades come in bursts: the number in a tenth of a second varies more than that of independent ones would.
    let tenth = |row: &Row| row.exchange_time.since(rows[0].exchange_time).raw() / 100_000_000;
    let mut counts = vec![0_f64; usize::try_from(tenth(rows.last().unwrap())).unwrap() + 1];
    for row in rows.iter().filter(|row| row.kind == RowKind::Trade) {
        counts[usize::try_from(tenth(row)).unwrap()] += 1.0;
    }
    let mean = counts.iter().sum::<f64>() / counts.len() as f64;
    let variance = counts.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / counts.len() as f64;
    assert!(variance > 3.0 * mean, "variance {variance}, mean {mean}");
    assert!((span / 3.0 - count(RowKind::Context) as f64).abs() <= 1.0);
}

#[test]
fn funding_comes_on_the_hour_with_its_context() {
    let options = MarketOptions { density: 10, ..MarketOptions::default() };
    let rows = rows(&["BTC"], 60_000, 1, &options);
    let funding: Vec<_> = rows.iter().filter(|row| row.kind == RowKind::Funding).collect();
    assert!(!funding.is_empty());
    for row in funding {
        assert_eq!(row.exchange_time, row.exchange_time.floor_to(Nanos::HOUR));
        assert!(row.price.is_positive() && row.aux.abs() < 100_000_000);
    }
    let context = rows.iter().find(|row| row.kind == RowKind::Context).unwrap().context();
    assert!(context.impact_bid < context.mark && context.mark < context.impact_ask && context.oracle > Price::ZERO);
    assert!(Qty::from_raw(context.oracle.raw()).is_positive());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_plain_book_can_follow_every_row(seed: u64, symbol in "[A-Z]{1,5}", is_orders: bool, density in 1_u32..100_000) {
        let detail = if is_orders { Detail::Orders } else { Detail::Levels };
        let options = MarketOptions { detail, density, ..MarketOptions::default() };
        let rows = rows(&[&symbol], 20_000, seed, &options);
        prop_assert!(rows.is_sorted_by_key(order));
        follow(&rows);
    }
}
