"""The markets for many: each hears what it asked for, a message at a time, over one socket."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

import algo_trade as at
from algo_trade.errors import ParameterError
from algo_trade.hyperliquid import SessionSettings
from algo_trade.strategy import Needs
from algo_trade.venue.testing import running_venue

pytest.importorskip("picows", reason="needs the extra `live`")

from algo_trade.hyperliquid.feed import MarketFeed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from algo_trade.core import FeedChange, MarketEvent

COINS = {"BTC": "BTC", "ETH": "ETH"}
QUOTES, TRADES, LEVELS = Needs(), Needs(trades=True), Needs(levels=True)


class Ear:
    def __init__(self) -> None:
        self.messages: list[tuple[list[MarketEvent], int]] = []
        self.changes: list[FeedChange] = []

    def hear(self, events: list[MarketEvent], now_ns: int) -> None:
        self.messages.append((events, now_ns))

    def feed_changed(self, change: FeedChange) -> None:
        self.changes.append(change)

    @property
    def events(self) -> list[Any]:
        return [event for events, _ in self.messages for event in events]

    def heard(self, kind: type, symbol: str) -> bool:
        return (kind, symbol) in {(type(event), event.symbol) for event in self.events}

    @property
    def live(self) -> set[str]:
        live: set[str] = set()
        for change in self.changes:
            (live.add if change.is_live else live.discard)(change.symbol)
        return live


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def market(speed: float = 1.0) -> AsyncIterator[MarketFeed]:
    settings = SessionSettings(opens_per_minute=10_000, sends_per_minute=100_000, backoff_s=0.02, answer_within_s=2.0)
    async with (
        running_venue(seed=3, symbols=3, speed=speed) as venue,
        MarketFeed(COINS, url=venue.ws_url, settings=settings) as feed,
    ):
        yield feed


def test_each_hears_what_it_asked_for_and_is_told_when_it_may_trade() -> None:
    async def main() -> None:
        async with market() as feed:
            quotes, prints, levels = Ear(), Ear(), Ear()
            feed.join(quotes, ["BTC", "ETH"], QUOTES, interval="1m")
            feed.join(prints, ["BTC"], TRADES, interval="1m")
            feed.join(levels, ["ETH"], LEVELS, interval="1m")
            await until(lambda: quotes.live == {"BTC", "ETH"} and prints.live == {"BTC"} and levels.live == {"ETH"})
            await until(lambda: prints.heard(at.Trade, "BTC") and levels.heard(at.BookSnapshot, "ETH"))
            await until(lambda: quotes.heard(at.Quote, "ETH") and quotes.heard(at.MarketContext, "BTC"))
            kinds = {(type(event), event.symbol) for event in quotes.events}
            assert kinds <= {(kind, symbol) for kind in (at.Quote, at.MarketContext) for symbol in ("BTC", "ETH")}
            assert {event.symbol for event in prints.events} == {"BTC"}
            assert not any(isinstance(event, at.BookSnapshot) for event in prints.events)
            # One message has one time, and comes as a whole.
            for ear in (quotes, prints, levels):
                for events, now_ns in ear.messages:
                    times = {getattr(event, "local_time_ns", 0) for event in events}
                    assert len(times) == 1
                    assert max(times) <= now_ns
            streams = [str(status.subscription) for status in feed.status()]
            assert len(streams) == len(set(streams)), "whoever comes second needs no stream of its own"

    asyncio.run(main())


def test_who_comes_later_is_told_the_prices_that_stand_and_who_leaves_hears_nothing_more() -> None:
    async def main() -> None:
        async with market() as feed:
            first, second = Ear(), Ear()
            seat = feed.join(first, ["BTC"], TRADES, interval="1m")
            await until(lambda: first.live and first.heard(at.Quote, "BTC") and first.heard(at.MarketContext, "BTC"))
            other = feed.join(second, ["BTC"], QUOTES, interval="1m")
            assert second.live == {"BTC"}, "its streams are there already"
            await until(lambda: second.messages)
            events, _ = second.messages[0]
            assert {type(event) for event in events} == {at.Quote, at.MarketContext}
            feed.leave(seat)
            count = len(first.messages)
            await until(lambda: len(second.messages) > 5)
            assert len(first.messages) == count
            assert {status.subscription.kind for status in feed.status()} == {"bbo", "activeAssetCtx"}
            feed.leave(other)
            assert feed.status() == []

    asyncio.run(main())


def test_a_symbol_that_is_not_listed_is_refused_and_nothing_is_asked_for() -> None:
    async def main() -> None:
        async with market() as feed:
            with pytest.raises(ParameterError, match="'NONE': the exchange lists no such perpetual"):
                feed.join(Ear(), ["BTC", "NONE"], QUOTES, interval="1m")
            assert feed.status() == []

    asyncio.run(main())


def test_bars_of_an_interval_come_to_those_who_asked_for_it() -> None:
    async def main() -> None:
        # A minute of this venue takes a second.
        async with market(speed=60.0) as feed:
            minute, three = Ear(), Ear()
            bars = Needs(bars=True)
            feed.join(minute, ["BTC"], bars, interval="1m")
            feed.join(three, ["BTC"], bars, interval="3m")
            await until(lambda: minute.heard(at.Bar, "BTC") and three.heard(at.Bar, "BTC"))
            for ear, length in ((minute, at.minutes(1)), (three, at.minutes(3))):
                assert {event.resolution_ns for event in ear.events if isinstance(event, at.Bar)} == {length}

    asyncio.run(main())
