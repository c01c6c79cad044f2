//! The simulated venue, one event at a time, for drivers written in Python.

use pyo3::prelude::*;
use pyo3::types::PyList;

use engine::event::{AccountEvent, Command};
use engine::num::Money;
use engine::order::{FillEvent, OrderUpdate};
use engine::time::Nanos;
use engine::venue::{BarMatching, OneClockError, OneClockVenue, Report, SimulatedVenue};

use crate::config::{PyInstrument, PyVenueOptions};
use crate::errors::{OrPy, ParameterError, ToPy};
use crate::events::{PyAccountEvent, PyFill, PyOrderUpdate, command_from_py};
use crate::number::from_python;
use crate::source::kinds_of;
use crate::system::Named;

/// What orders meet.
enum Market {
    /// Bars, and other events of a market without books.
    Bars(Box<SimulatedVenue<BarMatching>>),
    /// Books.
    Books(Box<OneClockVenue>),
}

/// The simulated venue, one event at a time.
#[pyclass(name = "SimulatedVenue", module = "algo_trade._native")]
pub struct PyVenue {
    named: Named,
    market: Market,
}

impl PyVenue {
    fn show<'py>(&self, py: Python<'py>, mut reports: Vec<Report>) -> PyResult<Bound<'py, PyList>> {
        reports.sort_by_key(|report| report.event().time());
        let fill = |inner: FillEvent| Py::new(py, PyFill { symbol: self.named.symbol(py, inner.instrument), inner });
        let update =
            |inner: OrderUpdate| Py::new(py, PyOrderUpdate { symbol: self.named.symbol(py, inner.instrument), inner });
        let account = |inner: AccountEvent| {
            let symbol = inner.instrument().map(|id| self.named.symbol(py, id));
            Py::new(py, PyAccountEvent { symbol, inner })
        };
        let shown = reports.into_iter().map(|report| match report {
            Report::Fill(inner) => fill(inner).map(Py::into_any),
            Report::Order(inner) => update(inner).map(Py::into_any),
            Report::Account(inner) => account(inner).map(Py::into_any),
        });
        PyList::new(py, shown.collect::<PyResult<Vec<_>>>()?)
    }
}

#[pymethods]
impl PyVenue {
    /// `books` says what drives the book of each symbol ("quote", "l2" or "l3"), and is empty where orders meet bars.
    #[new]
    #[pyo3(signature = (options, *, symbols, rules, initial_capital, books = Vec::new()))]
    fn new(
        options: &PyVenueOptions,
        symbols: Vec<String>,
        rules: Vec<Py<PyInstrument>>,
        initial_capital: &Bound<'_, PyAny>,
        books: Vec<String>,
    ) -> PyResult<Self> {
        let named = Named::new(&symbols, &rules);
        let deposit: Money = from_python(initial_capital)?;
        let (config, instruments) = (options.inner.clone(), named.instruments.clone());
        let kinds = kinds_of(&books, &instruments)?;
        let market = if kinds.is_empty() {
            Market::Bars(Box::new(SimulatedVenue::bars(config, instruments, deposit)))
        } else {
            Market::Books(Box::new(OneClockVenue::new(config, instruments, &kinds, deposit).or_py()?))
        };
        Ok(Self { named, market })
    }
    /// Takes over a position or money from another run, before the first event of this one.
    fn restore(&mut self, event: &Bound<'_, PyAccountEvent>) -> PyResult<()> {
        let event = event.get().known_as(|symbol| self.named.find(symbol))?;
        match &mut self.market {
            Market::Bars(venue) => venue.restore(&event).or_py(),
            Market::Books(venue) => venue.restore(&event).or_py(),
        }
    }
    /// Hears the market; returns fills and order updates, by time.
    fn on_market_event<'py>(&mut self, py: Python<'py>, event: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        let mut reports = Vec::new();
        match &mut self.market {
            Market::Bars(venue) => venue.on_market(&self.named.market(event)?, &mut reports).or_py()?,
            Market::Books(venue) => {
                let mut rows = Vec::new();
                if !self.named.rows(event, &mut rows)? {
                    return Err(ParameterError::new_err(format!(
                        "{} tells nothing of a book, and this venue matches on books",
                        event.repr()?
                    )));
                }
                venue.on_market(&rows, &mut reports).or_py()?;
            }
        }
        self.show(py, reports)
    }
    /// Does what was due by the clock up to `now_ns`, all market events up to then having been told; returns as above.
    fn on_time<'py>(&mut self, py: Python<'py>, now_ns: i64) -> PyResult<Bound<'py, PyList>> {
        let mut reports = Vec::new();
        if let Market::Books(venue) = &mut self.market {
            venue.on_time(Nanos::from_raw(now_ns), &mut reports).or_py()?;
        }
        self.show(py, reports)
    }
    /// When something falls due by the clock alone, in nanoseconds since the epoch; None: nothing does.
    #[getter]
    fn next_time_ns(&self) -> Option<i64> {
        match &self.market {
            Market::Bars(_) => None,
            Market::Books(venue) => venue.next_time().map(Nanos::raw),
        }
    }
    /// Carries out a command that arrives at `now_ns`; returns fills and order updates, by time.
    fn execute<'py>(
        &mut self,
        py: Python<'py>,
        command: &Bound<'py, PyAny>,
        now_ns: i64,
    ) -> PyResult<Bound<'py, PyList>> {
        let (command, now): (Command, _) = (command_from_py(command)?, Nanos::from_raw(now_ns));
        let mut reports = Vec::new();
        match &mut self.market {
            Market::Bars(venue) => venue.on_command(&command, now, &mut reports).or_py()?,
            Market::Books(venue) => venue.on_command(&command, now, &mut reports).or_py()?,
        }
        self.show(py, reports)
    }
}

impl ToPy for OneClockError {
    fn to_py(self) -> PyErr {
        ParameterError::new_err(self.to_string())
    }
}
