use proptest::prelude::*;

use super::*;
use crate::num::{Price, Qty};
use crate::order::Side;

const TICKS: [Family; 4] = [Family::Trades, Family::Book, Family::Quotes, Family::Contexts];

fn buffer(rows_max: usize) -> RecordBuffer {
    let coins = ["BTC", "ETH"].map(|coin| (coin.to_owned(), format!("{coin}-PERP")));
    RecordBuffer::new(coins.into(), &TICKS, rows_max)
}

fn print(coin: &str, time: i64, tid: u64) -> String {
    format!(
        r#"{{"channel":"trades","data":[{{"coin":"{coin}","side":"B","px":"10.5","sz":"2","time":{time},"hash":"0x","tid":{tid},"users":["0x1","0x2"]}}]}}"#
    )
}

fn book(coin: &str, time: i64, bid: &str) -> String {
    format!(
        r#"{{"channel":"l2Book","data":{{"coin":"{coin}","time":{time},"levels":[[{{"px":"{bid}","sz":"1","n":2}},{{"px":"9","sz":"3","n":1}}],[{{"px":"11","sz":"2","n":1}}]]}}}}"#
    )
}

fn take(buffer: &mut RecordBuffer, message: &str) -> bool {
    buffer.take(message.as_bytes(), Nanos::from_raw(77))
}

fn rows(buffer: &mut RecordBuffer, family: Family) -> Vec<Row> {
    buffer.drain().into_iter().find(|(of, _)| *of == family).map(|(_, rows)| rows).unwrap_or_default()
}

#[test]
fn a_print_is_kept_once_however_often_it_is_heard() {
    let mut buffer = buffer(100);
    for tid in [1, 2, 1, 3, 2] {
        assert!(take(&mut buffer, &print("BTC", 5, tid)));
    }
    assert!(take(&mut buffer, &print("ETH", 5, 1)));
    let kept = rows(&mut buffer, Family::Trades);
    let told: Vec<_> = kept.iter().map(|row| (row.instrument.0, row.order_id)).collect();
    assert_eq!(told, [(0, 1), (0, 2), (0, 3), (1, 1)]);
    assert_eq!((buffer.counts().repeated, buffer.counts().rows, buffer.rows()), (2, 4, 0));
    let known = |id| Trade {
        instrument: InstrumentId(0),
        aggressor: Some(Side::Buy),
        exchange_time: Nanos::from_raw(4),
        local_time: Nanos::from_raw(90),
        price: Price::ONE,
        quantity: Qty::ONE,
        trade_id: id,
    };
    assert_eq!(buffer.add([known(3), known(4)]), Some(1), "what a drain took is still known");
    let added = rows(&mut buffer, Family::Trades);
    assert!(added.len() == 1 && added[0].flags.has(Flags::HISTORY));
}

#[test]
fn local_times_of_a_clock_that_is_behind_are_moved_so_that_nothing_is_heard_before_it_happened() {
    let mut buffer = buffer(100);
    let heard = |buffer: &mut RecordBuffer, time: i64, local: i64, tid: u64| {
        assert!(buffer.take(print("BTC", time, tid).as_bytes(), Nanos::from_raw(local)));
    };
    // In milliseconds at the exchange, in nanoseconds here: soon enough, too early by 4 ms with the least latency, and by less.
    heard(&mut buffer, 10, 12_000_000, 1);
    heard(&mut buffer, 20, 17_000_000, 2);
    heard(&mut buffer, 30, 28_000_000, 3);
    let told: Vec<_> = rows(&mut buffer, Family::Trades).iter().map(|row| row.local_time.raw()).collect();
    assert_eq!(told, [12_000_000, 21_000_000, 32_000_000]);
    assert_eq!(buffer.behind(), Nanos::from_raw(4_000_000));
}

#[test]
fn without_room_nothing_is_taken_and_nothing_of_it_is_known() {
    let mut buffer = buffer(2);
    assert!(take(&mut buffer, &print("BTC", 5, 1)) && take(&mut buffer, &print("BTC", 5, 2)));
    assert!(!take(&mut buffer, &print("BTC", 6, 3)));
    assert_eq!(buffer.add([]), None);
    assert_eq!((buffer.counts().not_kept, buffer.counts().messages), (1, 2));
    assert_eq!(rows(&mut buffer, Family::Trades).len(), 2);
    assert!(take(&mut buffer, &print("BTC", 6, 3)));
    assert_eq!(rows(&mut buffer, Family::Trades).len(), 1);
    assert_eq!(buffer.newest(Family::Trades, InstrumentId(0)).raw(), 6_000_000);
    assert_eq!(buffer.newest(Family::Quotes, InstrumentId(0)), Nanos::ZERO);
}

#[test]
fn levels_that_no_market_has_are_left_out_and_the_ends_of_the_book_stay_marked() {
    let mut buffer = buffer(100);
    let odd = book("BTC", 5, "0").replace(r#""px":"11","sz":"2""#, r#""px":"-1","sz":"2""#);
    assert!(take(&mut buffer, &odd));
    let kept = rows(&mut buffer, Family::Book);
    assert_eq!(kept.iter().map(|row| row.flags.0).collect::<Vec<_>>(), [3]);
    assert_eq!(buffer.counts().refused, 2);
    assert!(take(&mut buffer, &book("BTC", 6, "10")));
    assert!(take(&mut buffer, &book("BTC", 6, "10")), "a book that is sent again unchanged is none");
    assert_eq!(rows(&mut buffer, Family::Book).len(), 3);
}

#[test]
fn other_coins_and_what_is_no_message_are_counted() {
    let mut buffer = buffer(100);
    for message in [&print("DOGE", 5, 1), "{", "\u{0}", r#"{"channel":7}"#] {
        assert!(take(&mut buffer, message));
    }
    assert!(buffer.take(b"\xff\xfe", Nanos::ZERO));
    assert_eq!((buffer.counts().malformed, buffer.rows()), (5, 0));
    assert!(buffer.fault().is_some());
    assert!(take(&mut buffer, "Websocket connection established."));
    assert!(take(&mut buffer, r#"{"channel":"pong"}"#));
    assert_eq!(buffer.counts().malformed, 5);
}

#[test]
fn only_what_is_wanted_is_kept() {
    let coins = vec![("BTC".to_owned(), "BTC".to_owned())];
    let mut buffer = RecordBuffer::new(coins, &[Family::Trades], 100);
    assert!(take(&mut buffer, &book("BTC", 5, "10")) && take(&mut buffer, &print("BTC", 5, 1)));
    assert_eq!(
        buffer.drain().iter().map(|(family, rows)| (*family, rows.len())).collect::<Vec<_>>(),
        [(Family::Trades, 1)]
    );
}

fn messages() -> impl Strategy<Value = String> {
    let coin = prop_oneof![Just("BTC"), Just("ETH"), Just("DOGE")];
    prop_oneof![
        (coin.clone(), 1..9_i64, 0..6_u64).prop_map(|(coin, time, tid)| print(coin, time, tid)),
        (coin, 1..9_i64, 1..12_i64).prop_map(|(coin, time, bid)| book(coin, time, &bid.to_string())),
        Just(
            r#"{"channel":"subscriptionResponse","data":{"method":"subscribe","subscription":{"type":"trades","coin":"BTC"}}}"#
                .to_owned()
        ),
        r#"[{}"a-z:,0-9]{0,20}"#.prop_map(|text| text),
    ]
}

proptest! {
    #[test]
    fn whatever_comes_each_print_is_there_once_and_everything_is_counted(
        told in prop::collection::vec(messages(), 0..60),
        drains in 1..20_usize,
    ) {
        let mut buffer = buffer(10_000);
        let mut kept = Vec::new();
        for (index, message) in told.iter().enumerate() {
            prop_assert!(take(&mut buffer, message));
            if index % drains == 0 {
                kept.extend(buffer.drain().into_iter().flat_map(|(_, rows)| rows));
            }
        }
        kept.extend(buffer.drain().into_iter().flat_map(|(_, rows)| rows));
        let counts = buffer.counts();
        prop_assert_eq!(counts.messages, told.len() as u64);
        prop_assert_eq!(counts.rows, kept.len() as u64);
        let mut prints: Vec<_> = kept.iter().filter(|row| row.order_id > 0).map(|r| (r.instrument, r.order_id)).collect();
        let all = prints.len();
        prints.sort_unstable();
        prints.dedup();
        prop_assert_eq!(prints.len(), all);
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0..300_usize) {
        let mut buffer = buffer(1_000);
        buffer.take(&bytes, Nanos::ZERO);
        let mut message = book("BTC", 5, "10").into_bytes();
        message.truncate(cut);
        message.extend(&bytes);
        buffer.take(&message, Nanos::ZERO);
        prop_assert_eq!(buffer.counts().messages, 2);
    }
}
