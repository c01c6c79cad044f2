//! Bars one by one, as Python's loop takes them.

use std::sync::{Mutex, PoisonError};

use engine::event::MarketEvent;
use engine::instrument::Instruments;
use engine::stream::{Merge, Source};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::errors::OrPy;
use crate::events::market_to_py;

/// The bars of all inputs in the order in which a run takes them: by close, then by symbol.
#[pyclass(frozen, module = "algo_trade._native")]
pub struct BarIterator {
    state: Mutex<State>,
    symbols: Vec<Py<PyString>>,
}

struct State {
    merge: Merge,
    batch: Vec<MarketEvent>,
    position: usize,
}

impl BarIterator {
    /// Starts reading.
    pub fn new(py: Python<'_>, sources: Vec<Box<dyn Source>>, instruments: &Instruments) -> PyResult<Self> {
        let merge = py.detach(|| Merge::new(sources)).or_py()?;
        let symbols = instruments.iter().map(|(_, i)| PyString::new(py, &i.symbol).unbind()).collect();
        Ok(Self { state: Mutex::new(State { merge, batch: Vec::new(), position: 0 }), symbols })
    }
}

#[pymethods]
impl BarIterator {
    const fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let mut guard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { merge, batch, position } = &mut *guard;
        if *position == batch.len() {
            *position = 0;
            batch.clear();
            batch.extend_from_slice(merge.next_batch().or_py()?);
        }
        let Some(event) = batch.get(*position) else { return Ok(None) };
        *position += 1;
        self.symbols.get(event.instrument().index()).map(|symbol| market_to_py(py, event, symbol)).transpose()
    }
}
