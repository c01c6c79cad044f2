//! Messages of the socket: recorded (`local_ns JSON`) or from the archive (JSON with the time of its recorder).
//!
//! Every book is whole. Trades sent on subscription are older than the stream: they are marked as history. A stream starts
//! with the exchange time of its first book or best bid and offer (if trades come first: with the recorder's clock), and
//! starts anew, from the newest exchange time seen, when a subscription is confirmed again: of the trades of one
//! instrument, if the confirmation names it.

use crate::data::fault::{Fault, SourceError};
use crate::data::tick::batches::mark_book;
use crate::data::tick::fields::{MILLIS, json, of_instrument, price, push_levels, quantity, recorded, required, time};
use crate::data::tick::findings::Findings;
use crate::data::tick::hyperliquid::messages::{ActiveContext, Best, Book, Confirmed, Level, Line, Trade};
use crate::data::tick::lines::LineFormat;
use crate::data::values::time_of_text;
use crate::event::Quote;
use crate::hyperliquid::message::book_message;
use crate::num::{Price, Qty};
use crate::row::{Context, Flags, Row, RowKind, RowSide, rows_of_quote};
use crate::time::Nanos;

/// Reads books, trades, best bids and offers, and contexts.
#[derive(Debug, Default)]
pub struct Stream {
    /// Trades before it are history.
    start: Option<Nanos>,
    /// The same of an instrument whose trades were subscribed to again.
    starts: Vec<Nanos>,
    /// The newest exchange time seen.
    newest: Nanos,
    /// The last book of each instrument.
    books: Vec<Vec<Row>>,
}

impl LineFormat for Stream {
    fn line(&mut self, line: &str, findings: &mut Findings, rows: &mut Vec<Row>) -> Result<(), SourceError> {
        if !line.starts_with('{') {
            let (local, text) = recorded(line)?;
            return self.text(text, local, findings, rows);
        }
        let line: Line<'_> = json(line)?;
        let Some(raw) = line.raw else { return node_trade(&line, findings, rows) };
        let local: &str = json(required(line.time, "time")?.get())?;
        let local = time_of_text(local.as_bytes()).map_err(|fault| fault.of("time", local))?.0;
        self.text(raw.get(), local, findings, rows)
    }
}

impl Stream {
    /// Takes a message as it came.
    pub fn text(
        &mut self,
        text: &str,
        local: Nanos,
        findings: &mut Findings,
        rows: &mut Vec<Row>,
    ) -> Result<(), SourceError> {
        let from = rows.len();
        if let Some(time) = book_message(text.as_bytes(), |coin| findings.instrument(coin).ok(), local, rows) {
            self.newest = self.newest.max(time);
            self.start.get_or_insert(time);
            self.drop_unchanged(from, findings, rows);
            return Ok(());
        }
        if text == "Websocket connection established." {
            return Ok(());
        }
        self.message(&json(text)?, local, findings, rows)
    }

    fn message(
        &mut self,
        line: &Line<'_>,
        local: Nanos,
        findings: &mut Findings,
        rows: &mut Vec<Row>,
    ) -> Result<(), SourceError> {
        let data = || required(line.data, "data").map(|data| data.get());
        match required(line.channel, "channel")? {
            "l2Book" => self.book(&json(data()?)?, local, findings, rows),
            "trades" => {
                let trades: Vec<Trade<'_>> = json(data()?)?;
                trades.iter().try_for_each(|trade| self.trade(trade, local, findings, rows))
            }
            "bbo" => self.best(&json(data()?)?, local, findings, rows),
            "activeAssetCtx" => self.context(&json(data()?)?, local, findings, rows),
            "subscriptionResponse" => self.confirmed(&json(data()?)?, findings),
            _ => {
                findings.note("messages of other channels, left out");
                Ok(())
            }
        }
    }

    /// What comes now may be what was sent before. Other streams of the connection go on as they were.
    fn confirmed(&mut self, message: &Confirmed<'_>, findings: &mut Findings) -> Result<(), SourceError> {
        let newest = Some(self.newest).filter(|newest| *newest > Nanos::ZERO);
        let (kind, coin) = message.subscription.as_ref().map_or((None, None), |of| (of.kind, of.coin));
        match (kind, coin) {
            (Some("trades"), Some(coin)) => {
                let instrument = findings.instrument(coin)?;
                if let (Some(start), Some(newest)) = (of_instrument(&mut self.starts, instrument), newest) {
                    *start = newest;
                }
            }
            (_, Some(_)) => {}
            (_, None) => self.start = self.start.max(newest),
        }
        Ok(())
    }

    fn see(&mut self, millis: i64) -> Result<Nanos, SourceError> {
        let time = time("time", millis, MILLIS)?;
        self.newest = self.newest.max(time);
        Ok(time)
    }

    fn book(
        &mut self,
        book: &Book<'_>,
        local: Nanos,
        findings: &mut Findings,
        rows: &mut Vec<Row>,
    ) -> Result<(), SourceError> {
        let exchange = self.see(book.time)?;
        self.start.get_or_insert(exchange);
        let instrument = findings.instrument(book.coin)?;
        let row = Row::new(RowKind::BookSnapshot, instrument, exchange, local);
        let from = rows.len();
        for (side, levels) in [(RowSide::Buy, &book.levels.0), (RowSide::Sell, &book.levels.1)] {
            push_levels(row, side, levels.iter().map(|level| (level.px, level.sz)), findings, rows)?;
        }
        mark_book(rows, from, row);
        self.drop_unchanged(from, findings, rows);
        Ok(())
    }

    /// Takes the book from `from` on away again, if it is the one before.
    fn drop_unchanged(&mut self, from: usize, findings: &mut Findings, rows: &mut Vec<Row>) {
        let fresh = rows.get(from..).unwrap_or_default();
        let Some(last) = fresh.first().and_then(|row| of_instrument(&mut self.books, row.instrument)) else { return };
        let is_same = |(a, b): (&Row, &Row)| *a == Row { local_time: a.local_time, ..*b };
        if last.len() == fresh.len() && last.iter().zip(fresh).all(is_same) {
            findings.note("books sent again unchanged, dropped");
            rows.truncate(from);
        } else {
            last.clear();
            last.extend_from_slice(fresh);
        }
    }

    fn trade(
        &mut self,
        trade: &Trade<'_>,
        local: Nanos,
        findings: &mut Findings,
        rows: &mut Vec<Row>,
    ) -> Result<(), SourceError> {
        let start = *self.start.get_or_insert(local);
        let exchange = self.see(trade.time)?;
        let instrument = findings.instrument(trade.coin)?;
        let start = of_instrument(&mut self.starts, instrument).map_or(start, |own| start.max(*own));
        let (price, quantity) = (price("px", trade.px, findings)?, quantity("sz", trade.sz, findings)?);
        let row = Row::new(RowKind::Trade, instrument, exchange, local);
        let row = row.at(aggressor(trade.side)?, price, quantity).of(trade.tid);
        if exchange < start {
            findings.note("trades older than the stream, marked as history");
            rows.push(row.marked(Flags::HISTORY));
        } else {
            rows.push(row);
        }
        Ok(())
    }

    /// A side without orders is a price and a quantity of zero.
    fn best(
        &mut self,
        best: &Best<'_>,
        local: Nanos,
        findings: &mut Findings,
        rows: &mut Vec<Row>,
    ) -> Result<(), SourceError> {
        let exchange = self.see(best.time)?;
        self.start.get_or_insert(exchange);
        let instrument = findings.instrument(best.coin)?;
        let mut side = |level: &Option<Level<'_>>| match level {
            Some(level) => Ok((price("px", level.px, findings)?, quantity("sz", level.sz, findings)?)),
            None => Ok((Price::ZERO, Qty::ZERO)),
        };
        let ((bid_price, bid_quantity), (ask_price, ask_quantity)) = (side(&best.bbo.0)?, side(&best.bbo.1)?);
        rows.extend(rows_of_quote(&Quote {
            instrument,
            exchange_time: exchange,
            local_time: local,
            bid_price,
            bid_quantity,
            ask_price,
            ask_quantity,
        }));
        Ok(())
    }

    /// A context says no time: it is as new as the newest message before it.
    fn context(
        &mut self,
        message: &ActiveContext<'_>,
        local: Nanos,
        findings: &mut Findings,
        rows: &mut Vec<Row>,
    ) -> Result<(), SourceError> {
        let instrument = findings.instrument(message.coin)?;
        let ctx = &message.ctx;
        let (impact_bid, impact_ask) = match ctx.impact_pxs {
            Some((bid, ask)) => (price("impactPxs", bid, findings)?, price("impactPxs", ask, findings)?),
            None => (Price::ZERO, Price::ZERO),
        };
        let context = Context {
            mark: price("markPx", ctx.mark_px, findings)?,
            oracle: price("oraclePx", ctx.oracle_px, findings)?,
            impact_bid,
            impact_ask,
        };
        findings.note("contexts, which have no time, dated by the newest message before them");
        let exchange = if self.newest > Nanos::ZERO { self.newest } else { local };
        rows.push(Row::new(RowKind::Context, instrument, exchange, local).with_context(context));
        Ok(())
    }
}

/// A trade of the archive's nodes: its time is text, there is no local time and no id.
fn node_trade(line: &Line<'_>, findings: &mut Findings, rows: &mut Vec<Row>) -> Result<(), SourceError> {
    let text: &str = json(required(line.time, "time")?.get())?;
    let exchange = time_of_text(text.as_bytes()).map_err(|fault| fault.of("time", text))?.0;
    let instrument = findings.instrument(required(line.coin, "coin")?)?;
    let side = aggressor(required(line.side, "side")?)?;
    let price = price("px", required(line.px, "px")?, findings)?;
    let quantity = quantity("sz", required(line.sz, "sz")?, findings)?;
    rows.push(Row::new(RowKind::Trade, instrument, exchange, Nanos::ZERO).at(side, price, quantity));
    Ok(())
}

fn aggressor(side: &str) -> Result<RowSide, SourceError> {
    match side {
        "B" => Ok(RowSide::Buy),
        "A" => Ok(RowSide::Sell),
        other => Err(Fault::Unexpected { wanted: "A or B", unit: "line" }.of("side", other)),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
