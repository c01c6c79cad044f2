//! Market data from Python as sources of the engine: bars of files and tables, or an iterable of events.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyIterator;

use engine::event::MarketEvent;
use engine::instrument::Instruments;
use engine::stream::{Chunk, Source, SourceError};

use crate::data::BarData;
use crate::errors::DataError;
use crate::events::{market_from_py, with_instrument};

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

/// The sources of what was given as data.
pub fn sources(data: &Bound<'_, PyAny>, instruments: &Instruments) -> PyResult<Vec<Box<dyn Source>>> {
    if let Ok(bars) = data.cast::<BarData>() {
        return Ok(bars.get().sources(instruments));
    }
    let iterator = data.try_iter()?.unbind();
    Ok(vec![Box::new(PySource { iterator, instruments: instruments.clone() })])
}
