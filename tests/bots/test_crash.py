"""A runner that is killed while it trades, at moments that nobody chose: what is written and what the venue says agree afterwards."""

from __future__ import annotations

import random
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade._native import Journal
from algo_trade.backtest import JournalFile
from algo_trade.venue.testing import running_venue
from tests.bots.process import Process, wait
from tests.bots.world import LIMITS, resting_bot, strategy

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("picows", reason="needs the extra `live`")

SEED = 20_261_129


def bots_of(folder: Path) -> list[dict[str, Any]]:
    spec = strategy(folder, "Pulse")
    return [
        {"bot_id": "takes", "symbols": ["BTC", "ETH"], "strategy": spec, "mode": "live", "capital": 30_000},
        {
            "bot_id": "quotes",
            "symbol": "BTC",
            "strategy": "market_maker",
            "params": {"quantity": "0.01", "levels": 2},
            "mode": "live",
            "capital": 30_000,
        },
        {"bot_id": "paper", "symbol": "ETH", "strategy": spec, "capital": 30_000},
    ]


def check(runner: Process) -> None:
    """Let everything come to rest, and compare."""
    runner("POST", "/api/kill", {"flatten": False})
    wait(lambda: runner.venue_orders() == [], what="nothing rests")
    wait(lambda: all(bot["open_orders"] == 0 for bot in runner.bots().values()), what="no bot waits for an order")
    wait(lambda: runner.holds_together() == runner.venue_holds(), what="positions agree")
    written = runner.fills_in_journals()
    assert {key: count for key, count in written.items() if count > 1} == {}, "no fill is written twice"
    told = {(fill["cloid"], fill["tid"]) for fill in runner.venue_fills()}
    # The paper bot's are nobody's there.
    assert {trade for _, trade in told} <= {trade for _, trade in written}, "no fill is lost"
    # The venue tells entry prices with few digits.
    wait(lambda: abs(runner.won_together() - runner.venue_won()) < Decimal("0.01"), within_s=5, what="money agrees")


def test_killed_at_any_moment_no_order_is_doubled_and_no_fill_lost(tmp_path: Path, repeats: int) -> None:
    chance = random.Random(SEED)
    kills = max(4, repeats // 10)
    with (
        running_venue(seed=5, symbols=2, local={"block_ms": 10}, limits=LIMITS) as venue,
        Process(tmp_path, venue, bots_of(tmp_path)) as runner,
    ):
        for number in range(kills):
            runner.start()
            if number:
                runner.ready()
                check(runner)
                for bot_id in runner.bot_ids:
                    runner("PUT", f"/api/bots/{bot_id}/resume")
            # From the first moments of a start to the middle of trading.
            time.sleep(chance.uniform(0, 2.5))
            runner.kill()
        runner.start()
        runner.ready()
        check(runner)
        assert runner.end() == 0
        assert runner.venue_orders() == []
        cloids = [fill["cloid"] for fill in runner.venue_fills()]
        assert len(cloids) > 10, "it has traded"
        for path in runner.journals():
            seen = JournalFile(path).verify()
            assert seen.events > 0


def test_an_order_whose_cancel_was_lost_in_a_crash_goes_after_it(tmp_path: Path) -> None:
    with (
        running_venue(seed=5, symbols=2, local={"block_ms": 10}, limits=LIMITS) as venue,
        Process(tmp_path, venue, [resting_bot(tmp_path)]) as runner,
    ):
        runner.start()
        runner.ready()
        wait(lambda: len(runner.venue_orders()) == 1, what="it rests")
        # Every cancel is lost from now on, until the process is gone.
        venue.control(faults=[{"at": "request", "match": "cancelByCloid", "effect": "drop"}])
        runner("PUT", "/api/bots/rests/pause")
        wait(lambda: any(line.startswith("Command(Cancel ") for line in lines(runner)), what="a cancel is written")
        runner.kill()
        venue.control(faults=[])
        assert len(runner.venue_orders()) == 1
        runner.start()
        wait(lambda: runner.venue_orders() == [], what="it is cancelled, and nobody has asked again")
        runner.kill()


def lines(runner: Process) -> list[str]:
    shown: list[str] = []
    for path in runner.journals():
        Journal(path).dump(shown.append)
    return shown
