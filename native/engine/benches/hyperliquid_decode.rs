//! How fast messages of the socket become rows, books and typed news.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fmt::Write;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::book::{BookKind, MarketBook};
use engine::hyperliquid::message::Decoder;
use engine::instrument::InstrumentId;
use engine::row::Row;
use engine::time::Nanos;

const LOCAL_TIME: Nanos = Nanos::from_raw(1_737_918_843_893_903_000);

/// Books of 20 levels a side around a price that wanders, two kilobytes each.
fn books(count: i64) -> Vec<String> {
    let book = |k: i64| {
        let best = 105_055 + k * 7 % 5;
        let side = |sign: i64| {
            let level = |depth: i64| {
                let (price, size) = (best + sign * (depth + 1), 17_003 * (depth + 1 + k % 3) % 400_000);
                format!(
                    r#"{{"px":"{price}.0","sz":"{}.{:05}","n":{}}}"#,
                    size / 100_000,
                    size % 100_000,
                    depth % 12 + 1
                )
            };
            (0..20).map(level).collect::<Vec<_>>().join(",")
        };
        let time = 1_737_918_843_542 + k * 540;
        let (bids, asks) = (side(-1), side(1));
        format!(r#"{{"channel":"l2Book","data":{{"coin":"BTC","time":{time},"levels":[[{bids}],[{asks}]]}}}}"#)
    };
    (0..count).map(book).collect()
}

fn trades() -> String {
    let mut items = String::new();
    for k in 0..4 {
        let separator = if k == 0 { "" } else { "," };
        write!(
            items,
            r#"{separator}{{"coin":"BTC","side":"B","px":"105056.0","sz":"0.0021{k}","hash":"0xde477894bfb2b4eac0a8041c9228ca013100955485522c8e6e787dfa0077475b","time":1737918794873,"tid":12145147028404{k},"users":["0xe9ed7e16612d676df804f5aecd16e1f9bf9ec9dd","0x6802b4267f7f2bf7003dcf993c51542245b38329"]}}"#
        )
        .unwrap();
    }
    format!(r#"{{"channel":"trades","data":[{items}]}}"#)
}

const BBO: &str = r#"{"channel":"bbo","data":{"coin":"BTC","time":1737918844508,"bbo":[{"px":"105055.0","sz":"3.03622","n":5},{"px":"105056.0","sz":"1.2","n":2}]}}"#;
const FILL: &str = r#"{"channel":"user","data":{"fills":[{"coin":"BTC","px":"66653.0","sz":"0.001","side":"A","time":1781528065899,"startPosition":"-0.0213","dir":"Open Short","closedPnl":"0.0","hash":"0xe29fd267b4d2c6f0e41904231bbec90000daea4d4fd5e5c286687dba73d6a0db","oid":55030848197,"crossed":false,"fee":"0.009997","tid":745210434703679,"cloid":"0xe8d5fd7ebbb4c3cff4d1803472a11463","feeToken":"USDC","twapId":null}]}}"#;

fn decoder() -> Decoder {
    Decoder::new([("BTC".into(), InstrumentId(0))])
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hyperliquid decode");
    let books = books(64);
    let spaced: Vec<String> = books.iter().map(|book| book.replace("\"coin\":", "\"coin\": ")).collect();
    let mut each = |name: &str, messages: &[String]| {
        group.throughput(Throughput::Elements(u64::try_from(messages.len()).unwrap()));
        let (mut decoder, mut rows) = (decoder(), Vec::<Row>::new());
        group.bench_function(name, |bench| {
            bench.iter(|| {
                for message in messages {
                    rows.clear();
                    black_box(decoder.message(message.as_bytes(), LOCAL_TIME, &mut rows).unwrap());
                }
            });
        });
    };
    each("l2Book into rows", &books);
    each("l2Book into rows, general reader", &spaced);
    each("trades, four", &[trades()]);
    each("bbo", &[BBO.to_owned()]);
    each("user, one fill", &[FILL.to_owned()]);

    group.throughput(Throughput::Elements(64));
    let (mut decoder, mut rows) = (decoder(), Vec::new());
    let mut book = MarketBook::new(BookKind::L2);
    group.bench_function("l2Book into the book", |bench| {
        bench.iter(|| {
            for message in &books {
                rows.clear();
                decoder.message(message.as_bytes(), LOCAL_TIME, &mut rows).unwrap();
                for row in &rows {
                    book.apply(row, &mut ());
                }
            }
            black_box(book.levels.best())
        });
    });
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
