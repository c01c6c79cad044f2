//! The driver for tick data: two clocks, messages that take time, and blocks of rows between the moments that matter.
//!
//! The order at one time is that of SIMULATION, section 3: market data at the venue; marks, triggers, funding and
//! liquidations; our actions; then, with us, fills and order updates; market data; timers. Between two moments at which
//! somebody acts or looks, the venue's book and ours are brought up to date each in one go: nothing that we do can reach the
//! venue before the moment at which we do it.

use std::collections::BTreeMap;
use std::io::Write;

use crate::backtest::feed::{Feed, gallop};
use crate::backtest::marks::{Best, Marks};
use crate::backtest::session::{Session, Timers};
use crate::backtest::{BacktestError, Outcome, POLL, Poll, ROUNDS_MAX};
use crate::event::{Command, Event, TimerEvent};
use crate::instrument::InstrumentId;
use crate::journal::Writer;
use crate::num::Price;
use crate::order::{Cloid, OrderStatus, OrderUpdate, Reason, TimeInForce};
use crate::record::Detail;
use crate::risk::RiskManager;
use crate::row::{Row, RowSource};
use crate::strategy::{Strategy, Wakes};
use crate::stream::SourceError;
use crate::system::TradingSystem;
use crate::time::Nanos;
use crate::venue::latency::{Action, Entry};
use crate::venue::{BookMatching, BookOptions, Report, SimulatedVenue};

/// A backtest over tick data that is ready to run.
pub struct TickBacktest<S, R, W: Write> {
    system: TradingSystem<S, R>,
    venue: SimulatedVenue<BookMatching>,
    feed: Feed,
    detail: Detail,
    journal: Option<Writer<W>>,
}

impl<S: Strategy, R: RiskManager, W: Write> TickBacktest<S, R, W> {
    /// Puts the parts together; starts reading the data. The system's world must have books.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn new(
        system: TradingSystem<S, R>,
        venue: SimulatedVenue<BookMatching>,
        source: Box<dyn RowSource>,
        detail: Detail,
        journal: Option<Writer<W>>,
    ) -> Result<Self, SourceError> {
        Ok(Self { system, venue, feed: Feed::new(source)?, detail, journal })
    }

    /// Runs to the end of the data.
    ///
    /// # Errors
    /// [`BacktestError`].
    pub fn run(mut self, poll: &mut Poll<'_>) -> Result<Outcome, BacktestError> {
        let start = self.feed.venue_rows()?.first().map(|row| row.exchange_time).ok_or(BacktestError::Empty)?;
        let options = self.venue.ledger().config().book.clone();
        let session = Session::start(self.system, self.journal, self.detail, start)?;
        let wakes = session.system.strategy().wakes();
        let wakes = Wakes { trades: wakes.trades || session.system.builds_bars(), ..wakes };
        let marks = (self.detail == Detail::Full).then(|| Marks::new(session.system.world().books.len()));
        let grid = start.floor_to(options.equity_step).after(options.equity_step);
        let mut run = Run {
            session,
            venue: self.venue,
            feed: self.feed,
            options,
            wakes,
            timers: Timers::default(),
            arriving: BTreeMap::new(),
            to_venue: BTreeMap::new(),
            to_us: BTreeMap::new(),
            sequence: 0,
            latest_entry: Nanos::MIN,
            latest_response: Nanos::MIN,
            marks,
            grid,
            instant: Nanos::MIN,
            reports: Vec::new(),
            events: 0,
        };
        run.send(start)?;
        let end = run.until_the_end(poll)?;
        run.session.record_equity(end)?;
        let ticks = run.marks.map(Marks::finish).unwrap_or_default();
        Ok(Outcome { ticks, ..run.session.finish(end, run.events)? })
    }
}

/// When an action is carried out within its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// Before the market data of that time: what a block carries out first.
    First,
    /// After them.
    Last,
}

/// A backtest that runs.
struct Run<S, R, W: Write> {
    session: Session<S, R, W>,
    venue: SimulatedVenue<BookMatching>,
    feed: Feed,
    options: BookOptions,
    wakes: Wakes,
    timers: Timers,
    /// Actions on their way, where they then wait for a block.
    arriving: BTreeMap<(Nanos, u64), Command>,
    /// Actions and when they are carried out.
    to_venue: BTreeMap<(Nanos, Turn, u64), Command>,
    /// Reports on their way to us: at one time fills come before news of orders.
    to_us: BTreeMap<(Nanos, bool, u64), Report>,
    sequence: u64,
    latest_entry: Nanos,
    latest_response: Nanos,
    /// What a report wants to know of the market around fills.
    marks: Option<Marks>,
    /// The next point of the equity curve.
    grid: Nanos,
    /// The time of the last row that the venue had.
    instant: Nanos,
    reports: Vec<Report>,
    events: u64,
}

impl<S: Strategy, R: RiskManager, W: Write> Run<S, R, W> {
    /// From moment to moment. Returns the time of the last thing that was told.
    fn until_the_end(&mut self, poll: &mut Poll<'_>) -> Result<Nanos, BacktestError> {
        let (mut last, mut rounds) = (Nanos::MIN, 0);
        let mut next_poll = POLL;
        loop {
            let ours = self.next_of_ours();
            let venues = self.next_of_the_venue();
            let aim = [ours, venues, Some(self.feed.horizon())].into_iter().flatten().min().unwrap_or(Nanos::MAX);
            let is_over = self.feed.horizon() == Nanos::MAX && aim > self.feed.end();
            let aim = if is_over { self.feed.end() } else { aim };
            let now = self.venue_until(aim)?;
            let is_ours = is_over || self.next_of_ours().is_some_and(|time| time <= now);
            if is_ours {
                self.local(now)?;
            }
            if is_over
                && self.next_of_ours().is_none_or(|time| time > now)
                && self.next_of_the_venue().is_none_or(|time| time > now)
            {
                return Ok(now);
            }
            rounds = if now == last { rounds + 1 } else { 0 };
            last = now;
            if rounds > ROUNDS_MAX {
                return Err(BacktestError::Endless { time: now });
            }
            if self.events >= next_poll {
                next_poll = self.events + POLL;
                if !poll(self.events, now) {
                    return Err(BacktestError::Interrupted { events: self.events });
                }
            }
        }
    }

    /// When something happens with us next: a report, a timer, a row that wakes the strategy, a point of the curve.
    #[inline]
    fn next_of_ours(&mut self) -> Option<Nanos> {
        let report = self.to_us.first_key_value().map(|((time, ..), _)| *time);
        let row = self.feed.arrivals.next_wake(self.wakes);
        [report, self.timers.next(), row, Some(self.grid)].into_iter().flatten().min()
    }

    /// When something happens at the venue next, besides market data.
    #[inline]
    fn next_of_the_venue(&self) -> Option<Nanos> {
        let arriving = self.arriving.first_key_value().map(|((time, _), _)| *time);
        let action = self.to_venue.first_key_value().map(|((time, ..), _)| *time);
        let look = self.marks.as_ref().and_then(Marks::next);
        [arriving, action, self.venue.matching().next_time(), look].into_iter().flatten().min()
    }

    /// Lets the venue go on up to `aim`, or to the time at which we hear of what happened on the way. Returns that time.
    fn venue_until(&mut self, aim: Nanos) -> Result<Nanos, BacktestError> {
        let mut now = aim;
        if self.options.block_mode {
            now = self.market_data(now, false)?;
            self.queue_for_blocks(now)?;
            self.carry_out(now, Turn::First)?;
        }
        now = self.market_data(now, true)?;
        if self.venue.matching().next_time().is_some_and(|time| time <= now) {
            let (ledger, matching) = self.venue.parts();
            matching.on_time(ledger, now, &mut self.reports)?;
            self.dispatch();
        }
        if let Some(marks) = &mut self.marks {
            let matching = self.venue.matching();
            marks.look(now, |id| matching.book(id).and_then(|book| book.levels.mid()));
        }
        self.carry_out(now, Turn::Last)?;
        Ok(now)
    }

    /// Market data at the venue, before `aim` or up to and with it; stops short where a report reaches us earlier.
    fn market_data(&mut self, mut aim: Nanos, with_aim: bool) -> Result<Nanos, BacktestError> {
        loop {
            let is_due = |row: &Row| row.exchange_time < aim || (with_aim && row.exchange_time == aim);
            let rows = self.feed.venue_rows()?;
            let due = rows.get(..gallop(rows, is_due)).unwrap_or_default();
            let (ledger, matching) = self.venue.parts();
            let done = matching.on_rows(ledger, due, &mut self.instant, &mut self.reports)?;
            self.feed.advance(done);
            self.events += done as u64;
            // The last rows of a chunk may not be the last of their instant.
            let next = self.feed.venue_rows()?.first().map(|row| row.exchange_time);
            let (ledger, matching) = self.venue.parts();
            if matching.is_unsettled() && next.is_none_or(|time| time != self.instant) {
                matching.settle(ledger, self.instant, &mut self.reports)?;
            }
            if !self.reports.is_empty() {
                self.dispatch();
                let heard = self.to_us.first_key_value().map(|((time, ..), _)| *time);
                aim = heard.map_or(aim, |time| aim.min(time.max(self.instant)));
            }
            if next.is_none_or(|time| time > aim || (time == aim && !with_aim)) {
                return Ok(aim);
            }
        }
    }

    /// What has arrived waits for the next block: cancels and post-only orders first, the others after its market data.
    fn queue_for_blocks(&mut self, now: Nanos) -> Result<(), BacktestError> {
        while let Some(entry) = self.arriving.first_entry().filter(|e| e.key().0 <= now) {
            let ((time, sequence), command) = entry.remove_entry();
            let recorded = self.feed.venue_rows()?.first().map(|row| row.exchange_time);
            let grid =
                self.options.block_interval.map(|step| time.after(step.after(Nanos::from_raw(-1))).floor_to(step));
            let block = [recorded, grid].into_iter().flatten().min().unwrap_or(time).max(time);
            let is_last = match &command {
                Command::Submit(order) => order.time_in_force != TimeInForce::Alo,
                // A change has the class of its new order.
                Command::Modify { instrument, cloid, .. } => !self.is_post_only(*instrument, *cloid),
                _ => false,
            };
            let turn = if is_last { Turn::Last } else { Turn::First };
            self.to_venue.insert((block, turn, sequence), command);
        }
        Ok(())
    }

    fn is_post_only(&self, instrument: InstrumentId, cloid: Cloid) -> bool {
        let order = self.session.system.world().orders.get(instrument, cloid);
        order.is_some_and(|order| order.event.time_in_force == TimeInForce::Alo)
    }

    /// Our actions whose turn it is.
    fn carry_out(&mut self, now: Nanos, turn: Turn) -> Result<(), BacktestError> {
        while let Some(entry) = self.to_venue.first_entry().filter(|e| (e.key().0, e.key().1) <= (now, turn)) {
            let command = entry.remove();
            self.venue.on_command(&command, now, &mut self.reports)?;
            self.dispatch();
        }
        Ok(())
    }

    /// Sends the venue's reports on their way to us.
    fn dispatch(&mut self) {
        for mut report in self.reports.drain(..) {
            if let (Some(marks), Report::Fill(fill)) = (&mut self.marks, &report) {
                let book = self.venue.matching().book(fill.instrument);
                marks.on_fill(fill, book.and_then(|book| book.levels.mid()));
            }
            let (time, cloid) = match &report {
                Report::Fill(fill) => (fill.time, fill.cloid),
                Report::Order(update) => (update.time, update.cloid),
                Report::Account(event) => (event.time(), Cloid::default()),
            };
            let known = self.session.system.world().feed_latency;
            let feed =
                if self.options.latency.follows_feed() { self.feed.arrivals.latency_at(time, known) } else { known };
            let takes = self.options.latency.response(time, feed, self.options.seed, cloid);
            let mut arrival = time.after(takes);
            if !self.options.latency.is_independent {
                arrival = arrival.max(self.latest_response);
            }
            self.latest_response = arrival;
            match &mut report {
                Report::Fill(fill) => fill.local_time = arrival,
                Report::Order(update) => update.local_time = arrival,
                Report::Account(_) => {}
            }
            self.sequence += 1;
            self.to_us.insert((arrival, matches!(report, Report::Order(_)), self.sequence), report);
        }
    }

    /// All that happens with us at one moment, after the market data that reached us before.
    fn local(&mut self, now: Nanos) -> Result<(), BacktestError> {
        while let Some(rows) = self.feed.arrivals.take(now, false) {
            self.session.step(Event::Ticks(rows.rows()))?;
        }
        let mut has_changed = false;
        while let Some(entry) = self.to_us.first_entry().filter(|e| e.key().0 <= now) {
            let report = entry.remove();
            has_changed |= !matches!(report, Report::Order(_));
            self.session.hear(&report)?;
        }
        while let Some(rows) = self.feed.arrivals.take(now, true) {
            self.session.step(Event::Ticks(rows.rows()))?;
        }
        while let Some(id) = self.timers.pop(now) {
            self.session.step(Event::Timer(TimerEvent { time: now, id }))?;
        }
        self.record(now, has_changed)?;
        self.send(now)
    }

    /// Points of the curves: on a fixed grid, and wherever money moved.
    fn record(&mut self, now: Nanos, has_changed: bool) -> Result<(), BacktestError> {
        let is_due = now >= self.grid;
        let world = self.session.system.world();
        if has_changed || (is_due && world.account.open_positions() > 0) {
            self.session.record_equity(now)?;
        }
        if is_due {
            let world = self.session.system.world();
            for (id, book) in (0_u32..).map(InstrumentId).zip(&world.books) {
                let Some((bid, ask)) = book.levels.best() else { continue };
                let middle = Price::from_raw(bid.raw().midpoint(ask.raw()));
                self.session.recorder.on_price(id, now, middle);
                if let Some(marks) = &mut self.marks {
                    marks.on_best(id, Best { time: now, bid, ask });
                }
            }
            self.grid = now.floor_to(self.options.equity_step).after(self.options.equity_step);
        }
        Ok(())
    }

    /// Sends what the system asked for on its way to the venue.
    fn send(&mut self, now: Nanos) -> Result<(), BacktestError> {
        let mut commands = std::mem::take(&mut self.session.commands);
        for command in commands.drain(..) {
            let (action, instrument, cloid) = match &command {
                Command::SetTimer { time, id } => {
                    self.timers.set(*time, *id, now);
                    continue;
                }
                Command::Refuse(_) | Command::Withhold(_) | Command::Notice { .. } => continue,
                Command::Submit(order) => (Action::Place, order.instrument, order.cloid),
                Command::Modify { cloid, instrument, .. } => (Action::Modify, *instrument, *cloid),
                Command::Cancel { cloid, instrument } => (Action::Cancel, *instrument, *cloid),
                Command::ScheduleCancel { .. } => (Action::Cancel, InstrumentId::default(), Cloid::default()),
            };
            let feed = self.session.system.world().feed_latency;
            self.sequence += 1;
            match self.options.latency.entry(action, now, feed, self.options.seed, cloid) {
                Entry::Takes(time) => {
                    let mut arrival = now.after(time);
                    if !self.options.latency.is_independent {
                        arrival = arrival.max(self.latest_entry);
                    }
                    self.latest_entry = arrival;
                    if self.options.block_mode {
                        self.arriving.insert((arrival, self.sequence), command);
                    } else {
                        self.to_venue.insert((arrival, Turn::Last, self.sequence), command);
                    }
                }
                Entry::Lost(time) => {
                    let reason = Reason::Gateway;
                    let status = match action {
                        Action::Place => OrderStatus::Rejected(reason),
                        Action::Modify | Action::Cancel => OrderStatus::ActionRejected(reason),
                    };
                    let local_time = now.after(time);
                    let update = OrderUpdate { cloid, oid: 0, instrument, status, time: now, local_time };
                    self.to_us.insert((local_time, true, self.sequence), Report::Order(update));
                }
            }
        }
        self.session.commands = commands;
        Ok(())
    }
}
