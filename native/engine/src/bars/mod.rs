//! Bars out of trades or of smaller bars: by time, by count, by volume, by notional.

mod aggregator;
mod resample;

pub use aggregator::{AggregateError, Aggregator, Rule};
pub use resample::Resampled;
