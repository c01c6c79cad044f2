//! What an operator asks of the venue, as JSON.

use serde::Deserialize;
use serde_json::{Value, json};

use super::core::{Core, Operation};
use super::door::Door;
use super::faults::Fault;
use crate::hyperliquid::address::Address;
use crate::hyperliquid::number;
use crate::num::Money;
use crate::time::Nanos;

/// One wish.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Wish {
    /// These faults in place of all others.
    Faults(Vec<Fault>),
    /// Money for an account.
    Deposit {
        user: Address,
        #[serde(with = "number")]
        amount: Money,
    },
    /// All sockets are closed.
    CutConnections,
    /// All sockets that there are now are sent nothing any more.
    FreezeConnections,
    /// What each subscriber was told first is told again, as if it were new.
    RepeatSnapshots,
    /// Nothing is answered but that, and sockets are closed; or no more.
    Maintenance(bool),
    /// Only orders that add liquidity are taken; or no more.
    PostOnly(bool),
    /// Orders are answered without ids where that is allowed; or no more.
    BareStatuses(bool),
    /// By how many milliseconds the venue's clock is wrong.
    ClockOffsetMs(i64),
    /// Requests of an account are used up.
    SpendRequests { user: Address, requests: u64 },
    /// An API wallet's time is over.
    ExpireAgent(Address),
    /// An API wallet is taken away.
    RemoveAgent { user: Address, name: String },
    /// A coin in reserve is listed.
    List { coin: String },
    /// A coin is no longer traded.
    Unlist { coin: String },
    /// What the venue has seen.
    Statistics,
}

impl<C: Core> Door<C> {
    /// Does what an operator asks: a wish, or a list of them, done in order until one cannot be. The answer is JSON, with
    /// `error` if something is wrong.
    pub fn control(&mut self, body: &[u8], now: Nanos) -> String {
        self.advance(now);
        let wishes: Result<Vec<Wish>, String> = read(body);
        let mut answers = Vec::new();
        for wish in match wishes {
            Ok(wishes) => wishes,
            Err(error) => return json!({"error": error}).to_string(),
        } {
            match self.grant(wish) {
                Ok(answer) => answers.push(answer),
                Err(error) => return json!({"error": error, "done": answers}).to_string(),
            }
        }
        json!({"done": answers}).to_string()
    }

    fn grant(&mut self, wish: Wish) -> Result<Value, String> {
        match wish {
            Wish::Faults(faults) => self.faults.set(faults),
            Wish::Deposit { user, amount } => self.operate(Operation::Deposit { user, amount })?,
            Wish::CutConnections => self.close_all(),
            Wish::FreezeConnections => self.freeze_all(),
            Wish::RepeatSnapshots => self.repeat_snapshots(),
            Wish::Maintenance(is_closed) => {
                self.is_closed = is_closed;
                if is_closed {
                    self.close_all();
                }
            }
            Wish::PostOnly(is_on) => self.operate(Operation::PostOnly(is_on))?,
            Wish::BareStatuses(is_on) => self.operate(Operation::BareStatuses(is_on))?,
            Wish::ClockOffsetMs(ms) => self.clock_offset = Nanos::from_millis(ms),
            Wish::SpendRequests { user, requests } => self.budgets.spend(&user, requests),
            Wish::ExpireAgent(agent) => {
                if !self.agents.expire(&agent) {
                    return Err(format!("{agent} is no API wallet"));
                }
            }
            Wish::RemoveAgent { user, name } => match self.agents.remove(&user, &name) {
                Some(agent) => self.nonces.prune(&agent),
                None => return Err(format!("{user} has no API wallet `{name}`")),
            },
            Wish::List { coin } => self.operate(Operation::List { coin })?,
            Wish::Unlist { coin } => self.operate(Operation::Unlist { coin })?,
            Wish::Statistics => return Ok(self.statistics()),
        }
        Ok(Value::Null)
    }

    fn statistics(&self) -> Value {
        let peers = self.peers.iter().map(|(peer, of)| {
            let told = json!({
                "weight_highest": of.weight.highest(),
                "weight_refused": of.weight.refused(),
                "messages_highest": of.messages.highest(),
                "messages_refused": of.messages.refused(),
                "connections_opened_highest": of.opened.highest(),
                "connections": of.connections.len(),
            });
            (peer.clone(), told)
        });
        json!({
            "peers": peers.collect::<serde_json::Map<_, _>>(),
            "connections": self.connection_count(),
            "faults": self.faults.left(),
        })
    }
}

fn read(body: &[u8]) -> Result<Vec<Wish>, String> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Some {
        Many(Vec<Value>),
        One(Value),
    }
    let values = match serde_json::from_slice(body).map_err(|error| error.to_string())? {
        Some::Many(values) => values,
        Some::One(value) => vec![value],
    };
    values.into_iter().map(|value| serde_json::from_value(value).map_err(|error| error.to_string())).collect()
}
