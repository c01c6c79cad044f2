//! Questions to `/info`, and what each costs.

use serde::{Deserialize, Deserializer};

use super::fields::nullable;
use super::topic::{Interval, are_valid_levels};
use crate::hyperliquid::action::WireCloid;
use crate::hyperliquid::address::Address;

/// A question. Addresses are read in any case; fields that are not of the type are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "names and fields are those of the protocol")]
pub enum InfoRequest {
    Meta {
        #[serde(default, deserialize_with = "nullable")]
        dex: String,
    },
    MetaAndAssetCtxs {
        #[serde(default, deserialize_with = "nullable")]
        dex: String,
    },
    AllPerpMetas,
    PerpDexs,
    SpotMeta,
    SpotMetaAndAssetCtxs,
    AllMids {
        #[serde(default, deserialize_with = "nullable")]
        dex: String,
    },
    L2Book {
        coin: String,
        #[serde(default)]
        n_sig_figs: Option<u8>,
        #[serde(default)]
        mantissa: Option<u8>,
    },
    RecentTrades {
        coin: String,
    },
    CandleSnapshot {
        req: CandleRange,
    },
    FundingHistory {
        coin: String,
        start_time: i64,
        #[serde(default)]
        end_time: Option<i64>,
    },
    PredictedFundings,
    PerpsAtOpenInterestCap,
    ClearinghouseState {
        user: Address,
        #[serde(default, deserialize_with = "nullable")]
        dex: String,
    },
    SpotClearinghouseState {
        user: Address,
    },
    OpenOrders {
        user: Address,
        #[serde(default, deserialize_with = "nullable")]
        dex: String,
    },
    FrontendOpenOrders {
        user: Address,
        #[serde(default, deserialize_with = "nullable")]
        dex: String,
    },
    OrderStatus {
        user: Address,
        oid: OrderIdText,
    },
    HistoricalOrders {
        user: Address,
    },
    UserFills {
        user: Address,
        #[serde(default, deserialize_with = "nullable")]
        aggregate_by_time: bool,
    },
    UserFillsByTime {
        user: Address,
        start_time: i64,
        #[serde(default)]
        end_time: Option<i64>,
        #[serde(default, deserialize_with = "nullable")]
        aggregate_by_time: bool,
    },
    UserTwapSliceFills {
        user: Address,
    },
    TwapHistory {
        user: Address,
    },
    UserFunding {
        user: Address,
        start_time: i64,
        #[serde(default)]
        end_time: Option<i64>,
    },
    UserNonFundingLedgerUpdates {
        user: Address,
        start_time: i64,
        #[serde(default)]
        end_time: Option<i64>,
    },
    UserFees {
        user: Address,
    },
    UserRateLimit {
        user: Address,
    },
    UserRole {
        user: Address,
    },
    ActiveAssetData {
        user: Address,
        coin: String,
    },
    SubAccounts {
        user: Address,
    },
    ExtraAgents {
        user: Address,
    },
    UserAbstraction {
        user: Address,
    },
    UserDexAbstraction {
        user: Address,
    },
    ExchangeStatus,
    MaxBuilderFee {
        user: Address,
        builder: Address,
    },
    Portfolio {
        user: Address,
    },
    Referral {
        user: Address,
    },
    UserVaultEquities {
        user: Address,
    },
    VaultDetails {
        vault_address: Address,
    },
    Delegations {
        user: Address,
    },
    DelegatorSummary {
        user: Address,
    },
    DelegatorRewards {
        user: Address,
    },
    DelegatorHistory {
        user: Address,
    },
    UserToMultiSigSigners {
        user: Address,
    },
    SpotDeployState {
        user: Address,
    },
    PerpDeployAuctionStatus,
    TokenDetails {
        token_id: String,
    },
    OutcomeMeta,
}

/// Bars of a coin between two times in milliseconds, both included.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CandleRange {
    /// The coin.
    pub coin: String,
    /// How long a bar lasts.
    pub interval: Interval,
    /// From when on.
    pub start_time: i64,
    /// Until when; until now if not given.
    #[serde(default)]
    pub end_time: Option<i64>,
}

/// An order's id: the venue's, as a number, or the customer's, as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderIdText {
    /// The venue's.
    Oid(u64),
    /// The customer's.
    Cloid(WireCloid),
}

impl<'de> Deserialize<'de> for OrderIdText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Oid(u64),
            Cloid(WireCloid),
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::Oid(oid) => Self::Oid(oid),
            Either::Cloid(cloid) => Self::Cloid(cloid),
        })
    }
}

/// A body that is no question, in the venue's words: HTTP 422.
pub const UNREADABLE: &str = "Failed to deserialize the JSON body into the target type";

impl InfoRequest {
    /// Reads a question.
    ///
    /// # Errors
    /// The text of the answer to a body that is none.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let request: Self = serde_json::from_slice(body).map_err(|error| format!("{UNREADABLE}: {error}"))?;
        match &request {
            Self::L2Book { n_sig_figs, mantissa, .. } if !are_valid_levels(*n_sig_figs, *mantissa) => {
                Err(format!("{UNREADABLE}: nSigFigs must be 2 to 5, mantissa 1, 2 or 5 with nSigFigs 5"))
            }
            _ => Ok(request),
        }
    }

    /// The weight of asking, before any items of the answer.
    #[must_use]
    pub const fn weight(&self) -> u32 {
        match self {
            Self::AllMids { .. }
            | Self::L2Book { .. }
            | Self::ClearinghouseState { .. }
            | Self::SpotClearinghouseState { .. }
            | Self::OrderStatus { .. }
            | Self::ExchangeStatus => 2,
            Self::UserRole { .. } => 60,
            _ => 20,
        }
    }

    /// How many items of the answer weigh one more; `None` where they weigh nothing.
    #[must_use]
    pub const fn items_a_weight(&self) -> Option<usize> {
        match self {
            Self::CandleSnapshot { .. } => Some(60),
            Self::RecentTrades { .. }
            | Self::FundingHistory { .. }
            | Self::HistoricalOrders { .. }
            | Self::UserFills { .. }
            | Self::UserFillsByTime { .. }
            | Self::UserTwapSliceFills { .. }
            | Self::TwapHistory { .. }
            | Self::UserFunding { .. }
            | Self::UserNonFundingLedgerUpdates { .. } => Some(20),
            _ => None,
        }
    }

    /// The user that is asked about.
    #[must_use]
    pub const fn user(&self) -> Option<Address> {
        match self {
            Self::ClearinghouseState { user, .. }
            | Self::SpotClearinghouseState { user }
            | Self::OpenOrders { user, .. }
            | Self::FrontendOpenOrders { user, .. }
            | Self::OrderStatus { user, .. }
            | Self::HistoricalOrders { user }
            | Self::UserFills { user, .. }
            | Self::UserFillsByTime { user, .. }
            | Self::UserTwapSliceFills { user }
            | Self::TwapHistory { user }
            | Self::UserFunding { user, .. }
            | Self::UserNonFundingLedgerUpdates { user, .. }
            | Self::UserFees { user }
            | Self::UserRateLimit { user }
            | Self::UserRole { user }
            | Self::ActiveAssetData { user, .. }
            | Self::SubAccounts { user }
            | Self::ExtraAgents { user }
            | Self::UserAbstraction { user }
            | Self::UserDexAbstraction { user }
            | Self::MaxBuilderFee { user, .. }
            | Self::Portfolio { user }
            | Self::Referral { user }
            | Self::UserVaultEquities { user }
            | Self::Delegations { user }
            | Self::DelegatorSummary { user }
            | Self::DelegatorRewards { user }
            | Self::DelegatorHistory { user }
            | Self::UserToMultiSigSigners { user }
            | Self::SpotDeployState { user } => Some(*user),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_read_with_null_for_what_is_left_out_and_fields_that_it_does_not_have() {
        let user = r#""user":"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed""#;
        for (text, weight) in [
            (r#"{"type":"meta","dex":""}"#.to_owned(), 20),
            (r#"{"type":"meta","dex":null,"x":[1]}"#.to_owned(), 20),
            (r#"{"type":"l2Book","coin":"BTC","nSigFigs":null,"mantissa":null}"#.to_owned(), 2),
            (
                format!(r#"{{"type":"userFillsByTime",{user},"startTime":1,"endTime":null,"aggregateByTime":false}}"#),
                20,
            ),
            (format!(r#"{{"type":"orderStatus",{user},"oid":12}}"#), 2),
            (format!(r#"{{"type":"orderStatus",{user},"oid":"0x00000000000000000000000000000001"}}"#), 2),
            (format!(r#"{{"type":"userRole",{user}}}"#), 60),
            (
                r#"{"type":"candleSnapshot","req":{"coin":"BTC","interval":"1m","startTime":0,"endTime":1}}"#
                    .to_owned(),
                20,
            ),
        ] {
            assert_eq!(InfoRequest::read(text.as_bytes()).unwrap().weight(), weight, "{text}");
        }
    }

    #[test]
    fn what_is_no_question_is_unreadable() {
        for text in [
            r#"{"type":"no such"}"#,
            "{}",
            "[]",
            "",
            "\u{1}",
            r#"{"type":"clearinghouseState","user":"0x12"}"#,
            r#"{"type":"clearinghouseState"}"#,
            r#"{"type":"l2Book","coin":"BTC","nSigFigs":9}"#,
            r#"{"type":"candleSnapshot","req":{"coin":"BTC","interval":"2m","startTime":0}}"#,
        ] {
            assert!(InfoRequest::read(text.as_bytes()).unwrap_err().starts_with(UNREADABLE), "{text}");
        }
    }
}
