//! What both drivers share: one event into the system, its commands out, all of it written down.

use std::collections::BTreeMap;
use std::io::Write;

use crate::backtest::{BacktestError, Outcome, TickRecords};
use crate::event::{Command, ControlEvent, Event};
use crate::journal::{Record, Writer};
use crate::record::{Detail, Recorder};
use crate::risk::RiskManager;
use crate::strategy::Strategy;
use crate::system::TradingSystem;
use crate::time::Nanos;
use crate::venue::Report;

/// Timers that strategies have set, in the order in which they come due.
#[derive(Debug, Default)]
pub(super) struct Timers {
    due: BTreeMap<(Nanos, u64), u64>,
    sequence: u64,
}

impl Timers {
    /// A timer for a moment that has passed comes due at the next one.
    pub(super) fn set(&mut self, time: Nanos, id: u64, now: Nanos) {
        self.sequence += 1;
        self.due.insert((time.max(now.after(Nanos::from_raw(1))), self.sequence), id);
    }

    /// When the next one comes due.
    #[inline]
    pub(super) fn next(&self) -> Option<Nanos> {
        self.due.first_key_value().map(|((time, _), _)| *time)
    }

    /// The id of one that is due.
    #[inline]
    pub(super) fn pop(&mut self, now: Nanos) -> Option<u64> {
        self.due.first_entry().filter(|e| e.key().0 <= now).map(std::collections::btree_map::OccupiedEntry::remove)
    }
}

/// A system at work, its record and its journal.
pub(super) struct Session<S, R, W: Write> {
    pub(super) system: TradingSystem<S, R>,
    pub(super) recorder: Recorder,
    /// What the system asked for and nobody has carried out yet.
    pub(super) commands: Vec<Command>,
    journal: Option<Writer<W>>,
    start: Nanos,
}

impl<S: Strategy, R: RiskManager, W: Write> Session<S, R, W> {
    /// Tells the system that trading starts.
    pub(super) fn start(
        system: TradingSystem<S, R>,
        journal: Option<Writer<W>>,
        detail: Detail,
        start: Nanos,
    ) -> Result<Self, BacktestError> {
        let initial = system.world().account.equity()?;
        let recorder = Recorder::new(detail, start, initial, system.world().instruments.len());
        let mut session = Self { system, recorder, commands: Vec::new(), journal, start };
        session.step(Event::Control(&ControlEvent::Start { time: start }))?;
        Ok(session)
    }

    /// One event into the system; its commands wait to be carried out.
    #[inline(always)] // where the kind of event is known, most of a step falls away
    pub(super) fn step(&mut self, event: Event<'_>) -> Result<(), BacktestError> {
        let before = self.commands.len();
        self.system.step(event, &mut self.commands)?;
        let new = self.commands.get(before..).unwrap_or_default();
        for command in new {
            self.recorder.on_command(command);
        }
        if let Some(journal) = &mut self.journal {
            journal.append_step(event, new)?;
        }
        Ok(())
    }

    /// The venue's word reaches the system.
    pub(super) fn hear(&mut self, report: &Report) -> Result<(), BacktestError> {
        match report {
            Report::Fill(fill) => self.recorder.on_fill(fill)?,
            Report::Order(update) => self.recorder.on_update(update),
            Report::Account(event) => self.recorder.on_account(event)?,
        }
        self.step(report.event())?;
        if let Report::Fill(fill) = report {
            self.recorder.on_exposure(fill.local_time, self.system.world().account.open_positions() > 0);
        }
        Ok(())
    }

    /// A point of the equity curve.
    #[inline]
    pub(super) fn record_equity(&mut self, now: Nanos) -> Result<(), BacktestError> {
        let account = &self.system.world().account;
        self.recorder.on_equity(now, account.equity()?, account.gross_notional());
        Ok(())
    }

    /// Tells the system that trading ends, and closes the books.
    pub(super) fn finish(mut self, end: Nanos, events: u64) -> Result<Outcome, BacktestError> {
        self.step(Event::Control(&ControlEvent::Stop { time: end }))?;
        if let Some(mut journal) = self.journal.take() {
            journal.append(&Record::End)?;
            journal.finish()?;
        }
        let final_equity = self.system.world().account.equity()?;
        Ok(Outcome {
            records: self.recorder.finish(end)?,
            start: self.start,
            end,
            events,
            final_equity,
            ticks: TickRecords::default(),
        })
    }
}
