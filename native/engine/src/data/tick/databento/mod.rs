//! Databento Binary Encoding, versions 1 to 3: orders (MBO), best levels (MBP-1, MBP-10, TBBO) and trades.

mod bytes;
mod metadata;
mod reader;
mod record;
#[cfg(test)]
mod tests;

pub use reader::ChangeReader;
