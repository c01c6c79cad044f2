//! A folder of tables, or single files of it, as one series of rows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use crate::book::BookKind;
use crate::data::fault::{Fault, SourceError};
use crate::data::tick::family::Family;
use crate::data::tick::table::file::TableFile;
use crate::data::tick::table::merge::Merge;
use crate::data::tick::table::path::{Partition, covered, day_of, is_part, partition_of, value_of};
use crate::instrument::{InstrumentId, Instruments};
use crate::row::{RowChunk, RowSource};
use crate::time::Nanos;

/// Which rows are wanted.
#[derive(Debug, Clone)]
pub struct LakeQuery {
    /// The symbols; all, if none is named.
    pub symbols: Vec<String>,
    /// The kinds; all, if none is named.
    pub families: Vec<Family>,
    /// The venue, where there are several.
    pub venue: Option<String>,
    /// Rows from this exchange time on.
    pub start: Nanos,
    /// Rows before it.
    pub end: Nanos,
}

impl Default for LakeQuery {
    fn default() -> Self {
        Self { symbols: Vec::new(), families: Vec::new(), venue: None, start: Nanos::MIN, end: Nanos::MAX }
    }
}

impl LakeQuery {
    fn wants(&self, partition: &Partition) -> bool {
        let day_end = partition.day.after(Nanos::DAY);
        (self.symbols.is_empty() || self.symbols.contains(&partition.symbol))
            && (self.families.is_empty() || self.families.contains(&partition.family))
            && self.venue.as_ref().is_none_or(|venue| *venue == partition.venue)
            && partition.day < self.end
            && day_end > self.start
    }
}

/// A file of the lake, by its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    partition: Partition,
    path: PathBuf,
}

/// What one file holds: for summaries, and to name what changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartPrint {
    /// The kind.
    pub kind: Family,
    /// The venue.
    pub venue: String,
    /// The symbol.
    pub symbol: String,
    /// Midnight at the start of the day.
    pub day: Nanos,
    /// Rows.
    pub rows: u64,
    /// 16 hex digits over them.
    pub digest: String,
}

/// One digest over what files hold, 64 hex digits: the same for the same rows, whatever the format.
#[must_use]
pub fn fingerprint(prints: &[PartPrint]) -> String {
    let mut hasher = blake3::Hasher::new();
    for PartPrint { kind, venue, symbol, day, rows, digest } in prints {
        let kind = kind.as_str();
        hasher.update(format!("{kind}\t{venue}\t{symbol}\t{day}\t{rows}\t{digest}\n").as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// The files that hold the wanted rows, found and not yet opened.
#[derive(Debug, Clone)]
pub struct Lake {
    parts: Vec<Part>,
    query: LakeQuery,
}

/// Rows of a chunk.
const CHUNK_ROWS: usize = 1 << 14;
/// Rows read at a time of all files together; each gets its share.
const AHEAD_ROWS: usize = 1 << 17;
const BATCH_ROWS_MIN: usize = 256;

impl Lake {
    /// Finds the files: `paths` are folders of lakes or single files of them.
    ///
    /// # Errors
    /// [`SourceError`] where nothing is found, a wanted symbol is missing, or one symbol is there of two venues.
    pub fn open(paths: &[PathBuf], query: LakeQuery) -> Result<Self, SourceError> {
        let mut parts = Vec::new();
        for path in paths {
            if path.is_dir() {
                find(path, &mut parts)?;
            } else {
                parts.push(single(path)?);
            }
        }
        let all: BTreeSet<String> = parts.iter().map(|part| part.partition.symbol.clone()).collect();
        let named = paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ");
        let fail = |fault| SourceError::of_file(&named, fault);
        if parts.is_empty() {
            return Err(fail(Fault::Other("there is no tick table in it: make one with `data import`".into())));
        }
        if let Some(missing) = query.symbols.iter().find(|symbol| !all.contains(*symbol)) {
            let holds = all.into_iter().collect::<Vec<_>>().join(", ").into();
            return Err(fail(Fault::NoSuchSymbol { wanted: missing.as_str().into(), holds }));
        }
        parts.retain(|part| query.wants(&part.partition));
        parts.sort();
        parts.dedup();
        if parts.is_empty() {
            return Err(fail(Fault::Other("it holds no rows of this kind, venue and range of time".into())));
        }
        let lake = Self { parts, query };
        lake.check_venues().and_then(|()| lake.check_overlap()).map_err(fail)?;
        Ok(lake)
    }

    fn check_venues(&self) -> Result<(), Fault> {
        let mut venues: BTreeMap<&str, &str> = BTreeMap::new();
        for Partition { symbol, venue, .. } in self.parts.iter().map(|part| &part.partition) {
            let known = venues.entry(symbol).or_insert(venue);
            if known != venue {
                let message = format!("it holds {symbol} of {known} and of {venue}: name the venue");
                return Err(Fault::Other(message.into()));
            }
        }
        Ok(())
    }

    /// Parts that cover the same time would give rows twice.
    fn check_overlap(&self) -> Result<(), Fault> {
        for pair in self.parts.windows(2) {
            let [a, b] = pair else { continue };
            let (Some(one), Some(two)) = (covered(&a.path), covered(&b.path)) else { continue };
            if a.partition == b.partition && one.1 >= two.0 && one.0 <= two.1 {
                return Err(Fault::Overlap {
                    symbol: a.partition.symbol.as_str().into(),
                    from: one.0.max(two.0),
                    to: one.1.min(two.1),
                    other: b.path.display().to_string().into(),
                });
            }
        }
        Ok(())
    }

    /// The symbols, sorted.
    #[must_use]
    pub fn symbols(&self) -> Vec<String> {
        let all: BTreeSet<&String> = self.parts.iter().map(|part| &part.partition.symbol).collect();
        all.into_iter().cloned().collect()
    }

    /// The kinds that there are.
    #[must_use]
    pub fn families(&self) -> Vec<Family> {
        let all: BTreeSet<Family> = self.parts.iter().map(|part| part.partition.family).collect();
        all.into_iter().collect()
    }

    /// What can drive the book of a symbol: single orders, levels, or quotes, the richest first.
    #[must_use]
    pub fn books(&self, symbol: &str) -> Vec<BookKind> {
        let has = |family| self.parts.iter().any(|p| p.partition.symbol == symbol && p.partition.family == family);
        let kinds = [(Family::Orders, BookKind::L3), (Family::Book, BookKind::L2), (Family::Quotes, BookKind::Quote)];
        kinds.into_iter().filter(|(family, _)| has(*family)).map(|(_, kind)| kind).collect()
    }

    /// The venues that the data are of.
    #[must_use]
    pub fn venues(&self) -> Vec<String> {
        let all: BTreeSet<&String> = self.parts.iter().map(|part| &part.partition.venue).collect();
        all.into_iter().cloned().collect()
    }

    /// What each file holds, by its own word. The range of time does not cut it.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn prints(&self) -> Result<Vec<PartPrint>, SourceError> {
        let print = |part: &Part| {
            let TableFile { rows, digest, .. } = TableFile::open(&part.path)?;
            let Partition { day, symbol, family, venue } = part.partition.clone();
            Ok(PartPrint { kind: family, venue, symbol, day, rows, digest })
        };
        self.parts.iter().map(print).collect()
    }

    /// Reads the rows, with the numbers that `instruments` gives the symbols. Symbols that it does not know are left out.
    #[must_use]
    pub fn source(&self, instruments: &Instruments) -> LakeSource {
        let known = |part: &Part| instruments.find(&part.partition.symbol).map(|id| (id, part.path.clone()));
        let mut days: BTreeMap<Nanos, Vec<(InstrumentId, PathBuf)>> = BTreeMap::new();
        for part in &self.parts {
            days.entry(part.partition.day).or_default().extend(known(part));
        }
        LakeSource { days, range: (self.query.start, self.query.end), merge: Merge::default() }
    }
}

/// The rows of a lake, day by day; files are opened when their day comes.
pub struct LakeSource {
    days: BTreeMap<Nanos, Vec<(InstrumentId, PathBuf)>>,
    range: (Nanos, Nanos),
    merge: Merge,
}

impl LakeSource {
    fn open_day(&self, files: &[(InstrumentId, PathBuf)]) -> Result<Merge, SourceError> {
        let batch_rows = (AHEAD_ROWS / files.len().max(1)).clamp(BATCH_ROWS_MIN, CHUNK_ROWS);
        let open = |(instrument, path): &(InstrumentId, PathBuf)| {
            let file = TableFile::open(path)?;
            Ok((file.family, file.rows(*instrument, self.range, batch_rows)?))
        };
        Merge::new(files.iter().map(open).collect::<Result<_, SourceError>>()?)
    }
}

impl RowSource for LakeSource {
    fn next_rows(&mut self) -> Result<Option<RowChunk>, SourceError> {
        let mut rows = Vec::with_capacity(CHUNK_ROWS);
        while !self.merge.append(&mut rows, CHUNK_ROWS)? {
            let Some((_, files)) = self.days.pop_first() else { return Ok(None) };
            self.merge = self.open_day(&files)?;
        }
        Ok(Some(Arc::new(rows)))
    }
}

/// Walks `<kind>/venue=<v>/symbol=<s>/date=<d>/part-*`; whatever else lies there is passed over.
fn find(root: &Path, parts: &mut Vec<Part>) -> Result<(), SourceError> {
    for family in Family::ALL {
        let folder = root.join(family.as_str());
        if !folder.is_dir() {
            continue;
        }
        for venue_folder in entries(&folder)? {
            let Some(venue) = value_of(&venue_folder, "venue") else { continue };
            for symbol_folder in entries(&venue_folder)? {
                let Some(symbol) = value_of(&symbol_folder, "symbol") else { continue };
                for date_folder in entries(&symbol_folder)? {
                    let Some(day) = day_of(&date_folder) else { continue };
                    let partition = Partition { day, symbol: symbol.clone(), family, venue: venue.clone() };
                    for path in entries(&date_folder)?.into_iter().filter(|path| is_part(path)) {
                        parts.push(Part { partition: partition.clone(), path });
                    }
                }
            }
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let fail = |error: std::io::Error| {
        SourceError::of_file(&folder.display().to_string(), Fault::Unreadable { reason: error.to_string().into() })
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        paths.push(entry.map_err(fail)?.path());
    }
    paths.sort();
    Ok(paths)
}

/// A file of a lake is known by its folders; any other says itself what it holds, and its day is that of its folder or of its name.
fn single(path: &Path) -> Result<Part, SourceError> {
    if let Some(partition) = partition_of(path) {
        return Ok(Part { partition, path: path.to_owned() });
    }
    let file = TableFile::open(path)?;
    let by_name = || covered(path).map(|(first, _)| first.floor_to(Nanos::DAY));
    let Some(day) = path.parent().and_then(day_of).or_else(by_name) else {
        let message = "its day is unknown: keep the name that `data import` gave it".into();
        return Err(SourceError::of_file(&path.display().to_string(), Fault::Other(message)));
    };
    let TableFile { family, symbol, venue, .. } = file;
    Ok(Part { partition: Partition { day, symbol, family, venue }, path: path.to_owned() })
}
