//! The exchange behind the door, by its blocks.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::exchange::{LocalExchange, LocalOptions, MarketData};
use super::listing::Universe;
use crate::book::BookKind;
use crate::hyperliquid::action::Action;
use crate::hyperliquid::address::Address;
use crate::instrument::InstrumentId;
use crate::local_venue::core::{ActId, Audience, Authentic, Authorized, Outlet, Output};
use crate::local_venue::topic::Topic;
use crate::num::{Money, Qty};
use crate::row::{Flags, Row, RowKind, RowSide};
use crate::time::Nanos;

const START: Nanos = Nanos::from_raw(1_704_067_200 * Nanos::SECOND.raw());
const ANN: Address = Address([0xaa; 20]);
const BOB: Address = Address([0xbb; 20]);

/// Wants every topic, and notes what was asked for.
#[derive(Default)]
struct Everybody(RefCell<usize>);

impl Audience for Everybody {
    fn wants(&self, _: &Topic) -> bool {
        *self.0.borrow_mut() += 1;
        true
    }
}

struct World {
    local: LocalExchange,
    now: Nanos,
    acts: u64,
    /// Messages by channel since they were last looked at.
    told: BTreeMap<String, Vec<Value>>,
}

impl World {
    fn new(data: MarketData) -> Self {
        let local = LocalExchange::new(LocalOptions::default(), Universe::familiar(3), data, START);
        let mut world = Self { local, now: START, acts: 0, told: BTreeMap::new() };
        for user in [ANN, BOB] {
            world.deposit(user, "100000");
        }
        world
    }

    fn made() -> Self {
        Self::new(MarketData::Made { seed: 1, density: 200 })
    }

    fn deposit(&mut self, user: Address, amount: &str) {
        let account = self.local.account_of(&user).unwrap();
        self.local.exchange.deposit(account, amount.parse().unwrap()).unwrap();
    }

    /// Acts, and lets the next block come; the answer.
    fn act(&mut self, user: Address, action: Value) -> Value {
        let action: Action = serde_json::from_value(action).unwrap();
        self.acts += 1;
        let authentic = Authentic {
            account: user,
            signer: user,
            action: Authorized::L1(action),
            nonce: self.acts,
            expires_after: None,
        };
        self.local.enqueue(ActId(self.acts), authentic);
        self.pass(100).pop().unwrap()
    }

    /// Time passes, in milliseconds; the answers to what had been asked for.
    fn pass(&mut self, count: i64) -> Vec<Value> {
        self.now = self.now.after(Nanos::from_millis(count));
        let (audience, mut outputs) = (Everybody::default(), Vec::new());
        self.local.make_blocks(self.now, &mut Outlet::new(&audience, &mut outputs));
        assert_eq!(self.local.exchange.check(), Ok(()));
        assert_eq!(self.local.broken, None);
        let mut answers = Vec::new();
        for output in outputs {
            match output {
                Output::Answer { body, .. } => answers.push(serde_json::from_slice(&body).unwrap()),
                Output::Push { message, .. } => {
                    let message: Value = serde_json::from_slice(&message).unwrap();
                    let channel = message["channel"].as_str().unwrap().to_owned();
                    self.told.entry(channel).or_default().push(message["data"].clone());
                }
            }
        }
        answers
    }

    fn told(&mut self, channel: &str) -> Vec<Value> {
        self.told.remove(channel).unwrap_or_default()
    }

    fn mid(&self, coin: &str) -> f64 {
        let id = self.local.listing.find(coin).unwrap();
        self.local.exchange.market(id).unwrap().book.mid().unwrap().to_f64()
    }
}

fn order(asset: u32, is_buy: bool, price: &str, size: &str, tif: &str) -> Value {
    json!({"a": asset, "b": is_buy, "p": price, "s": size, "r": false, "t": {"limit": {"tif": tif}}})
}

fn place(orders: &[Value]) -> Value {
    json!({"type": "order", "orders": orders, "grouping": "na"})
}

fn statuses(answer: &Value) -> &Vec<Value> {
    answer["response"]["data"]["statuses"].as_array().unwrap_or_else(|| panic!("{answer}"))
}

#[test]
fn a_made_up_market_has_books_around_the_prices_of_its_coins() {
    let mut w = World::made();
    w.pass(10_000);
    assert!((80_000.0..100_000.0).contains(&w.mid("BTC")) && (2_700.0..3_300.0).contains(&w.mid("ETH")));
    assert!((0.15..0.25).contains(&w.mid("PURR/USDC")));
    let books = w.told("l2Book");
    assert!(books.iter().any(|book| book["coin"] == "BTC" && book["levels"][0].as_array().unwrap().len() == 20));
    assert!(!w.told("trades").is_empty() && !w.told("bbo").is_empty() && !w.told("candle").is_empty());
    let ctx = w.told("activeAssetCtx").pop().unwrap();
    assert!(ctx["ctx"]["markPx"].as_str().unwrap().contains('.'), "{ctx}");
}

#[test]
fn orders_are_answered_one_by_one_and_the_streams_tell_of_them() {
    let mut w = World::made();
    let answer = w.act(
        ANN,
        place(&[
            order(0, true, "80000", "0.001", "Gtc"),
            order(0, true, "80000.5", "0.001", "Gtc"),
            order(0, true, "80000", "0.0001", "Gtc"),
            order(77, true, "80000", "0.001", "Gtc"),
            order(0, true, "99000", "0.001", "Ioc"),
            order(0, true, "99000", "0.001", "Alo"),
            order(0, true, "80000", "100", "Gtc"),
        ]),
    );
    let s = statuses(&answer);
    let oid = s[0]["resting"]["oid"].as_u64().unwrap();
    assert_eq!(s[1]["error"], "Price must be divisible by tick size. asset=0");
    assert_eq!(s[2]["error"], "Order must have minimum value of $10. asset=0");
    assert_eq!(s[3]["error"], "Unknown asset. asset=77");
    assert_eq!(s[4]["filled"]["totalSz"], "0.001");
    assert!(s[5]["error"].as_str().unwrap().starts_with("Post only order would have immediately matched, bbo was "));
    assert_eq!(s[6]["error"], "Insufficient margin to place order. asset=0");
    let updates = w.told("orderUpdates").concat_arrays();
    assert_eq!(
        updates.iter().map(|u| u["status"].as_str().unwrap()).collect::<Vec<_>>(),
        ["open", "filled", "badAloPxRejected"]
    );
    assert_eq!(updates[0]["order"]["oid"], oid);
    let fills = w.told("userFills");
    assert_eq!(fills[0]["fills"][0]["dir"], "Open Long");
    assert_eq!(fills[0]["fills"][0]["feeToken"], "USDC");
    let cancel = json!({"type": "cancel", "cancels": [{"a": 0, "o": oid}, {"a": 0, "o": oid}]});
    let answer = w.act(ANN, cancel);
    assert_eq!(statuses(&answer)[0], "success");
    assert_eq!(statuses(&answer)[1]["error"], "Order was never placed, already canceled, or filled. asset=0");
}

trait ConcatArrays {
    fn concat_arrays(self) -> Vec<Value>;
}

impl ConcatArrays for Vec<Value> {
    fn concat_arrays(self) -> Vec<Value> {
        self.into_iter().flat_map(|array| array.as_array().unwrap().clone()).collect()
    }
}

#[test]
fn the_state_of_an_account_adds_up_as_the_venue_says() {
    let mut w = World::made();
    w.act(ANN, place(&[order(0, true, "99000", "0.1", "Ioc"), order(1, false, "2700", "1", "Ioc")]));
    w.pass(4_000);
    let account = w.local.people.find(&ANN).unwrap();
    let state = w.local.clearinghouse_state(account).unwrap();
    let number = |value: &Value| value.as_str().unwrap().parse::<Money>().unwrap();
    let mut sum = number(&state["marginSummary"]["totalRawUsd"]);
    for held in state["assetPositions"].as_array().unwrap() {
        let position = &held["position"];
        let value = number(&position["positionValue"]);
        sum = if position["szi"].as_str().unwrap().starts_with('-') {
            sum.sub(value).unwrap()
        } else {
            sum.add(value).unwrap()
        };
    }
    assert_eq!(sum, number(&state["marginSummary"]["accountValue"]), "value = raw + the worth of the positions");
    assert_eq!(state["assetPositions"].as_array().unwrap().len(), 2);
    assert!(number(&state["withdrawable"]) < number(&state["marginSummary"]["accountValue"]));
}

fn enqueue(w: &mut World, user: Address, action: Value) {
    w.acts += 1;
    let action = Authorized::L1(serde_json::from_value(action).unwrap());
    let authentic = Authentic { account: user, signer: user, action, nonce: w.acts, expires_after: None };
    w.local.enqueue(ActId(w.acts), authentic);
}

#[test]
fn in_a_block_post_only_orders_go_first_then_cancels_then_what_may_take() {
    let mut w = World::new(MarketData::Customers);
    let answer = w.act(ANN, place(&[order(0, false, "90000", "0.001", "Gtc")]));
    let oid = statuses(&answer)[0]["resting"]["oid"].as_u64().unwrap();
    // Bob's order comes first, and yet Ann gets away; her new quote is there before both.
    enqueue(&mut w, BOB, place(&[order(0, true, "90000", "0.001", "Ioc")]));
    enqueue(&mut w, ANN, json!({"type": "cancel", "cancels": [{"a": 0, "o": oid}]}));
    enqueue(&mut w, ANN, place(&[order(0, false, "90001", "0.001", "Alo")]));
    let answers = w.pass(100);
    assert!(statuses(&answers[0])[0]["resting"].is_object());
    assert_eq!(statuses(&answers[1])[0], "success");
    assert_eq!(
        statuses(&answers[2])[0]["error"],
        "Order could not immediately match against any resting orders. asset=0"
    );
}

#[test]
fn after_the_upgrade_only_cancels_that_ask_for_it_go_before_what_may_take() {
    for is_fast in [false, true] {
        let mut w = World::new(MarketData::Customers);
        w.local.options.cancels_first = false;
        let answer = w.act(ANN, place(&[order(0, false, "90000", "0.001", "Gtc")]));
        let oid = statuses(&answer)[0]["resting"]["oid"].as_u64().unwrap();
        enqueue(&mut w, BOB, place(&[order(0, true, "90000", "0.001", "Ioc")]));
        let mut cancel = json!({"type": "cancel", "cancels": [{"a": 0, "o": oid}]});
        if is_fast {
            cancel["f"] = json!(true);
        }
        enqueue(&mut w, ANN, cancel);
        let answers = w.pass(100);
        assert_eq!(answers.iter().any(|answer| statuses(answer)[0] == "success"), is_fast);
    }
}

#[test]
fn a_group_is_answered_in_bare_words_and_shown_under_its_parent() {
    let mut w = World::made();
    let stop = |kind: &str, price: &str, worst: &str| {
        json!({"a": 0, "b": false, "p": worst, "s": "0.001", "r": true,
            "t": {"trigger": {"isMarket": true, "triggerPx": price, "tpsl": kind}}})
    };
    let group = json!({"type": "order", "grouping": "normalTpsl",
        "orders": [order(0, true, "80000", "0.001", "Gtc"), stop("tp", "99000", "95000"), stop("sl", "70000", "60000")]});
    let answer = w.act(ANN, group);
    assert_eq!(statuses(&answer)[1..], [json!("waitingForFill"), json!("waitingForFill")]);
    let account = w.local.people.find(&ANN).unwrap();
    let orders = w.local.frontend_orders(account);
    assert_eq!(orders.len(), 3);
    assert_eq!(orders[2]["children"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&orders[0]["orderType"], &orders[0]["triggerCondition"]),
        (&json!("Stop Market"), &json!("Price below 70000"))
    );
    let odd = json!({"type": "order", "grouping": "normalTpsl", "orders": [stop("tp", "99000", "95000")]});
    assert_eq!(w.act(ANN, odd)["response"], "Unexpected number of trigger orders");
}

#[test]
fn whole_actions_are_refused_with_the_venues_words() {
    let mut w = World::made();
    for (action, text) in [
        (
            json!({"type": "scheduleCancel", "time": 1}),
            "Cannot set scheduled cancel time until enough volume traded. Required: $1000000. Traded: $0.0.",
        ),
        (
            json!({"type": "updateLeverage", "asset": 0, "isCross": true, "leverage": 41}),
            "Invalid leverage value. asset=0",
        ),
        (
            json!({"type": "updateIsolatedMargin", "asset": 0, "isBuy": true, "ntli": 1}),
            "Position does not use isolated margin.",
        ),
        (
            json!({"type": "vaultTransfer", "vaultAddress": ANN.to_string(), "isDeposit": true, "usd": 1}),
            &format!("Vault not registered: {ANN}"),
        ),
        (place(&[]), "Batch must not be empty."),
        (place(&vec![order(0, true, "80000", "0.001", "Gtc"); 201]), "Signed action over weight limit of 200."),
        (
            json!({"type": "modify", "oid": 9, "order": order(0, true, "80000", "0.001", "Gtc")}),
            "Cannot modify canceled or filled order",
        ),
        (
            json!({"type": "order", "orders": [order(0, true, "80000", "0.001", "Gtc")], "grouping": "na",
            "builder": {"b": BOB.to_string(), "f": 10}}),
            "Builder fee has not been approved",
        ),
    ] {
        let answer = w.act(ANN, action);
        assert_eq!((&answer["status"], answer["response"].as_str().unwrap()), (&json!("err"), text));
    }
    w.act(ANN, place(&[order(0, true, "99000", "0.001", "Ioc")]));
    let leverage = json!({"type": "updateLeverage", "asset": 0, "isCross": false, "leverage": 5});
    assert_eq!(w.act(ANN, leverage)["response"], "Cannot switch leverage type with open position.");
}

#[test]
fn twap_orders_run_and_are_told() {
    let mut w = World::made();
    let twap = |minutes: u32, size: &str| json!({"type": "twapOrder", "twap": {"a": 0, "b": true, "s": size, "r": false, "m": minutes, "t": false}});
    let error = |answer: Value| answer["response"]["data"]["status"]["error"].as_str().unwrap().to_owned();
    assert_eq!(error(w.act(ANN, twap(1, "0.1"))), "Invalid TWAP duration: 1 min(s)");
    assert_eq!(
        error(w.act(ANN, twap(120, "0.001"))),
        "TWAP order value too small. Min is $1200, which is $10 per minute."
    );
    let answer = w.act(ANN, twap(5, "0.1"));
    let id = answer["response"]["data"]["status"]["running"]["twapId"].as_u64().unwrap();
    w.pass(31_000);
    let slices = w.told("userTwapSliceFills");
    assert_eq!(slices[0]["twapSliceFills"][0]["twapId"], id);
    assert_eq!(slices[0]["twapSliceFills"][0]["fill"]["hash"], super::digest::NO_HASH);
    let answer = w.act(ANN, json!({"type": "twapCancel", "a": 0, "t": id}));
    assert_eq!(answer["response"]["data"]["status"], "success");
    let answer = w.act(ANN, json!({"type": "twapCancel", "a": 0, "t": id}));
    assert_eq!(error(answer), "TWAP was never placed, already canceled, or filled.");
}

#[test]
fn money_moves_between_accounts_and_pockets_and_is_told_to_both() {
    let mut w = World::made();
    let ann = w.local.people.find(&ANN).unwrap();
    let carl = Address([0xcc; 20]);
    assert_eq!(w.local.usd_send(ann, &carl, "10.5".parse().unwrap()).unwrap()["status"], "ok");
    assert_eq!(w.local.usd_send(ann, &carl, "0.0000001".parse().unwrap()).unwrap()["response"], "Invalid send");
    let text = w.local.usd_send(ann, &carl, "1000000".parse().unwrap()).unwrap();
    assert_eq!(text["response"], "Insufficient balance for withdrawal");
    assert_eq!(w.local.class_transfer(ann, "100".parse().unwrap(), false).unwrap()["status"], "ok");
    let text = w.local.spot_send(ann, &carl, "USDC", "100.5".parse().unwrap()).unwrap();
    assert_eq!(text["response"], "Insufficient balance for token transfer");
    assert_eq!(w.local.spot_send(ann, &carl, "USDC", "40".parse().unwrap()).unwrap()["status"], "ok");
    assert_eq!(w.local.withdraw(ann, "11".parse().unwrap()).unwrap()["status"], "ok");
    let value = w.local.exchange.account(ann).unwrap().ledger.account().equity().unwrap();
    assert_eq!(value.to_string(), "99878.5");
    w.pass(100);
    let told = w.told("userNonFundingLedgerUpdates");
    assert_eq!(told.len(), 2, "one message to each");
    let kinds: Vec<_> =
        told[0]["nonFundingLedgerUpdates"].as_array().unwrap().iter().map(|u| u["delta"]["type"].clone()).collect();
    assert_eq!(kinds, ["internalTransfer", "accountClassTransfer", "spotTransfer", "withdraw"]);
}

#[test]
fn bars_are_made_of_prints_and_longer_ones_of_minutes() {
    let mut w = World::made();
    w.pass(130_000);
    let id = w.local.listing.find("BTC").unwrap();
    let bars = |interval| w.local.markets[id.index()].candles.between("BTC", interval, START, w.now);
    let (minutes, hours) =
        (bars(crate::local_venue::topic::Interval::OneMinute), bars(crate::local_venue::topic::Interval::OneHour));
    assert_eq!((minutes.len(), hours.len()), (3, 1));
    let trades = |bars: &[Value]| bars.iter().map(|bar| bar["n"].as_u64().unwrap()).sum::<u64>();
    assert_eq!(trades(&minutes), trades(&hours));
    assert_eq!(minutes[0]["T"].as_i64().unwrap(), minutes[0]["t"].as_i64().unwrap() + 59_999);
    assert_eq!(hours[0]["o"], minutes[0]["o"]);
    assert_eq!(hours[0]["c"], minutes[2]["c"]);
}

#[test]
fn fills_of_an_order_at_one_time_can_be_told_as_one() {
    let fill = |oid: u64, price: &str, size: &str| json!({"oid": oid, "time": 1, "px": price, "sz": size, "fee": "0.1", "closedPnl": "1.0"});
    let merged = super::info::aggregated(vec![fill(1, "100.0", "1.0"), fill(1, "103.0", "2.0"), fill(2, "1.0", "1.0")]);
    assert_eq!(merged.len(), 2);
    assert_eq!(
        (&merged[0]["px"], &merged[0]["sz"], &merged[0]["fee"]),
        (&json!("102.0"), &json!("3.0"), &json!("0.2"))
    );
}

#[test]
fn a_recording_begins_with_its_first_row_that_counts_and_tells_itself_what_its_coins_are_worth() {
    let row = |kind, seconds: i64, side, price: &str, flags| {
        let time = Nanos::from_raw(seconds * Nanos::SECOND.raw());
        let row = Row::new(kind, InstrumentId(0), time, time).at(side, price.parse().unwrap(), Qty::ONE);
        row.marked(flags)
    };
    let rows = vec![
        // What the feed told of the past when it was subscribed to.
        row(RowKind::Trade, 1_000, RowSide::Buy, "50000", Flags::HISTORY),
        row(RowKind::BookDelta, 1_049, RowSide::Buy, "50000", Flags::LAST),
        row(RowKind::BookDelta, 1_049, RowSide::Sell, "50010", Flags::LAST),
    ];
    let source = vec![Arc::new(rows)].into_iter();
    let mut w = World::new(MarketData::Recorded(Box::new(source), vec![("BTC".into(), BookKind::L2)]));
    assert!((w.mid("BTC") - 50_005.0).abs() < f64::EPSILON);
    w.pass(10_000);
    let id = w.local.listing.find("BTC").unwrap();
    assert_eq!(w.local.context(id)["oraclePx"], "50000.0", "no print yet: the bid");
}
