//! Hashing of typed data (EIP-712), as far as the venue uses it.
//!
//! A digest is the hash of `0x1901`, of the domain (which protocol, which chain) and of a struct: the hash of its type's text and of
//! its fields, 32 bytes each.

use std::sync::LazyLock;

use super::address::Address;
use super::keccak::keccak256;
use super::signing::{ActionHash, Digest, Network};

/// A field of a struct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field<'a> {
    /// `string`: text, hashed as it is. An address in a `string` field is text.
    String(&'a str),
    /// `uint64`.
    Uint64(u64),
    /// `address`.
    Address(Address),
    /// `bool`.
    Bool(bool),
    /// `bytes32`.
    Bytes32([u8; 32]),
}

impl Field<'_> {
    const fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::Uint64(_) => "uint64",
            Self::Address(_) => "address",
            Self::Bool(_) => "bool",
            Self::Bytes32(_) => "bytes32",
        }
    }

    fn word(&self) -> [u8; 32] {
        match self {
            Self::String(text) => keccak256(&[text.as_bytes()]),
            Self::Uint64(number) => right_aligned(number.to_be_bytes()),
            Self::Address(address) => right_aligned(address.0),
            Self::Bool(value) => right_aligned([u8::from(*value)]),
            Self::Bytes32(bytes) => *bytes,
        }
    }
}

fn right_aligned<const N: usize>(bytes: [u8; N]) -> [u8; 32] {
    let mut word = [0; 32];
    for (to, from) in word.iter_mut().rev().zip(bytes.iter().rev()) {
        *to = *from;
    }
    word
}

fn type_hash(primary_type: &str, fields: &[(&str, Field<'_>)]) -> [u8; 32] {
    let fields: Vec<String> = fields.iter().map(|(name, field)| format!("{} {name}", field.type_name())).collect();
    keccak256(&[format!("{primary_type}({})", fields.join(",")).as_bytes()])
}

/// The hash of a domain: the venue's have version `1` and the contract zero.
fn domain_hash(name: &str, chain_id: u64) -> [u8; 32] {
    keccak256(&[
        &keccak256(&[b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"]),
        &Field::String(name).word(),
        &Field::String("1").word(),
        &Field::Uint64(chain_id).word(),
        &[0; 32],
    ])
}

fn digest(domain_hash: &[u8; 32], struct_hash: &[u8; 32]) -> Digest {
    Digest(keccak256(&[&[0x19, 0x01], domain_hash, struct_hash]))
}

/// What every L1 action's digest has in common: two of its five hashes are of the action.
struct Agent {
    domain: [u8; 32],
    kind: [u8; 32],
    mainnet: [u8; 32],
    testnet: [u8; 32],
}

static AGENT: LazyLock<Agent> = LazyLock::new(|| Agent {
    domain: domain_hash("Exchange", 1337),
    kind: keccak256(&[b"Agent(string source,bytes32 connectionId)"]),
    mainnet: Field::String("a").word(),
    testnet: Field::String("b").word(),
});

/// The digest of the phantom agent that stands for an L1 action.
pub(super) fn agent_digest(connection_id: ActionHash, network: Network) -> Digest {
    let agent = &*AGENT;
    let source = match network {
        Network::Mainnet => &agent.mainnet,
        Network::Testnet => &agent.testnet,
    };
    digest(&agent.domain, &keccak256(&[&agent.kind, source, &connection_id.0]))
}

/// The digest of a user-signed action: `primary_type` and its fields, in order, on the chain that the wallet was set to.
#[must_use]
pub fn user_digest(primary_type: &str, fields: &[(&str, Field<'_>)], chain_id: u64) -> Digest {
    let mut words = type_hash(primary_type, fields).to_vec();
    for (_, field) in fields {
        words.extend(field.word());
    }
    digest(&domain_hash("HyperliquidSignTransaction", chain_id), &keccak256(&[&words]))
}
