//! The columns of the table, and rows to and from them.

use std::sync::Arc;

use arrow_array::builder::{
    Decimal128Builder, Int64Builder, TimestampNanosecondBuilder, UInt8Builder, UInt16Builder, UInt64Builder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Decimal128Type, Int32Type, Int64Type, TimestampNanosecondType, UInt8Type, UInt16Type,
    UInt64Type,
};
use arrow_array::{Array, ArrayRef, DictionaryArray, RecordBatch, StringArray};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::data::fault::Fault;
use crate::num::{Price, Qty};
use crate::row::{Flags, Row, RowKind, RowSide};
use crate::time::Nanos;

/// Time at the venue: timestamp(ns, UTC).
pub const EXCHANGE_TIME: &str = "exchange_time";
/// Time of arrival: timestamp(ns, UTC).
pub const LOCAL_TIME: &str = "local_time";
/// The symbol: dictionary of text.
pub const SYMBOL: &str = "symbol";
/// uint8, the numbers of [`RowKind`].
pub const KIND: &str = "kind";
/// uint8, the numbers of [`RowSide`].
pub const SIDE: &str = "side";
/// decimal128(20, 8).
pub const PRICE: &str = "price";
/// decimal128(20, 8).
pub const QUANTITY: &str = "quantity";
/// uint64.
pub const ORDER_ID: &str = "order_id";
/// uint64.
pub const SEQUENCE: &str = "sequence";
/// uint16, the bits of [`Flags`].
pub const FLAGS: &str = "flags";
/// int64: of a funding row the rate an hour in 1e-12, of a context the impact ask in 1e-8, of a status its number.
pub const AUX: &str = "aux";

/// The schema of every file.
#[must_use]
pub fn schema() -> SchemaRef {
    let time = || DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let field = |name: &str, of: DataType| Field::new(name, of, false);
    Arc::new(Schema::new(vec![
        field(EXCHANGE_TIME, time()),
        field(LOCAL_TIME, time()),
        field(SYMBOL, DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))),
        field(KIND, DataType::UInt8),
        field(SIDE, DataType::UInt8),
        field(PRICE, DataType::Decimal128(20, 8)),
        field(QUANTITY, DataType::Decimal128(20, 8)),
        field(ORDER_ID, DataType::UInt64),
        field(SEQUENCE, DataType::UInt64),
        field(FLAGS, DataType::UInt16),
        field(AUX, DataType::Int64),
    ]))
}

/// The column of symbols of rows whose instruments are places in `names`.
///
/// # Errors
/// [`ArrowError`] for a row of an instrument that has no name.
pub fn symbols(names: &[String], rows: &[Row]) -> Result<ArrayRef, ArrowError> {
    let keys = rows.iter().map(|row| i32::try_from(row.instrument.0).ok());
    let names = StringArray::from_iter_values(names);
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys.collect(), Arc::new(names))?))
}

/// Rows as columns, the one of the symbols being made already.
///
/// # Errors
/// [`ArrowError`] for a column of symbols of another length.
pub fn to_batch(schema: &SchemaRef, symbols: ArrayRef, rows: &[Row]) -> Result<RecordBatch, ArrowError> {
    let count = rows.len();
    let time = |get: fn(&Row) -> Nanos| -> ArrayRef {
        let mut column = TimestampNanosecondBuilder::with_capacity(count).with_timezone("UTC");
        rows.iter().for_each(|row| column.append_value(get(row).raw()));
        Arc::new(column.finish())
    };
    let decimal = |get: fn(&Row) -> i64| -> Result<ArrayRef, ArrowError> {
        let mut column = Decimal128Builder::with_capacity(count).with_precision_and_scale(20, 8)?;
        rows.iter().for_each(|row| column.append_value(i128::from(get(row))));
        Ok(Arc::new(column.finish()))
    };
    let small = |get: fn(&Row) -> u8| -> ArrayRef {
        let mut column = UInt8Builder::with_capacity(count);
        rows.iter().for_each(|row| column.append_value(get(row)));
        Arc::new(column.finish())
    };
    let number = |get: fn(&Row) -> u64| -> ArrayRef {
        let mut column = UInt64Builder::with_capacity(count);
        rows.iter().for_each(|row| column.append_value(get(row)));
        Arc::new(column.finish())
    };
    let mut flags = UInt16Builder::with_capacity(count);
    let mut aux = Int64Builder::with_capacity(count);
    for row in rows {
        flags.append_value(row.flags.0);
        aux.append_value(row.aux);
    }
    let columns: Vec<ArrayRef> = vec![
        time(|row| row.exchange_time),
        time(|row| row.local_time),
        symbols,
        small(|row| row.kind as u8),
        small(|row| row.side as u8),
        decimal(|row| row.price.raw())?,
        decimal(|row| row.quantity.raw())?,
        number(|row| row.order_id),
        number(|row| row.sequence),
        Arc::new(flags.finish()),
        Arc::new(aux.finish()),
    ];
    RecordBatch::try_new(Arc::clone(schema), columns)
}

/// A value that cannot be a row: its column, the row of the batch from 0, the value, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadValue {
    /// The column.
    pub column: &'static str,
    /// The row of the batch.
    pub row: usize,
    /// The value.
    pub value: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// Appends the rows of a batch. Columns that the batch lacks are those of `constant`: the reader left them out, because
/// they hold one value.
///
/// # Errors
/// [`BadValue`].
pub fn append_rows(batch: &RecordBatch, constant: &Row, rows: &mut Vec<Row>) -> Result<(), BadValue> {
    let start = rows.len();
    rows.resize(start + batch.num_rows(), *constant);
    let Some(new) = rows.get_mut(start..) else { return Ok(()) };
    each::<TimestampNanosecondType>(batch, EXCHANGE_TIME, new, |row, v| {
        row.exchange_time = Nanos::from_raw(v);
        true
    })?;
    each::<TimestampNanosecondType>(batch, LOCAL_TIME, new, |row, v| {
        row.local_time = Nanos::from_raw(v);
        true
    })?;
    each::<UInt8Type>(batch, KIND, new, |row, v| RowKind::from_code(v).map(|kind| row.kind = kind).is_some())?;
    each::<UInt8Type>(batch, SIDE, new, |row, v| RowSide::from_code(v).map(|side| row.side = side).is_some())?;
    each::<Decimal128Type>(batch, PRICE, new, |row, v| {
        i64::try_from(v).map(|v| row.price = Price::from_raw(v)).is_ok()
    })?;
    each::<Decimal128Type>(batch, QUANTITY, new, |row, v| {
        i64::try_from(v).map(|v| row.quantity = Qty::from_raw(v)).is_ok()
    })?;
    each::<UInt64Type>(batch, ORDER_ID, new, |row, v| {
        row.order_id = v;
        true
    })?;
    each::<UInt64Type>(batch, SEQUENCE, new, |row, v| {
        row.sequence = v;
        true
    })?;
    each::<UInt16Type>(batch, FLAGS, new, |row, v| {
        row.flags = Flags(v);
        true
    })?;
    each::<Int64Type>(batch, AUX, new, |row, v| {
        row.aux = v;
        true
    })
}

/// Sets a field of each row from a column, if the batch has it; `set` says whether the value can be.
#[inline]
fn each<T: ArrowPrimitiveType>(
    batch: &RecordBatch,
    name: &'static str,
    rows: &mut [Row],
    set: impl Fn(&mut Row, T::Native) -> bool,
) -> Result<(), BadValue> {
    let Some(column) = batch.column_by_name(name) else { return Ok(()) };
    let bad = |row, value: String, fault| BadValue { column: name, row, value, fault };
    let Some(values) = column.as_primitive_opt::<T>() else {
        let found = format!("{}", column.data_type()).into();
        return Err(bad(0, String::new(), Fault::WrongType { found, wanted: wanted(name) }));
    };
    if let Some(nulls) = values.nulls().filter(|nulls| nulls.null_count() > 0) {
        return Err(bad(nulls.iter().position(|valid| !valid).unwrap_or(0), String::new(), Fault::Missing));
    }
    for (index, (row, value)) in rows.iter_mut().zip(values.values()).enumerate() {
        if !set(row, *value) {
            return Err(bad(index, format!("{value:?}"), Fault::OutOfRange));
        }
    }
    Ok(())
}

/// What a column must hold.
pub(super) fn wanted(name: &str) -> &'static str {
    match name {
        EXCHANGE_TIME | LOCAL_TIME => "timestamp(ns, UTC)",
        KIND | SIDE => "uint8",
        PRICE | QUANTITY => "decimal128(20, 8)",
        ORDER_ID | SEQUENCE => "uint64",
        FLAGS => "uint16",
        _ => "int64",
    }
}
