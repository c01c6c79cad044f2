//! A deterministic trading engine: `step(event) -> commands`, and everything around it that must be exact and fast.
//!
//! The engine has no clock, no I/O of its own beyond reading data, importing them and writing journals, no randomness
//! without a seed, and no floats for money. See ARCHITECTURE.md at the root of the repository.
#![cfg_attr(test, allow(clippy::float_cmp, missing_docs))]

pub mod account;
pub mod backtest;
pub mod bars;
pub mod book;
pub mod data;
pub mod event;
pub mod hyperliquid;
pub mod indicators;
pub mod instrument;
pub mod journal;
pub mod local_venue;
pub mod metrics;
pub mod num;
pub mod order;
pub mod orders;
pub mod random;
pub mod record;
pub mod recovery;
pub mod replay;
pub mod risk;
pub mod row;
pub mod strategy;
pub mod stream;
pub mod system;
pub mod time;
pub mod venue;
pub mod world;
