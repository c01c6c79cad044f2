//! Order books of Bybit's archive: JSON lines, a whole book and then its changes.
//!
//! `cts` is the time of the matching engine, `ts` that of the message: the nearest thing to a local time that there is.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::data::fault::{Fault, SourceError};
use crate::data::tick::batches::{mark_book, mark_last};
use crate::data::tick::fields::{Level, MILLIS, json, of_instrument, push_levels, required, time};
use crate::data::tick::findings::Findings;
use crate::data::tick::lines::LineFormat;
use crate::row::{Row, RowKind, RowSide};

#[derive(Deserialize)]
struct Message<'a> {
    topic: Option<&'a str>,
    r#type: Option<&'a str>,
    ts: Option<i64>,
    cts: Option<i64>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Book<'a> {
    s: &'a str,
    #[serde(borrow)]
    b: Vec<Level<'a>>,
    #[serde(borrow)]
    a: Vec<Level<'a>>,
    u: u64,
}

/// Reads books and their changes.
#[derive(Debug, Default)]
pub struct Bybit {
    /// The last update id of each instrument.
    updates: Vec<Option<u64>>,
}

impl LineFormat for Bybit {
    fn line(&mut self, line: &str, findings: &mut Findings, rows: &mut Vec<Row>) -> Result<(), SourceError> {
        let message: Message<'_> = json(line)?;
        if !required(message.topic, "topic")?.starts_with("orderbook.") {
            findings.note("messages that are not of an order book, left out");
            return Ok(());
        }
        let kind = match required(message.r#type, "type")? {
            "snapshot" => RowKind::BookSnapshot,
            "delta" => RowKind::BookDelta,
            other => return Err(Fault::Unexpected { wanted: "snapshot or delta", unit: "line" }.of("type", other)),
        };
        let sent = time("ts", required(message.ts, "ts")?, MILLIS)?;
        let matched = message.cts.map_or(Ok(sent), |cts| time("cts", cts, MILLIS))?;
        if message.cts.is_none() {
            findings.note("messages without a matching time (cts), dated by their own (ts)");
        }
        let book: Book<'_> = json(required(message.data, "data")?.get())?;
        let instrument = findings.instrument(book.s)?;
        if let Some(last) = of_instrument(&mut self.updates, instrument) {
            if kind == RowKind::BookDelta && last.is_none_or(|last| last.checked_add(1) != Some(book.u)) {
                findings.note("gaps in the update ids");
            }
            *last = Some(book.u);
        }
        let row = Row { sequence: book.u, ..Row::new(kind, instrument, matched, sent) };
        let from = rows.len();
        push_levels(row, RowSide::Buy, book.b, findings, rows)?;
        push_levels(row, RowSide::Sell, book.a, findings, rows)?;
        match kind {
            RowKind::BookSnapshot => mark_book(rows, from, row),
            _ => mark_last(rows, from),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::data::tick::Format;
    use crate::data::tick::samples::{error_of, recorded, rows_of, shown};
    use crate::row::{Flags, RowKind};

    #[test]
    fn the_recorded_archive_has_one_book_and_49_changes_with_18_deletes() {
        let Some(told) = recorded("book_l2/xrpusdt-ob500.data.zip") else { return };
        assert_eq!((told.symbols[0].as_str(), told.venue.as_str()), ("XRPUSDT", "bybit"));
        let count = |kind, flags| told.rows.iter().filter(|row| row.kind == kind && row.flags.has(flags)).count();
        assert_eq!(count(RowKind::BookSnapshot, Flags::FIRST), 1);
        assert_eq!(count(RowKind::BookSnapshot, Flags(0)), 1000);
        assert_eq!(count(RowKind::BookDelta, Flags::LAST), 49);
        assert_eq!(told.rows.iter().filter(|row| row.quantity.is_zero()).count(), 18);
        assert_eq!(told.noted("gaps"), 0);
        let first = shown(&told.rows[0]);
        assert!(first.starts_with("book_snapshot 1 1.9531 6203 id=0 seq="), "{first}");
        assert!(first.ends_with(" 1733011200691000000"), "{first}");
    }

    const SNAPSHOT: &str = r#"{"topic":"orderbook.500.X","type":"snapshot","ts":2,"data":{"s":"X","b":[["1","2"]],"a":[["3","4"]],"u":5,"seq":6},"cts":1}"#;

    #[test]
    fn a_gap_in_the_update_ids_is_noted() {
        let delta = |u: u32| {
            format!(
                r#"{{"topic":"orderbook.500.X","type":"delta","ts":4,"data":{{"s":"X","b":[["1","0"]],"a":[],"u":{u}}},"cts":3}}"#
            )
        };
        let told = rows_of(&format!("{SNAPSHOT}\n{}\n{}\n", delta(6), delta(8)));
        assert_eq!(told.noted("gaps"), 1);
        let shown: Vec<String> = told.rows.iter().map(shown).collect();
        assert_eq!(
            shown,
            [
                "book_snapshot 1 1 2 id=0 seq=5 flags=1 1000000 2000000",
                "book_snapshot 2 3 4 id=0 seq=5 flags=2 1000000 2000000",
                "book_delta 1 1 0 id=0 seq=6 flags=2 3000000 4000000",
                "book_delta 1 1 0 id=0 seq=8 flags=2 3000000 4000000",
            ]
        );
    }

    #[test]
    fn bad_messages_are_refused_with_place_and_value() {
        for (from, to, part) in [
            ("snapshot", "other", "sample:1: type = other: is not snapshot or delta"),
            (r#"["1","2"]"#, r#"["1","x"]"#, "sample:1: quantity = x: is not a number"),
            (r#"["1","2"]"#, r#"["1"]"#, "sample:1: is not the JSON that belongs here"),
            (r#""ts":2,"#, "", "sample:1: ts: is empty"),
            (r#""u":5"#, r#""u":-5"#, "sample:1: is not the JSON that belongs here"),
            (r#""cts":1}"#, r#""cts":1"#, "sample:1: is not the JSON that belongs here"),
            (r#""cts":1"#, r#""cts":-1"#, "sample:1: cts = -1: is not a time"),
        ] {
            let error = error_of(&SNAPSHOT.replace(from, to), Format::Bybit);
            assert!(error.starts_with(part), "{part}: {error}");
        }
    }
}
