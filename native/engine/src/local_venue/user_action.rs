//! User-signed actions, typed: transfers and approvals.

use serde::Deserialize;

use crate::hyperliquid::address::Address;
use crate::hyperliquid::number;
use crate::hyperliquid::value::Value;
use crate::num::{Money, Qty};

/// An action that only the account's own key may sign.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum UserAction {
    /// Sends money of the perpetuals.
    UsdSend {
        /// To whom.
        destination: Address,
        /// How much.
        #[serde(with = "number")]
        amount: Money,
    },
    /// Sends a token.
    SpotSend {
        /// To whom.
        destination: Address,
        /// `NAME:0xid`.
        token: String,
        /// How much.
        #[serde(with = "number")]
        amount: Qty,
    },
    /// Takes money off the venue.
    Withdraw3 {
        /// To whom, elsewhere.
        destination: Address,
        /// How much.
        #[serde(with = "number")]
        amount: Money,
    },
    /// Moves money between perpetuals and tokens.
    UsdClassTransfer {
        /// How much; ` subaccount:0x…` behind it names a sub-account of the signer.
        amount: String,
        /// To the perpetuals, else from them.
        to_perp: bool,
    },
    /// Sends a token between perpetuals and tokens of any accounts.
    SendAsset {
        /// To whom.
        destination: Address,
        /// From where: empty for perpetuals, or `spot`.
        source_dex: String,
        /// To where.
        destination_dex: String,
        /// `NAME:0xid`.
        token: String,
        /// How much.
        #[serde(with = "number")]
        amount: Qty,
        /// A sub-account of the signer that it comes from, or nothing.
        from_sub_account: String,
    },
    /// Makes an address an API wallet of the account.
    ApproveAgent {
        /// The API wallet; address zero removes the one of the name.
        agent_address: Address,
        /// Its name; none for the unnamed one. May end in ` valid_until <ms>`.
        #[serde(default)]
        agent_name: Option<String>,
    },
    /// Allows a builder to charge a fee.
    ApproveBuilderFee {
        /// The most that it may charge, such as `0.001%`.
        max_fee_rate: String,
        /// The builder.
        builder: Address,
    },
    /// Delegates stake. Not on this venue.
    TokenDelegate {},
    /// Makes the account one of several signers. Not on this venue.
    ConvertToMultiSigUser {},
    /// Sets how balances act together. Not on this venue.
    UserSetAbstraction {},
    /// Sets how exchanges of others are used. Not on this venue.
    UserDexAbstraction {},
}

impl UserAction {
    /// Reads an action that has been signed; the text of what is wrong with it.
    ///
    /// # Errors
    /// What field is missing or of another form.
    pub fn read(action: &Value) -> Result<Self, String> {
        let text = serde_json::to_string(action).map_err(|error| error.to_string())?;
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }
}

/// Makes addresses in text fields lower-case, as the venue does before it hashes. Amounts stay as they were sent: the official
/// client signs `1.0` for a float.
pub fn lower_addresses(action: &mut Value) {
    let Value::Map(entries) = action else { return };
    for (name, value) in entries {
        if let Value::String(text) = value
            && matches!(name.as_str(), "destination" | "fromSubAccount")
            && let Ok(address) = text.parse::<Address>()
        {
            *text = address.to_string();
        }
    }
}

/// A rate such as `0.001%` in tenths of a basis point; `None` if it is finer, or none.
#[must_use]
pub fn tenths_of_bps(rate: &str) -> Option<u32> {
    // A per cent is a hundred basis points: a thousand tenths.
    let percent: Qty = number::parse(rate.strip_suffix('%')?).ok()?;
    let tenths = percent.raw().checked_mul(1_000)?;
    (tenths % crate::num::UNIT == 0).then_some(tenths / crate::num::UNIT).and_then(|tenths| u32::try_from(tenths).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_of_builders_are_read_in_tenths_of_a_basis_point() {
        for (text, tenths) in [("0.001%", Some(1)), ("0.1%", Some(100)), ("1%", Some(1_000)), ("0%", Some(0))] {
            assert_eq!(tenths_of_bps(text), tenths);
        }
        for text in ["0.0001%", "-1%", "1", "%", "one%", ""] {
            assert_eq!(tenths_of_bps(text), None, "{text}");
        }
    }

    #[test]
    fn an_action_is_read_whatever_keys_it_carries_besides() {
        let value: Value = serde_json::from_str(
            r#"{"type":"usdSend","hyperliquidChain":"Testnet","signatureChainId":"0x66eee",
            "destination":"0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED","amount":"1.50","time":7}"#,
        )
        .unwrap();
        let UserAction::UsdSend { amount, .. } = UserAction::read(&value).unwrap() else { panic!() };
        assert_eq!(amount.to_string(), "1.5");
        let value: Value = serde_json::from_str(r#"{"type":"usdSend","amount":"1"}"#).unwrap();
        assert!(UserAction::read(&value).unwrap_err().contains("destination"));
    }
}
