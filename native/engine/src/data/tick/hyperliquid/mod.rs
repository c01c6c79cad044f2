//! Hyperliquid: recordings of its socket, and its archive of books, trades and contexts.

mod contexts;
mod messages;
mod stream;

pub use contexts::Contexts;
pub use stream::Stream;
