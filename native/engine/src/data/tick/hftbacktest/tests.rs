use std::io::Write;

use super::*;
use crate::data::tick::samples::{Told, options, read_bytes, shown};
use crate::data::tick::{Format, TickOptions};

const BOTH: u64 = EXCH_EVENT | LOCAL_EVENT;

/// `(flags, exchange time, local time, price, quantity)`; the id of the order is 7.
type Made = (u64, i64, i64, f64, f64);

fn npy(dtype: &str, events: &[Made]) -> Vec<u8> {
    let header = format!("{{'descr': {dtype}, 'fortran_order': False, 'shape': ({},), }}\n", events.len());
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    bytes.extend(header.as_bytes());
    for (flags, exchange, local, price, quantity) in events {
        for word in
            [*flags, exchange.cast_unsigned(), local.cast_unsigned(), price.to_bits(), quantity.to_bits(), 7, 0, 0]
        {
            bytes.extend(word.to_le_bytes());
        }
    }
    bytes
}

const DTYPE: &str = "[('ev', '<u8'), ('exch_ts', '<i8'), ('local_ts', '<i8'), ('px', '<f8'), ('qty', '<f8'), \
                     ('order_id', '<u8'), ('ival', '<i8'), ('fval', '<f8')]";

/// A zip archive of one file, as numpy writes it.
fn npz(name: &str, data: &[u8], is_packed: bool) -> Vec<u8> {
    let packed = if is_packed {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    } else {
        data.to_vec()
    };
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let mut shared = vec![20, 0, 0, 0, if is_packed { 8 } else { 0 }, 0, 0, 0, 0x21, 0];
    shared.extend(crc32fast::hash(data).to_le_bytes());
    shared.extend(length(&packed));
    shared.extend(length(data));
    shared.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
    shared.extend([0, 0]);
    let local = [b"PK\x03\x04", shared.as_slice(), name.as_bytes(), &packed].concat();
    let central = [b"PK\x01\x02\x14\x00", shared.as_slice(), &[0; 14], name.as_bytes()].concat();
    let end = [&b"PK\x05\x06\0\0\0\0\x01\0\x01\0"[..], &length(&central), &length(&local), &[0, 0]].concat();
    [local, central, end].concat()
}

fn read(events: &[Made]) -> Told {
    read_bytes(&npy(DTYPE, events), Format::Auto, &options("BTC")).unwrap()
}

fn error(bytes: &[u8]) -> String {
    read_bytes(bytes, Format::Hftbacktest, &options("BTC")).unwrap_err().to_string()
}

#[test]
fn arrays_are_read_from_archives_packed_or_not() {
    let bytes = npy(DTYPE, &[(BOTH | BUY_EVENT | 1, 10, 20, 100.5, 0.25)]);
    for file in [bytes.clone(), npz("data.npy", &bytes, false), npz("data.npy", &bytes, true)] {
        let told = read_bytes(&file, Format::Auto, &options("BTC")).unwrap();
        assert_eq!(told.symbols, ["BTC"]);
        assert_eq!(told.rows.len(), 1);
        assert_eq!(shown(&told.rows[0]), "book_delta 1 100.5 0.25 id=7 seq=0 flags=2 10 20");
    }
}

#[test]
fn every_kind_of_event_becomes_its_kind_of_row() {
    let told = read(&[
        (BOTH | SELL_EVENT | 2, 1, 2, 100.0, 1.0),
        (BOTH | BUY_EVENT | 5, 2, 3, 99.0, 2.0),
        (BOTH | BUY_EVENT | 10, 3, 4, 98.0, 5.0),
        (BOTH | BUY_EVENT | 13, 4, 5, 98.0, 2.0),
        (BOTH | BUY_EVENT | 12, 4, 5, 98.0, 3.0),
        (BOTH | BUY_EVENT | 12, 5, 6, 97.0, 3.0),
        (BOTH | BUY_EVENT | 11, 6, 7, 0.0, 0.0),
        (BOTH | 3, 7, 8, f64::NAN, 0.0),
    ]);
    let shown: Vec<String> = told.rows.iter().map(shown).collect();
    assert_eq!(
        shown,
        [
            "trade 2 100 1 id=7 seq=0 flags=0 1 2",
            "quote 1 99 2 id=7 seq=0 flags=0 2 3",
            "order_add 1 98 5 id=7 seq=0 flags=2 3 4",
            "order_fill 1 98 2 id=7 seq=0 flags=2 4 5",
            "order_modify 1 97 3 id=7 seq=0 flags=2 5 6",
            "order_cancel 1 97 3 id=7 seq=0 flags=2 6 7",
            "book_clear 0 0 0 id=7 seq=0 flags=2 7 8",
        ]
    );
    assert_eq!(told.noted("merged with the fill"), 1);
}

#[test]
fn a_clearing_before_a_snapshot_is_left_to_it_and_the_two_sides_are_one_snapshot() {
    let told = read(&[
        (BOTH | BUY_EVENT | 3, 1, 2, 98.0, 0.0),
        (BOTH | BUY_EVENT | 4, 1, 2, 99.0, 1.0),
        (BOTH | BUY_EVENT | 4, 1, 2, 98.0, 1.0),
        (BOTH | SELL_EVENT | 3, 1, 2, 101.0, 0.0),
        (BOTH | SELL_EVENT | 4, 1, 2, 101.0, 1.0),
        (BOTH | SELL_EVENT | 3, 3, 4, 0.0, 0.0),
        (BOTH | SELL_EVENT | 1, 3, 4, 102.0, 1.0),
    ]);
    let marks: Vec<(RowKind, u16)> = told.rows.iter().map(|row| (row.kind, row.flags.0)).collect();
    let (snapshot, delta) = (RowKind::BookSnapshot, RowKind::BookDelta);
    assert_eq!(marks, [(snapshot, 1), (snapshot, 0), (snapshot, 2), (RowKind::BookClear, 0), (delta, 2)]);
    assert_eq!(told.noted("that a snapshot follows"), 2);
}

#[test]
fn an_event_written_twice_is_one_row_with_both_times() {
    let (a, b) = ((BUY_EVENT | 1, 1, 10, 100.0, 1.0), (BUY_EVENT | 1, 2, 5, 101.0, 1.0));
    let with =
        |flags: u64, (kind, exchange, local, price, quantity): Made| (kind | flags, exchange, local, price, quantity);
    let told = read(&[with(EXCH_EVENT, a), with(BOTH, b), with(LOCAL_EVENT, a)]);
    let times: Vec<_> = told.rows.iter().map(|row| (row.exchange_time.raw(), row.local_time.raw())).collect();
    assert_eq!(times, [(1, 10), (2, 5)]);
    assert_eq!(told.noted("written twice"), 1);
    // Without a partner a copy stays, and the reader says so.
    let told = read(&[with(EXCH_EVENT, a), with(LOCAL_EVENT, b)]);
    assert_eq!((told.rows.len(), told.noted("exchange alone"), told.noted("us alone")), (2, 1, 1));
}

#[test]
fn floats_beside_their_step_are_moved_and_counted_and_finer_ones_refused() {
    let told = read(&[(BOTH | BUY_EVENT | 1, 1, 2, 0.1 + 0.2, 1.0)]);
    assert_eq!((told.rows[0].price.raw(), told.noted("float missed")), (30_000_000, 1));
    let error = error(&npy(DTYPE, &[(BOTH | BUY_EVENT | 1, 1, 2, 1.0, 0.123_456_789)]));
    assert_eq!(error, "sample:1: qty = 0.123456789: is finer than 1e-8: round it to at most 8 decimals");
}

#[test]
fn what_is_no_array_of_events_is_refused_with_the_reason() {
    let sound = npy(DTYPE, &[(BOTH | BUY_EVENT | 1, 1, 2, 1.0, 1.0), (BOTH | BUY_EVENT | 1, 1, 2, 1.0, 1.0)]);
    let long = [&sound[..], &[0; 8]].concat();
    let mut huge = sound.clone();
    huge.splice(6..10, [2, 0, 0xff, 0xff, 0xff, 0xff]);
    let wrong_checksum = {
        let mut file = npz("data.npy", &sound, false);
        file[300] ^= 1;
        file
    };
    for (bytes, part) in [
        (npy("[('x', '<f4')]", &[]), "dtype: is a column of [('x','<f4')]: it must hold ev u64"),
        (npy("'<f8'", &[]), "dtype"),
        (sound[..sound.len() - 1].to_vec(), "truncated"),
        (sound[..50].to_vec(), "truncated"),
        (sound[..7].to_vec(), "truncated"),
        (long, "more bytes than events"),
        (huge, "header is too long"),
        (npy(DTYPE, &[(BOTH | 9, 1, 2, 1.0, 1.0)]), "sample:1: ev = 9: is not a kind of event"),
        (npy(DTYPE, &[(BOTH | 1, 1, 2, f64::NAN, 1.0)]), "sample:1: px = NaN: is not a finite number"),
        (wrong_checksum, "checksum is wrong"),
        (npz("data.npy", &sound, true)[..60].to_vec(), "zip data are damaged"),
    ] {
        let message = error(&bytes);
        assert!(message.contains(part), "{part}: {message}");
    }
    let nameless = read_bytes(&sound, Format::Auto, &TickOptions::default()).unwrap_err();
    assert!(matches!(nameless.fault, Fault::NoSymbol));
}
