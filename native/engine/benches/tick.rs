//! Tick data through two books, with nobody and with somebody quoting.
#![allow(clippy::unwrap_used, missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::backtest::TickBacktest;
use engine::book::BookKind;
use engine::data::memory::MemoryRows;
use engine::data::tick::synthetic::market::MarketOptions;
use engine::data::tick::synthetic::source::SyntheticTicks;
use engine::event::TimerEvent;
use engine::instrument::{InstrumentId, Instruments};
use engine::order::{OrderKind, Side, TimeInForce};
use engine::record::Detail;
use engine::risk::{SimpleRisk, Sizing};
use engine::strategy::{Builtin, Context, OrderRequest, Strategy, StrategyError, Wakes};
use engine::system::TradingSystem;
use engine::time::Nanos;
use engine::venue::{SimulatedVenue, VenueConfig};
use engine::world::World;

const ROWS: u64 = 2_000_000;

/// Quotes both sides at the best prices every 100 ms; optionally woken by everything.
struct Quoter {
    interval: Nanos,
    wakes: Wakes,
    heard: u64,
}

impl Strategy for Quoter {
    fn wakes(&self) -> Wakes {
        self.wakes
    }
    fn on_start(&mut self, ctx: &mut Context<'_>) -> Result<(), StrategyError> {
        if self.interval.raw() > 0 {
            ctx.set_timer(ctx.world.now.after(self.interval), 0);
        }
        Ok(())
    }
    fn on_book(&mut self, _: &mut Context<'_>, _: InstrumentId) -> Result<(), StrategyError> {
        self.heard += 1;
        Ok(())
    }
    fn on_timer(&mut self, ctx: &mut Context<'_>, timer: TimerEvent) -> Result<(), StrategyError> {
        ctx.set_timer(timer.time.after(self.interval), 0);
        for id in (0..).map(InstrumentId).take(ctx.world.instruments.len()) {
            let Some((bid, ask)) = ctx.world.book(id).and_then(|b| b.levels.best()) else { continue };
            for (side, price) in [(Side::Buy, bid), (Side::Sell, ask)] {
                let mut stands = false;
                let gone: Vec<_> = ctx
                    .world
                    .orders
                    .of(id)
                    .filter(|o| o.event.side == side)
                    .filter(|o| {
                        let is_here = o.event.kind.price() == Some(price);
                        stands |= is_here;
                        !is_here
                    })
                    .map(|o| o.event.cloid)
                    .collect();
                gone.into_iter().for_each(|cloid| ctx.cancel(id, cloid));
                if !stands {
                    let order = OrderRequest::new(id, side, None, OrderKind::Limit { price });
                    ctx.place(OrderRequest { time_in_force: TimeInForce::Alo, ..order });
                }
            }
        }
        Ok(())
    }
}

fn run(rows: &MemoryRows, symbols: &[String], strategy: impl Strategy) -> u64 {
    let instruments = Instruments::unrestricted(symbols);
    let kinds = vec![BookKind::L2; symbols.len()];
    let deposit = "100000000".parse().unwrap();
    let world = World::new("bench", 0, instruments.clone(), deposit).with_books(&kinds);
    // About what a level of the synthetic market holds: fills are news, not the rule.
    let risk = SimpleRisk { sizing: Sizing::Fixed("0.00002".parse().unwrap()), max_position_size: None };
    let system = TradingSystem::around(world, strategy, risk);
    let venue = SimulatedVenue::books(VenueConfig::default(), instruments, &kinds, deposit);
    let none: Option<engine::journal::Writer<Vec<u8>>> = None;
    let backtest = TickBacktest::new(system, venue, Box::new(rows.clone()), Detail::Metrics, none).unwrap();
    backtest.run(&mut |_, _| true).unwrap().events
}

fn symbols(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("S{i:03}")).collect()
}

fn synthetic(count: usize, density: u32) -> MemoryRows {
    let options = MarketOptions { density, ..MarketOptions::default() };
    MemoryRows::collect(&mut SyntheticTicks::new(&symbols(count), ROWS, 7, &options)).unwrap()
}

fn replay(c: &mut Criterion) {
    let mut group = c.benchmark_group("tick");
    group.throughput(Throughput::Elements(ROWS)).sample_size(10);
    let one = synthetic(1, 20_000);
    let nobody = || Quoter { interval: Nanos::ZERO, wakes: Wakes::default(), heard: 0 };
    let quoter = || Quoter { interval: Nanos::from_raw(100_000_000), wakes: Wakes::default(), heard: 0 };
    group.bench_function("replay", |b| b.iter(|| run(&one, &symbols(1), nobody())));
    group.bench_function("quoting every 100 ms", |b| b.iter(|| run(&one, &symbols(1), quoter())));
    let everything = || Quoter { wakes: Wakes { books: true, ..Wakes::default() }, ..nobody() };
    group.bench_function("woken by every batch", |b| b.iter(|| run(&one, &symbols(1), everything())));
    let calm = synthetic(1, 1_000);
    let maker = || Builtin::create("market_maker", &[]).unwrap().0;
    group.bench_function("market maker every 100 ms", |b| b.iter(|| run(&calm, &symbols(1), maker())));
    let many = synthetic(500, 40);
    group.bench_function("replay of 500 instruments", |b| b.iter(|| run(&many, &symbols(500), nobody())));
    group.finish();
}

criterion_group!(benches, replay);
criterion_main!(benches);
