//! What goes into a table comes out of it: by all paths, and nothing but that.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data::fault::{Fault, SourceError};
use crate::data::tick::correct::Correction;
use crate::data::tick::family::Family;
use crate::data::tick::from_rows::FromRows;
use crate::data::tick::import::{ImportError, ImportSummary, Recording, import};
use crate::data::tick::synthetic::market::{Detail, MarketOptions};
use crate::data::tick::synthetic::source::SyntheticTicks;
use crate::data::tick::table::lake::{Lake, LakeQuery};
use crate::data::tick::table::path::TableFormat;
use crate::instrument::Instruments;
use crate::row::{Flags, Row, RowSource};
use crate::time::Nanos;

/// A folder of a test, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("table-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        Self(path)
    }
}
impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn names(symbols: &[&str]) -> Vec<String> {
    symbols.iter().map(|&s| s.to_owned()).collect()
}

fn all(source: &mut dyn RowSource) -> Vec<Row> {
    let mut rows = Vec::new();
    while let Some(chunk) = source.next_rows().unwrap() {
        assert!(!chunk.is_empty());
        rows.extend_from_slice(&chunk);
    }
    rows
}

const SYMBOLS: [&str; 3] = ["BTC", "ETH/USD", "SOL"];

/// Two days and a little of three markets: a row every few minutes.
fn made(detail: Detail, count: u64) -> Vec<Row> {
    let options = MarketOptions { detail, density: 1, ..MarketOptions::default() };
    all(&mut SyntheticTicks::new(&SYMBOLS, count, 5, &options))
}

fn recording(rows: Vec<Row>) -> Recording<'static> {
    let source = vec![Arc::new(rows)].into_iter();
    let reader = FromRows::new(source, &names(&SYMBOLS), "synthetic");
    Recording { name: "made".into(), open: Box::new(|| Ok(Box::new(reader))) }
}

fn write(rows: &[Row], out: &Path, format: TableFormat) -> Result<ImportSummary, ImportError> {
    let correction = Correction { run_rows: 20_000, ..Correction::default() };
    import(vec![recording(rows.to_vec())], out, correction, format, &mut |_| true)
}

fn read(out: &Path, query: LakeQuery) -> Vec<Row> {
    let lake = Lake::open(&[out.to_owned()], query).unwrap();
    all(&mut lake.source(&Instruments::unrestricted(&SYMBOLS)))
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn rows_come_back_as_they_went_in_whatever_the_format() {
    for detail in [Detail::Levels, Detail::Orders] {
        let rows = made(detail, 400_000);
        for format in [TableFormat::Parquet, TableFormat::Arrow] {
            let folder = Folder::new(&format!("round-{detail:?}-{format:?}"));
            let summary = write(&rows, &folder.0, format).unwrap();
            assert_eq!(summary.rows, rows.len() as u64);
            assert_eq!(summary.symbols.len(), 3);
            assert!(summary.symbols.iter().all(|s| s.crossed_books == 0 && s.sequence_gaps == 0), "{summary:?}");
            assert!(summary.written.len() >= 2 * 3 * 4, "some days of three symbols and four kinds");
            assert!(read(&folder.0, LakeQuery::default()) == rows, "{detail:?} {format:?}");
        }
    }
}

#[test]
fn a_shuffled_recording_gives_the_same_table() {
    let rows = made(Detail::Levels, 30_000);
    let (folder, other) = (Folder::new("sorted"), Folder::new("shuffled"));
    write(&rows, &folder.0, TableFormat::Parquet).unwrap();
    // Markets one after the other, and their trades after their books.
    let mut shuffled = rows.clone();
    shuffled.sort_by_key(|row| (row.instrument, std::cmp::Reverse(Family::of(row.kind))));
    write(&shuffled, &other.0, TableFormat::Parquet).unwrap();
    assert!(read(&other.0, LakeQuery::default()) == rows);
    let digests =
        |folder: &Folder| Lake::open(std::slice::from_ref(&folder.0), LakeQuery::default()).unwrap().prints().unwrap();
    assert_eq!(digests(&folder), digests(&other));
}

#[test]
fn symbols_kinds_and_times_are_picked_before_files_are_read() {
    let folder = Folder::new("query");
    let rows = made(Detail::Levels, 400_000);
    write(&rows, &folder.0, TableFormat::Parquet).unwrap();
    let (start, end) = (rows[50_000].exchange_time, rows[300_000].exchange_time);
    let query =
        LakeQuery { symbols: names(&["SOL"]), families: vec![Family::Book], start, end, ..LakeQuery::default() };
    let wanted = |row: &&Row| {
        row.instrument.0 == 2
            && Family::of(row.kind) == Family::Book
            && row.exchange_time >= start
            && row.exchange_time < end
    };
    assert!(read(&folder.0, query) == rows.iter().filter(wanted).copied().collect::<Vec<_>>());
    // What is not asked for is not opened.
    for path in files(&folder.0) {
        let name = path.to_string_lossy().into_owned();
        if !(name.contains("book/") && name.contains("symbol=SOL")) {
            fs::write(path, "damaged").unwrap();
        }
    }
    let query =
        LakeQuery { symbols: names(&["SOL"]), families: vec![Family::Book], start, end, ..LakeQuery::default() };
    assert!(!read(&folder.0, query).is_empty());
    let missing = LakeQuery { symbols: names(&["DOGE"]), ..LakeQuery::default() };
    let error = Lake::open(std::slice::from_ref(&folder.0), missing).unwrap_err();
    assert!(error.to_string().ends_with("there are no rows of DOGE: the data hold BTC, ETH/USD, SOL"), "{error}");
}

#[test]
fn the_same_import_twice_is_one_import() {
    let folder = Folder::new("twice");
    let rows = made(Detail::Levels, 20_000);
    write(&rows, &folder.0, TableFormat::Parquet).unwrap();
    let first = files(&folder.0);
    write(&rows, &folder.0, TableFormat::Parquet).unwrap();
    assert_eq!(files(&folder.0), first);
    // In the other format it takes the place of the first.
    write(&rows, &folder.0, TableFormat::Arrow).unwrap();
    assert!(files(&folder.0).iter().all(|path| path.extension().unwrap() == "arrow"));
    assert!(read(&folder.0, LakeQuery::default()) == rows);
}

#[test]
fn recordings_of_one_day_stand_side_by_side_and_halves_of_each_other_are_refused() {
    let folder = Folder::new("halves");
    let rows = made(Detail::Levels, 20_000);
    let batch_ends = |row: &Row| row.flags.has(Flags::LAST);
    let at = |index: usize| rows.iter().skip(index).position(batch_ends).unwrap() + index + 1;
    // Some rows share a time, so the cut lies where the time moves on.
    let cut = |from: usize| (from..).find(|i| rows[*i].exchange_time > rows[*i - 1].exchange_time).unwrap();
    let (one, two) = (cut(at(5_000)), cut(at(10_000)));
    write(&rows[..one], &folder.0, TableFormat::Parquet).unwrap();
    write(&rows[one..], &folder.0, TableFormat::Parquet).unwrap();
    assert!(read(&folder.0, LakeQuery::default()) == rows);
    let before = files(&folder.0);
    let error = write(&rows[..two], &folder.0, TableFormat::Parquet).unwrap_err();
    assert!(error.to_string().contains("import all recordings of that day at once"), "{error}");
    assert_eq!(files(&folder.0), before);
}

#[test]
fn an_import_that_fails_leaves_nothing_behind() {
    struct Bad;
    impl RowSource for Bad {
        fn next_rows(&mut self) -> Result<Option<crate::row::RowChunk>, SourceError> {
            Err(SourceError::of_file("bad", Fault::Missing))
        }
    }
    let folder = Folder::new("fails");
    let bad = || Recording { name: "bad".into(), open: Box::new(|| Ok(Box::new(FromRows::new(Bad, &[], "")))) };
    let recordings = vec![recording(made(Detail::Levels, 5_000)), bad()];
    let correction = || Correction { run_rows: 100, ..Correction::default() };
    let error = import(recordings, &folder.0, correction(), TableFormat::Parquet, &mut |_| true).unwrap_err();
    assert!(matches!(error, ImportError::Source(_)));
    assert!(!folder.0.exists());
    // Interrupted while reading, and while writing.
    for allowed in [1, 50_000] {
        let rows = made(Detail::Levels, 40_000);
        let mut watch = |done: u64| done <= allowed;
        let error =
            import(vec![recording(rows)], &folder.0, correction(), TableFormat::Parquet, &mut watch).unwrap_err();
        assert!(matches!(error, ImportError::Interrupted));
        assert!(!folder.0.exists());
    }
    let error = write(&[], &folder.0, TableFormat::Parquet).unwrap_err();
    assert_eq!(error.to_string(), "made: there are no rows to write");
}

#[test]
fn truncated_damaged_and_foreign_files_are_named() {
    for format in [TableFormat::Parquet, TableFormat::Arrow] {
        let folder = Folder::new(&format!("damage-{format:?}"));
        write(&made(Detail::Levels, 3_000), &folder.0, format).unwrap();
        let path = files(&folder.0).into_iter().find(|path| path.to_string_lossy().contains("book/")).unwrap();
        let whole = fs::read(&path).unwrap();
        let outcome = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            let lake = Lake::open(std::slice::from_ref(&folder.0), LakeQuery::default()).unwrap();
            let mut source = lake.source(&Instruments::unrestricted(&SYMBOLS));
            loop {
                match source.next_rows() {
                    Ok(Some(_)) => {}
                    other => return other.map(drop),
                }
            }
        };
        let name = path.display().to_string();
        for length in [0, 5, whole.len() / 2, whole.len() - 1] {
            let error = outcome(&whole[..length]).unwrap_err();
            assert_eq!(error.file.as_deref(), Some(name.as_str()), "{error}");
        }
        for foreign in ["timestamp,price\n2024-01-01,1\n".as_bytes(), &[0; 64]] {
            assert!(outcome(foreign).unwrap_err().to_string().contains("is neither Parquet nor Arrow IPC"));
        }
        // A flipped bit may pass unseen in a number, but it never ends in anything but rows or an error of this file.
        let mut random = crate::random::SplitMix64::new(11);
        for _ in 0..150 {
            let mut damaged = whole.clone();
            let at = usize::try_from(random.below(i64::try_from(whole.len()).unwrap())).unwrap();
            damaged[at] ^= 1 << random.below(8);
            if let Err(error) = outcome(&damaged) {
                assert_eq!(error.file.as_deref(), Some(name.as_str()), "{error}");
            }
        }
        assert_eq!(outcome(&whole), Ok(()));
    }
}

#[test]
fn an_order_of_time_that_is_broken_is_named_with_its_row() {
    // Two days of one table, put into one folder under one name.
    let folder = Folder::new("order");
    let rows = made(Detail::Levels, 3_000);
    let mut swapped = rows.clone();
    swapped.iter_mut().for_each(|row| row.exchange_time = Nanos::from_raw(row.exchange_time.raw()));
    let path = folder.0.join("part-1-2.parquet");
    fs::create_dir_all(&folder.0).unwrap();
    let partition = crate::data::tick::table::path::Partition {
        day: Nanos::ZERO,
        symbol: "BTC".into(),
        family: Family::Book,
        venue: "v".into(),
    };
    let mut writer =
        crate::data::tick::table::write::PartWriter::create(&path, partition, TableFormat::Parquet, "made").unwrap();
    for row in swapped.iter().rev() {
        writer.push(row).unwrap();
    }
    writer.finish().unwrap();
    let lake = Lake::open(&[path], LakeQuery::default()).unwrap();
    let error = lake.source(&Instruments::unrestricted(&["BTC"])).next_rows().unwrap_err();
    assert!(matches!(error.fault, Fault::Earlier { .. }), "{error}");
    assert!(error.line.is_some());
}

#[test]
fn one_symbol_of_two_venues_must_be_chosen() {
    let folder = Folder::new("venues");
    for venue in ["one", "two"] {
        let source = vec![Arc::new(made(Detail::Levels, 1_000))].into_iter();
        let reader = FromRows::new(source, &names(&SYMBOLS), venue);
        let recording = Recording { name: venue.into(), open: Box::new(move || Ok(Box::new(reader))) };
        import(vec![recording], &folder.0, Correction::default(), TableFormat::Parquet, &mut |_| true).unwrap();
    }
    let error = Lake::open(std::slice::from_ref(&folder.0), LakeQuery::default()).unwrap_err();
    assert!(error.to_string().ends_with("it holds BTC of one and of two: name the venue"), "{error}");
    let query = LakeQuery { venue: Some("two".into()), ..LakeQuery::default() };
    assert!(read(&folder.0, query) == made(Detail::Levels, 1_000));
}
