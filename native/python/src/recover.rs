//! A system brought to where its journal ends.

use std::collections::BTreeMap;
use std::path::Path;

use pyo3::prelude::*;
use pyo3::types::PyString;

use engine::instrument::InstrumentId;
use engine::recovery::{Recovered, Recovery};
use engine::replay::ReplayError;
use engine::time::Nanos;

use crate::errors::{EngineError, JournalError, ToPy};
use crate::events::PyFill;
use crate::journal::PyJournal;
use crate::strategy::AnyStrategy;
use crate::system::PySystem;

/// After so many records somebody may have pressed Ctrl-C.
const RECORDS: usize = 50_000;

/// What was found in a journal that a system was recovered from.
#[pyclass(frozen, name = "Recovered", module = "algo_trade._native")]
pub struct PyRecovered {
    inner: Recovered,
    last_time: Nanos,
    symbols: Vec<String>,
}

impl PyRecovered {
    fn by_symbol(&self, times: &[(InstrumentId, Nanos)]) -> BTreeMap<String, i64> {
        let name = |id: InstrumentId| self.symbols.get(id.index()).cloned().unwrap_or_default();
        times.iter().map(|(id, time)| (name(*id), time.raw())).collect()
    }

    fn symbol(&self, py: Python<'_>, id: InstrumentId) -> Py<PyString> {
        PyString::intern(py, self.symbols.get(id.index()).map_or("", String::as_str)).unbind()
    }
}

#[pymethods]
impl PyRecovered {
    /// Events that were fed in.
    #[getter]
    fn events(&self) -> u64 {
        self.inner.events
    }
    /// Commands that were the same.
    #[getter]
    fn commands(&self) -> u64 {
        self.inner.commands
    }
    /// The latest time of an event, in nanoseconds since the epoch; 0 if there was none.
    #[getter]
    fn last_time_ns(&self) -> i64 {
        self.last_time.raw()
    }
    /// The journal says that the run came to its end.
    #[getter]
    fn has_ended(&self) -> bool {
        self.inner.has_ended
    }
    /// In words, what was damaged and where; None if all was whole.
    #[getter]
    fn cut(&self) -> Option<&str> {
        self.inner.cut.as_deref()
    }
    /// The fills of orders that are not done, order by order.
    #[getter]
    fn fills<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyFill>>> {
        let shown = self
            .inner
            .fills
            .iter()
            .map(|fill| Bound::new(py, PyFill { symbol: self.symbol(py, fill.instrument), inner: fill.clone() }));
        shown.collect()
    }
    /// The ids of orders that are not done and of which the end or a change was asked for, oldest first: that may never have left.
    #[getter]
    fn in_doubt(&self) -> Vec<String> {
        self.inner.in_doubt.iter().map(ToString::to_string).collect()
    }
    /// Timers that were set and have not come due, as (time_ns, id).
    #[getter]
    fn timers(&self) -> Vec<(i64, u64)> {
        self.inner.timers.iter().map(|(time, id)| (time.raw(), *id)).collect()
    }
    /// When the last bar of a symbol closed, in nanoseconds since the epoch, of those that had one.
    #[getter]
    fn last_bar_ns(&self) -> BTreeMap<String, i64> {
        self.by_symbol(&self.inner.bars)
    }
    /// When funding of a symbol was settled last, in nanoseconds since the epoch, of those that had any.
    #[getter]
    fn last_funding_ns(&self) -> BTreeMap<String, i64> {
        self.by_symbol(&self.inner.fundings)
    }
    fn __repr__(&self) -> String {
        let Recovered { events, commands, has_ended, fills, cut, .. } = &self.inner;
        let has_ended = if *has_ended { "True" } else { "False" };
        let cut = cut.as_ref().map_or_else(|| "None".to_owned(), |cut| format!("{cut:?}"));
        format!(
            "Recovered(events={events}, commands={commands}, last_time_ns={}, has_ended={has_ended}, cut={cut}, {} fills)",
            self.last_time.raw(),
            fills.len()
        )
    }
}

/// See `System.recover`.
pub fn recover(system: &mut PySystem, py: Python<'_>, path: &Path) -> PyResult<PyRecovered> {
    if !system.is_fresh {
        return Err(EngineError::new_err("recover: this system has been stepped already: make a new one"));
    }
    let mut recovery = Recovery::new(PyJournal::open(path)?);
    // Where it does not end well, the machine is in the middle of something.
    (system.is_fresh, system.has_failed) = (false, true);
    let named = |error: ReplayError| match error {
        ReplayError::System(error) => error.to_py(),
        other => JournalError::new_err(format!("{}: {other}", path.display())),
    };
    let machine = &mut system.system;
    let inner = loop {
        let found = match machine.strategy() {
            AnyStrategy::Python(_) | AnyStrategy::Apart(_) => recovery.advance(machine, RECORDS),
            AnyStrategy::Builtin(_) | AnyStrategy::Compiled(_) => py.detach(|| recovery.advance(machine, RECORDS)),
        };
        if let Some(found) = found.map_err(named)? {
            break found;
        }
        py.check_signals()?;
    };
    let last_time = if inner.events == 0 { Nanos::ZERO } else { machine.world().now };
    system.has_failed = false;
    let symbols = machine.world().instruments.iter().map(|(_, each)| each.symbol.clone()).collect();
    Ok(PyRecovered { inner, last_time, symbols })
}
