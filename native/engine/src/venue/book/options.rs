//! The options of matching on books, with their defaults.

use serde::{Deserialize, Serialize};

use crate::num::{Qty, Rate};
use crate::time::Nanos;
use crate::venue::book::queue::QueueModel;
use crate::venue::latency::Latency;

/// How much of an order a piece of evidence fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// As much as was traded or displayed.
    #[default]
    Bounded,
    /// The whole order.
    Full,
    /// Nothing.
    Off,
}

/// The options of matching on books (SIMULATION, sections 4 to 7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BookOptions {
    /// Where in the queue cancels of others are thought to be.
    pub queue: QueueModel,
    /// Fill as much as the evidence bears; false fills whole orders, for comparisons.
    pub partial_fills: bool,
    /// What a print beyond an order's price fills of it.
    pub through_fill: Evidence,
    /// What the other side of the book, reaching an order's price, fills of it.
    pub cross_fill: Evidence,
    /// A print of unknown aggressor fills both sides; false: neither.
    pub unknown_aggressor_fills: bool,
    /// A modify that changes no price and adds no quantity keeps its place in the queue (not so on Hyperliquid).
    pub modify_keeps_queue: bool,
    /// A modify whose new order is refused leaves the old one (not so on Hyperliquid).
    pub modify_keeps_old: bool,
    /// What was taken from a level is forgotten after this time.
    pub taken_decay: Option<Nanos>,
    /// Prices further than this from the mark are refused.
    pub price_band: Rate,
    /// How far from the middle a market order reaches.
    pub market_reach: Rate,
    /// How far from the mark a triggered market order reaches.
    pub trigger_reach: Rate,
    /// Open orders at most.
    pub open_orders_max: usize,
    /// Without news of the book for this long, arrivals wait for the next.
    pub book_age_max: Nanos,
    /// Actions wait for the next block, where cancels and post-only orders go first.
    pub block_mode: bool,
    /// The time between two blocks, where the data are sparser.
    pub block_interval: Option<Nanos>,
    /// How long messages take.
    pub latency: Latency,
    /// Seed of random latencies.
    pub seed: u64,
    /// Between two points of the equity curve.
    pub equity_step: Nanos,
}

impl Default for BookOptions {
    fn default() -> Self {
        Self {
            queue: QueueModel::default(),
            partial_fills: true,
            through_fill: Evidence::Bounded,
            cross_fill: Evidence::Bounded,
            unknown_aggressor_fills: false,
            modify_keeps_queue: false,
            modify_keeps_old: false,
            taken_decay: None,
            price_band: Rate::from_raw(950_000_000_000),
            market_reach: Rate::from_raw(50_000_000_000),
            trigger_reach: Rate::from_raw(100_000_000_000),
            open_orders_max: 1_000,
            book_age_max: Nanos::MINUTE,
            block_mode: false,
            block_interval: None,
            latency: Latency::default(),
            seed: 0,
            equity_step: Nanos::SECOND,
        }
    }
}

impl BookOptions {
    /// One whole unit of quantity: what the logarithmic queue models count in by default.
    pub const LOG_UNIT: Qty = Qty::ONE;
}
