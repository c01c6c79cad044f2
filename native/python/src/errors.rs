//! The exception tree, and the way from the engine's errors to it. Drawn in `python/algo_trade/errors.py`.

use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

use engine::num::NumError;
use engine::stream::SourceError;

create_exception!(algo_trade._native, AlgoTradeError, PyException, "The root of every error this package raises.");
create_exception!(algo_trade._native, InputError, AlgoTradeError, "What was given has to be fixed.");
create_exception!(
    algo_trade._native,
    NumberError,
    InputError,
    "A number that is not exact, not finite, or out of range."
);
create_exception!(algo_trade._native, DataError, InputError, "A row, column or file of market data.");
create_exception!(
    algo_trade._native,
    ParameterError,
    InputError,
    "A parameter or option: unknown, of the wrong type, or out of range."
);
create_exception!(algo_trade._native, ConfigError, InputError, "A file that people write: venue, configuration.");
create_exception!(
    algo_trade._native,
    CredentialError,
    InputError,
    "A private key: missing, malformed, or kept where others can read it. No message holds any of it."
);
create_exception!(algo_trade._native, StrategyError, AlgoTradeError, "A strategy raised; its cause is chained.");
create_exception!(algo_trade._native, JournalError, AlgoTradeError, "A journal is damaged, or a replay differs.");
create_exception!(
    algo_trade._native,
    EngineError,
    AlgoTradeError,
    "The engine refuses to go on: an overflow, an endless loop of messages."
);

/// Turns an engine error into its exception.
pub trait ToPy {
    /// The exception.
    fn to_py(self) -> PyErr;
}

impl ToPy for NumError {
    fn to_py(self) -> PyErr {
        NumberError::new_err(self.to_string())
    }
}

/// The attributes `file`, `line`, `column` and `value` of a [`DataError`]; `None` where it has none.
const PLACE: [&str; 4] = ["file", "line", "column", "value"];

impl ToPy for SourceError {
    fn to_py(self) -> PyErr {
        Python::attach(|py| {
            let error = DataError::new_err(self.to_string());
            let instance = error.value(py);
            let [file, line, column, value] = PLACE;
            let set = instance
                .setattr(file, self.file.as_deref())
                .and_then(|()| instance.setattr(line, self.line))
                .and_then(|()| instance.setattr(column, self.column.as_deref()))
                .and_then(|()| instance.setattr(value, self.value.as_deref()));
            set.err().unwrap_or(error)
        })
    }
}

/// `?` for results of the engine.
pub trait OrPy<T> {
    /// The value, or the exception.
    fn or_py(self) -> PyResult<T>;
}

impl<T, E: ToPy> OrPy<T> for Result<T, E> {
    fn or_py(self) -> PyResult<T> {
        self.map_err(ToPy::to_py)
    }
}

/// Adds the exceptions to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("AlgoTradeError", py.get_type::<AlgoTradeError>())?;
    module.add("InputError", py.get_type::<InputError>())?;
    module.add("NumberError", py.get_type::<NumberError>())?;
    let data_error = py.get_type::<DataError>();
    for name in PLACE {
        data_error.setattr(name, py.None())?;
    }
    module.add("DataError", data_error)?;
    module.add("ParameterError", py.get_type::<ParameterError>())?;
    module.add("ConfigError", py.get_type::<ConfigError>())?;
    module.add("CredentialError", py.get_type::<CredentialError>())?;
    module.add("StrategyError", py.get_type::<StrategyError>())?;
    module.add("JournalError", py.get_type::<JournalError>())?;
    module.add("EngineError", py.get_type::<EngineError>())
}
