//! Addresses: 20 bytes, written as `0x` and 40 hex digits.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use super::hex;
use super::keccak::keccak256;

/// The address of an account, a vault, an API wallet or a builder. Written in lower case: that form is signed and sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub [u8; 20]);

/// The text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an address: give 0x and 40 hex digits")]
pub struct AddressError {
    /// The text as given, cut to the length that an address may have.
    pub text: String,
}

impl Address {
    /// The address that belongs to an uncompressed public key without its first byte.
    pub(super) fn of_public_key(point: &[u8; 64]) -> Self {
        let [_, _, _, _, _, _, _, _, _, _, _, _, address @ ..] = keccak256(&[point]);
        Self(address)
    }

    /// The mixed-case form that carries a checksum (EIP-55).
    #[must_use]
    pub fn checksummed(&self) -> String {
        let lower = self.to_string();
        let hash = keccak256(&[hex::digits(&lower).as_bytes()]);
        let nibbles = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let digits = hex::digits(&lower).chars().zip(nibbles);
        let mixed = digits.map(|(digit, nibble)| if nibble >= 8 { digit.to_ascii_uppercase() } else { digit });
        "0x".chars().chain(mixed).collect()
    }
}

impl FromStr for Address {
    type Err = AddressError;

    /// Takes either case, and no `0x` too: some clients send vaults that way.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let mut bytes = [0; 20];
        if hex::decode(hex::digits(text).as_bytes(), &mut bytes) {
            Ok(Self(bytes))
        } else {
            Err(AddressError { text: text.chars().take(42).collect() })
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(42);
        text.push_str("0x");
        hex::encode(&self.0, &mut text);
        f.write_str(&text)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Address;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Address, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_in_either_case_and_with_or_without_its_prefix() {
        // The first example of EIP-55.
        let checksummed = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
        let address: Address = checksummed.parse().unwrap();
        assert_eq!(address.to_string(), checksummed.to_lowercase());
        assert_eq!(address.checksummed(), checksummed);
        assert_eq!(checksummed[2..].parse(), Ok(address));
        assert_eq!(serde_json::to_string(&address).unwrap(), format!("\"{}\"", checksummed.to_lowercase()));
    }

    #[test]
    fn what_is_not_an_address_is_refused_with_the_text() {
        for text in
            ["", "0x", "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae", "0xzzaeb6053f3e94c9b9a09f33669435e7ef1beaed"]
        {
            let error = text.parse::<Address>().unwrap_err();
            assert_eq!(error.to_string(), format!("`{text}` is not an address: give 0x and 40 hex digits"));
        }
        assert_eq!("7".repeat(9_000).parse::<Address>().unwrap_err().text.len(), 42);
    }
}
