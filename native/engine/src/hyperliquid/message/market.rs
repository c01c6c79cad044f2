//! What the exchange says of its markets: books, trades, best bids and offers, bars, mid prices, contexts.

use super::error::MessageError;
use super::json::record;
use super::kinds::ByName;
use super::statistic::Statistic;
use crate::data::tick::mark_book;
use crate::event::{Bar, Quote};
use crate::instrument::InstrumentId;
use crate::num::{Price, Qty, Rate};
use crate::order::Side;
use crate::row::{Context, Row, RowKind, RowSide, rows_of_quote};
use crate::time::Nanos;

record! {
    /// What stands at a price.
    Level {
        /// The price.
        price: Price = PX,
        /// The sum of its orders.
        quantity: Qty = SZ,
        /// How many they are.
        orders: Option<u32> = N,
    }
}

record! {
    /// A whole book, as far as it is shown.
    Book {
        /// The exchange's name of the instrument.
        coin: Box<str> = COIN,
        /// When it was so.
        time: Nanos = TIME,
        /// Bids, then offers; best first.
        levels: (Vec<Level>, Vec<Level>) = LEVELS,
    }
}

record! {
    /// A public print.
    PublicTrade {
        /// The exchange's name of the instrument.
        coin: Box<str> = COIN,
        /// Who took.
        side: Side = SIDE,
        /// The price.
        price: Price = PX,
        /// How much.
        quantity: Qty = SZ,
        /// When.
        time: Nanos = TIME,
        /// A number for the pair of orders that met.
        trade_id: u64 = TID,
        /// Buyer and seller.
        users: Option<(Box<str>, Box<str>)> = USERS,
    }
}

record! {
    /// The best bid and offer have changed.
    BestPrices {
        /// The exchange's name of the instrument.
        coin: Box<str> = COIN,
        /// When.
        time: Nanos = TIME,
        /// Bid and offer; none where nothing stands on the side.
        best: (Option<Level>, Option<Level>) = BBO,
    }
}

record! {
    /// A bar. The last one of an answer, and each one of a stream, may be unfinished.
    Candle {
        /// The exchange's name of the instrument.
        coin: Box<str> = S,
        /// The length of its interval, as the exchange writes it.
        interval: Box<str> = I,
        /// Where the interval starts.
        open_time: Nanos = T,
        /// Its last millisecond.
        last_time: Nanos = LAST_T,
        /// First price.
        open: Price = O,
        /// Highest price.
        high: Price = H,
        /// Lowest price.
        low: Price = L,
        /// Last price.
        close: Price = C,
        /// Traded base units.
        volume: Statistic = V,
        /// Trades in it.
        trades: u32 = N,
    }
}

record! {
    /// The middle of each book, or the last price where a book is empty.
    Mids {
        /// Of which list of perpetuals; none or empty: the first.
        dex: Option<Box<str>> = DEX,
        /// By the exchange's name of the instrument.
        mids: ByName<Statistic> = MIDS,
    }
}

record! {
    /// The prices by which a perpetual is valued, and its statistics.
    PerpContext {
        /// The funding rate of the hour, so far.
        funding_rate: Rate = FUNDING,
        /// Base units that are open.
        open_interest: Statistic = OPEN_INTEREST,
        /// The price of a day ago.
        previous_day_price: Statistic = PREV_DAY_PX,
        /// Traded in the last day, in quote currency.
        day_notional: Statistic = DAY_NTL_VLM,
        /// Traded in the last day, in base units.
        day_volume: Option<Statistic> = DAY_BASE_VLM,
        /// How far the impact prices lie from the oracle's.
        premium: Option<Rate> = PREMIUM,
        /// The price outside the exchange.
        oracle_price: Statistic = ORACLE_PX,
        /// Positions are valued and orders triggered at it.
        mark_price: Statistic = MARK_PX,
        /// The middle of the book.
        mid_price: Option<Statistic> = MID_PX,
        /// Average prices of a large sale and of a large purchase.
        impact_prices: Option<(Statistic, Statistic)> = IMPACT_PXS,
    }
}

record! {
    /// The prices and statistics of a spot pair.
    SpotContext {
        /// The exchange's name of the pair.
        coin: Option<Box<str>> = COIN,
        /// The price of a day ago.
        previous_day_price: Statistic = PREV_DAY_PX,
        /// Traded in the last day, in quote currency.
        day_notional: Statistic = DAY_NTL_VLM,
        /// Traded in the last day, in base units.
        day_volume: Option<Statistic> = DAY_BASE_VLM,
        /// The price by which it is valued.
        mark_price: Statistic = MARK_PX,
        /// The middle of the book.
        mid_price: Option<Statistic> = MID_PX,
        /// Tokens in circulation.
        circulating_supply: Option<Statistic> = CIRCULATING_SUPPLY,
    }
}

record! {
    /// The context of one perpetual.
    CoinContext {
        /// The exchange's name of the instrument.
        coin: Box<str> = COIN,
        /// Its context.
        context: PerpContext = CTX,
    }
}

record! {
    /// The context of one spot pair.
    CoinSpotContext {
        /// The exchange's name of the pair.
        coin: Box<str> = COIN,
        /// Its context.
        context: SpotContext = CTX,
    }
}

record! {
    /// The contexts of every list of perpetuals, by place in the list.
    AllContexts {
        /// Name of the list, and the contexts in its order.
        contexts: Vec<(Box<str>, Vec<PerpContext>)> = CTXS,
    }
}

record! {
    /// A settled funding rate.
    FundingRate {
        /// The exchange's name of the instrument.
        coin: Box<str> = COIN,
        /// The rate: of an hour today, of eight in 2023.
        rate: Rate = FUNDING_RATE,
        /// How far the price lay from the oracle's.
        premium: Option<Rate> = PREMIUM,
        /// When; up to some milliseconds past the hour.
        time: Nanos = TIME,
    }
}

/// A time of the market, which is never the epoch itself: that is a missing one.
fn told(time: Nanos) -> Result<Nanos, MessageError> {
    if time > Nanos::ZERO { Ok(time) } else { Err(MessageError::value("time", "0", "a time after 1970 in ms")) }
}

impl Book {
    /// Appends the rows of the snapshot; a book without a level is a clearing.
    ///
    /// # Errors
    /// [`MessageError::Value`] without a time.
    pub fn rows(&self, instrument: InstrumentId, local_time: Nanos, rows: &mut Vec<Row>) -> Result<(), MessageError> {
        let row = Row::new(RowKind::BookSnapshot, instrument, told(self.time)?, local_time);
        let from = rows.len();
        for (side, levels) in [(RowSide::Buy, &self.levels.0), (RowSide::Sell, &self.levels.1)] {
            rows.extend(levels.iter().map(|level| row.at(side, level.price, level.quantity)));
        }
        mark_book(rows, from, row);
        Ok(())
    }
}

impl PublicTrade {
    /// Its row.
    ///
    /// # Errors
    /// [`MessageError::Value`] without a time.
    pub fn row(&self, instrument: InstrumentId, local_time: Nanos) -> Result<Row, MessageError> {
        let row = Row::new(RowKind::Trade, instrument, told(self.time)?, local_time);
        Ok(row.at(self.side.into(), self.price, self.quantity).of(self.trade_id))
    }
}

impl BestPrices {
    /// Its two rows. A side without orders is a price and a quantity of zero.
    ///
    /// # Errors
    /// [`MessageError::Value`] without a time.
    pub fn rows(&self, instrument: InstrumentId, local_time: Nanos) -> Result<[Row; 2], MessageError> {
        let of = |level: &Option<Level>| level.as_ref().map(|level| (level.price, level.quantity)).unwrap_or_default();
        let ((bid_price, bid_quantity), (ask_price, ask_quantity)) = (of(&self.best.0), of(&self.best.1));
        Ok(rows_of_quote(&Quote {
            instrument,
            exchange_time: told(self.time)?,
            local_time,
            bid_price,
            bid_quantity,
            ask_price,
            ask_quantity,
        }))
    }
}

impl Candle {
    /// As a bar, closed or not: it is closed once its end has passed or the next one begins.
    ///
    /// # Errors
    /// [`MessageError::Number`] for a volume that does not fit, [`MessageError::Value`] for a time that does not.
    pub fn bar(&self, instrument: InstrumentId) -> Result<Bar, MessageError> {
        let close =
            self.last_time.raw().checked_add(super::kinds::MILLIS).filter(|close| *close > self.open_time.raw());
        let close_time = close.map(Nanos::from_raw).ok_or_else(|| {
            MessageError::value("T", &self.last_time.raw().to_string(), "a time after the start of the interval")
        })?;
        Ok(Bar {
            instrument,
            trades: self.trades,
            open_time: self.open_time,
            close_time,
            open: self.open,
            high: self.high,
            low: self.low,
            close: self.close,
            volume: Some(self.volume.quantity().map_err(|fault| MessageError::Number { field: "v", fault })?),
        })
    }
}

/// The row of a context, which says no time of its own.
fn context_row(context: Context, instrument: InstrumentId, time: Nanos, local_time: Nanos) -> Row {
    Row::new(RowKind::Context, instrument, time, local_time).with_context(context)
}

fn price(field: &'static str, statistic: Statistic) -> Result<Price, MessageError> {
    statistic.price().map_err(|fault| MessageError::Number { field, fault })
}

impl PerpContext {
    /// Its row, at the time of the newest message before it.
    ///
    /// # Errors
    /// [`MessageError::Number`] for a price that does not fit.
    pub fn row(&self, instrument: InstrumentId, time: Nanos, local_time: Nanos) -> Result<Row, MessageError> {
        let (bid, ask) = self.impact_prices.unwrap_or_default();
        let context = Context {
            mark: price("markPx", self.mark_price)?,
            oracle: price("oraclePx", self.oracle_price)?,
            impact_bid: price("impactPxs", bid)?,
            impact_ask: price("impactPxs", ask)?,
        };
        Ok(context_row(context, instrument, time, local_time))
    }
}

impl SpotContext {
    /// Its row, at the time of the newest message before it. A pair has no oracle price.
    ///
    /// # Errors
    /// [`MessageError::Number`] for a price that does not fit.
    pub fn row(&self, instrument: InstrumentId, time: Nanos, local_time: Nanos) -> Result<Row, MessageError> {
        let context = Context { mark: price("markPx", self.mark_price)?, ..Context::default() };
        Ok(context_row(context, instrument, time, local_time))
    }
}
