//! `BarData`: bars as the drivers want them, whatever they came from.

use engine::bars::{Resampled, Rule};
use engine::data::options::{BarOptions, Column, Stamp, VolumeUnit};
use engine::data::summary::DataSummary;
use engine::data::synthetic::Synthetic;
use engine::data::values::time_of_text;
use engine::instrument::Instruments;
use engine::stream::{Merged, Source};
use engine::time::Nanos;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::PyRecordBatchReader;

use super::export::BarBatches;
use super::iterate::BarIterator;
use super::load::{Input, Loaded, Part, load};
use crate::errors::{OrPy, ParameterError};

/// Bars up to this many bytes stay in memory: about seven million.
const LOAD_BYTES_MAX: usize = 512 << 20;

/// Bars of files and tables: checked and summed up when made; in memory unless they are too many.
///
/// An input is `(name, opener, symbol)`. Without an opener, `name` is the path of a CSV file; with one, calling it gives
/// an object with `__arrow_c_stream__`. `symbol` names what the input holds if it has no symbol column.
#[pyclass(frozen, module = "algo_trade._native")]
pub struct BarData {
    parts: Vec<Part>,
    symbols: Vec<String>,
    summary: DataSummary,
}

impl BarData {
    fn make(py: Python<'_>, inputs: Vec<(Input, BarOptions)>, symbols: &[String], bytes_max: usize) -> PyResult<Self> {
        let loaded = py.detach(|| load(inputs, symbols, bytes_max)).map_err(super::load::LoadError::into_py)?;
        let Loaded { parts, summary } = loaded;
        let symbols = summary.symbols.iter().map(|s| s.symbol.clone()).collect();
        Ok(Self { parts, symbols, summary })
    }

    /// A source for each input, whose bars have the ids of `instruments`; symbols that are not among them are left out.
    ///
    /// Cheap if the bars are in memory. A source may take the GIL while it reads a table of Python's.
    #[must_use]
    pub fn sources(&self, instruments: &Instruments) -> Vec<Box<dyn Source>> {
        self.parts.iter().map(|part| part.source(instruments, &self.symbols)).collect()
    }

    /// The symbols of the data, sorted.
    #[must_use]
    pub fn symbols(&self) -> &[String] {
        &self.symbols
    }

    /// What was found in the data.
    #[must_use]
    pub const fn summary(&self) -> &DataSummary {
        &self.summary
    }
}

#[pymethods]
impl BarData {
    #[new]
    #[pyo3(signature = (inputs, *, columns = Vec::new(), symbols = Vec::new(), start_ns = None, end_ns = None,
        stamp = "open", volume_unit = "base", resolution_ns = None, load_bytes_max = LOAD_BYTES_MAX))]
    #[expect(clippy::too_many_arguments, reason = "keywords of a Python call")]
    fn new(
        py: Python<'_>,
        inputs: Vec<(String, Option<Py<PyAny>>, Option<String>)>,
        columns: Vec<(String, String)>,
        symbols: Vec<String>,
        start_ns: Option<i64>,
        end_ns: Option<i64>,
        stamp: &str,
        volume_unit: &str,
        resolution_ns: Option<i64>,
        load_bytes_max: usize,
    ) -> PyResult<Self> {
        let mut headers = Vec::new();
        for (name, header) in columns {
            headers
                .push((name.parse::<Column>().map_err(|e| ParameterError::new_err(format!("columns: {e}")))?, header));
        }
        if let Some(resolution) = resolution_ns
            && resolution <= 0
        {
            return Err(ParameterError::new_err(format!("resolution = {resolution} ns: it must be above zero")));
        }
        let options = BarOptions {
            columns: headers,
            symbols: symbols.clone(),
            start: start_ns.map_or(Nanos::MIN, Nanos::from_raw),
            end: end_ns.map_or(Nanos::MAX, Nanos::from_raw),
            stamp: match stamp {
                "open" => Stamp::Open,
                "close" => Stamp::Close,
                other => return Err(one_of("stamp", other, "open or close")),
            },
            volume_unit: match volume_unit {
                "base" => VolumeUnit::Base,
                "quote" => VolumeUnit::Quote,
                other => return Err(one_of("volume_unit", other, "base or quote")),
            },
            resolution: resolution_ns.map(Nanos::from_raw),
            instruments: None,
        };
        let inputs = inputs.into_iter().map(|(name, opener, symbol)| {
            let input = match opener {
                Some(opener) => Input::Arrow(name, opener),
                None => Input::Csv(name.into()),
            };
            let symbols = symbol.map_or_else(|| options.symbols.clone(), |symbol| vec![symbol]);
            (input, BarOptions { symbols, ..options.clone() })
        });
        Self::make(py, inputs.collect(), &symbols, load_bytes_max)
    }

    /// The symbols of the data, sorted.
    #[getter(symbols)]
    fn symbols_py(&self) -> Vec<String> {
        self.symbols.clone()
    }

    /// Whether all bars are in memory.
    #[getter]
    fn is_loaded(&self) -> bool {
        self.parts.iter().all(Part::is_loaded)
    }

    /// One digest over all bars, 64 hex digits.
    #[getter]
    fn fingerprint(&self) -> String {
        self.summary.fingerprint()
    }

    /// What was found in the data, as a JSON document.
    fn summary_json(&self) -> PyResult<String> {
        self.summary.to_json().map_err(|e| crate::errors::EngineError::new_err(e.to_string()))
    }

    /// The bars as an Arrow stream, input by input: `timestamp` (open time), `symbol`, prices and `volume` as decimals.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let instruments = Instruments::unrestricted(&self.symbols);
        let batches = BarBatches::new(self.sources(&instruments), instruments);
        let reader = Bound::new(py, PyRecordBatchReader::new(Box::new(batches)))?;
        reader.call_method1("__arrow_c_stream__", (requested_schema,))
    }

    /// Larger bars by a rule ("5m", "100 trades", "2.5 base", "1000000 quote"), as an Arrow stream with the same columns.
    fn resample(&self, py: Python<'_>, rule: &str) -> PyResult<PyRecordBatchReader> {
        let rule: Rule = rule.parse().or_py()?;
        let instruments = Instruments::unrestricted(&self.symbols);
        let merged = py.detach(|| Merged::new(self.sources(&instruments))).or_py()?;
        let resampled = Resampled::new(merged, rule).map_err(|e| ParameterError::new_err(e.to_string()))?;
        Ok(PyRecordBatchReader::new(Box::new(BarBatches::new(vec![Box::new(resampled)], instruments))))
    }

    /// The bars one by one: by close, then by symbol.
    fn __iter__(&self, py: Python<'_>) -> PyResult<BarIterator> {
        let instruments = Instruments::unrestricted(&self.symbols);
        BarIterator::new(py, self.sources(&instruments), &instruments)
    }

    fn __len__(&self) -> usize {
        usize::try_from(self.summary.rows()).unwrap_or(usize::MAX)
    }

    fn __repr__(&self) -> String {
        format!("BarData({} bars of {})", self.summary.rows(), self.symbols.join(", "))
    }
}

fn one_of(name: &str, given: &str, allowed: &str) -> PyErr {
    ParameterError::new_err(format!("{name} = {given}: must be {allowed}"))
}

/// Seeded bars of some symbols, `rows` in all, the same on every machine.
#[pyfunction]
#[pyo3(signature = (symbols, rows, *, seed = 0, resolution_ns = 60_000_000_000, load_bytes_max = LOAD_BYTES_MAX))]
pub fn synthetic_bars(
    py: Python<'_>,
    symbols: Vec<String>,
    rows: u64,
    seed: u64,
    resolution_ns: i64,
    load_bytes_max: usize,
) -> PyResult<BarData> {
    if symbols.is_empty() || rows == 0 || resolution_ns <= 0 {
        return Err(ParameterError::new_err("synthetic bars need a symbol, a row and a resolution above zero"));
    }
    let resolution = Nanos::from_raw(resolution_ns);
    let bars = Synthetic::new(&symbols, rows, seed).with_resolution(resolution);
    let options = BarOptions { resolution: Some(resolution), ..BarOptions::default() };
    BarData::make(py, vec![(Input::Synthetic(symbols, bars), options)], &[], load_bytes_max)
}

/// A moment as nanoseconds since the epoch: ISO 8601 text, or an epoch number in s, ms, us or ns. UTC without a zone.
#[pyfunction]
pub fn parse_time_ns(text: &str) -> PyResult<i64> {
    match time_of_text(text.trim().as_bytes()) {
        Ok((time, _)) => Ok(time.raw()),
        Err(fault) => Err(ParameterError::new_err(format!("{text}: {fault}"))),
    }
}
