//! The driver for bars, and for other events that happen and are heard of at one time.
//!
//! At each instant, in rounds (SIMULATION, section 3): all market data to the venue; our actions that arrive; the venue's
//! reports to the system; market data to the system; timers. What a round gives rise to at the same instant is the next one.

use std::io::Write;

use crate::backtest::session::{Session, Timers};
use crate::backtest::{BacktestError, Outcome, POLL, Poll, ROUNDS_MAX};
use crate::event::{Command, Event, MarketEvent, TimerEvent};
use crate::journal::Writer;
use crate::record::Detail;
use crate::risk::RiskManager;
use crate::strategy::Strategy;
use crate::stream::{Merge, Source, SourceError};
use crate::system::TradingSystem;
use crate::time::Nanos;
use crate::venue::{Matching, Report, SimulatedVenue};

/// A backtest that is ready to run.
pub struct Backtest<S, R, M, W: Write> {
    system: TradingSystem<S, R>,
    venue: SimulatedVenue<M>,
    merge: Merge,
    detail: Detail,
    journal: Option<Writer<W>>,
}

impl<S: Strategy, R: RiskManager, M: Matching<Event = MarketEvent>, W: Write> Backtest<S, R, M, W> {
    /// Puts the parts together; starts reading the sources.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn new(
        system: TradingSystem<S, R>,
        venue: SimulatedVenue<M>,
        sources: Vec<Box<dyn Source>>,
        detail: Detail,
        journal: Option<Writer<W>>,
    ) -> Result<Self, SourceError> {
        Ok(Self { system, venue, merge: Merge::new(sources)?, detail, journal })
    }

    /// Runs to the end of the data.
    ///
    /// # Errors
    /// [`BacktestError`].
    pub fn run(self, poll: &mut Poll<'_>) -> Result<Outcome, BacktestError> {
        let mut merge = self.merge;
        let mut batch = merge.next_batch()?;
        let start = batch.iter().map(MarketEvent::began).min().ok_or(BacktestError::Empty)?;
        let session = Session::start(self.system, self.journal, self.detail, start)?;
        let mut run = Run { session, venue: self.venue, timers: Timers::default(), reports: Vec::new() };
        let mut events = 0;
        let mut next_poll = POLL;
        let mut now = start;
        loop {
            let data = batch.first().map(MarketEvent::time);
            now = match (data, run.timers.next()) {
                (Some(data), Some(timer)) => data.min(timer),
                (Some(data), None) => data,
                // Without data there is nothing left to react to: timers beyond the end do not fire.
                (None, _) => break,
            };
            if data == Some(now) {
                run.instant(now, batch)?;
                events += batch.len() as u64;
                batch = merge.next_batch()?;
                if events >= next_poll {
                    next_poll += POLL;
                    if !poll(events, now) {
                        return Err(BacktestError::Interrupted { events });
                    }
                }
            } else {
                run.instant(now, &[])?;
            }
        }
        run.session.finish(now, events)
    }
}

/// A backtest that runs.
struct Run<S, R, M, W: Write> {
    session: Session<S, R, W>,
    venue: SimulatedVenue<M>,
    timers: Timers,
    reports: Vec<Report>,
}

impl<S: Strategy, R: RiskManager, M: Matching<Event = MarketEvent>, W: Write> Run<S, R, M, W> {
    /// All that happens at one moment.
    #[inline]
    fn instant(&mut self, now: Nanos, batch: &[MarketEvent]) -> Result<(), BacktestError> {
        for event in batch {
            self.venue.on_market(event, &mut self.reports)?;
        }
        // What happened inside a bar happened before its close, so the reports come before the bar itself.
        if !self.reports.is_empty() {
            self.deliver()?;
        }
        for event in batch {
            if let MarketEvent::Bar(bar) = event {
                self.session.recorder.on_price(bar.instrument, now, bar.close);
            }
            self.session.step(Event::Market(event))?;
        }
        while let Some(id) = self.timers.pop(now) {
            self.session.step(Event::Timer(TimerEvent { time: now, id }))?;
        }
        let mut rounds = 0;
        while !self.session.commands.is_empty() {
            rounds += 1;
            if rounds > ROUNDS_MAX {
                return Err(BacktestError::Endless { time: now });
            }
            self.arrive(now)?;
        }
        if !batch.is_empty() {
            self.session.record_equity(now)?;
        }
        Ok(())
    }

    /// Our actions reach the venue without delay, its answers come back in the same round.
    #[inline(never)]
    fn arrive(&mut self, now: Nanos) -> Result<(), BacktestError> {
        let commands = std::mem::take(&mut self.session.commands);
        for command in &commands {
            match command {
                Command::SetTimer { time, id } => self.timers.set(*time, *id, now),
                command => self.venue.on_command(command, now, &mut self.reports)?,
            }
        }
        self.session.commands = commands;
        self.session.commands.clear();
        self.deliver()
    }

    /// The venue's reports reach the system, by time.
    #[inline(never)]
    fn deliver(&mut self) -> Result<(), BacktestError> {
        let mut reports = std::mem::take(&mut self.reports);
        reports.sort_by_key(|report| report.event().time());
        for report in &reports {
            self.session.hear(report)?;
        }
        reports.clear();
        self.reports = reports;
        Ok(())
    }
}
