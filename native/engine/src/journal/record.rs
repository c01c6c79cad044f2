//! The records of a journal.

use serde::{Deserialize, Serialize};

use crate::event::{AccountEvent, Command, ControlEvent, Event, MarketEvent, TimerEvent};
use crate::order::{FillEvent, OrderUpdate};
use crate::row::Row;

/// An event that went in, or a command that came out. New kinds are added at the end: the position is the code on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// News from the market went in.
    Market(MarketEvent),
    /// The venue's word on an order went in.
    Order(OrderUpdate),
    /// An execution went in.
    Fill(FillEvent),
    /// Money that moved went in.
    Account(AccountEvent),
    /// A timer went in.
    Timer(TimerEvent),
    /// The operator's word went in.
    Control(ControlEvent),
    /// A command came out.
    Command(Command),
    /// The run came to its end: what lacks this was cut off, or has not ended.
    End,
    /// Tick data went in.
    Ticks(Vec<Row>),
}

impl Record {
    /// As an event for the system; `None` for a command and for the end.
    #[must_use]
    pub fn event(&self) -> Option<Event<'_>> {
        Some(match self {
            Self::Market(event) => Event::Market(event),
            Self::Ticks(rows) => Event::Ticks(rows),
            Self::Order(update) => Event::Order(update),
            Self::Fill(fill) => Event::Fill(fill),
            Self::Account(event) => Event::Account(event),
            Self::Timer(timer) => Event::Timer(*timer),
            Self::Control(control) => Event::Control(control),
            Self::Command(_) | Self::End => return None,
        })
    }
}

/// The same as a [`Record`], borrowed from where it lies: what is only written is not copied first. The variants are in the same
/// order, since their position is the code on disk.
#[derive(Debug, Serialize)]
pub(super) enum Borrowed<'a> {
    Market(&'a MarketEvent),
    Order(&'a OrderUpdate),
    Fill(&'a FillEvent),
    Account(&'a AccountEvent),
    Timer(TimerEvent),
    Control(&'a ControlEvent),
    Command(&'a Command),
    #[expect(dead_code, reason = "it keeps the position")]
    End,
    Ticks(&'a [Row]),
}

impl<'a> From<Event<'a>> for Borrowed<'a> {
    fn from(event: Event<'a>) -> Self {
        match event {
            Event::Market(event) => Self::Market(event),
            Event::Ticks(rows) => Self::Ticks(rows),
            Event::Order(update) => Self::Order(update),
            Event::Fill(fill) => Self::Fill(fill),
            Event::Account(event) => Self::Account(event),
            Event::Timer(timer) => Self::Timer(timer),
            Event::Control(control) => Self::Control(control),
        }
    }
}

impl From<Event<'_>> for Record {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Market(event) => Self::Market(*event),
            Event::Ticks(rows) => Self::Ticks(rows.to_vec()),
            Event::Order(update) => Self::Order(update.clone()),
            Event::Fill(fill) => Self::Fill(fill.clone()),
            Event::Account(event) => Self::Account(event.clone()),
            Event::Timer(timer) => Self::Timer(timer),
            Event::Control(control) => Self::Control(control.clone()),
        }
    }
}
