//! How bars are to be read: columns, units, selection.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::instrument::Instruments;
use crate::time::Nanos;

/// A column of a file of bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    /// When the bar opens (or closes, see [`Stamp`]).
    Timestamp,
    /// What was traded.
    Symbol,
    /// First price.
    Open,
    /// Highest price.
    High,
    /// Lowest price.
    Low,
    /// Last price.
    Close,
    /// What changed hands.
    Volume,
}

impl Column {
    /// Every column, in the order in which they are written.
    pub const ALL: [Self; 7] =
        [Self::Timestamp, Self::Symbol, Self::Open, Self::High, Self::Low, Self::Close, Self::Volume];

    /// Its name, which is also the header looked for unless another is given.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timestamp => "timestamp",
            Self::Symbol => "symbol",
            Self::Open => "open",
            Self::High => "high",
            Self::Low => "low",
            Self::Close => "close",
            Self::Volume => "volume",
        }
    }
    /// Other headers in use for it, for suggestions only.
    #[must_use]
    pub const fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Timestamp => {
                &["time", "datetime", "date", "ts", "open_time", "opentime", "open time", "start", "unix", "t"]
            }
            Self::Symbol => &["ticker", "coin", "pair", "instrument", "market", "asset", "s"],
            Self::Open => &["open_price", "o"],
            Self::High => &["high_price", "max", "h"],
            Self::Low => &["low_price", "min", "l"],
            Self::Close => &["close_price", "last", "price", "c"],
            Self::Volume => &["vol", "base_volume", "volume_base", "qty", "quantity", "amount", "v"],
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Column {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|c| c.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|c| c.name()).collect();
            format!("`{text}` is not a column of bars: they are {}", names.join(", "))
        })
    }
}

/// Which end of its interval the time stamp of a bar names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stamp {
    /// The start (the default).
    #[default]
    Open,
    /// The end.
    Close,
}

/// What the volume column counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VolumeUnit {
    /// Base units, such as BTC (the default).
    #[default]
    Base,
    /// Quote currency, such as USD: divided by the close, half to even.
    Quote,
}

/// How bars are to be read. The same for every kind of source.
#[derive(Debug, Clone)]
pub struct BarOptions {
    /// Headers that are not the column's own name.
    pub columns: Vec<(Column, String)>,
    /// Symbols to keep; empty for all. For data without a symbol column, the one symbol that they hold.
    pub symbols: Vec<String>,
    /// Bars that open before this are left out.
    pub start: Nanos,
    /// Bars that open at this or later are left out.
    pub end: Nanos,
    /// What the time stamp names.
    pub stamp: Stamp,
    /// What the volume counts.
    pub volume_unit: VolumeUnit,
    /// The length of a bar; `None` for the commonest step of the file.
    pub resolution: Option<Nanos>,
    /// Gives bars the ids of these instruments and leaves other symbols out; `None` numbers symbols as they appear.
    pub instruments: Option<Arc<Instruments>>,
}

impl Default for BarOptions {
    fn default() -> Self {
        Self {
            columns: Vec::new(),
            symbols: Vec::new(),
            start: Nanos::MIN,
            end: Nanos::MAX,
            stamp: Stamp::Open,
            volume_unit: VolumeUnit::Base,
            resolution: None,
            instruments: None,
        }
    }
}

impl BarOptions {
    /// Options that keep or name these symbols.
    #[must_use]
    pub fn for_symbols<S: AsRef<str>>(symbols: &[S]) -> Self {
        Self { symbols: symbols.iter().map(|s| s.as_ref().to_owned()).collect(), ..Self::default() }
    }
    /// The header under which a column is looked for.
    #[must_use]
    pub fn header(&self, column: Column) -> &str {
        self.columns.iter().find(|(c, _)| *c == column).map_or(column.name(), |(_, header)| header.as_str())
    }
    /// Whether a header was given for a column.
    #[must_use]
    pub fn is_mapped(&self, column: Column) -> bool {
        self.columns.iter().any(|(c, _)| *c == column)
    }
}
