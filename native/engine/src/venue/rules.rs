//! What every way of matching orders one by one holds to: steps, price band, triggers, slices of an order over time,
//! scheduled cancels (SIMULATION, sections 6 and 7).

use crate::instrument::Instrument;
use crate::num::{NumError, Price, Qty, Rate, Rounding};
use crate::order::{Reason, Side};
use crate::time::Nanos;

/// Between two slices of an order over time.
const SLICE: Nanos = Nanos::from_raw(30 * Nanos::SECOND.raw());
/// How far a slice reaches from the middle: 3 %.
pub(super) const SLICE_REACH: Rate = Rate::from_raw(30_000_000_000);
/// A slice is at most this many times the even share.
const CATCH_UP: i64 = 3;
/// A cancel is scheduled at least this far ahead.
pub const SCHEDULE_LEAD: Nanos = Nanos::from_raw(5 * Nanos::SECOND.raw());
/// Scheduled cancels that may fire in a UTC day.
const FIRINGS_MAX: u32 = 10;

/// Checks that a quantity and prices are above zero, and multiples of lot and tick.
pub(super) fn check_steps(
    instrument: &Instrument,
    quantity: Qty,
    prices: impl IntoIterator<Item = Price>,
) -> Result<(), Reason> {
    if !quantity.is_positive() || quantity.raw() % instrument.lot_size.raw() != 0 {
        return Err(Reason::Lot);
    }
    if prices.into_iter().any(|price| !price.is_positive() || !instrument.tick.allows(price)) {
        return Err(Reason::Tick);
    }
    Ok(())
}

/// Whether a limit is further from the mark than a share of it.
///
/// # Errors
/// [`NumError::Overflow`].
pub(super) fn is_outside_band(limit: Price, mark: Price, band: Rate) -> Result<bool, NumError> {
    let width = mark.moved_by(band, Rounding::Floor)?.sub(mark)?;
    Ok(limit.sub(mark)?.abs()? > width)
}

/// Whether a mark has reached the trigger of an order: stops and gains look in opposite directions.
pub(super) fn is_reached(side: Side, is_gain: bool, trigger: Price, mark: Price) -> bool {
    match (side, is_gain) {
        (Side::Sell, false) | (Side::Buy, true) => mark <= trigger,
        (Side::Buy, false) | (Side::Sell, true) => mark >= trigger,
    }
}

/// How many slices an order over time has.
pub(super) fn slices(duration: Nanos) -> i64 {
    (duration.raw() / SLICE.raw()).max(1)
}

/// When a slice is due, by its number from 1.
pub(super) const fn slice_due(start: Nanos, number: i64) -> Nanos {
    start.after(Nanos::from_raw((number - 1) * SLICE.raw()))
}

/// What a slice sends, by its number from 1: all that is missing by then, at most three times the even share.
///
/// # Errors
/// [`NumError::Overflow`].
pub(super) fn slice_size(total: Qty, executed: Qty, number: i64, slices: i64) -> Result<Qty, NumError> {
    let (total, slices) = (i128::from(total.raw()), i128::from(slices));
    let missing = total * i128::from(number) / slices - i128::from(executed.raw());
    let most = total * i128::from(CATCH_UP) / slices;
    let size = i64::try_from(missing.min(most));
    size.map(Qty::from_raw).map_err(|_| NumError::Overflow { operation: "a slice of a TWAP" })
}

/// The scheduled cancels that have fired in a UTC day.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Firings {
    day: i64,
    count: u32,
}

impl Firings {
    /// How many may still fire on the day of `now`.
    pub(super) const fn left(self, now: Nanos) -> u32 {
        let fired = if self.day == now.raw().div_euclid(Nanos::DAY.raw()) { self.count } else { 0 };
        FIRINGS_MAX.saturating_sub(fired)
    }

    /// Counts one that is to fire; false if the day has seen enough.
    pub(super) const fn fire(&mut self, now: Nanos) -> bool {
        let left = self.left(now);
        if left == 0 {
            return false;
        }
        *self = Self { day: now.raw().div_euclid(Nanos::DAY.raw()), count: FIRINGS_MAX - left + 1 };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_sees_ten_scheduled_cancels_and_the_next_ten_more() {
        let mut firings = Firings::default();
        let now = Nanos::from_raw(20_000 * Nanos::DAY.raw());
        assert_eq!((0..12).filter(|_| firings.fire(now)).count(), 10);
        assert_eq!((firings.left(now), firings.left(now.after(Nanos::DAY))), (0, 10));
        assert!(firings.fire(now.after(Nanos::DAY)));
        assert_eq!(firings.left(now.after(Nanos::DAY)), 9);
    }

    #[test]
    fn a_band_is_a_share_of_the_mark_either_way() {
        let price = |text: &str| text.parse::<Price>().unwrap();
        let band: Rate = "0.5".parse().unwrap();
        for (limit, is_outside) in [("50", false), ("49.99", true), ("150", false), ("150.01", true)] {
            assert_eq!(is_outside_band(price(limit), price("100"), band).unwrap(), is_outside, "{limit}");
        }
    }
}
