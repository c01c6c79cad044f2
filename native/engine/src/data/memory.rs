//! Events that are already in memory, handed out without a copy.

use std::sync::Arc;

use crate::event::MarketEvent;
use crate::stream::{Chunk, Source, SourceError};

/// A source over events in memory. Cheap to make, so that a second run starts at once.
#[derive(Debug, Clone, Default)]
pub struct MemorySource {
    chunks: Arc<Vec<Chunk>>,
    next: usize,
}

impl MemorySource {
    /// Over chunks that are in time order, one after the other.
    #[must_use]
    pub const fn new(chunks: Arc<Vec<Chunk>>) -> Self {
        Self { chunks, next: 0 }
    }
    /// Over one run of events.
    #[must_use]
    pub fn from_events(events: Arc<Vec<MarketEvent>>) -> Self {
        Self::new(Arc::new(vec![events]))
    }
}

impl Source for MemorySource {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, SourceError> {
        while let Some(chunk) = self.chunks.get(self.next) {
            self.next += 1;
            if !chunk.is_empty() {
                return Ok(Some(Arc::clone(chunk)));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_allocation_is_handed_out_and_empty_chunks_are_skipped() {
        let bar = crate::data::synthetic::Synthetic::new(&["BTC"], 1, 0).next_chunk().unwrap().unwrap();
        let chunks = Arc::new(vec![Arc::default(), Arc::clone(&bar), Arc::default()]);
        let mut source = MemorySource::new(chunks);
        assert!(Arc::ptr_eq(&source.next_chunk().unwrap().unwrap(), &bar));
        assert!(source.next_chunk().unwrap().is_none());
    }
}
