//! Instruments: what can be traded, under which tick, lot and margin rules, found by integer index.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::num::{Money, NumError, Price, Qty, Rounding};
use crate::order::Side;

/// Index of an instrument. Instruments are ranked by symbol, so the index is also the tie-breaking rank in time order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstrumentId(pub u32);

impl InstrumentId {
    /// As an index into a dense table.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}
impl fmt::Debug for InstrumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InstrumentId({})", self.0)
    }
}

/// Which prices an order may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TickRule {
    /// Multiples of one step.
    Fixed(Price),
    /// At most `figures` significant figures and `decimals` decimals; whole numbers always pass (Hyperliquid).
    Figures {
        /// Significant figures.
        figures: u32,
        /// Digits after the point.
        decimals: u32,
    },
}

impl TickRule {
    /// The grid step at a price. Under [`TickRule::Figures`] it changes with the price: `10^max(-decimals, floor(log10 p) - figures + 1)`, at most 1.
    #[must_use]
    pub fn step_at(self, price: Price) -> Price {
        match self {
            Self::Fixed(step) => step,
            Self::Figures { figures, decimals } => {
                let finest = 10_i64.pow(Price::DECIMALS.saturating_sub(decimals));
                let magnitude = price.raw().unsigned_abs().max(1).ilog10();
                let by_figures = 10_i64.pow((magnitude + 1).saturating_sub(figures).min(18));
                Price::from_raw(by_figures.max(finest).min(Price::ONE.raw()))
            }
        }
    }

    /// Whether an order may have this price.
    #[must_use]
    pub fn allows(self, price: Price) -> bool {
        price.raw() % self.step_at(price).raw() == 0
    }

    /// The nearest allowed price that is no better for us than `price`: up for a buy, down for a sell.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn against(self, price: Price, side: Side) -> Result<Price, NumError> {
        price.round_to(self.step_at(price), if side == Side::Buy { Rounding::Ceil } else { Rounding::Floor })
    }

    /// The nearest allowed price that is no more aggressive than `price`: down for a buy, up for a sell.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn passive(self, price: Price, side: Side) -> Result<Price, NumError> {
        self.against(price, side.opposite())
    }
}

/// A tier of the margin table: from `lower_bound` of notional on, at most `max_leverage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarginTier {
    /// Notional from which the tier holds.
    pub lower_bound: Money,
    /// The largest leverage allowed in it.
    pub max_leverage: u32,
}

/// Whether a position shares the margin of the account or has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarginMode {
    /// All cross positions and the cash stand for each other.
    #[default]
    Cross,
    /// The position stands for itself.
    Isolated,
}

/// A tradable thing, the venue's rules for it, and how we hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instrument {
    /// Its name.
    pub symbol: String,
    /// Which prices are allowed.
    pub tick: TickRule,
    /// Quantities are multiples of this.
    pub lot_size: Qty,
    /// The smallest notional of an order that opens or adds; zero for none.
    pub min_notional: Money,
    /// Margin tiers, ascending; the first starts at zero.
    pub tiers: Vec<MarginTier>,
    /// The leverage that we chose for it; `None` for the account's.
    pub leverage: Option<u32>,
    /// Whether we chose its margin to stand apart; `None` for the account's choice.
    pub margin_mode: Option<MarginMode>,
}

impl Instrument {
    /// An instrument without venue rules: steps of 1e-8, no minimum, one tier of 20x.
    #[must_use]
    pub fn unrestricted(symbol: &str) -> Self {
        Self {
            symbol: symbol.to_owned(),
            tick: TickRule::Fixed(Price::from_raw(1)),
            lot_size: Qty::from_raw(1),
            min_notional: Money::ZERO,
            tiers: vec![MarginTier { lower_bound: Money::ZERO, max_leverage: 20 }],
            leverage: None,
            margin_mode: None,
        }
    }
}

/// All instruments of a run, sorted by symbol.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instruments(Vec<Instrument>);

impl Instruments {
    /// Sorts by symbol and drops repeated symbols (the first stays).
    #[must_use]
    pub fn new(mut instruments: Vec<Instrument>) -> Self {
        instruments.sort_by(|a, b| a.symbol.cmp(&b.symbol));
        instruments.dedup_by(|later, first| later.symbol == first.symbol);
        Self(instruments)
    }
    /// Unrestricted instruments with these symbols.
    #[must_use]
    pub fn unrestricted<S: AsRef<str>>(symbols: &[S]) -> Self {
        Self::new(symbols.iter().map(|s| Instrument::unrestricted(s.as_ref())).collect())
    }
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// The instrument with this index.
    #[must_use]
    pub fn get(&self, id: InstrumentId) -> Option<&Instrument> {
        self.0.get(id.index())
    }
    /// The index of a symbol.
    #[must_use]
    pub fn find(&self, symbol: &str) -> Option<InstrumentId> {
        let index = self.0.binary_search_by(|i| i.symbol.as_str().cmp(symbol)).ok()?;
        u32::try_from(index).ok().map(InstrumentId)
    }
    /// The symbol of an index; `?` for one that is not here.
    #[must_use]
    pub fn symbol(&self, id: InstrumentId) -> &str {
        self.get(id).map_or("?", |i| i.symbol.as_str())
    }
    /// Every instrument with its index, in rank order.
    pub fn iter(&self) -> impl Iterator<Item = (InstrumentId, &Instrument)> {
        (0_u32..).map(InstrumentId).zip(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(price: &str, size_decimals: u32) -> bool {
        TickRule::Figures { figures: 5, decimals: 6 - size_decimals }.allows(price.parse().unwrap())
    }

    #[test]
    fn the_tick_rule_of_significant_figures_follows_the_venue() {
        for (price, decimals, ok) in [
            ("1234.5", 1, true),
            ("1234.56", 1, false),
            ("0.001234", 0, true),
            ("0.0012345", 0, false),
            ("0.01234", 1, true),
            ("0.012345", 1, false),
            ("123456", 5, true),
            ("12345.6", 5, false),
            ("105055.5", 5, false),
            ("9999.95", 1, false),
        ] {
            assert_eq!(allows(price, decimals), ok, "{price} with {decimals} size decimals");
        }
    }

    #[test]
    fn instruments_are_ranked_by_symbol_whatever_the_order_given() {
        let one = Instruments::unrestricted(&["SOL", "BTC", "ETH", "BTC"]);
        let other = Instruments::unrestricted(&["ETH", "SOL", "BTC"]);
        assert_eq!(one, other);
        assert_eq!(one.find("BTC"), Some(InstrumentId(0)));
        assert_eq!(one.find("DOGE"), None);
    }
}
