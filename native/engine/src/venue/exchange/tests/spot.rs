use super::*;
use crate::venue::exchange::news::Fee;

fn world() -> (World, Vec<AccountId>) {
    let (mut w, ids) = World::with(&["0", "0"]);
    w.exchange.deposit_token(ids[0], USDC, "1000".parse().unwrap()).unwrap();
    w.exchange.deposit_token(ids[1], PURR, "5000".parse().unwrap()).unwrap();
    (w, ids)
}

#[test]
fn a_buyer_pays_its_fee_in_what_it_bought_and_a_seller_in_money() {
    let (mut w, ids) = world();
    w.place(ids[1], sell(PAIR, "0.2", "1000"));
    w.place(ids[0], buy(PAIR, "0.25", "1000"));
    let fills: Vec<_> =
        w.news.iter().filter_map(|n| if let News::Fill(fill) = n { Some(*fill) } else { None }).collect();
    assert_eq!(fills[0].fee, Fee::Base("0.7".parse().unwrap()), "0.07 % of a thousand");
    assert_eq!(fills[1].fee, Fee::Quote("0.08".parse().unwrap()), "0.04 % of 200");
    let total = |account, token| w.exchange.balance(account, token).total.to_string();
    assert_eq!([total(ids[0], USDC), total(ids[0], PURR)], ["800", "999.3"]);
    assert_eq!([total(ids[1], USDC), total(ids[1], PURR)], ["199.92", "4000"]);
}

#[test]
fn what_an_order_needs_is_held_until_it_is_done() {
    let (mut w, ids) = world();
    let oid = World::oid(w.place(ids[0], buy(PAIR, "0.2", "4000")));
    let hold = |w: &World| w.exchange.balance(ids[0], USDC).hold.to_string();
    assert_eq!(hold(&w), "800");
    assert_eq!(refused(w.place(ids[0], buy(PAIR, "0.2", "2000"))), "spot_balance");
    w.place(ids[1], sell(PAIR, "0.2", "1000"));
    assert_eq!(hold(&w), "600");
    w.exchange.drop_order(oid, crate::order::Reason::Requested).unwrap();
    w.checked();
    assert_eq!(hold(&w), "0");
    assert_eq!(refused(w.place(ids[1], sell(PAIR, "0.2", "4001"))), "spot_balance", "a thousand have been sold");
}
