//! Margin at the venue: which positions stand together, what each of them ties up, and what an order needs.
//!
//! Cross positions share the cash of the account. An isolated position has a margin of its own, moved out of that cash
//! when it is opened; its fees, funding and forced losses come from it, and what it loses beyond it is not ours.

use crate::account::{Applied, initial_margin, liquidation_price, maintenance_margin, max_leverage};
use crate::instrument::{InstrumentId, MarginMode};
use crate::num::{Money, NumError, Price, Qty};
use crate::order::{FillReason, Side};
use crate::venue::ledger::{Exposure, NewFill};
use crate::venue::{Ledger, Margin};

/// Positions that are liquidated together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Every cross position.
    Cross,
    /// One isolated position.
    Isolated(InstrumentId),
}

/// The margins of isolated positions.
#[derive(Debug, Clone)]
pub(super) struct Margins {
    modes: Vec<MarginMode>,
    /// What was chosen for each instrument; `None` for the account's.
    leverages: Vec<Option<u32>>,
    margins: Vec<Money>,
    has_isolated: bool,
}

impl Margins {
    /// By instrument: whether its position stands apart, and the leverage chosen for it.
    pub(super) fn new(chosen: impl Iterator<Item = (MarginMode, Option<u32>)>) -> Self {
        let (modes, leverages): (Vec<_>, Vec<_>) = chosen.unzip();
        let has_isolated = modes.contains(&MarginMode::Isolated);
        let margins = vec![Money::ZERO; modes.len()];
        Self { modes, leverages, margins, has_isolated }
    }

    fn is_isolated(&self, instrument: InstrumentId) -> bool {
        self.modes.get(instrument.index()) == Some(&MarginMode::Isolated)
    }

    fn of(&self, instrument: InstrumentId) -> Money {
        self.margins.get(instrument.index()).copied().unwrap_or_default()
    }

    fn total(&self) -> Result<Money, NumError> {
        self.margins.iter().try_fold(Money::ZERO, |sum, margin| sum.add(*margin))
    }
}

impl Ledger {
    /// To which positions that of an instrument belongs.
    #[must_use]
    pub fn scope_of(&self, instrument: InstrumentId) -> Scope {
        if self.margins.is_isolated(instrument) { Scope::Isolated(instrument) } else { Scope::Cross }
    }

    /// What can be liquidated apart: the cross positions, then the isolated ones by rank.
    #[must_use]
    pub fn scopes(&self) -> Vec<Scope> {
        let isolated = self.account.positions().map(|(id, ..)| self.scope_of(id)).filter(|s| *s != Scope::Cross);
        std::iter::once(Scope::Cross).chain(isolated).collect()
    }

    pub(super) const fn has_isolated(&self) -> bool {
        self.margins.has_isolated
    }

    /// The margin of an isolated position, without its unrealised profit; zero of a cross one.
    #[must_use]
    pub fn isolated_margin(&self, instrument: InstrumentId) -> Money {
        self.margins.of(instrument)
    }

    /// What stands for the positions of a scope: of cross all cash that is not isolated, of an isolated position its
    /// margin; both with unrealised profit.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn equity_of(&self, scope: Scope) -> Result<Money, NumError> {
        match scope {
            Scope::Isolated(id) => self.margins.of(id).add(self.account.unrealised_of(id)?),
            Scope::Cross if !self.margins.has_isolated => self.account.equity(),
            Scope::Cross => {
                let mut equity = self.account.equity()?.sub(self.margins.total()?)?;
                for (id, ..) in self.account.positions().filter(|(id, ..)| self.margins.is_isolated(*id)) {
                    equity = equity.sub(self.account.unrealised_of(id)?)?;
                }
                Ok(equity)
            }
        }
    }

    /// The positions of a scope at their marks.
    pub(super) fn positions_of(&self, scope: Scope) -> impl Iterator<Item = (InstrumentId, Qty, Price)> + '_ {
        let positions = self.account.positions().filter(move |(id, ..)| self.scope_of(*id) == scope);
        positions.map(|(id, position, mark)| (id, position.quantity, mark))
    }

    /// Maintenance margin of the positions of a scope at their marks.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn maintenance_of(&self, scope: Scope) -> Result<Money, NumError> {
        self.positions_of(scope).try_fold(Money::ZERO, |sum, (id, quantity, mark)| {
            let Some(instrument) = self.instruments.get(id) else { return Ok(sum) };
            sum.add(maintenance_margin(instrument, mark.notional(quantity)?)?)
        })
    }

    /// The mark price at which a position would be liquidated if no other price moved; `None` where none above zero does it.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn liquidation_price(&self, instrument: InstrumentId) -> Result<Option<Price>, NumError> {
        let Some(rules) = self.instruments.get(instrument).filter(|_| self.config.margin != Margin::None) else {
            return Ok(None);
        };
        let (quantity, mark) = (self.account.position(instrument).quantity, self.account.mark(instrument));
        let scope = self.scope_of(instrument);
        let own = maintenance_margin(rules, mark.notional(quantity)?)?;
        let others = self.maintenance_of(scope)?.sub(own)?;
        liquidation_price(rules, quantity, mark, self.equity_of(scope)?, others)
    }

    /// The leverage chosen for an instrument, or else for the account.
    #[must_use]
    pub fn chosen_leverage(&self, instrument: InstrumentId) -> u32 {
        self.margins.leverages.get(instrument.index()).copied().flatten().unwrap_or(self.config.leverage)
    }

    /// The leverage of a position of a notional: the chosen one, at most that of its tier.
    pub(super) fn leverage(&self, instrument: InstrumentId, notional: Money) -> Result<u32, NumError> {
        let wanted = self.chosen_leverage(instrument);
        self.instruments.get(instrument).map_or(Ok(wanted), |rules| Ok(wanted.min(max_leverage(rules, notional)?)))
    }

    /// Chooses the leverage of an instrument, and whether its position stands apart. The caller has seen to it that the
    /// leverage is allowed, and that a position does not change its kind.
    pub(super) fn choose(&mut self, instrument: InstrumentId, mode: MarginMode, leverage: u32) {
        if let (Some(of_mode), Some(of_leverage)) =
            (self.margins.modes.get_mut(instrument.index()), self.margins.leverages.get_mut(instrument.index()))
        {
            *of_mode = mode;
            *of_leverage = Some(leverage);
        }
        self.margins.has_isolated = self.margins.modes.contains(&MarginMode::Isolated);
    }

    /// The initial margin of an open position at its mark.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn initial_of(&self, instrument: InstrumentId) -> Result<Money, NumError> {
        let notional = self.account.mark(instrument).notional(self.account.position(instrument).quantity)?;
        initial_margin(notional, self.leverage(instrument, notional)?)
    }

    /// What can be taken out of the account: cross equity above the larger of the initial margin and a tenth of the
    /// notional of its positions; never less than nothing.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn withdrawable(&self) -> Result<Money, NumError> {
        let (mut initial, mut notional) = (Money::ZERO, Money::ZERO);
        for (id, quantity, mark) in self.positions_of(Scope::Cross) {
            initial = initial.add(self.initial_of(id)?)?;
            notional = notional.add(mark.notional(quantity)?.abs()?)?;
        }
        let reserved = initial.max(Money::from_raw((notional.raw() - 1).div_euclid(10) + 1));
        Ok(self.equity_of(Scope::Cross)?.sub(reserved)?.max(Money::ZERO))
    }

    /// Moves margin into an isolated position, or out of it with a negative amount. What stays is at least the larger of
    /// the initial margin and a tenth of the notional; what comes has to be free. False if it cannot be done.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub(super) fn add_margin(&mut self, instrument: InstrumentId, amount: Money) -> Result<bool, NumError> {
        let after = self.margins.of(instrument).add(amount)?;
        if amount.is_negative() {
            let notional = self.account.mark(instrument).notional(self.account.position(instrument).quantity)?.abs()?;
            let least = self.initial_of(instrument)?.max(Money::from_raw((notional.raw() - 1).div_euclid(10) + 1));
            if after.add(self.account.unrealised_of(instrument)?)? < least {
                return Ok(false);
            }
        } else if self.free_margin()? < amount {
            return Ok(false);
        }
        self.set_margin(instrument, after);
        Ok(true)
    }

    /// Cross equity less the initial margin of all cross positions at their marks: what an order, cross or isolated, can draw on.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn free_margin(&self) -> Result<Money, NumError> {
        let mut free = self.equity_of(Scope::Cross)?;
        for (id, quantity, mark) in self.positions_of(Scope::Cross) {
            let notional = mark.notional(quantity)?;
            free = free.sub(initial_margin(notional, self.leverage(id, notional)?)?)?;
        }
        Ok(free)
    }

    /// Whether the account can carry these orders of ours: `E − Σ initial − reserved ≥ 0`, where `reserved` is, per
    /// instrument, the larger of what all its buys and what all its sells would add to the exposure, over leverage.
    pub(super) fn can_carry(&self, orders: &[Exposure]) -> Result<bool, NumError> {
        if self.config.margin == Margin::None {
            return Ok(true);
        }
        let mut free = self.free_margin()?;
        let mut instruments: Vec<InstrumentId> = orders.iter().map(|o| o.instrument).collect();
        instruments.sort_unstable();
        instruments.dedup();
        for instrument in instruments {
            let mut reserved = Money::ZERO;
            for side in [Side::Buy, Side::Sell] {
                let of_side = orders.iter().filter(|o| o.instrument == instrument && o.side == side);
                let (mut quantity, mut notional) = (Qty::ZERO, Money::ZERO);
                for order in of_side {
                    quantity = quantity.add(order.leaves)?;
                    notional = notional.add(order.price.notional(order.leaves)?)?;
                }
                if quantity.is_zero() {
                    continue;
                }
                let (added, after) = self.added_exposure(instrument, side, quantity)?;
                let leverage = self.leverage(instrument, notional.share(after, quantity)?)?;
                reserved = reserved.max(initial_margin(notional.share(added, quantity)?, leverage)?);
            }
            free = free.sub(reserved)?;
        }
        Ok(!free.is_negative())
    }

    /// By how much a trade would make the position larger, zero if it makes it smaller, and the position after it; without sign.
    fn added_exposure(&self, instrument: InstrumentId, side: Side, quantity: Qty) -> Result<(Qty, Qty), NumError> {
        let before = self.account.position(instrument).quantity;
        let after = before.add(side.signed(quantity))?.abs()?;
        let added = after.sub(before.abs()?)?;
        Ok((if added.is_negative() { Qty::ZERO } else { added }, after))
    }

    /// Whether margin suffices for a fill at this moment.
    pub(super) fn can_fill(
        &self,
        instrument: InstrumentId,
        side: Side,
        price: Price,
        quantity: Qty,
    ) -> Result<bool, NumError> {
        if self.config.margin == Margin::None {
            return Ok(true);
        }
        let before = self.account.position(instrument);
        let is_flip = before.quantity.raw().signum() * side.sign() < 0 && quantity > before.quantity.abs()?;
        let (added, after) = self.added_exposure(instrument, side, quantity)?;
        let leverage = self.leverage(instrument, price.notional(after)?)?;
        if self.margins.is_isolated(instrument) && is_flip {
            // What the closed position gives back pays for the margin of the new one.
            let result = price.notional(before.quantity)?.sub(before.cost)?;
            let back = self.margins.of(instrument).add(result)?;
            let free = self.free_margin()?.add(back)?;
            return Ok(free >= initial_margin(price.notional(after)?, leverage)?);
        }
        if added.is_zero() {
            return Ok(true);
        }
        Ok(self.free_margin()? >= initial_margin(price.notional(added)?, leverage)?)
    }

    /// Moves the margin of an isolated position with a fill that the account has taken in.
    ///
    /// Opening moves in `notional / leverage`, and the fee is paid from it. Reducing pays back the closed share of the
    /// margin with its profit, never less than nothing: a loss beyond that share stays with the position. A forced fill
    /// pays nothing back while any of the position is left.
    pub(super) fn move_margin(&mut self, fill: &NewFill, applied: &Applied, fees: Money) -> Result<(), NumError> {
        if !self.margins.is_isolated(fill.instrument) {
            return Ok(());
        }
        let before = applied.before.abs()?;
        let after = self.account.position(fill.instrument).quantity;
        let leverage = self.leverage(fill.instrument, fill.price.notional(after)?)?;
        let closing = fees.share(applied.closed, fill.quantity)?;
        let mut margin = self.margins.of(fill.instrument);
        if applied.closed == before {
            margin = if fill.reason == FillReason::Liquidation && after.is_zero() {
                margin.add(applied.realised)?.sub(closing)?
            } else {
                Money::ZERO
            };
        } else if !applied.closed.is_zero() {
            let result = applied.realised.sub(closing)?;
            let share = margin.share(applied.closed, before)?;
            let is_forced = fill.reason == FillReason::Liquidation;
            let back = if is_forced { Money::ZERO } else { share.add(result)?.max(Money::ZERO) };
            margin = margin.add(result)?.sub(back)?;
        }
        if !applied.opened.is_zero() {
            let opened = initial_margin(fill.price.notional(applied.opened)?, leverage)?;
            margin = margin.add(opened)?.sub(fees.sub(closing)?)?;
        }
        self.set_margin(fill.instrument, margin);
        Ok(())
    }

    pub(super) fn set_margin(&mut self, instrument: InstrumentId, margin: Money) {
        if let Some(place) = self.margins.margins.get_mut(instrument.index()) {
            *place = margin;
        }
    }

    /// Takes a payment out of the margin of an isolated position.
    pub(super) fn pay_from_margin(&mut self, instrument: InstrumentId, payment: Money) -> Result<(), NumError> {
        if self.margins.is_isolated(instrument) {
            self.set_margin(instrument, self.margins.of(instrument).sub(payment)?);
        }
        Ok(())
    }

    /// Whether the account agrees with its parts and no margin is kept for what is not held.
    ///
    /// # Errors
    /// A sentence naming what does not agree.
    pub fn check_account(&self) -> Result<(), String> {
        self.account.check()?;
        for (id, instrument) in self.instruments.iter() {
            let margin = self.margins.of(id);
            let is_held = self.margins.is_isolated(id) && !self.account.position(id).is_flat();
            if !margin.is_zero() && !is_held {
                return Err(format!("{}: a margin of {margin} is kept for no isolated position", instrument.symbol));
            }
        }
        Ok(())
    }
}
