//! What the market says of its book: whole, or level by level.

use pyo3::prelude::*;
use pyo3::types::PyString;

use engine::instrument::InstrumentId;
use engine::num::{Price, Qty};
use engine::order::Side;
use engine::row::{Flags, Row, RowKind, RowSide};

use super::{from_time, side_of, to_datetime};
use crate::errors::ParameterError;
use crate::number::{from_python, to_decimal};

/// Price and quantity of a level.
type Level<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// An empty row of an event of Python, at its two times.
pub fn row_of(kind: RowKind, time: &Bound<'_, PyAny>, local_time: Option<&Bound<'_, PyAny>>) -> PyResult<Row> {
    let exchange_time = from_time(time)?;
    let local_time = local_time.map(from_time).transpose()?.unwrap_or(exchange_time);
    Ok(Row::new(kind, InstrumentId(u32::MAX), exchange_time, local_time))
}

fn held(side: &str, quantity: &Bound<'_, PyAny>) -> PyResult<Qty> {
    let quantity: Qty = from_python(quantity)?;
    if quantity.is_negative() {
        return Err(ParameterError::new_err(format!("{side}: quantity = {quantity}: must not be negative")));
    }
    Ok(quantity)
}

/// The whole visible book. Levels that it does not name, inside the span that it covers, are gone.
#[pyclass(frozen, name = "BookSnapshot", module = "algo_trade._native")]
pub struct PyBookSnapshot {
    /// A row a level, the first and the last marked; a book without a level is a clearing. Never empty.
    pub rows: Vec<Row>,
    pub symbol: Py<PyString>,
}

impl PyBookSnapshot {
    fn first(&self) -> PyResult<&Row> {
        self.rows.first().ok_or_else(|| ParameterError::new_err("a snapshot without rows"))
    }

    fn levels<'py>(&self, py: Python<'py>, side: Side) -> PyResult<Vec<Level<'py>>> {
        let of_side = |row: &&Row| row.side.side() == Some(side) && row.quantity.is_positive();
        let mut levels: Vec<(Price, Qty)> =
            self.rows.iter().filter(of_side).map(|row| (row.price, row.quantity)).collect();
        levels.sort_unstable();
        if side == Side::Buy {
            levels.reverse();
        }
        levels.into_iter().map(|(price, held)| Ok((to_decimal(py, price)?, to_decimal(py, held)?))).collect()
    }
}

#[pymethods]
impl PyBookSnapshot {
    /// Levels are (price, quantity) in any order; times are ints of nanoseconds or aware datetimes.
    #[new]
    #[pyo3(signature = (symbol, time, bids, asks, local_time = None))]
    fn new(
        symbol: Bound<'_, PyString>,
        time: &Bound<'_, PyAny>,
        bids: Vec<Level<'_>>,
        asks: Vec<Level<'_>>,
        local_time: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let row = row_of(RowKind::BookSnapshot, time, local_time)?;
        let mut rows = Vec::with_capacity(bids.len() + asks.len());
        for (side, name, levels) in [(RowSide::Buy, "bids", &bids), (RowSide::Sell, "asks", &asks)] {
            for (price, quantity) in levels {
                rows.push(row.at(side, from_python(price)?, held(name, quantity)?));
            }
        }
        engine::data::tick::mark_book(&mut rows, 0, row);
        Ok(Self { rows, symbol: symbol.unbind() })
    }
    /// The instrument's name.
    #[getter]
    fn symbol(&self, py: Python<'_>) -> Py<PyString> {
        self.symbol.clone_ref(py)
    }
    /// The bids as (price, quantity), best first.
    #[getter]
    fn bids<'py>(&self, py: Python<'py>) -> PyResult<Vec<Level<'py>>> {
        self.levels(py, Side::Buy)
    }
    /// The offers as (price, quantity), best first.
    #[getter]
    fn asks<'py>(&self, py: Python<'py>) -> PyResult<Vec<Level<'py>>> {
        self.levels(py, Side::Sell)
    }
    /// Whether there are bids and offers.
    #[getter]
    fn is_two_sided(&self) -> bool {
        let has = |side| self.rows.iter().any(|row| row.side.side() == Some(side) && row.quantity.is_positive());
        has(Side::Buy) && has(Side::Sell)
    }
    /// When, at the venue, UTC.
    #[getter]
    fn time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_datetime(py, self.first()?.exchange_time)
    }
    /// When, at the venue, in nanoseconds since the epoch.
    #[getter]
    fn time_ns(&self) -> PyResult<i64> {
        Ok(self.first()?.exchange_time.raw())
    }
    /// When it reached us, UTC.
    #[getter]
    fn local_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_datetime(py, self.first()?.local_time)
    }
    /// When it reached us, in nanoseconds since the epoch.
    #[getter]
    fn local_time_ns(&self) -> PyResult<i64> {
        Ok(self.first()?.local_time.raw())
    }
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (bids, asks) = (self.levels(py, Side::Buy)?.len(), self.levels(py, Side::Sell)?.len());
        let time = self.first()?.exchange_time;
        Ok(format!("BookSnapshot({}, {time}, {bids} bids, {asks} asks)", self.symbol.bind(py)))
    }
}

/// A level of the book now holds this much.
#[pyclass(frozen, name = "BookDelta", module = "algo_trade._native")]
pub struct PyBookDelta {
    pub row: Row,
    pub symbol: Py<PyString>,
}

#[pymethods]
impl PyBookDelta {
    /// `side` is "buy" for a bid, "sell" for an offer; times are ints of nanoseconds or aware datetimes.
    #[new]
    #[pyo3(signature = (symbol, time, side, price, quantity, is_last = true, local_time = None))]
    fn new(
        symbol: Bound<'_, PyString>,
        time: &Bound<'_, PyAny>,
        side: &str,
        price: &Bound<'_, PyAny>,
        quantity: &Bound<'_, PyAny>,
        is_last: bool,
        local_time: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let row = row_of(RowKind::BookDelta, time, local_time)?;
        let row = row.at(side_of(side)?.into(), from_python(price)?, held(side, quantity)?);
        let row = if is_last { row.marked(Flags::LAST) } else { row };
        Ok(Self { row, symbol: symbol.unbind() })
    }
    /// The instrument's name.
    #[getter]
    fn symbol(&self, py: Python<'_>) -> Py<PyString> {
        self.symbol.clone_ref(py)
    }
    /// "buy" for a bid, "sell" for an offer.
    #[getter]
    fn side(&self) -> &'static str {
        self.row.side.side().unwrap_or(Side::Buy).as_str()
    }
    /// The price of the level.
    #[getter]
    fn price<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.row.price)
    }
    /// What it holds now, in base units; zero: the level is gone.
    #[getter]
    fn quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.row.quantity)
    }
    /// Whether a batch that belongs together ends here: only then is the book as the venue had it.
    #[getter]
    const fn is_last(&self) -> bool {
        self.row.flags.has(Flags::LAST)
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
        let Row { exchange_time, price, quantity, .. } = self.row;
        let last = if self.is_last() { "" } else { ", is_last=False" };
        format!("BookDelta({}, {exchange_time}, {}, {quantity} @ {price}{last})", self.symbol.bind(py), self.side())
    }
}
