use std::path::PathBuf;

use super::*;
use crate::num::{Price, Qty};
use crate::row::RowSide;

struct Rows {
    rows: Vec<Row>,
    symbols: Vec<String>,
}

impl TickReader for Rows {
    fn read(&mut self, rows: &mut Vec<Row>) -> Result<bool, SourceError> {
        rows.append(&mut self.rows);
        Ok(!rows.is_empty())
    }
    fn symbols(&self) -> &[String] {
        &self.symbols
    }
    fn venue(&self) -> &'static str {
        "here"
    }
    fn notes(&self) -> Vec<(String, u64)> {
        vec![]
    }
}

fn row(kind: RowKind, exchange: i64, local: i64, price: i64) -> Row {
    let row = Row::new(kind, InstrumentId(0), Nanos::from_raw(exchange), Nanos::from_raw(local));
    row.at(RowSide::Buy, Price::from_raw(price), Qty::from_raw(1))
}

fn delta(exchange: i64, price: i64, flags: Flags) -> Row {
    row(RowKind::BookDelta, exchange, exchange + 5, price).marked(flags)
}

fn corrected(rows: Vec<Row>, correction: Correction) -> Result<(Vec<(Row, Family)>, Counts), CorrectError> {
    let mut corrector = Corrector::new(correction, &PathBuf::from("nowhere"));
    let mut reader = Rows { rows, symbols: vec!["A".into(), "B".into()] };
    corrector.read("file", &mut reader, &mut |_| true)?;
    let mut corrected = corrector.finish()?;
    let mut rows = Vec::new();
    while let Some((row, family, _)) = corrected.next_row()? {
        rows.push((row, family));
    }
    Ok((rows, corrected.counts))
}

fn sorted(rows: Vec<Row>) -> Vec<Row> {
    corrected(rows, Correction::default()).unwrap().0.into_iter().map(|(row, _)| row).collect()
}

const NONE: Flags = Flags(0);

#[test]
fn rows_come_in_venue_order_within_their_family() {
    let rows = vec![delta(30, 1, Flags::LAST), row(RowKind::Trade, 20, 25, 1), delta(10, 2, Flags::LAST)];
    let (sorted, _) = corrected(rows.clone(), Correction::default()).unwrap();
    assert_eq!(sorted, [(rows[1], Family::Trades), (rows[2], Family::Book), (rows[0], Family::Book)]);
}

#[test]
fn a_skewed_clock_is_set_right_by_one_shift_for_all_rows_of_the_venue() {
    let rows = vec![row(RowKind::Trade, 10_000_000, 4_000_000, 1), row(RowKind::Trade, 20_000_000, 23_000_000, 1)];
    let (rows, counts) = corrected(rows, Correction::default()).unwrap();
    // The least latency was -6 ms, and is 1 ms now; the other was 9 ms more.
    let latencies: Vec<_> = rows.iter().map(|(r, _)| r.local_time.since(r.exchange_time).raw()).collect();
    assert_eq!(latencies, [1_000_000, 10_000_000]);
    assert_eq!(counts.shifts["here"], Nanos::from_raw(7_000_000));
}

#[test]
fn sound_clocks_stay_and_missing_local_times_are_made_up() {
    let rows = vec![row(RowKind::Trade, 10, 10, 1), row(RowKind::Trade, 20, 0, 1)];
    let (rows, counts) = corrected(rows, Correction::default()).unwrap();
    assert_eq!(rows[0].0.local_time, Nanos::from_raw(10));
    assert_eq!(rows[1].0.local_time, Nanos::from_raw(1_000_020));
    assert_eq!((counts.with_local_time, counts.without_local_time), (1, 1));
    assert!(counts.shifts.is_empty());
}

#[test]
fn a_batch_moves_as_one_whatever_the_sequences_inside_it() {
    let numbered = |mut row: Row, sequence| {
        row.sequence = sequence;
        row
    };
    let late = [numbered(delta(10, 1, Flags::FIRST), 9), numbered(delta(10, 2, NONE), 3), delta(10, 3, Flags::LAST)];
    let early = [numbered(delta(10, 4, Flags::FIRST), 5), numbered(delta(10, 5, Flags::LAST), 12)];
    let rows: Vec<_> = late.iter().chain(&early).copied().collect();
    let expected: Vec<_> = early.iter().chain(&late).copied().collect();
    assert_eq!(sorted(rows), expected);
}

#[test]
fn a_batch_without_an_end_ends_when_the_time_moves_on() {
    let (rows, counts) =
        corrected(vec![delta(10, 1, NONE), delta(10, 2, NONE), delta(20, 3, NONE)], Correction::default()).unwrap();
    let flags: Vec<_> = rows.iter().map(|(row, _)| row.flags).collect();
    assert_eq!(flags, [NONE, Flags::LAST, Flags::LAST]);
    assert_eq!(counts.batches_closed, 2);
}

#[test]
fn the_marks_of_a_refused_row_pass_to_its_neighbours() {
    let refused = |flags| delta(10, -1, flags);
    let rows = vec![refused(Flags::FIRST), delta(10, 1, NONE), delta(10, 2, NONE), refused(Flags::LAST)];
    let (rows, counts) = corrected(rows, Correction::default()).unwrap();
    let flags: Vec<_> = rows.iter().map(|(row, _)| row.flags).collect();
    assert_eq!(flags, [Flags::FIRST, Flags::LAST]);
    assert_eq!(counts.refused[&Refusal::Price], 2);
}

#[test]
fn strict_names_file_and_row_of_what_is_otherwise_left_out() {
    let strict = Correction { is_strict: true, ..Correction::default() };
    let rows = vec![row(RowKind::Trade, 10, 10, 1), row(RowKind::Trade, 20, 20, 0)];
    let error = corrected(rows, strict).unwrap_err();
    assert_eq!(error.to_string(), "file:2: price = 0: is not above zero: fix the price, or drop the row");
}

#[test]
fn the_clear_of_a_book_of_orders_stays_ahead_of_the_orders_after_it() {
    let clear = row(RowKind::BookClear, 10, 15, 0);
    let add = row(RowKind::OrderAdd, 10, 15, 4).of(1).marked(Flags::LAST);
    let (rows, _) = corrected(vec![clear, add], Correction::default()).unwrap();
    assert_eq!(rows, [(clear, Family::Orders), (add, Family::Orders)]);
    let (rows, _) = corrected(vec![clear, delta(10, 4, Flags::LAST)], Correction::default()).unwrap();
    assert_eq!(rows[0], (clear, Family::Book));
}
