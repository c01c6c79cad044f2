//! Synthetic markets side by side, as one series of rows.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::data::fault::SourceError;
use crate::data::tick::synthetic::market::{Market, MarketOptions};
use crate::instrument::InstrumentId;
use crate::row::{Row, RowChunk, RowSource};
use crate::time::Nanos;

/// Rows of some synthetic markets in the order of a run, in bounded memory. The same on every machine.
///
/// Orders arrive, leave and trade; trades lead to more trades for a while; buyers and sellers take turns in being eager.
/// The book is never crossed after a batch, and each print has hit orders that were there. Each market tells its prices
/// for valuation every three seconds and a funding rate on the hour.
#[derive(Debug)]
pub struct SyntheticTicks {
    markets: Vec<Market>,
    due: BinaryHeap<Reverse<(Nanos, usize)>>,
    left: u64,
}

const CHUNK_ROWS: usize = 1 << 14;

impl SyntheticTicks {
    /// At least `count` rows of all symbols together: the last event is told to its end. Instruments are numbered by the
    /// rank of their symbol.
    #[must_use]
    pub fn new<S: AsRef<str>>(symbols: &[S], count: u64, seed: u64, options: &MarketOptions) -> Self {
        let mut names: Vec<&str> = symbols.iter().map(AsRef::as_ref).collect();
        names.sort_unstable();
        names.dedup();
        let market = |(rank, name): (u32, &&str)| Market::new(InstrumentId(rank), name, seed, options);
        Self::of((0..).zip(&names).map(market).collect(), count)
    }

    /// At least `count` rows of these markets together.
    #[must_use]
    pub fn of(markets: Vec<Market>, count: u64) -> Self {
        let due = markets.iter().enumerate().map(|(index, market)| Reverse((market.next_time(), index))).collect();
        Self { markets, due, left: count }
    }
}

impl RowSource for SyntheticTicks {
    fn next_rows(&mut self) -> Result<Option<RowChunk>, SourceError> {
        let mut rows: Vec<Row> = Vec::with_capacity(CHUNK_ROWS);
        let limit = usize::try_from(self.left).map_or(CHUNK_ROWS, |left| left.min(CHUNK_ROWS));
        while rows.len() < limit {
            let Some(mut due) = self.due.peek_mut() else { break };
            let Some(market) = self.markets.get_mut(due.0.1) else { break };
            market.step(&mut rows);
            due.0.0 = market.next_time();
        }
        self.left = self.left.saturating_sub(u64::try_from(rows.len()).unwrap_or(u64::MAX));
        Ok((!rows.is_empty()).then(|| Arc::new(rows)))
    }
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
