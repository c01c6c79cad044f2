//! An exchange of many accounts: where the local venue's orders meet.

pub mod account;
pub mod book;
pub mod given;
pub mod machine;
pub mod market;
mod matching;
pub mod news;
pub mod options;
pub mod order;
pub mod placing;
#[cfg(test)]
mod tests;
pub mod timed;
mod triggers;
