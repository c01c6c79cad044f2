//! What holds whatever happens: nothing is filled twice, nothing trades through us, money adds up.

use proptest::prelude::*;

use super::*;

/// One thing that happens.
#[derive(Debug, Clone)]
enum Act {
    Level(bool, i64, i64),
    Trade(bool, i64, i64),
    Order(bool, i64, i64, u8, bool),
    Market(bool, i64),
    Cancel(usize),
    Modify(usize, i64, i64),
    Mark(i64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let at = || 990_i64..1_010;
    let act = prop_oneof![
        6 => (any::<bool>(), at(), 0_i64..40).prop_map(|(s, p, q)| Act::Level(s, p, q)),
        4 => (any::<bool>(), at(), 1_i64..60).prop_map(|(s, p, q)| Act::Trade(s, p, q)),
        4 => (any::<bool>(), at(), 1_i64..30, 0_u8..4, any::<bool>()).prop_map(|(s, p, q, t, r)| Act::Order(s, p, q, t, r)),
        1 => (any::<bool>(), 1_i64..50).prop_map(|(s, q)| Act::Market(s, q)),
        1 => (0_usize..20).prop_map(Act::Cancel),
        1 => (0_usize..20, at(), 1_i64..30).prop_map(|(i, p, q)| Act::Modify(i, p, q)),
        1 => at().prop_map(Act::Mark),
    ];
    prop::collection::vec(act, 1..250)
}

fn models() -> impl Strategy<Value = QueueModel> {
    prop_oneof![
        Just(QueueModel::RiskAverse),
        (0.5_f64..4.0).prop_map(QueueModel::Power1),
        (0.5_f64..4.0).prop_map(QueueModel::Power2),
        (0.5_f64..4.0).prop_map(QueueModel::Power3),
        Just(QueueModel::Log1(Qty::ONE)),
        Just(QueueModel::Log2(Qty::ONE)),
    ]
}

fn tenths(n: i64) -> String {
    Price::from_raw(n * Price::ONE.raw() / 10).to_string()
}

proptest! {
    #[test]
    fn evidence_fills_us_at_most_once_and_orders_fill_at_their_own_price(acts in acts(), queue in models()) {
        let mut w = World::with(BookKind::L2, |config, _| config.book.queue = queue);
        let mut placed: Vec<Cloid> = Vec::new();
        let (mut filled, mut position) = (BTreeMap::<Cloid, i64>::new(), 0_i64);
        let mut sizes = BTreeMap::<Cloid, i64>::new();
        for act in acts {
            let before = w.reports.len();
            let side = |buy| if buy { Side::Buy } else { Side::Sell };
            let mut evidence = None;
            match act {
                Act::Level(buy, at, q) => { w.level(side(buy), &tenths(at), &q.to_string()); }
                Act::Trade(buy, at, q) => {
                    w.trade(side(buy), &tenths(at), &q.to_string());
                    evidence = Some((side(buy), at, q));
                }
                Act::Order(buy, at, q, tif, reduce_only) => {
                    let tif = [TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Alo, TimeInForce::Fok][usize::from(tif)];
                    let kind = OrderKind::Limit { price: price(&tenths(at)) };
                    let cloid = w.place(side(buy), &q.to_string(), kind, |o| (o.time_in_force, o.reduce_only) = (tif, reduce_only));
                    sizes.insert(cloid, q * Price::ONE.raw());
                    placed.push(cloid);
                }
                Act::Market(buy, q) => {
                    let cloid = w.market(side(buy), &q.to_string());
                    sizes.insert(cloid, q * Price::ONE.raw());
                }
                Act::Cancel(i) => if let Some(cloid) = placed.get(i) { w.cancel(*cloid); },
                Act::Modify(i, at, q) => if let Some(cloid) = placed.get(i).copied() {
                    w.modify(cloid, &tenths(at), &q.to_string());
                    let so_far = filled.get(&cloid).copied().unwrap_or(0);
                    sizes.entry(cloid).and_modify(|size| *size = (*size).max(so_far + q * Price::ONE.raw()));
                },
                Act::Mark(at) => { w.mark(&tenths(at)); }
            }
            let mut by_print = 0;
            for report in &w.reports[before..] {
                let Report::Fill(fill) = report else { continue };
                position += fill.side.signed(fill.quantity).raw();
                if fill.cloid != Cloid::default() {
                    *filled.entry(fill.cloid).or_default() += fill.quantity.raw();
                }
                if matches!(fill.reason, FillReason::Queue | FillReason::Through) {
                    let (aggressor, at, _) = evidence.expect("only prints fill by queue");
                    prop_assert_eq!(fill.side, aggressor.opposite());
                    let printed = price(&tenths(at));
                    let reached = if fill.side == Side::Buy { printed <= fill.price } else { printed >= fill.price };
                    prop_assert!(reached, "a print at {} filled an order at {}", printed, fill.price);
                    by_print += fill.quantity.raw();
                }
            }
            if let Some((_, _, quantity)) = evidence {
                prop_assert!(by_print <= quantity * Price::ONE.raw(), "one print of {} filled {}", quantity, by_print);
            }
            prop_assert_eq!(w.position().raw(), position, "the sum of fills is the position");
            for (cloid, quantity) in &filled {
                prop_assert!(sizes.get(cloid).is_none_or(|size| quantity <= size), "more filled than ordered");
            }
        }
    }
}
