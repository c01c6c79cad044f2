//! Signals: the targets that a strategy asks for.

use pyo3::prelude::*;
use pyo3::types::PyType;

use engine::event::{SignalEvent, SignalKind};
use engine::num::Rate;

use crate::errors::{OrPy, ParameterError};

/// A target for one symbol: long, short or flat, with a strength that scales its size.
#[pyclass(frozen, name = "SignalEvent", module = "algo_trade._native", eq, hash)]
#[derive(PartialEq, Eq, Hash)]
pub struct PySignal {
    #[pyo3(get)]
    pub symbol: String,
    pub kind: Kind,
    pub strength: i64,
}

/// The engine's kind, hashable.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Long,
    Short,
    Exit,
}

impl From<Kind> for SignalKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Long => Self::Long,
            Kind::Short => Self::Short,
            Kind::Exit => Self::Exit,
        }
    }
}

impl PySignal {
    /// A signal of the engine.
    pub const fn new(symbol: String, signal: &SignalEvent) -> Self {
        let kind = match signal.kind {
            SignalKind::Long => Kind::Long,
            SignalKind::Short => Kind::Short,
            SignalKind::Exit => Kind::Exit,
        };
        Self { symbol, kind, strength: signal.strength.raw() }
    }
}

fn strength(value: f64) -> PyResult<i64> {
    let rate = Rate::from_f64(value).or_py()?;
    if rate.is_negative() {
        return Err(ParameterError::new_err(format!("strength = {value}: must be at least 0")));
    }
    Ok(rate.raw())
}

#[pymethods]
impl PySignal {
    /// A position of plus the size times the strength.
    #[classmethod]
    #[pyo3(signature = (symbol, strength = 1.0))]
    fn long(_cls: &Bound<'_, PyType>, symbol: String, strength: f64) -> PyResult<Self> {
        Ok(Self { symbol, kind: Kind::Long, strength: self::strength(strength)? })
    }
    /// A position of minus the size times the strength.
    #[classmethod]
    #[pyo3(signature = (symbol, strength = 1.0))]
    fn short(_cls: &Bound<'_, PyType>, symbol: String, strength: f64) -> PyResult<Self> {
        Ok(Self { symbol, kind: Kind::Short, strength: self::strength(strength)? })
    }
    /// No position.
    #[classmethod]
    fn exit(_cls: &Bound<'_, PyType>, symbol: String) -> Self {
        Self { symbol, kind: Kind::Exit, strength: Rate::ONE.raw() }
    }
    /// "long", "short" or "exit".
    #[getter]
    fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Long => "long",
            Kind::Short => "short",
            Kind::Exit => "exit",
        }
    }
    /// Scales the size; 1 is the whole of it.
    #[getter]
    fn strength(&self) -> f64 {
        Rate::from_raw(self.strength).to_f64()
    }
    fn __repr__(&self) -> String {
        format!("SignalEvent.{}({:?}, strength={})", self.kind(), self.symbol, Rate::from_raw(self.strength))
    }
}
