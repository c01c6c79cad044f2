use std::io::Read;
use std::path::PathBuf;

use super::*;
use crate::data::tick::samples::recorded;
use crate::hyperliquid::message::{Answer, ExchangeAnswer, ItemStatus, Outcome, PostAnswer};
use crate::hyperliquid::names::info;
use crate::num::{Price, Qty};
use crate::row::{RowKind, RowSide};

const LOCAL: Nanos = Nanos::from_raw(9_000_000);
const BTC: InstrumentId = InstrumentId(4);

fn decoder() -> Decoder {
    Decoder::new([("BTC".into(), BTC), ("@107".into(), InstrumentId(5))])
}

fn told(channel: &str, data: &str) -> (Message, Vec<Row>) {
    let mut rows = Vec::new();
    let text = format!(r#"{{"channel":"{channel}","data":{data}}}"#);
    (decoder().message(text.as_bytes(), LOCAL, &mut rows).unwrap(), rows)
}

fn refused(text: &str) -> String {
    let mut rows = vec![Row::new(RowKind::Trade, BTC, LOCAL, LOCAL)];
    let error = decoder().message(text.as_bytes(), LOCAL, &mut rows).unwrap_err();
    assert_eq!(rows.len(), 1, "nothing is appended by what is refused");
    error.to_string()
}

fn trade(time: i64, tid: u64) -> String {
    format!(
        r#"{{"coin":"BTC","side":"A","px":"105056.0","sz":"0.00219","hash":"0xde","time":{time},"tid":{tid},"users":["0xa","0xb"]}}"#
    )
}

/// Books, then trades, of a minute of January 2025, as the import of the same recording reads them.
#[test]
fn the_recording_decodes_into_the_rows_of_its_import() {
    const NAME: &str = "feeds_dual_time/hyperliquid_btcusd_20250126.gz";
    let Some(imported) = recorded(NAME) else { return };
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(NAME);
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let mut decoder = Decoder::new([("BTC".into(), InstrumentId(0))]);
    let (mut rows, mut last_book) = (Vec::new(), Vec::new());
    let (mut is_started, mut general) = (false, 0);
    for line in text.lines() {
        let (local, message) = line.split_once(' ').unwrap();
        let local = Nanos::from_raw(local.parse().unwrap());
        let mut fresh = Vec::new();
        let news = decoder.message(message.as_bytes(), local, &mut fresh).unwrap();
        general += usize::from(!message.starts_with(r#"{"channel":"l2Book""#));
        if fresh.is_empty() {
            assert!(matches!(news, Message::Subscription(_) | Message::Greeting(_) | Message::Pong), "{news:?}");
            continue;
        }
        // The rule of the recording: what is older than its first book is history; books sent again are dropped.
        if !is_started {
            decoder.set_history_before(decoder.newest());
            is_started = true;
        }
        let is_book = fresh[0].kind == RowKind::BookSnapshot;
        let book: Vec<Row> = fresh.iter().map(|row| Row { local_time: Nanos::ZERO, ..*row }).collect();
        if is_book && std::mem::replace(&mut last_book, book.clone()) == book {
            continue;
        }
        rows.extend(fresh);
    }
    assert_eq!(rows, imported.rows);
    assert!(general > 0 && decoder.unknown().is_empty());
}

#[test]
fn trades_before_the_time_that_was_set_are_history() {
    let mut decoder = decoder();
    decoder.set_history_before(Nanos::from_raw(50_000_000));
    let mut rows = Vec::new();
    let text = format!(r#"{{"channel":"trades","data":[{},{}]}}"#, trade(49, 1), trade(50, 2));
    assert_eq!(decoder.message(text.as_bytes(), LOCAL, &mut rows), Ok(Message::Rows));
    assert_eq!(
        rows.iter().map(|row| (row.order_id, row.flags)).collect::<Vec<_>>(),
        [(1, Flags::HISTORY), (2, Flags(0))]
    );
    assert_eq!((rows[0].side, rows[0].instrument, decoder.newest().raw()), (RowSide::Sell, BTC, 50_000_000));
    assert_eq!(told("trades", "[]"), (Message::Rows, vec![]));
}

#[test]
fn the_best_prices_are_two_rows_and_an_empty_side_is_zero() {
    let (_, rows) = told("bbo", r#"{"coin":"BTC","time":7,"bbo":[{"px":"10.5","sz":2,"n":1},null]}"#);
    let shown: Vec<_> =
        rows.iter().map(|row| (row.kind, row.side, row.price.to_string(), row.quantity.to_string())).collect();
    let quote = RowKind::Quote;
    assert_eq!(
        shown,
        [(quote, RowSide::Buy, "10.5".into(), "2".into()), (quote, RowSide::Sell, "0".into(), "0".into())]
    );
}

#[test]
fn a_candle_is_a_bar_up_to_the_end_of_its_interval() {
    let data = r#"{"t":1684702800000,"T":1684706399999,"s":"BTC","i":"1h","o":"1.5","c":"2.0","h":"2.5","l":"1.0","v":"682593287.0000000001","n":802}"#;
    let (Message::Bar(bar), rows) = told("candle", data) else { panic!("no bar") };
    assert!(rows.is_empty());
    assert_eq!((bar.instrument, bar.trades, bar.resolution().raw()), (BTC, 802, 3_600_000_000_000));
    assert_eq!([bar.open, bar.high, bar.low, bar.close].map(|p| p.to_string()), ["1.5", "2.5", "1", "2"]);
    assert_eq!(bar.volume, Some(Qty::from_raw(68_259_328_700_000_000)));
    let error =
        refused(&format!(r#"{{"channel":"candle","data":{}}}"#, data.replace("1684706399999", "1684702799999")));
    assert!(error.starts_with("T = 1684702799999000000: is not a time after"), "{error}");
}

#[test]
fn a_context_is_a_row_at_the_time_of_the_newest_message_and_numbers() {
    let context = r#"{"funding":"0.0000125","openInterest":"605822.2557999999","prevDayPx":"9.0","dayNtlVlm":1.5,"premium":null,"oraclePx":"10.4","markPx":"10.5","midPx":null,"impactPxs":["10.0","11.0"],"new":{}}"#;
    let (mut decoder, mut rows) = (decoder(), Vec::new());
    let mut message = |text: String| decoder.message(text.as_bytes(), LOCAL, &mut rows).unwrap();
    message(format!(r#"{{"channel":"trades","data":[{}]}}"#, trade(50, 2)));
    let news = message(format!(r#"{{"channel":"activeAssetCtx","data":{{"coin":"BTC","ctx":{context}}}}}"#));
    let Message::Context(news) = news else { panic!("{news:?}") };
    assert_eq!(news.context.open_interest.to_string(), "605822.2558");
    assert_eq!((news.context.funding_rate.to_string(), news.context.premium), ("0.0000125".into(), None));
    message(r#"{"channel":"activeSpotAssetCtx","data":{"coin":"@107","ctx":{"dayNtlVlm":"1","prevDayPx":"2","markPx":"3.5","midPx":"3.5"}}}"#.into());
    let price = |text: &str| text.parse::<Price>().unwrap();
    let [perp, spot] = [rows[1], rows[2]];
    assert_eq!((perp.context().mark, perp.context().oracle), (price("10.5"), price("10.4")));
    assert_eq!((perp.context().impact_bid, perp.context().impact_ask), (price("10"), price("11")));
    assert_eq!((perp.exchange_time.raw(), perp.local_time), (50_000_000, LOCAL));
    assert_eq!(
        (spot.context().mark, spot.context().oracle, spot.instrument),
        (price("3.5"), Price::ZERO, InstrumentId(5))
    );
}

#[test]
fn what_became_of_orders_keeps_the_word_of_the_exchange() {
    let order =
        r#"{"coin":"BTC","side":"B","limitPx":"10.0","sz":"1.0","oid":7,"timestamp":5,"origSz":"2.0","cloid":null}"#;
    let data = format!(r#"[{{"order":{order},"status":"marginCanceled","statusTimestamp":6}}]"#);
    let (Message::Orders(news), _) = told("orderUpdates", &data) else { panic!("no orders") };
    assert_eq!(&*news[0].status.0, "marginCanceled");
    assert!(matches!(news[0].status.outcome(), Outcome::Cancelled(_)));
    assert_eq!(news[0].order.original_quantity.map(Qty::raw), Some(200_000_000));
}

#[test]
fn news_of_an_account_are_one_of_four_and_a_fifth_is_counted() {
    let (Message::User(news), _) = told("user", r#"{"nonUserCancel":[{"coin":"ETH","oid":5}]}"#) else { panic!() };
    assert_eq!(news.cancels.map(|cancels| (cancels[0].coin.to_string(), cancels[0].oid)), Some(("ETH".into(), 5)));
    let data = r#"{"funding":{"time":5,"coin":"BTC","usdc":"-3.625312","szi":"49.1477","fundingRate":"0.0000417"}}"#;
    let (Message::User(news), _) = told("user", data) else { panic!() };
    assert_eq!(news.funding.map(|funding| funding.amount.to_string()), Some("-3.625312".into()));
    let data = r#"{"liquidation":{"lid":1,"liquidator":"0xa","liquidated_user":"0xb","liquidated_ntl_pos":"5.5","liquidated_account_value":"0.5"}}"#;
    let (Message::User(news), _) = told("user", data) else { panic!() };
    assert_eq!(news.liquidation.map(|it| it.notional.to_string()), Some("5.5".into()));
    assert_eq!(told("user", r#"{"festival":[]}"#).0, Message::Unknown("user: festival".into()));
}

#[test]
fn answers_to_posts_carry_their_number() {
    let post = |response: &str| match told("post", &format!(r#"{{"id":3,"response":{response}}}"#)).0 {
        Message::Post(post) => (post.id, post.answer),
        other => panic!("{other:?}"),
    };
    let (id, action) = post(
        r#"{"type":"action","payload":{"status":"ok","response":{"type":"cancel","data":{"statuses":["success"]}}}}"#,
    );
    let PostAnswer::Action(ExchangeAnswer::Done { statuses, .. }) = action else { panic!("{action:?}") };
    assert_eq!((id, statuses), (3, vec![ItemStatus::Word("success".into())]));
    let (_, info) =
        post(r#"{"type":"info","payload":{"type":"userRole","data":{"role":"agent","data":{"user":"0xab"}}}}"#);
    let PostAnswer::Info { question, answer } = info else { panic!("{info:?}") };
    assert!(matches!((&*question, &*answer), ("userRole", Answer::Role(role)) if &*role.role == "agent"));
    assert_eq!(
        post(r#"{"type":"error","payload":"429 Too Many Requests"}"#).1,
        PostAnswer::Error("429 Too Many Requests".into())
    );
    assert!(matches!(post(r#"{"type":"poem","payload":[]}"#).1, PostAnswer::Unknown(_)));
}

#[test]
fn the_connection_speaks_too() {
    assert_eq!(told("error", r#""Already subscribed: {}""#).0, Message::Error("Already subscribed: {}".into()));
    let data = r#"{"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC","nSigFigs":null}}"#;
    let (Message::Subscription(echo), _) = told("subscriptionResponse", data) else { panic!() };
    assert_eq!((&*echo.method, echo.subscription.0.contains("nSigFigs")), ("subscribe", true));
    let mut rows = Vec::new();
    assert_eq!(decoder().message(br#"{"channel":"pong"}"#, LOCAL, &mut rows), Ok(Message::Pong));
    let greeting = decoder().message(b"Websocket connection established.", LOCAL, &mut rows);
    assert_eq!(greeting, Ok(Message::Greeting("Websocket connection established.".into())));
}

#[test]
fn what_is_not_known_is_named_and_counted_within_bounds() {
    let (mut decoder, mut rows) = (decoder(), Vec::new());
    let mut message = |text: String| decoder.message(text.as_bytes(), LOCAL, &mut rows).unwrap();
    for _ in 0..2 {
        assert_eq!(message(r#"{"channel":"webData9"}"#.into()), Message::Unknown("webData9".into()));
    }
    let text = format!(r#"{{"channel":"trades","data":[{}]}}"#, trade(5, 1)).replace("BTC", "NEW");
    assert_eq!(message(text), Message::Unknown("coin: NEW".into()));
    for k in 0..2 * NAMES_MAX {
        message(format!(r#"{{"channel":"{}{k}","data":0}}"#, "x".repeat(k)));
    }
    assert_eq!((decoder.unknown().get("webData9"), decoder.unknown().get("coin: NEW")), (Some(&2), Some(&1)));
    assert!(decoder.unknown().len() <= NAMES_MAX + 1 && decoder.unknown().keys().all(|name| name.len() <= 80));
    assert_eq!(decoder.unknown().values().sum::<u64>(), 3 + 2 * NAMES_MAX as u64);
    assert!(rows.is_empty());
}

#[test]
fn bad_messages_are_refused_with_field_and_value() {
    let sound = format!(r#"{{"channel":"trades","data":[{},{}]}}"#, trade(6, 1), trade(7, 2));
    for (from, to, part) in [
        (r#""tid":2"#, r#""tid":-2"#, "tid = -2: is not a whole number that fits"),
        (r#""time":7"#, r#""time":0"#, "time = 0: is not a time after 1970"),
        (r#""time":7"#, r#""when":7"#, "time: is missing"),
        (r#""sz":"0.00219","hash":"0xde","time":7"#, r#""sz":"1e-9","time":7"#, "sz: `1e-9` is finer than 1e-8"),
        (
            r#""px":"105056.0","sz":"0.00219","hash":"0xde","time":7"#,
            r#""px":"NaN","sz":"1","time":7"#,
            "px: `NaN` is not a finite number",
        ),
        (r#""channel":"trades","#, "", "channel: is missing"),
        (r#""trades""#, r#""bbo""#, "data: is not the JSON that belongs here"),
        ("}]}", "", "message: is not the JSON that belongs here"),
    ] {
        let error = refused(&sound.replace(from, to));
        assert!(error.starts_with(part), "{part}: {error}");
    }
    assert_eq!(
        refused(r#"{"channel":"trades"}"#),
        "data: is missing: the exchange has changed the message, or it was cut off"
    );
    assert!(refused("").starts_with("message: is not the JSON"));
    assert!(decoder().message(b"\xff", LOCAL, &mut Vec::new()).is_err());
}

/// Of the fuzz target, by letters from A on.
const QUESTIONS: [&str; 12] = [
    info::META_AND_ASSET_CTXS,
    info::SPOT_META,
    info::ALL_MIDS,
    info::L2_BOOK,
    info::CANDLE_SNAPSHOT,
    info::CLEARINGHOUSE_STATE,
    info::FRONTEND_OPEN_ORDERS,
    info::HISTORICAL_ORDERS,
    info::USER_FILLS,
    info::USER_FUNDING,
    info::USER_NON_FUNDING_LEDGER_UPDATES,
    info::PORTFOLIO,
];

#[test]
fn every_seed_of_the_fuzz_target_is_read() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/hyperliquid_messages");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let told = match bytes.split_first() {
            Some((b'/', body)) => ExchangeAnswer::parse(body).map(drop),
            Some((letter @ b'A'..=b'L', body)) => Answer::parse(QUESTIONS[usize::from(letter - b'A')], body).map(drop),
            _ => Decoder::new([("BTC".into(), BTC), ("ETH".into(), BTC)])
                .message(&bytes, LOCAL, &mut Vec::new())
                .map(drop),
        };
        assert_eq!(told, Ok(()), "{}", path.display());
        count += 1;
    }
    assert!(count >= 43, "{count}");
}
