//! What a run left, by its journal alone.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyString;

use engine::account::Account;
use engine::instrument::InstrumentId;
use engine::journal::{Estate, EstateError, estate};
use engine::num::Money;

use crate::errors::JournalError;
use crate::events::{PyFill, PyOrder};
use crate::journal::PyJournal;
use crate::number::{from_python, to_decimal};

/// What a run left, by its journal alone: without its strategy, which may be another one by now.
#[pyclass(frozen, name = "JournalEstate", module = "algo_trade._native")]
pub struct PyJournalEstate {
    inner: Estate,
    symbols: Vec<String>,
}

impl PyJournalEstate {
    fn symbol(&self, py: Python<'_>, id: InstrumentId) -> Py<PyString> {
        PyString::intern(py, self.symbols.get(id.index()).map_or("", String::as_str)).unbind()
    }
}

/// A symbol with the quantity and the entry price of its position.
type Held<'py> = (Py<PyString>, Bound<'py, PyAny>, Bound<'py, PyAny>);

#[pymethods]
impl PyJournalEstate {
    /// Equity without unrealised profit, in quote currency.
    #[getter]
    fn cash<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.inner.account.cash())
    }
    /// Open positions as (symbol, quantity, entry price).
    #[getter]
    fn positions<'py>(&self, py: Python<'py>) -> PyResult<Vec<Held<'py>>> {
        let held = self.inner.account.positions().map(|(id, position, _)| {
            let entry = position.entry_price().unwrap_or_default();
            Ok((self.symbol(py, id), to_decimal(py, position.quantity)?, to_decimal(py, entry)?))
        });
        held.collect()
    }
    /// Orders that were not done, with what was left of them, by id.
    #[getter]
    fn orders<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyOrder>>> {
        let shown = self.inner.orders.iter().map(|(order, leaves)| {
            let symbol = self.symbol(py, order.instrument);
            Bound::new(py, PyOrder { symbol, leaves: *leaves, inner: order.clone() })
        });
        shown.collect()
    }
    /// The fills of those orders, and those of nobody's.
    #[getter]
    fn fills<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyFill>>> {
        let fills = self.inner.fills.iter();
        let shown =
            fills.map(|fill| Bound::new(py, PyFill { symbol: self.symbol(py, fill.instrument), inner: fill.clone() }));
        shown.collect()
    }
    /// When funding of a symbol was settled last, in nanoseconds since the epoch, of those that had any.
    #[getter]
    fn last_funding_ns(&self) -> BTreeMap<String, i64> {
        let name = |id: InstrumentId| self.symbols.get(id.index()).cloned().unwrap_or_default();
        self.inner.fundings.iter().map(|(id, time)| (name(*id), time.raw())).collect()
    }
    /// The journal says that the run came to its end.
    #[getter]
    fn has_ended(&self) -> bool {
        self.inner.has_ended
    }
}

/// Adds up what a journal says, up to its end or to where it stops being whole. `symbols` are those of its system.
#[pyfunction]
#[pyo3(signature = (path, *, symbols, initial_capital))]
pub fn journal_estate(
    py: Python<'_>,
    path: PathBuf,
    symbols: Vec<String>,
    initial_capital: &Bound<'_, PyAny>,
) -> PyResult<PyJournalEstate> {
    let deposit: Money = from_python(initial_capital)?;
    let mut reader = PyJournal::open(&path)?;
    let account = Account::new(deposit, symbols.len());
    let found = py.detach(|| estate(&mut reader, account));
    let named = |error: EstateError| JournalError::new_err(format!("{}: {error}", path.display()));
    Ok(PyJournalEstate { inner: found.map_err(named)?, symbols })
}
