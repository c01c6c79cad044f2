//! What the exchange sends, typed: messages of its socket, answers to `/info` and to `/exchange`.
//!
//! Numbers come as text or bare; those of orders, fills and balances are exact, statistics are rounded in one place.
//! What is new (a field, a status, a channel) is passed over or kept as text; only what contradicts the protocol is an error.

mod account;
mod decoder;
mod error;
mod exchange;
mod fast;
mod info;
mod json;
mod kinds;
mod listing;
mod market;
mod orders;
mod statistic;
mod stream;

pub use account::*;
pub use decoder::{Decoder, Message};
pub use error::MessageError;
pub use exchange::{ExchangeAnswer, Filled, ItemStatus, Resting, Running};
pub(crate) use fast::book_message;
pub use info::*;
pub use json::{Raw, View, Wire, decimal_text};
pub use kinds::{ByName, Json};
pub use listing::*;
pub use market::*;
pub use orders::{NonUserCancel, Order, OrderAnswer, OrderNews, OrderState, Outcome};
pub use statistic::Statistic;
pub use stream::*;
