//! Indicators: one base class around the engine's untyped face, a class and a batch function for each formula.

use engine::event::Bar;
use engine::indicators::{Field, IndicatorError, Streaming, Values};
use engine::time::Nanos;
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyFloat, PyTuple, PyType};

use crate::errors::{DataError, OrPy, ParameterError, ToPy};
use crate::events::PyBar;

mod catalogue;
mod columns;

impl ToPy for IndicatorError {
    fn to_py(self) -> PyErr {
        match self {
            Self::NoVolume { .. } | Self::Lengths { .. } => DataError::new_err(self.to_string()),
            _ => ParameterError::new_err(self.to_string()),
        }
    }
}

/// An indicator that is fed one input at a time. What it takes and gives is said by the class that extends this one.
#[pyclass(subclass, module = "algo_trade._native")]
pub struct Indicator {
    inner: Box<dyn Streaming>,
    /// Keyword arguments that make the same indicator again.
    params: Py<PyDict>,
    /// The named tuple it gives; `None` where it gives a float.
    value_type: Option<Py<PyType>>,
}

impl Indicator {
    fn new(py: Python<'_>, inner: Box<dyn Streaming>, params: Bound<'_, PyDict>) -> PyResult<Self> {
        let value_type = value_type(py, &*inner)?.map(Bound::unbind);
        Ok(Self { inner, params: params.unbind(), value_type })
    }

    /// Takes an input: the first number and the rest, or a bar.
    #[inline]
    fn feed<'py, const REST: usize>(
        &mut self,
        first: &Bound<'py, PyAny>,
        rest: [Option<f64>; REST],
        time: Option<i64>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let is_alone = rest.iter().all(Option::is_none);
        // A float is no bar, and what most updates bring.
        let values = if is_alone
            && !first.is_exact_instance_of::<PyFloat>()
            && let Ok(bar) = first.cast::<PyBar>()
        {
            self.inner.update_bar(&bar.get().inner, Field::Close)
        } else if is_alone {
            self.inner.update_value(first.extract()?)
        } else {
            let mut numbers = [first.extract()?, 0.0, 0.0, 0.0];
            let mut count = 1;
            for (slot, number) in numbers.iter_mut().skip(1).zip(rest.iter().map_while(|number| *number)) {
                *slot = number;
                count += 1;
            }
            self.inner.update_numbers(numbers.get(..count).unwrap_or(&numbers), time.map(Nanos::from_raw))
        };
        let values = values.or_py()?;
        self.show(first.py(), values)
    }

    fn show<'py>(&self, py: Python<'py>, values: Option<Values>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(values) = values else { return Ok(None) };
        let Some(value_type) = &self.value_type else { return Ok(Some(PyFloat::new(py, values.first()).into_any())) };
        // As the class's `_make` does: its own `__new__` is Python, and takes longer than most formulas.
        let parts = PyTuple::new(py, values.as_slice())?;
        tuple_new(py)?.call1((value_type, parts)).map(Some)
    }
}

/// `tuple.__new__`.
fn tuple_new(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static NEW: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    NEW.get_or_try_init(py, || Ok(py.get_type::<PyTuple>().getattr("__new__")?.unbind())).map(|new| new.bind(py))
}

/// The named tuple of what this indicator gives.
fn value_type<'py>(py: Python<'py>, indicator: &dyn Streaming) -> PyResult<Option<Bound<'py, PyType>>> {
    if indicator.outputs().len() == 1 {
        return Ok(None);
    }
    let class = py.import("algo_trade._native")?.getattr(indicator.output_type())?;
    Ok(Some(class.cast_into::<PyType>()?))
}

#[pymethods]
impl Indicator {
    /// `Indicator[float]` in an annotation: the type of its values.
    #[classmethod]
    fn __class_getitem__<'py>(cls: &Bound<'py, PyType>, item: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        cls.py().import("types")?.getattr("GenericAlias")?.call1((cls, item))
    }

    /// The latest value, None while warming up.
    #[getter]
    fn value<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.show(py, self.inner.value())
    }

    /// The value one input earlier; at the first value, that value itself. None while warming up.
    #[getter]
    fn previous<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.show(py, self.inner.previous())
    }

    /// Whether there is a value.
    #[getter]
    fn ready(&self) -> bool {
        self.inner.value().is_some()
    }

    /// How many inputs the first value takes.
    #[getter]
    fn warm_up(&self) -> usize {
        self.inner.warm_up()
    }

    /// The name of the class.
    #[getter]
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    /// The parameters it was made with.
    #[getter]
    fn params<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.params.bind(py).copy()
    }

    /// Forgets every input.
    fn reset(&mut self) {
        self.inner.reset();
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let mut shown = Vec::new();
        for (name, value) in self.params.bind(py).iter() {
            shown.push(format!("{name}={}", value.repr()?));
        }
        Ok(format!("{}({})", self.inner.name(), shown.join(", ")))
    }

    /// Pickles the parameters, not the inputs: those stay with the process that fed them.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let (py, this) = (slf.py(), slf.try_borrow()?);
        if this.inner.has_started() {
            return Err(PyTypeError::new_err(format!(
                "{} has been fed: reset() it before pickling",
                this.inner.name()
            )));
        }
        let make = py.import("copyreg")?.getattr("__newobj_ex__")?;
        let arguments = (slf.get_type(), PyTuple::empty(py), this.params.bind(py).copy()?).into_pyobject(py)?;
        Ok((make, arguments))
    }
}

/// Feeds a bar, as a strategy's context does: `field` decides where the indicator takes one number.
pub fn feed_bar(indicator: &Bound<'_, Indicator>, bar: &Bar, field: Field) -> PyResult<()> {
    indicator.try_borrow_mut()?.inner.update_bar(bar, field).or_py().map(|_| ())
}

/// The field of this name, for `ctx.indicator(..., field="high")`.
pub fn field_from_name(name: &str) -> PyResult<Field> {
    Field::from_name(name).ok_or_else(|| {
        let allowed = Field::ALL.map(|(known, _)| known).join(", ");
        ParameterError::new_err(format!("field = {name:?}: must be one of {allowed}"))
    })
}

/// A parameter from Python: a count that is not one says what a count is, rather than that it overflows.
trait Argument: Sized {
    fn read(object: &Bound<'_, PyAny>) -> PyResult<Self>;
}

impl Argument for usize {
    fn read(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        object.extract::<Self>().map_err(|error| {
            if error.is_instance_of::<PyOverflowError>(object.py()) {
                ParameterError::new_err(format!("{object}: must be a whole number, zero or more"))
            } else {
                error
            }
        })
    }
}

impl Argument for f64 {
    fn read(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        object.extract()
    }
}

/// Adds the classes, functions and named tuples to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let keywords = PyDict::new(py);
    keywords.set_item("module", "algo_trade._native")?;
    let namedtuple = py.import("collections")?.getattr("namedtuple")?;
    for (name, fields) in catalogue::VALUE_TYPES {
        module.add(*name, namedtuple.call((*name, fields.to_vec()), Some(&keywords))?)?;
    }
    module.add_class::<Indicator>()?;
    catalogue::register(module)
}
