//! A system brought to where its journal ends.

use std::path::Path;

use pyo3::prelude::*;

use engine::recovery::{Recovered, Recovery};
use engine::replay::ReplayError;
use engine::time::Nanos;

use crate::errors::{EngineError, JournalError, ToPy};
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
    /// Every fill in the journal as (cloid, oid, trade_id, time_ns), in the order in which the system heard of it.
    #[getter]
    fn fills(&self) -> Vec<(String, u64, u64, i64)> {
        let known = self.inner.fills.iter();
        known.map(|fill| (fill.cloid.to_string(), fill.oid, fill.trade_id, fill.time.raw())).collect()
    }
    fn __repr__(&self) -> String {
        let Recovered { events, commands, has_ended, fills, cut } = &self.inner;
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
            AnyStrategy::Python(_) => recovery.advance(machine, RECORDS),
            AnyStrategy::Builtin(_) | AnyStrategy::Compiled(_) => py.detach(|| recovery.advance(machine, RECORDS)),
        };
        if let Some(found) = found.map_err(named)? {
            break found;
        }
        py.check_signals()?;
    };
    let last_time = if inner.events == 0 { Nanos::ZERO } else { machine.world().now };
    system.has_failed = false;
    Ok(PyRecovered { inner, last_time })
}
