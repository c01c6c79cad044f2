//! What a bot knows: the time, what can be traded, its account and its orders.

use crate::account::Account;
use crate::book::{BookKind, MarketBook};
use crate::instrument::{InstrumentId, Instruments};
use crate::num::{Money, Price};
use crate::orders::Orders;
use crate::time::Nanos;

/// Whether a bot may trade, by the operator's last word on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// It may.
    #[default]
    Trading,
    /// What it hears is history: nothing that it asks for is done.
    WarmingUp,
    /// It may only bring positions closer to zero.
    Paused,
}

impl Mode {
    /// `trading`, `warming_up` or `paused`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trading => "trading",
            Self::WarmingUp => "warming_up",
            Self::Paused => "paused",
        }
    }
}

/// All that is known: what strategies and risk managers look at.
#[derive(Debug, Clone)]
pub struct World {
    /// The time of the present event; never goes back.
    pub now: Nanos,
    /// What can be traded.
    pub instruments: Instruments,
    /// Positions and money, as far as fills have arrived.
    pub account: Account,
    /// Our orders that are not done.
    pub orders: Orders,
    /// The books as far as they have reached us, by instrument; none where the data hold bars.
    pub books: Vec<MarketBook>,
    /// How long the last market data took to reach us.
    pub feed_latency: Nanos,
    /// Whether we may trade.
    pub mode: Mode,
}

impl World {
    /// A bot's world before its first event: `deposit` in the account, no positions, no orders.
    #[must_use]
    pub fn new(bot_id: &str, epoch: u32, instruments: Instruments, deposit: Money) -> Self {
        let count = instruments.len();
        Self {
            now: Nanos::MIN,
            account: Account::new(deposit, count),
            orders: Orders::new(bot_id, epoch, count),
            books: Vec::new(),
            feed_latency: Nanos::ZERO,
            mode: Mode::default(),
            instruments,
        }
    }
    /// The same with empty books, driven by these kinds of rows.
    #[must_use]
    pub fn with_books(mut self, kinds: &[BookKind]) -> Self {
        self.books = kinds.iter().map(|kind| MarketBook::new(*kind)).collect();
        self
    }
    /// The book of an instrument, as far as it has reached us.
    #[must_use]
    #[inline]
    pub fn book(&self, instrument: InstrumentId) -> Option<&MarketBook> {
        self.books.get(instrument.index())
    }
    /// The last price seen; zero before the first.
    #[must_use]
    pub fn last_price(&self, instrument: InstrumentId) -> Price {
        let mark = self.book(instrument).and_then(MarketBook::mark);
        mark.unwrap_or_else(|| self.account.mark(instrument))
    }
    /// The price against which the slippage of an order is measured: the middle of the book, or the last price.
    #[must_use]
    pub fn decision_price(&self, instrument: InstrumentId) -> Price {
        let middle = self.book(instrument).and_then(|book| book.levels.mid());
        middle.unwrap_or_else(|| self.last_price(instrument))
    }
}
