//! Raw recordings of Binance's socket: lines `local_ns JSON`, with or without the wrapper of combined streams.
//!
//! Where a recording has both `depthUpdate` and `bookTicker`, both are given; who builds the book chooses.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::data::fault::SourceError;
use crate::data::tick::batches::{mark_book, mark_last};
use crate::data::tick::binance::depth::Depth;
use crate::data::tick::fields::{
    Level, MILLIS, json, of_instrument, price, push_levels, quantity, recorded, required, time,
};
use crate::data::tick::findings::Findings;
use crate::data::tick::lines::LineFormat;
use crate::event::Quote;
use crate::instrument::InstrumentId;
use crate::row::{Row, RowKind, RowSide, rows_of_quote};
use crate::time::Nanos;

/// The keys of all messages that are read; one letter means different things in different messages.
#[derive(Deserialize)]
struct Message<'a> {
    stream: Option<&'a str>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    e: Option<&'a str>,
    s: Option<&'a str>,
    #[serde(rename = "E")]
    event_time: Option<i64>,
    #[serde(rename = "T")]
    time: Option<i64>,
    #[serde(rename = "U")]
    first_update: Option<u64>,
    u: Option<u64>,
    pu: Option<u64>,
    #[serde(borrow)]
    b: Option<&'a RawValue>,
    #[serde(borrow)]
    a: Option<&'a RawValue>,
    #[serde(borrow, rename = "B")]
    bid_quantity: Option<&'a RawValue>,
    #[serde(borrow, rename = "A")]
    ask_quantity: Option<&'a RawValue>,
    #[serde(borrow)]
    t: Option<&'a RawValue>,
    #[serde(borrow)]
    p: Option<&'a RawValue>,
    #[serde(borrow)]
    q: Option<&'a RawValue>,
    #[serde(borrow)]
    m: Option<&'a RawValue>,
    #[serde(rename = "lastUpdateId")]
    last_update: Option<u64>,
    #[serde(borrow)]
    bids: Option<&'a RawValue>,
    #[serde(borrow)]
    asks: Option<&'a RawValue>,
}

/// Reads depth, best bids and offers, and trades.
#[derive(Debug, Default)]
pub struct Stream {
    books: Vec<Book>,
    /// The instruments of changes so far, to know whose a snapshot is, which names none.
    in_depth: Vec<InstrumentId>,
}

#[derive(Debug, Default)]
struct Book {
    depth: Depth,
    /// Exchange time of the last change.
    time: Nanos,
}

impl LineFormat for Stream {
    fn line(&mut self, line: &str, findings: &mut Findings, rows: &mut Vec<Row>) -> Result<(), SourceError> {
        let (local, text) = recorded(line)?;
        let outer: Message<'_> = json(text)?;
        let Some(data) = outer.data else { return self.message(&outer, "", local, findings, rows) };
        let inner: Message<'_> = json(data.get())?;
        self.message(&inner, outer.stream.unwrap_or_default(), local, findings, rows)
    }

    fn finish(&mut self, findings: &mut Findings, rows: &mut Vec<Row>) -> Result<(), SourceError> {
        for book in &mut self.books {
            book.depth.give_up(rows, findings);
        }
        Ok(())
    }
}

impl Stream {
    fn message(
        &mut self,
        message: &Message<'_>,
        stream: &str,
        local: Nanos,
        findings: &mut Findings,
        rows: &mut Vec<Row>,
    ) -> Result<(), SourceError> {
        match message.e {
            // Partial books have the event name of changes on futures, and none on spot.
            Some("depthUpdate") if !is_partial(stream) => self.changes(message, local, findings, rows),
            Some("bookTicker") => quote(message, local, findings, rows),
            Some("trade" | "aggTrade") => trade(message, local, findings, rows),
            None if message.last_update.is_some() && stream.is_empty() => self.snapshot(message, local, findings, rows),
            None if stream.ends_with("@bookTicker") => quote(message, local, findings, rows),
            _ => {
                findings.note("messages of other kinds, left out");
                Ok(())
            }
        }
    }

    fn changes(
        &mut self,
        message: &Message<'_>,
        local: Nanos,
        findings: &mut Findings,
        rows: &mut Vec<Row>,
    ) -> Result<(), SourceError> {
        let instrument = findings.instrument(required(message.s, "s")?)?;
        let exchange = exchange_time(message, local, findings)?;
        let (first, last) = (required(message.first_update, "U")?, required(message.u, "u")?);
        if !self.in_depth.contains(&instrument) {
            self.in_depth.push(instrument);
        }
        let Some(book) = of_instrument(&mut self.books, instrument) else { return Ok(()) };
        book.time = exchange;
        if !book.depth.admit(first, last, message.pu, findings) {
            return Ok(());
        }
        let row = Row { sequence: last, ..Row::new(RowKind::BookDelta, instrument, exchange, local) };
        let from = rows.len();
        push_levels(row, RowSide::Buy, levels(message.b, "b")?, findings, rows)?;
        push_levels(row, RowSide::Sell, levels(message.a, "a")?, findings, rows)?;
        mark_last(rows, from);
        book.depth.hold(rows, from, findings);
        Ok(())
    }

    /// A whole book, asked for beside the stream. On spot it has no time: it is as old as the last change before it.
    fn snapshot(
        &mut self,
        message: &Message<'_>,
        local: Nanos,
        findings: &mut Findings,
        rows: &mut Vec<Row>,
    ) -> Result<(), SourceError> {
        let instrument = match (message.s, self.in_depth.as_slice()) {
            (Some(symbol), _) => findings.instrument(symbol)?,
            (None, [only]) => *only,
            (None, []) if findings.symbols().len() == 1 => InstrumentId(0),
            (None, []) => findings.nameless_instrument()?,
            (None, _) => {
                findings.note("snapshots that do not say of which of several symbols, left out");
                return Ok(());
            }
        };
        let id = required(message.last_update, "lastUpdateId")?;
        let Some(book) = of_instrument(&mut self.books, instrument) else { return Ok(()) };
        let exchange = match message.time.or(message.event_time) {
            None if book.time > Nanos::ZERO => book.time,
            _ => exchange_time(message, local, findings)?,
        };
        let row = Row { sequence: id, ..Row::new(RowKind::BookSnapshot, instrument, exchange, local) };
        let from = rows.len();
        push_levels(row, RowSide::Buy, levels(message.bids, "bids")?, findings, rows)?;
        push_levels(row, RowSide::Sell, levels(message.asks, "asks")?, findings, rows)?;
        mark_book(rows, from, row);
        book.depth.begin(id, rows, findings);
        Ok(())
    }
}

fn quote(message: &Message<'_>, local: Nanos, findings: &mut Findings, rows: &mut Vec<Row>) -> Result<(), SourceError> {
    let instrument = findings.instrument(required(message.s, "s")?)?;
    let quote = Quote {
        instrument,
        exchange_time: exchange_time(message, local, findings)?,
        local_time: local,
        bid_price: price("b", text(message.b, "b")?, findings)?,
        bid_quantity: quantity("B", text(message.bid_quantity, "B")?, findings)?,
        ask_price: price("a", text(message.a, "a")?, findings)?,
        ask_quantity: quantity("A", text(message.ask_quantity, "A")?, findings)?,
    };
    let sequence = required(message.u, "u")?;
    rows.extend(rows_of_quote(&quote).map(|row| Row { sequence, ..row }));
    Ok(())
}

/// A print; `a` is the id of an aggregated one. `m`: the buyer is the maker, so the seller took.
fn trade(message: &Message<'_>, local: Nanos, findings: &mut Findings, rows: &mut Vec<Row>) -> Result<(), SourceError> {
    let instrument = findings.instrument(required(message.s, "s")?)?;
    let id: u64 = json(required(message.t.or(message.a), "t")?.get())?;
    let is_buyer_maker: bool = json(required(message.m, "m")?.get())?;
    let side = if is_buyer_maker { RowSide::Sell } else { RowSide::Buy };
    let price = price("p", text(message.p, "p")?, findings)?;
    let quantity = quantity("q", text(message.q, "q")?, findings)?;
    let row = Row::new(RowKind::Trade, instrument, exchange_time(message, local, findings)?, local);
    rows.push(Row { sequence: id, ..row }.at(side, price, quantity).of(id));
    Ok(())
}

/// The time of the matching engine, else that of the message; best bids and offers of spot have neither.
fn exchange_time(message: &Message<'_>, local: Nanos, findings: &mut Findings) -> Result<Nanos, SourceError> {
    match (message.time, message.event_time) {
        (Some(count), _) => time("T", count, MILLIS),
        (None, Some(count)) => time("E", count, MILLIS),
        (None, None) => {
            findings.note("messages without a time of the venue, dated by the recorder");
            Ok(local)
        }
    }
}

fn levels<'a>(value: Option<&'a RawValue>, key: &str) -> Result<Vec<Level<'a>>, SourceError> {
    json(required(value, key)?.get())
}

fn text<'a>(value: Option<&'a RawValue>, key: &str) -> Result<&'a str, SourceError> {
    json(required(value, key)?.get())
}

/// Streams such as `btcusdt@depth20@100ms`.
fn is_partial(stream: &str) -> bool {
    ["@depth5", "@depth10", "@depth20"].iter().any(|name| stream.contains(name))
}

#[cfg(test)]
mod tests {
    use crate::data::tick::Format;
    use crate::data::tick::samples::{error_of, recorded, rows_of, shown};
    use crate::row::{Flags, RowKind};

    #[test]
    fn the_recording_is_read_whole() {
        let Some(told) = recorded("feeds_dual_time/binance_usdm_btcusdt_20240808.gz") else { return };
        assert_eq!((told.symbols.as_slice(), told.venue.as_str()), (&["BTCUSDT".to_owned()][..], "binance"));
        let count =
            |kind, flags| told.rows.iter().filter(|row| row.kind == kind && row.flags.has(flags)).count() as u64;
        assert_eq!(count(RowKind::Quote, Flags::FIRST), 66_089);
        assert_eq!(count(RowKind::Trade, Flags(0)), 21_313);
        assert_eq!(count(RowKind::BookSnapshot, Flags::FIRST), 1);
        let dropped = told.noted("older than its snapshot");
        assert_eq!(count(RowKind::BookDelta, Flags::LAST) + dropped, 6_551);
        assert!((1..100).contains(&dropped), "{dropped}");
        assert_eq!(told.noted("gaps"), 0);
        let quote = "quote 1 61800.2 2.507 id=0 seq=5123107839020 flags=1 1723161256313000000 1723161255088169167";
        assert_eq!(shown(&told.rows[0]), quote);
        let trade = told.rows.iter().find(|row| row.kind == RowKind::Trade).unwrap();
        assert_eq!(
            shown(trade),
            "trade 1 61800.3 0.006 id=5266583935 seq=5266583935 flags=0 1723161256322000000 1723161255088176367"
        );
        let snapshot = told.rows.iter().find(|row| row.kind == RowKind::BookSnapshot).unwrap();
        assert_eq!(
            shown(snapshot),
            "book_snapshot 1 61800.2 2.909 id=0 seq=5123107852948 flags=1 1723161256493000000 1723161255319702566"
        );
    }

    fn change(first: u32, last: u32, previous: u32) -> String {
        format!(
            r#"{last} {{"e":"depthUpdate","E":9,"T":8,"s":"X","U":{first},"u":{last},"pu":{previous},"b":[["1","2"]],"a":[["3","0"]]}}"#
        )
    }

    #[test]
    fn changes_older_than_the_snapshot_are_dropped_before_and_after_it() {
        let snapshot = r#"5 {"lastUpdateId":25,"E":7,"T":7,"bids":[["1","1"]],"asks":[]}"#;
        let lines = [&change(1, 10, 0), &change(11, 30, 10), snapshot, &change(31, 20, 30), &change(31, 40, 20)];
        let told = rows_of(&lines.map(|line| format!("{line}\n")).concat());
        let rows: Vec<(RowKind, u64)> = told.rows.iter().map(|row| (row.kind, row.sequence)).collect();
        let delta = RowKind::BookDelta;
        assert_eq!(rows, [(RowKind::BookSnapshot, 25), (delta, 30), (delta, 30), (delta, 40), (delta, 40)]);
        assert_eq!(told.noted("older than its snapshot"), 2);
    }

    #[test]
    fn a_snapshot_before_any_change_is_of_the_one_symbol_seen_so_far() {
        let trade = r#"7 {"e":"aggTrade","E":9,"T":8,"s":"X","a":77,"p":"1","q":"2","m":true}"#;
        let snapshot = r#"8 {"lastUpdateId":25,"bids":[["1","1"]],"asks":[]}"#;
        let told = rows_of(&format!("{trade}\n{snapshot}\n"));
        assert_eq!(shown(&told.rows[1]), "book_snapshot 1 1 1 id=0 seq=25 flags=3 8 8");
        let error = error_of(snapshot, Format::Auto);
        assert!(error.contains("name the symbol"), "{error}");
    }

    #[test]
    fn a_recording_without_a_snapshot_keeps_its_changes_and_gaps_are_noted() {
        let told = rows_of(&format!("{}\n{}\n", change(1, 10, 0), change(20, 30, 19)));
        assert_eq!((told.rows.len(), told.noted("gaps"), told.noted("without a snapshot")), (4, 1, 1));
        assert_eq!(shown(&told.rows[1]), "book_delta 2 3 0 id=0 seq=10 flags=2 8000000 10");
    }

    #[test]
    fn best_bids_of_spot_are_dated_by_the_recorder_and_other_messages_left_out() {
        let told = rows_of(
            "5 {\"stream\":\"x@bookTicker\",\"data\":{\"u\":1,\"s\":\"X\",\"b\":\"1\",\"B\":\"2\",\"a\":\"3\",\"A\":\"4\"}}\n\
             6 {\"stream\":\"x@kline_1m\",\"data\":{\"e\":\"kline\",\"E\":9,\"s\":\"X\"}}\n\
             7 {\"e\":\"aggTrade\",\"E\":9,\"T\":8,\"s\":\"X\",\"a\":77,\"p\":\"1\",\"q\":\"2\",\"m\":true}\n",
        );
        let shown: Vec<String> = told.rows.iter().map(shown).collect();
        assert_eq!(
            shown,
            [
                "quote 1 1 2 id=0 seq=1 flags=1 5 5",
                "quote 2 3 4 id=0 seq=1 flags=2 5 5",
                "trade 2 1 2 id=77 seq=77 flags=0 8000000 7"
            ]
        );
        assert_eq!((told.noted("dated by the recorder"), told.noted("other kinds")), (1, 1));
    }

    #[test]
    fn bad_messages_are_refused_with_place_and_value() {
        let sound = change(1, 10, 0);
        for (from, to, part) in [
            (r#""2""#, r#""two""#, "sample:1: quantity = two: is not a number"),
            (r#""2""#, "2", "sample:1: is not the JSON that belongs here"),
            (r#""u":10,"#, "", "sample:1: u: is empty"),
            (r#""s":"X""#, r#""s":"""#, "sample:1: symbol: is empty"),
            (r#""T":8"#, r#""T":-8"#, "sample:1: T = -8: is not a time"),
            ("10 {", "1x {", "sample:1: local time = 1x: is not a whole number"),
            ("}", "", "sample:1: is not the JSON that belongs here"),
        ] {
            let error = error_of(&sound.replace(from, to), Format::Binance);
            assert!(error.starts_with(part), "{part}: {error}");
        }
    }
}
