//! Trigger orders and what hangs together.

use super::*;
use crate::order::Trail;

const BUY: Side = Side::Buy;
const SELL: Side = Side::Sell;

fn open_long() -> World {
    let mut w = World::l2();
    w.part(BUY, "99", "50").level(SELL, "100", "50").mark("100");
    w.market(BUY, "3");
    w.news();
    w
}

#[test]
fn a_stop_wakes_at_the_mark_not_at_the_last_trade() {
    let mut w = open_long();
    w.place(SELL, "3", OrderKind::Stop { trigger: price("97") }, |_| {});
    w.trade(BUY, "96", "1");
    assert_eq!(w.news(), ["waiting"]);
    w.mark("97");
    assert_eq!(w.fills(), ["3 @ 99 taker"]);
}

#[test]
fn a_triggered_limit_order_may_rest_behind_a_gap() {
    let mut w = open_long();
    w.place(SELL, "3", OrderKind::StopLimit { trigger: price("97"), price: price("97") }, |_| {});
    w.part(BUY, "99", "0").level(BUY, "95", "9").mark("95");
    assert_eq!(w.news(), ["waiting", "triggered", "resting"]);
}

#[test]
fn a_trailing_stop_is_tested_before_it_moves() {
    let mut w = open_long();
    w.place(SELL, "3", OrderKind::TrailingStop { trail: Trail::Absolute(price("2")) }, |_| {});
    w.mark("104").mark("102.1");
    assert_eq!(w.news(), ["waiting"]);
    w.mark("102");
    assert_eq!(w.fills(), ["3 @ 99 taker"]);
}

#[test]
fn orders_that_trigger_together_go_in_the_order_of_their_ids() {
    let mut w = open_long();
    w.place(SELL, "1", OrderKind::Stop { trigger: price("98") }, |_| {});
    w.place(SELL, "2", OrderKind::Stop { trigger: price("97") }, |_| {});
    w.mark("90");
    assert_eq!(w.fills(), ["1 @ 99 taker", "2 @ 99 taker"]);
}

#[test]
fn children_wake_with_the_fill_of_their_parent_and_the_first_to_fill_cancels_the_other() {
    let mut w = World::l2();
    w.part(BUY, "99", "50").level(SELL, "100", "50").mark("100");
    let parent = w.order(BUY, "2", "99.5", TimeInForce::Gtc);
    let child =
        |w: &mut World, kind| w.place(SELL, "2", kind, |o| (o.group, o.reduce_only) = (Group::Child(parent), true));
    child(&mut w, OrderKind::TakeProfit { trigger: price("104") });
    child(&mut w, OrderKind::Stop { trigger: price("97") });
    w.mark("105").mark("100");
    assert_eq!(w.news(), ["resting", "waiting", "waiting"], "asleep as long as the parent works");
    w.trade(SELL, "99.5", "2");
    w.news();
    w.mark("97");
    let news = w.news();
    assert_eq!(news[0], "triggered");
    assert!(news[1].starts_with("2 @ 99 taker"), "{news:?}");
    assert_eq!(news[2..], ["filled", "cancelled sibling_filled_canceled"]);
}

#[test]
fn children_die_with_a_cancelled_parent() {
    let mut w = World::l2();
    w.part(BUY, "99", "50").level(SELL, "100", "50").mark("100");
    let parent = w.order(BUY, "2", "99.5", TimeInForce::Gtc);
    w.place(SELL, "2", OrderKind::Stop { trigger: price("97") }, |o| o.group = Group::Child(parent));
    w.cancel(parent);
    assert_eq!(w.news(), ["resting", "waiting", "cancelled requested", "cancelled parent_canceled"]);
}

#[test]
fn an_order_for_the_position_takes_its_size_when_it_triggers_and_goes_with_it() {
    let mut w = open_long();
    w.place(SELL, "1", OrderKind::Stop { trigger: price("97") }, |o| o.group = Group::Position);
    w.market(BUY, "4");
    w.news();
    w.mark("97");
    assert_eq!(w.fills(), ["7 @ 99 taker"]);
    let mut w = open_long();
    w.place(SELL, "1", OrderKind::Stop { trigger: price("97") }, |o| o.group = Group::Position);
    w.market(SELL, "3");
    assert_eq!(w.news().last().unwrap(), "cancelled reduce_only_canceled");
}

#[test]
fn a_scheduled_cancel_takes_everything_ten_times_a_day_at_most() {
    let mut w = World::l2();
    w.part(BUY, "99", "50").level(SELL, "100", "50");
    let mut cancelled = 0;
    for _ in 0..12 {
        w.order(BUY, "1", "98", TimeInForce::Gtc);
        let soon = Nanos::from_raw(w.now + 1);
        w.send(&Command::ScheduleCancel { time: Some(soon) });
        let due = w.venue.matching().next_time().unwrap();
        assert_eq!(due.raw(), w.now + 5 * Nanos::SECOND.raw(), "five seconds ahead at least");
        w.now = due.raw();
        let (ledger, matching) = w.venue.parts();
        matching.on_time(ledger, due, &mut w.reports).unwrap();
        cancelled += usize::from(w.news().contains(&"cancelled scheduled_cancel".to_owned()));
        w.level(BUY, "97", "1");
    }
    assert_eq!(cancelled, 10);
    w.send(&Command::ScheduleCancel { time: Some(Nanos::MAX) });
    w.send(&Command::ScheduleCancel { time: None });
    assert_eq!(w.venue.matching().next_time(), None);
}

/// A13: a large isolated position goes in fifths, into the book.
#[test]
fn a_liquidation_walks_the_book_and_stops_once_the_margin_suffices() {
    let mut w = World::with(BookKind::L2, |c, i| {
        i.tiers = vec![crate::instrument::MarginTier { lower_bound: Money::ZERO, max_leverage: 40 }];
        i.tick = TickRule::Fixed(price("1"));
        c.margin_mode = crate::instrument::MarginMode::Isolated;
        c.leverage = 10;
    });
    w.part(BUY, "49999", "1").level(SELL, "50000", "50").mark("50000");
    w.market(BUY, "4");
    w.part(BUY, "49999", "0").part(SELL, "50000", "0").part(SELL, "45560", "9").level(BUY, "45540", "9");
    w.news();
    w.mark("45550");
    assert_eq!(w.fills(), ["0.8 @ 45540 liquidation"]);
    assert_eq!(w.position(), qty("3.2"));
}
