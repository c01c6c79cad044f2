//! Orders, fills, positions and books as the venue writes them.

use serde_json::{Map, Value, json};

use super::listing::Listing;
use super::record::{FillEntry, OrderEntry};
use super::texts;
use super::wire::{cloid, decimal, maybe, side};
use crate::account::Position;
use crate::hyperliquid::address::Address;
use crate::instrument::InstrumentId;
use crate::num::{Money, NumError, Price, Qty, Rounding, div_round};
use crate::order::{Side, TimeInForce};
use crate::venue::Scope;
use crate::venue::exchange::account::Account;
use crate::venue::exchange::book::{LevelView, QueueBook};
use crate::venue::exchange::machine::Exchange;
use crate::venue::exchange::market::Market;
use crate::venue::exchange::news::{Fee, Fill, TwapState};
use crate::venue::exchange::order::{Link, Order, Trigger};

/// What both forms of an order have.
fn order_fields(listing: &Listing, order: &Order) -> Map<String, Value> {
    let asked = &order.asked;
    let fields = [
        ("coin", json!(listing.coin(asked.instrument))),
        ("side", json!(side(asked.side))),
        ("limitPx", decimal(asked.price)),
        ("sz", decimal(order.leaves)),
        ("oid", json!(order.oid)),
        ("timestamp", json!(order.placed.millis())),
        ("origSz", decimal(asked.quantity)),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// An order in its short form, which hides what it waits for.
pub(super) fn basic_order(listing: &Listing, order: &Order) -> Value {
    let mut fields = order_fields(listing, order);
    if order.asked.cloid.is_some() {
        fields.insert("cloid".into(), cloid(order.asked.cloid));
    }
    if order.asked.reduce_only {
        fields.insert("reduceOnly".into(), Value::Bool(true));
    }
    Value::Object(fields)
}

fn order_type(trigger: Option<&Trigger>) -> &'static str {
    match trigger {
        None => "Limit",
        Some(Trigger { is_gain: false, is_market: true, .. }) => "Stop Market",
        Some(Trigger { is_gain: false, is_market: false, .. }) => "Stop Limit",
        Some(Trigger { is_gain: true, is_market: true, .. }) => "Take Profit Market",
        Some(Trigger { is_gain: true, is_market: false, .. }) => "Take Profit Limit",
    }
}

/// An order in its long form, with those that wait for it to fill.
pub(super) fn order(listing: &Listing, order: &Order, children: Vec<Value>) -> Value {
    let asked = &order.asked;
    let trigger = asked.trigger.as_ref();
    let condition = match trigger {
        None => "N/A".to_owned(),
        Some(_) if order.is_triggered => "Triggered".to_owned(),
        Some(trigger) if trigger.is_above(asked.side) => format!("Price above {}", trigger.price),
        Some(trigger) => format!("Price below {}", trigger.price),
    };
    let tif = match (trigger, asked.time_in_force) {
        (Some(_), _) => Value::Null,
        (None, TimeInForce::Alo) => json!("Alo"),
        (None, TimeInForce::Ioc | TimeInForce::Fok) => json!("Ioc"),
        (None, TimeInForce::Gtc) => json!("Gtc"),
    };
    let more = [
        ("triggerCondition", json!(condition)),
        ("isTrigger", json!(trigger.is_some() && !order.is_triggered)),
        ("triggerPx", trigger.map_or_else(|| json!("0.0"), |trigger| decimal(trigger.price))),
        ("children", Value::Array(children)),
        ("isPositionTpsl", json!(order.link == Link::Position)),
        ("reduceOnly", json!(asked.reduce_only)),
        ("orderType", json!(order_type(trigger))),
        ("tif", tif),
        ("cloid", cloid(asked.cloid)),
    ];
    let mut fields = order_fields(listing, order);
    fields.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
    Value::Object(fields)
}

/// A status of an order, with the order in its long form. Its size is that of when the status changed.
pub(super) fn order_entry(listing: &Listing, entry: &OrderEntry) -> Value {
    json!({
        "order": order(listing, &entry.order, Vec::new()),
        "status": texts::status(entry.status),
        "statusTimestamp": entry.time.millis(),
    })
}

/// What a fill did to the position, in words.
fn direction(fill: &Fill, is_spot: bool, is_isolated: bool) -> &'static str {
    let (start, buys) = (fill.start_position.raw(), fill.order.asked.side == Side::Buy);
    if is_spot {
        return if buys { "Buy" } else { "Sell" };
    }
    if fill.liquidation.is_some_and(|liquidated| liquidated.account == fill.account) {
        return match (buys, is_isolated) {
            (false, false) => "Liquidated Cross Long",
            (true, false) => "Liquidated Cross Short",
            (false, true) => "Liquidated Isolated Long",
            (true, true) => "Liquidated Isolated Short",
        };
    }
    let closes = if buys { start < 0 } else { start > 0 };
    let flips = closes && fill.quantity.raw() > start.abs();
    match (buys, closes, flips) {
        (true, false, _) => "Open Long",
        (false, false, _) => "Open Short",
        (true, true, false) => "Close Short",
        (false, true, false) => "Close Long",
        (true, true, true) => "Short > Long",
        (false, true, true) => "Long > Short",
    }
}

/// A fill. `liquidated` is the address of who was liquidated by it.
pub(super) fn fill(listing: &Listing, exchange: &Exchange, entry: &FillEntry, liquidated: Option<Address>) -> Value {
    let fill = &entry.fill;
    let asked = &fill.order.asked;
    let is_spot = listing.is_spot(asked.instrument);
    let ledger = exchange.account(fill.account).map(|account| &account.ledger);
    let is_isolated = ledger.is_some_and(|ledger| ledger.scope_of(asked.instrument) != Scope::Cross);
    let base = listing.coin(asked.instrument);
    let (fee, fee_token) = match fill.fee {
        Fee::Quote(fee) => (decimal(fee.add(fill.builder_fee).unwrap_or(fee)), "USDC".to_owned()),
        Fee::Base(fee) => (decimal(fee), base_token(listing, asked.instrument).unwrap_or(base).to_owned()),
    };
    let mut shown = json!({
        "coin": base,
        "px": decimal(fill.price),
        "sz": decimal(fill.quantity),
        "side": side(asked.side),
        "time": fill.time.millis(),
        "startPosition": decimal(fill.start_position),
        "dir": direction(fill, is_spot, is_isolated),
        "closedPnl": decimal(fill.closed_profit),
        "hash": entry.hash,
        "oid": fill.order.oid,
        "crossed": fill.is_taker,
        "fee": fee,
        "tid": fill.trade_id,
        "feeToken": fee_token,
        "twapId": fill.twap,
    });
    if let Some(fields) = shown.as_object_mut() {
        if asked.cloid.is_some() {
            fields.insert("cloid".into(), cloid(asked.cloid));
        }
        if !fill.builder_fee.is_zero() {
            fields.insert("builderFee".into(), decimal(fill.builder_fee));
        }
        if let (Some(liquidation), Some(user)) = (fill.liquidation, liquidated) {
            let method = if liquidation.is_backstop { "backstop" } else { "market" };
            fields.insert(
                "liquidation".into(),
                json!({"liquidatedUser": user.to_string(), "markPx": decimal(liquidation.mark), "method": method}),
            );
        }
    }
    shown
}

/// The name of what a pair buys and sells.
pub(super) fn base_token(listing: &Listing, id: InstrumentId) -> Option<&str> {
    let (_, pair) = listing.pairs().find(|(of, _)| *of == id)?;
    listing.tokens().iter().find(|token| token.index == pair.tokens.0).map(|token| token.name.as_str())
}

/// The name of what a pair is paid with.
pub(super) fn quote_token(listing: &Listing, id: InstrumentId) -> Option<&str> {
    let (_, pair) = listing.pairs().find(|(of, _)| *of == id)?;
    listing.tokens().iter().find(|token| token.index == pair.tokens.1).map(|token| token.name.as_str())
}

/// What funding a position has paid: ever, since it was opened, since it was changed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Funded {
    pub all_time: Money,
    pub since_open: Money,
    pub since_change: Money,
}

fn position(
    listing: &Listing,
    account: &Account,
    id: InstrumentId,
    position: &Position,
    mark: Price,
    funded: &Funded,
) -> Result<Value, NumError> {
    let ledger = &account.ledger;
    let value = mark.notional(position.quantity)?.abs()?;
    let profit = ledger.account().unrealised_of(id)?;
    let leverage = ledger.chosen_leverage(id);
    let (leverage, margin) = match ledger.scope_of(id) {
        Scope::Cross => (json!({"type": "cross", "value": leverage}), ledger.initial_of(id)?),
        scope @ Scope::Isolated(_) => {
            // Money that stands for the position alone, as if it had been bought with it.
            let margin = ledger.isolated_margin(id);
            let raw = margin.sub(position.cost)?;
            (json!({"type": "isolated", "value": leverage, "rawUsd": decimal(raw)}), ledger.equity_of(scope)?)
        }
    };
    let invested = position.cost.abs()?.raw() / i64::from(ledger.chosen_leverage(id)).max(1);
    let unit = i128::from(crate::num::UNIT);
    let on_equity = if invested > 0 {
        div_round(i128::from(profit.raw()) * unit, i128::from(invested), Rounding::HalfEven)
    } else {
        0
    };
    let tiers =
        listing.perpetual(id).and_then(|perpetual| perpetual.tiers.first()).map_or(1, |(_, leverage)| *leverage);
    Ok(json!({
        "type": "oneWay",
        "position": {
            "coin": listing.coin(id),
            "szi": decimal(position.quantity),
            "leverage": leverage,
            "entryPx": maybe(position.entry_price()),
            "positionValue": decimal(value),
            "unrealizedPnl": decimal(profit),
            "returnOnEquity": decimal(Money::from_raw(i64::try_from(on_equity).unwrap_or(i64::MAX))),
            "liquidationPx": maybe(ledger.liquidation_price(id)?),
            "marginUsed": decimal(margin),
            "maxLeverage": tiers,
            "cumFunding": {
                "allTime": decimal(funded.all_time),
                "sinceOpen": decimal(funded.since_open),
                "sinceChange": decimal(funded.since_change),
            },
        },
    }))
}

/// A user's positions and margin. Without positions of its own, `funded` is not asked.
///
/// # Errors
/// [`NumError::Overflow`].
pub(super) fn clearinghouse_state(
    listing: &Listing,
    account: &Account,
    funded: impl Fn(InstrumentId) -> Funded,
    time: i64,
) -> Result<Value, NumError> {
    let ledger = &account.ledger;
    let mut positions = Vec::new();
    let [mut all, mut cross] = [Sums::default(); 2];
    for (id, held, mark) in ledger.account().positions() {
        positions.push(position(listing, account, id, &held, mark, &funded(id))?);
        let value = mark.notional(held.quantity)?;
        let margin = match ledger.scope_of(id) {
            Scope::Cross => ledger.initial_of(id)?,
            scope @ Scope::Isolated(_) => ledger.equity_of(scope)?,
        };
        all.count(value, margin)?;
        if ledger.scope_of(id) == Scope::Cross {
            cross.count(value, margin)?;
        }
    }
    Ok(json!({
        "marginSummary": all.summary(ledger.account().equity()?)?,
        "crossMarginSummary": cross.summary(ledger.equity_of(Scope::Cross)?)?,
        "crossMaintenanceMarginUsed": decimal(ledger.maintenance_of(Scope::Cross)?),
        "withdrawable": decimal(ledger.withdrawable()?),
        "assetPositions": positions,
        "time": time,
    }))
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    /// Signed worth of the positions.
    worth: Money,
    notional: Money,
    margin: Money,
}

impl Sums {
    fn count(&mut self, value: Money, margin: Money) -> Result<(), NumError> {
        self.worth = self.worth.add(value)?;
        self.notional = self.notional.add(value.abs()?)?;
        self.margin = self.margin.add(margin)?;
        Ok(())
    }

    /// `totalRawUsd` is what the account would hold if its positions had been bought for money: its value less theirs.
    fn summary(&self, value: Money) -> Result<Value, NumError> {
        Ok(json!({
            "accountValue": decimal(value),
            "totalNtlPos": decimal(self.notional),
            "totalRawUsd": decimal(value.sub(self.worth)?),
            "totalMarginUsed": decimal(self.margin),
        }))
    }
}

/// Balances of tokens.
pub(super) fn spot_state(listing: &Listing, account: &Account) -> Value {
    let name = |index: u32| listing.tokens().iter().find(|t| t.index == index).map_or("?", |t| t.name.as_str());
    let balances = account.wallet.iter().map(|(token, balance)| {
        json!({
            "coin": name(token.0),
            "token": token.0,
            "total": decimal(balance.total),
            "hold": decimal(balance.hold),
            "entryNtl": decimal(balance.entry_notional),
        })
    });
    json!({"balances": balances.collect::<Vec<_>>()})
}

/// Rounds a price to figures, and to a multiple of the mantissa in the last of them: bids down, offers up.
fn grouped(price: Price, side: Side, figures: u32, mantissa: i64) -> Price {
    let digits = price.raw().max(1).ilog10() + 1;
    let step = 10_i64.pow(digits.saturating_sub(figures)).saturating_mul(mantissa);
    let down = price.raw().div_euclid(step) * step;
    let is_exact = down == price.raw();
    Price::from_raw(if side == Side::Buy || is_exact { down } else { down.saturating_add(step) })
}

/// The levels of a side, put together where figures are given.
pub(super) fn levels(
    book: &QueueBook,
    side: Side,
    most: usize,
    figures: Option<u8>,
    mantissa: Option<u8>,
) -> Vec<LevelView> {
    let Some(figures) = figures else { return book.levels(side).take(most).collect() };
    let mut levels: Vec<LevelView> = Vec::with_capacity(most);
    for level in book.levels(side) {
        let price = grouped(level.price, side, figures.into(), mantissa.unwrap_or(1).into());
        let is_full = levels.len() == most;
        match levels.last_mut() {
            Some(last) if last.price == price => {
                last.quantity = Qty::from_raw(last.quantity.raw().saturating_add(level.quantity.raw()));
                last.orders += level.orders;
            }
            _ if is_full => break,
            _ => levels.push(LevelView { price, ..level }),
        }
    }
    levels
}

/// One level.
pub(super) fn level(level: &LevelView) -> Value {
    json!({"px": decimal(level.price), "sz": decimal(level.quantity), "n": level.orders})
}

/// A book.
pub(super) fn book(
    coin: &str,
    market: &Market,
    time: i64,
    most: usize,
    figures: Option<u8>,
    mantissa: Option<u8>,
) -> Value {
    let side = |side| levels(&market.book, side, most, figures, mantissa).iter().map(level).collect::<Vec<_>>();
    json!({"coin": coin, "time": time, "levels": [side(Side::Buy), side(Side::Sell)]})
}

/// An order over time.
pub(super) fn twap_state(listing: &Listing, user: &Address, state: &TwapState) -> Value {
    json!({
        "coin": listing.coin(state.instrument),
        "user": user.to_string(),
        "side": side(state.side),
        "sz": decimal(state.quantity),
        "executedSz": decimal(state.executed),
        "executedNtl": decimal(state.notional),
        "minutes": state.minutes,
        "reduceOnly": state.reduce_only,
        "randomize": state.is_random,
        "timestamp": state.start.millis(),
    })
}
