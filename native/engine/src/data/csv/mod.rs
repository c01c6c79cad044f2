//! Bars from CSV text, block by block.

mod fields;
mod header;
mod lines;
mod reader;
#[cfg(test)]
mod tests;

pub use header::find_column;
pub use reader::{BLOCK_BYTES, CHUNK_BARS, CsvBars};
