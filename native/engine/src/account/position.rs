//! A netted position with average entry, kept as quantity and cost so that nothing is lost to rounding.

use serde::{Deserialize, Serialize};

use crate::num::{Money, NumError, Price, Qty};
use crate::order::Side;

/// What is held of one instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Position {
    /// Signed: above zero is long.
    pub quantity: Qty,
    /// Signed: what the open quantity cost.
    pub cost: Money,
}

/// What a fill did to a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// The position before it.
    pub before: Qty,
    /// Quantity that it closed, without sign.
    pub closed: Qty,
    /// Quantity that it opened or added, without sign.
    pub opened: Qty,
    /// Profit of the closed quantity, before fees.
    pub realised: Money,
    /// What the closed quantity had cost, without sign.
    pub released: Money,
}

impl Position {
    /// Whether nothing is held.
    #[must_use]
    pub const fn is_flat(&self) -> bool {
        self.quantity.is_zero()
    }

    /// The average price of what is open; `None` when flat.
    #[must_use]
    pub fn entry_price(&self) -> Option<Price> {
        self.cost.price_of(self.quantity).ok()
    }

    /// Nets a fill in. A reduction leaves the average entry as it is and realises; a flip closes, then opens at the fill price.
    ///
    /// The notional of the fill is rounded once and shared out, so the sum of all flows is exact.
    ///
    /// # Errors
    /// [`NumError::Overflow`]; the position is then unchanged.
    pub fn apply(&mut self, side: Side, price: Price, quantity: Qty) -> Result<Applied, NumError> {
        let signed = side.signed(quantity);
        let notional = price.notional(signed)?;
        let before = self.quantity;
        let opposes = before.raw().signum() * signed.raw().signum() < 0;
        let closed = if opposes { Qty::from_raw(before.abs()?.raw().min(quantity.raw())) } else { Qty::ZERO };
        let opened = quantity.sub(closed)?;
        if closed.is_zero() {
            let after = Self { quantity: before.add(signed)?, cost: self.cost.add(notional)? };
            *self = after;
            return Ok(Applied { before, closed, opened, realised: Money::ZERO, released: Money::ZERO });
        }
        let closing = if opened.is_zero() { notional } else { notional.share(closed, quantity)? };
        let released = self.cost.share(closed, before.abs()?)?;
        // Long: proceeds (−closing, since a sale is negative) less cost. Short: both signs turn, the formula stays.
        let realised = closing.neg()?.sub(released)?;
        let after = Self { quantity: before.add(signed)?, cost: self.cost.sub(released)?.add(notional.sub(closing)?)? };
        *self = after;
        Ok(Applied { before, closed, opened, realised, released: released.abs()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(position: &mut Position, side: Side, price: &str, quantity: &str) -> Applied {
        position.apply(side, price.parse().unwrap(), quantity.parse().unwrap()).unwrap()
    }

    #[test]
    fn adding_averages_and_reducing_keeps_the_entry() {
        let mut p = Position::default();
        apply(&mut p, Side::Buy, "100", "1");
        apply(&mut p, Side::Buy, "110", "3");
        assert_eq!(p.entry_price().unwrap().to_string(), "107.5");
        let applied = apply(&mut p, Side::Sell, "120", "2");
        assert_eq!(applied.realised.to_string(), "25");
        assert_eq!(p.entry_price().unwrap().to_string(), "107.5");
    }

    #[test]
    fn a_flip_closes_then_opens_at_the_fill_price() {
        let mut p = Position::default();
        apply(&mut p, Side::Sell, "50", "2");
        let applied = apply(&mut p, Side::Buy, "40", "5");
        assert_eq!((applied.closed.to_string(), applied.opened.to_string()), ("2".into(), "3".into()));
        assert_eq!(applied.realised.to_string(), "20");
        assert_eq!(p.entry_price().unwrap().to_string(), "40");
        assert_eq!(p.quantity.to_string(), "3");
    }

    #[test]
    fn closing_all_leaves_no_cost_behind() {
        let mut p = Position::default();
        apply(&mut p, Side::Buy, "0.33333333", "0.7");
        apply(&mut p, Side::Sell, "0.1", "0.3");
        apply(&mut p, Side::Sell, "0.1", "0.4");
        assert_eq!(p, Position::default());
    }
}
