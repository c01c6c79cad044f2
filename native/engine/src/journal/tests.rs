//! What a journal gives back, whole and damaged.

use proptest::prelude::*;

use super::*;
use crate::event::{Command, Level, TimerEvent};
use crate::time::Nanos;

#[expect(clippy::cast_possible_wrap, reason = "small numbers")]
fn journal(ids: &[u64], per_frame: usize) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), r#"{"a": 1}"#).unwrap();
    for (index, id) in ids.iter().enumerate() {
        writer.append(&Record::Timer(TimerEvent { time: Nanos::from_raw(*id as i64), id: *id })).unwrap();
        if index % per_frame == 0 {
            writer.commit().unwrap();
        }
    }
    writer.finish().unwrap()
}

fn read(bytes: &[u8]) -> (Vec<u64>, Option<JournalError>) {
    let mut ids = Vec::new();
    let mut reader = match Reader::new(bytes) {
        Ok(reader) => reader,
        Err(error) => return (ids, Some(error)),
    };
    loop {
        match reader.next() {
            Ok(Some(Record::Timer(timer))) => ids.push(timer.id),
            Ok(Some(other)) => panic!("{other:?}"),
            Ok(None) => return (ids, None),
            Err(error) => return (ids, Some(error)),
        }
    }
}

#[test]
fn the_header_comes_back_and_what_is_no_journal_is_refused() {
    assert_eq!(Reader::new(journal(&[], 1).as_slice()).unwrap().header(), r#"{"a": 1}"#);
    assert!(matches!(Reader::new(&b"PAR1 something else"[..]), Err(JournalError::NotAJournal)));
    assert!(matches!(Reader::new(&b""[..]), Err(JournalError::NotAJournal)));
    assert!(matches!(Writer::new(Vec::new(), ""), Err(JournalError::NoHeader)));
}

#[test]
fn a_command_with_text_survives() {
    let record = Record::Command(Command::Notice { level: Level::Warning, text: "größe".into() });
    let mut writer = Writer::new(Vec::new(), "{}").unwrap();
    writer.append(&record).unwrap();
    let bytes = writer.finish().unwrap();
    assert_eq!(Reader::new(bytes.as_slice()).unwrap().next().unwrap(), Some(record));
}

#[test]
fn a_record_of_a_newer_version_is_no_damage() {
    let mut frames = Frames::with_header("{}").unwrap();
    frames.push(&Record::End).unwrap();
    frames.push(&200_u8).unwrap();
    let mut bytes = Vec::new();
    frames.take(&mut bytes);
    let mut reader = Reader::new(bytes.as_slice()).unwrap();
    assert_eq!(reader.next().unwrap(), Some(Record::End));
    let error = reader.next().unwrap_err();
    assert!(matches!(error, JournalError::Unknown { records: 1, .. }), "{error}");
    assert_eq!(whole(bytes.as_slice()).unwrap(), Whole { bytes: bytes.len() as u64, damage: None });
}

#[test]
fn damage_is_told_apart_from_a_torn_end() {
    let bytes = journal(&[1, 2, 3, 4, 5, 6], 2);
    let is_last = |bytes: &[u8]| match read(bytes).1 {
        Some(JournalError::Damaged { is_last, .. }) => Some(is_last),
        _ => None,
    };
    let flipped = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        bytes
    };
    assert_eq!(is_last(&bytes), None);
    assert_eq!(is_last(&bytes[..bytes.len() - 1]), Some(true), "cut off");
    assert_eq!(is_last(&flipped(bytes.len() - 1)), Some(true), "the last frame has grown, and was not filled");
    assert_eq!(is_last(&[bytes.as_slice(), &[0; 9_000]].concat()), Some(true), "the file has grown");
    assert_eq!(is_last(&flipped(bytes.len() - 14)), Some(false), "others come after it");
}

#[test]
fn a_step_is_in_one_frame_and_as_its_records_are() {
    let event = TimerEvent { time: Nanos::ZERO, id: 1 };
    let notice = Command::Notice { level: Level::Info, text: "x".repeat(1_000) };
    let commands = vec![notice; 100];
    let (mut one, mut other) = (Frames::default(), Frames::default());
    one.push_step(crate::event::Event::Timer(event), &commands).unwrap();
    assert!(one.is_closed(), "a full frame is closed");
    other.push(&Record::Timer(event)).unwrap();
    commands.iter().for_each(|command| other.push(&Record::Command(command.clone())).unwrap());
    let (mut whole, mut parted) = (Vec::new(), Vec::new());
    one.take(&mut whole);
    other.take(&mut parted);
    assert_eq!(u32::from_le_bytes([whole[0], whole[1], whole[2], whole[3]]) as usize, whole.len() - 8);
    assert_eq!(parted.len(), whole.len() + 8, "in two frames");
}

#[test]
fn what_is_borrowed_is_written_as_what_is_owned() {
    use crate::event::{AccountEvent, ControlEvent, Event, MarketEvent, Trade};
    use crate::order::{OrderStatus, OrderUpdate};
    let (time, instrument) = (Nanos::from_raw(5), crate::instrument::InstrumentId(1));
    let (exchange_time, local_time) = (time, time);
    let (price, quantity) = (crate::num::Price::ONE, crate::num::Qty::from_raw(3));
    let trade = Trade { instrument, aggressor: None, exchange_time, local_time, price, quantity, trade_id: 3 };
    let market = MarketEvent::Trade(trade);
    let row = crate::row::Row::new(crate::row::RowKind::Trade, instrument, time, time);
    let cloid = crate::order::Cloid(7);
    let order = OrderUpdate { cloid, oid: 1, instrument, status: OrderStatus::Filled, time, local_time };
    let fill = crate::account::tests::fill(1, crate::order::Side::Buy, 5, 6, 7);
    let account = AccountEvent::Transfer { time, amount: crate::num::Money::ONE };
    let control = ControlEvent::Takeover { time, epoch: 2 };
    let rows = [row; 3];
    for event in [
        Event::Market(&market),
        Event::Ticks(&rows),
        Event::Order(&order),
        Event::Fill(&fill),
        Event::Account(&account),
        Event::Timer(TimerEvent { time, id: 4 }),
        Event::Control(&control),
    ] {
        let commands = [Command::SetTimer { time, id: 9 }];
        let (mut borrowed, mut owned) = (Frames::default(), Frames::default());
        borrowed.push_step(event, &commands).unwrap();
        owned.push(&Record::from(event)).unwrap();
        owned.push(&Record::Command(commands[0].clone())).unwrap();
        assert_eq!(borrowed.bytes(), owned.bytes());
    }
}

#[test]
fn behind_a_gate_that_is_shut_nothing_is_taken_and_what_waits_is_still_there() {
    let gate = std::sync::Arc::new(Gate::default());
    let (one, other) = (Appender::new(gate.clone(), Frames::default()), Appender::new(gate.clone(), Frames::default()));
    one.append(&Record::End).unwrap();
    one.close();
    assert!(one.check().unwrap_err().to_string().ends_with("it was closed"));
    other.append(&Record::End).unwrap();
    gate.shut("the disk is full");
    gate.shut("and then some");
    for error in [other.check().unwrap_err(), other.append(&Record::End).unwrap_err()] {
        assert!(error.to_string().ends_with("the disk is full"), "{error}");
    }
    assert_eq!(gate.waiting(), one.waiting() + other.waiting());
    let mut bytes = Vec::new();
    one.take(&mut bytes);
    assert_eq!((bytes.len(), gate.waiting()), (9, other.waiting()));
}

proptest! {
    /// Cut anywhere: all whole frames before the cut are read, the cut is named, nothing wrong is served.
    #[test]
    fn a_torn_write_costs_only_what_was_torn(ids in prop::collection::vec(any::<u64>().prop_map(|x| x >> 1), 1..50), per_frame in 1_usize..5, cut in any::<prop::sample::Index>()) {
        let bytes = journal(&ids, per_frame);
        let cut = cut.index(bytes.len());
        let (read, error) = read(&bytes[..cut]);
        prop_assert_eq!(&read[..], &ids[..read.len()]);
        let is_in_the_middle = matches!(error, Some(JournalError::Damaged { is_last: false, .. }));
        prop_assert!(!is_in_the_middle);
        if let Ok(whole) = whole(&bytes[..cut]) {
            let (again, error) = self::read(&bytes[..usize::try_from(whole.bytes).unwrap()]);
            prop_assert_eq!((again, error.is_none()), (read.clone(), true));
            prop_assert_eq!(whole.damage.is_none(), whole.bytes == cut as u64);
        }
        if read.len() < ids.len() && cut > 40 {
            prop_assert!(error.is_some() || cut < bytes.len());
        }
    }

    /// A flipped bit is never served as data.
    #[test]
    fn a_flipped_bit_is_found(ids in prop::collection::vec(any::<u64>().prop_map(|x| x >> 1), 1..50), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut bytes = journal(&ids, 3);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let (read, error) = read(&bytes);
        prop_assert!(error.is_some());
        prop_assert_eq!(&read[..], &ids[..read.len()]);
    }
}
