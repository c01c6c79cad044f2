"""A runner's clock."""

from __future__ import annotations

from algo_trade.bots.steady import SteadyClock

S = 1_000_000_000


class Clocks:
    def __init__(self) -> None:
        self.wall_ns, self.ticks_ns = 1_000 * S, 5 * S
        self.steady = SteadyClock(lambda: self.wall_ns, lambda: self.ticks_ns)

    def passes(self, seconds: int) -> float:
        self.wall_ns += seconds * S
        self.ticks_ns += seconds * S
        return self.steady() / S


def test_it_is_the_walls_wherever_that_goes_on() -> None:
    clocks = Clocks()
    assert clocks.passes(1) == 1_001
    clocks.wall_ns += 3_600 * S
    assert clocks.passes(1) == 4_602


def test_it_goes_on_when_the_wall_is_set_back_until_that_has_come_up_with_it() -> None:
    clocks = Clocks()
    clocks.passes(1)
    clocks.wall_ns -= 10 * S
    times = [clocks.passes(2) for _ in range(12)]
    assert times[:3] == [1_002, 1_003, 1_004]
    assert times == sorted(times)
    assert times[-1] == clocks.wall_ns / S == 1_015


def test_a_step_that_is_none_is_not_seen() -> None:
    clocks = Clocks()
    clocks.passes(1)
    clocks.wall_ns -= S // 100
    assert clocks.passes(1) == 1_001.99
