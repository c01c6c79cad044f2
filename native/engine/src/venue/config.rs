//! The options of the simulated venue, with their defaults.

use serde::{Deserialize, Serialize};

use crate::instrument::MarginMode;
use crate::num::Rate;
use crate::venue::{BookOptions, FeeSchedule, FundingRule};

/// When an order decided at a bar's close acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FillOn {
    /// At the open of the next bar: no look-ahead.
    #[default]
    NextOpen,
    /// At the close that it was decided on: optimistic.
    Close,
}

/// In which order a bar visits its extremes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathRule {
    /// The extreme that hurts the position first; adaptive when flat.
    #[default]
    Pessimistic,
    /// The extreme nearer to the open first; the low if both are equally near.
    Adaptive,
    /// Always open, high, low, close.
    Ohlc,
    /// Always open, low, high, close.
    Olhc,
}

/// Whether margin is looked after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Margin {
    /// Initial margin on orders, liquidation below maintenance margin.
    #[default]
    Hyperliquid,
    /// Neither.
    None,
}

/// The options of the simulated venue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VenueConfig {
    /// When an order decided at a bar's close acts.
    pub fill_on: FillOn,
    /// How much worse than the price a taker fill on bars is, as a rate (1 bps is 0.0001).
    pub slippage: Rate,
    /// In which order a bar visits its extremes.
    pub path: PathRule,
    /// By how many ticks the price must go through a resting limit order; 0 for a touch.
    pub penetration_ticks: u32,
    /// The share of a bar's volume that all own orders together may fill.
    pub max_participation: Rate,
    /// What fills cost.
    pub fees: FeeSchedule,
    /// Where funding rates come from.
    pub funding: FundingRule,
    /// Initial margin is notional over this, where the instrument names none, or over what the tier allows at most.
    pub leverage: u32,
    /// Whether positions share their margin, where the instrument does not say.
    pub margin_mode: MarginMode,
    /// Whether margin is looked after.
    pub margin: Margin,
    /// Whether resting orders that add exposure reserve margin.
    pub reserve_open_orders: bool,
    /// Matching on books.
    pub book: BookOptions,
}

impl Default for VenueConfig {
    fn default() -> Self {
        Self {
            fill_on: FillOn::NextOpen,
            slippage: Rate::from_raw(100_000_000),
            path: PathRule::Pessimistic,
            penetration_ticks: 1,
            max_participation: Rate::from_raw(100_000_000_000),
            fees: FeeSchedule::plain(Rate::from_raw(150_000_000), Rate::from_raw(450_000_000)),
            funding: FundingRule::Recorded,
            leverage: 1,
            margin_mode: MarginMode::Cross,
            margin: Margin::Hyperliquid,
            reserve_open_orders: true,
            book: BookOptions::default(),
        }
    }
}
