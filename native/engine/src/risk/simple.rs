//! The `simple` risk manager: one way of sizing, and a cap on the position.

use crate::event::{MarketEvent, SignalEvent, SignalKind};
use crate::instrument::InstrumentId;
use crate::num::{NumError, Qty};
use crate::order::{OrderEvent, Side};
use crate::risk::{RiskError, RiskManager, Sizing, Verdict};
use crate::world::World;

/// Long means a position of +size times the signal's strength, short −size, exit zero; never beyond `max_position_size`.
#[derive(Debug, Clone)]
pub struct SimpleRisk {
    /// How big.
    pub sizing: Sizing,
    /// The largest position in base units, without sign; `None` for no cap.
    pub max_position_size: Option<Qty>,
}

impl SimpleRisk {
    fn capped(&self, size: Qty) -> Qty {
        self.max_position_size.map_or(size, |max| size.min(max))
    }
}

impl RiskManager for SimpleRisk {
    #[inline]
    fn on_market(&mut self, _world: &World, event: &MarketEvent) -> Result<(), RiskError> {
        self.sizing.on_market(event);
        Ok(())
    }

    fn target(&mut self, world: &World, signal: &SignalEvent) -> Result<Qty, RiskError> {
        let side = match signal.kind {
            SignalKind::Long => Side::Buy,
            SignalKind::Short => Side::Sell,
            SignalKind::Exit => return Ok(Qty::ZERO),
        };
        let size = self.sizing.quantity(world, signal.instrument)?.scaled(signal.strength)?;
        Ok(side.signed(self.capped(size)))
    }

    fn order_quantity(&mut self, world: &World, instrument: InstrumentId) -> Result<Qty, RiskError> {
        Ok(self.capped(self.sizing.quantity(world, instrument)?))
    }

    /// Counts what already works in the same direction, so that all orders together cannot take the position beyond the cap.
    fn check(&mut self, world: &World, order: &OrderEvent) -> Result<Verdict, RiskError> {
        let Some(max) = self.max_position_size else { return Ok(Verdict::Pass) };
        if order.reduce_only {
            return Ok(Verdict::Pass);
        }
        let position = world.account.position(order.instrument).quantity;
        let working = world.orders.working(order.instrument, order.side)?;
        let towards = Qty::from_raw(position.raw() * order.side.sign()).add(working)?;
        let room = max.sub(towards)?;
        if order.quantity <= room {
            return Ok(Verdict::Pass);
        }
        if room.is_positive() {
            return Ok(Verdict::Shrink(room));
        }
        let symbol = world.instruments.symbol(order.instrument);
        Ok(Verdict::Refuse(format!(
            "{} {} {symbol}: the position is {position}, {working} more is on its way, and max_position_size is {max}",
            order.side.as_str(),
            order.quantity,
        )))
    }
}

impl From<RiskError> for String {
    fn from(error: RiskError) -> Self {
        error.to_string()
    }
}

/// Sizes may not be negative, whatever computed them.
pub(super) fn not_negative(size: Qty) -> Result<Qty, NumError> {
    Ok(if size.is_negative() { Qty::ZERO } else { size })
}
