//! CSV as Tardis writes it: `incremental_book_L2`, `trades`, `quotes` and `book_snapshot_N`, told apart by their columns.
//!
//! Every file begins with `exchange, symbol, timestamp, local_timestamp` (microseconds). Changes of the book with the same
//! two times are one batch; rows marked `is_snapshot` are one whole book.

use crate::data::fault::{Fault, SourceError};
use crate::data::tick::batches::{Batches, mark_book};
use crate::data::tick::fields::{Fields, Splitter, integer, price, quantity, time};
use crate::data::tick::findings::Findings;
use crate::data::tick::lines::LineFormat;
use crate::event::Quote;
use crate::num::{Price, Qty};
use crate::row::{Row, RowKind, RowSide, rows_of_quote};

const MICROS: i64 = 1_000;
/// The columns that all files share; they are always the first.
const SHARED: [&str; 4] = ["exchange", "symbol", "timestamp", "local_timestamp"];

/// Places of columns.
#[derive(Debug)]
enum Columns {
    Changes {
        is_snapshot: usize,
        side: usize,
        price: usize,
        amount: usize,
    },
    Trades {
        id: usize,
        side: usize,
        price: usize,
        amount: usize,
    },
    Quotes {
        bid: (usize, usize),
        ask: (usize, usize),
    },
    /// Price and amount of each level, best first.
    Books {
        bids: Vec<(usize, usize)>,
        asks: Vec<(usize, usize)>,
    },
}

/// Reads one of the four kinds of files.
#[derive(Debug, Default)]
pub struct Tardis {
    columns: Option<(Columns, usize)>,
    splitter: Splitter,
    batches: Batches,
}

impl LineFormat for Tardis {
    fn line(&mut self, line: &str, findings: &mut Findings, rows: &mut Vec<Row>) -> Result<(), SourceError> {
        let Some((columns, count)) = &self.columns else {
            let line = line.trim_start_matches('\u{feff}');
            self.columns = Some((Columns::of(line)?, line.split(',').count()));
            return Ok(());
        };
        let fields = self.splitter.split(line);
        fields.expect(*count)?;
        findings.see_venue(fields.get(0));
        let instrument = findings.instrument(fields.get(1))?;
        let at = |index: usize, name: &str| time(name, integer(name, fields.get(index))?, MICROS);
        let row = Row::new(RowKind::Trade, instrument, at(2, "timestamp")?, at(3, "local_timestamp")?);
        match columns {
            Columns::Changes { is_snapshot, side, price, amount } => {
                let kind = match fields.get(*is_snapshot) {
                    "true" => RowKind::BookSnapshot,
                    "false" => RowKind::BookDelta,
                    other => return Err(unexpected("true or false").of("is_snapshot", other)),
                };
                let side = match fields.get(*side) {
                    "bid" => RowSide::Buy,
                    "ask" => RowSide::Sell,
                    other => return Err(unexpected("bid or ask").of("side", other)),
                };
                let (price, quantity) = level(&fields, (*price, *amount), findings)?;
                self.batches.push(Row { kind, ..row.at(side, price, quantity) }, rows);
            }
            Columns::Trades { id, side, price, amount } => {
                let side = match fields.get(*side) {
                    "buy" => RowSide::Buy,
                    "sell" => RowSide::Sell,
                    "unknown" | "" => RowSide::None,
                    other => return Err(unexpected("buy, sell or unknown").of("side", other)),
                };
                let (price, quantity) = level(&fields, (*price, *amount), findings)?;
                // Ids of some venues are not numbers.
                rows.push(row.at(side, price, quantity).of(fields.get(*id).parse().unwrap_or(0)));
            }
            Columns::Quotes { bid, ask } => {
                let (bid, ask) = (side(&fields, *bid, findings)?, side(&fields, *ask, findings)?);
                rows.extend(rows_of_quote(&Quote {
                    instrument,
                    exchange_time: row.exchange_time,
                    local_time: row.local_time,
                    bid_price: bid.0,
                    bid_quantity: bid.1,
                    ask_price: ask.0,
                    ask_quantity: ask.1,
                }));
            }
            Columns::Books { bids, asks } => {
                let row = Row { kind: RowKind::BookSnapshot, ..row };
                let from = rows.len();
                for (side, levels) in [(RowSide::Buy, bids), (RowSide::Sell, asks)] {
                    for place in levels.iter().filter(|place| !fields.get(place.0).is_empty()) {
                        let (price, quantity) = level(&fields, *place, findings)?;
                        rows.push(row.at(side, price, quantity));
                    }
                }
                mark_book(rows, from, row);
            }
        }
        Ok(())
    }

    fn finish(&mut self, _findings: &mut Findings, rows: &mut Vec<Row>) -> Result<(), SourceError> {
        self.batches.end(rows);
        if self.columns.is_none() { Err(Fault::Empty.alone()) } else { Ok(()) }
    }
}

impl Columns {
    fn of(header: &str) -> Result<Self, SourceError> {
        let find = |name: &str| header.split(',').position(|column| column == name);
        let all = |names: [&str; 4]| {
            let [a, b, c, d] = names.map(find);
            Some((a?, b?, c?, d?))
        };
        let lacks = |wanted: &str| {
            let columns: String = header.chars().take(400).collect();
            let hint = " Files of books, changes, trades and quotes can be read".into();
            Fault::NoColumn { wanted: wanted.into(), columns: columns.into(), hint }.alone()
        };
        if let Some((_, missing)) = SHARED.iter().enumerate().find(|(place, name)| find(name) != Some(*place)) {
            return Err(lacks(missing));
        }
        if let Some((is_snapshot, side, price, amount)) = all(["is_snapshot", "side", "price", "amount"]) {
            return Ok(Self::Changes { is_snapshot, side, price, amount });
        }
        if let Some((id, side, price, amount)) = all(["id", "side", "price", "amount"]) {
            return Ok(Self::Trades { id, side, price, amount });
        }
        if let Some((a, b, c, d)) = all(["bid_price", "bid_amount", "ask_price", "ask_amount"]) {
            return Ok(Self::Quotes { bid: (a, b), ask: (c, d) });
        }
        let levels = |side: &str| {
            let place = |level: usize| {
                let column = |what: &str| find(&format!("{side}[{level}].{what}"));
                Some((column("price")?, column("amount")?))
            };
            (0..1_000).map_while(place).collect::<Vec<_>>()
        };
        let (bids, asks) = (levels("bids"), levels("asks"));
        if bids.is_empty() && asks.is_empty() { Err(lacks("price")) } else { Ok(Self::Books { bids, asks }) }
    }
}

fn level(fields: &Fields<'_>, place: (usize, usize), findings: &mut Findings) -> Result<(Price, Qty), SourceError> {
    let price = price("price", fields.get(place.0), findings)?;
    Ok((price, quantity("amount", fields.get(place.1), findings)?))
}

/// A side of a quote; nothing stands where there is no order.
fn side(fields: &Fields<'_>, place: (usize, usize), findings: &mut Findings) -> Result<(Price, Qty), SourceError> {
    if fields.get(place.0).is_empty() { Ok((Price::ZERO, Qty::ZERO)) } else { level(fields, place, findings) }
}

const fn unexpected(wanted: &'static str) -> Fault {
    Fault::Unexpected { wanted, unit: "line" }
}

#[cfg(test)]
mod tests {
    use crate::data::tick::samples::{error_of, recorded, rows_of, shown};
    use crate::data::tick::{Format, TickOptions, samples::read_bytes};

    #[test]
    fn the_recorded_changes_are_one_snapshot() {
        let Some(told) = recorded("feeds_dual_time/deribit_incremental_book_L2_BTC-PERPETUAL.csv") else { return };
        assert_eq!((told.rows.len(), told.symbols[0].as_str(), told.venue.as_str()), (15, "BTC-PERPETUAL", "deribit"));
        let first = "book_snapshot 2 6421.5 18640 id=0 seq=0 flags=1 1585699200245000000 1585699200355684000";
        assert_eq!(shown(&told.rows[0]), first);
        assert_eq!(told.rows.iter().map(|row| u32::from(row.flags.0)).sum::<u32>(), 3);
        assert_eq!(told.rows[14].flags.0, 2);
    }

    #[test]
    fn the_recorded_books_have_five_levels_a_side() {
        let Some(told) = recorded("feeds_dual_time/binance-futures_book_snapshot_5_BTCUSDT.csv") else { return };
        assert_eq!(told.rows.len(), 100);
        let first = "book_snapshot 1 11657.07 10.896 id=0 seq=0 flags=1 1598918403696000000 1598918403810979000";
        assert_eq!(shown(&told.rows[0]), first);
        let last = "book_snapshot 2 11657.92 0.918 id=0 seq=0 flags=2 1598918403696000000 1598918403810979000";
        assert_eq!(shown(&told.rows[9]), last);
    }

    #[test]
    fn the_recorded_trades_and_quotes_are_read() {
        if let Some(told) = recorded("feeds_dual_time/bitmex_trades_XBTUSD.csv") {
            assert_eq!(told.rows.len(), 10);
            let first = "trade 2 8531.5 2152 id=0 seq=0 flags=0 1583020803145000000 1583020803307160000";
            assert_eq!(shown(&told.rows[0]), first);
        }
        if let Some(told) = recorded("feeds_dual_time/huobi-dm-swap_quotes_BTC-USD.csv") {
            assert_eq!((told.rows.len(), told.venue.as_str()), (20, "huobi-dm-swap"));
            let quote = "quote 1 8629.2 806 id=0 seq=0 flags=1 1588291201099000000 1588291201234268000";
            assert_eq!(shown(&told.rows[0]), quote);
            let quote = "quote 2 8629.3 5494 id=0 seq=0 flags=2 1588291201099000000 1588291201234268000";
            assert_eq!(shown(&told.rows[1]), quote);
        }
    }

    const CHANGES: &str = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n";

    #[test]
    fn changes_of_one_moment_are_a_batch_and_a_venue_can_be_given() {
        let text = format!("{CHANGES}x,A,1,2,false,bid,5,0\nx,A,1,2,false,ask,6,1\r\nx,A,3,4,false,ask,6,0.1\n");
        let flags: Vec<u16> = rows_of(&text).rows.iter().map(|row| row.flags.0).collect();
        assert_eq!(flags, [0, 2, 2]);
        let options = TickOptions { venue: Some("mine".to_owned()), symbol: None };
        assert_eq!(read_bytes(text.as_bytes(), Format::Tardis, &options).unwrap().venue, "mine");
    }

    #[test]
    fn a_book_with_empty_cells_has_fewer_levels_and_one_without_any_is_a_clearing() {
        let header =
            "exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,bids[0].price,bids[0].amount";
        let told = rows_of(&format!("{header}\nx,A,1,2,,,5,1\nx,A,3,4,,,,\n"));
        let shown: Vec<String> = told.rows.iter().map(shown).collect();
        assert_eq!(
            shown,
            ["book_snapshot 1 5 1 id=0 seq=0 flags=3 1000 2000", "book_clear 0 0 0 id=0 seq=0 flags=2 3000 4000"]
        );
    }

    #[test]
    fn bad_lines_are_refused_with_place_and_value() {
        for (line, part) in [
            ("x,A,1,2,maybe,bid,5,1", "sample:2: is_snapshot = maybe: is not true or false"),
            ("x,A,1,2,false,up,5,1", "sample:2: side = up: is not bid or ask"),
            ("x,A,1,2,false,bid,,1", "sample:2: price: is empty"),
            ("x,A,1,2,false,bid,5,nan", "sample:2: amount = nan: is not a finite number"),
            ("x,A,1,2,false,bid,5,0.0000000001", "sample:2: amount = 0.0000000001: is finer than 1e-8"),
            ("x,A,0,2,false,bid,5,1", "sample:2: timestamp = 0: is not a time"),
            ("x,A,9223372036854775807,2,false,bid,5,1", "sample:2: timestamp = 9223372036854775807: is not a time"),
            ("x,A,1,z,false,bid,5,1", "sample:2: local_timestamp = z: is not a whole number"),
            ("x,A,1,2,false,bid,5", "sample:2: has 7 fields, the header has 8"),
            ("x,,1,2,false,bid,5,1", "sample:2: symbol: is empty"),
        ] {
            let error = error_of(&format!("{CHANGES}{line}\n"), Format::Auto);
            assert!(error.starts_with(part), "{part}: {error}");
        }
        let error = error_of("exchange,symbol,timestamp,local_timestamp,funding_rate\n", Format::Auto);
        assert!(error.contains("there is no column `price`"), "{error}");
        let error = error_of("a,b\n", Format::Tardis);
        assert!(error.contains("there is no column `exchange`"), "{error}");
    }

    #[test]
    fn text_that_is_not_utf8_and_files_that_end_early_are_refused() {
        let mut bytes = CHANGES.as_bytes().to_vec();
        bytes.extend(b"x,\xff\xfe,1,2,false,bid,5,1\n");
        let error = read_bytes(&bytes, Format::Auto, &TickOptions::default()).unwrap_err().to_string();
        assert_eq!(error, "sample:2: is not UTF-8 text: save the file as UTF-8");
        let mut packed = Vec::new();
        let mut encoder = flate2::write::GzEncoder::new(&mut packed, flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, CHANGES.repeat(50).as_bytes()).unwrap();
        encoder.finish().unwrap();
        packed.truncate(packed.len() - 20);
        let error = read_bytes(&packed, Format::Tardis, &TickOptions::default()).unwrap_err().to_string();
        assert!(error.contains("gzip data end too early"), "{error}");
    }
}
