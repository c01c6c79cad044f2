//! Strategies compiled in other languages, through a C ABI. `algo_trade.h` is the same declarations for C.

mod abi;
mod functions;
mod strategy;

pub use abi::{
    ABI_VERSION, BarEvent, CAPSULE_NAME, FillReport, Functions, Handle, NEEDS_PYTHON, OpenOrder, OrderReport,
    QuoteEvent, TradeEvent, Vtable,
};
pub use functions::FUNCTIONS;
pub use strategy::{CompiledError, CompiledStrategy};
