//! The native loop on one million bars: bars per second with full accounting.
#![allow(clippy::unwrap_used, clippy::cast_possible_wrap, missing_docs)]

use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::backtest::Backtest;
use engine::data::synthetic::Synthetic;
use engine::event::{Bar, MarketEvent};
use engine::instrument::{InstrumentId, Instruments};
use engine::num::{Money, Price, Qty};
use engine::record::Detail;
use engine::risk::{SimpleRisk, Sizing};
use engine::strategy::Builtin;
use engine::stream::{Chunk, Source, SourceError};
use engine::system::TradingSystem;
use engine::time::Nanos;
use engine::venue::{SimulatedVenue, VenueConfig};

struct Once(Option<Chunk>);
impl Source for Once {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, SourceError> {
        Ok(self.0.take())
    }
}

/// Bars with ticks, bursts and volumes like those of a real market.
fn minutes(count: u64) -> Chunk {
    Arc::new(Synthetic::new(&["BTC"], count, 1).bars().map(MarketEvent::Bar).collect())
}

/// A random walk on whole dollars.
fn bars(count: i64) -> Chunk {
    let mut state = 42_u64;
    let mut price = 40_000_i64;
    let unit = 100_000_000;
    let events = (0..count).map(|i| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let open = price;
        price = (price + (state >> 33) as i64 % 41 - 20).max(1_000);
        MarketEvent::Bar(Bar {
            instrument: InstrumentId(0),
            trades: 0,
            open_time: Nanos::from_raw(i * Nanos::MINUTE.raw()),
            close_time: Nanos::from_raw((i + 1) * Nanos::MINUTE.raw()),
            open: Price::from_raw(open * unit),
            high: Price::from_raw((open.max(price) + 5) * unit),
            low: Price::from_raw((open.min(price) - 5) * unit),
            close: Price::from_raw(price * unit),
            volume: Some(Qty::from_raw(10 * unit)),
        })
    });
    Arc::new(events.collect())
}

fn run(chunk: &Chunk, strategy: &str, detail: Detail) -> String {
    let (strategy, _) = Builtin::create(strategy, &[]).unwrap();
    let instruments = Instruments::unrestricted(&["BTC"]);
    let deposit = Money::from_raw(10_000 * 100_000_000);
    let risk = SimpleRisk { sizing: Sizing::Fixed(Qty::from_raw(1_000_000)), max_position_size: None };
    let system = TradingSystem::new("backtest", 0, instruments.clone(), deposit, strategy, risk);
    let venue = SimulatedVenue::bars(VenueConfig::default(), instruments, deposit);
    let source = Box::new(Once(Some(Arc::clone(chunk))));
    let backtest = Backtest::<_, _, _, Vec<u8>>::new(system, venue, vec![source], detail, None).unwrap();
    backtest.run(&mut |_, _| true).unwrap().records.digest
}

fn backtest(c: &mut Criterion) {
    let chunk = bars(1_000_000);
    let mut group = c.benchmark_group("backtest of one million bars");
    group.throughput(Throughput::Elements(1_000_000)).sample_size(20);
    for strategy in ["ma_crossover", "rsi", "grid"] {
        for (name, detail) in [("full", Detail::Full), ("metrics", Detail::Metrics)] {
            group.bench_function(format!("{strategy}, {name}"), |b| b.iter(|| run(&chunk, strategy, detail)));
        }
    }
    let minutes = minutes(1_000_000);
    group.bench_function("ma_crossover, metrics, like a market", |b| {
        b.iter(|| run(&minutes, "ma_crossover", Detail::Metrics));
    });
    group.finish();
}

criterion_group!(benches, backtest);
criterion_main!(benches);
