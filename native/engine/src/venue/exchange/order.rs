//! What is asked of the exchange, what it keeps, and what it answers.

use crate::instrument::InstrumentId;
use crate::num::{Price, Qty, Rate};
use crate::order::{Cloid, Reason, Side, TimeInForce};
use crate::time::Nanos;
use crate::venue::rules::is_reached;

/// Index of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub u32);

impl AccountId {
    /// As an index into a dense table.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Who stands behind an order. The market that the exchange was given has no accounts: it only makes or takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// Those whose orders make the given market's book.
    Makers,
    /// Those whose trades the given market tells of.
    Takers,
    /// A customer.
    Account(AccountId),
}

impl Party {
    /// The customer's account, if it is one.
    #[must_use]
    pub const fn account(self) -> Option<AccountId> {
        match self {
            Self::Account(account) => Some(account),
            Self::Makers | Self::Takers => None,
        }
    }
}

/// What an order waits for before it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trigger {
    /// The mark price that wakes it.
    pub price: Price,
    /// Takes at once, within its limit; else it works as a limit order.
    pub is_market: bool,
    /// Takes a profit; else it stops a loss.
    pub is_gain: bool,
}

impl Trigger {
    /// Whether a mark has reached it.
    #[must_use]
    pub fn is_reached(&self, side: Side, mark: Price) -> bool {
        is_reached(side, self.is_gain, self.price, mark)
    }

    /// Whether it waits for the mark to rise.
    #[must_use]
    pub const fn is_above(&self, side: Side) -> bool {
        matches!((side, self.is_gain), (Side::Buy, false) | (Side::Sell, true))
    }
}

/// An order as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewOrder {
    /// Of what.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// The worst price.
    pub price: Price,
    /// How much; zero for the whole position, in a group for the position.
    pub quantity: Qty,
    /// `Gtc`, `Ioc` or `Alo`. Of a trigger order it does not matter.
    pub time_in_force: TimeInForce,
    /// It only makes a position smaller.
    pub reduce_only: bool,
    /// What it waits for.
    pub trigger: Option<Trigger>,
    /// The customer's id.
    pub cloid: Option<Cloid>,
    /// What its builder gets of the notional.
    pub builder: Rate,
}

/// How the orders of one action hang together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// Not at all.
    None,
    /// The first is the parent, the others wake when it is filled.
    Children,
    /// All are for the position, as large as it is.
    Position,
}

/// On what an order hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// On nothing.
    None,
    /// On an order.
    Child(u64),
    /// On the position.
    Position,
}

/// What an order does at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderState {
    /// It is in the book, at a place in time among those of its price.
    Resting(u64),
    /// It waits for the mark.
    Waiting,
    /// It waits for its parent to be filled.
    Dormant,
}

/// An order at the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// The exchange's id.
    pub oid: u64,
    /// Whose.
    pub party: Party,
    /// As it was asked for.
    pub asked: NewOrder,
    /// What is left of it. A reduce-only order is cut to the position.
    pub leaves: Qty,
    /// How much of it has been filled.
    pub filled: Qty,
    /// When it was placed.
    pub placed: Nanos,
    /// On what it hangs.
    pub link: Link,
    /// What it does at present.
    pub state: OrderState,
    /// It has been woken by the mark.
    pub is_triggered: bool,
}

/// What became of an order that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It rests, or waits for the mark by itself.
    Resting {
        /// The exchange's id.
        oid: u64,
    },
    /// It was filled, whole or in part; what was left has been dropped.
    Filled {
        /// The exchange's id.
        oid: u64,
        /// How much.
        quantity: Qty,
        /// At which price on average.
        price: Price,
    },
    /// It waits for its parent.
    WaitingForFill,
    /// It waits for the mark, in a group.
    WaitingForTrigger,
    /// It was refused.
    Refused(Refusal),
}

/// Why an order was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The reason.
    pub reason: Reason,
    /// Best bid and offer, where an order would have taken that must not.
    pub touch: Option<(Price, Price)>,
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self { reason, touch: None }
    }
}
