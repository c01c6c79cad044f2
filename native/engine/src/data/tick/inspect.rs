//! What looks wrong in rows once they are in order: holes in a numbering, books that are crossed.

use std::collections::BTreeMap;

use crate::data::fault::{Fault, SourceError};
use crate::data::tick::family::Family;
use crate::data::tick::plain_book::PlainBook;
use crate::data::tick::spill::Origin;
use crate::row::{Flags, Row, RowKind, RowSide};
use crate::time::Nanos;

/// What was found in the rows of one symbol.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suspicions {
    /// Holes in a numbering that goes up by one.
    pub sequence_gaps: u64,
    /// Batches after which the best bid reaches the best offer.
    pub crossed_books: u64,
    /// Quotes whose bid reaches the offer.
    pub crossed_quotes: u64,
}

/// Steps of one in a row that make a numbering count as one without holes. Many feeds number for all symbols together.
const STREAK: u32 = 16;

#[derive(Default)]
struct Numbering {
    last: u64,
    streak: u32,
}

impl Numbering {
    /// How many numbers are missing before this one.
    fn observe(&mut self, sequence: u64) -> u64 {
        if sequence == 0 || sequence == self.last {
            return 0;
        }
        let missing = sequence.saturating_sub(self.last).saturating_sub(1);
        let is_gap = self.last != 0 && missing > 0 && self.streak >= STREAK;
        self.streak = if sequence == self.last.saturating_add(1) { self.streak.saturating_add(1) } else { 0 };
        self.last = sequence;
        if is_gap { missing } else { 0 }
    }
}

/// Watches the rows of one symbol.
#[derive(Default)]
pub struct Inspector {
    book: PlainBook,
    /// A book of orders is crossed before it opens: an auction.
    first_trade: Option<Nanos>,
    bid: Option<Row>,
    numbers: BTreeMap<Family, Numbering>,
    /// What was found so far.
    pub found: Suspicions,
}

impl Inspector {
    /// Takes the next row of a family in. Of one day the families come one after the other, trades first.
    ///
    /// # Errors
    /// Under `is_strict`, what is otherwise counted; `files` are the names that origins point into.
    pub fn observe(
        &mut self,
        row: &Row,
        family: Family,
        origin: Origin,
        is_strict: bool,
        files: &[String],
    ) -> Result<(), SourceError> {
        let fail = |fault, column: &str, value: String| SourceError {
            fault,
            file: usize::try_from(origin.file).ok().and_then(|f| files.get(f)).map(|f| f.as_str().into()),
            line: Some(origin.record),
            column: Some(column.into()),
            value: Some(value.into()),
        };
        if row.flags.has(Flags::HISTORY) {
            return Ok(());
        }
        // Orders are numbered by the channel, which they share with other symbols.
        if family != Family::Orders {
            let missing = self.numbers.entry(family).or_default().observe(row.sequence);
            if missing > 0 {
                self.found.sequence_gaps += 1;
                if is_strict {
                    return Err(fail(Fault::Gap { missing }, "sequence", row.sequence.to_string()));
                }
            }
        }
        let crossed = match family {
            Family::Trades => {
                self.first_trade.get_or_insert(row.exchange_time);
                None
            }
            Family::Orders | Family::Book => self.after(row, family),
            Family::Quotes => self.quoted(row),
            Family::Contexts | Family::Funding | Family::Status => None,
        };
        match crossed {
            Some(fault) if is_strict => Err(fail(fault, "price", row.price.to_string())),
            _ => Ok(()),
        }
    }

    fn after(&mut self, row: &Row, family: Family) -> Option<Fault> {
        self.book.apply(row);
        let is_open = family == Family::Book || self.first_trade.is_some_and(|first| row.exchange_time >= first);
        if !is_open || !row.flags.has(Flags::LAST) {
            return None;
        }
        let (bid, ask) = self.book.crossed()?;
        self.found.crossed_books += 1;
        Some(Fault::Crossed { bid, ask })
    }

    fn quoted(&mut self, row: &Row) -> Option<Fault> {
        if row.kind == RowKind::Quote && row.side == RowSide::Buy {
            self.bid = Some(*row);
            return None;
        }
        let bid = self.bid.filter(|bid| bid.exchange_time == row.exchange_time && bid.price.is_positive())?;
        if !row.price.is_positive() || bid.price < row.price {
            return None;
        }
        self.found.crossed_quotes += 1;
        Some(Fault::Crossed { bid: bid.price, ask: row.price })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::InstrumentId;
    use crate::num::{Price, Qty};

    fn delta(time: i64, side: RowSide, price: i64, sequence: u64) -> Row {
        let mut row = Row::new(RowKind::BookDelta, InstrumentId(0), Nanos::from_raw(time), Nanos::from_raw(time))
            .at(side, Price::from_raw(price), Qty::ONE)
            .marked(Flags::LAST);
        row.sequence = sequence;
        row
    }

    fn inspected(rows: &[Row], family: Family, is_strict: bool) -> Result<Suspicions, SourceError> {
        let mut inspector = Inspector::default();
        for (record, row) in (1..).zip(rows) {
            inspector.observe(row, family, Origin { file: 0, record }, is_strict, &["file".to_owned()])?;
        }
        Ok(inspector.found)
    }

    #[test]
    fn a_hole_is_found_only_in_a_numbering_that_goes_up_by_one() {
        let numbered =
            |numbers: Vec<u64>| -> Vec<_> { numbers.into_iter().map(|n| delta(1, RowSide::Buy, 5, n)).collect() };
        let dense = numbered((1..30).chain(33..60).collect());
        assert_eq!(inspected(&dense, Family::Book, false).unwrap().sequence_gaps, 1);
        let error = inspected(&dense, Family::Book, true).unwrap_err();
        assert_eq!(error.fault, Fault::Gap { missing: 3 });
        assert_eq!((error.file.as_deref(), error.line), (Some("file"), Some(30)));
        let sparse = numbered((1..60).map(|n| n * 3).collect());
        assert_eq!(inspected(&sparse, Family::Book, true).unwrap(), Suspicions::default());
    }

    #[test]
    fn a_crossed_book_is_counted_after_its_batch_and_named_under_strict() {
        let open = Row { flags: Flags(0), ..delta(2, RowSide::Sell, 4, 0) };
        let gone = Row { quantity: Qty::ZERO, ..delta(2, RowSide::Buy, 5, 0) };
        // Crossed inside a batch only.
        let rows = [delta(1, RowSide::Buy, 5, 0), open, gone];
        assert_eq!(inspected(&rows, Family::Book, true).unwrap(), Suspicions::default());
        let rows = [delta(1, RowSide::Buy, 5, 0), delta(2, RowSide::Sell, 4, 0)];
        assert_eq!(inspected(&rows, Family::Book, false).unwrap().crossed_books, 1);
        let error = inspected(&rows, Family::Book, true).unwrap_err();
        assert!(error.to_string().starts_with("file:2: price = 0.00000004: leaves the book crossed"), "{error}");
    }
}
