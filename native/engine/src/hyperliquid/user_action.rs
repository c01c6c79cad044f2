//! User-signed actions: transfers and approvals, which an API wallet cannot do. They are signed as typed data, field by field.

use super::signing::{Digest, Network};
use super::typed_data::{Field, user_digest};
use super::value::Value;

/// How a field enters the hash.
#[derive(Debug, Clone, Copy)]
enum Kind {
    String,
    Uint64,
    Address,
    Bool,
}

/// The primary type of each `type` of action.
const PRIMARY_TYPES: [(&str, &str); 11] = [
    ("approveAgent", "HyperliquidTransaction:ApproveAgent"),
    ("approveBuilderFee", "HyperliquidTransaction:ApproveBuilderFee"),
    ("convertToMultiSigUser", "HyperliquidTransaction:ConvertToMultiSigUser"),
    ("sendAsset", "HyperliquidTransaction:SendAsset"),
    ("spotSend", "HyperliquidTransaction:SpotSend"),
    ("tokenDelegate", "HyperliquidTransaction:TokenDelegate"),
    ("usdClassTransfer", "HyperliquidTransaction:UsdClassTransfer"),
    ("usdSend", "HyperliquidTransaction:UsdSend"),
    ("userDexAbstraction", "HyperliquidTransaction:UserDexAbstraction"),
    ("userSetAbstraction", "HyperliquidTransaction:UserSetAbstraction"),
    ("withdraw3", "HyperliquidTransaction:Withdraw"),
];

/// The fields of a primary type that are hashed, after `hyperliquidChain`.
fn fields_of(primary_type: &str) -> Option<&'static [(&'static str, Kind)]> {
    use Kind::{Address, Bool, String, Uint64};
    Some(match primary_type.strip_prefix("HyperliquidTransaction:")? {
        "ApproveAgent" => &[("agentAddress", Address), ("agentName", String), ("nonce", Uint64)],
        "ApproveBuilderFee" => &[("maxFeeRate", String), ("builder", Address), ("nonce", Uint64)],
        "ConvertToMultiSigUser" => &[("signers", String), ("nonce", Uint64)],
        "SendAsset" => &[
            ("destination", String),
            ("sourceDex", String),
            ("destinationDex", String),
            ("token", String),
            ("amount", String),
            ("fromSubAccount", String),
            ("nonce", Uint64),
        ],
        "SpotSend" => &[("destination", String), ("token", String), ("amount", String), ("time", Uint64)],
        "TokenDelegate" => &[("validator", Address), ("wei", Uint64), ("isUndelegate", Bool), ("nonce", Uint64)],
        "UsdClassTransfer" => &[("amount", String), ("toPerp", Bool), ("nonce", Uint64)],
        "UsdSend" | "Withdraw" => &[("destination", String), ("amount", String), ("time", Uint64)],
        "UserDexAbstraction" => &[("user", Address), ("enabled", Bool), ("nonce", Uint64)],
        "UserSetAbstraction" => &[("user", Address), ("abstraction", String), ("nonce", Uint64)],
        _ => return None,
    })
}

/// Why a user-signed action has no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UserActionError {
    /// No user-signed action has this `type`.
    #[error("action.type = {found}: not a user-signed action")]
    Type {
        /// The value found, as JSON.
        found: String,
    },
    /// There is no such primary type.
    #[error(
        "primary_type = {found}: must be HyperliquidTransaction: and the name of a user-signed action, such as UsdSend"
    )]
    PrimaryType {
        /// As given.
        found: String,
    },
    /// A field is missing or of another type.
    #[error("action.{field} = {found}: must be {wanted}")]
    Field {
        /// Its name.
        field: &'static str,
        /// What it must be.
        wanted: &'static str,
        /// The value found, as JSON.
        found: String,
    },
}

/// A value as JSON, cut to what a line can hold.
fn shown(value: Option<&Value>) -> String {
    let text = value.map_or_else(|| Ok("nothing".into()), serde_json::to_string).unwrap_or_default();
    text.chars().take(80).collect()
}

/// The primary type of an action of this `type`; `None` if it is an L1 action.
#[must_use]
pub fn primary_type(kind: &str) -> Option<&'static str> {
    PRIMARY_TYPES.iter().find_map(|(of, primary_type)| (*of == kind).then_some(*primary_type))
}

/// What is signed for a user-signed action. Its `type` names the fields, its `signatureChainId` the chain of the wallet, its
/// `hyperliquidChain` the venue's.
///
/// Keys that are not of the type do not enter. A missing `agentName` is the empty one: that is how an unnamed API wallet is approved.
///
/// # Errors
/// [`UserActionError`].
pub fn digest(action: &Value) -> Result<Digest, UserActionError> {
    let kind = text(action, "type", "the name of an action")?;
    let primary_type = primary_type(kind).ok_or_else(|| UserActionError::Type { found: shown(action.get("type")) })?;
    digest_as(primary_type, action)
}

/// As [`digest`], with the primary type given: some clients add the `type` after they have signed.
///
/// # Errors
/// [`UserActionError`].
pub fn digest_as(primary_type: &str, action: &Value) -> Result<Digest, UserActionError> {
    let kinds = fields_of(primary_type)
        .ok_or_else(|| UserActionError::PrimaryType { found: primary_type.chars().take(80).collect() })?;
    let wanted = "a chain's number, 0x and hex digits";
    let chain = text(action, "signatureChainId", wanted)?;
    let chain_id = chain.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let chain_id = chain_id.ok_or_else(|| refused(action, "signatureChainId", wanted))?;
    let mut fields = vec![("hyperliquidChain", Field::String(text(action, "hyperliquidChain", "Mainnet or Testnet")?))];
    for &(name, kind) in kinds {
        fields.push((name, field(action, name, kind)?));
    }
    Ok(user_digest(primary_type, &fields, chain_id))
}

fn refused(action: &Value, field: &'static str, wanted: &'static str) -> UserActionError {
    UserActionError::Field { field, wanted, found: shown(action.get(field)) }
}

fn text<'a>(action: &'a Value, field: &'static str, wanted: &'static str) -> Result<&'a str, UserActionError> {
    action.get(field).and_then(Value::as_str).ok_or_else(|| refused(action, field, wanted))
}

fn field<'a>(action: &'a Value, name: &'static str, kind: Kind) -> Result<Field<'a>, UserActionError> {
    let value = action.get(name);
    if name == "agentName" && value.is_none_or(|value| *value == Value::Null) {
        return Ok(Field::String(""));
    }
    let (found, wanted) = match kind {
        Kind::String => (value.and_then(Value::as_str).map(Field::String), "text"),
        Kind::Uint64 => (value.and_then(Value::as_u64).map(Field::Uint64), "an integer from 0 to 2^64 - 1"),
        Kind::Bool => {
            (value.and_then(|v| if let Value::Bool(b) = v { Some(Field::Bool(*b)) } else { None }), "true or false")
        }
        Kind::Address => (
            value.and_then(Value::as_str).and_then(|text| text.parse().ok()).map(Field::Address),
            "0x and 40 hex digits",
        ),
    };
    found.ok_or_else(|| refused(action, name, wanted))
}

/// The network that a user-signed action names.
#[must_use]
pub fn network(action: &Value) -> Option<Network> {
    match action.get("hyperliquidChain")?.as_str()? {
        "Mainnet" => Some(Network::Mainnet),
        "Testnet" => Some(Network::Testnet),
        _ => None,
    }
}

/// When a user-signed action was made, which is its nonce: milliseconds since the epoch.
///
/// # Errors
/// [`UserActionError::Field`], if it has neither a `nonce` nor a `time`.
pub fn nonce(action: &Value) -> Result<u64, UserActionError> {
    let value = action.get("nonce").or_else(|| action.get("time"));
    let wanted = "an integer from 0 to 2^64 - 1";
    value.and_then(Value::as_u64).ok_or_else(|| UserActionError::Field { field: "nonce", wanted, found: shown(value) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_field_that_is_missing_or_of_another_type_is_named() {
        for (text, error) in [
            (r#"{"type":"order"}"#, r#"action.type = "order": not a user-signed action"#),
            ("{}", "action.type = nothing: must be the name of an action"),
            ("[]", "action.type = nothing: must be the name of an action"),
            (r#"{"type":"usdSend"}"#, "action.signatureChainId = nothing: must be a chain's number, 0x and hex digits"),
            (
                r#"{"type":"usdSend","signatureChainId":"66eee"}"#,
                r#"action.signatureChainId = "66eee": must be a chain's number, 0x and hex digits"#,
            ),
            (
                r#"{"type":"usdSend","signatureChainId":"0x1","hyperliquidChain":"Mainnet","destination":"0x","amount":1}"#,
                "action.amount = 1: must be text",
            ),
            (
                r#"{"type":"approveAgent","signatureChainId":"0x1","hyperliquidChain":"Mainnet","agentAddress":"0x12"}"#,
                r#"action.agentAddress = "0x12": must be 0x and 40 hex digits"#,
            ),
            (
                r#"{"type":"convertToMultiSigUser","signatureChainId":"0x1","hyperliquidChain":"Mainnet","signers":"","nonce":-1}"#,
                "action.nonce = -1: must be an integer from 0 to 2^64 - 1",
            ),
        ] {
            assert_eq!(digest(&action(text)).unwrap_err().to_string(), error);
        }
    }

    #[test]
    fn every_user_signed_type_has_its_fields_and_no_other_primary_type_is_taken() {
        assert!(PRIMARY_TYPES.iter().all(|(_, primary_type)| fields_of(primary_type).is_some()));
        for name in ["UsdSend", "HyperliquidTransaction:Order", ""] {
            assert!(
                matches!(digest_as(name, &Value::Null), Err(UserActionError::PrimaryType { found }) if found == name)
            );
        }
    }

    #[test]
    fn keys_outside_the_type_do_not_enter_and_an_unnamed_agent_has_the_empty_name() {
        let fields = r#""type":"approveAgent","signatureChainId":"0x66eee","hyperliquidChain":"Testnet","nonce":7,
            "agentAddress":"0x0d1d9635d0640821d15e323ac8adadfa9c111414""#;
        let bare = digest(&action(&format!("{{{fields}}}"))).unwrap();
        assert_eq!(digest(&action(&format!(r#"{{"x":[],{fields},"agentName":""}}"#))).unwrap(), bare);
        assert_ne!(digest(&action(&format!(r#"{{{fields},"agentName":"a"}}"#))).unwrap(), bare);
        assert!(primary_type("approveAgent").is_some() && primary_type("order").is_none());
        assert_eq!(network(&action(&format!("{{{fields}}}"))), Some(Network::Testnet));
    }
}
