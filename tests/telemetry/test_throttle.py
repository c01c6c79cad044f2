"""How many messages go out in a period, and what is said of the others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from algo_trade.telemetry.throttle import OTHER_KINDS, Held, Throttle


def test_so_many_pass_in_a_period_and_the_others_are_told_of_at_its_end() -> None:
    throttle = Throttle(2, 60)
    passed = [throttle.passes("bot.error", at, text=f"at {at}", bot_id=f"b{at}") for at in range(5)]
    assert passed == [True, True, False, False, False]
    assert throttle.ended(59.9) == []
    assert throttle.ended(60) == [Held("bot.error", 3, "at 4", ("b2", "b3", "b4"))]
    assert throttle.ended(60) == []


def test_kinds_do_not_take_each_others_room() -> None:
    throttle = Throttle(1, 60)
    assert throttle.passes("a", 0)
    assert not throttle.passes("a", 0)
    assert throttle.passes("b", 0)


def test_what_tells_of_the_others_is_one_of_the_next_period() -> None:
    throttle = Throttle(2, 60)
    for _ in range(3):
        throttle.passes("a", 0)
    assert len(throttle.ended(60)) == 1
    assert [throttle.passes("a", 61) for _ in range(3)] == [True, False, False]


def test_a_period_begins_with_its_first_message() -> None:
    throttle = Throttle(1, 60)
    assert throttle.passes("a", 0)
    assert throttle.passes("a", 1_000)
    assert not throttle.passes("a", 1_059)
    assert throttle.ended(1_059) == []
    assert len(throttle.ended(1_060)) == 1


def test_bots_are_named_once_and_not_without_end() -> None:
    throttle = Throttle(1, 60)
    for number in range(100):
        throttle.passes("a", 0, bot_id=f"b{number}")
        throttle.passes("a", 0, bot_id=f"b{number}")
    (held,) = throttle.ended(60)
    assert (held.count, len(held.bots), held.bots[:2]) == (199, 20, ("b0", "b1"))


def test_kinds_without_end_share_one_period() -> None:
    throttle = Throttle(1, 60)
    passed = [throttle.passes(f"k{number}", 0) for number in range(1_000)]
    assert sum(passed) == 257
    assert throttle.ended(60)[0].kind == OTHER_KINDS


def test_at_the_end_all_that_was_held_is_told() -> None:
    throttle = Throttle(1, 60)
    throttle.passes("a", 0)
    throttle.passes("a", 0, text="x")
    throttle.passes("b", 0)
    assert throttle.all_held() == [Held("a", 1, "x", ())]
    assert throttle.all_held() == []


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from("ab"), st.booleans()), max_size=60))
def test_every_message_passes_or_is_told_of_and_no_period_has_more_than_its_number(
    steps: list[tuple[float, str, bool]],
) -> None:
    throttle, now, passed, told = Throttle(3, 50), 0.0, 0, 0
    went_out: dict[str, list[float]] = {"a": [], "b": []}
    for pause, kind, looks in steps:
        now += pause
        if throttle.passes(kind, now):
            passed += 1
            went_out[kind].append(now)
        if looks:
            told += sum(held.count for held in throttle.ended(now))
    told += sum(held.count for held in throttle.all_held())
    assert passed + told == len(steps)
    for times in went_out.values():
        # Periods begin with a message, so any stretch as long as one lies in two at most.
        assert all(len([at for at in times if start <= at < start + 50]) <= 6 for start in times)
