//! Hyperliquid's protocol, without a socket: bytes to values, actions to signed bytes.

pub mod action;
pub mod address;
mod hex;
mod keccak;
pub mod keys;
pub mod message;
pub mod names;
pub mod number;
pub mod request;
pub mod signing;
pub mod typed_data;
pub mod user_action;
pub mod value;
