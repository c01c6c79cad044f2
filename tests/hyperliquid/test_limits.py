"""What goes out, and when: no minute holds more than the exchange allows, cancels go first, and every bot gets its turn."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algo_trade.errors import NotSentError, ParameterError
from algo_trade.hyperliquid.gate import Connections, Gate, Priority, Queue, Ticket
from algo_trade.hyperliquid.limits import AddressBudget, action_weight, info_weight, items_weight
from algo_trade.hyperliquid.settings import HyperliquidConfig, LimitSettings

SETTINGS = LimitSettings()
INFINITE = float("inf")


def queue(settings: LimitSettings = SETTINGS) -> Queue:
    return Queue(settings, Random(7))


def ticket(priority: Priority = Priority.ORDER, caller: str = "a", weight: int = 1, **more: object) -> Ticket:
    return Ticket(priority, caller, weight, **more)  # type: ignore[arg-type]


def drain(line: Queue, now: float = 0.0) -> list[Ticket]:
    """Let all go that may go now."""
    gone = []
    while isinstance(admitted := line.next(now), Ticket):
        gone.append(admitted)
        if not len(line):
            break
    return gone


@st.composite
def arrivals(draw: st.DrawFn) -> list[tuple[float, int, int, int]]:
    """When, which priority, the weight, and what the answer adds; in order of time."""
    kinds = st.tuples(
        st.floats(0, 20), st.integers(0, 3), st.sampled_from([1, 2, 6, 20, 60]), st.sampled_from([0, 0, 25, 100])
    )
    now = 0.0
    listed = []
    for gap, priority, weight, extra in draw(st.lists(kinds, min_size=1, max_size=80)):
        now += gap * draw(st.sampled_from([0, 0, 0.1, 1]))
        listed.append((now, priority, weight, extra))
    return listed


@given(arrivals(), st.randoms(use_true_random=False))
def test_trap_20_no_minute_holds_more_weight_than_allowed_whenever_the_exchange_counts(
    listed: list[tuple[float, int, int, int]], random: Random
) -> None:
    line = queue()
    counted: list[tuple[float, int]] = []
    answers: list[tuple[float, Ticket]] = []
    pending = list(listed)
    now = 0.0
    for _ in range(100_000):
        while pending and pending[0][0] <= now:
            _, priority, weight, extra = pending.pop(0)
            line.push(ticket(Priority(priority), weight=weight, hold=extra))
        while answers and answers[0][0] <= now:
            _, answered = answers.pop(0)
            line.settle(now, answered, answered.weight + answered.hold)
        wait = INFINITE
        while len(line):
            admitted = line.next(now)
            if not isinstance(admitted, Ticket):
                wait = admitted
                break
            # Some take long, and the exchange counts at any moment between leaving and answer.
            answer = now + random.choice([0.01, 1, 15, 50])
            counted.append((random.uniform(now, answer), admitted.weight + admitted.hold))
            answers.append((answer, admitted))
        answers.sort(key=lambda each: each[0])
        times = [pending[0][0]] if pending else []
        times += [answers[0][0]] if answers else []
        times += [now + wait] if wait < INFINITE else []
        if not times:
            break
        now = max(min(times), now + 1e-9)
    assert not len(line), "everything goes in the end"
    assert len(counted) == len(listed)
    allowed = SETTINGS.ip_weight_per_minute - SETTINGS.ip_margin
    for start, _ in counted:
        assert sum(weight for time, weight in counted if start <= time <= start + 60) <= allowed + 1e-6


def test_cancels_go_first_then_what_reduces_then_orders_then_questions() -> None:
    line = queue()
    for priority in reversed(Priority):
        line.push(ticket(priority))
    assert [gone.priority for gone in drain(line)] == list(Priority)


@given(st.lists(st.sampled_from("abcd"), max_size=60))
def test_callers_of_one_priority_take_turns(callers: list[str]) -> None:
    line = queue()
    for caller in callers:
        line.push(ticket(caller=caller))
    served = [gone.caller for gone in drain(line)]
    assert sorted(served) == sorted(callers)
    for index in range(len(served)):
        # Nobody is served twice while another, who waits all the time, is not served once.
        seen = served[:index]
        waiting = set(served[index:])
        counts = [seen.count(caller) for caller in waiting]
        assert not counts or max(counts) - min(counts) <= 1


def test_callers_of_two_clients_may_have_the_same_name() -> None:
    line = queue()
    ours, theirs = Connections(99), Connections(99)
    for connections in (ours, ours, ours, theirs):
        line.push(ticket(connections=connections))
    assert [gone.connections for gone in drain(line)] == [ours, theirs, ours, ours]


def test_questions_and_orders_wait_for_a_connection_in_the_queue_where_cancels_pass_them() -> None:
    line = queue()
    connections = Connections(1)
    first, second = ticket(Priority.ORDER, connections=connections), ticket(Priority.ORDER, connections=connections)
    line.push(first)
    line.push(second)
    line.push(ticket(Priority.INFO, connections=connections))
    assert line.next(0.0) is first
    assert line.next(0.0) == INFINITE
    for priority in (Priority.REDUCE, Priority.CANCEL):
        line.push(ticket(priority, connections=connections))
    elsewhere = ticket(connections=Connections(1))
    line.push(elsewhere)
    gone = [line.next(0.0) for _ in range(3)]
    assert [each.priority for each in gone if isinstance(each, Ticket)] == [
        Priority.CANCEL,
        Priority.REDUCE,
        Priority.ORDER,
    ]
    assert gone[2] is elsewhere, "another client has connections of its own"
    for each in (first, *gone[:2]):
        assert isinstance(each, Ticket)
        line.settle(0.0, each, 1)
    assert line.next(0.0) is second


def test_questions_leave_room_for_actions() -> None:
    line = queue()
    for _ in range(30):
        line.push(ticket(Priority.INFO, weight=20))
    assert sum(gone.weight for gone in drain(line)) <= SETTINGS.ip_burst - SETTINGS.ip_reserve
    line.push(ticket(Priority.ORDER, weight=1))
    gone = line.next(0.0)
    assert isinstance(gone, Ticket)
    assert gone.priority is Priority.ORDER


def test_a_flood_of_orders_leaves_room_for_what_takes_risk_away() -> None:
    line = queue()
    for _ in range(2 * SETTINGS.ip_burst):
        line.push(ticket(Priority.ORDER))
    assert len(drain(line)) == SETTINGS.ip_burst - SETTINGS.ip_reserve // 2
    for priority in (Priority.CANCEL, Priority.REDUCE):
        line.push(ticket(priority))
        gone = line.next(0.0)
        assert isinstance(gone, Ticket), "at once, though none of the orders has been answered"
        assert gone.priority is priority


def test_a_heavy_question_is_not_starved_by_light_ones() -> None:
    line = queue()
    for _ in range(30):
        line.push(ticket(Priority.INFO, "light", weight=20))
    for gone in drain(line):
        line.settle(0.0, gone, 20)
    line.push(ticket(Priority.INFO, "heavy", weight=60))
    now, served = 0.0, []
    for _ in range(5):
        wait = line.next(now)
        while not isinstance(wait, Ticket):
            now += wait
            wait = line.next(now)
        line.settle(now, wait, wait.weight)
        served.append(wait.caller)
    assert "heavy" in served


def test_what_an_answer_may_weigh_is_held_back_until_it_is_known() -> None:
    line = queue()
    first = ticket(Priority.INFO, weight=20, hold=200)
    line.push(first)
    assert line.next(0.0) is first
    line.push(ticket(Priority.INFO, weight=60))
    assert line.next(1000.0) == INFINITE, "time alone does not tell"
    line.settle(1000.0, first, 23)
    assert isinstance(line.next(1000.0), Ticket)


def let_in(line: Queue, now: float) -> Ticket:
    line.push(ticket(Priority.CANCEL))
    gone = line.next(now)
    assert isinstance(gone, Ticket)
    return gone


def pause(line: Queue, now: float) -> float:
    """How long one more has to wait."""
    waiting = ticket()
    line.push(waiting)
    wait = line.next(now)
    assert isinstance(wait, float)
    line.drop(waiting)
    return wait


def test_trap_20_a_429_pauses_everybody_once_and_longer_each_time() -> None:
    line = queue()
    together = [let_in(line, 0.0) for _ in range(3)]
    line.back_off(0.1, together[0], None)
    first = pause(line, 0.1)
    assert 0.5 <= first <= 1.0
    line.back_off(0.2, together[1], None)
    assert pause(line, 0.2) == pytest.approx(first - 0.1), "a second answer of the same moment"
    late = let_in(line, 1.1)
    line.back_off(1.15, together[2], None)  # it was long on its way
    let_in(line, 1.15)
    line.answered(together[2])
    line.back_off(1.2, late, None)
    assert 1.0 <= pause(line, 1.2) <= 2.0, "an answer to what was asked before the pause does not tell that it is over"
    assert line.back_offs_total == 2
    line.answered(let_in(line, 4.0))
    line.back_off(5.0, let_in(line, 4.0), None)
    assert 0.5 <= pause(line, 5.0) <= 1.0
    for asked, paused in ((3.0, 3.0), (0.0, SETTINGS.backoff_first_s / 2), (1e9, SETTINGS.backoff_max_s)):
        line = queue()
        line.back_off(3.0, let_in(line, 3.0), asked)
        assert pause(line, 3.0) == pytest.approx(paused), "not at once, whatever it says, and not for ever"


def test_trap_19_orders_slow_down_stop_at_the_reserve_and_cancels_go_on() -> None:
    budget = AddressBudget(SETTINGS, used=7_000)
    budget.sent(-1.0, 1)
    budget.answered(0.0, 1)
    assert budget.wait_s(0.0, 1, may_use_reserve=False) == 0
    budget.told(8_500, 10_000, budget.settled)
    assert budget.wait_s(0.0, 1, may_use_reserve=False) == SETTINGS.budget_slow_interval_s
    budget.told(9_500, 10_000, budget.settled)
    assert budget.wait_s(0.0, 1, may_use_reserve=False) == INFINITE
    assert budget.wait_s(0.0, 1, may_use_reserve=True) == 0
    budget.told(10_000, 10_000, budget.settled)
    assert budget.wait_s(0.0, 1, may_use_reserve=True) == SETTINGS.budget_spent_interval_s
    assert budget.wait_s(0.0, 1, may_use_reserve=True, is_cancel=True) == 0
    budget.told(20_000, 10_000, budget.settled)
    assert budget.wait_s(4.0, 1, may_use_reserve=True, is_cancel=True) == 6.0
    budget.told(0, 1_000_000, budget.settled)
    assert budget.cancel_cap == 1_100_000
    budget.traded(12)
    assert budget.cap == 1_000_012
    budget.sent(0.0, 3)
    budget.answered(0.1, 3)
    budget.refused(3)
    assert budget.used == 0


@pytest.mark.parametrize(("told", "believed"), [(100, 103), (101, 103), (103, 103), (90, 93), (110, 113)])
def test_what_was_under_way_may_be_in_the_count_of_the_exchange_or_not(told: int, believed: int) -> None:
    budget = AddressBudget(SETTINGS, used=100)
    budget.sent(0.0, 1)
    asked = budget.settled
    budget.sent(0.1, 2)
    budget.answered(0.2, 1)
    budget.told(told, 10_000, asked)
    assert budget.used == believed


def test_the_exchange_is_asked_for_its_count_at_times_and_more_often_when_little_is_left() -> None:
    budget = AddressBudget(SETTINGS)
    assert [budget.wants_news(time) for time in (0.0, 0.0, 599.0, 600.0)] == [True, False, False, True]
    budget.spent()
    assert budget.used == 10_000
    assert [budget.wants_news(time) for time in (659.0, 660.0)] == [False, True]


def test_an_account_that_has_to_wait_stops_no_other() -> None:
    line = queue()
    spent = AddressBudget(SETTINGS, used=10_000)
    spent.sent(0.0, 1)
    line.push(ticket(Priority.REDUCE, "a", items=1, budget=spent))
    line.push(ticket(Priority.REDUCE, "b", items=1, budget=AddressBudget(SETTINGS)))
    line.push(ticket(Priority.INFO, "c", weight=2))
    assert [gone.caller for gone in (line.next(0.0), line.next(0.0)) if isinstance(gone, Ticket)] == ["b", "c"]
    assert line.next(0.0) == SETTINGS.budget_spent_interval_s


def test_weights_are_those_of_the_table() -> None:
    weights = [info_weight(name) for name in ("l2Book", "orderStatus", "meta", "userFills", "userRole", "new")]
    assert weights == [2, 2, 20, 20, 60, 20]
    assert [items_weight("userFills"), items_weight("userFills", 41), items_weight("candleSnapshot")] == [100, 2, 83]
    assert [items_weight("meta"), items_weight("meta", 500)] == [0, 0]
    assert [action_weight(items) for items in (1, 39, 40, 100)] == [1, 1, 2, 3]


def test_who_waits_in_vain_is_told_that_nothing_was_sent_and_leaves_no_trace() -> None:
    async def scenario() -> None:
        gate = Gate(SETTINGS, clock=lambda: 0.0)
        first = ticket()
        await gate.admit(first)
        gate.back_off(first, 5.0)
        with pytest.raises(NotSentError, match="nothing was sent"):
            await gate.admit(ticket(), within_s=0.001)
        task = asyncio.create_task(gate.admit(ticket()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not len(gate._queue)

    asyncio.run(scenario())


def test_who_waits_for_a_budget_that_others_use_up_is_told_so_at_once() -> None:
    async def scenario() -> None:
        gate = Gate(SETTINGS)
        budget = AddressBudget(SETTINGS, used=8_500)
        waiting = [gate.admit(ticket(items=600, budget=budget)) for _ in range(3)]
        first, *told = await asyncio.gather(*waiting, return_exceptions=True)
        assert first is None
        assert [str(error)[:40] for error in told] == ["the account has used 9100 of 10000 reque"] * 2
        assert not len(gate._queue)
        assert budget.used == 9_100

    asyncio.run(scenario())


def test_limits_that_could_not_be_kept_are_refused() -> None:
    for wrong in (
        {"ip_burst": 1200},
        {"ip_reserve": 250},
        {"batch_items_max": 201},
        {"budget_slow_from": 0},
        {"backoff_first_s": 100},
        {"batch_window_s": -1},
    ):
        with pytest.raises(ParameterError, match=next(iter(wrong))):
            LimitSettings(**wrong)


def test_trap_4_url_socket_and_chain_are_three_settings() -> None:
    local = HyperliquidConfig(network="mainnet", api_url="http://127.0.0.1:3001/", ws_url="ws://127.0.0.1:3001/ws")
    assert (local.is_mainnet, local.api_url, local.ws_url) == (
        True,
        "http://127.0.0.1:3001",
        "ws://127.0.0.1:3001/ws",
    )
    assert HyperliquidConfig().api_url == "https://api.hyperliquid-testnet.xyz"
    assert HyperliquidConfig(network="mainnet").ws_url == "wss://api.hyperliquid.xyz/ws"
    upper = HyperliquidConfig(account_address="0x" + "AB" * 20)
    assert (upper.account_address, upper.trader) == ("0x" + "ab" * 20, "0x" + "ab" * 20)
    for wrong in (
        {"network": "Mainnet"},
        {"api_url": "ftp://x"},
        {"account_address": "0x12"},
        {"expires_after_ms": 0},
        {"timeout_s": 0},
    ):
        with pytest.raises(ParameterError, match=next(iter(wrong))):
            HyperliquidConfig(**wrong)
