use proptest::prelude::*;

use super::*;
use crate::book::BookKind;
use crate::instrument::MarginMode;
use crate::row::{Flags, Row, RowKind, RowSide};
use crate::venue::exchange::given::GivenMarkets;
use crate::venue::exchange::placing::OrderName;

#[derive(Debug, Clone)]
enum Action {
    Place { account: usize, order: NewOrder, grouping: Grouping, children: Vec<NewOrder> },
    Cancel { account: usize, oid: u64 },
    Modify { account: usize, oid: u64, order: NewOrder },
    Leverage { account: usize, isolated: bool, leverage: u32 },
    Pass { seconds: i64 },
    Print { buy: bool, price: i64, lots: i64 },
    Level { buy: bool, price: i64, lots: i64 },
}

fn orders() -> impl Strategy<Value = NewOrder> {
    let kinds = prop_oneof![4 => Just(TimeInForce::Gtc), 2 => Just(TimeInForce::Ioc), 1 => Just(TimeInForce::Alo)];
    let triggers = prop::option::weighted(0.3, (950_i64..1_050, any::<bool>(), any::<bool>()));
    (0_u32..3, any::<bool>(), 950_i64..1_050, 1_i64..300, kinds, prop::bool::weighted(0.3), triggers).prop_map(
        |(instrument, is_buy, price, lots, time_in_force, reduce_only, trigger)| {
            let spot = instrument == 2;
            let unit = if spot { UNIT / 1_000 } else { UNIT };
            NewOrder {
                instrument: InstrumentId(instrument),
                side: if is_buy { Side::Buy } else { Side::Sell },
                price: Price::from_raw(price * unit),
                quantity: Qty::from_raw(lots * if spot { 10 * UNIT } else { UNIT / 10 }),
                time_in_force,
                reduce_only: reduce_only && !spot,
                trigger: trigger.filter(|_| !spot).map(|(price, is_market, is_gain)| Trigger {
                    price: Price::from_raw(price * UNIT),
                    is_market,
                    is_gain,
                }),
                cloid: None,
                builder: Rate::ZERO,
            }
        },
    )
}

fn actions() -> impl Strategy<Value = Action> {
    let groupings =
        prop_oneof![6 => Just(Grouping::None), 2 => Just(Grouping::Children), 1 => Just(Grouping::Position)];
    prop_oneof![
        8 => (0_usize..3, orders(), groupings, prop::collection::vec(orders(), 0..3))
            .prop_map(|(account, order, grouping, children)| Action::Place { account, order, grouping, children }),
        3 => (0_usize..3, 1_u64..120).prop_map(|(account, oid)| Action::Cancel { account, oid }),
        2 => (0_usize..3, 1_u64..120, orders())
            .prop_map(|(account, oid, order)| Action::Modify { account, oid, order }),
        1 => (0_usize..3, any::<bool>(), 1_u32..40)
            .prop_map(|(account, isolated, leverage)| Action::Leverage { account, isolated, leverage }),
        2 => (1_i64..4_000).prop_map(|seconds| Action::Pass { seconds }),
        2 => (any::<bool>(), 950_i64..1_050, 1_i64..300)
            .prop_map(|(buy, price, lots)| Action::Print { buy, price, lots }),
        3 => (any::<bool>(), 950_i64..1_050, 0_i64..300)
            .prop_map(|(buy, price, lots)| Action::Level { buy, price, lots }),
    ]
}

fn row(kind: RowKind, buy: bool, price: i64, lots: i64, now: Nanos) -> Row {
    let side = if buy { RowSide::Buy } else { RowSide::Sell };
    let mut row =
        Row::new(kind, BTC, now, now).at(side, Price::from_raw(price * UNIT), Qty::from_raw(lots * UNIT / 10));
    row.flags = row.flags.with(Flags::LAST);
    row
}

fn carry_out(w: &mut World, given: &mut GivenMarkets, ids: &[AccountId], action: Action) {
    match action {
        Action::Place { account, order, grouping, children } => {
            let mut all = vec![order];
            if grouping != Grouping::None {
                all.extend(children.into_iter().filter(|child| child.instrument == order.instrument));
            }
            let all: Vec<NewOrder> = match grouping {
                Grouping::Position => all.into_iter().filter(|order| order.trigger.is_some()).collect(),
                Grouping::Children => {
                    let (first, rest) = all.split_at(1);
                    let parent = NewOrder { trigger: None, ..first[0] };
                    std::iter::once(parent).chain(rest.iter().copied().filter(|o| o.trigger.is_some())).collect()
                }
                Grouping::None => all,
            };
            w.exchange.place(ids[account], &all, grouping).unwrap();
        }
        Action::Cancel { account, oid } => {
            if let Some(instrument) = w.exchange.order(oid).map(|order| order.asked.instrument) {
                w.exchange.cancel(ids[account], instrument, OrderName::Oid(oid)).unwrap();
            }
        }
        Action::Modify { account, oid, order } => {
            w.exchange.modify(ids[account], OrderName::Oid(oid), order).unwrap();
        }
        Action::Leverage { account, isolated, leverage } => {
            if w.position(ids[account], BTC) == "0" {
                let mode = if isolated { MarginMode::Isolated } else { MarginMode::Cross };
                w.exchange.set_leverage(ids[account], BTC, mode, leverage);
            }
        }
        Action::Pass { seconds } => w.advance(seconds),
        Action::Print { buy, price, lots } => {
            let row = row(RowKind::Trade, buy, price, lots, w.exchange.now());
            given.on_row(&mut w.exchange, &row).unwrap();
        }
        Action::Level { buy, price, lots } => {
            let row = row(RowKind::BookDelta, buy, price, lots, w.exchange.now());
            given.on_row(&mut w.exchange, &row).unwrap();
        }
    }
}

proptest! {
    /// Whatever customers and the given market do: books, orders, holds and accounts agree; each fill's other side is there;
    /// an order's fills never exceed what was asked; what is done is told once.
    #[test]
    fn books_orders_and_accounts_agree_after_every_action(actions in prop::collection::vec(actions(), 1..80)) {
        let (mut w, ids) = World::with(&["100000", "20000", "1000000"]);
        for id in &ids {
            w.exchange.deposit_token(*id, USDC, "1000000".parse().unwrap()).unwrap();
            w.exchange.deposit_token(*id, PURR, "1000000".parse().unwrap()).unwrap();
        }
        let mut given = GivenMarkets::new(&[BookKind::L2; 3]);
        for action in actions {
            carry_out(&mut w, &mut given, &ids, action);
            w.checked();
        }
        let mut filled = std::collections::BTreeMap::<u64, i64>::new();
        let mut done = std::collections::BTreeSet::new();
        let mut positions = std::collections::BTreeMap::<(u32, u32), i64>::new();
        for news in &w.news {
            match news {
                News::Fill(fill) => {
                    *filled.entry(fill.order.oid).or_default() += fill.quantity.raw();
                    prop_assert!(filled[&fill.order.oid] <= fill.order.asked.quantity.raw().max(fill.order.filled.raw()));
                    prop_assert_eq!(filled[&fill.order.oid], fill.order.filled.raw());
                    let key = (fill.account.0, fill.order.asked.instrument.0);
                    let position = positions.entry(key).or_default();
                    if key.1 < 2 {
                        prop_assert_eq!(*position, fill.start_position.raw());
                    }
                    *position += fill.order.asked.side.signed(fill.quantity).raw();
                }
                News::Order { order, status, .. } if status.is_final() => {
                    prop_assert!(done.insert(order.oid), "order {} is done twice", order.oid);
                }
                News::Order { order, .. } => prop_assert!(!done.contains(&order.oid), "news of {} after its end", order.oid),
                _ => {}
            }
        }
        for ((account, instrument), position) in positions.into_iter().filter(|((_, i), _)| *i < 2) {
            let id = AccountId(account);
            let held = w.exchange.account(id).unwrap().ledger.account().position(InstrumentId(instrument)).quantity;
            prop_assert_eq!(held.raw(), position, "the sum of fills is the position");
        }
    }

    /// Among customers alone, without funding, nothing is made and nothing lost but fees.
    #[test]
    fn customers_trade_with_each_other_and_pay_only_fees(actions in prop::collection::vec(orders(), 1..80)) {
        let (mut w, ids) = World::with(&["100000", "200000", "1000000"]);
        for (index, order) in actions.into_iter().filter(|order| order.instrument.0 < 2).enumerate() {
            w.exchange.place(ids[index % 3], &[order], Grouping::None).unwrap();
            w.checked();
        }
        let (mut worth, mut paid) = (0_i64, 0_i64);
        for id in ids {
            let account = w.exchange.account(id).unwrap().ledger.account();
            let cost: i64 = account.positions().map(|(_, position, _)| position.cost.raw()).sum();
            worth += account.cash().raw() - cost;
            paid += account.lines().fees.raw() - account.lines().rebates.raw();
        }
        prop_assert_eq!(worth + paid, 1_300_000 * UNIT);
    }
}
