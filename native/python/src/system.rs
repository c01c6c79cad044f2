//! The state machine, one step at a time, for drivers written in Python.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

use engine::event::{Command, Event, MarketEvent};
use engine::instrument::{InstrumentId, Instruments};
use engine::num::Money;
use engine::order::{FillEvent, OrderUpdate};
use engine::row::Row;
use engine::system::TradingSystem;
use engine::world::World;

use crate::config::{PyInstrument, instruments};
use crate::context::PyPosition;
use crate::errors::{EngineError, OrPy, ParameterError};
use crate::events::{
    PyAccountEvent, PyControl, PyFill, PyOrder, PyOrderUpdate, PyTimer, command_to_py, market_from_py, rows_from_py,
    with_instrument,
};
use crate::journal::{Journal, PyJournalWriter};
use crate::number::{from_python, to_decimal};
use crate::recover::{PyRecovered, recover};
use crate::risk::Risk;
use crate::source::kinds_of;
use crate::strategy::AnyStrategy;

/// The instruments of a system or venue, found by name.
pub struct Named {
    pub instruments: Instruments,
}

impl Named {
    pub fn new(symbols: &[String], rules: &[Py<PyInstrument>]) -> Self {
        Self { instruments: instruments(symbols, rules) }
    }

    pub fn find(&self, symbol: &str) -> PyResult<InstrumentId> {
        self.instruments.find(symbol).ok_or_else(|| {
            let names: Vec<&str> = self.instruments.iter().map(|(_, i)| i.symbol.as_str()).collect();
            ParameterError::new_err(format!("no symbol `{symbol}` here. There are: {}", names.join(", ")))
        })
    }

    pub fn market(&self, event: &Bound<'_, PyAny>) -> PyResult<MarketEvent> {
        let (event, symbol) = market_from_py(event)?;
        Ok(with_instrument(event, self.find(&symbol)?))
    }

    /// Appends the rows of an event about ticks; false if it is another kind of event.
    pub fn rows(&self, event: &Bound<'_, PyAny>, rows: &mut Vec<Row>) -> PyResult<bool> {
        let py = event.py();
        rows_from_py(event, |symbol| self.find(&symbol.bind(py).to_string_lossy()), rows)
    }

    pub fn symbol(&self, py: Python<'_>, id: InstrumentId) -> Py<PyString> {
        PyString::intern(py, self.instruments.symbol(id)).unbind()
    }
}

/// What a machine is made of.
pub struct Parts {
    pub world: World,
    pub strategy: AnyStrategy,
    pub risk: Risk,
}

impl Parts {
    /// As Python gives them.
    pub fn from_py(
        strategy: &Bound<'_, PyAny>,
        risk: &Bound<'_, PyAny>,
        symbols: &[String],
        rules: &[Py<PyInstrument>],
        initial_capital: &Bound<'_, PyAny>,
        bot_id: &str,
        epoch: u32,
        books: &[String],
    ) -> PyResult<Self> {
        let instruments = instruments(symbols, rules);
        let deposit: Money = from_python(initial_capital)?;
        let strategy = AnyStrategy::from_py(strategy, &instruments)?;
        let risk = Risk::from_py(risk, &instruments)?;
        let kinds = kinds_of(books, &instruments)?;
        let world = World::new(bot_id, epoch, instruments, deposit).with_books(&kinds);
        Ok(Self { world, strategy, risk })
    }
}

/// `step(event) -> commands`: strategy, risk and orders around one account. The same machine that backtest and replay run.
#[pyclass(name = "System", module = "algo_trade._native", unsendable)]
pub struct PySystem {
    named: Named,
    pub system: TradingSystem<AnyStrategy, Risk>,
    journal: Option<Arc<Journal>>,
    pub is_fresh: bool,
    pub has_failed: bool,
}

#[pymethods]
impl PySystem {
    /// `strategy` is (name, params) of a built-in one or a mapping of hooks; `risk` options or a mapping of methods; `books`
    /// says what drives the book of each symbol ("quote", "l2" or "l3"), and is empty for a world without books. To `journal` goes
    /// every event and every command, in order.
    #[new]
    #[pyo3(signature = (strategy, risk, *, symbols, rules, initial_capital, bot_id, epoch = 0, books = Vec::new(), journal = None))]
    fn new(
        strategy: &Bound<'_, PyAny>,
        risk: &Bound<'_, PyAny>,
        symbols: Vec<String>,
        rules: Vec<Py<PyInstrument>>,
        initial_capital: &Bound<'_, PyAny>,
        bot_id: &str,
        epoch: u32,
        books: Vec<String>,
        journal: Option<&PyJournalWriter>,
    ) -> PyResult<Self> {
        let parts = Parts::from_py(strategy, risk, &symbols, &rules, initial_capital, bot_id, epoch, &books)?;
        let named = Named { instruments: parts.world.instruments.clone() };
        let system = TradingSystem::around(parts.world, parts.strategy, parts.risk);
        let journal = journal.map(|writer| writer.inner.clone());
        Ok(Self { named, system, journal, is_fresh: true, has_failed: false })
    }
    /// Takes one event in, or a list: the market events of one instant together. Returns what is to be done, in order. After
    /// an exception it must not be called again.
    fn step<'py>(&mut self, py: Python<'py>, event: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        if self.has_failed {
            return Err(EngineError::new_err("this system has failed before: make a new one"));
        }
        let mut commands = Vec::new();
        if let Ok(fill) = event.cast::<PyFill>() {
            let instrument = self.named.find(&fill.get().symbol.bind(py).to_string_lossy())?;
            self.take(Event::Fill(&FillEvent { instrument, ..fill.get().inner.clone() }), &mut commands)?;
        } else if let Ok(update) = event.cast::<PyOrderUpdate>() {
            let instrument = self.named.find(&update.get().symbol.bind(py).to_string_lossy())?;
            self.take(Event::Order(&OrderUpdate { instrument, ..update.get().inner.clone() }), &mut commands)?;
        } else if let Ok(timer) = event.cast::<PyTimer>() {
            self.take(Event::Timer(timer.get().inner), &mut commands)?;
        } else if let Ok(account) = event.cast::<PyAccountEvent>() {
            let event = account.get().known_as(|symbol| self.named.find(symbol))?;
            self.take(Event::Account(&event), &mut commands)?;
        } else if let Ok(control) = event.cast::<PyControl>() {
            self.take(Event::Control(&control.get().inner), &mut commands)?;
        } else {
            self.step_market(event, &mut commands)?;
        }
        let shown = commands.into_iter().map(|c| command_to_py(py, c, |id| self.named.symbol(py, id)));
        PyList::new(py, shown.collect::<PyResult<Vec<_>>>()?)
    }
    /// Brings this system, which must be fresh, to where a journal ends: steps it through the events and compares every command.
    ///
    /// A journal that is damaged is followed up to the last whole frame, and `cut` says so. Raises JournalError at the first command
    /// that differs, and for a file that is no journal of this version; the system must not be used then.
    fn recover(&mut self, py: Python<'_>, path: PathBuf) -> PyResult<PyRecovered> {
        recover(self, py, &path)
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
    /// Every position that is open, with its symbol, by symbol.
    fn positions<'py>(&self, py: Python<'py>) -> PyResult<Vec<(Py<PyString>, PyPosition)>> {
        let world = self.system.world();
        let open = world.account.positions().map(|(id, inner, _)| {
            let position = PyPosition { inner, mark: world.last_price(id) };
            (self.named.symbol(py, id), position)
        });
        Ok(open.collect())
    }
    /// Every order that is not done, of all symbols, oldest first; those that are being cancelled among them.
    fn orders(&self, py: Python<'_>) -> PyResult<Vec<Py<PyOrder>>> {
        let orders = self.system.world().orders.by_age().into_iter().map(|order| {
            let symbol = self.named.symbol(py, order.event.instrument);
            Py::new(py, PyOrder { symbol, leaves: order.leaves, inner: order.event.clone() })
        });
        orders.collect()
    }
    /// The lines that sum up to equity, and what positions are worth, in quote currency. Equity is deposit, realised, rebates,
    /// funding and unrealised, less fees, builder and backstop_loss.
    fn account<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let account = &self.system.world().account;
        let lines = account.lines();
        let shown = PyDict::new(py);
        for (name, money) in [
            ("deposit", lines.deposit),
            ("realised", lines.realised),
            ("fees", lines.fees),
            ("rebates", lines.rebates),
            ("builder", lines.builder),
            ("funding", lines.funding),
            ("backstop_loss", lines.backstop_loss),
            ("unrealised", account.unrealised()),
            ("gross_notional", account.gross_notional()),
        ] {
            shown.set_item(name, to_decimal(py, money)?)?;
        }
        Ok(shown)
    }
    /// Part of the ids of orders: which run of the bot this is.
    #[getter]
    fn epoch(&self) -> u32 {
        self.system.world().orders.epoch()
    }
    /// Whether it may trade, by the operator's last word: "trading", "warming_up" or "paused".
    #[getter]
    fn mode(&self) -> &'static str {
        self.system.world().mode.as_str()
    }
}

impl PySystem {
    /// Market events of one instant: ticks as one stretch, as in a backtest, and then whatever sums them up.
    fn step_market(&mut self, event: &Bound<'_, PyAny>, commands: &mut Vec<Command>) -> PyResult<()> {
        let events: Vec<Bound<'_, PyAny>> = if event.is_instance_of::<PyList>() || event.is_instance_of::<PyTuple>() {
            event.extract()?
        } else {
            vec![event.clone()]
        };
        let has_books = !self.system.world().books.is_empty();
        let (mut rows, mut others): (Vec<Row>, Vec<MarketEvent>) = (Vec::new(), Vec::new());
        for event in &events {
            if !(has_books && self.named.rows(event, &mut rows)?) {
                others.push(self.named.market(event)?);
            }
        }
        if !rows.is_empty() {
            self.take(Event::Ticks(&rows), commands)?;
        }
        others.iter().try_for_each(|market| self.take(Event::Market(market), commands))
    }

    /// One event into the machine, and what it led to into the journal.
    fn take(&mut self, event: Event<'_>, commands: &mut Vec<Command>) -> PyResult<()> {
        // A machine must not go where its journal does not follow.
        self.journal.as_ref().map_or(Ok(()), |journal| journal.appender.check()).or_py()?;
        self.is_fresh = false;
        let before = commands.len();
        let stepped = self.system.step(event, commands);
        self.has_failed = stepped.is_err();
        stepped.or_py()?;
        if let Some(journal) = &self.journal {
            let written = journal.append_step(event, commands.get(before..).unwrap_or_default());
            self.has_failed = written.is_err();
            written.or_py()?;
        }
        Ok(())
    }
}
