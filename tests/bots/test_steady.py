"""A bot's clock."""

from __future__ import annotations

from algo_trade.bots.steady import SteadyClock

S = 1_000_000_000


class Clocks:
    def __init__(self) -> None:
        self.wall_ns, self.ticks_ns = 1_000 * S, 5 * S
        self.steady = SteadyClock(lambda: self.wall_ns, lambda: self.ticks_ns)

    def passes(self, seconds: float) -> int:
        self.wall_ns += int(seconds * S)
        self.ticks_ns += int(seconds * S)
        return self.steady()


def test_it_is_the_walls_wherever_that_goes_on() -> None:
    clocks = Clocks()
    assert clocks.passes(1) == 1_001 * S
    clocks.wall_ns += 3_600 * S
    assert clocks.passes(1) == 4_602 * S
    assert clocks.steady.at(4_601 * S) == 4_601 * S


def test_it_goes_on_as_fast_as_before_when_the_wall_is_set_back_and_follows_it_when_that_is_ahead_again() -> None:
    clocks = Clocks()
    clocks.passes(1)
    clocks.wall_ns -= 10 * S
    for second in (2, 3, 4):
        assert clocks.passes(1) == (1_000 + second) * S
        assert clocks.steady.at(clocks.wall_ns) == (1_000 + second) * S
    clocks.wall_ns += 60 * S
    assert clocks.passes(1) == 1_055 * S


def test_what_is_less_than_a_step_is_the_walls_word() -> None:
    clocks = Clocks()
    clocks.passes(1)
    clocks.wall_ns -= S // 100
    assert clocks.passes(1) == 1_002 * S - S // 100
