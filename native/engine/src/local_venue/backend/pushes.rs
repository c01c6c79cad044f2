//! What the streams tell after a block, and what a subscriber is told first.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde_json::{Value, json};

use super::exchange::{LocalExchange, LocalOptions};
use super::show;
use crate::hyperliquid::address::Address;
use crate::instrument::InstrumentId;
use crate::local_venue::core::Outlet;
use crate::local_venue::topic::{Interval, Topic};
use crate::order::Side;
use crate::time::Nanos;
use crate::venue::exchange::book::LevelView;
use crate::venue::exchange::order::AccountId;

/// Levels a side of a book, or of one that comes often.
const fn levels(is_fast: bool) -> usize {
    if is_fast { 5 } else { 20 }
}
/// How levels can be put together: figures and mantissa.
const GROUPS: [(Option<u8>, Option<u8>); 8] = [
    (None, None),
    (Some(2), None),
    (Some(3), None),
    (Some(4), None),
    (Some(5), None),
    (Some(5), Some(1)),
    (Some(5), Some(2)),
    (Some(5), Some(5)),
];
/// Prints and entries of histories that a subscriber is told first.
const SNAPSHOT: usize = 30;
const HISTORY: usize = 500;

type ByAccount = BTreeMap<AccountId, Vec<Value>>;

/// What is to be told after the present block, and when what comes at intervals comes next.
#[derive(Debug)]
pub(super) struct Pushes {
    pub trades: BTreeMap<InstrumentId, Vec<Value>>,
    pub updates: ByAccount,
    pub fills: ByAccount,
    pub slices: ByAccount,
    pub cancels: ByAccount,
    pub fundings: ByAccount,
    pub changes: ByAccount,
    pub twaps: ByAccount,
    pub liquidations: Vec<(AccountId, Value)>,
    /// Accounts whose state has changed.
    pub touched: BTreeSet<AccountId>,
    touches: Vec<[Option<LevelView>; 2]>,
    next_fast: Nanos,
    next_book: Nanos,
    next_mids: Nanos,
    next_state: Nanos,
    next_context: Nanos,
}

impl Pushes {
    pub(super) fn new(options: &LocalOptions, now: Nanos, instruments: usize) -> Self {
        Self {
            trades: BTreeMap::new(),
            updates: ByAccount::new(),
            fills: ByAccount::new(),
            slices: ByAccount::new(),
            cancels: ByAccount::new(),
            fundings: ByAccount::new(),
            changes: ByAccount::new(),
            twaps: ByAccount::new(),
            liquidations: Vec::new(),
            touched: BTreeSet::new(),
            touches: vec![[None; 2]; instruments],
            next_fast: now.after(Nanos::from_millis(options.fast_book_ms)),
            next_book: now.after(Nanos::from_millis(options.book_ms)),
            next_mids: now.after(Nanos::from_millis(options.mids_ms)),
            next_state: now.after(Nanos::from_millis(options.state_ms)),
            next_context: now,
        }
    }
}

/// Whether something that comes at intervals is due; then it comes next an interval later.
fn is_due(next: &mut Nanos, now: Nanos, interval: Nanos) -> bool {
    let due = *next <= now;
    if due {
        *next = now.after(interval);
    }
    due
}

/// A message of a channel.
fn message(channel: &str, data: &Value) -> Bytes {
    super::exchange::written(&json!({"channel": channel, "data": data}))
}

impl LocalExchange {
    /// Tells what a block has brought to whoever wants it.
    pub(super) fn push(&mut self, now: Nanos, outlet: &mut Outlet<'_>) {
        self.push_market(now, outlet);
        self.push_books(now, outlet);
        self.push_accounts(now, outlet);
    }

    fn push_market(&mut self, now: Nanos, outlet: &mut Outlet<'_>) {
        for (id, trades) in std::mem::take(&mut self.pushes.trades) {
            let coin = || self.listing.coin(id).to_owned();
            let topic = Topic::Trades { coin: coin() };
            // The bar that a block ends may have got its last prints in it.
            let first = trades.first().and_then(|print| print.get("time")?.as_i64()).map_or(now, Nanos::from_millis);
            if outlet.wants(&topic) {
                outlet.push(topic, message("trades", &Value::Array(trades)));
            }
            for interval in Interval::ALL {
                let topic = Topic::Candle { coin: coin(), interval };
                if outlet.wants(&topic)
                    && let Some(market) = self.markets.get(id.index())
                {
                    for bar in market.candles.from(&coin(), interval, first) {
                        outlet.push(topic.clone(), message("candle", &bar));
                    }
                }
            }
        }
        if is_due(&mut self.pushes.next_mids, now, Nanos::from_millis(self.options.mids_ms)) {
            let topic = Topic::AllMids { dex: String::new() };
            if outlet.wants(&topic) {
                outlet.push(topic, message("allMids", &json!({"mids": self.all_mids()})));
            }
        }
        if is_due(&mut self.pushes.next_context, now, self.exchange.options().mark_interval) {
            for (id, coin) in self.listing.coins() {
                let topic = Topic::ActiveAssetCtx { coin: coin.to_owned() };
                if outlet.wants(&topic) {
                    outlet.push(topic, self.context_message(id));
                }
            }
            if outlet.wants(&Topic::AllDexsAssetCtxs) {
                let ctxs: Vec<Value> = self.listing.perpetuals().map(|id| self.context(id)).collect();
                outlet.push(Topic::AllDexsAssetCtxs, message("allDexsAssetCtxs", &json!({"ctxs": [["", ctxs]]})));
            }
        }
    }

    fn push_books(&mut self, now: Nanos, outlet: &mut Outlet<'_>) {
        let is_fast = is_due(&mut self.pushes.next_fast, now, Nanos::from_millis(self.options.fast_book_ms));
        let is_plain = is_due(&mut self.pushes.next_book, now, Nanos::from_millis(self.options.book_ms));
        for (id, market) in self.exchange.markets() {
            let Some(touch) = self.pushes.touches.get_mut(id.index()) else { continue };
            let coin = self.listing.coin(id);
            let best = [Side::Buy, Side::Sell].map(|side| market.book.levels(side).next());
            if best != *touch {
                *touch = best;
                let topic = Topic::Bbo { coin: coin.to_owned() };
                if outlet.wants(&topic) {
                    outlet.push(topic, bbo(coin, now, &best));
                }
            }
            for (is_wanted, fast) in [(is_fast, true), (is_plain, false)] {
                if !is_wanted {
                    continue;
                }
                for (n_sig_figs, mantissa) in GROUPS {
                    let topic = Topic::L2Book { coin: coin.to_owned(), n_sig_figs, mantissa, fast };
                    if outlet.wants(&topic) {
                        let most = levels(fast);
                        let book = show::book(coin, market, now.millis(), most, n_sig_figs, mantissa);
                        outlet.push(topic, message("l2Book", &book));
                    }
                }
            }
        }
    }

    fn push_accounts(&mut self, now: Nanos, outlet: &mut Outlet<'_>) {
        self.push_events(outlet);
        let is_state_due = is_due(&mut self.pushes.next_state, now, Nanos::from_millis(self.options.state_ms));
        let touched = std::mem::take(&mut self.pushes.touched);
        for (account, person) in self.people.iter() {
            if !is_state_due && !touched.contains(&account) {
                continue;
            }
            let user = person.address;
            let dex = String::new;
            for topic in [
                Topic::ClearinghouseState { user, dex: dex() },
                Topic::SpotState { user },
                Topic::OpenOrders { user, dex: dex() },
                Topic::TwapStates { user, dex: dex() },
                Topic::AllDexsClearinghouseState { user },
            ] {
                if outlet.wants(&topic)
                    && let Some(told) = self.state_message(&topic, account)
                {
                    outlet.push(topic, told);
                }
            }
            for (_, coin) in self.listing.coins() {
                let topic = Topic::ActiveAssetData { user, coin: coin.to_owned() };
                if outlet.wants(&topic)
                    && let Some(told) = self.state_message(&topic, account)
                {
                    outlet.push(topic, told);
                }
            }
        }
    }

    fn push_events(&mut self, outlet: &mut Outlet<'_>) {
        let user_of = |account: AccountId| self.people.address(account);
        for (account, updates) in std::mem::take(&mut self.pushes.updates) {
            outlet
                .push(Topic::OrderUpdates { user: user_of(account) }, message("orderUpdates", &Value::Array(updates)));
        }
        for (account, fills) in std::mem::take(&mut self.pushes.fills) {
            let user = user_of(account);
            outlet.push(Topic::UserEvents { user }, message("user", &json!({"fills": fills})));
            for aggregate_by_time in [false, true] {
                let fills = if aggregate_by_time { super::info::aggregated(fills.clone()) } else { fills.clone() };
                let told = json!({"user": user.to_string(), "fills": fills});
                outlet.push(Topic::UserFills { user, aggregate_by_time }, message("userFills", &told));
            }
        }
        let slices = std::mem::take(&mut self.pushes.slices);
        self.push_lists(
            slices,
            "userTwapSliceFills",
            "twapSliceFills",
            |user| Topic::UserTwapSliceFills { user },
            outlet,
        );
        let changes = std::mem::take(&mut self.pushes.changes);
        let topic = |user| Topic::UserNonFundingLedgerUpdates { user };
        self.push_lists(changes, "userNonFundingLedgerUpdates", "nonFundingLedgerUpdates", topic, outlet);
        let twaps = std::mem::take(&mut self.pushes.twaps);
        self.push_lists(twaps, "userTwapHistory", "history", |user| Topic::UserTwapHistory { user }, outlet);
        for (account, fundings) in std::mem::take(&mut self.pushes.fundings) {
            let user = user_of(account);
            for funding in &fundings {
                outlet.push(Topic::UserEvents { user }, message("user", &json!({"funding": funding})));
            }
            let told = json!({"user": user.to_string(), "fundings": fundings});
            outlet.push(Topic::UserFundings { user }, message("userFundings", &told));
        }
        for (account, cancels) in std::mem::take(&mut self.pushes.cancels) {
            let user = user_of(account);
            outlet.push(Topic::UserEvents { user }, message("user", &json!({"nonUserCancel": cancels})));
        }
        for (account, liquidation) in std::mem::take(&mut self.pushes.liquidations) {
            let user = user_of(account);
            outlet.push(Topic::UserEvents { user }, message("user", &json!({"liquidation": liquidation})));
        }
    }

    /// Tells each account a list of its own.
    fn push_lists(
        &self,
        lists: ByAccount,
        channel: &str,
        name: &str,
        topic: impl Fn(Address) -> Topic,
        outlet: &mut Outlet<'_>,
    ) {
        for (account, list) in lists {
            let user = self.people.address(account);
            outlet.push(topic(user), message(channel, &json!({"user": user.to_string(), name: list})));
        }
    }

    fn context_message(&self, id: InstrumentId) -> Bytes {
        let channel = if self.listing.is_spot(id) { "activeSpotAssetCtx" } else { "activeAssetCtx" };
        message(channel, &json!({"coin": self.listing.coin(id), "ctx": self.context(id)}))
    }

    /// The state of an account that a topic asks for.
    fn state_message(&self, topic: &Topic, account: AccountId) -> Option<Bytes> {
        let user = self.people.address(account).to_string();
        Some(match topic {
            Topic::ClearinghouseState { dex, .. } => {
                let state = self.clearinghouse_state(account)?;
                message("clearinghouseState", &json!({"dex": dex, "user": user, "clearinghouseState": state}))
            }
            Topic::AllDexsClearinghouseState { .. } => {
                let states = json!([["", self.clearinghouse_state(account)?]]);
                message("allDexsClearinghouseState", &json!({"user": user, "clearinghouseStates": states}))
            }
            Topic::SpotState { .. } => {
                let state = show::spot_state(&self.listing, self.exchange.account(account)?);
                message("spotState", &json!({"user": user, "spotState": state}))
            }
            Topic::OpenOrders { dex, .. } => {
                message("openOrders", &json!({"dex": dex, "user": user, "orders": self.frontend_orders(account)}))
            }
            Topic::TwapStates { dex, .. } => {
                let address = self.people.address(account);
                let state = |state| show::twap_state(&self.listing, &address, state);
                let states: Vec<Value> =
                    self.exchange.twaps(account).map(|twap| json!([twap.id, state(&twap.state)])).collect();
                message("twapStates", &json!({"dex": dex, "user": user, "states": states}))
            }
            Topic::ActiveAssetData { coin, .. } => {
                message("activeAssetData", &self.active_asset_data(account, self.listing.find(coin)?)?)
            }
            _ => return None,
        })
    }

    /// What a subscriber is told first, if anything.
    pub(super) fn first_message(&mut self, topic: &Topic, now: Nanos) -> Option<Bytes> {
        let id = topic.coin().and_then(|coin| self.listing.find(coin));
        // Books are those of the last block.
        let block = self.exchange.now();
        match topic {
            Topic::AllMids { .. } => Some(message("allMids", &json!({"mids": self.all_mids()}))),
            Topic::L2Book { coin, n_sig_figs, mantissa, fast } => {
                let market = self.exchange.market(id?)?;
                let most = levels(*fast);
                Some(message("l2Book", &show::book(coin, market, block.millis(), most, *n_sig_figs, *mantissa)))
            }
            Topic::Bbo { coin } => {
                let market = self.exchange.market(id?)?;
                Some(bbo(coin, block, &[Side::Buy, Side::Sell].map(|side| market.book.levels(side).next())))
            }
            Topic::Trades { .. } => {
                let prints = &self.markets.get(id?.index())?.prints;
                let first = prints.len().saturating_sub(SNAPSHOT);
                let told: Vec<Value> = prints.iter().skip(first).cloned().collect();
                (!told.is_empty()).then(|| message("trades", &Value::Array(told)))
            }
            Topic::Candle { coin, interval } => {
                let bars = self.markets.get(id?.index())?.candles.from(coin, *interval, now);
                Some(message("candle", bars.last()?))
            }
            Topic::ActiveAssetCtx { .. } => Some(self.context_message(id?)),
            Topic::AllDexsAssetCtxs => {
                let ctxs: Vec<Value> = self.listing.perpetuals().map(|id| self.context(id)).collect();
                Some(message("allDexsAssetCtxs", &json!({"ctxs": [["", ctxs]]})))
            }
            _ => {
                let account = self.account_of(&topic.user()?)?;
                self.state_message(topic, account).or_else(|| self.history_message(topic, account))
            }
        }
    }

    /// The history that a topic begins with.
    fn history_message(&self, topic: &Topic, account: AccountId) -> Option<Bytes> {
        let person = self.people.get(account)?;
        let record = &person.record;
        let user = person.address.to_string();
        let newest = |values: Vec<Value>| {
            let first = values.len().saturating_sub(HISTORY);
            Value::Array(values.into_iter().skip(first).collect())
        };
        let (channel, name, entries) = match topic {
            Topic::UserFills { aggregate_by_time, .. } => {
                let fills: Vec<Value> = record.fills.iter().map(|entry| self.fill_entry(entry)).collect();
                let fills = if *aggregate_by_time { super::info::aggregated(fills) } else { fills };
                ("userFills", "fills", fills)
            }
            Topic::UserFundings { .. } => {
                let flat = |(_, entry): &(Nanos, Value)| {
                    let mut delta = entry.get("delta").cloned().unwrap_or_default();
                    if let (Some(fields), Some(time)) = (delta.as_object_mut(), entry.get("time")) {
                        fields.remove("type");
                        fields.insert("time".into(), time.clone());
                    }
                    delta
                };
                ("userFundings", "fundings", record.fundings.iter().map(flat).collect())
            }
            Topic::UserNonFundingLedgerUpdates { .. } => {
                let changes = record.ledger.iter().map(|(_, entry)| entry.clone()).collect();
                ("userNonFundingLedgerUpdates", "nonFundingLedgerUpdates", changes)
            }
            Topic::UserTwapSliceFills { .. } => ("userTwapSliceFills", "twapSliceFills", self.twap_slices(account)),
            Topic::UserTwapHistory { .. } => {
                let entries = record.twaps.iter().map(|entry| self.twap_entry(account, entry)).collect();
                ("userTwapHistory", "history", entries)
            }
            _ => return None,
        };
        Some(message(channel, &json!({"isSnapshot": true, "user": user, name: newest(entries)})))
    }
}

fn bbo(coin: &str, now: Nanos, best: &[Option<LevelView>; 2]) -> Bytes {
    let best: Vec<Value> = best.iter().map(|level| level.as_ref().map_or(Value::Null, show::level)).collect();
    message("bbo", &json!({"coin": coin, "time": now.millis(), "bbo": best}))
}
