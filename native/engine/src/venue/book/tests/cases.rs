//! The worked cases.

use super::*;

const BUY: Side = Side::Buy;
const SELL: Side = Side::Sell;

/// A1: the risk-averse queue, row by row.
#[test]
fn a1_only_trades_move_an_order_up_in_the_risk_averse_queue() {
    let mut w = World::l2();
    w.level(BUY, "100", "10");
    let own = w.order(BUY, "3", "100", TimeInForce::Gtc);
    assert_eq!((w.ahead(own), w.news()), (Some(qty("10")), vec!["resting".into()]));
    w.trade(SELL, "100", "4");
    assert_eq!(w.ahead(own), Some(qty("6")));
    w.level(BUY, "100", "6");
    assert_eq!(w.ahead(own), Some(qty("6")));
    w.level(BUY, "100", "5");
    assert_eq!(w.ahead(own), Some(qty("5")));
    w.level(BUY, "100", "9");
    assert_eq!(w.ahead(own), Some(qty("5")));
    w.trade(SELL, "100", "6");
    assert_eq!(w.news(), ["1 @ 100 queue fee 0.015"]);
    w.trade(SELL, "99.9", "1.5");
    assert_eq!(w.fills(), ["1.5 @ 100 through"]);
    w.part(BUY, "100", "0").level(SELL, "100", "0.2");
    assert_eq!(w.fills(), ["0.2 @ 100 cross"]);
    assert_eq!(w.position(), qty("2.7"));
}

/// A3, in the book: what was traded is no cancel.
#[test]
fn a3_a_trade_and_then_a_cancel_move_the_order_up_by_both() {
    let mut w = World::with(BookKind::L2, |c, _| c.book.queue = QueueModel::Power1(2.0));
    w.level(BUY, "100", "60");
    let own = w.order(BUY, "3", "100", TimeInForce::Gtc);
    w.level(BUY, "100", "100").trade(SELL, "100", "20");
    assert_eq!(w.ahead(own), Some(qty("40")));
    w.level(BUY, "100", "70");
    assert_eq!(w.ahead(own), Some(qty("35")));
}

/// A3, second: no credit without volume.
#[test]
fn a3_a_cancel_behind_us_gives_no_credit() {
    let mut w = World::with(BookKind::L2, |c, _| c.book.queue = QueueModel::Power3(0.5));
    w.level(BUY, "100", "1");
    let own = w.order(BUY, "3", "100", TimeInForce::Gtc);
    w.level(BUY, "100", "100").level(BUY, "100", "50");
    assert_eq!(w.ahead(own), Some(Qty::ZERO));
    w.trade(SELL, "100", "1");
    assert_eq!(w.fills(), ["1 @ 100 queue"]);
}

fn l3(kind: RowKind, id: u64, quantity: &str) -> Row {
    World::plain(kind, BUY, "100", quantity).of(id).marked(Flags::LAST)
}

/// A4: exact priority in a book of orders.
#[test]
fn a4_orders_ahead_leave_and_an_order_behind_that_is_filled_fills_us_first() {
    let mut w = World::with(BookKind::L3, |_, _| {});
    w.row(l3(RowKind::OrderAdd, 1, "5")).row(l3(RowKind::OrderAdd, 2, "7"));
    w.trade(SELL, "100", "1"); // prints only inform in a book of orders
    let own = w.order(BUY, "4", "100", TimeInForce::Gtc);
    w.row(l3(RowKind::OrderAdd, 3, "6"));
    assert_eq!(w.ahead(own), Some(qty("12")));
    w.row(l3(RowKind::OrderCancel, 2, "3"));
    assert_eq!(w.ahead(own), Some(qty("9")));
    w.row(l3(RowKind::OrderFill, 1, "5"));
    assert_eq!(w.ahead(own), Some(qty("4")));
    w.row(l3(RowKind::OrderFill, 2, "4"));
    assert_eq!(w.ahead(own), Some(Qty::ZERO));
    w.row(l3(RowKind::OrderFill, 3, "2"));
    assert_eq!(w.fills(), ["2 @ 100 l3"]);
    w.row(l3(RowKind::OrderFill, 3, "4"));
    assert_eq!(w.fills(), ["2 @ 100 l3"]);
    assert_eq!(w.ahead(own), None);
}

#[test]
fn an_order_that_moves_or_grows_goes_behind_us() {
    let mut w = World::with(BookKind::L3, |_, _| {});
    w.row(l3(RowKind::OrderAdd, 1, "5")).row(l3(RowKind::OrderAdd, 2, "7"));
    let own = w.order(BUY, "4", "100", TimeInForce::Gtc);
    w.row(l3(RowKind::OrderModify, 1, "8"));
    assert_eq!(w.ahead(own), Some(qty("7")));
    w.row(l3(RowKind::OrderModify, 2, "6"));
    assert_eq!(w.ahead(own), Some(qty("6")), "less keeps the place");
}

/// A5: one budget over all own orders of a level.
#[test]
fn a5_a_print_fills_our_orders_at_most_once() {
    let mut w = World::l2();
    w.level(BUY, "100", "10");
    let x = w.order(BUY, "4", "100", TimeInForce::Gtc);
    w.level(BUY, "100", "16");
    let y = w.order(BUY, "5", "100", TimeInForce::Gtc);
    assert_eq!((w.ahead(x), w.ahead(y)), (Some(qty("10")), Some(qty("16"))));
    w.trade(SELL, "100", "12");
    assert_eq!((w.fills(), w.ahead(y)), (vec!["2 @ 100 queue".into()], Some(qty("6"))));
    w.trade(SELL, "100", "5");
    assert_eq!((w.fills(), w.ahead(y)), (vec!["2 @ 100 queue".into()], Some(qty("3"))));
    w.trade(SELL, "100", "8");
    assert_eq!(w.fills(), ["5 @ 100 queue"]);
}

/// A6: taking uses levels up, and the remainder rests.
#[test]
fn a6_what_we_took_is_gone_and_only_new_quantity_fills_the_rest() {
    let mut w = World::l2();
    w.part(SELL, "100.0", "2").part(SELL, "100.1", "3").level(SELL, "100.3", "5");
    let own = w.order(BUY, "6", "100.1", TimeInForce::Gtc);
    assert_eq!(w.news(), ["2 @ 100 taker fee 0.09", "3 @ 100.1 taker fee 0.135135", "resting"]);
    assert_eq!(w.ahead(own), Some(Qty::ZERO));
    w.order(BUY, "7", "100.3", TimeInForce::Ioc);
    assert_eq!(w.news(), ["5 @ 100.3 taker fee 0.225675", "cancelled ioc_cancel"]);
    w.trade(SELL, "100.1", "0.4");
    assert_eq!(w.news(), ["0.4 @ 100.1 queue fee 0.006006"]);
    w.level(SELL, "100.1", "4");
    assert_eq!(w.news(), ["0.6 @ 100.1 cross fee 0.009009", "filled"]);
}

/// A6, second: between a trade and its update the book is stale.
#[test]
fn a6_what_was_traded_cannot_be_taken_before_the_book_says_so() {
    let mut w = World::l2();
    w.level(SELL, "100", "10").trade(BUY, "100", "8");
    w.order(BUY, "5", "100", TimeInForce::Ioc);
    assert_eq!(w.fills(), ["2 @ 100 taker"]);
    w.level(SELL, "100", "2");
    w.order(BUY, "5", "100", TimeInForce::Ioc);
    assert_eq!(w.news(), ["rejected ioc_cancel"], "two of two were taken");
}

#[test]
fn taken_quantity_is_forgotten_once_its_level_is_gone_or_the_option_says_so() {
    let mut w = World::with(BookKind::L2, |c, _| c.book.taken_decay = Some(Nanos::SECOND));
    w.level(SELL, "100", "10");
    w.order(BUY, "3", "100", TimeInForce::Ioc);
    w.level(SELL, "100", "12");
    w.order(BUY, "20", "100", TimeInForce::Ioc);
    assert_eq!(w.fills(), ["3 @ 100 taker", "9 @ 100 taker"], "12 with 3 taken offers 9");
    w.now += 2 * Nanos::SECOND.raw();
    w.order(BUY, "20", "100", TimeInForce::Ioc);
    assert_eq!(w.fills(), ["12 @ 100 taker"], "a second later nobody remembers");
    w.level(SELL, "100", "0").level(SELL, "100", "1");
    w.order(BUY, "20", "100", TimeInForce::Ioc);
    assert_eq!(w.fills(), ["1 @ 100 taker"]);
}

/// A7: the venue's refusals.
#[test]
fn a7_refusals_name_their_reason() {
    let mut w = World::with(BookKind::L2, |_, i| {
        i.min_notional = "10".parse().unwrap();
        i.lot_size = qty("0.001");
    });
    w.part(BUY, "99", "10").level(SELL, "100", "10");
    w.order(BUY, "0.099", "100", TimeInForce::Gtc);
    w.order(BUY, "1", "100", TimeInForce::Alo);
    w.order(BUY, "1", "99.9", TimeInForce::Ioc);
    w.order(BUY, "1", "99.95", TimeInForce::Gtc);
    w.order(BUY, "0.1005", "100", TimeInForce::Gtc);
    w.order(BUY, "1", "200", TimeInForce::Gtc);
    w.order(BUY, "100", "100", TimeInForce::Fok);
    let late = Nanos::from_raw(w.now - 1);
    w.place(BUY, "1", OrderKind::Limit { price: price("99") }, |o| o.expires_after = Some(late));
    w.place(BUY, "1", OrderKind::Limit { price: price("99") }, |o| o.reduce_only = true);
    w.place(SELL, "1", OrderKind::Stop { trigger: price("99.9") }, |_| {});
    let refused = ["min_notional", "bad_alo_px", "ioc_cancel", "tick", "lot", "price_band", "ioc_cancel"];
    let expected: Vec<String> = refused
        .iter()
        .chain(&["expired_action", "reduce_only", "bad_trigger_px"])
        .map(|r| format!("rejected {r}"))
        .collect();
    assert_eq!(w.news(), expected);
}

/// A7, second: reduce-only clips, and never opens.
#[test]
fn a7_reduce_only_orders_fill_no_more_than_the_position() {
    let mut w = World::l2();
    w.part(BUY, "99", "10").level(SELL, "100", "10");
    w.market(BUY, "3");
    w.news();
    w.place(SELL, "5", OrderKind::Limit { price: price("99") }, |o| o.reduce_only = true);
    assert_eq!(w.fills(), ["3 @ 99 taker"]);
    assert_eq!(w.position(), Qty::ZERO);
}

#[test]
fn resting_reduce_only_orders_shrink_with_the_position_the_oldest_first() {
    let mut w = World::l2();
    w.part(BUY, "99", "10").level(SELL, "100", "10");
    w.market(BUY, "3");
    let reduce =
        |w: &mut World, at: &str| w.place(SELL, "2", OrderKind::Limit { price: price(at) }, |o| o.reduce_only = true);
    let (old, new) = (reduce(&mut w, "101"), reduce(&mut w, "102"));
    w.news();
    w.market(SELL, "1.5");
    let leaves =
        |w: &World, cloid| w.venue.matching().markets[0].own.iter().find(|o| o.event.cloid == cloid).map(|o| o.leaves);
    assert_eq!((leaves(&w, old), leaves(&w, new)), (None, Some(qty("1.5"))));
    assert!(w.news().contains(&"cancelled reduce_only_canceled".to_owned()));
}

/// A9: a modify loses the queue on Hyperliquid, and keeps it elsewhere.
#[test]
fn a9_less_at_the_same_price_loses_the_queue_on_hyperliquid_only() {
    for (keeps, ahead) in [(true, "8"), (false, "20")] {
        let mut w = World::with(BookKind::L2, |c, _| c.book.modify_keeps_queue = keeps);
        w.level(BUY, "100", "8");
        let own = w.order(BUY, "5", "100", TimeInForce::Gtc);
        w.level(BUY, "100", "20");
        let oid = |w: &World| w.venue.matching().markets[0].own.iter().next().unwrap().oid;
        let before = oid(&w);
        w.modify(own, "100", "3");
        assert_eq!((w.ahead(own), oid(&w) == before), (Some(qty(ahead)), keeps));
    }
}

#[test]
fn a_modify_whose_new_order_is_refused_leaves_nothing_on_hyperliquid() {
    for (keeps, rests) in [(true, true), (false, false)] {
        let mut w = World::with(BookKind::L2, |c, _| c.book.modify_keeps_old = keeps);
        w.part(BUY, "99", "8").level(SELL, "100", "5");
        let own = w.order(BUY, "5", "99", TimeInForce::Alo);
        w.news();
        w.modify(own, "100", "5");
        let word = if keeps { "action_rejected bad_alo_px" } else { "rejected bad_alo_px" };
        assert_eq!((w.news(), w.ahead(own).is_some()), (vec![word.to_owned()], rests));
    }
}

/// A9, second: what is gone cannot be cancelled or changed.
#[test]
fn a9_a_cancel_or_modify_that_comes_too_late_finds_nothing() {
    let mut w = World::l2();
    w.level(BUY, "100", "1");
    let own = w.order(BUY, "5", "100", TimeInForce::Gtc);
    w.trade(SELL, "100", "6");
    assert_eq!(w.news().last().unwrap(), "filled");
    w.cancel(own);
    w.modify(own, "99", "5");
    assert_eq!(w.news(), ["action_rejected not_found", "action_rejected not_found"]);
}

/// A16: an own order in the way is taken out of it, without a fee.
#[test]
fn a16_a_taker_that_reaches_our_own_order_cancels_it_and_goes_on() {
    let mut w = World::l2();
    w.level(SELL, "100.1", "3");
    w.order(SELL, "2", "100.1", TimeInForce::Gtc);
    w.news();
    w.order(BUY, "5", "100.1", TimeInForce::Ioc);
    let news = w.news();
    assert_eq!(news[0], "3 @ 100.1 taker fee 0.135135");
    assert_eq!(news[1..], ["cancelled self_trade_canceled", "cancelled ioc_cancel"]);
}

/// A16: slices catch up, up to three times their share.
#[test]
fn a16_a_twap_sends_what_is_missing_every_half_minute() {
    let mut w = World::with(BookKind::L2, |_, i| i.lot_size = qty("0.1"));
    w.part(BUY, "99", "10").level(SELL, "100", "100");
    w.place(BUY, "10", OrderKind::Twap { duration: Nanos::from_raw(5 * Nanos::MINUTE.raw()) }, |_| {});
    let mut sent = Vec::new();
    for executed in ["1", "0", "0.5", "0", "0"] {
        // The book offers as much as is to be executed.
        w.level(SELL, "100", "0");
        if executed != "0" {
            w.level(SELL, "100", executed);
        }
        let due = w.venue.matching().next_time().unwrap();
        w.now = w.now.max(due.raw());
        let twap = w.venue.matching().timed.peek().unwrap();
        sent.push(twap.to_string());
        let (ledger, matching) = w.venue.parts();
        matching.on_time(ledger, due, &mut w.reports).unwrap();
    }
    assert_eq!(sent, ["1", "1", "2", "2.5", "3"]);
    assert_eq!(w.position(), qty("1.5"));
}

#[test]
fn a_price_behind_the_last_visible_level_has_an_unknown_queue() {
    let mut w = World::l2();
    let shot = |side, at: &str, quantity: &str| World::plain(RowKind::BookSnapshot, side, at, quantity);
    w.row_now(shot(BUY, "100", "5").marked(Flags::FIRST)).row_now(shot(BUY, "99", "5"));
    w.row(shot(SELL, "101", "5").marked(Flags::LAST));
    let own = w.order(BUY, "1", "98", TimeInForce::Gtc);
    assert_eq!(w.ahead(own), None);
    w.trade(SELL, "98", "50");
    assert_eq!(w.fills(), [""; 0], "no queue fill where nobody knows the queue");
    w.row_now(shot(BUY, "99", "5").marked(Flags::FIRST)).row_now(shot(BUY, "98", "7"));
    w.row(shot(SELL, "101", "5").marked(Flags::LAST));
    assert_eq!(w.ahead(own), Some(qty("7")), "everybody there came before us");
    w.trade(SELL, "97", "3");
    assert_eq!(w.fills(), ["1 @ 98 through"]);
}

#[test]
fn whole_fills_take_the_whole_order_once_the_queue_is_passed() {
    let mut w = World::with(BookKind::L2, |c, _| c.book.partial_fills = false);
    w.part(BUY, "100", "10").level(SELL, "101", "1");
    w.order(BUY, "3", "100", TimeInForce::Gtc);
    w.trade(SELL, "100", "10");
    assert_eq!(w.fills(), [""; 0], "the queue is used up, no more");
    w.trade(SELL, "100", "0.1");
    assert_eq!(w.fills(), ["3 @ 100 queue"]);
    w.order(BUY, "7", "101", TimeInForce::Gtc);
    assert_eq!(w.fills(), ["7 @ 101 taker"], "any size at the best price");
}

#[test]
fn a_halted_instrument_takes_no_orders_and_a_post_only_period_only_makers() {
    let mut w = World::l2();
    let status = |aux| Row { aux, ..Row::new(RowKind::Status, ID, Nanos::ZERO, Nanos::ZERO) };
    w.part(BUY, "99", "1").level(SELL, "100", "1").row(status(1));
    w.order(BUY, "1", "99", TimeInForce::Gtc);
    w.order(BUY, "1", "99", TimeInForce::Alo);
    w.row(status(2));
    w.order(BUY, "1", "99", TimeInForce::Alo);
    assert_eq!(w.news(), ["rejected post_only_period", "resting", "rejected halted"]);
}

#[test]
fn in_a_recorded_silence_an_action_waits_for_the_next_word_of_the_book() {
    let mut w = World::l2();
    w.part(BUY, "99", "1").level(SELL, "100", "1");
    w.now += 61 * Nanos::SECOND.raw();
    w.market(BUY, "1");
    assert_eq!(w.news(), [""; 0], "nobody knows what 100 is worth after a minute of silence");
    w.part(SELL, "100", "0").level(SELL, "120", "1");
    assert_eq!(
        w.news(),
        [""; 0].map(str::to_owned).into_iter().chain(["rejected ioc_cancel".to_owned()]).collect::<Vec<_>>()
    );
}

/// Nothing is asked twice: the same account at the same marks was found to need no liquidation.
#[test]
fn a_row_that_moves_no_mark_leaves_nothing_to_settle() {
    let last = |side, at: &str| World::plain(RowKind::BookDelta, side, at, "10").marked(Flags::LAST);
    let mut w = World::l2();
    w.level(BUY, "100", "10").level(SELL, "101", "10");
    w.market(BUY, "1");
    w.level(SELL, "102", "10");
    assert!(!w.row_now(last(BUY, "99")).venue.matching().is_unsettled());
    assert!(w.row_now(last(BUY, "100.5")).venue.matching().is_unsettled(), "the mark moved");
    w.settle();
    assert!(!w.row_now(last(BUY, "98")).venue.matching().is_unsettled());
    w.market(BUY, "1");
    assert!(w.row_now(last(BUY, "97")).venue.matching().is_unsettled(), "the account is another");
}
