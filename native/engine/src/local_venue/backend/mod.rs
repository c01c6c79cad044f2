//! The exchange behind the door, as the protocol shows it.

mod actions;
mod behind;
mod candles;
mod digest;
pub mod exchange;
mod info;
pub mod listing;
mod people;
mod pushes;
mod record;
mod show;
pub mod source;
#[cfg(test)]
mod tests;
mod texts;
mod transfers;
mod wire;
