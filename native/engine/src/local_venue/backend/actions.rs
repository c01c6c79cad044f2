//! L1 actions carried out, and their answers.

use serde_json::{Value, json};

use super::exchange::{LocalExchange, accepted, dollars, done, refused};
use super::show;
use super::texts;
use super::wire::decimal;
use crate::account::initial_margin;
use crate::hyperliquid::action::{Action, Builder, Cancel, CancelByCloid, Grouping as WireGrouping, MicroUsd, Modify};
use crate::hyperliquid::action::{Order, OrderId, OrderType, Tif, TpSl, Twap};
use crate::hyperliquid::address::Address;
use crate::instrument::{InstrumentId, MarginMode};
use crate::num::{Money, NumError, Price, Qty, Rate};
use crate::order::{Side, TimeInForce};
use crate::time::Nanos;
use crate::venue::SCHEDULE_LEAD;
use crate::venue::Scope;
use crate::venue::exchange::news::TwapState;
use crate::venue::exchange::order::{AccountId, Grouping, NewOrder, Placed, Trigger};
use crate::venue::exchange::placing::OrderName;

/// Items that one action may have.
const BATCH_MAX: usize = 200;
/// A tenth of a basis point.
const TENTH_OF_BPS: i64 = 10_000_000;
/// How long an order over time may take, in minutes.
const TWAP_MINUTES: std::ops::RangeInclusive<u32> = 5..=7 * 24 * 60;

impl LocalExchange {
    pub(super) fn act_on(&mut self, account: AccountId, action: &Action) -> Result<Value, NumError> {
        match action {
            Action::Order { orders, grouping, builder } => self.orders(account, orders, *grouping, builder.as_ref()),
            Action::Cancel { cancels, .. } => {
                let named = |cancel: &Cancel| (cancel.asset, OrderName::Oid(cancel.oid));
                self.cancels(account, cancels.iter().map(named))
            }
            Action::CancelByCloid { cancels, .. } => {
                let named = |cancel: &CancelByCloid| (cancel.asset, OrderName::Cloid(cancel.cloid.0));
                self.cancels(account, cancels.iter().map(named))
            }
            Action::Modify(modify) => self.modify_one(account, modify),
            Action::BatchModify { modifies } => self.modify_many(account, modifies),
            Action::ScheduleCancel { time } => Ok(self.schedule_cancel(account, *time)),
            Action::UpdateLeverage { asset, is_cross, leverage } => {
                Ok(self.update_leverage(account, *asset, *is_cross, *leverage))
            }
            Action::UpdateIsolatedMargin { asset, ntli, .. } => self.update_margin(account, *asset, money(*ntli)?),
            Action::TopUpIsolatedOnlyMargin { asset, leverage } => self.top_up(account, *asset, leverage),
            Action::TwapOrder { twap } => self.twap(account, twap),
            Action::TwapCancel { t, .. } => Ok(self.twap_cancel(account, *t)),
            Action::CreateSubAccount { name } => Ok(self.create_sub_account(account, name)),
            Action::SubAccountTransfer { sub_account_user, is_deposit, usd } => {
                self.sub_account_transfer(account, sub_account_user, *is_deposit, money(*usd)?)
            }
            Action::SubAccountSpotTransfer { sub_account_user, is_deposit, token, amount } => {
                self.sub_account_spot_transfer(account, sub_account_user, *is_deposit, token, *amount)
            }
            Action::VaultTransfer { vault_address, .. } => Ok(not_a_vault(vault_address)),
            Action::SetReferrer { .. } => Ok(refused("Referrer could not be set: this venue has no referrals".into())),
            Action::ReserveRequestWeight { weight } => self.reserve_weight(account, *weight),
            Action::Noop => Ok(accepted()),
            Action::AgentSetAbstraction { .. } => Ok(refused("Account abstraction cannot be changed here".into())),
        }
    }

    fn orders(
        &mut self,
        account: AccountId,
        orders: &[Order],
        grouping: WireGrouping,
        builder: Option<&Builder>,
    ) -> Result<Value, NumError> {
        if let Some(text) = misfit(orders.len()) {
            return Ok(refused(text));
        }
        let rate = match self.builder_rate(account, builder) {
            Ok(rate) => rate,
            Err(text) => return Ok(refused(text)),
        };
        let grouping = match grouping {
            WireGrouping::None | WireGrouping::Priority(_) => Grouping::None,
            WireGrouping::Children => Grouping::Children,
            WireGrouping::Position => Grouping::Position,
        };
        if let Some(text) = wrong_group(orders, grouping) {
            return Ok(refused(text));
        }
        let known: Option<Vec<NewOrder>> = orders.iter().map(|order| self.new_order(order, rate)).collect();
        let statuses = match (grouping, known) {
            (Grouping::None, _) => {
                let mut statuses = Vec::with_capacity(orders.len());
                for order in orders {
                    statuses.push(match self.new_order(order, rate) {
                        None => json!({"error": unknown_asset(order.asset)}),
                        Some(asked) => {
                            let placed = self.exchange.place(account, &[asked], Grouping::None)?;
                            self.shown(placed.first(), &asked, order.asset)
                        }
                    });
                }
                statuses
            }
            (_, None) => {
                let asset = orders.iter().map(|o| o.asset).find(|asset| self.listing.asset(*asset).is_none());
                return Ok(refused(unknown_asset(asset.unwrap_or_default())));
            }
            (grouping, Some(asked)) => {
                let placed = self.exchange.place(account, &asked, grouping)?;
                let items = placed.iter().zip(&asked).zip(orders);
                items.map(|((placed, asked), order)| self.shown(Some(placed), asked, order.asset)).collect()
            }
        };
        Ok(done("order", &json!({"statuses": statuses})))
    }

    /// The rate of a builder, if the account has approved as much.
    fn builder_rate(&self, account: AccountId, builder: Option<&Builder>) -> Result<Rate, String> {
        let Some(builder) = builder else { return Ok(Rate::ZERO) };
        let approved = self.people.get(account).map_or(&[][..], |person| &person.builders);
        let is_approved = approved.iter().any(|(of, most)| *of == builder.address && builder.fee <= *most);
        if is_approved {
            Ok(Rate::from_raw(i64::from(builder.fee) * TENTH_OF_BPS))
        } else {
            Err("Builder fee has not been approved".to_owned())
        }
    }

    fn new_order(&self, order: &Order, builder: Rate) -> Option<NewOrder> {
        let instrument = self.listing.asset(order.asset)?;
        let (time_in_force, trigger) = match order.order_type {
            OrderType::Limit { tif: Tif::Gtc } => (TimeInForce::Gtc, None),
            OrderType::Limit { tif: Tif::Ioc } => (TimeInForce::Ioc, None),
            OrderType::Limit { tif: Tif::Alo } => (TimeInForce::Alo, None),
            OrderType::Trigger { is_market, trigger_px, tpsl } => {
                let trigger = Trigger { price: trigger_px, is_market, is_gain: tpsl == TpSl::TakeProfit };
                (TimeInForce::Gtc, Some(trigger))
            }
        };
        Some(NewOrder {
            instrument,
            side: if order.is_buy { Side::Buy } else { Side::Sell },
            price: order.price,
            quantity: order.quantity,
            time_in_force,
            reduce_only: order.is_reduce_only,
            trigger,
            cloid: order.cloid.map(|cloid| cloid.0),
            builder,
        })
    }

    /// What became of an order, as its status says.
    fn shown(&self, placed: Option<&Placed>, asked: &NewOrder, asset: u32) -> Value {
        let with_cloid = |mut status: Value| {
            if let (Some(cloid), Some(fields)) = (asked.cloid, status.as_object_mut()) {
                fields.insert("cloid".into(), json!(cloid.to_string()));
            }
            status
        };
        match placed {
            None => json!({"error": unknown_asset(asset)}),
            Some(Placed::Resting { .. }) if self.has_bare_statuses && asked.trigger.is_some() => {
                json!("waitingForTrigger")
            }
            Some(Placed::Resting { oid }) => json!({"resting": with_cloid(json!({"oid": oid}))}),
            Some(Placed::Filled { oid, quantity, price }) => {
                let filled = json!({"totalSz": decimal(quantity), "avgPx": decimal(price), "oid": oid});
                json!({"filled": with_cloid(filled)})
            }
            Some(Placed::WaitingForFill) => json!("waitingForFill"),
            Some(Placed::WaitingForTrigger) => json!("waitingForTrigger"),
            Some(Placed::Refused(refusal)) => {
                let quote = show::quote_token(&self.listing, asked.instrument);
                json!({"error": texts::refusal(refusal, asked, asset, quote)})
            }
        }
    }

    fn cancels(
        &mut self,
        account: AccountId,
        cancels: impl ExactSizeIterator<Item = (u32, OrderName)>,
    ) -> Result<Value, NumError> {
        if let Some(text) = misfit(cancels.len()) {
            return Ok(refused(text));
        }
        let mut statuses = Vec::with_capacity(cancels.len());
        for (asset, name) in cancels {
            let is_done = match self.listing.asset(asset) {
                Some(instrument) => self.exchange.cancel(account, instrument, name)?,
                None => false,
            };
            statuses.push(if is_done { json!("success") } else { json!({"error": texts::not_there(asset)}) });
        }
        Ok(done("cancel", &json!({"statuses": statuses})))
    }

    /// Replaces one order; the status of the new one.
    fn modify(&mut self, account: AccountId, modify: &Modify) -> Result<Value, NumError> {
        let asset = modify.order.asset;
        let Some(asked) = self.new_order(&modify.order, Rate::ZERO) else {
            return Ok(json!({"error": unknown_asset(asset)}));
        };
        let name = match modify.oid {
            OrderId::Oid(oid) => OrderName::Oid(oid),
            OrderId::Cloid(cloid) => OrderName::Cloid(cloid.0),
        };
        Ok(match self.exchange.modify(account, name, asked)? {
            None => json!({"error": "Cannot modify canceled or filled order"}),
            Some(Placed::Refused(refusal)) => {
                let quote = show::quote_token(&self.listing, asked.instrument);
                let text = texts::refusal(&refusal, &asked, asset, quote);
                json!({"error": format!("Error placing new order during modify: {text}")})
            }
            Some(placed) => self.shown(Some(&placed), &asked, asset),
        })
    }

    fn modify_one(&mut self, account: AccountId, modify: &Modify) -> Result<Value, NumError> {
        let status = self.modify(account, modify)?;
        Ok(status.get("error").and_then(Value::as_str).map_or_else(accepted, |text| refused(text.to_owned())))
    }

    fn modify_many(&mut self, account: AccountId, modifies: &[Modify]) -> Result<Value, NumError> {
        if let Some(text) = misfit(modifies.len()) {
            return Ok(refused(text));
        }
        let statuses: Result<Vec<Value>, NumError> = modifies.iter().map(|m| self.modify(account, m)).collect();
        Ok(done("order", &json!({"statuses": statuses?})))
    }

    fn schedule_cancel(&mut self, account: AccountId, time: Option<u64>) -> Value {
        let traded = self.exchange.account(account).map_or(0, |account| account.volume());
        let needed = self.exchange.options().schedule_volume_min;
        if traded < i128::from(needed.raw()) {
            let traded = super::wire::decimal_sum(traded);
            return refused(format!(
                "Cannot set scheduled cancel time until enough volume traded. Required: ${needed}. Traded: ${}.",
                traded.as_str().unwrap_or_default()
            ));
        }
        let Some(time) = time else {
            self.exchange.schedule_cancel(account, None);
            return accepted();
        };
        let nanos = i64::try_from(time).map_or(Nanos::MAX, Nanos::from_millis);
        if nanos < self.exchange.now().after(SCHEDULE_LEAD) {
            return refused("Scheduled cancel time is too early: it must be at least 5 seconds from now.".into());
        }
        if self.exchange.firings_left(account) == 0 {
            return refused("Scheduled cancel has been triggered too often today.".into());
        }
        self.exchange.schedule_cancel(account, Some(nanos));
        accepted()
    }

    /// The perpetual of an asset id, or the refusal.
    fn perpetual(&self, asset: u32) -> Result<InstrumentId, Value> {
        let listed = self.listing.asset(asset).filter(|id| !self.listing.is_spot(*id));
        listed.ok_or_else(|| refused(unknown_asset(asset)))
    }

    fn update_leverage(&mut self, account: AccountId, asset: u32, is_cross: bool, leverage: u32) -> Value {
        let id = match self.perpetual(asset) {
            Ok(id) => id,
            Err(refusal) => return refusal,
        };
        let Some(perpetual) = self.listing.perpetual(id) else { return refused(unknown_asset(asset)) };
        let most = perpetual.tiers.first().map_or(1, |(_, most)| *most);
        if !(1..=most).contains(&leverage) {
            return refused(format!("Invalid leverage value. asset={asset}"));
        }
        if is_cross && perpetual.only_isolated {
            return refused(format!("Cross margin is not allowed for this asset. asset={asset}"));
        }
        let Some(of) = self.exchange.account(account) else { return accepted() };
        let is_open = !of.ledger.account().position(id).is_flat();
        if is_open && is_cross != (of.ledger.scope_of(id) == Scope::Cross) {
            return refused("Cannot switch leverage type with open position.".into());
        }
        let mode = if is_cross { MarginMode::Cross } else { MarginMode::Isolated };
        self.exchange.set_leverage(account, id, mode, leverage);
        accepted()
    }

    fn update_margin(&mut self, account: AccountId, asset: u32, amount: Money) -> Result<Value, NumError> {
        let id = match self.perpetual(asset) {
            Ok(id) => id,
            Err(refusal) => return Ok(refusal),
        };
        let Some(of) = self.exchange.account(account) else { return Ok(accepted()) };
        if of.ledger.scope_of(id) == Scope::Cross || of.ledger.account().position(id).is_flat() {
            return Ok(refused("Position does not use isolated margin.".into()));
        }
        if self.exchange.add_margin(account, id, amount)? {
            Ok(accepted())
        } else {
            Ok(refused("Insufficient margin to update isolated margin.".into()))
        }
    }

    /// Adds margin to an isolated position until it has a leverage.
    fn top_up(&mut self, account: AccountId, asset: u32, leverage: &str) -> Result<Value, NumError> {
        let id = match self.perpetual(asset) {
            Ok(id) => id,
            Err(refusal) => return Ok(refusal),
        };
        let wanted = leverage.parse::<Price>().ok().filter(|leverage| leverage.is_positive());
        let (Some(wanted), Some(of)) = (wanted, self.exchange.account(account)) else {
            return Ok(refused(format!("Invalid leverage value. asset={asset}")));
        };
        let position = of.ledger.account().position(id);
        if of.ledger.scope_of(id) == Scope::Cross || position.is_flat() {
            return Ok(refused("Position does not use isolated margin.".into()));
        }
        let notional = initial_margin(of.ledger.account().mark(id).notional(position.quantity)?, 1)?;
        let target = notional.quantity_at(wanted)?;
        let missing = Money::from_raw(target.raw()).sub(of.ledger.equity_of(of.ledger.scope_of(id))?)?;
        if !missing.is_positive() || self.exchange.add_margin(account, id, missing)? {
            Ok(accepted())
        } else {
            Ok(refused("Insufficient margin to update isolated margin.".into()))
        }
    }

    fn twap(&mut self, account: AccountId, twap: &Twap) -> Result<Value, NumError> {
        let failed = |text: String| done("twapOrder", &json!({"status": {"error": text}}));
        let id = match self.perpetual(twap.asset) {
            Ok(id) => id,
            Err(refusal) => return Ok(refusal),
        };
        if !TWAP_MINUTES.contains(&twap.minutes) {
            return Ok(failed(format!("Invalid TWAP duration: {} min(s)", twap.minutes)));
        }
        let Some(market) = self.exchange.market(id) else { return Ok(failed(unknown_asset(twap.asset))) };
        let lot = market.rules.lot_size.raw();
        if !twap.quantity.is_positive() || twap.quantity.raw() % lot != 0 {
            return Ok(failed(format!("Order has invalid size. asset={}", twap.asset)));
        }
        let least = i64::from(twap.minutes) * 10;
        let worth = market.reference().unwrap_or_default().notional(twap.quantity)?;
        if worth < dollars(least) {
            return Ok(failed(format!("TWAP order value too small. Min is ${least}, which is $10 per minute.")));
        }
        let side = if twap.is_buy { Side::Buy } else { Side::Sell };
        let state = TwapState {
            instrument: id,
            side,
            quantity: twap.quantity,
            executed: Qty::ZERO,
            notional: Money::ZERO,
            minutes: twap.minutes,
            reduce_only: twap.is_reduce_only,
            is_random: twap.is_random,
            start: self.exchange.now(),
        };
        let id = self.exchange.start_twap(account, state);
        Ok(done("twapOrder", &json!({"status": {"running": {"twapId": id}}})))
    }

    fn twap_cancel(&mut self, account: AccountId, id: u64) -> Value {
        let status = if self.exchange.cancel_twap(account, id) {
            json!("success")
        } else {
            json!({"error": "TWAP was never placed, already canceled, or filled."})
        };
        done("twapCancel", &json!({"status": status}))
    }

    fn reserve_weight(&mut self, account: AccountId, weight: u64) -> Result<Value, NumError> {
        // 0.0005 USDC a request.
        let cost = i64::try_from(weight).ok().and_then(|weight| weight.checked_mul(50_000)).map(Money::from_raw);
        let free = self.exchange.account(account).map_or(Ok(Money::ZERO), |a| a.ledger.withdrawable())?;
        match cost {
            Some(cost) if cost <= free => {
                self.exchange.deposit(account, cost.neg()?)?;
                Ok(accepted())
            }
            _ => Ok(refused("Insufficient balance to reserve request weight.".into())),
        }
    }
}

/// What is wrong with the number of items of an action.
fn misfit(items: usize) -> Option<String> {
    match items {
        0 => Some("Batch must not be empty.".to_owned()),
        1..=BATCH_MAX => None,
        _ => Some(format!("Signed action over weight limit of {BATCH_MAX}.")),
    }
}

/// What is wrong with a group of orders.
fn wrong_group(orders: &[Order], grouping: Grouping) -> Option<String> {
    let is_trigger = |order: &Order| matches!(order.order_type, OrderType::Trigger { .. });
    let (parents, stops) = match (grouping, orders) {
        (Grouping::None, _) => return None,
        (Grouping::Children, [parent, stops @ ..]) => (Some(parent), stops),
        (_, stops) => (None, stops),
    };
    let is_odd =
        parents.is_some_and(is_trigger) || !stops.iter().all(is_trigger) || stops.len() > 2 || stops.is_empty();
    if is_odd {
        return Some("Unexpected number of trigger orders".to_owned());
    }
    (!stops.iter().all(|stop| stop.is_reduce_only)).then(|| "TP/SL orders must be reduce only.".to_owned())
}

pub(super) fn unknown_asset(asset: u32) -> String {
    format!("Unknown asset. asset={asset}")
}

fn not_a_vault(address: &Address) -> Value {
    refused(format!("Vault not registered: {address}"))
}

/// Millionths of a dollar as money.
pub(super) fn money(usd: MicroUsd) -> Result<Money, NumError> {
    let steps = usd.0.checked_mul(100).ok_or(NumError::Overflow { operation: "an amount in millionths" })?;
    Ok(Money::from_raw(steps))
}
