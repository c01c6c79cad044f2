"""Whether the event loop keeps up."""

from __future__ import annotations

import asyncio
import time

import pytest

from algo_trade.telemetry import LagMonitor, Metrics
from tests.telemetry.test_metrics import samples


class Clock:
    """Sleeps take as much longer as told; the monitor is cancelled after the last."""

    def __init__(self, *late_s: float) -> None:
        self.now = 100.0
        self._late_s = list(late_s)

    async def sleep(self, seconds: float) -> None:
        if not self._late_s:
            raise asyncio.CancelledError
        self.now += seconds + self._late_s.pop(0)


def monitored(*late_s: float, quiet_s: float = 30.0) -> tuple[Metrics, list[str]]:
    clock, metrics, warned = Clock(*late_s), Metrics(), list[str]()
    monitor = LagMonitor(
        metrics, warned.append, bound_s=0.1, quiet_s=quiet_s, clock=lambda: clock.now, sleep=clock.sleep
    )
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(monitor.run())
    return metrics, warned


def test_every_lag_is_measured() -> None:
    found = samples(monitored(0.0, 0.015, 0.3)[0])
    assert found["algo_trade_event_loop_lag_seconds_count",] == 3
    assert found["algo_trade_event_loop_lag_seconds_sum",] == pytest.approx(0.315)
    assert found["algo_trade_event_loop_lag_seconds_bucket", "0.1"] == 2


def test_nothing_is_said_within_the_bound() -> None:
    assert monitored(0.0, 0.09, 0.05)[1] == []


def test_a_lag_past_the_bound_is_told_at_once_and_more_of_them_together() -> None:
    _, warned = monitored(0.25, *[0.2] * 5, 0.5, 30.0)
    assert warned == [
        "the event loop was held up 1 times, by 250 ms at worst; more than 100 ms is too long",
        "the event loop was held up 7 times, by 30000 ms at worst; more than 100 ms is too long",
    ]


def test_what_happened_while_quiet_is_told_later_even_if_all_is_well_then() -> None:
    _, warned = monitored(0.2, 0.4, *[0.0] * 30, quiet_s=1.0)
    assert len(warned) == 2
    assert "by 400 ms at worst" in warned[1]


def test_a_real_loop_that_is_held_up_is_noticed() -> None:
    warned: list[str] = []

    async def run() -> None:
        monitor = asyncio.create_task(LagMonitor(Metrics(), warned.append, bound_s=0.05, interval_s=0.01).run())
        await asyncio.sleep(0.03)
        time.sleep(0.1)
        await asyncio.sleep(0.03)
        monitor.cancel()

    asyncio.run(run())
    assert len(warned) == 1
