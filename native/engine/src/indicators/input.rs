//! What an indicator takes: a number, or named numbers of a bar. Nothing else compiles.

use super::dynamic::Columns;
use super::error::IndicatorError;
use crate::event::Bar;
use crate::time::Nanos;

/// Which number of a bar an indicator of single numbers takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Field {
    /// The first price.
    Open,
    /// The highest price.
    High,
    /// The lowest price.
    Low,
    /// The last price (the default).
    #[default]
    Close,
    /// Traded base units.
    Volume,
    /// A third of high + low + close.
    Typical,
    /// Half of high + low.
    Median,
}

impl Field {
    /// Every field, with its name.
    pub const ALL: [(&'static str, Self); 7] = [
        ("open", Self::Open),
        ("high", Self::High),
        ("low", Self::Low),
        ("close", Self::Close),
        ("volume", Self::Volume),
        ("typical", Self::Typical),
        ("median", Self::Median),
    ];

    /// The field of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, field)| *field)
    }

    /// This number of the bar; `None` where it is the volume of a bar without one.
    #[must_use]
    pub fn of(self, bar: &Bar) -> Option<f64> {
        let (high, low, close) = (bar.high.to_f64(), bar.low.to_f64(), bar.close.to_f64());
        Some(match self {
            Self::Open => bar.open.to_f64(),
            Self::High => high,
            Self::Low => low,
            Self::Close => close,
            Self::Volume => return bar.volume.map(crate::num::Qty::to_f64),
            Self::Typical => (high + low + close) / 3.0,
            Self::Median => (high + low) / 2.0,
        })
    }
}

/// One input of an indicator.
pub trait Input: Copy + Send + Sync {
    /// The numbers it consists of, in the order in which they are given.
    const NAMES: &'static [&'static str];

    /// From bare numbers, and a time where it has one. `None`: not as many as [`Self::NAMES`].
    fn from_numbers(numbers: &[f64], time: Option<Nanos>) -> Option<Self>;
    /// From a bar; `field` decides only where a single number is taken. `None`: the bar has no volume.
    fn from_bar(bar: &Bar, field: Field) -> Option<Self>;
    /// One after the other from columns, which the caller has counted and measured.
    fn rows<'a>(columns: &Columns<'a>) -> impl Iterator<Item = Self> + use<'a, Self>;
    /// Whether a number in it is NaN.
    fn is_nan(self) -> bool;
}

/// The column at this place; empty where the caller has not checked the count.
fn column<'a>(columns: &Columns<'a>, at: usize) -> impl Iterator<Item = f64> + use<'a> {
    columns.numbers.get(at).copied().unwrap_or(&[]).iter().copied()
}

impl Input for f64 {
    const NAMES: &'static [&'static str] = &["value"];
    #[inline]
    fn from_numbers(numbers: &[f64], _: Option<Nanos>) -> Option<Self> {
        if let [value] = numbers { Some(*value) } else { None }
    }
    fn from_bar(bar: &Bar, field: Field) -> Option<Self> {
        field.of(bar)
    }
    fn rows<'a>(columns: &Columns<'a>) -> impl Iterator<Item = Self> + use<'a> {
        column(columns, 0)
    }
    #[inline]
    fn is_nan(self) -> bool {
        Self::is_nan(self)
    }
}

/// The range of a bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HighLow {
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
}

impl Input for HighLow {
    const NAMES: &'static [&'static str] = &["high", "low"];
    fn from_numbers(numbers: &[f64], _: Option<Nanos>) -> Option<Self> {
        if let [high, low] = *numbers { Some(Self { high, low }) } else { None }
    }
    fn from_bar(bar: &Bar, _: Field) -> Option<Self> {
        Some(Self { high: bar.high.to_f64(), low: bar.low.to_f64() })
    }
    fn rows<'a>(columns: &Columns<'a>) -> impl Iterator<Item = Self> + use<'a> {
        column(columns, 0).zip(column(columns, 1)).map(|(high, low)| Self { high, low })
    }
    #[inline]
    fn is_nan(self) -> bool {
        self.high.is_nan() || self.low.is_nan()
    }
}

/// The range of a bar and where it ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HighLowClose {
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
}

impl HighLowClose {
    /// A third of high + low + close.
    #[inline]
    #[must_use]
    pub fn typical(self) -> f64 {
        (self.high + self.low + self.close) / 3.0
    }
}

impl Input for HighLowClose {
    const NAMES: &'static [&'static str] = &["high", "low", "close"];
    fn from_numbers(numbers: &[f64], _: Option<Nanos>) -> Option<Self> {
        if let [high, low, close] = *numbers { Some(Self { high, low, close }) } else { None }
    }
    fn from_bar(bar: &Bar, _: Field) -> Option<Self> {
        Some(Self { high: bar.high.to_f64(), low: bar.low.to_f64(), close: bar.close.to_f64() })
    }
    fn rows<'a>(columns: &Columns<'a>) -> impl Iterator<Item = Self> + use<'a> {
        let high_low = column(columns, 0).zip(column(columns, 1));
        high_low.zip(column(columns, 2)).map(|((high, low), close)| Self { high, low, close })
    }
    #[inline]
    fn is_nan(self) -> bool {
        self.high.is_nan() || self.low.is_nan() || self.close.is_nan()
    }
}

/// A price and how much was traded at it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PriceVolume {
    /// The price; of a bar, the field asked for.
    pub price: f64,
    /// Traded base units.
    pub volume: f64,
}

impl Input for PriceVolume {
    const NAMES: &'static [&'static str] = &["price", "volume"];
    fn from_numbers(numbers: &[f64], _: Option<Nanos>) -> Option<Self> {
        if let [price, volume] = *numbers { Some(Self { price, volume }) } else { None }
    }
    fn from_bar(bar: &Bar, field: Field) -> Option<Self> {
        Some(Self { price: field.of(bar)?, volume: bar.volume?.to_f64() })
    }
    fn rows<'a>(columns: &Columns<'a>) -> impl Iterator<Item = Self> + use<'a> {
        column(columns, 0).zip(column(columns, 1)).map(|(price, volume)| Self { price, volume })
    }
    #[inline]
    fn is_nan(self) -> bool {
        self.price.is_nan() || self.volume.is_nan()
    }
}

/// The range of a bar, where it ended, and how much was traded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HighLowCloseVolume {
    /// The prices.
    pub prices: HighLowClose,
    /// Traded base units.
    pub volume: f64,
}

impl Input for HighLowCloseVolume {
    const NAMES: &'static [&'static str] = &["high", "low", "close", "volume"];
    fn from_numbers(numbers: &[f64], time: Option<Nanos>) -> Option<Self> {
        let (volume, prices) = numbers.split_last()?;
        Some(Self { prices: HighLowClose::from_numbers(prices, time)?, volume: *volume })
    }
    fn from_bar(bar: &Bar, field: Field) -> Option<Self> {
        Some(Self { prices: HighLowClose::from_bar(bar, field)?, volume: bar.volume?.to_f64() })
    }
    fn rows<'a>(columns: &Columns<'a>) -> impl Iterator<Item = Self> + use<'a> {
        HighLowClose::rows(columns).zip(column(columns, 3)).map(|(prices, volume)| Self { prices, volume })
    }
    #[inline]
    fn is_nan(self) -> bool {
        self.prices.is_nan() || self.volume.is_nan()
    }
}

/// A bar with a volume that knows when it began.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimedBar {
    /// The numbers.
    pub bar: HighLowCloseVolume,
    /// When the bar opened: the session it belongs to. `None` where nobody asks.
    pub time: Option<Nanos>,
}

impl Input for TimedBar {
    const NAMES: &'static [&'static str] = HighLowCloseVolume::NAMES;
    fn from_numbers(numbers: &[f64], time: Option<Nanos>) -> Option<Self> {
        Some(Self { bar: HighLowCloseVolume::from_numbers(numbers, time)?, time })
    }
    fn from_bar(bar: &Bar, field: Field) -> Option<Self> {
        Some(Self { bar: HighLowCloseVolume::from_bar(bar, field)?, time: Some(bar.open_time) })
    }
    fn rows<'a>(columns: &Columns<'a>) -> impl Iterator<Item = Self> + use<'a> {
        let times = columns.times;
        HighLowCloseVolume::rows(columns).enumerate().map(move |(at, bar)| {
            let time = times.and_then(|times| times.get(at)).map(|nanos| Nanos::from_raw(*nanos));
            Self { bar, time }
        })
    }
    #[inline]
    fn is_nan(self) -> bool {
        self.bar.is_nan()
    }
}

/// Says which numbers were expected.
pub(super) fn wrong_input<I: Input>(indicator: &'static str, count: usize) -> IndicatorError {
    let given = format!("{count} number{}", if count == 1 { "" } else { "s" });
    IndicatorError::Input { indicator, expected: I::NAMES, given }
}
