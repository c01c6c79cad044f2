//! How fast bars are read.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::fmt::Write;
use std::hint::black_box;
use std::io::Cursor;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use engine::data::csv::{BLOCK_BYTES, CsvBars};
use engine::data::input::Input;
use engine::data::options::BarOptions;
use engine::data::synthetic::Synthetic;
use engine::stream::Source;

const ROWS: u64 = 200_000;

fn text(symbols: &[&str]) -> String {
    let mut text = String::from("timestamp,symbol,open,high,low,close,volume\n");
    for bar in Synthetic::new(symbols, ROWS, 1).bars() {
        let symbol = symbols.get(bar.instrument.index()).unwrap();
        let volume = bar.volume.unwrap();
        let time = bar.open_time.to_string().replace('T', " ").replace('Z', "");
        writeln!(text, "{time},{symbol},{},{},{},{},{volume}", bar.open, bar.high, bar.low, bar.close).unwrap();
    }
    text
}

fn read(bytes: Vec<u8>) -> usize {
    let input = Input::new(Cursor::new(bytes)).unwrap();
    let mut source = CsvBars::new("bench.csv", input, &BarOptions::default(), BLOCK_BYTES).unwrap();
    let mut count = 0;
    while let Some(chunk) = source.next_chunk().unwrap() {
        count += black_box(chunk).len();
    }
    count
}

fn csv(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("csv_bars");
    group.sample_size(20);
    for symbols in [&["BTC"][..], &["ADA", "BTC", "ETH", "SOL"]] {
        let text = text(symbols);
        group.throughput(Throughput::Elements(ROWS));
        group.bench_function(
            format!("{} symbols, {} bytes a row", symbols.len(), text.len() as u64 / ROWS),
            |bencher| {
                bencher.iter_batched(|| text.clone().into_bytes(), read, BatchSize::LargeInput);
            },
        );
    }
    group.finish();
}

criterion_group!(benches, csv);
criterion_main!(benches);
