//! Data in: readers, the one place where rows are checked, what was found in them, and synthetic ones.

pub mod checks;
pub mod csv;
pub mod fault;
pub mod fingerprint;
pub mod input;
mod member;
pub mod memory;
pub mod options;
pub mod pgcopy;
pub mod resolution;
pub mod summary;
pub mod synthetic;
pub mod tick;
pub mod values;
