//! Where a file of the table lies: `<kind>/venue=<v>/symbol=<s>/date=<YYYY-MM-DD>/part-<first>-<last>.parquet`. In a lake a word follows
//! the times, which no two parts have in common.

use std::path::{Path, PathBuf};

use crate::data::tick::family::Family;
use crate::time::{Nanos, parse_iso};

/// The folder of one family, venue, symbol and UTC day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Partition {
    /// Midnight at the start of the day.
    pub day: Nanos,
    /// The symbol.
    pub symbol: String,
    /// The family.
    pub family: Family,
    /// The venue.
    pub venue: String,
}

impl Partition {
    /// Its folder below that of the lake.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        let date = self.day.to_string().chars().take(10).collect::<String>();
        PathBuf::from(self.family.as_str())
            .join(format!("venue={}", escaped(&self.venue)))
            .join(format!("symbol={}", escaped(&self.symbol)))
            .join(format!("date={date}"))
    }
}

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TableFormat {
    /// Parquet with zstd: a fifth of the size, and read by everything.
    #[default]
    Parquet,
    /// Arrow IPC, uncompressed: several times as fast to read.
    Arrow,
}

impl TableFormat {
    /// The ending of its files.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }
}

/// The name of a part with the times that it covers, both included.
#[must_use]
pub fn part_name(first: Nanos, last: Nanos, format: TableFormat) -> String {
    format!("part-{:019}-{:019}.{}", first.raw(), last.raw(), format.ending())
}

/// The times that a part covers, by its name; `None` for a name that does not say.
#[must_use]
pub fn covered(part: &Path) -> Option<(Nanos, Nanos)> {
    let mut said = part.file_stem()?.to_str()?.strip_prefix("part-")?.split('-');
    let mut time = || Some(Nanos::from_raw(said.next()?.parse().ok()?));
    Some((time()?, time()?))
}

/// Whether a file is one of the table's, by its name.
#[must_use]
pub fn is_part(path: &Path) -> bool {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    name.starts_with("part-") && ["parquet", "arrow"].contains(&ending)
}

/// The value of a folder `key=value`.
#[must_use]
pub fn value_of(folder: &Path, key: &str) -> Option<String> {
    unescaped(folder.file_name()?.to_str()?.strip_prefix(key)?.strip_prefix('=')?)
}

/// The day of a folder `date=YYYY-MM-DD`.
#[must_use]
pub fn day_of(folder: &Path) -> Option<Nanos> {
    parse_iso(value_of(folder, "date")?.as_bytes()).map(|parsed| parsed.time)
}

/// What a path says of the file, by the folders that it lies in; `None` where it does not.
#[must_use]
pub fn partition_of(part: &Path) -> Option<Partition> {
    let mut folders = part.ancestors().skip(1);
    let day = day_of(folders.next()?)?;
    let symbol = value_of(folders.next()?, "symbol")?;
    let venue = value_of(folders.next()?, "venue")?;
    let family = Family::named(folders.next()?.file_name()?.to_str()?)?;
    is_part(part).then_some(Partition { day, symbol, family, venue })
}

/// Bytes other than letters, digits, `.`, `_` and `-` as %XX; so is a leading dot. `BTC/USDT` becomes `BTC%2FUSDT`.
fn escaped(name: &str) -> String {
    let mut text = String::new();
    for (index, byte) in name.bytes().enumerate() {
        if byte.is_ascii_alphanumeric() || b"_-".contains(&byte) || (byte == b'.' && index > 0) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut pieces = text.split('%');
    bytes.extend_from_slice(pieces.next()?.as_bytes());
    for piece in pieces {
        let (code, rest) = piece.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_symbols_survive_the_file_system() {
        for name in ["BTC", "BTC/USDT", "..", "@107", "kPEPE", "50% \u{20ac}", "a=b", ""] {
            let folder = PathBuf::from(format!("symbol={}", escaped(name)));
            assert_eq!(folder.components().count(), 1, "{name}");
            assert_eq!(value_of(&folder, "symbol").as_deref(), Some(name));
        }
        assert_eq!(escaped("BTC/USDT"), "BTC%2FUSDT");
        assert_eq!(value_of(Path::new("symbol=%2"), "symbol"), None);
    }

    #[test]
    fn a_partition_has_its_folder_and_a_part_says_what_it_covers() {
        let day = Nanos::DAY.floor_to(Nanos::DAY);
        let partition = Partition { day, symbol: "BTC".into(), family: Family::Book, venue: "binance".into() };
        let folder = partition.folder();
        assert_eq!(folder, Path::new("book/venue=binance/symbol=BTC/date=1970-01-02"));
        assert_eq!(day_of(&folder), Some(day));
        let part = folder.join(part_name(day, Nanos::from_raw(day.raw() + 5), TableFormat::Parquet));
        assert!(is_part(&part));
        assert_eq!(covered(&part), Some((day, Nanos::from_raw(day.raw() + 5))));
        assert_eq!(partition_of(&part), Some(partition));
        assert_eq!(partition_of(&folder.join("part.csv")), None);
        let unique = folder.join("part-0000000000000000007-0000000000000000009-1a2b3c4d.parquet");
        assert_eq!(covered(&unique), Some((Nanos::from_raw(7), Nanos::from_raw(9))));
        assert!(!is_part(Path::new(".part-1.parquet")) && !is_part(Path::new("part-1.csv")));
    }
}
