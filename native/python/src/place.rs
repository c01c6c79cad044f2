//! Orders as Python asks for them: the arguments of `ctx.buy` and `ctx.sell`.

use pyo3::prelude::*;

use engine::instrument::InstrumentId;
use engine::num::{Price, Qty, Rate};
use engine::order::{Group, OrderKind, Side, TimeInForce, Trail};
use engine::strategy::OrderRequest;
use engine::time::Nanos;

use crate::errors::{OrPy, ParameterError};
use crate::events::cloid_of;
use crate::number::from_python;

/// The arguments of `buy` and `sell`.
pub struct Placed<'a, 'py> {
    pub quantity: Option<&'a Bound<'py, PyAny>>,
    pub price: Option<&'a Bound<'py, PyAny>>,
    pub stop: Option<&'a Bound<'py, PyAny>>,
    pub take_profit: Option<&'a Bound<'py, PyAny>>,
    pub trail: Option<&'a Bound<'py, PyAny>>,
    pub twap_ns: Option<i64>,
    pub time_in_force: &'a str,
    pub reduce_only: bool,
    pub parent: Option<&'a str>,
    pub for_position: bool,
    pub expires_after_ns: Option<i64>,
}

impl Placed<'_, '_> {
    /// As the engine takes it.
    pub fn request(&self, instrument: InstrumentId, side: Side) -> PyResult<OrderRequest> {
        let quantity: Option<Qty> = self.quantity.map(from_python).transpose()?;
        if quantity.is_some_and(|q| !q.is_positive()) {
            return Err(ParameterError::new_err("quantity: must be above zero; the side is in buy or sell"));
        }
        let group = match (self.parent, self.for_position) {
            (None, false) => Group::None,
            (Some(parent), false) => Group::Child(cloid_of(parent)?),
            (None, true) => Group::Position,
            (Some(_), true) => {
                return Err(ParameterError::new_err("an order has a parent, or is for the whole position, not both"));
            }
        };
        Ok(OrderRequest {
            instrument,
            side,
            quantity,
            kind: self.kind()?,
            time_in_force: time_in_force_of(self.time_in_force)?,
            reduce_only: self.reduce_only || self.for_position,
            group,
            expires_after: self.expires_after_ns.map(Nanos::from_raw),
        })
    }

    fn kind(&self) -> PyResult<OrderKind> {
        let price: Option<Price> = self.price.map(from_python).transpose()?;
        let stop: Option<Price> = self.stop.map(from_python).transpose()?;
        let take_profit: Option<Price> = self.take_profit.map(from_python).transpose()?;
        let trail = self.trail.map(trail_of).transpose()?;
        if let Some(ns) = self.twap_ns {
            if ns <= 0 {
                return Err(ParameterError::new_err(format!("twap_ns = {ns}: must be above zero")));
            }
            if price.is_some() || stop.is_some() || take_profit.is_some() || trail.is_some() {
                return Err(ParameterError::new_err("a TWAP takes no price, stop, take_profit or trail"));
            }
            return Ok(OrderKind::Twap { duration: Nanos::from_raw(ns) });
        }
        Ok(match (price, stop, take_profit, trail) {
            (None, None, None, None) => OrderKind::Market,
            (Some(price), None, None, None) => OrderKind::Limit { price },
            (None, Some(trigger), None, None) => OrderKind::Stop { trigger },
            (Some(price), Some(trigger), None, None) => OrderKind::StopLimit { trigger, price },
            (None, None, Some(trigger), None) => OrderKind::TakeProfit { trigger },
            (Some(price), None, Some(trigger), None) => OrderKind::TakeProfitLimit { trigger, price },
            (None, None, None, Some(trail)) => OrderKind::TrailingStop { trail },
            _ => {
                return Err(ParameterError::new_err(
                    "an order has one of stop, take_profit and trail; price goes with the first two or alone",
                ));
            }
        })
    }
}

fn time_in_force_of(text: &str) -> PyResult<TimeInForce> {
    Ok(match text {
        "gtc" => TimeInForce::Gtc,
        "ioc" => TimeInForce::Ioc,
        "alo" => TimeInForce::Alo,
        "fok" => TimeInForce::Fok,
        other => return Err(ParameterError::new_err(format!("time_in_force = {other}: must be gtc, ioc, alo or fok"))),
    })
}

/// `"1.5%"` is a fraction of the best price, anything else a distance in quote currency.
fn trail_of(value: &Bound<'_, PyAny>) -> PyResult<Trail> {
    if let Ok(text) = value.extract::<String>()
        && let Some(percent) = text.strip_suffix('%')
    {
        let percent: Rate = percent.trim().parse().or_py()?;
        return Ok(Trail::Fraction(Rate::from_raw(percent.raw() / 100)));
    }
    Ok(Trail::Absolute(from_python(value)?))
}
