//! The rules of SIMULATION, sections 5 to 7, case by case (section 16), and invariants over random flow.

use super::*;
use crate::event::Command;
use crate::instrument::{Instrument, Instruments, TickRule};
use crate::num::Money;
use crate::order::{Group, OrderKind, TimeInForce};
use crate::row::Context;
use crate::venue::{SimulatedVenue, VenueConfig};

mod cases;
mod groups;
mod invariants;

const ID: InstrumentId = InstrumentId(0);

pub(super) fn price(text: &str) -> Price {
    text.parse().unwrap()
}

pub(super) fn qty(text: &str) -> Qty {
    text.parse().unwrap()
}

/// A venue with one instrument, its clock, and what it has reported.
pub(super) struct World {
    pub(super) venue: SimulatedVenue<BookMatching>,
    pub(super) reports: Vec<Report>,
    pub(super) now: i64,
    sequence: u64,
    read: usize,
}

impl World {
    pub(super) fn with(kind: BookKind, change: impl FnOnce(&mut VenueConfig, &mut Instrument)) -> Self {
        let mut config = VenueConfig::default();
        let mut instrument = Instrument::unrestricted("BTC");
        instrument.tick = TickRule::Fixed(price("0.1"));
        config.book.queue = QueueModel::RiskAverse;
        change(&mut config, &mut instrument);
        let deposit: Money = "100000".parse().unwrap();
        let venue = SimulatedVenue::books(config, Instruments::new(vec![instrument]), &[kind], deposit);
        Self { venue, reports: Vec::new(), now: 0, sequence: 0, read: 0 }
    }

    pub(super) fn l2() -> Self {
        Self::with(BookKind::L2, |_, _| {})
    }

    /// One row, an instant later than the last.
    pub(super) fn row(&mut self, row: Row) -> &mut Self {
        self.now += 1_000_000;
        self.row_now(row).settle()
    }

    pub(super) fn row_now(&mut self, row: Row) -> &mut Self {
        let time = Nanos::from_raw(self.now);
        let row = Row { exchange_time: time, local_time: time, ..row };
        self.venue.on_market(&row, &mut self.reports).unwrap();
        self.check();
        self
    }

    pub(super) fn settle(&mut self) -> &mut Self {
        let (ledger, matching) = self.venue.parts();
        matching.settle(ledger, Nanos::from_raw(self.now), &mut self.reports).unwrap();
        self.check();
        self
    }

    fn check(&self) {
        self.venue.ledger().account().check().unwrap();
        for market in &self.venue.matching().markets {
            for order in market.own.iter() {
                assert!(order.leaves.is_positive());
                assert!(order.ahead.is_none_or(|a| !a.is_negative()));
                let held = market.book.levels.side(order.event.side).get(order.price);
                assert!(market.book.kind() != BookKind::L3 || order.ahead.is_none_or(|a| a <= held));
            }
        }
    }

    pub(super) fn plain(kind: RowKind, side: Side, price: &str, quantity: &str) -> Row {
        let zero = Nanos::ZERO;
        Row::new(kind, ID, zero, zero).at(side.into(), price.parse().unwrap(), quantity.parse().unwrap())
    }

    /// The book says that a level holds so much, and that this is all for now.
    pub(super) fn level(&mut self, side: Side, price: &str, quantity: &str) -> &mut Self {
        self.row(Self::plain(RowKind::BookDelta, side, price, quantity).marked(Flags::LAST))
    }

    /// The same, with more of the batch to come.
    pub(super) fn part(&mut self, side: Side, price: &str, quantity: &str) -> &mut Self {
        self.row_now(Self::plain(RowKind::BookDelta, side, price, quantity))
    }

    /// A print by an aggressor.
    pub(super) fn trade(&mut self, aggressor: Side, price: &str, quantity: &str) -> &mut Self {
        self.row(Self::plain(RowKind::Trade, aggressor, price, quantity))
    }

    pub(super) fn mark(&mut self, mark: &str) -> &mut Self {
        let context = Context { mark: price(mark), oracle: price(mark), ..Context::default() };
        self.row(Row::new(RowKind::Context, ID, Nanos::ZERO, Nanos::ZERO).with_context(context))
    }

    pub(super) fn order(&mut self, side: Side, quantity: &str, at: &str, time_in_force: TimeInForce) -> Cloid {
        self.place(side, quantity, OrderKind::Limit { price: price(at) }, |o| o.time_in_force = time_in_force)
    }

    pub(super) fn market(&mut self, side: Side, quantity: &str) -> Cloid {
        self.place(side, quantity, OrderKind::Market, |o| o.time_in_force = TimeInForce::Ioc)
    }

    pub(super) fn place(
        &mut self,
        side: Side,
        quantity: &str,
        kind: OrderKind,
        change: impl FnOnce(&mut OrderEvent),
    ) -> Cloid {
        self.sequence += 1;
        let mut order = OrderEvent {
            cloid: Cloid::new(1, 0, self.sequence),
            instrument: ID,
            side,
            quantity: qty(quantity),
            kind,
            time_in_force: TimeInForce::Gtc,
            reduce_only: false,
            group: Group::None,
            expires_after: None,
            time: Nanos::from_raw(self.now),
            decision_price: Price::ONE,
        };
        change(&mut order);
        let cloid = order.cloid;
        self.send(&Command::Submit(order));
        cloid
    }

    pub(super) fn send(&mut self, command: &Command) {
        self.venue.on_command(command, Nanos::from_raw(self.now), &mut self.reports).unwrap();
        self.check();
    }

    pub(super) fn cancel(&mut self, cloid: Cloid) {
        self.send(&Command::Cancel { cloid, instrument: ID });
    }

    pub(super) fn modify(&mut self, cloid: Cloid, at: &str, quantity: &str) {
        self.send(&Command::Modify { cloid, instrument: ID, price: price(at), quantity: qty(quantity) });
    }

    pub(super) fn ahead(&self, cloid: Cloid) -> Option<Qty> {
        self.venue.matching().ahead(ID, cloid)
    }

    /// What was reported since last asked: fills as `quantity @ price reason`, news of orders by status and reason.
    pub(super) fn news(&mut self) -> Vec<String> {
        let new = self.reports.get(self.read..).unwrap_or_default();
        self.read = self.reports.len();
        let text = |report: &Report| match report {
            Report::Fill(f) => format!("{} @ {} {} fee {}", f.quantity, f.price, f.reason.as_str(), f.fee),
            Report::Order(u) => {
                let reason = u.status.reason().map(|r| format!(" {}", r.as_str())).unwrap_or_default();
                format!("{}{reason}", u.status.as_str())
            }
            Report::Account(event) => format!("{event:?}"),
        };
        new.iter().map(text).collect()
    }

    /// Only the fills, without fees.
    pub(super) fn fills(&mut self) -> Vec<String> {
        let news = self.news().into_iter();
        news.filter_map(|n| n.split_once(" fee ").map(|(fill, _)| fill.to_owned())).collect()
    }

    pub(super) fn position(&self) -> Qty {
        self.venue.ledger().account().position(ID).quantity
    }
}
