//! A fingerprint of bars: one digest per symbol and UTC day, so that a change can be dated.

use serde::{Deserialize, Serialize};

use crate::event::Bar;
use crate::time::Nanos;

/// The bars of one symbol that open on one UTC day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayPrint {
    /// Midnight at the start of the day.
    pub day: Nanos,
    /// Bars.
    pub rows: u64,
    /// The first 16 hex digits of a BLAKE3 digest of the bars.
    pub digest: String,
}

/// Bytes of a bar in the digest: times, prices, volume, little-endian.
const ROW_BYTES: usize = 56;
/// Rows are hashed in runs, which lets BLAKE3 work on many blocks at once.
const RUN_BYTES: usize = 292 * ROW_BYTES;

/// Hashes the bars of one symbol in order.
#[derive(Debug)]
pub struct DayHasher {
    hasher: blake3::Hasher,
    run: Vec<u8>,
    day: Nanos,
    day_end: Nanos,
    rows: u64,
    days: Vec<DayPrint>,
}

impl Default for DayHasher {
    fn default() -> Self {
        Self {
            hasher: blake3::Hasher::new(),
            run: Vec::new(),
            day: Nanos::MIN,
            day_end: Nanos::MIN,
            rows: 0,
            days: Vec::new(),
        }
    }
}

impl DayHasher {
    /// Takes the next bar in.
    #[inline]
    pub fn observe(&mut self, bar: &Bar) {
        if bar.open_time >= self.day_end {
            self.turn(bar.open_time);
        }
        if self.run.len() + ROW_BYTES > RUN_BYTES {
            self.hasher.update(&self.run);
            self.run.clear();
        }
        self.rows += 1;
        // No volume is -1, which no bar has.
        let volume = bar.volume.map_or(-1, |v| v.raw());
        for number in [
            bar.open_time.raw(),
            bar.close_time.raw(),
            bar.open.raw(),
            bar.high.raw(),
            bar.low.raw(),
            bar.close.raw(),
            volume,
        ] {
            self.run.extend_from_slice(&number.to_le_bytes());
        }
    }

    #[cold]
    fn turn(&mut self, time: Nanos) {
        if let Some(print) = self.close_day() {
            self.days.push(print);
        }
        self.hasher.reset();
        self.run.clear();
        self.rows = 0;
        self.day = time.floor_to(Nanos::DAY);
        self.day_end = self.day.after(Nanos::DAY);
    }

    fn close_day(&self) -> Option<DayPrint> {
        if self.rows == 0 {
            return None;
        }
        let mut hasher = self.hasher.clone();
        hasher.update(&self.run);
        Some(DayPrint { day: self.day, rows: self.rows, digest: short(&hasher.finalize()) })
    }

    /// The days so far, the last one as far as it went.
    #[must_use]
    pub fn days(&self) -> Vec<DayPrint> {
        let mut days = self.days.clone();
        days.extend(self.close_day());
        days
    }
}

/// The first 16 hex digits of a digest.
fn short(digest: &blake3::Hash) -> String {
    digest.to_hex().chars().take(16).collect()
}

/// The days of two sources of one symbol together. A day in both counts as one, made of both digests in order.
#[must_use]
pub fn merge_days(earlier: Vec<DayPrint>, later: Vec<DayPrint>) -> Vec<DayPrint> {
    let mut all = earlier;
    all.extend(later);
    all.sort_by_key(|d| d.day);
    let mut merged: Vec<DayPrint> = Vec::with_capacity(all.len());
    for print in all {
        match merged.last_mut() {
            Some(last) if last.day == print.day => {
                last.digest = short(&blake3::hash(format!("{} {}", last.digest, print.digest).as_bytes()));
                last.rows += print.rows;
            }
            _ => merged.push(print),
        }
    }
    merged
}

/// One digest over the days of many symbols, in the order given: 64 hex digits.
#[must_use]
pub fn digest_of<'a>(symbols: impl Iterator<Item = (&'a str, &'a [DayPrint])>) -> String {
    let mut hasher = blake3::Hasher::new();
    for (symbol, days) in symbols {
        for print in days {
            hasher.update(format!("{symbol}\t{}\t{}\t{}\n", print.day, print.rows, print.digest).as_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}
