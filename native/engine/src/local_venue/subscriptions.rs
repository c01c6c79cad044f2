//! What clients send over a socket, and who has subscribed to what.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::core::Audience;
use super::topic::Topic;
use crate::hyperliquid::address::Address;

/// A connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// What a client wants.
#[derive(Debug, Deserialize)]
#[serde(tag = "method", rename_all = "camelCase")]
pub enum ClientMessage {
    /// To hear of a topic.
    Subscribe {
        /// Which.
        subscription: Topic,
    },
    /// To hear of it no more.
    Unsubscribe {
        /// Which.
        subscription: Topic,
    },
    /// To be answered.
    Ping,
    /// What could be sent by a request as well.
    Post {
        /// Names the answer.
        id: u64,
        /// The request.
        request: PostRequest,
    },
}

/// A request over a socket.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", content = "payload", rename_all = "camelCase")]
pub enum PostRequest {
    /// A question.
    Info(Value),
    /// An action.
    Action(Value),
}

impl ClientMessage {
    /// Reads a message.
    ///
    /// # Errors
    /// The venue's text.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        let shown = || String::from_utf8_lossy(text.get(..200).unwrap_or(text)).into_owned();
        let message: Self = serde_json::from_slice(text)
            .map_err(|_| format!("Error parsing JSON into valid websocket request: {}", shown()))?;
        match &message {
            Self::Subscribe { subscription } | Self::Unsubscribe { subscription }
                if !subscription.has_valid_levels() =>
            {
                Err(format!("Invalid subscription {}", subscription.echo()))
            }
            _ => Ok(message),
        }
    }
}

/// Who has subscribed to what.
#[derive(Debug, Default)]
pub struct Subscriptions {
    by_topic: BTreeMap<Topic, BTreeSet<ConnectionId>>,
    by_connection: BTreeMap<ConnectionId, BTreeSet<Topic>>,
}

impl Audience for Subscriptions {
    fn wants(&self, topic: &Topic) -> bool {
        self.by_topic.contains_key(topic)
    }
}

impl Subscriptions {
    /// Notes a subscription; false if it is there already.
    pub fn add(&mut self, connection: ConnectionId, topic: &Topic) -> bool {
        self.by_topic.entry(topic.clone()).or_default().insert(connection);
        self.by_connection.entry(connection).or_default().insert(topic.clone())
    }

    /// Forgets a subscription; false if there was none.
    pub fn remove(&mut self, connection: ConnectionId, topic: &Topic) -> bool {
        if let Some(connections) = self.by_topic.get_mut(topic) {
            connections.remove(&connection);
            if connections.is_empty() {
                self.by_topic.remove(topic);
            }
        }
        self.by_connection.get_mut(&connection).is_some_and(|topics| topics.remove(topic))
    }

    /// Forgets a connection.
    pub fn forget(&mut self, connection: ConnectionId) {
        for topic in self.by_connection.remove(&connection).unwrap_or_default() {
            self.remove(connection, &topic);
        }
    }

    /// Who wants a topic.
    pub fn of(&self, topic: &Topic) -> impl Iterator<Item = ConnectionId> + '_ {
        self.by_topic.get(topic).into_iter().flatten().copied()
    }

    /// Every subscription.
    pub fn all(&self) -> impl Iterator<Item = (ConnectionId, &Topic)> {
        self.by_connection.iter().flat_map(|(connection, topics)| topics.iter().map(|topic| (*connection, topic)))
    }

    /// How many subscriptions some connections have, and to how many users those refer.
    #[must_use]
    pub fn load(&self, connections: &BTreeSet<ConnectionId>) -> (usize, BTreeSet<Address>) {
        let topics = || connections.iter().filter_map(|connection| self.by_connection.get(connection)).flatten();
        (topics().count(), topics().filter_map(Topic::user).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(coin: &str) -> Topic {
        Topic::Bbo { coin: coin.to_owned() }
    }

    #[test]
    fn a_topic_is_wanted_while_anybody_has_subscribed_to_it() {
        let mut subscriptions = Subscriptions::default();
        let (a, b) = (ConnectionId(1), ConnectionId(2));
        assert!(subscriptions.add(a, &topic("BTC")) && subscriptions.add(b, &topic("BTC")));
        assert!(!subscriptions.add(a, &topic("BTC")), "it is there already");
        assert!(subscriptions.remove(a, &topic("BTC")) && !subscriptions.remove(a, &topic("BTC")));
        assert_eq!(subscriptions.of(&topic("BTC")).collect::<Vec<_>>(), [b]);
        subscriptions.forget(b);
        assert!(!subscriptions.wants(&topic("BTC")));
    }

    #[test]
    fn what_a_client_sends_is_read_with_keys_that_it_does_not_need() {
        let read = |text: &str| ClientMessage::read(text.as_bytes());
        assert!(matches!(read(r#"{"method":"ping"}"#), Ok(ClientMessage::Ping)));
        let text = r#"{"method":"unsubscribe","subscription":{"type":"trades","coin":"BTC"},"id":7}"#;
        assert!(matches!(read(text), Ok(ClientMessage::Unsubscribe { .. })));
        let text = r#"{"method":"post","id":3,"request":{"type":"info","payload":{"type":"meta"}}}"#;
        assert!(matches!(read(text), Ok(ClientMessage::Post { id: 3, request: PostRequest::Info(_) })));
        for text in ["", "{}", "[1]", r#"{"method":"dance"}"#, r#"{"method":"subscribe","subscription":{"type":"x"}}"#]
        {
            assert!(read(text).unwrap_err().starts_with("Error parsing JSON into valid websocket request: "));
        }
        let text = r#"{"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC","nSigFigs":9}}"#;
        assert!(read(text).unwrap_err().starts_with("Invalid subscription {"));
    }
}
