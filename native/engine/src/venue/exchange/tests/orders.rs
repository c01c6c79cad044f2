use super::*;
use crate::venue::exchange::placing::OrderName;

#[test]
fn the_best_price_trades_first_and_at_a_price_who_came_first() {
    let (mut w, ids) = World::with(&["100000", "100000", "100000"]);
    w.place(ids[0], sell(BTC, "50001", "0.01"));
    w.place(ids[1], sell(BTC, "50000", "0.01"));
    w.place(ids[0], sell(BTC, "50000", "0.01"));
    let taken = w.place(ids[2], buy(BTC, "50001", "0.015"));
    assert_eq!(taken, Placed::Filled { oid: 4, quantity: "0.015".parse().unwrap(), price: "50000".parse().unwrap() });
    assert_eq!([w.position(ids[0], BTC), w.position(ids[1], BTC)], ["-0.005", "-0.01"]);
    assert_eq!(w.told(), ["1 resting", "2 resting", "3 resting", "2 filled", "4 filled"]);
}

#[test]
fn fees_are_those_of_the_schedule_and_both_sides_share_the_trade() {
    let (mut w, ids) = World::with(&["100000", "100000"]);
    w.place(ids[0], sell(BTC, "50000", "0.01"));
    w.place(ids[1], buy(BTC, "50000", "0.01"));
    let fills: Vec<_> =
        w.news.iter().filter_map(|n| if let News::Fill(fill) = n { Some(*fill) } else { None }).collect();
    let fee = |fee| if let crate::venue::exchange::news::Fee::Quote(fee) = fee { fee.to_string() } else { panic!() };
    assert_eq!(
        [fee(fills[0].fee), fee(fills[1].fee)],
        ["0.225", "0.075"],
        "0.045 % for the taker, 0.015 % for the maker"
    );
    assert_eq!(fills[0].trade_id, fills[1].trade_id);
    assert!(fills[0].is_taker && !fills[1].is_taker);
}

#[test]
fn what_is_left_of_a_limit_order_rests_and_of_an_immediate_one_is_dropped() {
    let (mut w, ids) = World::with(&["100000", "100000"]);
    w.place(ids[0], sell(BTC, "50000", "0.01"));
    let ioc = NewOrder { time_in_force: TimeInForce::Ioc, ..buy(BTC, "50000", "0.02") };
    assert!(matches!(w.place(ids[1], ioc), Placed::Filled { quantity, .. } if quantity == "0.01".parse().unwrap()));
    assert_eq!(w.told().last().unwrap(), "2 cancelled ioc_cancel");
    assert_eq!(refused(w.place(ids[1], ioc)), "no_liquidity", "nobody sells");
    w.place(ids[0], sell(BTC, "50010", "0.01"));
    assert_eq!(refused(w.place(ids[1], ioc)), "ioc_cancel", "nobody sells so low");
    w.place(ids[0], sell(BTC, "50000", "0.01"));
    assert!(matches!(w.place(ids[1], buy(BTC, "50000", "0.02")), Placed::Filled { .. }));
    assert_eq!(w.exchange.market(BTC).unwrap().book.best(Side::Buy), Some("50000".parse().unwrap()));
}

#[test]
fn a_post_only_order_that_would_take_is_refused_with_the_best_prices() {
    let (mut w, ids) = World::with(&["100000", "100000"]);
    w.place(ids[0], sell(BTC, "50000", "0.01"));
    w.place(ids[0], buy(BTC, "49990", "0.01"));
    let alo = |price| NewOrder { time_in_force: TimeInForce::Alo, ..buy(BTC, price, "0.01") };
    let Placed::Refused(refusal) = w.place(ids[1], alo("50000")) else { panic!() };
    assert_eq!(refusal.touch, Some(("49990".parse().unwrap(), "50000".parse().unwrap())));
    assert!(matches!(w.place(ids[1], alo("49999")), Placed::Resting { .. }));
}

#[test]
fn who_would_trade_with_himself_loses_the_resting_order_and_goes_on() {
    let (mut w, ids) = World::with(&["100000", "100000"]);
    w.place(ids[0], sell(BTC, "50000", "0.01"));
    w.place(ids[1], sell(BTC, "50000", "0.01"));
    w.place(ids[0], buy(BTC, "50000", "0.01"));
    assert_eq!(w.told(), ["1 resting", "2 resting", "1 cancelled self_trade_canceled", "2 filled", "3 filled"]);
    assert_eq!(w.position(ids[0], BTC), "0.01");
}

#[test]
fn what_breaks_the_rules_is_refused_and_leaves_no_trace() {
    let (mut w, ids) = World::with(&["1000", "100000"]);
    for (order, reason) in [
        (buy(BTC, "50000.5", "0.001"), "tick"),
        (buy(BTC, "50000", "0.000001"), "lot"),
        (buy(BTC, "50000", "0"), "lot"),
        (buy(BTC, "50000", "0.0001"), "min_notional"),
        (NewOrder { reduce_only: true, ..buy(BTC, "50000", "0.001") }, "reduce_only"),
        (buy(BTC, "50000", "1"), "perp_margin"),
        (buy(InstrumentId(9), "1", "1"), "no_liquidity"),
    ] {
        assert_eq!(refused(w.place(ids[0], order)), reason, "{order:?}");
    }
    w.print(ids[1], ids[0], "50000");
    w.advance(3);
    assert_eq!(refused(w.place(ids[0], buy(BTC, "2000", "0.01"))), "price_band");
    w.news.clear();
    let account = w.exchange.account(ids[0]).unwrap();
    assert!(account.orders.is_empty());
}

#[test]
fn a_modify_is_a_cancel_and_a_new_order_with_a_new_id() {
    let (mut w, ids) = World::with(&["10000", "100000"]);
    let oid = World::oid(w.place(ids[0], NewOrder { cloid: Some(Cloid(1)), ..buy(BTC, "50000", "0.001") }));
    let to = NewOrder { cloid: Some(Cloid(1)), ..buy(BTC, "50001", "0.002") };
    let placed = w.exchange.modify(ids[0], OrderName::Oid(oid), to).unwrap();
    w.checked();
    assert_eq!(placed, Some(Placed::Resting { oid: 2 }));
    assert_eq!(w.told(), ["1 resting", "1 cancelled requested", "2 resting"]);
    assert_eq!(w.exchange.account(ids[0]).unwrap().find(Cloid(1)), Some(2));
    assert_eq!(w.exchange.modify(ids[0], OrderName::Oid(oid), to).unwrap(), None, "it is gone");
    let refused = w.exchange.modify(ids[0], OrderName::Cloid(Cloid(1)), buy(BTC, "50000.5", "1")).unwrap();
    w.checked();
    assert!(matches!(refused, Some(Placed::Refused(_))));
    assert!(w.exchange.account(ids[0]).unwrap().orders.is_empty(), "the old order is gone all the same");
    let other = World::oid(w.place(ids[1], sell(BTC, "60000", "0.001")));
    assert_eq!(w.exchange.modify(ids[0], OrderName::Oid(other), to).unwrap(), None, "it is another's");
}

#[test]
fn reduce_only_orders_are_cut_to_the_position_and_the_oldest_give_way() {
    let (mut w, ids) = World::with(&["100000", "100000"]);
    w.place(ids[1], sell(BTC, "50000", "0.01"));
    w.place(ids[0], buy(BTC, "50000", "0.01"));
    let reduce = |price| NewOrder { reduce_only: true, ..sell(BTC, price, "0.01") };
    let first = World::oid(w.place(ids[0], reduce("51000")));
    let second = World::oid(w.place(ids[0], reduce("52000")));
    w.place(ids[1], buy(BTC, "52000", "0.005"));
    // The newest has the whole position to itself: what was filled of the older one leaves less for both.
    let leaves = |oid| w.exchange.order(oid).map(|order| order.leaves.to_string());
    assert_eq!((leaves(first), leaves(second)), (None, Some("0.005".into())));
    assert!(w.told().contains(&format!("{first} cancelled reduce_only_canceled")));
    w.place(ids[1], buy(BTC, "52000", "0.02"));
    assert_eq!(w.position(ids[0], BTC), "0", "it never flips");
}

#[test]
fn a_stop_works_once_the_mark_has_reached_it() {
    let (mut w, ids) = World::with(&["100000", "100000"]);
    w.print(ids[1], ids[0], "50000");
    w.place(ids[1], buy(BTC, "49990", "1"));
    w.place(ids[1], sell(BTC, "50010", "1"));
    w.advance(3);
    assert_eq!(refused(w.place(ids[0], stop(Side::Sell, "50100", "0.01"))), "bad_trigger_px");
    let waiting = w.place(ids[0], stop(Side::Sell, "49500", "0.01"));
    let oid = World::oid(waiting);
    // The book goes down, and the mark with it.
    for other in w.exchange.account(ids[1]).unwrap().orders.clone() {
        w.exchange.drop_order(other, crate::order::Reason::Requested).unwrap();
    }
    w.place(ids[1], buy(BTC, "49000", "1"));
    w.place(ids[1], sell(BTC, "49010", "1"));
    w.told();
    w.advance(3);
    assert_eq!(w.told(), [format!("{oid} triggered"), format!("{oid} filled")]);
    assert_eq!(w.position(ids[0], BTC), "0");
}

#[test]
fn children_wake_when_their_parent_is_filled_and_one_filled_takes_the_other_away() {
    let (mut w, ids) = World::with(&["100000", "100000"]);
    w.place(ids[1], buy(BTC, "49990", "1"));
    w.place(ids[1], sell(BTC, "50010", "1"));
    w.advance(3);
    let group = [buy(BTC, "49999", "0.01"), gain(Side::Sell, "51000", "0.01"), stop(Side::Sell, "49500", "0.01")];
    let placed = w.group(ids[0], &group, Grouping::Children);
    assert_eq!(placed[1..], [Placed::WaitingForFill; 2]);
    let parent = World::oid(placed[0]);
    w.told();
    w.place(ids[1], sell(BTC, "49999", "0.005"));
    assert_eq!(w.told(), ["6 filled"], "a part of the parent wakes nobody");
    w.place(ids[1], sell(BTC, "49999", "0.005"));
    let (first, second) = (parent + 1, parent + 2);
    assert_eq!(
        w.told(),
        [format!("{parent} filled"), "7 filled".into(), format!("{first} resting"), format!("{second} resting")]
    );
    for other in w.exchange.account(ids[1]).unwrap().orders.clone() {
        w.exchange.drop_order(other, crate::order::Reason::Requested).unwrap();
    }
    w.place(ids[1], buy(BTC, "51100", "1"));
    w.place(ids[1], sell(BTC, "51110", "1"));
    w.told();
    w.advance(3);
    assert_eq!(
        w.told(),
        [
            format!("{first} triggered"),
            format!("{first} filled"),
            format!("{second} cancelled sibling_filled_canceled")
        ]
    );
}

#[test]
fn children_go_with_their_parent() {
    let (mut w, ids) = World::with(&["100000"]);
    let group = [buy(BTC, "50000", "0.01"), stop(Side::Sell, "49500", "0.01")];
    let placed = w.group(ids[0], &group, Grouping::Children);
    w.exchange.cancel(ids[0], BTC, OrderName::Oid(World::oid(placed[0]))).unwrap();
    w.checked();
    assert_eq!(w.told(), ["1 resting", "1 cancelled requested", "2 cancelled parent_canceled"]);
    let group = [buy(BTC, "50000", "100"), stop(Side::Sell, "49500", "0.01")];
    let placed = w.group(ids[0], &group, Grouping::Children);
    assert_eq!([refused(placed[0]), refused(placed[1])], ["perp_margin", "parent_canceled"]);
    assert!(w.exchange.account(ids[0]).unwrap().orders.is_empty());
}

#[test]
fn an_order_for_the_position_follows_its_size_and_goes_with_it() {
    let (mut w, ids) = World::with(&["100000", "100000"]);
    w.place(ids[1], sell(BTC, "50000", "0.02"));
    w.place(ids[0], buy(BTC, "50000", "0.01"));
    w.place(ids[1], buy(BTC, "49990", "1"));
    w.advance(3);
    let placed = w.group(ids[0], &[stop(Side::Sell, "49500", "0")], Grouping::Position);
    assert_eq!(placed, [Placed::WaitingForTrigger]);
    w.place(ids[0], buy(BTC, "50000", "0.01"));
    w.told();
    w.place(ids[0], sell(BTC, "49990", "0.02"));
    assert_eq!(w.told(), ["4 cancelled reduce_only_canceled", "6 filled"]);
}

#[test]
fn a_scheduled_cancel_takes_everything_of_its_account_away() {
    let (mut w, ids) = World::with(&["100000", "100000"]);
    w.place(ids[0], buy(BTC, "50000", "0.01"));
    w.place(ids[0], buy(ETH, "2000", "0.1"));
    w.place(ids[1], buy(BTC, "50000", "0.01"));
    w.exchange.schedule_cancel(ids[0], Some(START.after(Nanos::from_raw(10 * Nanos::SECOND.raw()))));
    w.told();
    w.advance(9);
    assert_eq!(w.told(), [] as [&str; 0]);
    w.advance(1);
    assert_eq!(w.told(), ["1 cancelled scheduled_cancel", "2 cancelled scheduled_cancel"]);
    assert_eq!(w.exchange.firings_left(ids[0]), 9);
}

#[test]
fn an_order_over_time_is_sent_in_slices() {
    use crate::venue::exchange::news::{TwapState, TwapStatus};
    let (mut w, ids) = World::with(&["1000000", "1000000"]);
    w.place(ids[1], buy(BTC, "49990", "1"));
    w.place(ids[1], sell(BTC, "50000", "1"));
    let state = TwapState {
        instrument: BTC,
        side: Side::Buy,
        quantity: "0.1".parse().unwrap(),
        executed: Qty::ZERO,
        notional: Money::ZERO,
        minutes: 5,
        reduce_only: false,
        is_random: false,
        start: START,
    };
    let id = w.exchange.start_twap(ids[0], state);
    w.advance(0);
    assert_eq!(w.position(ids[0], BTC), "0.01", "ten slices of half a minute each, the first at once");
    w.advance(300);
    assert_eq!(w.position(ids[0], BTC), "0.1");
    let last = w
        .news
        .iter()
        .rev()
        .find_map(|n| if let News::Twap { id: of, status, .. } = n { Some((*of, *status)) } else { None });
    assert_eq!(last, Some((id, TwapStatus::Finished)));
    assert!(!w.exchange.cancel_twap(ids[0], id));
}
