//! How fast the tick table is read: one file, some kinds of a symbol, many symbols.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::data::tick::correct::Correction;
use engine::data::tick::family::Family;
use engine::data::tick::from_rows::FromRows;
use engine::data::tick::import::{Recording, import};
use engine::data::tick::synthetic::market::MarketOptions;
use engine::data::tick::synthetic::source::SyntheticTicks;
use engine::data::tick::table::lake::{Lake, LakeQuery};
use engine::data::tick::table::path::TableFormat;
use engine::instrument::Instruments;
use engine::row::RowSource;

const ROWS: u64 = 1_000_000;

fn symbols(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("S{i:03}")).collect()
}

fn write(out: &Path, names: &[String], format: TableFormat) {
    drop(std::fs::remove_dir_all(out));
    let density = u32::try_from(20_000 / names.len()).unwrap().max(40);
    let options = MarketOptions { density, ..MarketOptions::default() };
    let reader = FromRows::new(SyntheticTicks::new(names, ROWS, 1, &options), names, "synthetic");
    let recording = Recording { name: "synthetic".into(), open: Box::new(|| Ok(Box::new(reader))) };
    import(vec![recording], out, Correction::default(), format, &mut |_| true).unwrap();
}

fn read(lake: &Lake, instruments: &Instruments) -> u64 {
    let mut source = lake.source(instruments);
    let mut count = 0;
    while let Some(rows) = source.next_rows().unwrap() {
        count += black_box(rows).len() as u64;
    }
    count
}

fn table(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tick_table");
    group.sample_size(20);
    let folder: PathBuf = std::env::temp_dir().join(format!("bench-table-{}", std::process::id()));
    for format in [TableFormat::Arrow, TableFormat::Parquet] {
        for (count, families, what) in [
            (1, vec![Family::Book], "one file"),
            (1, vec![], "all kinds of one symbol"),
            (500, vec![Family::Book], "the books of 500 symbols"),
            (500, vec![], "all kinds of 500 symbols"),
        ] {
            let names = symbols(count);
            let out = folder.join(format!("{format:?}-{count}"));
            if !out.exists() {
                write(&out, &names, format);
            }
            let lake = Lake::open(&[out], LakeQuery { families, ..LakeQuery::default() }).unwrap();
            let instruments = Instruments::unrestricted(&names);
            group.throughput(Throughput::Elements(read(&lake, &instruments)));
            group.bench_function(format!("{format:?}, {what}"), |b| b.iter(|| read(&lake, &instruments)));
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
    group.finish();
}

fn synthetic(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("synthetic_ticks");
    group.sample_size(10).throughput(Throughput::Elements(ROWS));
    group.bench_function("one market", |b| {
        b.iter(|| {
            let mut source = SyntheticTicks::new(&["BTC"], ROWS, 1, &MarketOptions::default());
            while let Some(rows) = source.next_rows().unwrap() {
                black_box(rows);
            }
        });
    });
    group.finish();
}

criterion_group!(benches, table, synthetic);
criterion_main!(benches);
