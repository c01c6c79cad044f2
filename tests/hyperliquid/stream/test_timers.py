"""Deadlines: what was set last falls due, in order, however often it was moved."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from algo_trade.hyperliquid.stream.timers import REPLACED_MAX, Timers

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS: list[Callable[[int], None]] = [partial(lambda _key, _now: None, key) for key in range(5)]
STEPS = st.lists(
    st.tuples(st.sampled_from(["set", "cancel", "due"]), st.integers(0, 4), st.integers(0, 20)), max_size=200
)


@given(STEPS)
def test_they_are_those_of_a_plain_table(steps: list[tuple[str, int, int]]) -> None:
    timers, table = Timers(), dict[int, int]()
    for what, key, when in steps:
        if what == "set":
            timers.set(KEYS[key], when)
            table[key] = when
        elif what == "cancel":
            timers.cancel(KEYS[key])
            table.pop(key, None)
        else:
            fallen = []
            while (due := timers.pop_due(when)) is not None:
                fallen.append(KEYS.index(due))
            wanted = {each for each, at in table.items() if at <= when}
            assert [table[each] for each in fallen] == sorted(table[each] for each in wanted)
            assert set(fallen) == wanted
            table = {each: at for each, at in table.items() if each not in wanted}
        assert timers.next_ns == min(table.values(), default=None)


def test_a_deadline_that_is_moved_without_end_takes_no_room() -> None:
    timers = Timers()
    timers.set(KEYS[0], 1_000_000)
    for when in range(100_000):
        timers.set(KEYS[1], 10 + when)
        timers.set(KEYS[2], 2_000_000)
    assert len(timers._heap) <= 2 * 3 + REPLACED_MAX + 1
    assert timers.next_ns == 10 + 99_999
