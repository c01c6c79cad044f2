//! The head of a file in Databento Binary Encoding: where the data are from, and the symbols of its instruments.

use std::collections::BTreeMap;

use crate::data::fault::{Fault, SourceError};
use crate::data::tick::databento::bytes::{Records, damaged, u16_at, u32_at};
use crate::data::tick::findings::Findings;
use crate::instrument::InstrumentId;
use crate::time::{Nanos, parse_iso};

/// A longer head would name millions of symbols.
const METADATA_BYTES_MAX: usize = 64 << 20;
/// What precedes the lists: dataset, schema, range, symbology.
const FIXED_BYTES: usize = 100;
const DATASET_BYTES: usize = 16;
/// Symbols are this long in version 1; later versions say how long.
const SYMBOL_BYTES_V1: usize = 22;
/// The symbology of `stype_out` where the head maps ids to symbols, rather than symbols to ids.
const RAW_SYMBOL: u8 = 1;

/// A symbol and when it stood for an instrument.
type Interval = (Nanos, Nanos, String);

/// What the head says.
#[derive(Debug, Default)]
pub struct Metadata {
    /// Such as `GLBX.MDP3`.
    pub dataset: String,
    symbols: BTreeMap<u32, Vec<Interval>>,
    /// What was found last, and while it holds.
    last: Option<(u32, Nanos, Nanos, InstrumentId)>,
}

impl Metadata {
    /// Reads the head.
    pub fn read(records: &mut Records) -> Result<Self, SourceError> {
        let prelude = records.take(8)?.ok_or_else(|| truncated().alone())?;
        let [b'D', b'B', b'N', version, length @ ..] = prelude else { return Err(damaged("it is not DBN")) };
        let version = *version;
        let length = length.first_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        if !(1..=3).contains(&version) {
            let reason = format!("its version is {version}, and versions 1 to 3 can be read");
            return Err(damaged(&reason));
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if !(FIXED_BYTES..=METADATA_BYTES_MAX).contains(&length) {
            return Err(damaged("its head has an impossible length"));
        }
        let bytes = records.take(length)?.ok_or_else(|| truncated().alone())?;
        Self::parse(version, bytes).ok_or_else(|| damaged("its head is not whole"))
    }

    fn parse(version: u8, bytes: &[u8]) -> Option<Self> {
        let dataset = text(bytes.get(..DATASET_BYTES)?)?;
        // Version 1 has a count of records here, later ones the length of symbols behind.
        let stypes = if version == 1 { 50 } else { 42 };
        let stype_out = *bytes.get(stypes + 1)?;
        let width = if version == 1 { SYMBOL_BYTES_V1 } else { usize::from(u16_at(bytes, stypes + 3)?) };
        let mut lists = Lists { bytes: bytes.get(FIXED_BYTES..)?, width };
        let schema_definition = lists.count()?;
        lists.skip(schema_definition)?;
        for _ in 0..3 {
            // Symbols asked for, found in part, not found.
            let count = lists.count()?;
            lists.skip(count.checked_mul(width)?)?;
        }
        let mut symbols: BTreeMap<u32, Vec<Interval>> = BTreeMap::new();
        for _ in 0..lists.count()? {
            let asked = lists.symbol()?;
            for _ in 0..lists.count()? {
                let (from, to) = (day(lists.date()?)?, day(lists.date()?)?);
                let found = lists.symbol()?;
                let (id, name) = if stype_out == RAW_SYMBOL { (asked.clone(), found) } else { (found, asked.clone()) };
                if let Ok(id) = id.parse() {
                    symbols.entry(id).or_default().push((from, to, name));
                }
            }
        }
        Some(Self { dataset, symbols, last: None })
    }

    /// The instrument of an id at a time. An id that the head does not name is its own symbol.
    pub fn instrument(&mut self, id: u32, time: Nanos, findings: &mut Findings) -> Result<InstrumentId, SourceError> {
        if let Some((known, from, to, instrument)) = self.last
            && known == id
            && from <= time
            && time < to
        {
            return Ok(instrument);
        }
        let intervals = self.symbols.get(&id).map_or(&[][..], Vec::as_slice);
        let interval = intervals.iter().find(|(from, to, _)| *from <= time && time < *to).or(intervals.first());
        let instrument = match interval {
            Some((_, _, name)) => findings.instrument(name)?,
            None => findings.instrument(&id.to_string())?,
        };
        let (from, to) = match interval {
            Some((from, to, _)) if *from <= time && time < *to => (*from, *to),
            _ => (time, time.after(Nanos::from_raw(1))),
        };
        self.last = Some((id, from, to, instrument));
        Ok(instrument)
    }
}

/// Counted lists of texts of fixed width.
struct Lists<'a> {
    bytes: &'a [u8],
    width: usize,
}

impl<'a> Lists<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }
    fn skip(&mut self, count: usize) -> Option<()> {
        self.take(count).map(|_| ())
    }
    fn date(&mut self) -> Option<u32> {
        u32_at(self.take(4)?, 0)
    }
    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.date()?).ok()
    }
    fn symbol(&mut self) -> Option<String> {
        text(self.take(self.width)?)
    }
}

fn text(bytes: &[u8]) -> Option<String> {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    std::str::from_utf8(bytes.get(..end)?).ok().map(str::to_owned)
}

/// The start of a day written `YYYYMMDD`.
fn day(date: u32) -> Option<Nanos> {
    let text = format!("{:04}-{:02}-{:02}", date / 10_000, date / 100 % 100, date % 100);
    parse_iso(text.as_bytes()).map(|parsed| parsed.time)
}

const fn truncated() -> Fault {
    Fault::Truncated { format: "DBN" }
}
