"""A venue whose market is a recording, over its whole way: books and prints that arrive are the recorded ones, orders meet them, and it ends."""

from __future__ import annotations

import bisect
import gzip
import itertools
import json
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.sync.client import connect

import algo_trade as at
from algo_trade._native import WireOrder
from algo_trade.data import import_data, synthetic_ticks
from algo_trade.venue.testing import RunningVenue, running_venue
from tests.venue.customer import Customer, once

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FEED = "feeds_dual_time/hyperliquid_btcusd_20250126.gz"
NS_A_MS = 1_000_000
SPEED = 4
Levels = tuple[tuple[tuple[Decimal, Decimal], ...], ...]


@dataclass
class Recording:
    """What was recorded: books and prints with their times in ms, and the lake that they were written to."""

    lake: Path
    books: list[tuple[int, Levels]]
    prints: list[tuple[int, str, Decimal, Decimal]]

    def at(self, ms: int) -> list[Levels]:
        """Return the books that a block of this millisecond may have seen: rows within it come before the block, or after."""
        times = [time for time, _ in self.books]
        first = bisect.bisect_right(times, ms - 2)
        last = bisect.bisect_right(times, ms + 1)
        return [levels for _, levels in self.books[max(first - 1, 0) : last]]

    def is_quiet(self, ms: int) -> bool:
        """Tell whether nothing was printed since the book of this moment, which it does not know yet."""
        since = max((time for time, _ in self.books if time <= ms), default=ms)
        return not any(since - 2 <= time <= ms + 2 for time, *_ in self.prints)


@dataclass
class Heard:
    """What a venue told of its market until nothing came any more."""

    books: list[dict[str, Any]] = field(default_factory=list)
    prints: list[dict[str, Any]] = field(default_factory=list)


def best_twenty(side: dict[Decimal, Decimal], *, is_bid: bool) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((price, side[price]) for price in sorted(side, reverse=is_bid)[:20])


def told_by_events(lake: Path) -> Recording:
    """Follow the events of a lake with a book of our own."""
    sides: dict[str, dict[Decimal, Decimal]] = {"buy": {}, "sell": {}}
    recording = Recording(lake, [], [])
    for event in at.HistoricalDataProvider(lake):
        ms = event.time_ns // NS_A_MS
        match event:
            case at.Trade():
                recording.prints.append((ms, "B" if event.aggressor == "buy" else "A", event.price, event.quantity))
                continue
            case at.BookSnapshot():
                sides = {"buy": dict(event.bids), "sell": dict(event.asks)}
            case at.BookDelta():
                sides[event.side].pop(event.price, None)
                if event.quantity:
                    sides[event.side][event.price] = event.quantity
                if not event.is_last:
                    continue
            case _:
                continue
        levels = best_twenty(sides["buy"], is_bid=True), best_twenty(sides["sell"], is_bid=False)
        recording.books.append((ms, levels))
    return recording


def told_by_feed(path: Path, lake: Path) -> Recording:
    """Read messages of the real exchange as they came: each book is whole, and the first prints are history."""
    recording = Recording(lake, [], [])
    with gzip.open(path, "rt") as lines:
        messages = [json.loads(line.partition(" ")[2]) for line in lines]
    for told in (message["data"] for message in messages if message["channel"] == "l2Book"):
        bids, asks = (tuple((Decimal(each["px"]), Decimal(each["sz"])) for each in side) for side in told["levels"])
        recording.books.append((told["time"], (bids, asks)))
    for told in [message["data"] for message in messages if message["channel"] == "trades"][1:]:
        recording.prints += [(each["time"], each["side"], Decimal(each["px"]), Decimal(each["sz"])) for each in told]
    return recording


@pytest.fixture(scope="module", params=["real", "made by level", "made by order"])
def recording(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    folder = tmp_path_factory.mktemp("recording")
    if request.param == "real":
        path = request.getfixturevalue("shared_data") / FEED
        if not path.is_file():
            pytest.skip(f"no recording at {path}")
        import_data([path], folder / "lake")
        return told_by_feed(path, folder / "lake")
    made = partial(synthetic_ticks, ["BTC"], 4_000, seed=3, density=200)
    made(folder / "lake")
    recording = told_by_events(folder / "lake")
    if request.param == "made by order":
        # The same market, told by its orders; as many rows are over sooner.
        recording.lake = folder / "orders"
        made(recording.lake, orders=True)
        end = at.HistoricalDataProvider(recording.lake).read()["exchange_time"].dt.epoch("ms").to_list()[-1]
        recording.books = [book for book in recording.books if book[0] <= end]
        recording.prints = [each for each in recording.prints if each[0] <= end]
    return recording


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30) as client:
        yield client


def playing(recording: Recording, *, speed: float = SPEED) -> RunningVenue:
    local = {"block_ms": 20, "book_ms": 20, "fast_book_ms": 20}
    limits = {"weight_a_minute": 1_000_000}
    return running_venue(market="recording", data=[str(recording.lake)], speed=speed, local=local, limits=limits)


def heard(venue: RunningVenue, lasts_ms: int) -> Heard:
    """Listen to books and prints from now on, for as long as the recording lasts and two seconds more."""
    told = Heard()
    with connect(venue.ws_url) as ws:
        for subscription in ({"type": "trades", "coin": "BTC"}, {"type": "l2Book", "coin": "BTC"}):
            ws.send(json.dumps({"method": "subscribe", "subscription": subscription}))
        while not told.books or told.books[-1]["time"] - told.books[0]["time"] < lasts_ms + 2_000:
            message = json.loads(ws.recv(timeout=60))
            if message["channel"] == "trades":
                told.prints += message["data"]
            elif message["channel"] == "l2Book":
                told.books.append(message["data"])
    return told


def levels_of(book: dict[str, Any]) -> Levels:
    bids, asks = (tuple((Decimal(each["px"]), Decimal(each["sz"])) for each in side) for side in book["levels"])
    return bids, asks


def merged(prints: Iterable[tuple[int, str, Decimal, Decimal]]) -> list[tuple[str, Decimal, Decimal]]:
    """Add up prints that follow each other at one price: who met whom in the queue is the venue's own."""
    groups = itertools.groupby(prints, lambda each: each[1:3])
    return [(*of, sum((each[3] for each in group), Decimal(0))) for of, group in groups]


def test_books_and_prints_that_arrive_are_those_of_the_recording(recording: Recording) -> None:
    with playing(recording) as venue:
        told = heard(venue, recording.books[-1][0] - recording.books[0][0])
    prints = [(each["time"], each["side"], Decimal(each["px"]), Decimal(each["sz"])) for each in told.prints]
    assert merged(prints) == merged(recording.prints)
    # Both begin with the same print: by so much the recording was moved.
    moved = prints[0][0] - recording.prints[0][0]
    assert {time - moved for time, *_ in prints} <= {ms + d for ms, *_ in recording.prints for d in (-1, 0, 1)}
    compared = 0
    for book in told.books:
        ms = book["time"] - moved
        if recording.is_quiet(ms):
            compared += 1
            assert levels_of(book) in recording.at(ms), ms
    assert compared > len(told.books) / 4
    assert levels_of(told.books[-1]) == recording.books[-1][1]


def test_an_order_takes_of_the_recorded_book_and_another_waits_in_it_for_a_recorded_print(
    recording: Recording, http: httpx.Client
) -> None:
    with playing(recording) as venue:
        customer = Customer(venue, http)
        bids, asks = customer.info("l2Book", coin="BTC")["levels"]
        [taken] = customer.order(WireOrder(0, True, int(float(asks[0]["px"]) * 1.01), "0.001", time_in_force="ioc"))
        took = [each for each in customer.info("userFills") if each["oid"] == taken["filled"]["oid"]]
        assert {Decimal(fill["px"]) for fill in took} <= {price for _, book in recording.books for price, _ in book[1]}
        # Another waits for whoever sells at the best bid.
        [resting] = customer.order(WireOrder(0, True, bids[0]["px"], "0.001", time_in_force="alo"))
        oid = resting["resting"]["oid"]
        fills = once(lambda: [each for each in customer.info("userFills") if each["oid"] == oid])
        assert {(fill["side"], fill["crossed"], fill["px"]) for fill in fills} == {("B", False, bids[0]["px"])}


def test_after_the_end_the_books_stand_still_and_orders_still_meet_them(
    recording: Recording, http: httpx.Client
) -> None:
    with playing(recording, speed=50) as venue:
        customer = Customer(venue, http)
        last = recording.books[-1][1]
        once(lambda: levels_of(customer.info("l2Book", coin="BTC")) == last)
        trades = once(lambda: customer.info("recentTrades", coin="BTC"))
        later = customer.info("exchangeStatus")["time"] + 60_000
        once(lambda: customer.info("exchangeStatus")["time"] > later)
        assert levels_of(customer.info("l2Book", coin="BTC")) == last
        assert customer.info("recentTrades", coin="BTC") == trades
        health = http.get(f"{venue.url}/health").json()
        assert (health["status"], health["broken"]) == ("ok", None)
        price, quantity = last[1][4][0], sum((size for _, size in last[1][:5]), Decimal(0))
        [filled] = customer.order(WireOrder(0, True, price, quantity, time_in_force="ioc"))
        assert Decimal(filled["filled"]["totalSz"]) == quantity
        # Nobody fills the book up again.
        assert levels_of(customer.info("l2Book", coin="BTC"))[1][:15] == last[1][5:]


def test_nothing_but_the_recording_says_what_its_coins_are_worth(recording: Recording, http: httpx.Client) -> None:
    with playing(recording) as venue:
        customer = Customer(venue, http)
        [context] = once(lambda: [c for c in customer.info("metaAndAssetCtxs")[1] if c["premium"]])
        low, high = (f(book[0][0][0] for _, book in recording.books) for f in (min, max))
        assert low * Decimal("0.99") < Decimal(context["oraclePx"]) < high * Decimal("1.01")
