//! Bars, a scripted strategy and a run, for the tests of the whole machine.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, dead_code)]

use std::sync::Arc;

use engine::backtest::{Backtest, Outcome};
use engine::data::synthetic::Synthetic;
use engine::event::{Bar, MarketEvent, SignalKind, TimerEvent};
use engine::instrument::{InstrumentId, Instruments};
use engine::journal::Writer;
use engine::num::{Money, Price, Qty, Rate};
use engine::order::{Cloid, OrderKind, Side, TimeInForce, Trail};
use engine::record::Detail;
use engine::risk::RiskManager;
use engine::strategy::{Context, OrderRequest, Strategy, StrategyError};
use engine::stream::{Chunk, Source, SourceError};
use engine::system::TradingSystem;
use engine::time::Nanos;
use engine::venue::{SimulatedVenue, VenueConfig};
use proptest::prelude::{Just, any, prop, prop_oneof};
use proptest::strategy::Strategy as _;

pub mod ticks;

pub const SYMBOLS: [&str; 2] = ["BTC", "ETH"];
pub const CAPITAL: Money = Money::from_raw(100_000 * 100_000_000);

/// One chunk of events.
pub struct Once(pub Option<Chunk>);

impl Source for Once {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, SourceError> {
        Ok(self.0.take())
    }
}

/// Seeded bars of two symbols.
pub fn bars(rows: u64, seed: u64) -> Vec<MarketEvent> {
    Synthetic::new(&SYMBOLS, rows, seed).bars().map(MarketEvent::Bar).collect()
}

/// Minute bars of one symbol that open, peak, bottom and close where told.
pub fn closes(closes: &[i64]) -> Vec<MarketEvent> {
    let one = Price::ONE.raw();
    let bar = |(minute, close): (usize, &i64)| {
        let open_time = Nanos::from_raw(i64::try_from(minute).unwrap() * Nanos::MINUTE.raw());
        let price = Price::from_raw(close * one);
        MarketEvent::Bar(Bar {
            instrument: InstrumentId(0),
            trades: 0,
            open_time,
            close_time: open_time.after(Nanos::MINUTE),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: Some(Qty::from_raw(1_000_000 * one)),
        })
    };
    closes.iter().enumerate().map(bar).collect()
}

/// What a script does at one bar.
#[derive(Debug, Clone, Copy)]
pub enum Move {
    Nothing,
    Signal(SignalKind),
    /// Kind of order, side, size in hundredths, distance of its price in tenths of a per cent.
    Order(u8, Side, i64, i64),
    CancelAll,
    /// Changes the oldest order's price by tenths of a per cent.
    Modify(i64),
    Timer(i64),
}

/// Any moves.
pub fn moves() -> impl proptest::strategy::Strategy<Value = Vec<Move>> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let kind = prop_oneof![Just(SignalKind::Long), Just(SignalKind::Short), Just(SignalKind::Exit)];
    let step = prop_oneof![
        2 => Just(Move::Nothing),
        2 => kind.prop_map(Move::Signal),
        5 => (any::<u8>(), side, 1_i64..300, -9_i64..10).prop_map(|(k, s, q, d)| Move::Order(k, s, q, d)),
        1 => Just(Move::CancelAll),
        1 => (-9_i64..10).prop_map(Move::Modify),
        1 => (0_i64..200).prop_map(Move::Timer),
    ];
    prop::collection::vec(step, 1..40)
}

/// A strategy that does one move after the other, for the instruments in turn.
#[derive(Debug, Clone)]
pub struct Script {
    pub moves: Vec<Move>,
    pub next: usize,
}

impl Script {
    pub const fn new(moves: Vec<Move>) -> Self {
        Self { moves, next: 0 }
    }
}

fn moved(price: Price, tenths: i64) -> Price {
    Price::from_raw(price.raw() / 1_000 * (1_000 + tenths))
}

impl Strategy for Script {
    fn on_bar(&mut self, ctx: &mut Context<'_>, bar: &Bar) -> Result<(), StrategyError> {
        let Some(todo) = self.moves.get(self.next % self.moves.len().max(1)).copied() else { return Ok(()) };
        self.next += 1;
        let instrument = bar.instrument;
        match todo {
            Move::Nothing => {}
            Move::Signal(kind) => ctx.signal(instrument, kind, Rate::ONE),
            Move::Order(kind, side, size, tenths) => {
                let price = moved(bar.close, tenths);
                let kind = match kind % 8 {
                    0 => OrderKind::Market,
                    1 | 2 => OrderKind::Limit { price },
                    3 => OrderKind::Stop { trigger: price },
                    4 => OrderKind::StopLimit { trigger: price, price: moved(price, -tenths) },
                    5 => OrderKind::TakeProfit { trigger: price },
                    6 => OrderKind::TakeProfitLimit { trigger: price, price: moved(price, tenths) },
                    _ => OrderKind::TrailingStop { trail: Trail::Fraction(Rate::from_raw(5_000_000_000)) },
                };
                let quantity = Some(Qty::from_raw(size * Price::ONE.raw() / 100));
                let time_in_force = if size % 5 == 0 { TimeInForce::Alo } else { TimeInForce::Gtc };
                let reduce_only = size % 3 == 0;
                let order = OrderRequest::new(instrument, side, quantity, kind);
                ctx.place(OrderRequest { time_in_force, reduce_only, ..order });
            }
            Move::CancelAll => {
                let cloids: Vec<Cloid> = ctx.world.orders.of(instrument).map(|o| o.event.cloid).collect();
                cloids.into_iter().for_each(|cloid| ctx.cancel(instrument, cloid));
            }
            Move::Modify(tenths) => {
                let oldest = ctx.world.orders.of(instrument).next().map(|o| (o.event.cloid, o.leaves));
                if let Some((cloid, leaves)) = oldest {
                    ctx.modify(instrument, cloid, moved(bar.close, tenths), leaves);
                }
            }
            Move::Timer(seconds) => {
                let time = Nanos::from_raw(bar.close_time.raw() + seconds * Nanos::SECOND.raw());
                ctx.set_timer(time, seconds.unsigned_abs());
            }
        }
        Ok(())
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, timer: TimerEvent) -> Result<(), StrategyError> {
        ctx.signal(InstrumentId(u32::try_from(timer.id % 2).unwrap()), SignalKind::Exit, Rate::ONE);
        Ok(())
    }
}

/// A finished run and its journal.
pub struct Ran {
    pub outcome: Outcome,
    pub journal: Vec<u8>,
}

/// A writer that the test can look at afterwards.
#[derive(Clone, Default)]
pub struct Shared(pub Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A system of two instruments.
pub fn system<S: Strategy, R: RiskManager>(strategy: S, risk: R) -> TradingSystem<S, R> {
    TradingSystem::new("bot", 0, Instruments::unrestricted(&SYMBOLS), CAPITAL, strategy, risk)
}

/// Runs events through a system and a venue.
pub fn run<S: Strategy, R: RiskManager>(events: Vec<MarketEvent>, strategy: S, risk: R, config: VenueConfig) -> Ran {
    let shared = Shared::default();
    let writer = Writer::new(shared.clone(), "{}").unwrap();
    let venue = SimulatedVenue::bars(config, Instruments::unrestricted(&SYMBOLS), CAPITAL);
    let sources: Vec<Box<dyn Source>> = vec![Box::new(Once(Some(Arc::new(events))))];
    let backtest = Backtest::new(system(strategy, risk), venue, sources, Detail::Full, Some(writer)).unwrap();
    let outcome = backtest.run(&mut |_, _| true).unwrap();
    let journal = shared.0.lock().unwrap().clone();
    Ran { outcome, journal }
}
