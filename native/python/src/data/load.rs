//! From files and tables to bars in memory, or to a way of reading them again.

use std::path::PathBuf;
use std::sync::Arc;

use engine::data::checks::{Checker, check_selection};
use engine::data::csv::CsvBars;
use engine::data::fault::{Fault, SourceError};
use engine::data::memory::MemorySource;
use engine::data::options::BarOptions;
use engine::data::summary::{DataSummary, SymbolSummary};
use engine::data::synthetic::{Synthetic, SyntheticBars};
use engine::event::MarketEvent;
use engine::instrument::{InstrumentId, Instruments};
use engine::stream::{Chunk, Source};
use engine::time::Nanos;
use pyo3::prelude::*;
use pyo3_arrow::PyRecordBatchReader;

use super::arrow::ArrowBars;
use super::remap::{Lazy, Remapped, set_instrument};
use crate::errors::ToPy;

/// Where bars come from.
pub enum Input {
    /// A CSV file.
    Csv(PathBuf),
    /// A callable that gives an object with `__arrow_c_stream__`.
    Arrow(String, Py<PyAny>),
    /// Seeded bars of these symbols.
    Synthetic(Vec<String>, Synthetic),
}

/// An input, how it is read, and its bars if they are in memory.
pub struct Part {
    input: Input,
    options: BarOptions,
    chunks: Option<Arc<Vec<Chunk>>>,
}

/// What an input was found to hold.
pub struct Loaded {
    /// The inputs in order.
    pub parts: Vec<Part>,
    /// What was found in all of them.
    pub summary: DataSummary,
}

/// The first pass over the inputs was broken off.
pub enum LoadError {
    /// By the data.
    Source(SourceError),
    /// By Python: a signal, or an error in opening a table.
    Python(PyErr),
}

impl From<SourceError> for LoadError {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}
impl From<PyErr> for LoadError {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}
impl LoadError {
    /// The exception.
    pub fn into_py(self) -> PyErr {
        match self {
            Self::Source(error) => error.to_py(),
            Self::Python(error) => error,
        }
    }
}

enum Reader {
    Csv(Box<CsvBars>),
    Arrow(Box<ArrowBars>),
    Synthetic(Box<SyntheticBars>),
}

impl Reader {
    fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Csv(source) => source.as_mut(),
            Self::Arrow(source) => source.as_mut(),
            Self::Synthetic(source) => source.as_mut(),
        }
    }
    fn into_source(self) -> Box<dyn Source> {
        match self {
            Self::Csv(source) => source,
            Self::Arrow(source) => source,
            Self::Synthetic(source) => source,
        }
    }
    fn checker(&self) -> &Checker {
        match self {
            Self::Csv(source) => source.checker(),
            Self::Arrow(source) => source.checker(),
            Self::Synthetic(source) => source.checker(),
        }
    }
}

impl Input {
    fn name(&self) -> String {
        match self {
            Self::Csv(path) => path.to_string_lossy().into_owned(),
            Self::Arrow(name, _) => name.clone(),
            Self::Synthetic(..) => "synthetic".to_owned(),
        }
    }

    fn open(&self, options: &BarOptions) -> Result<Reader, LoadError> {
        Ok(match self {
            Self::Csv(path) => Reader::Csv(Box::new(CsvBars::open(path, options)?)),
            Self::Arrow(name, table) => {
                let batches = Python::attach(|py| {
                    let stream: PyRecordBatchReader = table.call0(py)?.extract(py)?;
                    stream.into_reader()
                })?;
                Reader::Arrow(Box::new(ArrowBars::new(name, batches, options)?))
            }
            Self::Synthetic(symbols, bars) => {
                Reader::Synthetic(Box::new(SyntheticBars::new(symbols, bars.clone(), options)))
            }
        })
    }

    fn again(&self) -> Self {
        match self {
            Self::Csv(path) => Self::Csv(path.clone()),
            Self::Arrow(name, table) => Self::Arrow(name.clone(), Python::attach(|py| table.clone_ref(py))),
            Self::Synthetic(symbols, bars) => Self::Synthetic(symbols.clone(), bars.clone()),
        }
    }

    /// More bytes of bars than this, and there is no point in keeping them.
    fn is_larger_than(&self, bytes: usize) -> bool {
        match self {
            // A row of text is about as long as a bar in memory; twice that is beyond doubt.
            Self::Csv(path) => {
                std::fs::metadata(path).is_ok_and(|m| usize::try_from(m.len()).is_ok_and(|len| len / 2 > bytes))
            }
            // What can say how long it is need not be kept up to the limit to find that out.
            Self::Arrow(_, table) => {
                let rows = Python::attach(|py| table.bind(py).call0()?.len());
                rows.is_ok_and(|rows| rows > bytes / size_of::<MarketEvent>())
            }
            Self::Synthetic(_, bars) => {
                usize::try_from(bars.left()).is_ok_and(|rows| rows > bytes / size_of::<MarketEvent>())
            }
        }
    }
}

/// Reads every input once: checks it, sums it up, and keeps the bars if all of them fit into `bytes_max`.
///
/// Holds the GIL only to look for signals and where a table is Python's.
pub fn load(inputs: Vec<(Input, BarOptions)>, asked_for: &[String], bytes_max: usize) -> Result<Loaded, LoadError> {
    let mut parts: Vec<(Input, BarOptions, Vec<Chunk>)> = Vec::new();
    let mut kept_symbols = Vec::new();
    let mut summaries: Vec<DataSummary> = Vec::new();
    let mut seen: Vec<(String, Nanos, Nanos)> = Vec::new();
    let mut bytes = 0;
    let mut is_kept = !inputs.iter().any(|(input, _)| input.is_larger_than(bytes_max));
    for (input, mut options) in inputs {
        let mut reader = input.open(&options)?;
        let mut chunks: Vec<Chunk> = Vec::new();
        while let Some(chunk) = reader.source().next_chunk()? {
            Python::attach(|py| py.check_signals())?;
            bytes += chunk.len() * size_of::<MarketEvent>();
            is_kept &= bytes <= bytes_max;
            if is_kept {
                chunks.push(chunk);
            } else {
                chunks.clear();
                parts.iter_mut().for_each(|(_, _, chunks)| chunks.clear());
            }
        }
        let checker = reader.checker();
        if checker.seen().next().is_none() {
            return Err(SourceError::of_file(&input.name(), Fault::NoRows).into());
        }
        options.resolution = Some(checker.resolution());
        seen.extend(checker.seen().map(|(name, first, last)| (name.to_owned(), first, last)));
        kept_symbols.push(checker.symbols().iter().map(|s| (*s).to_owned()).collect::<Vec<_>>());
        summaries.push(checker.summary());
        // The reader still holds its last chunk.
        drop(reader);
        parts.push((input, options, chunks));
    }
    check_overlap(&summaries)?;
    let names: Vec<String> = summaries.iter().flat_map(|s| s.files.clone()).collect();
    let all = match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    };
    let mut summaries = summaries.into_iter();
    let first = summaries.next().ok_or_else(|| SourceError::other("no data were given"))?;
    let summary = summaries.fold(first, DataSummary::merge);
    check_selection(&all, asked_for, &summary, seen.iter().map(|(name, first, last)| (name.as_str(), *first, *last)))?;
    let ranks: Vec<&str> = summary.symbols.iter().map(|s| s.symbol.as_str()).collect();
    let parts = parts.into_iter().zip(kept_symbols).map(|((input, options, mut chunks), local)| {
        rank(&mut chunks, &local, &ranks);
        let chunks = is_kept.then(|| Arc::new(chunks));
        Part { input, options, chunks }
    });
    let parts = parts.collect();
    Ok(Loaded { parts, summary })
}

/// Replaces the numbers that a reader gave to symbols as they appeared by their rank among all symbols.
fn rank(chunks: &mut [Chunk], local: &[String], ranks: &[&str]) {
    let ids: Vec<InstrumentId> = local
        .iter()
        .map(|name| ranks.binary_search(&name.as_str()).ok().and_then(|at| u32::try_from(at).ok()).unwrap_or(u32::MAX))
        .map(InstrumentId)
        .collect();
    if (0..).zip(&ids).all(|(at, id)| *id == InstrumentId(at)) {
        return;
    }
    for event in chunks.iter_mut().flat_map(Arc::make_mut) {
        if let Some(id) = ids.get(event.instrument().index()) {
            set_instrument(event, *id);
        }
    }
}

/// Two sources must not hold the same bars, that is, one symbol in one resolution at one time.
fn check_overlap(summaries: &[DataSummary]) -> Result<(), SourceError> {
    let file = |summary: &DataSummary| summary.files.first().cloned().unwrap_or_default();
    let mut spans: Vec<(&SymbolSummary, String)> =
        summaries.iter().flat_map(|s| s.symbols.iter().map(move |symbol| (symbol, file(s)))).collect();
    spans.sort_by(|(a, _), (b, _)| {
        (&a.symbol, a.resolution, a.first, a.last).cmp(&(&b.symbol, b.resolution, b.first, b.last))
    });
    for ((a, other), (b, name)) in spans.iter().zip(spans.iter().skip(1)) {
        if a.symbol == b.symbol && a.resolution == b.resolution && b.first < a.last_close {
            let fault = Fault::Overlap {
                symbol: b.symbol.as_str().into(),
                from: b.first,
                to: a.last_close.min(b.last_close),
                other: other.as_str().into(),
            };
            return Err(SourceError::of_file(name, fault));
        }
    }
    Ok(())
}

impl Part {
    /// Whether the bars are in memory.
    pub const fn is_loaded(&self) -> bool {
        self.chunks.is_some()
    }

    /// The bars under the ids of `instruments`; symbols that are not among them are left out. `ranks`: the symbols of the data.
    pub fn source(&self, instruments: &Instruments, ranks: &[String]) -> Box<dyn Source> {
        if let Some(chunks) = &self.chunks {
            let ids = ranks.iter().map(|symbol| instruments.find(symbol)).collect();
            return Remapped::wrap(Box::new(MemorySource::new(Arc::clone(chunks))), ids);
        }
        let options = BarOptions { instruments: Some(Arc::new(instruments.clone())), ..self.options.clone() };
        let input = self.input.again();
        Box::new(Lazy::new(move || match input.open(&options) {
            Ok(reader) => Ok(reader.into_source()),
            Err(LoadError::Source(error)) => Err(error),
            Err(LoadError::Python(error)) => Err(SourceError::other(&error.to_string()).in_file(&input.name())),
        }))
    }
}
