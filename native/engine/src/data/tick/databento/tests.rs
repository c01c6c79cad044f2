use crate::data::tick::samples::{Told, read_bytes, recorded, shown};
use crate::data::tick::{Format, TickOptions};
use crate::row::{Flags, Row, RowKind};

const SNAPSHOT: u8 = 32;
const LAST: u8 = 128;
/// Icebergs of the recording that showed their next part.
const ANEW: u64 = 83;
const UNDEFINED: i64 = i64::MAX;

/// The head of a file of one symbol.
fn head(version: u8) -> Vec<u8> {
    let width = if version == 1 { 22 } else { 71 };
    let symbol = |name: &str| {
        let mut bytes = name.as_bytes().to_vec();
        bytes.resize(width, 0);
        bytes
    };
    let mut fixed = b"GLBX.MDP3\0\0\0\0\0\0\0".to_vec();
    fixed.resize(if version == 1 { 50 } else { 42 }, 0);
    fixed.extend([1, 0, 0]);
    if version > 1 {
        fixed.extend(71_u16.to_le_bytes());
    }
    fixed.resize(100, 0);
    let word = |n: u32| n.to_le_bytes().to_vec();
    let lists = [word(0), word(1), symbol("ESH4"), word(0), word(0), word(1), symbol("ESH4"), word(1)].concat();
    let interval = [word(19_700_101), word(20_300_101), symbol("77")].concat();
    let body = [fixed, lists, interval].concat();
    [b"DBN", &[version][..], &u32::try_from(body.len()).unwrap().to_le_bytes(), &body].concat()
}

fn header(words: u8, rtype: u8, instrument: u32, time: u64) -> Vec<u8> {
    [&[words, rtype, 1, 0][..], &instrument.to_le_bytes(), &time.to_le_bytes()].concat()
}

/// An order: time, action, side, price in units, size, id, flags.
fn order(time: u64, action: u8, side: u8, price: i64, size: u32, id: u64, flags: u8) -> Vec<u8> {
    let price = if price == UNDEFINED { price } else { price * 1_000_000_000 };
    [
        &header(14, 0xa0, 77, time)[..],
        &id.to_le_bytes(),
        &price.to_le_bytes(),
        &size.to_le_bytes(),
        &[flags, 0, action, side],
        &(time + 5).to_le_bytes(),
        &[0; 4],
        &9_u32.to_le_bytes(),
    ]
    .concat()
}

/// A change with best levels: bid and offer, each price in units and size.
fn change(action: u8, levels: &[[(i64, u32); 2]]) -> Vec<u8> {
    let rtype = [0, 1][levels.len().min(1)] + if levels.len() > 1 { 9 } else { 0 };
    let mut bytes = header(u8::try_from(12 + 8 * levels.len()).unwrap(), rtype, 77, 100);
    bytes.extend(5_000_000_000_i64.to_le_bytes());
    bytes.extend(3_u32.to_le_bytes());
    bytes.extend([action, b'B', LAST, 0]);
    bytes.extend(105_u64.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(9_u32.to_le_bytes());
    let price = |price: i64| if price == UNDEFINED { price } else { price * 1_000_000_000 };
    for [bid, ask] in levels {
        bytes.extend([price(bid.0).to_le_bytes(), price(ask.0).to_le_bytes()].concat());
        bytes.extend([bid.1, ask.1, 1, 1].map(u32::to_le_bytes).concat());
    }
    bytes
}

fn read(records: &[Vec<u8>]) -> Told {
    let bytes = [&head(1)[..], &records.concat()].concat();
    read_bytes(&bytes, Format::Auto, &TickOptions::default()).unwrap()
}

fn error(bytes: &[u8]) -> String {
    read_bytes(bytes, Format::Databento, &TickOptions::default()).unwrap_err().to_string()
}

fn texts(told: &Told) -> Vec<String> {
    told.rows.iter().map(shown).collect()
}

fn count(rows: &[Row], kind: RowKind) -> usize {
    rows.iter().filter(|row| row.kind == kind).count()
}

#[test]
fn the_recorded_snapshot_has_8725_orders() {
    let Some(told) = recorded("book_l3/esh4-glbx-mdp3-20231224.mbo.dbn.zst") else { return };
    assert_eq!((told.symbols[0].as_str(), told.venue.as_str()), ("ESH4", "GLBX.MDP3"));
    assert_eq!((told.rows.len(), count(&told.rows, RowKind::OrderAdd)), (8_726, 8_725));
    assert_eq!(told.rows[0].kind, RowKind::BookClear);
    let marked = |flags| told.rows.iter().filter(|row| row.flags.has(flags)).count();
    assert_eq!((marked(Flags::FIRST), marked(Flags::LAST)), (1, 1));
    assert!(told.rows[1].flags.has(Flags::FIRST) && told.rows[8_725].flags.has(Flags::LAST));
    assert!(told.rows.iter().all(|row| row.exchange_time.raw() == 1_703_422_805_243_925_307));
}

/// Of 60,067 live records: 2,973 trades, 6,371 fills less 7 of unknown orders, each of the others with one cancel or modify.
#[test]
fn the_recorded_session_has_each_fill_merged_with_what_follows_it() {
    let Some(told) = recorded("book_l3/esh4-glbx-mdp3-20231225.mbo.dbn.zst") else { return };
    assert_eq!(told.symbols, ["ESH4"]);
    let adds = count(&told.rows, RowKind::OrderAdd);
    // Iceberg orders that show their next part are added anew.
    assert_eq!(told.noted("added anew"), ANEW);
    assert_eq!((adds as u64, count(&told.rows, RowKind::Trade)), (29_216 + ANEW, 2_973));
    assert_eq!(count(&told.rows, RowKind::OrderFill), 6_364);
    let traded: i64 = told.rows.iter().filter(|row| row.kind == RowKind::Trade).map(|row| row.quantity.raw()).sum();
    assert_eq!(traded, 9_892 * crate::num::UNIT);
    assert_eq!(told.noted("fills of orders that are not in the book"), 7);
    assert_eq!(told.noted("more than the order showed"), 28);
    assert_eq!(told.noted("cancels of"), 0);
    assert_eq!(told.noted("modifies of orders"), 0);
    let first_live = &told.rows[8_726];
    assert_eq!(
        shown(first_live),
        "order_add 1 4797.5 6 id=6412777264941 seq=4957 flags=2 1703541600180087113 1703541600181198464"
    );
    let changes = count(&told.rows, RowKind::OrderCancel) + count(&told.rows, RowKind::OrderModify);
    assert_eq!(told.rows.len(), 1 + adds + 2_973 + 6_364 + changes);
    // The book that the rows leave is the one that the recording leaves: 4810.00 against 4810.25.
    let mut book = std::collections::BTreeMap::new();
    for row in &told.rows {
        match row.kind {
            RowKind::OrderAdd | RowKind::OrderModify => {
                book.insert(row.order_id, (row.side, row.price, row.quantity));
            }
            RowKind::OrderCancel | RowKind::OrderFill => {
                let (_, _, left) = book.get_mut(&row.order_id).unwrap();
                *left = left.sub(row.quantity).unwrap();
                assert!(!left.is_negative());
            }
            _ => {}
        }
    }
    let side = |wanted| {
        let resting = book.values().filter(move |(side, _, left)| *side as u8 == wanted && left.is_positive());
        resting.map(|(_, price, _)| *price)
    };
    assert_eq!(side(1).max().unwrap().to_string(), "4810");
    assert_eq!(side(2).min().unwrap().to_string(), "4810.25");
}

#[test]
fn a_fill_takes_its_quantity_out_and_ends_the_event_of_the_cancel_it_replaces() {
    let told = read(&[
        order(100, b'A', b'B', 10, 5, 1, LAST),
        order(101, b'T', b'A', 10, 5, 2, 0),
        order(101, b'F', b'B', 10, 5, 1, 0),
        order(101, b'C', b'B', 10, 5, 1, LAST),
        order(102, b'F', b'B', 10, 5, 1, LAST),
    ]);
    assert_eq!(
        texts(&told),
        [
            "order_add 1 10 5 id=1 seq=9 flags=2 100 105",
            "trade 2 10 5 id=0 seq=9 flags=0 101 106",
            "order_fill 1 10 5 id=1 seq=9 flags=2 101 106",
        ]
    );
    assert_eq!((told.noted("merged with the fill"), told.noted("not in the book")), (1, 1));
}

#[test]
fn a_snapshot_is_a_clearing_and_orders_of_one_moment() {
    let told = read(&[
        order(100, b'R', b'N', UNDEFINED, 0, 0, SNAPSHOT),
        order(50, b'A', b'B', 10, 5, 1, SNAPSHOT),
        order(60, b'A', b'A', 11, 5, 2, SNAPSHOT),
        order(200, b'A', b'B', 9, 1, 3, LAST),
    ]);
    assert_eq!(
        texts(&told),
        [
            "book_clear 0 0 0 id=0 seq=0 flags=0 100 105",
            "order_add 1 10 5 id=1 seq=0 flags=1 100 55",
            "order_add 2 11 5 id=2 seq=0 flags=2 100 65",
            "order_add 1 9 1 id=3 seq=9 flags=2 200 205",
        ]
    );
    assert!(told.notes.is_empty(), "{:?}", told.notes);
}

#[test]
fn best_levels_are_quotes_or_books_and_trades_are_trades() {
    let ten: Vec<_> = (0..10).map(|n| if n < 2 { [(10 - n, 1), (11 + n, 2)] } else { [(UNDEFINED, 0); 2] }).collect();
    let one = [[(10, 1), (UNDEFINED, 0)]];
    for version in 1..=3 {
        let records = [change(b'T', &[]), change(b'A', &one), change(b'T', &one), change(b'A', &ten)].concat();
        let bytes = [&head(version)[..], &records].concat();
        let told = read_bytes(&bytes, Format::Auto, &TickOptions::default()).unwrap();
        assert_eq!(told.symbols, ["ESH4"]);
        assert_eq!(
            texts(&told),
            [
                "trade 1 5 3 id=0 seq=9 flags=2 100 105",
                "quote 1 10 1 id=0 seq=9 flags=1 100 105",
                "quote 2 0 0 id=0 seq=9 flags=2 100 105",
                "trade 1 5 3 id=0 seq=9 flags=2 100 105",
                "book_snapshot 1 10 1 id=0 seq=9 flags=1 100 105",
                "book_snapshot 1 9 1 id=0 seq=9 flags=0 100 105",
                "book_snapshot 2 11 2 id=0 seq=9 flags=0 100 105",
                "book_snapshot 2 12 2 id=0 seq=9 flags=2 100 105",
            ]
        );
    }
}

#[test]
fn bad_files_are_refused_with_place_and_value() {
    let sound = [head(1), order(100, b'A', b'B', 10, 5, 1, LAST)].concat();
    let at = head(1).len();
    let with = |place: usize, byte: u8| {
        let mut bytes = sound.clone();
        bytes[place] = byte;
        bytes
    };
    for (bytes, part) in [
        (with(at + 38, b'x'), "sample:1: action = x: is not one of A, C, M, R, T, F, N"),
        (with(at + 39, 0), "sample:1: side = \\u{0}: is not one of A, B, N"),
        (with(at + 24, 1), "sample:1: price = 10000000001e-9: is finer than 1e-8"),
        (with(at + 15, 0x80), "sample:1: ts_event = 9223372036854775908: is not a time"),
        (with(at, 3), "sample:1: the DBN data are damaged (a record is shorter than its head)"),
        (with(at, 13), "sample:1: the DBN data are damaged (a record is shorter than its kind)"),
        (with(3, 9), "versions 1 to 3 can be read"),
        (with(7, 9), "its head has an impossible length"),
        (with(108, 0xff), "its head is not whole"),
        (sound[..sound.len() - 1].to_vec(), "sample:1: the DBN data end too early"),
        (sound[..20].to_vec(), "sample: the DBN data end too early"),
        (b"DBN\x01".to_vec(), "sample: the DBN data end too early"),
        (b"something".to_vec(), "sample: the DBN data"),
    ] {
        let message = error(&bytes);
        assert!(message.contains(part), "{part}: {message}");
    }
}
