//! The catalogue: for each indicator its class, its batch function, its parameters and their text, declared once.

use pyo3::prelude::*;

/// Named tuples that indicators give: floats from a class, arrays from a batch function.
pub const VALUE_TYPES: &[(&str, &[&str])] = &[
    ("MacdValue", &["macd", "signal", "histogram"]),
    ("BandsValue", &["upper", "middle", "lower"]),
    ("AdxValue", &["adx", "plus_di", "minus_di"]),
    ("DmiValue", &["plus_di", "minus_di"]),
    ("StochasticValue", &["k", "d"]),
    ("SuperTrendValue", &["line", "direction"]),
    ("LinearRegressionValue", &["slope", "intercept", "value"]),
];

macro_rules! catalogue {
    ($(
        $(#[doc = $doc:literal])+
        $class:ident, $function:ident($($column:ident),+), [$($signature:tt)*], ($($param:ident: $type:ty),*) => $make:expr;
    )+) => {
        $(
            $(#[doc = $doc])+
            ///
            /// Raises
            /// ------
            /// ParameterError
            ///     A parameter is out of range.
            #[pyclass(extends = Indicator, module = "algo_trade._native")]
            struct $class;

            #[pymethods]
            impl $class {
                #[new]
                #[pyo3(signature = ($($signature)*))]
                fn new(
                    py: Python<'_>,
                    $(#[pyo3(from_py_with = <$type as Argument>::read)] $param: $type),*
                ) -> PyResult<PyClassInitializer<Self>> {
                    let params = PyDict::new(py);
                    $(params.set_item(stringify!($param), $param)?;)*
                    let inner: Box<dyn Streaming> = Box::new($make.or_py()?);
                    Ok(PyClassInitializer::from(Indicator::new(py, inner, params)?).add_subclass(Self))
                }
            }

            #[doc = concat!("`", stringify!($class), "` over whole columns: the numbers of the class, bit for bit.")]
            ///
            #[doc = concat!("Takes the columns ", $("`", stringify!($column), "`, ",)+ "then the parameters of the class.")]
            ///
            /// Parameters
            /// ----------
            #[doc = concat!($(stringify!($column), " ",)+ ": array-like of float64, shape (n,)")]
            ///     numpy, polars, pyarrow, a list or any Arrow array; contiguous float64 is read where it lies.
            ///     Null is NaN. Leading rows with a NaN do not count. A later NaN makes the value NaN: until it has left
            ///     the window, or for good where the formula is recursive.
            ///
            /// Returns
            /// -------
            /// numpy array of float64, shape (n,), or a named tuple of such arrays; NaN while warming up.
            ///
            /// Raises
            /// ------
            /// ParameterError
            ///     A parameter is out of range.
            /// DataError
            ///     A column is not one-dimensional, or the columns differ in length.
            #[pyfunction]
            #[pyo3(signature = ($($column,)+ $($signature)*))]
            fn $function<'py>(
                py: Python<'py>,
                $($column: &Bound<'py, PyAny>,)+
                $(#[pyo3(from_py_with = <$type as Argument>::read)] $param: $type),*
            ) -> PyResult<Bound<'py, PyAny>> {
                columns::run(py, &$make.or_py()?, &[$($column),+], None)
            }
        )+

        /// Adds the classes and functions to the module.
        pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
            $(
                module.add_class::<$class>()?;
                module.add_function(wrap_pyfunction!($function, module)?)?;
            )+
            Ok(())
        }
    };
}

mod of_bars;
mod of_values;
mod vwap;

/// Adds every class and function to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    of_values::register(module)?;
    of_bars::register(module)?;
    vwap::register(module)
}
