//! What the questions are answered from: markets, accounts, histories.

use serde_json::{Map, Value, json};

use super::exchange::LocalExchange;
use super::record::OrderEntry;
use super::show;
use super::wire::{decimal, decimal_sum, maybe};
use crate::account::{initial_margin, max_leverage};
use crate::hyperliquid::address::Address;
use crate::instrument::InstrumentId;
use crate::num::{Money, NumError, Price, Qty, Rate, Rounding};
use crate::order::{Cloid, Side};
use crate::time::Nanos;
use crate::venue::Scope;
use crate::venue::exchange::market::{Kind, Market};
use crate::venue::exchange::order::{AccountId, Link, Order, OrderState};
use crate::venue::{FeeTable, FeeTier};

/// Entries of a ranged answer, and fills.
const ENTRIES_MAX: usize = 500;
const FILLS_MAX: usize = 2_000;

impl LocalExchange {
    /// The middle of every book, or the last price where a side is empty.
    pub(super) fn all_mids(&self) -> Value {
        let mid = |id: InstrumentId| {
            let market = self.exchange.market(id)?;
            market.book.mid().or(market.last).or(market.mark)
        };
        let coins = self.listing.coins();
        Value::Object(coins.filter_map(|(id, coin)| Some((coin.to_owned(), decimal(mid(id)?)))).collect::<Map<_, _>>())
    }

    /// Marks, funding and volume of a coin.
    pub(super) fn context(&self, id: InstrumentId) -> Value {
        let Some(market) = self.exchange.market(id) else { return Value::Null };
        let (base, notional) = market.day_volume();
        let reference = market.reference();
        if !market.is_perpetual() {
            return json!({
                "dayNtlVlm": decimal_sum(notional),
                "markPx": maybe(reference),
                "midPx": maybe(market.book.mid()),
                "prevDayPx": maybe(market.day_ago()),
                "circulatingSupply": "1000000000.0",
                "coin": self.listing.coin(id),
                "totalSupply": "1000000000.0",
                "dayBaseVlm": decimal_sum(base),
            });
        }
        let impact = market.impact.map_or(Value::Null, |(bid, ask)| json!([decimal(bid), decimal(ask)]));
        json!({
            "funding": decimal(ten_decimals(market.predicted_rate())),
            "openInterest": decimal(self.exchange.open_interest(id)),
            "prevDayPx": maybe(market.day_ago()),
            "dayNtlVlm": decimal_sum(notional),
            "premium": maybe(market.premium.map(ten_decimals)),
            "oraclePx": maybe(market.oracle.or(reference)),
            "markPx": maybe(reference.or(market.oracle)),
            "midPx": maybe(market.book.mid()),
            "impactPxs": impact,
            "dayBaseVlm": decimal_sum(base),
        })
    }

    pub(super) fn meta_and_contexts(&self) -> Value {
        let contexts: Vec<Value> = self.listing.perpetuals().map(|id| self.context(id)).collect();
        json!([self.listing.meta(), contexts])
    }

    /// Clients look the context of a pair up at the index of the pair.
    pub(super) fn spot_meta_and_contexts(&self) -> Value {
        let most = self.listing.pairs().map(|(_, pair)| pair.index).max().map_or(0, |most| most + 1);
        let context = |index: u32| {
            let pair = self.listing.pairs().find(|(_, pair)| pair.index == index);
            pair.map_or_else(
                || {
                    let zero = || json!("0.0");
                    json!({
                        "dayNtlVlm": zero(), "markPx": zero(), "midPx": null, "prevDayPx": zero(),
                        "circulatingSupply": zero(), "coin": format!("@{index}"), "totalSupply": zero(),
                        "dayBaseVlm": zero(),
                    })
                },
                |(id, _)| self.context(id),
            )
        };
        json!([self.listing.spot_meta(), (0..most).map(context).collect::<Vec<_>>()])
    }

    pub(super) fn recent_trades(&self, id: InstrumentId) -> Vec<Value> {
        self.markets.get(id.index()).map_or_else(Vec::new, |m| m.prints.iter().rev().cloned().collect())
    }

    pub(super) fn funding_history(&self, id: InstrumentId, start: Nanos, end: Nanos) -> Vec<Value> {
        let coin = self.listing.coin(id);
        let rates = self.markets.get(id.index()).into_iter().flat_map(|market| &market.rates);
        let within = rates.filter(|hour| (start..=end).contains(&hour.time)).take(ENTRIES_MAX);
        let told = within.map(|hour| {
            json!({
                "coin": coin,
                "fundingRate": decimal(ten_decimals(hour.rate)),
                "premium": decimal(ten_decimals(hour.premium)),
                "time": hour.time.millis(),
            })
        });
        told.collect()
    }

    pub(super) fn predicted_fundings(&self) -> Value {
        let interval = self.exchange.options().funding_interval;
        let next = self.exchange.now().floor_to(interval).after(interval);
        let of = |id: InstrumentId| {
            let rate = self.exchange.market(id).map_or(Rate::ZERO, Market::predicted_rate);
            let here = json!({"fundingRate": decimal(ten_decimals(rate)), "nextFundingTime": next.millis()});
            json!([self.listing.coin(id), [["HlPerp", here], ["BinPerp", null], ["BybitPerp", null]]])
        };
        Value::Array(self.listing.perpetuals().map(of).collect())
    }

    pub(super) fn perps_at_cap(&self) -> Value {
        let is_capped = |id: &InstrumentId| {
            let market = self.exchange.market(*id);
            market.is_some_and(|market| {
                let worth = market.reference().and_then(|mark| mark.notional(self.exchange.open_interest(*id)).ok());
                market.open_interest_cap.zip(worth).is_some_and(|(cap, worth)| worth >= cap)
            })
        };
        Value::Array(self.listing.perpetuals().filter(is_capped).map(|id| json!(self.listing.coin(id))).collect())
    }

    /// A user's positions and margin.
    pub(super) fn clearinghouse_state(&self, account: AccountId) -> Option<Value> {
        let person = self.people.get(account)?;
        let funded = |id: InstrumentId| person.funded.get(&id).copied().unwrap_or_default();
        let time = self.exchange.now().millis();
        show::clearinghouse_state(&self.listing, self.exchange.account(account)?, funded, time).ok()
    }

    /// Open orders in their short form, newest first.
    pub(super) fn open_orders(&self, account: AccountId) -> Vec<Value> {
        self.open(account).map(|order| show::basic_order(&self.listing, order)).collect()
    }

    /// Open orders in their long form, newest first. Those that wait for a parent stand under it, and again alone.
    pub(super) fn frontend_orders(&self, account: AccountId) -> Vec<Value> {
        let long = |order: &Order| show::order(&self.listing, order, Vec::new());
        let children = |parent: &Order| {
            self.open(account).filter(|child| child.link == Link::Child(parent.oid)).map(long).collect::<Vec<_>>()
        };
        self.open(account).map(|order| show::order(&self.listing, order, children(order))).collect()
    }

    fn open(&self, account: AccountId) -> impl Iterator<Item = &Order> {
        let orders = self.exchange.account(account).into_iter().flat_map(|account| account.orders.iter().rev());
        orders.filter_map(|oid| self.exchange.order(*oid))
    }

    /// The newest status of an order. Its size is that of when the status changed.
    pub(super) fn order_status(&self, account: AccountId, oid: Option<u64>, cloid: Option<Cloid>) -> Value {
        let unknown = || json!({"status": "unknownOid"});
        let Some(person) = self.people.get(account) else { return unknown() };
        let entry: Option<&OrderEntry> = match (oid, cloid) {
            (Some(oid), _) => person.record.latest(oid),
            (None, Some(cloid)) => person.record.newest(|order| order.asked.cloid == Some(cloid)),
            (None, None) => None,
        };
        // A dormant child has no status yet, but it is there.
        let dormant = || {
            let is_it = |order: &&Order| match (oid, cloid) {
                (Some(oid), _) => order.oid == oid,
                (None, cloid) => cloid.is_some() && order.asked.cloid == cloid,
            };
            let order = self.open(account).filter(|order| order.state == OrderState::Dormant).find(is_it)?;
            let told = json!({
                "order": show::order(&self.listing, order, Vec::new()),
                "status": "open",
                "statusTimestamp": order.placed.millis(),
            });
            Some(json!({"status": "order", "order": told}))
        };
        match entry {
            Some(entry) => json!({"status": "order", "order": show::order_entry(&self.listing, entry)}),
            None => dormant().unwrap_or_else(unknown),
        }
    }

    pub(super) fn historical_orders(&self, account: AccountId) -> Vec<Value> {
        let entries = self.people.get(account).into_iter().flat_map(|person| person.record.orders.iter().rev());
        entries.map(|entry| show::order_entry(&self.listing, entry)).collect()
    }

    /// The newest fills first.
    pub(super) fn user_fills(&self, account: AccountId, is_aggregated: bool) -> Vec<Value> {
        let entries = self.people.get(account).into_iter().flat_map(|person| person.record.fills.iter().rev());
        let fills: Vec<Value> = entries.take(FILLS_MAX).map(|entry| self.fill_entry(entry)).collect();
        if is_aggregated { aggregated(fills) } else { fills }
    }

    /// Fills between two times, both included, oldest first.
    pub(super) fn fills_between(
        &self,
        account: AccountId,
        start: Nanos,
        end: Nanos,
        is_aggregated: bool,
    ) -> Vec<Value> {
        let entries = self.people.get(account).into_iter().flat_map(|person| &person.record.fills);
        let within = entries.filter(|entry| (start..=end).contains(&entry.fill.time)).take(FILLS_MAX);
        let fills: Vec<Value> = within.map(|entry| self.fill_entry(entry)).collect();
        if is_aggregated { aggregated(fills) } else { fills }
    }

    pub(super) fn twap_slices(&self, account: AccountId) -> Vec<Value> {
        let entries = self.people.get(account).into_iter().flat_map(|person| person.record.fills.iter().rev());
        let of_twaps = entries.filter_map(|entry| Some((entry, entry.fill.twap?))).take(FILLS_MAX);
        of_twaps.map(|(entry, id)| json!({"fill": self.fill_entry(entry), "twapId": id})).collect()
    }

    pub(super) fn twap_history(&self, account: AccountId) -> Vec<Value> {
        let entries = self.people.get(account).into_iter().flat_map(|person| person.record.twaps.iter().rev());
        entries.take(ENTRIES_MAX).map(|entry| self.twap_entry(account, entry)).collect()
    }

    pub(super) fn user_funding(&self, account: AccountId, start: Nanos, end: Nanos) -> Vec<Value> {
        let entries = self.people.get(account).into_iter().flat_map(|person| &person.record.fundings);
        let within = entries.filter(|(time, _)| (start..=end).contains(time));
        within.take(ENTRIES_MAX).map(|(_, told)| told.clone()).collect()
    }

    pub(super) fn ledger_updates(&self, account: AccountId, start: Nanos, end: Nanos) -> Vec<Value> {
        let entries = self.people.get(account).into_iter().flat_map(|person| &person.record.ledger);
        let within = entries.filter(|(time, _)| (start..=end).contains(time));
        within.take(ENTRIES_MAX).map(|(_, told)| told.clone()).collect()
    }

    /// What an account may trade of a perpetual.
    pub(super) fn active_asset_data(&self, account: AccountId, id: InstrumentId) -> Option<Value> {
        let of = self.exchange.account(account)?;
        let market = self.exchange.market(id).filter(|market| market.is_perpetual())?;
        let mark = market.reference().or(market.oracle)?;
        let is_cross = of.ledger.scope_of(id) == Scope::Cross;
        let leverage = of.ledger.chosen_leverage(id);
        let kind = if is_cross { "cross" } else { "isolated" };
        let room = |side: Side| -> Result<(Money, Qty), NumError> {
            let free = of.ledger.free_margin()?.max(Money::ZERO);
            let used = leverage.min(max_leverage(&market.rules, Money::ZERO)?).max(1);
            let worth = Money::from_raw(free.raw().saturating_mul(i64::from(used)));
            let position = of.ledger.account().position(id).quantity;
            let opposes = side.sign() * position.raw() < 0;
            let back = if opposes { initial_margin(mark.notional(position)?, used)? } else { Money::ZERO };
            let closing = if opposes { position.abs()? } else { Qty::ZERO };
            let size = worth.quantity_at(mark)?.add(closing)?.add(closing)?.floor_to_lot(market.rules.lot_size)?;
            Ok((free.add(back)?.add(back)?, size))
        };
        let (buy, sell) = (room(Side::Buy).ok()?, room(Side::Sell).ok()?);
        Some(json!({
            "user": self.people.address(account).to_string(),
            "coin": self.listing.coin(id),
            "leverage": {"type": kind, "value": leverage},
            "maxTradeSzs": [decimal(buy.1), decimal(sell.1)],
            "availableToTrade": [decimal(buy.0), decimal(sell.0)],
            "markPx": decimal(mark),
        }))
    }

    /// What an address without an account may trade of a perpetual: a wrong address looks like an empty account.
    pub(super) fn empty_asset_data(&self, user: &Address, id: InstrumentId) -> Option<Value> {
        let market = self.exchange.market(id).filter(|market| market.is_perpetual())?;
        Some(json!({
            "user": user.to_string(),
            "coin": self.listing.coin(id),
            "leverage": {"type": "cross", "value": self.exchange.options().leverage},
            "maxTradeSzs": ["0.0", "0.0"],
            "availableToTrade": ["0.0", "0.0"],
            "markPx": decimal(market.reference().or(market.oracle)?),
        }))
    }

    pub(super) fn user_fees(&mut self, account: AccountId) -> Value {
        let [(add, cross), (spot_add, spot_cross)] = self.exchange.fee_rates(account);
        let (perpetuals, spot) = (FeeTable::perpetuals(), FeeTable::spot());
        let tier = |(of, of_spot): (&FeeTier, &FeeTier)| {
            json!({
                "ntlCutoff": decimal(of.above),
                "cross": decimal(of.taker),
                "add": decimal(of.maker),
                "spotCross": decimal(of_spot.taker),
                "spotAdd": decimal(of_spot.maker),
            })
        };
        let tiers: Vec<Value> = perpetuals.tiers.iter().zip(&spot.tiers).skip(1).map(tier).collect();
        let makers = perpetuals.makers.iter();
        let makers: Vec<Value> =
            makers.map(|m| json!({"makerFractionCutoff": decimal(m.above), "add": decimal(m.maker)})).collect();
        let base =
            |table: &FeeTable| table.tiers.first().map_or((Rate::ZERO, Rate::ZERO), |tier| (tier.taker, tier.maker));
        let ((base_cross, base_add), (base_spot_cross, base_spot_add)) = (base(&perpetuals), base(&spot));
        json!({
            "dailyUserVlm": [],
            "feeSchedule": {
                "cross": decimal(base_cross),
                "add": decimal(base_add),
                "spotCross": decimal(base_spot_cross),
                "spotAdd": decimal(base_spot_add),
                "tiers": {"vip": tiers, "mm": makers},
                "referralDiscount": "0.04",
                "stakingDiscountTiers": [{"bpsOfMaxSupply": "0.0", "discount": "0.0"}],
            },
            "userCrossRate": decimal(cross),
            "userAddRate": decimal(add),
            "userSpotCrossRate": decimal(spot_cross),
            "userSpotAddRate": decimal(spot_add),
            "activeReferralDiscount": "0.0",
            "trial": null,
            "feeTrialReward": "0.0",
            "nextTrialAvailableTimestamp": null,
            "stakingLink": null,
            "activeStakingDiscount": {"bpsOfMaxSupply": "0.0", "discount": "0.0"},
        })
    }

    pub(super) fn sub_accounts_of(&self, master: &Address) -> Value {
        let told: Vec<Value> = self
            .people
            .sub_accounts(master)
            .map(|(account, person)| {
                let name = person.master.as_ref().map_or("", |(_, name)| name.as_str());
                let spot = self.exchange.account(account).map(|account| show::spot_state(&self.listing, account));
                json!({
                    "name": name,
                    "subAccountUser": person.address.to_string(),
                    "master": master.to_string(),
                    "clearinghouseState": self.clearinghouse_state(account),
                    "spotState": spot,
                })
            })
            .collect();
        if told.is_empty() { Value::Null } else { Value::Array(told) }
    }

    /// Value, profit and volume of an account, at present alone: no history of it is kept.
    pub(super) fn portfolio(&self, account: AccountId) -> Value {
        let Some(of) = self.exchange.account(account) else { return json!([]) };
        let lines = of.ledger.account().lines();
        let value = of.ledger.account().equity().unwrap_or_default();
        let profit = value.sub(lines.deposit).unwrap_or_default();
        let now = self.exchange.now().unsigned_millis();
        let period = |name: &str| {
            json!([name, {
                "accountValueHistory": [[now, decimal(value)]],
                "pnlHistory": [[now, decimal(profit)]],
                "vlm": decimal_sum(of.volume()),
            }])
        };
        let names = ["day", "week", "month", "allTime", "perpDay", "perpWeek", "perpMonth", "perpAllTime"];
        Value::Array(names.into_iter().map(period).collect())
    }

    /// Details of a token, by the id that `spotMeta` names.
    pub(super) fn token_details(&self, id: &str) -> Option<Value> {
        let token = self.listing.tokens().iter().find(|token| super::listing::token_id(token) == id)?;
        let is_base = |market: &Market| matches!(market.kind, Kind::Spot { base, .. } if base.0 == token.index);
        let market = self.exchange.markets().map(|(_, market)| market).find(|market| is_base(market));
        let price = market.and_then(Market::reference).unwrap_or(Price::ONE);
        Some(json!({
            "name": token.name,
            "maxSupply": "1000000000.0",
            "totalSupply": "1000000000.0",
            "circulatingSupply": "1000000000.0",
            "szDecimals": token.size_decimals,
            "weiDecimals": 8,
            "midPx": decimal(price),
            "markPx": decimal(price),
            "prevDayPx": maybe(market.and_then(Market::day_ago).or(Some(price))),
            "genesis": null,
            "deployer": null,
            "deployGas": null,
            "deployTime": null,
            "seededUsdc": "0.0",
            "nonCirculatingUserBalances": [],
            "futureEmissions": "0.0",
        }))
    }
}

/// The venue tells rates with ten decimals.
fn ten_decimals(rate: Rate) -> Rate {
    let hundreds = crate::num::div_round(i128::from(rate.raw()), 100, Rounding::HalfEven);
    Rate::from_raw(i64::try_from(hundreds).unwrap_or_default() * 100)
}

/// Fills of one order at one time become one: quantities, fees and profits are added up, the price is their average.
pub(super) fn aggregated(fills: Vec<Value>) -> Vec<Value> {
    let mut merged: Vec<Value> = Vec::with_capacity(fills.len());
    for fill in fills {
        match merged.last_mut() {
            Some(last) if ["oid", "time"].iter().all(|name| last.get(name) == fill.get(name)) => {
                merge(last, &fill).unwrap_or_default();
            }
            _ => merged.push(fill),
        }
    }
    merged
}

/// `None` if a number is none; the first is then left as it is.
fn merge(first: &mut Value, second: &Value) -> Option<()> {
    let quantity = |fill: &Value| fill.get("sz")?.as_str()?.parse::<Qty>().ok();
    let price = |fill: &Value| fill.get("px")?.as_str()?.parse::<Price>().ok();
    let money = |fill: &Value, name: &str| fill.get(name)?.as_str()?.parse::<Money>().ok();
    let mut average = crate::account::Average::default();
    let (a, b) = (quantity(first)?, quantity(second)?);
    average.add(price(first)?, a).ok()?;
    average.add(price(second)?, b).ok()?;
    let mut sums = Vec::new();
    for name in ["fee", "closedPnl", "builderFee"] {
        if let (Some(a), Some(b)) = (money(first, name), money(second, name)) {
            sums.push((name, a.add(b).ok()?));
        }
    }
    let fields = first.as_object_mut()?;
    fields.insert("sz".into(), decimal(a.add(b).ok()?));
    fields.insert("px".into(), decimal(average.price()?));
    for (name, sum) in sums {
        fields.insert(name.into(), decimal(sum));
    }
    Some(())
}
