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

/// Orders of others and of ours in one list, in the order in which they came.
#[derive(Debug, Default)]
struct Fifo {
    queue: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    who: Result<u64, Cloid>,
    at: i64,
    left: i64,
}

impl Fifo {
    fn place_of(&self, who: Result<u64, Cloid>) -> Option<usize> {
        self.queue.iter().position(|e| e.who == who)
    }

    /// What an execution of somebody's order would have given us, who stood before him or paid more.
    fn fill(&mut self, id: u64, quantity: i64) -> Vec<(Cloid, i64)> {
        let Some(place) = self.place_of(Ok(id)) else { return Vec::new() };
        let (at, mut budget) = (self.queue[place].at, quantity.min(self.queue[place].left));
        self.queue[place].left -= budget;
        let mut before: Vec<usize> = (0..self.queue.len())
            .filter(|i| self.queue[*i].who.is_err())
            .filter(|i| self.queue[*i].at > at || (self.queue[*i].at == at && *i < place))
            .collect();
        before.sort_by_key(|i| (-self.queue[*i].at, *i));
        let mut ours = Vec::new();
        for i in before {
            let part = budget.min(self.queue[i].left);
            if let (Err(cloid), true) = (self.queue[i].who, part > 0) {
                budget -= part;
                self.queue[i].left -= part;
                ours.push((cloid, part));
            }
        }
        self.queue.retain(|e| e.left > 0);
        ours
    }

    fn ahead(&self, cloid: Cloid) -> i64 {
        let place = self.place_of(Err(cloid)).unwrap();
        let at = self.queue[place].at;
        self.queue[..place].iter().filter(|e| e.at == at && e.who.is_ok()).map(|e| e.left).sum()
    }
}

proptest! {
    /// In a book of orders our fills are those of price and time priority, exactly.
    #[test]
    fn in_a_book_of_orders_we_are_filled_by_price_and_time(
        acts in prop::collection::vec((0_u8..6, 0_u64..10, 990_i64..994, 1_i64..9), 1..200)
    ) {
        let mut w = World::with(BookKind::L3, |config, _| config.margin = crate::venue::Margin::None);
        // The first print ends the auction; nobody offers anything.
        w.trade(Side::Buy, "100", "1");
        let (mut model, mut next, mut ours) = (Fifo::default(), 100_u64, Vec::new());
        for (kind, pick, at, quantity) in acts {
            let before = w.reports.len();
            let ids: Vec<u64> = model.queue.iter().filter_map(|e| e.who.ok()).collect();
            let id = usize::try_from(pick).ok().and_then(|i| ids.get(i % ids.len().max(1))).copied().unwrap_or(1);
            let row = |kind, id, at: i64| World::plain(kind, Side::Buy, &tenths(at), &quantity.to_string()).of(id).marked(Flags::LAST);
            let mut expected = Vec::new();
            match kind {
                0 | 1 => {
                    next += 1;
                    w.row(row(RowKind::OrderAdd, next, at));
                    model.queue.push(Entry { who: Ok(next), at, left: quantity });
                }
                2 => {
                    w.row(row(RowKind::OrderCancel, id, at));
                    if let Some(place) = model.place_of(Ok(id)) {
                        model.queue[place].left -= quantity;
                    }
                }
                3 => {
                    w.row(row(RowKind::OrderModify, id, at));
                    if let Some(place) = model.place_of(Ok(id)) {
                        let old = model.queue[place].clone();
                        if old.at == at && quantity <= old.left {
                            model.queue[place].left = quantity;
                        } else {
                            model.queue.remove(place);
                            model.queue.push(Entry { at, left: quantity, ..old });
                        }
                    }
                }
                4 => {
                    w.row(row(RowKind::OrderFill, id, at));
                    expected = model.fill(id, quantity);
                }
                _ => {
                    let cloid = w.order(Side::Buy, &quantity.to_string(), &tenths(at), TimeInForce::Gtc);
                    model.queue.push(Entry { who: Err(cloid), at, left: quantity });
                    ours.push(cloid);
                }
            }
            model.queue.retain(|e| e.left > 0);
            let filled: Vec<(Cloid, i64)> = w.reports[before..]
                .iter()
                .filter_map(|report| match report {
                    Report::Fill(fill) => Some((fill.cloid, fill.quantity.raw() / Qty::ONE.raw())),
                    _ => None,
                })
                .collect();
            prop_assert_eq!(filled, expected);
            for cloid in &ours {
                let ahead = w.ahead(*cloid).map(|q| q.raw() / Qty::ONE.raw());
                prop_assert_eq!(ahead, model.place_of(Err(*cloid)).map(|_| model.ahead(*cloid)));
            }
        }
    }
}
