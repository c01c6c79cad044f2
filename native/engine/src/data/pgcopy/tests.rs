//! What goes out comes back, and nothing hostile comes in.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BooleanArray, Decimal128Array, DictionaryArray, Int64Array, RecordBatch, StringArray,
    TimestampNanosecondArray, UInt8Array, UInt16Array, UInt64Array,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use proptest::prelude::*;

use super::fault::FieldFault;
use super::{CopyFault, Decoder, HEADER, Lead, TRAILER, encode};

const WHOLE: i128 = 99_999_999_999_999_999_999;

fn decimals(values: Vec<Option<i128>>) -> ArrayRef {
    Arc::new(Decimal128Array::from(values).with_precision_and_scale(20, 8).unwrap())
}

fn times(values: Vec<i64>) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from(values).with_timezone("UTC"))
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

fn framed(tuples: &[u8]) -> Vec<u8> {
    [&HEADER, tuples, &TRAILER].concat()
}

fn decoded(schema: SchemaRef, is_whole: bool, bytes: &[u8], piece: usize) -> Result<RecordBatch, CopyFault> {
    let mut decoder = Decoder::new(schema, is_whole)?;
    for piece in bytes.chunks(piece.max(1)) {
        decoder.feed(piece)?;
    }
    decoder.finish()?;
    decoder.take()
}

fn there_and_back(rows: &RecordBatch, is_whole: bool, piece: usize) -> RecordBatch {
    decoded(rows.schema(), is_whole, &framed(&encode(rows, &[], is_whole, 1).unwrap()), piece).unwrap()
}

/// A COPY of one column of decimals with one numeric in it.
fn numeric(parts: &[u16]) -> Result<RecordBatch, CopyFault> {
    let bytes: Vec<u8> = parts.iter().flat_map(|part| part.to_be_bytes()).collect();
    let length = i32::try_from(bytes.len()).unwrap();
    let tuple = [&1_i16.to_be_bytes()[..], &length.to_be_bytes(), &bytes].concat();
    let schema = Arc::new(Schema::new(vec![Field::new("price", DataType::Decimal128(20, 8), true)]));
    decoded(schema, false, &framed(&tuple), usize::MAX)
}

fn refused(parts: &[u16]) -> FieldFault {
    match numeric(parts) {
        Err(CopyFault::Field { row: 1, why, .. }) => why,
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn extremes_of_every_type_come_back() {
    let rows = batch(vec![
        ("text", Arc::new(StringArray::from(vec!["", "₿/USDT \"'\\", "x"]))),
        ("decimal", decimals(vec![Some(-WHOLE), Some(WHOLE), None])),
        ("unsigned", Arc::new(UInt64Array::from(vec![0, u64::MAX, 10_000]))),
        ("time", times(vec![i64::MIN, i64::MAX, -1])),
        ("small", Arc::new(UInt8Array::from(vec![0, u8::MAX, 7]))),
        ("medium", Arc::new(UInt16Array::from(vec![0, u16::MAX, 7]))),
        ("long", Arc::new(Int64Array::from(vec![i64::MIN, i64::MAX, 0]))),
        ("bool", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
    ]);
    for piece in [1, 2, 3, 7, 64, usize::MAX] {
        assert_eq!(there_and_back(&rows, false, piece), rows);
    }
}

#[test]
fn a_number_is_written_as_postgresql_writes_it() {
    // SELECT numeric_send(x), for 12345.6789, -0.00000001, 0 and 100000000.
    let rows = batch(vec![("n", decimals(vec![Some(1_234_567_890_000), Some(-1), Some(0), Some(10_i128.pow(16))]))]);
    let written = encode(&rows, &[], false, 1).unwrap();
    let hex: String = written.iter().map(|byte| format!("{byte:02x}")).collect();
    let numbers = [
        "0003000100000008".to_owned() + "000109291a85",
        "0001fffe40000008".to_owned() + "0001",
        "0000000000000008".to_owned(),
        "0001000200000008".to_owned() + "0001",
    ];
    let wanted: String = numbers.iter().map(|n| format!("0001{:08x}{n}", n.len() / 2)).collect();
    assert_eq!(hex, wanted);
}

#[test]
fn what_leads_stands_in_each_row_and_words_of_a_dictionary_are_text() {
    let words: DictionaryArray<Int32Type> = ["BTC", "ETH", "BTC"].into_iter().collect();
    let rows = batch(vec![("symbol", Arc::new(words))]);
    let lead = [Lead::Text("test".into()), Lead::Long(60)];
    let written = encode(&rows, &lead, false, 1).unwrap();
    let plain = |values: Vec<&str>| -> ArrayRef { Arc::new(StringArray::from(values)) };
    let wanted = batch(vec![
        ("venue", plain(vec!["test"; 3])),
        ("length", Arc::new(Int64Array::from(vec![60; 3]))),
        ("symbol", plain(vec!["BTC", "ETH", "BTC"])),
    ]);
    assert_eq!(decoded(wanted.schema(), false, &framed(&written), 5).unwrap(), wanted);
}

#[test]
fn whole_times_are_one_field_and_others_are_refused_with_their_row() {
    let rows = batch(vec![("time", times(vec![-1_000, 0, 1_700_000_000_000_000_000]))]);
    assert_eq!(there_and_back(&rows, true, 4), rows);
    let rows = batch(vec![("time", times(vec![0, 1_001]))]);
    let fault = encode(&rows, &[], true, 10).unwrap_err();
    assert_eq!(fault, CopyFault::NotWhole { row: 11, column: "time".into(), value: 1_001 });
}

#[test]
fn text_with_a_zero_byte_is_refused() {
    let rows = batch(vec![("text", Arc::new(StringArray::from(vec!["a\0b"])))]);
    assert!(matches!(encode(&rows, &[], false, 1), Err(CopyFault::Text { row: 1, .. })));
    let rows = batch(vec![("text", Arc::new(StringArray::from(vec!["a"])))]);
    assert!(matches!(encode(&rows, &[Lead::Text("\0".into())], false, 1), Err(CopyFault::Text { .. })));
}

#[test]
fn a_column_of_another_type_is_refused_by_name() {
    let rows = batch(vec![("f", Arc::new(arrow_array::Float64Array::from(vec![1.0])))]);
    assert_eq!(encode(&rows, &[], false, 1).unwrap_err().to_string(), "column f: Float64 has no place in a table");
}

#[test]
fn numbers_that_are_not_finite_too_fine_or_too_large_are_refused() {
    assert_eq!(refused(&[0, 0, 0xc000, 0]), FieldFault::NotFinite);
    assert_eq!(refused(&[0, 0, 0xd000, 0]), FieldFault::NotFinite);
    assert_eq!(refused(&[0, 0, 0xf000, 0]), FieldFault::NotFinite);
    assert_eq!(refused(&[0, 0, 1, 0]), FieldFault::Malformed);
    assert_eq!(refused(&[1, 0, 0, 0, 10_000]), FieldFault::Malformed);
    // 0.0000 0000 0001 and 1 times 10,000 to the power of 3.
    assert_eq!(refused(&[1, 0xfffd, 0, 12, 1]), FieldFault::Finer);
    assert_eq!(refused(&[1, 3, 0, 0, 1]), FieldFault::Range);
    assert_eq!(refused(&[1, 0x7fff, 0, 0, 1]), FieldFault::Range);
    assert_eq!(refused(&[2, 0, 0, 0, 1]), FieldFault::Length(10));
    assert_eq!(refused(&[0, 0, 0]), FieldFault::Length(6));
    // More digits are told than the column has, and they are zero.
    assert_eq!(numeric(&[4, 0, 0, 12, 5, 0, 0, 0]).unwrap().column(0), &decimals(vec![Some(500_000_000)]));
    assert_eq!(numeric(&[0, 0x7fff, 0, 0]).unwrap().column(0), &decimals(vec![Some(0)]));
    assert_eq!(numeric(&[1, 0x7fff, 0, 0, 0]).unwrap().column(0), &decimals(vec![Some(0)]));
}

#[test]
fn every_cut_is_told() {
    let rows = batch(vec![("a", decimals(vec![Some(1), Some(2)])), ("t", times(vec![3, 4]))]);
    let whole = framed(&encode(&rows, &[], false, 1).unwrap());
    for end in 0..whole.len() {
        assert!(matches!(decoded(rows.schema(), false, &whole[..end], 9), Err(CopyFault::Truncated { .. })));
    }
    let beyond = [&whole[..], &[0]].concat();
    assert_eq!(decoded(rows.schema(), false, &beyond, 9), Err(CopyFault::Beyond { row: 2 }));
}

#[test]
fn a_row_of_another_width_and_fields_of_other_lengths_are_refused() {
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
    let read = |tuple: &[u8]| decoded(Arc::clone(&schema), false, &framed(tuple), 3).unwrap_err();
    assert_eq!(read(&[0, 2]), CopyFault::FieldCount { row: 1, found: 2, wanted: 1 });
    assert_eq!(read(&[0x80, 0]), CopyFault::FieldCount { row: 1, found: i16::MIN, wanted: 1 });
    let field = |why| CopyFault::Field { row: 1, column: "n".into(), why };
    assert_eq!(read(&[0, 1, 0, 0, 0, 1, 5]), field(FieldFault::Length(1)));
    assert!(matches!(
        read(&[0, 1, 0x7f, 0xff, 0xff, 0xff]),
        CopyFault::Field { why: FieldFault::Length(i32::MAX), .. }
    ));
    assert!(matches!(read(&[0, 1, 0xff, 0xff, 0xff, 0xfe]), CopyFault::Field { why: FieldFault::Length(-2), .. }));
}

#[test]
fn times_beyond_what_nanoseconds_hold_are_refused() {
    let schema = Arc::new(Schema::new(vec![Field::new(
        "t",
        DataType::Timestamp(arrow_schema::TimeUnit::Nanosecond, Some("UTC".into())),
        true,
    )]));
    let read = |micros: i64, beyond: i16| {
        let tuple = [&[0, 2, 0, 0, 0, 8][..], &micros.to_be_bytes(), &[0, 0, 0, 2], &beyond.to_be_bytes()].concat();
        match decoded(Arc::clone(&schema), false, &framed(&tuple), 100) {
            Err(CopyFault::Field { why, .. }) => why,
            other => unreachable!("{other:?}"),
        }
    };
    assert_eq!(read(i64::MAX, 0), FieldFault::NotFinite);
    assert_eq!(read(i64::MIN, 0), FieldFault::NotFinite);
    assert_eq!(read(i64::MAX - 1, 0), FieldFault::Range);
    assert_eq!(read(0, 1_000), FieldFault::Range);
    assert_eq!(read(0, -1), FieldFault::Range);
}

#[test]
fn a_header_that_is_none_is_refused_and_so_is_all_that_follows() {
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
    let mut decoder = Decoder::new(schema, false).unwrap();
    assert_eq!(decoder.feed(b"PGCOPX"), Err(CopyFault::Header));
    assert_eq!(decoder.feed(&HEADER), Err(CopyFault::Header));
    assert_eq!(decoder.take(), Err(CopyFault::Header));
    assert_eq!(decoder.finish(), Err(CopyFault::Header));
}

#[test]
fn nothing_where_something_must_be_is_refused() {
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
    let null = framed(&[0, 1, 0xff, 0xff, 0xff, 0xff]);
    assert!(matches!(decoded(schema, false, &null, 100), Err(CopyFault::Batch(_))));
}

fn any_rows() -> impl Strategy<Value = RecordBatch> {
    let row = (
        any::<String>().prop_map(|text| text.replace('\0', "")),
        prop_oneof![Just(None), (-WHOLE..=WHOLE).prop_map(Some), any::<i64>().prop_map(|n| Some(i128::from(n)))],
        any::<u64>(),
        any::<i64>(),
        (any::<u8>(), any::<u16>(), any::<i64>(), any::<bool>()),
    );
    prop::collection::vec(row, 0..20).prop_map(|rows| {
        batch(vec![
            ("text", Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.0)))),
            ("decimal", decimals(rows.iter().map(|row| row.1).collect())),
            ("unsigned", Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.2)))),
            ("time", times(rows.iter().map(|row| row.3).collect())),
            ("small", Arc::new(UInt8Array::from_iter_values(rows.iter().map(|row| row.4.0)))),
            ("medium", Arc::new(UInt16Array::from_iter_values(rows.iter().map(|row| row.4.1)))),
            ("long", Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.4.2)))),
            ("bool", Arc::new(BooleanArray::from_iter(rows.iter().map(|row| Some(row.4.3))))),
        ])
    })
}

proptest! {
    #[test]
    fn whatever_goes_out_comes_back(rows in any_rows(), piece in 1_usize..200) {
        prop_assert_eq!(there_and_back(&rows, false, piece), rows);
    }

    #[test]
    fn damage_is_told_or_read_and_never_a_panic(
        rows in any_rows(), piece in 1_usize..200, at in any::<prop::sample::Index>(), to in any::<u8>()
    ) {
        let mut bytes = framed(&encode(&rows, &[], false, 1).unwrap());
        let at = at.index(bytes.len());
        bytes[at] = to;
        let _ = decoded(rows.schema(), false, &bytes, piece);
    }

    #[test]
    fn noise_is_told_or_read_and_never_a_panic(noise in prop::collection::vec(any::<u8>(), 0..300), piece in 1_usize..50) {
        let schema = batch(vec![("n", decimals(vec![])), ("t", times(vec![]))]).schema();
        let _ = decoded(schema, false, &[&HEADER[..], &noise].concat(), piece);
    }
}
