"""What bots believe to hold, and what the exchange says: which differences are real, and whose they are."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algo_trade.bots.reconciliation import Difference, Reconciler, shares

D = Decimal


def of(**positions: Any) -> dict[str, Decimal]:
    return {symbol: D(str(quantity)) for symbol, quantity in positions.items()}


def test_what_agrees_is_no_difference_and_what_no_bot_trades_is_left_alone() -> None:
    assert Reconciler().look(of(BTC=1, DOGE=5), of(BTC=1, ETH=0), 0) == ([], False)


def test_a_difference_is_real_once_it_has_stood_for_a_while() -> None:
    reconciler = Reconciler()
    assert reconciler.look(of(BTC=2), of(BTC=1), 0) == ([], True)
    # A fill was on its way.
    assert reconciler.look(of(BTC=2), of(BTC=2), 1) == ([], False)
    assert reconciler.look(of(BTC=3), of(BTC=2), 2) == ([], True)
    assert reconciler.look(of(BTC=4), of(BTC=2), 4) == ([], True), "another one than before"
    assert reconciler.look(of(BTC=4), of(BTC=2), 4.1) == ([], True), "too soon to tell"
    real, again = reconciler.look(of(BTC=4), of(BTC=2), 6)
    assert (real, again) == ([Difference("BTC", D(4), D(2))], False)
    assert str(real[0]) == "BTC: the exchange says 4, the bots together 2"
    assert reconciler.look(of(BTC=4), of(BTC=4), 8) == ([], False), "once repaired, nothing changes any more"


def test_a_bot_that_is_alone_on_a_symbol_holds_what_the_exchange_says() -> None:
    assert shares(Difference("BTC", D(-3), D(2)), [D(2)]) == [D(-3)]


@pytest.mark.parametrize(
    ("venue", "held", "after"),
    [
        (3, [1, 4], [1, 2]),
        (1, [1, 4], [1, 0]),
        (0, [1, 4], [0, 0]),
        (-2, [-1, -3], [-1, -1]),
        (1, [4, -1], [2, -1]),
        (6, [1, 4], None),
        (-1, [1, 4], None),
        (1, [1, -1], None),
    ],
)
def test_of_several_the_largest_gives_way_and_what_is_too_much_is_nobodys(
    venue: int, held: list[int], after: list[int] | None
) -> None:
    ours = [D(each) for each in held]
    found = shares(Difference("BTC", D(venue), sum(ours, D(0))), ours)
    assert found == (None if after is None else [D(each) for each in after])


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=6), st.integers(-100, 100))
def test_whatever_is_shared_out_sums_up_to_the_exchanges_word(held: list[int], venue: int) -> None:
    ours = [D(each) for each in held]
    found = shares(Difference("BTC", D(venue), sum(ours, D(0))), ours)
    if found is not None and len(ours) > 1:
        assert sum(found) == venue
        assert all(abs(after) <= abs(before) and after * before >= 0 for before, after in zip(ours, found, strict=True))
