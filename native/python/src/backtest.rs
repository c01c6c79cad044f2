//! The backtest and replay drivers across the border.

use std::fs::File;
use std::io::BufWriter;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3_arrow::PyTable;

use engine::backtest::{Backtest, BacktestError, Outcome, Poll, TickBacktest};
use engine::instrument::Instruments;
use engine::journal::Writer;
use engine::num::{Money, Price};
use engine::record::Detail;
use engine::strategy::Strategy;
use engine::system::TradingSystem;
use engine::time::Nanos;
use engine::venue::{SimulatedVenue, VenueConfig};
use engine::world::World;

use crate::compiled::Compiled;
use crate::config::{PyInstrument, PyVenueOptions, instruments};
use crate::errors::{JournalError, OrPy};
use crate::number::{decimal_of_text, from_python, to_decimal};
use crate::risk::Risk;
use crate::source::MarketData;
use crate::strategy::AnyStrategy;
use crate::tables;

/// What a run gave: statistics, tables, digest.
#[pyclass(frozen, name = "Outcome", module = "algo_trade._native")]
pub struct PyOutcome {
    inner: Outcome,
    instruments: Instruments,
}

#[pymethods]
impl PyOutcome {
    /// Hash over fills and equity, in order, as hex.
    #[getter]
    fn digest(&self) -> &str {
        &self.inner.records.digest
    }
    /// Market events.
    #[getter]
    fn events(&self) -> u64 {
        self.inner.events
    }
    /// Where the first bar begins, in nanoseconds since the epoch.
    #[getter]
    fn start_ns(&self) -> i64 {
        self.inner.start.raw()
    }
    /// The time of the last event, in nanoseconds since the epoch.
    #[getter]
    fn end_ns(&self) -> i64 {
        self.inner.end.raw()
    }
    /// Equity at the end, in quote currency.
    #[getter]
    fn final_equity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.inner.final_equity)
    }
    /// One in how many points of equity was kept.
    #[getter]
    fn equity_stride(&self) -> usize {
        self.inner.records.equity.stride()
    }
    /// The statistics by name: ratios as float or None, money as Decimal.
    fn metrics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let m = &self.inner.records.metrics;
        let dict = PyDict::new(py);
        for (name, value) in [
            ("total_return", m.total_return),
            ("annual_return", m.annual_return),
            ("annual_volatility", m.annual_volatility),
            ("sharpe", m.sharpe),
            ("sortino", m.sortino),
            ("calmar", m.calmar),
            ("max_drawdown", Some(m.max_drawdown)),
            ("max_drawdown_duration_s", Some(m.max_drawdown_duration_s)),
        ] {
            dict.set_item(name, value)?;
        }
        dict.set_item("num_trades", m.num_trades)?;
        dict.set_item("num_fills", m.num_fills)?;
        dict.set_item("num_orders", m.num_orders)?;
        dict.set_item("win_rate", m.win_rate)?;
        dict.set_item("profit_factor", m.profit_factor)?;
        dict.set_item("expectancy", to_decimal(py, m.expectancy)?)?;
        dict.set_item("avg_win", to_decimal(py, m.avg_win)?)?;
        dict.set_item("avg_loss", to_decimal(py, m.avg_loss)?)?;
        dict.set_item("exposure", m.exposure)?;
        dict.set_item("turnover", m.turnover)?;
        dict.set_item("volume", decimal_of_text(py, &Wide(m.volume).to_string())?)?;
        dict.set_item("fees", to_decimal(py, m.fees().or_py()?)?)?;
        dict.set_item("funding", to_decimal(py, m.funding().or_py()?)?)?;
        dict.set_item("sampling_step_s", m.sampling_step.seconds())?;
        dict.set_item("periods_per_year", m.periods_per_year)?;
        dict.set_item("short_sample", m.short_sample)?;
        for (name, value) in [
            ("fees_taker", m.fees_taker),
            ("fees_maker", m.fees_maker),
            ("fees_builder", m.fees_builder),
            ("rebates", m.rebates),
            ("slippage", m.slippage),
            ("funding_paid", m.funding_paid),
            ("funding_received", m.funding_received),
        ] {
            dict.set_item(name, to_decimal(py, value)?)?;
        }
        dict.set_item("payoff_ratio", m.payoff_ratio)?;
        dict.set_item("expectancy_bps", m.expectancy_bps)?;
        dict.set_item("max_leverage", m.max_leverage)?;
        dict.set_item("mean_leverage", m.mean_leverage)?;
        Ok(dict)
    }
    /// Every fill.
    fn fills(&self) -> PyResult<PyTable> {
        tables::fills(&self.inner.records.fills, &self.instruments)
    }
    /// Every order, refused ones too.
    fn orders(&self) -> PyResult<PyTable> {
        tables::orders(&self.inner.records.orders, &self.instruments)
    }
    /// Every finished round trip.
    fn trades(&self) -> PyResult<PyTable> {
        tables::trades(&self.inner.records.trades, &self.instruments)
    }
    /// Equity over time.
    fn equity(&self) -> PyResult<PyTable> {
        tables::equity(&self.inner.records.equity)
    }
    /// The middle of the book when each fill happened, and 1, 10 and 60 seconds later; empty for bars.
    fn marks(&self) -> PyResult<PyTable> {
        tables::marks(&self.inner.ticks.marks)
    }
    /// Best prices over time, per symbol; empty for bars.
    fn best(&self) -> PyResult<PyTable> {
        tables::best(&self.inner.ticks.best, &self.instruments)
    }
    /// Closes over time, per symbol.
    fn prices(&self) -> PyResult<PyTable> {
        tables::prices(&self.inner.records, &self.instruments)
    }
    fn __repr__(&self) -> String {
        let digest = self.inner.records.digest.get(..12).unwrap_or_default();
        format!("Outcome({} events, final_equity={}, digest={digest}…)", self.inner.events, self.inner.final_equity)
    }
}

/// A sum that is wider than money, printed as a decimal.
struct Wide(i128);
impl std::fmt::Display for Wide {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = i128::from(engine::num::UNIT);
        // Sums of this kind are not negative.
        let fraction = i64::try_from(self.0 % unit).unwrap_or(0);
        let text = Price::from_raw(fraction).to_string();
        write!(f, "{}{}", self.0 / unit, text.strip_prefix('0').unwrap_or(&text))
    }
}

/// Runs a strategy over market data on the simulated venue.
///
/// `strategy` is (name, params) of a built-in one or a mapping of hooks; `data` a BarData, a TickData, or an iterable of
/// market events; `books` says, for tick data, what drives the book of each symbol: "quote", "l2" or "l3".
/// `progress` is called with the number of events done, about every 65,536 events. The journal is written to `journal` as it
/// stands; the caller gives a temporary name and renames it.
#[pyfunction]
#[pyo3(signature = (data, strategy, *, symbols, rules, venue, risk, initial_capital, bot_id, full, books = Vec::new(), journal = None, header = "{}", progress = None))]
pub fn run_backtest(
    py: Python<'_>,
    data: &Bound<'_, PyAny>,
    strategy: &Bound<'_, PyAny>,
    symbols: Vec<String>,
    rules: Vec<Py<PyInstrument>>,
    venue: &PyVenueOptions,
    risk: &Bound<'_, PyAny>,
    initial_capital: &Bound<'_, PyAny>,
    bot_id: &str,
    full: bool,
    books: Vec<String>,
    journal: Option<std::path::PathBuf>,
    header: &str,
    progress: Option<Py<PyAny>>,
) -> PyResult<PyOutcome> {
    let instruments = instruments(&symbols, &rules);
    let deposit: Money = from_python(initial_capital)?;
    let risk = Risk::from_py(risk, &instruments)?;
    let market = MarketData::from_py(data, &instruments, &books)?;
    let detail = if full { Detail::Full } else { Detail::Metrics };
    let writer = journal.map(|path| -> PyResult<_> {
        let file = File::create(&path).map_err(|e| JournalError::new_err(format!("{}: {e}", path.display())))?;
        Writer::new(BufWriter::with_capacity(1 << 20, file), header).or_py()
    });
    let writer = writer.transpose()?;
    let venue = venue.inner.clone();
    let chosen = AnyStrategy::from_py(strategy, &instruments)?;
    let mut failure: Option<PyErr> = None;
    let mut poll = |events: u64, _now: Nanos| {
        let looked = Python::attach(|py| {
            py.check_signals()?;
            progress.as_ref().map(|p| p.call1(py, (events,))).transpose()
        });
        looked.map_err(|error| failure = Some(error)).is_ok()
    };
    let inner = match chosen {
        AnyStrategy::Builtin(strategy) => {
            let run = Run { market, strategy, risk, venue, detail, writer };
            py.detach(|| run.go(&instruments, deposit, bot_id, &mut poll))
        }
        AnyStrategy::Compiled(Compiled { inner, .. }) if !inner.needs_python() => py.detach(|| {
            Run { market, strategy: inner, risk, venue, detail, writer }.go(&instruments, deposit, bot_id, &mut poll)
        }),
        strategy @ (AnyStrategy::Python(_) | AnyStrategy::Compiled(_) | AnyStrategy::Apart(_)) => {
            Run { market, strategy, risk, venue, detail, writer }.go(&instruments, deposit, bot_id, &mut poll)
        }
    };
    match (inner, failure) {
        (_, Some(error)) => Err(error),
        (inner, None) => Ok(PyOutcome { inner: inner.or_py()?, instruments }),
    }
}

/// The parts of a run.
struct Run<S> {
    market: MarketData,
    strategy: S,
    risk: Risk,
    venue: VenueConfig,
    detail: Detail,
    writer: Option<Writer<BufWriter<File>>>,
}

impl<S: Strategy> Run<S> {
    fn go(
        self,
        instruments: &Instruments,
        deposit: Money,
        bot_id: &str,
        poll: &mut Poll<'_>,
    ) -> Result<Outcome, BacktestError> {
        let instruments = instruments.clone();
        let world = World::new(bot_id, 0, instruments.clone(), deposit);
        match self.market {
            MarketData::Bars(sources) => {
                let system = TradingSystem::around(world, self.strategy, self.risk);
                let venue = SimulatedVenue::bars(self.venue, instruments, deposit);
                Backtest::new(system, venue, sources, self.detail, self.writer)?.run(poll)
            }
            MarketData::Ticks(source, kinds) => {
                let system = TradingSystem::around(world.with_books(&kinds), self.strategy, self.risk);
                let venue = SimulatedVenue::books(self.venue, instruments, &kinds, deposit);
                TickBacktest::new(system, venue, source, self.detail, self.writer)?.run(poll)
            }
        }
    }
}
