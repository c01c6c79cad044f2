//! What the door asks of the exchange behind it, and how the exchange answers and tells.
//!
//! The door knows the protocol: who may act, how much, what is subscribed. The exchange knows accounts, orders and books.

use bytes::Bytes;

use super::info_request::InfoRequest;
use super::topic::Topic;
use super::user_action::UserAction;
use crate::hyperliquid::action::Action;
use crate::hyperliquid::address::Address;
use crate::num::Money;
use crate::time::Nanos;

/// One action on its way through the exchange. Each is answered once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActId(pub u64);

/// An action that is known to come from who may do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authentic {
    /// The account that acts: the signer's own, the one that its API wallet acts for, or a vault or sub-account.
    pub account: Address,
    /// Whose key has signed.
    pub signer: Address,
    /// What is to be done.
    pub action: Authorized,
    /// Unique for the signer: milliseconds since the epoch.
    pub nonce: u64,
    /// After this it is not to be done any more: milliseconds since the epoch.
    pub expires_after: Option<u64>,
}

/// An action of either way of signing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorized {
    /// Trading, which API wallets may do.
    L1(Action),
    /// Transfers and approvals, which only the account's own key may do.
    User(UserAction),
}

/// How a question was answered; the body stands in the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InfoAnswer {
    /// The HTTP status.
    pub status: u16,
    /// How many items a list holds: some questions cost more for more.
    pub items: usize,
}

impl InfoAnswer {
    /// An answer in full, of this many items.
    #[must_use]
    pub const fn ok(items: usize) -> Self {
        Self { status: 200, items }
    }
}

/// What an operator asks of the exchange, beyond the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Gives an account money; makes it if there is none.
    Deposit {
        /// The account.
        user: Address,
        /// How much, above zero.
        amount: Money,
    },
    /// From now on, or no more, only orders that add liquidity are taken, as after an upgrade of the network.
    PostOnly(bool),
    /// From now on, or no more, orders are answered without their ids where the protocol allows it.
    BareStatuses(bool),
    /// An instrument that is in reserve is listed.
    List {
        /// Its coin.
        coin: String,
    },
    /// The instrument is no longer traded.
    Unlist {
        /// Its coin.
        coin: String,
    },
}

/// The exchange behind the door. Time never runs backwards.
pub trait Core {
    /// Whether there is such an account. A signer that is neither one nor an API wallet of one is refused.
    fn exists(&self, address: &Address) -> bool;

    /// The account that controls a vault or sub-account; `None` for any other address.
    fn master(&self, account: &Address) -> Option<Address>;

    /// How many sub-accounts an account has: each allows it two more API wallets.
    fn sub_accounts(&self, master: &Address) -> usize;

    /// Whether there is such a coin on the exchange, delisted or not.
    fn is_coin(&self, coin: &str) -> bool;

    /// How much an account has traded, over its life: each dollar buys a request.
    fn traded(&self, account: &Address) -> Money;

    /// Answers a question: appends the body, JSON.
    fn info(&mut self, request: &InfoRequest, now: Nanos, body: &mut Vec<u8>) -> InfoAnswer;

    /// Takes an action on. It is answered through the outlet, here or later.
    fn act(&mut self, id: ActId, action: Authentic, now: Nanos, outlet: &mut Outlet<'_>);

    /// What a subscriber is told first: whole messages, in order.
    fn snapshot(&mut self, topic: &Topic, now: Nanos, messages: &mut Vec<Bytes>);

    /// Does everything that is due up to `now`.
    fn advance(&mut self, now: Nanos, outlet: &mut Outlet<'_>);

    /// When there is something to do next.
    fn deadline(&self) -> Option<Nanos>;

    /// Does what an operator asks.
    ///
    /// # Errors
    /// What is wrong with it, for the operator to read.
    fn operate(&mut self, operation: Operation, now: Nanos, outlet: &mut Outlet<'_>) -> Result<(), String>;
}

/// What the exchange has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// The answer to an action.
    Answer {
        /// Which.
        id: ActId,
        /// JSON.
        body: Bytes,
        /// The whole action was refused, and costs nothing.
        is_refused: bool,
    },
    /// A message to all that want it.
    Push {
        /// Who wants it.
        topic: Topic,
        /// The whole message, JSON.
        message: Bytes,
    },
}

/// Who listens to what.
pub trait Audience {
    /// Whether anyone wants this topic.
    fn wants(&self, topic: &Topic) -> bool;
}

/// Where the exchange says what it has to say.
pub struct Outlet<'a> {
    audience: &'a dyn Audience,
    outputs: &'a mut Vec<Output>,
}

impl<'a> Outlet<'a> {
    /// Collects what is said for an audience.
    pub fn new(audience: &'a dyn Audience, outputs: &'a mut Vec<Output>) -> Self {
        Self { audience, outputs }
    }

    /// Whether anyone wants this topic: ask before a message is written.
    #[must_use]
    pub fn wants(&self, topic: &Topic) -> bool {
        self.audience.wants(topic)
    }

    /// Sends a whole message to all that want it.
    pub fn push(&mut self, topic: Topic, message: impl Into<Bytes>) {
        self.outputs.push(Output::Push { topic, message: message.into() });
    }

    /// Answers an action with a body, JSON. An action that is refused as a whole costs nothing.
    pub fn answer(&mut self, id: ActId, body: impl Into<Bytes>, is_refused: bool) {
        self.outputs.push(Output::Answer { id, body: body.into(), is_refused });
    }
}
