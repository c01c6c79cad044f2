//! What a bot knows: the time, what can be traded, its account and its orders.

use crate::account::Account;
use crate::instrument::{InstrumentId, Instruments};
use crate::num::{Money, Price};
use crate::orders::Orders;
use crate::time::Nanos;

/// All that is known: what strategies and risk managers look at.
#[derive(Debug, Clone)]
pub struct World {
    /// The time of the present event; never goes back.
    pub now: Nanos,
    /// What can be traded.
    pub instruments: Instruments,
    /// Positions and money, as far as fills have arrived.
    pub account: Account,
    /// Our orders that are not done.
    pub orders: Orders,
}

impl World {
    /// A bot's world before its first event: `deposit` in the account, no positions, no orders.
    #[must_use]
    pub fn new(bot_id: &str, epoch: u32, instruments: Instruments, deposit: Money) -> Self {
        let count = instruments.len();
        Self {
            now: Nanos::MIN,
            account: Account::new(deposit, count),
            orders: Orders::new(bot_id, epoch, count),
            instruments,
        }
    }
    /// The last price seen; zero before the first.
    #[must_use]
    pub fn last_price(&self, instrument: InstrumentId) -> Price {
        self.account.mark(instrument)
    }
}
