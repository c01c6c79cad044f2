//! Every recorded action and its signature, and random actions.

use std::path::PathBuf;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::hyperliquid::keys::PrivateKey;
use crate::hyperliquid::request::Request;
use crate::hyperliquid::signing::{Network, Signature, Terms, action_hash, l1_digest, pack};
use crate::hyperliquid::user_action;
use crate::hyperliquid::value::Value;
use crate::num::Price;
use crate::order::Cloid;

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    scheme: String,
    private_key: String,
    signer: Address,
    mainnet: bool,
    action: Value,
    nonce: Option<u64>,
    vault_address: Option<Address>,
    expires_after: Option<u64>,
    action_msgpack: Option<String>,
    connection_id: Option<String>,
    primary_type: Option<String>,
    digest: String,
    signature: Signature,
    sdk_signature: Value,
}

impl Vector {
    fn terms(&self) -> Terms {
        Terms { nonce: self.nonce.unwrap(), vault_address: self.vault_address, expires_after: self.expires_after }
    }
    fn network(&self) -> Network {
        if self.mainnet { Network::Mainnet } else { Network::Testnet }
    }
}

/// The recorded vectors, which are not part of the repository: none, where they are absent.
fn vectors() -> Vec<Vector> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("ALGO_TRADE_SHARED").map_or(beside, PathBuf::from);
    let Ok(text) = std::fs::read_to_string(folder.join("hyperliquid/signing_vectors.json")) else {
        eprintln!("skipped: there is no hyperliquid/signing_vectors.json");
        return Vec::new();
    };
    let read: Vectors = serde_json::from_str(&text).unwrap();
    assert!(read.vectors.len() > 70);
    read.vectors
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bare(text: &str) -> &str {
    text.trim_start_matches("0x")
}

#[test]
fn every_recorded_signature_is_made_again_and_gives_its_signer() {
    for vector in vectors() {
        let name = &vector.name;
        let key = PrivateKey::from_hex(&vector.private_key).unwrap();
        assert_eq!(key.address(), vector.signer, "{name}");
        let digest = if vector.scheme == "l1" {
            assert_eq!(hex(&pack(&vector.action).unwrap()), bare(vector.action_msgpack.as_ref().unwrap()), "{name}");
            let hash = action_hash(&vector.action, &vector.terms()).unwrap();
            assert_eq!(hex(&hash.0), bare(vector.connection_id.as_ref().unwrap()), "{name}");
            l1_digest(hash, vector.network())
        } else {
            assert_eq!(user_action::network(&vector.action), Some(vector.network()), "{name}");
            let digest = user_action::digest_as(vector.primary_type.as_ref().unwrap(), &vector.action).unwrap();
            assert!(vector.action.get("type").is_none() || user_action::digest(&vector.action) == Ok(digest), "{name}");
            digest
        };
        assert_eq!(hex(&digest.0), bare(&vector.digest), "{name}");
        let signature = key.sign(&digest);
        assert_eq!(signature, vector.signature, "{name}");
        assert_eq!(signature.signer(&digest), Ok(vector.signer), "{name}");
        assert_eq!(serde_json::to_string(&signature).unwrap(), serde_json::to_string(&vector.sdk_signature).unwrap());
    }
}

#[test]
fn every_recorded_action_is_read_as_its_type_and_written_as_it_was() {
    let mut kinds = std::collections::BTreeSet::new();
    for vector in vectors().iter().filter(|vector| vector.scheme == "l1") {
        let kind = vector.action.get("type").and_then(Value::as_str).unwrap();
        if kind == "dummy" {
            continue;
        }
        let json = serde_json::to_string(&vector.action).unwrap();
        let action: Action = serde_json::from_str(&json).unwrap();
        assert_eq!(pack(&action).unwrap(), pack(&vector.action).unwrap(), "{}", vector.name);
        assert_eq!(serde_json::to_string(&action).unwrap(), json, "{}", vector.name);
        let key = PrivateKey::from_hex(&vector.private_key).unwrap();
        let request = Request::sign(&key, action, vector.terms(), vector.network()).unwrap();
        assert_eq!(request.signature, vector.signature, "{}", vector.name);
        kinds.insert(kind.to_owned());
    }
    assert!(kinds.is_empty() || kinds.len() >= 17, "{kinds:?}");
}

#[test]
fn an_action_that_was_read_is_written_in_the_venues_form() {
    let sent = r#"{"grouping":"na","unknown":1,"orders":[{"s":"1.50","a":7,"p":"25.20","b":true,"t":{"limit":{"tif":"Gtc"}},"r":false,
        "c":"0xABCDEF00000000000000000000000001"}],"builder":{"f":1,"b":"0x8C967E73E6B15087C42A10D344CFF4C96D877F1D"},"type":"order"}"#;
    let action: Action = serde_json::from_str(sent).unwrap();
    assert_eq!(
        serde_json::to_string(&action).unwrap(),
        concat!(
            r#"{"type":"order","orders":[{"a":7,"b":true,"p":"25.2","s":"1.5","r":false,"t":{"limit":{"tif":"Gtc"}},"#,
            r#""c":"0xabcdef00000000000000000000000001"}],"grouping":"na","#,
            r#""builder":{"b":"0x8c967e73e6b15087c42a10d344cff4c96d877f1d","f":1}}"#
        )
    );
}

#[test]
fn what_is_no_action_is_refused() {
    for (text, part) in [
        (
            r#"{"type":"order","orders":[{"a":0,"b":true,"p":1.5,"s":"1","r":false,"t":{"limit":{"tif":"Gtc"}}}],"grouping":"na"}"#,
            "decimal number in a string",
        ),
        (
            r#"{"type":"order","orders":[{"a":0,"b":true,"p":"1e3","s":"1","r":false,"t":{"limit":{"tif":"Gtc"}}}],"grouping":"na"}"#,
            "not a number",
        ),
        (
            r#"{"type":"order","orders":[{"a":0,"b":true,"p":"1","s":"1","r":false,"t":{"limit":{"tif":"Fok"}}}],"grouping":"na"}"#,
            "Fok",
        ),
        (r#"{"type":"cancelByCloid","cancels":[{"asset":0,"cloid":"0x12"}]}"#, "32 hex digits"),
        (r#"{"type":"cancel","cancels":[{"a":-1,"o":1}]}"#, "-1"),
        (r#"{"type":"noSuchThing"}"#, "noSuchThing"),
        (r#"{"orders":[]}"#, "type"),
    ] {
        let error = serde_json::from_str::<Action>(text).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

fn prices() -> impl Strategy<Value = Price> {
    (0..i64::MAX).prop_map(Price::from_raw)
}

fn quantities() -> impl Strategy<Value = Qty> {
    (0..i64::MAX).prop_map(Qty::from_raw)
}

prop_compose! {
    fn order()(
        asset: u32, is_buy: bool, price in prices(), quantity in quantities(), is_reduce_only: bool,
        cloid in proptest::option::of(any::<u128>()), trigger in proptest::option::of((any::<bool>(), prices(), any::<bool>())),
        tif in prop_oneof![Just(Tif::Alo), Just(Tif::Gtc), Just(Tif::Ioc)],
    ) -> Order {
        let order_type = match trigger {
            None => OrderType::Limit { tif },
            Some((is_market, trigger_px, takes)) => OrderType::Trigger {
                is_market, trigger_px, tpsl: if takes { TpSl::TakeProfit } else { TpSl::StopLoss },
            },
        };
        Order { asset, is_buy, price, quantity, is_reduce_only, order_type, cloid: cloid.map(|id| WireCloid(Cloid(id))) }
    }
}

fn action() -> impl Strategy<Value = Action> {
    let grouping = prop_oneof![
        Just(Grouping::None),
        Just(Grouping::Children),
        Just(Grouping::Position),
        any::<u64>().prop_map(Grouping::Priority)
    ];
    let id = prop_oneof![
        any::<u64>().prop_map(OrderId::Oid),
        any::<u128>().prop_map(|id| OrderId::Cloid(WireCloid(Cloid(id))))
    ];
    let builder = proptest::option::of((any::<[u8; 20]>(), any::<u32>()));
    prop_oneof![
        (proptest::collection::vec(order(), 0..20), grouping, builder).prop_map(|(orders, grouping, builder)| {
            let builder = builder.map(|(address, fee)| Builder { address: Address(address), fee });
            Action::Order { orders, grouping, builder }
        }),
        proptest::collection::vec((any::<u32>(), any::<u64>()), 0..20).prop_map(|ids| Action::Cancel {
            cancels: ids.into_iter().map(|(asset, oid)| Cancel { asset, oid }).collect(),
            fast: None
        }),
        proptest::collection::vec((id, order()), 0..20).prop_map(|changes| Action::BatchModify {
            modifies: changes.into_iter().map(|(oid, order)| Modify { oid, order }).collect()
        }),
        proptest::option::of(any::<u64>()).prop_map(|time| Action::ScheduleCancel { time }),
        (any::<u32>(), any::<i64>()).prop_map(|(asset, ntli)| Action::UpdateIsolatedMargin {
            asset,
            is_buy: true,
            ntli: MicroUsd(ntli)
        }),
        Just(Action::Noop),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whoever_signs_a_request_is_found_again_after_it_was_sent(
        key in any::<[u8; 32]>(), action in action(), nonce: u64, vault in proptest::option::of(any::<[u8; 20]>()),
        expires_after: Option<u64>, mainnet: bool,
    ) {
        let Ok(key) = PrivateKey::from_bytes(&key) else { return Ok(()) };
        let (network, other) = if mainnet { (Network::Mainnet, Network::Testnet) } else { (Network::Testnet, Network::Mainnet) };
        let terms = Terms { nonce, vault_address: vault.map(Address), expires_after };
        let request = Request::sign(&key, action, terms, network).unwrap();
        let body = request.body().unwrap();
        let read: Request<Action> = serde_json::from_slice(&body).unwrap();
        prop_assert_eq!(&read, &request);
        prop_assert_eq!(read.signer(network).unwrap(), key.address());
        let tree: Request<Value> = serde_json::from_slice(&body).unwrap();
        prop_assert_eq!(tree.signer(network).unwrap(), key.address());
        // Whatever is changed, the signer is another.
        let changes = [
            (Request { nonce: nonce ^ 1, ..request.clone() }, network),
            (Request { expires_after: Some(expires_after.map_or(0, |time| time ^ 1)), ..request.clone() }, network),
            (Request { vault_address: vault.is_none().then_some(Address([0; 20])), ..request.clone() }, network),
            (request, other),
        ];
        for (changed, network) in changes {
            prop_assert!(changed.signer(network).is_ok_and(|found| found != key.address()));
        }
    }
}

#[test]
fn a_signature_that_no_key_can_have_made_is_refused() {
    let digest = crate::hyperliquid::signing::Digest([7; 32]);
    let signature = Signature { r: [0; 32], s: [1; 32], v: 27 };
    assert!(signature.signer(&digest).unwrap_err().to_string().contains("no key"));
    assert!(Signature { r: [0xff; 32], ..signature }.signer(&digest).is_err());
    assert_eq!(
        Signature { v: 29, ..signature }.signer(&digest).unwrap_err().to_string(),
        "signature: v = 29: must be 27 or 28"
    );
    for text in [r#"{"r":"0x","s":"0x1","v":27}"#, r#"{"r":"1","s":"0x1","v":27}"#, r#"{"r":"0xg","s":"0x1","v":27}"#] {
        assert!(serde_json::from_str::<Signature>(text).is_err(), "{text}");
    }
    let too_long = format!(r#"{{"r":"0x{}","s":"0x1","v":27}}"#, "1".repeat(65));
    assert!(serde_json::from_str::<Signature>(&too_long).is_err());
}
