//! Order books: levels by price ([`LevelBook`]), and order by order ([`OrderBook`]).

mod ladder;
mod levels;
mod market;
mod orders;
#[cfg(test)]
mod tests;

pub use ladder::Ladder;
pub use levels::{LevelBook, Levels};
pub use market::{BookKind, MarketBook, Observer, prefetch};
pub use orders::{OrderBook, OrderChange};
