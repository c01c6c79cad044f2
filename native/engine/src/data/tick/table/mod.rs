//! The canonical table on disk: Parquet or Arrow IPC, one file per family, symbol and day, found by the names of folders.

pub mod arrow_file;
pub mod columns;
pub mod file;
pub mod lake;
pub mod merge;
pub mod path;
pub mod reopened;
pub mod stage;
pub mod write;

#[cfg(test)]
mod recordings;
#[cfg(test)]
mod tests;
