//! Seeded ticks of markets that do not exist, for demos, tests and benchmarks.

pub mod fifo;
pub mod market;
pub mod source;
