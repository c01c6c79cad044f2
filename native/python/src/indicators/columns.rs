//! Columns in and out of the batch functions: numpy without a copy, everything else through numpy or Arrow.

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float32Type, Float64Type, Int64Type};
use arrow_array::{Array, PrimitiveArray};
use arrow_schema::DataType;
use engine::indicators::{Columns, Streaming};
use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3_arrow::PyChunkedArray;

use super::value_type;
use crate::errors::{DataError, OrPy};

/// A column of numbers, borrowed where it lies.
enum Column<'py> {
    Numpy(PyReadonlyArray1<'py, f64>),
    Owned(Vec<f64>),
}

impl<'py> Column<'py> {
    fn from_py(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(array) = object.cast::<PyArray1<f64>>()
            && array.is_contiguous()
        {
            return Ok(Self::Numpy(array.try_readonly()?));
        }
        let has_array = object.hasattr("__array__")?;
        if !has_array && (object.hasattr("__arrow_c_array__")? || object.hasattr("__arrow_c_stream__")?) {
            return from_arrow(object).map(Self::Owned);
        }
        let keywords = PyDict::new(object.py());
        keywords.set_item("dtype", "float64")?;
        let array = object.py().import("numpy")?.call_method("ascontiguousarray", (object,), Some(&keywords))?;
        Ok(Self::Numpy(one_dimensional::<f64>(&array)?.try_readonly()?))
    }

    fn as_slice(&self) -> PyResult<&[f64]> {
        match self {
            Self::Numpy(array) => Ok(array.as_slice()?),
            Self::Owned(numbers) => Ok(numbers),
        }
    }
}

fn one_dimensional<'py, T: numpy::Element>(array: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArray1<T>>> {
    array.cast::<PyArray1<T>>().cloned().map_err(|_| {
        let shape = array.getattr("shape").map_or_else(|_| "unknown".to_owned(), |shape| shape.to_string());
        DataError::new_err(format!("a column must have one dimension: the shape is {shape}"))
    })
}

/// Numbers of an Arrow array; null is NaN.
fn from_arrow(object: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
    let array: PyChunkedArray = object.extract()?;
    let mut numbers = Vec::new();
    for chunk in array.chunks() {
        match chunk.data_type() {
            DataType::Float64 => append(chunk.as_primitive::<Float64Type>(), &mut numbers, |number| number),
            DataType::Float32 => append(chunk.as_primitive::<Float32Type>(), &mut numbers, f64::from),
            DataType::Int64 => append(chunk.as_primitive::<Int64Type>(), &mut numbers, |number| number as f64),
            DataType::Decimal128(_, scale) => {
                let unit = f64::from(10.0_f32).powi(i32::from(*scale));
                append(chunk.as_primitive::<Decimal128Type>(), &mut numbers, |steps| steps as f64 / unit);
            }
            other => return Err(DataError::new_err(format!("a column of {other}: cast it to float64"))),
        }
    }
    Ok(numbers)
}

fn append<T: arrow_array::ArrowPrimitiveType>(
    chunk: &PrimitiveArray<T>,
    numbers: &mut Vec<f64>,
    number: impl Fn(T::Native) -> f64,
) {
    numbers.extend(chunk.iter().map(|cell| cell.map_or(f64::NAN, &number)));
}

/// Open times in nanoseconds: integers as they are, `datetime64` of any unit converted.
fn times_from_py<'py>(object: &Bound<'py, PyAny>) -> PyResult<PyReadonlyArray1<'py, i64>> {
    let numpy = object.py().import("numpy")?;
    let mut array = numpy.call_method1("asarray", (object,))?;
    if array.getattr("dtype")?.getattr("kind")?.extract::<&str>()? == "M" {
        array = array.call_method1("astype", ("datetime64[ns]",))?;
    }
    let array = numpy.call_method1("ascontiguousarray", (array.call_method1("astype", ("int64",))?,))?;
    Ok(one_dimensional::<i64>(&array)?.try_readonly()?)
}

/// Runs an indicator over columns with the GIL released: an array, or a named tuple of arrays.
pub fn run<'py>(
    py: Python<'py>,
    indicator: &dyn Streaming,
    columns: &[&Bound<'py, PyAny>],
    times: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let columns = columns.iter().map(|column| Column::from_py(column)).collect::<PyResult<Vec<_>>>()?;
    let times = times.map(times_from_py).transpose()?;
    let numbers = columns.iter().map(Column::as_slice).collect::<PyResult<Vec<_>>>()?;
    let times = times.as_ref().map(|times| times.as_slice()).transpose()?;
    let length = numbers.first().map_or(0, |column| column.len());
    // Through numpy's allocator, which asks for huge pages: page faults cost more than some indicators.
    let empty = py.import("numpy")?.getattr("empty")?;
    let mut arrays = Vec::with_capacity(3);
    for _ in indicator.outputs() {
        arrays.push(empty.call1((length,))?.cast_into::<PyArray1<f64>>()?);
    }
    {
        let mut guards = arrays.iter().map(|array| array.try_readwrite()).collect::<Result<Vec<_>, _>>()?;
        let mut out = guards.iter_mut().map(|guard| guard.as_slice_mut()).collect::<Result<Vec<_>, _>>()?;
        let columns = Columns { numbers: &numbers, times };
        py.detach(|| indicator.batch(&columns, &mut out)).or_py()?;
    }
    match value_type(py, indicator)? {
        Some(class) => class.call1(PyTuple::new(py, arrays)?),
        None => arrays.pop().map(Bound::into_any).ok_or_else(|| DataError::new_err("no output")),
    }
}
