//! Rows of tick data as events of Python, and events as rows: both ways the same rows.

use pyo3::prelude::*;
use pyo3::types::PyString;

use engine::instrument::InstrumentId;
use engine::num::{Price, Qty};
use engine::order::Side;
use engine::row::{Flags, Row, RowKind, RowSide, rows_of_quote};

use super::{PyBookDelta, PyBookSnapshot, PyFundingRate, PyMarketContext, PyQuote, PyTrade};
use crate::errors::DataError;

/// The rows of an event about ticks, appended with their instrument; false if it is another kind of event.
pub fn rows_from_py(
    event: &Bound<'_, PyAny>,
    find: impl Fn(&Py<PyString>) -> PyResult<InstrumentId>,
    rows: &mut Vec<Row>,
) -> PyResult<bool> {
    let mut push = |told: &[Row], symbol| -> PyResult<bool> {
        let instrument = find(symbol)?;
        rows.extend(told.iter().map(|row| Row { instrument, ..*row }));
        Ok(true)
    };
    if let Ok(delta) = event.cast::<PyBookDelta>() {
        push(&[delta.get().row], &delta.get().symbol)
    } else if let Ok(trade) = event.cast::<PyTrade>() {
        push(&[trade.get().inner.into()], &trade.get().symbol)
    } else if let Ok(quote) = event.cast::<PyQuote>() {
        push(&rows_of_quote(&quote.get().inner), &quote.get().symbol)
    } else if let Ok(snapshot) = event.cast::<PyBookSnapshot>() {
        push(&snapshot.get().rows, &snapshot.get().symbol)
    } else if let Ok(context) = event.cast::<PyMarketContext>() {
        push(&[context.get().row], &context.get().symbol)
    } else if let Ok(funding) = event.cast::<PyFundingRate>() {
        push(&[funding.get().row], &funding.get().symbol)
    } else {
        Ok(false)
    }
}

/// What was told of an instrument and makes no event yet.
#[derive(Default)]
struct Told {
    snapshot: Vec<Row>,
    bid: (Price, Qty),
    ask: (Price, Qty),
}

/// Makes events of rows, in their order: a snapshot once it is whole, a quote once both of its sides are told.
pub struct RowEvents {
    symbols: Vec<Py<PyString>>,
    told: Vec<Told>,
}

impl RowEvents {
    /// For the instruments with these symbols.
    pub fn new(symbols: Vec<Py<PyString>>) -> Self {
        let told = symbols.iter().map(|_| Told::default()).collect();
        Self { symbols, told }
    }

    /// The event that a row completes, if it does. What is older than the stream, sent on subscription, makes none.
    pub fn push(&mut self, py: Python<'_>, row: &Row) -> PyResult<Option<Py<PyAny>>> {
        let (Some(symbol), Some(told)) =
            (self.symbols.get(row.instrument.index()), self.told.get_mut(row.instrument.index()))
        else {
            return Ok(None);
        };
        if row.flags.has(Flags::HISTORY) {
            return Ok(None);
        }
        let symbol = symbol.clone_ref(py);
        let event = match row.kind {
            RowKind::Trade => Py::new(py, PyTrade { inner: row.trade(), symbol })?.into_any(),
            RowKind::BookDelta if row.side != RowSide::None => {
                Py::new(py, PyBookDelta { row: *row, symbol })?.into_any()
            }
            RowKind::BookClear if row.side == RowSide::None => {
                Py::new(py, PyBookSnapshot { rows: vec![*row], symbol })?.into_any()
            }
            RowKind::BookSnapshot => {
                if row.flags.has(Flags::FIRST) {
                    told.snapshot.clear();
                }
                told.snapshot.push(*row);
                if !row.flags.has(Flags::LAST) {
                    return Ok(None);
                }
                let rows = std::mem::take(&mut told.snapshot);
                Py::new(py, PyBookSnapshot { rows, symbol })?.into_any()
            }
            RowKind::Quote => {
                let side = match row.side.side() {
                    Some(Side::Buy) => &mut told.bid,
                    Some(Side::Sell) => &mut told.ask,
                    None => return Err(untold(row, &symbol)),
                };
                *side = (row.price, row.quantity);
                if !row.flags.has(Flags::LAST) {
                    return Ok(None);
                }
                Py::new(py, PyQuote { inner: told.quote(row), symbol })?.into_any()
            }
            RowKind::Context => Py::new(py, PyMarketContext { row: *row, symbol })?.into_any(),
            RowKind::Funding => Py::new(py, PyFundingRate { row: *row, symbol })?.into_any(),
            _ => return Err(untold(row, &symbol)),
        };
        Ok(Some(event))
    }
}

impl Told {
    const fn quote(&self, row: &Row) -> engine::event::Quote {
        engine::event::Quote {
            instrument: row.instrument,
            exchange_time: row.exchange_time,
            local_time: row.local_time,
            bid_price: self.bid.0,
            bid_quantity: self.bid.1,
            ask_price: self.ask.0,
            ask_quantity: self.ask.1,
        }
    }
}

fn untold(row: &Row, symbol: &Py<PyString>) -> PyErr {
    DataError::new_err(format!(
        "{symbol}: at {}: no event of Python tells what a row of kind {} does: leave such rows out (kinds = trades, book, \
         quotes, contexts, funding), or run at.backtest, which takes them",
        row.exchange_time,
        row.kind.as_str()
    ))
}
