//! Binance: its public archive, and raw recordings of its socket.

mod archive;
mod depth;
mod stream;

pub use archive::{Archive, Kind};
pub use stream::Stream;
