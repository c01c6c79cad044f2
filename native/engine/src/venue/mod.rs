//! The simulated venue: takes market data and orders in, gives fills and order updates out.
//!
//! What is common to all markets (checks, fees, margin, the venue's own account) is the [`Ledger`]; how orders meet the
//! market is a [`Matching`]: [`BarMatching`] for bars; one for order books is another implementation of the same trait.

mod bar;
mod book;
mod config;
#[cfg(test)]
mod cost_cases;
pub mod exchange;
mod fees;
mod funding;
pub mod latency;
mod ledger;
mod liquidation;
mod margin;
mod one_clock;
mod path;
mod rules;
#[cfg(test)]
mod tests;
mod working;

pub use bar::BarMatching;
pub use book::{BookMatching, BookOptions, Evidence, QueueModel, reach};
pub use config::{FillOn, Margin, PathRule, VenueConfig};
pub use fees::{FeeBasis, FeeSchedule, FeeTable, FeeTier, HyperliquidFees, MakerTier, PlainFees, REFERRED_VOLUME};
pub use funding::{Funding, FundingRule, eight_hour_rate, hourly_rate, payment, premium, premium_of_middle};
pub use ledger::Ledger;
pub use liquidation::Forced;
pub use margin::Scope;
pub use one_clock::{OneClockError, OneClockVenue};
pub use rules::SCHEDULE_LEAD;

use crate::book::BookKind;
use crate::event::{AccountEvent, Command, Event};
use crate::instrument::{InstrumentId, Instruments};
use crate::num::{Money, NumError, Price, Qty};
use crate::order::{Cloid, FillEvent, OrderEvent, OrderUpdate};
use crate::time::Nanos;

/// What the venue tells us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// An execution of ours.
    Fill(FillEvent),
    /// News of an order.
    Order(OrderUpdate),
    /// Money that moved without a fill.
    Account(AccountEvent),
}

impl Report {
    /// As an event for the system.
    #[must_use]
    pub const fn event(&self) -> Event<'_> {
        match self {
            Self::Fill(fill) => Event::Fill(fill),
            Self::Order(update) => Event::Order(update),
            Self::Account(event) => Event::Account(event),
        }
    }
}

/// How orders meet the market.
pub trait Matching {
    /// What tells of the market.
    type Event;
    /// News from the market; own orders may fill.
    ///
    /// # Errors
    /// [`NumError::Overflow`]; so in all methods.
    fn on_market(
        &mut self,
        ledger: &mut Ledger,
        event: &Self::Event,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError>;
    /// An order arrives.
    ///
    /// # Errors
    /// See [`Matching::on_market`].
    fn submit(
        &mut self,
        ledger: &mut Ledger,
        order: &OrderEvent,
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError>;
    /// A change of price and remaining quantity arrives.
    ///
    /// # Errors
    /// See [`Matching::on_market`].
    fn modify(
        &mut self,
        ledger: &mut Ledger,
        order: (InstrumentId, Cloid),
        to: (Price, Qty),
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError>;
    /// A cancel arrives.
    ///
    /// # Errors
    /// See [`Matching::on_market`].
    fn cancel(
        &mut self,
        ledger: &mut Ledger,
        order: (InstrumentId, Cloid),
        now: Nanos,
        reports: &mut Vec<Report>,
    ) -> Result<(), NumError>;
    /// The plan to cancel everything at a time arrives, or that it is off.
    fn schedule_cancel(&mut self, time: Option<Nanos>, now: Nanos);
}

/// A venue: rules and account of all markets, and a way of matching.
#[derive(Debug, Clone)]
pub struct SimulatedVenue<M> {
    ledger: Ledger,
    matching: M,
}

impl SimulatedVenue<BarMatching> {
    /// A venue for bars.
    #[must_use]
    pub fn bars(config: VenueConfig, instruments: Instruments, deposit: Money) -> Self {
        let matching = BarMatching::new(instruments.len());
        Self { ledger: Ledger::new(config, instruments, deposit), matching }
    }
}

impl SimulatedVenue<BookMatching> {
    /// A venue for books, driven by these kinds of rows, by instrument.
    #[must_use]
    pub fn books(config: VenueConfig, instruments: Instruments, kinds: &[BookKind], deposit: Money) -> Self {
        Self { matching: BookMatching::new(kinds, config.funding), ledger: Ledger::new(config, instruments, deposit) }
    }
}

impl<M: Matching> SimulatedVenue<M> {
    /// Rules and account.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Rules and account, and how orders meet the market, apart.
    pub(crate) const fn parts(&mut self) -> (&mut Ledger, &mut M) {
        (&mut self.ledger, &mut self.matching)
    }

    /// Takes over what the account came to in another run, before the first event of this one.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn restore(&mut self, event: &AccountEvent) -> Result<(), NumError> {
        self.ledger.restore(event)
    }

    /// How orders meet the market.
    #[must_use]
    pub const fn matching(&self) -> &M {
        &self.matching
    }

    /// News from the market; reports are appended.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    #[inline]
    pub fn on_market(&mut self, event: &M::Event, reports: &mut Vec<Report>) -> Result<(), NumError> {
        self.matching.on_market(&mut self.ledger, event, reports)
    }

    /// A command of ours arrives at `now`; reports are appended. Commands that are not for a venue are passed over.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn on_command(&mut self, command: &Command, now: Nanos, reports: &mut Vec<Report>) -> Result<(), NumError> {
        match command {
            Command::Submit(order) => self.matching.submit(&mut self.ledger, order, now, reports),
            Command::Modify { cloid, instrument, price, quantity } => {
                self.matching.modify(&mut self.ledger, (*instrument, *cloid), (*price, *quantity), now, reports)
            }
            Command::Cancel { cloid, instrument } => {
                self.matching.cancel(&mut self.ledger, (*instrument, *cloid), now, reports)
            }
            Command::ScheduleCancel { time } => {
                self.matching.schedule_cancel(*time, now);
                Ok(())
            }
            Command::Refuse(_) | Command::Withhold(_) | Command::SetTimer { .. } | Command::Notice { .. } => Ok(()),
        }
    }
}
