//! Signed bodies of requests, ready to be posted.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde::Serialize;

use engine::hyperliquid::action::{Action, Builder, Cancel, CancelByCloid, Grouping, Modify, OrderId};
use engine::hyperliquid::address::Address;
use engine::hyperliquid::request::Request;

use super::key::with_key;
use super::order::{PyWireOrder, cloid_from};
use super::signing::{network, terms};
use super::value::action_from;
use crate::config::one_of;
use crate::errors::{OrPy, ParameterError};

type Given<'py> = Bound<'py, PyAny>;

/// What every L1 request takes besides its action.
struct Signed<'a, 'py> {
    key: &'a Given<'py>,
    nonce: u64,
    vault_address: Option<&'a str>,
    is_mainnet: bool,
    expires_after: Option<u64>,
}

impl<'py> Signed<'_, 'py> {
    fn body(&self, action: impl Serialize) -> PyResult<Bound<'py, PyBytes>> {
        let terms = terms(self.nonce, self.vault_address, self.expires_after)?;
        let network = network(self.is_mainnet);
        let body = with_key(self.key, |key| Request::sign(key, action, terms, network).or_py()?.body().or_py())?;
        Ok(PyBytes::new(self.key.py(), &body))
    }
}

/// Any L1 action, as a dict.
#[pyfunction]
#[pyo3(signature = (key, action, nonce, vault_address = None, is_mainnet = true, expires_after = None))]
pub fn signed_request<'py>(
    key: &Given<'py>,
    action: &Given<'py>,
    nonce: u64,
    vault_address: Option<&str>,
    is_mainnet: bool,
    expires_after: Option<u64>,
) -> PyResult<Bound<'py, PyBytes>> {
    Signed { key, nonce, vault_address, is_mainnet, expires_after }.body(action_from(action)?)
}

/// A user-signed action, as a dict. Its own `nonce` or `time` is the request's nonce.
#[pyfunction]
pub fn signed_user_request<'py>(key: &Given<'py>, action: &Given<'py>) -> PyResult<Bound<'py, PyBytes>> {
    let action = action_from(action)?;
    let body = with_key(key, |key| Request::sign_user(key, action).or_py()?.body().or_py())?;
    Ok(PyBytes::new(key.py(), &body))
}

/// An order action.
#[pyfunction]
#[pyo3(signature = (key, orders, nonce, vault_address = None, is_mainnet = true, expires_after = None, *, grouping = "na",
    builder = None))]
pub fn signed_orders<'py>(
    key: &Given<'py>,
    orders: Vec<PyRef<'py, PyWireOrder>>,
    nonce: u64,
    vault_address: Option<&str>,
    is_mainnet: bool,
    expires_after: Option<u64>,
    grouping: &str,
    builder: Option<(String, u32)>,
) -> PyResult<Bound<'py, PyBytes>> {
    let choices = [("na", Grouping::None), ("normalTpsl", Grouping::Children), ("positionTpsl", Grouping::Position)];
    let grouping = one_of("grouping", grouping, &choices)?;
    let builder = builder.map(|(address, fee)| builder_from(&address, fee)).transpose()?;
    let orders = orders.iter().map(|order| order.inner.clone()).collect();
    let action = Action::Order { orders, grouping, builder };
    Signed { key, nonce, vault_address, is_mainnet, expires_after }.body(action)
}

fn builder_from(address: &str, fee: u32) -> PyResult<Builder> {
    let address: Address = address.parse().map_err(|error| ParameterError::new_err(format!("builder: {error}")))?;
    Ok(Builder { address, fee })
}

/// The id of an order: an integer of the venue's, or a cloid of ours as text.
#[derive(FromPyObject)]
pub enum Id {
    Oid(u64),
    Cloid(String),
}

impl Id {
    fn order_id(&self) -> PyResult<OrderId> {
        match self {
            Self::Oid(oid) => Ok(OrderId::Oid(*oid)),
            Self::Cloid(text) => cloid_from(text).map(OrderId::Cloid),
        }
    }
}

/// An action that replaces orders.
#[pyfunction]
#[pyo3(signature = (key, modifies, nonce, vault_address = None, is_mainnet = true, expires_after = None))]
pub fn signed_modifies<'py>(
    key: &Given<'py>,
    modifies: Vec<(Id, PyRef<'py, PyWireOrder>)>,
    nonce: u64,
    vault_address: Option<&str>,
    is_mainnet: bool,
    expires_after: Option<u64>,
) -> PyResult<Bound<'py, PyBytes>> {
    let modify =
        |(id, order): &(Id, PyRef<'py, PyWireOrder>)| Ok(Modify { oid: id.order_id()?, order: order.inner.clone() });
    let action = Action::BatchModify { modifies: modifies.iter().map(modify).collect::<PyResult<_>>()? };
    Signed { key, nonce, vault_address, is_mainnet, expires_after }.body(action)
}

/// An action that cancels orders: all by the venue's ids, or all by ours.
#[pyfunction]
#[pyo3(signature = (key, cancels, nonce, vault_address = None, is_mainnet = true, expires_after = None, *, fast = false))]
pub fn signed_cancels<'py>(
    key: &Given<'py>,
    cancels: Vec<(u32, Id)>,
    nonce: u64,
    vault_address: Option<&str>,
    is_mainnet: bool,
    expires_after: Option<u64>,
    fast: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let fast = fast.then_some(true);
    let (mut by_oid, mut by_cloid) = (Vec::new(), Vec::new());
    for (asset, id) in cancels {
        match id.order_id()? {
            OrderId::Oid(oid) => by_oid.push(Cancel { asset, oid }),
            OrderId::Cloid(cloid) => by_cloid.push(CancelByCloid { asset, cloid }),
        }
    }
    let action = match (by_oid.is_empty(), by_cloid.is_empty()) {
        (_, true) => Action::Cancel { cancels: by_oid, fast },
        (true, false) => Action::CancelByCloid { cancels: by_cloid, fast },
        (false, false) => {
            return Err(ParameterError::new_err("cancels: one action has either oids or cloids: make two requests"));
        }
    };
    Signed { key, nonce, vault_address, is_mainnet, expires_after }.body(action)
}
