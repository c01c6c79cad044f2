//! Private keys. Nothing prints one: not an error, not `Debug`; its bytes are wiped when it goes.

use std::fmt;
use std::sync::OnceLock;

use secp256k1::{Message, PublicKey, Secp256k1, SecretKey, SignOnly};
use zeroize::Zeroizing;

use super::address::Address;
use super::hex;
use super::keccak::keccak256;
use super::signing::{Digest, Signature};

/// Why a private key was refused. The text of the key is in none of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Another length than 32 bytes.
    #[error("a private key is 32 bytes, in hex 64 digits with or without 0x: this has {bytes} bytes")]
    Length {
        /// How many bytes were given, without a leading `0x`; of text, its length.
        bytes: usize,
    },
    /// A character that is not a hex digit.
    #[error("a private key in hex has digits 0-9 and a-f alone: this has another character")]
    NotHex,
    /// Zero, or not below the order of the curve.
    #[error("this is no private key of secp256k1: it is zero, or not below the order of the curve")]
    Range,
}

/// A private key on secp256k1, of an account or an API wallet.
///
/// The secret lies on the heap, so that moving a key leaves no copy behind.
pub struct PrivateKey {
    secret: Box<SecretKey>,
    context: Secp256k1<SignOnly>,
    address: OnceLock<Address>,
}

impl PrivateKey {
    /// From 32 bytes, big-endian.
    ///
    /// # Errors
    /// [`KeyError::Length`], [`KeyError::Range`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes: &[u8; 32] = bytes.try_into().map_err(|_| KeyError::Length { bytes: bytes.len() })?;
        let secret = Box::new(SecretKey::from_byte_array(*bytes).map_err(|_| KeyError::Range)?);
        let mut context = Secp256k1::signing_only();
        // Blinds the arithmetic against side channels. Signatures do not depend on it; the seed must only be unknown to others.
        context.seeded_randomize(&Zeroizing::new(keccak256(&[b"blinding of ", bytes])));
        Ok(Self { secret, context, address: OnceLock::new() })
    }

    /// From 64 hex digits, with or without `0x`.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        let digits = hex::digits(text).as_bytes();
        if digits.len() != 64 {
            return Err(KeyError::Length { bytes: digits.len() });
        }
        let mut bytes = Zeroizing::new([0; 32]);
        if !hex::decode(digits, bytes.as_mut_slice()) {
            return Err(KeyError::NotHex);
        }
        Self::from_bytes(bytes.as_slice())
    }

    /// The address of the account that the key controls.
    #[must_use]
    pub fn address(&self) -> Address {
        *self.address.get_or_init(|| address_of(&PublicKey::from_secret_key(&self.context, &self.secret)))
    }

    /// Signs a digest: deterministic (RFC 6979), with the low of the two possible `s`.
    #[must_use]
    pub fn sign(&self, digest: &Digest) -> Signature {
        Signature::of(&self.context.sign_ecdsa_recoverable(Message::from_digest(digest.0), &self.secret))
    }
}

pub(super) fn address_of(key: &PublicKey) -> Address {
    let [_, point @ ..] = key.serialize_uncompressed();
    Address::of_public_key(&point)
}

impl Drop for PrivateKey {
    fn drop(&mut self) {
        self.secret.non_secure_erase();
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789012345678901234567890123456789012345678901234567890123";
    const ADDRESS: &str = "0x14791697260e4c9a71f18484c9f997b308e59325";

    #[test]
    fn a_key_is_read_from_hex_or_bytes_and_gives_its_address() {
        let key = PrivateKey::from_hex(KEY).unwrap();
        assert_eq!(key.address().to_string(), ADDRESS);
        assert_eq!(key.address().checksummed(), "0x14791697260E4c9A71f18484C9f997B308e59325");
        assert_eq!(PrivateKey::from_hex(&format!("0x{KEY}")).unwrap().address(), key.address());
        assert_eq!(PrivateKey::from_bytes(key.secret.as_ref().as_ref()).unwrap().address(), key.address());
    }

    #[test]
    fn no_error_and_no_debug_print_shows_a_key() {
        let order_of_the_curve = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
        for (text, error) in [
            (KEY[1..].to_owned(), KeyError::Length { bytes: 63 }),
            (format!("{KEY}00"), KeyError::Length { bytes: 66 }),
            (format!("{}g", &KEY[1..]), KeyError::NotHex),
            (format!("{}é", &KEY[2..]), KeyError::NotHex),
            (order_of_the_curve.to_owned(), KeyError::Range),
            ("0".repeat(64), KeyError::Range),
        ] {
            let found = PrivateKey::from_hex(&text).unwrap_err();
            assert_eq!(found, error);
            assert!(!format!("{found} {found:?}").contains(&text[..8]));
        }
        let key = PrivateKey::from_hex(KEY).unwrap();
        assert_eq!(format!("{key:?}"), format!("PrivateKey({ADDRESS})"));
    }
}
