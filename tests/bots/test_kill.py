"""The kill switch with bots that cannot do what they are told: by the exchange's word nothing rests and nothing is held."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade.venue.testing import running_venue
from tests.bots.world import LIMITS, World, strategy, until, venue_positions, world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

pytest.importorskip("picows", reason="needs the extra `live`")

D = Decimal

HOLDS = '''
import os, time
import algo_trade as at

class Holds(at.Strategy):
    """Buys, quotes, and is then led astray: once, whichever run it is."""

    size = at.param("0.01")
    then = at.param("nothing")
    marker = at.param("")

    def on_quote(self, ctx, quote):
        if not os.path.exists(self.marker) and not len(ctx.orders(quote.symbol)):
            ctx.buy(quote.symbol, self.size)
            ctx.buy(quote.symbol, "0.01", price=quote.bid_price * 9 // 10, time_in_force="alo")

    def on_fill(self, ctx, fill):
        if not os.path.exists(self.marker):
            open(self.marker, "w").close()
            ctx.set_timer(at.ms(300))

    def on_timer(self, ctx, now_ns):
        if self.then == "spins":
            while True:
                pass
        if self.then == "sleeps":
            time.sleep(60)
        while self.then == "naps":
            time.sleep(0.05)
        if self.then == "raises":
            raise ValueError("no idea")
'''


def bot(folder: Path, bot_id: str, then: str = "nothing", size: str = "0.01", **more: Any) -> dict[str, Any]:
    return {
        "bot_id": bot_id,
        "symbol": "BTC",
        "strategy": strategy(folder, "Holds", HOLDS),
        "params": {"then": then, "size": size, "marker": str(folder / f"{bot_id}.bought")},
        "mode": "live",
        "capital": 30_000,
        "deadline_s": 30,
        **more,
    }


def run(folder: Path, scenario: Callable[[World], Awaitable[None]], *bots: dict[str, Any]) -> None:
    async def main() -> None:
        async with world(folder, *bots) as it:
            await scenario(it)

    asyncio.run(asyncio.wait_for(main(), 90))


def venue_holds(it: World) -> Decimal:
    return venue_positions(it.venue, it.key.address).get("BTC", D(0))


def held(it: World, bot_id: str) -> Decimal:
    """Return what a bot holds by what it was told, whatever it is doing."""
    run = it.runner.registry.run_of(bot_id)
    if run is not None and it.bot(bot_id)["state"] in {"running", "paused"}:
        return run.position("BTC")
    parked = it.runner.gateway.parking(None).of(bot_id)
    assert parked is not None
    return parked.get("BTC", D(0))


async def stuck(it: World, bot_id: str) -> None:
    """Wait until a strategy hangs, or has failed."""
    run = it.runner.registry.run_of(bot_id)
    assert run is not None
    room = run._room
    assert room is not None
    await until(lambda: room.stuck_s > 0.2 or it.bot(bot_id)["state"] == "error")


@pytest.mark.parametrize("then", ["spins", "sleeps", "raises"])
def test_what_a_bot_holds_that_hangs_or_has_failed_is_closed_from_outside(tmp_path: Path, then: str) -> None:
    async def scenario(it: World) -> None:
        await it.start("bad")
        await until(lambda: venue_holds(it) == D("0.01"))
        await stuck(it, "bad")
        done = await asyncio.wait_for(it.runner.kill(flatten=True), 5)
        assert done["stuck"] == ([] if then == "raises" else ["bad"])
        await until(lambda: it.resting == [] and venue_holds(it) == 0, within_s=5)
        await until(lambda: it.bot("bad")["state"] == "error" and held(it, "bad") == 0)
        assert it.told("risk.not_flat") == []

    run(tmp_path, scenario, bot(tmp_path, "bad", then))


def test_its_own_share_is_closed_and_others_hold_what_they_held(tmp_path: Path) -> None:
    async def scenario(it: World) -> None:
        names = ("bad", "good", "rests")
        await it.start(*names)
        await until(lambda: venue_holds(it) == D("0.06"))
        await stuck(it, "bad")
        await it.runner.registry.find("rests").stop()
        assert not await it.runner.registry.find("bad").kill(flatten=True)
        await until(lambda: venue_holds(it) == D("0.05"), within_s=5)
        await until(lambda: held(it, "bad") == 0)
        assert [held(it, name) for name in ("good", "rests")] == [D("0.02"), D("0.03")]
        # Long enough for a difference to be looked at twice.
        await asyncio.sleep(5)
        assert it.told("reconcile.difference") == []
        await it.runner.kill(flatten=True)
        await until(lambda: venue_holds(it) == 0, within_s=5)
        await until(lambda: [held(it, name) for name in names] == [0, 0, 0])

    run(
        tmp_path,
        scenario,
        bot(tmp_path, "bad", "naps"),
        bot(tmp_path, "good", size="0.02"),
        bot(tmp_path, "rests", size="0.03"),
    )


def test_who_is_paused_or_killed_while_it_starts_opens_nothing(tmp_path: Path) -> None:
    async def scenario(it: World) -> None:
        handle = it.runner.registry.find("good")
        starting = asyncio.create_task(handle.start())
        await asyncio.sleep(0)
        assert (await handle.pause()).state == "paused"
        await starting
        await until(lambda: it.bot("good")["is_live"])
        await asyncio.sleep(1.0)
        assert (it.bot("good")["state"], it.resting, venue_holds(it)) == ("paused", [], D(0))
        await handle.stop()
        starting = asyncio.create_task(handle.start())
        await asyncio.sleep(0)
        await it.runner.kill(flatten=True)
        await asyncio.wait({starting})
        await asyncio.sleep(1.0)
        assert (it.bot("good")["state"], it.resting, venue_holds(it)) == ("stopped", [], D(0))

    run(tmp_path, scenario, bot(tmp_path, "good"))


@pytest.mark.parametrize("then", ["naps", "raises"])
@pytest.mark.parametrize("restarts", [False, True])
def test_a_bot_that_was_closed_from_outside_hears_of_it_once_when_it_comes_back(
    tmp_path: Path, then: str, restarts: bool
) -> None:
    async def comes_back(it: World) -> None:
        for _ in range(3):
            await it.start("bad")
            run = it.runner.registry.run_of("bad")
            assert run is not None
            await until(lambda: run.owned is not None and run.position("BTC") == 0)  # noqa: B023
            await asyncio.sleep(1.2)  # until it has said how it is
            status = it.bot("bad")
            assert status["positions"] == []
            assert D(status["pnl"]) < 0, "it has paid for both"
            pnls.add(status["pnl"])
            await it.runner.registry.find("bad").stop("keep")
        assert len(pnls) == 1
        assert venue_holds(it) == 0
        assert it.told("reconcile.difference") == []

    async def main() -> None:
        with running_venue(seed=3, symbols=3, local={"block_ms": 10}, limits=LIMITS) as venue:
            async with world(tmp_path, bot(tmp_path, "bad", then), venue=venue) as it:
                await it.start("bad")
                await until(lambda: venue_holds(it) == D("0.01"))
                await stuck(it, "bad")
                await it.runner.kill(flatten=True)
                await until(lambda: venue_holds(it) == held(it, "bad") == 0, within_s=5)
                if not restarts:
                    await comes_back(it)
            if restarts:
                async with world(tmp_path, bot(tmp_path, "bad", then), venue=venue, key=it.key) as again:
                    await comes_back(again)

    pnls: set[str] = set()
    asyncio.run(asyncio.wait_for(main(), 90))
