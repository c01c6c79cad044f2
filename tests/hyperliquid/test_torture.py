"""A trading system at the venue while it cuts, freezes and delays; then all that the system knows has to agree with the venue."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade._native import BookSnapshot
from algo_trade.hyperliquid import HyperliquidClient, HyperliquidConfig, HyperliquidWebSocket, Subscription
from algo_trade.venue.testing import RunningVenue, running_venue
from tests.hyperliquid.desk import SETTINGS, Desk, desk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from algo_trade.core import Context

pytest.importorskip("picows", reason="needs the extra `live`")

SYMBOLS = 50
LIMITS = {
    "weight_a_minute": 10_000_000,
    "connections": 1_000,
    "new_connections_a_minute": 1_000_000,
    "messages_a_minute": 1_000_000,
    "requests": 10_000_000,
}
LOCAL = {"block_ms": 20, "fast_book_ms": 200, "book_ms": 5_000}


class Trader:
    """Places, changes and cancels at random, by what the streams say."""

    def __init__(self, desk: Desk, coins: list[str], seed: int) -> None:
        self.desk = desk
        self.coins = coins
        self.random = Random(seed)
        self.books: dict[str, BookSnapshot] = {}
        self.placed = 0

    def hear(self, event: object) -> None:
        """Take an event of the markets in."""
        if isinstance(event, BookSnapshot) and event.bids and event.asks:
            self.books[event.symbol] = event
            self.desk.prices[event.symbol] = (event.bids[0][0], event.asks[0][0])
            self.desk.handler.on_market_event(event)

    def trade(self) -> None:
        """Do one thing."""
        coin, chance = self.random.choice(self.coins), self.random.random()
        bid, ask = self.desk.prices[coin]
        resting = [order for order in self.desk.handler.orders() if order.symbol == coin and order.state == "resting"]
        if resting and chance < 0.5:
            order = self.random.choice(resting)
            self.desk.do(lambda ctx: ctx.cancel(order.cloid), symbol=coin)
        elif resting and chance < 0.8:
            order = self.random.choice(resting)
            share = Decimal(self.random.randint(900, 999)) / 1_000
            self.desk.do(lambda ctx: ctx.modify(order.cloid, price=round(bid * share, 8)), symbol=coin)
        else:
            side, kind = self.random.choice(["buy", "sell"]), self.random.choice(["gtc", "ioc", "alo", "market"])
            price = (ask if side == "buy" else bid) if kind == "ioc" else (bid if side == "buy" else ask)
            terms: dict[str, Any] = {} if kind == "market" else {"price": price, "time_in_force": kind}

            def place(ctx: Context) -> None:
                getattr(ctx, side)(coin, round(Decimal(25) / bid, 8), **terms)

            self.desk.do(place, symbol=coin)
            self.placed += 1


async def until(condition: Callable[[], Awaitable[object]], what: Callable[[], object]) -> None:
    """Wait for a condition, for a minute at most."""
    deadline = asyncio.get_running_loop().time() + 60
    while not await condition():
        assert asyncio.get_running_loop().time() < deadline, what()
        await asyncio.sleep(0.05)


def fault(random: Random) -> dict[str, Any]:
    """Return one of the things that go wrong on networks."""
    return random.choice(
        [
            {"cut_connections": None},
            {"freeze_connections": None},
            {"faults": [{"at": "push", "per_mille": 300, "effect": "delay", "ms": 150}]},
            {"faults": [{"at": "push", "per_mille": 20, "effect": "cut"}]},
            {"faults": [{"at": "push", "per_mille": 200, "effect": "duplicate"}]},
            {"faults": [{"at": "answer", "count": 3, "effect": "drop"}]},
            {"faults": [{"at": "answer", "match": "order", "count": 2, "effect": "delay", "ms": 700}]},
            {"faults": [{"at": "request", "count": 2, "effect": "status", "status": 502, "body": "bad gateway"}]},
            {"faults": [{"at": "request", "count": 1, "effect": "status", "status": 429, "body": "null"}]},
            {"faults": []},
        ]
    )


async def torture(venue: RunningVenue, folder: Path, faults: int, seed: int) -> None:
    random = Random(seed)
    async with HyperliquidClient(HyperliquidConfig(api_url=venue.url, state_dir=folder)) as client:
        coins = [row["name"] for row in (await client.info.meta())["universe"]]
    assert len(coins) == SYMBOLS
    settings = replace(SETTINGS, subscriptions_per_connection=40, stale_after_s={"l2Book fast": 1.5})
    patience: dict[str, Any] = {"timeout_s": 3.0, "expires_after_ms": 4_000, "settle_margin_ms": 1_000}
    async with desk(venue, folder, symbols=tuple(coins), settings=SETTINGS, **patience) as at_work:
        trader = Trader(at_work, coins, seed)
        streams = HyperliquidWebSocket(
            {coin: coin for coin in coins}, url=venue.ws_url, settings=settings, random=random
        )
        async with streams, asyncio.TaskGroup() as tasks:
            for coin in coins:
                streams.subscribe(Subscription("l2Book", coin=coin, is_fast=True))
                streams.subscribe(Subscription("trades", coin=coin))

            async def listen() -> None:
                async for event in streams:
                    trader.hear(event)

            async def trade() -> None:
                while True:
                    trader.trade()
                    await asyncio.sleep(0.005)

            listening, trading = tasks.create_task(listen()), tasks.create_task(trade())
            for _ in range(faults):
                for name, value in fault(random).items():
                    wishes = [name] if value is None else []
                    more = {} if value is None else {name: value}
                    await asyncio.to_thread(partial(venue.control, *wishes, **more))
                await asyncio.sleep(random.uniform(0.02, 0.2))
            # The faults end, and with them the orders: all has to come to an agreement.
            await asyncio.to_thread(partial(venue.control, faults=[]))
            trading.cancel()
            await agree(trader, streams)
            listening.cancel()


async def agree(trader: Trader, streams: HyperliquidWebSocket) -> None:
    self, client = trader.desk, trader.desk.client

    async def is_live() -> bool:
        return self.handler.is_live and all(stream.state == "live" for stream in streams.status())

    await until(is_live, lambda: [s for s in streams.status() if s.state != "live"])

    apart: dict[str, Any] = {}

    async def orders_agree() -> bool:
        rows = {row["cloid"]: row["oid"] for row in await client.info.open_orders()}
        ours = {order.cloid: order.oid for order in self.handler.orders()}
        system = {order.cloid for coin in trader.coins for order in of_system(self, coin)}
        apart["handler"] = [order for order in self.handler.orders() if rows.get(order.cloid) != order.oid]
        apart["venue"] = rows.items() - ours.items()
        apart["system"] = system ^ rows.keys()
        return ours == rows and system == rows.keys()

    await until(orders_agree, lambda: apart)

    told = Counter((fill.symbol, fill.trade_id, fill.oid) for fill in self.strategy.fills)
    assert max(told.values(), default=1) == 1, "a fill was told twice"
    fills = await client.info.fills_by_time(start_ns=0)
    assert {(fill["coin"], fill["trade_id"], fill["oid"]) for fill in fills} == set(told)
    positions = [row["position"] for row in (await client.info.clearinghouse_state())["positions"]]
    held = {coin: quantity for coin in trader.coins if (quantity := self.system.position(coin).quantity)}
    assert {position["coin"]: position["size"] for position in positions} == held

    # Books move on: each of ours has to be the venue's at some moment.
    for coin in trader.coins:

        async def book_agrees(coin: str = coin) -> bool:
            book = await client.info.book(coin)
            ours = trader.books[coin]
            assert book is not None
            sides = [[(level["price"], level["quantity"]) for level in side[:5]] for side in book["levels"]]
            return sides == [[(price, quantity) for price, quantity, *_ in side] for side in (ours.bids, ours.asks)]

        await until(book_agrees, partial(trader.books.get, coin))
    assert trader.placed > 0
    assert fills


def of_system(self: Desk, coin: str) -> list[Any]:
    """Return what the system takes to be under way."""
    found: list[Any] = self.do(lambda ctx: ctx.orders(coin).open, symbol=coin)
    return found


def test_after_every_kind_of_fault_all_agrees_with_the_venue(tmp_path: Path, repeats: int) -> None:
    with running_venue(seed=5, symbols=SYMBOLS, density=4, local=LOCAL, limits=LIMITS) as venue:
        asyncio.run(torture(venue, tmp_path, faults=repeats, seed=1))
