//! The state machine and the simulated venue, one step at a time, for drivers written in Python.

use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};

use engine::event::{AccountEvent, Command, Event, MarketEvent};
use engine::instrument::{InstrumentId, Instruments};
use engine::num::Money;
use engine::order::{FillEvent, OrderUpdate};
use engine::system::TradingSystem;
use engine::time::Nanos;
use engine::venue::{BarMatching, Report, SimulatedVenue};

use crate::config::{PyInstrument, PyVenueOptions, instruments};
use crate::context::PyPosition;
use crate::errors::{EngineError, OrPy, ParameterError};
use crate::events::{
    PyAccountEvent, PyControl, PyFill, PyOrderUpdate, PyTimer, command_from_py, command_to_py, market_from_py,
    with_instrument,
};
use crate::number::{from_python, to_decimal};
use crate::risk::Risk;
use crate::strategy::AnyStrategy;

/// The instruments of a system or venue, found by name.
struct Named {
    instruments: Instruments,
}

impl Named {
    fn new(symbols: &[String], rules: &[Py<PyInstrument>]) -> Self {
        Self { instruments: instruments(symbols, rules) }
    }

    fn find(&self, symbol: &str) -> PyResult<InstrumentId> {
        self.instruments.find(symbol).ok_or_else(|| {
            let names: Vec<&str> = self.instruments.iter().map(|(_, i)| i.symbol.as_str()).collect();
            ParameterError::new_err(format!("no symbol `{symbol}` here. There are: {}", names.join(", ")))
        })
    }

    fn market(&self, event: &Bound<'_, PyAny>) -> PyResult<MarketEvent> {
        let (event, symbol) = market_from_py(event)?;
        Ok(with_instrument(event, self.find(&symbol)?))
    }

    fn symbol(&self, py: Python<'_>, id: InstrumentId) -> Py<PyString> {
        PyString::intern(py, self.instruments.symbol(id)).unbind()
    }
}

/// `step(event) -> commands`: strategy, risk and orders around one account. The same machine that backtest and replay run.
#[pyclass(name = "System", module = "algo_trade._native", unsendable)]
pub struct PySystem {
    named: Named,
    system: TradingSystem<AnyStrategy, Risk>,
    has_failed: bool,
}

#[pymethods]
impl PySystem {
    /// `strategy` is (name, params) of a built-in one or a mapping of hooks; `risk` options or a mapping of methods.
    #[new]
    #[pyo3(signature = (strategy, risk, *, symbols, rules, initial_capital, bot_id, epoch = 0))]
    fn new(
        strategy: &Bound<'_, PyAny>,
        risk: &Bound<'_, PyAny>,
        symbols: Vec<String>,
        rules: Vec<Py<PyInstrument>>,
        initial_capital: &Bound<'_, PyAny>,
        bot_id: &str,
        epoch: u32,
    ) -> PyResult<Self> {
        let named = Named::new(&symbols, &rules);
        let instruments = named.instruments.clone();
        let deposit: Money = from_python(initial_capital)?;
        let strategy = AnyStrategy::from_py(strategy, &instruments)?;
        let risk = Risk::from_py(risk, &instruments)?;
        let system = TradingSystem::new(bot_id, epoch, instruments, deposit, strategy, risk);
        Ok(Self { named, system, has_failed: false })
    }
    /// Takes one event in and returns what is to be done, in order. After an exception it must not be called again.
    fn step<'py>(&mut self, py: Python<'py>, event: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        if self.has_failed {
            return Err(EngineError::new_err("this system has failed before: make a new one"));
        }
        let mut commands = Vec::new();
        let system = &mut self.system;
        let stepped = if let Ok(fill) = event.cast::<PyFill>() {
            let instrument = self.named.find(&fill.get().symbol.bind(py).to_string_lossy())?;
            system.step(Event::Fill(&FillEvent { instrument, ..fill.get().inner.clone() }), &mut commands)
        } else if let Ok(update) = event.cast::<PyOrderUpdate>() {
            let instrument = self.named.find(&update.get().symbol.bind(py).to_string_lossy())?;
            system.step(Event::Order(&OrderUpdate { instrument, ..update.get().inner.clone() }), &mut commands)
        } else if let Ok(timer) = event.cast::<PyTimer>() {
            system.step(Event::Timer(timer.get().inner), &mut commands)
        } else if let Ok(account) = event.cast::<PyAccountEvent>() {
            system.step(Event::Account(&account.get().inner), &mut commands)
        } else if let Ok(control) = event.cast::<PyControl>() {
            system.step(Event::Control(&control.get().inner), &mut commands)
        } else {
            let market = self.named.market(event)?;
            system.step(Event::Market(&market), &mut commands)
        };
        self.has_failed = stepped.is_err();
        stepped.or_py()?;
        let shown = commands.into_iter().map(|c| command_to_py(py, c, |id| self.named.symbol(py, id)));
        PyList::new(py, shown.collect::<PyResult<Vec<_>>>()?)
    }
    /// Cash and unrealised profit together, in quote currency.
    #[getter]
    fn equity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.system.world().account.equity().or_py()?)
    }
    /// Equity without unrealised profit, in quote currency.
    #[getter]
    fn cash<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.system.world().account.cash())
    }
    /// The position in a symbol, as it is now.
    fn position(&self, symbol: &str) -> PyResult<PyPosition> {
        let (id, world) = (self.named.find(symbol)?, self.system.world());
        Ok(PyPosition { inner: world.account.position(id), mark: world.last_price(id) })
    }
}

/// The simulated venue on bars, one event at a time.
#[pyclass(name = "SimulatedVenue", module = "algo_trade._native")]
pub struct PyVenue {
    named: Named,
    venue: SimulatedVenue<BarMatching>,
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
    #[new]
    #[pyo3(signature = (options, *, symbols, rules, initial_capital))]
    fn new(
        options: &PyVenueOptions,
        symbols: Vec<String>,
        rules: Vec<Py<PyInstrument>>,
        initial_capital: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let named = Named::new(&symbols, &rules);
        let deposit: Money = from_python(initial_capital)?;
        let venue = SimulatedVenue::bars(options.inner.clone(), named.instruments.clone(), deposit);
        Ok(Self { named, venue })
    }
    /// Hears the market; returns fills and order updates, by time.
    fn on_market_event<'py>(&mut self, py: Python<'py>, event: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        let event = self.named.market(event)?;
        let mut reports = Vec::new();
        self.venue.on_market(&event, &mut reports).or_py()?;
        self.show(py, reports)
    }
    /// Carries out a command that arrives at `now_ns`; returns fills and order updates, by time.
    fn execute<'py>(
        &mut self,
        py: Python<'py>,
        command: &Bound<'py, PyAny>,
        now_ns: i64,
    ) -> PyResult<Bound<'py, PyList>> {
        let command: Command = command_from_py(command)?;
        let mut reports = Vec::new();
        self.venue.on_command(&command, Nanos::from_raw(now_ns), &mut reports).or_py()?;
        self.show(py, reports)
    }
}
