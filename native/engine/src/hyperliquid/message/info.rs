//! Answers to `/info`, by the type of the question.

use super::account::{
    ActiveAssetData, ClearinghouseState, Fill, FundingUpdate, LedgerUpdate, SpotState, StakingUpdate, TwapSliceFill,
};
use super::error::MessageError;
use super::json::{Raw, View, Wire, record};
use super::kinds::{ByName, Json};
use super::listing::{ListedPairs, ListedPerps, PerpDex, PerpMeta, SpotMeta};
use super::market::{Book, Candle, FundingRate, PublicTrade};
use super::orders::{Order, OrderAnswer, OrderNews};
use super::statistic::Statistic;
use crate::hyperliquid::names::info;
use crate::num::Rate;
use crate::time::Nanos;

record! {
    /// The fee rates of an account.
    UserFees {
        /// Of taking a perpetual.
        taker: Rate = USER_CROSS_RATE,
        /// Of making a perpetual; below zero it is earned.
        maker: Rate = USER_ADD_RATE,
        /// Of taking a spot pair.
        spot_taker: Option<Rate> = USER_SPOT_CROSS_RATE,
        /// Of making a spot pair; below zero it is earned.
        spot_maker: Option<Rate> = USER_SPOT_ADD_RATE,
        /// What a referral takes off them.
        referral_discount: Option<Rate> = ACTIVE_REFERRAL_DISCOUNT,
        /// The tiers, as they came.
        schedule: Option<Json> = FEE_SCHEDULE,
    }
}

record! {
    /// The budget of actions of an address.
    UserRateLimit {
        /// Traded so far, in quote currency.
        volume: Statistic = CUM_VLM,
        /// Actions that were used.
        used: u64 = N_REQUESTS_USED,
        /// Actions that may be.
        cap: u64 = N_REQUESTS_CAP,
        /// Bought in addition.
        surplus: Option<u64> = N_REQUESTS_SURPLUS,
    }
}

record! {
    /// Whom an address acts for.
    RoleData {
        /// The account of an agent.
        user: Option<Box<str>> = USER,
        /// The master of a sub-account.
        master: Option<Box<str>> = MASTER,
    }
}

record! {
    /// What an address is.
    UserRole {
        /// `user`, `agent`, `vault`, `subAccount`, `missing`, or something new.
        role: Box<str> = ROLE,
        /// Whom it acts for, if for another.
        data: Option<RoleData> = DATA,
    }
}

record! {
    /// A key that may trade for an account.
    ExtraAgent {
        /// Its name.
        name: Box<str> = NAME,
        /// Its address.
        address: Box<str> = ADDRESS,
        /// Until when.
        valid_until: Option<Nanos> = VALID_UNTIL,
    }
}

record! {
    /// The state of the exchange.
    ExchangeStatus {
        /// What is out of the ordinary, as it came.
        special: Option<Json> = SPECIAL_STATUSES,
        /// The exchange's clock.
        time: Nanos = TIME,
    }
}

record! {
    /// How an account did over a period.
    PortfolioPeriod {
        /// What it was worth at some times.
        account_value: Vec<(Nanos, Statistic)> = ACCOUNT_VALUE_HISTORY,
        /// What it had gained.
        pnl: Vec<(Nanos, Statistic)> = PNL_HISTORY,
        /// What it traded, in quote currency.
        volume: Statistic = VLM,
    }
}

record! {
    /// A share of a vault.
    VaultEquity {
        /// The vault.
        vault: Box<str> = VAULT_ADDRESS,
        /// What the share is worth.
        equity: Statistic = EQUITY,
        /// Until when it cannot be taken out.
        locked_until: Option<Nanos> = LOCKED_UNTIL_TIMESTAMP,
    }
}

record! {
    /// An account under another.
    SubAccount {
        /// Its name.
        name: Box<str> = NAME,
        /// Its address.
        user: Box<str> = SUB_ACCOUNT_USER,
        /// Its master.
        master: Box<str> = MASTER,
        /// Its perpetuals.
        perps: ClearinghouseState = CLEARINGHOUSE_STATE,
        /// Its tokens.
        spot: Option<SpotState> = SPOT_STATE,
    }
}

/// Declares the answers: their variants, what they hold, and to which questions they answer.
macro_rules! answers {
    ($( $(#[$doc:meta])* $variant:ident($kind:ty) = $($question:ident)|+, )*) => {
        /// An answer to a question.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Answer {
            $( $(#[$doc])* $variant($kind), )*
            /// Of a type that is not known, as it came.
            Unknown(Json),
        }

        impl Answer {
            /// Reads the body of the answer to a question of this type.
            ///
            /// # Errors
            /// [`MessageError`].
            pub fn parse(question: &str, bytes: &[u8]) -> Result<Self, MessageError> {
                Self::of(question, Raw::whole(bytes, "answer")?)
            }

            /// Reads the value that answers to a question of this type.
            ///
            /// # Errors
            /// [`MessageError`].
            pub fn of(question: &str, value: Raw<'_>) -> Result<Self, MessageError> {
                match question {
                    $( $(info::$question)|+ => <$kind>::read(value, "answer").map(Self::$variant), )*
                    _ => Json::read(value, "answer").map(Self::Unknown),
                }
            }

            /// It as something to show.
            #[must_use]
            pub fn view(&self) -> View<'_> {
                match self {
                    $( Self::$variant(answer) => answer.view(), )*
                    Self::Unknown(json) => json.view(),
                }
            }
        }
    };
}

answers! {
    /// A list of perpetuals.
    Meta(PerpMeta) = META,
    /// A list of perpetuals with their contexts.
    ListedPerps(ListedPerps) = META_AND_ASSET_CTXS,
    /// Every list of perpetuals.
    AllPerps(Vec<ListedPerps>) = ALL_PERP_METAS,
    /// Who runs lists of perpetuals; the first is the exchange itself, and none.
    PerpDexs(Vec<Option<PerpDex>>) = PERP_DEXS,
    /// Tokens and spot pairs.
    SpotMeta(SpotMeta) = SPOT_META,
    /// Tokens and spot pairs with their contexts.
    ListedPairs(ListedPairs) = SPOT_META_AND_ASSET_CTXS,
    /// The middle of each book.
    Mids(ByName<Statistic>) = ALL_MIDS,
    /// A book; none of a coin that is not there.
    Book(Option<Book>) = L2_BOOK,
    /// Prints, newest first.
    Trades(Vec<PublicTrade>) = RECENT_TRADES,
    /// Bars, of which the last may be unfinished.
    Candles(Vec<Candle>) = CANDLE_SNAPSHOT,
    /// Settled funding rates.
    FundingRates(Vec<FundingRate>) = FUNDING_HISTORY,
    /// The perpetuals of an account.
    Clearinghouse(ClearinghouseState) = CLEARINGHOUSE_STATE,
    /// The tokens of an account.
    Spot(SpotState) = SPOT_CLEARINGHOUSE_STATE,
    /// Open orders.
    Orders(Vec<Order>) = OPEN_ORDERS | FRONTEND_OPEN_ORDERS,
    /// One order.
    Order(OrderAnswer) = ORDER_STATUS,
    /// What became of orders; one order may come several times.
    OrderHistory(Vec<OrderNews>) = HISTORICAL_ORDERS,
    /// Fills.
    Fills(Vec<Fill>) = USER_FILLS | USER_FILLS_BY_TIME,
    /// Fills of slicing orders.
    TwapFills(Vec<TwapSliceFill>) = USER_TWAP_SLICE_FILLS,
    /// Payments of funding.
    Funding(Vec<FundingUpdate>) = USER_FUNDING,
    /// Movements of money.
    Ledger(Vec<LedgerUpdate>) = USER_NON_FUNDING_LEDGER_UPDATES,
    /// Movements of staked tokens.
    Staking(Vec<StakingUpdate>) = DELEGATOR_HISTORY,
    /// Fee rates.
    Fees(UserFees) = USER_FEES,
    /// The budget of actions.
    RateLimit(UserRateLimit) = USER_RATE_LIMIT,
    /// What an address is.
    Role(UserRole) = USER_ROLE,
    /// What may be traded.
    ActiveAsset(ActiveAssetData) = ACTIVE_ASSET_DATA,
    /// Keys that may trade.
    Agents(Vec<ExtraAgent>) = EXTRA_AGENTS,
    /// How margin is shared, in a word.
    Abstraction(Box<str>) = USER_ABSTRACTION,
    /// The state of the exchange.
    Status(ExchangeStatus) = EXCHANGE_STATUS,
    /// The builder fee that was approved, in tenths of a basis point.
    BuilderFee(u64) = MAX_BUILDER_FEE,
    /// How an account did, by period.
    Portfolio(Vec<(Box<str>, PortfolioPeriod)>) = PORTFOLIO,
    /// Shares of vaults.
    VaultEquities(Vec<VaultEquity>) = USER_VAULT_EQUITIES,
    /// Perpetuals whose open interest may not grow.
    CappedPerps(Vec<Box<str>>) = PERPS_AT_OPEN_INTEREST_CAP,
    /// Accounts under an account; none if there are none.
    SubAccounts(Option<Vec<SubAccount>>) = SUB_ACCOUNTS,
}
