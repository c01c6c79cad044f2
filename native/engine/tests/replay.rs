//! Replay equals run, whatever the strategy does; and a journal that was changed is found out.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{CAPITAL, Ran, Script, bars, moves, run, system};
use engine::account::Account;
use engine::instrument::Instruments;
use engine::journal::{Reader, Record, Writer};
use engine::num::{Money, Qty};
use engine::replay::{ReplayError, replay};
use engine::risk::{SimpleRisk, Sizing};
use engine::strategy::Builtin;
use engine::time::Nanos;
use engine::venue::{FillOn, VenueConfig};
use proptest::prelude::*;

fn risk(cap: Option<i64>) -> SimpleRisk {
    let hundredths = |n: i64| Qty::from_raw(n * 1_000_000);
    SimpleRisk { sizing: Sizing::Fixed(hundredths(40)), max_position_size: cap.map(hundredths) }
}

fn config(leverage: u32, at_close: bool) -> VenueConfig {
    let fill_on = if at_close { FillOn::Close } else { FillOn::NextOpen };
    VenueConfig { leverage, fill_on, ..VenueConfig::default() }
}

/// The account that the fills make, from nothing but the fills.
fn account_of(ran: &Ran) -> Account {
    let mut account = Account::new(CAPITAL, 2);
    for fill in &ran.outcome.records.fills {
        account.apply_fill(fill).unwrap();
    }
    account
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_run_replays_byte_for_byte_and_its_money_adds_up(
        moves in moves(), seed in any::<u64>(), leverage in 1_u32..20, at_close in any::<bool>(), cap in prop::option::of(10_i64..500),
    ) {
        let ran = run(bars(400, seed), Script::new(moves.clone()), risk(cap), config(leverage, at_close));
        let again = run(bars(400, seed), Script::new(moves.clone()), risk(cap), config(leverage, at_close));
        prop_assert_eq!(&ran.journal, &again.journal);
        prop_assert_eq!(&ran.outcome.records.digest, &again.outcome.records.digest);

        let mut replayed = system(Script::new(moves), risk(cap));
        let seen = replay(&mut Reader::new(ran.journal.as_slice()).unwrap(), &mut replayed, Nanos::MAX).unwrap();
        prop_assert!(seen.events >= 400);
        prop_assert_eq!(replayed.world().account.equity().unwrap(), ran.outcome.final_equity);
        replayed.world().account.check().unwrap();

        // Sum of fills = position, and the cash of the fills = the cash of the run.
        let rebuilt = account_of(&ran);
        for (id, _) in Instruments::unrestricted(&common::SYMBOLS).iter() {
            prop_assert_eq!(rebuilt.position(id), replayed.world().account.position(id));
        }
        let backstop: Money = replayed.world().account.lines().backstop_loss;
        prop_assert_eq!(rebuilt.cash().sub(backstop).unwrap(), replayed.world().account.cash());
    }
}

#[test]
fn a_replay_until_a_moment_ends_there() {
    let (strategy, _) = Builtin::create("ma_crossover", &[]).unwrap();
    let ran = run(bars(2_000, 3), strategy.clone(), risk(None), VenueConfig::default());
    let until = ran.outcome.start.after(Nanos::from_raw(100 * Nanos::MINUTE.raw()));
    let mut replayed = system(strategy, risk(None));
    let seen = replay(&mut Reader::new(ran.journal.as_slice()).unwrap(), &mut replayed, until).unwrap();
    assert!(replayed.world().now <= until && seen.events < 400, "{seen:?}");
}

#[test]
fn another_strategy_is_found_out_at_the_first_command_that_differs() {
    let (strategy, _) = Builtin::create("ma_crossover", &[]).unwrap();
    let ran = run(bars(2_000, 3), strategy, risk(None), VenueConfig::default());
    let (other, _) = Builtin::create("rsi", &[]).unwrap();
    let mut reader = Reader::new(ran.journal.as_slice()).unwrap();
    let error = replay(&mut reader, &mut system(other, risk(None)), Nanos::MAX).unwrap_err();
    assert!(matches!(error, ReplayError::Differs { .. }), "{error}");
}

#[test]
fn a_command_left_out_of_the_journal_is_found_out() {
    let (strategy, _) = Builtin::create("ma_crossover", &[]).unwrap();
    let ran = run(bars(2_000, 3), strategy.clone(), risk(None), VenueConfig::default());
    let mut reader = Reader::new(ran.journal.as_slice()).unwrap();
    let (mut writer, mut left_out) = (Writer::new(Vec::new(), "{}").unwrap(), false);
    while let Some(record) = reader.next().unwrap() {
        if matches!(record, Record::Command(_)) && !left_out {
            left_out = true;
            continue;
        }
        writer.append(&record).unwrap();
    }
    let bytes = writer.finish().unwrap();
    let mut reader = Reader::new(bytes.as_slice()).unwrap();
    let error = replay(&mut reader, &mut system(strategy, risk(None)), Nanos::MAX).unwrap_err();
    assert!(error.to_string().contains("the journal has no command"), "{error}");
}
