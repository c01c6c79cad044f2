//! Market data from Python as sources of the engine: bars of files and tables, or an iterable of events.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyIterator;

use engine::book::BookKind;
use engine::event::MarketEvent;
use engine::instrument::Instruments;
use engine::row::RowSource;
use engine::stream::{Chunk, Source, SourceError};

use crate::data::BarData;
use crate::errors::{DataError, ParameterError};
use crate::events::{market_from_py, with_instrument};
use crate::ticks::TickData;

/// Events of a Python iterable, in chunks.
struct PySource {
    iterator: Py<PyIterator>,
    instruments: Instruments,
}

/// How many events are taken from Python at a time.
const CHUNK: usize = 4_096;

impl Source for PySource {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, SourceError> {
        let chunk: PyResult<Vec<MarketEvent>> = Python::attach(|py| {
            let mut iterator = self.iterator.bind(py).clone();
            let mut events = Vec::new();
            for event in iterator.by_ref().take(CHUNK) {
                let (event, symbol) = market_from_py(&event?)?;
                let id = self.instruments.find(&symbol).ok_or_else(|| {
                    DataError::new_err(format!(
                        "the data provider gave an event of `{symbol}`, which is not among its symbols"
                    ))
                })?;
                events.push(with_instrument(event, id));
            }
            Ok(events)
        });
        match chunk {
            Ok(events) if events.is_empty() => Ok(None),
            Ok(events) => Ok(Some(Arc::new(events))),
            Err(error) => Err(SourceError::other(&format!("the data provider failed: {error}"))),
        }
    }
}

/// What a run reads.
pub enum MarketData {
    /// Bars, or other events of one clock.
    Bars(Vec<Box<dyn Source>>),
    /// Tick data, and what drives the book of each instrument.
    Ticks(Box<dyn RowSource>, Vec<BookKind>),
}

impl MarketData {
    /// A BarData, a TickData, or an iterable of events.
    pub fn from_py(data: &Bound<'_, PyAny>, instruments: &Instruments, books: &[String]) -> PyResult<Self> {
        if let Ok(bars) = data.cast::<BarData>() {
            return Ok(Self::Bars(bars.get().sources(instruments)));
        }
        if let Ok(ticks) = data.cast::<TickData>() {
            let kinds = kinds_of(books, instruments)?;
            if kinds.is_empty() {
                return Err(ParameterError::new_err(EACH));
            }
            return Ok(Self::Ticks(ticks.get().source(instruments), kinds));
        }
        let iterator = data.try_iter()?.unbind();
        Ok(Self::Bars(vec![Box::new(PySource { iterator, instruments: instruments.clone() })]))
    }
}

const EACH: &str = "books: name what drives the book of each symbol";

/// What drives the book of each instrument, or nothing where there are no books.
pub fn kinds_of(books: &[String], instruments: &Instruments) -> PyResult<Vec<BookKind>> {
    let kinds = book_kinds(books)?;
    if !kinds.is_empty() && kinds.len() != instruments.len() {
        return Err(ParameterError::new_err(EACH));
    }
    Ok(kinds)
}

/// Kinds of books by their names.
pub fn book_kinds(names: &[String]) -> PyResult<Vec<BookKind>> {
    let kind = |name: &String| {
        BookKind::from_name(name)
            .ok_or_else(|| ParameterError::new_err(format!("books = {name}: must be quote, l2 or l3")))
    };
    names.iter().map(kind).collect()
}
