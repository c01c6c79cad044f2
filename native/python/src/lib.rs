//! Python bindings of the engine: conversion, GIL and errors. No logic lives here.

use pyo3::prelude::*;

mod errors;
mod indicators;

/// The compiled core of `algo_trade`.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    errors::register(module)?;
    indicators::register(module)
}
