//! Each recorded sample, through an import and back, against the plainest way to set its rows right.

use std::fs;
use std::path::{Path, PathBuf};

use crate::data::tick::correct::Correction;
use crate::data::tick::family::Family;
use crate::data::tick::import::{Recording, import};
use crate::data::tick::refusal::Refusal;
use crate::data::tick::samples::{Told, recorded};
use crate::data::tick::table::lake::{Lake, LakeQuery};
use crate::data::tick::table::path::TableFormat;
use crate::data::tick::{Format, TickOptions, open};
use crate::instrument::Instruments;
use crate::row::{Flags, Row, RowKind, RowSource};
use crate::time::Nanos;

/// The rows of a reader as they must come back, but for LAST, which feeds forget.
fn expected(told: &Told) -> Vec<Row> {
    let instruments = Instruments::unrestricted(&told.symbols);
    let sound = || told.rows.iter().filter(|row| Refusal::of(row).is_none());
    let latencies = sound().filter(|row| row.local_time != Nanos::ZERO);
    let least = latencies.map(|row| row.local_time.raw() - row.exchange_time.raw()).min().unwrap_or(0);
    let shift = if least < 0 { 1_000_000 - least } else { 0 };
    let has_orders = told.rows.iter().any(|row| Family::of(row.kind) == Family::Orders);
    let family = |row: &Row| match row.kind {
        RowKind::BookClear if has_orders => Family::Orders,
        kind => Family::of(kind),
    };
    let mut rows: Vec<Row> = sound()
        .map(|row| {
            let mut row = *row;
            row.instrument = instruments.find(&told.symbols[row.instrument.index()]).unwrap();
            row.local_time = match row.local_time.raw() {
                0 => Nanos::from_raw(row.exchange_time.raw() + 1_000_000),
                local => Nanos::from_raw(local + shift),
            };
            row
        })
        .collect();
    rows.sort_by_key(|row| (row.exchange_time, row.instrument, family(row), row.sequence));
    rows
}

fn without_last(rows: &[Row]) -> Vec<Row> {
    rows.iter().map(|row| Row { flags: Flags(row.flags.0 & !Flags::LAST.0), ..*row }).collect()
}

fn imported(path: &Path, format: TableFormat) -> (Vec<Row>, Vec<String>) {
    let out = std::env::temp_dir().join(format!("recordings-{}-{format:?}", std::process::id()));
    drop(fs::remove_dir_all(&out));
    let open = Box::new(|| open(path, Format::Auto, &TickOptions::default()));
    let recording = Recording { name: "sample".into(), open };
    // Small runs, so that the sort on disk takes part.
    let correction = Correction { run_rows: 5_000, ..Correction::default() };
    import(vec![recording], &out, correction, format, &mut |_| true).unwrap();
    let lake = Lake::open(std::slice::from_ref(&out), LakeQuery::default()).unwrap();
    let symbols = lake.symbols();
    let mut source = lake.source(&Instruments::unrestricted(&symbols));
    let mut rows = Vec::new();
    while let Some(chunk) = source.next_rows().unwrap() {
        rows.extend_from_slice(&chunk);
    }
    fs::remove_dir_all(&out).unwrap();
    (rows, symbols)
}

#[test]
fn recorded_samples_come_back_row_for_row() {
    for name in [
        "book_l2/xrpusdt-ob500.data.zip",
        "book_l3/esh4-glbx-mdp3-20231224.mbo.dbn.zst",
        "book_l3/esh4-glbx-mdp3-20231225.mbo.dbn.zst",
        "feeds_dual_time/binance_usdm_btcusdt_20240808.gz",
        "feeds_dual_time/hyperliquid_btcusd_20250126.gz",
        "feeds_dual_time/deribit_incremental_book_L2_BTC-PERPETUAL.csv",
        "feeds_dual_time/binance-futures_book_snapshot_5_BTCUSDT.csv",
        "feeds_dual_time/bitmex_trades_XBTUSD.csv",
        "feeds_dual_time/huobi-dm-swap_quotes_BTC-USD.csv",
    ] {
        let Some(told) = recorded(name) else { continue };
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
        let expected = expected(&told);
        for format in [TableFormat::Parquet, TableFormat::Arrow] {
            let (rows, symbols) = imported(&path, format);
            assert_eq!(symbols.len(), told.symbols.len(), "{name}");
            assert_eq!(rows.len(), expected.len(), "{name}");
            let differs = without_last(&rows).iter().zip(without_last(&expected)).position(|(a, b)| *a != b);
            let at = differs.unwrap_or(0);
            assert_eq!(differs, None, "{name}: {:?} for {:?}", rows.get(at), expected.get(at));
            // Of each instant and batch the last row says so.
            let book = |row: &&Row| matches!(Family::of(row.kind), Family::Book) && row.kind != RowKind::BookClear;
            assert!(rows.iter().rfind(book).is_none_or(|row| row.flags.has(Flags::LAST)), "{name}");
        }
    }
}
