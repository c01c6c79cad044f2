//! Strategies compiled in other languages, handed over in a capsule (`algo_trade.h`).

#![expect(unsafe_code, reason = "the border to C; the proofs stand at the blocks")]

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};

use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use engine::strategy::compiled::{CAPSULE_NAME, CompiledError, CompiledStrategy, FUNCTIONS, Vtable};

use crate::errors::{ParameterError, StrategyError};

/// The method by which a Python object says that it is a compiled strategy.
pub const METHOD: &str = "__algo_trade_strategy__";

/// The name of a capsule whose strategy was taken over.
const TAKEN: &CStr = c"algo_trade.strategy.v1.taken";

/// A compiled strategy, and what keeps its code and its table alive.
pub struct Compiled {
    // First, so that it is freed while its owners are still there.
    pub inner: CompiledStrategy,
    _owners: (Py<PyAny>, Py<PyCapsule>),
}

impl Compiled {
    /// Asks an object for its capsule and takes the strategy out of it.
    pub fn from_py(strategy: &Bound<'_, PyAny>) -> PyResult<Self> {
        let given = strategy.call_method0(METHOD)?;
        let capsule = given.cast::<PyCapsule>().map_err(|_| {
            ParameterError::new_err(format!(
                "{METHOD} returned {given:?}: it must return a capsule named {CAPSULE_NAME}"
            ))
        })?;
        if capsule.is_valid_checked(Some(TAKEN)) {
            return Err(StrategyError::new_err(CompiledError::Taken.to_string()));
        }
        let name = CString::new(CAPSULE_NAME)?;
        let pointer = capsule.pointer_checked(Some(&name)).map_err(|error| {
            let refused = format!("{METHOD} returned a capsule that is not named {CAPSULE_NAME}");
            let refused = ParameterError::new_err(refused);
            refused.set_cause(strategy.py(), Some(error));
            refused
        })?;
        // SAFETY: a capsule of this name holds an `at_strategy` that keeps the contract of `algo_trade.h`; the lock of the
        // interpreter is held, so nobody else takes it at the same time. The capsule, and the object that gave it, are kept
        // for as long as the strategy.
        let inner = unsafe { CompiledStrategy::take(pointer.cast::<Vtable>().as_ptr()) };
        let inner = inner.map_err(|error| StrategyError::new_err(error.to_string()))?;
        // The table may go with the state, so the capsule remembers that it was taken.
        // SAFETY: a valid capsule, and a name that lives for ever.
        if unsafe { pyo3::ffi::PyCapsule_SetName(capsule.as_ptr(), TAKEN.as_ptr()) } != 0 {
            return Err(PyErr::fetch(strategy.py()));
        }
        Ok(Self { inner, _owners: (strategy.clone().unbind(), capsule.clone().unbind()) })
    }
}

/// The addresses of the functions that a callback can call, by their names in `algo_trade.h`; of use to compilers at run time.
#[pyfunction]
pub fn context_functions() -> BTreeMap<&'static str, usize> {
    let f = &FUNCTIONS;
    BTreeMap::from([
        ("now", f.now as usize),
        ("instruments", f.instruments as usize),
        ("symbol", f.symbol as usize),
        ("tick_size", f.tick_size as usize),
        ("lot_size", f.lot_size as usize),
        ("level_price", f.level_price as usize),
        ("level_quantity", f.level_quantity as usize),
        ("last_price", f.last_price as usize),
        ("position", f.position as usize),
        ("equity", f.equity as usize),
        ("orders", f.orders as usize),
        ("order_at", f.order_at as usize),
        ("place", f.place as usize),
        ("modify", f.modify as usize),
        ("cancel", f.cancel as usize),
        ("signal", f.signal as usize),
        ("set_timer", f.set_timer as usize),
    ])
}
