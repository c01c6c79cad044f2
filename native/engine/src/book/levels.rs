//! A book of levels by price (L2), and what strategies ask of it.

use crate::book::Ladder;
use crate::num::{Money, Price, Qty};
use crate::order::Side;

/// The levels of one side, best first.
pub trait Levels: Iterator<Item = (Price, Qty)> {}
impl<I: Iterator<Item = (Price, Qty)>> Levels for I {}

/// Bids and offers by price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelBook {
    /// What buyers bid.
    pub bids: Ladder,
    /// What sellers ask.
    pub asks: Ladder,
}

impl Default for LevelBook {
    fn default() -> Self {
        Self::new()
    }
}

impl LevelBook {
    /// An empty book.
    #[must_use]
    pub fn new() -> Self {
        Self { bids: Ladder::new(Side::Buy), asks: Ladder::new(Side::Sell) }
    }

    /// A side of it.
    #[must_use]
    #[inline(always)]
    pub const fn side(&self, side: Side) -> &Ladder {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    /// A side of it, to be changed.
    #[inline(always)]
    pub const fn side_mut(&mut self, side: Side) -> &mut Ladder {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    /// Highest bid.
    #[must_use]
    #[inline]
    pub fn best_bid(&self) -> Option<Price> {
        self.bids.best()
    }

    /// Lowest offer.
    #[must_use]
    #[inline]
    pub fn best_ask(&self) -> Option<Price> {
        self.asks.best()
    }

    /// Both best prices; `None` while a side is empty.
    #[must_use]
    #[inline]
    pub fn best(&self) -> Option<(Price, Price)> {
        Some((self.bids.best()?, self.asks.best()?))
    }

    /// Whether the best bid is at or above the best offer.
    #[must_use]
    pub fn is_crossed(&self) -> bool {
        self.best().is_some_and(|(bid, ask)| bid >= ask)
    }

    /// The middle of the best prices, rounded down to 1e-8.
    #[must_use]
    #[inline]
    pub fn mid(&self) -> Option<Price> {
        let (bid, ask) = self.best()?;
        Some(Price::from_raw(bid.raw().midpoint(ask.raw())))
    }

    /// Lowest offer less highest bid.
    #[must_use]
    pub fn spread(&self) -> Option<Price> {
        let (bid, ask) = self.best()?;
        ask.sub(bid).ok()
    }

    /// The middle, each best price weighted by the quantity of the *other* side: where the next trade is likelier to be.
    #[must_use]
    pub fn microprice(&self) -> Option<f64> {
        let ((bid, bid_quantity), (ask, ask_quantity)) = (self.bids.best_level()?, self.asks.best_level()?);
        let (b, a) = (bid_quantity.to_f64(), ask_quantity.to_f64());
        Some((bid.to_f64() * a + ask.to_f64() * b) / (a + b))
    }

    /// `(bids − offers) / (bids + offers)` over the quantity of the best `depth` levels of each side: −1 to 1.
    #[must_use]
    pub fn imbalance(&self, depth: usize) -> Option<f64> {
        let sum = |side: &Ladder| side.iter().take(depth).map(|(_, quantity)| quantity.to_f64()).sum::<f64>();
        let (bids, asks) = (sum(&self.bids), sum(&self.asks));
        (bids + asks > 0.0).then(|| (bids - asks) / (bids + asks))
    }

    /// The middle of the quantity-weighted mean prices of the best `depth` levels of each side.
    #[must_use]
    pub fn weighted_mid(&self, depth: usize) -> Option<f64> {
        let mean = |side: &Ladder| {
            let (worth, quantity) = side.iter().take(depth).fold((0.0, 0.0), |(worth, sum), (price, quantity)| {
                (price.to_f64().mul_add(quantity.to_f64(), worth), sum + quantity.to_f64())
            });
            (quantity > 0.0).then(|| worth / quantity)
        };
        Some(f64::midpoint(mean(&self.bids)?, mean(&self.asks)?))
    }

    /// The average price at which a market order of this side and size would fill; `None` if the book is too thin.
    #[must_use]
    pub fn vwap_to_size(&self, side: Side, quantity: Qty) -> Option<Price> {
        let mut left = quantity;
        let mut worth = Money::ZERO;
        for (price, offered) in self.side(side.opposite()).iter() {
            let taken = left.min(offered);
            worth = worth.add(price.notional(taken).ok()?).ok()?;
            left = left.sub(taken).ok()?;
            if left.is_zero() {
                return worth.price_of(quantity).ok();
            }
        }
        None
    }

    /// The quantity of a side from its best price down to, and with, `price`.
    #[must_use]
    pub fn depth_to(&self, side: Side, price: Price) -> Qty {
        let reaches = |p: Price| match side {
            Side::Buy => p >= price,
            Side::Sell => p <= price,
        };
        let within = self.side(side).iter().take_while(|(p, _)| reaches(*p));
        Qty::from_raw(within.fold(0_i64, |sum, (_, quantity)| sum.saturating_add(quantity.raw())))
    }
}
