//! An order in the venue's terms, and decimals as the venue writes them.

use pyo3::prelude::*;

use engine::hyperliquid::action::{Order, OrderType, Tif, TpSl, WireCloid};
use engine::num::{Price, Qty};

use crate::config::one_of;
use crate::errors::ParameterError;
use crate::number::{from_python, to_decimal};

type Given<'py> = Bound<'py, PyAny>;

/// A number as the venue writes it: plain, at most 8 decimals, no trailing zeros.
#[pyfunction]
pub fn wire_decimal(value: &Given<'_>) -> PyResult<String> {
    Ok(from_python::<Price>(value)?.to_string())
}

pub fn cloid_from(text: &str) -> PyResult<WireCloid> {
    serde_json::from_value(text.into())
        .map_err(|_| ParameterError::new_err(format!("cloid = `{text}`: must be 0x and 32 hex digits")))
}

/// An order as the venue takes it.
#[pyclass(frozen, eq, name = "WireOrder", module = "algo_trade._native")]
#[derive(Clone, PartialEq)]
pub struct PyWireOrder {
    pub inner: Order,
}

#[pymethods]
impl PyWireOrder {
    #[new]
    #[pyo3(signature = (asset, is_buy, price, quantity, *, reduce_only = false, time_in_force = "gtc", trigger_price = None,
        trigger = None, trigger_market = true, cloid = None))]
    fn new(
        asset: u32,
        is_buy: bool,
        price: &Given<'_>,
        quantity: &Given<'_>,
        reduce_only: bool,
        time_in_force: &str,
        trigger_price: Option<&Given<'_>>,
        trigger: Option<&str>,
        trigger_market: bool,
        cloid: Option<&str>,
    ) -> PyResult<Self> {
        let tif = one_of("time_in_force", time_in_force, &[("gtc", Tif::Gtc), ("ioc", Tif::Ioc), ("alo", Tif::Alo)])?;
        let order_type = match (trigger_price, trigger) {
            (None, None) => OrderType::Limit { tif },
            (Some(trigger_px), Some(way)) => OrderType::Trigger {
                is_market: trigger_market,
                trigger_px: price_from("trigger_price", trigger_px)?,
                tpsl: one_of("trigger", way, &[("tp", TpSl::TakeProfit), ("sl", TpSl::StopLoss)])?,
            },
            _ => {
                return Err(ParameterError::new_err(
                    "trigger_price and trigger belong together: give both, or neither",
                ));
            }
        };
        let price = price_from("price", price)?;
        let quantity: Qty = from_python(quantity)?;
        if quantity.is_negative() {
            return Err(ParameterError::new_err(format!("quantity = {quantity}: must not be below zero")));
        }
        let cloid = cloid.map(cloid_from).transpose()?;
        Ok(Self { inner: Order { asset, is_buy, price, quantity, is_reduce_only: reduce_only, order_type, cloid } })
    }

    #[getter]
    fn asset(&self) -> u32 {
        self.inner.asset
    }
    #[getter]
    fn is_buy(&self) -> bool {
        self.inner.is_buy
    }
    #[getter]
    fn price<'py>(&self, py: Python<'py>) -> PyResult<Given<'py>> {
        to_decimal(py, self.inner.price)
    }
    #[getter]
    fn quantity<'py>(&self, py: Python<'py>) -> PyResult<Given<'py>> {
        to_decimal(py, self.inner.quantity)
    }
    #[getter]
    fn reduce_only(&self) -> bool {
        self.inner.is_reduce_only
    }
    #[getter]
    fn cloid(&self) -> Option<String> {
        self.inner.cloid.map(|id| id.0.to_string())
    }
    /// The order in JSON, as it is sent.
    fn __repr__(&self) -> String {
        format!("WireOrder({})", serde_json::to_string(&self.inner).unwrap_or_default())
    }
}

fn price_from(name: &str, given: &Given<'_>) -> PyResult<Price> {
    let price: Price = from_python(given)?;
    if price.is_positive() {
        Ok(price)
    } else {
        Err(ParameterError::new_err(format!("{name} = {price}: must be above zero")))
    }
}
