//! Why a run stopped, as exceptions: what was raised in a hook comes out as the cause.

use std::fmt;

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;

use engine::backtest::BacktestError;
use engine::journal::JournalError as EngineJournalError;
use engine::replay::ReplayError;
use engine::strategy::StrategyError as EngineStrategyError;
use engine::strategy::apart::Failure;
use engine::system::SystemError;
use engine::time::Nanos;

use crate::errors::{EngineError, JournalError, StrategyError, ToPy};

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

impl HookError {
    /// Of a bound method.
    pub fn of(method: &Py<PyAny>, cause: PyErr) -> Self {
        let name = Python::attach(|py| method.getattr(py, "__qualname__").and_then(|name| name.extract::<String>(py)));
        let name = name.unwrap_or_else(|_| "the strategy".into());
        // A class made inside a function is called by its own name.
        Self { hook: name.rsplit("<locals>.").next().unwrap_or_default().to_owned(), cause }
    }

    fn into_py(self, time: Nanos) -> PyErr {
        Python::attach(|py| {
            let Self { hook, cause } = self;
            if cause.is_instance_of::<PyKeyboardInterrupt>(py) {
                return cause;
            }
            let error = StrategyError::new_err(format!("{hook} failed at {time}: {}", shown(py, &cause)));
            error.set_cause(py, Some(cause));
            error
        })
    }
}

/// What went wrong on the way to a strategy in another process: raised as it is.
#[derive(Debug)]
pub struct Elsewhere(pub PyErr);

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Elsewhere {}

/// What a strategy failed with, in the words in which it is told.
pub fn failure_of(error: EngineStrategyError) -> Failure {
    match error.0.downcast::<HookError>() {
        Ok(failed) => {
            let HookError { hook, cause } = *failed;
            Failure { hook, text: Python::attach(|py| shown(py, &cause)) }
        }
        Err(error) => Failure { hook: "the strategy".into(), text: error.to_string() },
    }
}

/// The beginning of a text that somebody else has written.
fn short(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

fn strategy_to_py(error: EngineStrategyError, time: Nanos) -> PyErr {
    let error = match error.0.downcast::<HookError>() {
        Ok(failed) => return failed.into_py(time),
        Err(error) => error,
    };
    let error = match error.downcast::<Elsewhere>() {
        Ok(elsewhere) => return elsewhere.0,
        Err(error) => error,
    };
    let Failure { hook, text } = match error.downcast::<Failure>() {
        Ok(failure) => *failure,
        Err(error) => Failure { hook: "the strategy".into(), text: error.to_string() },
    };
    StrategyError::new_err(format!("{} failed at {time}: {}", short(&hook, 200), short(&text, 2_000)))
}

impl ToPy for SystemError {
    fn to_py(self) -> PyErr {
        match self {
            Self::Strategy { time, source } => strategy_to_py(source, time),
            Self::Risk { time, source } => match source.0.downcast::<HookError>() {
                Ok(failed) => failed.into_py(time),
                Err(source) => EngineError::new_err(format!("the risk manager failed at {time}: {source}")),
            },
            wanted @ Self::Resolution { .. } => StrategyError::new_err(wanted.to_string()),
            other => EngineError::new_err(other.to_string()),
        }
    }
}

/// `ValueError: boom (strategy.py, line 12)`: where in the file of the hook it happened, without a traceback.
fn shown(py: Python<'_>, error: &PyErr) -> String {
    let mut frame = error.traceback(py).map(|t| t.into_any());
    let mut place: Option<(String, u32)> = None;
    while let Some(here) = frame.filter(|f| !f.is_none()) {
        let file = here.getattr("tb_frame").and_then(|f| f.getattr("f_code")).and_then(|c| c.getattr("co_filename"));
        let line = here.getattr("tb_lineno").and_then(|l| l.extract::<u32>());
        if let (Ok(file), Ok(line)) = (file, line) {
            let file = file.to_string();
            // Deeper down may be a library, whose lines say nothing to whoever wrote the strategy.
            if place.as_ref().is_none_or(|(first, _)| *first == file) {
                place = Some((file, line));
            }
        }
        frame = here.getattr("tb_next").ok();
    }
    let place = place.map_or_else(String::new, |(file, line)| {
        format!(" ({}, line {line})", file.rsplit('/').next().unwrap_or_default())
    });
    format!("{error}{place}")
}

impl ToPy for BacktestError {
    fn to_py(self) -> PyErr {
        match self {
            Self::Source(error) => error.to_py(),
            Self::System(error) => error.to_py(),
            Self::Journal(error) => error.to_py(),
            Self::Empty => crate::errors::DataError::new_err("there are no market data to run on"),
            Self::Interrupted { .. } => PyKeyboardInterrupt::new_err(()),
            Self::Number(error) => EngineError::new_err(error.to_string()),
            other @ Self::Endless { .. } => StrategyError::new_err(other.to_string()),
        }
    }
}

impl ToPy for EngineJournalError {
    fn to_py(self) -> PyErr {
        JournalError::new_err(self.to_string())
    }
}

impl ToPy for ReplayError {
    fn to_py(self) -> PyErr {
        match self {
            Self::Journal(error) => error.to_py(),
            Self::System(error) => error.to_py(),
            differs @ Self::Differs { .. } => JournalError::new_err(format!("the replay differs: {differs}")),
        }
    }
}
