//! Actions as Python's dicts and lists.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use engine::hyperliquid::value::{DEPTH_MAX, Value};

use crate::errors::ParameterError;

/// A value that an action cannot have, and the way to it from the outside in.
struct Refusal {
    path: String,
    reason: String,
}

/// A dict (or list) as a tree, in its order.
pub fn action_from(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    tree(object, DEPTH_MAX)
        .map_err(|Refusal { path, reason }| ParameterError::new_err(format!("action{path}: {reason}")))
}

fn refuse<T>(reason: String) -> Result<T, Refusal> {
    Err(Refusal { path: String::new(), reason })
}

/// Passes a refusal on with one more step of its way.
fn at<T>(step: impl FnOnce() -> String, result: Result<T, Refusal>) -> Result<T, Refusal> {
    result.map_err(|inner| Refusal { path: step() + &inner.path, reason: inner.reason })
}

fn tree(object: &Bound<'_, PyAny>, depth: usize) -> Result<Value, Refusal> {
    let Some(depth) = depth.checked_sub(1) else {
        return refuse(format!("lists and dicts lie more than {DEPTH_MAX} deep in each other"));
    };
    if let Ok(text) = object.cast::<PyString>() {
        return string(text).map(Value::String);
    }
    if object.is_none() {
        return Ok(Value::Null);
    }
    // Before int: a bool is one.
    if let Ok(value) = object.cast::<PyBool>() {
        return Ok(Value::Bool(value.is_true()));
    }
    if let Ok(value) = object.cast::<PyInt>() {
        let int = value.extract().map(Value::Int).or_else(|_| value.extract().map(Value::Uint));
        return int.or_else(|_| refuse("an integer is out of range: -2^63 to 2^64 - 1".into()));
    }
    if let Ok(value) = object.cast::<PyFloat>() {
        let value = value.value();
        return if value.is_finite() {
            Ok(Value::Float(value))
        } else {
            refuse(format!("`{value}` is not a finite number"))
        };
    }
    if let Ok(dict) = object.cast::<PyDict>() {
        let mut entries = Vec::with_capacity(dict.len());
        for (key, value) in dict {
            let Ok(key) = key.cast::<PyString>() else {
                return refuse(format!("a key is {}, not text", kind_of(&key)));
            };
            let key = string(key)?;
            let value = at(|| format!(".{key}"), tree(&value, depth))?;
            entries.push((key, value));
        }
        return Ok(Value::Map(entries));
    }
    if let Ok(list) = object.cast::<PyList>() {
        return items(list.iter(), depth);
    }
    if let Ok(tuple) = object.cast::<PyTuple>() {
        return items(tuple.iter(), depth);
    }
    refuse(format!("{} is neither text, number, bool, None, list nor dict", kind_of(object)))
}

/// The name of a type. The value itself is not shown: it may be of any size, and may refuse to be.
fn kind_of(object: &Bound<'_, PyAny>) -> String {
    object.get_type().name().map_or_else(|_| "this".into(), |name| name.to_string())
}

fn string(text: &Bound<'_, PyString>) -> Result<String, Refusal> {
    text.to_str().map(str::to_owned).or_else(|_| refuse("the text has half of a surrogate pair".into()))
}

fn items<'py>(items: impl Iterator<Item = Bound<'py, PyAny>>, depth: usize) -> Result<Value, Refusal> {
    items
        .enumerate()
        .map(|(n, item)| at(|| format!("[{n}]"), tree(&item, depth)))
        .collect::<Result<_, _>>()
        .map(Value::List)
}
