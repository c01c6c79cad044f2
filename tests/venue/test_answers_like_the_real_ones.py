"""Answers and messages of the venue have the fields and types of recorded real ones, in today's form.

Many recordings are of 2023. What the exchange has changed since stands in a table, each entry with its reason, and each must
still be needed: so today's form is checked too.
"""

from __future__ import annotations

import gzip
import itertools
import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest
from websockets.sync.client import connect

from algo_trade._native import WireOrder
from algo_trade.venue.testing import RunningVenue, running_venue
from tests.venue.customer import Customer, once
from tests.venue.likeness import Difference, differences, shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from websockets.sync.client import ClientConnection

FEED = "feeds_dual_time/hyperliquid_btcusd_20250126.gz"
BTC, ETH = 0, 1

# Places of objects whose keys are the names of coins.
MAPS = {"allMids": {""}, "ws_allmids": {".mids"}}

NOT_COMPARED = {
    "signing_vectors.json": "what is sent, not what is answered: tests/hyperliquid/test_vectors.py",
    "README.md": "words",
}


class Excuse(NamedTuple):
    """Differences that are meant, and why: where they are, by the recordings' names, and what they are."""

    recordings: tuple[str, ...]
    why: str
    differences: tuple[tuple[str, str], ...]


FILLS = ("userFills", "userFillsByTime")
PERPETUALS = ("meta", "http_meta_perp_sample")
EXCUSES = [
    Excuse(
        FILLS,
        "since 2023: the trade's id, the token of the fee, the order over time that it is a slice of",
        (
            ("[].tid", "only ours: integer"),
            ("[].feeToken", "only ours: text"),
            ("[].twapId", "only ours: null"),
        ),
    ),
    Excuse(
        ("clearinghouseState",),
        "since 2023: funding and the largest leverage of a position, maintenance margin, the time; what may be traded moved to "
        "activeAssetData",
        (
            (".assetPositions[]<oneWay>.position.cumFunding", "only ours: object"),
            (".assetPositions[]<oneWay>.position.maxLeverage", "only ours: integer"),
            (".assetPositions[]<oneWay>.position.maxTradeSzs", "only theirs: list"),
            (".crossMaintenanceMarginUsed", "only ours: decimal"),
            (".time", "only ours: integer"),
        ),
    ),
    Excuse(
        ("openOrders",),
        "since 2023: the size that was asked for, and of a reduce-only order that it is one",
        (("[].origSz", "only ours: decimal"), ("[].reduceOnly", "only ours: bool")),
    ),
    Excuse(
        ("frontendOpenOrders",),
        "since 2023: the customer's id, or null",
        (("[].cloid", "only ours: null"), ("[].children[].cloid", "only ours: null")),
    ),
    Excuse(
        PERPETUALS,
        "since 2023: tables of margin tiers, and the token of the margin",
        (
            (".universe[].marginTableId", "only ours: integer"),
            (".marginTables", "only ours: list"),
            (".collateralToken", "only ours: integer"),
        ),
    ),
    Excuse(
        ("userRateLimit",), "since 2025: the requests that are left", ((".nRequestsSurplus", "only ours: integer"),)
    ),
    Excuse(
        ("http_meta_perp_sample",),
        "written by others with null for what the exchange leaves out",
        ((".universe[].isDelisted", "only theirs: null"), (".universe[].onlyIsolated", "only theirs: null")),
    ),
    Excuse(
        ("http_all_perp_metas_non_usdc_collateral",),
        "a sample of the shape alone, without tables; only other builders' exchanges have a mode of growth",
        (
            ("[].universe[].growthMode", "only theirs: text"),
            ("[].universe[].marginTableId", "only ours: integer"),
            ("[].marginTables[]", "only ours: list"),
        ),
    ),
    Excuse(
        ("http_spot_meta_non_usdc_collateral",),
        "a sample of the shape alone: ids are cut short, there are no pairs, and fields that may be null are left out",
        (
            (".tokens[].tokenId", "ours is also 128 bits in hex"),
            (".tokens[].tokenId", "ours is never 4 bits in hex"),
            (".tokens[].tokenId", "ours is never 8 bits in hex"),
            (".tokens[].tokenId", "ours is never 12 bits in hex"),
            (".tokens[].evmContract", "only ours: null"),
            (".tokens[].fullName", "only ours: null"),
            (".tokens[].deployerTradingFeeShare", "only ours: decimal"),
            (".universe[]", "only ours: object"),
        ),
    ),
    Excuse(
        ("http_spot_clearinghouse_state",),
        "made up: the exchange writes a digit after the point",
        (
            (".balances[].hold", "ours is never integer in a text"),
            (".balances[].total", "ours is never integer in a text"),
        ),
    ),
    Excuse(
        ("http_recent_trades_btc",),
        "made up: users have addresses (feed_trades is a real one)",
        (("[].users[]", "ours is also 160 bits in hex"), ("[].users[]", "ours is never text")),
    ),
    Excuse(("http_l2_book_btc",), "the count of orders was cut off", ((".levels[][].n", "only ours: integer"),)),
    Excuse(("delegatorHistory",), "no staking on this venue: always empty", (("[]", "only theirs: object"),)),
    Excuse(("userVaultEquities",), "no vaults on this venue: always empty", (("[]", "only theirs: object"),)),
]

# Lists that have an order in time, and more than one time in the recording, with the field that tells the time.
TIMED = {
    "candleSnapshot": "t",
    "feed_trades": "time",
    "fundingHistory": "time",
    "fundingHistory_with_end": "time",
    "http_recent_trades_btc": "time",
    "userFills": "time",
    "userFunding": "time",
    "userNonFundingLedgerUpdates": "time",
}


def key(address: int) -> str:
    return f"0x{address:040x}"


def btc(price: float, quantity: str, *, is_buy: bool = True, **more: Any) -> WireOrder:
    return WireOrder(BTC, is_buy, int(price), quantity, **more)


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def busy_venue() -> Iterator[RunningVenue]:
    """Return a venue whose market moves, with funding every ten seconds, which are half a second here."""
    local = {"block_ms": 200, "fast_book_ms": 500, "book_ms": 1_000, "mids_ms": 1_000, "funding_ms": 10_000}
    with running_venue(seed=5, symbols=3, speed=20, local=local, limits={"weight_a_minute": 1_000_000}) as venue:
        yield venue


@pytest.fixture(scope="module")
def ann(busy_venue: RunningVenue, http: httpx.Client) -> Customer:
    """Return a customer to whom everything has happened that the recordings tell of."""
    ann = Customer(busy_venue, http)
    mid = float(ann.info("allMids")["BTC"])
    high, low = mid * 1.03, mid * 0.97
    stops = {"reduce_only": True, "trigger_market": True}
    # Long, more, less, across zero to short, and back: every direction of a fill.
    for price, quantity, is_buy in [
        (high, "0.02", True),
        (low, "0.01", False),
        (low, "0.03", False),
        (high, "0.01", True),
        (high, "0.03", True),
    ]:
        [status] = ann.order(btc(price, quantity, is_buy=is_buy, time_in_force="ioc"))
        assert "filled" in status
    parent = btc(low, "0.01")
    gain = btc(high, "0.01", is_buy=False, trigger_price=int(mid * 1.1), trigger="tp", **stops)
    loss = btc(low * 0.8, "0.01", is_buy=False, trigger_price=int(mid * 0.9), trigger="sl", **stops)
    statuses = ann.order(parent, gain, loss, grouping="normalTpsl")
    assert statuses[1:] == ["waitingForFill", "waitingForFill"]
    [status] = ann.order(WireOrder(ETH, False, int(float(ann.info("allMids")["ETH"]) * 0.97), "1", time_in_force="ioc"))
    assert "filled" in status  # a short position is always liquidated somewhere
    # One that never meets anything, one that is cancelled, and a sale that rests.
    assert "error" in ann.order(btc(low * 0.8, "0.01", time_in_force="ioc"))[0]
    [status] = ann.order(btc(low * 0.9, "0.01", time_in_force="alo"))
    ann.act(type="cancel", cancels=[{"a": BTC, "o": status["resting"]["oid"]}])
    ann.order(btc(high, "0.01", is_buy=False))
    ann.send("usdClassTransfer", amount="20", toPerp=False)
    ann.send("spotSend", destination=key(7), token="USDC", amount="10.5")  # noqa: S106 -- a coin
    for number, name in enumerate(["ok", "new"]):
        ann.send("approveAgent", agentAddress=key(100 + number), agentName=name)
    once(lambda: ann.info("userFunding", startTime=0))
    return ann


@pytest.fixture(scope="module")
def recordings(shared_data: Path) -> Path:
    path = shared_data / "hyperliquid"
    if not path.is_dir():
        pytest.skip(f"no recorded payloads at {path}")
    return path


@pytest.fixture(scope="module")
def recorded(recordings: Path) -> dict[str, Any]:
    """Return the answers and messages that were recorded, by name; of messages of the socket, what they carry."""
    found = {path.stem: json.loads(path.read_text())["response"] for path in (recordings / "info").glob("*.json")}
    for path in (recordings / "payloads").glob("*.json"):
        told = json.loads(path.read_text())
        found[path.stem] = told["data"] if isinstance(told, dict) and "channel" in told else told
    feed = recordings.parent / FEED
    if feed.is_file():
        with gzip.open(feed, "rt") as lines:
            for line in lines:
                told = json.loads(line.partition(" ")[2])
                found.setdefault(f"feed_{told['channel']}", []).append(told["data"])
    return found


def receive(ws: ClientConnection) -> Any:
    """Return the next message, asking for a pong meanwhile: at these speeds a silent customer is closed after half a second."""
    until = time.monotonic() + 60
    while True:
        ws.send('{"method":"ping"}')
        try:
            told = json.loads(ws.recv(timeout=0.1))
        except TimeoutError:
            assert time.monotonic() < until, "nothing after 60 s"
            continue
        if told["channel"] != "pong":
            return told


def listen(venue: RunningVenue, is_it: Callable[[Any], bool], **subscription: Any) -> list[Any]:
    """Return what messages of a subscription carry, up to and with the one that is wanted."""
    heard: list[Any] = []
    with connect(venue.ws_url) as ws:
        ws.send(json.dumps({"method": "subscribe", "subscription": subscription}))
        while not heard or not is_it(heard[-1]):
            told = receive(ws)
            if told["channel"] != "subscriptionResponse":
                heard.append(told["data"])
    return heard


def heard_once(venue: RunningVenue, **subscription: Any) -> Any:
    return listen(venue, lambda _: True, **subscription)[0]


def fill_of_a_liquidation(http: httpx.Client) -> Any:
    """Let an account lose all that it has, and return what the one is told who bought from it."""
    local = {"block_ms": 500}
    with running_venue(market="customers", symbols=1, speed=100, local=local) as venue:
        gambler, maker, other = (Customer(venue, http) for _ in range(3))
        for rich in (maker, other):
            venue.control(deposit={"user": rich.address, "amount": "10000000"})
        gambler.act(type="updateLeverage", asset=BTC, isCross=True, leverage=40)
        maker.order(btc(89_990, "1"), btc(90_000, "40", is_buy=False), btc(90_010, "1", is_buy=False))
        assert "filled" in gambler.order(btc(90_000, "40", time_in_force="ioc"))[0]
        once(lambda: maker.info("metaAndAssetCtxs")[1][BTC]["premium"])  # marks are being made
        with connect(venue.ws_url) as ws:
            subscription = {"type": "userEvents", "user": maker.address}
            ws.send(json.dumps({"method": "subscribe", "subscription": subscription}))
            while receive(ws)["channel"] != "subscriptionResponse":
                pass
            # The price falls by more than the gambler has, and somebody waits for what must be sold.
            maker.order(btc(88_000, "100", cloid="0x" + "ab" * 16), btc(88_010, "1", is_buy=False))
            other.order(btc(88_000, "0.1", is_buy=False, time_in_force="ioc"))
            while True:
                told = receive(ws)
                if told["channel"] == "user" and any("liquidation" in fill for fill in told["data"].get("fills", ())):
                    return told["data"]


@pytest.fixture(scope="module")
def ours(busy_venue: RunningVenue, ann: Customer, http: httpx.Client) -> dict[str, Any]:
    """Return what the venue says to the questions that were recorded, by the recording's name."""
    since: dict[str, Any] = {"startTime": 0}
    until: dict[str, Any] = {**since, "endTime": 1 << 42}
    candles = {"coin": "BTC", "interval": "1m", "startTime": 0, "endTime": 1 << 42}
    nobody = Customer(busy_venue, http)
    questions: dict[str, tuple[str, dict[str, Any]]] = {
        **{
            kind: (kind, {})
            for kind in (
                "allMids",
                "clearinghouseState",
                "delegatorHistory",
                "extraAgents",
                "frontendOpenOrders",
                "historicalOrders",
                "meta",
                "openOrders",
                "portfolio",
                "userFills",
                "userRateLimit",
                "userRole",
                "userVaultEquities",
            )
        },
        "candleSnapshot": ("candleSnapshot", {"req": candles}),
        "fundingHistory": ("fundingHistory", {"coin": "BTC", **since}),
        "fundingHistory_with_end": ("fundingHistory", {"coin": "BTC", **until}),
        "l2Book": ("l2Book", {"coin": "BTC"}),
        "userFillsByTime": ("userFillsByTime", since),
        "userFunding": ("userFunding", since),
        "userFunding_with_end": ("userFunding", until),
        "userNonFundingLedgerUpdates": ("userNonFundingLedgerUpdates", {**since, "endTime": None}),
        "userNonFundingLedgerUpdates_empty": ("userNonFundingLedgerUpdates", {"startTime": 0, "endTime": 1}),
        "userTwapSliceFills_empty": ("userTwapSliceFills", {"user": nobody.address}),
        "http_all_perp_metas_non_usdc_collateral": ("allPerpMetas", {}),
        "http_l2_book_btc": ("l2Book", {"coin": "BTC"}),
        "http_meta_perp_sample": ("meta", {}),
        "http_recent_trades_btc": ("recentTrades", {"coin": "BTC"}),
        "http_spot_clearinghouse_state": ("spotClearinghouseState", {}),
        "http_spot_meta_non_usdc_collateral": ("spotMeta", {}),
    }
    answers = {name: ann.info(kind, **fields) for name, (kind, fields) in questions.items()}
    # Of coins that are no longer traded, too.
    contexts = heard_once(busy_venue, type="allDexsAssetCtxs")
    busy_venue.control(unlist={"coin": "SOL"})
    contexts["ctxs"] += once(
        lambda: [own for own in heard_once(busy_venue, type="allDexsAssetCtxs")["ctxs"] if own[1][2]["premium"] is None]
    )
    said = {
        "ws_all_dexs_asset_ctxs": contexts,
        "ws_allmids": heard_once(busy_venue, type="allMids"),
        "ws_book_data": heard_once(busy_venue, type="l2Book", coin="BTC"),
        "ws_user_fill_liquidation": fill_of_a_liquidation(http),
        "feed_l2Book": [heard_once(busy_venue, type="l2Book", coin="BTC")],
        "feed_trades": [heard_once(busy_venue, type="trades", coin="BTC")],
    }
    return answers | said


@pytest.fixture(scope="module")
def found(recorded: dict[str, Any], ours: dict[str, Any]) -> dict[str, set[Difference]]:
    """Return the differences of each recording from our answer."""

    def compared(name: str) -> set[Difference]:
        maps = frozenset(MAPS.get(name, ()))
        return differences(shape(ours[name], maps), shape(recorded[name], maps))

    return {name: compared(name) for name in recorded if name in ours}


@pytest.fixture(scope="module")
def excused() -> dict[str, set[Difference]]:
    by_name: dict[str, set[Difference]] = {}
    for excuse in EXCUSES:
        for name in excuse.recordings:
            by_name.setdefault(name, set()).update(Difference(*each) for each in excuse.differences)
    return by_name


def test_everything_that_was_recorded_is_compared_or_says_why_not(
    recordings: Path, recorded: dict[str, Any], ours: dict[str, Any]
) -> None:
    files = {path for path in recordings.rglob("*") if path.is_file()}
    assert {path.name for path in files if path.stem not in recorded} == NOT_COMPARED.keys()
    assert recorded.keys() - ours.keys() == set()


def lines(told: dict[str, set[Difference]]) -> list[str]:
    return sorted(f"{name}: {each.place}: {each.what}" for name, those in told.items() for each in those)


def test_every_answer_has_the_fields_and_types_of_the_recorded_one(
    found: dict[str, set[Difference]], excused: dict[str, set[Difference]]
) -> None:
    assert lines({name: told - excused.get(name, set()) for name, told in found.items()}) == []


def test_every_excuse_is_still_needed(found: dict[str, set[Difference]], excused: dict[str, set[Difference]]) -> None:
    if "feed_trades" not in found:  # that recording lies elsewhere, and may be missing alone
        excused = {name: told for name, told in excused.items() if not name.startswith("feed_")}
    assert lines({name: told - found.get(name, set()) for name, told in excused.items()}) == []


def direction(times: list[int]) -> set[str]:
    """Tell which way times go; a list that says nothing goes both ways."""
    pairs = list(itertools.pairwise(times))
    ways = {"newest first": all(a >= b for a, b in pairs), "oldest first": all(a <= b for a, b in pairs)}
    return {way for way, is_so in ways.items() if is_so}


@pytest.mark.parametrize("name", TIMED)
def test_lists_go_the_same_way_in_time(name: str, recorded: dict[str, Any], ours: dict[str, Any]) -> None:
    if name not in recorded:
        pytest.skip(f"{name} was not recorded here")
    # Each message of the feed is a list of its own.
    mine, theirs = (told[name][0] if name.startswith("feed_") else told[name] for told in (ours, recorded))
    way = direction([entry[TIMED[name]] for entry in theirs])
    assert len(way) == 1
    assert way <= direction([entry[TIMED[name]] for entry in mine])


def test_fills_by_time_are_told_oldest_first_as_they_are_since_2023(ours: dict[str, Any]) -> None:
    assert direction([fill["time"] for fill in ours["userFillsByTime"]]) == {"oldest first"}
