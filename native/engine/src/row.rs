//! Tick data as rows of 64 bytes: the canonical event table (SIMULATION, section 2).
//!
//! The venue side of a simulation reads rows in the order of their exchange time, our side in the order of their local
//! time. A row says one thing: a level, a print, an order of the book, the venue's context.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::data::fault::SourceError;
use crate::event::{Quote, Trade};
use crate::instrument::InstrumentId;
use crate::num::{Price, Qty, Rate};
use crate::order::Side;
use crate::time::Nanos;

/// What a row says. The numbers are those of the table's `kind` column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum RowKind {
    /// A public print: side of the aggressor, price, quantity, `order_id` = trade id.
    Trade = 0,
    /// An order of the book was executed: `order_id`, and the quantity that this takes out of the book.
    OrderFill = 1,
    /// An order of the book is gone or smaller: `order_id`, the quantity removed.
    OrderCancel = 2,
    /// An order of the book changed: `order_id`, its new price and new whole quantity.
    OrderModify = 3,
    /// An order joined the book: `order_id`, side, price, quantity.
    OrderAdd = 4,
    /// A level now holds `quantity`; zero deletes it.
    BookDelta = 5,
    /// A level of a whole book, between [`Flags::FIRST`] and [`Flags::LAST`]; levels not named are gone.
    BookSnapshot = 6,
    /// A side of the book, or both, is emptied.
    BookClear = 7,
    /// The best level of a side. Drives the book only where that is chosen as its source.
    Quote = 8,
    /// The venue's context: see [`Context`].
    Context = 9,
    /// A settled funding rate: `aux` at 1e-12 an hour, price = oracle.
    Funding = 10,
    /// The state of the instrument: `aux` is a [`Status`].
    Status = 11,
}

impl RowKind {
    /// Every kind, by its number.
    pub const ALL: [Self; 12] = [
        Self::Trade,
        Self::OrderFill,
        Self::OrderCancel,
        Self::OrderModify,
        Self::OrderAdd,
        Self::BookDelta,
        Self::BookSnapshot,
        Self::BookClear,
        Self::Quote,
        Self::Context,
        Self::Funding,
        Self::Status,
    ];
    /// The kind of this number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
    /// Its name in tables and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trade => "trade",
            Self::OrderFill => "order_fill",
            Self::OrderCancel => "order_cancel",
            Self::OrderModify => "order_modify",
            Self::OrderAdd => "order_add",
            Self::BookDelta => "book_delta",
            Self::BookSnapshot => "book_snapshot",
            Self::BookClear => "book_clear",
            Self::Quote => "quote",
            Self::Context => "context",
            Self::Funding => "funding",
            Self::Status => "status",
        }
    }
    /// Its place among rows of one instant: a trade precedes the change of the book that it causes.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Trade => 0,
            // A clearing comes with the orders, and before the levels, that fill the book again.
            Self::OrderFill | Self::OrderCancel | Self::OrderModify | Self::OrderAdd | Self::BookClear => 1,
            Self::BookDelta | Self::BookSnapshot => 2,
            Self::Quote => 3,
            Self::Context => 4,
            Self::Funding => 5,
            Self::Status => 6,
        }
    }
}

/// Which side a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[repr(u8)]
pub enum RowSide {
    /// Nobody knows, or both.
    #[default]
    None = 0,
    /// Bids; of a trade, the buyer took.
    Buy = 1,
    /// Offers; of a trade, the seller took.
    Sell = 2,
}

impl RowSide {
    /// The side of this number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::None),
            1 => Some(Self::Buy),
            2 => Some(Self::Sell),
            _ => None,
        }
    }
    /// As a side of orders.
    #[must_use]
    pub const fn side(self) -> Option<Side> {
        match self {
            Self::None => None,
            Self::Buy => Some(Side::Buy),
            Self::Sell => Some(Side::Sell),
        }
    }
}

impl From<Side> for RowSide {
    fn from(side: Side) -> Self {
        match side {
            Side::Buy => Self::Buy,
            Side::Sell => Self::Sell,
        }
    }
}

/// Marks on a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[repr(transparent)]
pub struct Flags(pub u16);

impl Flags {
    /// The first row of a snapshot.
    pub const FIRST: Self = Self(1);
    /// The last row of a snapshot or of a batch that belongs together: only after it is the book as the venue had it.
    pub const LAST: Self = Self(2);
    /// Older than the start of the stream, sent on subscription: updates nothing and fills nothing.
    pub const HISTORY: Self = Self(4);

    /// Whether all marks of `other` are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
    /// With the marks of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What an instrument lets one do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Status {
    /// Everything.
    Trading = 0,
    /// Only orders that add liquidity.
    PostOnly = 1,
    /// Nothing, for now.
    Halted = 2,
    /// Nothing any more.
    Delisted = 3,
    /// Nothing any more; positions were settled.
    Settled = 4,
}

impl Status {
    /// The status of this number.
    #[must_use]
    pub const fn from_code(code: i64) -> Option<Self> {
        match code {
            0 => Some(Self::Trading),
            1 => Some(Self::PostOnly),
            2 => Some(Self::Halted),
            3 => Some(Self::Delisted),
            4 => Some(Self::Settled),
            _ => None,
        }
    }
}

/// The prices by which the venue values, triggers and funds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Context {
    /// Positions are valued and orders triggered at it.
    pub mark: Price,
    /// The price outside the venue.
    pub oracle: Price,
    /// Average price that a large sale would get; zero if not known.
    pub impact_bid: Price,
    /// Average price that a large purchase would pay; zero if not known.
    pub impact_ask: Price,
}

/// One event of tick data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(C)]
pub struct Row {
    /// When, at the venue.
    pub exchange_time: Nanos,
    /// When it reached us.
    pub local_time: Nanos,
    /// A price, by the kind.
    pub price: Price,
    /// A quantity, by the kind.
    pub quantity: Qty,
    /// An order or a trade of others; 0 if not known.
    pub order_id: u64,
    /// The place that the venue gave it; 0 if not known.
    pub sequence: u64,
    /// What it is about.
    pub instrument: InstrumentId,
    /// What it says.
    pub kind: RowKind,
    /// About which side.
    pub side: RowSide,
    /// Marks.
    pub flags: Flags,
    /// A number more, by the kind.
    pub aux: i64,
}

const _: () = assert!(size_of::<Row>() == 64, "a row fills a cache line");

impl Row {
    /// An empty row of a kind at a time, to be filled in.
    #[must_use]
    pub const fn new(kind: RowKind, instrument: InstrumentId, exchange_time: Nanos, local_time: Nanos) -> Self {
        Self {
            exchange_time,
            local_time,
            price: Price::ZERO,
            quantity: Qty::ZERO,
            order_id: 0,
            sequence: 0,
            instrument,
            kind,
            side: RowSide::None,
            flags: Flags(0),
            aux: 0,
        }
    }
    /// The same row about a level, an order or a print.
    #[must_use]
    pub const fn at(mut self, side: RowSide, price: Price, quantity: Qty) -> Self {
        self.side = side;
        self.price = price;
        self.quantity = quantity;
        self
    }
    /// The same row with the id of an order or a trade.
    #[must_use]
    pub const fn of(mut self, order_id: u64) -> Self {
        self.order_id = order_id;
        self
    }
    /// The same row with more marks.
    #[must_use]
    pub const fn marked(mut self, flags: Flags) -> Self {
        self.flags = self.flags.with(flags);
        self
    }
    /// The same row with a context in it.
    #[must_use]
    pub const fn with_context(mut self, context: Context) -> Self {
        self.price = context.mark;
        self.quantity = Qty::from_raw(context.oracle.raw());
        self.order_id = context.impact_bid.raw().unsigned_abs();
        self.aux = context.impact_ask.raw();
        self
    }
    /// What a row of [`RowKind::Context`] says.
    #[must_use]
    pub fn context(&self) -> Context {
        Context {
            mark: self.price,
            oracle: Price::from_raw(self.quantity.raw()),
            impact_bid: Price::from_raw(i64::try_from(self.order_id).unwrap_or_default()),
            impact_ask: Price::from_raw(self.aux),
        }
    }
    /// The hourly rate of a row of [`RowKind::Funding`].
    #[must_use]
    pub const fn funding_rate(&self) -> Rate {
        Rate::from_raw(self.aux)
    }
    /// What a row of [`RowKind::Trade`] says.
    #[must_use]
    pub const fn trade(&self) -> Trade {
        Trade {
            instrument: self.instrument,
            aggressor: self.side.side(),
            exchange_time: self.exchange_time,
            local_time: self.local_time,
            price: self.price,
            quantity: self.quantity,
            trade_id: self.order_id,
        }
    }
    /// What orders rows of one source in venue time.
    #[must_use]
    pub const fn venue_key(&self) -> (Nanos, u8, u64) {
        (self.exchange_time, self.kind.rank(), self.sequence)
    }
}

impl From<Trade> for Row {
    fn from(trade: Trade) -> Self {
        let side = trade.aggressor.map_or(RowSide::None, RowSide::from);
        Self::new(RowKind::Trade, trade.instrument, trade.exchange_time, trade.local_time)
            .at(side, trade.price, trade.quantity)
            .of(trade.trade_id)
    }
}

/// A run of rows, shared without copying.
pub type RowChunk = Arc<Vec<Row>>;

/// Rows in the order of a run (exchange time, instrument, rank of the kind, sequence), handed out in chunks so that memory
/// stays bounded.
///
/// Instruments have their final numbers: the rank of their symbol in the run.
pub trait RowSource: Send {
    /// The next rows; `None` at the end. A chunk is never empty.
    ///
    /// # Errors
    /// [`SourceError`] for data that cannot be trusted; nothing is handed out after that.
    fn next_rows(&mut self) -> Result<Option<RowChunk>, SourceError>;
}

/// The two rows of a quote: bid, then offer.
#[must_use]
pub const fn rows_of_quote(quote: &Quote) -> [Row; 2] {
    let row = Row::new(RowKind::Quote, quote.instrument, quote.exchange_time, quote.local_time);
    [
        row.at(RowSide::Buy, quote.bid_price, quote.bid_quantity).marked(Flags::FIRST),
        row.at(RowSide::Sell, quote.ask_price, quote.ask_quantity).marked(Flags::LAST),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_the_numbers_of_their_place() {
        for (code, kind) in RowKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, code);
            assert_eq!(RowKind::from_code(u8::try_from(code).unwrap()), Some(kind));
        }
        assert_eq!(RowKind::from_code(12), None);
    }

    #[test]
    fn a_context_survives_its_row() {
        let price = Price::from_raw;
        let context = Context { mark: price(5), oracle: price(7), impact_bid: price(4), impact_ask: price(6) };
        let row = Row::new(RowKind::Context, InstrumentId(3), Nanos::ZERO, Nanos::ZERO).with_context(context);
        assert_eq!(row.context(), context);
    }

    #[test]
    fn a_trade_survives_its_row() {
        let trade = Trade {
            instrument: InstrumentId(1),
            aggressor: Some(Side::Sell),
            exchange_time: Nanos::from_raw(10),
            local_time: Nanos::from_raw(12),
            price: Price::ONE,
            quantity: Qty::ONE,
            trade_id: 9,
        };
        assert_eq!(Row::from(trade).trade(), trade);
    }
}
