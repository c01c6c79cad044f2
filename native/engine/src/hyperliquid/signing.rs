//! Signing an L1 action, and who signed it.
//!
//! The action in msgpack, with the nonce, the vault and the time of expiry, is hashed; a "phantom agent" that carries this hash
//! is hashed once more as typed data (EIP-712), and that digest is signed.

use std::fmt;
use std::sync::LazyLock;

use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, Secp256k1, VerifyOnly};
use serde::de::{self, Deserializer};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use super::address::Address;
use super::keccak::keccak256;
use super::keys::{PrivateKey, address_of};
use super::{hex, typed_data};

/// Which chain an action is for. A signature for one is not valid on the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Network {
    /// The real one.
    Mainnet,
    /// The test network, and the local venue.
    Testnet,
}

impl Network {
    /// `Mainnet` or `Testnet`, as user-signed actions name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mainnet => "Mainnet",
            Self::Testnet => "Testnet",
        }
    }
}

/// What is signed with an L1 action besides the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Unique for the key, about the present: milliseconds since the epoch.
    pub nonce: u64,
    /// The vault or sub-account that the action is for, instead of the signer's own account.
    pub vault_address: Option<Address>,
    /// When the venue shall no longer take the action: milliseconds since the epoch.
    pub expires_after: Option<u64>,
}

impl Terms {
    /// With a nonce alone.
    #[must_use]
    pub const fn new(nonce: u64) -> Self {
        Self { nonce, vault_address: None, expires_after: None }
    }
}

/// The hash of an action and its terms, which the venue calls the connection id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionHash(pub [u8; 32]);

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

/// An action that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// As msgpack.
    #[error("the action cannot be packed: {0}")]
    Pack(#[from] rmp_serde::encode::Error),
    /// As JSON.
    #[error("the action cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Packs an action as the venue hashes it: maps in the order of the type or tree, integers in their smallest form.
///
/// # Errors
/// [`EncodeError::Pack`], for types that refuse to be serialized.
pub fn pack<A: Serialize + ?Sized>(action: &A) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::with_capacity(256);
    action.serialize(&mut rmp_serde::Serializer::new(&mut bytes).with_struct_map())?;
    Ok(bytes)
}

/// The hash of an action and its terms.
///
/// # Errors
/// As [`pack`].
pub fn action_hash<A: Serialize + ?Sized>(action: &A, terms: &Terms) -> Result<ActionHash, EncodeError> {
    let mut bytes = pack(action)?;
    bytes.extend(terms.nonce.to_be_bytes());
    match terms.vault_address {
        None => bytes.push(0),
        Some(Address(vault)) => {
            bytes.push(1);
            bytes.extend(vault);
        }
    }
    if let Some(expires_after) = terms.expires_after {
        bytes.push(0);
        bytes.extend(expires_after.to_be_bytes());
    }
    Ok(ActionHash(keccak256(&[&bytes])))
}

/// What is signed for an L1 action.
#[must_use]
pub fn l1_digest(hash: ActionHash, network: Network) -> Digest {
    typed_data::agent_digest(hash, network)
}

/// Signs an L1 action.
///
/// # Errors
/// As [`pack`].
pub fn sign_l1<A: Serialize + ?Sized>(
    key: &PrivateKey,
    action: &A,
    terms: &Terms,
    network: Network,
) -> Result<Signature, EncodeError> {
    Ok(key.sign(&l1_digest(action_hash(action, terms)?, network)))
}

/// An ECDSA signature from which the signer can be recovered.
///
/// In JSON `{"r":"0x…","s":"0x…","v":27}`: `r` and `s` without leading zero digits, as the official client sends them; read in either form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// The first half, big-endian.
    pub r: [u8; 32],
    /// The second half, big-endian.
    pub s: [u8; 32],
    /// 27 plus the parity of the point: 27 or 28.
    pub v: u8,
}

/// Why no signer was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// `v` is neither 27 nor 28.
    #[error("signature: v = {v}: must be 27 or 28")]
    Parity {
        /// As given.
        v: u8,
    },
    /// No key makes this signature of this digest.
    #[error("signature: no key can have signed this: r or s is zero, too large, or no point of the curve")]
    Unrecoverable,
}

static VERIFYING: LazyLock<Secp256k1<VerifyOnly>> = LazyLock::new(Secp256k1::verification_only);

impl Signature {
    pub(super) fn of(signature: &RecoverableSignature) -> Self {
        let (id, bytes) = signature.serialize_compact();
        let mut split =
            Self { r: [0; 32], s: [0; 32], v: 27 + u8::from(matches!(id, RecoveryId::One | RecoveryId::Three)) };
        let (r, s) = bytes.split_at(32);
        split.r.copy_from_slice(r);
        split.s.copy_from_slice(s);
        split
    }

    /// The address whose key signed the digest. A signature of another digest gives another, random address.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn signer(&self, digest: &Digest) -> Result<Address, SignatureError> {
        let id = match self.v {
            27 => RecoveryId::Zero,
            28 => RecoveryId::One,
            v => return Err(SignatureError::Parity { v }),
        };
        let mut bytes = [0; 64];
        let (r, s) = bytes.split_at_mut(32);
        r.copy_from_slice(&self.r);
        s.copy_from_slice(&self.s);
        let signature = RecoverableSignature::from_compact(&bytes, id).map_err(|_| SignatureError::Unrecoverable)?;
        let key = VERIFYING.recover_ecdsa(Message::from_digest(digest.0), &signature);
        key.map(|key| address_of(&key)).map_err(|_| SignatureError::Unrecoverable)
    }
}

/// A number of 256 bits as hex digits without leading zeros.
struct Scalar<'a>(&'a [u8; 32]);

impl fmt::Display for Scalar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = String::with_capacity(64);
        hex::encode(self.0, &mut digits);
        let short = digits.trim_start_matches('0');
        write!(f, "0x{}", if short.is_empty() { "0" } else { short })
    }
}

/// Reads a number of 256 bits, with leading zero digits or without.
fn scalar(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix("0x")?;
    let padded = format!("{digits:0>64}");
    let mut bytes = [0; 32];
    (!digits.is_empty() && hex::decode(padded.as_bytes(), &mut bytes)).then_some(bytes)
}

impl Signature {
    /// `r` and `s` as the official client writes them.
    #[must_use]
    pub fn parts(&self) -> (String, String) {
        (Scalar(&self.r).to_string(), Scalar(&self.s).to_string())
    }

    /// From `r` and `s` in hex, with leading zero digits or without; `None` if one is not of that form.
    #[must_use]
    pub fn from_parts(r: &str, s: &str, v: u8) -> Option<Self> {
        Some(Self { r: scalar(r)?, s: scalar(s)?, v })
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (r, s) = self.parts();
        let mut fields = serializer.serialize_struct("Signature", 3)?;
        fields.serialize_field("r", &r)?;
        fields.serialize_field("s", &s)?;
        fields.serialize_field("v", &self.v)?;
        fields.end()
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Parts {
            r: String,
            s: String,
            v: u8,
        }
        let Parts { r, s, v } = Parts::deserialize(deserializer)?;
        Self::from_parts(&r, &s, v)
            .ok_or_else(|| de::Error::custom("signature: r and s must be 0x and 1 to 64 hex digits"))
    }
}
