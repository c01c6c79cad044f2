//! What can be subscribed to. Written, a topic is the subscription as the venue echoes it: defaults filled in, addresses in lower case.

use serde::{Deserialize, Serialize};

use super::fields::nullable;
use crate::hyperliquid::address::Address;
use crate::time::Nanos;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// A topic. An empty `dex` is the first exchange of perpetuals.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Topic {
    /// The middle price of every coin.
    AllMids {
        /// Of which exchange.
        #[serde(default, deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
        dex: String,
    },
    /// The book of a coin.
    L2Book {
        /// The coin.
        coin: String,
        /// Prices of a level are rounded to so many figures, 2 to 5.
        #[serde(default)]
        n_sig_figs: Option<u8>,
        /// With 5 figures, the last is a multiple of this: 1, 2 or 5.
        #[serde(default)]
        mantissa: Option<u8>,
        /// Few levels, often.
        #[serde(default, deserialize_with = "nullable", skip_serializing_if = "is_false")]
        fast: bool,
    },
    /// The best prices of a coin.
    Bbo {
        /// The coin.
        coin: String,
    },
    /// The trades of a coin.
    Trades {
        /// The coin.
        coin: String,
    },
    /// The bars of a coin.
    Candle {
        /// The coin.
        coin: String,
        /// How long a bar lasts.
        interval: Interval,
    },
    /// Marks, funding and volume of a coin.
    ActiveAssetCtx {
        /// The coin.
        coin: String,
    },
    /// What a user may trade of a coin.
    ActiveAssetData {
        /// The user.
        user: Address,
        /// The coin.
        coin: String,
    },
    /// What becomes of a user's orders.
    OrderUpdates {
        /// The user.
        user: Address,
    },
    /// Fills, funding, liquidations and cancels by the venue.
    UserEvents {
        /// The user.
        user: Address,
    },
    /// A user's fills.
    UserFills {
        /// The user.
        user: Address,
        /// Fills of one order in one block are one.
        #[serde(default, deserialize_with = "nullable", skip_serializing_if = "is_false")]
        aggregate_by_time: bool,
    },
    /// Funding that a user paid or received.
    UserFundings {
        /// The user.
        user: Address,
    },
    /// Every other change of a user's balances.
    UserNonFundingLedgerUpdates {
        /// The user.
        user: Address,
    },
    /// Fills of orders over time.
    UserTwapSliceFills {
        /// The user.
        user: Address,
    },
    /// What becomes of orders over time.
    UserTwapHistory {
        /// The user.
        user: Address,
    },
    /// A user's positions and margin.
    ClearinghouseState {
        /// The user.
        user: Address,
        /// On which exchange.
        #[serde(default, deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
        dex: String,
    },
    /// A user's balances of tokens.
    SpotState {
        /// The user.
        user: Address,
    },
    /// A user's open orders.
    OpenOrders {
        /// The user.
        user: Address,
        /// On which exchange.
        #[serde(default, deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
        dex: String,
    },
    /// A user's orders over time that run.
    TwapStates {
        /// The user.
        user: Address,
        /// On which exchange.
        #[serde(default, deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
        dex: String,
    },
    /// Marks, funding and volume of every perpetual.
    AllDexsAssetCtxs,
    /// A user's positions and margin on every exchange.
    AllDexsClearinghouseState {
        /// The user.
        user: Address,
    },
    /// Words to a user.
    Notification {
        /// The user.
        user: Address,
    },
    /// What the website shows. Acknowledged, and then silent.
    WebData2 {
        /// The user.
        user: Address,
    },
    /// What the website shows. Acknowledged, and then silent.
    WebData3 {
        /// The user.
        user: Address,
    },
}

impl Topic {
    /// The coin that it is about.
    #[must_use]
    pub fn coin(&self) -> Option<&str> {
        match self {
            Self::L2Book { coin, .. }
            | Self::Bbo { coin }
            | Self::Trades { coin }
            | Self::Candle { coin, .. }
            | Self::ActiveAssetCtx { coin }
            | Self::ActiveAssetData { coin, .. } => Some(coin),
            _ => None,
        }
    }

    /// The user that it is about.
    #[must_use]
    pub const fn user(&self) -> Option<Address> {
        match self {
            Self::ActiveAssetData { user, .. }
            | Self::OrderUpdates { user }
            | Self::UserEvents { user }
            | Self::UserFills { user, .. }
            | Self::UserFundings { user }
            | Self::UserNonFundingLedgerUpdates { user }
            | Self::UserTwapSliceFills { user }
            | Self::UserTwapHistory { user }
            | Self::ClearinghouseState { user, .. }
            | Self::SpotState { user }
            | Self::OpenOrders { user, .. }
            | Self::TwapStates { user, .. }
            | Self::AllDexsClearinghouseState { user }
            | Self::Notification { user }
            | Self::WebData2 { user }
            | Self::WebData3 { user } => Some(*user),
            Self::AllMids { .. }
            | Self::L2Book { .. }
            | Self::Bbo { .. }
            | Self::Trades { .. }
            | Self::Candle { .. }
            | Self::ActiveAssetCtx { .. }
            | Self::AllDexsAssetCtxs => None,
        }
    }

    /// The exchange of others that it is about; empty for the first one.
    #[must_use]
    pub fn dex(&self) -> &str {
        match self {
            Self::AllMids { dex }
            | Self::ClearinghouseState { dex, .. }
            | Self::OpenOrders { dex, .. }
            | Self::TwapStates { dex, .. } => dex,
            _ => "",
        }
    }

    /// The type of the subscription, as it is named on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AllMids { .. } => "allMids",
            Self::L2Book { .. } => "l2Book",
            Self::Bbo { .. } => "bbo",
            Self::Trades { .. } => "trades",
            Self::Candle { .. } => "candle",
            Self::ActiveAssetCtx { .. } => "activeAssetCtx",
            Self::ActiveAssetData { .. } => "activeAssetData",
            Self::OrderUpdates { .. } => "orderUpdates",
            Self::UserEvents { .. } => "userEvents",
            Self::UserFills { .. } => "userFills",
            Self::UserFundings { .. } => "userFundings",
            Self::UserNonFundingLedgerUpdates { .. } => "userNonFundingLedgerUpdates",
            Self::UserTwapSliceFills { .. } => "userTwapSliceFills",
            Self::UserTwapHistory { .. } => "userTwapHistory",
            Self::ClearinghouseState { .. } => "clearinghouseState",
            Self::SpotState { .. } => "spotState",
            Self::OpenOrders { .. } => "openOrders",
            Self::TwapStates { .. } => "twapStates",
            Self::AllDexsAssetCtxs => "allDexsAssetCtxs",
            Self::AllDexsClearinghouseState { .. } => "allDexsClearinghouseState",
            Self::Notification { .. } => "notification",
            Self::WebData2 { .. } => "webData2",
            Self::WebData3 { .. } => "webData3",
        }
    }

    /// The subscription as the venue echoes it, JSON.
    #[must_use]
    pub fn echo(&self) -> String {
        // Text and small numbers: nothing here can fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether levels of a book may be asked so: figures 2 to 5, and a mantissa of 1, 2 or 5 with 5 figures alone.
    #[must_use]
    pub fn has_valid_levels(&self) -> bool {
        match self {
            Self::L2Book { n_sig_figs, mantissa, .. } => are_valid_levels(*n_sig_figs, *mantissa),
            _ => true,
        }
    }
}

/// As [`Topic::has_valid_levels`].
pub(super) fn are_valid_levels(n_sig_figs: Option<u8>, mantissa: Option<u8>) -> bool {
    match (n_sig_figs, mantissa) {
        (None, None) => true,
        (Some(figures), None) => (2..=5).contains(&figures),
        (figures, Some(mantissa)) => figures == Some(5) && [1, 2, 5].contains(&mantissa),
    }
}

/// How long a bar lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each name says it")]
pub enum Interval {
    #[serde(rename = "1m")]
    OneMinute,
    #[serde(rename = "3m")]
    ThreeMinutes,
    #[serde(rename = "5m")]
    FiveMinutes,
    #[serde(rename = "15m")]
    FifteenMinutes,
    #[serde(rename = "30m")]
    ThirtyMinutes,
    #[serde(rename = "1h")]
    OneHour,
    #[serde(rename = "2h")]
    TwoHours,
    #[serde(rename = "4h")]
    FourHours,
    #[serde(rename = "8h")]
    EightHours,
    #[serde(rename = "12h")]
    TwelveHours,
    #[serde(rename = "1d")]
    OneDay,
    #[serde(rename = "3d")]
    ThreeDays,
    #[serde(rename = "1w")]
    OneWeek,
    #[serde(rename = "1M")]
    OneMonth,
}

impl Interval {
    /// Every one, shortest first.
    pub const ALL: [Self; 14] = [
        Self::OneMinute,
        Self::ThreeMinutes,
        Self::FiveMinutes,
        Self::FifteenMinutes,
        Self::ThirtyMinutes,
        Self::OneHour,
        Self::TwoHours,
        Self::FourHours,
        Self::EightHours,
        Self::TwelveHours,
        Self::OneDay,
        Self::ThreeDays,
        Self::OneWeek,
        Self::OneMonth,
    ];

    /// As on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OneMinute => "1m",
            Self::ThreeMinutes => "3m",
            Self::FiveMinutes => "5m",
            Self::FifteenMinutes => "15m",
            Self::ThirtyMinutes => "30m",
            Self::OneHour => "1h",
            Self::TwoHours => "2h",
            Self::FourHours => "4h",
            Self::EightHours => "8h",
            Self::TwelveHours => "12h",
            Self::OneDay => "1d",
            Self::ThreeDays => "3d",
            Self::OneWeek => "1w",
            Self::OneMonth => "1M",
        }
    }

    /// How long; `None` for the month, whose length varies.
    #[must_use]
    pub const fn length(self) -> Option<Nanos> {
        let minutes: i64 = match self {
            Self::OneMinute => 1,
            Self::ThreeMinutes => 3,
            Self::FiveMinutes => 5,
            Self::FifteenMinutes => 15,
            Self::ThirtyMinutes => 30,
            Self::OneHour => 60,
            Self::TwoHours => 120,
            Self::FourHours => 240,
            Self::EightHours => 480,
            Self::TwelveHours => 720,
            Self::OneDay => 1_440,
            Self::ThreeDays => 4_320,
            Self::OneWeek => 10_080,
            Self::OneMonth => return None,
        };
        Some(Nanos::from_raw(minutes * Nanos::MINUTE.raw()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo(text: &str) -> String {
        serde_json::from_str::<Topic>(text).unwrap().echo()
    }

    #[test]
    fn the_echo_fills_in_defaults_drops_what_is_unknown_and_lowers_addresses() {
        for (asked, echoed) in [
            (r#"{"type":"l2Book","coin":"BTC"}"#, r#"{"type":"l2Book","coin":"BTC","nSigFigs":null,"mantissa":null}"#),
            (
                r#"{"fast":true,"coin":"@107","nSigFigs":5,"mantissa":2,"x":1,"type":"l2Book"}"#,
                r#"{"type":"l2Book","coin":"@107","nSigFigs":5,"mantissa":2,"fast":true}"#,
            ),
            (r#"{"type":"allMids","dex":null}"#, r#"{"type":"allMids"}"#),
            (r#"{"type":"allMids","dex":"xyz"}"#, r#"{"type":"allMids","dex":"xyz"}"#),
            (r#"{"type":"candle","coin":"BTC","interval":"1M"}"#, r#"{"type":"candle","coin":"BTC","interval":"1M"}"#),
            (r#"{"type":"allDexsAssetCtxs"}"#, r#"{"type":"allDexsAssetCtxs"}"#),
            (
                r#"{"type":"userFills","user":"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed","aggregateByTime":null}"#,
                r#"{"type":"userFills","user":"0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"}"#,
            ),
        ] {
            assert_eq!(echo(asked), echoed);
            assert_eq!(echo(echoed), echoed);
        }
    }

    #[test]
    fn what_is_no_subscription_is_refused() {
        for text in [
            r#"{"type":"activeSpotAssetCtx","coin":"@1"}"#,
            r#"{"type":"candle","coin":"BTC","interval":"2m"}"#,
            r#"{"type":"orderUpdates","user":"0x12"}"#,
            r#"{"type":"orderUpdates"}"#,
            r#"{"type":"trades"}"#,
            r#"{"coin":"BTC"}"#,
            "[]",
        ] {
            assert!(serde_json::from_str::<Topic>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_name_of_a_topic_is_the_type_of_its_echo() {
        let user = Address([7; 20]);
        let coin = || "BTC".to_owned();
        for topic in [
            Topic::AllMids { dex: String::new() },
            Topic::L2Book { coin: coin(), n_sig_figs: None, mantissa: None, fast: false },
            Topic::Bbo { coin: coin() },
            Topic::Trades { coin: coin() },
            Topic::Candle { coin: coin(), interval: Interval::OneHour },
            Topic::ActiveAssetCtx { coin: coin() },
            Topic::ActiveAssetData { user, coin: coin() },
            Topic::OrderUpdates { user },
            Topic::UserEvents { user },
            Topic::UserFills { user, aggregate_by_time: false },
            Topic::UserFundings { user },
            Topic::UserNonFundingLedgerUpdates { user },
            Topic::UserTwapSliceFills { user },
            Topic::UserTwapHistory { user },
            Topic::ClearinghouseState { user, dex: String::new() },
            Topic::SpotState { user },
            Topic::OpenOrders { user, dex: String::new() },
            Topic::TwapStates { user, dex: String::new() },
            Topic::AllDexsAssetCtxs,
            Topic::AllDexsClearinghouseState { user },
            Topic::Notification { user },
            Topic::WebData2 { user },
            Topic::WebData3 { user },
        ] {
            let echo = topic.echo();
            assert!(echo.starts_with(&format!(r#"{{"type":"{}""#, topic.name())), "{echo}");
            assert_eq!(topic.coin().is_some(), echo.contains("coin"));
            assert_eq!(topic.user().is_some(), echo.contains("user\":"));
            assert_eq!(serde_json::from_str::<Topic>(&echo).unwrap(), topic);
        }
    }

    #[test]
    fn the_name_of_an_interval_is_what_the_wire_has_and_they_grow() {
        for interval in Interval::ALL {
            assert_eq!(serde_json::to_string(&interval).unwrap(), format!("\"{}\"", interval.as_str()));
        }
        assert!(Interval::ALL.is_sorted_by_key(|interval| interval.length().unwrap_or(Nanos::MAX)));
    }

    #[test]
    fn a_mantissa_goes_with_five_figures_alone() {
        for (figures, mantissa, valid) in [
            (None, None, true),
            (Some(2), None, true),
            (Some(1), None, false),
            (Some(6), None, false),
            (Some(5), Some(1), true),
            (Some(5), Some(3), false),
            (Some(4), Some(1), false),
            (None, Some(1), false),
        ] {
            assert_eq!(are_valid_levels(figures, mantissa), valid, "{figures:?} {mantissa:?}");
        }
    }
}
