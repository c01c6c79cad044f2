"""The execution handler on the local venue, over real sockets: what a trading system asks for and what it hears of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

import algo_trade as at
from algo_trade.core import AsyncExecutionHandler
from algo_trade.errors import ParameterError
from algo_trade.hyperliquid import HyperliquidClient, HyperliquidConfig, LiveExecutionHandler
from algo_trade.hyperliquid.stream import AccountFill
from algo_trade.venue.testing import RunningVenue, running_venue
from tests.hyperliquid.desk import SETTINGS, Desk, desk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from algo_trade.core import Context

    Scenario = Callable[[Desk], Awaitable[None]]

pytest.importorskip("picows", reason="needs the extra `live`")

LIMITS = {"weight_a_minute": 1_000_000, "new_connections_a_minute": 10_000}


@pytest.fixture(scope="module")
def venue() -> Iterator[RunningVenue]:
    with running_venue(seed=3, symbols=2, local={"block_ms": 10}, limits=LIMITS) as running:
        yield running


@pytest.fixture(autouse=True)
def without_faults(venue: RunningVenue) -> Iterator[None]:
    yield
    venue.control(faults=[])


def run(venue: RunningVenue, folder: Path, scenario: Scenario, **more: Any) -> None:
    async def main() -> None:
        async with desk(venue, folder, **more) as at_work:
            await scenario(at_work)

    asyncio.run(main())


def buy(share: str, **more: Any) -> Callable[[Context], str]:
    """Return a wish to buy at a share of the price."""

    def wish(ctx: Context) -> str:
        price = more.pop("price", Decimal(int(ctx.price("BTC") * Decimal(share))))
        return ctx.buy("BTC", more.pop("quantity", "0.01"), price=price, **more)

    return wish


async def rests(self: Desk, cloid: str) -> bool:
    return cloid in {order["cloid"] for order in await self.client.info.open_orders()}


def test_an_order_rests_is_changed_and_cancelled_and_each_is_told_once(venue: RunningVenue, tmp_path: Path) -> None:
    async def scenario(self: Desk) -> None:
        cloid = self.do(buy("0.9", time_in_force="alo"))
        await self.until(lambda: self.statuses(cloid) == ["resting"])
        (order,) = await self.client.info.open_orders()
        price = order["limit_price"] - 1
        self.do(lambda ctx: ctx.modify(cloid, price=price, quantity="0.02"))
        await self.until(lambda: len(self.statuses(cloid)) == 2)
        (changed,) = await self.client.info.open_orders()
        assert (changed["limit_price"], changed["quantity"], changed["cloid"]) == (price, Decimal("0.02"), cloid)
        assert changed["oid"] > order["oid"]
        self.do(lambda ctx: ctx.cancel(cloid))
        await self.until(lambda: self.handler.orders() == [])
        assert self.statuses(cloid) == ["resting", "resting", "cancelled: requested"]
        assert await self.client.info.open_orders() == []

    run(venue, tmp_path, scenario)


def test_a_market_order_fills_and_its_end_comes_after_its_fills(venue: RunningVenue, tmp_path: Path) -> None:
    async def scenario(self: Desk) -> None:
        heard: list[str] = []
        self.strategy.on_fill = lambda _ctx, fill: heard.append(f"fill {fill.quantity}")
        self.strategy.on_order = lambda _ctx, update: heard.append(update.status)
        self.system = remade(self)
        cloid = self.do(lambda ctx: ctx.buy("BTC", "0.3"))
        await self.until(lambda: "filled" in heard)
        assert heard[-1] == "filled"
        fills = [fill for fill in await self.client.info.fills_by_time(start_ns=0) if fill["cloid"] == cloid]
        assert heard[:-1] == [f"fill {fill['quantity']}" for fill in fills]
        (row,) = (await self.client.info.clearinghouse_state())["positions"]
        assert row["position"]["size"] == self.system.position("BTC").quantity == Decimal("0.3")

    run(venue, tmp_path, scenario)


def remade(self: Desk) -> Any:
    """A system with the hooks of the strategy as they are now."""
    return Desk(self.handler, self.client, ["BTC"], self.strategy).system


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        (buy("1.02", time_in_force="alo"), "rejected: bad_alo_px"),
        (buy("0.9", time_in_force="ioc"), "rejected: ioc_cancel"),
        (buy("0.9", quantity="0.0001"), "rejected: min_notional"),
        (buy("0.9", quantity="100000"), "rejected: perp_margin"),
        (buy("0.9", reduce_only=True), "rejected: reduce_only"),
        (buy("0.9", time_in_force="fok"), "rejected: unsupported"),
        (lambda ctx: ctx.buy("BTC", "0.01", trail="10"), "rejected: unsupported"),
        (lambda ctx: ctx.buy("BTC", "1", twap_ns=600 * 10**9), "rejected: unsupported"),
        (lambda ctx: ctx.buy("BTC", "0.01", parent="0x" + "5" * 32), "rejected: unsupported"),
    ],
)
def test_what_is_refused_is_told_in_the_system_s_words(
    wish: Callable[[Context], str], status: str, venue: RunningVenue, tmp_path: Path
) -> None:
    async def scenario(self: Desk) -> None:
        cloid = self.do(wish)
        await self.until(lambda: self.statuses(cloid))
        assert self.statuses(cloid) == [status]
        assert self.handler.orders() == []

    run(venue, tmp_path, scenario)


def test_an_immediate_order_that_fills_in_part_ends_as_in_the_simulation(venue: RunningVenue, tmp_path: Path) -> None:
    async def scenario(self: Desk) -> None:
        # The market moves: sometimes the touch is gone when the order comes.
        for _ in range(20):
            book = await self.client.info.book("BTC")
            assert book is not None
            touch = book["levels"][1][0]
            quantity = touch["quantity"] + 1
            cloid = self.do(buy("1", price=touch["price"], quantity=quantity, time_in_force="ioc"))
            await self.until(partial(self.statuses, cloid))
            filled = sum(fill.quantity for fill in self.fills_of(cloid))
            if 0 < filled < quantity:
                break
        assert 0 < filled < quantity
        assert self.statuses(cloid) == ["cancelled: ioc_cancel"]
        assert self.system.position("BTC").quantity == sum(fill.quantity for fill in self.strategy.fills)

    run(venue, tmp_path, scenario)


def test_a_stop_waits_and_a_bracket_leaves_as_one_action(venue: RunningVenue, tmp_path: Path) -> None:
    async def scenario(self: Desk) -> None:
        price = self.prices["BTC"][0]
        low, high = (Decimal(int(price * Decimal(share))) for share in ("0.5", "1.5"))
        stop = self.do(lambda ctx: ctx.sell("BTC", "0.01", stop=low))
        await self.until(lambda: self.statuses(stop) == ["waiting"])
        family: list[str] = []

        def bracket(ctx: Context) -> None:
            family.append(ctx.buy("BTC", "0.01", price=Decimal(int(price * Decimal("0.8")))))
            family.append(ctx.sell("BTC", "0.01", parent=family[0], reduce_only=True, stop=low))
            family.append(ctx.sell("BTC", "0.01", parent=family[0], reduce_only=True, take_profit=high))

        self.do(bracket)
        await self.until(lambda: all(self.statuses(cloid) for cloid in family))
        assert [self.statuses(cloid)[0] for cloid in family] == ["resting", "waiting", "waiting"]
        self.do(lambda ctx: ctx.cancel(family[0]), lambda ctx: ctx.cancel(stop))
        await self.until(lambda: self.handler.orders() == [])
        assert self.statuses(family[0])[-1] == "cancelled: requested"
        assert {self.statuses(cloid)[-1].split(":")[0] for cloid in family[1:]} == {"cancelled"}

    run(venue, tmp_path, scenario)


@pytest.mark.parametrize(
    ("fault", "end"),
    [
        ({"at": "answer", "effect": "drop"}, "resting"),
        ({"at": "answer", "effect": "cut"}, "resting"),
        ({"at": "answer", "effect": "status", "status": 502, "body": "bad gateway"}, "resting"),
        ({"at": "request", "effect": "drop"}, "rejected: gateway"),
        ({"at": "request", "effect": "status", "status": 429, "body": "null"}, "resting"),
    ],
)
def test_trap_11_an_order_without_an_answer_is_placed_once_or_ends(
    fault: dict[str, Any], end: str, venue: RunningVenue, tmp_path: Path
) -> None:
    async def scenario(self: Desk) -> None:
        venue.control(faults=[fault | {"match": "order", "count": 1}])
        cloid = self.do(buy("0.9"))
        await self.until(lambda: self.statuses(cloid))
        assert self.statuses(cloid) == [end]
        rows = [order["cloid"] for order in await self.client.info.open_orders()]
        assert rows == ([cloid] if end == "resting" else [])

    run(venue, tmp_path, scenario, timeout_s=1.0, expires_after_ms=1_500, settle_margin_ms=200)


@pytest.mark.parametrize("at_", ["answer", "request"])
@pytest.mark.parametrize("match", ["cancelByCloid", "batchModify"])
def test_a_change_or_cancel_whose_answer_is_lost_ends_in_the_truth(
    match: str, at_: str, venue: RunningVenue, tmp_path: Path
) -> None:
    async def scenario(self: Desk) -> None:
        cloid = self.do(buy("0.9"))
        await self.until(lambda: self.statuses(cloid) == ["resting"])
        (order,) = await self.client.info.open_orders()
        price = order["limit_price"] - 1
        venue.control(faults=[{"at": at_, "match": match, "count": 1, "effect": "drop"}])
        if match == "cancelByCloid":
            self.do(lambda ctx: ctx.cancel(cloid))
            await self.until(lambda: self.handler.orders() == [])
            assert self.statuses(cloid) == ["resting", "cancelled: requested"]
            assert not await rests(self, cloid)
            return
        self.do(lambda ctx: ctx.modify(cloid, price=price))
        await self.until(lambda: len(self.statuses(cloid)) == 2)
        (now,) = await self.client.info.open_orders()
        has_changed = at_ == "answer"
        assert self.statuses(cloid)[-1] == ("resting" if has_changed else "action_rejected: not_found")
        assert now["limit_price"] == (price if has_changed else order["limit_price"])
        (kept,) = self.handler.orders()
        assert (kept.oid, kept.state, kept.quantity) == (now["oid"], "resting", Decimal("0.01"))

    run(venue, tmp_path, scenario, timeout_s=1.0, expires_after_ms=1_500, settle_margin_ms=200)


def test_an_order_is_cancelled_though_its_own_answer_is_late(venue: RunningVenue, tmp_path: Path) -> None:
    async def scenario(self: Desk) -> None:
        venue.control(faults=[{"at": "answer", "match": "order", "count": 1, "effect": "delay", "ms": 2_000}])
        cloid = self.do(buy("0.9"))
        self.do(lambda ctx: ctx.cancel(cloid))
        await self.until(lambda: self.handler.orders() == [])
        assert self.statuses(cloid)[-1] == "cancelled: requested"
        assert not await rests(self, cloid)

    run(venue, tmp_path, scenario, timeout_s=0.5)


def test_fills_of_a_gap_come_once_and_before_the_end(venue: RunningVenue, tmp_path: Path) -> None:
    async def scenario(self: Desk) -> None:
        venue.control("freeze_connections")
        cloids = [self.do(lambda ctx: ctx.buy("BTC", "0.05")) for _ in range(5)]
        await self.until(lambda: all(self.statuses(cloid)[-1:] == ["filled"] for cloid in cloids))
        counts = Counter((fill.cloid, fill.trade_id) for fill in self.strategy.fills)
        assert set(counts.values()) == {1}
        assert sum(fill.quantity for fill in self.strategy.fills) == Decimal("0.25")
        await self.until(lambda: len(self.changes) == 3)
        assert [change.is_live for change in self.changes] == [True, False, True]
        assert all(change.symbol == "" for change in self.changes)

    run(venue, tmp_path, scenario)


def test_a_fill_that_no_stream_tells_of_is_asked_for(venue: RunningVenue, tmp_path: Path) -> None:
    async def scenario(self: Desk) -> None:
        venue.control(faults=[{"at": "push", "match": "userFills", "count": 3, "effect": "drop"}])
        cloid = self.do(lambda ctx: ctx.buy("BTC", "0.05"))
        await self.until(lambda: self.statuses(cloid))
        assert self.statuses(cloid) == ["filled"]
        assert sum(fill.quantity for fill in self.fills_of(cloid)) == Decimal("0.05")

    run(venue, tmp_path, scenario, settings=replace(SETTINGS, audit_every_s=3_600))


def test_money_of_the_system_is_the_venue_s_after_trades_and_funding(tmp_path: Path) -> None:
    async def scenario(self: Desk) -> None:
        for wish in (lambda ctx: ctx.buy("BTC", "0.2"), lambda ctx: ctx.sell("BTC", "0.1")):
            cloid = self.do(wish)
            await self.until(partial(self.has_ended, cloid))
        await self.until(lambda: self.payments)
        fills = await self.client.info.fills_by_time(start_ns=0)
        gross = sum(fill["closed_pnl"] - fill["fee"] for fill in fills)
        paid = sum(payment.amount for payment in self.payments)
        assert abs(self.system.cash - (1_000_000 + gross - paid)) < Decimal("0.001")
        assert {payment.symbol for payment in self.payments} == {"BTC"}
        (row,) = (await self.client.info.clearinghouse_state())["positions"]
        assert row["position"]["size"] == self.system.position("BTC").quantity == Decimal("0.1")

    # An hour of the venue goes by in six seconds; its clock runs away from ours, so that orders carry no expiry.
    with running_venue(seed=3, symbols=1, local={"block_ms": 1_000}, limits=LIMITS, speed=600) as venue:
        run(venue, tmp_path, scenario, expires_after_ms=None)


def test_what_is_none_of_ours_goes_to_whoever_takes_notice(venue: RunningVenue, tmp_path: Path) -> None:
    noticed: list[Any] = []

    async def scenario(self: Desk) -> None:
        order = at.hyperliquid.NewOrder(
            coin="BTC",
            is_buy=True,
            price=Decimal(int(self.prices["BTC"][0] * Decimal("1.02"))),
            quantity=Decimal("0.01"),
            time_in_force="ioc",
        )
        await self.client.exchange.place(order)
        await self.until(lambda: any(isinstance(event, AccountFill) for event in noticed))
        assert self.strategy.fills == []

    run(venue, tmp_path, scenario, notice=noticed.append)


def test_a_liquidation_reaches_the_system_as_a_fill_of_nobody_s_order(venue: RunningVenue, tmp_path: Path) -> None:
    async def scenario(self: Desk) -> None:
        user = self.client.config.trader or ""
        data = {"direction": "Close Long", "liquidation": {"liquidated_user": user}}
        self.handler._hear(
            AccountFill(
                user, "BTC", "BTC", 7, None, 1, "sell", Decimal(10), Decimal(2), Decimal(1), "USDC", True, 5, data
            )
        )
        await self.until(lambda: self.system.position("BTC").quantity == -2)
        assert self.system.cash == 1_000_000 - 1

    run(venue, tmp_path, scenario)


def test_an_order_that_has_expired_is_not_sent(venue: RunningVenue, tmp_path: Path) -> None:
    async def scenario(self: Desk) -> None:
        cloid = self.do(buy("0.9", expires_after_ns=self.now_ns() - 10**9))
        await self.until(lambda: self.statuses(cloid))
        assert self.statuses(cloid) == ["rejected: gateway"]
        assert await self.client.info.open_orders() == []

    run(venue, tmp_path, scenario)


def test_leaving_waits_for_the_answers_that_are_under_way(venue: RunningVenue, tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(venue, tmp_path) as self:
            # The answer alone tells of the order.
            late = {"at": "answer", "match": "order", "count": 1, "effect": "delay", "ms": 400}
            venue.control(faults=[late, {"at": "push", "match": "orderUpdates", "effect": "drop"}])
            self.do(buy("0.9"))
            await asyncio.sleep(0.01)
        (order,) = self.handler.orders()
        assert (order.state, order.oid is not None) == ("resting", True)

    asyncio.run(main())


def test_outside_of_its_time_it_carries_nothing_out(venue: RunningVenue, tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(venue, tmp_path) as self:
            pass
        with pytest.raises(ParameterError, match="inside `async with` only"):
            self.do(buy("0.9"))

    asyncio.run(main())


def test_orders_that_ended_are_forgotten_in_time(
    venue: RunningVenue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("algo_trade.hyperliquid.execution.ENDED_MAX", 3)

    async def scenario(self: Desk) -> None:
        cloids = [self.do(buy("0.9", time_in_force="fok")) for _ in range(5)]
        assert [self.handler._orders.get(cloid) is None for cloid in cloids] == [True, True, False, False, False]

    run(venue, tmp_path, scenario)


def test_it_says_what_it_cannot_trade(venue: RunningVenue, tmp_path: Path) -> None:
    async def main() -> None:
        config = HyperliquidConfig(api_url=venue.url, ws_url=venue.ws_url, state_dir=tmp_path)
        with pytest.raises(ParameterError, match="account_address"):
            LiveExecutionHandler(HyperliquidClient(config), {"BTC": "BTC"})

    asyncio.run(main())

    async def scenario(self: Desk) -> None:
        assert isinstance(self.handler, AsyncExecutionHandler)
        spot = next(each.coin for each in self.client.instruments.all() if each.kind == "spot")
        for coin, text in ((spot, "spot pair"), ("NOPE", "lists no such instrument")):
            with pytest.raises(ParameterError, match=text):
                async with LiveExecutionHandler(self.client, {coin: coin}):
                    pass

    run(venue, tmp_path, scenario)
