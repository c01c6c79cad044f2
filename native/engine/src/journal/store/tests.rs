//! What a store promises, on a disk that crashes at any moment.

use proptest::prelude::*;

use super::simulated::SimulatedDisk;
use super::*;
use crate::event::{Event, TimerEvent};
use crate::journal::{Reader, Record};
use crate::random::SplitMix64;
use crate::time::Nanos;

type SimulatedStore = Store<SimulatedDisk>;

fn append(appender: &Appender, id: u64) -> Result<(), JournalError> {
    let time = Nanos::ZERO;
    appender.append_step(Event::Timer(TimerEvent { time, id }), &[])
}

/// With all that journals lack written to their files.
fn commit(store: &mut SimulatedStore) -> Result<(), StoreError> {
    store.commit()?;
    store.guarded(Store::settle_all)
}

fn behind(store: &SimulatedStore) -> usize {
    store.members.iter().map(|member| member.behind.len()).sum()
}

fn resume(store: &mut SimulatedStore, name: &str) -> Result<(Arc<Appender>, Whole), StoreError> {
    let file = store.find(name)?;
    let whole = look_through(name, &file)?;
    Ok((store.resume(name, file, whole)?, whole))
}

/// The ids in a journal; `None` if it is not there.
fn ids(disk: &SimulatedDisk, name: &str) -> Option<Vec<u64>> {
    let bytes = disk.content(&file_of(name).unwrap())?;
    let mut reader = Reader::new(bytes.as_slice()).unwrap();
    let mut ids = Vec::new();
    while let Some(Record::Timer(timer)) = reader.next().unwrap() {
        ids.push(timer.id);
    }
    Some(ids)
}

fn open(disk: &SimulatedDisk) -> SimulatedStore {
    Store::open(disk.clone(), LOG_BYTES).unwrap()
}

#[test]
fn a_journal_of_a_store_is_a_journal_like_any_other() {
    let disk = SimulatedDisk::new();
    let mut store = open(&disk);
    let one = store.create("b1/000001", "{\"a\": 1}").unwrap();
    assert_eq!(disk.content("b1/000001.journal"), None, "not before it is in the log");
    append(&one, 7).unwrap();
    assert!(store.commit().unwrap());
    assert_eq!(disk.content("b1/000001.journal"), None, "nobody waits for its file");
    assert!(store.tidy().unwrap() && !store.tidy().unwrap());
    assert_eq!(ids(&disk, "b1/000001"), Some(vec![7]));
    append(&one, 8).unwrap();
    append(&one, 9).unwrap();
    store.close().unwrap();
    assert_eq!(ids(&disk, "b1/000001"), Some(vec![7, 8, 9]));
    let bytes = disk.content("b1/000001.journal").unwrap();
    assert_eq!(Reader::new(bytes.as_slice()).unwrap().header(), "{\"a\": 1}");
    assert!(append(&one, 10).unwrap_err().to_string().ends_with("the store was closed"));
}

#[test]
fn many_journals_cost_one_sync() {
    let disk = SimulatedDisk::new();
    let mut store = open(&disk);
    let all: Vec<_> = (0..300).map(|number| store.create(&format!("b{number}"), "{}").unwrap()).collect();
    for round in 0..3 {
        all.iter().for_each(|appender| append(appender, round).unwrap());
        let before = disk.syncs();
        assert!(store.commit().unwrap());
        for _ in 0..300 {
            assert!(store.tidy().unwrap(), "one file at a time");
        }
        assert!(!store.tidy().unwrap());
        assert_eq!(disk.syncs() - before, 1);
    }
    let before = disk.syncs();
    assert!(!store.commit().unwrap(), "nothing was appended");
    assert_eq!(disk.syncs(), before);
}

#[test]
fn when_a_log_is_full_files_are_synced_one_at_a_time_and_the_logs_stay_small() {
    let disk = SimulatedDisk::new();
    let mut store = Store::open(disk.clone(), 4_096).unwrap();
    let all: Vec<_> = (0..20).map(|number| store.create(&format!("b{number}"), "{}").unwrap()).collect();
    for round in 0..200 {
        all.iter().for_each(|appender| append(appender, round).unwrap());
        let before = disk.syncs();
        store.commit().unwrap();
        assert_eq!(disk.syncs() - before, 1, "nobody waits for the files");
        while store.tidy().unwrap() {}
    }
    let sizes = ["redo.a", "redo.b"].map(|name| disk.content(name).unwrap().len());
    assert!(sizes.iter().all(|size| (4_096..8_192).contains(size)), "{sizes:?}");
    drop(store);
    let crashed = disk.after_crash(&mut SplitMix64::new(1));
    let store = open(&crashed);
    assert!((0..20).all(|number| ids(&crashed, &format!("b{number}")).unwrap().len() == 200));
    drop(store);
}

#[test]
fn where_nobody_tidies_a_full_log_waits_for_the_files() {
    let disk = SimulatedDisk::new();
    let mut store = Store::open(disk.clone(), 256).unwrap();
    let one = store.create("one", "{}").unwrap();
    for id in 0..100 {
        append(&one, id).unwrap();
        store.commit().unwrap();
    }
    let crashed = disk.after_crash(&mut SplitMix64::new(2));
    open(&crashed);
    assert_eq!(ids(&crashed, "one").unwrap().len(), 100);
}

#[test]
fn where_nobody_tidies_what_is_behind_is_written_before_there_is_too_much_of_it() {
    let disk = SimulatedDisk::new();
    let mut store = open(&disk);
    let all = ["one", "two"].map(|name| store.create(name, "{}").unwrap());
    let mut most = 0;
    for round in 0..100 {
        all.iter().for_each(|appender| (0..10_000).for_each(|id| append(appender, round * 10_000 + id).unwrap()));
        store.commit().unwrap();
        most = most.max(behind(&store));
    }
    assert!(most > BEHIND_MAX && most < 2 * BEHIND_MAX, "{most}");
    while store.tidy().unwrap() {}
    assert_eq!(behind(&store), 0);
    for name in ["one", "two"] {
        assert_eq!(ids(&disk, name).unwrap(), (0..1_000_000).collect::<Vec<_>>());
    }
}

#[test]
fn names_are_taken_once_and_journals_opened_once() {
    let disk = SimulatedDisk::new();
    let mut store = open(&disk);
    let one = store.create("one", "{}").unwrap();
    assert!(matches!(store.create("one", "{}"), Err(StoreError::Exists(_))));
    assert!(matches!(store.find("one"), Err(StoreError::IsOpen(_))));
    assert!(matches!(store.find("two"), Err(StoreError::Missing(_))));
    assert!(matches!(store.create("../two", "{}"), Err(StoreError::Name(_))));
    append(&one, 1).unwrap();
    one.close();
    // What was closed is committed when it is opened again, if not before.
    let (again, whole) = resume(&mut store, "one").unwrap();
    assert_eq!(whole.damage, None);
    append(&again, 2).unwrap();
    commit(&mut store).unwrap();
    assert_eq!(ids(&disk, "one"), Some(vec![1, 2]));
    drop(again);
    assert!(matches!(store.create("one", "{}"), Err(StoreError::Exists(_))));
    assert!(resume(&mut store, "one").is_ok());
}

#[test]
fn journals_that_were_left_are_synced_and_forgotten() {
    let disk = SimulatedDisk::new();
    let mut store = open(&disk);
    for number in 0..10 {
        let appender = store.create(&format!("b{number}"), "{}").unwrap();
        append(&appender, number).unwrap();
        commit(&mut store).unwrap();
        appender.close();
        store.tidy().unwrap();
        assert_eq!(store.members.len(), 0);
    }
}

#[test]
fn a_damaged_journal_is_cut_and_what_was_cut_off_never_comes_back() {
    let disk = SimulatedDisk::new();
    let mut store = open(&disk);
    // Because of this one the log is still needed, from its first batch on.
    let other = store.create("other", "{}").unwrap();
    let one = store.create("one", "{}").unwrap();
    for id in 0..50 {
        append(&one, id).unwrap();
        commit(&mut store).unwrap();
    }
    drop(one);
    store.tidy().unwrap();
    // The log still has all of it.
    let size = disk.content("one.journal").unwrap().len();
    disk.change("one.journal", |bytes| bytes[size / 2] ^= 1);
    let (again, whole) = resume(&mut store, "one").unwrap();
    assert!(whole.damage.is_some());
    let kept = ids(&disk, "one").unwrap();
    assert!(kept.len() > 10 && kept.len() < 40 && kept[..] == (0..50).collect::<Vec<_>>()[..kept.len()]);
    append(&again, 99).unwrap();
    commit(&mut store).unwrap();
    let wanted = [kept.as_slice(), &[99]].concat();
    assert!(append(&other, 1).is_ok());
    for seed in 0..20 {
        let crashed = disk.after_crash(&mut SplitMix64::new(seed));
        open(&crashed);
        assert_eq!(ids(&crashed, "one").unwrap(), wanted);
    }
}

#[test]
fn a_journal_that_somebody_took_away_or_put_back_does_not_mix_with_what_the_log_has() {
    let disk = SimulatedDisk::new();
    let mut store = open(&disk);
    let other = store.create("other", "{}").unwrap();
    let one = store.create("one", "{}").unwrap();
    append(&one, 1).unwrap();
    append(&other, 1).unwrap();
    commit(&mut store).unwrap();
    let early = disk.content("one.journal").unwrap();
    append(&one, 2).unwrap();
    append(&one, 3).unwrap();
    commit(&mut store).unwrap();
    drop(one);
    store.tidy().unwrap();
    disk.change("one.journal", |bytes| *bytes = early);
    let (one, _) = resume(&mut store, "one").unwrap();
    append(&one, 4).unwrap();
    commit(&mut store).unwrap();
    for seed in 0..20 {
        let crashed = disk.after_crash(&mut SplitMix64::new(seed));
        open(&crashed);
        assert_eq!(ids(&crashed, "one").unwrap(), [1, 4]);
    }
    append(&other, 2).unwrap();
    append(&one, 6).unwrap();
    commit(&mut store).unwrap();
    drop(one);
    store.tidy().unwrap();
    disk.remove("one.journal");
    let one = store.create("one", "{}").unwrap();
    (10..17).for_each(|id| append(&one, id).unwrap());
    commit(&mut store).unwrap();
    for seed in 0..20 {
        let crashed = disk.after_crash(&mut SplitMix64::new(seed));
        open(&crashed);
        assert_eq!(ids(&crashed, "one").unwrap(), (10..17).collect::<Vec<_>>());
    }
}

#[test]
fn what_follows_on_something_that_was_taken_away_is_not_put_back_alone() {
    let disk = SimulatedDisk::new();
    let mut store = open(&disk);
    let one = store.create("one", "{}").unwrap();
    append(&one, 1).unwrap();
    store.close().unwrap();
    let early = disk.content("one.journal").unwrap();
    let mut store = open(&disk);
    let (one, _) = resume(&mut store, "one").unwrap();
    for id in 2..9 {
        append(&one, id).unwrap();
        commit(&mut store).unwrap();
    }
    for change in [Some(&early[..early.len() - 11]), None] {
        let crashed = disk.after_crash(&mut SplitMix64::new(5));
        match change {
            Some(shorter) => crashed.change("one.journal", |bytes| *bytes = shorter.to_vec()),
            None => crashed.remove("one.journal"),
        }
        open(&crashed);
        assert_eq!(ids(&crashed, "one"), change.map(|_| vec![]));
    }
}

#[test]
fn of_a_log_that_cannot_be_read_nothing_comes_back_later() {
    let disk = SimulatedDisk::new();
    let mut store = open(&disk);
    let one = store.create("one", "{}").unwrap();
    for id in 0..5 {
        append(&one, id).unwrap();
        commit(&mut store).unwrap();
    }
    for name in ["redo.a", "redo.b"] {
        if !disk.content(name).unwrap().is_empty() {
            disk.change(name, |bytes| bytes[9] ^= 1);
        }
    }
    disk.remove("one.journal");
    let mut store = open(&disk);
    let one = store.create("one", "{}").unwrap();
    append(&one, 9).unwrap();
    commit(&mut store).unwrap();
    let crashed = disk.after_crash(&mut SplitMix64::new(6));
    open(&crashed);
    assert_eq!(ids(&crashed, "one").unwrap(), [9]);
}

#[test]
fn after_a_failure_nothing_is_taken_or_acknowledged_and_what_was_is_there() {
    for full in ["redo", "one"] {
        let disk = SimulatedDisk::new();
        let mut store = open(&disk);
        let (one, two) = (store.create("one", "{}").unwrap(), store.create("two", "{}").unwrap());
        append(&one, 1).unwrap();
        commit(&mut store).unwrap();
        disk.fill_up(full);
        append(&one, 2).unwrap();
        let error = commit(&mut store).unwrap_err().to_string();
        assert!(error.contains(full) && error.ends_with("no space left"), "{error}");
        assert_eq!(store.gate().why(), Some(error.as_str()));
        for appender in [&one, &two] {
            assert!(append(appender, 3).unwrap_err().to_string().ends_with(&error));
        }
        assert!(matches!(store.commit(), Err(StoreError::Failed(why)) if why == error));
        assert!(matches!(store.create("three", "{}"), Err(StoreError::Failed(_))));
        let mut random = SplitMix64::new(3);
        let crashed = disk.after_crash(&mut random);
        let mut store = open(&crashed);
        let kept = ids(&crashed, "one").unwrap();
        // The log had room, so it was durable before its file was full.
        assert_eq!(kept, if full == "one" { vec![1, 2] } else { vec![1] });
        assert!(resume(&mut store, "one").is_ok());
    }
}

#[test]
fn a_full_disk_at_the_opening_loses_nothing() {
    let disk = SimulatedDisk::new();
    let mut store = open(&disk);
    let one = store.create("one", "{}").unwrap();
    append(&one, 1).unwrap();
    store.commit().unwrap();
    let crashed = disk.after_crash(&mut SplitMix64::new(4));
    crashed.fill_up("one");
    assert!(
        matches!(Store::open(crashed.clone(), LOG_BYTES), Err(StoreError::Io { file, .. }) if file == "one.journal")
    );
    crashed.fill_up("nothing");
    open(&crashed);
    assert_eq!(ids(&crashed, "one").unwrap(), [1]);
}

/// What is done to a store.
#[derive(Debug, Clone)]
enum Deed {
    /// To one of four journals, so many records; with a new file or the old one, if it is not open.
    Append(usize, usize),
    /// And all that can wait.
    Commit,
    CommitOnly,
    /// One thing.
    Tidy,
    Close(usize),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        6 => (0_usize..4, 1_usize..60).prop_map(|(journal, records)| Deed::Append(journal, records)),
        5 => Just(Deed::Commit),
        2 => Just(Deed::CommitOnly),
        2 => Just(Deed::Tidy),
        1 => (0_usize..4).prop_map(Deed::Close),
    ];
    prop::collection::vec(deed, 1..60)
}

/// A journal as it should be.
#[derive(Debug, Default)]
struct Model {
    appended: Vec<u64>,
    /// So many of them, and the journal itself, must be there after a crash.
    acknowledged: Option<usize>,
    appender: Option<Arc<Appender>>,
}

const NAMES: [&str; 4] = ["one", "b1/two", "b1/three", "b2/c/four"];

/// Does them until the disk crashes, or all are done.
fn live(store: &mut SimulatedStore, models: &mut [Model; 4], deeds: &[Deed], next: &mut u64) -> Result<(), StoreError> {
    for deed in deeds {
        match deed {
            Deed::Append(journal, records) => {
                let model = &mut models[*journal];
                if model.appender.is_none() {
                    let name = NAMES[*journal];
                    let opened = match resume(store, name) {
                        Err(StoreError::Missing(_)) => store.create(name, "{}"),
                        other => other.map(|(appender, whole)| {
                            assert_eq!(whole.damage, None, "nothing is ever to be cut");
                            appender
                        }),
                    };
                    model.appender = Some(opened?);
                }
                for _ in 0..*records {
                    *next += 1;
                    if let Some(appender) = &model.appender
                        && append(appender, *next).is_ok()
                    {
                        model.appended.push(*next);
                    }
                }
            }
            Deed::Commit | Deed::CommitOnly => {
                store.commit()?;
                for model in models.iter_mut().filter(|model| model.appender.is_some() || !model.appended.is_empty()) {
                    model.acknowledged = Some(model.appended.len());
                }
                if matches!(deed, Deed::Commit) {
                    while store.tidy()? {}
                }
            }
            Deed::Tidy => {
                store.tidy()?;
            }
            Deed::Close(journal) => models[*journal].appender = None,
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// Crashes at any moment, several times, in openings too: what was acknowledged is there, in each journal a prefix of what was
    /// appended, and nothing else.
    #[test]
    fn what_was_acknowledged_survives_and_nothing_is_invented(
        lives in prop::collection::vec((deeds(), 1_usize..120, prop::option::of(1_usize..25)), 1..6),
        log_bytes in prop_oneof![Just(300_u64), Just(2_000), Just(LOG_BYTES)],
        seed in any::<u64>(),
    ) {
        let mut random = SplitMix64::new(seed);
        let mut disk = SimulatedDisk::new();
        let mut models: [Model; 4] = Default::default();
        let mut next = 0;
        for (deeds, crash_after, crash_of_opening) in lives {
            // Perhaps it crashes while it is opened, even more than once.
            if let Some(operations) = crash_of_opening {
                disk.crash_after(operations);
                if Store::open(disk.clone(), log_bytes).is_err() {
                    disk = disk.after_crash(&mut random);
                } else {
                    disk.crash_after(usize::MAX);
                }
            }
            let mut store = Store::open(disk.clone(), log_bytes).unwrap();
            for (model, name) in models.iter_mut().zip(NAMES) {
                let found = ids(&disk, name);
                prop_assert!(found.is_some() || model.acknowledged.is_none(), "{} is gone", name);
                let found = found.unwrap_or_default();
                prop_assert!(found.len() >= model.acknowledged.unwrap_or(0), "{}: {:?} of {:?}", name, found, model);
                prop_assert_eq!(&found[..], &model.appended[..found.len()], "{}", name);
                model.acknowledged = model.acknowledged.map(|_| found.len());
                model.appended = found;
            }
            disk.crash_after(crash_after);
            let done = live(&mut store, &mut models, &deeds, &mut next);
            prop_assert!(done.is_ok() || store.gate().why().is_some() || crash_after < 120);
            models.iter_mut().for_each(|model| model.appender = None);
            drop(store);
            disk = disk.after_crash(&mut random);
        }
    }
}
