//! PostgreSQL's binary COPY to and from Arrow, exactly: decimals digit by digit, times in nanoseconds, no object per value.
//!
//! PostgreSQL counts microseconds: a time is a `timestamptz` and a `smallint` with the 0 to 999 ns beyond, or, where the caller
//! says so, a `timestamptz` alone, which must be whole. Integers without a sign become the next larger type; 64 bits of them a numeric.

mod decode;
mod encode;
mod fault;
mod form;
mod numeric;
#[cfg(test)]
mod tests;

pub use decode::Decoder;
pub use encode::{Lead, encode};
pub use fault::CopyFault;
pub use form::{HEADER, TRAILER};
