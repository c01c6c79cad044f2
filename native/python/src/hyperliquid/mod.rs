//! Hyperliquid's wire: keys, signatures, the bodies of requests, and what the exchange says.

use pyo3::prelude::*;

mod key;
mod messages;
mod order;
mod record;
mod request;
mod signing;
mod value;
mod venue;

/// Adds the classes and functions to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<messages::PyDecoder>()?;
    module.add_class::<messages::PyMessage>()?;
    module.add_class::<record::PyRecordBuffer>()?;
    module.add_class::<key::PySigningKey>()?;
    module.add_class::<order::PyWireOrder>()?;
    module.add_class::<venue::PyLocalVenue>()?;
    module.add_function(wrap_pyfunction!(messages::order_outcome, module)?)?;
    module.add_function(wrap_pyfunction!(signing::action_hash, module)?)?;
    module.add_function(wrap_pyfunction!(signing::l1_digest, module)?)?;
    module.add_function(wrap_pyfunction!(signing::user_digest, module)?)?;
    module.add_function(wrap_pyfunction!(signing::sign_l1_action, module)?)?;
    module.add_function(wrap_pyfunction!(signing::sign_user_action, module)?)?;
    module.add_function(wrap_pyfunction!(signing::recover, module)?)?;
    module.add_function(wrap_pyfunction!(order::wire_decimal, module)?)?;
    module.add_function(wrap_pyfunction!(request::signed_request, module)?)?;
    module.add_function(wrap_pyfunction!(request::signed_user_request, module)?)?;
    module.add_function(wrap_pyfunction!(request::signed_orders, module)?)?;
    module.add_function(wrap_pyfunction!(request::signed_modifies, module)?)?;
    module.add_function(wrap_pyfunction!(request::signed_cancels, module)?)
}
