//! What the exchange says happened becomes history, and what the streams of the present block will tell.

use serde_json::{Value, json};

use super::exchange::{HourlyRate, LocalExchange};
use super::record::{FillEntry, OrderEntry, TwapEntry};
use super::show;
use super::wire::{decimal, side};
use crate::hyperliquid::address::Address;
use crate::instrument::InstrumentId;
use crate::num::{Money, Qty, Rate};
use crate::order::{OrderStatus, Reason};
use crate::time::Nanos;
use crate::venue::exchange::news::{Fill, News, TwapStatus};
use crate::venue::exchange::order::{AccountId, Order, Party};

/// Prints of a market that are remembered.
const PRINTS_MAX: usize = 100;
/// Hours of a market whose rates are remembered.
const RATES_MAX: usize = 10_000;
/// The transaction of a slice of an order over time, and of funding.
pub(super) const NO_HASH: &str = "0x0000000000000000000000000000000000000000000000000000000000000000";
/// Who made and took in the given market.
const MAKERS: Address = Address([0x11; 20]);
const TAKERS: Address = Address([0x22; 20]);

impl LocalExchange {
    /// Takes in what happened since the last call, as one transaction.
    pub(super) fn digest(&mut self) {
        let news = self.exchange.take_news();
        if news.is_empty() {
            return;
        }
        let hash = self.next_hash();
        for news in news {
            match news {
                News::Trade { .. } => self.digest_trade(&news, &hash),
                News::Fill(fill) => self.digest_fill(fill, &hash),
                News::Order { account, order, status, time } => self.digest_order(account, order, status, time),
                News::Funding { account, instrument, position, rate, payment, samples, time } => {
                    self.digest_funding((account, instrument), (position, rate, payment), samples, time);
                }
                News::FundingRate { instrument, rate, premium, time } => {
                    if let Some(market) = self.markets.get_mut(instrument.index()) {
                        market.rates.push_back(HourlyRate { time, rate, premium });
                        if market.rates.len() > RATES_MAX {
                            market.rates.pop_front();
                        }
                    }
                }
                News::Liquidation { account, equity, notional, time } => {
                    self.digest_liquidation(account, equity, notional, time);
                }
                News::Twap { account, id, state, status, time } => {
                    let entry = TwapEntry { id, state, status, time };
                    let told = self.twap_entry(account, &entry);
                    if let Some(person) = self.people.get_mut(account) {
                        person.record.twap(entry);
                    }
                    self.pushes.twaps.entry(account).or_default().push(told);
                    self.pushes.touched.insert(account);
                }
            }
        }
    }

    fn party(&self, party: Party) -> Address {
        match party {
            Party::Makers => MAKERS,
            Party::Takers => TAKERS,
            Party::Account(account) => self.people.address(account),
        }
    }

    fn digest_trade(&mut self, news: &News, hash: &str) {
        let News::Trade { instrument, aggressor, price, quantity, trade_id, buyer, seller, time } = *news else {
            return;
        };
        let told = json!({
            "coin": self.listing.coin(instrument),
            "side": side(aggressor),
            "px": decimal(price),
            "sz": decimal(quantity),
            "hash": hash,
            "time": time.millis(),
            "tid": trade_id,
            "users": [self.party(buyer).to_string(), self.party(seller).to_string()],
        });
        if let Some(market) = self.markets.get_mut(instrument.index()) {
            market.candles.count(price, quantity, time);
            market.prints.push_back(told.clone());
            if market.prints.len() > PRINTS_MAX {
                market.prints.pop_front();
            }
        }
        self.pushes.trades.entry(instrument).or_default().push(told);
    }

    fn digest_fill(&mut self, fill: Fill, hash: &str) {
        let account = fill.account;
        let hash = if fill.twap.is_some() { NO_HASH } else { hash };
        let entry = FillEntry { fill, hash: hash.into() };
        let told = self.fill_entry(&entry);
        if let Some(person) = self.people.get_mut(account) {
            let is_flat_after = {
                let after = fill.order.asked.side.signed(fill.quantity).raw() + fill.start_position.raw();
                let is_flip = after.signum() * fill.start_position.raw().signum() < 0;
                after == 0 || is_flip || fill.start_position.is_zero()
            };
            let funded = person.funded.entry(fill.order.asked.instrument).or_default();
            funded.since_change = Money::ZERO;
            if is_flat_after {
                funded.since_open = Money::ZERO;
            }
            person.record.fill(entry);
        }
        if let Some(id) = fill.twap {
            self.pushes.slices.entry(account).or_default().push(json!({"fill": told.clone(), "twapId": id}));
        }
        self.pushes.fills.entry(account).or_default().push(told);
        self.pushes.touched.insert(account);
    }

    /// A fill as it is told.
    pub(super) fn fill_entry(&self, entry: &FillEntry) -> Value {
        let liquidated = entry.fill.liquidation.map(|liquidation| self.people.address(liquidation.account));
        show::fill(&self.listing, &self.exchange, entry, liquidated)
    }

    fn digest_order(&mut self, account: AccountId, order: Order, status: OrderStatus, time: Nanos) {
        let entry = OrderEntry { order, status, time };
        let told = json!({
            "order": show::basic_order(&self.listing, &order),
            "status": super::texts::status(status),
            "statusTimestamp": time.millis(),
        });
        if let Some(person) = self.people.get_mut(account) {
            person.record.order(entry);
        }
        self.pushes.updates.entry(account).or_default().push(told);
        self.pushes.touched.insert(account);
        if let OrderStatus::Cancelled(Reason::LiquidatedCanceled | Reason::MarginCanceled | Reason::SelfTradeCanceled) =
            status
        {
            let cancel = json!({"coin": self.listing.coin(order.asked.instrument), "oid": order.oid});
            self.pushes.cancels.entry(account).or_default().push(cancel);
        }
    }

    fn digest_funding(
        &mut self,
        (account, instrument): (AccountId, InstrumentId),
        (position, rate, payment): (Qty, Rate, Money),
        samples: u32,
        time: Nanos,
    ) {
        // The venue tells what the account gets.
        let got = payment.neg().unwrap_or_default();
        let funding = json!({
            "time": time.millis(),
            "coin": self.listing.coin(instrument),
            "usdc": decimal(got),
            "szi": decimal(position),
            "fundingRate": decimal(rate),
            "nSamples": samples,
        });
        let mut delta = funding.clone();
        if let Some(fields) = delta.as_object_mut() {
            fields.remove("time");
            fields.insert("type".into(), json!("funding"));
        }
        if let Some(person) = self.people.get_mut(account) {
            person.record.funding(time, json!({"time": time.millis(), "hash": NO_HASH, "delta": delta}));
            let funded = person.funded.entry(instrument).or_default();
            for sum in [&mut funded.all_time, &mut funded.since_open, &mut funded.since_change] {
                *sum = sum.add(payment).unwrap_or(*sum);
            }
        }
        self.pushes.fundings.entry(account).or_default().push(funding);
        self.pushes.touched.insert(account);
    }

    fn digest_liquidation(&mut self, account: AccountId, equity: Money, notional: Money, time: Nanos) {
        let user = self.people.address(account).to_string();
        let told = json!({
            "lid": self.block,
            "liquidator": MAKERS.to_string(),
            "liquidated_user": user,
            "liquidated_ntl_pos": decimal(notional),
            "liquidated_account_value": decimal(equity),
        });
        self.pushes.liquidations.push((account, told));
        let delta = json!({
            "type": "liquidation",
            "liquidatedNtlPos": decimal(notional),
            "accountValue": decimal(equity),
            "leverageType": "Cross",
            "liquidatedPositions": [],
        });
        self.change_of(account, &delta, time);
    }

    /// A change of an account's balances that is neither fill nor funding.
    pub(super) fn change_of(&mut self, account: AccountId, delta: &Value, time: Nanos) {
        let hash = self.next_hash();
        let told = json!({"time": time.millis(), "hash": hash, "delta": delta});
        if let Some(person) = self.people.get_mut(account) {
            person.record.change(time, told.clone());
        }
        self.pushes.changes.entry(account).or_default().push(told);
        self.pushes.touched.insert(account);
    }

    /// A change of an order over time, as it is told.
    pub(super) fn twap_entry(&self, account: AccountId, entry: &TwapEntry) -> Value {
        let status = match entry.status {
            TwapStatus::Activated => "activated",
            TwapStatus::Terminated => "terminated",
            TwapStatus::Finished => "finished",
        };
        json!({
            "time": entry.time.raw() / Nanos::SECOND.raw(),
            "twapId": entry.id,
            "state": show::twap_state(&self.listing, &self.people.address(account), &entry.state),
            "status": {"status": status, "description": ""},
        })
    }
}
