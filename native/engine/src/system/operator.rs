//! The operator's words: whether a bot may trade, and what is done past its strategy and its risk manager.

use crate::event::{Command, ControlEvent};
use crate::order::{Cloid, Group, OrderEvent, OrderKind, Side, TimeInForce};
use crate::risk::RiskManager;
use crate::strategy::Strategy;
use crate::system::{SystemError, Target, TradingSystem};
use crate::world::Mode;

impl<S: Strategy, R: RiskManager> TradingSystem<S, R> {
    /// Of warming up, pausing and resuming, the last word holds.
    pub(super) fn on_control(
        &mut self,
        control: &ControlEvent,
        commands: &mut Vec<Command>,
    ) -> Result<(), SystemError> {
        match control {
            ControlEvent::Start { .. } => self.make_builders()?,
            ControlEvent::Stop { .. } => {}
            ControlEvent::WarmUp { .. } => self.world.mode = Mode::WarmingUp,
            ControlEvent::Pause { .. } => self.world.mode = Mode::Paused,
            ControlEvent::Resume { .. } => self.world.mode = Mode::Trading,
            ControlEvent::CancelAll { .. } => self.cancel_all(commands),
            ControlEvent::Flatten { .. } => {
                self.cancel_all(commands);
                self.close_all(commands)?;
            }
            ControlEvent::Takeover { epoch: given, .. } => {
                let epoch = self.world.orders.epoch();
                if !self.world.orders.take_over(*given) {
                    return Err(SystemError::Epoch { time: self.world.now, given: *given, epoch });
                }
            }
        }
        Ok(())
    }

    fn cancel_all(&mut self, commands: &mut Vec<Command>) {
        let orders = self.world.orders.by_age();
        let orders: Vec<_> = orders.iter().map(|order| (order.event.instrument, order.event.cloid)).collect();
        for (instrument, cloid) in orders {
            self.cancel(instrument, cloid, commands);
        }
    }

    /// Closes every position with an order of its whole size that can do nothing but reduce. Targets are forgotten, so that a
    /// strategy that still wants a position has to say so again.
    fn close_all(&mut self, commands: &mut Vec<Command>) -> Result<(), SystemError> {
        self.targets.fill(Target::default());
        let time = self.world.now;
        let open: Vec<_> = self.world.account.positions().map(|(id, position, _)| (id, position.quantity)).collect();
        for (instrument, held) in open {
            let Some(side) = Side::of(held) else { continue };
            let order = OrderEvent {
                cloid: self.next_cloid(),
                instrument,
                side: side.opposite(),
                quantity: held.abs().map_err(|source| SystemError::Number { time, source })?,
                kind: OrderKind::Market,
                time_in_force: TimeInForce::Ioc,
                reduce_only: true,
                group: Group::None,
                expires_after: None,
                time,
                decision_price: self.world.decision_price(instrument),
            };
            self.world.orders.insert(&order);
            commands.push(Command::Submit(order));
        }
        Ok(())
    }

    fn next_cloid(&mut self) -> Cloid {
        let cloid = self.world.orders.cloid(0);
        self.world.orders.use_ids(1);
        cloid
    }
}
