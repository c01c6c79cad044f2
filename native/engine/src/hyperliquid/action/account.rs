//! The parts of actions on accounts.

use serde::{Deserialize, Serialize};

use crate::num::{Money, NumError, UNIT};

/// How many steps of 1e-8 make a millionth.
const STEPS: i64 = UNIT / 1_000_000;

/// Dollars in millionths, below zero for the other direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MicroUsd(pub i64);

impl TryFrom<Money> for MicroUsd {
    type Error = NumError;

    /// Exactly, or not at all.
    fn try_from(money: Money) -> Result<Self, NumError> {
        if money.raw() % STEPS == 0 {
            Ok(Self(money.raw() / STEPS))
        } else {
            Err(NumError::TooFine { text: money.to_string(), decimals: 6 })
        }
    }
}

/// How an account's balances act together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Abstraction {
    /// Each for itself.
    #[serde(rename = "i")]
    Disabled,
    /// One account for all.
    #[serde(rename = "u")]
    Unified,
    /// One account, margined as a portfolio.
    #[serde(rename = "p")]
    PortfolioMargin,
}
