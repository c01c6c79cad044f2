"""A runner at a local venue, for tests: real sockets, a real store, real journals."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import textwrap
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import orjson

from algo_trade._native import SigningKey
from algo_trade.bots import Runner
from algo_trade.bots.trader import Trader
from algo_trade.config import AppConfig
from algo_trade.venue.testing import RunningVenue, running_venue
from tests.hyperliquid.desk import SETTINGS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from decimal import Decimal
    from pathlib import Path

    from algo_trade.hyperliquid import SessionSettings

PATIENCE_S = 30
LIMITS = {"weight_a_minute": 1_000_000, "new_connections_a_minute": 10_000}

PULSE = '''
import algo_trade as at

class Pulse(at.Strategy):
    """Takes, and quotes a little away from the price, all the time; once it has begun, it is never flat."""

    every_ms = at.param(100, low=1)
    size = at.param("0.01")

    def on_start(self, ctx):
        self.number = 0
        ctx.set_timer(at.ms(self.every_ms))

    def on_timer(self, ctx, now_ns):
        for symbol in ctx.symbols:
            book = ctx.book(symbol)
            if book.best_bid is None:
                continue
            self.number += 1
            if self.number == 1:
                ctx.buy(symbol, self.size)
            (ctx.buy if self.number % 2 else ctx.sell)(symbol, self.size)
            orders = ctx.orders(symbol)
            if self.number % 5 == 0:
                for order in orders.open:
                    ctx.cancel(order.cloid)
            elif len(orders) < 4:
                ctx.buy(symbol, self.size, price=book.best_bid - 20 * book.tick_size, time_in_force="alo")
'''


def strategy(folder: Path, name: str, source: str = PULSE) -> str:
    """Write a strategy's file; return how it is named."""
    path = folder / f"{name.lower()}.py"
    path.write_text(textwrap.dedent(source))
    return f"{path}:{name}"


RESTS = '''
import algo_trade as at

class {name}(at.Strategy):
    """Has one order, which nobody takes; once that rests, it does something."""

    def on_start(self, ctx):
        self.has_bought = False

    def on_quote(self, ctx, quote):
        if not self.has_bought:
            self.has_bought = True
            # Worth more than the ten dollars below which nothing is taken.
            size = "0.01" if quote.bid_price > 1_500 else "1"
            ctx.buy(quote.symbol, size, price=quote.bid_price * 9 // 10, time_in_force="alo")

    def on_order(self, ctx, update):
        # The first quote may come before all is fresh.
        self.has_bought = update.status != "rejected"
        if self.has_bought:
            {then}
'''


def rests(name: str, then: str = "pass") -> str:
    """Return the source of a strategy whose order rests, and that does something then."""
    return RESTS.format(name=name, then=then)


def resting_bot(folder: Path) -> dict[str, Any]:
    """Return a live bot that has one order on the book, also while a busy machine lets prices get old."""
    spec = strategy(folder, "Rests", rests("Rests"))
    return {"bot_id": "rests", "symbol": "BTC", "strategy": spec, "mode": "live", "on_stale": "keep", "capital": 30_000}


def config_of(venue: RunningVenue, folder: Path, key: SigningKey, *bots: dict[str, Any], **tables: Any) -> AppConfig:
    """Return a configuration of a runner whose files are all in a folder."""
    return AppConfig.model_validate(
        {
            "server": {"port": 0},
            "hyperliquid": {
                "api_url": venue.url,
                "ws_url": venue.ws_url,
                "account_address": key.address,
                "state_dir": folder / "nonces",
                "expires_after_ms": 2_000,
                "settle_margin_ms": 1_000,
                "limits": {"ip_weight_per_minute": 1_000_000},
            },
            "database": {"url": f"sqlite:///{folder / 'state.db'}"},
            "storage": {"state_dir": folder / "state", "strategies": folder},
            "telemetry": {"log_format": "json", "log_file": folder / "log.json", "log_level": "debug"},
            "bots": bots,
            **tables,
        }
    )


def ask(venue: RunningVenue, kind: str, **fields: Any) -> Any:
    """Ask the venue what it knows, as the exchange's own front-end would."""
    return ask_at(venue.url, kind, **fields)


def ask_at(url: str, kind: str, **fields: Any) -> Any:
    """Ask a venue by its address."""
    body = orjson.dumps({"type": kind, **fields})
    request = urllib.request.Request(f"{url}/info", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return orjson.loads(answer.read())


def venue_positions(venue: RunningVenue, address: str) -> dict[str, Decimal]:
    """Return what an account holds, by the venue's word."""
    from decimal import Decimal

    state = ask(venue, "clearinghouseState", user=address)
    return {row["position"]["coin"]: Decimal(row["position"]["szi"]) for row in state["assetPositions"]}


async def until(condition: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.01)


class World:
    """A venue, an account with money, and a runner."""

    def __init__(self, venue: RunningVenue, key: SigningKey, runner: Runner, folder: Path) -> None:
        self.venue, self.key, self.runner, self.folder = venue, key, runner, folder

    def bot(self, bot_id: str) -> dict[str, Any]:
        return self.runner.registry.find(bot_id).status().document()

    async def start(self, *bot_ids: str) -> None:
        """Start bots, and wait until they may trade."""
        await asyncio.gather(*(self.runner.registry.find(bot_id).start() for bot_id in bot_ids))
        await until(lambda: all(self.bot(bot_id)["is_live"] for bot_id in bot_ids))
        for bot_id in bot_ids:
            # The strategy hears that it may trade in its turn: after all that came before.
            run = self.runner.registry.run_of(bot_id)
            if run is not None and run._room is not None:
                await run._room.ask(Trader.open_orders, 0)

    def told(self, kind: str) -> list[dict[str, Any]]:
        """Return what was logged of a kind."""
        lines = (self.folder / "log.json").read_bytes().splitlines()
        return [line for line in map(orjson.loads, lines) if line.get("kind") == kind]

    @property
    def resting(self) -> list[dict[str, Any]]:
        orders: list[dict[str, Any]] = ask(self.venue, "frontendOpenOrders", user=self.key.address)
        return orders


@contextlib.asynccontextmanager
async def world(
    folder: Path,
    *bots: dict[str, Any],
    venue: RunningVenue | None = None,
    key: SigningKey | None = None,
    clock: Callable[[], int] = time.time_ns,
    settings: SessionSettings = SETTINGS,
    **tables: Any,
) -> AsyncIterator[World]:
    """Yield a runner with these bots, none of them started; ``clock`` and ``settings`` are the runner's."""
    key = key or SigningKey("0x" + secrets.token_hex(32))
    with contextlib.ExitStack() as stack:
        if venue is None:
            venue = stack.enter_context(running_venue(seed=3, symbols=3, local={"block_ms": 10}, limits=LIMITS))
        ask(venue, "clearinghouseState", user=key.address)  # the faucet pays who is asked about
        config = config_of(venue, folder, key, *bots, **tables)
        async with Runner(config, key, settings=settings, clock=clock) as runner:
            yield World(venue, key, runner, folder)
