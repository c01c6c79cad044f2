"""The time of a runner: that of the wall, but one that never goes back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

# Two clocks are not read at the same moment: less than this is no step.
STEP_NS: Final = 50_000_000


class SteadyClock:
    """The wall's time in nanoseconds. Where that is set back, it goes on at half the speed until the wall's clock has come up with it.

    Timers come, and silence is noticed, though the wall's clock says that there is time yet; and what is told apart by its time stays so.

    Parameters
    ----------
    wall : the wall's time in nanoseconds since the epoch
    ticks : nanoseconds that only grow, as fast as the wall's
    """

    def __init__(self, wall: Callable[[], int], ticks: Callable[[], int] = time.monotonic_ns) -> None:
        self._wall = wall
        self._ticks = ticks
        self._last = wall(), ticks()

    def __call__(self) -> int:
        """Return the time."""
        wall_ns, ticks = self._wall(), self._ticks()
        last_ns, last_ticks = self._last
        passed_ns = ticks - last_ticks
        is_back = last_ns + passed_ns - wall_ns > STEP_NS
        now_ns = last_ns + passed_ns // 2 if is_back else wall_ns
        self._last = now_ns, ticks
        return now_ns
