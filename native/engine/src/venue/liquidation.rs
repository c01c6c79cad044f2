//! Liquidation of a cross account (SIMULATION, section 10): whole positions, a fifth of large ones, and the backstop.

use crate::account::maintenance_margin;
use crate::event::AccountEvent;
use crate::instrument::InstrumentId;
use crate::num::{Money, NumError, Price, Qty, RATE_UNIT, Rate, Rounding, div_round};
use crate::order::{Cloid, FillReason, Liquidity, Side};
use crate::time::Nanos;
use crate::venue::ledger::NewFill;
use crate::venue::{Ledger, Margin, Report};

/// Positions above this are liquidated in parts.
const LARGE: Money = Money::from_raw(100_000 * 100_000_000);
/// How long after a part the next order is for the whole position.
const COOLDOWN: Nanos = Nanos::from_raw(30 * Nanos::SECOND.raw());

/// When the account was last liquidated in part.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Liquidation {
    last_partial: Option<Nanos>,
}

impl Ledger {
    /// Maintenance margin of all positions at their marks.
    pub(super) fn maintenance(&self) -> Result<Money, NumError> {
        self.account.positions().try_fold(Money::ZERO, |sum, (id, position, mark)| {
            let Some(instrument) = self.instruments.get(id) else { return Ok(sum) };
            sum.add(maintenance_margin(instrument, mark.notional(position.quantity)?)?)
        })
    }

    /// Whether equity is below the maintenance margin.
    pub(super) fn is_below_maintenance(&self) -> Result<bool, NumError> {
        if self.config.margin == Margin::None || self.account.open_positions() == 0 {
            return Ok(false);
        }
        let equity = self.account.equity()?;
        // Maintenance margin is at most half the notional, so most checks end here.
        Ok(equity < self.account.gross_notional() && equity < self.maintenance()?)
    }

    /// The prices between which the only position of the account is safe from liquidation; `None` if there are more.
    ///
    /// Equity is linear in the price, and maintenance margin is at most `|q| * p * r` with the largest rate `r` of the
    /// tiers, so `E0 + q (p − p0) ≥ |q| p r` gives a bound that can only err on the safe side.
    pub(super) fn safe_range(&self, instrument: InstrumentId) -> Result<Option<(Price, Price)>, NumError> {
        const ALL: (Price, Price) = (Price::ZERO, Price::MAX);
        if self.config.margin == Margin::None {
            return Ok(Some(ALL));
        }
        let position = self.account.position(instrument);
        if position.is_flat() {
            return Ok(Some(ALL));
        }
        if self.account.open_positions() > 1 {
            return Ok(None);
        }
        let lowest = self.instruments.get(instrument).and_then(|i| i.tiers.iter().map(|t| t.max_leverage).min());
        let rate = i128::from(RATE_UNIT / (2 * i64::from(lowest.unwrap_or(1).max(1))));
        // Equity at price zero, in steps of 1e-8, times 1e8 to match quantity times price.
        let at_zero = i128::from(self.account.cash().sub(position.cost)?.raw());
        let quantity = i128::from(position.quantity.raw().abs());
        let unit = i128::from(RATE_UNIT);
        let long = position.quantity.is_positive();
        let factor = if long { unit - rate } else { unit + rate };
        let wanted = if long { -at_zero } else { at_zero };
        // p = wanted * 1e8 / (quantity * factor / 1e12); divided in two steps to stay inside 128 bits.
        let per_quantity = div_round(wanted * 100_000_000, quantity, Rounding::Ceil).max(0);
        let bound = per_quantity.checked_mul(unit).map(|n| div_round(n, factor, Rounding::Ceil));
        let bound = bound.and_then(|b| i64::try_from(b.max(0)).ok()).map_or(Price::MAX, Price::from_raw);
        // Two steps cover what rounding may have moved.
        Ok(Some(if long {
            (Price::from_raw(bound.raw().saturating_add(2)), Price::MAX)
        } else {
            (Price::ZERO, Price::from_raw(bound.raw().saturating_sub(2).max(0)))
        }))
    }

    /// Sells positions off until the account is above maintenance, or takes everything in the backstop.
    pub(super) fn liquidate(
        &mut self,
        state: &mut Liquidation,
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError> {
        while self.is_below_maintenance()? {
            let (equity, maintenance) = (self.account.equity()?, self.maintenance()?);
            let is_backstop = i128::from(equity.raw()) * 3 < i128::from(maintenance.raw()) * 2;
            let Some((instrument, position, mark)) = self.largest()? else { return Ok(()) };
            let side = if position.is_positive() { Side::Sell } else { Side::Buy };
            let size = position.abs()?;
            let is_large = mark.notional(size)? > LARGE;
            let cooling = state.last_partial.is_some_and(|t| now.since(t) < COOLDOWN);
            let quantity = if is_large && !cooling && !is_backstop {
                state.last_partial = Some(now);
                self.fifth(instrument, size)?
            } else {
                size
            };
            let price = if is_backstop { mark } else { self.slipped(instrument, mark, side)? };
            let rate = if is_backstop { Rate::ZERO } else { self.config.taker_rate };
            let fill = NewFill {
                cloid: Cloid::default(),
                oid: self.next_oid(),
                instrument,
                side,
                price,
                quantity,
                liquidity: Liquidity::Taker,
                rate,
                reason: FillReason::Liquidation,
                time: now,
            };
            self.fill(fill, reports)?;
            if is_backstop {
                while let Some((instrument, position, mark)) = self.largest()? {
                    let side = if position.is_positive() { Side::Sell } else { Side::Buy };
                    let quantity = position.abs()?;
                    let oid = self.next_oid();
                    self.fill(NewFill { oid, instrument, side, price: mark, quantity, ..fill }, reports)?;
                }
                let loss = self.account.equity()?;
                self.backstop(loss)?;
                reports.push(Report::Account(AccountEvent::Backstop { time: now, loss }));
            }
        }
        Ok(())
    }

    /// The position of the largest notional.
    fn largest(&self) -> Result<Option<(InstrumentId, Qty, Price)>, NumError> {
        let mut best: Option<(Money, (InstrumentId, Qty, Price))> = None;
        for (id, position, mark) in self.account.positions() {
            let notional = mark.notional(position.quantity)?.abs()?;
            if best.is_none_or(|(n, _)| notional > n) {
                best = Some((notional, (id, position.quantity, mark)));
            }
        }
        Ok(best.map(|(_, position)| position))
    }

    /// A fifth of a quantity, rounded up to the lot.
    fn fifth(&self, instrument: InstrumentId, size: Qty) -> Result<Qty, NumError> {
        let lot = self.instruments.get(instrument).map_or(1, |i| i.lot_size.raw()).max(1);
        let lots = div_round(i128::from(size.raw()), 5 * i128::from(lot), Rounding::Ceil);
        let quantity =
            i64::try_from(lots * i128::from(lot)).map_err(|_| NumError::Overflow { operation: "a fifth" })?;
        Ok(Qty::from_raw(quantity.min(size.raw())))
    }
}
