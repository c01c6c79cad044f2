//! The door: requests, messages and times come in; answers, messages and deadlines go out. No socket, no clock.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde_json::{Value, json};

use super::agents::Agents;
use super::authentication::{Accounts, Denied, Signed, Unread};
use super::core::{ActId, Authorized, Core, Outlet, Output};
use super::faults::{Effect, Faults, Point};
use super::info_request::InfoRequest;
use super::limits::{Budgets, Limits, Minute};
use super::nonces::Nonces;
use super::subscriptions::{ConnectionId, Subscriptions};
use super::topic::Topic;
use super::user_action::UserAction;
use crate::hyperliquid::action::Action;
use crate::hyperliquid::address::Address;
use crate::num::Money;
use crate::time::Nanos;

/// A request that waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// The answer to a request; without a body its connection is cut.
    Answer {
        /// To which.
        ticket: Ticket,
        /// The HTTP status.
        status: u16,
        /// The body.
        body: Option<Bytes>,
        /// How much later it leaves.
        delay: Nanos,
    },
    /// A message over a socket.
    Message {
        /// Over which.
        connection: ConnectionId,
        /// The message.
        body: Bytes,
        /// How much later it leaves.
        delay: Nanos,
    },
    /// A socket is closed.
    Close {
        /// Which.
        connection: ConnectionId,
        /// Why, as sockets say it.
        code: u16,
    },
}

/// A connection that was sent nothing for this long is closed.
const SILENCE_MAX: Nanos = Nanos::MINUTE;
/// The code of a connection that ends in good order, and of one that is not wanted.
pub(super) const NORMAL: u16 = 1000;
pub(super) const TRY_LATER: u16 = 1013;

/// A socket.
#[derive(Debug)]
pub(super) struct Connection {
    pub peer: String,
    /// When it was last sent something.
    pub sent: Nanos,
    /// Posts that have not been answered.
    pub posts: usize,
    /// It is sent nothing any more, and not closed either.
    pub is_frozen: bool,
}

/// An address of the network.
#[derive(Debug, Default)]
pub(super) struct Peer {
    pub weight: Minute,
    pub opened: Minute,
    pub messages: Minute,
    pub connections: BTreeSet<ConnectionId>,
}

/// Who gets the answer to an action.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asker {
    Request(Ticket),
    Post(ConnectionId, u64),
}

/// An action on its way through the exchange.
#[derive(Debug)]
struct Waiting {
    asker: Asker,
    account: Address,
    cost: u64,
    kind: &'static str,
    /// Requests that it buys.
    reserves: u64,
}

/// The door, and the exchange behind it.
#[derive(Debug)]
pub struct Door<C> {
    pub(super) core: C,
    pub(super) limits: Limits,
    pub(super) agents: Agents,
    pub(super) nonces: Nonces,
    pub(super) budgets: Budgets,
    pub(super) faults: Faults,
    pub(super) peers: BTreeMap<String, Peer>,
    /// What an address gets when it is first named; zero for nothing.
    faucet: Money,
    /// By how much the venue's clock is wrong.
    pub(super) clock_offset: Nanos,
    /// Nothing is answered but that.
    pub(super) is_closed: bool,
    pub(super) subscriptions: Subscriptions,
    pub(super) connections: BTreeMap<ConnectionId, Connection>,
    waiting: BTreeMap<ActId, Waiting>,
    outputs: Vec<Output>,
    pub(super) outgoing: Vec<Outgoing>,
    last_ticket: u64,
    pub(super) last_connection: u64,
    last_act: u64,
    pub(super) now: Nanos,
}

struct Known<'a, C>(&'a C);

impl<C: Core> Accounts for Known<'_, C> {
    fn exists(&self, address: &Address) -> bool {
        self.0.exists(address)
    }
    fn master(&self, account: &Address) -> Option<Address> {
        self.0.master(account)
    }
}

fn refused(text: &str) -> Bytes {
    Bytes::from(json!({"status": "err", "response": text}).to_string())
}

impl<C: Core> Door<C> {
    /// A door that opens at a moment. `faucet` is what an address gets when it is first named as a user.
    #[must_use]
    pub fn new(core: C, limits: Limits, faucet: Money, seed: u64, now: Nanos) -> Self {
        Self {
            core,
            limits,
            agents: Agents::default(),
            nonces: Nonces::default(),
            budgets: Budgets::default(),
            faults: Faults::new(seed),
            peers: BTreeMap::new(),
            faucet,
            clock_offset: Nanos::ZERO,
            is_closed: false,
            subscriptions: Subscriptions::default(),
            connections: BTreeMap::new(),
            waiting: BTreeMap::new(),
            outputs: Vec::new(),
            outgoing: Vec::new(),
            last_ticket: 0,
            last_connection: 0,
            last_act: 0,
            now,
        }
    }

    /// The exchange.
    #[must_use]
    pub const fn core(&self) -> &C {
        &self.core
    }

    /// The exchange, to be looked after by who made it.
    pub const fn core_mut(&mut self) -> &mut C {
        &mut self.core
    }

    /// When there is something to do next.
    #[must_use]
    pub fn deadline(&self) -> Nanos {
        let heard = self.connections.values().filter(|connection| !connection.is_frozen);
        let silent = heard.map(|connection| connection.sent.after(SILENCE_MAX)).min();
        let core = self.core.deadline();
        silent.into_iter().chain(core).min().unwrap_or_else(|| self.now.after(Nanos::SECOND))
    }

    /// What goes out, in order.
    pub fn drain(&mut self) -> Vec<Outgoing> {
        std::mem::take(&mut self.outgoing)
    }

    /// Does everything that is due.
    pub fn advance(&mut self, now: Nanos) {
        self.now = self.now.max(now);
        self.with_core(|core, outlet, now| core.advance(now, outlet));
        let silent = |c: &Connection| !c.is_frozen && self.now.since(c.sent) >= SILENCE_MAX;
        let gone: Vec<ConnectionId> = self.connections.iter().filter(|(_, c)| silent(c)).map(|(id, _)| *id).collect();
        for connection in gone {
            self.close(connection, NORMAL);
        }
    }

    /// A request comes: `path` is `info` or `exchange`. Its answer goes out under the ticket, now or later.
    pub fn request(&mut self, path: &str, body: &[u8], peer: &str, now: Nanos) -> Ticket {
        self.now = self.now.max(now);
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        match path {
            "info" => self.ask(body, peer, Asker::Request(ticket)),
            "exchange" => self.act(body, peer, Asker::Request(ticket)),
            _ => self.answer(ticket, "", 404, Bytes::from_static(b"not found")),
        }
        ticket
    }

    pub(super) fn ask(&mut self, body: &[u8], peer: &str, asker: Asker) {
        let request = match InfoRequest::read(body) {
            Ok(request) => request,
            Err(text) => return self.reply(asker, "", 422, Bytes::from(text)),
        };
        let kind = kind_of(body);
        if self.fails(asker, &kind) {
            return;
        }
        let now = self.now;
        let most = self.limits.weight_a_minute;
        if !self.peer(peer).weight.take(request.weight(), most, now) {
            return self.reply(asker, &kind, 429, Bytes::from_static(b"null"));
        }
        if let Some(user) = request.user() {
            self.fund(&user);
        }
        let mut answer = Vec::new();
        let status = if let Some(own) = self.own_answer(&request) {
            answer = own.to_string().into_bytes();
            200
        } else {
            let told = self.core.info(&request, now.after(self.clock_offset), &mut answer);
            if let Some(each) = request.items_a_weight() {
                let more = u32::try_from(told.items / each).unwrap_or(u32::MAX);
                self.peer(peer).weight.add(more, now);
            }
            told.status
        };
        let answer = match asker {
            Asker::Request(_) => Bytes::from(answer),
            // Over the socket the type of the question comes with the answer.
            Asker::Post(..) => {
                let data: Value = serde_json::from_slice(&answer).unwrap_or(Value::Null);
                Bytes::from(json!({"type": kind, "data": data}).to_string())
            }
        };
        self.reply(asker, &kind, status, answer);
    }

    /// What the door knows and the exchange does not.
    fn own_answer(&self, request: &InfoRequest) -> Option<Value> {
        let now = self.now.after(self.clock_offset).unsigned_millis();
        Some(match request {
            InfoRequest::UserRole { user } => {
                if let Some(master) = self.agents.master(user, now) {
                    json!({"role": "agent", "data": {"user": master.to_string()}})
                } else if let Some(master) = self.core.master(user) {
                    json!({"role": "subAccount", "data": {"master": master.to_string()}})
                } else if self.core.exists(user) {
                    json!({"role": "user"})
                } else {
                    json!({"role": "missing"})
                }
            }
            InfoRequest::ExtraAgents { user } => {
                let agents = self.agents.named(user, now).map(|(name, agent)| {
                    json!({"name": name, "address": agent.address.to_string(), "validUntil": agent.valid_until})
                });
                Value::Array(agents.collect())
            }
            InfoRequest::UserRateLimit { user } => {
                let traded = self.core.traded(user);
                let cap = self.budgets.cap(user, traded, &self.limits);
                let used = self.budgets.get(user).used;
                let volume =
                    if traded.raw() % crate::num::UNIT == 0 { format!("{traded}.0") } else { traded.to_string() };
                json!({
                    "cumVlm": volume,
                    "nRequestsUsed": used,
                    "nRequestsCap": cap,
                    "nRequestsSurplus": cap.saturating_sub(used),
                })
            }
            _ => return None,
        })
    }

    /// An address that is named for the first time gets its money, unless it acts for another or ever did: with money of
    /// its own, an API wallet whose time is over would go on trading, on the wrong account.
    pub(super) fn fund(&mut self, user: &Address) {
        if self.faucet.is_positive() && !self.core.exists(user) && !self.agents.was_used(user) {
            let amount = self.faucet;
            let deposit = super::core::Operation::Deposit { user: *user, amount };
            // Where there are too many accounts, there is none: the question is answered as for a stranger.
            let _ = self.operate(deposit);
        }
    }

    /// Does what an operator asks.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn operate(&mut self, operation: super::core::Operation) -> Result<(), String> {
        let mut result = Ok(());
        self.with_core(|core, outlet, now| result = core.operate(operation, now, outlet));
        result
    }

    pub(super) fn act(&mut self, body: &[u8], peer: &str, asker: Asker) {
        let signed = match Signed::read(body) {
            Ok(signed) => signed,
            Err(Unread::Unreadable(text)) => return self.reply(asker, "", 422, Bytes::from(text)),
            Err(Unread::Elsewhere(text)) => return self.reply(asker, "", 200, refused(&text)),
        };
        let (kind, items, is_cancel) = (signed.kind(), signed.items(), signed.is_cancel());
        if self.fails(asker, kind) {
            return;
        }
        let now = self.now;
        let weight = 1 + u32::try_from(items / 40).unwrap_or(u32::MAX);
        let most = self.limits.weight_a_minute;
        if !self.peer(peer).weight.take(weight, most, now) {
            return self.reply(asker, kind, 429, Bytes::from_static(b"null"));
        }
        let cost = u64::try_from(items.max(1)).unwrap_or(u64::MAX);
        let clock = now.after(self.clock_offset).unsigned_millis();
        let authentic = match signed.authenticate(&Known(&self.core), &self.agents, &mut self.nonces, clock) {
            Ok(authentic) => authentic,
            Err(Denied { text, cost }) => {
                if let Some((account, cost)) = cost {
                    self.budgets.spend(&account, cost);
                }
                return self.reply(asker, kind, 200, refused(&text));
            }
        };
        let account = authentic.account;
        let traded = self.core.traded(&account);
        if let Err(text) = self.budgets.admit(&account, is_cancel, traded, &self.limits, now) {
            return self.reply(asker, kind, 200, refused(&text));
        }
        if let Authorized::User(UserAction::ApproveAgent { agent_address, agent_name }) = &authentic.action {
            let sub_accounts = self.core.sub_accounts(&account);
            let name = agent_name.as_deref().unwrap_or_default();
            let approved = self.agents.approve(&account, *agent_address, name, sub_accounts, clock);
            let body = match approved {
                Ok(()) => {
                    self.budgets.spend(&account, cost);
                    Bytes::from_static(br#"{"status":"ok","response":{"type":"default"}}"#)
                }
                Err(text) => refused(&text),
            };
            return self.reply(asker, kind, 200, body);
        }
        let reserves = match &authentic.action {
            Authorized::L1(Action::ReserveRequestWeight { weight }) => *weight,
            _ => 0,
        };
        self.last_act += 1;
        let id = ActId(self.last_act);
        // Counted now: what waits for the same block must not pass on a budget that this one spends.
        self.budgets.spend(&account, cost);
        self.waiting.insert(id, Waiting { asker, account, cost, kind, reserves });
        self.with_core(|core, outlet, now| core.act(id, authentic, now, outlet));
    }

    /// Lets the exchange do something, and passes on what it says.
    fn with_core(&mut self, what: impl FnOnce(&mut C, &mut Outlet<'_>, Nanos)) {
        let mut outputs = std::mem::take(&mut self.outputs);
        what(&mut self.core, &mut Outlet::new(&self.subscriptions, &mut outputs), self.now);
        for output in outputs.drain(..) {
            match output {
                Output::Answer { id, body, is_refused } => {
                    let Some(waiting) = self.waiting.remove(&id) else { continue };
                    if is_refused {
                        self.budgets.give_back(&waiting.account, waiting.cost);
                    } else {
                        self.budgets.reserve(&waiting.account, waiting.reserves);
                    }
                    self.reply(waiting.asker, waiting.kind, 200, body);
                }
                Output::Push { topic, message } => self.push(&topic, &message),
            }
        }
        self.outputs = outputs;
    }

    /// Whether a fault takes the place of what is asked for; it has then been answered so.
    fn fails(&mut self, asker: Asker, kind: &str) -> bool {
        if self.is_closed {
            self.reply(asker, kind, 503, Bytes::from_static(b"maintenance"));
            return true;
        }
        match self.faults.draw(Point::Request, kind) {
            Some(Effect::Status { status, body }) => self.leave(asker, status, Some(Bytes::from(body)), Nanos::ZERO),
            Some(Effect::Drop | Effect::Cut) => self.leave(asker, 0, None, Nanos::ZERO),
            Some(Effect::Delay { .. } | Effect::Duplicate) | None => return false,
        }
        true
    }

    fn answer(&mut self, ticket: Ticket, kind: &str, status: u16, body: Bytes) {
        self.reply(Asker::Request(ticket), kind, status, body);
    }

    /// An answer leaves, unless a fault befalls it.
    fn reply(&mut self, asker: Asker, kind: &str, status: u16, body: Bytes) {
        match self.faults.draw(Point::Answer, kind) {
            Some(Effect::Drop | Effect::Cut) => self.leave(asker, 0, None, Nanos::ZERO),
            Some(Effect::Delay { ms }) => {
                self.leave(asker, status, Some(body), Nanos::from_millis(ms));
            }
            Some(Effect::Status { status, body }) => self.leave(asker, status, Some(Bytes::from(body)), Nanos::ZERO),
            Some(Effect::Duplicate) | None => self.leave(asker, status, Some(body), Nanos::ZERO),
        }
    }

    fn leave(&mut self, asker: Asker, status: u16, body: Option<Bytes>, delay: Nanos) {
        match asker {
            Asker::Request(ticket) => self.outgoing.push(Outgoing::Answer { ticket, status, body, delay }),
            Asker::Post(connection, id) => {
                if let Some(connection) = self.connections.get_mut(&connection) {
                    connection.posts = connection.posts.saturating_sub(1);
                }
                // An answer that is lost on a socket takes nothing with it.
                let Some(body) = body else { return };
                let payload: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
                let response = match (status, payload.get("status")) {
                    (200, Some(_)) => json!({"type": "action", "payload": payload}),
                    (200, None) => json!({"type": "info", "payload": payload}),
                    (status, _) => {
                        let text = String::from_utf8_lossy(&body).into_owned();
                        json!({"type": "error", "payload": format!("{status} {text}")})
                    }
                };
                let message = json!({"channel": "post", "data": {"id": id, "response": response}});
                self.send(connection, Bytes::from(message.to_string()), delay);
            }
        }
    }

    pub(super) fn send(&mut self, connection: ConnectionId, body: Bytes, delay: Nanos) {
        let Some(to) = self.connections.get_mut(&connection).filter(|to| !to.is_frozen) else { return };
        to.sent = self.now;
        self.outgoing.push(Outgoing::Message { connection, body, delay });
    }

    fn push(&mut self, topic: &Topic, message: &Bytes) {
        let connections: Vec<ConnectionId> = self.subscriptions.of(topic).collect();
        for connection in connections {
            match self.faults.draw(Point::Push, topic.name()) {
                None | Some(Effect::Status { .. }) => self.send(connection, message.clone(), Nanos::ZERO),
                Some(Effect::Drop) => {}
                Some(Effect::Cut) => self.close(connection, NORMAL),
                Some(Effect::Delay { ms }) => {
                    self.send(connection, message.clone(), Nanos::from_millis(ms));
                }
                Some(Effect::Duplicate) => {
                    self.send(connection, message.clone(), Nanos::ZERO);
                    self.send(connection, message.clone(), Nanos::ZERO);
                }
            }
        }
    }
}

/// The `type` of a body, for faults and answers.
fn kind_of(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Kind {
        r#type: String,
    }
    serde_json::from_slice::<Kind>(body).map(|kind| kind.r#type).unwrap_or_default()
}
