//! Risk: turns signals into sizes, and passes, shrinks or refuses orders. It stands outside the strategy.

mod simple;
mod sizing;

pub use simple::SimpleRisk;
pub use sizing::{Sizing, VolatilityTarget};

use crate::event::{MarketEvent, SignalEvent};
use crate::instrument::InstrumentId;
use crate::num::{NumError, Qty};
use crate::order::OrderEvent;
use crate::world::World;

/// What the risk manager says to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Send it.
    Pass,
    /// Send it with this smaller quantity.
    Shrink(Qty),
    /// Do not send it, for this reason.
    Refuse(String),
}

/// What a risk manager failed with.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct RiskError(#[from] pub Box<dyn std::error::Error + Send + Sync>);

impl From<NumError> for RiskError {
    fn from(error: NumError) -> Self {
        Self(Box::new(error))
    }
}

/// Sizes signals and watches over orders.
pub trait RiskManager {
    /// News from the market, for measures such as volatility.
    ///
    /// # Errors
    /// Whatever the risk manager failed with; so in all methods.
    fn on_market(&mut self, _world: &World, _event: &MarketEvent) -> Result<(), RiskError> {
        Ok(())
    }
    /// The position that a signal asks for, signed.
    ///
    /// # Errors
    /// See [`RiskManager::on_market`].
    fn target(&mut self, world: &World, signal: &SignalEvent) -> Result<Qty, RiskError>;
    /// The size of an order for which the strategy left it open.
    ///
    /// # Errors
    /// See [`RiskManager::on_market`].
    fn order_quantity(&mut self, world: &World, instrument: InstrumentId) -> Result<Qty, RiskError>;
    /// The last word on an order.
    ///
    /// # Errors
    /// See [`RiskManager::on_market`].
    fn check(&mut self, world: &World, order: &OrderEvent) -> Result<Verdict, RiskError>;
}
