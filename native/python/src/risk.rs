//! Risk managers: the engine's own, or one written in Python.

use pyo3::prelude::*;
use pyo3::types::PyString;

use engine::event::{MarketEvent, SignalEvent};
use engine::instrument::{InstrumentId, Instruments};
use engine::num::Qty;
use engine::order::OrderEvent;
use engine::risk::{RiskError, RiskManager, SimpleRisk, Verdict};
use engine::strategy::Context;
use engine::world::World;

use crate::config::PyRiskOptions;
use crate::context::PyContext;
use crate::errors::ParameterError;
use crate::events::{PyOrder, PySignal};
use crate::failures::HookError;
use crate::number::from_python;

/// The methods of a risk manager written in Python.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Methods {
    target: Py<PyAny>,
    order_quantity: Py<PyAny>,
    check: Py<PyAny>,
}

/// A risk manager written in Python.
pub struct PyRisk {
    methods: Methods,
    ctx: Py<PyContext>,
}

impl PyRisk {
    /// Calls a method with `ctx` and an argument.
    fn ask<T>(
        &self,
        world: &World,
        method: &Py<PyAny>,
        argument: impl FnOnce(Python<'_>, &PyContext) -> PyResult<Py<PyAny>>,
        answer: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T>,
    ) -> Result<T, RiskError> {
        let (mut intents, mut ids) = (Vec::new(), 0);
        let answered = Python::attach(|py| {
            let shared = self.ctx.bind(py).borrow();
            let argument = argument(py, &shared)?;
            let mut ctx = Context::new(world, &mut intents, &mut ids);
            answer(&shared.lent.lend(&mut ctx, || method.bind(py).call1((&self.ctx, argument)))?)
        });
        let failed = |cause| RiskError(Box::new(HookError::of(method, cause)));
        let answered = answered.map_err(failed)?;
        if intents.is_empty() {
            return Ok(answered);
        }
        Err(failed(ParameterError::new_err("a risk manager only answers: it cannot order, cancel or set timers")))
    }
}

impl RiskManager for PyRisk {
    fn target(&mut self, world: &World, signal: &SignalEvent) -> Result<Qty, RiskError> {
        self.ask(
            world,
            &self.methods.target,
            |py, ctx| {
                let symbol = ctx.symbol(py, signal.instrument).bind(py).extract()?;
                Py::new(py, PySignal::new(symbol, signal)).map(Py::into_any)
            },
            from_python,
        )
    }

    fn order_quantity(&mut self, world: &World, instrument: InstrumentId) -> Result<Qty, RiskError> {
        let symbol = |py: Python<'_>, ctx: &PyContext| Ok(ctx.symbol(py, instrument).into_any());
        self.ask(world, &self.methods.order_quantity, symbol, from_python)
    }

    fn check(&mut self, world: &World, order: &OrderEvent) -> Result<Verdict, RiskError> {
        self.ask(
            world,
            &self.methods.check,
            |py, ctx| {
                let symbol = ctx.symbol(py, order.instrument);
                Py::new(py, PyOrder { inner: order.clone(), leaves: order.quantity, symbol }).map(Py::into_any)
            },
            |answer| {
                if answer.is_none() {
                    Ok(Verdict::Pass)
                } else if let Ok(reason) = answer.cast::<PyString>() {
                    Ok(Verdict::Refuse(reason.to_string()))
                } else {
                    from_python(answer).map(Verdict::Shrink)
                }
            },
        )
    }
}

/// A risk manager to run.
pub enum Risk {
    /// The engine's own.
    Simple(SimpleRisk),
    /// One written in Python.
    Python(PyRisk),
}

impl Risk {
    /// Options of the engine's own, or a mapping of methods.
    pub fn from_py(risk: &Bound<'_, PyAny>, instruments: &Instruments) -> PyResult<Self> {
        if let Ok(options) = risk.cast::<PyRiskOptions>() {
            return Ok(Self::Simple(options.get().build(instruments.len())));
        }
        let ctx = Py::new(risk.py(), PyContext::new(risk.py(), instruments, Vec::new()))?;
        Ok(Self::Python(PyRisk { methods: risk.extract()?, ctx }))
    }
}

impl RiskManager for Risk {
    #[inline]
    fn on_market(&mut self, world: &World, event: &MarketEvent) -> Result<(), RiskError> {
        match self {
            Self::Simple(risk) => risk.on_market(world, event),
            Self::Python(risk) => risk.on_market(world, event),
        }
    }
    fn target(&mut self, world: &World, signal: &SignalEvent) -> Result<Qty, RiskError> {
        match self {
            Self::Simple(risk) => risk.target(world, signal),
            Self::Python(risk) => risk.target(world, signal),
        }
    }
    fn order_quantity(&mut self, world: &World, instrument: InstrumentId) -> Result<Qty, RiskError> {
        match self {
            Self::Simple(risk) => risk.order_quantity(world, instrument),
            Self::Python(risk) => risk.order_quantity(world, instrument),
        }
    }
    fn check(&mut self, world: &World, order: &OrderEvent) -> Result<Verdict, RiskError> {
        match self {
            Self::Simple(risk) => risk.check(world, order),
            Self::Python(risk) => risk.check(world, order),
        }
    }
}
