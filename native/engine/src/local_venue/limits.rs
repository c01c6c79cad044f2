//! What an address of the network, and an account, may ask for.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::hyperliquid::address::Address;
use crate::num::{Money, UNIT};
use crate::time::Nanos;

/// The limits; all of them are the exchange's by default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Weight of requests in a minute.
    pub weight_a_minute: u32,
    /// Connections at a time.
    pub connections: usize,
    /// New connections in a minute.
    pub new_connections_a_minute: usize,
    /// Subscriptions at a time.
    pub subscriptions: usize,
    /// Users that the subscriptions are about.
    pub users: usize,
    /// Messages sent to the venue in a minute.
    pub messages_a_minute: usize,
    /// Posts that have not been answered.
    pub posts: usize,
    /// Requests that each account begins with; each dollar that it trades is one more.
    pub requests: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            weight_a_minute: 1_200,
            connections: 10,
            new_connections_a_minute: 30,
            subscriptions: 1_000,
            users: 10,
            messages_a_minute: 2_000,
            posts: 100,
            requests: 10_000,
        }
    }
}

/// Amounts in the minute that slides behind the present.
#[derive(Debug, Clone, Default)]
pub struct Minute {
    amounts: VecDeque<(Nanos, u32)>,
    sum: u32,
    highest: u32,
    refused: u64,
}

impl Minute {
    fn slide(&mut self, now: Nanos) {
        while let Some((time, amount)) = self.amounts.front().copied() {
            if now.since(time) < Nanos::MINUTE {
                break;
            }
            self.amounts.pop_front();
            self.sum = self.sum.saturating_sub(amount);
        }
    }

    /// The amount of the last minute.
    pub fn sum(&mut self, now: Nanos) -> u32 {
        self.slide(now);
        self.sum
    }

    /// The highest amount that any minute has had.
    #[must_use]
    pub const fn highest(&self) -> u32 {
        self.highest
    }

    /// How often something did not fit.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// Counts an amount, whether or not it fits.
    pub fn add(&mut self, amount: u32, now: Nanos) {
        self.slide(now);
        self.amounts.push_back((now, amount));
        self.sum = self.sum.saturating_add(amount);
        self.highest = self.highest.max(self.sum);
    }

    /// Counts an amount if the minute then holds no more than `most`.
    pub fn take(&mut self, amount: u32, most: u32, now: Nanos) -> bool {
        let fits = self.sum(now).saturating_add(amount) <= most;
        if fits {
            self.add(amount, now);
        } else {
            self.refused += 1;
        }
        fits
    }
}

/// What an account has used of the requests that it earns by trading.
#[derive(Debug, Clone, Copy, Default)]
pub struct Budget {
    /// How many it has used.
    pub used: u64,
    /// How many it has bought.
    pub reserved: u64,
    /// When the last one came that was beyond the budget.
    last_extra: Option<Nanos>,
}

/// Beyond its budget, an account has one request in this time.
const EXTRA: Nanos = Nanos::from_raw(10 * Nanos::SECOND.raw());
/// By how much more cancels may exceed the limit, or by as much again.
const CANCELS: u64 = 100_000;

/// The budgets of all accounts.
#[derive(Debug, Clone, Default)]
pub struct Budgets(BTreeMap<Address, Budget>);

impl Budgets {
    /// What an account may use: what it began with, what it traded, what it bought.
    #[must_use]
    pub fn cap(&self, account: &Address, traded: Money, limits: &Limits) -> u64 {
        let dollars = u64::try_from(traded.raw() / UNIT).unwrap_or_default();
        limits.requests.saturating_add(dollars).saturating_add(self.get(account).reserved)
    }

    /// What an account has used.
    #[must_use]
    pub fn get(&self, account: &Address) -> Budget {
        self.0.get(account).copied().unwrap_or_default()
    }

    /// Whether an action may go on.
    ///
    /// # Errors
    /// The venue's text, if the budget is spent and the last request beyond it is not long ago.
    pub fn admit(
        &mut self,
        account: &Address,
        is_cancel: bool,
        traded: Money,
        limits: &Limits,
        now: Nanos,
    ) -> Result<(), String> {
        let cap = self.cap(account, traded, limits);
        let most = if is_cancel { cap.saturating_add(CANCELS).min(cap.saturating_mul(2)) } else { cap };
        let budget = self.0.entry(*account).or_default();
        if budget.used < most {
            return Ok(());
        }
        if budget.last_extra.is_none_or(|last| now.since(last) >= EXTRA) {
            budget.last_extra = Some(now);
            return Ok(());
        }
        Err(format!(
            "Too many cumulative requests sent ({} > {cap}) for cumulative volume traded ${traded}. Place taker orders to free \
             up 1 request per USDC traded.",
            budget.used + 1
        ))
    }

    /// Counts requests that were used.
    pub fn spend(&mut self, account: &Address, requests: u64) {
        let budget = self.0.entry(*account).or_default();
        budget.used = budget.used.saturating_add(requests);
    }

    /// Gives requests back that cost nothing after all.
    pub fn give_back(&mut self, account: &Address, requests: u64) {
        let budget = self.0.entry(*account).or_default();
        budget.used = budget.used.saturating_sub(requests);
    }

    /// Counts requests that were bought.
    pub fn reserve(&mut self, account: &Address, requests: u64) {
        let budget = self.0.entry(*account).or_default();
        budget.reserved = budget.reserved.saturating_add(requests);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANN: Address = Address([1; 20]);

    const fn at(ms: i64) -> Nanos {
        Nanos::from_raw(ms * 1_000_000)
    }

    proptest! {
        /// Beside a model that adds up every window anew: no minute ever holds more than the limit, and what is refused
        /// would not have fitted.
        #[test]
        fn no_minute_holds_more_than_the_limit(steps in prop::collection::vec((0_i64..20_000, 1_u32..300), 1..200)) {
            let (mut minute, mut taken, mut now, mut refused) = (Minute::default(), Vec::new(), 0, 0);
            for (wait, amount) in steps {
                now += wait;
                let inside: u32 = taken.iter().filter(|(time, _)| now - time < 60_000).map(|(_, amount)| amount).sum();
                let fits = minute.take(amount, 1_200, at(now));
                prop_assert_eq!(fits, inside + amount <= 1_200);
                if fits {
                    taken.push((now, amount));
                } else {
                    refused += 1;
                }
            }
            prop_assert_eq!(minute.refused(), refused);
            prop_assert!(minute.highest() <= 1_200);
        }
    }

    #[test]
    fn a_spent_budget_leaves_one_request_in_ten_seconds_and_more_cancels() {
        let limits = Limits { requests: 10, ..Limits::default() };
        let mut budgets = Budgets::default();
        budgets.spend(&ANN, 10);
        let traded = Money::from_raw(UNIT / 2);
        assert_eq!(budgets.admit(&ANN, false, traded, &limits, at(0)), Ok(()), "the one in ten seconds");
        budgets.spend(&ANN, 1);
        let text = budgets.admit(&ANN, false, traded, &limits, at(9_999)).unwrap_err();
        assert_eq!(
            text,
            "Too many cumulative requests sent (12 > 10) for cumulative volume traded $0.5. Place taker orders to free up 1 \
             request per USDC traded."
        );
        assert_eq!(budgets.admit(&ANN, true, traded, &limits, at(1)), Ok(()), "a cancel");
        assert_eq!(budgets.admit(&ANN, false, traded, &limits, at(10_000)), Ok(()));
        let more = Money::from_raw(5 * UNIT);
        assert_eq!(budgets.admit(&ANN, false, more, &limits, at(10_001)), Ok(()), "each dollar is one more");
        budgets.reserve(&ANN, 100);
        assert_eq!(budgets.cap(&ANN, more, &limits), 115);
    }
}
