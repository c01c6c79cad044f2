//! What the door asks of the exchange.

use bytes::Bytes;
use serde_json::{Value, json};

use super::exchange::{LocalExchange, accepted, refused};
use super::show;
use crate::hyperliquid::address::Address;
use crate::instrument::InstrumentId;
use crate::local_venue::core::{ActId, Authentic, Core, InfoAnswer, Operation, Outlet};
use crate::local_venue::info_request::{InfoRequest, OrderIdText};
use crate::local_venue::topic::Topic;
use crate::local_venue::user_action::{UserAction, tenths_of_bps};
use crate::num::{Money, NumError};
use crate::row::Status;
use crate::time::Nanos;
use crate::venue::exchange::order::AccountId;

/// A time in milliseconds; the far future where none is given.
fn time(ms: Option<i64>) -> Nanos {
    ms.map_or(Nanos::MAX, Nanos::from_millis)
}

impl Core for LocalExchange {
    fn exists(&self, address: &Address) -> bool {
        self.people.find(address).is_some()
    }

    fn master(&self, account: &Address) -> Option<Address> {
        let person = self.people.find(account).and_then(|account| self.people.get(account))?;
        person.master.as_ref().map(|(master, _)| *master)
    }

    fn sub_accounts(&self, master: &Address) -> usize {
        self.people.sub_accounts(master).count()
    }

    fn is_coin(&self, coin: &str) -> bool {
        self.listing.find(coin).is_some()
    }

    fn traded(&self, account: &Address) -> Money {
        let account = self.people.find(account).and_then(|account| self.exchange.account(account));
        account.map_or(Money::ZERO, |account| Money::from_raw(i64::try_from(account.volume()).unwrap_or(i64::MAX)))
    }

    fn info(&mut self, request: &InfoRequest, now: Nanos, body: &mut Vec<u8>) -> InfoAnswer {
        let answer = self.answer(request, now);
        let (status, value) = match answer {
            Some(value) => (200, value),
            // The exchange fails so on a coin, or an exchange of others, that it does not know.
            None => (500, Value::Null),
        };
        let items = value.as_array().map_or(0, Vec::len);
        body.extend_from_slice(value.to_string().as_bytes());
        InfoAnswer { status, items }
    }

    fn act(&mut self, id: ActId, action: Authentic, _: Nanos, _: &mut Outlet<'_>) {
        self.enqueue(id, action);
    }

    fn snapshot(&mut self, topic: &Topic, now: Nanos, messages: &mut Vec<Bytes>) {
        messages.extend(self.first_message(topic, now));
    }

    fn advance(&mut self, now: Nanos, outlet: &mut Outlet<'_>) {
        self.make_blocks(now, outlet);
    }

    fn deadline(&self) -> Option<Nanos> {
        Some(self.next_block())
    }

    fn operate(&mut self, operation: Operation, _: Nanos, _: &mut Outlet<'_>) -> Result<(), String> {
        let find = |local: &Self, coin: &str| local.listing.find(coin).ok_or_else(|| format!("{coin}: not listed"));
        match operation {
            Operation::Deposit { user, amount } => {
                if !amount.is_positive() {
                    return Err(format!("a deposit of {amount}: must be above zero"));
                }
                let account = self.account_of(&user).ok_or("there are too many accounts")?;
                self.exchange.deposit(account, amount).map_err(|error| error.to_string())?;
                let delta = json!({"type": "deposit", "usdc": super::wire::decimal(amount)});
                self.change_of(account, &delta, self.exchange.now());
            }
            Operation::PostOnly(is_on) => {
                let status = if is_on { Status::PostOnly } else { Status::Trading };
                let ids: Vec<InstrumentId> = self.exchange.markets().map(|(id, _)| id).collect();
                for id in ids {
                    if let Some(market) = self.exchange.market_mut(id).filter(|m| m.status != Status::Delisted) {
                        market.status = status;
                    }
                }
            }
            Operation::BareStatuses(is_on) => self.has_bare_statuses = is_on,
            Operation::List { coin } => {
                let id = self.listing.list(&coin).ok_or_else(|| format!("{coin}: nothing in reserve has this name"))?;
                if let Some(market) = self.exchange.market_mut(id) {
                    market.is_listed = true;
                }
            }
            Operation::Unlist { coin } => {
                let id = find(self, &coin)?;
                self.listing.delist(id);
                self.exchange.delist(id).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }
}

impl LocalExchange {
    /// Carries a user-signed action out.
    pub(super) fn transfer(&mut self, account: AccountId, action: &UserAction) -> Result<Value, NumError> {
        match action {
            UserAction::UsdSend { destination, amount } => self.usd_send(account, destination, *amount),
            UserAction::SpotSend { destination, token, amount } => self.spot_send(account, destination, token, *amount),
            UserAction::Withdraw3 { amount, .. } => self.withdraw(account, *amount),
            UserAction::UsdClassTransfer { amount, to_perp } => {
                let (amount, sub) =
                    amount.split_once(" subaccount:").map_or((amount.as_str(), None), |(a, s)| (a, Some(s)));
                let Ok(amount) = amount.parse::<Money>() else { return Ok(refused("Invalid send".into())) };
                let account = match sub.map(str::parse::<Address>) {
                    None => Some(account),
                    Some(sub) => sub.ok().and_then(|sub| self.own_sub_account(account, &sub)),
                };
                match account {
                    Some(account) => self.class_transfer(account, amount, *to_perp),
                    None => Ok(refused("Invalid send".into())),
                }
            }
            UserAction::SendAsset { destination, source_dex, destination_dex, token, amount, from_sub_account } => {
                let from = match from_sub_account.as_str() {
                    "" => Some(account),
                    sub => sub.parse().ok().and_then(|sub| self.own_sub_account(account, &sub)),
                };
                match from {
                    Some(from) => self.send_asset(from, destination, (source_dex, destination_dex), token, *amount),
                    None => Ok(refused("Invalid send".into())),
                }
            }
            UserAction::ApproveBuilderFee { max_fee_rate, builder } => Ok(match tenths_of_bps(max_fee_rate) {
                Some(tenths) => self.approve_builder(account, *builder, tenths),
                None => refused(format!("Invalid fee rate: {max_fee_rate}")),
            }),
            // The door has done it.
            UserAction::ApproveAgent { .. } => Ok(accepted()),
            UserAction::TokenDelegate {} => Ok(refused("There is no staking on this venue.".into())),
            UserAction::ConvertToMultiSigUser {} => Ok(refused("There are no multi-sig users on this venue.".into())),
            UserAction::UserSetAbstraction {} | UserAction::UserDexAbstraction {} => {
                Ok(refused("Account abstraction cannot be changed here.".into()))
            }
        }
    }

    fn own_sub_account(&self, master: AccountId, sub: &Address) -> Option<AccountId> {
        let of = self.people.address(master);
        self.people.sub_accounts(&of).find(|(_, person)| person.address == *sub).map(|(account, _)| account)
    }

    /// The answer to a question; `None` for a coin that there is not, and for exchanges of others.
    fn answer(&mut self, request: &InfoRequest, now: Nanos) -> Option<Value> {
        let nobody = AccountId(u32::MAX);
        let account = request.user().and_then(|user| self.people.find(&user)).unwrap_or(nobody);
        Some(match request {
            InfoRequest::Meta { dex }
            | InfoRequest::MetaAndAssetCtxs { dex }
            | InfoRequest::AllMids { dex }
            | InfoRequest::ClearinghouseState { dex, .. }
            | InfoRequest::OpenOrders { dex, .. }
            | InfoRequest::FrontendOpenOrders { dex, .. }
                if !dex.is_empty() =>
            {
                return None;
            }
            InfoRequest::Meta { .. } => self.listing.meta(),
            InfoRequest::MetaAndAssetCtxs { .. } => self.meta_and_contexts(),
            InfoRequest::AllPerpMetas => json!([self.listing.meta()]),
            InfoRequest::PerpDexs => json!([null]),
            InfoRequest::SpotMeta => self.listing.spot_meta(),
            InfoRequest::SpotMetaAndAssetCtxs => self.spot_meta_and_contexts(),
            InfoRequest::AllMids { .. } => self.all_mids(),
            InfoRequest::L2Book { coin, n_sig_figs, mantissa } => {
                let market = self.exchange.market(self.listing.find(coin)?)?;
                show::book(coin, market, now.millis(), 20, *n_sig_figs, *mantissa)
            }
            InfoRequest::RecentTrades { coin } => Value::Array(self.recent_trades(self.listing.find(coin)?)),
            InfoRequest::CandleSnapshot { req } => {
                let id = self.listing.find(&req.coin)?;
                let candles = &self.markets.get(id.index())?.candles;
                Value::Array(candles.between(&req.coin, req.interval, time(Some(req.start_time)), time(req.end_time)))
            }
            InfoRequest::FundingHistory { coin, start_time, end_time } => {
                let id = self.listing.find(coin)?;
                Value::Array(self.funding_history(id, time(Some(*start_time)), time(*end_time)))
            }
            InfoRequest::PredictedFundings => self.predicted_fundings(),
            InfoRequest::PerpsAtOpenInterestCap => self.perps_at_cap(),
            InfoRequest::ClearinghouseState { .. } => {
                self.clearinghouse_state(account).unwrap_or_else(|| empty_state(now))
            }
            InfoRequest::SpotClearinghouseState { .. } => {
                let account = self.exchange.account(account);
                account.map_or_else(|| json!({"balances": []}), |account| show::spot_state(&self.listing, account))
            }
            InfoRequest::OpenOrders { .. } => Value::Array(self.open_orders(account)),
            InfoRequest::FrontendOpenOrders { .. } => Value::Array(self.frontend_orders(account)),
            InfoRequest::OrderStatus { oid, .. } => match oid {
                OrderIdText::Oid(oid) => self.order_status(account, Some(*oid), None),
                OrderIdText::Cloid(cloid) => self.order_status(account, None, Some(cloid.0)),
            },
            InfoRequest::HistoricalOrders { .. } => Value::Array(self.historical_orders(account)),
            InfoRequest::UserFills { aggregate_by_time, .. } => {
                Value::Array(self.user_fills(account, *aggregate_by_time))
            }
            InfoRequest::UserFillsByTime { start_time, end_time, aggregate_by_time, .. } => {
                let (start, end) = (time(Some(*start_time)), time(*end_time));
                Value::Array(self.fills_between(account, start, end, *aggregate_by_time))
            }
            InfoRequest::UserTwapSliceFills { .. } => Value::Array(self.twap_slices(account)),
            InfoRequest::TwapHistory { .. } => Value::Array(self.twap_history(account)),
            InfoRequest::UserFunding { start_time, end_time, .. } => {
                Value::Array(self.user_funding(account, time(Some(*start_time)), time(*end_time)))
            }
            InfoRequest::UserNonFundingLedgerUpdates { start_time, end_time, .. } => {
                Value::Array(self.ledger_updates(account, time(Some(*start_time)), time(*end_time)))
            }
            InfoRequest::UserFees { .. } => self.user_fees(account),
            InfoRequest::ActiveAssetData { user, coin } => {
                let id = self.listing.find(coin)?;
                self.active_asset_data(account, id).or_else(|| self.empty_asset_data(user, id))?
            }
            InfoRequest::SubAccounts { user } => self.sub_accounts_of(user),
            InfoRequest::UserAbstraction { .. } => json!("default"),
            InfoRequest::UserDexAbstraction { .. } => json!(false),
            InfoRequest::ExchangeStatus => json!({"specialStatuses": null, "time": now.millis()}),
            InfoRequest::MaxBuilderFee { builder, .. } => json!(self.max_builder_fee(account, builder)),
            InfoRequest::Portfolio { .. } => self.portfolio(account),
            InfoRequest::Referral { .. } => json!({
                "referredBy": null, "cumVlm": "0.0", "unclaimedRewards": "0.0", "claimedRewards": "0.0",
                "builderRewards": "0.0", "referrerState": {"stage": "needToTrade", "data": {"required": "10000.0"}},
                "rewardHistory": [],
            }),
            InfoRequest::UserVaultEquities { .. }
            | InfoRequest::Delegations { .. }
            | InfoRequest::DelegatorRewards { .. }
            | InfoRequest::DelegatorHistory { .. } => json!([]),
            InfoRequest::DelegatorSummary { .. } => json!({
                "delegated": "0.0", "undelegated": "0.0", "totalPendingWithdrawal": "0.0", "nPendingWithdrawals": 0,
            }),
            InfoRequest::VaultDetails { .. } | InfoRequest::UserToMultiSigSigners { .. } => Value::Null,
            InfoRequest::SpotDeployState { .. } => json!({"states": [], "gasAuction": auction()}),
            InfoRequest::PerpDeployAuctionStatus => auction(),
            InfoRequest::TokenDetails { token_id } => self.token_details(token_id)?,
            InfoRequest::OutcomeMeta => json!({"outcomes": [], "questions": []}),
            // The door answers these.
            InfoRequest::UserRole { .. } | InfoRequest::ExtraAgents { .. } | InfoRequest::UserRateLimit { .. } => {
                Value::Null
            }
        })
    }
}

fn auction() -> Value {
    json!({"startTimeSeconds": 0, "durationSeconds": 111_600, "startGas": "500.0", "currentGas": null, "endGas": "500.0"})
}

/// What an address without an account is shown: a wrong address looks like an empty account.
fn empty_state(now: Nanos) -> Value {
    let summary =
        || json!({"accountValue": "0.0", "totalNtlPos": "0.0", "totalRawUsd": "0.0", "totalMarginUsed": "0.0"});
    json!({
        "marginSummary": summary(),
        "crossMarginSummary": summary(),
        "crossMaintenanceMarginUsed": "0.0",
        "withdrawable": "0.0",
        "assetPositions": [],
        "time": now.millis(),
    })
}
