"""The official client, unmodified, on the local venue."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("hyperliquid.exchange", reason="the official client: pip install hyperliquid-python-sdk")

from eth_account import Account
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info
from hyperliquid.utils.signing import sign_l1_action
from hyperliquid.utils.types import Cloid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from algo_trade.venue.testing import RunningVenue

GTC = {"limit": {"tif": "Gtc"}}
ALO = {"limit": {"tif": "Alo"}}
IOC = {"limit": {"tif": "Ioc"}}


class Trader:
    """A key, and the official client with it."""

    def __init__(self, url: str, key: str) -> None:
        self.wallet = Account.from_key(key)
        self.address: str = self.wallet.address
        self.info = Info(url, skip_ws=True)
        self.exchange = Exchange(self.wallet, url)
        self.info.user_state(self.address)  # the faucet

    def order(self, coin: str, is_buy: bool, size: float, price: float, kind: Any = GTC, **more: Any) -> Any:
        """Place an order; its status."""
        answer = self.exchange.order(coin, is_buy, size, price, kind, **more)
        assert answer["status"] == "ok", answer
        return answer["response"]["data"]["statuses"][0]

    def l1(self, action: dict[str, Any], nonce: int | None = None) -> Any:
        """Send an action that the client has no call for."""
        nonce = nonce or time.time_ns() // 1_000_000
        signature = sign_l1_action(self.wallet, action, None, nonce, None, False)
        body = {"action": action, "nonce": nonce, "signature": signature, "vaultAddress": None, "expiresAfter": None}
        return self.exchange.post("/exchange", body)


@pytest.fixture
def ann(exchange_venue: RunningVenue, private_key: str) -> Trader:
    """Return a customer with money."""
    return Trader(exchange_venue.url, private_key)


@pytest.fixture
def socket(exchange_venue: RunningVenue) -> Iterator[Info]:
    """Return the official client with its socket."""
    info = Info(exchange_venue.url)
    yield info
    info.disconnect_websocket()


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait for a condition, for half a minute at most."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError(what)


def mid(trader: Trader, coin: str) -> float:
    """Return the middle of a book."""
    return float(trader.info.all_mids()[coin])


def test_every_stream_can_be_subscribed_to_and_tells(ann: Trader, socket: Info) -> None:
    """Every type of the client, with an event for each that needs one."""
    heard: dict[str, list[Any]] = {}
    user = ann.address
    subscriptions: list[Any] = [
        {"type": "allMids"},
        {"type": "l2Book", "coin": "BTC"},
        {"type": "bbo", "coin": "BTC"},
        {"type": "trades", "coin": "BTC"},
        {"type": "candle", "coin": "BTC", "interval": "1m"},
        {"type": "activeAssetCtx", "coin": "BTC"},
        {"type": "activeAssetCtx", "coin": "@107"},
        {"type": "activeAssetData", "user": user, "coin": "BTC"},
        {"type": "orderUpdates", "user": user},
        {"type": "userEvents", "user": user},
        {"type": "userFills", "user": user},
        {"type": "userFundings", "user": user},
        {"type": "userNonFundingLedgerUpdates", "user": user},
    ]
    for subscription in subscriptions:
        name = subscription["type"] + subscription.get("coin", "")
        socket.subscribe(subscription, lambda message, name=name: heard.setdefault(name, []).append(message))
    socket.subscribe(
        {"type": "webData2", "user": user}, lambda message: heard.setdefault("webData2", []).append(message)
    )
    ann.exchange.market_open("BTC", True, 0.01)
    names = {s["type"] + s.get("coin", "") for s in subscriptions}
    until(lambda: names <= set(heard), f"silent: {names - set(heard)}")
    assert heard["activeAssetCtx@107"][0]["channel"] == "activeSpotAssetCtx"
    assert heard["userFills"][0]["data"]["isSnapshot"]
    until(
        lambda: any(u["status"] == "filled" for m in heard["orderUpdates"] for u in m["data"]), "no news of the order"
    )
    assert "webData2" not in heard


def test_orders_are_placed_changed_and_taken_back(ann: Trader) -> None:
    """By oid, by cloid, in bulk."""
    cloid = Cloid.from_str("0x" + secrets.token_hex(16))
    oid = ann.order("BTC", True, 0.001, 80000, cloid=cloid)["resting"]["oid"]
    assert ann.info.query_order_by_oid(ann.address, oid)["order"]["order"]["limitPx"] == "80000.0"
    assert ann.info.query_order_by_cloid(ann.address, cloid)["order"]["status"] == "open"
    answer = ann.exchange.modify_order(cloid, "BTC", True, 0.002, 81000, GTC, cloid=cloid)
    new = answer["response"]["data"]["statuses"][0]["resting"]["oid"]
    assert new != oid
    assert [order["oid"] for order in ann.info.open_orders(ann.address)] == [new]
    assert ann.exchange.cancel_by_cloid("BTC", cloid)["response"]["data"]["statuses"] == ["success"]
    requests: list[Any] = [
        {"coin": "ETH", "is_buy": True, "sz": 0.01, "limit_px": 2700 - n, "order_type": GTC, "reduce_only": False}
        for n in range(5)
    ]
    statuses = ann.exchange.bulk_orders(requests)["response"]["data"]["statuses"]
    oids = [status["resting"]["oid"] for status in statuses]
    answer = ann.exchange.bulk_cancel([{"coin": "ETH", "oid": oid} for oid in oids])
    assert answer["response"]["data"]["statuses"] == ["success"] * 5
    assert ann.info.open_orders(ann.address) == []
    kinds = [(o["order"]["oid"], o["status"]) for o in ann.info.historical_orders(ann.address)]
    assert (new, "canceled") in kinds
    assert (new, "open") in kinds


def test_a_position_is_opened_protected_and_closed(ann: Trader) -> None:
    """Leverage, a group of stops, and the close."""
    assert ann.exchange.update_leverage(5, "SOL", False)["status"] == "ok"
    filled = ann.exchange.market_open("SOL", True, 10)["response"]["data"]["statuses"][0]["filled"]
    assert float(filled["totalSz"]) == 10
    position = ann.info.user_state(ann.address)["assetPositions"][0]["position"]
    assert position["leverage"]["type"] == "isolated"
    assert position["leverage"]["value"] == 5
    assert ann.exchange.update_isolated_margin(50, "SOL")["status"] == "ok"
    price = float(filled["avgPx"])

    def stop(kind: str, trigger: float) -> Any:
        worst = round(trigger * 0.9, 1)
        order_type = {"trigger": {"triggerPx": round(trigger, 1), "isMarket": True, "tpsl": kind}}
        return {
            "coin": "SOL", "is_buy": False, "sz": 10, "limit_px": worst, "order_type": order_type, "reduce_only": True,
        }  # fmt: skip

    answer = ann.exchange.bulk_orders([stop("tp", price * 1.2), stop("sl", price * 0.8)], grouping="positionTpsl")
    assert answer["response"]["data"]["statuses"] == ["waitingForTrigger"] * 2
    shown = ann.info.frontend_open_orders(ann.address)
    assert {order["orderType"] for order in shown} == {"Take Profit Market", "Stop Market"}
    assert all(order["isPositionTpsl"] for order in shown)
    assert "filled" in ann.exchange.market_close("SOL")["response"]["data"]["statuses"][0]
    assert ann.info.frontend_open_orders(ann.address) == [], "they went with the position"
    fills = ann.info.user_fills(ann.address)
    assert {fill["dir"] for fill in fills} == {"Open Long", "Close Long"}
    assert ann.info.user_fills_by_time(ann.address, 0)[0]["tid"] == fills[-1]["tid"]


def test_a_parent_wakes_its_children_once_it_is_filled(ann: Trader) -> None:
    """The grouping normalTpsl."""
    price = mid(ann, "ETH")
    parent: Any = {
        "coin": "ETH", "is_buy": True, "sz": 0.1, "limit_px": round(price * 1.01, 1), "order_type": IOC, "reduce_only": False,
    }  # fmt: skip
    child: Any = {
        "coin": "ETH", "is_buy": False, "sz": 0.1, "limit_px": round(price * 0.7, 1), "reduce_only": True,
        "order_type": {"trigger": {"triggerPx": round(price * 0.8, 1), "isMarket": True, "tpsl": "sl"}},
    }  # fmt: skip
    statuses = ann.exchange.bulk_orders([parent, child], grouping="normalTpsl")["response"]["data"]["statuses"]
    assert "filled" in statuses[0]
    assert isinstance(statuses[1], str)
    waiting = ann.info.frontend_open_orders(ann.address)
    assert [(o["isTrigger"], o["reduceOnly"]) for o in waiting] == [(True, True)]


def test_orders_over_time_and_scheduled_cancels(ann: Trader) -> None:
    """Twap by a signed action, since the client has no call for it."""
    twap = {"type": "twapOrder", "twap": {"a": 0, "b": True, "s": "0.05", "r": False, "m": 5, "t": False}}
    status = ann.l1(twap)["response"]["data"]["status"]
    twap_id = status["running"]["twapId"]
    until(lambda: ann.info.user_twap_slice_fills(ann.address), "no slice")
    cancel = ann.l1({"type": "twapCancel", "a": 0, "t": twap_id})
    assert cancel["response"] == {"type": "twapCancel", "data": {"status": "success"}}
    ann.order("BTC", True, 0.001, 80000)
    assert ann.exchange.schedule_cancel(time.time_ns() // 1_000_000 + 5_200)["status"] == "ok"
    until(lambda: ann.info.open_orders(ann.address) == [], "the scheduled cancel has not fired")
    assert any(o["status"] == "scheduledCancel" for o in ann.info.historical_orders(ann.address))


def test_money_moves(ann: Trader) -> None:
    """Between perpetuals and spot, to others, out of the venue, to sub-accounts; and spot is traded."""
    other = "0x" + secrets.token_hex(20)
    assert ann.exchange.usd_class_transfer(1000, False)["status"] == "ok"
    usdc = "USDC:" + ann.info.spot_meta()["tokens"][0]["tokenId"]
    assert ann.exchange.spot_transfer(10, other, usdc)["status"] == "ok"
    assert ann.exchange.usd_transfer(20, other)["status"] == "ok"
    assert ann.exchange.send_asset(other, "", "spot", usdc, 5)["status"] == "ok"
    assert ann.exchange.withdraw_from_bridge(5, other)["status"] == "ok"
    assert ann.info.user_state(other)["marginSummary"]["accountValue"] == "20.0"
    bought = ann.order("PURR/USDC", True, 100, 0.3, IOC)["filled"]
    assert bought["totalSz"] == "100.0"
    balances = {b["coin"]: float(b["total"]) for b in ann.info.spot_user_state(ann.address)["balances"]}
    assert 99 < balances["PURR"] < 100
    sub = ann.exchange.create_sub_account("second")["response"]["data"]
    assert ann.exchange.sub_account_transfer(sub, True, 30_000_000)["status"] == "ok"
    assert ann.info.query_sub_accounts(ann.address)[0]["clearinghouseState"]["marginSummary"]["accountValue"] == "30.0"
    trading = Exchange(ann.wallet, ann.info.base_url, vault_address=sub)
    assert "resting" in trading.order("BTC", True, 0.0005, 80000, GTC)["response"]["data"]["statuses"][0]
    kinds = {u["delta"]["type"] for u in ann.info.user_non_funding_ledger_updates(ann.address, 0)}
    assert {
        "accountClassTransfer",
        "spotTransfer",
        "internalTransfer",
        "send",
        "withdraw",
        "subAccountTransfer",
    } <= kinds


def test_an_approved_api_wallet_trades_for_its_master(ann: Trader) -> None:
    """And moves nothing."""
    answer, key = ann.exchange.approve_agent("bot")
    assert answer["status"] == "ok"
    agent = Exchange(Account.from_key(key), ann.info.base_url, account_address=ann.address)
    assert "resting" in agent.order("BTC", True, 0.001, 80000, GTC)["response"]["data"]["statuses"][0]
    assert len(ann.info.open_orders(ann.address)) == 1
    assert agent.usd_transfer(1, ann.address.lower())["response"].endswith(" does not exist.")
    assert [a["name"] for a in ann.info.extra_agents(ann.address)] == ["bot"]
    assert ann.info.user_role(Account.from_key(key).address) == {"role": "agent", "data": {"user": ann.address.lower()}}


def test_refusals_have_the_exchanges_own_words(ann: Trader) -> None:
    """Wrong signature, nonces, tick, size, post-only, reduce-only, margin, cancels."""
    stranger = Exchange(Account.create(), ann.info.base_url)
    text = stranger.order("BTC", True, 0.001, 80000, GTC)["response"]
    assert text == f"User or API Wallet {stranger.wallet.address.lower()} does not exist."
    now = time.time_ns() // 1_000_000
    assert ann.l1({"type": "noop"}, now)["status"] == "ok"
    assert ann.l1({"type": "noop"}, now)["response"] == f"Invalid nonce: duplicate nonce {now}"
    old = now - 3 * 86_400_000
    assert ann.l1({"type": "noop"}, old)["response"].startswith(f"Invalid nonce: nonce too low {old} < ")
    ahead = now + 2 * 86_400_000
    assert ann.l1({"type": "noop"}, ahead)["response"].startswith(f"Invalid nonce: nonce too high {ahead} > ")

    def error(*order: Any, **more: Any) -> str:
        return str(ann.order(*order, **more)["error"]).removesuffix(" asset=0")

    high = round(mid(ann, "BTC") * 1.05)
    assert error("BTC", True, 0.001, 80000.5) == "Price must be divisible by tick size."
    assert error("BTC", True, 0.0001, 80000) == "Order must have minimum value of $10."
    alo = error("BTC", True, 0.001, high, ALO)
    assert alo.startswith("Post only order would have immediately matched, bbo was ")
    assert error("BTC", True, 0.001, 80000, reduce_only=True) == "Reduce only order would increase position."
    assert error("BTC", True, 0.001, 80000, IOC) == "Order could not immediately match against any resting orders."
    assert error("BTC", True, 100, 80000) == "Insufficient margin to place order."
    assert error("BTC", True, 0.1, 3000) == "Order price cannot be more than 95% away from the reference price"
    answer = ann.exchange.cancel("BTC", 1)["response"]["data"]["statuses"][0]
    assert answer["error"] == "Order was never placed, already canceled, or filled. asset=0"
    assert ann.exchange.update_leverage(100, "BTC")["status"] == "err"
    ann.exchange.set_expires_after(now - 10_000)
    assert ann.exchange.order("BTC", True, 0.001, 80000, GTC)["response"] == "Action already expired"
    assert ann.info.open_orders(ann.address) == []


def test_every_question_of_the_client_is_answered(ann: Trader) -> None:
    """With the forms that the client expects."""
    info, user = ann.info, ann.address
    now = time.time_ns() // 1_000_000
    assert info.meta()["universe"][0]["name"] == "BTC"
    assert len(info.meta_and_asset_ctxs()[1]) == 4
    assert len(info.spot_meta_and_asset_ctxs()[1]) == 108
    assert len(info.l2_snapshot("BTC")["levels"][0]) == 20
    until(lambda: info.candles_snapshot("BTC", "1m", now - 60_000, now + 60_000), "no bar")
    for answer in (
        info.funding_history("BTC", 0),
        info.user_funding_history(user, 0),
        info.query_sub_accounts(user) or [],
        info.user_staking_delegations(user),
        info.user_staking_rewards(user),
        info.user_vault_equities(user),
        info.delegator_history(user),
        info.perp_dexs(),
        info.portfolio(user),
    ):
        assert isinstance(answer, list)
    assert info.user_fees(user)["userCrossRate"] == "0.00045"
    assert info.user_rate_limit(user)["nRequestsCap"] >= 10_000
    assert info.query_user_abstraction_state(user) == "default"
    assert info.query_referral_state(user)["cumVlm"] == "0.0"
    assert info.user_staking_summary(user)["delegated"] == "0.0"
