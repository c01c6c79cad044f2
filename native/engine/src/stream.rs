//! Market data in time order: chunks from many sources merged into batches of one instant.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

pub use crate::data::fault::{Fault, SourceError};
use crate::event::MarketEvent;
use crate::instrument::InstrumentId;
use crate::time::Nanos;

/// A run of events of one source, shared without copying.
pub type Chunk = Arc<Vec<MarketEvent>>;

/// A time-ordered series of market events, handed out in chunks so that memory stays bounded.
pub trait Source: Send {
    /// The next events, in time order; `None` at the end. A chunk is never empty.
    ///
    /// # Errors
    /// [`SourceError`] for data that cannot be trusted; nothing is handed out after that.
    fn next_chunk(&mut self) -> Result<Option<Chunk>, SourceError>;
}

/// What decides which of two events of different sources comes first: time, instrument rank, kind, source rank.
///
/// Within a source its own order holds. SIMULATION, section 3: all market data of an instant form one phase, ordered by
/// instrument and then by source; at one instant and instrument a trade precedes the quote it causes, a bar comes last.
type Key = (Nanos, InstrumentId, u8, usize);

/// Several sources as one, in the order of [`Merge`].
pub struct Merged {
    merge: Merge,
    batch: Vec<MarketEvent>,
}

/// How many events a chunk of [`Merged`] holds at least, but for the last.
const MERGED_CHUNK: usize = 4_096;

impl Merged {
    /// Starts reading.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn new(sources: Vec<Box<dyn Source>>) -> Result<Self, SourceError> {
        Ok(Self { merge: Merge::new(sources)?, batch: Vec::new() })
    }
}

impl Source for Merged {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, SourceError> {
        let mut events = Vec::with_capacity(MERGED_CHUNK);
        while events.len() < MERGED_CHUNK {
            self.merge.next_batch(&mut self.batch)?;
            if self.batch.is_empty() {
                break;
            }
            events.append(&mut self.batch);
        }
        Ok((!events.is_empty()).then(|| Arc::new(events)))
    }
}

struct Cursor {
    source: Box<dyn Source>,
    chunk: Chunk,
    position: usize,
    last: Nanos,
    done: bool,
}

impl Cursor {
    fn head(&self) -> Option<&MarketEvent> {
        self.chunk.get(self.position)
    }

    /// Makes sure that the head is there unless the source is at its end.
    #[inline]
    fn refill(&mut self) -> Result<(), SourceError> {
        while self.position >= self.chunk.len() && !self.done {
            match self.source.next_chunk()? {
                Some(chunk) => {
                    self.chunk = chunk;
                    self.position = 0;
                }
                None => self.done = true,
            }
        }
        Ok(())
    }

    fn advance(&mut self) -> Result<(), SourceError> {
        self.position += 1;
        self.refill()
    }
}

/// Merges many time-ordered sources into one, an instant at a time, in memory bounded by one chunk per source.
///
/// The order does not depend on the order in which sources were given, except between two sources that carry the same
/// kind of event of the same instrument at the same instant.
pub struct Merge {
    cursors: Vec<Cursor>,
    /// A min-heap of source heads, used when there is more than one source.
    heads: BinaryHeap<Reverse<Key>>,
}

impl Merge {
    /// Starts reading all sources.
    ///
    /// # Errors
    /// [`SourceError`] of the first source that cannot be read.
    pub fn new(sources: Vec<Box<dyn Source>>) -> Result<Self, SourceError> {
        let mut cursors = Vec::with_capacity(sources.len());
        for source in sources {
            let chunk = Chunk::default();
            let mut cursor = Cursor { source, chunk, position: 0, last: Nanos::MIN, done: false };
            cursor.refill()?;
            cursors.push(cursor);
        }
        let mut merge = Self { cursors, heads: BinaryHeap::new() };
        for rank in 0..merge.cursors.len() {
            merge.push_head(rank);
        }
        Ok(merge)
    }

    fn push_head(&mut self, rank: usize) {
        if let Some(event) = self.cursors.get(rank).and_then(Cursor::head) {
            self.heads.push(Reverse((event.time(), event.instrument(), event.kind_rank(), rank)));
        }
    }

    /// The time of the next events; `None` at the end of all sources.
    #[must_use]
    #[inline]
    pub fn next_time(&self) -> Option<Nanos> {
        match self.cursors.as_slice() {
            [only] => only.head().map(MarketEvent::time),
            _ => self.heads.peek().map(|Reverse((time, ..))| *time),
        }
    }

    /// Moves all events of the next instant into `batch` (cleared first), in order.
    ///
    /// # Errors
    /// [`SourceError`] from a source, or for one that goes back in time.
    #[inline]
    pub fn next_batch(&mut self, batch: &mut Vec<MarketEvent>) -> Result<(), SourceError> {
        batch.clear();
        let Some(time) = self.next_time() else { return Ok(()) };
        if let [only] = self.cursors.as_mut_slice() {
            check_order(only, time)?;
            while let Some(event) = only.head().filter(|e| e.time() == time) {
                batch.push(*event);
                only.advance()?;
            }
            if batch.len() > 1 {
                batch.sort_by_key(|e| (e.instrument(), e.kind_rank()));
            }
            return Ok(());
        }
        while let Some(Reverse((at, _, _, rank))) = self.heads.peek().copied() {
            if at != time {
                break;
            }
            self.heads.pop();
            let Some(cursor) = self.cursors.get_mut(rank) else { break };
            check_order(cursor, time)?;
            if let Some(event) = cursor.head() {
                batch.push(*event);
            }
            cursor.advance()?;
            self.push_head(rank);
        }
        if batch.len() > 1 {
            batch.sort_by_key(|e| (e.instrument(), e.kind_rank()));
        }
        Ok(())
    }
}

fn check_order(cursor: &mut Cursor, time: Nanos) -> Result<(), SourceError> {
    if time < cursor.last {
        let message = format!("a data source goes back in time: {time} comes after {}", cursor.last);
        return Err(SourceError { value: Some(time.to_string().into()), ..SourceError::other(&message) });
    }
    cursor.last = time;
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::Trade;
    use crate::num::{Price, Qty};

    struct Chunks(Vec<Chunk>);
    impl Source for Chunks {
        fn next_chunk(&mut self) -> Result<Option<Chunk>, SourceError> {
            Ok(if self.0.is_empty() { None } else { Some(self.0.remove(0)) })
        }
    }

    fn trade(time: i64, instrument: u32, id: u64) -> MarketEvent {
        MarketEvent::Trade(Trade {
            instrument: InstrumentId(instrument),
            aggressor: None,
            exchange_time: Nanos::from_raw(time),
            local_time: Nanos::from_raw(time),
            price: Price::ONE,
            quantity: Qty::ONE,
            trade_id: id,
        })
    }

    fn drain(sources: Vec<Vec<MarketEvent>>, chunk: usize) -> Result<Vec<Vec<MarketEvent>>, SourceError> {
        let boxed = sources.into_iter().map(|events| {
            let chunks = events.chunks(chunk).map(|c| Arc::new(c.to_vec())).collect();
            Box::new(Chunks(chunks)) as Box<dyn Source>
        });
        let mut merge = Merge::new(boxed.collect())?;
        let (mut all, mut batch) = (Vec::new(), Vec::new());
        while merge.next_time().is_some() {
            merge.next_batch(&mut batch)?;
            all.push(batch.clone());
        }
        Ok(all)
    }

    #[test]
    fn a_source_that_goes_back_in_time_is_an_error() {
        for other in [vec![], vec![trade(4, 1, 9)]] {
            let error = drain(vec![vec![trade(5, 0, 1), trade(3, 0, 2)], other], 1).unwrap_err();
            assert!(error.to_string().contains("back in time"), "{error}");
        }
    }

    proptest! {
        /// Every event comes out once, an instant at a time, by (time, instrument), each source in its own order.
        #[test]
        fn the_merge_is_the_sorted_union_whatever_the_chunks(
            mut sources in prop::collection::vec(prop::collection::vec((0_i64..30, 0_u32..3), 0..40), 1..5), chunk in 1_usize..7
        ) {
            let mut id = 0;
            let sources: Vec<Vec<MarketEvent>> = sources.iter_mut().map(|source| {
                source.sort_unstable();
                source.iter().map(|(time, instrument)| { id += 1; trade(*time, *instrument, id) }).collect()
            }).collect();
            let mut expected: Vec<MarketEvent> = sources.iter().flatten().copied().collect();
            expected.sort_by_key(|e| (e.time(), e.instrument()));
            let batches = drain(sources, chunk).unwrap();
            for batch in &batches {
                prop_assert!(batch.iter().all(|e| e.time() == batch[0].time()));
            }
            prop_assert!(batches.windows(2).all(|w| w[0][0].time() < w[1][0].time()));
            prop_assert_eq!(batches.concat(), expected);
        }
    }
}
