//! What happened at the exchange, in order: what its streams and histories are made of.

use crate::instrument::InstrumentId;
use crate::num::{Money, Price, Qty, Rate};
use crate::order::{OrderStatus, Side};
use crate::time::Nanos;
use crate::venue::exchange::order::{AccountId, Order, Party};

/// A fee, and in what it was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fee {
    /// In quote currency, at 1e-8; negative, a rebate.
    Quote(Money),
    /// In base units: how buyers of spot pay.
    Base(Qty),
}

/// An execution for one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    /// Whose.
    pub account: AccountId,
    /// Of which order, as it is after the fill.
    pub order: Order,
    /// The trade's id, which both sides share.
    pub trade_id: u64,
    /// At which price.
    pub price: Price,
    /// How much.
    pub quantity: Qty,
    /// It took liquidity.
    pub is_taker: bool,
    /// The position, or what was held of the base token, before it.
    pub start_position: Qty,
    /// Profit of what it closed, before fees.
    pub closed_profit: Money,
    /// What it cost, without the builder's part.
    pub fee: Fee,
    /// What its builder got.
    pub builder_fee: Money,
    /// Who was liquidated by the trade, at which mark, and whether the backstop took over.
    pub liquidation: Option<Liquidated>,
    /// The order over time that it is a slice of.
    pub twap: Option<u64>,
    /// When.
    pub time: Nanos,
}

/// Who was liquidated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Liquidated {
    /// The account.
    pub account: AccountId,
    /// The mark price at that moment.
    pub mark: Price,
    /// The backstop took over, outside the book.
    pub is_backstop: bool,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A public print.
    Trade {
        /// Of what.
        instrument: InstrumentId,
        /// Who took.
        aggressor: Side,
        /// At which price.
        price: Price,
        /// How much.
        quantity: Qty,
        /// Its id.
        trade_id: u64,
        /// Who bought.
        buyer: Party,
        /// Who sold.
        seller: Party,
        /// When.
        time: Nanos,
    },
    /// An execution of a customer.
    Fill(Fill),
    /// The status of an order changed.
    Order {
        /// Whose.
        account: AccountId,
        /// The order, as it is now.
        order: Order,
        /// What it has become.
        status: OrderStatus,
        /// When.
        time: Nanos,
    },
    /// Funding was settled.
    Funding {
        /// Whose.
        account: AccountId,
        /// Of which position.
        instrument: InstrumentId,
        /// The position.
        position: Qty,
        /// The rate of the hour.
        rate: Rate,
        /// What was paid; below zero it was received.
        payment: Money,
        /// How many samples the rate was made of.
        samples: u32,
        /// When.
        time: Nanos,
    },
    /// The rate of an hour was made.
    FundingRate {
        /// Of what.
        instrument: InstrumentId,
        /// The rate.
        rate: Rate,
        /// The mean premium.
        premium: Rate,
        /// When.
        time: Nanos,
    },
    /// An account was liquidated.
    Liquidation {
        /// Whose.
        account: AccountId,
        /// Its equity when it was.
        equity: Money,
        /// The notional of what was liquidated.
        notional: Money,
        /// When.
        time: Nanos,
    },
    /// An order over time began, or ended.
    Twap {
        /// Whose.
        account: AccountId,
        /// Its id.
        id: u64,
        /// As it is now.
        state: TwapState,
        /// What became of it.
        status: TwapStatus,
        /// When.
        time: Nanos,
    },
}

/// What an order over time has become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TwapStatus {
    /// It works.
    Activated,
    /// It was taken back.
    Terminated,
    /// Its time is over.
    Finished,
}

/// An order over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwapState {
    /// Of what.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// How much, in all.
    pub quantity: Qty,
    /// How much has been filled.
    pub executed: Qty,
    /// What that was worth.
    pub notional: Money,
    /// Over how many minutes.
    pub minutes: u32,
    /// It only makes a position smaller.
    pub reduce_only: bool,
    /// At random moments, else evenly.
    pub is_random: bool,
    /// When it began.
    pub start: Nanos,
}
