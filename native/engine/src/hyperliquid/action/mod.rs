//! The actions that an L1 signature covers, as the venue names them.
//!
//! The order of the fields is the order in which they are packed, hashed and sent: one description serves msgpack and JSON. Reading an
//! action and writing it again makes it canonical, as the venue does before it hashes.

mod account;
mod order;

#[cfg(test)]
mod tests;

pub use account::{Abstraction, MicroUsd};
pub use order::{
    Builder, Cancel, CancelByCloid, Grouping, Modify, Order, OrderId, OrderType, Tif, TpSl, Twap, WireCloid,
};

use serde::{Deserialize, Serialize};

use super::address::Address;
use super::number;
use crate::num::Qty;

/// An action. Whatever is not here can be signed as a [`Value`](super::value::Value).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Action {
    /// Places orders.
    Order {
        /// In the order of the answers.
        orders: Vec<Order>,
        /// How they hang together.
        grouping: Grouping,
        /// Who gets a fee for having built them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        builder: Option<Builder>,
    },
    /// Cancels orders by the venue's ids.
    Cancel {
        /// In the order of the answers.
        cancels: Vec<Cancel>,
        /// Keeps its priority after the network's upgrade. Seen in documents only: where the key stands is not confirmed.
        #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
        fast: Option<bool>,
    },
    /// Cancels orders by our ids.
    CancelByCloid {
        /// In the order of the answers.
        cancels: Vec<CancelByCloid>,
        /// As in `Cancel`.
        #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
        fast: Option<bool>,
    },
    /// Replaces one order.
    Modify(Modify),
    /// Replaces orders.
    BatchModify {
        /// In the order of the answers.
        modifies: Vec<Modify>,
    },
    /// The dead man's switch: cancels everything at a time, unless set again; without a time it is off.
    ScheduleCancel {
        /// Milliseconds since the epoch, at least 5 s ahead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time: Option<u64>,
    },
    /// Sets an asset's leverage.
    UpdateLeverage {
        /// The asset's id.
        asset: u32,
        /// Cross margin, else isolated.
        is_cross: bool,
        /// A whole number, at least 1.
        leverage: u32,
    },
    /// Moves margin into an isolated position, or out of it.
    UpdateIsolatedMargin {
        /// The asset's id.
        asset: u32,
        /// Always true.
        is_buy: bool,
        /// How much more margin; below zero, less.
        ntli: MicroUsd,
    },
    /// Adds margin to an isolated position until it has this leverage.
    TopUpIsolatedOnlyMargin {
        /// The asset's id.
        asset: u32,
        /// The leverage, a decimal number as text.
        leverage: String,
    },
    /// Starts an order over time.
    TwapOrder {
        /// The order.
        twap: Twap,
    },
    /// Ends an order over time.
    TwapCancel {
        /// The asset's id.
        a: u32,
        /// The id of the order over time.
        t: u64,
    },
    /// Makes a sub-account.
    CreateSubAccount {
        /// Its name.
        name: String,
    },
    /// Moves dollars to a sub-account or back.
    SubAccountTransfer {
        /// The sub-account.
        sub_account_user: Address,
        /// To it, else from it.
        is_deposit: bool,
        /// How much.
        usd: MicroUsd,
    },
    /// Moves a token to a sub-account or back.
    SubAccountSpotTransfer {
        /// The sub-account.
        sub_account_user: Address,
        /// To it, else from it.
        is_deposit: bool,
        /// `NAME:0xid`.
        token: String,
        /// How much.
        #[serde(with = "number")]
        amount: Qty,
    },
    /// Moves dollars into a vault or out of it.
    VaultTransfer {
        /// The vault.
        vault_address: Address,
        /// Into it, else out of it.
        is_deposit: bool,
        /// How much.
        usd: MicroUsd,
    },
    /// Names who brought the account to the venue.
    SetReferrer {
        /// Their code.
        code: String,
    },
    /// Buys requests.
    ReserveRequestWeight {
        /// How many.
        weight: u64,
    },
    /// Does nothing but use its nonce, so that an action in flight with this nonce is void.
    Noop,
    /// Sets how the account's balances act together, through an API wallet.
    AgentSetAbstraction {
        /// Which way.
        abstraction: Abstraction,
    },
}
