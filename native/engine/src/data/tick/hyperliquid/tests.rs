use std::io::Write;

use crate::data::tick::samples::{error_of, read_bytes, recorded, rows_of, shown};
use crate::data::tick::{Format, TickOptions};
use crate::num::Price;
use crate::row::{Context, Flags, RowKind};

#[test]
fn the_recording_has_46_books_one_repeated_and_64_trades_30_of_them_history() {
    let Some(told) = recorded("feeds_dual_time/hyperliquid_btcusd_20250126.gz") else { return };
    assert_eq!((told.symbols.as_slice(), told.venue.as_str()), (&["BTC".to_owned()][..], "hyperliquid"));
    let count = |kind, flags| told.rows.iter().filter(|row| row.kind == kind && row.flags.has(flags)).count();
    assert_eq!(count(RowKind::BookSnapshot, Flags::FIRST), 45);
    assert_eq!(count(RowKind::BookSnapshot, Flags::LAST), 45);
    assert_eq!(count(RowKind::BookSnapshot, Flags(0)), 45 * 40);
    assert_eq!(told.noted("sent again unchanged"), 1);
    assert_eq!((count(RowKind::Trade, Flags(0)), count(RowKind::Trade, Flags::HISTORY)), (64, 30));
    let first = "book_snapshot 1 105055 3.03622 id=0 seq=0 flags=1 1737918843542000000 1737918843893903000";
    assert_eq!(shown(&told.rows[0]), first);
    let trade = "trade 1 105056 0.00219 id=121451470284048 seq=0 flags=4 1737918794873000000 1737918844167767000";
    assert_eq!(shown(&told.rows[40]), trade);
}

fn book(time: i64, bid: &str) -> String {
    format!(
        r#"{{"channel":"l2Book","data":{{"coin":"BTC","time":{time},"levels":[[{{"px":"{bid}","sz":"1","n":2}}],[{{"px":"11","sz":"2","n":1}}]]}}}}"#
    )
}

fn trade(time: i64, tid: u64) -> String {
    format!(
        r#"{{"channel":"trades","data":[{{"coin":"BTC","side":"A","px":"10","sz":"1","time":{time},"hash":"0x","tid":{tid}}}]}}"#
    )
}

#[test]
fn the_archive_is_read_from_frames_of_lz4() {
    let line = |second: u8| {
        let raw = book(1_694_858_400_000 + i64::from(second), "10");
        format!(r#"{{"time":"2023-09-16T10:00:0{second}.123456789","ver_num":1,"raw":{raw}}}"#)
    };
    let mut packed = Vec::new();
    for second in 0..2 {
        let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
        encoder.write_all(format!("{}\n", line(second)).as_bytes()).unwrap();
        packed.extend(encoder.finish().unwrap());
    }
    let told = read_bytes(&packed, Format::Auto, &TickOptions::default()).unwrap();
    assert_eq!(told.rows.len(), 4);
    let last = "book_snapshot 2 11 2 id=0 seq=0 flags=2 1694858400001000000 1694858401123456789";
    assert_eq!(shown(&told.rows[3]), last);
    packed.truncate(packed.len() - 6);
    let error = read_bytes(&packed, Format::Hyperliquid, &TickOptions::default()).unwrap_err().to_string();
    assert!(error.contains("lz4 data"), "{error}");
}

#[test]
fn trades_of_the_archives_nodes_have_a_time_in_text() {
    let told = rows_of(
        r#"{"coin":"BTC","side":"B","time":"2025-03-22T10:50:00.123456789","px":"85000.0","sz":"0.1","hash":"0x","trade_dir_override":"Na","side_info":[]}"#,
    );
    assert_eq!(shown(&told.rows[0]), "trade 1 85000 0.1 id=0 seq=0 flags=0 1742640600123456789 0");
}

#[test]
fn what_is_sent_again_on_a_new_subscription_is_history() {
    let echo = r#"{"channel":"subscriptionResponse","data":{"method":"subscribe","subscription":{"type":"trades"}}}"#;
    let lines = [echo, &book(50, "10"), &trade(40, 1), &trade(60, 2), echo, &trade(55, 2), &trade(70, 3)];
    let told = rows_of(&lines.map(|line| format!("100000000 {line}\n")).concat());
    let trades = told.rows.iter().filter(|row| row.kind == RowKind::Trade);
    assert_eq!(trades.map(|row| row.flags.has(Flags::HISTORY)).collect::<Vec<_>>(), [true, false, true, false]);
}

#[test]
fn who_is_subscribed_to_anew_makes_no_history_of_the_others() {
    let echo = |what: &str| {
        format!(
            r#"{{"channel":"subscriptionResponse","data":{{"method":"subscribe","subscription":{{"type":"{what}","coin":"ETH"}}}}}}"#
        )
    };
    let of_ether = |time, tid| trade(time, tid).replace("BTC", "ETH");
    let lines =
        [book(50, "10"), trade(60, 1), echo("trades"), trade(55, 2), of_ether(55, 3), echo("bbo"), of_ether(61, 4)];
    let told = rows_of(&lines.map(|line| format!("100000000 {line}\n")).concat());
    let trades = told.rows.iter().filter(|row| row.kind == RowKind::Trade);
    let history: Vec<_> = trades.map(|row| (row.order_id, row.flags.has(Flags::HISTORY))).collect();
    assert_eq!(history, [(1, false), (2, false), (3, true), (4, false)]);
}

#[test]
fn a_stream_that_begins_with_trades_starts_with_the_recorders_clock() {
    let told = rows_of(&format!("50000000 {}\n51000000 {}\n", trade(40, 1), trade(50, 2)));
    assert_eq!(told.rows.iter().map(|row| row.flags.0).collect::<Vec<_>>(), [4, 0]);
}

#[test]
fn best_bids_and_offers_and_contexts_are_read() {
    let told = rows_of(
        "9 {\"channel\":\"bbo\",\"data\":{\"coin\":\"BTC\",\"time\":7,\"bbo\":[{\"px\":\"10\",\"sz\":\"1\",\"n\":1},null]}}\n\
         9 {\"channel\":\"activeAssetCtx\",\"data\":{\"coin\":\"BTC\",\"ctx\":{\"funding\":\"0.0000125\",\"markPx\":\"10.5\",\"oraclePx\":\"10.4\",\"impactPxs\":[\"10\",\"11\"]}}}\n\
         9 {\"channel\":\"pong\"}\n9 Websocket connection established.\n",
    );
    let shown: Vec<String> = told.rows.iter().take(2).map(shown).collect();
    assert_eq!(shown, ["quote 1 10 1 id=0 seq=0 flags=1 7000000 9", "quote 2 0 0 id=0 seq=0 flags=2 7000000 9"]);
    let price = |text: &str| text.parse::<Price>().unwrap();
    let context =
        Context { mark: price("10.5"), oracle: price("10.4"), impact_bid: price("10"), impact_ask: price("11") };
    assert_eq!(told.rows[2].context(), context);
    assert_eq!(told.rows[2].exchange_time.raw(), 7_000_000);
    assert_eq!((told.noted("contexts"), told.noted("other channels")), (1, 1));
}

#[test]
fn an_empty_book_is_a_clearing() {
    let told = rows_of(r#"9 {"channel":"l2Book","data":{"coin":"BTC","time":7,"levels":[[],[]]}}"#);
    assert_eq!(shown(&told.rows[0]), "book_clear 0 0 0 id=0 seq=0 flags=2 7000000 9");
}

#[test]
fn bad_messages_are_refused_with_place_and_value() {
    let sound = format!("9 {}", trade(7, 1));
    for (from, to, part) in [
        (r#""A""#, r#""C""#, "sample:1: side = C: is not A or B"),
        (r#""px":"10""#, r#""px":"1e-9""#, "sample:1: px = 1e-9: is finer than 1e-8"),
        (r#""px":"10""#, r#""px":10"#, "sample:1: is not the JSON that belongs here"),
        (r#""time":7"#, r#""time":0"#, "sample:1: time = 0: is not a time"),
        (r#""channel":"trades","#, "", "sample:1: channel: is empty"),
        (r#""BTC""#, r#""""#, "sample:1: symbol: is empty"),
        ("9 {", "-9 {", "sample:1: local time = -9: is not a time"),
        ("}]}", "", "sample:1: is not the JSON that belongs here"),
    ] {
        let error = error_of(&sound.replace(from, to), Format::Hyperliquid);
        assert!(error.starts_with(part), "{part}: {error}");
    }
}
