//! Rows that are there already as a recording, to be written into a table.

use crate::data::fault::SourceError;
use crate::data::tick::TickReader;
use crate::row::{Row, RowChunk, RowSource};

/// A source of rows as a reader of a recording. Instruments of the source are places in `symbols`.
pub struct FromRows<S> {
    source: S,
    symbols: Vec<String>,
    venue: String,
}

impl<S: RowSource> FromRows<S> {
    /// The rows of `source`, of the symbols in their order there.
    #[must_use]
    pub fn new(source: S, symbols: &[String], venue: &str) -> Self {
        Self { source, symbols: symbols.to_vec(), venue: venue.to_owned() }
    }
}

impl<S: RowSource> TickReader for FromRows<S> {
    fn read(&mut self, rows: &mut Vec<Row>) -> Result<bool, SourceError> {
        let chunk = self.source.next_rows()?;
        rows.extend(chunk.iter().flat_map(|chunk| chunk.iter()));
        Ok(chunk.is_some())
    }
    fn symbols(&self) -> &[String] {
        &self.symbols
    }
    fn venue(&self) -> &str {
        &self.venue
    }
    fn notes(&self) -> Vec<(String, u64)> {
        Vec::new()
    }
}

impl RowSource for std::vec::IntoIter<RowChunk> {
    fn next_rows(&mut self) -> Result<Option<RowChunk>, SourceError> {
        Ok(self.find(|chunk| !chunk.is_empty()))
    }
}
