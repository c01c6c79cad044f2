//! Tick data in a step: books are brought up to date, and the strategy hears what it wants to.

use crate::book::prefetch;
use crate::event::Quote;
use crate::instrument::InstrumentId;
use crate::num::Qty;
use crate::order::Side;
use crate::risk::RiskManager;
use crate::row::{Flags, Row, RowKind};
use crate::strategy::Strategy;
use crate::system::{SystemError, TradingSystem};
use crate::world::World;

impl<S: Strategy, R: RiskManager> TradingSystem<S, R> {
    /// Books take in a stretch of ticks; what the strategy wants to hear of wakes it on the way.
    #[inline]
    pub(super) fn on_ticks(&mut self, rows: &[Row]) -> Result<(), SystemError> {
        let Some(last) = rows.last() else { return Ok(()) };
        if self.wakes.is_none() && self.builders.is_empty() {
            for (at, row) in rows.iter().enumerate() {
                prefetch(&self.world.books, rows, at, |book| book);
                if let Some(book) = self.world.books.get_mut(row.instrument.index()) {
                    book.apply(row, &mut ());
                }
            }
        } else {
            for (at, row) in rows.iter().enumerate() {
                prefetch(&self.world.books, rows, at, |book| book);
                self.world.now = self.world.now.max(row.local_time);
                if let Some(book) = self.world.books.get_mut(row.instrument.index()) {
                    book.apply(row, &mut ());
                }
                self.hear(row)?;
            }
        }
        self.value_positions()?;
        self.world.feed_latency = last.local_time.since(last.exchange_time);
        Ok(())
    }

    /// Tells the strategy of a row, if it wants to know.
    #[inline]
    fn hear(&mut self, row: &Row) -> Result<(), SystemError> {
        if row.flags.has(Flags::HISTORY) {
            return Ok(());
        }
        let instrument = row.instrument;
        if row.kind == RowKind::Trade {
            let trade = row.trade();
            if !self.builders.is_empty() {
                self.build(instrument, |builder, built| {
                    builder.flush(trade.exchange_time, built);
                    builder.push_trade(&trade, built)
                })?;
            }
            if self.wakes.trades {
                self.value_positions()?;
                return self.wake(|strategy, ctx| strategy.on_trade(ctx, &trade));
            }
            return Ok(());
        }
        if !row.flags.has(Flags::LAST) {
            return Ok(());
        }
        if self.wakes.quotes {
            let best = self.world.book(instrument).and_then(|book| book.levels.best());
            let told = self.best.get_mut(instrument.index());
            if let (Some(told), Some((bid, ask))) = (told, best)
                && *told != best
            {
                *told = best;
                let held = |side| self.world.book(instrument).and_then(|book| book.levels.side(side).best_level());
                let quote = Quote {
                    instrument,
                    exchange_time: row.exchange_time,
                    local_time: row.local_time,
                    bid_price: bid,
                    bid_quantity: held(Side::Buy).map_or(Qty::ZERO, |(_, quantity)| quantity),
                    ask_price: ask,
                    ask_quantity: held(Side::Sell).map_or(Qty::ZERO, |(_, quantity)| quantity),
                };
                self.value_positions()?;
                self.wake(|strategy, ctx| strategy.on_quote(ctx, &quote))?;
            }
        }
        if self.wakes.books {
            self.value_positions()?;
            self.wake(|strategy, ctx| strategy.on_book(ctx, instrument))?;
        }
        Ok(())
    }

    /// Values open positions at the marks of their books.
    #[inline]
    fn value_positions(&mut self) -> Result<(), SystemError> {
        if self.world.account.open_positions() == 0 {
            return Ok(());
        }
        let World { now: time, account, books, .. } = &mut self.world;
        for (id, book) in (0_u32..).map(InstrumentId).zip(books) {
            if let Some(mark) = book.mark().filter(|_| !account.position(id).is_flat()) {
                account.set_mark(id, mark).map_err(|source| SystemError::Number { time: *time, source })?;
            }
        }
        Ok(())
    }
}
