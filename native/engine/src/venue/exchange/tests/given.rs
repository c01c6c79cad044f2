//! A recorded market beside customers: what arrives is what was recorded.

use super::*;
use crate::book::BookKind;
use crate::row::{Flags, Row, RowKind, RowSide};
use crate::venue::exchange::given::GivenMarkets;

struct Recorded {
    w: World,
    given: GivenMarkets,
    ids: Vec<AccountId>,
}

impl Recorded {
    /// With an offer of 1 at 101 and of 2 at 102, and a bid of 1 at 99.
    fn new() -> Self {
        let (w, ids) = World::with(&["1000"]);
        let mut recorded = Self { w, given: GivenMarkets::new(&[BookKind::L2; 3]), ids };
        recorded.level(BTC, Side::Sell, "101", "1");
        recorded.level(BTC, Side::Sell, "102", "2");
        recorded.level(BTC, Side::Buy, "99", "1");
        recorded
    }

    fn on_row(&mut self, kind: RowKind, instrument: InstrumentId, side: Side, price: &str, quantity: &str, last: bool) {
        let side = if side == Side::Buy { RowSide::Buy } else { RowSide::Sell };
        let now = self.w.exchange.now();
        let mut row = Row::new(kind, instrument, now, now);
        row = row.at(side, price.parse().unwrap(), quantity.parse().unwrap());
        row.flags = if last { row.flags.with(Flags::LAST) } else { row.flags };
        self.given.on_row(&mut self.w.exchange, &row).unwrap();
        self.w.checked();
    }

    fn level(&mut self, instrument: InstrumentId, side: Side, price: &str, quantity: &str) {
        self.on_row(RowKind::BookDelta, instrument, side, price, quantity, true);
    }

    fn print(&mut self, side: Side, price: &str, quantity: &str) {
        self.on_row(RowKind::Trade, BTC, side, price, quantity, true);
    }

    /// Prints since they were last looked at: `side price quantity`.
    fn prints(&mut self) -> Vec<String> {
        let line = |news: News| match news {
            News::Trade { aggressor, price, quantity, .. } => Some(format!("{aggressor:?} {price} {quantity}")),
            _ => None,
        };
        std::mem::take(&mut self.w.news).into_iter().filter_map(line).collect()
    }

    fn offers(&self) -> Vec<String> {
        let book = &self.w.exchange.market(BTC).unwrap().book;
        book.levels(Side::Sell).map(|level| format!("{} {}", level.price, level.quantity)).collect()
    }
}

#[test]
fn a_print_is_told_as_it_was_recorded_whatever_the_book_has_shown() {
    let mut m = Recorded::new();
    for (price, quantity) in [("101", "0.4"), ("101", "5"), ("102", "0.5"), ("103", "1")] {
        m.print(Side::Buy, price, quantity);
        let told: Vec<Qty> = m
            .prints()
            .iter()
            .map(|line| line.strip_prefix(&format!("Buy {price} ")).unwrap().parse().unwrap())
            .collect();
        let sum: i64 = told.iter().map(|quantity| quantity.raw()).sum();
        assert_eq!(Qty::from_raw(sum), quantity.parse().unwrap(), "{price}: {told:?}");
    }
}

#[test]
fn a_print_meets_a_customer_who_asks_for_less_and_the_rest_is_told_at_its_own_price() {
    let mut m = Recorded::new();
    m.w.place(m.ids[0], sell(BTC, "100", "0.3"));
    m.print(Side::Buy, "102", "1");
    assert_eq!(m.prints(), ["Buy 100 0.3", "Buy 102 0.7"]);
    assert_eq!(m.w.position(m.ids[0], BTC), "-0.3");
}

#[test]
fn once_a_batch_ends_the_book_is_the_recorded_one_also_where_a_print_has_taken_of_it() {
    let mut m = Recorded::new();
    m.print(Side::Buy, "102", "0.5");
    assert_eq!(m.offers(), ["102 1.5"]);
    // The recording names another level alone: the offers were filled up again meanwhile.
    m.level(BTC, Side::Buy, "98", "1");
    assert_eq!(m.offers(), ["101 1", "102 2"]);
}

#[test]
fn a_batch_that_another_market_interrupts_is_not_lost() {
    let mut m = Recorded::new();
    m.on_row(RowKind::BookDelta, BTC, Side::Sell, "101", "0.2", false);
    m.level(ETH, Side::Sell, "11", "1");
    m.level(BTC, Side::Buy, "98", "1");
    assert_eq!(m.offers(), ["101 0.2", "102 2"]);
}
