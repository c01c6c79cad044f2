//! Messages of the socket about an account, and those of the connection itself.

use super::account::{
    AccountLiquidation, ClearinghouseState, Fill, FundingPayment, LedgerUpdate, SpotState, TwapSliceFill,
};
use super::error::MessageError;
use super::exchange::ExchangeAnswer;
use super::info::Answer;
use super::json::{Raw, View, Wire, read_field, record};
use super::kinds::Json;
use super::orders::{NonUserCancel, Order};
use crate::hyperliquid::names::{answer, field as key};

record! {
    /// Fills of an account.
    UserFills {
        /// Whether they are history: what comes first after a subscription.
        is_snapshot: Option<bool> = IS_SNAPSHOT,
        /// Whose.
        user: Box<str> = USER,
        /// The fills.
        fills: Vec<Fill> = FILLS,
    }
}

record! {
    /// Fills of slicing orders of an account.
    UserTwapFills {
        /// Whether they are history.
        is_snapshot: Option<bool> = IS_SNAPSHOT,
        /// Whose.
        user: Box<str> = USER,
        /// The fills.
        fills: Vec<TwapSliceFill> = TWAP_SLICE_FILLS,
    }
}

record! {
    /// Funding of an account.
    UserFundings {
        /// Whether it is history.
        is_snapshot: Option<bool> = IS_SNAPSHOT,
        /// Whose.
        user: Box<str> = USER,
        /// The payments.
        payments: Vec<FundingPayment> = FUNDINGS,
    }
}

record! {
    /// Movements of money of an account.
    UserLedger {
        /// Whether they are history.
        is_snapshot: Option<bool> = IS_SNAPSHOT,
        /// Whose.
        user: Box<str> = USER,
        /// The movements.
        updates: Vec<LedgerUpdate> = NON_FUNDING_LEDGER_UPDATES,
    }
}

record! {
    /// The perpetuals of an account.
    UserClearinghouse {
        /// Of which list of perpetuals; none or empty: the first.
        dex: Option<Box<str>> = DEX,
        /// Whose.
        user: Box<str> = USER,
        /// The state.
        state: ClearinghouseState = CLEARINGHOUSE_STATE,
    }
}

record! {
    /// The tokens of an account.
    UserSpot {
        /// Whose.
        user: Box<str> = USER,
        /// The balances.
        state: SpotState = SPOT_STATE,
    }
}

record! {
    /// The open orders of an account.
    UserOrders {
        /// Of which list of perpetuals; none or empty: the first.
        dex: Option<Box<str>> = DEX,
        /// Whose.
        user: Box<str> = USER,
        /// The orders.
        orders: Vec<Order> = ORDERS,
    }
}

record! {
    /// News of the account that was subscribed to: one of these, and nothing says whose.
    UserEvent {
        /// Fills.
        fills: Option<Vec<Fill>> = FILLS,
        /// A payment of funding.
        funding: Option<FundingPayment> = FUNDING,
        /// A liquidation.
        liquidation: Option<AccountLiquidation> = LIQUIDATION,
        /// Orders that the exchange took away.
        cancels: Option<Vec<NonUserCancel>> = NON_USER_CANCEL,
    }
}

impl UserEvent {
    /// Whether it tells nothing that is known.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        self.fills.is_none() && self.funding.is_none() && self.liquidation.is_none() && self.cancels.is_none()
    }
}

record! {
    /// A subscription was taken up or ended.
    Subscription {
        /// `subscribe` or `unsubscribe`.
        method: Box<str> = METHOD,
        /// To what, as it came, with defaults filled in.
        subscription: Json = SUBSCRIPTION,
    }
}

record! {
    /// Something for a person to read.
    Notification {
        /// The text.
        text: Box<str> = NOTIFICATION,
    }
}

/// What a question or an action that was posted over the socket was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostAnswer {
    /// The answer to a question.
    Info {
        /// Its type.
        question: Box<str>,
        /// The answer.
        answer: Box<Answer>,
    },
    /// The answer to an action.
    Action(ExchangeAnswer),
    /// It was refused, in the exchange's words, with the status that HTTP would have.
    Error(Box<str>),
    /// Something new, as it came.
    Unknown(Json),
}

/// The answer to a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// The number that the post had.
    pub id: u64,
    /// The answer.
    pub answer: PostAnswer,
}

impl Wire for Post {
    fn read(value: Raw<'_>, field: &'static str) -> Result<Self, MessageError> {
        let [id, response] = value.fields(&[key::ID, key::RESPONSE], field)?;
        let response = response.ok_or(MessageError::Missing { field: key::RESPONSE })?;
        let [kind, payload] = response.fields(&[key::TYPE, key::PAYLOAD], key::RESPONSE)?;
        let kind: Box<str> = read_field(kind, key::TYPE)?;
        let payload = payload.ok_or(MessageError::Missing { field: key::PAYLOAD })?;
        let answer = match &*kind {
            answer::INFO => {
                let [question, data] = payload.fields(&[key::TYPE, key::DATA], key::PAYLOAD)?;
                let question: Box<str> = read_field(question, key::TYPE)?;
                let data = data.ok_or(MessageError::Missing { field: key::DATA })?;
                let answer = Box::new(Answer::of(&question, data)?);
                PostAnswer::Info { question, answer }
            }
            answer::ACTION => PostAnswer::Action(Wire::read(payload, key::PAYLOAD)?),
            answer::ERROR => {
                PostAnswer::Error(payload.text(key::PAYLOAD).map_or_else(|_| payload.json().into(), Into::into))
            }
            _ => PostAnswer::Unknown(Json::read(response, key::RESPONSE)?),
        };
        Ok(Self { id: read_field(id, key::ID)?, answer })
    }
    fn view(&self) -> View<'_> {
        let mut fields = vec![("id", self.id.view())];
        match &self.answer {
            PostAnswer::Info { question, answer } => {
                fields.extend([("question", question.view()), ("answer", answer.view())]);
            }
            PostAnswer::Action(answer) => fields.push(("action", answer.view())),
            PostAnswer::Error(text) => fields.push(("error", text.view())),
            PostAnswer::Unknown(json) => fields.push(("unknown", json.view())),
        }
        View::Record(fields)
    }
}
