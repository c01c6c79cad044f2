//! How a column lies on the wire.

use arrow_schema::{DataType, Field, Schema, TimeUnit};

use super::fault::CopyFault;

/// What every binary COPY begins with: the signature, no flags, no extension.
pub const HEADER: [u8; 19] = *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What it ends with.
pub const TRAILER: [u8; 2] = [0xff, 0xff];
/// The most fields of one row; PostgreSQL's tables hold fewer.
pub const FIELDS_MAX: usize = 1_600;
/// The longest field that is believed. Longer ones are damage, and would be waited for.
pub const FIELD_BYTES_MAX: i32 = 1 << 26;
/// 2000-01-01 UTC, from which PostgreSQL counts, in microseconds since the epoch.
pub const ORIGIN_US: i64 = 946_684_800_000_000;

/// How a column lies on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// text
    Text,
    /// numeric, from and to a decimal128 with four times so many decimals
    Decimal {
        /// Groups of four decimals.
        groups: i16,
        /// The most digits.
        precision: u8,
    },
    /// numeric, from and to a uint64
    Unsigned,
    /// timestamptz
    Micros,
    /// timestamptz and int2
    Nanos,
    /// int2, from and to a uint8
    Small,
    /// int4, from and to a uint16
    Medium,
    /// int8
    Long,
    /// bool
    Bool,
}

impl Form {
    /// The form of a column; `is_whole` says that times are whole microseconds.
    pub fn of(field: &Field, is_whole: bool) -> Result<Self, CopyFault> {
        let found = match field.data_type() {
            DataType::Utf8 => Some(Self::Text),
            DataType::Dictionary(keys, values) if **keys == DataType::Int32 && **values == DataType::Utf8 => {
                Some(Self::Text)
            }
            DataType::Decimal128(precision, scale) => match scale {
                0 | 4 | 8 | 12 => Some(Self::Decimal { groups: i16::from(*scale) / 4, precision: *precision }),
                _ => None,
            },
            DataType::UInt64 => Some(Self::Unsigned),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => Some(if is_whole { Self::Micros } else { Self::Nanos }),
            DataType::UInt8 => Some(Self::Small),
            DataType::UInt16 => Some(Self::Medium),
            DataType::Int64 => Some(Self::Long),
            DataType::Boolean => Some(Self::Bool),
            _ => None,
        };
        found.ok_or_else(|| CopyFault::Unsupported { column: field.name().clone(), of: field.data_type().to_string() })
    }

    /// How many fields it takes.
    pub fn width(self) -> usize {
        if self == Self::Nanos { 2 } else { 1 }
    }
}

/// The forms of all columns, and how many fields a row has with `lead` before them.
pub fn forms(schema: &Schema, is_whole: bool, lead: usize) -> Result<(Vec<Form>, i16), CopyFault> {
    let forms = schema.fields().iter().map(|field| Form::of(field, is_whole)).collect::<Result<Vec<_>, _>>()?;
    let fields = lead + forms.iter().map(|form| form.width()).sum::<usize>();
    match i16::try_from(fields) {
        Ok(narrow) if (1..=FIELDS_MAX).contains(&fields) => Ok((forms, narrow)),
        _ => Err(CopyFault::Width { fields }),
    }
}
