//! Rows that cannot be meant: prices, quantities and times that no market has.

use serde::Serialize;

use crate::data::fault::{Fault, SourceError};
use crate::row::{Row, RowKind, Status};

/// Why a row is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No time of the venue, or one before 1970.
    NoTime,
    /// A price of zero or below where there must be one.
    Price,
    /// A quantity below zero; or of zero, in a print or an order that joins.
    Quantity,
    /// A state that is none.
    State,
}

impl Refusal {
    /// Why this row is refused; `None` for a sound one.
    #[must_use]
    pub fn of(row: &Row) -> Option<Self> {
        if !row.exchange_time.raw().is_positive() {
            return Some(Self::NoTime);
        }
        let (price, quantity) = (row.price, row.quantity);
        match row.kind {
            RowKind::Trade | RowKind::OrderAdd if !price.is_positive() => Some(Self::Price),
            RowKind::Trade | RowKind::OrderAdd if !quantity.is_positive() => Some(Self::Quantity),
            RowKind::OrderModify | RowKind::BookDelta | RowKind::BookSnapshot | RowKind::Context
                if !price.is_positive() =>
            {
                Some(Self::Price)
            }
            // Some feeds name no price when an order leaves; an empty side of a quote has neither price nor quantity.
            RowKind::OrderFill | RowKind::OrderCancel | RowKind::Quote | RowKind::Funding if price.is_negative() => {
                Some(Self::Price)
            }
            RowKind::BookClear => None,
            RowKind::Status => Status::from_code(row.aux).is_none().then_some(Self::State),
            _ => quantity.is_negative().then_some(Self::Quantity),
        }
    }

    /// The same as an error that names file and row.
    #[must_use]
    pub fn error(self, row: &Row, file: &str, record: u64) -> SourceError {
        let (column, value, fault) = match self {
            Self::NoTime => ("exchange_time", row.exchange_time.raw().to_string(), Fault::NotATime),
            Self::Price => ("price", row.price.to_string(), Fault::NotPositive),
            Self::Quantity if row.quantity.is_zero() => ("quantity", row.quantity.to_string(), Fault::NotPositive),
            Self::Quantity => ("quantity", row.quantity.to_string(), Fault::Negative),
            Self::State => {
                ("aux", row.aux.to_string(), Fault::Other("is no state of an instrument: 0 to 4 are".into()))
            }
        };
        SourceError {
            fault,
            file: Some(file.into()),
            line: Some(record),
            column: Some(column.into()),
            value: Some(value.into()),
        }
    }
}
