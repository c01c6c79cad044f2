//! The tick driver as a whole: two clocks, latency, ties, blocks, the same run however its data are cut.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

use std::sync::{Arc, Mutex};

use engine::backtest::{Outcome, TickBacktest};
use engine::book::BookKind;
use engine::data::memory::MemoryRows;
use engine::data::tick::synthetic::market::{Detail as Told, MarketOptions};
use engine::data::tick::synthetic::source::SyntheticTicks;
use engine::event::{Quote, TimerEvent, Trade};
use engine::instrument::{InstrumentId, Instruments};
use engine::journal::{Reader, Writer};
use engine::num::{Money, Price, Qty};
use engine::order::{FillEvent, OrderKind, OrderUpdate, Side, TimeInForce};
use engine::record::Detail;
use engine::replay::replay;
use engine::risk::{SimpleRisk, Sizing};
use engine::row::{Flags, Row, RowKind, RowSide, RowSource};
use engine::strategy::{Context, OrderRequest, Strategy, StrategyError, Wakes};
use engine::system::TradingSystem;
use engine::time::Nanos;
use engine::venue::latency::Latency;
use engine::venue::{BookOptions, Margin, QueueModel, SimulatedVenue, VenueConfig};
use engine::world::World;

const ID: InstrumentId = InstrumentId(0);
const CAPITAL: Money = Money::from_raw(1_000_000 * 100_000_000);

fn price(n: i64) -> Price {
    Price::from_raw(n * Price::ONE.raw())
}

fn qty(n: i64) -> Qty {
    Qty::from_raw(n * Qty::ONE.raw())
}

fn row(kind: RowKind, side: Side, at: i64, quantity: i64, exchange: i64, local: i64) -> Row {
    let (exchange, local) = (Nanos::from_raw(exchange), Nanos::from_raw(local));
    Row::new(kind, ID, exchange, local).at(RowSide::from(side), price(at), qty(quantity)).marked(Flags::LAST)
}

fn level(side: Side, at: i64, quantity: i64, exchange: i64, local: i64) -> Row {
    row(RowKind::BookDelta, side, at, quantity, exchange, local)
}

fn print(side: Side, at: i64, quantity: i64, exchange: i64, local: i64) -> Row {
    row(RowKind::Trade, side, at, quantity, exchange, local)
}

fn options(latency: Latency) -> BookOptions {
    BookOptions { latency, queue: QueueModel::RiskAverse, ..BookOptions::default() }
}

fn constant(entry: i64, response: i64) -> Latency {
    Latency::constant(Nanos::from_raw(entry), Nanos::from_raw(response))
}

/// What a run is made of.
struct Setup {
    symbols: Vec<&'static str>,
    kind: BookKind,
    book: BookOptions,
}

impl Setup {
    fn one(book: BookOptions) -> Self {
        Self { symbols: vec!["BTC"], kind: BookKind::L2, book }
    }

    fn world(&self) -> (World, Vec<BookKind>, Instruments) {
        let instruments = Instruments::unrestricted(&self.symbols);
        let kinds = vec![self.kind; instruments.len()];
        (World::new("test", 0, instruments.clone(), CAPITAL).with_books(&kinds), kinds, instruments)
    }

    fn run<S: Strategy>(&self, rows: &[Row], chunk: usize, strategy: S) -> (Outcome, Vec<u8>) {
        let chunks = rows.chunks(chunk).map(|c| Arc::new(c.to_vec())).collect();
        self.run_over(Box::new(MemoryRows::new(chunks)), strategy)
    }

    fn run_over<S: Strategy>(&self, source: Box<dyn RowSource>, strategy: S) -> (Outcome, Vec<u8>) {
        let (world, kinds, instruments) = self.world();
        let config = VenueConfig { book: self.book.clone(), margin: Margin::None, ..VenueConfig::default() };
        let venue = SimulatedVenue::books(config, instruments, &kinds, CAPITAL);
        let system = TradingSystem::around(world, strategy, risk());
        let path = std::env::temp_dir().join(format!("ticks-{}-{:p}.journal", std::process::id(), &raw const kinds));
        let writer = Writer::new(std::fs::File::create(&path).unwrap(), "{}").unwrap();
        let backtest = TickBacktest::new(system, venue, source, Detail::Full, Some(writer)).unwrap();
        let outcome = backtest.run(&mut |_, _| true).unwrap();
        let journal = std::fs::read(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        (outcome, journal)
    }
}

fn risk() -> SimpleRisk {
    SimpleRisk { sizing: Sizing::Fixed(qty(1)), max_position_size: None }
}

type Log = Arc<Mutex<Vec<String>>>;

/// Does one thing at each of some moments, and writes down what it hears and when.
#[derive(Clone)]
struct Script {
    acts: Vec<(i64, Act)>,
    log: Log,
    placed: Vec<engine::order::Cloid>,
}

#[derive(Clone, Copy)]
enum Act {
    Place(InstrumentId, Side, i64, i64, TimeInForce),
    CancelFirst,
}

impl Script {
    fn new(acts: Vec<(i64, Act)>) -> (Self, Log) {
        let log = Log::default();
        (Self { acts, log: Arc::clone(&log), placed: Vec::new() }, log)
    }
    fn say(&self, ctx: &Context<'_>, text: &str) {
        self.log.lock().unwrap().push(format!("{} {text}", ctx.world.now.raw()));
    }
}

impl Strategy for Script {
    fn on_start(&mut self, ctx: &mut Context<'_>) -> Result<(), StrategyError> {
        for (index, (time, _)) in self.acts.iter().enumerate() {
            ctx.set_timer(Nanos::from_raw(*time), index as u64);
        }
        Ok(())
    }
    fn on_timer(&mut self, ctx: &mut Context<'_>, timer: TimerEvent) -> Result<(), StrategyError> {
        match self.acts[usize::try_from(timer.id).unwrap()].1 {
            Act::Place(id, side, at, quantity, time_in_force) => {
                let kind = OrderKind::Limit { price: price(at) };
                let order = OrderRequest::new(id, side, Some(qty(quantity)), kind);
                self.placed.push(ctx.place(OrderRequest { time_in_force, ..order }));
            }
            Act::CancelFirst => ctx.cancel(ID, self.placed[0]),
        }
        Ok(())
    }
    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &FillEvent) -> Result<(), StrategyError> {
        let text = format!("fill {} @ {} of {}", fill.quantity, fill.price, fill.time.raw());
        self.say(ctx, &text);
        Ok(())
    }
    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) -> Result<(), StrategyError> {
        let reason = update.status.reason().map(|r| format!(" {}", r.as_str())).unwrap_or_default();
        self.say(ctx, &format!("{}{reason} of {}", update.status.as_str(), update.time.raw()));
        Ok(())
    }
}

fn buy(at: i64, quantity: i64) -> Act {
    Act::Place(ID, Side::Buy, at, quantity, TimeInForce::Gtc)
}

/// A9: a cancel that crosses a fill on its way.
#[test]
fn a9_a_cancel_that_arrives_after_the_fill_finds_nothing_and_the_fill_is_heard_of_later() {
    let rows = [
        level(Side::Buy, 100, 0, 100, 110),
        level(Side::Sell, 101, 5, 100, 110),
        print(Side::Sell, 100, 9, 900, 905),
        level(Side::Sell, 101, 6, 2000, 2005),
    ];
    let (script, log) = Script::new(vec![(200, buy(100, 5)), (850, Act::CancelFirst)]);
    Setup::one(options(constant(100, 200))).run(&rows, 64, script);
    let expected = [
        "500 resting of 300",
        "1100 fill 5 @ 100 of 900",
        "1100 filled of 900",
        "1150 action_rejected not_found of 950",
    ];
    assert_eq!(*log.lock().unwrap(), expected);
}

/// A10: an order that arrives with a trade's time stamp takes no part in it, and a cancel comes too late.
#[test]
fn a10_market_data_of_an_instant_come_before_our_actions() {
    let rows = [
        level(Side::Buy, 100, 0, 10, 10),
        level(Side::Sell, 101, 5, 10, 10),
        print(Side::Sell, 100, 5, 1000, 1000),
        level(Side::Sell, 101, 6, 2000, 2000),
    ];
    let (script, log) = Script::new(vec![(100, buy(100, 5)), (900, Act::CancelFirst)]);
    Setup::one(options(constant(100, 0))).run(&rows, 64, script);
    let expected = [
        "200 resting of 200",
        "1000 fill 5 @ 100 of 1000",
        "1000 filled of 1000",
        "1000 action_rejected not_found of 1000",
    ];
    assert_eq!(*log.lock().unwrap(), expected);
    let (script, log) = Script::new(vec![(900, buy(100, 5))]);
    Setup::one(options(constant(100, 0))).run(&rows, 64, script);
    assert_eq!(*log.lock().unwrap(), ["1000 resting of 1000"]);
}

/// A10, in blocks: cancels and post-only orders go before the block's trades, others after them.
#[test]
fn a10_in_a_block_a_cancel_wins_against_the_aggressor() {
    let rows = [
        level(Side::Buy, 100, 0, 10, 10),
        level(Side::Sell, 101, 5, 10, 10),
        level(Side::Sell, 101, 4, 500, 500),
        print(Side::Sell, 100, 5, 1000, 1000),
        level(Side::Sell, 101, 6, 2000, 2000),
    ];
    let blocks = BookOptions { block_mode: true, ..options(constant(90, 0)) };
    let (script, log) = Script::new(vec![(100, buy(100, 5)), (900, Act::CancelFirst)]);
    Setup::one(blocks.clone()).run(&rows, 64, script);
    assert_eq!(*log.lock().unwrap(), ["500 resting of 500", "1000 cancelled requested of 1000"]);
    let late = |tif| vec![(900, Act::Place(ID, Side::Buy, 100, 5, tif))];
    let (script, log) = Script::new(late(TimeInForce::Alo));
    Setup::one(blocks.clone()).run(&rows, 64, script);
    // At one time fills are told first, then news of orders in the order in which they left the venue.
    assert_eq!(*log.lock().unwrap(), ["1000 fill 5 @ 100 of 1000", "1000 resting of 1000", "1000 filled of 1000"]);
    let (script, log) = Script::new(late(TimeInForce::Gtc));
    Setup::one(blocks).run(&rows, 64, script);
    assert_eq!(*log.lock().unwrap(), ["1000 resting of 1000"], "after the trade of its block");
}

/// A10, second: all books of an instant move before an action of that instant.
#[test]
fn a10_the_data_of_all_instruments_come_before_an_action_on_any() {
    let at = |id, row: Row| Row { instrument: InstrumentId(id), ..row };
    let rows = [
        at(0, level(Side::Sell, 101, 5, 10, 10)),
        at(1, level(Side::Sell, 50, 5, 10, 10)),
        at(0, level(Side::Sell, 101, 0, 1000, 1000)),
        at(0, level(Side::Sell, 102, 5, 1000, 1000)),
        at(1, level(Side::Sell, 50, 0, 1000, 1000)),
        at(1, level(Side::Sell, 51, 5, 1000, 1000)),
        at(0, level(Side::Sell, 102, 6, 2000, 2000)),
    ];
    let take = |id, limit| (900, Act::Place(InstrumentId(id), Side::Buy, limit, 1, TimeInForce::Ioc));
    let (script, log) = Script::new(vec![take(0, 200), take(1, 200)]);
    let setup = Setup { symbols: vec!["BTC", "ETH"], ..Setup::one(options(constant(100, 0))) };
    setup.run(&rows, 64, script);
    let log = log.lock().unwrap();
    assert!(
        log.contains(&"1000 fill 1 @ 102 of 1000".to_owned()) && log.contains(&"1000 fill 1 @ 51 of 1000".to_owned()),
        "{log:?}"
    );
}

#[test]
fn messages_of_a_connection_keep_their_order_unless_told_otherwise() {
    let rows = [level(Side::Buy, 99, 1, 1, 1), level(Side::Sell, 101, 5, 1, 1), level(Side::Sell, 101, 6, 5000, 5000)];
    for (is_independent, expected) in [(false, "cancelled requested"), (true, "action_rejected not_found")] {
        let cancel = constant(200, 0).place;
        let latency = Latency { cancel: Some(cancel), is_independent, ..constant(500, 0) };
        let (script, log) = Script::new(vec![(100, buy(100, 5)), (200, Act::CancelFirst)]);
        Setup::one(options(latency)).run(&rows, 64, script);
        let log = log.lock().unwrap();
        assert!(log.iter().any(|line| line.contains(expected)), "{log:?}");
    }
}

/// Quotes at the best prices on a timer, is woken by everything, and checks that it never sees ahead of its time.
#[derive(Clone)]
struct Quoter {
    wakes: Wakes,
    heard: u64,
}

impl Strategy for Quoter {
    fn wakes(&self) -> Wakes {
        self.wakes
    }
    fn on_start(&mut self, ctx: &mut Context<'_>) -> Result<(), StrategyError> {
        ctx.set_timer(ctx.world.now.after(Nanos::from_raw(50_000_000)), 0);
        Ok(())
    }
    fn on_trade(&mut self, ctx: &mut Context<'_>, trade: &Trade) -> Result<(), StrategyError> {
        assert_eq!(trade.local_time, ctx.world.now);
        self.heard += 1;
        Ok(())
    }
    fn on_quote(&mut self, ctx: &mut Context<'_>, quote: &Quote) -> Result<(), StrategyError> {
        assert_eq!(quote.local_time, ctx.world.now);
        assert_eq!(ctx.world.book(quote.instrument).unwrap().levels.best(), Some((quote.bid_price, quote.ask_price)));
        self.heard += 1;
        Ok(())
    }
    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &FillEvent) -> Result<(), StrategyError> {
        assert!(fill.time <= fill.local_time && fill.local_time == ctx.world.now);
        // Answered at once, so that a fill leads to more.
        let away = if fill.side == Side::Buy { price(1) } else { Price::from_raw(-Price::ONE.raw()) };
        let at = fill.price.add(away).unwrap();
        ctx.quote(fill.instrument, fill.side.opposite(), at, Some(fill.quantity));
        Ok(())
    }
    fn on_timer(&mut self, ctx: &mut Context<'_>, timer: TimerEvent) -> Result<(), StrategyError> {
        assert_eq!(timer.time, ctx.world.now);
        ctx.set_timer(timer.time.after(Nanos::from_raw(50_000_000)), 0);
        for id in (0..).map(InstrumentId).take(ctx.world.instruments.len()) {
            let Some((bid, ask)) = ctx.world.book(id).and_then(|b| b.levels.best()) else { continue };
            let gone: Vec<_> = ctx
                .world
                .orders
                .of(id)
                .filter(|o| !matches!(o.event.kind, OrderKind::Limit { price } if price == bid || price == ask))
                .map(|o| o.event.cloid)
                .collect();
            gone.into_iter().for_each(|cloid| ctx.cancel(id, cloid));
            for (side, at) in [(Side::Buy, bid), (Side::Sell, ask)] {
                if ctx.world.orders.of(id).filter(|o| o.event.side == side).count() < 3 {
                    let order = OrderRequest::new(id, side, None, OrderKind::Limit { price: at });
                    ctx.place(OrderRequest { time_in_force: TimeInForce::Alo, ..order });
                }
            }
        }
        Ok(())
    }
}

fn synthetic(symbols: &[&str], told: Told, rows: u64) -> Vec<Row> {
    let options = MarketOptions { detail: told, density: 2_000, ..MarketOptions::default() };
    let mut source = SyntheticTicks::new(symbols, rows, 11, &options);
    let mut all = Vec::new();
    while let Some(chunk) = source.next_rows().unwrap() {
        all.extend_from_slice(&chunk);
    }
    all
}

fn every_setup() -> Vec<(Setup, Vec<Row>, Wakes)> {
    let none = Wakes::default();
    let all = Wakes { trades: true, quotes: true, books: true };
    let mut setups = Vec::new();
    for (told, kind) in [(Told::Levels, BookKind::L2), (Told::Orders, BookKind::L3)] {
        for (symbols, wakes, block_mode) in
            [(vec!["BTC"], none, false), (vec!["BTC"], all, false), (vec!["BTC", "ETH", "SOL"], none, true)]
        {
            let mut rows = synthetic(&symbols, told, 20_000);
            // Some rows overtake others on their way.
            for (late, row) in (0_i64..7).cycle().zip(&mut rows) {
                row.local_time = row.local_time.after(Nanos::from_raw(late * 700_000));
            }
            let book = BookOptions { block_mode, ..BookOptions::default() };
            setups.push((Setup { symbols, kind, book }, rows, wakes));
        }
    }
    setups
}

#[test]
fn a_run_is_the_same_however_its_data_are_cut() {
    for (setup, rows, wakes) in every_setup() {
        let run = |chunk| setup.run(&rows, chunk, Quoter { wakes, heard: 0 }).0.records;
        let whole = run(rows.len());
        assert!(whole.fills.len() > 20, "only {} fills", whole.fills.len());
        for chunk in [1_000, 37, 1] {
            let cut = run(chunk);
            assert_eq!(cut.digest, whole.digest, "in chunks of {chunk}");
            assert_eq!(cut.fills, whole.fills);
            assert_eq!(cut.orders, whole.orders);
        }
    }
}

/// Answers every print: joins the best bid where nothing of its own rests, and leaves where something does.
struct Joiner;

impl Strategy for Joiner {
    fn wakes(&self) -> Wakes {
        Wakes { trades: true, ..Wakes::default() }
    }
    fn on_trade(&mut self, ctx: &mut Context<'_>, trade: &Trade) -> Result<(), StrategyError> {
        let id = trade.instrument;
        let Some((bid, _)) = ctx.world.book(id).and_then(|book| book.levels.best()) else { return Ok(()) };
        match ctx.world.orders.of(id).next().map(|order| order.event.cloid) {
            Some(cloid) => ctx.cancel(id, cloid),
            None => drop(ctx.quote(id, Side::Buy, bid, None)),
        }
        Ok(())
    }
}

#[test]
fn a_moment_is_answered_once_wherever_its_rows_are_cut() {
    let mut rows = synthetic(&["BTC"], Told::Levels, 6_000);
    for row in &mut rows {
        // Many rows share a moment, and reach us at once.
        row.exchange_time = row.exchange_time.floor_to(Nanos::from_raw(20_000_000));
        row.local_time = row.exchange_time;
    }
    let setup = Setup::one(BookOptions::default());
    let whole = setup.run(&rows, rows.len(), Joiner).0.records;
    assert!(whole.orders.len() > 100, "only {} orders", whole.orders.len());
    for chunk in [1_001, 17, 1] {
        let cut = setup.run(&rows, chunk, Joiner).0.records;
        assert_eq!(cut.orders, whole.orders, "in chunks of {chunk}");
        assert_eq!(cut.digest, whole.digest);
    }
}

#[test]
fn the_journal_of_a_run_replays_to_the_same_commands() {
    for (setup, rows, wakes) in every_setup() {
        let quoter = Quoter { wakes, heard: 0 };
        let (outcome, journal) = setup.run(&rows, 999, quoter.clone());
        let mut system = TradingSystem::around(setup.world().0, quoter, risk());
        let mut reader = Reader::new(journal.as_slice()).unwrap();
        let seen = replay(&mut reader, &mut system, Nanos::MAX).unwrap();
        assert!(seen.is_complete && seen.commands > 100, "{seen:?}");
        assert_eq!(system.world().account.equity().unwrap(), outcome.final_equity);
    }
}

#[test]
fn what_is_heard_does_not_change_what_happens() {
    let rows = synthetic(&["BTC"], Told::Levels, 20_000);
    let setup = Setup::one(BookOptions::default());
    let run = |wakes| setup.run(&rows, 4_096, Quoter { wakes, heard: 0 }).0.records;
    let quiet = run(Wakes::default());
    let all = run(Wakes { trades: true, quotes: true, books: true });
    assert_eq!(quiet.fills, all.fills);
    assert_eq!(quiet.digest, all.digest);
}

#[test]
fn a_run_on_a_thread_of_its_own_beside_others_is_the_same() {
    let (setup, rows, wakes) = every_setup().remove(2);
    let run = || setup.run(&rows, 512, Quoter { wakes, heard: 0 }).0.records.digest;
    let alone = run();
    let (setup, rows) = (&setup, &rows);
    let digests: Vec<String> = std::thread::scope(|scope| {
        let work = || setup.run(rows, 512, Quoter { wakes, heard: 0 }).0.records.digest;
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(digests.iter().all(|digest| *digest == alone));
}
