//! Tick data made by hand or by seed, and runs over them.

use std::sync::Arc;

use engine::backtest::{Outcome, TickBacktest};
use engine::book::BookKind;
use engine::event::{Bar, TimerEvent};
use engine::instrument::{Instrument, InstrumentId, Instruments, TickRule};
use engine::num::{Money, Price, Qty, Rate};
use engine::order::{FillEvent, OrderUpdate, Side};
use engine::random::SplitMix64;
use engine::record::Detail;
use engine::risk::{SimpleRisk, Sizing};
use engine::row::{Flags, Row, RowChunk, RowKind, RowSource};
use engine::strategy::{Builtin, Context, Strategy, StrategyError, Value, Wakes};
use engine::system::TradingSystem;
use engine::time::Nanos;
use engine::venue::{SimulatedVenue, VenueConfig};
use engine::world::World;

/// 2024-01-01.
pub const START: i64 = 1_704_067_200_000_000_000;

/// An instrument with a tick and a lot.
pub fn instrument(symbol: &str, tick: &str, lot: &str) -> Instrument {
    let mut instrument = Instrument::unrestricted(symbol);
    instrument.tick = TickRule::Fixed(tick.parse().unwrap());
    instrument.lot_size = lot.parse().unwrap();
    instrument
}

/// A built-in strategy with some parameters.
pub fn builtin(name: &str, given: &[(&str, &str)]) -> Builtin {
    let given: Vec<_> = given.iter().map(|(k, v)| ((*k).to_owned(), Value::Text((*v).to_owned()))).collect();
    Builtin::create(name, &given).unwrap().0
}

/// Rows of one market whose best prices walk tick by tick, with a print at each step and two more levels behind.
///
/// `steps` of 50 ms; `restless` is how many steps in a hundred move the price.
pub fn walk(id: u32, middle: &str, rules: &Instrument, steps: i64, restless: i64, seed: u64) -> Vec<Row> {
    let mut random = SplitMix64::new(seed);
    let tick = rules.tick.step_at(middle.parse().unwrap()).raw();
    let quantity = Qty::from_raw(rules.lot_size.raw() * 1_000);
    let mut bid = middle.parse::<Price>().unwrap().raw() / tick * tick;
    let mut rows = Vec::new();
    let (mut held, levels) = (Vec::new(), 3);
    for step in 0..steps {
        let time = Nanos::from_raw(START + step * 50_000_000);
        let row = |kind| Row::new(kind, InstrumentId(id), time, time.after(Nanos::from_raw(500_000)));
        if random.below(100) < restless {
            bid += if random.below(2) == 0 { tick } else { -tick };
        }
        let print = random.below(3);
        if step > 0 && print < 2 {
            // Prints of a tenth of what stands there, at the old best prices: the trade comes before its change.
            let side = if print == 0 { Side::Buy } else { Side::Sell };
            let price = if side == Side::Buy { bid + tick } else { bid };
            let size = Qty::from_raw(quantity.raw() / 10);
            rows.push(row(RowKind::Trade).at(side.into(), Price::from_raw(price), size).of(step.unsigned_abs()));
        }
        let mut now: Vec<(Side, i64)> = Vec::new();
        for level in 0..levels {
            now.push((Side::Buy, bid - level * tick));
            now.push((Side::Sell, bid + tick + level * tick));
        }
        let gone = held.iter().filter(|level| !now.contains(level)).map(|(s, p)| (*s, *p, Qty::ZERO));
        let told: Vec<_> = gone.chain(now.iter().map(|(s, p)| (*s, *p, quantity))).collect();
        for (index, (side, price, quantity)) in told.iter().enumerate() {
            let delta = row(RowKind::BookDelta).at((*side).into(), Price::from_raw(*price), *quantity);
            rows.push(if index + 1 == told.len() { delta.marked(Flags::LAST) } else { delta });
        }
        held = now;
    }
    rows
}

/// Rows of a slice in one chunk.
pub struct Rows(pub Option<RowChunk>);

impl RowSource for Rows {
    fn next_rows(&mut self) -> Result<Option<RowChunk>, engine::data::fault::SourceError> {
        Ok(self.0.take())
    }
}

/// The usual risk: a tenth of equity an order.
pub fn tenth() -> SimpleRisk {
    SimpleRisk { sizing: Sizing::Fraction(Rate::from_raw(100_000_000_000)), max_position_size: None }
}

/// Runs a strategy over rows of level books.
pub fn run_ticks<S: Strategy>(
    rows: Vec<Row>,
    instruments: Vec<Instrument>,
    strategy: S,
    risk: SimpleRisk,
    deposit: i64,
) -> Outcome {
    let instruments = Instruments::new(instruments);
    let kinds = vec![BookKind::L2; instruments.len()];
    let deposit = Money::from_raw(deposit * 100_000_000);
    let world = World::new("bot", 0, instruments.clone(), deposit).with_books(&kinds);
    let venue = SimulatedVenue::books(VenueConfig::default(), instruments, &kinds, deposit);
    let source = Box::new(Rows(Some(Arc::new(rows))));
    let system = TradingSystem::around(world, strategy, risk);
    let run: TickBacktest<_, _, Vec<u8>> = TickBacktest::new(system, venue, source, Detail::Full, None).unwrap();
    run.run(&mut |_, _| true).unwrap()
}

/// A strategy that somebody looks over the shoulder of: `check` sees the context after each wake-up.
pub struct Watched<S, F> {
    pub inner: S,
    pub check: F,
}

impl<S: Strategy, F: FnMut(&Context<'_>)> Strategy for Watched<S, F> {
    fn wakes(&self) -> Wakes {
        self.inner.wakes()
    }
    fn on_start(&mut self, ctx: &mut Context<'_>) -> Result<(), StrategyError> {
        self.inner.on_start(ctx)
    }
    fn on_bar(&mut self, ctx: &mut Context<'_>, bar: &Bar) -> Result<(), StrategyError> {
        self.inner.on_bar(ctx, bar)
    }
    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &FillEvent) -> Result<(), StrategyError> {
        self.inner.on_fill(ctx, fill)?;
        (self.check)(ctx);
        Ok(())
    }
    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) -> Result<(), StrategyError> {
        self.inner.on_order(ctx, update)?;
        (self.check)(ctx);
        Ok(())
    }
    fn on_timer(&mut self, ctx: &mut Context<'_>, timer: TimerEvent) -> Result<(), StrategyError> {
        self.inner.on_timer(ctx, timer)?;
        (self.check)(ctx);
        Ok(())
    }
}
