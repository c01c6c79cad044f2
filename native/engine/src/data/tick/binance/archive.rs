//! Files of Binance's public archive: `trades`, `aggTrades` and `bookTicker`, of spot and futures, with or without a header.
//!
//! They hold no local time and name no symbol; the name of the file does (`BTCUSDT-trades-2024-08-08.zip`). Times are in
//! milli- or microseconds, told apart by their size.

use crate::data::fault::{Fault, SourceError};
use crate::data::tick::fields::{Fields, Splitter, integer, price, quantity};
use crate::data::tick::findings::Findings;
use crate::data::tick::lines::LineFormat;
use crate::event::Quote;
use crate::row::{Row, RowKind, RowSide, rows_of_quote};
use crate::time::{Nanos, from_epoch};

/// What the lines are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `id, price, qty, quote_qty, time, is_buyer_maker`.
    Trades,
    /// `agg_trade_id, price, quantity, first_trade_id, last_trade_id, transact_time, is_buyer_maker`.
    AggTrades,
    /// `update_id, best_bid_price, best_bid_qty, best_ask_price, best_ask_qty, transaction_time, event_time`.
    BookTicker,
}

impl Kind {
    /// What a file is whose first line is this, a header or not.
    pub fn of(line: &str) -> Option<Self> {
        let mut splitter = Splitter::default();
        let fields = splitter.split(line);
        let is_flag = |index: usize| matches!(fields.get(index), "true" | "false" | "True" | "False");
        let is_number = |index: usize| fields.get(index).parse::<f64>().is_ok_and(f64::is_finite);
        let count = line.split(',').count();
        match (fields.get(0), count) {
            ("id" | "trade_id", _) if fields.get(1) == "price" => Some(Self::Trades),
            ("agg_trade_id", _) => Some(Self::AggTrades),
            ("update_id", _) => Some(Self::BookTicker),
            // Spot adds a flag: the trade was the best match.
            (_, 6) if (0..5).all(is_number) && is_flag(5) => Some(Self::Trades),
            (_, 7) if (0..5).all(is_number) && is_flag(5) && is_flag(6) => Some(Self::Trades),
            (_, 7) if (0..6).all(is_number) && is_flag(6) => Some(Self::AggTrades),
            (_, 8) if (0..6).all(is_number) && is_flag(6) && is_flag(7) => Some(Self::AggTrades),
            (_, 7) if (0..7).all(is_number) => Some(Self::BookTicker),
            _ => None,
        }
    }
    /// The symbol in the name of such a file.
    fn symbol(self, file: &str) -> Option<String> {
        let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
        let kind = match self {
            Self::Trades => "-trades-",
            Self::AggTrades => "-aggTrades-",
            Self::BookTicker => "-bookTicker-",
        };
        name.split_once(kind).map(|(symbol, _)| symbol.to_owned()).filter(|symbol| !symbol.is_empty())
    }
}

/// Reads one kind of file.
#[derive(Debug)]
pub struct Archive {
    kind: Kind,
    symbol: Option<String>,
    columns: Option<usize>,
    splitter: Splitter,
}

impl Archive {
    /// `file` is the name of the file, which holds the symbol.
    pub fn new(kind: Kind, file: &str) -> Self {
        Self { kind, symbol: kind.symbol(file), columns: None, splitter: Splitter::default() }
    }
}

impl LineFormat for Archive {
    fn line(&mut self, line: &str, findings: &mut Findings, rows: &mut Vec<Row>) -> Result<(), SourceError> {
        let line = if self.columns.is_none() { line.trim_start_matches('\u{feff}') } else { line };
        let fields = self.splitter.split(line);
        match self.columns {
            Some(columns) => fields.expect(columns)?,
            None => {
                self.columns = Some(line.split(',').count());
                if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
                    return Ok(());
                }
            }
        }
        let instrument = match &self.symbol {
            Some(symbol) => findings.instrument(symbol)?,
            None => findings.nameless_instrument()?,
        };
        let id: u64 = integer("id", fields.get(0))?;
        let row = |kind, time| Row { sequence: id, ..Row::new(kind, instrument, time, Nanos::ZERO) };
        let (time_at, maker_at) = match self.kind {
            Kind::Trades => (4, 5),
            Kind::AggTrades => (5, 6),
            Kind::BookTicker => {
                let time = time_of(&fields, 5)?;
                let quote = Quote {
                    instrument,
                    exchange_time: time,
                    local_time: Nanos::ZERO,
                    bid_price: price("best_bid_price", fields.get(1), findings)?,
                    bid_quantity: quantity("best_bid_qty", fields.get(2), findings)?,
                    ask_price: price("best_ask_price", fields.get(3), findings)?,
                    ask_quantity: quantity("best_ask_qty", fields.get(4), findings)?,
                };
                rows.extend(rows_of_quote(&quote).map(|row| Row { sequence: id, ..row }));
                return Ok(());
            }
        };
        let side = match fields.get(maker_at) {
            "true" | "True" => RowSide::Sell,
            "false" | "False" => RowSide::Buy,
            other => {
                return Err(Fault::Unexpected { wanted: "true or false", unit: "line" }.of("is_buyer_maker", other));
            }
        };
        let (price, quantity) =
            (price("price", fields.get(1), findings)?, quantity("quantity", fields.get(2), findings)?);
        rows.push(row(RowKind::Trade, time_of(&fields, time_at)?).at(side, price, quantity).of(id));
        Ok(())
    }
}

fn time_of(fields: &Fields<'_>, index: usize) -> Result<Nanos, SourceError> {
    let text = fields.get(index);
    let time = from_epoch(integer("time", text)?).filter(|time| *time > Nanos::ZERO);
    time.ok_or_else(|| Fault::NotATime.of("time", text))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use crate::data::input::Input;
    use crate::data::tick::samples::{error_of, options, read_bytes, shown};
    use crate::data::tick::{Format, TickOptions, read_input};

    fn rows(text: &str) -> Vec<String> {
        let told = read_bytes(text.as_bytes(), Format::Auto, &options("BTCUSDT")).unwrap();
        assert_eq!((told.symbols[0].as_str(), told.venue.as_str()), ("BTCUSDT", "binance"));
        told.rows.iter().map(shown).collect()
    }

    #[test]
    fn trades_are_read_with_and_without_a_header_in_milli_and_microseconds() {
        let trade = |time: &str| format!("trade 2 61800.1 0.5 id=7 seq=7 flags=0 {time} 0");
        let futures = "id,price,qty,quote_qty,time,is_buyer_maker\n7,61800.10,0.5,30900.05,1723161255319,true\n";
        assert_eq!(rows(futures), [trade("1723161255319000000")]);
        let spot = "7,61800.10000000,0.50000000,30900.05000000,1735689600123456,True,True\n";
        assert_eq!(rows(spot), [trade("1735689600123456000")]);
    }

    #[test]
    fn aggregated_trades_are_read_with_and_without_a_header() {
        let trade = ["trade 1 61800.1 0.5 id=7 seq=7 flags=0 1723161255319000000 0"];
        let line = "7,61800.1,0.5,11,12,1723161255319,false";
        let header = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker";
        assert_eq!(rows(&format!("{header}\n{line}\n")), trade);
        assert_eq!(rows(line), trade);
        assert_eq!(rows(&format!("{line},true\n")), trade);
    }

    #[test]
    fn best_bids_and_offers_are_read_with_and_without_a_header() {
        let quote = [
            "quote 1 61800.1 2 id=0 seq=7 flags=1 1723161255319000000 0",
            "quote 2 61800.2 3 id=0 seq=7 flags=2 1723161255319000000 0",
        ];
        let line = "7,61800.1,2,61800.2,3,1723161255319,1723161255322";
        let header = "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time";
        assert_eq!(rows(&format!("{header}\n{line}\n")), quote);
        assert_eq!(rows(line), quote);
    }

    #[test]
    fn the_name_of_the_file_names_the_symbol() {
        let input = Input::new(Cursor::new(b"7,61800.1,0.5,11,12,1723161255319,false\n".to_vec())).unwrap();
        let file = "data/ETHUSDT-aggTrades-2024-08-08.zip";
        let mut reader = read_input(file, input, Format::Auto, &TickOptions::default()).unwrap();
        assert!(reader.read(&mut Vec::new()).unwrap());
        assert_eq!(reader.symbols(), ["ETHUSDT"]);
    }

    #[test]
    fn bad_lines_are_refused_with_place_and_value() {
        let header = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker";
        for (line, part) in [
            ("7,x,0.5,11,12,1723161255319,false", "sample:2: price = x: is not a number"),
            ("7,1,0.5,11,12,1723161255319,no", "sample:2: is_buyer_maker = no: is not true or false"),
            ("7,1,0.5,11,12,soon,false", "sample:2: time = soon: is not a whole number"),
            ("7,1,0.5,11,12,0,false", "sample:2: time = 0: is not a time"),
            ("7,1,0.5,11,12,1723161255319", "sample:2: has 6 fields, the header has 7"),
            ("a,1,0.5,11,12,1723161255319,false", "sample:2: id = a: is not a whole number"),
        ] {
            let text = format!("{header}\n{line}\n");
            let error = read_bytes(text.as_bytes(), Format::Auto, &options("X")).unwrap_err().to_string();
            assert!(error.starts_with(part), "{part}: {error}");
        }
        let error = error_of("7,1,0.5,11,12,1723161255319,false", Format::Binance);
        assert!(error.contains("--symbol NAME"), "{error}");
    }
}
