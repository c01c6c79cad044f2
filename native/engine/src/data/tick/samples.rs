//! What the tests of readers share: reading everything, and where the recorded samples are.

use std::io::Cursor;
use std::path::PathBuf;

use crate::data::fault::SourceError;
use crate::data::input::Input;
use crate::data::tick::{Format, TickOptions, TickReader, open, read_input};
use crate::row::Row;

/// All that a reader says of a file.
#[derive(Debug)]
pub struct Told {
    pub rows: Vec<Row>,
    pub symbols: Vec<String>,
    pub venue: String,
    pub notes: Vec<(String, u64)>,
}

impl Told {
    /// How often something was noted whose text holds `word`.
    pub fn noted(&self, word: &str) -> u64 {
        self.notes.iter().filter(|(what, _)| what.contains(word)).map(|(_, count)| count).sum()
    }
}

pub fn options(symbol: &str) -> TickOptions {
    TickOptions { symbol: Some(symbol.to_owned()), venue: None }
}

fn read_all(mut reader: Box<dyn TickReader>) -> Result<Told, SourceError> {
    let mut rows = Vec::new();
    loop {
        let before = rows.len();
        let more = reader.read(&mut rows)?;
        assert_eq!(more, rows.len() > before, "a reader says whether it gave rows");
        if !more {
            break;
        }
    }
    let (symbols, venue) = (reader.symbols().to_vec(), reader.venue().to_owned());
    Ok(Told { rows, symbols, venue, notes: reader.notes() })
}

/// Reads bytes in a named format, or in the one they are found to have.
pub fn read_bytes(bytes: &[u8], format: Format, options: &TickOptions) -> Result<Told, SourceError> {
    let input = Input::seekable(Cursor::new(bytes.to_vec())).map_err(|fault| SourceError::of_file("sample", fault))?;
    read_all(read_input("sample", input, format, options)?)
}

/// The rows of text, which must be sound.
pub fn rows_of(text: &str) -> Told {
    read_bytes(text.as_bytes(), Format::Auto, &TickOptions::default()).unwrap()
}

/// The message about text, which must not be sound.
pub fn error_of(text: &str, format: Format) -> String {
    read_bytes(text.as_bytes(), format, &TickOptions::default()).unwrap_err().to_string()
}

/// A recorded sample, which is not part of the repository: `None`, and the test is skipped, where it is absent.
pub fn recorded(name: &str) -> Option<Told> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if !path.is_file() {
        eprintln!("skipped: there is no {name}");
        return None;
    }
    Some(read_all(open(&path, Format::Auto, &TickOptions::default()).unwrap()).unwrap())
}

/// A row as text, for comparison by eye: kind, side, price, quantity, id, sequence, flags, times.
pub fn shown(row: &Row) -> String {
    let Row { price, quantity, order_id, sequence, .. } = row;
    let (kind, side, flags) = (row.kind.as_str(), row.side as u8, row.flags.0);
    let (exchange, local) = (row.exchange_time.raw(), row.local_time.raw());
    format!("{kind} {side} {price} {quantity} id={order_id} seq={sequence} flags={flags} {exchange} {local}")
}

/// The seeds of the fuzz targets are small sound files of each format, one of them an archive that numpy wrote.
#[test]
fn every_seed_of_the_fuzz_targets_is_read_to_its_end() {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut count = 0;
    for (folder, named) in
        Format::ALL.map(|format| (format.as_str(), format)).into_iter().chain([("packed", Format::Auto)])
    {
        for entry in std::fs::read_dir(corpus.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let is_nameless = matches!(named, Format::Hftbacktest | Format::Binance);
            let options = if is_nameless { options("X") } else { TickOptions::default() };
            for format in [named, Format::Auto] {
                let told = open(&path, format, &options).and_then(read_all).unwrap();
                assert!(!told.rows.is_empty() && !told.symbols.is_empty(), "{}", path.display());
            }
            count += 1;
        }
    }
    assert!(count >= 20, "{count}");
}
