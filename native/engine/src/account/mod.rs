//! The account: positions of several instruments, netted, and every line that makes up equity, exact to 1e-8.
//!
//! `equity = deposit + realised + unrealised − fees − builder + rebates + funding − backstop_loss`, at every event
//! (SIMULATION, 12).

mod average;
mod margin;
mod position;
mod round_trip;

pub use average::Average;
pub use margin::{initial_margin, liquidation_price, maintenance_margin, max_leverage};
pub use position::{Applied, Position};
pub use round_trip::{RoundTrip, RoundTrips};

use serde::{Deserialize, Serialize};

use crate::event::AccountEvent;
use crate::instrument::InstrumentId;
use crate::num::{Money, NumError, Price, Qty};
use crate::order::FillEvent;

/// The lines that sum up to equity, apart from unrealised profit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lines {
    /// Paid in.
    pub deposit: Money,
    /// Profit of closed quantity, before fees.
    pub realised: Money,
    /// Fees paid.
    pub fees: Money,
    /// Rebates received.
    pub rebates: Money,
    /// Fees paid to builders of orders.
    pub builder: Money,
    /// Funding received less paid.
    pub funding: Money,
    /// Taken by a backstop liquidation, less what the venue covered.
    pub backstop_loss: Money,
}

#[derive(Debug, Clone, Copy, Default)]
struct Holding {
    position: Position,
    mark: Price,
    /// Signed worth of the position at the mark.
    value: Money,
}

/// Positions and money of one account.
#[derive(Debug, Clone)]
pub struct Account {
    lines: Lines,
    holdings: Vec<Holding>,
    /// Equity without unrealised profit: all lines together.
    cash: Money,
    unrealised: Money,
    gross: Money,
    open_positions: usize,
}

impl Account {
    /// An account with `deposit` in quote currency and no positions, for `instruments` instruments.
    #[must_use]
    pub fn new(deposit: Money, instruments: usize) -> Self {
        Self {
            lines: Lines { deposit, ..Lines::default() },
            holdings: vec![Holding::default(); instruments],
            cash: deposit,
            unrealised: Money::ZERO,
            gross: Money::ZERO,
            open_positions: 0,
        }
    }

    /// The lines that sum up to equity.
    #[must_use]
    pub const fn lines(&self) -> &Lines {
        &self.lines
    }

    /// Everything but unrealised profit.
    #[must_use]
    pub const fn cash(&self) -> Money {
        self.cash
    }

    /// Profit of open positions at their marks.
    #[must_use]
    pub const fn unrealised(&self) -> Money {
        self.unrealised
    }

    /// Sum of the absolute worth of all positions at their marks.
    #[must_use]
    pub const fn gross_notional(&self) -> Money {
        self.gross
    }

    /// Cash and unrealised profit together.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn equity(&self) -> Result<Money, NumError> {
        self.cash.add(self.unrealised)
    }

    /// How many positions are not zero.
    #[must_use]
    pub const fn open_positions(&self) -> usize {
        self.open_positions
    }

    /// The position in an instrument.
    #[must_use]
    pub fn position(&self, instrument: InstrumentId) -> Position {
        self.holdings.get(instrument.index()).map(|h| h.position).unwrap_or_default()
    }

    /// The price at which a position is valued; zero before the first.
    #[must_use]
    pub fn mark(&self, instrument: InstrumentId) -> Price {
        self.holdings.get(instrument.index()).map(|h| h.mark).unwrap_or_default()
    }

    /// Profit of one open position at its mark.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn unrealised_of(&self, instrument: InstrumentId) -> Result<Money, NumError> {
        self.holdings.get(instrument.index()).map_or(Ok(Money::ZERO), |h| h.value.sub(h.position.cost))
    }

    /// Every open position, in rank order.
    pub fn positions(&self) -> impl Iterator<Item = (InstrumentId, Position, Price)> + '_ {
        (0_u32..)
            .map(InstrumentId)
            .zip(&self.holdings)
            .filter(|(_, h)| !h.position.is_flat())
            .map(|(id, h)| (id, h.position, h.mark))
    }

    /// Values an instrument at a new price.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    #[inline(always)]
    pub fn set_mark(&mut self, instrument: InstrumentId, mark: Price) -> Result<(), NumError> {
        let Some(holding) = self.holdings.get_mut(instrument.index()) else { return Ok(()) };
        holding.mark = mark;
        if holding.position.is_flat() {
            return Ok(());
        }
        let value = mark.notional(holding.position.quantity)?;
        let change = value.sub(holding.value)?;
        self.unrealised = self.unrealised.add(change)?;
        self.gross = self.gross.add(value.abs()?.sub(holding.value.abs()?)?)?;
        holding.value = value;
        Ok(())
    }

    /// Takes a fill in: position, realised profit and fee. The position is then valued at its mark, or at the fill if there is none yet.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn apply_fill(&mut self, fill: &FillEvent) -> Result<Applied, NumError> {
        let Some(holding) = self.holdings.get_mut(fill.instrument.index()) else {
            return Err(NumError::Overflow { operation: "the index of an instrument" });
        };
        let before = *holding;
        let applied = holding.position.apply(fill.side, fill.price, fill.quantity)?;
        if holding.mark.is_zero() {
            holding.mark = fill.price;
        }
        holding.value = holding.mark.notional(holding.position.quantity)?;
        let after = *holding;
        self.on_change(&before, &after)?;
        self.lines.realised = self.lines.realised.add(applied.realised)?;
        if fill.fee.is_negative() {
            self.lines.rebates = self.lines.rebates.sub(fill.fee)?;
        } else {
            self.lines.fees = self.lines.fees.add(fill.fee)?;
        }
        self.cash = self.cash.add(applied.realised)?.sub(fill.fee)?;
        debug_assert_eq!(self.check(), Ok(()));
        Ok(applied)
    }

    /// The sums over all positions follow one that has changed.
    #[inline]
    fn on_change(&mut self, before: &Holding, after: &Holding) -> Result<(), NumError> {
        let unrealised_before = before.value.sub(before.position.cost)?;
        let unrealised_after = after.value.sub(after.position.cost)?;
        let unrealised = self.unrealised.add(unrealised_after.sub(unrealised_before)?)?;
        self.gross = self.gross.add(after.value.abs()?.sub(before.value.abs()?)?)?;
        self.unrealised = unrealised;
        match (before.position.is_flat(), after.position.is_flat()) {
            (true, false) => self.open_positions += 1,
            (false, true) => self.open_positions -= 1,
            _ => {}
        }
        Ok(())
    }

    /// Books money that moved without a fill, and the venue's word on a position.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn apply(&mut self, event: &AccountEvent) -> Result<(), NumError> {
        match event {
            AccountEvent::Backstop { loss, .. } => self.apply_backstop(*loss),
            AccountEvent::Funding { payment, .. } => self.apply_funding(*payment),
            AccountEvent::BuilderFee { fee, .. } => self.apply_builder_fee(*fee),
            AccountEvent::Position { instrument, quantity, entry, .. } => {
                self.apply_position(*instrument, *quantity, *entry)
            }
            AccountEvent::Transfer { amount, .. } => self.apply_deposit(*amount),
        }
    }

    /// Books money that was paid in, or out with a negative amount.
    ///
    /// # Errors
    /// [`NumError::Overflow`]; the account is then unchanged.
    pub fn apply_deposit(&mut self, amount: Money) -> Result<(), NumError> {
        let (deposit, cash) = (self.lines.deposit.add(amount)?, self.cash.add(amount)?);
        self.lines.deposit = deposit;
        self.cash = cash;
        Ok(())
    }

    /// A position becomes what the venue says. Cash is as it was: what was earned or lost on the way is not known, and money that
    /// differs from the venue's is told by transfers.
    ///
    /// # Errors
    /// [`NumError::Overflow`]; the account is then unchanged.
    pub fn apply_position(&mut self, instrument: InstrumentId, quantity: Qty, entry: Price) -> Result<(), NumError> {
        let Some(before) = self.holdings.get(instrument.index()).copied() else {
            return Err(NumError::Overflow { operation: "the index of an instrument" });
        };
        let mark = if before.mark.is_zero() { entry } else { before.mark };
        let position = Position { quantity, cost: entry.notional(quantity)? };
        let after = Holding { position, mark, value: mark.notional(quantity)? };
        self.on_change(&before, &after)?;
        if let Some(holding) = self.holdings.get_mut(instrument.index()) {
            *holding = after;
        }
        debug_assert_eq!(self.check(), Ok(()));
        Ok(())
    }

    /// Books what a backstop liquidation took.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn apply_backstop(&mut self, loss: Money) -> Result<(), NumError> {
        self.lines.backstop_loss = self.lines.backstop_loss.add(loss)?;
        self.cash = self.cash.sub(loss)?;
        Ok(())
    }

    /// Books a funding payment, a line of its own: no part of entry prices, nor of realised profit. Below zero it was received.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn apply_funding(&mut self, payment: Money) -> Result<(), NumError> {
        self.lines.funding = self.lines.funding.sub(payment)?;
        self.cash = self.cash.sub(payment)?;
        Ok(())
    }

    /// Books a builder's fee.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn apply_builder_fee(&mut self, fee: Money) -> Result<(), NumError> {
        self.lines.builder = self.lines.builder.add(fee)?;
        self.cash = self.cash.sub(fee)?;
        Ok(())
    }

    /// Recomputes the sums from their parts: the identity of the account.
    ///
    /// # Errors
    /// A sentence naming the sum that does not agree.
    pub fn check(&self) -> Result<(), String> {
        let text = |e: NumError| e.to_string();
        let l = &self.lines;
        let parts = [l.deposit, l.realised, l.rebates, l.funding];
        let cash = parts.iter().try_fold(Money::ZERO, |sum, m| sum.add(*m)).map_err(text)?;
        let cash = cash.sub(l.fees).map_err(text)?.sub(l.builder).map_err(text)?;
        let cash = cash.sub(l.backstop_loss).map_err(text)?;
        if cash != self.cash {
            return Err(format!("the lines sum up to {cash}, cash is {}", self.cash));
        }
        let mut unrealised = Money::ZERO;
        let mut gross = Money::ZERO;
        for holding in &self.holdings {
            let value = holding.mark.notional(holding.position.quantity).map_err(text)?;
            unrealised = unrealised.add(value.sub(holding.position.cost).map_err(text)?).map_err(text)?;
            gross = gross.add(value.abs().map_err(text)?).map_err(text)?;
        }
        if unrealised != self.unrealised || gross != self.gross {
            return Err(format!(
                "positions give {unrealised} unrealised and {gross} gross, kept are {} and {}",
                self.unrealised, self.gross
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::order::{Cloid, FillReason, Liquidity, Side};
    use crate::time::Nanos;

    pub(crate) fn fill(instrument: u32, side: Side, price: i64, quantity: i64, fee: i64) -> FillEvent {
        FillEvent {
            cloid: Cloid::default(),
            oid: 1,
            trade_id: 1,
            instrument: InstrumentId(instrument),
            side,
            price: Price::from_raw(price),
            quantity: Qty::from_raw(quantity),
            fee: Money::from_raw(fee),
            liquidity: Liquidity::Taker,
            reason: FillReason::Bar,
            ahead_at_arrival: None,
            time: Nanos::ZERO,
            local_time: Nanos::ZERO,
        }
    }

    proptest! {
        /// Section 12: the lines, the fills and the positions agree to the last unit, whatever happens in whatever order.
        #[test]
        fn money_is_conserved_over_random_fills_and_marks(
            steps in prop::collection::vec((0_u32..3, any::<bool>(), 1_i64..10_i64.pow(13), 1_i64..10_i64.pow(9), -1_000_000_i64..1_000_000, any::<bool>()), 1..200)
        ) {
            let deposit = Money::from_raw(10_i64.pow(17));
            let mut account = Account::new(deposit, 3);
            let mut flows = [Money::ZERO; 3];
            let mut quantities = [0_i64; 3];
            let mut fees = Money::ZERO;
            for (instrument, buy, price, quantity, fee, is_mark) in steps {
                let index = instrument as usize;
                if is_mark {
                    account.set_mark(InstrumentId(instrument), Price::from_raw(price)).unwrap();
                } else {
                    let side = if buy { Side::Buy } else { Side::Sell };
                    let fill = fill(instrument, side, price, quantity, fee);
                    account.apply_fill(&fill).unwrap();
                    let signed = side.signed(fill.quantity);
                    flows[index] = flows[index].sub(fill.price.notional(signed).unwrap()).unwrap();
                    quantities[index] += signed.raw();
                    fees = fees.add(fill.fee).unwrap();
                }
                prop_assert_eq!(account.check(), Ok(()));
                let mut equity = deposit.sub(fees).unwrap();
                for i in 0..3_u32 {
                    let position = account.position(InstrumentId(i));
                    prop_assert_eq!(position.quantity.raw(), quantities[i as usize], "the sum of fills is the position");
                    let worth = account.mark(InstrumentId(i)).notional(position.quantity).unwrap();
                    equity = equity.add(flows[i as usize]).unwrap().add(worth).unwrap();
                }
                prop_assert_eq!(account.equity().unwrap(), equity, "equity is what was paid in, less what was paid out, plus what is held");
            }
        }

        /// The venue's word on positions and money, between fills and marks: the identity holds, cash moves with money alone, and
        /// a position is what was said.
        #[test]
        fn the_account_adds_up_when_the_venue_sets_it_right(
            steps in prop::collection::vec((0_u32..2, 0_u8..4, 1_i64..10_i64.pow(13), -10_i64.pow(9)..10_i64.pow(9)), 1..200)
        ) {
            let time = Nanos::ZERO;
            let mut account = Account::new(Money::from_raw(10_i64.pow(15)), 2);
            for (instrument, kind, price, quantity) in steps {
                let id = InstrumentId(instrument);
                let cash = account.cash();
                match kind {
                    0 => account.set_mark(id, Price::from_raw(price)).unwrap(),
                    1 if quantity != 0 => {
                        let side = if quantity > 0 { Side::Buy } else { Side::Sell };
                        account.apply_fill(&fill(instrument, side, price, quantity.abs(), 5)).unwrap();
                    }
                    2 => {
                        let amount = Money::from_raw(quantity);
                        account.apply(&AccountEvent::Transfer { time, amount }).unwrap();
                        prop_assert_eq!(account.cash(), cash.add(amount).unwrap());
                    }
                    _ => {
                        // One in some is flat.
                        let quantity = Qty::from_raw(if quantity % 3 == 0 { 0 } else { quantity });
                        let entry = if quantity.is_zero() { Price::ZERO } else { Price::from_raw(price) };
                        let event = AccountEvent::Position { time, instrument: id, quantity, entry };
                        account.apply(&event).unwrap();
                        prop_assert_eq!(account.position(id).quantity, quantity);
                        prop_assert_eq!(account.position(id).cost, entry.notional(quantity).unwrap());
                        prop_assert_eq!(account.cash(), cash);
                        account.apply(&event).unwrap();
                    }
                }
                prop_assert_eq!(account.check(), Ok(()));
                let open = account.positions().count();
                prop_assert_eq!(account.open_positions(), open);
            }
        }
    }
}
