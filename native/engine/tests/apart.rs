//! A strategy in another process asks for what it would have asked for here; and whatever that process says, nothing else comes of it.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::cell::RefCell;
use std::rc::Rc;

use common::ticks::{builtin, instrument, run_ticks, tenth, walk};
use common::{CAPITAL, Move, SYMBOLS, Script, bars, moves, run, system};
use engine::bars::Rule;
use engine::book::BookKind;
use engine::event::{Bar, ControlEvent, Event, SignalEvent, SignalKind};
use engine::instrument::{InstrumentId, Instruments};
use engine::num::{Money, Price, Qty, Rate};
use engine::order::{Cloid, OrderKind, Side};
use engine::risk::{SimpleRisk, Sizing};
use engine::strategy::apart::{ApartError, Failure, Told, Twin};
use engine::strategy::{Builtin, Context, Intent, OrderRequest, Strategy, StrategyError};
use engine::system::SystemError;
use engine::time::Nanos;
use engine::venue::VenueConfig;
use engine::world::World;
use proptest::prelude::{ProptestConfig, any, prop, prop_assert_eq, proptest};

fn risk(cap: Option<i64>) -> SimpleRisk {
    let hundredths = |n: i64| Qty::from_raw(n * 1_000_000);
    SimpleRisk { sizing: Sizing::Fixed(hundredths(40)), max_position_size: cap.map(hundredths) }
}

fn told<S: Strategy>(mut twin: Twin<S, SimpleRisk>) -> Told<impl FnMut(&[u8]) -> Result<Vec<u8>, StrategyError>> {
    let described = twin.described().unwrap();
    let ask = move |request: &[u8]| {
        let failure = |error: StrategyError| Failure { hook: "there".to_owned(), text: error.to_string() };
        Ok(twin.answer(request, failure)?)
    };
    Told::new(&described, ask).unwrap()
}

fn twin<S: Strategy>(strategy: S, risk: SimpleRisk) -> Twin<S, SimpleRisk> {
    Twin::around(World::new("bot", 0, Instruments::unrestricted(&SYMBOLS), CAPITAL), strategy, risk)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_strategy_does_it_does_the_same_from_afar(
        moves in moves(), seed in any::<u64>(), cap in prop::option::of(10_i64..500),
    ) {
        let here = run(bars(300, seed), Script::new(moves.clone()), risk(cap), VenueConfig::default());
        let afar = run(bars(300, seed), told(twin(Script::new(moves), risk(cap))), risk(cap), VenueConfig::default());
        prop_assert_eq!(here.journal, afar.journal);
    }

    #[test]
    fn an_answer_of_any_bytes_is_an_error_or_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let described = twin(Script::new(vec![Move::Nothing]), risk(None)).described().unwrap();
        let mut machine = system(Told::new(&described, |_: &[u8]| Ok(bytes.clone())).unwrap(), risk(None));
        for event in bars(4, 1) {
            if machine.step(Event::Market(&event), &mut Vec::new()).is_err() {
                break;
            }
        }
    }
}

#[test]
fn a_market_maker_quotes_the_same_from_afar() {
    let rules = vec![instrument("BTC", "0.5", "0.001")];
    let maker = || builtin("market_maker", &[("quantity", "0.01")]);
    let rows = walk(0, "30000", &rules[0], 4_000, 30, 7);
    let deposit = 100_000;
    let here = run_ticks(rows.clone(), rules.clone(), maker(), tenth(), deposit);
    let instruments = Instruments::new(rules.clone());
    let world = World::new("bot", 0, instruments, Money::from_raw(deposit * 100_000_000)).with_books(&[BookKind::L2]);
    let afar = run_ticks(rows, rules, told(Twin::around(world, maker(), tenth())), tenth(), deposit);
    assert!(here.records.orders.len() > 20);
    assert_eq!(here.records.digest, afar.records.digest);
}

/// Buys at every bar, and sells at those that it has built of two: it is woken twice by one event.
struct Two;

impl Strategy for Two {
    fn resolutions(&self) -> Vec<Rule> {
        vec!["2m".parse().unwrap()]
    }
    fn on_bar(&mut self, ctx: &mut Context<'_>, bar: &Bar) -> Result<(), StrategyError> {
        ctx.place(OrderRequest::new(bar.instrument, Side::Buy, None, OrderKind::Market));
        Ok(())
    }
    fn on_built_bar(&mut self, ctx: &mut Context<'_>, bar: &Bar, _: Rule) -> Result<(), StrategyError> {
        ctx.place(OrderRequest::new(bar.instrument, Side::Sell, None, OrderKind::Market));
        Ok(())
    }
}

#[test]
fn what_is_asked_for_at_two_wake_ups_of_one_event_is_asked_for_once_each() {
    let here = run(bars(100, 3), Two, risk(None), VenueConfig::default());
    let afar = run(bars(100, 3), told(twin(Two, risk(None))), risk(None), VenueConfig::default());
    assert!(here.outcome.records.fills.len() > 100);
    assert_eq!(here.journal, afar.journal);
}

/// What is said of a strategy that is woken by all it hears, and then these answers.
fn answers(said: Vec<Vec<u8>>) -> Result<(), SystemError> {
    let described = twin(Script::new(vec![Move::Nothing]), risk(None)).described().unwrap();
    let mut said = said.into_iter();
    let told = Told::new(&described, move |_: &[u8]| Ok(said.next().unwrap_or_default())).unwrap();
    let mut machine = system(told, risk(None));
    machine.step(Event::Control(&ControlEvent::Start { time: Nanos::ZERO }), &mut Vec::new())?;
    bars(2, 1).iter().try_for_each(|event| machine.step(Event::Market(event), &mut Vec::new()))
}

fn answer(wakes: &[Vec<Intent>]) -> Vec<u8> {
    postcard::to_stdvec(&(wakes, None::<Failure>)).unwrap()
}

fn is_refused(intent: Intent) -> bool {
    let error = answers(vec![answer(&[vec![]]), answer(&[vec![intent]])]).unwrap_err();
    error.to_string().contains("what no strategy can")
}

#[test]
fn an_answer_for_another_number_of_wake_ups_ends_the_machine() {
    let fewer = answers(vec![answer(&[vec![]]), answer(&[])]).unwrap_err();
    assert!(fewer.to_string().contains("an answer for fewer wake-ups than there were"), "{fewer}");
    let more = answers(vec![answer(&[vec![], vec![]]), answer(&[vec![]])]).unwrap_err();
    assert!(more.to_string().contains("an answer for more wake-ups than there were"), "{more}");
}

#[test]
fn what_is_behind_an_answer_ends_the_machine() {
    let longer = [answer(&[vec![]]), vec![0]].concat();
    let error = answers(vec![longer]).unwrap_err();
    assert!(error.to_string().contains("a message that is none"), "{error}");
}

#[test]
fn an_order_of_a_foreign_id_or_of_no_size_or_instrument_is_not_asked_for() {
    let own = Rc::new(RefCell::new(None));
    let order = OrderRequest::new(InstrumentId(0), Side::Buy, Some(Qty::ONE), OrderKind::Market);
    {
        struct Places(Rc<RefCell<Option<Cloid>>>, OrderRequest);
        impl Strategy for Places {
            fn on_bar(&mut self, ctx: &mut Context<'_>, _: &Bar) -> Result<(), StrategyError> {
                self.0.borrow_mut().get_or_insert(ctx.place(self.1));
                Ok(())
            }
        }
        let mut machine = system(Places(own.clone(), order), risk(None));
        machine.step(Event::Market(&bars(1, 1)[0]), &mut Vec::new()).unwrap();
    }
    let own = own.borrow().unwrap();
    let accepted = answers(vec![answer(&[vec![]]), answer(&[vec![Intent::Place(own, order)]])]).unwrap_err();
    assert!(!accepted.to_string().contains("what no strategy can"), "the third answer is missing: {accepted}");
    let foreign = Intent::Place(Cloid::default(), order);
    assert!(is_refused(foreign));
    for wrong in [
        OrderRequest { quantity: Some(Qty::ZERO), ..order },
        OrderRequest { quantity: Some(Qty::from_raw(-1)), ..order },
        OrderRequest { instrument: InstrumentId(2), ..order },
        OrderRequest { kind: OrderKind::Twap { duration: Nanos::ZERO }, ..order },
    ] {
        assert!(is_refused(Intent::Place(own, wrong)), "{wrong:?}");
    }
}

#[test]
fn a_signal_or_a_change_of_what_is_not_traded_is_not_asked_for() {
    let (instrument, cloid) = (InstrumentId(2), Cloid::default());
    let signal = |instrument, strength| Intent::Signal(SignalEvent { instrument, kind: SignalKind::Long, strength });
    assert!(is_refused(signal(instrument, Rate::ONE)));
    assert!(is_refused(signal(InstrumentId(0), Rate::from_raw(-1))));
    assert!(is_refused(Intent::Cancel { cloid, instrument }));
    assert!(is_refused(Intent::Modify { cloid, instrument, price: Price::ONE, quantity: Qty::ONE }));
}

#[test]
fn what_a_strategy_fails_with_there_it_fails_with_here() {
    struct Fails;
    impl Strategy for Fails {
        fn on_bar(&mut self, ctx: &mut Context<'_>, _: &Bar) -> Result<(), StrategyError> {
            ctx.signal(InstrumentId(0), SignalKind::Long, Rate::ONE);
            Err(StrategyError(Box::new(ApartError::NoMessage)))
        }
    }
    let mut machine = system(told(twin(Fails, risk(None))), risk(None));
    let mut commands = Vec::new();
    let error = machine.step(Event::Market(&bars(1, 1)[0]), &mut commands).unwrap_err();
    assert!(error.to_string().ends_with("there: it does not keep to the protocol: a message that is none"), "{error}");
    assert!(commands.is_empty());
}

#[test]
fn a_twin_is_asked_about_events_alone() {
    let mut twin = twin(Builtin::create("rsi", &[]).unwrap().0, risk(None));
    let failure = |error: StrategyError| Failure { hook: String::new(), text: error.to_string() };
    assert!(twin.answer(&[250, 1, 2], failure).is_err());
    let end = postcard::to_stdvec(&engine::journal::Record::End).unwrap();
    assert!(matches!(twin.answer(&end, failure), Err(ApartError::NoMessage)));
}
