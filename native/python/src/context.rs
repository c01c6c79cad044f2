//! What a Python strategy sees and how it answers: the `ctx` of its hooks.

use std::cell::RefCell;

use pyo3::prelude::*;
use pyo3::types::PyString;

use engine::account::Position;
use engine::bars::Rule;
use engine::instrument::{InstrumentId, Instruments};
use engine::num::{Price, Qty, Rate};
use engine::order::{Cloid, Side};
use engine::strategy::Context;
use engine::time::Nanos;

use crate::book::PyBook;
use crate::errors::{OrPy, ParameterError, StrategyError};
use crate::events::{PyOrder, PySignal, cloid_of, to_datetime};
use crate::feeds::Feeds;
use crate::indicators::{Indicator, field_from_name};
use crate::lend::Lent;
use crate::number::{from_python, to_decimal};
use crate::place::Placed;

/// What a strategy sees and how it answers. It is valid inside a hook only.
#[pyclass(name = "Context", module = "algo_trade._native", unsendable)]
pub struct PyContext {
    pub lent: Lent,
    pub instruments: Instruments,
    pub symbols: Vec<Py<PyString>>,
    /// Intervals of repeating timers, by id.
    pub timers: RefCell<Vec<Option<Nanos>>>,
    /// Bars wanted besides those of the data.
    pub resolutions: Vec<Rule>,
    pub feeds: Feeds,
}

impl PyContext {
    pub fn new(py: Python<'_>, instruments: &Instruments, resolutions: Vec<Rule>) -> Self {
        let symbols = instruments.iter().map(|(_, i)| PyString::intern(py, &i.symbol).unbind()).collect();
        Self {
            lent: Lent::default(),
            instruments: instruments.clone(),
            symbols,
            timers: RefCell::default(),
            resolutions,
            feeds: Feeds::default(),
        }
    }

    pub fn with<R>(&self, look: impl FnOnce(&mut Context<'_>) -> R) -> PyResult<R> {
        let outside = || StrategyError::new_err("ctx was used outside a hook: it is valid only while a hook runs");
        self.lent.with(look).ok_or_else(outside)
    }

    pub fn find(&self, symbol: &str) -> PyResult<InstrumentId> {
        self.instruments.find(symbol).ok_or_else(|| {
            let names: Vec<&str> = self.instruments.iter().map(|(_, i)| i.symbol.as_str()).collect();
            ParameterError::new_err(format!("no symbol `{symbol}` in this run. There are: {}", names.join(", ")))
        })
    }

    pub fn symbol(&self, py: Python<'_>, id: InstrumentId) -> Py<PyString> {
        self.symbols.get(id.index()).map_or_else(|| PyString::new(py, "?").unbind(), |s| s.clone_ref(py))
    }

    /// One of the strategy's resolutions.
    fn resolution(&self, text: &str) -> PyResult<Rule> {
        let rule: Rule = text.parse().or_py()?;
        if self.resolutions.contains(&rule) {
            return Ok(rule);
        }
        let known: Vec<String> = self.resolutions.iter().map(ToString::to_string).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Err(ParameterError::new_err(format!(
            "resolution = {text}: name it in the strategy's `resolutions`, which has: {known}"
        )))
    }

    fn locate(&self, cloid: &str) -> PyResult<(InstrumentId, Cloid)> {
        let parsed = cloid_of(cloid)?;
        let found = self.with(|ctx| {
            let ids = (0_u32..).map(InstrumentId).take(ctx.world.instruments.len());
            ids.into_iter().find(|id| ctx.world.orders.get(*id, parsed).is_some())
        })?;
        // An order placed in this very hook is not known to the world yet, nor is one that is done: both are passed on.
        Ok((found.unwrap_or_default(), parsed))
    }

    fn place(&self, symbol: &str, side: Side, order: &Placed<'_, '_>) -> PyResult<String> {
        let request = order.request(self.find(symbol)?, side)?;
        self.with(|ctx| ctx.place(request).to_string())
    }
}

#[pymethods]
impl PyContext {
    /// The time of the present event, UTC.
    #[getter]
    fn now<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_datetime(py, self.with(|ctx| ctx.world.now)?)
    }
    /// The time of the present event, in nanoseconds since the epoch.
    #[getter]
    fn now_ns(&self) -> PyResult<i64> {
        self.with(|ctx| ctx.world.now.raw())
    }
    /// The symbols of this run, sorted.
    #[getter]
    fn symbols(&self, py: Python<'_>) -> Vec<Py<PyString>> {
        self.symbols.iter().map(|s| s.clone_ref(py)).collect()
    }
    /// Cash and unrealised profit together, in quote currency.
    #[getter]
    fn equity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.with(|ctx| ctx.world.account.equity())?.or_py()?)
    }
    /// Equity without unrealised profit, in quote currency.
    #[getter]
    fn cash<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.with(|ctx| ctx.world.account.cash())?)
    }
    /// The last price of a symbol; zero before the first.
    fn price<'py>(&self, py: Python<'py>, symbol: &str) -> PyResult<Bound<'py, PyAny>> {
        let id = self.find(symbol)?;
        to_decimal(py, self.with(|ctx| ctx.world.last_price(id))?)
    }
    /// The order book of a symbol: a view of the present, whenever it is asked.
    fn book(slf: Bound<'_, Self>, symbol: &str) -> PyResult<PyBook> {
        let id = slf.borrow().find(symbol)?;
        Ok(PyBook { ctx: slf.unbind(), id, symbol: symbol.to_owned() })
    }
    /// The position in a symbol, as it is now.
    fn position(&self, symbol: &str) -> PyResult<PyPosition> {
        let id = self.find(symbol)?;
        self.with(|ctx| PyPosition { inner: ctx.world.account.position(id), mark: ctx.world.last_price(id) })
    }
    /// The orders of a symbol that are not done, as they are now.
    fn orders(&self, py: Python<'_>, symbol: &str) -> PyResult<PyOrders> {
        let id = self.find(symbol)?;
        let live = self.with(|ctx| ctx.world.orders.of(id).cloned().collect::<Vec<_>>())?;
        let orders = live
            .into_iter()
            .filter(|o| !o.is_cancelling)
            .map(|o| Py::new(py, PyOrder { inner: o.event, leaves: o.leaves, symbol: self.symbol(py, id) }));
        Ok(PyOrders { open: orders.collect::<PyResult<_>>()? })
    }
    /// Ties an indicator to the bars of a symbol, and returns it: it has taken a bar before the hook sees that bar.
    ///
    /// `field` is open, high, low, close, volume, typical or median; `symbol` may be left out where there is one;
    /// `resolution` is one of the strategy's `resolutions`, or None for the bars of the data.
    #[pyo3(signature = (indicator, *, field = "close", symbol = None, resolution = None))]
    fn indicator<'py>(
        &self,
        indicator: Bound<'py, Indicator>,
        field: &str,
        symbol: Option<&str>,
        resolution: Option<&str>,
    ) -> PyResult<Bound<'py, Indicator>> {
        let instrument = match symbol {
            Some(symbol) => self.find(symbol)?,
            None if self.symbols.len() == 1 => InstrumentId(0),
            None => {
                return Err(ParameterError::new_err(
                    "ctx.indicator: this run has several symbols: say which, symbol=…",
                ));
            }
        };
        let rule = resolution.map(|text| self.resolution(text)).transpose()?;
        self.feeds.tie(&indicator, instrument, rule, field_from_name(field)?)?;
        Ok(indicator)
    }
    /// Asks for a target; returning it from the hook does the same.
    fn signal(&self, signal: &PySignal) -> PyResult<()> {
        let id = self.find(&signal.symbol)?;
        self.with(|ctx| ctx.signal(id, signal.kind.into(), Rate::from_raw(signal.strength)))
    }
    /// Buys: at market, or with `price`, `stop`, `take_profit`, `trail`, `twap_ns`. Returns the cloid.
    ///
    /// With `parent` (a cloid) it wakes when that order is filled; `for_position` makes it as large as the position is then.
    #[pyo3(signature = (symbol, quantity = None, *, price = None, stop = None, take_profit = None, trail = None, twap_ns = None, time_in_force = "gtc", reduce_only = false, parent = None, for_position = false, expires_after_ns = None))]
    fn buy(
        &self,
        symbol: &str,
        quantity: Option<&Bound<'_, PyAny>>,
        price: Option<&Bound<'_, PyAny>>,
        stop: Option<&Bound<'_, PyAny>>,
        take_profit: Option<&Bound<'_, PyAny>>,
        trail: Option<&Bound<'_, PyAny>>,
        twap_ns: Option<i64>,
        time_in_force: &str,
        reduce_only: bool,
        parent: Option<&str>,
        for_position: bool,
        expires_after_ns: Option<i64>,
    ) -> PyResult<String> {
        let order = Placed {
            quantity,
            price,
            stop,
            take_profit,
            trail,
            twap_ns,
            time_in_force,
            reduce_only,
            parent,
            for_position,
            expires_after_ns,
        };
        self.place(symbol, Side::Buy, &order)
    }
    /// Sells; see `buy`.
    #[pyo3(signature = (symbol, quantity = None, *, price = None, stop = None, take_profit = None, trail = None, twap_ns = None, time_in_force = "gtc", reduce_only = false, parent = None, for_position = false, expires_after_ns = None))]
    fn sell(
        &self,
        symbol: &str,
        quantity: Option<&Bound<'_, PyAny>>,
        price: Option<&Bound<'_, PyAny>>,
        stop: Option<&Bound<'_, PyAny>>,
        take_profit: Option<&Bound<'_, PyAny>>,
        trail: Option<&Bound<'_, PyAny>>,
        twap_ns: Option<i64>,
        time_in_force: &str,
        reduce_only: bool,
        parent: Option<&str>,
        for_position: bool,
        expires_after_ns: Option<i64>,
    ) -> PyResult<String> {
        let order = Placed {
            quantity,
            price,
            stop,
            take_profit,
            trail,
            twap_ns,
            time_in_force,
            reduce_only,
            parent,
            for_position,
            expires_after_ns,
        };
        self.place(symbol, Side::Sell, &order)
    }
    /// Changes price and remaining quantity of an order; what is left out stays.
    ///
    /// An order that is done already gives an order update, `action_rejected` with the reason `not_found`.
    #[pyo3(signature = (cloid, *, price = None, quantity = None))]
    fn modify(
        &self,
        cloid: &str,
        price: Option<&Bound<'_, PyAny>>,
        quantity: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let (instrument, id) = self.locate(cloid)?;
        let price: Option<Price> = price.map(from_python).transpose()?;
        let quantity: Option<Qty> = quantity.map(from_python).transpose()?;
        self.with(|ctx| {
            // An order that is gone: the answer is an order update, since it may go at any moment on a real venue.
            let order = ctx.world.orders.get(instrument, id);
            let present = order.and_then(|o| o.event.kind.price().or(o.event.kind.trigger()));
            let quantity = quantity.or(order.map(|o| o.leaves)).unwrap_or_default();
            ctx.modify(instrument, id, price.or(present).unwrap_or_default(), quantity);
        })
    }
    /// Takes an order away; one that is done already is left alone.
    fn cancel(&self, cloid: &str) -> PyResult<()> {
        let (instrument, id) = self.locate(cloid)?;
        self.with(|ctx| ctx.cancel(instrument, id))
    }
    /// Takes all orders of a symbol away, or of all symbols.
    #[pyo3(signature = (symbol = None))]
    fn cancel_all(&self, symbol: Option<&str>) -> PyResult<()> {
        let only = symbol.map(|s| self.find(s)).transpose()?;
        self.with(|ctx| {
            let ids = (0_u32..).map(InstrumentId).take(ctx.world.instruments.len());
            for id in ids.filter(|id| only.is_none_or(|o| o == *id)) {
                let cloids: Vec<Cloid> = ctx.world.orders.of(id).map(|o| o.event.cloid).collect();
                for cloid in cloids {
                    ctx.cancel(id, cloid);
                }
            }
        })
    }
    /// Asks the venue to take all orders away at `time_ns`, unless that is moved; None takes the plan back.
    fn schedule_cancel(&self, time_ns: Option<i64>) -> PyResult<()> {
        self.with(|ctx| ctx.schedule_cancel(time_ns.map(Nanos::from_raw)))
    }
    /// Calls `on_timer` every `interval_ns` nanoseconds from now on (`at.ms(100)`), or once if `repeat` is false.
    #[pyo3(signature = (interval_ns, *, repeat = true))]
    fn set_timer(&self, interval_ns: i64, repeat: bool) -> PyResult<()> {
        if interval_ns <= 0 {
            return Err(ParameterError::new_err(format!("interval_ns = {interval_ns}: must be above zero")));
        }
        let interval = Nanos::from_raw(interval_ns);
        let mut timers = self.timers.borrow_mut();
        let id = timers.len() as u64;
        timers.push(repeat.then_some(interval));
        self.with(|ctx| {
            let time = ctx.world.now.after(interval);
            ctx.set_timer(time, id);
        })
    }
}

/// A position as it was when asked for.
#[pyclass(frozen, name = "Position", module = "algo_trade._native")]
pub struct PyPosition {
    pub inner: Position,
    pub mark: Price,
}

#[pymethods]
impl PyPosition {
    /// Signed, in base units: above zero is long.
    #[getter]
    fn quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.inner.quantity)
    }
    /// Average price of what is open; None when flat.
    #[getter]
    fn entry_price<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.inner.entry_price().map(|p| to_decimal(py, p)).transpose()
    }
    /// Profit at the last price, in quote currency, before fees.
    #[getter]
    fn unrealised_pnl<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let worth = self.mark.notional(self.inner.quantity).or_py()?;
        to_decimal(py, worth.sub(self.inner.cost).or_py()?)
    }
    /// Whether it is above zero.
    #[getter]
    fn is_long(&self) -> bool {
        self.inner.quantity.is_positive()
    }
    /// Whether it is below zero.
    #[getter]
    fn is_short(&self) -> bool {
        self.inner.quantity.is_negative()
    }
    /// Whether nothing is held.
    #[getter]
    fn is_flat(&self) -> bool {
        self.inner.is_flat()
    }
    fn __repr__(&self) -> String {
        let entry = self.inner.entry_price().map_or_else(|| "None".into(), |p| p.to_string());
        format!("Position(quantity={}, entry_price={entry})", self.inner.quantity)
    }
}

/// The orders of a symbol that are not done, oldest first.
#[pyclass(frozen, name = "Orders", module = "algo_trade._native")]
pub struct PyOrders {
    open: Vec<Py<PyOrder>>,
}

impl PyOrders {
    fn of(&self, py: Python<'_>, side: Side) -> Vec<Py<PyOrder>> {
        self.open.iter().filter(|o| o.get().inner.side == side).map(|o| o.clone_ref(py)).collect()
    }
}

#[pymethods]
impl PyOrders {
    /// All of them.
    #[getter]
    fn open(&self, py: Python<'_>) -> Vec<Py<PyOrder>> {
        self.open.iter().map(|o| o.clone_ref(py)).collect()
    }
    /// Those that buy.
    #[getter]
    fn open_buys(&self, py: Python<'_>) -> Vec<Py<PyOrder>> {
        self.of(py, Side::Buy)
    }
    /// Those that sell.
    #[getter]
    fn open_sells(&self, py: Python<'_>) -> Vec<Py<PyOrder>> {
        self.of(py, Side::Sell)
    }
    fn __len__(&self) -> usize {
        self.open.len()
    }
    fn __repr__(&self) -> String {
        format!("Orders({} open)", self.open.len())
    }
}
