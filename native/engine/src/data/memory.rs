//! Events that are already in memory, handed out without a copy.

use std::sync::Arc;

use crate::event::MarketEvent;
use crate::row::{RowChunk, RowSource};
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

/// Rows that are already in memory, handed out chunk by chunk without a copy.
#[derive(Debug, Clone)]
pub struct MemoryRows {
    chunks: std::vec::IntoIter<RowChunk>,
}

impl MemoryRows {
    /// Chunks of rows in venue order; empty ones are passed over.
    #[must_use]
    pub fn new(chunks: Vec<RowChunk>) -> Self {
        Self { chunks: chunks.into_iter() }
    }

    /// All that a source has to give, kept.
    ///
    /// # Errors
    /// That of the source.
    pub fn collect(source: &mut dyn RowSource) -> Result<Self, SourceError> {
        let mut chunks = Vec::new();
        while let Some(chunk) = source.next_rows()? {
            chunks.push(chunk);
        }
        Ok(Self::new(chunks))
    }
}

impl RowSource for MemoryRows {
    fn next_rows(&mut self) -> Result<Option<RowChunk>, SourceError> {
        Ok(self.chunks.find(|chunk| !chunk.is_empty()))
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
