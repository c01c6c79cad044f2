//! Python bindings of the engine: conversion, GIL and errors. No logic lives here.

use pyo3::prelude::*;

mod data;
mod errors;

/// The compiled core of `algo_trade`.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<data::BarData>()?;
    module.add_function(wrap_pyfunction!(data::synthetic_bars, module)?)?;
    module.add_function(wrap_pyfunction!(data::parse_time_ns, module)?)?;
    errors::register(module)

}
