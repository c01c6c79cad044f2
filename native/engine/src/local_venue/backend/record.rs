//! What happened to an account, as its histories tell it, newest last; each is bounded.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use crate::order::OrderStatus;
use crate::time::Nanos;
use crate::venue::exchange::news::{Fill, TwapState, TwapStatus};
use crate::venue::exchange::order::Order;

/// Orders that the venue remembers, one entry for each status.
const ORDERS_MAX: usize = 2_000;
/// Fills that it remembers.
const FILLS_MAX: usize = 10_000;
/// Entries of every other history.
const OTHERS_MAX: usize = 5_000;

/// A status of an order, and since when.
#[derive(Debug, Clone, Copy)]
pub(super) struct OrderEntry {
    pub order: Order,
    pub status: OrderStatus,
    pub time: Nanos,
}

/// A fill, and the transaction that it was part of.
#[derive(Debug, Clone)]
pub(super) struct FillEntry {
    pub fill: Fill,
    pub hash: Box<str>,
}

/// A change of an order over time.
#[derive(Debug, Clone, Copy)]
pub(super) struct TwapEntry {
    pub id: u64,
    pub state: TwapState,
    pub status: TwapStatus,
    pub time: Nanos,
}

/// The histories of an account.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    pub orders: VecDeque<OrderEntry>,
    /// The newest status of each order that is remembered.
    latest: BTreeMap<u64, OrderEntry>,
    pub fills: VecDeque<FillEntry>,
    /// As they are told: funding, and every other change of balances.
    pub fundings: VecDeque<(Nanos, Value)>,
    pub ledger: VecDeque<(Nanos, Value)>,
    pub twaps: VecDeque<TwapEntry>,
}

fn push<T>(queue: &mut VecDeque<T>, entry: T, most: usize) -> Option<T> {
    queue.push_back(entry);
    if queue.len() > most { queue.pop_front() } else { None }
}

impl Record {
    pub(super) fn order(&mut self, entry: OrderEntry) {
        self.latest.insert(entry.order.oid, entry);
        if let Some(old) = push(&mut self.orders, entry, ORDERS_MAX)
            && self
                .latest
                .get(&old.order.oid)
                .is_some_and(|latest| latest.time == old.time && latest.status == old.status)
        {
            self.latest.remove(&old.order.oid);
        }
    }

    /// The newest status of an order.
    pub(super) fn latest(&self, oid: u64) -> Option<&OrderEntry> {
        self.latest.get(&oid)
    }

    /// The newest status of the newest order that fulfils a condition.
    pub(super) fn newest(&self, is_wanted: impl Fn(&Order) -> bool) -> Option<&OrderEntry> {
        self.latest.values().rev().find(|entry| is_wanted(&entry.order))
    }

    pub(super) fn fill(&mut self, entry: FillEntry) {
        push(&mut self.fills, entry, FILLS_MAX);
    }

    pub(super) fn funding(&mut self, time: Nanos, entry: Value) {
        push(&mut self.fundings, (time, entry), OTHERS_MAX);
    }

    pub(super) fn change(&mut self, time: Nanos, entry: Value) {
        push(&mut self.ledger, (time, entry), OTHERS_MAX);
    }

    pub(super) fn twap(&mut self, entry: TwapEntry) {
        push(&mut self.twaps, entry, OTHERS_MAX);
    }
}
