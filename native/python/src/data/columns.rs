//! Arrow columns of many types as numbers, times and symbols.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, Decimal128Array, Decimal256Array, Float32Array, Float64Array, LargeStringArray, PrimitiveArray,
    StringArray, StringViewArray,
};
use arrow_schema::{DataType, TimeUnit};
use engine::data::fault::Fault;
use engine::data::values::{number_of_float, number_of_text, time_of_text};
use engine::num::{Snapped, UNIT};
use engine::time::{Nanos, from_epoch};

/// A column of text.
#[derive(Debug)]
pub enum Text {
    Small(StringArray),
    Large(LargeStringArray),
    View(StringViewArray),
    /// Keys into a column of text; `None` for a null.
    Keys(Vec<Option<usize>>, Box<Self>),
}

impl Text {
    /// `None` if the column holds something else.
    pub fn of(column: &ArrayRef) -> Option<Self> {
        match column.data_type() {
            DataType::Utf8 => Some(Self::Small(column.as_string::<i32>().clone())),
            DataType::LargeUtf8 => Some(Self::Large(column.as_string::<i64>().clone())),
            DataType::Utf8View => Some(Self::View(column.as_string_view().clone())),
            DataType::Dictionary(..) => {
                let dictionary = column.as_any_dictionary_opt()?;
                let values = Self::of(dictionary.values())?;
                // The keys of an empty dictionary are all null.
                let keys = if dictionary.values().is_empty() {
                    vec![None; column.len()]
                } else {
                    let keys = dictionary.normalized_keys();
                    keys.into_iter().enumerate().map(|(row, key)| column.is_valid(row).then_some(key)).collect()
                };
                Some(Self::Keys(keys, Box::new(values)))
            }
            _ => None,
        }
    }

    /// The text of a row; `None` for a null.
    #[inline]
    pub fn get(&self, row: usize) -> Option<&str> {
        match self {
            Self::Small(column) => column.is_valid(row).then(|| column.value(row)),
            Self::Large(column) => column.is_valid(row).then(|| column.value(row)),
            Self::View(column) => column.is_valid(row).then(|| column.value(row)),
            Self::Keys(keys, values) => keys.get(row).copied().flatten().and_then(|key| values.get(key)),
        }
    }
}

/// A column of numbers.
#[derive(Debug)]
pub enum Numeric {
    Float(Float64Array),
    Single(Float32Array),
    Whole(PrimitiveArray<Int64Type>),
    Wide(PrimitiveArray<UInt64Type>),
    Decimal(Decimal128Array, i8),
    WideDecimal(Decimal256Array, i8),
    Text(Text),
}

impl Numeric {
    /// What a column of numbers may hold.
    pub const WANTED: &str = "numbers (float, integer, decimal) or their text";

    /// `None` if the column holds something else.
    pub fn of(column: &ArrayRef) -> Option<Self> {
        Some(match column.data_type() {
            DataType::Float64 => Self::Float(column.as_primitive::<Float64Type>().clone()),
            DataType::Float32 => Self::Single(column.as_primitive::<Float32Type>().clone()),
            DataType::UInt64 => Self::Wide(column.as_primitive::<UInt64Type>().clone()),
            DataType::Decimal128(_, scale) => Self::Decimal(column.as_primitive::<Decimal128Type>().clone(), *scale),
            DataType::Decimal256(_, scale) => {
                Self::WideDecimal(column.as_primitive::<Decimal256Type>().clone(), *scale)
            }
            _ => match whole(column) {
                Some(column) => Self::Whole(column),
                None => Self::Text(Text::of(column)?),
            },
        })
    }

    /// The number of a row.
    #[inline]
    pub fn get(&self, row: usize) -> Result<Snapped, Fault> {
        let exact = |steps: Option<i64>| steps.map(|steps| Snapped { steps, moved: false }).ok_or(Fault::OutOfRange);
        match self {
            Self::Float(column) if column.is_valid(row) => number_of_float(column.value(row)),
            // The decimal that a single shows, not the double next to it.
            Self::Single(column) if column.is_valid(row) => number_of_text(column.value(row).to_string().as_bytes()),
            Self::Whole(column) if column.is_valid(row) => exact(column.value(row).checked_mul(UNIT)),
            Self::Wide(column) if column.is_valid(row) => {
                exact(i64::try_from(column.value(row)).ok().and_then(|v| v.checked_mul(UNIT)))
            }
            Self::Decimal(column, scale) if column.is_valid(row) => steps_of_decimal(column.value(row), *scale),
            Self::WideDecimal(column, scale) if column.is_valid(row) => {
                column.value(row).to_i128().ok_or(Fault::OutOfRange).and_then(|v| steps_of_decimal(v, *scale))
            }
            Self::Text(text) => number_of_text(text.get(row).unwrap_or_default().trim().as_bytes()),
            _ => Err(Fault::Missing),
        }
    }

    /// The value of a row for a message.
    pub fn shown(&self, row: usize) -> String {
        match self {
            Self::Float(column) if column.is_valid(row) => column.value(row).to_string(),
            Self::Single(column) if column.is_valid(row) => column.value(row).to_string(),
            Self::Whole(column) if column.is_valid(row) => column.value(row).to_string(),
            Self::Wide(column) if column.is_valid(row) => column.value(row).to_string(),
            Self::Decimal(column, _) if column.is_valid(row) => column.value_as_string(row),
            Self::WideDecimal(column, _) if column.is_valid(row) => column.value_as_string(row),
            Self::Text(text) => text.get(row).unwrap_or_default().to_owned(),
            _ => String::new(),
        }
    }
}

fn steps_of_decimal(value: i128, scale: i8) -> Result<Snapped, Fault> {
    let power = 10_i128.checked_pow(u32::from((8 - i16::from(scale)).unsigned_abs())).ok_or(Fault::OutOfRange)?;
    let steps = if scale <= 8 {
        value.checked_mul(power).ok_or(Fault::OutOfRange)?
    } else if value % power == 0 {
        value / power
    } else {
        return Err(Fault::TooFine);
    };
    let steps = i64::try_from(steps).map_err(|_| Fault::OutOfRange)?;
    Ok(Snapped { steps, moved: false })
}

/// A column of integers as 64 bits.
fn whole(column: &ArrayRef) -> Option<PrimitiveArray<Int64Type>> {
    Some(match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().clone(),
        DataType::Int32 => column.as_primitive::<Int32Type>().unary(i64::from),
        DataType::Int16 => column.as_primitive::<Int16Type>().unary(i64::from),
        DataType::Int8 => column.as_primitive::<Int8Type>().unary(i64::from),
        DataType::UInt32 => column.as_primitive::<UInt32Type>().unary(i64::from),
        DataType::UInt16 => column.as_primitive::<UInt16Type>().unary(i64::from),
        DataType::UInt8 => column.as_primitive::<UInt8Type>().unary(i64::from),
        _ => return None,
    })
}

/// A column of times.
#[derive(Debug)]
pub enum Times {
    /// Counts of a unit of so many nanoseconds.
    Counts {
        column: PrimitiveArray<Int64Type>,
        unit: i64,
        has_zone: bool,
    },
    /// Seconds, milli-, micro- or nanoseconds, told apart by size.
    Epochs(PrimitiveArray<Int64Type>),
    Text(Text),
}

impl Times {
    /// What a column of times may hold.
    pub const WANTED: &str = "times (timestamp, date), epoch integers, or ISO 8601 text";

    /// `None` if the column holds something else.
    pub fn of(column: &ArrayRef) -> Option<Self> {
        let counts = |column: PrimitiveArray<Int64Type>, unit, has_zone| Self::Counts { column, unit, has_zone };
        Some(match column.data_type() {
            DataType::Timestamp(unit, zone) => {
                let has_zone = zone.is_some();
                match unit {
                    TimeUnit::Second => {
                        counts(column.as_primitive::<TimestampSecondType>().reinterpret_cast(), 1_000_000_000, has_zone)
                    }
                    TimeUnit::Millisecond => counts(
                        column.as_primitive::<TimestampMillisecondType>().reinterpret_cast(),
                        1_000_000,
                        has_zone,
                    ),
                    TimeUnit::Microsecond => {
                        counts(column.as_primitive::<TimestampMicrosecondType>().reinterpret_cast(), 1_000, has_zone)
                    }
                    TimeUnit::Nanosecond => {
                        counts(column.as_primitive::<TimestampNanosecondType>().reinterpret_cast(), 1, has_zone)
                    }
                }
            }
            DataType::Date32 => {
                counts(column.as_primitive::<Date32Type>().unary(i64::from), 86_400 * 1_000_000_000, false)
            }
            DataType::Date64 => counts(column.as_primitive::<Date64Type>().reinterpret_cast(), 1_000_000, false),
            _ => match whole(column) {
                Some(column) => Self::Epochs(column),
                None => Self::Text(Text::of(column)?),
            },
        })
    }

    /// The time of a row, and whether it names a zone.
    #[inline]
    pub fn get(&self, row: usize) -> Result<(Nanos, bool), Fault> {
        match self {
            Self::Counts { column, unit, has_zone } if column.is_valid(row) => {
                let nanos = column.value(row).checked_mul(*unit).ok_or(Fault::NotATime)?;
                Ok((Nanos::from_raw(nanos), *has_zone))
            }
            Self::Epochs(column) if column.is_valid(row) => {
                from_epoch(column.value(row)).map(|time| (time, true)).ok_or(Fault::NotATime)
            }
            Self::Text(text) => time_of_text(text.get(row).unwrap_or_default().trim().as_bytes()),
            _ => Err(Fault::Missing),
        }
    }

    /// The value of a row for a message.
    pub fn shown(&self, row: usize) -> String {
        match self {
            Self::Text(text) => text.get(row).unwrap_or_default().to_owned(),
            Self::Epochs(column) if column.is_valid(row) => column.value(row).to_string(),
            other => other.get(row).map(|(time, _)| time.to_string()).unwrap_or_default(),
        }
    }
}
