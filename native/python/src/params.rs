//! Parameter declarations across the border.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyString};

use engine::bars::RuleError;
use engine::strategy::{Builtin, ParamError, ParamSpec, Params, Strategy, Value};

use crate::errors::{OrPy, ParameterError, ToPy};
use crate::number::{decimal_of_text, decimal_type};

impl ToPy for RuleError {
    fn to_py(self) -> PyErr {
        ParameterError::new_err(self.to_string())
    }
}

impl ToPy for ParamError {
    fn to_py(self) -> PyErr {
        ParameterError::new_err(self.to_string())
    }
}

/// A Python value as a parameter value. Text stays text: the declaration decides what it means.
pub fn value_from_py(value: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(Value::Bool(flag.is_true()));
    }
    if value.is_instance_of::<PyInt>() {
        let text = value.str()?.to_string();
        return text.parse().map(Value::Int).map_err(|_| ParameterError::new_err(format!("{text}: beyond 64 bits")));
    }
    if let Ok(float) = value.cast::<PyFloat>() {
        return Ok(Value::Float(float.extract()?));
    }
    if value.is_instance(decimal_type(value.py())?)? {
        return Ok(Value::Decimal(value.str()?.to_string_lossy().parse().or_py()?));
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(Value::Text(text.extract()?));
    }
    Err(ParameterError::new_err(format!("{}: a parameter is a bool, int, float, Decimal or str", value.repr()?)))
}

/// A parameter value as a Python value.
pub fn value_to_py<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Bool(b) => PyBool::new(py, *b).to_owned().into_any(),
        Value::Int(n) => n.into_pyobject(py)?.into_any(),
        Value::Decimal(d) => decimal_of_text(py, &d.to_string())?,
        Value::Float(x) => x.into_pyobject(py)?.into_any(),
        Value::Text(t) => PyString::new(py, t).into_any(),
    })
}

pub fn params_to_py<'py>(py: Python<'py>, params: &Params) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in params.iter() {
        dict.set_item(name, value_to_py(py, value)?)?;
    }
    Ok(dict)
}

pub fn given_from_py(given: &Bound<'_, PyDict>) -> PyResult<Vec<(String, Value)>> {
    given.iter().map(|(name, value)| Ok((name.extract()?, value_from_py(&value)?))).collect()
}

/// The declaration of a strategy's parameter: name, default (whose type is the parameter's), range, choices, help.
#[pyclass(frozen, name = "ParamSpec", module = "algo_trade._native")]
pub struct PyParamSpec {
    inner: ParamSpec,
}

#[pymethods]
impl PyParamSpec {
    #[new]
    #[pyo3(signature = (name, default, *, low = None, high = None, choices = None, help = ""))]
    fn new(
        name: &str,
        default: &Bound<'_, PyAny>,
        low: Option<&Bound<'_, PyAny>>,
        high: Option<&Bound<'_, PyAny>>,
        choices: Option<Vec<String>>,
        help: &str,
    ) -> PyResult<Self> {
        let default = match value_from_py(default)? {
            // A text that is a number declares an exact decimal: `param("0.1")`.
            Value::Text(text) if choices.is_none() => text.parse().map_or(Value::Text(text), Value::Decimal),
            value => value,
        };
        let bound = |value: Option<&Bound<'_, PyAny>>| -> PyResult<Option<Value>> {
            Ok(match value.map(value_from_py).transpose()? {
                Some(Value::Text(text)) => Some(Value::Decimal(text.parse().or_py()?)),
                other => other,
            })
        };
        let mut spec = ParamSpec::new(name, default, help);
        (spec.low, spec.high) = (bound(low)?, bound(high)?);
        spec.choices = choices.unwrap_or_default();
        spec.check("param", spec.default.clone()).or_py()?;
        Ok(Self { inner: spec })
    }
    /// Its name.
    #[getter]
    fn name(&self) -> &str {
        &self.inner.name
    }
    /// Its type: "bool", "int", "decimal", "float" or "str".
    #[getter]
    fn type_name(&self) -> &'static str {
        self.inner.default.type_name()
    }
    /// What holds when nothing is given.
    #[getter]
    fn default<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value_to_py(py, &self.inner.default)
    }
    /// The smallest value allowed, or None.
    #[getter]
    fn low<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.inner.low.as_ref().map(|v| value_to_py(py, v)).transpose()
    }
    /// The largest value allowed, or None.
    #[getter]
    fn high<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.inner.high.as_ref().map(|v| value_to_py(py, v)).transpose()
    }
    /// The words allowed; empty for any.
    #[getter]
    fn choices(&self) -> Vec<String> {
        self.inner.choices.clone()
    }
    /// What it means, with its unit.
    #[getter]
    fn help(&self) -> &str {
        &self.inner.help
    }
    fn __repr__(&self) -> String {
        format!("ParamSpec({:?}, {})", self.inner.name, self.inner.default)
    }
}

/// Fills in defaults and checks what was given, by the declarations; raises ParameterError with the nearest name or the range.
#[pyfunction]
pub fn resolve_params<'py>(
    py: Python<'py>,
    strategy: &str,
    specs: Vec<Py<PyParamSpec>>,
    given: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyDict>> {
    let specs: Vec<ParamSpec> = specs.iter().map(|s| s.get().inner.clone()).collect();
    params_to_py(py, &Params::resolve(strategy, &specs, &given_from_py(given)?).or_py()?)
}

/// Name, help, parameters.
type Declared = (String, String, Vec<Py<PyParamSpec>>);

/// The built-in strategies: a list of (name, help, parameter declarations).
#[pyfunction]
pub fn builtin_strategies(py: Python<'_>) -> PyResult<Vec<Declared>> {
    let declared = Builtin::ALL.iter().map(|d| {
        let params = (d.params)().into_iter().map(|inner| Py::new(py, PyParamSpec { inner }));
        Ok((d.name.to_owned(), d.help.to_owned(), params.collect::<PyResult<_>>()?))
    });
    declared.collect()
}

/// How many bars of each symbol a built-in strategy has to hear before it may trade; raises ParameterError.
#[pyfunction]
pub fn builtin_warm_up(name: &str, params: &Bound<'_, PyDict>) -> PyResult<usize> {
    Ok(Builtin::create(name, &given_from_py(params)?).or_py()?.0.warm_up())
}

/// The parameters of a built-in strategy, checked and complete; raises ParameterError.
#[pyfunction]
pub fn builtin_params<'py>(py: Python<'py>, name: &str, given: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
    params_to_py(py, &Builtin::create(name, &given_from_py(given)?).or_py()?.1)
}
