//! Where the market was when we were filled, and where it went: what a report says of execution.

use std::collections::BTreeMap;

use crate::instrument::InstrumentId;
use crate::num::Price;
use crate::order::FillEvent;
use crate::time::Nanos;

/// How long after a fill the market is looked at again.
pub const HORIZONS: [Nanos; 3] =
    [Nanos::SECOND, Nanos::from_raw(10 * Nanos::SECOND.raw()), Nanos::from_raw(60 * Nanos::SECOND.raw())];

/// The middle of the venue's book around a fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FillMark {
    /// Of which fill.
    pub trade_id: u64,
    /// When it happened; `None` while a side of the book was empty.
    pub mid: Option<Price>,
    /// After each of [`HORIZONS`]; `None` beyond the end of the data.
    pub after: [Option<Price>; 3],
}

/// Best prices at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Best {
    /// When.
    pub time: Nanos,
    /// Highest bid.
    pub bid: Price,
    /// Lowest offer.
    pub ask: Price,
}

/// What a run over ticks leaves behind besides.
#[derive(Debug, Clone, Default)]
pub struct TickRecords {
    /// Around each fill, in the order in which they happened.
    pub marks: Vec<FillMark>,
    /// Best prices over time, by instrument, thinned evenly.
    pub best: Vec<Vec<Best>>,
}

/// Best prices that are kept of an instrument at most; then every other one is dropped.
const BEST_MAX: usize = 1 << 15;

/// Looks at the market when fills happen, and later.
#[derive(Debug)]
pub(super) struct Marks {
    records: TickRecords,
    /// What is to be looked at, and for which fill and horizon.
    due: BTreeMap<(Nanos, usize, usize), InstrumentId>,
    /// One in how many best prices is kept, and how many were passed over, by instrument.
    strides: Vec<(usize, usize)>,
}

impl Marks {
    pub(super) fn new(instruments: usize) -> Self {
        let records = TickRecords { marks: Vec::new(), best: vec![Vec::new(); instruments] };
        Self { records, due: BTreeMap::new(), strides: vec![(1, 0); instruments] }
    }

    /// A fill happens at the venue, whose middle is this.
    pub(super) fn on_fill(&mut self, fill: &FillEvent, mid: Option<Price>) {
        let index = self.records.marks.len();
        self.records.marks.push(FillMark { trade_id: fill.trade_id, mid, after: [None; 3] });
        for (horizon, length) in HORIZONS.iter().enumerate() {
            self.due.insert((fill.time.after(*length), index, horizon), fill.instrument);
        }
    }

    /// When the market is to be looked at next.
    pub(super) fn next(&self) -> Option<Nanos> {
        self.due.first_key_value().map(|((time, ..), _)| *time)
    }

    /// Looks at the market for what is due.
    pub(super) fn look(&mut self, now: Nanos, mid: impl Fn(InstrumentId) -> Option<Price>) {
        while let Some(entry) = self.due.first_entry().filter(|e| e.key().0 <= now) {
            let ((_, index, horizon), instrument) = entry.remove_entry();
            let after = self.records.marks.get_mut(index).and_then(|mark| mark.after.get_mut(horizon));
            if let Some(after) = after {
                *after = mid(instrument);
            }
        }
    }

    /// Best prices, for the picture.
    pub(super) fn on_best(&mut self, instrument: InstrumentId, best: Best) {
        let index = instrument.index();
        let (Some(kept), Some((stride, skipped))) = (self.records.best.get_mut(index), self.strides.get_mut(index))
        else {
            return;
        };
        if *skipped + 1 < *stride {
            *skipped += 1;
            return;
        }
        *skipped = 0;
        kept.push(best);
        if kept.len() >= BEST_MAX {
            let mut number = 0;
            kept.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            *stride *= 2;
        }
    }

    pub(super) fn finish(self) -> TickRecords {
        self.records
    }
}
