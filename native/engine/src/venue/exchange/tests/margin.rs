use super::*;
use crate::instrument::MarginMode;

#[test]
fn who_falls_below_maintenance_is_sold_into_the_book() {
    let (mut w, ids) = World::with(&["300", "1000000"]);
    w.place(ids[1], sell(BTC, "50000", "0.1"));
    w.place(ids[0], buy(BTC, "50000", "0.1"));
    // 5,000 at 20x, of 300: maintenance is 1/80 of the notional, so about 47,620 is the end.
    w.place(ids[1], buy(BTC, "47590", "1"));
    w.place(ids[1], sell(BTC, "47600", "1"));
    w.place(ids[0], buy(BTC, "40000", "0.001"));
    w.told();
    w.advance(3);
    let told = w.told();
    assert!(told[0].ends_with("cancelled liquidated_canceled"), "{told:?}");
    assert_eq!(w.position(ids[0], BTC), "0");
    let left = w.exchange.account(ids[0]).unwrap().ledger.account().equity().unwrap();
    assert!(left.is_positive() && left < "100".parse().unwrap(), "what is left is the customer's: {left}");
}

#[test]
fn who_is_far_below_maintenance_goes_to_the_backstop() {
    let (mut w, ids) = World::with(&["300", "1000000"]);
    w.place(ids[1], sell(BTC, "50000", "0.1"));
    w.place(ids[0], buy(BTC, "50000", "0.1"));
    w.place(ids[1], buy(BTC, "47200", "1"));
    w.place(ids[1], sell(BTC, "47210", "1"));
    w.advance(3);
    assert_eq!(w.position(ids[0], BTC), "0");
    assert_eq!(w.exchange.account(ids[0]).unwrap().ledger.account().equity().unwrap(), Money::ZERO);
    let is_backstop = |n: &News| matches!(n, News::Fill(fill) if fill.liquidation.is_some_and(|l| l.is_backstop));
    assert!(w.news.iter().any(is_backstop));
}

#[test]
fn funding_is_paid_from_the_long_to_the_short_on_the_hour() {
    let (mut w, ids) = World::with(&["100000", "100000"]);
    w.place(ids[1], sell(BTC, "50000", "0.1"));
    w.place(ids[0], buy(BTC, "50000", "0.1"));
    w.place(ids[1], buy(BTC, "49990", "10"));
    w.place(ids[0], sell(BTC, "50010", "10"));
    w.exchange.market_mut(BTC).unwrap().oracle = Some("49500".parse().unwrap());
    w.news.clear();
    w.advance(3_600);
    let paid: Vec<_> = w
        .news
        .iter()
        .filter_map(|n| {
            if let News::Funding { account, payment, rate, .. } = n { Some((*account, *payment, *rate)) } else { None }
        })
        .collect();
    // The bid is 490 above the oracle of 49,500; less half a thousandth, an eighth of it.
    assert_eq!(paid.len(), 2);
    assert_eq!(paid[0].2.to_string(), "0.001174873737");
    assert_eq!((paid[0].0, paid[0].1.to_string()), (ids[0], "5.815624".into()));
    assert_eq!((paid[1].0, paid[1].1.to_string()), (ids[1], "-5.815624".into()));
}

#[test]
fn an_isolated_position_loses_no_more_than_its_margin() {
    let (mut w, ids) = World::with(&["10000", "1000000"]);
    w.exchange.set_leverage(ids[0], BTC, MarginMode::Isolated, 10);
    w.place(ids[1], sell(BTC, "50000", "0.1"));
    w.place(ids[0], buy(BTC, "50000", "0.1"));
    let margin = w.exchange.account(ids[0]).unwrap().ledger.isolated_margin(BTC);
    assert_eq!(margin.to_string(), "497.75", "a tenth, less the fee");
    assert!(w.exchange.add_margin(ids[0], BTC, "100".parse().unwrap()).unwrap());
    assert!(!w.exchange.add_margin(ids[0], BTC, "-200".parse().unwrap()).unwrap(), "the initial margin stays");
    assert!(!w.exchange.add_margin(ids[0], BTC, "100000".parse().unwrap()).unwrap(), "there is not as much");
    w.place(ids[1], buy(BTC, "40000", "1"));
    w.place(ids[1], sell(BTC, "40010", "1"));
    w.advance(3);
    assert_eq!(w.position(ids[0], BTC), "0");
    let left = w.exchange.account(ids[0]).unwrap().ledger.account().equity().unwrap();
    assert_eq!(left.to_string(), "9400", "600 were in it");
}

#[test]
fn what_can_be_withdrawn_leaves_the_margin_and_a_tenth_of_the_notional() {
    let (mut w, ids) = World::with(&["10000", "1000000"]);
    w.exchange.set_leverage(ids[0], BTC, MarginMode::Cross, 40);
    w.place(ids[1], sell(BTC, "50000", "0.1"));
    w.place(ids[0], buy(BTC, "50000", "0.1"));
    let free = w.exchange.account(ids[0]).unwrap().ledger.withdrawable().unwrap();
    assert_eq!(free.to_string(), "9497.75", "a tenth of 5,000 stays, more than a fortieth; 2.25 were the fee");
}
