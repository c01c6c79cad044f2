//! Fills of orders of the book, merged with the cancel or modify by which a feed takes them out of it.
//!
//! CME and the feeds normalised like it say F (the execution, which leaves the book as it is), and then C or M (the book
//! without it). A canonical fill takes its quantity out itself, so what follows is dropped, or reduced to what it says more.

use std::collections::BTreeMap;

use crate::data::fault::{Fault, SourceError};
use crate::data::tick::findings::Findings;
use crate::instrument::InstrumentId;
use crate::num::{Price, Qty};
use crate::row::{Row, RowKind, RowSide};

/// More orders at once are not a book.
const ORDERS_MAX: usize = 1 << 24;

/// The orders of the book, by instrument and id.
#[derive(Debug, Default)]
pub struct Orders {
    live: BTreeMap<(InstrumentId, u64), Resting>,
}

#[derive(Debug, Clone, Copy)]
struct Resting {
    side: RowSide,
    price: Price,
    /// What is left after the fills so far.
    left: i64,
    /// Filled, but not yet taken out by the feed.
    owed: i64,
}

impl Orders {
    /// Turns what the feed says of an order into what it means; `None` if nothing is left of it.
    ///
    /// A cancel of [`Qty::MAX`] takes the whole order.
    pub fn merge(&mut self, row: Row, findings: &mut Findings) -> Result<Option<Row>, SourceError> {
        match row.kind {
            RowKind::OrderAdd => self.add(row, findings).map(Some),
            RowKind::OrderFill => Ok(self.fill(row, findings)),
            RowKind::OrderCancel => Ok(self.cancel(row, findings)),
            RowKind::OrderModify => self.modify(row, findings),
            RowKind::BookClear => {
                let is_gone = |side: RowSide| row.side == RowSide::None || row.side == side;
                self.live.retain(|(instrument, _), order| *instrument != row.instrument || !is_gone(order.side));
                Ok(Some(row))
            }
            _ => Ok(Some(row)),
        }
    }

    fn add(&mut self, row: Row, findings: &mut Findings) -> Result<Row, SourceError> {
        if self.live.len() >= ORDERS_MAX {
            return Err(Fault::Other(format!("there are more than {ORDERS_MAX} orders in the book").into()).alone());
        }
        let order = Resting { side: row.side, price: row.price, left: row.quantity.raw(), owed: 0 };
        if self.live.insert((row.instrument, row.order_id), order).is_some_and(|before| before.left > 0) {
            findings.note("orders added again while in the book");
        }
        Ok(row)
    }

    fn fill(&mut self, row: Row, findings: &mut Findings) -> Option<Row> {
        let Some(order) = self.live.get_mut(&(row.instrument, row.order_id)) else {
            findings.note("fills of orders that are not in the book, left out");
            return None;
        };
        let filled = row.quantity.raw().clamp(0, order.left.max(0));
        if filled < row.quantity.raw() {
            findings.note("fills of more than the order showed (icebergs), cut to what it showed");
        }
        order.left -= filled;
        order.owed = order.owed.saturating_add(filled);
        (filled > 0).then(|| row.at(order.side, row.price, Qty::from_raw(filled)))
    }

    fn cancel(&mut self, row: Row, findings: &mut Findings) -> Option<Row> {
        let Some(order) = self.live.get_mut(&(row.instrument, row.order_id)) else {
            findings.note("cancels of orders that are not in the book, left out");
            return None;
        };
        let asked = row.quantity.raw().max(0).saturating_sub(order.owed).max(0);
        let gone = asked.min(order.left.max(0));
        if gone < asked && row.quantity != Qty::MAX {
            findings.note("cancels of more than the order holds, cut to it");
        }
        if order.owed > 0 {
            findings.note("cancels and modifies merged with the fill before them");
        }
        let row = row.at(order.side, order.price, Qty::from_raw(gone));
        order.left -= gone;
        order.owed = 0;
        if order.left <= 0 {
            self.live.remove(&(row.instrument, row.order_id));
        }
        (gone > 0).then_some(row)
    }

    fn modify(&mut self, row: Row, findings: &mut Findings) -> Result<Option<Row>, SourceError> {
        let Some(order) = self.live.get_mut(&(row.instrument, row.order_id)) else {
            findings.note("modifies of orders that are not in the book, taken as new orders");
            return self.add(Row { kind: RowKind::OrderAdd, ..row }, findings).map(Some);
        };
        let is_owed = order.owed > 0;
        if is_owed {
            findings.note("cancels and modifies merged with the fill before them");
        }
        if !row.quantity.is_positive() {
            return Ok(self.cancel(row.at(row.side, row.price, Qty::MAX), findings));
        }
        let row = row.at(order.side, row.price, row.quantity);
        if order.left <= 0 {
            // An iceberg shows its next part, at the end of the queue: the fill has taken out the one before.
            findings.note("orders that show more after all they showed was filled (icebergs), added anew");
            return self.add(Row { kind: RowKind::OrderAdd, ..row }, findings).map(Some);
        }
        let is_known = is_owed && (order.price, order.left) == (row.price, row.quantity.raw());
        *order = Resting { price: row.price, left: row.quantity.raw(), owed: 0, ..*order };
        Ok((!is_known).then_some(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::tick::TickOptions;
    use crate::time::Nanos;

    fn row(kind: RowKind, price: i64, quantity: i64) -> Row {
        let row = Row::new(kind, InstrumentId(0), Nanos::ZERO, Nanos::ZERO);
        row.at(RowSide::Buy, Price::from_raw(price), Qty::from_raw(quantity)).of(7)
    }

    /// Kind, price and quantity.
    type Said = (RowKind, i64, i64);

    fn merged(rows: &[Said]) -> (Vec<Said>, Vec<(String, u64)>) {
        let (mut orders, mut findings) = (Orders::default(), Findings::new(&TickOptions::default(), ""));
        let merge = |&(kind, price, quantity)| orders.merge(row(kind, price, quantity), &mut findings).unwrap();
        let out = rows.iter().filter_map(merge).map(|row| (row.kind, row.price.raw(), row.quantity.raw())).collect();
        (out, findings.notes())
    }

    use RowKind::{OrderAdd as A, OrderCancel as C, OrderFill as F, OrderModify as M};

    #[test]
    fn a_cancel_after_a_fill_of_the_same_quantity_says_nothing_new() {
        assert_eq!(merged(&[(A, 100, 5), (F, 100, 5), (C, 100, 5)]).0, [(A, 100, 5), (F, 100, 5)]);
        assert_eq!(merged(&[(A, 100, 5), (F, 100, 2), (F, 100, 3), (C, 100, 5)]).0.len(), 3);
    }

    #[test]
    fn a_modify_after_a_fill_keeps_what_it_says_beyond_it() {
        assert_eq!(merged(&[(A, 100, 5), (F, 100, 2), (M, 100, 3)]).0, [(A, 100, 5), (F, 100, 2)]);
        assert_eq!(merged(&[(A, 100, 5), (F, 100, 2), (M, 99, 3)]).0, [(A, 100, 5), (F, 100, 2), (M, 99, 3)]);
        assert_eq!(merged(&[(A, 100, 5), (F, 100, 2), (M, 100, 1)]).0, [(A, 100, 5), (F, 100, 2), (M, 100, 1)]);
        assert_eq!(merged(&[(A, 100, 5), (F, 100, 5), (M, 100, 0)]).0, [(A, 100, 5), (F, 100, 5)]);
    }

    #[test]
    fn an_iceberg_is_filled_for_what_it_showed_and_joins_again() {
        let (rows, notes) = merged(&[(A, 100, 3), (F, 100, 13), (M, 100, 2), (F, 100, 2), (C, 100, 2)]);
        assert_eq!(rows, [(A, 100, 3), (F, 100, 3), (A, 100, 2), (F, 100, 2)]);
        assert_eq!(notes.iter().filter(|(what, count)| what.contains("icebergs") && *count == 1).count(), 2);
    }

    #[test]
    fn a_cancel_takes_what_fills_have_left() {
        let rows = [(A, 100, 5), (F, 100, 2), (M, 100, 3), (C, 100, 3)];
        assert_eq!(merged(&rows).0, [(A, 100, 5), (F, 100, 2), (C, 100, 3)]);
        assert_eq!(merged(&[(A, 100, 5), (F, 100, 2), (C, 100, 5)]).0, [(A, 100, 5), (F, 100, 2), (C, 100, 3)]);
        assert_eq!(merged(&[(A, 100, 5), (C, 0, i64::MAX)]).0, [(A, 100, 5), (C, 100, 5)]);
    }

    #[test]
    fn what_names_unknown_orders_is_noted() {
        let (rows, notes) = merged(&[(F, 100, 5), (C, 100, 5), (M, 100, 5)]);
        assert_eq!(rows, [(A, 100, 5)]);
        assert_eq!(notes.len(), 3);
    }
}
