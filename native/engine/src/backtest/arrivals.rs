//! Rows on their way to us: what the venue has said and we have not heard yet, in the order in which we will.

use std::collections::VecDeque;

use crate::backtest::feed::gallop;
use crate::row::{Row, RowChunk, RowKind};
use crate::strategy::Wakes;
use crate::time::Nanos;

/// A stretch of rows in the order in which they reach us.
#[derive(Clone)]
pub(super) struct Run {
    rows: RowChunk,
    start: usize,
    end: usize,
}

impl Run {
    fn whole(rows: RowChunk) -> Self {
        let end = rows.len();
        Self { rows, start: 0, end }
    }

    pub(super) fn rows(&self) -> &[Row] {
        self.rows.get(self.start..self.end).unwrap_or_default()
    }
}

/// All that has been read and has not reached us: runs of rows by local time, each run after the one before it. Rows of one
/// moment are in one run, wherever chunks were cut: whoever hears them hears them together.
#[derive(Default)]
pub(super) struct Arrivals {
    runs: VecDeque<Run>,
    /// How many rows of the runs were searched for the next one that wakes the strategy, and found not to.
    searched: usize,
}

impl Arrivals {
    /// The venue read a chunk, which is sorted by local time or not. Rows that reach us together keep its order. Returns
    /// when the last of them does.
    pub(super) fn push(&mut self, chunk: &RowChunk, is_sorted: bool) -> Nanos {
        let ends = if is_sorted { chunk.first().zip(chunk.last()) } else { earliest(chunk).zip(latest(chunk)) };
        let Some((first, end)) = ends.map(|(first, last)| (first.local_time, last.local_time)) else {
            return Nanos::MIN;
        };
        let last = self.runs.back().and_then(|run| run.rows().last());
        if is_sorted && last.is_none_or(|last| last.local_time <= first) {
            let joined = self.join(first, chunk);
            if joined < chunk.len() {
                self.runs.push_back(Run { start: joined, ..Run::whole(chunk.clone()) });
            }
            return end;
        }
        // Only what comes with or after the chunk's first row has to make room for it.
        let mut overtaken = Vec::new();
        while let Some(run) = self.runs.back_mut() {
            let stays = run.rows().partition_point(|row| row.local_time < first);
            let moved = Run { start: run.start + stays, ..run.clone() };
            if !moved.rows().is_empty() {
                run.end = moved.start;
                overtaken.push(moved);
            }
            if stays > 0 {
                break;
            }
            self.runs.pop_back();
        }
        self.searched = self.searched.min(self.runs.iter().map(|run| run.rows().len()).sum());
        let before = overtaken.iter().rev().flat_map(Run::rows);
        // Rows are large: their times are sorted, and each row is moved once.
        let mut rows: Vec<(i64, &Row)> = before.chain(chunk.iter()).map(|row| (row.local_time.raw(), row)).collect();
        radsort::sort_by_key(&mut rows, |(time, _)| *time);
        let sorted = rows.into_iter().map(|(_, row)| *row);
        self.runs.push_back(Run::whole(RowChunk::new(sorted.collect())));
        end
    }

    /// Rows of the moment at which a chunk begins, of the run before it and of the chunk, make a run of their own. Returns
    /// how many of the chunk's.
    fn join(&mut self, first: Nanos, chunk: &RowChunk) -> usize {
        let Some(run) = self.runs.back_mut() else { return 0 };
        let before = run.rows().partition_point(|row| row.local_time < first);
        let tail = run.rows().get(before..).unwrap_or_default();
        if tail.is_empty() {
            return 0;
        }
        let count = gallop(chunk, |row| row.local_time == first);
        let moment = [tail, chunk.get(..count).unwrap_or_default()].concat();
        run.end = run.start + before;
        if before == 0 {
            self.runs.pop_back();
        }
        self.runs.push_back(Run::whole(RowChunk::new(moment)));
        count
    }

    /// The next stretch of rows that have reached us before `limit`, or at it; to be called until there is none.
    #[inline]
    pub(super) fn take(&mut self, limit: Nanos, with_limit: bool) -> Option<Run> {
        let is_due = |row: &Row| row.local_time < limit || (with_limit && row.local_time == limit);
        let run = self.runs.front_mut()?;
        let count = gallop(run.rows(), is_due);
        if count == 0 {
            return None;
        }
        let due = Run { end: run.start + count, ..run.clone() };
        run.start = due.end;
        if run.start == run.end {
            self.runs.pop_front();
        }
        self.searched = self.searched.saturating_sub(count);
        Some(due)
    }

    /// How long the last row took that had reached us at a time; `known` if none did since we looked.
    pub(super) fn latency_at(&self, time: Nanos, known: Nanos) -> Nanos {
        let mut latency = known;
        for run in &self.runs {
            let rows = run.rows();
            let count = rows.partition_point(|row| row.local_time <= time);
            if let Some(last) = count.checked_sub(1).and_then(|index| rows.get(index)) {
                latency = last.local_time.since(last.exchange_time);
            }
            if count < rows.len() {
                break;
            }
        }
        latency
    }

    /// When the next row reaches us that the strategy wants to hear of, as far as that is known.
    pub(super) fn next_wake(&mut self, wakes: Wakes) -> Option<Nanos> {
        if wakes.is_none() {
            return None;
        }
        let is_wanted = |row: &Row| {
            if row.kind == RowKind::Trade { wakes.trades } else { wakes.quotes || wakes.books }
        };
        let mut before = 0;
        for run in &self.runs {
            let rows = run.rows();
            let from = self.searched.saturating_sub(before);
            let rest = rows.get(from..).unwrap_or_default();
            if let Some(offset) = rest.iter().position(is_wanted) {
                self.searched = before + from + offset;
                return rest.get(offset).map(|row| row.local_time);
            }
            before += rows.len();
        }
        self.searched = before;
        None
    }
}

fn earliest(rows: &[Row]) -> Option<&Row> {
    rows.iter().min_by_key(|row| row.local_time)
}

fn latest(rows: &[Row]) -> Option<&Row> {
    rows.iter().max_by_key(|row| row.local_time)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::instrument::InstrumentId;

    fn row(exchange: i64, local: i64, id: u64) -> Row {
        Row::new(RowKind::Trade, InstrumentId(0), Nanos::from_raw(exchange), Nanos::from_raw(local)).of(id)
    }

    proptest! {
        /// Against one stable sort of everything, however chunks are cut, rows delayed and stretches taken.
        #[test]
        fn rows_reach_us_by_local_time_then_in_the_order_of_the_venue_and_a_moment_is_never_cut(
            steps in prop::collection::vec((0_i64..5, 0_i64..40), 1..200),
            cut in 1_usize..50,
            wants_trades in any::<bool>(),
        ) {
            let mut rows = Vec::new();
            let mut time = 0;
            for (id, (step, delay)) in (0..).zip(steps) {
                time += step;
                rows.push(row(time, time + delay, id));
            }
            let mut expected = rows.clone();
            expected.sort_by_key(|row| row.local_time);
            let (mut arrivals, mut heard) = (Arrivals::default(), Vec::new());
            for chunk in rows.chunks(cut) {
                arrivals.push(&Arc::new(chunk.to_vec()), chunk.is_sorted_by_key(|row| row.local_time));
                // Nothing of a later chunk can reach us before this.
                let limit = chunk.last().unwrap().exchange_time;
                let due = expected.get(heard.len()).filter(|row| row.local_time < limit).map(|row| row.local_time);
                let wake = arrivals.next_wake(Wakes { trades: wants_trades, ..Wakes::default() });
                if wants_trades && due.is_some() {
                    prop_assert_eq!(wake, due);
                }
                while let Some(run) = arrivals.take(limit, false) {
                    prop_assert!(heard.last().is_none_or(|last: &Row| last.local_time < run.rows()[0].local_time));
                    heard.extend_from_slice(run.rows());
                }
            }
            while let Some(run) = arrivals.take(Nanos::MAX, true) {
                prop_assert!(heard.last().is_none_or(|last: &Row| last.local_time < run.rows()[0].local_time));
                heard.extend_from_slice(run.rows());
            }
            prop_assert_eq!(heard, expected);
        }
    }
}
