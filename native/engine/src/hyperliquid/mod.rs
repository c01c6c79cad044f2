//! Hyperliquid's protocol, without a socket: bytes to values.

pub mod message;
pub mod names;
