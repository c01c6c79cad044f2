//! What the quick reader reads, the general one reads alike; what it leaves, it leaves untouched.

use proptest::prelude::*;

use super::book_message;
use crate::hyperliquid::message::{Book, Decoder, Message, Raw, Wire};
use crate::hyperliquid::names::field;
use crate::instrument::InstrumentId;
use crate::num::UNIT;
use crate::row::{Flags, Row, RowKind, RowSide};
use crate::time::Nanos;

const BTC: InstrumentId = InstrumentId(3);
const LOCAL: Nanos = Nanos::from_raw(77);

fn quick(text: &str) -> Option<Vec<Row>> {
    let mut rows = vec![Row::new(RowKind::Trade, BTC, LOCAL, LOCAL)];
    let time = book_message(text.as_bytes(), |coin| (coin == "BTC").then_some(BTC), LOCAL, &mut rows);
    assert!(time.is_some() || rows.len() == 1, "nothing is appended to what is left to the general reader");
    time.map(|_| rows.split_off(1))
}

fn general(text: &str) -> Option<Vec<Row>> {
    let [channel, data] =
        Raw::whole(text.as_bytes(), "test").ok()?.fields(&[field::CHANNEL, field::DATA], "test").ok()?;
    assert_eq!(channel?.text("test").ok()?, "l2Book");
    let book = Book::read(data?, "test").ok().filter(|book| &*book.coin == "BTC")?;
    let mut rows = Vec::new();
    book.rows(BTC, LOCAL, &mut rows).ok().map(|()| rows)
}

/// A decimal as text: mostly what the exchange sends, sometimes what only the general reader or none reads.
fn decimal() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => (0_u64..10_000_000, 1_usize..=8).prop_map(|(whole, places)| format!("{whole}.{:0places$}", whole % 10)),
        2 => (0_u64..99_999_999_999, 0_u32..100_000_000).prop_map(|(whole, part)| format!("{whole}.{part:08}")),
        2 => any::<u64>().prop_map(|whole| whole.to_string()),
        1 => "[0-9]{0,12}[.][0-9]{0,10}|-?[0-9]{1,20}(e-?[0-9])?|[0-9.]{1,20}",
    ]
}

#[derive(Debug, Clone, Copy)]
enum Order {
    Documented,
    Sorted,
    Odd,
}

fn level((price, size, count): &(String, String, u32), order: Order) -> String {
    match order {
        Order::Documented => format!(r#"{{"px":"{price}","sz":"{size}","n":{count}}}"#),
        Order::Sorted => format!(r#"{{"n":{count},"px":"{price}","sz":"{size}"}}"#),
        Order::Odd => format!(r#"{{ "sz" : "{size}","new":[{{}}], "px":"{price}"}}"#),
    }
}

type Levels = Vec<(String, String, u32)>;

fn message(time: u64, sides: &[Levels; 2], order: Order) -> String {
    let [bids, asks] =
        [0, 1].map(|side: usize| sides[side].iter().map(|l| level(l, order)).collect::<Vec<_>>().join(","));
    let levels = format!(r#""levels":[[{bids}],[{asks}]]"#);
    let data = match order {
        Order::Documented => format!(r#"{{"coin":"BTC","time":{time},{levels}}}"#),
        Order::Sorted => format!(r#"{{"coin":"BTC",{levels},"time":{time}}}"#),
        Order::Odd => format!("{{{levels} ,\n\"coin\":\"BTC\",\"time\": {time}}}"),
    };
    format!(r#"{{"channel":"l2Book","data":{data}}}"#)
}

fn sides() -> impl Strategy<Value = [Levels; 2]> {
    let side = || prop::collection::vec((decimal(), decimal(), 0_u32..200), 0..6);
    [side(), side()]
}

fn order() -> impl Strategy<Value = Order> {
    prop_oneof![Just(Order::Documented), Just(Order::Sorted), Just(Order::Odd)]
}

proptest! {
    #[test]
    fn both_readers_agree_on_random_books(time in 0_u64..3_000_000_000_000, sides in sides(), order in order()) {
        let text = message(time, &sides, order);
        if let Some(rows) = quick(&text) {
            prop_assert_eq!(Some(rows), general(&text), "{}", text);
        }
    }

    #[test]
    fn both_readers_agree_on_damaged_books(
        sides in sides(),
        order in order(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(b"0123456789.\",{}[]: \\-en\x00".to_vec())), 1..4),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut bytes = message(1_700_000_000_000, &sides, order).into_bytes();
        for (place, byte) in edits {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let text = String::from_utf8(bytes).unwrap();
        if let Some(rows) = quick(&text) {
            prop_assert_eq!(Some(rows), general(&text), "{}", text);
        }
    }

    #[test]
    fn what_the_exchange_writes_is_read_quickly(
        levels in prop::collection::vec((1_i64..99_999_999 * UNIT, 1_i64..999_999_999 * UNIT), 1..25),
        is_sorted in any::<bool>(),
    ) {
        let order = if is_sorted { Order::Sorted } else { Order::Documented };
        let text = |steps: i64| {
            let text = crate::num::Price::from_raw(steps).to_string();
            if text.contains('.') { text } else { format!("{text}.0") }
        };
        let side: Levels = levels.iter().map(|(price, size)| (text(*price), text(*size), 3)).collect();
        let rows = quick(&message(1_700_000_000_123, &[side.clone(), side], order)).unwrap();
        let told: Vec<(i64, i64)> = rows.iter().map(|row| (row.price.raw(), row.quantity.raw())).collect();
        prop_assert_eq!(told, [levels.clone(), levels].concat());
        prop_assert!(rows.iter().all(|row| row.exchange_time.raw() == 1_700_000_000_123_000_000 && row.local_time == LOCAL));
    }
}

#[test]
fn a_book_is_a_snapshot_from_its_first_row_to_its_last_and_one_without_levels_a_clearing() {
    let level = |price: &str| (price.to_owned(), "2.5".to_owned(), 1);
    for order in [Order::Documented, Order::Sorted] {
        let rows = quick(&message(5, &[vec![level("10.0")], vec![level("11.0"), level("12.0")]], order)).unwrap();
        let shown: Vec<_> = rows.iter().map(|row| (row.kind, row.side, row.price.raw() / UNIT, row.flags)).collect();
        let kind = RowKind::BookSnapshot;
        let expected = [
            (kind, RowSide::Buy, 10, Flags::FIRST),
            (kind, RowSide::Sell, 11, Flags(0)),
            (kind, RowSide::Sell, 12, Flags::LAST),
        ];
        assert_eq!(shown, expected);
        let empty = quick(&message(5, &[vec![], vec![]], order)).unwrap();
        assert_eq!(
            empty.iter().map(|row| (row.kind, row.exchange_time.raw())).collect::<Vec<_>>(),
            [(RowKind::BookClear, 5_000_000)]
        );
    }
}

#[test]
fn what_is_out_of_the_ordinary_is_left_to_the_general_reader() {
    let level = |price: &str, size: &str| vec![(price.to_owned(), size.to_owned(), 1)];
    for (price, size) in
        [("1.123456789", "1"), ("1.", "1"), ("-1.0", "1"), ("1", "1e3"), ("1234567890123456", "1"), (".5", "1")]
    {
        assert_eq!(quick(&message(5, &[level(price, size), vec![]], Order::Documented)), None, "{price} {size}");
    }
    let sound = message(5, &[level("10.0", "1.0"), vec![]], Order::Documented);
    for (from, to) in [
        ("BTC", "ETH"),
        ("BTC", r"B\u0054C"),
        ("\"time\":5", "\"time\":05"),
        (",\"n\":1", ""),
        ("}}", "}} "),
        ("}}", "}"),
    ] {
        assert_eq!(quick(&sound.replace(from, to)), None, "{to}");
    }
    let mut decoder = Decoder::new([("BTC".into(), BTC)]);
    let mut rows = Vec::new();
    let spelt = sound.replace("BTC", r"B\u0054C");
    assert_eq!(decoder.message(spelt.as_bytes(), LOCAL, &mut rows), Ok(Message::Rows));
    assert_eq!(Some(rows), quick(&sound));
}
