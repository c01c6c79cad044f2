//! Rows in the order in which they reached us, for drivers with one clock.

use crate::backtest::feed::Feed;
use crate::row::{Row, RowSource};
use crate::stream::SourceError;
use crate::time::Nanos;

/// Rows by their local time; what reached us together keeps the venue's order. In memory as bounded as its source, and
/// what is on its way.
pub struct HeardRows {
    feed: Feed,
}

impl HeardRows {
    /// Starts reading.
    ///
    /// # Errors
    /// [`SourceError`]; also in [`HeardRows::next_rows`].
    pub fn new(source: Box<dyn RowSource>) -> Result<Self, SourceError> {
        Ok(Self { feed: Feed::new(source)? })
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// [`SourceError`] for data that cannot be trusted: times that go back, or a row that reached us before it happened.
    pub fn next_rows(&mut self) -> Result<Option<Vec<Row>>, SourceError> {
        loop {
            // Nothing that was not read yet can reach us before the last row read happened.
            let horizon = self.feed.horizon();
            if let Some(rows) = self.feed.arrivals.take(horizon, horizon == Nanos::MAX) {
                return Ok(Some(rows.rows().to_vec()));
            }
            if horizon == Nanos::MAX {
                return Ok(None);
            }
            let unread = self.feed.venue_rows()?.len();
            self.feed.advance(unread);
            self.feed.venue_rows()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::instrument::InstrumentId;
    use crate::row::{RowChunk, RowKind};

    struct Chunks(std::vec::IntoIter<Vec<Row>>);

    impl RowSource for Chunks {
        fn next_rows(&mut self) -> Result<Option<RowChunk>, SourceError> {
            Ok(self.0.next().map(RowChunk::new))
        }
    }

    proptest! {
        #[test]
        fn rows_come_by_local_time_and_together_in_the_order_of_the_venue(
            mut times in prop::collection::vec((0_i64..60, 0_i64..20), 1..200), chunk in 1_usize..9
        ) {
            times.sort_by_key(|(time, _)| *time);
            let rows: Vec<Row> = (0_u64..).zip(&times).map(|(id, (time, takes))| {
                let (exchange, local) = (Nanos::from_raw(*time), Nanos::from_raw(time + takes));
                Row::new(RowKind::Trade, InstrumentId(0), exchange, local).of(id)
            }).collect();
            let chunks: Vec<Vec<Row>> = rows.chunks(chunk).map(<[Row]>::to_vec).collect();
            let mut reached = HeardRows::new(Box::new(Chunks(chunks.into_iter()))).unwrap();
            let mut heard = Vec::new();
            while let Some(more) = reached.next_rows().unwrap() {
                prop_assert!(!more.is_empty());
                heard.extend(more);
            }
            let mut expected = rows;
            expected.sort_by_key(|row| row.local_time);
            prop_assert_eq!(heard, expected);
        }
    }
}
