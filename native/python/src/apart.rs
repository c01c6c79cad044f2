//! A strategy in another process, from both sides.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use engine::strategy::StrategyError;
use engine::strategy::apart::{ApartError, Failure, Told, Twin};

use crate::config::PyInstrument;
use crate::errors::{EngineError, StrategyError as PyStrategyError, ToPy};
use crate::failures::{Elsewhere, failure_of};
use crate::risk::Risk;
use crate::strategy::AnyStrategy;
use crate::system::Parts;

/// Carries a request to the other process, and its answer back.
pub type Ask = Box<dyn FnMut(&[u8]) -> Result<Vec<u8>, StrategyError> + Send>;

impl ToPy for ApartError {
    fn to_py(self) -> PyErr {
        PyStrategyError::new_err(self.to_string())
    }
}

/// A strategy by a function that asks the other process, and by what that says of itself.
pub fn told(ask: Py<PyAny>, described: &[u8]) -> PyResult<Told<Ask>> {
    let ask = move |request: &[u8]| {
        Python::attach(|py| ask.call1(py, (PyBytes::new(py, request),))?.extract(py))
            .map_err(|cause| StrategyError(Box::new(Elsewhere(cause))))
    };
    Told::new(described, Box::new(ask) as Ask).map_err(ToPy::to_py)
}

/// The same machine as a `System`, once more, where the strategy is: it hears each event, and says what the strategy asked for.
#[pyclass(name = "Twin", module = "algo_trade._native", unsendable)]
pub struct PyTwin {
    twin: Twin<AnyStrategy, Risk>,
    has_failed: bool,
}

#[pymethods]
impl PyTwin {
    /// Made of the same parts as the `System` whose twin it is.
    #[new]
    #[pyo3(signature = (strategy, risk, *, symbols, rules, initial_capital, bot_id, epoch = 0, books = Vec::new()))]
    fn new(
        strategy: &Bound<'_, PyAny>,
        risk: &Bound<'_, PyAny>,
        symbols: Vec<String>,
        rules: Vec<Py<PyInstrument>>,
        initial_capital: &Bound<'_, PyAny>,
        bot_id: &str,
        epoch: u32,
        books: Vec<String>,
    ) -> PyResult<Self> {
        let parts = Parts::from_py(strategy, risk, &symbols, &rules, initial_capital, bot_id, epoch, &books)?;
        Ok(Self { twin: Twin::around(parts.world, parts.strategy, parts.risk), has_failed: false })
    }
    /// What a `System` has to know of the strategy: the second part of what it takes in its place.
    #[getter]
    fn described<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.twin.described().map_err(ToPy::to_py)?))
    }
    /// Answers a request of the `System`.
    fn answer<'py>(&mut self, py: Python<'py>, request: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        if self.has_failed {
            return Err(EngineError::new_err("this twin has failed before: make a new one"));
        }
        let mut has_failed = false;
        let failure = |source| -> Failure {
            has_failed = true;
            failure_of(source)
        };
        let answer = self.twin.answer(request, failure).map_err(ToPy::to_py)?;
        self.has_failed = has_failed;
        Ok(PyBytes::new(py, &answer))
    }
}
