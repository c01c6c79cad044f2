//! The whole venue, from outside: bodies and messages in, answers and messages out.

use serde_json::{Value, json};

use super::backend::exchange::LocalExchange;
use super::door::{Door, Outgoing, Ticket};
use super::subscriptions::ConnectionId;
use super::venue::VenueOptions;
use crate::hyperliquid::action::Action;
use crate::hyperliquid::address::Address;
use crate::hyperliquid::keys::PrivateKey;
use crate::hyperliquid::request::Request;
use crate::hyperliquid::signing::{Network, Terms};
use crate::time::Nanos;

const START: Nanos = Nanos::from_raw(1_704_067_200 * Nanos::SECOND.raw());

struct World {
    door: Door<LocalExchange>,
    now: Nanos,
    nonce: u64,
    out: Vec<Outgoing>,
}

fn key(n: u8) -> PrivateKey {
    PrivateKey::from_bytes(&[n; 32]).unwrap()
}

impl World {
    fn new(options: &str) -> Self {
        let door = VenueOptions::read(options).unwrap().open(START).unwrap();
        Self { door, now: START, nonce: 0, out: Vec::new() }
    }

    fn pass(&mut self, ms: i64) {
        self.now = self.now.after(Nanos::from_raw(ms * 1_000_000));
        self.door.advance(self.now);
        self.out.extend(self.door.drain());
    }

    /// Waits for the answer to a ticket.
    fn answer(&mut self, ticket: Ticket) -> (u16, Option<Value>) {
        self.out.extend(self.door.drain());
        for _ in 0..50 {
            let place =
                self.out.iter().position(|out| matches!(out, Outgoing::Answer { ticket: of, .. } if *of == ticket));
            if let Some(place) = place
                && let Outgoing::Answer { status, body, .. } = self.out.remove(place)
            {
                let read = |body: bytes::Bytes| {
                    serde_json::from_slice(&body)
                        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()))
                };
                return (status, body.map(read));
            }
            self.pass(100);
        }
        panic!("no answer");
    }

    fn info(&mut self, question: Value) -> (u16, Option<Value>) {
        let ticket = self.door.request("info", question.to_string().as_bytes(), "here", self.now);
        self.answer(ticket)
    }

    fn body(&mut self, key: &PrivateKey, action: Value) -> Vec<u8> {
        self.nonce += 1;
        let nonce = u64::try_from(self.now.raw() / 1_000_000).unwrap() + self.nonce;
        let action: Action = serde_json::from_value(action).unwrap();
        Request::sign(key, action, Terms::new(nonce), Network::Testnet).unwrap().body().unwrap()
    }

    fn act(&mut self, key: &PrivateKey, action: Value) -> Value {
        let body = self.body(key, action);
        let ticket = self.door.request("exchange", &body, "here", self.now);
        self.answer(ticket).1.unwrap()
    }

    fn sign_user(&mut self, key: &PrivateKey, mut action: Value) -> Value {
        self.nonce += 1;
        let nonce = u64::try_from(self.now.raw() / 1_000_000).unwrap() + self.nonce;
        let fields = action.as_object_mut().unwrap();
        fields.insert("hyperliquidChain".into(), json!("Testnet"));
        fields.insert("signatureChainId".into(), json!("0x66eee"));
        let time = if fields.contains_key("agentAddress") { "nonce" } else { "time" };
        fields.insert(time.into(), json!(nonce));
        let value = serde_json::from_value(action).unwrap();
        let body = Request::sign_user(key, value).unwrap().body().unwrap();
        let ticket = self.door.request("exchange", &body, "here", self.now);
        self.answer(ticket).1.unwrap()
    }

    fn open(&mut self) -> ConnectionId {
        self.door.connect("here", self.now).unwrap()
    }

    /// Sends a message, and hears what came over its connection since it was last asked.
    fn say(&mut self, connection: ConnectionId, message: Value) -> Vec<Value> {
        self.door.receive(connection, message.to_string().as_bytes(), self.now);
        self.heard(connection)
    }

    fn heard(&mut self, connection: ConnectionId) -> Vec<Value> {
        self.out.extend(self.door.drain());
        let is_ours = |out: &Outgoing| matches!(out, Outgoing::Message { connection: of, .. } if *of == connection);
        let (ours, rest) = std::mem::take(&mut self.out).into_iter().partition(is_ours);
        self.out = rest;
        let body = |out| {
            if let Outgoing::Message { body, .. } = out { serde_json::from_slice(&body).unwrap() } else { panic!() }
        };
        Vec::into_iter(ours).map(body).collect()
    }

    fn control(&mut self, wish: Value) -> Value {
        serde_json::from_str(&self.door.control(wish.to_string().as_bytes(), self.now)).unwrap()
    }
}

fn order(price: &str, tif: &str) -> Value {
    json!({"type": "order", "grouping": "na",
        "orders": [{"a": 0, "b": true, "p": price, "s": "0.001", "r": false, "t": {"limit": {"tif": tif}}}]})
}

#[test]
fn an_address_that_a_question_names_is_funded_and_one_that_signs_wrongly_never() {
    let mut w = World::new(r#"{"faucet":"1000"}"#);
    let ann = key(1);
    let stranger = w.act(&ann, json!({"type": "noop"}));
    assert_eq!(stranger["response"], format!("User or API Wallet {} does not exist.", ann.address()));
    let (_, state) = w.info(json!({"type": "clearinghouseState", "user": ann.address().checksummed()}));
    assert_eq!(state.unwrap()["marginSummary"]["accountValue"], "1000.0");
    assert_eq!(w.act(&ann, json!({"type": "noop"})), json!({"status": "ok", "response": {"type": "default"}}));
    assert_eq!(w.info(json!({"type": "userRole", "user": key(2).address().to_string()})).1.unwrap()["role"], "user");
    let mut w = World::new(r#"{"faucet":"0"}"#);
    w.info(json!({"type": "clearinghouseState", "user": ann.address().to_string()}));
    assert_eq!(w.info(json!({"type": "userRole", "user": ann.address().to_string()})).1.unwrap()["role"], "missing");
}

#[test]
fn an_action_is_answered_by_the_block_that_it_is_in() {
    let mut w = World::new("{}");
    let ann = key(1);
    w.door.fund(&ann.address());
    let body = w.body(&ann, order("80000", "Gtc"));
    let ticket = w.door.request("exchange", &body, "here", w.now);
    assert!(w.door.drain().is_empty(), "not before the block");
    let (status, answer) = w.answer(ticket);
    assert_eq!((status, &answer.unwrap()["response"]["data"]["statuses"][0]["resting"].is_object()), (200, &true));
    let ticket = w.door.request("exchange", &body, "here", w.now);
    let text = w.answer(ticket).1.unwrap()["response"].as_str().unwrap().to_owned();
    assert!(text.starts_with("Invalid nonce: duplicate nonce "), "{text}");
}

#[test]
fn an_approved_api_wallet_trades_for_its_master_and_can_move_nothing() {
    let mut w = World::new("{}");
    let (ann, agent) = (key(1), key(2));
    w.door.fund(&ann.address());
    let approve = json!({"type": "approveAgent", "agentAddress": agent.address().to_string(), "agentName": "bot"});
    assert_eq!(w.sign_user(&ann, approve)["status"], "ok");
    let user = ann.address().to_string();
    assert_eq!(w.info(json!({"type": "extraAgents", "user": user})).1.unwrap()[0]["name"], "bot");
    let role = w.info(json!({"type": "userRole", "user": agent.address().to_string()})).1.unwrap();
    assert_eq!(role, json!({"role": "agent", "data": {"user": user}}));
    let answer = w.act(&agent, order("80000", "Gtc"));
    assert!(answer["response"]["data"]["statuses"][0]["resting"].is_object(), "{answer}");
    assert_eq!(w.info(json!({"type": "openOrders", "user": user})).1.unwrap().as_array().unwrap().len(), 1);
    let send = json!({"type": "usdSend", "destination": user, "amount": "1"});
    let text = w.sign_user(&agent, send)["response"].as_str().unwrap().to_owned();
    assert!(text.ends_with(" does not exist."), "{text}");
    assert_eq!(w.control(json!({"expire_agent": agent.address().to_string()})), json!({"done": [null]}));
    let text = w.act(&agent, order("80000", "Gtc"))["response"].as_str().unwrap().to_owned();
    assert!(text.ends_with(" does not exist."), "{text}");
}

#[test]
fn a_subscription_is_acknowledged_then_told_and_heard_of_once() {
    let mut w = World::new("{}");
    let c = w.open();
    let subscribe = json!({"method": "subscribe", "subscription": {"type": "l2Book", "coin": "BTC"}});
    let heard = w.say(c, subscribe.clone());
    assert_eq!(
        heard[0]["data"]["subscription"],
        json!({"type": "l2Book", "coin": "BTC", "nSigFigs": null, "mantissa": null})
    );
    assert_eq!((&heard[1]["channel"], &heard[1]["data"]["coin"]), (&json!("l2Book"), &json!("BTC")));
    let again = w.say(c, subscribe);
    assert!(again[0]["data"].as_str().unwrap().starts_with("Already subscribed: {"));
    assert_eq!(w.say(c, json!({"method": "ping"})), [json!({"channel": "pong"})]);
    w.pass(5_500);
    assert!(w.heard(c).iter().any(|message| message["channel"] == "l2Book"));
    let unsubscribe = json!({"method": "unsubscribe", "subscription": {"type": "l2Book", "coin": "BTC"}});
    assert_eq!(w.say(c, unsubscribe)[0]["data"]["method"], "unsubscribe");
    w.pass(6_000);
    assert_eq!(w.heard(c), [] as [Value; 0]);
    let wrong = w.say(c, json!({"method": "subscribe", "subscription": {"type": "trades", "coin": "NONE"}}));
    assert_eq!(wrong[0]["channel"], "error");
}

#[test]
fn a_connection_that_is_sent_nothing_for_a_minute_is_closed() {
    let mut w = World::new("{}");
    let (silent, kept) = (w.open(), w.open());
    w.pass(40_000);
    w.say(kept, json!({"method": "ping"}));
    w.pass(20_000);
    let closed: Vec<_> = w
        .out
        .iter()
        .filter_map(|o| if let Outgoing::Close { connection, .. } = o { Some(*connection) } else { None })
        .collect();
    assert_eq!(closed, [silent]);
}

#[test]
fn requests_over_the_socket_are_answered_as_those_by_post() {
    let mut w = World::new("{}");
    let ann = key(1);
    w.door.fund(&ann.address());
    let c = w.open();
    let ask =
        json!({"method": "post", "id": 5, "request": {"type": "info", "payload": {"type": "l2Book", "coin": "BTC"}}});
    let heard = w.say(c, ask);
    assert_eq!(heard[0]["data"]["id"], 5);
    assert_eq!(heard[0]["data"]["response"]["payload"]["type"], "l2Book");
    assert_eq!(heard[0]["data"]["response"]["payload"]["data"]["coin"], "BTC");
    let body: Value = serde_json::from_slice(&w.body(&ann, order("80000", "Gtc"))).unwrap();
    w.say(c, json!({"method": "post", "id": 6, "request": {"type": "action", "payload": body}}));
    w.pass(100);
    let heard = w.heard(c);
    assert_eq!(heard[0]["data"]["response"]["type"], "action");
    assert_eq!(heard[0]["data"]["response"]["payload"]["status"], "ok");
    let wrong =
        w.say(c, json!({"method": "post", "id": 7, "request": {"type": "info", "payload": {"type": "no such"}}}));
    assert_eq!(wrong[0]["data"]["response"]["type"], "error");
    assert!(wrong[0]["data"]["response"]["payload"].as_str().unwrap().starts_with("422 Failed to deserialize"));
}

#[test]
fn limits_are_kept_and_what_was_highest_is_known() {
    let mut w = World::new(r#"{"limits":{"weight_a_minute":50,"connections":2,"users":1,"subscriptions":2}}"#);
    assert_eq!(w.info(json!({"type": "meta"})).0, 200);
    assert_eq!(w.info(json!({"type": "meta"})).0, 200);
    assert_eq!(w.info(json!({"type": "meta"})).0, 429);
    assert_eq!(w.info(json!({"type": "allMids"})).0, 200, "it still fits");
    w.pass(60_000);
    assert_eq!(w.info(json!({"type": "meta"})).0, 200);
    let c = w.open();
    w.open();
    assert_eq!(w.door.connect("here", w.now).unwrap_err(), "Cannot open more than 2 connections.");
    let user = |n: u8| json!({"method": "subscribe", "subscription": {"type": "orderUpdates", "user": Address([n; 20]).to_string()}});
    w.say(c, user(1));
    assert_eq!(w.say(c, user(2))[0]["data"], "Cannot track more than 1 total users.");
    w.say(c, json!({"method": "subscribe", "subscription": {"type": "allMids"}}));
    let full = w.say(c, json!({"method": "subscribe", "subscription": {"type": "trades", "coin": "BTC"}}));
    assert_eq!(full[0]["data"], "Cannot subscribe to more than 2 channels.");
    let statistics = w.control(json!("statistics"));
    assert_eq!(statistics["done"][0]["peers"]["here"]["weight_highest"], 42);
}

#[test]
fn faults_strike_before_or_after_the_deed() {
    let mut w = World::new("{}");
    let ann = key(1);
    w.door.fund(&ann.address());
    let user = ann.address().to_string();
    let open = |w: &mut World| w.info(json!({"type": "openOrders", "user": user})).1.unwrap().as_array().unwrap().len();
    w.control(json!({"faults": [{"at": "answer", "match": "order", "count": 1, "effect": "drop"}]}));
    let body = w.body(&ann, order("80000", "Gtc"));
    let ticket = w.door.request("exchange", &body, "here", w.now);
    assert_eq!(w.answer(ticket), (0, None), "the answer is lost");
    assert_eq!(open(&mut w), 1, "the order is there");
    w.control(json!({"faults": [{"at": "request", "match": "order", "count": 1, "effect": "status", "status": 502, "body": "bad gateway"}]}));
    let body = w.body(&ann, order("80000", "Gtc"));
    let ticket = w.door.request("exchange", &body, "here", w.now);
    assert_eq!(w.answer(ticket), (502, Some(json!("bad gateway"))));
    assert_eq!(open(&mut w), 1, "nothing was done");
    w.control(json!([{"maintenance": true}]));
    assert_eq!(w.info(json!({"type": "meta"})).0, 503);
    w.control(json!([{"maintenance": false}, {"post_only": true}]));
    let answer = w.act(&ann, order("80000", "Gtc"));
    let text = answer["response"]["data"]["statuses"][0]["error"].as_str().unwrap();
    assert!(text.starts_with("Only post-only orders allowed immediately after a network upgrade"));
    assert!(w.control(json!({"dance": 1}))["error"].as_str().unwrap().contains("dance"));
}

#[test]
fn a_coin_can_be_listed_and_taken_off_while_it_runs() {
    let mut w = World::new(r#"{"symbols":2}"#);
    let universe = |w: &mut World| w.info(json!({"type": "meta"})).1.unwrap()["universe"].as_array().unwrap().clone();
    assert_eq!(universe(&mut w).len(), 2);
    assert_eq!(w.info(json!({"type": "l2Book", "coin": "NEW"})).0, 500);
    w.control(json!({"list": {"coin": "NEW"}}));
    assert_eq!(universe(&mut w)[2]["name"], "NEW");
    assert!(w.info(json!({"type": "l2Book", "coin": "NEW"})).1.unwrap()["levels"][0][0].is_object());
    let ann = key(1);
    w.door.fund(&ann.address());
    w.act(&ann, order("80000", "Gtc"));
    w.control(json!({"unlist": {"coin": "BTC"}}));
    assert_eq!(universe(&mut w)[0]["isDelisted"], true);
    w.pass(10_000);
    assert_eq!(w.info(json!({"type": "l2Book", "coin": "BTC"})).1.unwrap()["levels"], json!([[], []]));
    let context = &w.info(json!({"type": "metaAndAssetCtxs"})).1.unwrap()[1][0];
    assert!(["midPx", "premium", "impactPxs"].iter().all(|name| context[name].is_null()), "{context}");
    assert!(context["markPx"].is_string());
    let orders = w.info(json!({"type": "historicalOrders", "user": ann.address().to_string()})).1.unwrap();
    assert_eq!(orders[0]["status"], "delistedCanceled");
    assert_eq!(
        w.act(&ann, order("80000", "Gtc"))["response"]["data"]["statuses"][0]["error"],
        "Trading is halted for this asset. asset=0"
    );
}

#[test]
fn requests_that_are_bought_add_to_the_budget_of_the_account() {
    let mut w = World::new(r#"{"limits":{"requests":1}}"#);
    let ann = key(1);
    w.door.fund(&ann.address());
    assert_eq!(w.act(&ann, json!({"type": "reserveRequestWeight", "weight": 100}))["status"], "ok");
    let told = w.info(json!({"type": "userRateLimit", "user": ann.address().to_string()})).1.unwrap();
    assert_eq!((&told["nRequestsUsed"], &told["nRequestsCap"]), (&json!(1), &json!(101)));
    w.control(json!({"spend_requests": {"user": ann.address().to_string(), "requests": 500}}));
    w.act(&ann, json!({"type": "noop"}));
    let text = w.act(&ann, json!({"type": "noop"}))["response"].as_str().unwrap().to_owned();
    assert!(text.starts_with("Too many cumulative requests sent ("), "{text}");
}

#[test]
fn an_api_wallet_whose_time_is_over_is_nobody_even_where_questions_bring_money() {
    let mut w = World::new("{}");
    let (ann, agent) = (key(1), key(2));
    w.door.fund(&ann.address());
    let approve = json!({"type": "approveAgent", "agentAddress": agent.address().to_string(), "agentName": "bot"});
    w.sign_user(&ann, approve);
    w.control(json!({"expire_agent": agent.address().to_string()}));
    let role = w.info(json!({"type": "userRole", "user": agent.address().to_string()})).1.unwrap();
    assert_eq!(role, json!({"role": "missing"}));
    let text = w.act(&agent, order("80000", "Gtc"))["response"].as_str().unwrap().to_owned();
    assert_eq!(text, format!("User or API Wallet {} does not exist.", agent.address()));
    assert_eq!(w.info(json!({"type": "extraAgents", "user": ann.address().to_string()})).1.unwrap(), json!([]));
}

#[test]
fn a_frozen_connection_is_neither_closed_nor_waited_for() {
    let mut w = World::new("{}");
    let frozen = w.open();
    w.control(json!("freeze_connections"));
    for _ in 0..2 {
        w.pass(60_000);
        assert!(w.door.deadline() > w.now, "nothing is overdue");
        assert_eq!(w.say(frozen, json!({"method": "ping"})), [] as [Value; 0]);
    }
    assert!(!w.out.iter().any(|out| matches!(out, Outgoing::Close { .. })));
}

#[test]
fn actions_that_wait_for_one_block_cannot_spend_the_same_budget() {
    let mut w = World::new(r#"{"limits":{"requests":3}}"#);
    let ann = key(1);
    w.door.fund(&ann.address());
    let user = ann.address().to_string();
    let used =
        |w: &mut World| w.info(json!({"type": "userRateLimit", "user": user})).1.unwrap()["nRequestsUsed"].clone();
    let refused = w.act(&ann, json!({"type": "order", "grouping": "na", "orders": []}));
    assert_eq!((&refused["status"], used(&mut w)), (&json!("err"), json!(0)), "a refusal of the whole costs nothing");
    let bodies: Vec<_> = (0..5).map(|_| w.body(&ann, json!({"type": "noop"}))).collect();
    let tickets: Vec<_> = bodies.iter().map(|body| w.door.request("exchange", body, "here", w.now)).collect();
    let answers: Vec<_> = tickets.into_iter().map(|ticket| w.answer(ticket).1.unwrap()["status"].clone()).collect();
    // Three of the budget, and the one in ten seconds beyond it.
    assert_eq!(answers, ["ok", "ok", "ok", "ok", "err"]);
    assert_eq!(used(&mut w), 4);
}

#[test]
fn what_was_told_first_can_be_told_again() {
    let mut w = World::new("{}");
    let c = w.open();
    let user = Address([7; 20]).to_string();
    w.say(c, json!({"method": "subscribe", "subscription": {"type": "userFills", "user": user}}));
    assert_eq!(w.control(json!("repeat_snapshots")), json!({"done": [null]}));
    let heard = w.heard(c);
    assert_eq!(heard.len(), 1);
    assert_eq!((&heard[0]["channel"], &heard[0]["data"]["isSnapshot"]), (&json!("userFills"), &json!(true)));
}

#[test]
fn an_action_that_only_the_exchange_itself_knows_is_refused_in_words() {
    let mut w = World::new("{}");
    let body =
        json!({"action": {"type": "multiSig", "x": 1}, "nonce": 1, "signature": {"r": "0x1", "s": "0x1", "v": 27}});
    let ticket = w.door.request("exchange", body.to_string().as_bytes(), "here", w.now);
    let text = "This venue does not carry out multiSig actions.";
    assert_eq!(w.answer(ticket), (200, Some(json!({"status": "err", "response": text}))));
    let ticket = w.door.request("exchange", body.to_string().replace("multiSig", "dance").as_bytes(), "here", w.now);
    assert_eq!(w.answer(ticket).0, 422);
}

#[test]
fn there_are_no_exchanges_of_others() {
    let mut w = World::new(r#"{"symbols":1}"#);
    let user = key(1).address().to_string();
    for kind in ["meta", "metaAndAssetCtxs", "allMids", "clearinghouseState", "openOrders", "frontendOpenOrders"] {
        let question = |dex: &str| json!({"type": kind, "user": user, "dex": dex});
        assert_eq!(w.info(question("")).0, 200, "{kind}");
        assert_eq!(w.info(question("xyz")), (500, Some(Value::Null)), "{kind}");
    }
    let ws = w.open();
    for kind in ["allMids", "clearinghouseState", "openOrders", "twapStates"] {
        let subscription = json!({"type": kind, "user": user, "dex": "xyz"});
        let told = w.say(ws, json!({"method": "subscribe", "subscription": subscription}));
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["channel"], "error");
        assert!(told[0]["data"].as_str().unwrap().starts_with("Invalid subscription {"), "{told:?}");
    }
}
