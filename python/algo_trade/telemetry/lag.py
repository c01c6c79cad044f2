"""Whether the event loop keeps up: how late it wakes somebody who asked for a time."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from algo_trade.telemetry.metrics import Metrics

KIND = "runtime.lag"


class LagMonitor:
    """Sleeps, and measures how much longer that took than asked.

    Parameters
    ----------
    metrics : hears of every sleep
    warn : is told, in words, when the lag was past the bound; at most once in ``quiet_s``
    bound_s : seconds
    interval_s : of a sleep
    quiet_s : what happens in between is told with the next warning
    clock : seconds, always forward
    sleep : in place of asyncio's
    """

    def __init__(
        self,
        metrics: Metrics,
        warn: Callable[[str], None],
        *,
        bound_s: float = 0.1,
        interval_s: float = 0.05,
        quiet_s: float = 30.0,
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._metrics = metrics
        self._warn = warn
        self._bound_s = bound_s
        self._interval_s = interval_s
        self._quiet_s = quiet_s
        self._clock = clock
        self._sleep = sleep

    async def run(self) -> None:
        """Measure until cancelled."""
        times = 0
        worst_s = 0.0
        quiet_until = self._clock()
        while True:
            asked = self._clock() + self._interval_s
            await self._sleep(self._interval_s)
            now = self._clock()
            lag_s = max(0.0, now - asked)
            self._metrics.loop_lag(lag_s)
            if lag_s > self._bound_s:
                times += 1
                worst_s = max(worst_s, lag_s)
            if times and now >= quiet_until:
                self._warn(
                    f"the event loop was held up {times} times, by {worst_s * 1e3:.0f} ms at worst; "
                    f"more than {self._bound_s * 1e3:.0f} ms is too long"
                )
                times, worst_s, quiet_until = 0, 0.0, now + self._quiet_s
