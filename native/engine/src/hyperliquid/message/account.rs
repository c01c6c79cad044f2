//! What the exchange says of an account: fills, payments, transfers, positions, balances.

use std::borrow::Cow;

use super::error::MessageError;
use super::json::{Raw, View, Wire, read_field, record};
use super::kinds::Json;
use super::statistic::Statistic;
use crate::hyperliquid::names::field as key;
use crate::instrument::InstrumentId;
use crate::num::{Money, Price, Qty, Rate};
use crate::order::{Cloid, FillEvent, FillReason, Liquidity, Side};
use crate::time::Nanos;

record! {
    /// Whose liquidation a fill was part of.
    FillLiquidation {
        /// Whose position was liquidated.
        liquidated_user: Option<Box<str>> = LIQUIDATED_USER,
        /// The mark price then.
        mark_price: Statistic = MARK_PX,
        /// By orders on the book, or taken over by the backstop.
        method: Box<str> = METHOD,
    }
}

record! {
    /// An execution of an account.
    Fill {
        /// The exchange's name of the instrument.
        coin: Box<str> = COIN,
        /// The price.
        price: Price = PX,
        /// How much.
        quantity: Qty = SZ,
        /// Bought or sold.
        side: Side = SIDE,
        /// When.
        time: Nanos = TIME,
        /// The position before it, signed.
        start_position: Qty = START_POSITION,
        /// What it did to the position, in words of the exchange that may be new.
        direction: Box<str> = DIR,
        /// Gain of what it closed, before fees.
        closed_pnl: Statistic = CLOSED_PNL,
        /// The transaction.
        hash: Box<str> = HASH,
        /// The order.
        oid: u64 = OID,
        /// Whether it took.
        is_taker: bool = CROSSED,
        /// What it cost in `fee_token`, the builder's part with it; below zero it was earned.
        fee: Money = FEE,
        /// The currency of the fee; it was always the quote currency in 2023.
        fee_token: Option<Box<str>> = FEE_TOKEN,
        /// The same for both sides of a match. With coin and time it names a fill; there was none in 2023.
        trade_id: Option<u64> = TID,
        /// Our order id, where the order had one.
        cloid: Option<Cloid> = CLOID,
        /// The builder's part of the fee.
        builder_fee: Option<Money> = BUILDER_FEE,
        /// If it was part of a liquidation.
        liquidation: Option<FillLiquidation> = LIQUIDATION,
        /// The slicing order that it belongs to.
        twap_id: Option<u64> = TWAP_ID,
    }
}

impl Fill {
    /// As the trading system takes it: only of an order with an id of ours, and with a fee in this currency.
    #[must_use]
    pub fn event(&self, instrument: InstrumentId, quote_currency: &str, local_time: Nanos) -> Option<FillEvent> {
        let is_in_quote = self.fee.is_zero() || self.fee_token.as_deref().is_none_or(|token| token == quote_currency);
        let cloid = self.cloid.filter(|_| is_in_quote)?;
        Some(FillEvent {
            cloid,
            oid: self.oid,
            trade_id: self.trade_id.unwrap_or_default(),
            instrument,
            side: self.side,
            price: self.price,
            quantity: self.quantity,
            fee: self.fee,
            liquidity: if self.is_taker { Liquidity::Taker } else { Liquidity::Maker },
            reason: match (&self.liquidation, self.is_taker) {
                (Some(_), true) => FillReason::Liquidation,
                (_, true) => FillReason::Taker,
                (_, false) => FillReason::Queue,
            },
            ahead_at_arrival: None,
            time: self.time,
            local_time,
        })
    }
}

record! {
    /// A fill of a slicing order.
    TwapSliceFill {
        /// The fill.
        fill: Fill = FILL,
        /// The slicing order.
        twap_id: u64 = TWAP_ID,
    }
}

record! {
    /// Funding that was paid or received.
    FundingPayment {
        /// When; the answers to questions have it outside.
        time: Option<Nanos> = TIME,
        /// The exchange's name of the instrument.
        coin: Box<str> = COIN,
        /// What the account got; below zero it paid.
        amount: Money = USDC,
        /// The position, signed; an average where there were several samples.
        size: Statistic = SZI,
        /// The rate.
        rate: Rate = FUNDING_RATE,
        /// How many samples were averaged.
        samples: Option<u64> = N_SAMPLES,
    }
}

record! {
    /// A payment of funding in the history of an account.
    FundingUpdate {
        /// When.
        time: Nanos = TIME,
        /// The transaction.
        hash: Box<str> = HASH,
        /// The payment.
        payment: FundingPayment = DELTA,
    }
}

/// A movement of money other than funding: a deposit, a transfer, a reward, or something new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerDelta {
    /// What it was, in words of the exchange that may be new.
    pub kind: Box<str>,
    /// How much in quote currency, where it says so.
    pub usdc: Option<Statistic>,
    /// How much of a token, where it says so.
    pub amount: Option<Statistic>,
    /// Which token.
    pub token: Option<Box<str>>,
    /// All that it says, as it came.
    pub raw: Json,
}

impl Wire for LedgerDelta {
    fn read(value: Raw<'_>, field: &'static str) -> Result<Self, MessageError> {
        let [kind, usdc, amount, token] = value.fields(&[key::TYPE, key::USDC, key::AMOUNT, key::TOKEN], field)?;
        // What is new may call something else so.
        let decimal = |value: Option<Raw<'_>>, name| read_field::<Statistic>(value, name).ok();
        Ok(Self {
            kind: read_field(kind, key::TYPE)?,
            usdc: decimal(usdc, key::USDC),
            amount: decimal(amount, key::AMOUNT),
            token: read_field(token, key::TOKEN).ok(),
            raw: Json::read(value, field)?,
        })
    }
    fn view(&self) -> View<'_> {
        View::Record(vec![
            ("kind", View::Text(Cow::Borrowed(&self.kind))),
            ("usdc", self.usdc.view()),
            ("amount", self.amount.view()),
            ("token", self.token.view()),
            ("raw", self.raw.view()),
        ])
    }
}

record! {
    /// A movement of money in the history of an account.
    LedgerUpdate {
        /// When.
        time: Nanos = TIME,
        /// The transaction.
        hash: Box<str> = HASH,
        /// What moved.
        delta: LedgerDelta = DELTA,
    }
}

record! {
    /// A movement of staked tokens.
    StakingUpdate {
        /// When.
        time: Nanos = TIME,
        /// The transaction.
        hash: Box<str> = HASH,
        /// What moved, as it came.
        delta: Json = DELTA,
    }
}

record! {
    /// The sums of an account.
    MarginSummary {
        /// What it is worth at mark prices.
        account_value: Statistic = ACCOUNT_VALUE,
        /// Sum of the absolute values of positions.
        total_notional: Statistic = TOTAL_NTL_POS,
        /// What is left without the values of positions; not cash.
        total_raw_usd: Money = TOTAL_RAW_USD,
        /// What positions bind.
        total_margin_used: Statistic = TOTAL_MARGIN_USED,
    }
}

record! {
    /// The leverage of a position.
    Leverage {
        /// `cross` or `isolated`.
        kind: Box<str> = TYPE,
        /// How many times.
        value: u32 = VALUE,
        /// The margin of an isolated position without its value.
        raw_usd: Option<Money> = RAW_USD,
    }
}

record! {
    /// Funding paid so far; below zero it was received.
    CumulativeFunding {
        /// Ever.
        all_time: Statistic = ALL_TIME,
        /// Since the position was opened.
        since_open: Statistic = SINCE_OPEN,
        /// Since it changed.
        since_change: Statistic = SINCE_CHANGE,
    }
}

record! {
    /// A position.
    Position {
        /// The exchange's name of the instrument.
        coin: Box<str> = COIN,
        /// Base units, below zero for a short.
        size: Qty = SZI,
        /// Its leverage.
        leverage: Leverage = LEVERAGE,
        /// Average price of its opening.
        entry_price: Option<Statistic> = ENTRY_PX,
        /// Its absolute value at the mark price.
        value: Statistic = POSITION_VALUE,
        /// Gain at the mark price.
        unrealized_pnl: Statistic = UNREALIZED_PNL,
        /// Gain for each unit of margin.
        return_on_equity: Statistic = RETURN_ON_EQUITY,
        /// Where it is liquidated, if anywhere.
        liquidation_price: Option<Statistic> = LIQUIDATION_PX,
        /// The margin that it binds.
        margin_used: Statistic = MARGIN_USED,
        /// The most that the instrument allows.
        max_leverage: Option<u32> = MAX_LEVERAGE,
        /// Funding paid so far.
        cumulative_funding: Option<CumulativeFunding> = CUM_FUNDING,
    }
}

record! {
    /// A position, and how it nets.
    AssetPosition {
        /// `oneWay`.
        kind: Box<str> = TYPE,
        /// The position.
        position: Position = POSITION,
    }
}

record! {
    /// The perpetuals of an account.
    ClearinghouseState {
        /// Sums over all positions.
        margin: MarginSummary = MARGIN_SUMMARY,
        /// Sums over those that share margin.
        cross_margin: MarginSummary = CROSS_MARGIN_SUMMARY,
        /// Below this value, positions that share margin are liquidated.
        cross_maintenance_margin: Option<Statistic> = CROSS_MAINTENANCE_MARGIN_USED,
        /// What may be taken out.
        withdrawable: Statistic = WITHDRAWABLE,
        /// Every position.
        positions: Vec<AssetPosition> = ASSET_POSITIONS,
        /// When it was so.
        time: Option<Nanos> = TIME,
    }
}

record! {
    /// A balance of a token.
    Balance {
        /// The exchange's name of it.
        coin: Box<str> = COIN,
        /// Its number.
        token: Option<u64> = TOKEN,
        /// How much there is.
        total: Qty = TOTAL,
        /// How much of it orders hold.
        hold: Qty = HOLD,
        /// What it cost.
        entry_notional: Option<Statistic> = ENTRY_NTL,
    }
}

record! {
    /// The tokens of an account.
    SpotState {
        /// Every balance.
        balances: Vec<Balance> = BALANCES,
    }
}

record! {
    /// What an account may trade of an instrument.
    ActiveAssetData {
        /// Whose.
        user: Box<str> = USER,
        /// The exchange's name of the instrument.
        coin: Box<str> = COIN,
        /// The leverage chosen for it.
        leverage: Leverage = LEVERAGE,
        /// The largest purchase and sale, in base units.
        max_trade_quantities: (Statistic, Statistic) = MAX_TRADE_SZS,
        /// What there is for a purchase and for a sale, in quote currency.
        available_to_trade: (Statistic, Statistic) = AVAILABLE_TO_TRADE,
        /// The mark price.
        mark_price: Statistic = MARK_PX,
    }
}

record! {
    /// A liquidation of an account.
    AccountLiquidation {
        /// Its number.
        id: u64 = LID,
        /// Who liquidated.
        liquidator: Box<str> = LIQUIDATOR,
        /// Who was.
        user: Box<str> = LIQUIDATED_USER_OLD,
        /// The value of the positions.
        notional: Statistic = LIQUIDATED_NTL_POS,
        /// What the account was worth.
        account_value: Statistic = LIQUIDATED_ACCOUNT_VALUE,
    }
}
