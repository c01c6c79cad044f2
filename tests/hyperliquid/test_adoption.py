"""Orders from before a restart: what became of them is found out, and told once, however it came about."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade._native import SigningKey
from algo_trade.hyperliquid import HyperliquidClient, HyperliquidConfig, LiveExecutionHandler
from algo_trade.hyperliquid.exchange import NewOrder
from algo_trade.hyperliquid.settings import LimitSettings
from algo_trade.hyperliquid.stream.fills import FillLog
from algo_trade.venue.testing import running_venue
from tests.hyperliquid.desk import SETTINGS, Desk, Script

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from algo_trade.core import Context
    from algo_trade.venue.testing import RunningVenue

pytest.importorskip("picows", reason="needs the extra `live`")

LIMITS = {"weight_a_minute": 1_000_000, "new_connections_a_minute": 10_000}
TICK = 1


def client_of(venue: RunningVenue, folder: Path, **more: Any) -> HyperliquidClient:
    key = SigningKey("0x" + secrets.token_hex(32))
    settings = {
        "api_url": venue.url,
        "ws_url": venue.ws_url,
        "account_address": key.address,
        "state_dir": folder,
        "limits": LimitSettings(ip_weight_per_minute=1_000_000),
        "expires_after_ms": 1_000,
        "settle_margin_ms": 500,
    }
    return HyperliquidClient(HyperliquidConfig(**{**settings, **more}), key)


@asynccontextmanager
async def at_work(handler: LiveExecutionHandler, desk: Desk) -> AsyncIterator[None]:
    """Let a desk work with a handler, and listen to it."""
    async with handler:
        desk.handler = handler
        listening = asyncio.create_task(desk.listen())
        try:
            await desk.until(lambda: handler.is_live)
            await desk.look()
            yield
        finally:
            listening.cancel()


def run_over_a_restart(
    folder: Path,
    before: Callable[[Desk], Awaitable[Any]],
    away: Callable[[Desk, HyperliquidClient, Any], Awaitable[None]],
    after: Callable[[Desk, Any], Awaitable[None]],
) -> None:
    """Trade, end, let something happen meanwhile, and begin again with the orders that were open then."""

    async def main() -> None:
        with running_venue(seed=3, symbols=2, local={"block_ms": 10}, limits=LIMITS) as venue:
            async with client_of(venue, folder) as client, client_of(venue, folder) as other:
                for each in (client, other):
                    await each.info.clearinghouse_state()
                handler = LiveExecutionHandler(client, {"BTC": "BTC"}, settings=SETTINGS)
                desk = Desk(handler, client, ["BTC"], Script())
                async with at_work(handler, desk):
                    placed = await before(desk)
                began_ns = desk.now_ns()
                await away(desk, other, placed)
                again = LiveExecutionHandler(
                    client, {"BTC": "BTC"}, settings=SETTINGS, fills=FillLog(began_ns - 60_000_000_000)
                )
                async with at_work(again, desk):
                    for order in desk.system.orders():
                        again.adopt(order, desk.fills_of(order.cloid))
                    await after(desk, placed)
                    assert await holds(client) == desk.system.position("BTC").quantity
                    keys = [(fill.cloid, fill.trade_id) for fill in desk.strategy.fills]
                    assert len(keys) == len(set(keys)), "no fill is told twice"

    asyncio.run(asyncio.wait_for(main(), 60))


def best_bid_above(desk: Desk, size: str) -> Callable[[Context], str]:
    """Return a wish to be the first to buy."""
    bid, ask = desk.prices["BTC"]
    price = min(bid + TICK, ask - TICK)
    return lambda ctx: ctx.buy("BTC", size, price=price, time_in_force="gtc")


async def holds(client: HyperliquidClient) -> Decimal:
    """Return what an account holds, by the exchange's word."""
    state = await client.info.clearinghouse_state()
    return sum((each["position"]["size"] for each in state["positions"]), Decimal(0))


async def sell(other: HyperliquidClient, quantity: str) -> Decimal:
    """Sell at the market; return what was sold."""
    order = NewOrder(coin="BTC", is_buy=False, price=Decimal(80_000), quantity=Decimal(quantity), time_in_force="ioc")
    await other.exchange.place(order)
    return -await holds(other)


def test_an_order_that_still_rests_is_ours_again_and_can_be_cancelled(tmp_path: Path) -> None:
    async def before(desk: Desk) -> str:
        cloid = str(desk.do(lambda ctx: ctx.buy("BTC", "0.01", price=80_000, time_in_force="alo")))
        await desk.until(lambda: desk.statuses(cloid) == ["resting"])
        return cloid

    async def away(*_: Any) -> None: ...

    async def after(desk: Desk, cloid: str) -> None:
        await desk.until(lambda: desk.statuses(cloid) == ["resting", "resting"])
        assert [order.state for order in desk.handler.orders()] == ["resting"]
        desk.do(lambda ctx: ctx.cancel(cloid))
        await desk.until(lambda: desk.has_ended(cloid))
        assert desk.statuses(cloid)[-1] == "cancelled: requested"
        assert await desk.client.info.open_orders() == []

    run_over_a_restart(tmp_path, before, away, after)


def test_what_was_filled_meanwhile_is_told_and_what_was_told_before_is_not(tmp_path: Path) -> None:
    async def before(desk: Desk) -> str:
        cloid = str(desk.do(best_bid_above(desk, "0.5")))
        await desk.until(lambda: "resting" in desk.statuses(cloid))
        return cloid

    async def away(_desk: Desk, other: HyperliquidClient, _cloid: str) -> None:
        assert await sell(other, "0.2") == Decimal("0.2")

    async def after(desk: Desk, cloid: str) -> None:
        await desk.until(lambda: desk.system.position("BTC").quantity >= Decimal("0.2"))
        desk.do(lambda ctx: ctx.cancel(cloid))
        await desk.until(lambda: desk.has_ended(cloid))

    run_over_a_restart(tmp_path, before, away, after)


def test_an_order_that_was_cancelled_or_filled_meanwhile_ends(tmp_path: Path) -> None:
    async def before(desk: Desk) -> list[str]:
        cloids = [
            str(desk.do(lambda ctx: ctx.buy("BTC", "0.01", price=80_000, time_in_force="alo"))),
            str(desk.do(best_bid_above(desk, "0.02"))),
        ]
        await desk.until(lambda: all("resting" in desk.statuses(cloid) for cloid in cloids))
        return cloids

    async def away(desk: Desk, other: HyperliquidClient, cloids: list[str]) -> None:
        await desk.client.exchange.cancel("BTC", cloids[0])
        await sell(other, "0.05")

    async def after(desk: Desk, cloids: list[str]) -> None:
        await desk.until(lambda: all(desk.has_ended(cloid) for cloid in cloids))
        assert desk.statuses(cloids[0])[-1] == "cancelled: requested"
        assert desk.statuses(cloids[1])[-1] == "filled"
        assert sum(fill.quantity for fill in desk.fills_of(cloids[1])) == Decimal("0.02")
        assert desk.handler.orders() == []

    run_over_a_restart(tmp_path, before, away, after)


def test_an_order_that_never_left_is_rejected_once_it_can_not_arrive_any_more(tmp_path: Path) -> None:
    async def before(desk: Desk) -> str:
        # The system has asked for it, and nobody has carried it out.
        sent, desk.carry_out = desk.carry_out, lambda _commands: None  # type: ignore[method-assign, assignment]
        cloid = str(desk.do(lambda ctx: ctx.buy("BTC", "0.01", price=80_000, time_in_force="alo")))
        desk.carry_out = sent  # type: ignore[method-assign]
        return cloid

    async def away(*_: Any) -> None: ...

    async def after(desk: Desk, cloid: str) -> None:
        await desk.until(lambda: desk.statuses(cloid))
        assert desk.statuses(cloid) == ["rejected: gateway"]
        assert desk.handler.orders() == []
        assert await desk.client.info.open_orders() == []

    run_over_a_restart(tmp_path, before, away, after)


def test_an_order_at_the_market_that_was_filled_while_nobody_knew_a_price_is_told(tmp_path: Path) -> None:
    async def before(desk: Desk) -> str:
        # It leaves, and nothing of it comes back.
        listening, desk.handler._listener = desk.handler._listener, lambda _report: None
        cloid = str(desk.do(lambda ctx: ctx.buy("BTC", "0.0002")))
        async with asyncio.timeout(20):
            while not await holds(desk.client):
                await asyncio.sleep(0.01)
        desk.handler._listener = listening
        return cloid

    async def away(*_: Any) -> None: ...

    async def after(desk: Desk, cloid: str) -> None:
        await desk.until(lambda: desk.has_ended(cloid))
        assert desk.statuses(cloid) == ["filled"]
        assert sum(fill.quantity for fill in desk.fills_of(cloid)) == Decimal("0.0002")

    run_over_a_restart(tmp_path, before, away, after)
