//! Market data in time order: chunks from many sources merged into batches of one instant.

use std::sync::Arc;

use crate::event::MarketEvent;

/// A run of events of one source, shared without copying.
pub type Chunk = Arc<Vec<MarketEvent>>;

/// Why a source could not go on. The message names file, line, column and value where it has them.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    /// The whole message, for a person.
    pub message: String,
    /// The file or table, if known.
    pub file: Option<String>,
    /// The line (or row, from 1), if known.
    pub line: Option<u64>,
    /// The column, if known.
    pub column: Option<String>,
    /// The offending value, if there is one.
    pub value: Option<String>,
}

/// A time-ordered series of market events, handed out in chunks so that memory stays bounded.
pub trait Source: Send {
    /// The next events, in time order; `None` at the end. A chunk is never empty.
    ///
    /// # Errors
    /// [`SourceError`] for data that cannot be trusted; nothing is handed out after that.
    fn next_chunk(&mut self) -> Result<Option<Chunk>, SourceError>;
}
