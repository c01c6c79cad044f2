//! A view of an order book: what `ctx.book(symbol)` gives.

use pyo3::prelude::*;

use engine::book::MarketBook;
use engine::instrument::InstrumentId;
use engine::num::{Price, Qty};
use engine::order::Side;

use crate::context::PyContext;
use crate::errors::ParameterError;
use crate::events::side_of;
use crate::number::{from_python, to_decimal};

type MaybeDecimal<'py> = PyResult<Option<Bound<'py, PyAny>>>;

/// The book of a symbol as it is at the present event. It shows the present whenever it is asked, inside hooks only.
#[pyclass(frozen, name = "Book", module = "algo_trade._native", unsendable)]
pub struct PyBook {
    pub ctx: Py<PyContext>,
    pub id: InstrumentId,
    pub symbol: String,
}

impl PyBook {
    fn with<R>(&self, py: Python<'_>, look: impl FnOnce(&MarketBook) -> R) -> PyResult<R> {
        let found = self.ctx.bind(py).borrow().with(|ctx| ctx.world.book(self.id).map(look))?;
        found.ok_or_else(|| {
            ParameterError::new_err(format!("no book of {}: the data of this run hold bars", self.symbol))
        })
    }
    fn price<'py>(&self, py: Python<'py>, look: impl FnOnce(&MarketBook) -> Option<Price>) -> MaybeDecimal<'py> {
        self.with(py, look)?.map(|price| to_decimal(py, price)).transpose()
    }
    fn quantity<'py>(&self, py: Python<'py>, side: Side) -> MaybeDecimal<'py> {
        let level = self.with(py, |book| book.levels.side(side).best_level())?;
        level.map(|(_, quantity)| to_decimal(py, quantity)).transpose()
    }
}

#[pymethods]
impl PyBook {
    /// The instrument's name.
    #[getter]
    fn symbol(&self) -> &str {
        &self.symbol
    }
    /// Highest bid; None while nobody bids.
    #[getter]
    fn best_bid<'py>(&self, py: Python<'py>) -> MaybeDecimal<'py> {
        self.price(py, |book| book.levels.best_bid())
    }
    /// Lowest offer; None while nobody offers.
    #[getter]
    fn best_ask<'py>(&self, py: Python<'py>) -> MaybeDecimal<'py> {
        self.price(py, |book| book.levels.best_ask())
    }
    /// Quantity at the highest bid.
    #[getter]
    fn bid_quantity<'py>(&self, py: Python<'py>) -> MaybeDecimal<'py> {
        self.quantity(py, Side::Buy)
    }
    /// Quantity at the lowest offer.
    #[getter]
    fn ask_quantity<'py>(&self, py: Python<'py>) -> MaybeDecimal<'py> {
        self.quantity(py, Side::Sell)
    }
    /// The middle of the best prices.
    #[getter]
    fn mid<'py>(&self, py: Python<'py>) -> MaybeDecimal<'py> {
        self.price(py, |book| book.levels.mid())
    }
    /// Lowest offer less highest bid.
    #[getter]
    fn spread<'py>(&self, py: Python<'py>) -> MaybeDecimal<'py> {
        self.price(py, |book| book.levels.spread())
    }
    /// The step of prices at the best bid, by the instrument's rules.
    #[getter]
    fn tick_size<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let step = self.ctx.bind(py).borrow().with(|ctx| {
            let price = ctx.world.decision_price(self.id);
            ctx.world.instruments.get(self.id).map(|i| i.tick.step_at(price))
        })?;
        to_decimal(py, step.unwrap_or(Price::from_raw(1)))
    }
    /// The price of the last print; None before the first.
    #[getter]
    fn last_trade<'py>(&self, py: Python<'py>) -> MaybeDecimal<'py> {
        self.price(py, |book| book.last_trade)
    }
    /// The price at which positions are valued.
    #[getter]
    fn mark_price<'py>(&self, py: Python<'py>) -> MaybeDecimal<'py> {
        self.price(py, MarketBook::mark)
    }
    /// The price outside the venue; None where the data do not tell.
    #[getter]
    fn oracle_price<'py>(&self, py: Python<'py>) -> MaybeDecimal<'py> {
        self.price(py, |book| book.context.map(|context| context.oracle))
    }
    /// Whether the best bid is at or above the best offer, as before an opening.
    #[getter]
    fn is_crossed(&self, py: Python<'_>) -> PyResult<bool> {
        self.with(py, |book| book.levels.is_crossed())
    }
    /// The middle, each best price weighted by the quantity of the other side.
    #[getter]
    fn microprice(&self, py: Python<'_>) -> PyResult<Option<f64>> {
        self.with(py, |book| book.levels.microprice())
    }
    /// `(bids - offers) / (bids + offers)` over the quantity of the best `depth` levels of each side.
    #[pyo3(signature = (depth = 1))]
    fn imbalance(&self, py: Python<'_>, depth: usize) -> PyResult<Option<f64>> {
        self.with(py, |book| book.levels.imbalance(depth))
    }
    /// The middle of the quantity-weighted mean prices of the best `depth` levels of each side.
    #[pyo3(signature = (depth = 5))]
    fn weighted_mid(&self, py: Python<'_>, depth: usize) -> PyResult<Option<f64>> {
        self.with(py, |book| book.levels.weighted_mid(depth))
    }
    /// The average price at which a market order ("buy" or "sell") of this size would fill; None if the book is too thin.
    fn vwap<'py>(&self, py: Python<'py>, side: &str, quantity: &Bound<'py, PyAny>) -> MaybeDecimal<'py> {
        let (side, quantity): (Side, Qty) = (side_of(side)?, from_python(quantity)?);
        if !quantity.is_positive() {
            return Err(ParameterError::new_err(format!("quantity = {quantity}: must be above zero")));
        }
        self.price(py, |book| book.levels.vwap_to_size(side, quantity))
    }
    /// The best `depth` levels of a side ("buy": bids) as (price, quantity), best first.
    #[pyo3(signature = (side, depth = 10))]
    fn levels<'py>(
        &self,
        py: Python<'py>,
        side: &str,
        depth: usize,
    ) -> PyResult<Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)>> {
        let side = side_of(side)?;
        let levels: Vec<(Price, Qty)> = self.with(py, |book| book.levels.side(side).iter().take(depth).collect())?;
        levels.into_iter().map(|(price, held)| Ok((to_decimal(py, price)?, to_decimal(py, held)?))).collect()
    }
    /// The quantity at a price of a side; zero if there is no such level.
    fn quantity_at<'py>(&self, py: Python<'py>, side: &str, price: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let (side, price): (Side, Price) = (side_of(side)?, from_python(price)?);
        to_decimal(py, self.with(py, |book| book.levels.side(side).get(price))?)
    }
    fn __repr__(&self) -> String {
        format!("Book({})", self.symbol)
    }
}
