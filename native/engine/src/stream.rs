//! Market data in time order: chunks from many sources merged into batches of one instant.

use std::sync::Arc;

pub use crate::data::fault::{Fault, SourceError};
use crate::event::MarketEvent;

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
