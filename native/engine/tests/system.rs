//! What the machine makes of signals, refusals, timers and the end of trading.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use common::{CAPITAL, Move, Once, Ran, Script, closes, run, system};
use engine::backtest::{Backtest, BacktestError};
use engine::bars::Rule;
use engine::event::{Bar, Command, ControlEvent, Event, MarketEvent, SignalKind};
use engine::instrument::{InstrumentId, Instruments};
use engine::num::{Qty, Rate};
use engine::order::{OrderStatus, OrderUpdate, Reason, Side};
use engine::record::Detail;
use engine::risk::{SimpleRisk, Sizing, VolatilityTarget};
use engine::strategy::{Builtin, Context, Strategy, StrategyError, Value};
use engine::stream::Source;
use engine::system::{SystemError, TradingSystem};
use engine::time::Nanos;
use engine::venue::{FillOn, SimulatedVenue, VenueConfig};

const LONG: Move = Move::Signal(SignalKind::Long);
const SHORT: Move = Move::Signal(SignalKind::Short);
const EXIT: Move = Move::Signal(SignalKind::Exit);

fn units(n: i64) -> Qty {
    Qty::from_raw(n * 100_000_000)
}

fn fixed(n: i64) -> SimpleRisk {
    SimpleRisk { sizing: Sizing::Fixed(units(n)), max_position_size: None }
}

/// Signed quantities of the fills.
fn traded(ran: &Ran) -> Vec<i64> {
    ran.outcome.records.fills.iter().map(|f| f.side.signed(f.quantity).raw() / 100_000_000).collect()
}

fn scripted(moves: Vec<Move>, risk: SimpleRisk) -> Ran {
    run(closes(&[100; 12]), Script::new(moves), risk, VenueConfig::default())
}

#[test]
fn a_signal_is_a_target_and_a_flip_is_one_order() {
    let moves = [vec![LONG, Move::Nothing, SHORT, Move::Nothing, EXIT], vec![Move::Nothing; 7]].concat();
    let ran = scripted(moves, fixed(3));
    assert_eq!(traded(&ran), [3, -6, 3]);
    assert_eq!(ran.outcome.records.metrics.num_trades, 2, "the flip closes one trade, the exit another");
}

#[test]
fn the_same_signal_again_trades_nothing() {
    let ran = scripted(vec![LONG], fixed(3));
    assert_eq!(traded(&ran), [3]);
}

#[test]
fn a_cap_holds_for_signals_and_for_orders_together() {
    let risk = SimpleRisk { max_position_size: Some(units(2)), ..fixed(3) };
    let buy = Move::Order(0, Side::Buy, 101, 0);
    let ran = scripted(vec![LONG, Move::Nothing, buy, Move::Nothing, SHORT, Move::Nothing], risk);
    assert_eq!(traded(&ran)[..2], [2, -4]);
    let refused: Vec<_> = ran.outcome.records.orders.iter().filter_map(|o| o.status?.reason()).collect();
    assert!(refused.contains(&Reason::Risk), "{refused:?}");
}

#[test]
fn an_order_of_the_last_bar_does_not_fill_at_the_next_open_but_does_at_the_close() {
    let risk = || fixed(1);
    let moves = || Script::new([vec![Move::Nothing; 4], vec![LONG]].concat());
    let at_open = run(closes(&[100; 5]), moves(), risk(), VenueConfig::default());
    let config = VenueConfig { fill_on: FillOn::Close, ..VenueConfig::default() };
    let at_close = run(closes(&[100; 5]), moves(), risk(), config);
    assert_eq!((traded(&at_open), traded(&at_close)), (vec![], vec![1]));
}

#[test]
fn an_order_above_the_margin_is_refused_with_the_reason_and_the_signal_may_be_tried_again() {
    let ran = scripted(vec![LONG, Move::Nothing], fixed(2_000));
    assert!(traded(&ran).is_empty());
    let reasons: Vec<_> = ran.outcome.records.orders.iter().filter_map(|o| o.status).collect();
    assert!(reasons.len() > 2, "tried again at every new signal");
    assert!(reasons.iter().all(|s| s.reason() == Some(Reason::PerpMargin)), "{reasons:?}");
}

#[test]
fn volatility_targeting_is_flat_until_it_knows_and_halves_with_twice_the_volatility() {
    let calm: Vec<i64> = (0..60).map(|i| 10_000 + i % 2 * 10).collect();
    let wild: Vec<i64> = (0..60).map(|i| 10_000 + i % 2 * 20).collect();
    let size = |path: &[i64]| {
        let target = VolatilityTarget::new(0.1, 20, 1.0, 2);
        let risk = SimpleRisk { sizing: Sizing::Volatility(target), max_position_size: None };
        let ran = run(closes(path), Script::new(vec![LONG]), risk, VenueConfig::default());
        let first = ran.outcome.records.fills[0].clone();
        assert!(first.time >= Nanos::from_raw(20 * Nanos::MINUTE.raw()), "not before twenty returns are known");
        first.quantity.to_f64()
    };
    let ratio = size(&calm) / size(&wild);
    assert!((ratio - 2.0).abs() < 0.01, "{ratio}");
}

#[test]
fn a_tie_of_the_averages_keeps_the_side() {
    // With fast 1 and slow 2: up, tie, tie, down, tie.
    let params = [("fast".to_owned(), Value::Int(1)), ("slow".to_owned(), Value::Int(2))];
    let (strategy, _) = Builtin::create("ma_crossover", &params).unwrap();
    let ran = run(closes(&[100, 101, 101, 101, 100, 100, 100]), strategy, fixed(1), VenueConfig::default());
    assert_eq!(traded(&ran), [1, -2]);
}

/// Buys again whenever it is told that an order of its was refused.
struct Stubborn;
impl Strategy for Stubborn {
    fn on_bar(&mut self, ctx: &mut Context<'_>, bar: &Bar) -> Result<(), StrategyError> {
        ctx.signal(bar.instrument, SignalKind::Long, Rate::ONE);
        Ok(())
    }
    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) -> Result<(), StrategyError> {
        if matches!(update.status, OrderStatus::Rejected(_)) {
            ctx.signal(update.instrument, SignalKind::Long, Rate::ONE);
        }
        Ok(())
    }
}

#[test]
fn a_strategy_that_never_takes_no_for_an_answer_is_stopped() {
    // Refused by risk, inside one step.
    let mut machine = system(Stubborn, SimpleRisk { max_position_size: None, ..fixed(0) });
    let bar = closes(&[100]).remove(0);
    let mut commands = Vec::new();
    machine.step(Event::Control(&ControlEvent::Start { time: Nanos::ZERO }), &mut commands).unwrap();
    assert!(machine.step(Event::Market(&bar), &mut commands).is_ok(), "a target that is met asks for nothing");
    // Refused by the venue, round after round at one instant.
    let venue = SimulatedVenue::bars(VenueConfig::default(), Instruments::unrestricted(&common::SYMBOLS), CAPITAL);
    let sources: Vec<Box<dyn Source>> = vec![Box::new(Once(Some(closes(&[100; 3]).into())))];
    let machine = system(Stubborn, fixed(1_000_000));
    let backtest = Backtest::<_, _, _, Vec<u8>>::new(machine, venue, sources, Detail::Full, None).unwrap();
    let error = backtest.run(&mut |_, _| true).unwrap_err();
    assert!(matches!(error, BacktestError::Endless { .. }), "{error}");
}

/// Sets a timer at the start and remembers when it rang.
#[derive(Default)]
struct Clock {
    rang: Vec<Nanos>,
}
impl Strategy for Clock {
    fn on_start(&mut self, ctx: &mut Context<'_>) -> Result<(), StrategyError> {
        ctx.set_timer(Nanos::from_raw(90 * Nanos::SECOND.raw()), 1);
        ctx.set_timer(Nanos::from_raw(1_000_000 * Nanos::SECOND.raw()), 2);
        Ok(())
    }
    fn on_timer(&mut self, ctx: &mut Context<'_>, _: engine::event::TimerEvent) -> Result<(), StrategyError> {
        self.rang.push(ctx.world.now);
        // One for a moment that has passed comes due at the next.
        if self.rang.len() < 3 {
            ctx.set_timer(Nanos::ZERO, 3);
        }
        if self.rang.len() == 3 {
            let shown: Vec<String> = self.rang.iter().map(|t| t.raw().to_string()).collect();
            return Err(StrategyError(shown.join(" ").into()));
        }
        Ok(())
    }
}

#[test]
fn timers_ring_between_the_bars_when_they_are_due_and_not_beyond_the_data() {
    let venue = SimulatedVenue::bars(VenueConfig::default(), Instruments::unrestricted(&common::SYMBOLS), CAPITAL);
    let sources: Vec<Box<dyn Source>> = vec![Box::new(Once(Some(closes(&[100; 3]).into())))];
    let machine = system(Clock::default(), fixed(1));
    let backtest = Backtest::<_, _, _, Vec<u8>>::new(machine, venue, sources, Detail::Full, None).unwrap();
    let error = backtest.run(&mut |_, _| true).unwrap_err().to_string();
    assert!(error.ends_with("90000000000 90000000001 90000000002"), "{error}");
}

/// Notes every bar that it hears, with its rule.
#[derive(Default)]
struct Listener {
    wants: Vec<Rule>,
    heard: Vec<(i64, i64)>,
}
impl Strategy for Listener {
    fn resolutions(&self) -> Vec<Rule> {
        self.wants.clone()
    }
    fn on_bar(&mut self, ctx: &mut Context<'_>, bar: &Bar) -> Result<(), StrategyError> {
        assert!(bar.close_time <= ctx.world.now, "nobody sees a bar before it has closed");
        let minutes = |time: Nanos| time.raw() / Nanos::MINUTE.raw();
        self.heard.push((minutes(bar.close_time), minutes(bar.resolution())));
        Ok(())
    }
}

fn heard(wants: &[&str], events: &[MarketEvent]) -> Result<Vec<(i64, i64)>, SystemError> {
    let wants = wants.iter().map(|text| text.parse().unwrap()).collect();
    let mut machine: TradingSystem<_, _> = system(Listener { wants, heard: Vec::new() }, fixed(1));
    let mut commands: Vec<Command> = Vec::new();
    machine.step(Event::Control(&ControlEvent::Start { time: Nanos::ZERO }), &mut commands)?;
    for event in events {
        machine.step(Event::Market(event), &mut commands)?;
    }
    Ok(machine.strategy().heard.clone())
}

#[test]
fn larger_bars_come_after_the_bar_that_completes_them() {
    let events = closes(&[100; 7]);
    assert_eq!(
        heard(&["3m", "2m", "1m"], &events).unwrap(),
        [(1, 1), (2, 1), (2, 2), (3, 1), (3, 3), (4, 1), (4, 2), (5, 1), (6, 1), (6, 3), (6, 2), (7, 1)],
        "and a resolution that the data have is told once"
    );
}

#[test]
fn a_larger_bar_that_ended_in_a_gap_comes_before_the_bar_after_the_gap() {
    let mut events = closes(&[100; 9]);
    events.drain(2..6);
    assert_eq!(heard(&["4m"], &events).unwrap(), [(1, 1), (2, 1), (4, 4), (7, 1), (8, 1), (8, 4), (9, 1)]);
}

#[test]
fn bars_shorter_than_those_of_the_data_are_refused() {
    let error = heard(&["30s"], &closes(&[100])).unwrap_err();
    assert!(error.to_string().ends_with("wants bars of 30s: the bars of the data are longer, 1m"), "{error}");
}

#[test]
fn after_the_stop_nothing_is_ordered() {
    struct AtTheEnd;
    impl Strategy for AtTheEnd {
        fn on_stop(&mut self, ctx: &mut Context<'_>) -> Result<(), StrategyError> {
            ctx.signal(InstrumentId(0), SignalKind::Long, Rate::ONE);
            Ok(())
        }
    }
    let ran = run(closes(&[100; 3]), AtTheEnd, fixed(1), VenueConfig::default());
    assert!(ran.outcome.records.orders.is_empty());
}
