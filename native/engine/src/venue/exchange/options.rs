//! The options of an exchange.

use crate::num::Money;
use crate::num::UNIT;
use crate::time::Nanos;
use crate::venue::BookOptions;

/// How an exchange works.
#[derive(Debug, Clone)]
pub struct ExchangeOptions {
    /// Leverage of an instrument for which none was chosen.
    pub leverage: u32,
    /// Price band, open orders: what the backtest's books know too.
    pub book: BookOptions,
    /// Between two mark prices.
    pub mark_interval: Nanos,
    /// Between two samples of the premium.
    pub sample_interval: Nanos,
    /// Between two settlements of funding.
    pub funding_interval: Nanos,
    /// The volume that an account must have traded before it may schedule a cancel.
    pub schedule_volume_min: Money,
}

impl Default for ExchangeOptions {
    fn default() -> Self {
        Self {
            leverage: 20,
            book: BookOptions::default(),
            mark_interval: Nanos::from_raw(3 * Nanos::SECOND.raw()),
            sample_interval: Nanos::from_raw(5 * Nanos::SECOND.raw()),
            funding_interval: Nanos::HOUR,
            schedule_volume_min: Money::from_raw(1_000_000 * UNIT),
        }
    }
}
