//! A venue on books for drivers with one clock, ours: what happens in the market happens to it when it reaches us.
//!
//! So does paper trading, and the plain loop in Python. Between us and this venue messages take no time; the driver that
//! knows two clocks, latency and blocks is [`crate::backtest::TickBacktest`]. Where all times of the data are ours and
//! messages take no time, both do the same at the same moments.

use crate::book::BookKind;
use crate::event::{AccountEvent, Command};
use crate::instrument::Instruments;
use crate::num::{Money, NumError};
use crate::row::Row;
use crate::time::Nanos;
use crate::venue::{BookMatching, Report, SimulatedVenue, VenueConfig};

/// What one clock cannot tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OneClockError {
    /// Messages would take time.
    #[error(
        "latency: on one clock messages take no time, and these options say that they do: give a constant latency of \
         entry_ns = 0 and response_ns = 0, and changes and cancels none of their own; a backtest on ticks knows latency"
    )]
    Latency,
    /// Actions would wait for a block, whose time nobody knows before it comes.
    #[error("block_mode: on one clock there are no blocks: give block_mode = false; a backtest on ticks knows them")]
    Blocks,
}

/// A venue on books that lives by our clock.
#[derive(Debug, Clone)]
pub struct OneClockVenue {
    venue: SimulatedVenue<BookMatching>,
    /// When the last news of the market came.
    instant: Nanos,
}

impl OneClockVenue {
    /// A venue for books, driven by these kinds of rows, by instrument.
    ///
    /// # Errors
    /// [`OneClockError`] for options of messages that take time.
    pub fn new(
        config: VenueConfig,
        instruments: Instruments,
        kinds: &[BookKind],
        deposit: Money,
    ) -> Result<Self, OneClockError> {
        if !config.book.latency.is_zero() {
            return Err(OneClockError::Latency);
        }
        if config.book.block_mode {
            return Err(OneClockError::Blocks);
        }
        Ok(Self { venue: SimulatedVenue::books(config, instruments, kinds, deposit), instant: Nanos::MIN })
    }

    /// When it has to act next though neither the market nor we say anything; see [`OneClockVenue::on_time`].
    #[must_use]
    pub fn next_time(&self) -> Option<Nanos> {
        let matching = self.venue.matching();
        let unsettled = matching.is_unsettled().then_some(self.instant);
        unsettled.into_iter().chain(matching.next_time()).min()
    }

    /// News of the market, in the order of their local times; reports are appended. What was due before comes first.
    ///
    /// # Errors
    /// [`NumError::Overflow`]; so in all methods.
    pub fn on_market(&mut self, rows: &[Row], reports: &mut Vec<Report>) -> Result<(), NumError> {
        for row in rows {
            // A row that was overtaken on its way is news all the same.
            let row = Row { exchange_time: row.local_time.max(self.instant), ..*row };
            self.catch_up(row.exchange_time, reports)?;
            self.instant = row.exchange_time;
            self.venue.on_market(&row, reports)?;
        }
        Ok(())
    }

    /// The clock says `now`, and all news of the market up to then were told: triggers, funding and liquidations, then what
    /// was due by the clock. To be called after the news of each instant, and whenever [`OneClockVenue::next_time`] has come.
    ///
    /// # Errors
    /// See [`OneClockVenue::on_market`].
    pub fn on_time(&mut self, now: Nanos, reports: &mut Vec<Report>) -> Result<(), NumError> {
        let (ledger, matching) = self.venue.parts();
        if matching.is_unsettled() && self.instant <= now {
            matching.settle(ledger, self.instant, reports)?;
        }
        if matching.next_time().is_some_and(|due| due <= now) {
            matching.on_time(ledger, now, reports)?;
        }
        Ok(())
    }

    /// A command of ours at `now`; reports are appended. What was due before comes first.
    ///
    /// # Errors
    /// See [`OneClockVenue::on_market`].
    pub fn on_command(&mut self, command: &Command, now: Nanos, reports: &mut Vec<Report>) -> Result<(), NumError> {
        self.catch_up(now, reports)?;
        self.venue.on_command(command, now, reports)
    }

    /// Takes over what the account came to in another run, before the first event of this one.
    ///
    /// # Errors
    /// See [`OneClockVenue::on_market`].
    pub fn restore(&mut self, event: &AccountEvent) -> Result<(), NumError> {
        self.venue.restore(event)
    }

    /// What was due before a time, moment by moment: a driver that looks rarely misses nothing.
    fn catch_up(&mut self, time: Nanos, reports: &mut Vec<Report>) -> Result<(), NumError> {
        while let Some(due) = self.next_time().filter(|due| *due < time) {
            self.on_time(due, reports)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::InstrumentId;
    use crate::num::{Price, Qty};
    use crate::order::{Cloid, Group, OrderEvent, OrderKind, OrderStatus, Side, TimeInForce};
    use crate::row::{Flags, RowKind, RowSide};
    use crate::venue::BookOptions;
    use crate::venue::latency::Latency;

    const ID: InstrumentId = InstrumentId(0);

    fn seconds(count: i64) -> Nanos {
        Nanos::from_raw(count * Nanos::SECOND.raw())
    }

    fn config(latency: Latency, block_mode: bool) -> VenueConfig {
        let book = BookOptions { latency, block_mode, ..BookOptions::default() };
        VenueConfig { book, leverage: 10, ..VenueConfig::default() }
    }

    fn venue() -> OneClockVenue {
        let instruments = Instruments::unrestricted(&["BTC".to_owned()]);
        let deposit = "100000".parse().unwrap();
        let config = config(Latency::constant(Nanos::ZERO, Nanos::ZERO), false);
        OneClockVenue::new(config, instruments, &[BookKind::L2], deposit).unwrap()
    }

    /// A level that was told at the venue long before it reached us.
    fn level(side: RowSide, price: &str, quantity: &str, local_time: Nanos) -> Row {
        let row = Row::new(RowKind::BookDelta, ID, Nanos::ZERO, local_time);
        row.at(side, price.parse().unwrap(), quantity.parse().unwrap()).marked(Flags::LAST)
    }

    fn order(kind: OrderKind, quantity: &str, time: Nanos) -> Command {
        Command::Submit(OrderEvent {
            cloid: Cloid(7),
            instrument: ID,
            side: Side::Buy,
            quantity: quantity.parse().unwrap(),
            kind,
            time_in_force: TimeInForce::Gtc,
            reduce_only: false,
            group: Group::None,
            expires_after: None,
            time,
            decision_price: Price::ZERO,
        })
    }

    fn fills(reports: &[Report]) -> Vec<(Nanos, Qty)> {
        let fill = |report: &Report| match report {
            Report::Fill(fill) => Some((fill.time, fill.quantity)),
            _ => None,
        };
        reports.iter().filter_map(fill).collect()
    }

    #[test]
    fn options_of_messages_that_take_time_are_refused() {
        let instruments = Instruments::unrestricted(&["BTC".to_owned()]);
        let make = |config| OneClockVenue::new(config, instruments.clone(), &[BookKind::L2], Money::ZERO).map(|_| ());
        let none = Latency::constant(Nanos::ZERO, Nanos::ZERO);
        let late_cancels = Latency { cancel: Some(Latency::default().place), ..none.clone() };
        assert_eq!(make(config(Latency::default(), false)), Err(OneClockError::Latency));
        assert_eq!(make(config(late_cancels, false)), Err(OneClockError::Latency));
        assert_eq!(make(config(none.clone(), true)), Err(OneClockError::Blocks));
        assert_eq!(make(config(none, false)), Ok(()));
    }

    #[test]
    fn a_fill_has_the_time_at_which_its_evidence_reached_us() {
        let (mut venue, mut reports) = (venue(), Vec::new());
        let book = [level(RowSide::Buy, "99", "1", seconds(10)), level(RowSide::Sell, "101", "1", seconds(10))];
        venue.on_market(&book, &mut reports).unwrap();
        let limit = OrderKind::Limit { price: "100".parse().unwrap() };
        venue.on_command(&order(limit, "1", seconds(11)), seconds(11), &mut reports).unwrap();
        assert!(fills(&reports).is_empty());
        venue.on_market(&[level(RowSide::Sell, "100", "0.4", seconds(12))], &mut reports).unwrap();
        assert_eq!(fills(&reports), [(seconds(12), "0.4".parse().unwrap())]);
    }

    #[test]
    fn slices_of_a_twap_fall_due_without_news_of_the_market() {
        let (mut venue, mut reports) = (venue(), Vec::new());
        let book = [level(RowSide::Buy, "99", "9", seconds(0)), level(RowSide::Sell, "101", "9", seconds(0))];
        venue.on_market(&book, &mut reports).unwrap();
        let twap = OrderKind::Twap { duration: seconds(60) };
        venue.on_command(&order(twap, "2", seconds(1)), seconds(1), &mut reports).unwrap();
        let mut moments = Vec::new();
        while let Some(due) = venue.next_time() {
            venue.on_time(due, &mut reports).unwrap();
            moments.push(due);
        }
        assert_eq!(moments, [seconds(1), seconds(31)]);
        assert_eq!(fills(&reports), [(seconds(1), Qty::ONE), (seconds(31), Qty::ONE)]);
    }

    #[test]
    fn what_was_due_before_a_command_comes_before_it_and_at_its_own_time() {
        let (mut venue, mut reports) = (venue(), Vec::new());
        let book = [level(RowSide::Buy, "99", "9", seconds(0)), level(RowSide::Sell, "101", "9", seconds(0))];
        venue.on_market(&book, &mut reports).unwrap();
        let limit = OrderKind::Limit { price: "98".parse().unwrap() };
        venue.on_command(&order(limit, "1", seconds(1)), seconds(1), &mut reports).unwrap();
        let plan = Command::ScheduleCancel { time: Some(seconds(8)) };
        venue.on_command(&plan, seconds(1), &mut reports).unwrap();
        reports.clear();
        venue.on_command(&Command::ScheduleCancel { time: None }, seconds(20), &mut reports).unwrap();
        let [Report::Order(update)] = reports.as_slice() else { panic!("{reports:?}") };
        assert!(matches!(update.status, OrderStatus::Cancelled(_)));
        assert_eq!(update.time, seconds(8));
        assert_eq!(venue.next_time(), None);
    }
}
