//! A request to the exchange endpoint: an action, what was signed with it, and the signature. What is sent is what was signed.

use serde::{Deserialize, Serialize};

use super::address::Address;
use super::keys::PrivateKey;
use super::signing::{EncodeError, Network, Signature, SignatureError, Terms, action_hash, l1_digest, sign_l1};
use super::user_action::{self, UserActionError};
use super::value::Value;

/// The body of a request. Of an [`Action`](super::action::Action) it is canonical: numbers without trailing zeros, addresses in lower case,
/// keys in order, whatever was read; the venue hashes it so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request<A> {
    /// What is wanted.
    pub action: A,
    /// See [`Terms`].
    pub nonce: u64,
    /// Of the account's key, or of an API wallet that the account has approved.
    pub signature: Signature,
    /// See [`Terms`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault_address: Option<Address>,
    /// See [`Terms`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_after: Option<u64>,
}

/// Why the signer of a request is not known.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The action cannot be hashed.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The signature is none.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

impl<A: Serialize> Request<A> {
    /// Signs an L1 action.
    ///
    /// # Errors
    /// [`EncodeError`].
    pub fn sign(key: &PrivateKey, action: A, terms: Terms, network: Network) -> Result<Self, EncodeError> {
        let signature = sign_l1(key, &action, &terms, network)?;
        let Terms { nonce, vault_address, expires_after } = terms;
        Ok(Self { action, nonce, signature, vault_address, expires_after })
    }

    /// What is hashed besides the action.
    pub const fn terms(&self) -> Terms {
        Terms { nonce: self.nonce, vault_address: self.vault_address, expires_after: self.expires_after }
    }

    /// The bytes to post.
    ///
    /// # Errors
    /// [`EncodeError::Json`].
    pub fn body(&self) -> Result<Vec<u8>, EncodeError> {
        let mut body = Vec::with_capacity(512);
        serde_json::to_writer(&mut body, self)?;
        Ok(body)
    }

    /// Who signed an L1 action. After any change to what was signed, this is a random address.
    ///
    /// # Errors
    /// [`SignerError`].
    pub fn signer(&self, network: Network) -> Result<Address, SignerError> {
        Ok(self.signature.signer(&l1_digest(action_hash(&self.action, &self.terms())?, network))?)
    }
}

impl Request<Value> {
    /// Signs a user-signed action. Its own `nonce` or `time` is the request's: the venue wants them equal. It has no vault and does not expire.
    ///
    /// # Errors
    /// [`UserActionError`].
    pub fn sign_user(key: &PrivateKey, action: Value) -> Result<Self, UserActionError> {
        let signature = key.sign(&user_action::digest(&action)?);
        let nonce = user_action::nonce(&action)?;
        Ok(Self { action, nonce, signature, vault_address: None, expires_after: None })
    }
}
