"""A watchdog beside a runner: it cancels what a dead one left, and leaves a living one alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from algo_trade._native import SigningKey
from algo_trade.bots.watchdog import Watchdog
from algo_trade.config import ConfigLoader
from algo_trade.venue.testing import running_venue
from tests.bots.process import Process
from tests.bots.world import LIMITS, resting_bot, until

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("picows", reason="needs the extra `live`")

AFTER_S = 3.0


def test_orders_go_when_their_runner_has_died_and_not_before(tmp_path: Path) -> None:
    said: list[str] = []

    async def watch(runner: Process) -> None:
        config = ConfigLoader(tmp_path / "Config.json").load()
        watchdog = Watchdog(
            config.hyperliquid, SigningKey(runner.secret), tmp_path / "state", after_s=AFTER_S, tell=said.append
        )
        stop = asyncio.Event()
        watching = asyncio.create_task(watchdog.run(stop))
        await asyncio.sleep(AFTER_S + 1)
        assert (said, len(runner.venue_orders())) == ([], 1), "it lives"
        runner.kill()
        # The venue shows it before the watchdog has heard of it.
        await until(lambda: [text for text in said if text.startswith("BTC ")])
        assert runner.venue_orders() == []
        stop.set()
        await watching
        assert "its orders go" in said[0]
        assert len([text for text in said if text.startswith("BTC ")]) == 1

    with (
        running_venue(seed=5, symbols=2, local={"block_ms": 10}, limits=LIMITS) as venue,
        Process(tmp_path, venue, [resting_bot(tmp_path)]) as runner,
    ):
        runner.start()
        runner.ready()
        asyncio.run(asyncio.wait_for(until_rests(runner), 30))
        asyncio.run(asyncio.wait_for(watch(runner), 60))


async def until_rests(runner: Process) -> None:
    await until(lambda: len(runner.venue_orders()) == 1)
