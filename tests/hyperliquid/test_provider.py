"""Live markets as a data provider: events, and whether a symbol may be traded on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import algo_trade as at
from algo_trade.core import AsyncDataProvider, Context, FeedChange
from algo_trade.hyperliquid.provider import LiveDataProvider, streams_of
from algo_trade.hyperliquid.stream import History, SessionSettings
from algo_trade.strategy import needs_of
from tests.hyperliquid.stream.exchange import Exchange, message
from tests.hyperliquid.stream.server import Server

pytest.importorskip("picows", reason="needs the extra `live`")

PATIENCE_S = 20
QUICK = SessionSettings(backoff_s=0.01, answer_within_s=0.5)


class Prints(at.Strategy):
    """Listens to trades."""

    def on_trade(self, ctx: Context, trade: at.Trade) -> None: ...


class Depth(at.Strategy):
    """Listens to books and bars."""

    def on_book(self, ctx: Context, symbol: str) -> None: ...

    def on_bar(self, ctx: Context, bar: at.Bar) -> None: ...


class Builds(Prints):
    """Listens to trades, and to bars that are built of them."""

    resolutions = ("5m",)

    def on_bar(self, ctx: Context, bar: at.Bar) -> None: ...


def run(main: Any) -> None:
    asyncio.run(asyncio.wait_for(main, PATIENCE_S))


CONTEXT = {
    "funding": "0.0000125",
    "openInterest": "1.0",
    "prevDayPx": "9",
    "dayNtlVlm": "1",
    "premium": None,
    "oraclePx": "10",
    "markPx": "10.5",
    "midPx": None,
    "impactPxs": None,
}


async def push_context(server: Server) -> None:
    text = message("activeAssetCtx", {"coin": "BTC", "ctx": CONTEXT})
    await server.push(server.exchange.push("activeAssetCtx", "BTC", text))


def test_a_strategy_gets_the_streams_that_its_hooks_need() -> None:
    def kinds(strategy: object = None) -> list[str]:
        return [str(stream) for stream in streams_of("BTC", needs_of(strategy))]

    assert kinds() == ["bbo BTC", "activeAssetCtx BTC"]
    assert kinds(Prints()) == [*kinds(), "trades BTC"]
    assert kinds(Depth()) == [*kinds(), "l2Book BTC fast", "l2Book BTC", "candle BTC 1m"]
    assert kinds(at.MaCrossoverStrategy()) == [*kinds(), "candle BTC 1m"]
    assert kinds(at.MarketMakerStrategy()) == [*kinds(), "trades BTC", "l2Book BTC fast", "l2Book BTC"]
    assert kinds(Builds()) == kinds(Prints()), "its bars are built of the prints"
    provider = LiveDataProvider({"BTC": "BTC-PERP"}, strategies=[Depth()])
    assert (provider.symbols, provider.books) == (["BTC-PERP"], {"BTC-PERP": "l2"})
    assert isinstance(provider, AsyncDataProvider)


def test_a_symbol_is_live_when_all_its_streams_are_and_says_when_it_no_longer_is() -> None:
    async def main() -> None:
        exchange = Exchange()
        noticed: list[Any] = []
        exchange.trade("BTC")
        async with (
            Server(exchange) as server,
            LiveDataProvider(
                {"BTC": "BTC-PERP"}, strategies=[Prints()], url=server.url, settings=QUICK, notice=noticed.append
            ) as provider,
        ):
            events: list[Any] = []
            changes: list[FeedChange] = []
            assert not provider.is_live("BTC-PERP")
            async for event in provider:
                events.append(event)
                if isinstance(event, FeedChange):
                    changes.append(event)
                    if len(changes) == 1:
                        server.tick()
                        await server.push(exchange.trade("BTC"))
                elif isinstance(event, at.Quote):
                    await push_context(server)
                elif isinstance(event, at.Trade):
                    await server.cut()
                if len(changes) == 2:
                    break
            assert [change.is_live for change in changes] == [True, False]
            assert changes[1].symbol == "BTC-PERP"
            assert changes[1].reason.split(": ")[0] in {"bbo BTC", "activeAssetCtx BTC", "trades BTC"}
            # The print from before the stream began is history; the other was given.
            assert [trade.trade_id for event in noticed if isinstance(event, History) for trade in event.trades] == [1]
            assert [event.trade_id for event in events if isinstance(event, at.Trade)] == [2]

    run(main())


def test_markets_and_an_account_share_the_limits_of_one_address() -> None:
    whole = SessionSettings()
    market, account = whole.shared()
    for name in ("connections_max", "opens_per_minute", "sends_per_minute", "subscriptions_max"):
        assert getattr(market, name) + getattr(account, name) == getattr(whole, name)
        assert getattr(market, name) > getattr(account, name) > 0
    assert account.users_max == 1
