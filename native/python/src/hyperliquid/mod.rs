//! Hyperliquid's protocol, for the client in Python.

use pyo3::prelude::*;

mod messages;

/// Adds what there is of it to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<messages::PyDecoder>()?;
    module.add_class::<messages::PyMessage>()
}
