//! Arrow to COPY.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Decimal128Type, Int32Type, Int64Type, TimestampNanosecondType, UInt8Type, UInt16Type, UInt64Type,
};
use arrow_array::{
    Array, BooleanArray, Decimal128Array, DictionaryArray, Int64Array, RecordBatch, StringArray,
    TimestampNanosecondArray, UInt8Array, UInt16Array, UInt64Array,
};

use super::fault::CopyFault;
use super::form::{Form, ORIGIN_US, forms};
use super::numeric;

const NULL: [u8; 4] = (-1_i32).to_be_bytes();
const NANOS_OF_A_MICRO: i64 = 1_000;
/// About what a row takes; a guess too low costs a copy.
const ROW_BYTES: usize = 160;

/// What stands before the columns, the same in each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lead {
    /// text
    Text(String),
    /// int8
    Long(i64),
}

enum Column<'a> {
    Text(&'a StringArray),
    Words(&'a DictionaryArray<Int32Type>, &'a StringArray),
    Decimal(&'a Decimal128Array, i16),
    Unsigned(&'a UInt64Array),
    Micros(&'a TimestampNanosecondArray),
    Nanos(&'a TimestampNanosecondArray),
    Small(&'a UInt8Array),
    Medium(&'a UInt16Array),
    Long(&'a Int64Array),
    Bool(&'a BooleanArray),
}

/// Rows as the tuples of a binary COPY, without header and trailer; `first` is the number of the first row, for messages.
///
/// # Errors
/// [`CopyFault`] for a column, a time or a text that a table cannot hold.
pub fn encode(batch: &RecordBatch, lead: &[Lead], is_whole: bool, first: usize) -> Result<Vec<u8>, CopyFault> {
    let schema = batch.schema();
    let (forms, fields) = forms(&schema, is_whole, lead.len())?;
    let columns: Vec<Column<'_>> =
        batch.columns().iter().zip(forms).map(|(array, form)| column(array.as_ref(), form)).collect();
    let start = start_of_row(fields, lead)?;
    let mut out = Vec::with_capacity(batch.num_rows() * ROW_BYTES);
    for row in 0..batch.num_rows() {
        out.extend_from_slice(&start);
        for (number, column) in columns.iter().enumerate() {
            write(&mut out, column, row).map_err(|fault| {
                let column = schema.fields().get(number).map(|field| field.name().clone()).unwrap_or_default();
                match fault {
                    Fault::NotWhole(value) => CopyFault::NotWhole { row: first + row, column, value },
                    Fault::Text => CopyFault::Text { row: first + row, column },
                }
            })?;
        }
    }
    Ok(out)
}

/// The number of fields, and the fields that are the same in each row.
fn start_of_row(fields: i16, lead: &[Lead]) -> Result<Vec<u8>, CopyFault> {
    let mut start = fields.to_be_bytes().to_vec();
    for each in lead {
        match each {
            Lead::Text(word) => {
                text(&mut start, word).map_err(|_| CopyFault::Text { row: 0, column: word.replace('\0', "\\0") })?;
            }
            Lead::Long(number) => field(&mut start, &number.to_be_bytes()),
        }
    }
    Ok(start)
}

fn column(array: &dyn Array, form: Form) -> Column<'_> {
    match form {
        Form::Text => match array.as_dictionary_opt::<Int32Type>() {
            Some(words) => Column::Words(words, words.values().as_string()),
            None => Column::Text(array.as_string()),
        },
        Form::Decimal { groups, .. } => Column::Decimal(array.as_primitive::<Decimal128Type>(), groups),
        Form::Unsigned => Column::Unsigned(array.as_primitive::<UInt64Type>()),
        Form::Micros => Column::Micros(array.as_primitive::<TimestampNanosecondType>()),
        Form::Nanos => Column::Nanos(array.as_primitive::<TimestampNanosecondType>()),
        Form::Small => Column::Small(array.as_primitive::<UInt8Type>()),
        Form::Medium => Column::Medium(array.as_primitive::<UInt16Type>()),
        Form::Long => Column::Long(array.as_primitive::<Int64Type>()),
        Form::Bool => Column::Bool(array.as_boolean()),
    }
}

enum Fault {
    NotWhole(i64),
    Text,
}

fn write(out: &mut Vec<u8>, column: &Column<'_>, row: usize) -> Result<(), Fault> {
    match column {
        Column::Text(array) if array.is_valid(row) => text(out, array.value(row))?,
        Column::Words(array, words) if array.is_valid(row) => {
            let key = usize::try_from(array.keys().value(row)).unwrap_or(usize::MAX);
            if key < words.len() && words.is_valid(key) {
                text(out, words.value(key))?;
            } else {
                out.extend_from_slice(&NULL);
            }
        }
        Column::Decimal(array, groups) if array.is_valid(row) => numeric::write(out, array.value(row), *groups),
        Column::Unsigned(array) if array.is_valid(row) => numeric::write(out, i128::from(array.value(row)), 0),
        Column::Micros(array) if array.is_valid(row) => {
            let nanos = array.value(row);
            if nanos.rem_euclid(NANOS_OF_A_MICRO) != 0 {
                return Err(Fault::NotWhole(nanos));
            }
            field(out, &(nanos.div_euclid(NANOS_OF_A_MICRO) - ORIGIN_US).to_be_bytes());
        }
        Column::Nanos(array) if array.is_valid(row) => {
            let nanos = array.value(row);
            field(out, &(nanos.div_euclid(NANOS_OF_A_MICRO) - ORIGIN_US).to_be_bytes());
            let beyond = i16::try_from(nanos.rem_euclid(NANOS_OF_A_MICRO)).unwrap_or_default();
            field(out, &beyond.to_be_bytes());
        }
        Column::Nanos(_) => {
            out.extend_from_slice(&NULL);
            out.extend_from_slice(&NULL);
        }
        Column::Small(array) if array.is_valid(row) => field(out, &i16::from(array.value(row)).to_be_bytes()),
        Column::Medium(array) if array.is_valid(row) => field(out, &i32::from(array.value(row)).to_be_bytes()),
        Column::Long(array) if array.is_valid(row) => field(out, &array.value(row).to_be_bytes()),
        Column::Bool(array) if array.is_valid(row) => field(out, &[u8::from(array.value(row))]),
        _ => out.extend_from_slice(&NULL),
    }
    Ok(())
}

fn field<const N: usize>(out: &mut Vec<u8>, bytes: &[u8; N]) {
    // At most 8.
    out.extend_from_slice(&i32::try_from(N).unwrap_or_default().to_be_bytes());
    out.extend_from_slice(bytes);
}

fn text(out: &mut Vec<u8>, word: &str) -> Result<(), Fault> {
    let length = i32::try_from(word.len()).map_err(|_| Fault::Text)?;
    if length > super::form::FIELD_BYTES_MAX || memchr::memchr(0, word.as_bytes()).is_some() {
        return Err(Fault::Text);
    }
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(word.as_bytes());
    Ok(())
}
