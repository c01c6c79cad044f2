//! What holds for every way of matching: static checks of orders, fees, margin, and the venue's own account.

use crate::account::{Account, initial_margin};
use crate::instrument::{InstrumentId, Instruments};
use crate::num::{Money, NumError, Price, Qty, Rate, Rounding, fee};
use crate::order::{Cloid, FillEvent, FillReason, Liquidity, OrderEvent, OrderStatus, OrderUpdate, Reason, Side};
use crate::time::Nanos;
use crate::venue::{Margin, Report, VenueConfig};

/// An order at the venue, as far as the ledger cares.
#[derive(Debug, Clone, Copy)]
pub struct Exposure {
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// What is left of it.
    pub leaves: Qty,
    /// At which price it would fill.
    pub price: Price,
}

/// Rules and account of the venue.
#[derive(Debug, Clone)]
pub struct Ledger {
    pub(super) config: VenueConfig,
    pub(super) instruments: Instruments,
    pub(super) account: Account,
    last_oid: u64,
    last_trade: u64,
    /// Counts changes of position or cash, so that what was derived from them can be known to be stale.
    version: u64,
}

impl Ledger {
    pub(super) fn new(config: VenueConfig, instruments: Instruments, deposit: Money) -> Self {
        let account = Account::new(deposit, instruments.len());
        Self { config, instruments, account, last_oid: 0, last_trade: 0, version: 0 }
    }

    /// The options.
    #[must_use]
    pub const fn config(&self) -> &VenueConfig {
        &self.config
    }

    /// The venue's view of our account.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    pub(super) const fn next_oid(&mut self) -> u64 {
        self.last_oid += 1;
        self.last_oid
    }

    pub(super) const fn rate(&self, liquidity: Liquidity) -> Rate {
        match liquidity {
            Liquidity::Maker => self.config.maker_rate,
            Liquidity::Taker => self.config.taker_rate,
        }
    }

    /// The price of a taker: moved against us by the slippage, then to the tick against us.
    pub(super) fn slipped(&self, instrument: InstrumentId, price: Price, side: Side) -> Result<Price, NumError> {
        let (rate, rounding) = match side {
            Side::Buy => (self.config.slippage, Rounding::Ceil),
            Side::Sell => (self.config.slippage.neg()?, Rounding::Floor),
        };
        let moved = price.moved_by(rate, rounding)?;
        self.instruments.get(instrument).map_or(Ok(moved), |i| i.tick.against(moved, side))
    }

    /// Checks what does not depend on the market: lot, tick, minimum notional, reduce-only.
    pub(super) fn check(&self, order: &OrderEvent, price: Price) -> Result<Result<(), Reason>, NumError> {
        let Some(instrument) = self.instruments.get(order.instrument) else { return Ok(Err(Reason::NoLiquidity)) };
        if !order.quantity.is_positive() || order.quantity.raw() % instrument.lot_size.raw() != 0 {
            return Ok(Err(Reason::Lot));
        }
        let prices = [order.kind.price(), order.kind.trigger()];
        if prices.iter().flatten().any(|p| !p.is_positive() || !instrument.tick.allows(*p)) {
            return Ok(Err(Reason::Tick));
        }
        let position = self.account.position(order.instrument).quantity;
        let closes = order.side.signed(order.quantity).raw() == -position.raw();
        if !order.reduce_only && !closes && price.notional(order.quantity)? < instrument.min_notional {
            return Ok(Err(Reason::MinNotional));
        }
        if order.reduce_only && position.raw().signum() * order.side.sign() >= 0 {
            return Ok(Err(Reason::ReduceOnly));
        }
        Ok(Ok(()))
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
                let added = self.added_exposure(instrument, side, quantity)?;
                reserved = reserved.max(initial_margin(notional.share(added, quantity)?, self.config.leverage)?);
            }
            free = free.sub(reserved)?;
        }
        Ok(!free.is_negative())
    }

    /// Equity less the initial margin of all positions at their marks.
    fn free_margin(&self) -> Result<Money, NumError> {
        let mut free = self.account.equity()?;
        for (_, position, mark) in self.account.positions() {
            free = free.sub(initial_margin(mark.notional(position.quantity)?, self.config.leverage)?)?;
        }
        Ok(free)
    }

    /// By how much a trade would make the position larger, without sign; zero if it makes it smaller.
    fn added_exposure(&self, instrument: InstrumentId, side: Side, quantity: Qty) -> Result<Qty, NumError> {
        let before = self.account.position(instrument).quantity;
        let after = before.add(side.signed(quantity))?;
        let added = after.abs()?.sub(before.abs()?)?;
        Ok(if added.is_negative() { Qty::ZERO } else { added })
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
        let added = self.added_exposure(instrument, side, quantity)?;
        if added.is_zero() {
            return Ok(true);
        }
        Ok(self.free_margin()? >= initial_margin(price.notional(added)?, self.config.leverage)?)
    }

    /// Books a fill and reports it.
    pub(super) fn fill(&mut self, fill: NewFill, reports: &mut Vec<Report>) -> Result<(), NumError> {
        self.last_trade += 1;
        let event = FillEvent {
            cloid: fill.cloid,
            oid: fill.oid,
            trade_id: self.last_trade,
            instrument: fill.instrument,
            side: fill.side,
            price: fill.price,
            quantity: fill.quantity,
            fee: fee(fill.price, fill.quantity, fill.rate, Rounding::HalfEven)?,
            liquidity: fill.liquidity,
            reason: fill.reason,
            time: fill.time,
        };
        self.account.apply_fill(&event)?;
        self.version += 1;
        reports.push(Report::Fill(event));
        Ok(())
    }

    pub(super) fn backstop(&mut self, loss: Money) -> Result<(), NumError> {
        self.version += 1;
        self.account.apply_backstop(loss)
    }
}

/// A fill before it has its trade id and fee.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewFill {
    pub cloid: Cloid,
    pub oid: u64,
    pub instrument: InstrumentId,
    pub side: Side,
    pub price: Price,
    pub quantity: Qty,
    pub liquidity: Liquidity,
    pub rate: Rate,
    pub reason: FillReason,
    pub time: Nanos,
}

/// News of an order.
pub(super) fn update(order: &OrderEvent, oid: u64, status: OrderStatus, time: Nanos) -> Report {
    Report::Order(OrderUpdate { cloid: order.cloid, oid, instrument: order.instrument, status, time })
}
