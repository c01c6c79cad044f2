//! A strategy written in Python: woken through the hooks that it defines.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use engine::bars::Rule;
use engine::event::{Bar, Event, MarketEvent, Quote, TimerEvent, Trade};
use engine::instrument::{InstrumentId, Instruments};
use engine::order::{FillEvent, OrderUpdate};
use engine::strategy::apart::Told;
use engine::strategy::{Builtin, Context, Strategy, StrategyError, Wakes};

use crate::apart::{self, Ask};
use crate::compiled::{self, Compiled};
use crate::context::PyContext;
use crate::errors::{OrPy, ParameterError};
use crate::events::{PyBar, PyFill, PyOrderUpdate, PyQuote, PySignal, PyTrade, market_to_py};
use crate::failures::HookError;
use crate::params::given_from_py;

/// The hooks of a strategy object: bound methods, `None` where it does not define one.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Hooks {
    on_start: Option<Py<PyAny>>,
    on_bar: Option<Py<PyAny>>,
    on_trade: Option<Py<PyAny>>,
    on_quote: Option<Py<PyAny>>,
    on_book: Option<Py<PyAny>>,
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
        .map_err(|cause| StrategyError(Box::new(HookError::of(hook, cause))))
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
        .map_err(|cause| StrategyError(Box::new(HookError::of(hook, cause))))
    }
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

    fn wakes(&self) -> Wakes {
        let hooks = &self.hooks;
        let hears_all = hooks.on_market_event.is_some();
        Wakes {
            trades: hooks.on_trade.is_some() || hears_all,
            quotes: hooks.on_quote.is_some() || hears_all,
            books: hooks.on_book.is_some(),
        }
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, instrument: InstrumentId) -> Result<(), StrategyError> {
        self.call(self.hooks.on_book.as_ref(), ctx, |py, shared| Ok(Some(shared.symbol(py, instrument).into_any())))
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

/// A strategy to run: a built-in one, one written in Python, one compiled in another language, or one in another process.
pub enum AnyStrategy {
    /// Inside the engine.
    Builtin(Builtin),
    /// Through its hooks.
    Python(PyStrategy),
    /// Through the C ABI.
    Compiled(Compiled),
    /// Through messages.
    Apart(Told<Ask>),
}

impl AnyStrategy {
    /// (name, params) of a built-in one, (function, bytes) of one in another process, an object that hands over a compiled one, or a
    /// mapping of hooks.
    pub fn from_py(strategy: &Bound<'_, PyAny>, instruments: &Instruments) -> PyResult<Self> {
        if let Ok((name, given)) = strategy.extract::<(String, Bound<'_, PyDict>)>() {
            return Ok(Self::Builtin(Builtin::create(&name, &given_from_py(&given)?).or_py()?.0));
        }
        if let Ok((ask, described)) = strategy.extract::<(Py<PyAny>, Vec<u8>)>() {
            return Ok(Self::Apart(apart::told(ask, &described)?));
        }
        if strategy.hasattr(compiled::METHOD)? {
            return Ok(Self::Compiled(Compiled::from_py(strategy)?));
        }
        Ok(Self::Python(PyStrategy::new(strategy.py(), strategy.extract()?, instruments)?))
    }
}

/// Passes every call on.
macro_rules! pass_on {
    ($($method:ident($($argument:ident: $type:ty),*);)+) => {
        impl Strategy for AnyStrategy {
            fn wakes(&self) -> Wakes {
                match self {
                    Self::Builtin(strategy) => strategy.wakes(),
                    Self::Python(strategy) => strategy.wakes(),
                    Self::Compiled(strategy) => strategy.inner.wakes(),
                    Self::Apart(strategy) => strategy.wakes(),
                }
            }
            fn warm_up(&self) -> usize {
                match self {
                    Self::Builtin(strategy) => strategy.warm_up(),
                    Self::Python(strategy) => strategy.warm_up(),
                    Self::Compiled(strategy) => strategy.inner.warm_up(),
                    Self::Apart(strategy) => strategy.warm_up(),
                }
            }
            fn resolutions(&self) -> Vec<Rule> {
                match self {
                    Self::Builtin(strategy) => strategy.resolutions(),
                    Self::Python(strategy) => strategy.resolutions(),
                    Self::Compiled(strategy) => strategy.inner.resolutions(),
                    Self::Apart(strategy) => strategy.resolutions(),
                }
            }
            #[inline]
            fn foresee(&mut self, event: Event<'_>) -> Result<(), StrategyError> {
                if let Self::Apart(strategy) = self { strategy.foresee(event) } else { Ok(()) }
            }
            $(
                fn $method(&mut self, ctx: &mut Context<'_>, $($argument: $type),*) -> Result<(), StrategyError> {
                    match self {
                        Self::Builtin(strategy) => strategy.$method(ctx, $($argument),*),
                        Self::Python(strategy) => strategy.$method(ctx, $($argument),*),
                        Self::Compiled(strategy) => strategy.inner.$method(ctx, $($argument),*),
                        Self::Apart(strategy) => strategy.$method(ctx, $($argument),*),
                    }
                }
            )+
        }
    };
}

pass_on! {
    on_start();
    on_bar(bar: &Bar);
    on_built_bar(bar: &Bar, rule: Rule);
    on_trade(trade: &Trade);
    on_quote(quote: &Quote);
    on_book(instrument: InstrumentId);
    on_fill(fill: &FillEvent);
    on_order(update: &OrderUpdate);
    on_timer(timer: TimerEvent);
    on_stop();
}
