//! Which format a file is in, told by its first bytes.

use std::fmt;

use crate::data::fault::Fault;
use crate::data::tick::binance::Kind;

/// A format of tick data, or the wish to find out which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// Told by the content of the file.
    #[default]
    Auto,
    /// Event arrays of hftbacktest (`.npz`, `.npy`).
    Hftbacktest,
    /// CSV of Tardis: `incremental_book_L2`, `trades`, `quotes`, `book_snapshot_*`.
    Tardis,
    /// Binance: public archive (CSV) and raw recordings of its socket.
    Binance,
    /// Order books of Bybit's public archive.
    Bybit,
    /// Databento Binary Encoding: orders, books, trades.
    Databento,
    /// Hyperliquid: public archive and raw recordings of its socket.
    Hyperliquid,
}

impl Format {
    /// Every format, without [`Format::Auto`].
    pub const ALL: [Self; 6] =
        [Self::Hftbacktest, Self::Tardis, Self::Binance, Self::Bybit, Self::Databento, Self::Hyperliquid];

    /// Its name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Hftbacktest => "hftbacktest",
            Self::Tardis => "tardis",
            Self::Binance => "binance",
            Self::Bybit => "bybit",
            Self::Databento => "databento",
            Self::Hyperliquid => "hyperliquid",
        }
    }
    /// The format of this name; `auto` is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        std::iter::once(Self::Auto).chain(Self::ALL).find(|format| format.as_str() == name)
    }

    /// The format of a file that begins (unpacked) with these bytes.
    ///
    /// # Errors
    /// [`Fault::Empty`], [`Fault::UnknownFormat`].
    pub fn of(head: &[u8]) -> Result<Self, Fault> {
        let line = first_line(head);
        if line.is_empty() {
            return Err(Fault::Empty);
        }
        let has = |word: &str| memchr::memmem::find(line, word.as_bytes()).is_some();
        let is_recording = line.first().is_some_and(u8::is_ascii_digit) && has(" {");
        let is_node_trade = || line.starts_with(b"{") && [r#""coin""#, r#""px""#, r#""side""#].into_iter().all(has);
        if head.starts_with(b"\x93NUMPY") {
            Ok(Self::Hftbacktest)
        } else if head.starts_with(b"DBN") {
            Ok(Self::Databento)
        } else if line.starts_with(b"exchange,symbol,timestamp,local_timestamp,") {
            Ok(Self::Tardis)
        } else if line.starts_with(b"time,coin,")
            || (has("\"channel\"") && (is_recording || has("\"raw\"")))
            || is_node_trade()
        {
            Ok(Self::Hyperliquid)
        } else if line.starts_with(b"{") && has("\"topic\"") {
            Ok(Self::Bybit)
        } else if (is_recording && [r#""stream""#, r#""lastUpdateId""#, r#""e":"#].into_iter().any(has))
            || std::str::from_utf8(line).ok().and_then(Kind::of).is_some()
        {
            Ok(Self::Binance)
        } else {
            Err(Self::unknown())
        }
    }

    /// The fault that names the formats there are.
    pub(super) fn unknown() -> Fault {
        let known: Vec<&str> = Self::ALL.iter().map(|format| format.as_str()).collect();
        Fault::UnknownFormat { known: known.join(", ").into() }
    }
}

/// The first line that says something, as far as it reaches into the head of a file.
pub(super) fn first_line(head: &[u8]) -> &[u8] {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    head.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end()
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_names_its_format() {
        for format in Format::ALL {
            assert_eq!(Format::from_name(format.as_str()), Some(format));
        }
        assert_eq!(Format::from_name("auto"), Some(Format::Auto));
        assert_eq!(Format::from_name("csv"), None);
    }

    #[test]
    fn a_format_is_told_by_its_first_line() {
        for (head, format) in [
            ("\u{feff}exchange,symbol,timestamp,local_timestamp,id\n", Format::Tardis),
            ("time,coin,funding,open_interest\n", Format::Hyperliquid),
            ("1737918843893903000 {\"channel\":\"l2Book\"", Format::Hyperliquid),
            ("{\"time\":\"2023-09-16T09:00:00Z\",\"ver_num\":1,\"raw\":{\"channel\":\"l2Book\"", Format::Hyperliquid),
            ("{\"topic\":\"orderbook.500.X\"", Format::Bybit),
            ("1723161255030314667 {\"stream\":\"btcusdt@depth\"", Format::Binance),
            ("1723161255030314667 {\"lastUpdateId\":1", Format::Binance),
        ] {
            assert_eq!(Format::of(head.as_bytes()).unwrap(), format, "{head}");
        }
    }

    #[test]
    fn what_fits_nothing_is_told_the_known_formats() {
        let error = Format::of(b"timestamp,open,high\n1,2,3\n").unwrap_err().to_string();
        assert!(error.contains("hftbacktest, tardis, binance, bybit, databento, hyperliquid"), "{error}");
        assert_eq!(Format::of(b" \n"), Err(Fault::Empty));
    }
}
