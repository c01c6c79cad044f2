//! What strategies ask for becomes commands: targets into orders, orders past the risk manager, refusals back to the strategy.

use crate::event::{Command, Level, SignalEvent};
use crate::instrument::InstrumentId;
use crate::num::{Price, Qty};
use crate::order::{Cloid, Group, OrderEvent, OrderKind, OrderStatus, OrderUpdate, Reason, Side, TimeInForce};
use crate::risk::{RiskManager, Verdict};
use crate::strategy::{Intent, OrderRequest, Strategy};
use crate::system::{MAX_RETRIES, SystemError, Target, TradingSystem};
use crate::world::Mode;

impl<S: Strategy, R: RiskManager> TradingSystem<S, R> {
    /// Turns intents into commands. A refusal wakes the strategy, whose answer is carried out in turn.
    #[inline(never)]
    pub(super) fn carry_out(&mut self, commands: &mut Vec<Command>) -> Result<(), SystemError> {
        let time = self.world.now;
        for _ in 0..MAX_RETRIES {
            let intents = std::mem::take(&mut self.intents);
            let mut refused = Vec::new();
            for intent in &intents {
                self.carry_out_one(intent, commands, &mut refused)?;
            }
            self.intents = intents;
            self.intents.clear();
            self.world.orders.use_ids(std::mem::take(&mut self.ids));
            for update in &refused {
                self.wake(|strategy, ctx| strategy.on_order(ctx, update))?;
            }
            if self.intents.is_empty() {
                return Ok(());
            }
        }
        Err(SystemError::Endless { time })
    }

    fn carry_out_one(
        &mut self,
        intent: &Intent,
        commands: &mut Vec<Command>,
        refused: &mut Vec<OrderUpdate>,
    ) -> Result<(), SystemError> {
        let time = self.world.now;
        let number = |source| SystemError::Number { time, source };
        match *intent {
            Intent::Signal(signal) => self.on_signal(&signal, commands, refused)?,
            Intent::Place(cloid, request) => self.on_place(cloid, &request, commands, refused)?,
            Intent::Modify { cloid, instrument, price, quantity } => {
                let Some(order) = self.world.orders.get(instrument, cloid) else {
                    let status = OrderStatus::ActionRejected(Reason::NotFound);
                    refused.push(OrderUpdate { cloid, oid: 0, instrument, status, time, local_time: time });
                    return Ok(());
                };
                if !self.may_send(order.event.reduce_only) {
                    let status = OrderStatus::ActionRejected(Reason::NotTrading);
                    refused.push(OrderUpdate { cloid, oid: 0, instrument, status, time, local_time: time });
                    return Ok(());
                }
                let Some(rules) = self.world.instruments.get(instrument) else { return Ok(()) };
                let price = rules.tick.passive(price, order.event.side).map_err(number)?;
                let quantity = quantity.floor_to_lot(rules.lot_size).map_err(number)?;
                if let Some(order) = self.world.orders.get_mut(instrument, cloid) {
                    order.change = Some((price, quantity));
                }
                commands.push(Command::Modify { cloid, instrument, price, quantity });
            }
            Intent::Cancel { cloid, instrument } => self.cancel(instrument, cloid, commands),
            // It guards orders that are sent; and its time would be one of the past.
            Intent::ScheduleCancel { .. } if self.world.mode == Mode::WarmingUp => {}
            Intent::ScheduleCancel { time } => commands.push(Command::ScheduleCancel { time }),
            Intent::Timer { time, id } => commands.push(Command::SetTimer { time, id }),
        }
        Ok(())
    }

    pub(super) fn cancel(&mut self, instrument: InstrumentId, cloid: Cloid, commands: &mut Vec<Command>) {
        if let Some(order) = self.world.orders.get_mut(instrument, cloid).filter(|o| !o.is_cancelling) {
            order.is_cancelling = true;
            commands.push(Command::Cancel { cloid, instrument });
        }
    }

    /// A signal is a target: the order is the difference to the position, one order even across zero.
    ///
    /// The same signal again does nothing while its position stands or its order works.
    fn on_signal(
        &mut self,
        signal: &SignalEvent,
        commands: &mut Vec<Command>,
        refused: &mut Vec<OrderUpdate>,
    ) -> Result<(), SystemError> {
        let time = self.world.now;
        let number = |source| SystemError::Number { time, source };
        let instrument = signal.instrument;
        if self.world.mode == Mode::WarmingUp {
            return Ok(());
        }
        let Some(target) = self.targets.get(instrument.index()).copied() else { return Ok(()) };
        let position = self.world.account.position(instrument).quantity;
        let goal = self.risk.target(&self.world, signal).map_err(|source| SystemError::Risk { time, source })?;
        let is_there = goal.raw().signum() == position.raw().signum();
        if target.signal == Some(*signal) && (target.working.is_some() || is_there) {
            return Ok(());
        }
        let is_paused = self.world.mode == Mode::Paused;
        if is_paused && !is_nearer_to_zero(goal, position) {
            return Ok(());
        }
        if let Some(working) = target.working {
            self.cancel(instrument, working, commands);
        }
        let lot = self.world.instruments.get(instrument).map_or(Qty::from_raw(1), |i| i.lot_size);
        let difference = goal.floor_to_lot(lot).map_err(number)?.sub(position).map_err(number)?;
        let difference = difference.floor_to_lot(lot).map_err(number)?;
        let working = match Side::of(difference) {
            None => None,
            Some(side) => {
                let cloid = self.world.orders.cloid(self.ids);
                self.ids += 1;
                let order = OrderEvent {
                    cloid,
                    instrument,
                    side,
                    quantity: difference.abs().map_err(number)?,
                    kind: OrderKind::Market,
                    time_in_force: TimeInForce::Ioc,
                    // A fill that is on its way must not make more of it than was asked for.
                    reduce_only: goal.is_zero() || is_paused,
                    group: Group::None,
                    expires_after: None,
                    time,
                    decision_price: self.world.decision_price(instrument),
                };
                self.submit(order, commands, refused)?.then_some(cloid)
            }
        };
        if let Some(target) = self.targets.get_mut(instrument.index()) {
            *target = Target { signal: Some(*signal), working };
        }
        Ok(())
    }

    fn on_place(
        &mut self,
        cloid: Cloid,
        request: &OrderRequest,
        commands: &mut Vec<Command>,
        refused: &mut Vec<OrderUpdate>,
    ) -> Result<(), SystemError> {
        let time = self.world.now;
        let number = |source| SystemError::Number { time, source };
        let instrument = request.instrument;
        if self.world.mode == Mode::WarmingUp {
            let status = OrderStatus::Rejected(Reason::NotTrading);
            refused.push(OrderUpdate { cloid, oid: 0, instrument, status, time, local_time: time });
            return Ok(());
        }
        let Some(rules) = self.world.instruments.get(instrument) else { return Ok(()) };
        let quantity = match request.quantity {
            Some(quantity) => quantity,
            None => self
                .risk
                .order_quantity(&self.world, instrument)
                .map_err(|source| SystemError::Risk { time, source })?,
        };
        let passive = |price: Price| rules.tick.passive(price, request.side).map_err(number);
        let kind = match request.kind {
            OrderKind::Limit { price } => OrderKind::Limit { price: passive(price)? },
            OrderKind::Stop { trigger } => OrderKind::Stop { trigger: passive(trigger)? },
            OrderKind::StopLimit { trigger, price } => {
                OrderKind::StopLimit { trigger: passive(trigger)?, price: passive(price)? }
            }
            OrderKind::TakeProfit { trigger } => OrderKind::TakeProfit { trigger: passive(trigger)? },
            OrderKind::TakeProfitLimit { trigger, price } => {
                OrderKind::TakeProfitLimit { trigger: passive(trigger)?, price: passive(price)? }
            }
            kind @ (OrderKind::Market | OrderKind::TrailingStop { .. } | OrderKind::Twap { .. }) => kind,
        };
        let order = OrderEvent {
            cloid,
            instrument,
            side: request.side,
            quantity: quantity.floor_to_lot(rules.lot_size).map_err(number)?,
            kind,
            time_in_force: request.time_in_force,
            reduce_only: request.reduce_only,
            group: request.group,
            expires_after: request.expires_after,
            time,
            decision_price: self.world.decision_price(instrument),
        };
        if self.may_send(order.reduce_only) {
            self.submit(order, commands, refused)?;
        } else {
            let status = OrderStatus::Rejected(Reason::NotTrading);
            refused.push(OrderUpdate { cloid, oid: 0, instrument, status, time, local_time: time });
            commands.push(Command::Withhold(order));
        }
        Ok(())
    }

    /// Whether what a strategy wants of an order, to send or to change it, is done now.
    fn may_send(&self, reduce_only: bool) -> bool {
        match self.world.mode {
            Mode::Trading => true,
            Mode::WarmingUp => false,
            Mode::Paused => reduce_only,
        }
    }

    /// Hears the risk manager, then sends the order, smaller if need be, or refuses it. Says whether it was sent.
    fn submit(
        &mut self,
        mut order: OrderEvent,
        commands: &mut Vec<Command>,
        refused: &mut Vec<OrderUpdate>,
    ) -> Result<bool, SystemError> {
        let time = self.world.now;
        let verdict = if order.quantity.is_positive() {
            self.risk.check(&self.world, &order).map_err(|source| SystemError::Risk { time, source })?
        } else {
            Verdict::Refuse(format!(
                "{} {}: the size comes to less than one lot; give it a larger quantity, fraction or capital",
                order.side.as_str(),
                self.world.instruments.symbol(order.instrument)
            ))
        };
        let refusal = match verdict {
            Verdict::Pass => None,
            Verdict::Shrink(quantity) => {
                let lot = self.world.instruments.get(order.instrument).map_or(Qty::from_raw(1), |i| i.lot_size);
                order.quantity = quantity.floor_to_lot(lot).map_err(|source| SystemError::Number { time, source })?;
                (!order.quantity.is_positive()).then(|| "the room left is less than one lot".to_owned())
            }
            Verdict::Refuse(text) => Some(text),
        };
        if let Some(text) = refusal {
            let status = OrderStatus::Rejected(Reason::Risk);
            let (cloid, instrument) = (order.cloid, order.instrument);
            refused.push(OrderUpdate { cloid, oid: 0, instrument, status, time, local_time: time });
            commands.push(Command::Notice { level: Level::Warning, text: format!("risk refused: {text}") });
            commands.push(Command::Refuse(order));
            return Ok(false);
        }
        self.world.orders.insert(&order);
        commands.push(Command::Submit(order));
        Ok(true)
    }
}

/// Whether a position lies between another one and zero, or is zero.
fn is_nearer_to_zero(goal: Qty, position: Qty) -> bool {
    let (goal, position) = (goal.raw(), position.raw());
    goal == 0 || (goal.signum() == position.signum() && goal.unsigned_abs() < position.unsigned_abs())
}
