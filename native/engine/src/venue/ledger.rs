//! What holds for every way of matching: static checks of orders, fees, margin, and the venue's own account.

use crate::account::Account;
use crate::event::AccountEvent;
use crate::instrument::{InstrumentId, Instruments, MarginMode};
use crate::num::{Money, NumError, Price, Qty, Rate, Rounding};
use crate::order::{Cloid, FillEvent, FillReason, Liquidity, OrderEvent, OrderStatus, OrderUpdate, Reason, Side};
use crate::time::Nanos;
use crate::venue::fees::{Chargeable, FeeMeter};
use crate::venue::funding;
use crate::venue::liquidation::Partials;
use crate::venue::margin::Margins;
use crate::venue::rules::check_steps;
use crate::venue::{Margin, Report, Scope, VenueConfig};

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
    pub(super) margins: Margins,
    pub(super) partials: Partials,
    fees: FeeMeter,
    last_oid: u64,
    last_trade: u64,
    /// Counts changes of position or cash, so that what was derived from them can be known to be stale.
    version: u64,
}

impl Ledger {
    pub(super) fn new(config: VenueConfig, instruments: Instruments, deposit: Money) -> Self {
        let account = Account::new(deposit, instruments.len());
        let mode = |mode: Option<MarginMode>| match config.margin {
            Margin::Hyperliquid => mode.unwrap_or(config.margin_mode),
            Margin::None => MarginMode::Cross,
        };
        let margins = Margins::new(instruments.iter().map(|(_, i)| (mode(i.margin_mode), i.leverage)));
        let fees = FeeMeter::new(config.fees.clone());
        let partials = Partials::new();
        Self { config, instruments, account, margins, partials, fees, last_oid: 0, last_trade: 0, version: 0 }
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

    /// Money comes from outside the account, or leaves it with a negative amount.
    pub(super) fn deposit(&mut self, amount: Money) -> Result<(), NumError> {
        self.version += 1;
        self.account.apply_deposit(amount)
    }

    /// Takes over what the account came to in another run: positions and money.
    pub(super) fn restore(&mut self, event: &AccountEvent) -> Result<(), NumError> {
        self.version += 1;
        self.account.apply(event)
    }

    /// Works out fees, and what they depend on.
    pub(super) const fn fees_mut(&mut self) -> &mut FeeMeter {
        &mut self.fees
    }

    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    pub(super) const fn next_oid(&mut self) -> u64 {
        self.last_oid += 1;
        self.last_oid
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

    /// Whether there is any position.
    #[inline]
    pub(super) const fn is_exposed(&self) -> bool {
        self.account.open_positions() > 0
    }

    /// What a reduce-only order of a side may fill at most: the position that it opposes, without sign.
    pub(super) fn reducible(&self, instrument: InstrumentId, side: Side) -> Qty {
        let position = self.account.position(instrument).quantity.raw();
        Qty::from_raw(position.saturating_mul(-side.sign()).max(0))
    }

    /// Checks what does not depend on the market: lot, tick, minimum notional, reduce-only.
    pub(super) fn check(&self, order: &OrderEvent, price: Price) -> Result<Result<(), Reason>, NumError> {
        if let Err(reason) = self.check_steps(order) {
            return Ok(Err(reason));
        }
        if let Err(reason) = self.check_size(order, price)? {
            return Ok(Err(reason));
        }
        if order.reduce_only && self.reducible(order.instrument, order.side).is_zero() {
            return Ok(Err(Reason::ReduceOnly));
        }
        Ok(Ok(()))
    }

    /// Checks that quantity and prices are multiples of lot and tick.
    pub(super) fn check_steps(&self, order: &OrderEvent) -> Result<(), Reason> {
        let Some(instrument) = self.instruments.get(order.instrument) else { return Err(Reason::NoLiquidity) };
        check_steps(instrument, order.quantity, [order.kind.price(), order.kind.trigger()].into_iter().flatten())
    }

    /// Checks that an order is worth the venue's while; what closes the whole position, or only reduces it, always is.
    pub(super) fn check_size(&self, order: &OrderEvent, price: Price) -> Result<Result<(), Reason>, NumError> {
        let Some(instrument) = self.instruments.get(order.instrument) else { return Ok(Err(Reason::NoLiquidity)) };
        let position = self.account.position(order.instrument).quantity;
        let closes = order.side.signed(order.quantity).raw() == -position.raw();
        if !order.reduce_only && !closes && price.notional(order.quantity)? < instrument.min_notional {
            return Ok(Err(Reason::MinNotional));
        }
        Ok(Ok(()))
    }

    /// Books a fill with its fees and reports it.
    pub(super) fn fill(&mut self, fill: NewFill, reports: &mut Vec<Report>) -> Result<(), NumError> {
        let NewFill { side, price, quantity, liquidity, time, .. } = fill;
        let (fee, builder) = match fill.charge {
            Charge::Backstop => (Money::ZERO, Money::ZERO),
            charge => {
                let is_first = charge == Charge::First;
                self.fees.charge(&Chargeable { side, price, quantity, liquidity, is_first, time })?
            }
        };
        if !builder.is_zero() {
            self.book(AccountEvent::BuilderFee { time, instrument: fill.instrument, fee: builder }, reports)?;
        }
        self.last_trade += 1;
        let event = FillEvent {
            cloid: fill.cloid,
            oid: fill.oid,
            trade_id: self.last_trade,
            instrument: fill.instrument,
            side,
            price,
            quantity,
            fee,
            liquidity,
            reason: fill.reason,
            ahead_at_arrival: fill.ahead_at_arrival,
            time,
            local_time: time,
        };
        let applied = self.account.apply_fill(&event)?;
        self.version += 1;
        reports.push(Report::Fill(event));
        self.move_margin(&fill, &applied, fee.add(builder)?)?;
        if fill.charge == Charge::Backstop {
            // The margin goes once all positions of the scope have gone.
            return Ok(());
        }
        if fill.reason == FillReason::Liquidation {
            self.settle_forced(self.scope_of(fill.instrument), time, reports)?;
        }
        debug_assert_eq!(self.check_account(), Ok(()));
        Ok(())
    }

    /// After the last forced fill of a scope: what is left is ours again, what is missing is covered by the venue.
    fn settle_forced(&mut self, scope: Scope, now: Nanos, reports: &mut Vec<Report>) -> Result<(), NumError> {
        if self.positions_of(scope).next().is_some() {
            return Ok(());
        }
        if self.equity_of(scope)?.is_negative() {
            self.lose(scope, now, reports)?;
        } else if let Scope::Isolated(instrument) = scope {
            self.set_margin(instrument, Money::ZERO);
        }
        Ok(())
    }

    /// Settles the funding of a position at a rate: out of cash, and out of its margin where that is isolated.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn settle_funding(
        &mut self,
        instrument: InstrumentId,
        rate: Rate,
        oracle: Price,
        time: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError> {
        let position = self.account.position(instrument);
        if position.is_flat() {
            return Ok(());
        }
        let payment = funding::payment(position.quantity, oracle, rate)?;
        self.pay_from_margin(instrument, payment)?;
        self.book(AccountEvent::Funding { time, instrument, rate, oracle, payment }, reports)?;
        debug_assert_eq!(self.check_account(), Ok(()));
        Ok(())
    }

    /// Books money that moves without a fill, and reports it.
    pub(super) fn book(&mut self, event: AccountEvent, reports: &mut Vec<Report>) -> Result<(), NumError> {
        self.version += 1;
        self.account.apply(&event)?;
        reports.push(Report::Account(event));
        Ok(())
    }
}

/// What a fill is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charge {
    /// The fee of the first fill of its order.
    First,
    /// The fee of a later fill of its order.
    Later,
    /// Nothing: the venue takes the position over.
    Backstop,
}

impl Charge {
    /// Of a fill of an order that has filled before, or not.
    pub(super) const fn of(is_first: bool) -> Self {
        if is_first { Self::First } else { Self::Later }
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
    pub charge: Charge,
    pub reason: FillReason,
    pub ahead_at_arrival: Option<Qty>,
    pub time: Nanos,
}

/// News of an order.
pub(super) fn update(order: &OrderEvent, oid: u64, status: OrderStatus, time: Nanos) -> Report {
    Report::Order(OrderUpdate { cloid: order.cloid, oid, instrument: order.instrument, status, time, local_time: time })
}

/// The answer to a change or a cancel of an order that the venue does not have, or has no more.
pub(super) const fn not_found(instrument: InstrumentId, cloid: Cloid, time: Nanos) -> Report {
    let status = OrderStatus::ActionRejected(Reason::NotFound);
    Report::Order(OrderUpdate { cloid, oid: 0, instrument, status, time, local_time: time })
}
