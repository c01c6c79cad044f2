//! Books against naive models, over random operations.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::instrument::InstrumentId;
use crate::num::{Price, Qty};
use crate::order::Side;
use crate::row::{Flags, Row, RowKind, RowSide};
use crate::time::Nanos;

fn naive(levels: &BTreeMap<i64, i64>, side: Side) -> Vec<(Price, Qty)> {
    let all = levels.iter().map(|(p, q)| (Price::from_raw(*p), Qty::from_raw(*q)));
    match side {
        Side::Buy => all.rev().collect(),
        Side::Sell => all.collect(),
    }
}

/// Prices on grids of several sizes, near and far, so that windows move and steps change.
fn any_price() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => (0_i64..300).prop_map(|n| 1_000_000 + n * 100),
        4 => (0_i64..20_000).prop_map(|n| 1_000_000 + n * 1_000),
        1 => (0_i64..2_000).prop_map(|n| 1_000_000 + n * 7),
        1 => 1_i64..5_000_000_000_000,
        1 => Just(i64::MAX),
    ]
}

#[test]
fn the_highest_price_that_there_is_can_be_the_best() {
    let mut ladder = Ladder::new(Side::Sell);
    let (low, high) = (Price::from_raw(1_018_900), Price::from_raw(i64::MAX));
    ladder.set(low, Qty::ONE);
    ladder.set(high, Qty::ONE);
    ladder.set(low, Qty::ZERO);
    assert_eq!(ladder.best_level(), Some((high, Qty::ONE)));
    assert_eq!(ladder.get(high), Qty::ONE);
}

proptest! {
    #[test]
    fn a_ladder_is_a_sorted_map(
        operations in prop::collection::vec((any_price(), prop_oneof![2 => Just(0_i64), 3 => 1_i64..1_000]), 1..400), buy in any::<bool>()
    ) {
        let side = if buy { Side::Buy } else { Side::Sell };
        let mut ladder = Ladder::new(side);
        let mut model = BTreeMap::new();
        for (price, quantity) in operations {
            let before = ladder.set(Price::from_raw(price), Qty::from_raw(quantity));
            let was = if quantity == 0 { model.remove(&price) } else { model.insert(price, quantity) };
            prop_assert_eq!(before.raw(), was.unwrap_or(0));
            prop_assert_eq!(ladder.best_level(), naive(&model, side).first().copied());
            prop_assert_eq!(ladder.get(Price::from_raw(price)).raw(), quantity);
            prop_assert_eq!(ladder.len(), model.len());
            prop_assert_eq!(ladder.is_empty(), model.is_empty());
        }
        prop_assert_eq!(ladder.iter().collect::<Vec<_>>(), naive(&model, side));
    }

    /// A drift through many windows: the book of a day.
    #[test]
    fn a_ladder_follows_the_price_as_far_as_it_goes(seed in any::<u64>()) {
        let mut state = seed | 1;
        let mut ladder = Ladder::new(Side::Sell);
        let mut model = BTreeMap::new();
        let mut at = 10_000_000_i64;
        for _ in 0..3_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let draw = i64::try_from(state >> 40).unwrap();
            at += (draw % 61 - 29) * 10;
            let price = at + draw % 97 * 10;
            let quantity = draw % 3;
            ladder.set(Price::from_raw(price), Qty::from_raw(quantity));
            if quantity == 0 { model.remove(&price); } else { model.insert(price, quantity); }
            prop_assert_eq!(ladder.best_level(), naive(&model, Side::Sell).first().copied());
        }
        prop_assert_eq!(ladder.iter().collect::<Vec<_>>(), naive(&model, Side::Sell));
    }
}

fn row(kind: RowKind, side: RowSide, price: i64, quantity: i64) -> Row {
    Row::new(kind, InstrumentId(0), Nanos::ZERO, Nanos::ZERO).at(side, Price::from_raw(price), Qty::from_raw(quantity))
}

/// Writes down what an observer hears.
#[derive(Default)]
struct Heard(Vec<(Side, i64, i64, i64)>);

impl Observer for Heard {
    fn on_level(&mut self, side: Side, price: Price, before: Qty, after: Qty) {
        self.0.push((side, price.raw(), before.raw(), after.raw()));
    }
    fn on_order(&mut self, _: &OrderChange) {}
    fn on_clear(&mut self, _: Side) {}
}

fn levels(book: &MarketBook, side: Side) -> Vec<(i64, i64)> {
    book.levels.side(side).iter().map(|(p, q)| (p.raw(), q.raw())).collect()
}

#[test]
fn a_snapshot_is_applied_as_a_difference_and_what_it_does_not_name_is_gone() {
    let mut book = MarketBook::new(BookKind::L2);
    for price in [100, 99, 98, 90] {
        book.apply(&row(RowKind::BookDelta, RowSide::Buy, price, 5), &mut ());
    }
    book.apply(&row(RowKind::BookDelta, RowSide::Sell, 101, 7), &mut ());
    let mut heard = Heard::default();
    let shot = |side, price, quantity| row(RowKind::BookSnapshot, side, price, quantity);
    book.apply(&shot(RowSide::Buy, 99, 5).marked(Flags::FIRST), &mut heard);
    book.apply(&shot(RowSide::Buy, 97, 2), &mut heard);
    assert_eq!(heard.0, [], "nothing before the last level was told");
    book.apply(&shot(RowSide::Sell, 101, 6).marked(Flags::LAST), &mut heard);
    assert_eq!(levels(&book, Side::Buy), [(99, 5), (97, 2), (90, 5)], "inside the span; 90 lies outside");
    assert_eq!(levels(&book, Side::Sell), [(101, 6)]);
    let buy = Side::Buy;
    let expected = [(buy, 100, 5, 0), (buy, 98, 5, 0), (buy, 99, 5, 5), (buy, 97, 0, 2), (Side::Sell, 101, 7, 6)];
    assert_eq!(heard.0, expected);
    assert!(book.is_visible(buy, Price::from_raw(97)) && !book.is_visible(buy, Price::from_raw(96)));
    book.apply(&row(RowKind::BookDelta, RowSide::Buy, 96, 1), &mut ());
    assert!(book.is_visible(buy, Price::from_raw(50)), "a feed that tells of single levels tells of all");
}

proptest! {
    #[test]
    fn a_snapshot_leaves_what_a_map_says_in_whatever_order_it_is_told(
        held in prop::collection::btree_map(1_i64..60, 1_i64..4, 0..20),
        told in prop::collection::btree_map(1_i64..60, 0_i64..4, 1..20),
        shuffled in prop::sample::select(vec![false, true]),
        seed in any::<u64>(),
    ) {
        let mut book = MarketBook::new(BookKind::L2);
        for (price, quantity) in &held {
            book.apply(&row(RowKind::BookDelta, RowSide::Buy, *price, *quantity), &mut ());
        }
        let mut levels_told: Vec<(i64, i64)> = told.iter().rev().map(|(price, quantity)| (*price, *quantity)).collect();
        if shuffled {
            levels_told.sort_by_key(|(price, _)| price.unsigned_abs().wrapping_mul(seed | 1) >> 7);
        }
        let last = levels_told.len() - 1;
        for (place, (price, quantity)) in levels_told.into_iter().enumerate() {
            let mut row = row(RowKind::BookSnapshot, RowSide::Buy, price, quantity);
            row = if place == 0 { row.marked(Flags::FIRST) } else { row };
            book.apply(&if place == last { row.marked(Flags::LAST) } else { row }, &mut ());
        }
        let named: BTreeMap<i64, i64> = told.into_iter().filter(|(_, quantity)| *quantity > 0).collect();
        let worst = named.keys().next().copied().unwrap_or(i64::MIN);
        let mut expected: BTreeMap<i64, i64> = held.into_iter().filter(|(price, _)| *price < worst).collect();
        expected.extend(named);
        prop_assert_eq!(levels(&book, Side::Buy), expected.into_iter().rev().collect::<Vec<_>>());
    }
}

#[test]
fn a_better_quote_hides_the_level_behind_it_and_a_worse_one_ends_it() {
    let mut book = MarketBook::new(BookKind::Quote);
    let mut heard = Heard::default();
    for (price, quantity) in [(100, 5), (101, 2), (99, 4)] {
        book.apply(&row(RowKind::Quote, RowSide::Buy, price, quantity), &mut heard);
        assert_eq!(levels(&book, Side::Buy), [(price, quantity)]);
    }
    let buy = Side::Buy;
    assert_eq!(heard.0, [(buy, 100, 0, 5), (buy, 101, 0, 2), (buy, 101, 2, 0), (buy, 99, 0, 4)]);
    assert!(!book.is_visible(buy, Price::from_raw(98)));
}

#[test]
fn views_of_a_book_are_what_their_formulas_say() {
    let mut book = LevelBook::new();
    let unit = 100_000_000;
    for (side, price, quantity) in [(Side::Buy, 99, 3), (Side::Buy, 98, 1), (Side::Sell, 101, 1), (Side::Sell, 103, 2)]
    {
        book.side_mut(side).set(Price::from_raw(price * unit), Qty::from_raw(quantity * unit));
    }
    assert_eq!(book.mid().unwrap().to_string(), "100");
    assert_eq!(book.spread().unwrap().to_string(), "2");
    assert_eq!(book.microprice(), Some((99.0 * 1.0 + 101.0 * 3.0) / 4.0));
    assert_eq!(book.imbalance(1), Some(0.5));
    assert_eq!(book.imbalance(2), Some(1.0 / 7.0));
    let qty = |n: i64| Qty::from_raw(n * unit);
    assert_eq!(book.vwap_to_size(Side::Buy, qty(2)).unwrap().to_string(), "102");
    assert_eq!(book.vwap_to_size(Side::Buy, qty(4)), None);
    assert_eq!(book.depth_to(Side::Buy, Price::from_raw(98 * unit)), qty(4));
    let bids = (99.0 * 3.0 + 98.0) / 4.0;
    let asks = (101.0 + 103.0 * 2.0) / 3.0;
    assert!((book.weighted_mid(2).unwrap() - f64::midpoint(bids, asks)).abs() < 1e-12);
}

/// A book of orders as a list in order of priority.
#[derive(Default)]
struct NaiveOrders(Vec<(u64, Side, i64, i64)>);

impl NaiveOrders {
    fn apply(&mut self, row: &Row) {
        let at = self.0.iter().position(|o| o.0 == row.order_id);
        let (price, quantity) = (row.price.raw(), row.quantity.raw());
        match (row.kind, at) {
            (RowKind::OrderAdd, None) if quantity > 0 => {
                self.0.push((row.order_id, row.side.side().unwrap(), price, quantity));
            }
            (RowKind::OrderCancel | RowKind::OrderFill, Some(at)) => {
                self.0[at].3 -= quantity.min(self.0[at].3);
            }
            (RowKind::OrderModify, Some(at)) => {
                let old = self.0[at];
                if price == old.2 && quantity <= old.3 {
                    self.0[at].3 = quantity;
                } else {
                    self.0.remove(at);
                    self.0.push((old.0, old.1, price, quantity));
                }
            }
            _ => {}
        }
        self.0.retain(|o| o.3 > 0);
    }
    fn level(&self, side: Side, price: i64) -> i64 {
        self.0.iter().filter(|o| o.1 == side && o.2 == price).map(|o| o.3).sum()
    }
}

proptest! {
    #[test]
    fn a_book_of_orders_agrees_with_a_list_of_them(
        operations in prop::collection::vec((0_u8..4, 0_u64..12, any::<bool>(), 95_i64..106, 0_i64..9), 1..300)
    ) {
        let mut book = MarketBook::new(BookKind::L3);
        let mut model = NaiveOrders::default();
        for (kind, id, buy, price, quantity) in operations {
            let kind = [RowKind::OrderAdd, RowKind::OrderCancel, RowKind::OrderModify, RowKind::OrderFill][usize::from(kind)];
            let side = if buy { RowSide::Buy } else { RowSide::Sell };
            let row = row(kind, side, price, quantity).of(id);
            book.apply(&row, &mut ());
            model.apply(&row);
            prop_assert_eq!(book.orders.len(), model.0.len());
            for side in [Side::Buy, Side::Sell] {
                for price in 95..106 {
                    prop_assert_eq!(book.levels.side(side).get(Price::from_raw(price)).raw(), model.level(side, price));
                }
            }
        }
    }
}
