"""Actions that are signed with a key that has money, sensible and senseless: the venue stays up, and its accounts add up."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from algo_trade._native import sign_l1_action, sign_user_action
from algo_trade.errors import AlgoTradeError
from algo_trade.venue.testing import RunningVenue, running_venue
from tests.venue.customer import Customer
from tests.venue.made import made, spoilt
from tests.venue.openapi import ACTIONS, QUESTIONS, SIGNED_BY_WALLETS, record

if TYPE_CHECKING:
    from collections.abc import Iterator

CHAIN = {"hyperliquidChain": "Testnet", "signatureChainId": "0x66eee"}
COINS = ["BTC", "ETH"]
ZERO = Decimal(0)


class World:
    """A venue, and a customer with money; and what it has paid that no history tells of."""

    def __init__(self, venue: RunningVenue, http: httpx.Client) -> None:
        self.venue = venue
        self.http = http
        self.customer = Customer(venue, http)
        self.untold = ZERO
        venue.control(deposit={"user": self.customer.address, "amount": "1000000"})

    def post(self, action: Any, *, is_wallets: bool) -> Any:
        """Sign an action and send it; the answer, or None where the body cannot be read."""
        nonce = self.customer.nonce()
        if is_wallets:
            action = {**action, "time" if "time" in action else "nonce": nonce}
        try:
            if is_wallets:
                signature = sign_user_action(self.customer.key, action)
            else:
                signature = sign_l1_action(self.customer.key, action, nonce, is_mainnet=False)
        except (AlgoTradeError, TypeError):
            # Nothing that can be signed: it is sent with the signature of something else.
            signature = sign_l1_action(self.customer.key, {"type": "noop"}, nonce, is_mainnet=False)
        try:
            body = orjson.dumps({"action": action, "nonce": nonce, "signature": signature})
        except TypeError:
            return None  # an integer that no JSON of ours holds
        answer = self.customer.post(body)
        if answer.status_code == 422:
            assert answer.text.startswith("Failed to deserialize the JSON body into the target type")
            return None
        assert answer.status_code == 200, (answer.status_code, answer.text, action)
        told = answer.json()
        assert told["status"] in {"ok", "err"}
        return told


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    local = {"block_ms": 5, "funding_ms": 20_000, "schedule_volume_min": 0, "sub_account_volume_min": 0}
    limits = {"weight_a_minute": 1_000_000_000, "requests": 1_000_000_000}
    with (
        httpx.Client(timeout=30) as http,
        running_venue(seed=4, symbols=2, speed=5, local={**local, "accounts_max": 1_000}, limits=limits) as venue,
    ):
        yield World(venue, http)


def near(mid: float, share: float) -> str:
    """Return a price that fits the grid, so far from the middle."""
    return str(int(mid * (1 + share)))


def orders_near(mids: dict[str, float]) -> st.SearchStrategy[dict[str, Any]]:
    """Make orders that meet something, rest or wait."""

    @st.composite
    def order(draw: st.DrawFn) -> dict[str, Any]:
        asset = draw(st.sampled_from([0, 0, 1]))
        mid = mids[COINS[asset]]
        price = near(mid, draw(st.sampled_from([-0.05, -0.01, 0, 0.01, 0.05])))
        kind: dict[str, Any] = {"limit": {"tif": draw(st.sampled_from(["Gtc", "Ioc", "Alo"]))}}
        is_trigger = draw(st.integers(0, 4)) == 0
        if is_trigger:
            trigger = near(mid, draw(st.sampled_from([-0.02, 0.02])))
            kind = {
                "trigger": {
                    "isMarket": draw(st.booleans()),
                    "triggerPx": trigger,
                    "tpsl": draw(st.sampled_from(["tp", "sl"])),
                }
            }
        size = draw(st.sampled_from(["0.001", "0.01", "0.1", "0.5"]))
        reduces = is_trigger or draw(st.integers(0, 4)) == 0
        return {"a": asset, "b": draw(st.booleans()), "p": price, "s": size, "r": reduces, "t": kind}

    grouping = st.sampled_from(["na", "na", "na", "normalTpsl", "positionTpsl"])
    together = st.tuples(st.lists(order(), min_size=1, max_size=4), grouping)
    return together.map(lambda of: {"type": "order", "orders": of[0], "grouping": of[1]})


def about_known(known: list[dict[str, Any]], which: int, order: dict[str, Any]) -> dict[str, Any]:
    """Cancel an order that is open, or change it. What is drawn does not depend on which there are."""
    if not known:
        return {"type": "noop"}
    of = known[which % len(known)]
    if which % 2:
        return {"type": "batchModify", "modifies": [{"oid": of["oid"], "order": order["orders"][0]}]}
    return {"type": "cancel", "cancels": [{"a": COINS.index(of["coin"]), "o": of["oid"]}]}


L1 = st.one_of([made(record(type={"const": kind}, **fields)) for kind, fields in ACTIONS.items()])
WALLETS = st.one_of(
    [
        made(record(type={"const": kind}, **fields)).map(lambda a: {**a, **CHAIN})
        for kind, fields in SIGNED_BY_WALLETS.items()
    ]
)


# The histories that are added up grow with every example.
@settings(
    max_examples=min((settings.default or settings()).max_examples, 1_000),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_whatever_is_signed_is_answered_and_the_account_adds_up(world: World, data: st.DataObject) -> None:
    mids = {coin: float(price) for coin, price in world.customer.info("allMids").items()}
    steps = st.tuples(st.sampled_from(["near", "near", "known", "l1", "wallets"]), st.integers(0, 3))
    for kind, fate in data.draw(st.lists(steps, min_size=1, max_size=8)):
        near_mid = orders_near(mids)
        action = data.draw({"near": near_mid, "known": near_mid, "l1": L1, "wallets": WALLETS}[kind])
        if kind == "known":
            known = [order for order in world.customer.info("openOrders") if order["coin"] in COINS]
            action = about_known(known, data.draw(st.integers(0, 99)), action)
        elif fate == 3:
            action = data.draw(spoilt(action))
        told = world.post(action, is_wallets=kind == "wallets")
        if (
            told
            and told["status"] == "ok"
            and isinstance(action, dict)
            and action.get("type") == "reserveRequestWeight"
        ):
            world.untold += action["weight"] * Decimal("0.0005")
    adds_up(world)


def adds_up(world: World) -> None:
    """Check everything that the account is told against everything else."""
    me = world.customer
    before = histories(me)
    state = me.info("clearinghouseState")
    fills, fundings, changes = told = histories(me)
    if told != before:
        return  # funding, or an order that waited, in between: a later example looks again
    positions = {each["position"]["coin"]: each["position"] for each in state["assetPositions"]}
    held: dict[str, Decimal] = defaultdict(Decimal)
    for fill in fills:
        if fill["coin"] in COINS:
            assert Decimal(fill["startPosition"]) == held[fill["coin"]], fill
            held[fill["coin"]] += Decimal(fill["sz"]) * (1 if fill["side"] == "B" else -1)
    assert {coin: size for coin, size in held.items() if size} == {
        coin: Decimal(each["szi"]) for coin, each in positions.items()
    }
    assert len({(fill["time"], fill["coin"], fill["tid"], fill["oid"]) for fill in fills}) == len(fills)
    value = Decimal(state["marginSummary"]["accountValue"])
    worth = sum(Decimal(p["positionValue"]) * (1 if Decimal(p["szi"]) > 0 else -1) for p in positions.values())
    assert value == Decimal(state["marginSummary"]["totalRawUsd"]) + worth
    earned = sum(Decimal(f["closedPnl"]) - Decimal(f["fee"]) for f in fills if f["coin"] in COINS)
    paid = sum(Decimal(each["delta"]["usdc"]) for each in fundings)
    moved = sum(flow(each["delta"], me.address) for each in changes)
    unrealised = sum(Decimal(position["unrealizedPnl"]) for position in positions.values())
    assert value == moved + earned + paid + unrealised - world.untold
    for balance in me.info("spotClearinghouseState")["balances"]:
        assert ZERO <= Decimal(balance["hold"]) <= Decimal(balance["total"]), balance


def flow(delta: dict[str, Any], me: str) -> Decimal:
    """Return what a change of balances brought into the money of the perpetuals."""
    match delta["type"]:
        case "deposit":
            return Decimal(delta["usdc"])
        case "withdraw":
            return -Decimal(delta["usdc"]) - Decimal(delta["fee"])
        case "accountClassTransfer":
            return Decimal(delta["usdc"]) * (1 if delta["toPerp"] else -1)
        case "internalTransfer":
            return Decimal(delta["usdc"]) * (int(delta["destination"] == me) - int(delta["user"] == me))
        case "send":
            came = delta["destination"] == me and delta["destinationDex"] == ""
            went = delta["user"] == me and delta["sourceDex"] == ""
            return Decimal(delta["amount"]) * (int(came) - int(went))
    return ZERO


def histories(me: Customer) -> tuple[list[Any], list[Any], list[Any]]:
    return newest(me, "userFillsByTime"), newest(me, "userFunding"), newest(me, "userNonFundingLedgerUpdates")


def newest(me: Customer, kind: str) -> list[Any]:
    """Ask for all pages of a ranged answer. A page starts with the last time of the one before."""
    found: dict[bytes, Any] = {}
    start = 0
    while True:
        page = {orjson.dumps(each): each for each in me.info(kind, startTime=start)}
        if page.keys() <= found.keys():
            return list(found.values())
        found |= page
        start = max(each["time"] for each in page.values())


def test_after_all_that_every_question_is_answered(world: World) -> None:
    me = world.customer
    assert "status" in world.post({"type": "noop"}, is_wallets=False)
    health = world.http.get(f"{world.venue.url}/health").json()
    assert (health["status"], health["broken"], health["requests"]) == ("ok", None, 0)
    [statistics] = world.venue.control("statistics")
    assert statistics["peers"]["127.0.0.1"]["weight_refused"] == 0
    for kind, fields in QUESTIONS.items():
        if set(fields) <= {"user", "dex_maybe"}:
            me.info(kind)
    short = sorted(order["oid"] for order in me.info("openOrders"))
    assert short == sorted(order["oid"] for order in me.info("frontendOpenOrders"))
