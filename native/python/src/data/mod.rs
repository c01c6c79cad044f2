//! Bars for Python: files and tables in, Arrow out.

mod arrow;
mod bar_data;
mod columns;
mod export;
mod iterate;
mod load;
mod remap;

pub use bar_data::{BarData, parse_time_ns, synthetic_bars};
pub use iterate::BarIterator;
