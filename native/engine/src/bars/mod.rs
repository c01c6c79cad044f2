//! Bars out of trades or of smaller bars: by time, by count, by volume, by notional.

mod aggregator;
mod resample;
mod rule;

pub use aggregator::{AggregateError, Aggregator};
pub use resample::Resampled;
pub use rule::{Rule, RuleError};
