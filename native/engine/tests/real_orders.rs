//! A real book of orders, rebuilt twice: by the engine and by a list of orders, and compared at every event.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeMap;
use std::path::Path;

use engine::book::{BookKind, MarketBook};
use engine::data::tick::{Format, TickOptions, open};
use engine::num::{Price, Qty};
use engine::order::Side;
use engine::row::{Row, RowKind, RowSide};

/// The simplest book of orders there is: all of them by id, and their sums by price.
#[derive(Default)]
struct Naive {
    orders: BTreeMap<u64, (Side, i64, i64)>,
    levels: [BTreeMap<i64, i64>; 2],
}

impl Naive {
    fn add(&mut self, side: Side, price: i64, quantity: i64) {
        let level = self.levels[side as usize].entry(price).or_default();
        *level += quantity;
        if *level == 0 {
            self.levels[side as usize].remove(&price);
        }
    }

    /// Returns the sides and prices that it touched.
    fn apply(&mut self, row: &Row) -> Vec<(Side, i64)> {
        let (price, quantity) = (row.price.raw(), row.quantity.raw());
        match row.kind {
            RowKind::OrderAdd => {
                let side = row.side.side().unwrap();
                assert!(self.orders.insert(row.order_id, (side, price, quantity)).is_none(), "added twice");
                self.add(side, price, quantity);
                vec![(side, price)]
            }
            RowKind::OrderCancel | RowKind::OrderFill => {
                let Some((side, at, held)) = self.orders.get(&row.order_id).copied() else { return Vec::new() };
                let removed = quantity.min(held);
                if removed == held {
                    self.orders.remove(&row.order_id);
                } else {
                    self.orders.insert(row.order_id, (side, at, held - removed));
                }
                self.add(side, at, -removed);
                vec![(side, at)]
            }
            RowKind::OrderModify => {
                let Some((side, at, held)) = self.orders.remove(&row.order_id) else { return Vec::new() };
                self.add(side, at, -held);
                if quantity > 0 {
                    self.orders.insert(row.order_id, (side, price, quantity));
                    self.add(side, price, quantity);
                }
                vec![(side, at), (side, price)]
            }
            RowKind::BookClear => {
                let is_cleared = |side: Side| row.side.side().is_none_or(|s| s == side);
                self.orders.retain(|_, (side, ..)| !is_cleared(*side));
                for side in [Side::Buy, Side::Sell].into_iter().filter(|s| is_cleared(*s)) {
                    self.levels[side as usize].clear();
                }
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn side(&self, side: Side) -> Vec<(Price, Qty)> {
        let all = self.levels[side as usize].iter().map(|(p, q)| (Price::from_raw(*p), Qty::from_raw(*q)));
        if side == Side::Buy { all.rev().collect() } else { all.collect() }
    }
}

#[test]
fn a_real_book_of_orders_agrees_with_a_naive_one_at_every_event_and_with_the_book_of_its_levels() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/book_l3");
    let path = root.join("esh4-glbx-mdp3-20231225.mbo.dbn.zst");
    if !path.exists() {
        eprintln!("skipped: the recordings are not beside this clone");
        return;
    }
    let mut reader = open(&path, Format::Auto, &TickOptions::default()).unwrap();
    let (mut book, mut levels, mut naive) =
        (MarketBook::new(BookKind::L3), MarketBook::new(BookKind::L2), Naive::default());
    let mut rows = Vec::new();
    let mut count = 0_u64;
    while reader.read(&mut rows).unwrap() {
        for row in rows.drain(..) {
            count += 1;
            book.apply(&row, &mut ());
            if row.kind == RowKind::BookClear {
                levels.apply(&row, &mut ());
            }
            for (side, price) in naive.apply(&row) {
                let price = Price::from_raw(price);
                let held = Qty::from_raw(naive.levels[side as usize].get(&price.raw()).copied().unwrap_or(0));
                assert_eq!(book.levels.side(side).get(price), held, "event {count}: {row:?}");
                let delta = Row::new(RowKind::BookDelta, row.instrument, row.exchange_time, row.local_time);
                levels.apply(&delta.at(RowSide::from(side), price, held), &mut ());
            }
            for side in [Side::Buy, Side::Sell] {
                let best = naive.side(side).first().copied();
                assert_eq!(book.levels.side(side).best_level(), best, "event {count}: {row:?}");
                assert_eq!(levels.levels.side(side).best_level(), best, "event {count}: {row:?}");
            }
            assert_eq!(book.orders.len(), naive.orders.len(), "event {count}: {row:?}");
            if count.is_multiple_of(1_000) {
                for side in [Side::Buy, Side::Sell] {
                    let all = naive.side(side);
                    assert_eq!(book.levels.side(side).iter().collect::<Vec<_>>(), all, "event {count}");
                    assert_eq!(levels.levels.side(side).iter().collect::<Vec<_>>(), all, "event {count}");
                }
            }
        }
    }
    assert!(count > 60_000, "only {count} rows");
    assert_eq!(book.levels, levels.levels);
    let best = book.levels.best().map(|(bid, ask)| (bid.to_string(), ask.to_string()));
    assert_eq!(best, Some(("4810".into(), "4810.25".into())), "as the recording ends");
}
