//! Where the venue's market comes from: rows of a recording or of a made-up market, moved to the venue's time.

use std::sync::Mutex;

use crate::book::BookKind;
use crate::data::fault::SourceError;
use crate::data::tick::synthetic::market::{Market, MarketOptions};
use crate::data::tick::synthetic::source::SyntheticTicks;
use crate::instrument::InstrumentId;
use crate::num::Price;
use crate::row::{Flags, Row, RowChunk, RowSource};
use crate::time::Nanos;
use crate::venue::exchange::machine::Exchange;

/// Rows in the order of their time, as instruments of the exchange.
pub struct Source {
    /// Nobody waits for the lock: it makes the whole shareable, as Python wants it.
    rows: Option<Mutex<Box<dyn RowSource>>>,
    chunk: Option<RowChunk>,
    at: usize,
    /// The instrument of the exchange for each of the rows', if it has one.
    ids: Vec<Option<InstrumentId>>,
    /// What is added to the rows' times.
    shift: Shift,
    kinds: Vec<BookKind>,
}

/// How the rows' times become the venue's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shift {
    /// The first row that counts is to happen then.
    To(Nanos),
    /// By so much.
    By(Nanos),
}

impl Source {
    /// No market but that of the customers.
    #[must_use]
    pub fn none(exchange: &Exchange) -> Self {
        let kinds = exchange.markets().map(|_| BookKind::L2).collect();
        Self { rows: None, chunk: None, at: 0, ids: Vec::new(), shift: Shift::By(Nanos::ZERO), kinds }
    }

    /// Markets that are made up, each from a price on.
    #[must_use]
    pub fn made(exchange: &Exchange, prices: &[Option<Price>], seed: u64, density: u32) -> Self {
        let options = MarketOptions { density, start: exchange.now(), ..MarketOptions::default() };
        let with_price =
            exchange.markets().zip(prices).filter_map(|((id, market), price)| Some((id, market, (*price)?)));
        let markets: Vec<Market> =
            with_price.map(|(id, market, price)| Market::starting(&market.rules, id, price, seed, &options)).collect();
        let ids = exchange.markets().map(|(id, _)| Some(id)).collect();
        let rows: Box<dyn RowSource> = Box::new(SyntheticTicks::of(markets, u64::MAX));
        Self { rows: Some(Mutex::new(rows)), ids, ..Self::none(exchange) }
    }

    /// A recording, which begins now. `symbols` are its instruments, by their numbers, with what drives their books;
    /// those that the exchange does not list are passed over.
    #[must_use]
    pub fn recorded(exchange: &Exchange, rows: Box<dyn RowSource>, symbols: &[(String, BookKind)]) -> Self {
        let mut source = Self::none(exchange);
        for (symbol, kind) in symbols {
            let listed = exchange.markets().find(|(_, market)| market.rules.symbol == *symbol).map(|(id, _)| id);
            source.ids.push(listed);
            if let Some(place) = listed.and_then(|id| source.kinds.get_mut(id.index())) {
                *place = *kind;
            }
        }
        Self { rows: Some(Mutex::new(rows)), shift: Shift::To(exchange.now()), ..source }
    }

    /// What drives each book.
    #[must_use]
    pub fn kinds(&self) -> &[BookKind] {
        &self.kinds
    }

    /// The next row that happens up to `now`, in the venue's time. At the end of a recording its books stand still.
    ///
    /// # Errors
    /// [`SourceError`], from the recording; there are no more rows after it.
    pub fn next(&mut self, now: Nanos) -> Result<Option<Row>, SourceError> {
        loop {
            let next = self.chunk.as_ref().and_then(|chunk| chunk.get(self.at)).copied();
            let Some(mut row) = next else {
                let Some(rows) = &mut self.rows else { return Ok(None) };
                let next = rows.get_mut().map_or(Ok(None), |rows| rows.next_rows());
                self.chunk = next.inspect_err(|_| self.rows = None)?;
                self.at = 0;
                if self.chunk.is_none() {
                    self.rows = None;
                    return Ok(None);
                }
                continue;
            };
            // What is of no listed coin, or was history when it was recorded, happens here at no time at all.
            let listed = self.ids.get(row.instrument.index()).copied().flatten();
            let Some(id) = listed.filter(|_| !row.flags.has(Flags::HISTORY)) else {
                self.at += 1;
                continue;
            };
            let shift = match self.shift {
                Shift::By(shift) => shift,
                Shift::To(start) => start.since(row.exchange_time),
            };
            self.shift = Shift::By(shift);
            let time = row.exchange_time.after(shift);
            if time > now {
                return Ok(None);
            }
            self.at += 1;
            row.instrument = id;
            row.exchange_time = time;
            row.local_time = time;
            return Ok(Some(row));
        }
    }
}
