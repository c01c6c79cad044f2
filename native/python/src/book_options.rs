//! Options of matching on books across the border.

use pyo3::prelude::*;

use engine::num::{Qty, Rate};
use engine::time::Nanos;
use engine::venue::latency::{Latency, LatencyModel, Sample};
use engine::venue::{BookOptions, Evidence, QueueModel};

use crate::config::{one_of, rate_between};
use crate::errors::ParameterError;
use crate::number::from_python;

/// How long messages take, checked.
#[pyclass(frozen, name = "LatencyOptions", module = "algo_trade._native")]
pub struct PyLatency {
    inner: LatencyModel,
}

#[pymethods]
impl PyLatency {
    /// Always the same, in nanoseconds.
    #[staticmethod]
    fn constant(entry_ns: i64, response_ns: i64) -> PyResult<Self> {
        let checked = |name: &str, ns: i64| {
            if ns < 0 {
                return Err(ParameterError::new_err(format!("latency.{name} = {ns}: must not be negative")));
            }
            Ok(Nanos::from_raw(ns))
        };
        let (entry, response) = (checked("entry_ns", entry_ns)?, checked("response_ns", response_ns)?);
        Ok(Self { inner: LatencyModel::Constant { entry, response } })
    }
    /// Measured (request, exchange, response) times in nanoseconds, in order of the requests.
    #[staticmethod]
    fn table(rows: Vec<(i64, i64, i64)>) -> PyResult<Self> {
        if rows.is_empty() {
            return Err(ParameterError::new_err("latency: the table is empty"));
        }
        for (row, pair) in rows.windows(2).enumerate() {
            if let [(before, ..), (after, ..)] = pair
                && after < before
            {
                return Err(ParameterError::new_err(format!(
                    "latency: row {}: requests must not go back in time",
                    row + 2
                )));
            }
        }
        let sample = |(request, exchange, response): (i64, i64, i64)| Sample {
            request: Nanos::from_raw(request),
            exchange: Nanos::from_raw(exchange),
            response: Nanos::from_raw(response),
        };
        Ok(Self { inner: LatencyModel::Table(rows.into_iter().map(sample).collect()) })
    }
    /// Multiples of what the last market data took: `entry = a * F + b`, `response = c * F + d`; b and d in nanoseconds.
    #[staticmethod]
    fn feed(a: f64, b: i64, c: f64, d: i64) -> PyResult<Self> {
        if !(a.is_finite() && c.is_finite() && a >= 0.0 && c >= 0.0 && b >= 0 && d >= 0) {
            return Err(ParameterError::new_err(format!(
                "latency: a = {a}, b = {b}, c = {c}, d = {d}: none may be negative"
            )));
        }
        Ok(Self { inner: LatencyModel::Feed { a, b: Nanos::from_raw(b), c, d: Nanos::from_raw(d) } })
    }
    fn __repr__(&self) -> String {
        format!("{:?}", self.inner)
    }
}

/// Options of matching on books, checked.
#[pyclass(frozen, name = "BookOptions", module = "algo_trade._native")]
pub struct PyBookOptions {
    pub inner: BookOptions,
}

const EVIDENCE: [(&str, Evidence); 4] =
    [("displayed", Evidence::Bounded), ("traded", Evidence::Bounded), ("full", Evidence::Full), ("off", Evidence::Off)];

#[pymethods]
impl PyBookOptions {
    #[new]
    #[pyo3(signature = (*, queue_model, queue_n, log_unit, partial_fills, through_fill, cross_fill, unknown_aggressor_fills, modify_keeps_queue, modify_keeps_old, taken_decay_ns, price_band, market_reach, trigger_reach, open_orders_max, book_age_max_ns, block_mode, block_interval_ns, latency, modify_latency, cancel_latency, jitter, independent_messages, equity_step_ns, seed))]
    fn new(
        queue_model: &str,
        queue_n: f64,
        log_unit: &Bound<'_, PyAny>,
        partial_fills: bool,
        through_fill: &str,
        cross_fill: &str,
        unknown_aggressor_fills: bool,
        modify_keeps_queue: bool,
        modify_keeps_old: bool,
        taken_decay_ns: Option<i64>,
        price_band: &Bound<'_, PyAny>,
        market_reach: &Bound<'_, PyAny>,
        trigger_reach: &Bound<'_, PyAny>,
        open_orders_max: usize,
        book_age_max_ns: i64,
        block_mode: bool,
        block_interval_ns: Option<i64>,
        latency: &PyLatency,
        modify_latency: Option<&PyLatency>,
        cancel_latency: Option<&PyLatency>,
        jitter: f64,
        independent_messages: bool,
        equity_step_ns: i64,
        seed: u64,
    ) -> PyResult<Self> {
        if !(queue_n > 0.0 && queue_n <= 100.0) {
            return Err(ParameterError::new_err(format!("queue.n = {queue_n}: must be above 0, at most 100")));
        }
        if !(0.0..=5.0).contains(&jitter) {
            return Err(ParameterError::new_err(format!("latency.jitter = {jitter}: must be from 0 to 5")));
        }
        let positive = |name: &str, ns: i64| {
            if ns <= 0 {
                return Err(ParameterError::new_err(format!("{name} = {ns}: must be above zero")));
            }
            Ok(Nanos::from_raw(ns))
        };
        let unit: Qty = from_python(log_unit)?;
        if !unit.is_positive() {
            return Err(ParameterError::new_err(format!("queue.log_unit = {unit}: must be above zero")));
        }
        let share = |name: &str, value: &Bound<'_, PyAny>| -> PyResult<Rate> { rate_between(name, value, 0.0, 1.0) };
        let model = match queue_model {
            "power1" => QueueModel::Power1(queue_n),
            "power2" => QueueModel::Power2(queue_n),
            "power3" => QueueModel::Power3(queue_n),
            "log1" => QueueModel::Log1(unit),
            "log2" => QueueModel::Log2(unit),
            // In a book of orders the queue is known; the word says so.
            "risk_averse" | "fifo" => QueueModel::RiskAverse,
            other => {
                return Err(ParameterError::new_err(format!(
                    "queue.model = {other}: must be one of risk_averse, power1, power2, power3, log1, log2, fifo"
                )));
            }
        };
        let inner = BookOptions {
            queue: model,
            partial_fills,
            through_fill: one_of("through_fill", through_fill, &EVIDENCE)?,
            cross_fill: one_of("cross_fill", cross_fill, &EVIDENCE)?,
            unknown_aggressor_fills,
            modify_keeps_queue,
            modify_keeps_old,
            taken_decay: taken_decay_ns.map(|ns| positive("taken_decay_ns", ns)).transpose()?,
            price_band: share("price_band", price_band)?,
            market_reach: share("market_reach", market_reach)?,
            trigger_reach: share("trigger_reach", trigger_reach)?,
            open_orders_max,
            book_age_max: positive("max_book_age_ns", book_age_max_ns)?,
            block_mode,
            block_interval: block_interval_ns.map(|ns| positive("block_interval_ns", ns)).transpose()?,
            latency: Latency {
                place: latency.inner.clone(),
                modify: modify_latency.map(|l| l.inner.clone()),
                cancel: cancel_latency.map(|l| l.inner.clone()),
                jitter,
                is_independent: independent_messages,
            },
            seed,
            equity_step: positive("equity_step_ns", equity_step_ns)?,
        };
        Ok(Self { inner })
    }
    fn __repr__(&self) -> String {
        format!("{:?}", self.inner)
    }
}
