//! A private key that Python holds without seeing it.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use engine::hyperliquid::keys::{KeyError, PrivateKey};

use crate::errors::{CredentialError, OrPy, ToPy};

impl ToPy for KeyError {
    fn to_py(self) -> PyErr {
        CredentialError::new_err(self.to_string())
    }
}

/// The private key of an account or of an API wallet.
#[pyclass(frozen, name = "SigningKey", module = "algo_trade._native")]
pub struct PySigningKey {
    inner: PrivateKey,
}

#[pymethods]
impl PySigningKey {
    #[new]
    fn new(key: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self { inner: made(key)? })
    }
    /// In lower case, as it is signed and sent.
    #[getter]
    fn address(&self) -> String {
        self.inner.address().to_string()
    }
    /// With the mixed case that carries a checksum (EIP-55).
    #[getter]
    fn checksum_address(&self) -> String {
        self.inner.address().checksummed()
    }
    fn __repr__(&self) -> String {
        format!("SigningKey({})", self.inner.address())
    }
    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a SigningKey is neither copied nor pickled: it would leave the process"))
    }
}

/// Calls `f` with a `SigningKey`, or with the key that hex text, 32 bytes or an account of `eth_account` hold.
pub fn with_key<T>(given: &Bound<'_, PyAny>, f: impl FnOnce(&PrivateKey) -> PyResult<T>) -> PyResult<T> {
    match given.cast::<PySigningKey>() {
        Ok(key) => f(&key.get().inner),
        Err(_) => f(&made(given)?),
    }
}

fn made(given: &Bound<'_, PyAny>) -> PyResult<PrivateKey> {
    if let Ok(text) = given.cast::<PyString>() {
        // Text that is not UTF-8 has no hex digits; its own error would show it.
        return PrivateKey::from_hex(text.to_str().map_err(|_| KeyError::NotHex.to_py())?).or_py();
    }
    if let Ok(bytes) = given.cast::<PyBytes>() {
        return PrivateKey::from_bytes(bytes.as_bytes()).or_py();
    }
    if let Ok(key) = given.getattr("key")
        && let Ok(bytes) = key.cast::<PyBytes>()
    {
        return PrivateKey::from_bytes(bytes.as_bytes()).or_py();
    }
    Err(CredentialError::new_err(format!(
        "a private key is given as SigningKey, hex text, 32 bytes or an account of eth_account, not {}",
        given.get_type().name()?
    )))
}
