//! Tick data: readers of foreign formats into rows, and the canonical table they become.
//!
//! A [`TickReader`] turns one file of one format into [`Row`]s in the order of the file, as they were recorded. What is
//! common to all formats (clocks, order, checks, the table) follows once, behind it.

mod batches;
mod binance;
mod bybit;
pub mod correct;
pub mod counts;
mod databento;
pub mod family;
mod fields;
mod findings;
mod format;
pub mod from_rows;
mod hftbacktest;
mod hyperliquid;
pub mod import;
pub mod inspect;
mod lines;
mod npy;
mod open;
mod orders;
pub mod plain_book;
pub mod record;
pub mod refusal;
#[cfg(test)]
pub(crate) mod samples;
pub mod spill;
pub mod steps;
pub mod synthetic;
pub mod table;
mod tardis;

pub use batches::mark_book;
pub use format::Format;
pub use open::{TickOptions, open, read_input};

use crate::data::fault::SourceError;
use crate::row::Row;

/// About how many rows a reader appends at once.
const BATCH_ROWS: usize = 4096;

/// Streams the rows of one file, in file order and in bounded memory.
///
/// Instruments are numbered by their place in [`TickReader::symbols`], in the order in which they first occur; who mixes
/// files gives them their final numbers. A missing local time is zero.
pub trait TickReader: Send {
    /// Appends some rows; false, without any, at the end of the file.
    ///
    /// # Errors
    /// [`SourceError`] with file, line (or record) and value, for what cannot be trusted.
    fn read(&mut self, rows: &mut Vec<Row>) -> Result<bool, SourceError>;
    /// The symbols seen so far.
    fn symbols(&self) -> &[String];
    /// The venue that the file names, or that its format implies; empty if neither.
    fn venue(&self) -> &str;
    /// What was repaired, merged or left out so far, for people: what, and how often.
    fn notes(&self) -> Vec<(String, u64)>;
}
