//! A venue on this machine that speaks Hyperliquid's protocol, without a socket: bodies, messages and times in; answers,
//! messages and deadlines out. Clients written for the exchange trade on it unmodified.

pub mod agents;
pub mod authentication;
pub mod backend;
mod control;
pub mod core;
pub mod door;
#[cfg(test)]
mod door_tests;
pub mod faults;
mod fields;
pub mod info_request;
pub mod limits;
pub mod nonces;
mod sockets;
pub mod subscriptions;
pub mod topic;
pub mod user_action;
pub mod venue;
