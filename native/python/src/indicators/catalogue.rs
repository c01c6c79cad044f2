//! The catalogue: for each indicator its class, its batch function, its parameters and their text, declared once.

use pyo3::prelude::*;

mod averages;
mod oscillators;
mod statistics;
mod trend;
mod volume;

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

/// `Class(inputs of update), function(columns), [signature of the parameters], (parameters) => formula;`
macro_rules! catalogue {
    ($(
        $(#[doc = $doc:literal])+
        $class:ident($first:ident $(, $rest:ident)*), $function:ident($($column:ident),+), [$($signature:tt)*],
        ($($param:ident: $type:ty),*) => $make:expr;
    )+) => {
        $(
            $(#[doc = $doc])+
            ///
            /// Raises
            /// ------
            /// ParameterError
            ///     A parameter is out of range.
            #[pyo3::pyclass(extends = crate::indicators::Indicator, module = "algo_trade._native")]
            struct $class;

            #[pyo3::pymethods]
            impl $class {
                #[new]
                #[pyo3(signature = ($($signature)*))]
                fn new(
                    py: pyo3::Python<'_>,
                    $(#[pyo3(from_py_with = <$type as crate::indicators::Argument>::read)] $param: $type),*
                ) -> pyo3::PyResult<pyo3::PyClassInitializer<Self>> {
                    let params = pyo3::types::PyDict::new(py);
                    $(pyo3::types::PyDictMethods::set_item(&params, stringify!($param), $param)?;)*
                    let formula = crate::errors::OrPy::or_py($make)?;
                    let indicator = crate::indicators::Indicator::new(py, Box::new(formula), params)?;
                    Ok(pyo3::PyClassInitializer::from(indicator).add_subclass(Self))
                }

                /// Takes one input and returns the new value, or None while warming up.
                ///
                /// The input is numbers (float, int, Decimal or anything with `__float__`), or a `Bar`, which has all
                /// that is needed; where one number is, it is the close.
                ///
                /// Raises
                /// ------
                /// ParameterError
                ///     The indicator takes more numbers than those given.
                /// DataError
                ///     It takes a volume, and the bar has none.
                #[pyo3(signature = ($first, $($rest = None,)* /))]
                fn update<'py>(
                    mut slf: pyo3::PyRefMut<'py, Self>,
                    $first: &pyo3::Bound<'py, pyo3::PyAny>,
                    $($rest: Option<f64>),*
                ) -> pyo3::PyResult<Option<pyo3::Bound<'py, pyo3::PyAny>>> {
                    slf.as_super().feed($first, [$($rest),*], None)
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
            #[pyo3::pyfunction]
            #[pyo3(signature = ($($column,)+ $($signature)*))]
            fn $function<'py>(
                py: pyo3::Python<'py>,
                $($column: &pyo3::Bound<'py, pyo3::PyAny>,)+
                $(#[pyo3(from_py_with = <$type as crate::indicators::Argument>::read)] $param: $type),*
            ) -> pyo3::PyResult<pyo3::Bound<'py, pyo3::PyAny>> {
                crate::indicators::columns::run(py, &crate::errors::OrPy::or_py($make)?, &[$($column),+], None)
            }
        )+

        /// Adds the classes and functions of this family.
        pub(super) fn register(module: &pyo3::Bound<'_, pyo3::types::PyModule>) -> pyo3::PyResult<()> {
            use pyo3::types::PyModuleMethods;
            $(
                module.add_class::<$class>()?;
                module.add_function(pyo3::wrap_pyfunction!($function, module)?)?;
            )+
            Ok(())
        }
    };
}
use catalogue;

/// Adds the classes and functions to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    averages::register(module)?;
    trend::register(module)?;
    oscillators::register(module)?;
    statistics::register(module)?;
    volume::register(module)?;
    module.add_class::<volume::Vwap>()?;
    module.add_function(wrap_pyfunction!(volume::vwap, module)?)
}
