//! What a run left behind as Arrow tables: money as decimal128(20, 8), times in nanoseconds UTC.

use std::sync::Arc;

use arrow_array::builder::{Decimal128Builder, StringDictionaryBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray, TimestampNanosecondArray, UInt64Array,
};
use pyo3::prelude::*;
use pyo3_arrow::PyTable;

use engine::account::RoundTrip;
use engine::backtest::{Best, FillMark};
use engine::instrument::{InstrumentId, Instruments};
use engine::num::{Money, Price};
use engine::order::{FillEvent, Side};
use engine::record::{Curve, OrderRow, Records};
use engine::time::Nanos;

use crate::errors::EngineError;

fn failed(error: impl std::fmt::Display) -> PyErr {
    EngineError::new_err(format!("a table cannot be built: {error}"))
}

fn decimals(values: impl Iterator<Item = Option<i64>>) -> PyResult<ArrayRef> {
    let mut builder = Decimal128Builder::new().with_precision_and_scale(20, 8).map_err(failed)?;
    for value in values {
        builder.append_option(value.map(i128::from));
    }
    Ok(Arc::new(builder.finish()))
}

fn times(values: impl Iterator<Item = Nanos>) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from_iter_values(values.map(Nanos::raw)).with_timezone("UTC"))
}

fn maybe_times(values: impl Iterator<Item = Option<Nanos>>) -> ArrayRef {
    let values: TimestampNanosecondArray = values.map(|time| time.map(Nanos::raw)).collect();
    Arc::new(values.with_timezone("UTC"))
}

/// Words of which there are few.
fn words<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    let mut builder = StringDictionaryBuilder::<Int32Type>::new();
    for value in values {
        builder.append_option(value);
    }
    Arc::new(builder.finish())
}

fn table(columns: Vec<(&str, ArrayRef)>) -> PyResult<PyTable> {
    // Every column is nullable, so that an empty table has the schema of a full one.
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).map_err(failed)?;
    let schema = batch.schema();
    PyTable::try_new(vec![batch], schema)
}

fn symbols<'a>(instruments: &'a Instruments, ids: impl Iterator<Item = InstrumentId> + 'a) -> ArrayRef {
    words(ids.map(|id| Some(instruments.symbol(id))))
}

pub fn fills(fills: &[FillEvent], instruments: &Instruments) -> PyResult<PyTable> {
    table(vec![
        ("time", times(fills.iter().map(|f| f.time))),
        ("local_time", times(fills.iter().map(|f| f.local_time))),
        ("symbol", symbols(instruments, fills.iter().map(|f| f.instrument))),
        ("side", words(fills.iter().map(|f| Some(f.side.as_str())))),
        ("price", decimals(fills.iter().map(|f| Some(f.price.raw())))?),
        ("quantity", decimals(fills.iter().map(|f| Some(f.quantity.raw())))?),
        ("fee", decimals(fills.iter().map(|f| Some(f.fee.raw())))?),
        ("liquidity", words(fills.iter().map(|f| Some(f.liquidity.as_str())))),
        ("reason", words(fills.iter().map(|f| Some(f.reason.as_str())))),
        ("ahead_at_arrival", decimals(fills.iter().map(|f| f.ahead_at_arrival.map(|a| a.raw())))?),
        ("cloid", Arc::new(StringArray::from_iter_values(fills.iter().map(|f| f.cloid.to_string())))),
        ("oid", Arc::new(UInt64Array::from_iter_values(fills.iter().map(|f| f.oid)))),
        ("trade_id", Arc::new(UInt64Array::from_iter_values(fills.iter().map(|f| f.trade_id)))),
    ])
}

pub fn orders(orders: &[OrderRow], instruments: &Instruments) -> PyResult<PyTable> {
    table(vec![
        ("time", times(orders.iter().map(|o| o.event.time))),
        ("symbol", symbols(instruments, orders.iter().map(|o| o.event.instrument))),
        ("cloid", Arc::new(StringArray::from_iter_values(orders.iter().map(|o| o.event.cloid.to_string())))),
        ("oid", Arc::new(UInt64Array::from_iter_values(orders.iter().map(|o| o.oid)))),
        ("side", words(orders.iter().map(|o| Some(o.event.side.as_str())))),
        ("kind", words(orders.iter().map(|o| Some(o.event.kind.as_str())))),
        ("quantity", decimals(orders.iter().map(|o| Some(o.event.quantity.raw())))?),
        ("filled_quantity", decimals(orders.iter().map(|o| Some(o.filled.raw())))?),
        ("price", decimals(orders.iter().map(|o| o.event.kind.price().map(|p| p.raw())))?),
        ("trigger_price", decimals(orders.iter().map(|o| o.event.kind.trigger().map(|p| p.raw())))?),
        ("average_price", decimals(orders.iter().map(|o| o.average_price().map(|p| p.raw())))?),
        ("decision_price", decimals(orders.iter().map(|o| Some(o.event.decision_price.raw())))?),
        ("time_in_force", words(orders.iter().map(|o| Some(o.event.time_in_force.as_str())))),
        ("reduce_only", Arc::new(BooleanArray::from_iter(orders.iter().map(|o| Some(o.event.reduce_only))))),
        ("status", words(orders.iter().map(|o| Some(o.status.map_or("in_flight", |s| s.as_str()))))),
        ("reason", words(orders.iter().map(|o| o.status.and_then(|s| s.reason()).map(|r| r.as_str())))),
        ("updated", times(orders.iter().map(|o| o.updated))),
        ("arrived", maybe_times(orders.iter().map(|o| o.arrived))),
        ("rested", maybe_times(orders.iter().map(|o| o.rested))),
        ("heard", maybe_times(orders.iter().map(|o| o.heard))),
    ])
}

/// Profit over what was put in, both in money; null where nothing was put in.
fn return_of(trip: &RoundTrip) -> Option<f64> {
    (!trip.entry_notional.is_zero()).then(|| trip.pnl.to_f64() / trip.entry_notional.to_f64())
}

pub fn trades(trips: &[RoundTrip], instruments: &Instruments) -> PyResult<PyTable> {
    let money = |get: fn(&RoundTrip) -> Money| decimals(trips.iter().map(move |t| Some(get(t).raw())));
    let side = |t: &RoundTrip| Some(if t.side == Side::Buy { "long" } else { "short" });
    table(vec![
        ("symbol", symbols(instruments, trips.iter().map(|t| t.instrument))),
        ("side", words(trips.iter().map(side))),
        ("entry_time", times(trips.iter().map(|t| t.entry_time))),
        ("exit_time", times(trips.iter().map(|t| t.exit_time))),
        ("quantity", decimals(trips.iter().map(|t| Some(t.quantity.raw())))?),
        ("entry_price", decimals(trips.iter().map(|t| Some(t.entry_price.raw())))?),
        ("exit_price", decimals(trips.iter().map(|t| Some(t.exit_price.raw())))?),
        ("pnl", money(|t| t.pnl)?),
        ("fees", money(|t| t.fees)?),
        ("funding", money(|t| t.funding)?),
        ("return", Arc::new(Float64Array::from_iter(trips.iter().map(return_of)))),
        (
            "duration_s",
            Arc::new(Float64Array::from_iter_values(trips.iter().map(|t| t.exit_time.since(t.entry_time).seconds()))),
        ),
    ])
}

pub fn equity(curve: &Curve) -> PyResult<PyTable> {
    table(vec![
        ("time", times(curve.points().map(|(time, _)| time))),
        ("equity", decimals(curve.points().map(|(_, value)| Some(value)))?),
    ])
}

pub fn prices(records: &Records, instruments: &Instruments) -> PyResult<PyTable> {
    let points = || {
        let ids = (0_u32..).map(InstrumentId);
        ids.zip(&records.prices).flat_map(|(id, curve)| curve.points().map(move |(time, value)| (id, time, value)))
    };
    table(vec![
        ("time", times(points().map(|(_, time, _)| time))),
        ("symbol", symbols(instruments, points().map(|(id, _, _)| id))),
        ("close", decimals(points().map(|(_, _, value)| Some(value)))?),
    ])
}

pub fn marks(marks: &[FillMark]) -> PyResult<PyTable> {
    let prices = |get: fn(&FillMark) -> Option<Price>| decimals(marks.iter().map(move |m| get(m).map(Price::raw)));
    table(vec![
        ("trade_id", Arc::new(UInt64Array::from_iter_values(marks.iter().map(|m| m.trade_id)))),
        ("mid", prices(|m| m.mid)?),
        ("mid_1s", prices(|m| m.after[0])?),
        ("mid_10s", prices(|m| m.after[1])?),
        ("mid_60s", prices(|m| m.after[2])?),
    ])
}

pub fn best(best: &[Vec<Best>], instruments: &Instruments) -> PyResult<PyTable> {
    let points = || (0_u32..).map(InstrumentId).zip(best).flat_map(|(id, points)| points.iter().map(move |b| (id, b)));
    table(vec![
        ("time", times(points().map(|(_, b)| b.time))),
        ("symbol", symbols(instruments, points().map(|(id, _)| id))),
        ("bid", decimals(points().map(|(_, b)| Some(b.bid.raw())))?),
        ("ask", decimals(points().map(|(_, b)| Some(b.ask.raw())))?),
    ])
}
