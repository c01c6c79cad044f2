"""The life of live orders: whatever the order in which it is told, and however often, it is the same life."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algo_trade.errors import ParameterError
from algo_trade.hyperliquid.answers import Filled, Refused, Resting, Unknown
from algo_trade.hyperliquid.orders import LiveOrder, LiveOrders
from algo_trade.hyperliquid.outcomes import Settled
from algo_trade.hyperliquid.refusals import RefusalKind
from algo_trade.hyperliquid.stream import AccountFill, OpenOrders, OrderNews

USER = "0x" + "ab" * 20
CLOID = "0x" + "0" * 31 + "1"
TEN = Decimal(10)


def fill(number: int, quantity: int, *, oid: int = 7, cloid: str | None = CLOID) -> AccountFill:
    return AccountFill(
        USER, "BTC", "BTC", oid, cloid, number, "buy", TEN, Decimal(quantity), Decimal(0), "USDC", True, number, {}
    )


def news(status: str, time: int, *, oid: int = 7, cloid: str | None = CLOID) -> OrderNews:
    return OrderNews(USER, "BTC", oid, cloid, status, time, {})


def tell(orders: LiveOrders, word: Any) -> None:
    if isinstance(word, AccountFill):
        orders.fill(word)
    elif isinstance(word, OrderNews):
        orders.news(word)
    else:
        orders.answered(CLOID, word)


ACK = Resting(7, CLOID)
LOST = Unknown(1, 0, 10, "no answer", cloid=CLOID)


@st.composite
def tellings(draw: st.DrawFn) -> tuple[list[Any], list[Any]]:
    """A life, and the same told in any order, with anything said again. Old fills name no cloid."""
    cloids = st.sampled_from([CLOID, None])
    sizes = draw(st.lists(st.integers(1, 3), max_size=4).filter(lambda sizes: sum(sizes) <= 10))
    life: list[Any] = [ACK, news("open", 1)]
    life += [fill(number, size, cloid=draw(cloids)) for number, size in enumerate(sizes, 2)]
    end = draw(st.sampled_from(["canceled", "filled", "marginCanceled", "someNewWord", None]))
    if end:
        life.append(news(end, 20, cloid=draw(cloids)))
    again = draw(st.lists(st.sampled_from(life), max_size=6))
    return life, draw(st.permutations([*life, *again]))


@given(tellings())
def test_trap_10_any_order_of_telling_gives_the_same_order_and_filled_is_the_sum_of_fills(
    told: tuple[list[Any], list[Any]],
) -> None:
    lives = []
    for words in told:
        orders = LiveOrders()
        orders.submit(CLOID, "BTC", TEN)
        for word in words:
            tell(orders, word)
        lives.append(orders.get(CLOID))
    assert lives[0] == lives[1]
    order = lives[0]
    assert isinstance(order, LiveOrder)
    assert order.filled == sum(word.quantity for word in told[0] if isinstance(word, AccountFill))


@given(st.permutations([news("open", 1), fill(2, 1), news("canceled", 5), news("open", 5, oid=8), fill(6, 2, oid=8)]))
def test_trap_13_the_cancel_of_a_replaced_oid_ends_nothing(words: list[Any]) -> None:
    orders = LiveOrders()
    orders.submit(CLOID, "BTC", TEN)
    orders.answered(CLOID, ACK)
    orders.modifying(CLOID, TEN)
    for word in words:
        tell(orders, word)
        order = orders.get(CLOID)
        assert order is not None
        assert not order.is_done
    order = orders.modified(CLOID, Resting(8, CLOID))
    assert (order.state, order.oid, order.filled) == ("resting", 8, Decimal(3))


def test_trap_14_after_an_error_of_a_modify_nothing_is_taken_to_rest() -> None:
    orders = LiveOrders()
    orders.submit(CLOID, "BTC", TEN)
    orders.answered(CLOID, ACK)
    orders.modifying(CLOID, TEN)
    assert (
        orders.modified(CLOID, Refused(RefusalKind.MODIFY, "Cannot modify canceled or filled order")).state == "unknown"
    )
    orders.news(news("filled", 9))
    order = orders.fill(fill(3, 10))
    assert order is not None
    assert order.state == "filled"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("open", "resting"),
        ("siblingFilledCanceled", "cancelled"),
        ("brandNewCanceled", "cancelled"),
        ("scheduledCancel", "cancelled"),
        ("badAloPxRejected", "rejected"),
        ("moonRejected", "rejected"),
        ("moonPhase", None),
    ],
)
def test_trap_26_statuses_that_are_new_are_sorted_by_their_ending_or_shown(status: str, state: str | None) -> None:
    orders = LiveOrders()
    orders.submit(CLOID, "BTC", TEN)
    order = orders.news(news(status, 3))
    assert order is not None
    assert order.state == (state or "resting")
    assert order.strange == (() if state else (status,))


def test_an_order_without_an_answer_is_unknown_until_it_is_seen() -> None:
    orders = LiveOrders()
    orders.submit(CLOID, "BTC", TEN)
    assert orders.answered(CLOID, LOST).state == "unknown"
    found = orders.fill(fill(2, 4))
    assert found is not None
    assert (found.state, found.filled, found.oid) == ("resting", Decimal(4), 7)


def test_an_order_that_never_arrived_ends_as_rejected() -> None:
    orders = LiveOrders()
    orders.submit(CLOID, "BTC", TEN)
    orders.answered(CLOID, LOST)
    ended = orders.settled(CLOID, Settled("absent", None, None, ()), 11)
    assert (ended.state, ended.refusal) == ("rejected", Refused(RefusalKind.NOT_SENT, "it never arrived"))
    assert orders.live() == []


def test_an_order_that_is_missing_from_the_open_ones_must_be_looked_up() -> None:
    orders = LiveOrders()
    orders.submit(CLOID, "BTC", TEN)
    orders.news(news("open", 5))
    (missing,) = orders.open_orders(OpenOrders(USER, "", (), asked_ns=9), ["BTC"])
    assert (missing.cloid, missing.state) == (CLOID, "unknown")
    row = {"oid": 7, "cloid": CLOID, "time": 5}
    assert orders.open_orders(OpenOrders(USER, "", (row,), asked_ns=12), ["BTC"]) == []
    assert [order.state for order in orders.live()] == ["resting"]


def test_an_order_that_is_found_again_rests_and_one_that_is_forgotten_has_ended() -> None:
    orders = LiveOrders()
    orders.submit(CLOID, "BTC", TEN)
    orders.answered(CLOID, ACK)
    orders.open_orders(OpenOrders(USER, "", (), asked_ns=9), ["BTC"])
    assert orders.settled(CLOID, Settled("resting", 7, "open", ()), 10).state == "resting"
    orders.open_orders(OpenOrders(USER, "", (), asked_ns=12), ["BTC"])
    ended = orders.settled(CLOID, Settled("absent", None, None, ()), 13)
    assert (ended.state, ended.is_done, ended.status) == ("cancelled", True, "")


def test_what_ended_shows_which_fills_are_still_on_their_way() -> None:
    orders = LiveOrders()
    orders.submit(CLOID, "BTC", TEN)
    orders.answered(CLOID, Filled(7, Decimal(4), TEN, CLOID))
    left = {"order": {"original_quantity": TEN, "quantity": Decimal(5)}}
    ended = orders.news(OrderNews(USER, "BTC", 7, CLOID, "canceled", 9, left))
    assert ended is not None
    assert (ended.state, ended.filled, ended.missing) == ("cancelled", Decimal(0), Decimal(5))
    one = orders.fill(fill(1, 2))
    assert one is not None
    assert one.missing == 3
    # A look finds the truth: sizes in news are cut where a reduce-only order is larger than its position.
    found = tuple({"quantity": Decimal(quantity)} for quantity in (2, 1))
    settled = orders.settled(CLOID, Settled("done", 7, "canceled", found), 10)  # type: ignore[arg-type]
    assert settled.missing == 1


def test_a_refused_change_leaves_the_size_as_it_was_and_a_new_oid_has_its_own() -> None:
    orders = LiveOrders()
    orders.submit(CLOID, "BTC", TEN)
    orders.answered(CLOID, ACK)
    orders.fill(fill(1, 4))
    orders.modifying(CLOID, Decimal(1))
    assert orders.modified(CLOID, Refused(RefusalKind.MODIFY, "Cannot modify")).state == "unknown"
    settled = orders.settled(CLOID, Settled("resting", 7, "open", ()), 5)
    assert (settled.state, settled.quantity) == ("resting", TEN)
    orders.modifying(CLOID, Decimal(3))
    changed = orders.modified(CLOID, Resting(8, CLOID))
    assert (changed.state, changed.quantity, changed.remaining) == ("resting", Decimal(7), Decimal(3))
    orders.fill(fill(2, 2, oid=8))
    last = orders.fill(fill(3, 1, oid=8))
    assert last is not None
    assert (last.state, last.filled) == ("filled", Decimal(7))


def test_what_is_heard_late_of_an_older_oid_does_not_pass_for_the_change() -> None:
    orders = LiveOrders()
    orders.submit(CLOID, "BTC", TEN)
    orders.answered(CLOID, Resting(8, CLOID))
    orders.modifying(CLOID, Decimal(3))
    late = orders.fill(fill(1, 2, oid=7))
    assert late is not None
    assert late.remaining == TEN
    changed = orders.modified(CLOID, Resting(9, CLOID))
    assert (changed.oid, changed.remaining) == (9, Decimal(3))


def test_what_others_do_on_the_account_is_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("algo_trade.hyperliquid.orders.EARLY_MAX", 2)
    orders = LiveOrders()
    for oid in (5, 6, 7):
        orders.fill(fill(oid, 1, oid=oid, cloid=None))
    for oid, cloid in ((5, "0x" + "5" * 32), (7, CLOID)):
        orders.submit(cloid, "BTC", TEN)
        orders.answered(cloid, Resting(oid, cloid))
    assert [len(orders.fills(cloid)) for cloid in ("0x" + "5" * 32, CLOID)] == [0, 1]


def test_children_are_found_beside_their_parent() -> None:
    orders = LiveOrders()
    orders.submit(CLOID, "BTC", TEN)
    child = {"oid": 9, "cloid": CLOID, "time": 5, "children": None}
    parent = {"oid": 8, "cloid": None, "time": 5, "children": [child]}
    orders.open_orders(OpenOrders(USER, "", (parent,), asked_ns=12), ["BTC"])
    order = orders.get(CLOID)
    assert order is not None
    assert (order.oid, order.state) == (9, "resting")


def test_orders_of_others_are_passed_over() -> None:
    orders = LiveOrders()
    assert orders.news(news("open", 5, oid=99, cloid=None)) is None
    assert orders.fill(fill(1, 1, oid=99, cloid=None)) is None
    assert orders.live() == []


def test_a_cloid_is_used_once() -> None:
    orders = LiveOrders()
    orders.submit(CLOID, "BTC", TEN)
    with pytest.raises(ParameterError, match="was used before"):
        orders.submit(CLOID, "BTC", TEN)
