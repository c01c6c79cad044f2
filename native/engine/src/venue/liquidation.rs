//! Liquidation (SIMULATION, section 10): what has to go is decided here; how it meets the market is the matching's business.

use std::collections::BTreeMap;

use crate::event::AccountEvent;
use crate::instrument::InstrumentId;
use crate::num::{Money, NumError, Price, Qty, RATE_UNIT, Rounding, div_round};
use crate::order::{Cloid, FillReason, Liquidity, Side};
use crate::time::Nanos;
use crate::venue::ledger::{Charge, NewFill};
use crate::venue::{Ledger, Margin, Report, Scope};

/// Positions above this are liquidated in parts.
const LARGE: Money = Money::from_raw(100_000 * 100_000_000);
/// How long after a part the next order is for the whole position.
const COOLDOWN: Nanos = Nanos::from_raw(30 * Nanos::SECOND.raw());

/// When each scope was last liquidated in part.
pub(super) type Partials = BTreeMap<Scope, Nanos>;

/// An order of the venue against a position of ours. The resting orders of its scope are cancelled before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forced {
    /// What is below its maintenance margin.
    pub scope: Scope,
    /// Which position goes.
    pub instrument: InstrumentId,
    /// Sell for a long one.
    pub side: Side,
    /// How much of it.
    pub quantity: Qty,
    /// Not an order: the venue takes over all positions of the scope with what stands for them, see [`Ledger::take_over`].
    pub is_backstop: bool,
}

impl Ledger {
    /// Whether a scope with positions has less equity than maintenance margin.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn is_below_maintenance(&self, scope: Scope) -> Result<bool, NumError> {
        if self.config.margin == Margin::None || self.positions_of(scope).next().is_none() {
            return Ok(false);
        }
        Ok(self.equity_of(scope)? < self.maintenance_of(scope)?)
    }

    /// Whether [`Ledger::next_liquidation`] may have an answer for some scope. Quick where all positions are cross.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn may_liquidate(&self) -> Result<bool, NumError> {
        if self.config.margin == Margin::None || self.account.open_positions() == 0 {
            return Ok(false);
        }
        // Maintenance margin is at most half the notional, so most checks end here.
        Ok(self.has_isolated() || self.account.equity()? < self.account.gross_notional())
    }

    /// What has to go next of a scope that is below its maintenance margin at the present marks; `None` once it is not.
    ///
    /// The largest notional goes first, the whole of it. Above 100,000 of notional it is a fifth, rounded up to the lot,
    /// unless that happened within the last 30 s: asking starts those. Below two thirds of the maintenance margin the venue
    /// takes everything over, at once: where the price jumps that far, nobody can say whether the book would have done better.
    ///
    /// Ask again after each execution, and leave the scope alone until the next mark where nothing could be executed.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn next_liquidation(&mut self, scope: Scope, now: Nanos) -> Result<Option<Forced>, NumError> {
        if !self.is_below_maintenance(scope)? {
            return Ok(None);
        }
        let (equity, maintenance) = (self.equity_of(scope)?, self.maintenance_of(scope)?);
        let is_backstop = i128::from(equity.raw()) * 3 < i128::from(maintenance.raw()) * 2;
        let Some((instrument, position, mark)) = self.largest(scope)? else { return Ok(None) };
        let side = if position.is_positive() { Side::Sell } else { Side::Buy };
        let size = position.abs()?;
        let is_large = mark.notional(size)? > LARGE;
        let is_cooling = self.partials.get(&scope).is_some_and(|t| now.since(*t) < COOLDOWN);
        let quantity = if is_large && !is_cooling && !is_backstop {
            self.partials.insert(scope, now);
            self.fifth(instrument, size)?
        } else {
            size
        };
        Ok(Some(Forced { scope, instrument, side, quantity, is_backstop }))
    }

    /// The backstop: the positions of a scope go at their marks without a fee, and what is left of its equity with them.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn take_over(&mut self, scope: Scope, now: Nanos, reports: &mut Vec<Report>) -> Result<(), NumError> {
        while let Some((instrument, position, mark)) = self.largest(scope)? {
            let side = if position.is_positive() { Side::Sell } else { Side::Buy };
            let forced = Forced { scope, instrument, side, quantity: position.abs()?, is_backstop: true };
            self.force(&forced, mark, Charge::Backstop, now, reports)?;
        }
        self.lose(scope, now, reports)
    }

    /// What is left of a scope without positions is lost; below zero, the venue covers it.
    pub(super) fn lose(&mut self, scope: Scope, now: Nanos, reports: &mut Vec<Report>) -> Result<(), NumError> {
        let loss = self.equity_of(scope)?;
        if let Scope::Isolated(instrument) = scope {
            self.set_margin(instrument, Money::ZERO);
        }
        self.book(AccountEvent::Backstop { time: now, loss }, reports)?;
        debug_assert_eq!(self.check_account(), Ok(()));
        Ok(())
    }

    /// Liquidates a scope at its marks, moved against us by the slippage, until it is above maintenance or gone: for bars,
    /// which know no book.
    pub(super) fn liquidate_at_marks(
        &mut self,
        scope: Scope,
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError> {
        while let Some(forced) = self.next_liquidation(scope, now)? {
            if forced.is_backstop {
                self.take_over(scope, now, reports)?;
            } else {
                let price = self.slipped(forced.instrument, self.account.mark(forced.instrument), forced.side)?;
                self.force(&forced, price, Charge::First, now, reports)?;
            }
        }
        Ok(())
    }

    /// Books the execution of a forced order, or of a part of it.
    pub(super) fn force(
        &mut self,
        forced: &Forced,
        price: Price,
        charge: Charge,
        time: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError> {
        let fill = NewFill {
            cloid: Cloid::default(),
            oid: self.next_oid(),
            instrument: forced.instrument,
            side: forced.side,
            price,
            quantity: forced.quantity,
            liquidity: Liquidity::Taker,
            charge,
            reason: FillReason::Liquidation,
            ahead_at_arrival: None,
            time,
        };
        self.fill(fill, reports)
    }

    /// The prices between which a position is safe from liquidation; `None` if that depends on other prices too.
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
        let scope = self.scope_of(instrument);
        if self.positions_of(scope).nth(1).is_some() {
            return Ok(None);
        }
        let lowest = self.instruments.get(instrument).and_then(|i| i.tiers.iter().map(|t| t.max_leverage).min());
        let rate = i128::from(RATE_UNIT / (2 * i64::from(lowest.unwrap_or(1).max(1))));
        // Equity at price zero, in steps of 1e-8, times 1e8 to match quantity times price.
        let without_profit = self.equity_of(scope)?.sub(self.account.unrealised_of(instrument)?)?;
        let at_zero = i128::from(without_profit.sub(position.cost)?.raw());
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

    /// The position of the largest notional in a scope.
    fn largest(&self, scope: Scope) -> Result<Option<(InstrumentId, Qty, Price)>, NumError> {
        let mut best: Option<(Money, (InstrumentId, Qty, Price))> = None;
        for (id, quantity, mark) in self.positions_of(scope) {
            let notional = mark.notional(quantity)?.abs()?;
            if best.is_none_or(|(n, _)| notional > n) {
                best = Some((notional, (id, quantity, mark)));
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
