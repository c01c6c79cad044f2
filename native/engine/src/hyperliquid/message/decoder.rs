//! A message of the socket into rows of the market and typed news.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::account::ActiveAssetData;
use super::error::MessageError;
use super::fast;
use super::json::{Raw, View, Wire};
use super::market::{AllContexts, BestPrices, Book, Candle, CoinContext, CoinSpotContext, Mids, PublicTrade};
use super::orders::OrderNews;
use super::stream::{
    Notification, Post, Subscription, UserClearinghouse, UserEvent, UserFills, UserFundings, UserLedger, UserOrders,
    UserSpot, UserTwapFills,
};
use crate::event::Bar;
use crate::hyperliquid::names::{channel, field};
use crate::instrument::InstrumentId;
use crate::row::{Flags, Row};
use crate::time::Nanos;

/// More names than this are not counted apart: they come from outside, and memory is bounded.
const NAMES_MAX: usize = 256;
/// More of a name than this is not kept.
const NAME_CHARS_MAX: usize = 64;

/// Declares the messages that are passed on as they are read, by their channels.
macro_rules! messages {
    ($( $(#[$doc:meta])* $variant:ident($kind:ty) = $channel:ident, )*) => {
        /// A message of the socket.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Message {
            /// News of a market: its rows were appended.
            Rows,
            /// A bar, which grows until its end has passed.
            Bar(Bar),
            /// The context of a perpetual; its row was appended.
            Context(CoinContext),
            /// The context of a spot pair; its row was appended.
            SpotContext(CoinSpotContext),
            $( $(#[$doc])* $variant($kind), )*
            /// The answer to a ping.
            Pong,
            /// Text that is no JSON: the greeting of a new connection.
            Greeting(Box<str>),
            /// A channel, an event of an account or a coin that is not known; the name was counted.
            Unknown(Box<str>),
        }

        impl Message {
            /// Every channel whose messages hold data that are known.
            const CHANNELS: &[&str] = &[
                channel::L2_BOOK, channel::TRADES, channel::BBO, channel::CANDLE, channel::ACTIVE_ASSET_CTX,
                channel::ACTIVE_SPOT_ASSET_CTX, $( channel::$channel, )*
            ];
            /// The channel that it comes from; for what is not known, `unknown`.
            #[must_use]
            pub const fn channel(&self) -> &'static str {
                match self {
                    Self::Rows => "rows",
                    Self::Bar(_) => channel::CANDLE,
                    Self::Context(_) => channel::ACTIVE_ASSET_CTX,
                    Self::SpotContext(_) => channel::ACTIVE_SPOT_ASSET_CTX,
                    $( Self::$variant(_) => channel::$channel, )*
                    Self::Pong => channel::PONG,
                    Self::Greeting(_) => "greeting",
                    Self::Unknown(_) => "unknown",
                }
            }
            /// What it says, as something to show. Rows and bars are not shown so: they are events of their own.
            #[must_use]
            pub fn view(&self) -> View<'_> {
                match self {
                    Self::Rows | Self::Bar(_) | Self::Pong => View::Nothing,
                    Self::Context(context) => context.view(),
                    Self::SpotContext(context) => context.view(),
                    $( Self::$variant(news) => news.view(), )*
                    Self::Greeting(text) | Self::Unknown(text) => text.view(),
                }
            }
            fn passed_on(name: &str, data: Raw<'_>) -> Option<Result<Self, MessageError>> {
                Some(match name {
                    $( channel::$channel => Wire::read(data, field::DATA).map(Self::$variant), )*
                    _ => return None,
                })
            }
        }
    };
}

messages! {
    /// The middle of each book.
    Mids(Mids) = ALL_MIDS,
    /// The contexts of all perpetuals.
    AllContexts(AllContexts) = ALL_DEXS_ASSET_CTXS,
    /// What became of orders; nothing says whose.
    Orders(Vec<OrderNews>) = ORDER_UPDATES,
    /// News of an account; nothing says whose.
    User(UserEvent) = USER,
    /// Fills of an account.
    Fills(UserFills) = USER_FILLS,
    /// Funding of an account.
    Fundings(UserFundings) = USER_FUNDINGS,
    /// Movements of money of an account.
    Ledger(UserLedger) = USER_NON_FUNDING_LEDGER_UPDATES,
    /// Fills of slicing orders of an account.
    TwapFills(UserTwapFills) = USER_TWAP_SLICE_FILLS,
    /// The perpetuals of an account.
    Clearinghouse(UserClearinghouse) = CLEARINGHOUSE_STATE,
    /// The tokens of an account.
    Spot(UserSpot) = SPOT_STATE,
    /// The open orders of an account.
    OpenOrders(UserOrders) = OPEN_ORDERS,
    /// What an account may trade.
    ActiveAsset(ActiveAssetData) = ACTIVE_ASSET_DATA,
    /// The answer to a post.
    Post(Post) = POST,
    /// A subscription was taken up or ended.
    Subscription(Subscription) = SUBSCRIPTION_RESPONSE,
    /// The exchange refuses something, in its words; nothing says what, unless the words do.
    Error(Box<str>) = ERROR,
    /// Something for a person to read.
    Notification(Notification) = NOTIFICATION,
}

/// Reads messages for the instruments that it knows.
#[derive(Debug, Default)]
pub struct Decoder {
    coins: FxHashMap<Box<str>, InstrumentId>, // never iterated
    history_before: Nanos,
    newest: Nanos,
    unknown: BTreeMap<Box<str>, u64>,
}

impl Decoder {
    /// For instruments with these names of the exchange.
    pub fn new(coins: impl IntoIterator<Item = (Box<str>, InstrumentId)>) -> Self {
        Self { coins: coins.into_iter().collect(), ..Self::default() }
    }

    /// The instrument that the exchange calls so.
    #[must_use]
    pub fn find(&self, coin: &str) -> Option<InstrumentId> {
        self.coins.get(coin).copied()
    }

    /// Trades before this time of the exchange are marked as history from now on: what comes first after a subscription
    /// is older than the stream.
    pub const fn set_history_before(&mut self, time: Nanos) {
        self.history_before = time;
    }

    /// The newest time of the exchange in any message of a market; zero before the first.
    #[must_use]
    pub const fn newest(&self) -> Nanos {
        self.newest
    }

    /// What was not known, and how often it came. Beyond some hundred names, `…` stands for all others.
    #[must_use]
    pub const fn unknown(&self) -> &BTreeMap<Box<str>, u64> {
        &self.unknown
    }

    /// Reads a message that came at a local time. Rows of markets are appended in the order of the message.
    ///
    /// # Errors
    /// [`MessageError`]; nothing is appended then.
    pub fn message(&mut self, bytes: &[u8], local_time: Nanos, rows: &mut Vec<Row>) -> Result<Message, MessageError> {
        let find = |coin: &str| self.coins.get(coin).copied();
        if let Some(time) = fast::book_message(bytes, find, local_time, rows) {
            self.newest = self.newest.max(time);
            return Ok(Message::Rows);
        }
        let from = rows.len();
        let message = self.any_message(bytes, local_time, rows);
        if message.is_err() {
            rows.truncate(from);
        }
        message
    }

    fn any_message(&mut self, bytes: &[u8], local_time: Nanos, rows: &mut Vec<Row>) -> Result<Message, MessageError> {
        if bytes.first().is_some_and(u8::is_ascii_alphabetic) {
            let text = std::str::from_utf8(bytes).map_err(|error| MessageError::NotText { at: error.valid_up_to() })?;
            return Ok(Message::Greeting(text.chars().take(NAME_CHARS_MAX).collect::<String>().into()));
        }
        let [name, data] = Raw::whole(bytes, "message")?.fields(&[field::CHANNEL, field::DATA], "message")?;
        let name = name.ok_or(MessageError::Missing { field: field::CHANNEL })?.text(field::CHANNEL)?;
        if name == channel::PONG {
            return Ok(Message::Pong);
        }
        let Some(data) = data else {
            let is_known = Message::CHANNELS.contains(&&*name);
            return if is_known {
                Err(MessageError::Missing { field: field::DATA })
            } else {
                Ok(self.not_known(&name))
            };
        };
        match &*name {
            channel::L2_BOOK => self.book(&Wire::read(data, field::DATA)?, local_time, rows),
            channel::TRADES => self.trades(&Vec::read(data, field::DATA)?, local_time, rows),
            channel::BBO => self.best(&Wire::read(data, field::DATA)?, local_time, rows),
            channel::CANDLE => self.bar(&Wire::read(data, field::DATA)?),
            channel::ACTIVE_ASSET_CTX => self.context(Wire::read(data, field::DATA)?, local_time, rows),
            channel::ACTIVE_SPOT_ASSET_CTX => self.spot_context(Wire::read(data, field::DATA)?, local_time, rows),
            other => match Message::passed_on(other, data) {
                Some(Ok(Message::User(event))) if event.is_unknown() => {
                    let entries = data.entries(field::DATA)?;
                    let what = entries.first().map_or("nothing", |(key, _)| key);
                    Ok(self.not_known(&format!("{name}: {what}")))
                }
                Some(message) => message,
                None => Ok(self.not_known(&name)),
            },
        }
    }

    fn book(&mut self, book: &Book, local_time: Nanos, rows: &mut Vec<Row>) -> Result<Message, MessageError> {
        let Some(instrument) = self.find(&book.coin) else { return Ok(self.not_known_coin(&book.coin)) };
        book.rows(instrument, local_time, rows)?;
        self.newest = self.newest.max(book.time);
        Ok(Message::Rows)
    }

    fn trades(
        &mut self,
        trades: &[PublicTrade],
        local_time: Nanos,
        rows: &mut Vec<Row>,
    ) -> Result<Message, MessageError> {
        let mut unknown = None;
        let mut newest = self.newest;
        for trade in trades {
            let Some(instrument) = self.find(&trade.coin) else {
                unknown.get_or_insert(&*trade.coin);
                continue;
            };
            let row = trade.row(instrument, local_time)?;
            rows.push(if trade.time < self.history_before { row.marked(Flags::HISTORY) } else { row });
            newest = newest.max(trade.time);
        }
        self.newest = newest;
        Ok(unknown.map_or(Message::Rows, |coin| self.not_known_coin(coin)))
    }

    fn best(&mut self, best: &BestPrices, local_time: Nanos, rows: &mut Vec<Row>) -> Result<Message, MessageError> {
        let Some(instrument) = self.find(&best.coin) else { return Ok(self.not_known_coin(&best.coin)) };
        rows.extend(best.rows(instrument, local_time)?);
        self.newest = self.newest.max(best.time);
        Ok(Message::Rows)
    }

    fn bar(&mut self, candle: &Candle) -> Result<Message, MessageError> {
        match self.find(&candle.coin) {
            Some(instrument) => candle.bar(instrument).map(Message::Bar),
            None => Ok(self.not_known_coin(&candle.coin)),
        }
    }

    fn context(
        &mut self,
        context: CoinContext,
        local_time: Nanos,
        rows: &mut Vec<Row>,
    ) -> Result<Message, MessageError> {
        let Some(instrument) = self.find(&context.coin) else { return Ok(self.not_known_coin(&context.coin)) };
        rows.push(context.context.row(instrument, self.context_time(local_time), local_time)?);
        Ok(Message::Context(context))
    }

    fn spot_context(
        &mut self,
        context: CoinSpotContext,
        local_time: Nanos,
        rows: &mut Vec<Row>,
    ) -> Result<Message, MessageError> {
        let Some(instrument) = self.find(&context.coin) else { return Ok(self.not_known_coin(&context.coin)) };
        rows.push(context.context.row(instrument, self.context_time(local_time), local_time)?);
        Ok(Message::SpotContext(context))
    }

    /// A context says no time: it is as new as the newest message before it.
    fn context_time(&self, local_time: Nanos) -> Nanos {
        if self.newest > Nanos::ZERO { self.newest } else { local_time }
    }

    fn not_known_coin(&mut self, coin: &str) -> Message {
        self.not_known(&format!("coin: {coin}"))
    }

    fn not_known(&mut self, name: &str) -> Message {
        let name: Box<str> = name.chars().take(NAME_CHARS_MAX).collect::<String>().into();
        let is_counted = self.unknown.contains_key(&name) || self.unknown.len() < NAMES_MAX;
        let counted = if is_counted { name.clone() } else { "…".into() };
        let count = self.unknown.entry(counted).or_default();
        *count = count.saturating_add(1);
        Message::Unknown(name)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
