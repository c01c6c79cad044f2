//! Options across the border: the simulated venue, sizing and limits, instruments.

use pyo3::prelude::*;

use engine::instrument::{Instrument, Instruments, MarginMode, MarginTier, TickRule};
use engine::num::{Money, Price, Qty, Rate};
use engine::risk::{SimpleRisk, Sizing, VolatilityTarget};
use engine::venue::{FillOn, FundingRule, Margin, PathRule, VenueConfig, reach};

use crate::book_options::PyBookOptions;
use crate::errors::{OrPy, ParameterError};
use crate::events::side_of;
use crate::fees::PyFeeSchedule;
use crate::number::{from_python, to_decimal};

const MARGIN_MODES: [(&str, MarginMode); 2] = [("cross", MarginMode::Cross), ("isolated", MarginMode::Isolated)];

pub fn one_of<T: Copy>(name: &str, given: &str, choices: &[(&str, T)]) -> PyResult<T> {
    choices.iter().find(|(word, _)| *word == given).map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        ParameterError::new_err(format!("{name} = {given}: must be one of {}", words.join(", ")))
    })
}

/// A rate that must lie in a range.
pub fn rate_between(name: &str, value: &Bound<'_, PyAny>, low: f64, high: f64) -> PyResult<Rate> {
    let rate: Rate = from_python(value).map_err(|e| ParameterError::new_err(format!("{name} = {value}: {e}")))?;
    if rate.to_f64() < low || rate.to_f64() > high {
        return Err(ParameterError::new_err(format!("{name} = {rate}: must be from {low} to {high}")));
    }
    Ok(rate)
}

/// The options of the simulated venue, checked.
#[pyclass(frozen, name = "VenueOptions", module = "algo_trade._native")]
pub struct PyVenueOptions {
    pub inner: VenueConfig,
}

#[pymethods]
impl PyVenueOptions {
    #[new]
    #[pyo3(signature = (*, fill_on, slippage_bps, path, penetration_ticks, max_participation, fees, funding, leverage, margin, margin_mode, reserve_open_orders, book))]
    fn new(
        fill_on: &str,
        slippage_bps: &Bound<'_, PyAny>,
        path: &str,
        penetration_ticks: u32,
        max_participation: &Bound<'_, PyAny>,
        fees: &PyFeeSchedule,
        funding: &str,
        leverage: u32,
        margin: &str,
        margin_mode: &str,
        reserve_open_orders: bool,
        book: &PyBookOptions,
    ) -> PyResult<Self> {
        let slippage: Price = from_python(slippage_bps)
            .map_err(|e| ParameterError::new_err(format!("slippage_bps = {slippage_bps}: {e}")))?;
        if slippage.is_negative() || slippage.raw() >= 5_000 * Price::ONE.raw() {
            return Err(ParameterError::new_err(format!("slippage_bps = {slippage}: must be from 0 to below 5000")));
        }
        if !(1..=1000).contains(&leverage) {
            return Err(ParameterError::new_err(format!("leverage = {leverage}: must be from 1 to 1000")));
        }
        let inner = VenueConfig {
            fill_on: one_of("fill_on", fill_on, &[("next_open", FillOn::NextOpen), ("close", FillOn::Close)])?,
            slippage: Rate::from_bps(slippage).or_py()?,
            path: one_of(
                "path",
                path,
                &[
                    ("pessimistic", PathRule::Pessimistic),
                    ("adaptive", PathRule::Adaptive),
                    ("ohlc", PathRule::Ohlc),
                    ("olhc", PathRule::Olhc),
                ],
            )?,
            penetration_ticks,
            max_participation: rate_between("max_participation", max_participation, 1e-12, 1.0)?,
            fees: fees.inner.clone(),
            funding: one_of(
                "funding",
                funding,
                &[("recorded", FundingRule::Recorded), ("formula", FundingRule::Formula), ("none", FundingRule::None)],
            )?,
            margin_mode: one_of("margin_mode", margin_mode, &MARGIN_MODES)?,
            leverage,
            margin: one_of("margin", margin, &[("hyperliquid", Margin::Hyperliquid), ("none", Margin::None)])?,
            reserve_open_orders,
            book: book.inner.clone(),
        };
        Ok(Self { inner })
    }
}

/// How positions are sized and capped, checked.
#[pyclass(frozen, name = "RiskOptions", module = "algo_trade._native")]
pub struct PyRiskOptions {
    quantity: Option<Qty>,
    fraction: Option<Rate>,
    volatility: Option<(f64, u32, f64)>,
    max_position_size: Option<Qty>,
}

#[pymethods]
impl PyRiskOptions {
    /// One of `quantity` (base units), `fraction` (of equity) and `volatility` (annual target, bars, largest fraction).
    #[new]
    #[pyo3(signature = (*, quantity = None, fraction = None, volatility = None, max_position_size = None))]
    fn new(
        quantity: Option<&Bound<'_, PyAny>>,
        fraction: Option<&Bound<'_, PyAny>>,
        volatility: Option<(f64, u32, f64)>,
        max_position_size: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let positive = |name: &str, value: Option<&Bound<'_, PyAny>>| -> PyResult<Option<Qty>> {
            let Some(value) = value else { return Ok(None) };
            let parsed: Qty =
                from_python(value).map_err(|e| ParameterError::new_err(format!("{name} = {value}: {e}")))?;
            if parsed.is_positive() {
                Ok(Some(parsed))
            } else {
                Err(ParameterError::new_err(format!("{name} = {parsed}: must be above zero, in base units")))
            }
        };
        let ways =
            usize::from(quantity.is_some()) + usize::from(fraction.is_some()) + usize::from(volatility.is_some());
        if ways != 1 {
            return Err(ParameterError::new_err("size: give exactly one of quantity, fraction and volatility"));
        }
        if let Some((target, bars, largest)) = volatility
            && !(target > 0.0 && target.is_finite() && bars > 1 && largest > 0.0 && largest <= 1000.0)
        {
            return Err(ParameterError::new_err(format!(
                "volatility = ({target}, {bars}, {largest}): must be an annual target above 0, more than 1 bar, and a largest fraction above 0"
            )));
        }
        Ok(Self {
            quantity: positive("quantity", quantity)?,
            fraction: fraction.map(|f| rate_between("fraction", f, 1e-12, 1000.0)).transpose()?,
            volatility,
            max_position_size: positive("max_position_size", max_position_size)?,
        })
    }
}

impl PyRiskOptions {
    pub fn build(&self, instruments: usize) -> SimpleRisk {
        let sizing = match (self.quantity, self.fraction, self.volatility) {
            (Some(quantity), ..) => Sizing::Fixed(quantity),
            (None, _, Some((target, bars, largest))) => {
                Sizing::Volatility(VolatilityTarget::new(target, bars, largest, instruments))
            }
            (None, fraction, None) => Sizing::Fraction(fraction.unwrap_or_default()),
        };
        SimpleRisk { sizing, max_position_size: self.max_position_size }
    }
}

/// The venue's rules for a symbol: tick and lot, minimum notional, margin tiers.
#[pyclass(frozen, name = "Instrument", module = "algo_trade._native")]
pub struct PyInstrument {
    pub inner: Instrument,
}

#[pymethods]
impl PyInstrument {
    /// `tick_size` is a fixed step; else `size_decimals` gives Hyperliquid's rule of five figures, with at most `price_decimals` (of a
    /// perpetual 6 less those of its sizes, of a spot pair 8 less those). `tiers` are (lower bound, leverage).
    /// `leverage` and `margin_mode` are ours to choose; without them those of the account hold.
    #[new]
    #[pyo3(signature = (symbol, *, tick_size = None, lot_size = None, size_decimals = None, price_decimals = None, min_notional = None, tiers = None, leverage = None, margin_mode = None))]
    fn new(
        symbol: &str,
        tick_size: Option<&Bound<'_, PyAny>>,
        lot_size: Option<&Bound<'_, PyAny>>,
        size_decimals: Option<u32>,
        price_decimals: Option<u32>,
        min_notional: Option<&Bound<'_, PyAny>>,
        tiers: Option<Vec<(Bound<'_, PyAny>, u32)>>,
        leverage: Option<u32>,
        margin_mode: Option<&str>,
    ) -> PyResult<Self> {
        let mut inner = Instrument::unrestricted(symbol);
        if let Some(decimals) = size_decimals {
            let most = if price_decimals.is_some() { 8 } else { 6 };
            if decimals > most {
                return Err(ParameterError::new_err(format!(
                    "{symbol}.size_decimals = {decimals}: must be from 0 to {most}"
                )));
            }
            let finest = price_decimals.unwrap_or(6 - decimals.min(6));
            if finest > 8 {
                return Err(ParameterError::new_err(format!(
                    "{symbol}.price_decimals = {finest}: must be from 0 to 8"
                )));
            }
            inner.tick = TickRule::Figures { figures: 5, decimals: finest };
            inner.lot_size = Qty::from_raw(10_i64.pow(8 - decimals));
        }
        let positive = |name: &str, value: &Bound<'_, PyAny>| -> PyResult<i64> {
            let price: Price =
                from_python(value).map_err(|e| ParameterError::new_err(format!("{symbol}.{name} = {value}: {e}")))?;
            let allowed = price.is_positive() || (name == "min_notional" && price.is_zero());
            allowed
                .then_some(price.raw())
                .ok_or_else(|| ParameterError::new_err(format!("{symbol}.{name} = {price}: must be above zero")))
        };
        if let Some(tick) = tick_size {
            inner.tick = TickRule::Fixed(Price::from_raw(positive("tick_size", tick)?));
        }
        if let Some(lot) = lot_size {
            inner.lot_size = Qty::from_raw(positive("lot_size", lot)?);
        }
        if let Some(least) = min_notional {
            inner.min_notional = Money::from_raw(positive("min_notional", least)?);
        }
        if let Some(tiers) = tiers {
            let tier = |(lower, max_leverage): &(Bound<'_, PyAny>, u32)| {
                Ok(MarginTier { lower_bound: from_python(lower)?, max_leverage: *max_leverage })
            };
            inner.tiers = tiers.iter().map(tier).collect::<PyResult<_>>()?;
            let starts = inner.tiers.first().is_some_and(|t| t.lower_bound.is_zero());
            let ascends = inner.tiers.is_sorted_by(|a, b| a.lower_bound < b.lower_bound);
            let levers = inner.tiers.iter().all(|t| (1..=1000).contains(&t.max_leverage));
            if !(starts && ascends && levers) {
                return Err(ParameterError::new_err(format!(
                    "{symbol}.tiers: the first starts at 0, lower bounds ascend, leverage is from 1 to 1000"
                )));
            }
        }
        if let Some(leverage) = leverage {
            let most = inner.tiers.first().map_or(1, |t| t.max_leverage);
            if !(1..=most).contains(&leverage) {
                return Err(ParameterError::new_err(format!(
                    "{symbol}.leverage = {leverage}: must be from 1 to {most}, the most of its first tier"
                )));
            }
            inner.leverage = Some(leverage);
        }
        inner.margin_mode =
            margin_mode.map(|mode| one_of(&format!("{symbol}.margin_mode"), mode, &MARGIN_MODES)).transpose()?;
        Ok(Self { inner })
    }
    /// Its name.
    #[getter]
    fn symbol(&self) -> &str {
        &self.inner.symbol
    }
    /// Whether an order may have this price.
    fn allows_price(&self, price: &Bound<'_, PyAny>) -> PyResult<bool> {
        let price: Price = from_python(price)?;
        Ok(price.is_positive() && self.inner.tick.allows(price))
    }
    /// Whether an order of these terms breaks none of the rules. `trigger_price` is None without one; `reduces`: the least notional
    /// does not hold.
    fn takes(
        &self,
        price: &Bound<'_, PyAny>,
        quantity: &Bound<'_, PyAny>,
        trigger_price: Option<&Bound<'_, PyAny>>,
        reduces: bool,
    ) -> bool {
        let rules = &self.inner;
        let is_price = |given: &Bound<'_, PyAny>| {
            from_python(given).ok().filter(|price: &Price| price.is_positive() && rules.tick.allows(*price))
        };
        let is_quantity =
            |quantity: &Qty| quantity.is_positive() && quantity.floor_to_lot(rules.lot_size) == Ok(*quantity);
        let (Some(price), Some(quantity)) = (is_price(price), from_python(quantity).ok().filter(is_quantity)) else {
            return false;
        };
        let is_worth_it = reduces || price.notional(quantity).is_ok_and(|value| value >= rules.min_notional);
        is_worth_it && trigger_price.is_none_or(|trigger| is_price(trigger).is_some())
    }
    /// The price `share` (0.05: 5 %) beyond `price`, up for a "buy" and down for a "sell", as an order may have it: the worst that an
    /// order at the market accepts.
    fn reach<'py>(
        &self,
        py: Python<'py>,
        price: &Bound<'py, PyAny>,
        share: &Bound<'py, PyAny>,
        side: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let side = side_of(side)?;
        let limit = reach(from_python(price)?, rate_between("share", share, 0.0, 1.0)?, side).or_py()?;
        to_decimal(py, self.inner.tick.passive(limit, side).or_py()?)
    }
    fn __repr__(&self) -> String {
        format!("Instrument({:?}, {:?}, lot_size={})", self.inner.symbol, self.inner.tick, self.inner.lot_size)
    }
}

/// The instruments of a run: rules where there are some, none for the other symbols.
pub fn instruments(symbols: &[String], rules: &[Py<PyInstrument>]) -> Instruments {
    let of = |symbol: &String| {
        let known = rules.iter().map(|r| &r.get().inner).find(|i| i.symbol == *symbol);
        known.cloned().unwrap_or_else(|| Instrument::unrestricted(symbol))
    };
    Instruments::new(symbols.iter().map(of).collect())
}

/// The deposit of an account, checked and exact; raises ParameterError.
#[pyfunction]
pub fn resolve_capital<'py>(py: Python<'py>, initial_capital: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let money: Money = from_python(initial_capital)
        .map_err(|e| ParameterError::new_err(format!("initial_capital = {initial_capital}: {}", e.value(py))))?;
    if !money.is_positive() {
        return Err(ParameterError::new_err(format!("initial_capital = {money}: must be above zero")));
    }
    to_decimal(py, money)
}

/// What all order ids of a bot begin with: `0x` and eight digits.
#[pyfunction]
pub fn cloid_tag(bot_id: &str) -> String {
    format!("{:#010x}", engine::order::Cloid::tag(bot_id))
}
