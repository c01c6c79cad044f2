"""Bots on a local venue: on paper and live, started, paused, stopped, killed; what is left of them at the exchange."""

from __future__ import annotations

import asyncio
import gc
import re
import weakref
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade._native import Journal
from algo_trade.bots import BotState
from algo_trade.errors import BotError, BotExistsError, BotRunsError, ParameterError, UnknownBotError
from tests.bots.world import PULSE, World, ask, rests, strategy, until, venue_positions, world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

pytest.importorskip("picows", reason="needs the extra `live`")


def run(folder: Path, scenario: Callable[[World], Awaitable[None]], *bots: dict[str, Any], **tables: Any) -> None:
    async def main() -> None:
        async with world(folder, *bots, **tables) as it:
            await scenario(it)

    asyncio.run(asyncio.wait_for(main(), 90))


def pulse(folder: Path, bot_id: str = "pulse", **more: Any) -> dict[str, Any]:
    return {
        "bot_id": bot_id,
        "symbols": ["BTC", "ETH"],
        "strategy": strategy(folder, "Pulse"),
        "capital": 50_000,
        **more,
    }


def held(it: World, *bot_ids: str) -> dict[str, Decimal]:
    """Return what bots hold together, without what is flat."""
    sums: dict[str, Decimal] = {}
    for bot_id in bot_ids:
        for position in it.bot(bot_id)["positions"]:
            sums[position["symbol"]] = sums.get(position["symbol"], Decimal(0)) + Decimal(position["quantity"])
    return {symbol: quantity for symbol, quantity in sums.items() if quantity}


def trades(it: World, bot_id: str) -> Callable[[], bool]:
    return lambda: it.bot(bot_id)["positions"] != [] and it.bot(bot_id)["open_orders"] > 0


@pytest.mark.parametrize("mode", ["paper", "live"])
def test_a_bot_trades_and_leaves_nothing_resting_when_it_stops(tmp_path: Path, mode: str) -> None:
    async def scenario(it: World) -> None:
        await it.start("pulse")
        await until(trades(it, "pulse"))
        status = await it.runner.registry.find("pulse").stop()
        assert (status.state, status.error) == (BotState.STOPPED, None)
        assert it.resting == []
        if mode == "paper":
            assert venue_positions(it.venue, it.key.address) == {}, "on paper nothing reaches the venue"

    run(tmp_path, scenario, pulse(tmp_path, mode=mode))


@pytest.mark.parametrize("mode", ["live", "paper"])
def test_what_a_bot_had_is_gone_with_its_stop_and_does_not_wait_for_the_garbage_collector(
    tmp_path: Path, mode: str
) -> None:
    # What lives by the time that a runner has settled is never looked at again: in a cycle it would stay for ever.
    async def scenario(it: World) -> None:
        actor = it.runner.registry.find("pulse")
        await actor.start()
        await until(trades(it, "pulse"))
        goes_on = it.runner.registry.run_of("pulse")
        assert goes_on is not None
        gone = weakref.ref(goes_on)
        del goes_on
        gc.disable()
        try:
            await actor.stop()
            await asyncio.sleep(0.1)
            assert gone() is None
        finally:
            gc.enable()

    run(tmp_path, scenario, pulse(tmp_path, mode=mode))


def test_bots_on_one_account_hold_together_what_the_venue_says_and_each_its_own(tmp_path: Path) -> None:
    async def scenario(it: World) -> None:
        names = ("a", "b", "c")
        await it.start(*names)
        await until(lambda: all(trades(it, name)() for name in names))
        for name in names:
            await it.runner.command(name, "pause")
        await until(lambda: it.resting == [])
        await until(lambda: held(it, *names) == venue_positions(it.venue, it.key.address), within_s=10)
        assert it.told("reconcile.difference") == []

    run(tmp_path, scenario, *(pulse(tmp_path, name, mode="live") for name in ("a", "b", "c")))


def test_whose_an_order_was_is_forgotten_some_time_after_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(it: World) -> None:
        await it.start("pulse")
        await until(lambda: len(ask(it.venue, "historicalOrders", user=it.key.address)) > 60)
        (desk,) = it.runner.gateway.accounts()
        assert len(desk._owners) < 40, "those that live, and the last ten"
        await it.runner.command("pulse", "pause")
        await until(lambda: it.resting == [])
        await until(lambda: held(it, "pulse") == venue_positions(it.venue, it.key.address), within_s=10)

    # Ten thousand of them would take a test too long.
    monkeypatch.setattr("algo_trade.bots.accounts.ENDED_MAX", 10)
    run(tmp_path, scenario, pulse(tmp_path, mode="live", params={"every_ms": 20}))


def test_a_pause_cancels_and_opens_nothing_and_a_resume_trades_again(tmp_path: Path) -> None:
    async def scenario(it: World) -> None:
        await it.start("pulse")
        await until(trades(it, "pulse"))
        handle = it.runner.registry.find("pulse")
        assert (await handle.pause()).state is BotState.PAUSED
        assert (await handle.pause()).state is BotState.PAUSED, "a pause of what is paused changes nothing"
        await until(lambda: it.resting == [])
        await asyncio.sleep(1.2)  # until it has said how it is
        before = held(it, "pulse")
        await asyncio.sleep(1.2)
        assert (held(it, "pulse"), it.resting) == (before, [])
        assert (await handle.resume()).state is BotState.RUNNING
        await until(lambda: it.resting != [])

    run(tmp_path, scenario, pulse(tmp_path, mode="live"))


def test_a_stop_that_flattens_closes_every_position(tmp_path: Path) -> None:
    async def scenario(it: World) -> None:
        await it.start("pulse")
        await until(trades(it, "pulse"))
        await it.runner.registry.find("pulse").stop()
        assert (it.resting, venue_positions(it.venue, it.key.address)) == ([], {})

    run(tmp_path, scenario, pulse(tmp_path, mode="live", on_stop="flatten"))


REQUOTES = """
import algo_trade as at

class Requotes(at.Strategy):
    def on_quote(self, ctx, quote):
        self.price = quote.bid_price * 9 // 10
        if not ctx.orders(quote.symbol).open:
            ctx.buy(quote.symbol, "0.01", price=self.price, time_in_force="alo")

    def on_order(self, ctx, update):
        if update.status == "cancelled":
            ctx.buy(update.symbol, "0.01", price=self.price, time_in_force="alo")
"""


@pytest.mark.parametrize("on_stop", ["cancel", "flatten"])
def test_who_quotes_anew_whatever_is_cancelled_leaves_nothing_resting_when_it_stops(
    tmp_path: Path, on_stop: str
) -> None:
    async def scenario(it: World) -> None:
        await it.start("again")
        await until(lambda: it.resting != [])
        await asyncio.wait_for(it.runner.registry.find("again").stop(), 10)
        assert it.resting == []
        assert it.told("bot.stop") == []

    again = strategy(tmp_path, "Requotes", REQUOTES)
    run(tmp_path, scenario, {"bot_id": "again", "symbol": "BTC", "strategy": again, "mode": "live", "on_stop": on_stop})


@pytest.mark.parametrize("flatten", [False, True])
def test_the_kill_switch_takes_everything_away_within_a_second(tmp_path: Path, flatten: bool) -> None:
    async def scenario(it: World) -> None:
        await it.start("a", "b")
        await until(lambda: trades(it, "a")() and trades(it, "b")())
        before = venue_positions(it.venue, it.key.address)
        done = await asyncio.wait_for(it.runner.kill(flatten=flatten), 2)
        assert (done["quiet"], done["stuck"]) == (True, [])
        assert it.resting == []
        assert {it.bot(name)["state"] for name in ("a", "b")} == {"paused"}
        if flatten:
            await until(lambda: venue_positions(it.venue, it.key.address) == {}, within_s=5)
        else:
            assert before

    run(tmp_path, scenario, *(pulse(tmp_path, name, mode="live") for name in ("a", "b")))


def test_a_bot_keeps_what_it_holds_and_has_won_over_a_stop(tmp_path: Path) -> None:
    async def scenario(it: World) -> None:
        for name in ("paper", "live"):
            await it.start(name)
        await until(lambda: trades(it, "paper")() and trades(it, "live")())
        for name in ("paper", "live"):
            handle = it.runner.registry.find(name)
            await handle.pause()
            await until(lambda: it.bot(name)["open_orders"] == 0)  # noqa: B023
            await asyncio.sleep(1.2)
            before = it.bot(name)
            await handle.stop()
            await it.start(name)
            await handle.pause()
            await until(lambda: it.bot(name)["positions"] != [])  # noqa: B023
            after = it.bot(name)
            keys = ("symbol", "entry_price")
            assert [[row[key] for key in keys] for row in after["positions"]] == [
                [row[key] for key in keys] for row in before["positions"]
            ]

    run(tmp_path, scenario, pulse(tmp_path, "paper"), pulse(tmp_path, "live", mode="live"))


RAISES = """
import algo_trade as at

class Raises(at.Strategy):
    def on_quote(self, ctx, quote):
        raise ValueError("no idea")
"""


@pytest.mark.parametrize(
    ("name", "source", "error"),
    [("Raises", RAISES, "no idea"), ("Blocks", rests("Blocks", "while True: pass"), "has been thinking for")],
)
def test_a_strategy_that_raises_or_blocks_ends_alone_and_its_orders_are_cancelled(
    tmp_path: Path, name: str, source: str, error: str
) -> None:
    async def scenario(it: World) -> None:
        await it.start("good")
        with_error = it.runner.registry.find("bad")
        await with_error.start()
        await until(lambda: it.bot("bad")["state"] == "error")
        assert error in it.bot("bad")["error"]
        await until(lambda: {order["coin"] for order in it.resting} <= {"BTC", "ETH"} and not _of(it, "SOL"))
        beat = it.bot("good")["last_heartbeat"]
        await until(lambda: it.bot("good")["last_heartbeat"] != beat)
        assert it.bot("good")["state"] == "running"
        assert (await with_error.stop()).state is BotState.STOPPED

    def _of(it: World, coin: str) -> list[Any]:
        return [order for order in it.resting if order["coin"] == coin]

    bad = {
        "bot_id": "bad",
        "symbol": "SOL",
        "strategy": strategy(tmp_path, name, source),
        "mode": "live",
        "deadline_s": 0.5,
    }
    run(tmp_path, scenario, pulse(tmp_path, "good", mode="live"), bad)


FAILS_ONCE = """
import algo_trade as at

class FailsOnce(at.Strategy):
    def on_start(self, ctx):
        self.price = None

    def on_quote(self, ctx, quote):
        if self.price is None and ctx.position(quote.symbol).is_flat:
            self.price = quote.bid_price * 9 // 10
            ctx.buy(quote.symbol, "0.01", price=self.price, time_in_force="alo")
            ctx.buy(quote.symbol, "0.01")

    def on_order(self, ctx, update):
        # The first quote may come before it may trade.
        if update.status == "rejected":
            self.price = None

    def on_fill(self, ctx, fill):
        if self.price is not None:
            raise ValueError("no idea")
"""


def test_who_failed_begins_again_and_hears_what_became_of_its_orders_meanwhile(tmp_path: Path) -> None:
    async def scenario(it: World) -> None:
        bad = it.runner.registry.find("bad")
        for _ in range(2):
            await bad.start()
            await until(lambda: venue_positions(it.venue, it.key.address) != {})
            await until(lambda: it.resting == [])
            await until(lambda: it.bot("bad")["state"] == "error" or it.bot("bad")["positions"])
        assert it.bot("bad")["state"] == "running"
        assert held(it, "bad") == venue_positions(it.venue, it.key.address) == {"BTC": Decimal("0.01")}

    spec = strategy(tmp_path, "FailsOnce", FAILS_ONCE)
    run(tmp_path, scenario, {"bot_id": "bad", "symbol": "BTC", "strategy": spec, "mode": "live"})


def test_what_cannot_start_says_why_and_a_stop_during_a_start_ends_it(tmp_path: Path) -> None:
    async def scenario(it: World) -> None:
        missing = it.runner.registry.find("missing")
        with pytest.raises(BotError, match="NONE"):
            await missing.start()
        assert "NONE" in str(it.bot("missing")["error"])
        pulse_bot = it.runner.registry.find("pulse")
        starting = asyncio.create_task(pulse_bot.start())
        await asyncio.sleep(0)
        assert (await pulse_bot.stop()).state is BotState.STOPPED
        await asyncio.wait({starting})
        assert it.bot("pulse")["state"] == "stopped"
        await it.start("pulse")

    missing = {"bot_id": "missing", "symbol": "NONE", "strategy": "rsi"}
    run(tmp_path, scenario, pulse(tmp_path), missing)


def test_commands_that_do_not_go_say_why(tmp_path: Path) -> None:
    async def scenario(it: World) -> None:
        registry = it.runner.registry
        with pytest.raises(UnknownBotError, match="'x': there is no such bot; there are: pulse"):
            registry.find("x")
        with pytest.raises(BotError, match="pulse: is stopped: start it first"):
            await registry.find("pulse").pause()
        await it.start("pulse")
        assert (await registry.find("pulse").start()).state is BotState.RUNNING
        with pytest.raises(BotRunsError, match="is running: stop it first"):
            await it.runner.remove("pulse")
        with pytest.raises(BotExistsError, match="there is a bot of that name"):
            await it.runner.create(registry.find("pulse").config)
        await registry.find("pulse").pause()
        with pytest.raises(BotError, match="is paused: resume it"):
            await registry.find("pulse").start()
        await registry.find("pulse").stop()
        await it.runner.remove("pulse")
        assert len(registry) == 0

    run(tmp_path, scenario, pulse(tmp_path))


def test_the_api_may_not_name_any_file_as_a_strategy(tmp_path: Path) -> None:
    async def scenario(it: World) -> None:
        from algo_trade.config import BotConfig

        outside = tmp_path / "outside"
        outside.mkdir()
        inside = BotConfig(bot_id="in", symbols=("BTC",), strategy=strategy(allowed, "Pulse"), enabled=False)
        assert (await it.runner.create(inside)).bot_id == "in"
        for spec in (strategy(outside, "Pulse"), "os:path", f"{tmp_path}/strategies/../outside/pulse.py:Pulse"):
            with pytest.raises(ParameterError, match="must be a built-in one, or a file in"):
                await it.runner.create(BotConfig(bot_id="out", symbols=("BTC",), strategy=spec))

    allowed = tmp_path / "strategies"
    allowed.mkdir()
    run(tmp_path, scenario, storage={"state_dir": tmp_path / "state", "strategies": allowed})


def test_bots_made_by_hand_are_there_after_a_restart_and_what_was_stopped_stays_so(tmp_path: Path) -> None:
    from algo_trade.config import BotConfig
    from algo_trade.venue.testing import running_venue

    spec = strategy(tmp_path, "Pulse", PULSE)

    async def main() -> None:
        with running_venue(seed=3, symbols=3) as venue:
            async with world(tmp_path, venue=venue) as it:
                await it.runner.create(BotConfig(bot_id="a", symbols=("BTC",), strategy=spec))
                await it.runner.create(BotConfig(bot_id="b", symbols=("ETH",), strategy=spec))
                await until(lambda: it.bot("a")["state"] == it.bot("b")["state"] == "running")
                await it.runner.command("b", "stop")
            async with world(tmp_path, venue=venue) as it:
                await it.runner.start_enabled()
                await until(lambda: it.bot("a")["is_live"])
                assert it.bot("b")["state"] == "stopped"
                await it.runner.command("a", "stop")
                await it.runner.remove("a")
            async with world(tmp_path, venue=venue) as it:
                assert [handle.bot_id for handle in it.runner.registry.all()] == ["b"]

    asyncio.run(asyncio.wait_for(main(), 90))


def test_a_strategy_on_bars_hears_no_quotes_when_it_trades_live_and_a_simulated_venue_fills_by_them(
    tmp_path: Path,
) -> None:
    kinds: dict[str, set[str]] = {}

    async def scenario(it: World) -> None:
        await it.start("live", "paper")
        await asyncio.sleep(1)

    bots = [{"bot_id": mode, "symbol": "BTC", "strategy": "ma_crossover", "mode": mode} for mode in ("live", "paper")]
    run(tmp_path, scenario, *bots)
    for path in (tmp_path / "state" / "journals").glob("*/*.journal"):
        lines: list[str] = []
        Journal(path).dump(lines.append)
        kinds[path.parent.name] = {kind for line in lines for kind in re.findall(r"kind: (\w+)", line)}
    assert "Quote" not in kinds["live"]
    assert kinds["live"], "but it hears what its position is worth"
    assert "Quote" in kinds["paper"]
