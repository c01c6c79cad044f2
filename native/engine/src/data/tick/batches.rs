//! Where batches and snapshots begin and end, for files that only repeat the times of what belongs together.

use crate::row::{Flags, Row, RowKind};

/// Holds back the last row of the book until the next one tells whether it was the last of its batch.
#[derive(Debug, Default)]
pub struct Batches {
    held: Option<Row>,
}

impl Batches {
    /// Takes a row of the book. Rows of one instrument and kind (orders: of any kind) with the same two times are one batch.
    pub fn push(&mut self, row: Row, rows: &mut Vec<Row>) {
        let mut row = row;
        if !self.held.as_ref().is_some_and(|held| belong_together(held, &row)) {
            self.end(rows);
            if row.kind == RowKind::BookSnapshot {
                row = row.marked(Flags::FIRST);
            }
        }
        rows.extend(self.held.replace(row));
    }

    /// No more rows of the batch will come.
    pub fn end(&mut self, rows: &mut Vec<Row>) {
        rows.extend(self.held.take().map(|row| row.marked(Flags::LAST)));
    }
}

/// Marks the rows from `from` on as one whole book; a book without a level is a clearing. `row` has its times.
pub fn mark_book(rows: &mut Vec<Row>, from: usize, row: Row) {
    if let Some(first) = rows.get_mut(from) {
        *first = first.marked(Flags::FIRST);
    } else {
        rows.push(Row { kind: RowKind::BookClear, ..row });
    }
    mark_last(rows, from);
}

/// Marks the last of the rows from `from` on, if there are any, as the end of a batch.
pub fn mark_last(rows: &mut [Row], from: usize) {
    if let Some(last) = rows.get_mut(from..).and_then(<[Row]>::last_mut) {
        *last = last.marked(Flags::LAST);
    }
}

fn belong_together(a: &Row, b: &Row) -> bool {
    let are_orders = a.kind.rank() == RowKind::OrderAdd.rank() && a.kind.rank() == b.kind.rank();
    (a.kind == b.kind || are_orders)
        && a.instrument == b.instrument
        && (a.exchange_time, a.local_time) == (b.exchange_time, b.local_time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::InstrumentId;
    use crate::time::Nanos;

    #[test]
    fn a_snapshot_has_a_first_and_a_last_row_and_a_batch_a_last() {
        let row = |kind, time| Row::new(kind, InstrumentId(0), Nanos::from_raw(time), Nanos::ZERO);
        let (mut batches, mut rows) = (Batches::default(), Vec::new());
        for (kind, time) in [
            (RowKind::BookSnapshot, 1),
            (RowKind::BookSnapshot, 1),
            (RowKind::BookSnapshot, 2),
            (RowKind::BookDelta, 2),
            (RowKind::BookDelta, 2),
            (RowKind::OrderFill, 3),
            (RowKind::OrderAdd, 3),
        ] {
            batches.push(row(kind, time), &mut rows);
        }
        batches.end(&mut rows);
        let flags: Vec<u16> = rows.iter().map(|row| row.flags.0).collect();
        assert_eq!(flags, [1, 2, 3, 0, 2, 0, 2]);
    }
}
