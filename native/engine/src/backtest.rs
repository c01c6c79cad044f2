//! The backtest driver: market data, a trading system and a simulated venue in one deterministic loop.
//!
//! At each instant, in rounds (SIMULATION, section 3): all market data to the venue; our actions that arrive; the venue's
//! reports to the system; market data to the system; timers. What a round gives rise to at the same instant is the next one.

use std::collections::BTreeMap;
use std::io::Write;

use crate::event::{Command, ControlEvent, Event, MarketEvent, TimerEvent};
use crate::journal::{JournalError, Record, Writer};
use crate::num::{Money, NumError};
use crate::record::{Detail, Recorder, Records};
use crate::risk::RiskManager;
use crate::strategy::Strategy;
use crate::stream::{Merge, Source, SourceError};
use crate::system::{SystemError, TradingSystem};
use crate::time::Nanos;
use crate::venue::{Matching, Report, SimulatedVenue};

/// More rounds than this at one instant are an endless conversation between strategy and venue.
const ROUNDS_MAX: usize = 1_000;
/// How many events pass between two looks at progress and interruption.
const POLL: u64 = 1 << 16;

/// Why a backtest stopped.
#[derive(Debug, thiserror::Error)]
pub enum BacktestError {
    /// The data cannot be trusted.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// There are no data.
    #[error("there are no market data to run on")]
    Empty,
    /// Strategy, risk or account failed.
    #[error(transparent)]
    System(#[from] SystemError),
    /// A number left its range at the venue or in the statistics.
    #[error(transparent)]
    Number(#[from] NumError),
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The strategy and the venue talk without end.
    #[error(
        "at {time}: more than {ROUNDS_MAX} rounds at one instant: the strategy answers each report with an order that is answered at once"
    )]
    Endless {
        /// When.
        time: Nanos,
    },
    /// It was asked to stop.
    #[error("interrupted after {events} events")]
    Interrupted {
        /// Events done.
        events: u64,
    },
}

/// What a backtest gives.
#[derive(Debug)]
pub struct Outcome {
    /// Fills, orders, equity, statistics, digest.
    pub records: Records,
    /// The beginning of the first bar, or the time of the first event.
    pub start: Nanos,
    /// The time of the last event.
    pub end: Nanos,
    /// Market events.
    pub events: u64,
    /// Equity at the end.
    pub final_equity: Money,
}

/// Looks at progress from time to time: gets the number of events done and the present time, returns false to interrupt.
pub type Poll<'a> = dyn FnMut(u64, Nanos) -> bool + 'a;

/// A backtest that is ready to run.
pub struct Backtest<S, R, M, W: Write> {
    system: TradingSystem<S, R>,
    venue: SimulatedVenue<M>,
    merge: Merge,
    detail: Detail,
    journal: Option<Writer<W>>,
    timers: BTreeMap<(Nanos, u64), u64>,
    timer_sequence: u64,
    commands: Vec<Command>,
    reports: Vec<Report>,
}

impl<S: Strategy, R: RiskManager, M: Matching, W: Write> Backtest<S, R, M, W> {
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
        Ok(Self {
            system,
            venue,
            merge: Merge::new(sources)?,
            detail,
            journal,
            timers: BTreeMap::new(),
            timer_sequence: 0,
            commands: Vec::new(),
            reports: Vec::new(),
        })
    }

    /// Runs to the end of the data.
    ///
    /// # Errors
    /// [`BacktestError`].
    pub fn run(mut self, poll: &mut Poll<'_>) -> Result<Outcome, BacktestError> {
        let mut merge = std::mem::take(&mut self.merge);
        let mut batch = merge.next_batch()?;
        let start = batch.iter().map(MarketEvent::began).min().ok_or(BacktestError::Empty)?;
        let initial = self.system.world().account.equity()?;
        let instruments = self.system.world().instruments.len();
        let mut recorder = Recorder::new(self.detail, start, initial, instruments);
        self.step(&mut recorder, Event::Control(&ControlEvent::Start { time: start }))?;
        let mut events = 0;
        let mut next_poll = POLL;
        let mut now = start;
        loop {
            let data = batch.first().map(MarketEvent::time);
            let timer = self.timers.first_key_value().map(|((time, _), _)| *time);
            now = match (data, timer) {
                (Some(data), Some(timer)) => data.min(timer),
                (Some(data), None) => data,
                // Without data there is nothing left to react to: timers beyond the end do not fire.
                (None, _) => break,
            };
            if data == Some(now) {
                self.instant(&mut recorder, now, batch)?;
                events += batch.len() as u64;
                batch = merge.next_batch()?;
                if events >= next_poll {
                    next_poll += POLL;
                    if !poll(events, now) {
                        return Err(BacktestError::Interrupted { events });
                    }
                }
            } else {
                self.instant(&mut recorder, now, &[])?;
            }
        }
        self.step(&mut recorder, Event::Control(&ControlEvent::Stop { time: now }))?;
        if let Some(mut journal) = self.journal.take() {
            journal.append(&Record::End)?;
            journal.finish()?;
        }
        let final_equity = self.system.world().account.equity()?;
        Ok(Outcome { records: recorder.finish(now)?, start, end: now, events, final_equity })
    }

    /// All that happens at one moment.
    #[inline]
    fn instant(&mut self, recorder: &mut Recorder, now: Nanos, batch: &[MarketEvent]) -> Result<(), BacktestError> {
        for event in batch {
            self.venue.on_market(event, &mut self.reports)?;
        }
        // What happened inside a bar happened before its close, so the reports come before the bar itself.
        if !self.reports.is_empty() {
            self.deliver(recorder)?;
        }
        for event in batch {
            if let MarketEvent::Bar(bar) = event {
                recorder.on_price(bar.instrument, now, bar.close);
            }
            self.step(recorder, Event::Market(event))?;
        }
        while let Some(entry) = self.timers.first_entry().filter(|e| e.key().0 <= now) {
            let id = entry.remove();
            self.step(recorder, Event::Timer(TimerEvent { time: now, id }))?;
        }
        let mut rounds = 0;
        while !self.commands.is_empty() {
            rounds += 1;
            if rounds > ROUNDS_MAX {
                return Err(BacktestError::Endless { time: now });
            }
            self.arrive(recorder, now)?;
        }
        if !batch.is_empty() {
            let account = &self.system.world().account;
            recorder.on_equity(now, account.equity()?, account.gross_notional());
        }
        Ok(())
    }

    /// Our actions reach the venue without delay, its answers come back in the same round.
    #[inline(never)]
    fn arrive(&mut self, recorder: &mut Recorder, now: Nanos) -> Result<(), BacktestError> {
        let commands = std::mem::take(&mut self.commands);
        for command in &commands {
            match command {
                Command::SetTimer { time, id } => {
                    self.timer_sequence += 1;
                    // A timer for a moment that has passed comes due at the next one.
                    self.timers.insert(((*time).max(now.after(Nanos::from_raw(1))), self.timer_sequence), *id);
                }
                command => self.venue.on_command(command, now, &mut self.reports)?,
            }
        }
        self.commands = commands;
        self.commands.clear();
        self.deliver(recorder)
    }

    /// The venue's reports reach the system, by time.
    #[inline(never)]
    fn deliver(&mut self, recorder: &mut Recorder) -> Result<(), BacktestError> {
        let mut reports = std::mem::take(&mut self.reports);
        reports.sort_by_key(|report| report.event().time());
        for report in &reports {
            match report {
                Report::Fill(fill) => recorder.on_fill(fill)?,
                Report::Order(update) => recorder.on_update(update),
                Report::Account(event) => recorder.on_account(event)?,
            }
            self.step(recorder, report.event())?;
            if let Report::Fill(fill) = report {
                recorder.on_exposure(fill.time, self.system.world().account.open_positions() > 0);
            }
        }
        reports.clear();
        self.reports = reports;
        Ok(())
    }

    /// One event into the system; its commands wait for the next round.
    #[inline(always)] // where the kind of event is known, most of a step falls away
    fn step(&mut self, recorder: &mut Recorder, event: Event<'_>) -> Result<(), BacktestError> {
        let before = self.commands.len();
        self.system.step(event, &mut self.commands)?;
        let new = self.commands.get(before..).unwrap_or_default();
        for command in new {
            recorder.on_command(command);
        }
        if let Some(journal) = &mut self.journal {
            journal.append(&event.into())?;
            for command in new {
                journal.append(&Record::Command(command.clone()))?;
            }
        }
        Ok(())
    }
}
