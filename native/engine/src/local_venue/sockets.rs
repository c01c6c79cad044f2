//! Sockets at the door: opened within the limits, spoken to, closed.

use bytes::Bytes;
use serde_json::{Value, json};

use super::core::Core;
use super::door::{Asker, Connection, Door, NORMAL, Outgoing, Peer, TRY_LATER};
use super::faults::Point;
use super::subscriptions::{ClientMessage, ConnectionId, PostRequest};
use super::topic::Topic;
use crate::time::Nanos;

impl<C: Core> Door<C> {
    /// A connection is wanted.
    ///
    /// # Errors
    /// Why it is not given.
    pub fn connect(&mut self, peer: &str, now: Nanos) -> Result<ConnectionId, String> {
        self.now = self.now.max(now);
        if self.is_closed || self.faults.draw(Point::Connect, "").is_some() {
            return Err("The venue does not take connections at present.".to_owned());
        }
        let (now, most, new) = (self.now, self.limits.connections, self.limits.new_connections_a_minute);
        let of = self.peer(peer);
        if of.connections.len() >= most {
            return Err(format!("Cannot open more than {most} connections."));
        }
        if !of.opened.take(1, u32::try_from(new).unwrap_or(u32::MAX), now) {
            return Err(format!("Cannot open more than {new} connections per minute."));
        }
        self.last_connection += 1;
        let id = ConnectionId(self.last_connection);
        self.peer(peer).connections.insert(id);
        self.connections.insert(id, Connection { peer: peer.to_owned(), sent: now, posts: 0, is_frozen: false });
        Ok(id)
    }

    /// A connection is gone.
    pub fn disconnect(&mut self, connection: ConnectionId, now: Nanos) {
        self.now = self.now.max(now);
        if let Some(gone) = self.connections.remove(&connection) {
            self.peer(&gone.peer).connections.remove(&connection);
        }
        self.subscriptions.forget(connection);
    }

    pub(super) fn close(&mut self, connection: ConnectionId, code: u16) {
        if self.connections.contains_key(&connection) {
            self.disconnect(connection, self.now);
            self.outgoing.push(Outgoing::Close { connection, code });
        }
    }

    /// All connections, or those that a topic's type is subscribed over.
    pub(super) fn close_all(&mut self) {
        for connection in self.connections.keys().copied().collect::<Vec<_>>() {
            self.close(connection, NORMAL);
        }
    }

    /// All connections that there are now are sent nothing any more.
    pub(super) fn freeze_all(&mut self) {
        for connection in self.connections.values_mut() {
            connection.is_frozen = true;
        }
    }

    pub(super) fn connection_count(&self) -> usize {
        self.connections.len()
    }

    pub(super) fn peer(&mut self, peer: &str) -> &mut Peer {
        self.peers.entry(peer.to_owned()).or_default()
    }

    /// A message comes over a socket.
    pub fn receive(&mut self, connection: ConnectionId, message: &[u8], now: Nanos) {
        self.now = self.now.max(now);
        let Some(peer) = self.connections.get(&connection).map(|c| c.peer.clone()) else { return };
        let (now, most) = (self.now, self.limits.messages_a_minute);
        if !self.peer(&peer).messages.take(1, u32::try_from(most).unwrap_or(u32::MAX), now) {
            return self.complain(connection, &format!("Cannot send more than {most} messages per minute."));
        }
        match ClientMessage::read(message) {
            Err(text) => self.complain(connection, &text),
            Ok(ClientMessage::Ping) => self.send(connection, Bytes::from_static(br#"{"channel":"pong"}"#), Nanos::ZERO),
            Ok(ClientMessage::Subscribe { subscription }) => self.subscribe(connection, &peer, &subscription),
            Ok(ClientMessage::Unsubscribe { subscription }) => {
                if self.subscriptions.remove(connection, &subscription) {
                    self.acknowledge(connection, "unsubscribe", &subscription);
                } else {
                    self.complain(connection, &format!("Already unsubscribed: {}", subscription.echo()));
                }
            }
            Ok(ClientMessage::Post { id, request }) => {
                let most = self.limits.posts;
                let Some(of) = self.connections.get_mut(&connection) else { return };
                if of.posts >= most {
                    return self.complain(connection, &format!("too many pending post requests id={id}"));
                }
                of.posts += 1;
                let asker = Asker::Post(connection, id);
                match request {
                    PostRequest::Info(body) => self.ask(body.to_string().as_bytes(), &peer, asker),
                    PostRequest::Action(body) => self.act(body.to_string().as_bytes(), &peer, asker),
                }
            }
        }
    }

    fn complain(&mut self, connection: ConnectionId, text: &str) {
        let message = json!({"channel": "error", "data": text}).to_string();
        self.send(connection, Bytes::from(message), Nanos::ZERO);
    }

    fn acknowledge(&mut self, connection: ConnectionId, method: &str, topic: &Topic) {
        let echo: Value = serde_json::to_value(topic).unwrap_or(Value::Null);
        let data = json!({"method": method, "subscription": echo});
        let message = json!({"channel": "subscriptionResponse", "data": data}).to_string();
        self.send(connection, Bytes::from(message), Nanos::ZERO);
    }

    fn subscribe(&mut self, connection: ConnectionId, peer: &str, topic: &Topic) {
        if !topic.dex().is_empty() || topic.coin().is_some_and(|coin| !self.core.is_coin(coin)) {
            return self.complain(connection, &format!("Invalid subscription {}", topic.echo()));
        }
        let connections = self.peer(peer).connections.clone();
        let (count, users) = self.subscriptions.load(&connections);
        if count >= self.limits.subscriptions {
            let most = self.limits.subscriptions;
            return self.complain(connection, &format!("Cannot subscribe to more than {most} channels."));
        }
        if topic.user().is_some_and(|user| !users.contains(&user)) && users.len() >= self.limits.users {
            let most = self.limits.users;
            return self.complain(connection, &format!("Cannot track more than {most} total users."));
        }
        if !self.subscriptions.add(connection, topic) {
            return self.complain(connection, &format!("Already subscribed: {}", topic.echo()));
        }
        if let Some(user) = topic.user() {
            self.fund(&user);
        }
        self.acknowledge(connection, "subscribe", topic);
        self.tell_first(connection, topic);
    }

    fn tell_first(&mut self, connection: ConnectionId, topic: &Topic) {
        let mut messages = Vec::new();
        self.core.snapshot(topic, self.now, &mut messages);
        for message in messages {
            self.send(connection, message, Nanos::ZERO);
        }
    }

    /// What each subscriber was told first is told again.
    pub(super) fn repeat_snapshots(&mut self) {
        let all: Vec<_> = self.subscriptions.all().map(|(connection, topic)| (connection, topic.clone())).collect();
        for (connection, topic) in all {
            self.tell_first(connection, &topic);
        }
    }

    /// A connection does not keep up with what it is sent: it is closed.
    pub fn overrun(&mut self, connection: ConnectionId, now: Nanos) {
        self.now = self.now.max(now);
        self.close(connection, TRY_LATER);
    }
}
