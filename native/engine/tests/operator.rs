//! What the operator's words do: warming up, pausing, resuming, cancelling, flattening, and a run that goes on elsewhere.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::collections::VecDeque;

use common::{Move, Script, bars, closes, system};
use engine::event::{AccountEvent, Bar, Command, ControlEvent, Event, MarketEvent, SignalKind, TimerEvent};
use engine::instrument::InstrumentId;
use engine::journal::{Reader, Record, Writer};
use engine::num::{Money, Price, Qty, Rate};
use engine::order::{
    Cloid, FillEvent, FillReason, Liquidity, OrderEvent, OrderKind, OrderStatus, OrderUpdate, Reason, Side, TimeInForce,
};
use engine::replay::replay;
use engine::risk::{SimpleRisk, Sizing};
use engine::strategy::{Builtin, Context, OrderRequest, Strategy, StrategyError};
use engine::system::{SystemError, TradingSystem};
use engine::time::Nanos;
use engine::world::Mode;
use proptest::prelude::{Just, ProptestConfig, any, prop, prop_assert, prop_oneof, proptest};

const ONE: i64 = 100_000_000;
const BTC: InstrumentId = InstrumentId(0);
const ETH: InstrumentId = InstrumentId(1);
const T: Nanos = Nanos::ZERO;

type Ask = fn(&mut Context<'_>);

/// Asks for one thing at each bar, and remembers what it was told.
#[derive(Default)]
struct Asks {
    asks: VecDeque<Ask>,
    bars: usize,
    told: Vec<(Cloid, OrderStatus)>,
}

impl Strategy for Asks {
    fn on_bar(&mut self, ctx: &mut Context<'_>, _: &Bar) -> Result<(), StrategyError> {
        self.bars += 1;
        if let Some(ask) = self.asks.pop_front() {
            ask(ctx);
        }
        Ok(())
    }
    fn on_order(&mut self, _: &mut Context<'_>, update: &OrderUpdate) -> Result<(), StrategyError> {
        self.told.push((update.cloid, update.status));
        Ok(())
    }
}

fn units(n: i64) -> Qty {
    Qty::from_raw(n * ONE)
}

fn signal(ctx: &mut Context<'_>, kind: SignalKind) {
    ctx.signal(BTC, kind, Rate::ONE);
}
fn long(ctx: &mut Context<'_>) {
    signal(ctx, SignalKind::Long);
}
fn short(ctx: &mut Context<'_>) {
    signal(ctx, SignalKind::Short);
}
fn exit(ctx: &mut Context<'_>) {
    signal(ctx, SignalKind::Exit);
}
fn half(ctx: &mut Context<'_>) {
    ctx.signal(BTC, SignalKind::Long, Rate::from_raw(Rate::ONE.raw() / 2));
}
fn limit(ctx: &mut Context<'_>, instrument: InstrumentId, side: Side, reduce_only: bool) {
    let kind = OrderKind::Limit { price: Price::from_raw(90 * ONE) };
    ctx.place(OrderRequest { reduce_only, ..OrderRequest::new(instrument, side, Some(units(1)), kind) });
}
fn opening(ctx: &mut Context<'_>) {
    limit(ctx, BTC, Side::Buy, false);
}
fn opening_of_eth(ctx: &mut Context<'_>) {
    limit(ctx, ETH, Side::Buy, false);
}
fn reducing(ctx: &mut Context<'_>) {
    limit(ctx, BTC, Side::Sell, true);
}
fn change_all(ctx: &mut Context<'_>) {
    let cloids: Vec<Cloid> = ctx.world.orders.of(BTC).map(|order| order.event.cloid).collect();
    cloids.into_iter().for_each(|cloid| ctx.modify(BTC, cloid, Price::from_raw(95 * ONE), units(1)));
}
fn cancel_all(ctx: &mut Context<'_>) {
    let cloids: Vec<Cloid> = ctx.world.orders.of(BTC).map(|order| order.event.cloid).collect();
    cloids.into_iter().for_each(|cloid| ctx.cancel(BTC, cloid));
}
fn timers(ctx: &mut Context<'_>) {
    ctx.set_timer(Nanos::from_raw(7), 7);
    ctx.schedule_cancel(Some(Nanos::from_raw(8)));
}

/// A system with a strategy that asks, and a position of its size's sign if there is one.
struct Desk {
    system: TradingSystem<Asks, SimpleRisk>,
}

impl Desk {
    fn new(asks: &[Ask]) -> Self {
        let risk = SimpleRisk { sizing: Sizing::Fixed(units(2)), max_position_size: None };
        let strategy = Asks { asks: asks.iter().copied().collect(), ..Asks::default() };
        let mut desk = Self { system: system(strategy, risk) };
        desk.say(ControlEvent::Start { time: T });
        desk
    }

    fn take(&mut self, event: Event<'_>) -> Vec<Command> {
        let mut commands = Vec::new();
        self.system.step(event, &mut commands).unwrap();
        self.system.world().account.check().unwrap();
        commands
    }

    fn say(&mut self, word: ControlEvent) -> Vec<Command> {
        self.take(Event::Control(&word))
    }

    fn hold(&mut self, instrument: InstrumentId, quantity: Qty) {
        let entry = if quantity.is_zero() { Price::ZERO } else { Price::from_raw(100 * ONE) };
        self.take(Event::Account(&AccountEvent::Position { time: T, instrument, quantity, entry }));
    }

    /// A bar, at which the strategy asks for the next thing.
    fn bar(&mut self) -> Vec<Command> {
        self.take(Event::Market(&closes(&[100])[0]))
    }

    fn told(&self) -> Vec<OrderStatus> {
        self.system.strategy().told.iter().map(|(_, status)| *status).collect()
    }
}

fn submitted(commands: &[Command]) -> Vec<(InstrumentId, Side, i64, bool)> {
    let one = |command: &Command| match command {
        Command::Submit(order) => (order.instrument, order.side, order.quantity.raw() / ONE, order.reduce_only),
        other => panic!("{other:?}"),
    };
    commands.iter().map(one).collect()
}

const REFUSED: OrderStatus = OrderStatus::Rejected(Reason::NotTrading);
const CHANGE_REFUSED: OrderStatus = OrderStatus::ActionRejected(Reason::NotTrading);

#[test]
fn warming_up_a_strategy_hears_everything_and_only_its_timers_are_kept() {
    let mut desk = Desk::new(&[long, opening, reducing, timers]);
    assert_eq!(desk.say(ControlEvent::WarmUp { time: T }), []);
    assert_eq!(desk.system.world().mode, Mode::WarmingUp);
    assert_eq!((desk.bar(), desk.bar(), desk.bar()), (vec![], vec![], vec![]), "not even a notice");
    assert_eq!(desk.bar(), [Command::SetTimer { time: Nanos::from_raw(7), id: 7 }]);
    assert_eq!((desk.system.strategy().bars, desk.told()), (4, vec![REFUSED, REFUSED]));
}

#[test]
fn a_signal_of_the_warm_up_is_forgotten_so_that_the_same_one_acts_later() {
    let mut desk = Desk::new(&[long, long]);
    desk.say(ControlEvent::WarmUp { time: T });
    desk.bar();
    desk.say(ControlEvent::Resume { time: T });
    assert_eq!(submitted(&desk.bar()), [(BTC, Side::Buy, 2, false)]);
}

#[test]
fn changes_are_refused_while_warming_up_and_cancels_are_not() {
    let mut desk = Desk::new(&[opening, change_all, cancel_all]);
    desk.bar();
    desk.say(ControlEvent::WarmUp { time: T });
    assert_eq!(desk.bar(), []);
    assert_eq!(desk.told(), [CHANGE_REFUSED]);
    assert!(matches!(desk.bar()[..], [Command::Cancel { .. }]));
}

#[test]
fn warming_up_needs_no_price_to_size_a_signal_at() {
    let risk = SimpleRisk { sizing: Sizing::Fraction(Rate::ONE), max_position_size: None };
    let strategy = Asks { asks: [long as Ask, opening].into(), ..Asks::default() };
    let mut machine = system(strategy, risk);
    machine.step(Event::Control(&ControlEvent::WarmUp { time: T }), &mut Vec::new()).unwrap();
    let MarketEvent::Bar(bar) = closes(&[100])[0] else { unreachable!() };
    let other = MarketEvent::Bar(Bar { instrument: ETH, ..bar });
    machine.step(Event::Market(&other), &mut Vec::new()).unwrap();
    machine.step(Event::Market(&other), &mut Vec::new()).unwrap();
}

#[test]
fn in_a_pause_a_signal_may_bring_a_position_closer_to_zero_and_do_nothing_else() {
    for (held, ask, wanted) in [
        (2, half as Ask, vec![(BTC, Side::Sell, 1, true)]),
        (2, exit, vec![(BTC, Side::Sell, 2, true)]),
        (-2, exit, vec![(BTC, Side::Buy, 2, true)]),
        (2, short, vec![]),
        (-2, long, vec![]),
        (0, long, vec![]),
        (0, exit, vec![]),
        (1, long, vec![]),
    ] {
        let mut desk = Desk::new(&[ask]);
        desk.hold(BTC, units(held));
        desk.say(ControlEvent::Pause { time: T });
        assert_eq!(submitted(&desk.bar()), wanted, "{held}");
    }
}

#[test]
fn a_signal_that_a_pause_has_dropped_acts_when_it_is_given_again_after_it() {
    let mut desk = Desk::new(&[long, long]);
    desk.say(ControlEvent::Pause { time: T });
    assert_eq!(desk.bar(), []);
    desk.say(ControlEvent::Resume { time: T });
    assert_eq!(desk.system.world().mode, Mode::Trading);
    assert_eq!(submitted(&desk.bar()), [(BTC, Side::Buy, 2, false)]);
}

#[test]
fn a_pause_withholds_what_may_open_and_passes_what_reduces() {
    let mut desk = Desk::new(&[opening, reducing, timers, opening]);
    desk.hold(BTC, units(2));
    desk.say(ControlEvent::Pause { time: T });
    let withheld = desk.bar();
    assert!(matches!(&withheld[..], [Command::Withhold(order)] if order.quantity == units(1)), "{withheld:?}");
    assert_eq!(desk.told(), [REFUSED]);
    assert_eq!(submitted(&desk.bar()), [(BTC, Side::Sell, 1, true)]);
    assert_eq!(desk.bar().len(), 2, "the timer and the plan to cancel");
    desk.say(ControlEvent::Resume { time: T });
    assert_eq!(submitted(&desk.bar()), [(BTC, Side::Buy, 1, false)]);
}

#[test]
fn in_a_pause_only_orders_that_reduce_are_changed_and_all_may_be_cancelled() {
    let mut desk = Desk::new(&[opening, reducing, change_all, cancel_all]);
    desk.bar();
    desk.bar();
    desk.say(ControlEvent::Pause { time: T });
    let reducing = desk.system.world().orders.of(BTC).find(|order| order.event.reduce_only).unwrap().event.cloid;
    assert!(matches!(desk.bar()[..], [Command::Modify { cloid, .. }] if cloid == reducing));
    assert_eq!(desk.told(), [CHANGE_REFUSED]);
    assert_eq!(desk.bar().len(), 2);
}

#[test]
fn cancel_all_cancels_each_order_once_the_oldest_first() {
    let mut desk = Desk::new(&[opening_of_eth, opening, opening_of_eth]);
    for _ in 0..3 {
        desk.bar();
    }
    let word = ControlEvent::CancelAll { time: T };
    let cancelled: Vec<(InstrumentId, u64)> = (desk.say(word.clone()).iter())
        .map(|command| match command {
            Command::Cancel { cloid, instrument } => (*instrument, cloid.sequence()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(cancelled, [(ETH, 1), (BTC, 2), (ETH, 3)]);
    assert_eq!(desk.say(word), []);
}

#[test]
fn flattening_closes_every_position_past_strategy_and_risk_and_forgets_targets() {
    let mut desk = Desk::new(&[opening, long, long]);
    desk.bar();
    desk.hold(ETH, units(-3));
    desk.hold(BTC, units(2));
    assert_eq!(desk.bar(), [], "the target is met");
    desk.say(ControlEvent::WarmUp { time: T });
    let commands = desk.say(ControlEvent::Flatten { time: T });
    assert!(matches!(commands[0], Command::Cancel { .. }));
    assert_eq!(submitted(&commands[1..]), [(BTC, Side::Sell, 2, true), (ETH, Side::Buy, 3, true)]);
    let orders: Vec<&OrderEvent> = desk.system.world().orders.by_age().into_iter().map(|order| &order.event).collect();
    assert_eq!(orders.iter().map(|order| order.cloid.sequence()).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(orders[1..].iter().all(|o| o.kind == OrderKind::Market && o.time_in_force == TimeInForce::Ioc));
    desk.say(ControlEvent::Resume { time: T });
    for (instrument, side, quantity, sequence) in [(BTC, Side::Sell, 2, 2), (ETH, Side::Buy, 3, 3)] {
        let cloid = Cloid(orders_run(&desk) | sequence);
        let fill = fill(cloid, instrument, side, units(quantity));
        desk.take(Event::Fill(&fill));
        let (status, time) = (OrderStatus::Filled, T);
        desk.take(Event::Order(&OrderUpdate { cloid, oid: 1, instrument, status, time, local_time: time }));
    }
    assert_eq!(desk.system.world().account.open_positions(), 0);
    assert_eq!(submitted(&desk.bar()), [(BTC, Side::Buy, 2, false)], "the same signal is a new one");
}

fn orders_run(desk: &Desk) -> u128 {
    desk.system.world().orders.cloid(0).0 & !u128::from(u64::MAX)
}

fn fill(cloid: Cloid, instrument: InstrumentId, side: Side, quantity: Qty) -> FillEvent {
    FillEvent {
        cloid,
        oid: 1,
        trade_id: 1,
        instrument,
        side,
        price: Price::from_raw(100 * ONE),
        quantity,
        fee: Money::ZERO,
        liquidity: Liquidity::Taker,
        reason: FillReason::Taker,
        ahead_at_arrival: None,
        time: T,
        local_time: T,
    }
}

#[test]
fn after_a_takeover_ids_are_those_of_a_new_run_and_old_orders_live_on() {
    let mut desk = Desk::new(&[opening, opening, cancel_all]);
    desk.bar();
    assert_eq!(desk.say(ControlEvent::Takeover { time: T, epoch: 7 }), []);
    desk.bar();
    let ids: Vec<(u32, u64)> = (desk.system.world().orders.by_age().iter())
        .map(|order| (order.event.cloid.epoch(), order.event.cloid.sequence()))
        .collect();
    assert_eq!(ids, [(0, 1), (7, 1)]);
    assert_eq!(desk.bar().len(), 2, "both are there to be cancelled");
}

#[test]
fn ids_are_never_given_twice_so_an_epoch_that_was_is_refused() {
    let mut desk = Desk::new(&[]);
    desk.say(ControlEvent::Takeover { time: T, epoch: 7 });
    let word = ControlEvent::Takeover { time: T, epoch: 7 };
    let error = desk.system.step(Event::Control(&word), &mut Vec::new()).unwrap_err();
    assert!(matches!(error, SystemError::Epoch { given: 7, epoch: 7, .. }), "{error}");
}

#[test]
fn builtin_strategies_say_how_many_bars_they_need() {
    let warm_up = |name: &str| Builtin::create(name, &[]).unwrap().0.warm_up();
    assert_eq!((warm_up("ma_crossover"), warm_up("rsi"), warm_up("grid"), warm_up("market_maker")), (30, 15, 0, 0));
}

/// The number is the count of bars after which it can first have traded, for the price path that makes it trade soonest.
#[test]
fn a_builtin_strategy_first_trades_at_the_bar_that_it_says_it_needs() {
    for name in ["ma_crossover", "rsi"] {
        let (strategy, _) = Builtin::create(name, &[]).unwrap();
        let needs = strategy.warm_up();
        let risk = SimpleRisk { sizing: Sizing::Fixed(units(1)), max_position_size: None };
        let mut machine = system(strategy, risk);
        let (mut commands, mut bars) = (Vec::new(), 0);
        machine.step(Event::Control(&ControlEvent::Start { time: T }), &mut commands).unwrap();
        for bar in closes(&(100..200).collect::<Vec<_>>()) {
            machine.step(Event::Market(&bar), &mut commands).unwrap();
            bars += 1;
            if !commands.is_empty() {
                break;
            }
        }
        assert_eq!(bars, needs, "{name}");
    }
}

fn words() -> impl proptest::strategy::Strategy<Value = ControlEvent> {
    prop_oneof![
        2 => Just(ControlEvent::WarmUp { time: T }),
        3 => Just(ControlEvent::Pause { time: T }),
        4 => Just(ControlEvent::Resume { time: T }),
        1 => Just(ControlEvent::CancelAll { time: T }),
        1 => Just(ControlEvent::Flatten { time: T }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever is said in between, a replay gives the same commands; and no mode lets through what it should hold back.
    #[test]
    fn what_the_operator_says_replays_byte_for_byte_and_holds(
        words in prop::collection::vec(prop::option::of(words()), 1..60), seed in any::<u64>(), quantity in -5_i64..5,
    ) {
        let moves = vec![
            Move::Signal(SignalKind::Long), Move::Order(1, Side::Buy, 100, -5), Move::Order(1, Side::Sell, 300, 5),
            Move::Modify(3), Move::Signal(SignalKind::Short), Move::Timer(9), Move::CancelAll, Move::Signal(SignalKind::Exit),
        ];
        let risk = || SimpleRisk { sizing: Sizing::Fixed(units(2)), max_position_size: None };
        let mut machine = system(Script::new(moves.clone()), risk());
        let mut writer = Writer::new(Vec::new(), "{}").unwrap();
        let mut epoch = 0;
        let mut events = vec![Record::Control(ControlEvent::Start { time: T })];
        for (at, bar) in bars(60, seed).into_iter().enumerate() {
            events.push(Record::Market(bar));
            match words.get(at) {
                Some(Some(ControlEvent::CancelAll { .. })) => {
                    epoch += 1;
                    events.push(Record::Control(ControlEvent::Takeover { time: T, epoch }));
                    let entry = Price::from_raw(ONE);
                    let quantity = units(quantity);
                    events.push(Record::Account(AccountEvent::Position { time: T, instrument: ETH, quantity, entry }));
                    events.push(Record::Account(AccountEvent::Transfer { time: T, amount: Money::from_raw(quantity.raw()) }));
                    events.push(Record::Control(ControlEvent::CancelAll { time: T }));
                }
                Some(Some(word)) => events.push(Record::Control(word.clone())),
                _ => {}
            }
            if at % 7 == 0 {
                events.push(Record::Timer(TimerEvent { time: T, id: 1 }));
            }
        }
        for record in &events {
            let mut commands = Vec::new();
            let mode = machine.world().mode;
            machine.step(record.event().unwrap(), &mut commands).unwrap();
            machine.world().account.check().unwrap();
            let is_word = matches!(record, Record::Control(_));
            for command in &commands {
                match (command, mode) {
                    (Command::Submit(order), Mode::Paused) => prop_assert!(order.reduce_only),
                    (Command::Submit(_), Mode::WarmingUp) => prop_assert!(is_word, "only to flatten"),
                    (Command::Refuse(_) | Command::Notice { .. } | Command::Modify { .. }, Mode::WarmingUp) => {
                        prop_assert!(false, "{command:?}");
                    }
                    (Command::Withhold(_), mode) => prop_assert!(mode == Mode::Paused),
                    _ => {}
                }
            }
            writer.append(record).unwrap();
            for command in commands {
                writer.append(&Record::Command(command)).unwrap();
            }
        }
        let bytes = writer.finish().unwrap();
        let mut again = system(Script::new(moves), risk());
        let seen = replay(&mut Reader::new(bytes.as_slice()).unwrap(), &mut again, Nanos::MAX).unwrap();
        prop_assert!(seen.events == events.len() as u64);
        prop_assert!(again.world().account.equity() == machine.world().account.equity());
        prop_assert!(again.world().orders.cloid(0) == machine.world().orders.cloid(0));
    }
}
