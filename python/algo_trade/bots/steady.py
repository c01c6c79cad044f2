"""A bot's time: that of the wall, and where the wall's clock is set back, one that goes on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

# Two clocks are not read at the same moment: less than this is no step.
STEP_NS: Final = 50_000_000


class SteadyClock:
    """The wall's time in nanoseconds, until that is set back: then it goes on as fast as before, so that timers come when they were to come.

    Parameters
    ----------
    wall : the wall's time in nanoseconds since the epoch
    ticks : nanoseconds that only grow, as fast as the wall's
    """

    def __init__(self, wall: Callable[[], int], ticks: Callable[[], int] = time.monotonic_ns) -> None:
        self._wall = wall
        self._ticks = ticks
        self._ahead_ns = 0
        self._last = wall(), ticks()

    def __call__(self) -> int:
        """Return the time."""
        wall_ns, ticks = self._wall(), self._ticks()
        last_ns, last_ticks = self._last
        behind_ns = last_ns + ticks - last_ticks - wall_ns
        self._ahead_ns = behind_ns if behind_ns > STEP_NS else 0
        self._last = wall_ns + self._ahead_ns, ticks
        return self._last[0]

    def at(self, wall_ns: int) -> int:
        """Return the time at which the wall's clock said so, a moment ago."""
        self()
        return wall_ns + self._ahead_ns
