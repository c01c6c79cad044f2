"""The exchange's own dead man's switch: it cancels what a runner that died left, where the exchange has it at all."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade.bots import deadman
from algo_trade.venue.testing import running_venue
from tests.bots.process import Process, wait
from tests.bots.world import LIMITS, ask, resting_bot, until, world

if TYPE_CHECKING:
    from pathlib import Path

    from algo_trade.venue.testing import RunningVenue

pytest.importorskip("picows", reason="needs the extra `live`")

# The exchange takes nothing less than five seconds ahead.
AHEAD_S, EVERY_S = 6, 0.5
# How the venue's faults call actions that are none of orders: here, scheduled cancels are the only ones.
OTHERS = "l1"


def venue(**local: Any) -> RunningVenue:
    return running_venue(seed=3, symbols=2, local={"block_ms": 10, **local}, limits=LIMITS)


def statuses(at: RunningVenue, address: str) -> list[str]:
    """Return what became of an account's orders, by the venue's word."""
    return [row["status"] for row in ask(at, "historicalOrders", user=address)]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A switch that fires as soon as the exchange allows, and is put off often enough."""
    monkeypatch.setattr(deadman, "AHEAD_S", AHEAD_S)
    monkeypatch.setattr(deadman, "EVERY_S", EVERY_S)


def test_orders_stay_while_their_runner_lives_and_go_at_the_exchange_when_it_dies(tmp_path: Path) -> None:
    haste = f"from algo_trade.bots import deadman; deadman.AHEAD_S, deadman.EVERY_S = {AHEAD_S}, {EVERY_S};"
    with (
        venue(schedule_volume_min=0) as at,
        Process(tmp_path, at, [resting_bot(tmp_path)], first=haste) as runner,
    ):
        runner.start()
        runner.ready()
        wait(lambda: len(runner.venue_orders()) == 1, what="it rests")
        time.sleep(AHEAD_S + 1)
        assert statuses(at, runner.address) == ["open"], "it was put off"
        runner.kill()
        assert len(runner.venue_orders()) == 1, "nobody but the exchange cancels it"
        wait(lambda: runner.venue_orders() == [], within_s=AHEAD_S + 10, what="the exchange cancels it")
        assert statuses(at, runner.address)[0] == "scheduledCancel"


class Counted:
    """Counts the scheduled cancels that a venue is asked for, by faults that do no harm."""

    def __init__(self, at: RunningVenue) -> None:
        self._at = at
        at.control(faults=[{"at": "answer", "match": OTHERS, "count": 1_000, "effect": "delay", "ms": 1}])

    @property
    def count(self) -> int:
        ((told,),) = (each["faults"] for each in self._at.control("statistics"))
        return 1_000 - int(told["count"])


def test_an_order_is_guarded_without_waiting_for_the_next_time_to_put_it_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadman, "EVERY_S", 1_000.0)

    async def main() -> None:
        with venue(schedule_volume_min=0) as at:
            asked = Counted(at)
            async with world(tmp_path, resting_bot(tmp_path), venue=at) as it:
                await asyncio.sleep(0.1)
                await it.start("rests")
                await until(lambda: asked.count == 1)

    asyncio.run(asyncio.wait_for(main(), 60))


@pytest.mark.usefixtures("hasty")
def test_what_rests_on_purpose_after_a_good_end_rests_on_even_where_an_answer_was_lost(tmp_path: Path) -> None:
    async def main() -> None:
        with venue(schedule_volume_min=0) as at:
            async with world(tmp_path, {**resting_bot(tmp_path), "on_stop": "keep"}, venue=at) as it:
                at.control(faults=[{"at": "answer", "match": OTHERS, "effect": "drop"}])
                await it.start("rests")
                await until(lambda: it.told("venue.trouble"))
                asked = Counted(at)
            assert asked.count > 0, "it was taken back"
            before = asked.count
            await asyncio.sleep(AHEAD_S + 1)
            assert (len(it.resting), asked.count) == (1, before)

    asyncio.run(asyncio.wait_for(main(), 60))


@pytest.mark.usefixtures("hasty")
def test_where_the_exchange_does_not_have_it_that_is_said_once_and_it_is_asked_no_more(tmp_path: Path) -> None:
    async def main() -> None:
        with venue() as at:
            asked = Counted(at)
            async with world(tmp_path, resting_bot(tmp_path), venue=at) as it:
                await it.start("rests")
                await until(lambda: it.told("runner.unguarded"))
                await asyncio.sleep(2 * EVERY_S)
                (told,) = it.told("runner.unguarded")
                assert "Run algo-trade watchdog beside it" in told["event"]
                assert (len(it.resting), asked.count) == (1, 1)

    asyncio.run(asyncio.wait_for(main(), 60))


@pytest.mark.usefixtures("hasty")
def test_an_exchange_that_does_not_answer_is_asked_again_and_told_of_once(tmp_path: Path) -> None:
    async def main() -> None:
        with venue(schedule_volume_min=0) as at:
            lost = {"at": "request", "match": OTHERS, "effect": "status", "status": 502, "body": "bad gateway"}
            at.control(faults=[lost])
            async with world(tmp_path, resting_bot(tmp_path), venue=at) as it:
                await it.start("rests")
                await until(lambda: it.told("venue.trouble"))
                await asyncio.sleep(3 * EVERY_S)
                assert len(it.told("venue.trouble")) == 1
                asked = Counted(at)
                await until(lambda: asked.count > 0)
                assert it.told("runner.unguarded") == []

    asyncio.run(asyncio.wait_for(main(), 60))
