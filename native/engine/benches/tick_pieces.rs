//! The pieces of the tick engine by themselves: nanoseconds each, by criterion; or, named with a number of rounds on the
//! command line, those and nothing more, for a tool that counts instructions (`benches/instructions.py`).
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use engine::book::{BookKind, MarketBook};
use engine::data::tick::synthetic::market::{Detail, MarketOptions};
use engine::data::tick::synthetic::source::SyntheticTicks;
use engine::event::Command;
use engine::instrument::{InstrumentId, Instruments};
use engine::num::{Price, Qty};
use engine::order::{Cloid, Group, OrderEvent, OrderKind, Side, TimeInForce};
use engine::row::{Flags, Row, RowKind, RowSide, RowSource};
use engine::time::Nanos;
use engine::venue::{BookMatching, QueueModel, SimulatedVenue, VenueConfig};

const INSTRUMENT: InstrumentId = InstrumentId(0);
const ONE: i64 = Price::ONE.raw();

/// Operations of a round.
const OPERATIONS: u64 = 20_000;

/// A piece: makes what it needs, and returns a round.
type Piece = fn() -> Box<dyn FnMut()>;

const PIECES: [(&str, Piece); 5] = [
    ("l2_apply", || apply(Detail::Levels, BookKind::L2)),
    ("l3_apply", || apply(Detail::Orders, BookKind::L3)),
    ("queue_power", || advance(QueueModel::Power1(2.0))),
    ("queue_log", || advance(QueueModel::Log1(Qty::ONE))),
    ("match", matching),
];

fn symbols() -> [String; 1] {
    ["S000".to_owned()]
}

fn rows(detail: Detail) -> Vec<Row> {
    let options = MarketOptions { detail, density: 20_000, ..MarketOptions::default() };
    let mut source = SyntheticTicks::new(&symbols(), OPERATIONS, 7, &options);
    std::iter::from_fn(|| source.next_rows().unwrap()).flat_map(|chunk| chunk.to_vec()).collect()
}

fn apply(detail: Detail, kind: BookKind) -> Box<dyn FnMut()> {
    let rows = rows(detail);
    Box::new(move || {
        let mut book = MarketBook::new(kind);
        for row in &rows {
            book.apply(row, &mut ());
        }
        black_box(book.levels.best());
    })
}

fn advance(model: QueueModel) -> Box<dyn FnMut()> {
    let units = |n: i64| Qty::from_raw(n * ONE);
    Box::new(move || {
        for _ in 0..OPERATIONS {
            black_box(black_box(model).advance(units(40), units(100), units(90), units(2)));
        }
    })
}

/// Immediate orders that arrive, take from the best level, and are paid for.
fn matching() -> Box<dyn FnMut()> {
    let instruments = Instruments::unrestricted(&symbols());
    let deposit = "1000000000".parse().unwrap();
    let mut venue: SimulatedVenue<BookMatching> =
        SimulatedVenue::books(VenueConfig::default(), instruments, &[BookKind::L2], deposit);
    let mut reports = Vec::new();
    let start = Nanos::from_raw(1_700_000_000_000_000_000);
    for (side, first) in [(RowSide::Buy, 100), (RowSide::Sell, 101)] {
        for level in 0..20 {
            let away = if side == RowSide::Buy { -level } else { level };
            let row = Row::new(RowKind::BookDelta, INSTRUMENT, start, start)
                .at(side, Price::from_raw((first + away) * ONE), Qty::from_raw(1_000_000 * ONE))
                .marked(Flags::LAST);
            venue.on_market(&row, &mut reports).unwrap();
        }
    }
    let mut next = 0_u64;
    Box::new(move || {
        for _ in 0..OPERATIONS {
            next += 1;
            // In and out again, so that the position stays small.
            let side = if next.is_multiple_of(2) { Side::Buy } else { Side::Sell };
            let price = Price::from_raw(if side == Side::Buy { 110 } else { 90 } * ONE);
            let order = OrderEvent {
                cloid: Cloid(u128::from(next)),
                instrument: INSTRUMENT,
                side,
                quantity: Qty::from_raw(ONE / 10),
                kind: OrderKind::Limit { price },
                time_in_force: TimeInForce::Ioc,
                reduce_only: false,
                group: Group::None,
                expires_after: None,
                time: start,
                decision_price: price,
            };
            venue.on_command(&Command::Submit(order), start, &mut reports).unwrap();
            assert!(!black_box(&reports).is_empty());
            reports.clear();
        }
    })
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [name, rounds] = arguments.as_slice()
        && let (Some((_, piece)), Ok(rounds)) = (PIECES.iter().find(|(n, _)| n == name), rounds.parse::<u32>())
    {
        let mut round = piece();
        (0..rounds).for_each(|_| round());
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("tick pieces");
    group.throughput(Throughput::Elements(OPERATIONS)).sample_size(20);
    for (name, piece) in PIECES {
        let mut round = piece();
        group.bench_function(name, |b| b.iter(&mut round));
    }
    group.finish();
    criterion.final_summary();
}
