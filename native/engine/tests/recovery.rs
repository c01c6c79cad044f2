//! A system that goes on where its journal ends.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use common::{bars, run, system};
use engine::journal::{JournalError, Reader, Record, Writer};
use engine::num::{Money, Qty};
use engine::recovery::{Recovered, Recovery};
use engine::replay::{ReplayError, replay};
use engine::risk::{SimpleRisk, Sizing};
use engine::strategy::Builtin;
use engine::time::Nanos;
use engine::venue::VenueConfig;
use proptest::prelude::*;

fn risk() -> SimpleRisk {
    SimpleRisk { sizing: Sizing::Fixed(Qty::from_raw(100_000_000)), max_position_size: None }
}

fn crossover() -> Builtin {
    Builtin::create("ma_crossover", &[]).unwrap().0
}

fn ran(rows: u64) -> common::Ran {
    run(bars(rows, 3), crossover(), risk(), VenueConfig::default())
}

fn recover(bytes: &[u8], strategy: Builtin) -> Result<(Recovered, Money), ReplayError> {
    let mut machine = system(strategy, risk());
    let mut recovery = Recovery::new(Reader::new(bytes)?);
    loop {
        if let Some(found) = recovery.advance(&mut machine, 100)? {
            return Ok((found, machine.world().account.equity().unwrap()));
        }
    }
}

/// The records, each in a frame of its own, and where frames begin.
fn one_by_one(journal: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let mut reader = Reader::new(journal).unwrap();
    let shared = common::Shared::default();
    let mut writer = Writer::new(shared.clone(), reader.header()).unwrap();
    let mut starts = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        starts.push(shared.0.lock().unwrap().len());
        writer.append(&record).unwrap();
        writer.commit().unwrap();
    }
    let bytes = shared.0.lock().unwrap().clone();
    (bytes, starts)
}

#[test]
fn a_whole_journal_brings_a_system_to_its_end_and_the_fills_of_what_is_open_are_told() {
    let ran = ran(3_000);
    let (found, equity) = recover(&ran.journal, crossover()).unwrap();
    assert_eq!(equity, ran.outcome.final_equity);
    assert!(found.has_ended && found.cut.is_none() && found.commands > 10, "{found:?}");
    let mut reader = Reader::new(ran.journal.as_slice()).unwrap();
    let mut open = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        match record {
            Record::Fill(fill) => open.push(fill),
            Record::Order(update) if update.status.is_final() => open.retain(|fill| fill.cloid != update.cloid),
            _ => {}
        }
    }
    assert!(!open.is_empty() && open.iter().all(|fill| fill.cloid == open[0].cloid), "one order is open: {open:?}");
    assert_eq!(found.fills, open);
    assert_eq!(found.bars.len(), 2);
}

#[test]
fn another_strategy_is_found_out() {
    let error = recover(&ran(2_000).journal, Builtin::create("rsi", &[]).unwrap().0).unwrap_err();
    assert!(matches!(error, ReplayError::Differs { .. }), "{error}");
}

#[test]
fn a_record_that_a_newer_version_wrote_is_refused_not_cut_off() {
    let mut frames = engine::journal::Frames::with_header("{}").unwrap();
    frames.push(&200_u8).unwrap();
    let mut bytes = Vec::new();
    frames.take(&mut bytes);
    let error = recover(&bytes, crossover()).unwrap_err();
    assert!(matches!(error, ReplayError::Journal(JournalError::Unknown { .. })), "{error}");
}

#[test]
fn a_replay_that_is_to_end_somewhere_ends_at_a_torn_write_and_one_that_is_not_says_so() {
    let whole = ran(2_000).journal;
    let torn = &whole[..whole.len() - 3];
    let replayed = |bytes: &[u8], until: Nanos| {
        let mut machine = system(crossover(), risk());
        replay(&mut Reader::new(bytes).unwrap(), &mut machine, until)
    };
    let late = Nanos::from_raw(i64::MAX - 1);
    let (seen, of_whole) = (replayed(torn, late).unwrap(), replayed(&whole, late).unwrap());
    assert!(seen.events > 1_000 && seen.events < of_whole.events && !seen.is_complete, "{seen:?}");
    assert!(matches!(replayed(torn, Nanos::MAX), Err(ReplayError::Journal(JournalError::Damaged { .. }))));
    let mut damaged = whole.clone();
    damaged[70_000] ^= 1;
    assert!(replayed(&damaged, late).is_err(), "frames come after it");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Cut or damaged anywhere, a system is brought to the last whole frame before that, and the rest is told as lost.
    #[test]
    fn recovery_ends_at_the_last_whole_frame(at in any::<prop::sample::Index>(), is_cut in any::<bool>()) {
        let (bytes, starts) = one_by_one(&ran(300).journal);
        let at = starts[0] + at.index(bytes.len() - starts[0]);
        let mut damaged = bytes.clone();
        if is_cut { damaged.truncate(at) } else { damaged[at] ^= 4 }
        let whole = starts.partition_point(|start| *start <= at) - 1;
        let is_border = is_cut && starts.contains(&at);
        let mut reader = Reader::new(bytes.as_slice()).unwrap();
        let records: Vec<Record> = (0..whole).map(|_| reader.next().unwrap().unwrap()).collect();
        match recover(&damaged, crossover()) {
            Ok((found, _)) => {
                prop_assert_eq!(found.cut.is_none(), is_border);
                let events = records.iter().filter(|record| record.event().is_some()).count();
                prop_assert_eq!(found.events, events as u64);
                prop_assert!(!found.has_ended);
            }
            // Cut between an event and its commands by somebody who writes them apart.
            Err(ReplayError::Differs { given, .. }) => prop_assert!(is_border && given.contains("Submit")),
            Err(error) => prop_assert!(false, "{error}"),
        }
    }
}
