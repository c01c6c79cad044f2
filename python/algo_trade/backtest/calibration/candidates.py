"""The queue models that are tried, and the search for the exponent of those that have one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

N_GRID = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
N_TOLERANCE = 1.03
"""The search for an exponent ends when it is known to this factor."""

POWERS = ("power1", "power2", "power3")
PLAIN = ("risk_averse", "log1", "log2")

_GOLDEN = (math.sqrt(5) - 1) / 2


def best_exponent(value: Callable[[float], float]) -> float:
    """Find the exponent of the largest value: the best of a grid, then golden sections of its logarithm.

    Outcomes change by jumps, so the value is a hill of flat steps: the grid finds the hill, the sections its highest step, and the
    middle of that is returned.
    """
    tried = {n: value(n) for n in N_GRID}
    top = max(N_GRID, key=tried.__getitem__)
    at = N_GRID.index(top)
    low, high = math.log(N_GRID[max(0, at - 1)]), math.log(N_GRID[min(len(N_GRID) - 1, at + 1)])

    def try_at(log_n: float) -> float:
        n = round(math.exp(log_n), 4)
        if n not in tried:
            tried[n] = value(n)
        return tried[n]

    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    while high - low > math.log(N_TOLERANCE):
        if try_at(left) >= try_at(right):
            high, right = right, left
            left = high - _GOLDEN * (high - low)
        else:
            low, left = left, right
            right = low + _GOLDEN * (high - low)
    best = max(tried.values())
    step = [n for n, found in tried.items() if found == best]
    middle = math.log(min(step) * max(step)) / 2
    return round(math.exp(middle), 4) if try_at(middle) == best else step[0]
