//! What the venue says besides prints and levels: the prices by which it values, and the funding that it settles.

use pyo3::prelude::*;
use pyo3::types::PyString;

use engine::num::{Price, Rate};
use engine::row::{Context, Row, RowKind};

use super::book::row_of;
use super::to_datetime;
use crate::number::{decimal_of_text, from_python, to_decimal};

/// A price that may be unknown.
type MaybePrice<'py> = PyResult<Option<Bound<'py, PyAny>>>;

fn given(price: Option<&Bound<'_, PyAny>>) -> PyResult<Price> {
    price.map_or(Ok(Price::ZERO), from_python)
}

fn known(py: Python<'_>, price: Price) -> MaybePrice<'_> {
    (!price.is_zero()).then(|| to_decimal(py, price)).transpose()
}

/// The prices by which the venue values positions, triggers orders and works out funding.
#[pyclass(frozen, name = "MarketContext", module = "algo_trade._native")]
pub struct PyMarketContext {
    pub row: Row,
    pub symbol: Py<PyString>,
}

#[pymethods]
impl PyMarketContext {
    /// Times are ints of nanoseconds or aware datetimes; prices that are not known are left out.
    #[new]
    #[pyo3(signature = (symbol, time, mark_price, oracle_price = None, impact_bid = None, impact_ask = None, local_time = None))]
    fn new(
        symbol: Bound<'_, PyString>,
        time: &Bound<'_, PyAny>,
        mark_price: &Bound<'_, PyAny>,
        oracle_price: Option<&Bound<'_, PyAny>>,
        impact_bid: Option<&Bound<'_, PyAny>>,
        impact_ask: Option<&Bound<'_, PyAny>>,
        local_time: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let context = Context {
            mark: from_python(mark_price)?,
            oracle: given(oracle_price)?,
            impact_bid: given(impact_bid)?,
            impact_ask: given(impact_ask)?,
        };
        let row = row_of(RowKind::Context, time, local_time)?.with_context(context);
        Ok(Self { row, symbol: symbol.unbind() })
    }
    /// The instrument's name.
    #[getter]
    fn symbol(&self, py: Python<'_>) -> Py<PyString> {
        self.symbol.clone_ref(py)
    }
    /// Positions are valued and orders triggered at it.
    #[getter]
    fn mark_price<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.row.context().mark)
    }
    /// The price outside the venue; None if it is not known.
    #[getter]
    fn oracle_price<'py>(&self, py: Python<'py>) -> MaybePrice<'py> {
        known(py, self.row.context().oracle)
    }
    /// The average price that a large sale would get; None if it is not known.
    #[getter]
    fn impact_bid<'py>(&self, py: Python<'py>) -> MaybePrice<'py> {
        known(py, self.row.context().impact_bid)
    }
    /// The average price that a large purchase would pay; None if it is not known.
    #[getter]
    fn impact_ask<'py>(&self, py: Python<'py>) -> MaybePrice<'py> {
        known(py, self.row.context().impact_ask)
    }
    /// When, at the venue, UTC.
    #[getter]
    fn time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_datetime(py, self.row.exchange_time)
    }
    /// When, at the venue, in nanoseconds since the epoch.
    #[getter]
    fn time_ns(&self) -> i64 {
        self.row.exchange_time.raw()
    }
    /// When it reached us, UTC.
    #[getter]
    fn local_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_datetime(py, self.row.local_time)
    }
    /// When it reached us, in nanoseconds since the epoch.
    #[getter]
    fn local_time_ns(&self) -> i64 {
        self.row.local_time.raw()
    }
    fn __repr__(&self, py: Python<'_>) -> String {
        let Context { mark, oracle, .. } = self.row.context();
        format!("MarketContext({}, {}, mark={mark}, oracle={oracle})", self.symbol.bind(py), self.row.exchange_time)
    }
}

/// Funding is settled, at this rate of the hour.
#[pyclass(frozen, name = "FundingRate", module = "algo_trade._native")]
pub struct PyFundingRate {
    pub row: Row,
    pub symbol: Py<PyString>,
}

#[pymethods]
impl PyFundingRate {
    /// `rate` is of one hour; times are ints of nanoseconds or aware datetimes.
    #[new]
    #[pyo3(signature = (symbol, time, rate, oracle_price = None, local_time = None))]
    fn new(
        symbol: Bound<'_, PyString>,
        time: &Bound<'_, PyAny>,
        rate: &Bound<'_, PyAny>,
        oracle_price: Option<&Bound<'_, PyAny>>,
        local_time: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let rate: Rate = from_python(rate)?;
        let row = Row { price: given(oracle_price)?, aux: rate.raw(), ..row_of(RowKind::Funding, time, local_time)? };
        Ok(Self { row, symbol: symbol.unbind() })
    }
    /// The instrument's name.
    #[getter]
    fn symbol(&self, py: Python<'_>) -> Py<PyString> {
        self.symbol.clone_ref(py)
    }
    /// What longs pay to shorts in the hour, of the value of a position at the oracle price.
    #[getter]
    fn rate<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        decimal_of_text(py, &self.row.funding_rate().to_string())
    }
    /// The price that positions are valued at; None: that of the last context.
    #[getter]
    fn oracle_price<'py>(&self, py: Python<'py>) -> MaybePrice<'py> {
        known(py, self.row.price)
    }
    /// When, at the venue, UTC.
    #[getter]
    fn time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_datetime(py, self.row.exchange_time)
    }
    /// When, at the venue, in nanoseconds since the epoch.
    #[getter]
    fn time_ns(&self) -> i64 {
        self.row.exchange_time.raw()
    }
    /// When it reached us, UTC.
    #[getter]
    fn local_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_datetime(py, self.row.local_time)
    }
    /// When it reached us, in nanoseconds since the epoch.
    #[getter]
    fn local_time_ns(&self) -> i64 {
        self.row.local_time.raw()
    }
    fn __repr__(&self, py: Python<'_>) -> String {
        format!("FundingRate({}, {}, {})", self.symbol.bind(py), self.row.exchange_time, self.row.funding_rate())
    }
}
