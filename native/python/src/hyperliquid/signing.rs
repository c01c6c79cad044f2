//! Hashes, digests, signatures and signers.
//!
//! Signing keeps the GIL: it takes 20 µs, and another thread that took it meanwhile could hold it for 5 ms.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use engine::hyperliquid::address::{Address, AddressError};
use engine::hyperliquid::signing::{self, ActionHash, Digest, EncodeError, Network, Signature, SignatureError, Terms};
use engine::hyperliquid::user_action::{self, UserActionError};

use super::key::with_key;
use super::value::action_from;
use crate::errors::{OrPy, ParameterError, ToPy};

macro_rules! parameter_errors {
    ($($error:ty),*) => {
        $(impl ToPy for $error {
            fn to_py(self) -> PyErr {
                ParameterError::new_err(self.to_string())
            }
        })*
    };
}
parameter_errors!(AddressError, EncodeError, SignatureError, UserActionError);

type Given<'py> = Bound<'py, PyAny>;

pub fn network(is_mainnet: bool) -> Network {
    if is_mainnet { Network::Mainnet } else { Network::Testnet }
}

pub fn terms(nonce: u64, vault_address: Option<&str>, expires_after: Option<u64>) -> PyResult<Terms> {
    let vault_address = vault_address.map(str::parse::<Address>).transpose();
    let vault_address = vault_address.map_err(|error| ParameterError::new_err(format!("vault_address: {error}")))?;
    Ok(Terms { nonce, vault_address, expires_after })
}

fn to_dict<'py>(py: Python<'py>, signature: &Signature) -> PyResult<Bound<'py, PyDict>> {
    let (r, s) = signature.parts();
    let dict = PyDict::new(py);
    dict.set_item("r", r)?;
    dict.set_item("s", s)?;
    dict.set_item("v", signature.v)?;
    Ok(dict)
}

fn from_dict(signature: &Given<'_>) -> PyResult<Signature> {
    let parts = || -> PyResult<(String, String, u8)> {
        let [r, s, v] = ["r", "s", "v"].map(|name| signature.get_item(name));
        Ok((r?.extract()?, s?.extract()?, v?.extract()?))
    };
    let read = parts().ok().and_then(|(r, s, v)| Signature::from_parts(&r, &s, v));
    read.ok_or_else(|| {
        ParameterError::new_err(format!(
            "signature: `{signature}`: must have `r` and `s`, each 0x and 1 to 64 hex digits, and `v`, 27 or 28"
        ))
    })
}

fn hash_from(name: &str, bytes: &[u8]) -> PyResult<[u8; 32]> {
    bytes.try_into().map_err(|_| ParameterError::new_err(format!("{name}: {} bytes: must be 32", bytes.len())))
}

/// The hash of an L1 action with its terms.
#[pyfunction]
#[pyo3(signature = (action, nonce, vault_address = None, expires_after = None))]
pub fn action_hash<'py>(
    py: Python<'py>,
    action: &Given<'py>,
    nonce: u64,
    vault_address: Option<&str>,
    expires_after: Option<u64>,
) -> PyResult<Bound<'py, PyBytes>> {
    let terms = terms(nonce, vault_address, expires_after)?;
    let hash = signing::action_hash(&action_from(action)?, &terms).or_py()?;
    Ok(PyBytes::new(py, &hash.0))
}

/// What is signed for an L1 action of this hash.
#[pyfunction]
#[pyo3(signature = (action_hash, is_mainnet = true))]
pub fn l1_digest<'py>(py: Python<'py>, action_hash: &[u8], is_mainnet: bool) -> PyResult<Bound<'py, PyBytes>> {
    let hash = ActionHash(hash_from("action_hash", action_hash)?);
    Ok(PyBytes::new(py, &signing::l1_digest(hash, network(is_mainnet)).0))
}

fn digest_of(action: &Given<'_>, primary_type: Option<&str>) -> PyResult<Digest> {
    let action = action_from(action)?;
    primary_type.map_or_else(|| user_action::digest(&action), |name| user_action::digest_as(name, &action)).or_py()
}

/// What is signed for a user-signed action. Its `type` says which it is, or else the primary type.
#[pyfunction]
#[pyo3(signature = (action, primary_type = None))]
pub fn user_digest<'py>(
    py: Python<'py>,
    action: &Given<'py>,
    primary_type: Option<&str>,
) -> PyResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(py, &digest_of(action, primary_type)?.0))
}

/// Signs an L1 action.
#[pyfunction]
#[pyo3(signature = (key, action, nonce, vault_address = None, is_mainnet = true, expires_after = None))]
pub fn sign_l1_action<'py>(
    py: Python<'py>,
    key: &Given<'py>,
    action: &Given<'py>,
    nonce: u64,
    vault_address: Option<&str>,
    is_mainnet: bool,
    expires_after: Option<u64>,
) -> PyResult<Bound<'py, PyDict>> {
    let action = action_from(action)?;
    let terms = terms(nonce, vault_address, expires_after)?;
    let signature = with_key(key, |key| signing::sign_l1(key, &action, &terms, network(is_mainnet)).or_py())?;
    to_dict(py, &signature)
}

/// Signs a user-signed action, on the chains that it names.
#[pyfunction]
#[pyo3(signature = (key, action, primary_type = None))]
pub fn sign_user_action<'py>(
    py: Python<'py>,
    key: &Given<'py>,
    action: &Given<'py>,
    primary_type: Option<&str>,
) -> PyResult<Bound<'py, PyDict>> {
    let digest = digest_of(action, primary_type)?;
    to_dict(py, &with_key(key, |key| Ok(key.sign(&digest)))?)
}

/// The address, in lower case, whose key signed a digest.
#[pyfunction]
pub fn recover(digest: &[u8], signature: &Given<'_>) -> PyResult<String> {
    let digest = Digest(hash_from("digest", digest)?);
    Ok(from_dict(signature)?.signer(&digest).or_py()?.to_string())
}
