//! What was found in data: rows, times, gaps, assumptions, fingerprint.

use serde::{Deserialize, Serialize};

use crate::data::fingerprint::{DayHasher, DayPrint, digest_of, merge_days};
use crate::data::options::{Stamp, VolumeUnit};
use crate::event::Bar;
use crate::time::Nanos;

/// A stretch of time without bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The close of the bar before.
    pub start: Nanos,
    /// The open of the bar after.
    pub end: Nanos,
}

impl Gap {
    /// How long it is.
    #[must_use]
    pub const fn length(self) -> Nanos {
        self.end.since(self.start)
    }
}

/// What was found of one symbol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SymbolSummary {
    /// The symbol.
    pub symbol: String,
    /// Bars.
    pub rows: u64,
    /// Open of the first bar.
    pub first: Nanos,
    /// Open of the last bar.
    pub last: Nanos,
    /// Close of the last bar.
    pub last_close: Nanos,
    /// The length of a bar; the shortest where files differ.
    pub resolution: Nanos,
    /// Stretches without bars.
    pub gaps: u64,
    /// The longest of them.
    pub longest_gap: Option<Gap>,
    /// Bars that open before the bar before has closed.
    pub overlapping: u64,
    /// Numbers moved to the nearest 1e-8 because they were the print of a float close to it.
    pub snapped: u64,
    /// Whether the bars have volumes.
    pub has_volume: bool,
    /// A digest for each day.
    pub days: Vec<DayPrint>,
}

/// What was found in one or more sources, and what was assumed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSummary {
    /// The files or tables read, in order.
    pub files: Vec<String>,
    /// What was found, by symbol.
    pub symbols: Vec<SymbolSummary>,
    /// Symbols that the data hold and that were left out.
    pub left_out: Vec<String>,
    /// Time stamps named no zone and were read as UTC.
    pub is_utc_assumed: bool,
    /// What the volume was taken to count.
    pub volume_unit: VolumeUnit,
    /// What the time stamp was taken to name.
    pub stamp: Stamp,
}

impl DataSummary {
    /// Bars of all symbols.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.symbols.iter().map(|s| s.rows).sum()
    }
    /// Numbers moved to the nearest 1e-8.
    #[must_use]
    pub fn snapped(&self) -> u64 {
        self.symbols.iter().map(|s| s.snapped).sum()
    }
    /// One digest over all bars, 64 hex digits. The same for the same bars, whatever the format of the file.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        digest_of(self.symbols.iter().map(|s| (s.symbol.as_str(), s.days.as_slice())))
    }
    /// All of it, with the sums, as a JSON document; times in nanoseconds.
    ///
    /// # Errors
    /// What the serializer says; it has no reason to.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        #[derive(Serialize)]
        struct Document<'a> {
            #[serde(flatten)]
            summary: &'a DataSummary,
            rows: u64,
            snapped: u64,
            fingerprint: String,
        }
        serde_json::to_string(&Document {
            summary: self,
            rows: self.rows(),
            snapped: self.snapped(),
            fingerprint: self.fingerprint(),
        })
    }
    /// The two taken together, as when the sources are merged.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.files.extend(other.files);
        self.is_utc_assumed |= other.is_utc_assumed;
        for theirs in other.symbols {
            match self.symbols.iter().position(|ours| ours.symbol == theirs.symbol) {
                Some(at) => {
                    let ours = self.symbols.remove(at);
                    self.symbols.push(ours.merge(theirs));
                }
                None => self.symbols.push(theirs),
            }
        }
        self.symbols.sort_by(|a, b| a.symbol.cmp(&b.symbol));
        self.left_out.extend(other.left_out);
        self.left_out.sort();
        self.left_out.dedup();
        self
    }
}

impl SymbolSummary {
    fn merge(self, other: Self) -> Self {
        let (a, b) = if self.first <= other.first { (self, other) } else { (other, self) };
        let resolution = a.resolution.min(b.resolution);
        // Between two files of one resolution lies a gap as between two rows; files of two resolutions lie side by side.
        let between = (a.resolution == b.resolution && b.first > a.last_close)
            .then_some(Gap { start: a.last_close, end: b.first });
        let longest = [a.longest_gap, b.longest_gap, between].into_iter().flatten();
        Self {
            symbol: a.symbol,
            rows: a.rows + b.rows,
            first: a.first,
            last: a.last.max(b.last),
            last_close: a.last_close.max(b.last_close),
            resolution,
            gaps: a.gaps + b.gaps + u64::from(between.is_some()),
            longest_gap: longest.reduce(|longest, gap| if gap.length() > longest.length() { gap } else { longest }),
            overlapping: a.overlapping + b.overlapping,
            snapped: a.snapped + b.snapped,
            has_volume: a.has_volume && b.has_volume,
            days: merge_days(a.days, b.days),
        }
    }
}

/// Collects what is found of one symbol, bar by bar.
#[derive(Debug, Default)]
pub struct Tally {
    rows: u64,
    first: Nanos,
    last: Nanos,
    last_close: Nanos,
    gaps: u64,
    longest_gap: Option<Gap>,
    overlapping: u64,
    snapped: u64,
    has_volume: bool,
    days: DayHasher,
}

impl Tally {
    /// Takes the next bar in, with the count of its numbers that were moved to a step.
    #[inline]
    pub fn observe(&mut self, bar: &Bar, snapped: u32) {
        if bar.open_time != self.last_close || self.rows == 0 {
            self.note_step(bar);
        }
        self.rows += 1;
        self.last = bar.open_time;
        self.last_close = bar.close_time;
        self.snapped += u64::from(snapped);
        self.days.observe(bar);
    }

    #[cold]
    fn note_step(&mut self, bar: &Bar) {
        if self.rows == 0 {
            self.first = bar.open_time;
            self.has_volume = bar.volume.is_some();
        } else if bar.open_time > self.last_close {
            let gap = Gap { start: self.last_close, end: bar.open_time };
            self.gaps += 1;
            if self.longest_gap.is_none_or(|longest| gap.length() > longest.length()) {
                self.longest_gap = Some(gap);
            }
        } else {
            self.overlapping += 1;
        }
    }

    /// Bars so far.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// What was found so far.
    #[must_use]
    pub fn summary(&self, symbol: &str, resolution: Nanos) -> SymbolSummary {
        SymbolSummary {
            symbol: symbol.to_owned(),
            rows: self.rows,
            first: self.first,
            last: self.last,
            last_close: self.last_close,
            resolution,
            gaps: self.gaps,
            longest_gap: self.longest_gap,
            overlapping: self.overlapping,
            snapped: self.snapped,
            has_volume: self.has_volume,
            days: self.days.days(),
        }
    }
}
