//! Streaming indicators: one input in, one value out, in constant time and without allocation.
//!
//! Each indicator is a [`Formula`] and is used through [`Streamed`], which remembers its value; [`Streaming`] is the
//! same without types, for the bindings. A batch runs the very same formula over columns, so both give the same bits.
//!
//! Values equal TA-Lib's where TA-Lib has the indicator: warm-up, seeds, unstable periods, and zero denominators.
//! NaN: leading inputs with a NaN do not count (as TA-Lib's wrapper skips them). A later NaN makes the value NaN: in
//! an indicator over a window until it has left the window, in a recursive one until `reset`.

mod averages;
mod bands;
mod dynamic;
mod error;
mod exponential;
mod formula;
mod input;
mod macd;
mod oscillators;
mod output;
mod rolling;
mod rsi;
mod sar;
#[cfg(test)]
mod tests;
mod trend;
mod volatility;
mod volume;
mod window;

pub use averages::{Hma, Sma, Wma};
pub use bands::{Bollinger, Donchian, Keltner};
pub use dynamic::{Columns, Streaming, Values};
pub use error::IndicatorError;
pub use exponential::{Dema, Ema, Kama, Tema};
pub use formula::{Formula, Indicator, Streamed};
pub use input::{Field, HighLow, HighLowClose, HighLowCloseVolume, Input, PriceVolume, TimedBar};
pub use macd::Macd;
pub use oscillators::{Cci, Momentum, Roc, Stochastic, WilliamsR};
pub use output::{
    AdxValue, BandsValue, DmiValue, LinearRegressionValue, MacdValue, Output, StochasticValue, SuperTrendValue,
};
pub use rolling::{LinearRegression, Max, Min, Std, Zscore};
pub use rsi::{Rsi, StochRsi};
pub use sar::ParabolicSar;
pub use trend::{Adx, Dmi, SuperTrend};
pub use volatility::{Atr, EwmVariance};
pub use volume::{Mfi, Obv, RollingVwap, Session, Vwap};
