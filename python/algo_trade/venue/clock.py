"""The venue's time: that of the wall when it starts, from there as fast as is asked for."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from algo_trade.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable

SPEED_MAX = 10_000
"""Above this a block of 100 ms would pass within 10 µs, less than waking up takes."""


class Clock:
    """Nanoseconds since the Unix epoch that never go back, whatever is done to the machine's clock meanwhile.

    Parameters
    ----------
    speed : float, above 0, at most 10,000
        Seconds of the venue in a second.
    start_ns : int, the wall's time by default
        The venue's time at its start.
    ticks_ns : function
        Nanoseconds that only grow.

    Raises
    ------
    ParameterError
        The speed is out of range.
    """

    def __init__(
        self, *, speed: float = 1, start_ns: int | None = None, ticks_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        if not (math.isfinite(speed) and 0 < speed <= SPEED_MAX):
            raise ParameterError(f"speed = {speed}: must be above 0 and at most {SPEED_MAX}")
        # A whole speed keeps every digit; a product with a float would lose the last ones after three months.
        self._speed = int(speed) if speed == int(speed) else speed
        self._ticks_ns = ticks_ns
        self._first_tick_ns = ticks_ns()
        self._start_ns = time.time_ns() if start_ns is None else start_ns

    def now_ns(self) -> int:
        """Return the venue's time."""
        return self._start_ns + int((self._ticks_ns() - self._first_tick_ns) * self._speed)

    def seconds(self, span_ns: int) -> float:
        """Return how many real seconds a span of the venue's time takes."""
        return span_ns / (1e9 * self._speed)
