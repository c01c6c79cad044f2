//! Round trips: from flat to a position and back to flat. A flip ends one and starts one.

use crate::account::{Average, Position};
use crate::event::AccountEvent;
use crate::instrument::InstrumentId;
use crate::num::{Money, NumError, Price, Qty};
use crate::order::{FillEvent, Side};
use crate::time::Nanos;

/// A finished round trip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundTrip {
    /// What was traded.
    pub instrument: InstrumentId,
    /// Buy for a long one.
    pub side: Side,
    /// When it was opened.
    pub entry_time: Nanos,
    /// When it was closed.
    pub exit_time: Nanos,
    /// All that was opened in it.
    pub quantity: Qty,
    /// What that cost, without sign.
    pub entry_notional: Money,
    /// Average price of what was opened.
    pub entry_price: Price,
    /// Average price of what was closed.
    pub exit_price: Price,
    /// Profit after fees.
    pub pnl: Money,
    /// Fees less rebates.
    pub fees: Money,
    /// Funding received less paid.
    pub funding: Money,
}

#[derive(Debug, Clone, Copy, Default)]
struct Open {
    position: Position,
    entry_time: Nanos,
    quantity: Qty,
    entry_notional: Money,
    entry: Average,
    exit: Average,
    realised: Money,
    fees: Money,
    funding: Money,
}

/// Follows fills and finds the round trips in them.
#[derive(Debug, Clone)]
pub struct RoundTrips {
    open: Vec<Open>,
}

impl RoundTrips {
    /// For `instruments` instruments, all flat.
    #[must_use]
    pub fn new(instruments: usize) -> Self {
        Self { open: vec![Open::default(); instruments] }
    }

    /// Takes in a fill; returns the round trip that it finished.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn on_fill(&mut self, fill: &FillEvent) -> Result<Option<RoundTrip>, NumError> {
        let Some(open) = self.open.get_mut(fill.instrument.index()) else { return Ok(None) };
        let applied = open.position.apply(fill.side, fill.price, fill.quantity)?;
        let closing_fee = fill.fee.share(applied.closed, fill.quantity)?;
        let opening_fee = fill.fee.sub(closing_fee)?;
        let mut finished = None;
        if !applied.closed.is_zero() {
            open.exit.add(fill.price, applied.closed)?;
            open.realised = open.realised.add(applied.realised)?;
            open.fees = open.fees.add(closing_fee)?;
            if applied.closed == applied.before.abs()? {
                finished = Some(RoundTrip {
                    instrument: fill.instrument,
                    side: fill.side.opposite(),
                    entry_time: open.entry_time,
                    exit_time: fill.time,
                    quantity: open.quantity,
                    entry_notional: open.entry_notional,
                    entry_price: open.entry.price().unwrap_or(fill.price),
                    exit_price: open.exit.price().unwrap_or(fill.price),
                    pnl: open.realised.sub(open.fees)?,
                    fees: open.fees,
                    funding: open.funding,
                });
                *open = Open { position: open.position, ..Open::default() };
            }
        }
        if !applied.opened.is_zero() {
            if open.quantity.is_zero() {
                open.entry_time = fill.time;
            }
            open.quantity = open.quantity.add(applied.opened)?;
            open.entry.add(fill.price, applied.opened)?;
            open.entry_notional = open.entry_notional.add(fill.price.notional(applied.opened)?)?;
            open.fees = open.fees.add(opening_fee)?;
        }
        Ok(finished)
    }

    /// Takes in money that moved without a fill, where it belongs to an open round trip. Funding is shown apart from its
    /// profit; a builder's fee, which comes just before its fill, is one of the fees.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn on_account(&mut self, event: &AccountEvent) -> Result<(), NumError> {
        match event {
            AccountEvent::Funding { instrument, payment, .. } => {
                if let Some(open) = self.open.get_mut(instrument.index()).filter(|o| !o.position.is_flat()) {
                    open.funding = open.funding.sub(*payment)?;
                }
            }
            AccountEvent::BuilderFee { instrument, fee, .. } => {
                if let Some(open) = self.open.get_mut(instrument.index()) {
                    open.fees = open.fees.add(*fee)?;
                }
            }
            AccountEvent::Position { time, instrument, quantity, entry } => {
                if let Some(open) = self.open.get_mut(instrument.index()) {
                    // What led to it is not known: no trip has ended, and what is held begins one.
                    *open = Open::default();
                    if !quantity.is_zero() {
                        let (size, cost) = (quantity.abs()?, entry.notional(*quantity)?);
                        open.position = Position { quantity: *quantity, cost };
                        open.entry_time = *time;
                        open.quantity = size;
                        open.entry.add(*entry, size)?;
                        open.entry_notional = cost.abs()?;
                    }
                }
            }
            AccountEvent::Backstop { .. } | AccountEvent::Transfer { .. } => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::tests::fill;

    #[test]
    fn funding_of_a_round_trip_is_shown_apart_and_a_builders_fee_is_a_cost_of_it() {
        const U: i64 = 100_000_000;
        let id = InstrumentId(0);
        let (time, rate, oracle) = (Nanos::ZERO, crate::num::Rate::ZERO, Price::ONE);
        let funding = |payment| AccountEvent::Funding { time, instrument: id, rate, oracle, payment };
        let mut trips = RoundTrips::new(1);
        trips.on_account(&funding(Money::ONE)).unwrap();
        trips.on_account(&AccountEvent::BuilderFee { time, instrument: id, fee: Money::ONE }).unwrap();
        trips.on_fill(&fill(0, Side::Buy, 100 * U, U, U)).unwrap();
        trips.on_account(&funding(Money::from_raw(3 * U))).unwrap();
        trips.on_account(&funding(Money::from_raw(-U))).unwrap();
        let trip = trips.on_fill(&fill(0, Side::Sell, 110 * U, U, U)).unwrap().unwrap();
        assert_eq!((trip.pnl.to_string(), trip.fees.to_string()), ("7".to_owned(), "3".to_owned()));
        assert_eq!(trip.funding.to_string(), "-2", "paid while flat it belongs to no trip");
    }

    #[test]
    fn a_position_that_the_venue_tells_of_begins_a_round_trip_and_ends_none() {
        const U: i64 = 100_000_000;
        let (time, instrument) = (Nanos::from_raw(9), InstrumentId(0));
        let told = |quantity: i64, entry: i64| {
            let (quantity, entry) = (Qty::from_raw(quantity * U), Price::from_raw(entry * U));
            AccountEvent::Position { time, instrument, quantity, entry }
        };
        let mut trips = RoundTrips::new(1);
        trips.on_fill(&fill(0, Side::Buy, 100 * U, U, U)).unwrap();
        trips.on_account(&told(-2, 50)).unwrap();
        let trip = trips.on_fill(&fill(0, Side::Buy, 40 * U, 2 * U, U)).unwrap().unwrap();
        assert_eq!((trip.side, trip.entry_time, trip.entry_notional.to_string()), (Side::Sell, time, "100".to_owned()));
        assert_eq!((trip.pnl.to_string(), trip.entry_price.to_string()), ("19".to_owned(), "50".to_owned()));
        trips.on_fill(&fill(0, Side::Buy, 100 * U, U, U)).unwrap();
        trips.on_account(&told(0, 0)).unwrap();
        assert_eq!(trips.on_fill(&fill(0, Side::Sell, 100 * U, U, U)).unwrap(), None, "flat, so it opened");
    }

    #[test]
    fn a_flip_ends_one_round_trip_and_starts_one_with_its_fee_split_by_quantity() {
        const U: i64 = 100_000_000;
        let mut trips = RoundTrips::new(1);
        let mut take = |side, price: i64, quantity: i64, fee: i64| {
            let fill = fill(0, side, price * U, quantity * U, fee * U);
            trips.on_fill(&fill).unwrap()
        };
        assert_eq!(take(Side::Buy, 100, 1, 1), None);
        let first = take(Side::Sell, 110, 3, 3).unwrap();
        assert_eq!((first.side, first.pnl.to_string()), (Side::Buy, "8".to_owned()));
        assert_eq!(take(Side::Buy, 100, 1, 0), None);
        let second = take(Side::Buy, 90, 1, 1).unwrap();
        assert_eq!((second.side, second.pnl.to_string()), (Side::Sell, "27".to_owned()));
        assert_eq!((second.entry_price.to_string(), second.exit_price.to_string()), ("110".into(), "95".into()));
        assert_eq!(second.fees.to_string(), "3");
    }
}
