//! COPY to Arrow.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Decimal128Builder, Int64Builder, StringBuilder, TimestampNanosecondBuilder, UInt8Builder,
    UInt16Builder, UInt64Builder,
};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, SchemaRef};

use super::fault::{CopyFault, FieldFault};
use super::form::{FIELD_BYTES_MAX, Form, HEADER, ORIGIN_US, TRAILER, forms};
use super::numeric;

const NANOS_OF_A_MICRO: i64 = 1_000;

/// Bytes of a binary COPY in, in pieces as they come; batches of rows out.
#[derive(Debug)]
pub struct Decoder {
    schema: SchemaRef,
    forms: Vec<Form>,
    fields: i16,
    columns: Vec<Builder>,
    /// The beginning of a row whose end has not come.
    rest: Vec<u8>,
    state: State,
    /// Rows so far, and those of the batch that grows.
    rows: usize,
    waiting: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Header,
    Rows,
    Ended,
    /// What was wrong: nothing is taken any more.
    Failed(CopyFault),
}

#[derive(Debug)]
enum Builder {
    Text(StringBuilder),
    Decimal(Decimal128Builder, i16, i128),
    Unsigned(UInt64Builder),
    Time(TimestampNanosecondBuilder),
    Small(UInt8Builder),
    Medium(UInt16Builder),
    Long(Int64Builder),
    Bool(BooleanBuilder),
}

impl Decoder {
    /// Reads rows of these columns; of times, `is_whole` says that they are one field and not two.
    ///
    /// # Errors
    /// [`CopyFault`] for a column that no table has.
    pub fn new(schema: SchemaRef, is_whole: bool) -> Result<Self, CopyFault> {
        let (forms, fields) = forms(&schema, is_whole, 0)?;
        let columns =
            schema.fields().iter().zip(&forms).map(|(field, form)| builder(field, *form)).collect::<Result<_, _>>()?;
        Ok(Self { schema, forms, fields, columns, rest: Vec::new(), state: State::Header, rows: 0, waiting: 0 })
    }

    /// How many rows [`Decoder::take`] would give.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Takes the next piece in.
    ///
    /// # Errors
    /// [`CopyFault`] for bytes that are no such COPY; from then on always.
    pub fn feed(&mut self, piece: &[u8]) -> Result<(), CopyFault> {
        let taken = if self.rest.is_empty() {
            self.read(piece).map(|read| self.rest.extend_from_slice(piece.get(read..).unwrap_or_default()))
        } else {
            let mut held = std::mem::take(&mut self.rest);
            held.extend_from_slice(piece);
            self.read(&held).map(|read| {
                held.drain(..read);
                self.rest = held;
            })
        };
        taken.inspect_err(|fault| self.state = State::Failed(fault.clone()))
    }

    /// Gives the rows that came since the last time.
    ///
    /// # Errors
    /// [`CopyFault`] after a piece that was refused.
    pub fn take(&mut self) -> Result<RecordBatch, CopyFault> {
        if let State::Failed(fault) = &self.state {
            return Err(fault.clone());
        }
        let columns = self.columns.iter_mut().map(Builder::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.waiting));
        self.waiting = 0;
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|error| CopyFault::Batch(error.to_string()))
    }

    /// Says that no more comes.
    ///
    /// # Errors
    /// [`CopyFault::Truncated`] if the end has not come.
    pub fn finish(&mut self) -> Result<(), CopyFault> {
        match &self.state {
            State::Ended => Ok(()),
            State::Failed(fault) => Err(fault.clone()),
            State::Header | State::Rows => Err(CopyFault::Truncated { row: self.rows + 1 }),
        }
    }

    /// Reads what is whole of some bytes, and returns how many those were.
    fn read(&mut self, bytes: &[u8]) -> Result<usize, CopyFault> {
        let mut left = bytes;
        loop {
            let after = match &self.state {
                State::Header => header(left)?,
                State::Rows => self.row(left)?,
                State::Ended if left.is_empty() => None,
                State::Ended => return Err(CopyFault::Beyond { row: self.rows }),
                State::Failed(fault) => return Err(fault.clone()),
            };
            let Some(after) = after else { return Ok(bytes.len() - left.len()) };
            if self.state == State::Header {
                self.state = State::Rows;
            }
            left = after;
        }
    }

    /// Reads one row, and returns what is after it; none if its end has not come.
    fn row<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<&'a [u8]>, CopyFault> {
        let row = self.rows + 1;
        let Some((count, fields)) = bytes.split_first_chunk::<2>() else { return Ok(None) };
        if *count == TRAILER {
            self.state = State::Ended;
            return Ok(Some(fields));
        }
        let found = i16::from_be_bytes(*count);
        if found != self.fields {
            return Err(CopyFault::FieldCount { row, found, wanted: usize::try_from(self.fields).unwrap_or(0) });
        }
        if !self.is_whole(fields, row)? {
            return Ok(None);
        }
        let mut left = fields;
        for (number, (form, column)) in self.forms.iter().zip(&mut self.columns).enumerate() {
            let told = |why| {
                let column = self.schema.fields().get(number).map(|field| field.name().clone()).unwrap_or_default();
                CopyFault::Field { row, column, why }
            };
            let (value, after) = next(left).map_err(told)?;
            left = after;
            let beyond = if *form == Form::Nanos {
                let (beyond, after) = next(left).map_err(told)?;
                left = after;
                beyond
            } else {
                value.map(|_| [0, 0].as_slice())
            };
            column.push(value, beyond).map_err(told)?;
        }
        self.rows = row;
        self.waiting += 1;
        Ok(Some(left))
    }

    /// Whether all fields of a row are there.
    fn is_whole(&self, fields: &[u8], row: usize) -> Result<bool, CopyFault> {
        let mut left = fields;
        for _ in 0..self.fields {
            let Some((length, after)) = left.split_first_chunk::<4>() else { return Ok(false) };
            let length = i32::from_be_bytes(*length);
            if !(-1..=FIELD_BYTES_MAX).contains(&length) {
                let why = FieldFault::Length(length);
                return Err(CopyFault::Field { row, column: "a field".to_owned(), why });
            }
            let Some(after) = after.get(usize::try_from(length).unwrap_or(0)..) else { return Ok(false) };
            left = after;
        }
        Ok(true)
    }
}

/// Reads the header with whatever extension it has, and returns what is after it; none if its end has not come.
fn header(bytes: &[u8]) -> Result<Option<&[u8]>, CopyFault> {
    let (signature, _) = HEADER.split_at(11);
    let known = bytes.get(..bytes.len().min(11)).unwrap_or_default();
    if !signature.starts_with(known) {
        return Err(CopyFault::Header);
    }
    let Some((head, after)) = bytes.split_first_chunk::<19>() else { return Ok(None) };
    let [.., f3, f2, f1, f0, e3, e2, e1, e0] = *head;
    let extension = i32::from_be_bytes([e3, e2, e1, e0]);
    // The lower half of the flags may be ignored by whoever does not know them, the upper may not.
    if u32::from_be_bytes([f3, f2, f1, f0]) >> 16 != 0 || !(0..=FIELD_BYTES_MAX).contains(&extension) {
        return Err(CopyFault::Header);
    }
    Ok(after.get(usize::try_from(extension).unwrap_or(0)..))
}

/// A field, and what is after it.
type Next<'a> = (Option<&'a [u8]>, &'a [u8]);

/// Reads one field; none has no value.
fn next(bytes: &[u8]) -> Result<Next<'_>, FieldFault> {
    let (length, after) = bytes.split_first_chunk::<4>().ok_or(FieldFault::Malformed)?;
    let length = i32::from_be_bytes(*length);
    match usize::try_from(length) {
        Err(_) => Ok((None, after)),
        Ok(size) => {
            let (value, after) = after.split_at_checked(size).ok_or(FieldFault::Length(length))?;
            Ok((Some(value), after))
        }
    }
}

fn builder(field: &arrow_schema::Field, form: Form) -> Result<Builder, CopyFault> {
    let unsupported = || CopyFault::Unsupported { column: field.name().clone(), of: field.data_type().to_string() };
    Ok(match (form, field.data_type()) {
        (Form::Text, DataType::Utf8) => Builder::Text(StringBuilder::new()),
        (Form::Decimal { groups, precision }, of) => {
            let limit = 10_i128.checked_pow(u32::from(precision)).ok_or_else(unsupported)?;
            Builder::Decimal(Decimal128Builder::new().with_data_type(of.clone()), groups, limit)
        }
        (Form::Unsigned, _) => Builder::Unsigned(UInt64Builder::new()),
        (Form::Micros | Form::Nanos, of) => Builder::Time(TimestampNanosecondBuilder::new().with_data_type(of.clone())),
        (Form::Small, _) => Builder::Small(UInt8Builder::new()),
        (Form::Medium, _) => Builder::Medium(UInt16Builder::new()),
        (Form::Long, _) => Builder::Long(Int64Builder::new()),
        (Form::Bool, _) => Builder::Bool(BooleanBuilder::new()),
        (Form::Text, _) => return Err(unsupported()),
    })
}

impl Builder {
    /// Appends a field; `beyond` are the nanoseconds of a time.
    fn push(&mut self, value: Option<&[u8]>, beyond: Option<&[u8]>) -> Result<(), FieldFault> {
        match self {
            Self::Text(builder) => match value {
                Some(bytes) => builder.append_value(std::str::from_utf8(bytes).map_err(|_| FieldFault::Utf8)?),
                None => builder.append_null(),
            },
            Self::Decimal(builder, groups, limit) => {
                let number = value.map(|bytes| numeric::read(bytes, *groups)).transpose()?;
                if number.is_some_and(|number| number >= *limit || number <= -*limit) {
                    return Err(FieldFault::Range);
                }
                builder.append_option(number);
            }
            Self::Unsigned(builder) => {
                let number = value.map(|bytes| numeric::read(bytes, 0)).transpose()?;
                builder.append_option(number.map(u64::try_from).transpose().map_err(|_| FieldFault::Range)?);
            }
            Self::Time(builder) => builder.append_option(time(value, beyond)?),
            Self::Small(builder) => {
                let number = value.map(|bytes| fixed(bytes).map(i16::from_be_bytes)).transpose()?;
                builder.append_option(number.map(u8::try_from).transpose().map_err(|_| FieldFault::Range)?);
            }
            Self::Medium(builder) => {
                let number = value.map(|bytes| fixed(bytes).map(i32::from_be_bytes)).transpose()?;
                builder.append_option(number.map(u16::try_from).transpose().map_err(|_| FieldFault::Range)?);
            }
            Self::Long(builder) => {
                builder.append_option(value.map(|bytes| fixed(bytes).map(i64::from_be_bytes)).transpose()?);
            }
            Self::Bool(builder) => builder.append_option(match value {
                None => None,
                Some([0]) => Some(false),
                Some([1]) => Some(true),
                Some(_) => return Err(FieldFault::Malformed),
            }),
        }
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Decimal(builder, ..) => Arc::new(builder.finish()),
            Self::Unsigned(builder) => Arc::new(builder.finish()),
            Self::Time(builder) => Arc::new(builder.finish()),
            Self::Small(builder) => Arc::new(builder.finish()),
            Self::Medium(builder) => Arc::new(builder.finish()),
            Self::Long(builder) => Arc::new(builder.finish()),
            Self::Bool(builder) => Arc::new(builder.finish()),
        }
    }
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], FieldFault> {
    bytes.try_into().map_err(|_| FieldFault::Length(i32::try_from(bytes.len()).unwrap_or(i32::MAX)))
}

fn time(value: Option<&[u8]>, beyond: Option<&[u8]>) -> Result<Option<i64>, FieldFault> {
    let (Some(value), Some(beyond)) = (value, beyond) else {
        return if value.is_none() && beyond.is_none() { Ok(None) } else { Err(FieldFault::Missing) };
    };
    let micros = match i64::from_be_bytes(fixed(value)?) {
        i64::MAX | i64::MIN => return Err(FieldFault::NotFinite),
        micros => micros,
    };
    let beyond = i64::from(i16::from_be_bytes(fixed(beyond)?));
    if !(0..NANOS_OF_A_MICRO).contains(&beyond) {
        return Err(FieldFault::Range);
    }
    // The first microsecond there is begins before the first nanosecond.
    let nanos = i128::from(micros) + i128::from(ORIGIN_US);
    i64::try_from(nanos * i128::from(NANOS_OF_A_MICRO) + i128::from(beyond)).map(Some).map_err(|_| FieldFault::Range)
}
