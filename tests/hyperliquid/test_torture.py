"""Client, streams and the life of orders together, while the venue cuts, freezes and delays; then all has to agree with it."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from decimal import Decimal
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from algo_trade._native import BookSnapshot, SigningKey
from algo_trade.hyperliquid.answers import Cancelled, Filled, Refused, Resting, Unknown
from algo_trade.hyperliquid.client import HyperliquidClient
from algo_trade.hyperliquid.exchange import NewOrder
from algo_trade.hyperliquid.orders import LiveOrders
from algo_trade.hyperliquid.settings import HyperliquidConfig, LimitSettings
from algo_trade.hyperliquid.stream.events import AccountFill, OpenOrders, OrderNews
from algo_trade.hyperliquid.stream.settings import SessionSettings
from algo_trade.hyperliquid.stream.subscription import Subscription
from algo_trade.hyperliquid.websocket import HyperliquidWebSocket
from algo_trade.venue.testing import RunningVenue, running_venue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

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
    """A trader who believes only what it was told."""

    def __init__(self, client: HyperliquidClient, coins: list[str], seed: int) -> None:
        self.client = client
        self.coins = coins
        self.random = Random(seed)
        self.orders = LiveOrders()
        self.fills: Counter[tuple[str, int, int]] = Counter()
        self.positions: Counter[str] = Counter()
        self.books: dict[str, BookSnapshot] = {}
        self.unknown: list[tuple[str, Unknown]] = []
        self.placed = 0

    def hear(self, event: object) -> None:
        """Take an event of the streams in."""
        match event:
            case BookSnapshot():
                self.books[event.symbol] = event
            case AccountFill():
                self.fills[event.coin, event.trade_id, event.oid] += 1
                signed = event.quantity if event.side == "buy" else -event.quantity
                self.positions[event.symbol] += signed  # type: ignore[assignment]
                self.orders.fill(event)
            case OrderNews():
                self.orders.news(event)
            case OpenOrders():
                self.orders.open_orders(event, self.coins)

    async def trade(self) -> None:
        """Place an order near the middle of a book, or take one back."""
        coin = self.random.choice(self.coins)
        resting = [order for order in self.orders.live() if order.state == "resting"]
        if resting and self.random.random() < 0.4:
            order = self.random.choice(resting)
            cancelled = await self.client.exchange.cancel(order.symbol, order.cloid)
            assert isinstance(cancelled, Cancelled | Refused | Unknown), cancelled
            return
        book = self.books.get(coin)
        if book is None or not book.bids or not book.asks:
            return
        kind = self.random.choice(["gtc", "ioc", "alo"])
        is_buy = self.random.random() < 0.5
        price = (book.asks if is_buy == (kind == "ioc") else book.bids)[0][0]
        instrument = await self.client.instrument(coin)
        lot = Decimal(1).scaleb(-instrument.size_decimals)
        quantity = (Decimal(20) / price / lot).to_integral_value() * lot + lot
        new = NewOrder(coin=coin, is_buy=is_buy, price=price, quantity=quantity, time_in_force=kind)  # type: ignore[arg-type]
        assert new.cloid is not None
        self.orders.submit(new.cloid, coin, quantity)
        self.placed += 1
        answer = await self.client.exchange.place(new)
        match answer:
            case Resting() | Filled():
                self.orders.answered(new.cloid, {"resting": {"oid": answer.oid}})
            case Refused():
                self.orders.answered(new.cloid, {"error": answer.text})
            case Unknown():
                self.orders.unanswered(new.cloid)
                self.unknown.append((new.cloid, answer))
            case _:
                raise AssertionError(answer)

    async def settle(self) -> None:
        """Find out what became of every order that is not known to live or to have ended."""
        for cloid, unknown in self.unknown:
            settled = await self.client.resolve(unknown)
            if settled.state == "absent":
                self.orders.never_arrived(cloid)
        self.unknown.clear()
        for order in self.orders.live():
            if order.state == "resting":
                continue
            told = (await self.client.info.order_status(order.cloid))["order"]
            if told is not None:
                row = told["order"]
                self.orders.news(
                    OrderNews(
                        self.client.config.account_address or "",
                        order.symbol,
                        row["oid"],
                        row["cloid"],
                        told["status"],
                        told["status_time"],
                        {},
                    )
                )


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
    key = SigningKey("0x" + secrets.token_hex(32))
    config = HyperliquidConfig(
        api_url=venue.url,
        account_address=key.address,
        state_dir=folder,
        limits=LimitSettings(ip_weight_per_minute=1_000_000),
    )
    random = Random(seed)
    settings = SessionSettings(
        opens_per_minute=100_000,
        sends_per_minute=1_000_000,
        subscriptions_per_connection=40,
        stale_after_s={"l2Book fast": 1.5},
        ping_every_s=0.5,
        pong_within_s=1.0,
        answer_within_s=2.0,
        backoff_s=0.02,
        backoff_max_s=0.5,
        audit_every_s=2.0,
    )
    async with HyperliquidClient(config, key) as client:
        universe = (await client.info.meta())["universe"]
        coins = [row["name"] for row in universe]
        assert len(coins) == SYMBOLS
        await client.info.clearinghouse_state(key.address)
        trader = Trader(client, coins, seed)
        websocket = HyperliquidWebSocket(
            {coin: coin for coin in coins}, url=venue.ws_url, settings=settings, random=random
        )
        async with websocket, asyncio.TaskGroup() as tasks:
            for coin in coins:
                websocket.subscribe(Subscription("l2Book", coin=coin, is_fast=True))
                websocket.subscribe(Subscription("trades", coin=coin))
            for kind in ("orderUpdates", "userFills"):
                websocket.subscribe(Subscription(kind, user=key.address))

            async def listen() -> None:
                async for event in websocket:
                    trader.hear(event)

            async def trade() -> None:
                while True:
                    await trader.trade()
                    await asyncio.sleep(0.005)

            listening = tasks.create_task(listen())
            trading = [tasks.create_task(trade()) for _ in range(4)]
            for _ in range(faults):
                for name, value in fault(random).items():
                    wishes = [name] if value is None else []
                    more = {} if value is None else {name: value}
                    await asyncio.to_thread(partial(venue.control, *wishes, **more))
                await asyncio.sleep(random.uniform(0.02, 0.2))
            # The faults end, and with them the orders: all has to come to an agreement.
            await asyncio.to_thread(partial(venue.control, faults=[]))
            for task in trading:
                task.cancel()
            await asyncio.wait(trading)
            await agree(trader, websocket)
            listening.cancel()


async def agree(trader: Trader, websocket: HyperliquidWebSocket) -> None:
    client = trader.client

    async def is_live() -> bool:
        return all(stream.state == "live" for stream in websocket.status())

    await until(is_live, lambda: [s for s in websocket.status() if s.state != "live"])

    async def orders_agree() -> bool:
        await trader.settle()
        ours = {order.oid for order in trader.orders.live()}
        return ours == {order["oid"] for order in await client.info.open_orders()}

    await until(orders_agree, trader.orders.live)

    async def fills_agree() -> bool:
        told = {(fill["coin"], fill["trade_id"], fill["oid"]) for fill in await client.info.fills_by_time(start_ns=0)}
        return told == set(trader.fills)

    await until(fills_agree, lambda: len(trader.fills))
    assert max(trader.fills.values(), default=1) == 1, "a fill was told twice"
    positions = [row["position"] for row in (await client.info.clearinghouse_state())["positions"]]
    held = {position["coin"]: position["size"] for position in positions}
    assert held == {symbol: quantity for symbol, quantity in trader.positions.items() if quantity}

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
    assert trader.fills


def test_after_every_kind_of_fault_all_agrees_with_the_venue(tmp_path: Path, repeats: int) -> None:
    with running_venue(seed=5, symbols=SYMBOLS, density=4, local=LOCAL, limits=LIMITS) as venue:
        asyncio.run(torture(venue, tmp_path, faults=repeats, seed=1))
