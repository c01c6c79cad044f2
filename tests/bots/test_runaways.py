"""Strategies that ran away are stopped by each limit, whether it is a bot's own or one over all: by the exchange's word."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade.storage import DatabaseClient
from algo_trade.venue.testing import running_venue
from tests.bots.world import LIMITS, World, ask, strategy, until, venue_positions, world

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("picows", reason="needs the extra `live`")

D = Decimal

FLOODS = '''
import algo_trade as at

class Runaway(at.Strategy):
    """Sends ten orders every twenty milliseconds, far from the price."""

    def on_start(self, ctx):
        ctx.set_timer(at.ms(20))

    def on_timer(self, ctx, now_ns):
        book = ctx.book("BTC")
        if book.best_bid is not None:
            for _ in range(10):
                ctx.buy("BTC", "0.001", price=book.best_bid - 500 * book.tick_size, time_in_force="alo")
'''
BLUNDERS = '''
import algo_trade as at

class Runaway(at.Strategy):
    """Sends one good order, and then one of a size or at a price that somebody typed wrongly, again and again."""

    price_factor = at.param(1.0)
    size = at.param("0.01")

    def on_start(self, ctx):
        self.is_wrong = False
        ctx.set_timer(at.ms(50))

    def on_timer(self, ctx, now_ns):
        book = ctx.book("BTC")
        if book.best_bid is None:
            return
        good = book.best_bid - 20 * book.tick_size
        if not self.is_wrong:
            ctx.buy("BTC", "0.01", price=good)
            self.is_wrong = True
        else:
            ctx.buy("BTC", self.size, price=round(float(good) * self.price_factor))
'''
DOUBLES = '''
import algo_trade as at

class Runaway(at.Strategy):
    """Doubles its position, as long as it is let."""

    def on_start(self, ctx):
        ctx.set_timer(at.ms(50))

    def on_timer(self, ctx, now_ns):
        if ctx.book("BTC").best_bid is not None and not ctx.orders("BTC").open:
            held = ctx.position("BTC").quantity
            ctx.buy("BTC", held if held else "0.01")
'''
CHURNS = '''
import algo_trade as at

class Runaway(at.Strategy):
    """Pays the spread and the fees for nothing."""

    def on_start(self, ctx):
        ctx.set_timer(at.ms(20))

    def on_timer(self, ctx, now_ns):
        if ctx.book("BTC").best_bid is not None and not ctx.orders("BTC").open:
            (ctx.sell if ctx.position("BTC").is_long else ctx.buy)("BTC", "0.1")
'''


@dataclass(frozen=True)
class Runaway:
    """A strategy, and the limit that stops it."""

    source: str
    limits: dict[str, Any]
    params: dict[str, Any]


FLOOD = Runaway(FLOODS, {"max_orders_per_second": 5}, {})
SIZE = Runaway(BLUNDERS, {"max_order_notional": 2_000}, {"size": "1"})
PRICE = Runaway(BLUNDERS, {"max_price_distance": 0.05}, {"price_factor": 1.5})
DOUBLING = Runaway(DOUBLES, {"max_position_notional": 8_000}, {})
LEVERAGE = Runaway(DOUBLES, {"max_leverage": 0.25}, {})
LOSS = Runaway(CHURNS, {"max_daily_loss": 30}, {})
DRAWDOWN = Runaway(CHURNS, {"max_drawdown": 0.001}, {})


async def scenario_of(folder: Path, runaway: Runaway, scope: str, scenario: Any) -> None:
    bot = {
        "bot_id": "wild",
        "symbol": "BTC",
        "strategy": strategy(folder, "Runaway", runaway.source),
        "params": runaway.params,
        "mode": "live",
        "capital": 30_000,
        "warm_up": 0,
    }
    tables: dict[str, Any] = {}
    if scope == "its own":
        bot["risk"] = runaway.limits
    else:
        tables["risk"] = runaway.limits
    async with world(folder, bot, **tables) as it:
        await scenario(it)


def run(folder: Path, runaway: Runaway, scope: str, scenario: Any) -> None:
    asyncio.run(asyncio.wait_for(scenario_of(folder, runaway, scope, scenario), 60))


def orders(it: World) -> list[dict[str, Any]]:
    """Return all orders that ever reached the exchange."""
    told: list[dict[str, Any]] = ask(it.venue, "historicalOrders", user=it.key.address)
    return [row["order"] for row in told]


def refused(it: World, limit: str) -> list[dict[str, Any]]:
    return [line for line in it.told("risk.refused") if limit in line["event"]]


scopes = pytest.mark.parametrize("scope", ["its own", "over all"])


@scopes
def test_a_flood_of_orders_is_held_to_the_pace(tmp_path: Path, scope: str) -> None:
    async def scenario(it: World) -> None:
        await it.start("wild")
        await until(lambda: orders(it))
        await asyncio.sleep(3)
        times = sorted(row["timestamp"] for row in orders(it))
        assert refused(it, "max_orders_per_second = 5")
        # One second's worth at once, and so many in each second after that; what left together may arrive a little closer.
        assert 10 <= len(times) <= 5 + 5 * (times[-1] - times[0] + 500) / 1_000

    run(tmp_path, FLOOD, scope, scenario)


@scopes
@pytest.mark.parametrize(
    ("runaway", "limit"),
    [(SIZE, "max_order_notional = 2000"), (PRICE, "max_price_distance = 0.05")],
    ids=["size", "price"],
)
def test_an_order_of_a_wrong_size_or_price_never_leaves(
    tmp_path: Path, runaway: Runaway, limit: str, scope: str
) -> None:
    async def scenario(it: World) -> None:
        await it.start("wild")
        await until(lambda: refused(it, limit))
        await until(lambda: orders(it))
        await asyncio.sleep(0.5)
        assert [row["origSz"] for row in orders(it)] == ["0.01"], "the good one alone"
        assert it.bot("wild")["state"] == "running"

    run(tmp_path, runaway, scope, scenario)


@scopes
@pytest.mark.parametrize(
    ("runaway", "limit", "most"),
    [(DOUBLING, "max_position_notional = 8000", 8_000), (LEVERAGE, "max_leverage = 0.25", 25_000)],
    ids=["position", "leverage"],
)
def test_who_doubles_is_stopped_before_the_limit_and_not_after(
    tmp_path: Path, runaway: Runaway, limit: str, most: int, scope: str
) -> None:
    async def scenario(it: World) -> None:
        await it.start("wild")
        await until(lambda: refused(it, limit))
        await asyncio.sleep(0.5)
        held = venue_positions(it.venue, it.key.address)["BTC"]
        mark = D(ask(it.venue, "allMids")["BTC"])
        assert D("0.02") <= held
        assert held * mark <= most * D("1.01")
        assert 2 * held * mark > most / 4, "the next one was refused, not the first"

    run(tmp_path, runaway, scope, scenario)


@scopes
@pytest.mark.parametrize(
    ("runaway", "limit"), [(LOSS, "max_daily_loss = 30"), (DRAWDOWN, "max_drawdown = 0.001")], ids=["day", "drawdown"]
)
def test_who_has_lost_enough_trades_no_more_however_often_it_is_begun_again(
    tmp_path: Path, runaway: Runaway, limit: str, scope: str
) -> None:
    async def scenario(it: World) -> None:
        await it.start("wild")
        await until(lambda: any(limit in line["event"] for line in it.told("risk.halt")))
        await until(lambda: it.bot("wild")["state"] in {"error", "paused"})
        await asyncio.sleep(0.5)
        fills = ask(it.venue, "userFills", user=it.key.address)
        lost = sum((D(row["fee"]) - D(row["closedPnl"]) for row in fills), D(0))
        assert D(20) < lost < D(60), "at most what was on its way goes beyond it"
        handle = it.runner.registry.find("wild")
        await (handle.start() if it.bot("wild")["state"] == "error" else handle.resume())
        await asyncio.sleep(2)
        assert len(ask(it.venue, "userFills", user=it.key.address)) == len(fills)
        assert it.bot("wild")["state"] in {"error", "paused"}

    run(tmp_path, runaway, scope, scenario)


def test_what_all_lost_together_is_not_forgiven_by_a_restart_but_by_the_next_day(tmp_path: Path) -> None:
    bot = {
        "bot_id": "wild",
        "symbol": "BTC",
        "strategy": strategy(tmp_path, "Runaway", CHURNS),
        "mode": "paper",
        "capital": 30_000,
        "warm_up": 0,
    }
    risk = {"max_daily_loss": 60}

    def lost(it: World) -> Decimal:
        return -D(it.bot("wild")["pnl"])

    async def a_day_passes() -> None:
        async with DatabaseClient(f"sqlite:///{tmp_path / 'state.db'}") as store:
            kept = await store.value("portfolio:paper", "loss")
            assert kept is not None
            await store.put_value("portfolio:paper", "loss", {**kept, "day": kept["day"] - 1})

    async def main() -> None:
        with running_venue(seed=3, symbols=3, local={"block_ms": 10}, limits=LIMITS) as venue:
            async with world(tmp_path, bot, venue=venue, risk=risk) as it:
                await it.start("wild")
                await until(lambda: lost(it) > 20)
                assert it.told("risk.halt") == []
            async with world(tmp_path, bot, venue=venue, risk=risk) as it:
                await it.start("wild")
                await until(lambda: it.told("risk.halt"))
                await until(lambda: it.bot("wild")["state"] == "paused")
                await asyncio.sleep(1.2)  # until it has said how it is
                assert D(60) <= lost(it) < D(90)
                before = lost(it)
            await a_day_passes()
            async with world(tmp_path, bot, venue=venue, risk=risk) as it:
                await it.start("wild")
                await until(lambda: lost(it) > before + 20)

    asyncio.run(asyncio.wait_for(main(), 90))
