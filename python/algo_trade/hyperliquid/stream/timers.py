"""When something falls due: many deadlines, the next of which is known at once."""

from __future__ import annotations

import heapq
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE_NS = 60_000_000_000
REPLACED_MAX = 64


class Timers:
    """Deadlines of things to call. Setting one again moves its deadline.

    What was replaced stays in the heap until its time comes, or until there is more of that than of what stands.
    """

    __slots__ = ("_count", "_heap", "_when")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Callable[[int], None]]] = []
        self._when: dict[Callable[[int], None], int] = {}
        self._count = 0

    def set(self, key: Callable[[int], None], when_ns: int) -> None:
        """Let a key fall due at a time."""
        if self._when.get(key) == when_ns:
            return
        self._when[key] = when_ns
        self._count += 1
        heapq.heappush(self._heap, (when_ns, self._count, key))
        if len(self._heap) > 2 * len(self._when) + REPLACED_MAX:
            self._heap = [entry for entry in self._heap if self._when.get(entry[2]) == entry[0]]
            heapq.heapify(self._heap)

    def cancel(self, key: Callable[[int], None]) -> None:
        """Let a key not fall due."""
        self._when.pop(key, None)

    @property
    def next_ns(self) -> int | None:
        """The earliest deadline."""
        heap, when = self._heap, self._when
        while heap and when.get(heap[0][2]) != heap[0][0]:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def __contains__(self, key: object) -> bool:
        return key in self._when

    def pop_due(self, now_ns: int) -> Callable[[int], None] | None:
        """Return a key that has fallen due and forget its deadline; None if there is none."""
        due = self.next_ns
        if due is None or due > now_ns:
            return None
        key = heapq.heappop(self._heap)[2]
        del self._when[key]
        return key


class Window:
    """How many times something may be done in any minute."""

    __slots__ = ("_most", "_times")

    def __init__(self, most: int) -> None:
        self._times: deque[int] = deque()
        self._most = most

    def free_at(self, now_ns: int, *, reserve: int = 0) -> int:
        """Return when it may be done next: now, or when the minute has moved on. ``reserve`` is kept for something else."""
        times = self._times
        while times and times[0] <= now_ns - MINUTE_NS:
            times.popleft()
        most = max(1, self._most - reserve)
        return now_ns if len(times) < most else times[len(times) - most] + MINUTE_NS

    def use(self, now_ns: int) -> None:
        """Count one."""
        self._times.append(now_ns)
