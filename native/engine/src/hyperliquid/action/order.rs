//! The parts of actions on orders.

use std::fmt;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::super::address::Address;
use super::super::{hex, number};
use crate::num::{Price, Qty};
use crate::order::{Cloid, TimeInForce};

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The asset's id.
    #[serde(rename = "a")]
    pub asset: u32,
    /// A buy, else a sell.
    #[serde(rename = "b")]
    pub is_buy: bool,
    /// The worst price.
    #[serde(rename = "p", with = "number")]
    pub price: Price,
    /// How much; zero for the whole position, in a group of its stops.
    #[serde(rename = "s", with = "number")]
    pub quantity: Qty,
    /// It only makes a position smaller.
    #[serde(rename = "r")]
    pub is_reduce_only: bool,
    /// When it works, and how long.
    #[serde(rename = "t")]
    pub order_type: OrderType,
    /// Our id.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub cloid: Option<WireCloid>,
}

/// When an order works, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum OrderType {
    /// At once.
    Limit {
        /// How long.
        tif: Tif,
    },
    /// Once the mark price has reached a price.
    Trigger {
        /// As a market order, within the order's price; else as a limit order at it.
        is_market: bool,
        /// The price that wakes it.
        #[serde(with = "number")]
        trigger_px: Price,
        /// On which side of the position's price it waits.
        tpsl: TpSl,
    },
}

/// How long a limit order works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tif {
    /// Adds liquidity only: refused if it would take.
    Alo,
    /// Until cancelled.
    Gtc,
    /// What does not fill at once is cancelled.
    Ioc,
}

impl TryFrom<TimeInForce> for Tif {
    /// The one that the venue does not have.
    type Error = TimeInForce;

    fn try_from(time_in_force: TimeInForce) -> Result<Self, TimeInForce> {
        match time_in_force {
            TimeInForce::Alo => Ok(Self::Alo),
            TimeInForce::Gtc => Ok(Self::Gtc),
            TimeInForce::Ioc => Ok(Self::Ioc),
            TimeInForce::Fok => Err(TimeInForce::Fok),
        }
    }
}

/// Which way a trigger order leaves a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TpSl {
    /// Takes a profit.
    #[serde(rename = "tp")]
    TakeProfit,
    /// Stops a loss.
    #[serde(rename = "sl")]
    StopLoss,
}

/// How the orders of one action hang together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grouping {
    /// Not at all.
    #[serde(rename = "na")]
    None,
    /// A parent, and its children of its size.
    #[serde(rename = "normalTpsl")]
    Children,
    /// For the position, as large as it is.
    #[serde(rename = "positionTpsl")]
    Position,
    /// Not at all, with a fee for priority.
    #[serde(rename = "p")]
    Priority(u64),
}

/// Who gets a fee for having built an order. The account must have approved it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Builder {
    /// The builder.
    #[serde(rename = "b")]
    pub address: Address,
    /// The fee, in tenths of a basis point.
    #[serde(rename = "f")]
    pub fee: u32,
}

/// An order to cancel, by the venue's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    /// The asset's id.
    #[serde(rename = "a")]
    pub asset: u32,
    /// The venue's id of the order.
    #[serde(rename = "o")]
    pub oid: u64,
}

/// An order to cancel, by our id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelByCloid {
    /// The asset's id.
    pub asset: u32,
    /// Our id of the order.
    pub cloid: WireCloid,
}

/// An order to replace, and what to put in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modify {
    /// The order that there is.
    pub oid: OrderId,
    /// The order that there shall be.
    pub order: Order,
}

/// The venue's id of an order, or ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OrderId {
    /// The venue's.
    Oid(u64),
    /// Ours.
    Cloid(WireCloid),
}

/// An order over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Twap {
    /// The asset's id.
    #[serde(rename = "a")]
    pub asset: u32,
    /// A buy, else a sell.
    #[serde(rename = "b")]
    pub is_buy: bool,
    /// How much, in all.
    #[serde(rename = "s", with = "number")]
    pub quantity: Qty,
    /// It only makes a position smaller.
    #[serde(rename = "r")]
    pub is_reduce_only: bool,
    /// Over how many minutes.
    #[serde(rename = "m")]
    pub minutes: u32,
    /// At random moments, else evenly.
    #[serde(rename = "t")]
    pub is_random: bool,
}

/// Our id of an order as the venue writes it: `0x` and 32 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WireCloid(pub Cloid);

impl Serialize for WireCloid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for WireCloid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = WireCloid;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a client order id: 0x and 32 hex digits")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<WireCloid, E> {
                let mut bytes = [0; 16];
                let digits = text.strip_prefix("0x").filter(|digits| hex::decode(digits.as_bytes(), &mut bytes));
                digits.ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))?;
                Ok(WireCloid(Cloid(u128::from_be_bytes(bytes))))
            }
        }
        deserializer.deserialize_str(Text)
    }
}
