//! A strategy written in Python: woken through the hooks that it defines.

use std::fmt;

use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use engine::bars::Rule;
use engine::event::{Bar, MarketEvent, Quote, TimerEvent, Trade};
use engine::instrument::Instruments;
use engine::order::{FillEvent, OrderUpdate};
use engine::strategy::{Context, Strategy, StrategyError};

use crate::context::PyContext;
use crate::errors::{OrPy, ParameterError};
use crate::events::{PyBar, PyFill, PyOrderUpdate, PyQuote, PySignal, PyTrade, market_to_py};

/// The hooks of a strategy object: bound methods, `None` where it does not define one.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Hooks {
    on_start: Option<Py<PyAny>>,
    on_bar: Option<Py<PyAny>>,
    on_trade: Option<Py<PyAny>>,
    on_quote: Option<Py<PyAny>>,
    on_fill: Option<Py<PyAny>>,
    on_order: Option<Py<PyAny>>,
    on_timer: Option<Py<PyAny>>,
    on_stop: Option<Py<PyAny>>,
    on_market_event: Option<Py<PyAny>>,
    resolutions: Vec<String>,
}

/// A strategy written in Python.
pub struct PyStrategy {
    hooks: Hooks,
    ctx: Py<PyContext>,
}

impl PyStrategy {
    pub fn new(py: Python<'_>, hooks: Hooks, instruments: &Instruments) -> PyResult<Self> {
        let resolutions = hooks.resolutions.iter().map(|text| text.parse());
        let resolutions = resolutions.collect::<Result<Vec<Rule>, _>>().or_py()?;
        Ok(Self { hooks, ctx: Py::new(py, PyContext::new(py, instruments, resolutions))? })
    }

    /// Calls a hook with `ctx` and, if there is one, the event; a signal that it returns is asked for.
    #[inline]
    fn call(
        &self,
        hook: Option<&Py<PyAny>>,
        ctx: &mut Context<'_>,
        argument: impl FnOnce(Python<'_>, &PyContext) -> PyResult<Option<Py<PyAny>>>,
    ) -> Result<(), StrategyError> {
        let Some(hook) = hook else { return Ok(()) };
        Python::attach(|py| {
            let shared = self.ctx.bind(py).borrow();
            let bound = hook.bind(py);
            let answer = match argument(py, &shared)? {
                Some(argument) => shared.lent.lend(ctx, || bound.call1((&self.ctx, argument)))?,
                None => shared.lent.lend(ctx, || bound.call1((&self.ctx,)))?,
            };
            take_answer(&shared, ctx, &answer)
        })
        .map_err(|cause| failed(hook, cause))
    }

    /// Indicators first, then the hooks.
    #[inline]
    fn hear_bar(&self, ctx: &mut Context<'_>, bar: &Bar, rule: Option<Rule>) -> Result<(), StrategyError> {
        Python::attach(|py| self.ctx.bind(py).borrow().feeds.feed(bar, rule))
            .map_err(|cause| StrategyError(Box::new(HookError { hook: "an indicator".into(), cause })))?;
        self.call(self.hooks.on_bar.as_ref(), ctx, |py, shared| {
            Py::new(py, PyBar { inner: *bar, symbol: shared.symbol(py, bar.instrument) }).map(|e| Some(e.into_any()))
        })?;
        self.call_plain(ctx, &MarketEvent::Bar(*bar))
    }

    /// The plain contract: one event in, perhaps a signal out, no `ctx`.
    #[inline]
    fn call_plain(&self, ctx: &mut Context<'_>, event: &MarketEvent) -> Result<(), StrategyError> {
        let Some(hook) = &self.hooks.on_market_event else { return Ok(()) };
        Python::attach(|py| {
            let shared = self.ctx.bind(py).borrow();
            let symbol = shared.symbol(py, event.instrument());
            let event = market_to_py(py, event, &symbol)?;
            let answer = shared.lent.lend(ctx, || hook.bind(py).call1((event,)))?;
            take_answer(&shared, ctx, &answer)
        })
        .map_err(|cause| failed(hook, cause))
    }
}

/// An exception in a hook: it travels inside the engine's error and comes out as the cause.
#[derive(Debug)]
pub struct HookError {
    /// `Class.hook`, as Python calls it.
    pub hook: String,
    pub cause: PyErr,
}

impl fmt::Display for HookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.hook, self.cause)
    }
}

impl std::error::Error for HookError {}

fn failed(hook: &Py<PyAny>, cause: PyErr) -> StrategyError {
    let name = Python::attach(|py| hook.getattr(py, "__qualname__").and_then(|name| name.extract::<String>(py)));
    let name = name.unwrap_or_else(|_| "the strategy".into());
    // A class made inside a function is called by its own name.
    let hook = name.rsplit("<locals>.").next().unwrap_or_default().to_owned();
    StrategyError(Box::new(HookError { hook, cause }))
}

/// `None`, a signal, or several.
#[inline]
fn take_answer(shared: &PyContext, ctx: &mut Context<'_>, answer: &Bound<'_, PyAny>) -> PyResult<()> {
    if answer.is_none() {
        return Ok(());
    }
    if let Ok(signal) = answer.cast::<PySignal>() {
        let signal = signal.get();
        let id = shared.find(&signal.symbol)?;
        ctx.signal(id, signal.kind.into(), engine::num::Rate::from_raw(signal.strength));
        return Ok(());
    }
    if answer.is_instance_of::<PyList>() || answer.is_instance_of::<PyTuple>() {
        return answer.try_iter()?.try_for_each(|item| take_answer(shared, ctx, &item?));
    }
    Err(ParameterError::new_err(format!(
        "a hook returned {}: it may return a Signal, a list of them, or None",
        answer.repr()?
    )))
}

impl Strategy for PyStrategy {
    fn on_start(&mut self, ctx: &mut Context<'_>) -> Result<(), StrategyError> {
        self.call(self.hooks.on_start.as_ref(), ctx, |_, _| Ok(None))
    }

    fn resolutions(&self) -> Vec<Rule> {
        Python::attach(|py| self.ctx.bind(py).borrow().resolutions.clone())
    }

    #[inline]
    fn on_bar(&mut self, ctx: &mut Context<'_>, bar: &Bar) -> Result<(), StrategyError> {
        self.hear_bar(ctx, bar, None)
    }

    fn on_built_bar(&mut self, ctx: &mut Context<'_>, bar: &Bar, rule: Rule) -> Result<(), StrategyError> {
        self.hear_bar(ctx, bar, Some(rule))
    }

    fn on_trade(&mut self, ctx: &mut Context<'_>, trade: &Trade) -> Result<(), StrategyError> {
        self.call(self.hooks.on_trade.as_ref(), ctx, |py, shared| {
            Py::new(py, PyTrade { inner: *trade, symbol: shared.symbol(py, trade.instrument) })
                .map(|e| Some(e.into_any()))
        })?;
        self.call_plain(ctx, &MarketEvent::Trade(*trade))
    }

    fn on_quote(&mut self, ctx: &mut Context<'_>, quote: &Quote) -> Result<(), StrategyError> {
        self.call(self.hooks.on_quote.as_ref(), ctx, |py, shared| {
            Py::new(py, PyQuote { inner: *quote, symbol: shared.symbol(py, quote.instrument) })
                .map(|e| Some(e.into_any()))
        })?;
        self.call_plain(ctx, &MarketEvent::Quote(*quote))
    }

    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &FillEvent) -> Result<(), StrategyError> {
        self.call(self.hooks.on_fill.as_ref(), ctx, |py, shared| {
            Py::new(py, PyFill { inner: fill.clone(), symbol: shared.symbol(py, fill.instrument) })
                .map(|e| Some(e.into_any()))
        })
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) -> Result<(), StrategyError> {
        self.call(self.hooks.on_order.as_ref(), ctx, |py, shared| {
            Py::new(py, PyOrderUpdate { inner: update.clone(), symbol: shared.symbol(py, update.instrument) })
                .map(|e| Some(e.into_any()))
        })
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, timer: TimerEvent) -> Result<(), StrategyError> {
        let repeats = Python::attach(|py| {
            let shared = self.ctx.bind(py).borrow();
            let timers = shared.timers.borrow();
            usize::try_from(timer.id).ok().and_then(|id| timers.get(id).copied().flatten())
        });
        if let Some(interval) = repeats {
            ctx.set_timer(timer.time.after(interval), timer.id);
        }
        self.call(self.hooks.on_timer.as_ref(), ctx, |py, _| {
            Ok(Some(timer.time.raw().into_pyobject(py)?.into_any().unbind()))
        })
    }

    fn on_stop(&mut self, ctx: &mut Context<'_>) -> Result<(), StrategyError> {
        self.call(self.hooks.on_stop.as_ref(), ctx, |_, _| Ok(None))
    }
}
