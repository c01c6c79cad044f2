use std::io::{Cursor, Write};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::data::fault::{Fault, SourceError};
use crate::data::input::Input;
use crate::data::options::{BarOptions, Column, Stamp, VolumeUnit};
use crate::data::summary::DataSummary;
use crate::data::synthetic::Synthetic;
use crate::event::{Bar, MarketEvent};
use crate::instrument::Instruments;
use crate::stream::Source;
use crate::time::Nanos;

fn btc() -> BarOptions {
    BarOptions::for_symbols(&["BTC"])
}

fn read_blocks(bytes: &[u8], options: &BarOptions, block: usize) -> Result<(Vec<Bar>, DataSummary), SourceError> {
    let fail = |fault| SourceError::of_file("bars.csv", fault);
    let input = Input::new(Cursor::new(bytes.to_vec())).map_err(fail)?;
    let mut source = CsvBars::new("bars.csv", input, options, block)?;
    let mut bars = Vec::new();
    while let Some(chunk) = source.next_chunk()? {
        assert!(!chunk.is_empty() && chunk.len() <= CHUNK_BARS);
        bars.extend(chunk.iter().map(|e| match e {
            MarketEvent::Bar(bar) => *bar,
            other => panic!("{other:?}"),
        }));
    }
    source.check_selection()?;
    Ok((bars, source.summary()))
}

fn read(text: &str, options: &BarOptions) -> Result<(Vec<Bar>, DataSummary), SourceError> {
    read_blocks(text.as_bytes(), options, BLOCK_BYTES)
}

fn error(text: &str) -> SourceError {
    read(text, &btc()).unwrap_err()
}

/// Bars as text, with their symbols.
fn written(bars: &[Bar], symbols: &[&str]) -> String {
    let mut text = String::from("timestamp,symbol,open,high,low,close,volume\n");
    for bar in bars {
        let symbol = symbols[bar.instrument.index()];
        let volume = bar.volume.unwrap();
        text += &format!("{},{symbol},{},{},{},{},{volume}\n", bar.open_time, bar.open, bar.high, bar.low, bar.close);
    }
    text
}

const GOOD: &str = "timestamp,open,high,low,close,volume
2022-01-01 00:00:00,10,12,9,11,5
2022-01-01 00:01:00,11,13,10,12,6
2022-01-01 00:02:00,12,14,11,13,7
";

fn with_line_3(row: &str) -> String {
    GOOD.replace("2022-01-01 00:01:00,11,13,10,12,6", row)
}

#[test]
fn plain_bars_are_read_exactly() {
    let (bars, summary) = read(GOOD, &btc()).unwrap();
    assert_eq!(bars.len(), 3);
    let bar = bars[1];
    assert_eq!(bar.open_time.to_string(), "2022-01-01T00:01:00Z");
    assert_eq!(bar.close_time.to_string(), "2022-01-01T00:02:00Z");
    assert_eq!(
        (bar.open.to_string(), bar.high.to_string(), bar.low.to_string()),
        ("11".into(), "13".into(), "10".into())
    );
    assert_eq!((bar.close.to_string(), bar.volume.unwrap().to_string()), ("12".into(), "6".into()));
    let btc = &summary.symbols[0];
    assert_eq!((btc.rows, btc.gaps, btc.snapped, btc.resolution), (3, 0, 0, Nanos::MINUTE));
    assert!(summary.is_utc_assumed);
    assert_eq!(btc.days.len(), 1);
}

#[test]
fn each_bad_row_is_refused_with_its_line_column_and_value() {
    for (row, column, value, part) in [
        (
            "2021-12-31 23:50:00,11,13,10,12,6",
            "timestamp",
            "2021-12-31 23:50:00",
            "is earlier than the row before (2022-01-01T00:00:00Z): sort the file",
        ),
        ("2022-01-01 00:00:00,11,13,10,12,6", "timestamp", "2022-01-01 00:00:00", "earlier row of BTC too"),
        ("soon,11,13,10,12,6", "timestamp", "soon", "not a time"),
        (",11,13,10,12,6", "timestamp", "", "is empty"),
        ("2022-01-01 00:01:00,,13,10,12,6", "open", "", "is empty"),
        ("2022-01-01 00:01:00,11,13,10,null,6", "close", "null", "is empty"),
        ("2022-01-01 00:01:00,11,13,10,12,", "volume", "", "is empty"),
        ("2022-01-01 00:01:00,nan,13,10,12,6", "open", "nan", "not a finite number"),
        ("2022-01-01 00:01:00,11,inf,10,12,6", "high", "inf", "not a finite number"),
        ("2022-01-01 00:01:00,11,13,ten,12,6", "low", "ten", "not a number"),
        ("2022-01-01 00:01:00,11,13,0,12,6", "low", "0", "not above zero"),
        ("2022-01-01 00:01:00,-11,13,10,12,6", "open", "-11", "not above zero"),
        ("2022-01-01 00:01:00,11,13,10,12,-6", "volume", "-6", "negative"),
        ("2022-01-01 00:01:00,11,9,10,9.5,6", "high", "9", "below the low of the bar (10)"),
        ("2022-01-01 00:01:00,11,11.5,10,12,6", "high", "11.5", "below the close of the bar (12)"),
        ("2022-01-01 00:01:00,11,13,11.5,12,6", "low", "11.5", "above the open of the bar (11)"),
        ("2022-01-01 00:01:00,11.123456789,13,10,12,6", "open", "11.123456789", "finer than 1e-8"),
        ("2022-01-01 00:01:00,1e30,13,10,12,6", "open", "1e30", "out of range"),
    ] {
        let error = error(&with_line_3(row));
        assert_eq!(error.line, Some(3), "{row}");
        assert_eq!(error.file.as_deref(), Some("bars.csv"));
        assert_eq!((error.column.as_deref(), error.value.as_deref()), (Some(column), Some(value)), "{row}");
        let text = error.to_string();
        assert!(text.starts_with("bars.csv:3: ") && text.contains(part), "{text}");
    }
}

#[test]
fn ragged_rows_and_open_quotes_are_refused() {
    assert_eq!(error(&with_line_3("2022-01-01 00:01:00,11,13,10,12")).fault, Fault::Ragged { found: 5, expected: 6 });
    assert_eq!(
        error(&with_line_3("2022-01-01 00:01:00,11,13,10,12,6,7")).fault,
        Fault::Ragged { found: 7, expected: 6 }
    );
    let open = error(&with_line_3("\"2022-01-01 00:01:00,11,13,10,12,6"));
    assert_eq!((open.fault, open.line), (Fault::OpenQuote, Some(3)));
}

#[test]
fn files_without_bars_are_refused_by_name() {
    for (text, fault) in [
        ("", Fault::Empty),
        ("timestamp,open,high,low,close,volume\n", Fault::NoRows),
        ("timestamp,open,high,low,close,volume", Fault::NoRows),
        ("timestamp,open,high,low,close\n2022-01-01,1,2,1,1\n", Fault::NoResolution),
    ] {
        let error = error(text);
        assert_eq!((error.fault, error.file.as_deref()), (fault, Some("bars.csv")), "{text}");
    }
}

#[test]
fn one_row_is_enough_when_the_resolution_is_given() {
    let options = BarOptions { resolution: Some(Nanos::DAY), ..btc() };
    let (bars, _) = read("timestamp,open,high,low,close\n2022-01-01,1,2,1,1\n", &options).unwrap();
    assert_eq!((bars.len(), bars[0].resolution(), bars[0].volume), (1, Nanos::DAY, None));
}

#[test]
fn the_shape_of_the_text_does_not_matter() {
    let (expected, _) = read(GOOD, &btc()).unwrap();
    for text in [
        format!("\u{feff}{GOOD}"),
        GOOD.replace('\n', "\r\n"),
        GOOD.trim_end().to_owned(),
        format!("{GOOD}\n\r\n  \n"),
        GOOD.replace(',', ";"),
        GOOD.replace(',', "\t"),
        GOOD.replace(',', " , "),
        GOOD.replace("2022-01-01 00:01:00", "\"2022-01-01 00:01:00\"").replace("open", "\"Open\""),
        GOOD.replace("2022-01-01 00:0", "2022-01-01T00:0").replace(":00,", ":00.000Z,"),
        GOOD.replace("2022-01-01 00:00:00", "1640995200")
            .replace("2022-01-01 00:01:00", "1640995260000")
            .replace("2022-01-01 00:02:00", "1640995320000000"),
        GOOD.replace(",11,13,10,12,6", ",1.1e1,13.0000,10.,+12,6.00000000000"),
        GOOD.lines().map(|l| format!("x,{l},\"a \"\"note\"\"\"\n")).collect(),
    ] {
        assert_eq!(read(&text, &btc()).map(|r| r.0), Ok(expected.clone()), "{text}");
    }
}

#[test]
fn columns_come_in_any_order_and_under_other_names() {
    let text = "vol,date,c,l,h,o\n5,2022-01-01 00:00:00,11,9,12,10\n6,2022-01-01 00:01:00,12,10,13,11\n7,2022-01-01 00:02:00,13,11,14,12\n";
    let columns = [
        (Column::Volume, "vol"),
        (Column::Timestamp, "date"),
        (Column::Open, "o"),
        (Column::High, "h"),
        (Column::Low, "l"),
        (Column::Close, "c"),
    ];
    let options = BarOptions { columns: columns.map(|(c, name)| (c, name.to_owned())).to_vec(), ..btc() };
    assert_eq!(read(text, &options).unwrap().0, read(GOOD, &btc()).unwrap().0);
    let wrong = text.replace("12,10\n", "12,-10\n");
    let error = read(&wrong, &options).unwrap_err();
    assert_eq!((error.column.as_deref(), error.value.as_deref()), (Some("o"), Some("-10")));
    let missing = BarOptions { columns: vec![(Column::Volume, "volumen".into())], ..btc() };
    let text = read(GOOD, &missing).unwrap_err().to_string();
    assert!(text.contains("no column `volumen`: the file has timestamp, open, high, low, close, volume."), "{text}");
}

#[test]
fn symbols_are_told_apart_selected_and_asked_for() {
    let bars: Vec<_> = Synthetic::new(&["BTC", "ETH", "SOL"], 300, 1).bars().collect();
    let text = written(&bars, &["BTC", "ETH", "SOL"]);
    let (all, summary) = read(&text, &BarOptions::default()).unwrap();
    assert_eq!(all, bars);
    assert_eq!(
        summary.symbols.iter().map(|s| (s.symbol.as_str(), s.rows)).collect::<Vec<_>>(),
        [("BTC", 100), ("ETH", 100), ("SOL", 100)]
    );
    let (eth, summary) = read(&text, &BarOptions::for_symbols(&["ETH"])).unwrap();
    assert_eq!((eth.len(), summary.left_out), (100, vec!["BTC".to_owned(), "SOL".to_owned()]));
    let error = read(&text, &BarOptions::for_symbols(&["DOGE"])).unwrap_err();
    assert_eq!(error.fault, Fault::NoSuchSymbol { wanted: "DOGE".into(), holds: "BTC, ETH, SOL".into() });
    // Ids of a run that trades other symbols as well.
    let instruments = Some(Arc::new(Instruments::unrestricted(&["ADA", "ETH", "SOL"])));
    let (ranked, _) = read(&text, &BarOptions { instruments, ..BarOptions::default() }).unwrap();
    assert_eq!(ranked.len(), 200);
    assert_eq!((ranked[0].instrument.index(), ranked[1].instrument.index()), (1, 2));
}

#[test]
fn data_without_a_symbol_column_hold_the_one_symbol_given() {
    assert_eq!(read(GOOD, &BarOptions::default()).unwrap_err().fault, Fault::NoSymbol);
    assert_eq!(read(GOOD, &BarOptions::for_symbols(&["A", "B"])).unwrap_err().fault, Fault::ManySymbols { given: 2 });
}

#[test]
fn a_range_of_time_keeps_its_start_and_not_its_end() {
    let at = |minute: i64| Nanos::from_raw(1_640_995_200_000_000_000 + minute * Nanos::MINUTE.raw());
    let options = BarOptions { start: at(1), end: at(2), ..btc() };
    let (bars, _) = read(GOOD, &options).unwrap();
    assert_eq!(bars.iter().map(|b| b.open_time).collect::<Vec<_>>(), [at(1)]);
    let nothing = BarOptions { start: at(9), ..btc() };
    assert_eq!(
        read(GOOD, &nothing).unwrap_err().fault,
        Fault::NothingInRange { symbol: "BTC".into(), first: at(0), last: at(2) }
    );
}

#[test]
fn stamps_at_the_close_and_quote_volumes_are_converted() {
    let options = BarOptions { stamp: Stamp::Close, volume_unit: VolumeUnit::Quote, ..btc() };
    let (bars, summary) = read(GOOD, &options).unwrap();
    assert_eq!(bars[0].close_time.to_string(), "2022-01-01T00:00:00Z");
    assert_eq!(bars[0].volume.unwrap().to_string(), "0.45454545");
    assert_eq!((summary.stamp, summary.volume_unit), (Stamp::Close, VolumeUnit::Quote));
}

#[test]
fn gaps_are_counted_and_never_refused() {
    let text = GOOD.to_owned()
        + "2022-01-01 00:05:00,11,13,10,12,6\n2022-01-01 00:06:00,11,13,10,12,6\n2022-01-01 00:09:00,11,13,10,12,0.30000000000000004\n";
    let (_, summary) = read(&text, &btc()).unwrap();
    let btc = &summary.symbols[0];
    assert_eq!((btc.gaps, btc.snapped), (2, 1));
    let longest = btc.longest_gap.unwrap();
    assert_eq!(
        (longest.start.to_string(), longest.length().raw()),
        ("2022-01-01T00:03:00Z".into(), 2 * Nanos::MINUTE.raw())
    );
}

#[test]
fn a_changed_bar_shows_on_its_day_and_nowhere_else() {
    let bars: Vec<_> = Synthetic::new(&["BTC"], 3 * 1440, 1).bars().collect();
    let text = written(&bars, &["BTC"]);
    let mut changed = bars.clone();
    changed[2000].volume = Some("0.123".parse().unwrap());
    let one = read(&text, &BarOptions::default()).unwrap().1;
    let other = read(&written(&changed, &["BTC"]), &BarOptions::default()).unwrap().1;
    let differs: Vec<_> =
        one.symbols[0].days.iter().zip(&other.symbols[0].days).map(|(a, b)| a.digest != b.digest).collect();
    assert_eq!(differs, [false, true, false]);
    assert_ne!(one.fingerprint(), other.fingerprint());
}

#[test]
fn packed_files_are_read_like_plain_ones_and_refused_when_cut() {
    let bars: Vec<_> = Synthetic::new(&["BTC"], 5_000, 1).bars().collect();
    let text = written(&bars, &["BTC"]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
    for (packed, format) in [(gzip, "gzip"), (zstd, "zstd")] {
        let options = BarOptions::default();
        assert_eq!(read_blocks(&packed, &options, BLOCK_BYTES).unwrap().0, bars, "{format}");
        for length in [6, 20, packed.len() / 2, packed.len() - 1] {
            let error = read_blocks(&packed[..length], &options, BLOCK_BYTES).unwrap_err();
            assert_eq!(error.fault, Fault::Truncated { format }, "{format} cut to {length}");
            assert!(error.to_string().starts_with("bars.csv:"), "{error}");
        }
        let mut damaged = packed.clone();
        let middle = damaged.len() / 2;
        damaged[middle..middle + 64].fill(0xa5);
        assert!(read_blocks(&damaged, &options, BLOCK_BYTES).is_err(), "{format}");
    }
}

#[test]
fn a_file_that_is_no_text_is_refused_before_it_fills_the_memory() {
    let junk = vec![b'x'; 3 << 20];
    assert!(matches!(read_blocks(&junk, &btc(), BLOCK_BYTES).unwrap_err().fault, Fault::LongLine { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn small_blocks_give_what_one_block_gives(block in 1_usize..400, count in 3_u64..400, seed in any::<u64>(), cut in any::<bool>()) {
        let bars: Vec<_> = Synthetic::new(&["BTC", "ETHEREUM"], count, seed).bars().collect();
        let text = written(&bars, &["BTC", "ETHEREUM"]);
        let text = if cut { text.trim_end() } else { &text };
        let (small, summary) = read_blocks(text.as_bytes(), &BarOptions::default(), block).unwrap();
        prop_assert_eq!(&small, &bars);
        prop_assert_eq!(summary, read(text, &BarOptions::default()).unwrap().1);
    }

    #[test]
    fn a_bad_row_has_the_same_place_in_any_block(block in 1_usize..300, row in 0_usize..50) {
        let bars: Vec<_> = Synthetic::new(&["BTC"], 50, 1).bars().collect();
        let mut lines: Vec<String> = written(&bars, &["BTC"]).lines().map(str::to_owned).collect();
        lines[row + 1] = lines[row + 1].replace("BTC,", "BTC,-");
        let error = read_blocks(lines.join("\n").as_bytes(), &BarOptions::default(), block).unwrap_err();
        prop_assert_eq!((error.line, error.fault), (Some(row as u64 + 2), Fault::NotPositive));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[0-9a-z,;\"\\n\\r\\t .:-]{0,200}") {
        let _ = read_blocks(format!("timestamp,open,high,low,close\n{text}").as_bytes(), &btc(), 64);
        let _ = read_blocks(text.as_bytes(), &btc(), 64);
    }
}
