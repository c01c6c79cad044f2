//! Python bindings of the engine: conversion, GIL and errors. No logic lives here.

// What a Python function takes by keyword is an argument here.
#![allow(clippy::too_many_arguments)]

use pyo3::prelude::*;

mod apart;
mod backtest;
mod book;
mod book_options;
mod compiled;
mod config;
mod context;
mod copy;
mod data;
pub mod errors;
mod estate;
mod events;
mod failures;
mod feeds;
mod fees;
mod hyperliquid;
mod indicators;
mod journal;
mod journal_store;
mod lend;
mod number;
mod params;
mod place;
mod recover;
mod risk;
mod source;
mod strategy;
mod system;
mod tables;
mod tick_parts;
mod ticks;
mod venue;

/// The compiled core of `algo_trade`.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("__code_hash__", env!("CODE_HASH"))?;
    errors::register(module)?;
    module.add_class::<data::BarData>()?;
    module.add_class::<data::BarIterator>()?;
    module.add_function(wrap_pyfunction!(data::synthetic_bars, module)?)?;
    module.add_function(wrap_pyfunction!(data::parse_time_ns, module)?)?;
    module.add_class::<ticks::TickData>()?;
    module.add_class::<ticks::TickIterator>()?;
    module.add_function(wrap_pyfunction!(ticks::import_ticks, module)?)?;
    module.add_function(wrap_pyfunction!(tick_parts::write_ticks, module)?)?;
    module.add_function(wrap_pyfunction!(ticks::synthetic_ticks, module)?)?;
    module.add_function(wrap_pyfunction!(copy::encode_copy, module)?)?;
    module.add_class::<copy::PyCopyDecoder>()?;
    module.add_class::<events::PyBar>()?;
    module.add_class::<events::PyTrade>()?;
    module.add_class::<events::PyQuote>()?;
    module.add_class::<events::PyBookSnapshot>()?;
    module.add_class::<events::PyBookDelta>()?;
    module.add_class::<events::PyMarketContext>()?;
    module.add_class::<events::PyFundingRate>()?;
    module.add_class::<events::PyFill>()?;
    module.add_class::<events::PyOrder>()?;
    module.add_class::<events::PyOrderUpdate>()?;
    module.add_class::<events::PySignal>()?;
    module.add_class::<events::PyTimer>()?;
    module.add_class::<events::PyControl>()?;
    module.add_class::<events::PyAccountEvent>()?;
    module.add_class::<events::PySubmit>()?;
    module.add_class::<events::PyRefuse>()?;
    module.add_class::<events::PyModify>()?;
    module.add_class::<events::PyCancel>()?;
    module.add_class::<events::PyScheduleCancel>()?;
    module.add_class::<events::PySetTimer>()?;
    module.add_class::<book::PyBook>()?;
    module.add_class::<book_options::PyBookOptions>()?;
    module.add_class::<book_options::PyLatency>()?;
    module.add_class::<events::PyNotice>()?;
    module.add_class::<system::PySystem>()?;
    module.add_class::<apart::PyTwin>()?;
    module.add_class::<estate::PyJournalEstate>()?;
    module.add_function(wrap_pyfunction!(estate::journal_estate, module)?)?;
    module.add_class::<venue::PyVenue>()?;
    module.add_class::<context::PyContext>()?;
    module.add_class::<context::PyPosition>()?;
    module.add_class::<context::PyOrders>()?;
    module.add_class::<params::PyParamSpec>()?;
    module.add_class::<fees::PyFeeSchedule>()?;
    module.add_class::<config::PyVenueOptions>()?;
    module.add_class::<config::PyRiskOptions>()?;
    module.add_class::<config::PyInstrument>()?;
    module.add_class::<backtest::PyOutcome>()?;
    module.add_class::<journal::PyJournal>()?;
    module.add_class::<journal::PyJournalWriter>()?;
    module.add_class::<journal_store::PyJournalStore>()?;
    module.add_class::<recover::PyRecovered>()?;
    module.add_function(wrap_pyfunction!(config::resolve_capital, module)?)?;
    module.add_function(wrap_pyfunction!(config::cloid_tag, module)?)?;
    module.add_function(wrap_pyfunction!(params::builtin_strategies, module)?)?;
    module.add_function(wrap_pyfunction!(params::builtin_params, module)?)?;
    module.add_function(wrap_pyfunction!(params::builtin_warm_up, module)?)?;
    module.add_function(wrap_pyfunction!(params::resolve_params, module)?)?;
    module.add_function(wrap_pyfunction!(backtest::run_backtest, module)?)?;
    module.add_function(wrap_pyfunction!(compiled::context_functions, module)?)?;
    hyperliquid::register(module)?;
    indicators::register(module)
}
