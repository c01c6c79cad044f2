//! Why a message could not be read: the field, what it held, and what belongs there.

use crate::num::NumError;

/// More of a value than this is not shown.
const SHOWN_MAX: usize = 80;

/// A message that the protocol does not allow. What is merely new (a field, a status, a channel) is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// Bytes that are not text.
    #[error("byte {at} is not UTF-8 text: drop the message, and connect anew")]
    NotText {
        /// How many bytes were sound.
        at: usize,
    },
    /// Not JSON, or JSON of another shape.
    #[error("{field}: is not the JSON that belongs here ({reason}): the exchange has changed it, or it was cut off")]
    Shape {
        /// The field, or the message that it was looked for in.
        field: &'static str,
        /// What the parser says.
        reason: Box<str>,
    },
    /// A field without which the message says nothing is absent or null.
    #[error("{field}: is missing: the exchange has changed the message, or it was cut off")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// A number that is none, does not fit, or is finer than amounts are.
    #[error("{field}: {fault}")]
    Number {
        /// The field.
        field: &'static str,
        /// What is wrong, with the value.
        fault: NumError,
    },
    /// A value that the field cannot have.
    #[error("{field} = {value}: is not {wanted}")]
    Value {
        /// The field.
        field: &'static str,
        /// What it held.
        value: Box<str>,
        /// What it can hold.
        wanted: &'static str,
    },
    /// Lists that belong together have different lengths: read the list of instruments again, and pair nothing.
    #[error("{field}: there are {found} for {expected} instruments: read the list of instruments again")]
    Lengths {
        /// The field.
        field: &'static str,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
}

impl MessageError {
    /// A value that the field cannot have, shown in part if it is long.
    #[must_use]
    pub fn value(field: &'static str, value: &str, wanted: &'static str) -> Self {
        let value = value.chars().take(SHOWN_MAX).collect::<String>().into();
        Self::Value { field, value, wanted }
    }

    /// The field, and what it held, as far as they are known.
    #[must_use]
    pub fn place(&self) -> (Option<&'static str>, Option<&str>) {
        match self {
            Self::NotText { .. } => (None, None),
            Self::Shape { field, .. } | Self::Missing { field } | Self::Lengths { field, .. } => (Some(field), None),
            Self::Value { field, value, .. } => (Some(field), Some(value)),
            Self::Number { field, fault } => (Some(field), fault.text()),
        }
    }

    pub(super) fn shape(field: &'static str, reason: &impl ToString) -> Self {
        Self::Shape { field, reason: reason.to_string().into() }
    }
}
