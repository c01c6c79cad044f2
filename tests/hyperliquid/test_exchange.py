"""Orders: batches, answers to each, and an action that is posted once whatever happens."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest

from algo_trade.errors import NotSentError, ParameterError, SignatureError
from algo_trade.hyperliquid.answers import Cancelled, Filled, Refused, Resting, Unknown, Unread, Waiting
from algo_trade.hyperliquid.exchange import NewOrder
from algo_trade.hyperliquid.refusals import RefusalKind
from algo_trade.hyperliquid.settings import LimitSettings
from tests.hyperliquid.simulated import KEY, START_MS, SmallVenue, client, simulate


def order(coin: str = "BTC", price: str = "65000", quantity: str = "0.001", **more: Any) -> NewOrder:
    return NewOrder(coin=coin, is_buy=True, price=Decimal(price), quantity=Decimal(quantity), **more)


def statuses(*items: Any) -> bytes:
    return json.dumps({"status": "ok", "response": {"type": "order", "data": {"statuses": items}}}).encode()


def test_an_order_leaves_with_a_cloid_an_expiry_and_a_signature_over_what_is_posted() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            answer = await hl.exchange.place(order(cloid="0x" + "0" * 31 + "7"))
            assert answer == Resting(101, "0x" + "0" * 31 + "7")
        assert venue.closed

    simulate(scenario)
    (posted,) = venue.posted
    assert posted["action"]["orders"][0]["p"] == "65000"
    assert posted["action"]["orders"][0]["c"] == "0x" + "0" * 31 + "7"
    assert START_MS < posted["expiresAfter"] - 10_000 < START_MS + 1_000
    assert venue.signers == [KEY.address]


def test_orders_of_one_moment_leave_together_and_each_gets_its_answer() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            await hl.load_instruments()
            orders = [order(price=str(65_000 + index)) for index in range(5)]
            answers = await asyncio.gather(*[hl.exchange.place(each) for each in orders])
            assert [(answer.oid, answer.cloid) for answer in answers if isinstance(answer, Resting)] == [
                (101 + index, each.cloid) for index, each in enumerate(orders)
            ]

    simulate(scenario)
    assert [len(posted["action"]["orders"]) for posted in venue.posted] == [5]


def test_kinds_and_callers_leave_apart_and_no_action_is_longer_than_allowed() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue, limits=LimitSettings(batch_items_max=2, batch_window_s=0.01)) as hl:
            await hl.load_instruments()
            post_only, reduce_only = order(time_in_force="alo"), order(reduce_only=True)
            await asyncio.gather(
                *[hl.exchange.place(order()) for _ in range(3)],
                hl.exchange.place(post_only),
                hl.exchange.place(reduce_only),
                hl.exchange.place(order(), caller="other"),
                hl.exchange.cancel("BTC", 1),
                hl.exchange.cancel("BTC", 2),
                hl.exchange.cancel("BTC", "0x" + "0" * 32),
            )

    simulate(scenario)
    sent = [
        (posted["action"]["type"], len(posted["action"].get("orders") or posted["action"]["cancels"]))
        for posted in venue.posted
    ]
    assert sorted(sent) == [
        ("cancel", 2),
        ("cancelByCloid", 1),
        ("order", 1),
        ("order", 1),
        ("order", 1),
        ("order", 1),
        ("order", 2),
    ]
    assert len({posted["nonce"] for posted in venue.posted}) == len(venue.posted)


def test_changes_of_one_moment_leave_together_and_each_gets_its_answer() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            orders = [order(price=str(65_000 + index)) for index in range(4)]
            placed = await hl.exchange.place_together(orders)
            oids = [answer.oid for answer in placed if isinstance(answer, Resting)]
            assert await hl.exchange.cancel("BTC", oids[1]) == Cancelled()
            named: list[int | str] = [oids[0], oids[1], orders[2].cloid, oids[3]]
            to = [order(price="64000", cloid=each.cloid) for each in orders]
            first, dead, *others = await asyncio.gather(*map(hl.exchange.modify, named, to))
            assert [first, *others] == [
                Resting(105, to[0].cloid),
                Resting(106, to[2].cloid),
                Resting(107, to[3].cloid),
            ]
            assert isinstance(dead, Unknown), "the refusal of one is no matter of the others"
            assert (dead.cloid, dead.is_change, dead.nonce) == (to[1].cloid, True, 0)

    simulate(scenario)
    (posted,) = [posted for posted in venue.posted if posted["action"]["type"] == "batchModify"]
    assert [modify["oid"] for modify in posted["action"]["modifies"]][:2] == [101, 102]
    assert START_MS < posted["expiresAfter"] - 10_000 < START_MS + 1_000


def test_changes_leave_apart_by_what_they_place_and_by_caller_and_none_is_longer_than_allowed() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue, limits=LimitSettings(batch_items_max=2)) as hl:
            await hl.load_instruments()
            await asyncio.gather(
                *[hl.exchange.modify(number, order()) for number in range(3)],
                hl.exchange.modify(3, order(time_in_force="alo")),
                hl.exchange.modify(4, order(reduce_only=True)),
                hl.exchange.modify(5, order(), caller="other"),
                hl.exchange.place(order()),
            )

    simulate(scenario)
    sent = [[modify["oid"] for modify in posted["action"].get("modifies", [])] for posted in venue.posted]
    assert sorted(sent) == [[], [0, 1], [2], [3], [4], [5]]


def test_trap_11_changes_whose_answer_is_lost_are_unknown_each_by_itself() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            await hl.load_instruments()
            venue.faults.append("before")
            to = [order() for _ in range(2)]
            answers = await asyncio.gather(*[hl.exchange.modify(101 + index, each) for index, each in enumerate(to)])
            for answer, each in zip(answers, to, strict=True):
                assert isinstance(answer, Unknown)
                assert (answer.cloid, answer.is_change) == (each.cloid, True)

    simulate(scenario)
    assert len(venue.posted) == 1


def test_a_cancel_that_wants_priority_says_so_and_leaves_apart() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            placed = await hl.exchange.place_together([order() for _ in range(3)])
            oids = [answer.oid for answer in placed if isinstance(answer, Resting)]
            answers = await asyncio.gather(
                *[hl.exchange.cancel("BTC", oid, is_fast=oid != oids[0]) for oid in oids],
            )
            assert answers == [Cancelled()] * 3

    simulate(scenario)
    cancels = [posted["action"] for posted in venue.posted if posted["action"]["type"] == "cancel"]
    assert [(list(cancel), len(cancel["cancels"])) for cancel in cancels] == [
        (["type", "cancels"], 1),
        (["type", "cancels", "f"], 2),
    ]
    assert cancels[1]["f"] is True


def test_traps_15_and_16_each_status_is_read_by_itself_and_a_new_one_is_kept() -> None:
    venue = SmallVenue()
    told = [
        {"resting": {"oid": 1}},
        {"filled": {"totalSz": "0.0005", "avgPx": "64999.5", "oid": 2}},
        {"error": "Post only order would have immediately matched, bbo was 1@2. asset=0"},
        "waitingForFill",
        "somethingNew",
        {"dreaming": 1},
    ]
    venue.faults.append(statuses(*told))

    async def scenario() -> None:
        async with client(venue) as hl:
            answers = await hl.exchange.place_together([order() for _ in told])
            assert answers == [
                Resting(1),
                Filled(2, Decimal("0.0005"), Decimal("64999.5")),
                Refused(RefusalKind.POST_ONLY, told[2]["error"]),  # type: ignore[index]
                Waiting("waitingForFill"),
                Unread({"word": "somethingNew"}),
                Unread({"unknown": {"dreaming": 1}}),
            ]

    simulate(scenario)


def test_trap_15_one_error_stands_for_all_and_other_lengths_are_unknown() -> None:
    venue = SmallVenue()
    error = {"error": "Order must have minimum value of $10."}
    venue.faults.extend([statuses(error), statuses({"resting": {"oid": 1}})])

    async def scenario() -> None:
        async with client(venue) as hl:
            answers = await hl.exchange.place_together([order(), order()])
            assert answers == [Refused(RefusalKind.MIN_NOTIONAL, error["error"])] * 2
            answers = await hl.exchange.place_together([order(), order()])
            assert all(isinstance(answer, Unknown) and "1 answers to 2" in answer.reason for answer in answers)

    simulate(scenario)


def test_a_whole_action_refused_refuses_each_order_of_it() -> None:
    venue = SmallVenue()
    venue.refusals["order"] = "Only post-only orders allowed immediately after a network upgrade"

    async def scenario() -> None:
        async with client(venue) as hl:
            answer = await hl.exchange.place(order())
            assert isinstance(answer, Refused)
            assert answer.kind is RefusalKind.RESTRICTED
            assert hl.budget.used == 0, "a refused whole action costs nothing"

    simulate(scenario)


def test_trap_19_when_the_exchange_says_that_the_budget_is_spent_orders_stop_and_cancels_go_on() -> None:
    venue = SmallVenue()
    limit = venue.info["userRateLimit"] = {"cumVlm": "0.0", "nRequestsUsed": 7_000, "nRequestsCap": 10_000}

    async def scenario() -> None:
        async with client(venue) as hl:
            resting = await hl.exchange.place(order())
            assert isinstance(resting, Resting)
            assert hl.budget.used >= 7_000, "it was asked for beside the first order"
            venue.refusals["order"] = (
                "Too many cumulative requests sent (10001 > 10000) for cumulative volume traded $0."
            )
            refused = await hl.exchange.place(order())
            assert isinstance(refused, Refused)
            assert refused.kind is RefusalKind.BUDGET
            limit["nRequestsUsed"] = 10_000
            with pytest.raises(NotSentError, match="kept for cancels"):
                await hl.exchange.place(order())
            assert await hl.exchange.cancel("BTC", resting.oid) == Cancelled()

    simulate(scenario)


def test_the_list_of_instruments_is_read_once_for_all_who_want_it() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            await asyncio.gather(*[hl.exchange.place(order()) for _ in range(5)])

    simulate(scenario)
    assert [question["type"] for question in venue.asked].count("meta") == 1


def test_exits_of_a_whole_position_have_no_size() -> None:
    venue = SmallVenue()
    venue.faults.append(statuses("waitingForTrigger"))

    async def scenario() -> None:
        async with client(venue) as hl:
            stop = order(quantity="0", reduce_only=True, trigger="sl", trigger_price=Decimal(60_000))
            assert await hl.exchange.place_together([stop], grouping="positionTpsl") == [Waiting("waitingForTrigger")]

    simulate(scenario)
    assert venue.posted[0]["action"]["orders"][0]["s"] == "0"
    assert venue.posted[0]["action"]["grouping"] == "positionTpsl"


def test_trap_12_a_cancel_of_what_is_gone_says_gone_and_not_filled_or_never_there() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            resting = await hl.exchange.place(order())
            assert isinstance(resting, Resting)
            assert await hl.exchange.cancel("BTC", resting.oid) == Cancelled()
            gone = await hl.exchange.cancel("BTC", resting.oid)
            assert isinstance(gone, Refused)
            assert gone.kind is RefusalKind.GONE

    simulate(scenario)


@pytest.mark.parametrize("fault", ["before", "after", 500, 503, 302, 408, b"<html>busy</html>", b"null", b""])
def test_trap_11_a_lost_answer_is_unknown_and_the_order_is_never_sent_again(fault: str | int | bytes) -> None:
    venue = SmallVenue()
    venue.faults.append(fault)

    async def scenario() -> None:
        async with client(venue) as hl:
            asked = order()
            answer = await hl.exchange.place(asked)
            assert isinstance(answer, Unknown)
            (posted,) = venue.posted
            assert (answer.cloid, answer.nonce) == (asked.cloid, posted["nonce"])
            assert answer.deadline_ms == posted["expiresAfter"] + 5_000

    simulate(scenario)
    assert len(venue.posted) == 1


def test_trap_20_a_429_costs_a_pause_and_no_order() -> None:
    venue = SmallVenue()
    venue.faults.extend([429, 429])

    async def scenario() -> None:
        async with client(venue) as hl:
            assert isinstance(await hl.exchange.place(order()), Resting)
            assert hl.budget.used == 1

    assert simulate(scenario) > 1
    assert len(venue.posted) == 3
    assert venue.posted[0] == venue.posted[1] == venue.posted[2], "the very same bytes: their nonce can be used once"


def test_a_429_that_outlasts_the_expiry_sends_nothing_any_more() -> None:
    venue = SmallVenue()
    venue.faults.extend([429] * 100)
    venue.headers = {"retry-after": "4"}

    async def scenario() -> None:
        async with client(venue) as hl:
            with pytest.raises(NotSentError):
                await hl.exchange.place(order())

    simulate(scenario)
    assert len(venue.posted) == 3


def test_a_429_that_had_executed_after_all_is_found_by_its_nonce() -> None:
    venue = SmallVenue()
    venue.faults.append("429 after")

    async def scenario() -> None:
        async with client(venue) as hl:
            answer = await hl.exchange.place(order())
            assert isinstance(answer, Unknown)
            assert (await hl.resolve(answer)).state == "resting"
            assert len(venue.open) == 1

    simulate(scenario)


def test_without_a_connection_nothing_was_sent_and_each_asker_is_told() -> None:
    venue = SmallVenue()
    venue.faults.append("unsent")

    async def scenario() -> None:
        async with client(venue) as hl:
            await hl.load_instruments()
            told = await asyncio.gather(*[hl.exchange.place(order()) for _ in range(2)], return_exceptions=True)
            assert [type(error) for error in told] == [NotSentError, NotSentError]
            assert told[0] is not told[1]
            assert hl.budget.used == 0

    simulate(scenario)


def test_trap_3_after_a_strange_signer_nothing_is_signed_any_more() -> None:
    venue = SmallVenue()
    venue.refusals["order"] = "User or API Wallet 0x" + "cd" * 20 + " does not exist."

    async def scenario() -> None:
        async with client(venue) as hl:
            with pytest.raises(SignatureError, match="does not exist"):
                await hl.exchange.place(order())
            with pytest.raises(SignatureError):
                await hl.exchange.cancel("BTC", 1)
            with pytest.raises(SignatureError):
                await hl.account.noop()

    simulate(scenario)
    assert len(venue.posted) == 1


def test_who_gives_up_waiting_does_not_take_the_order_back() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            await hl.load_instruments()
            task = asyncio.create_task(hl.exchange.place(order()))
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            early = asyncio.create_task(hl.exchange.place(order()))
            await asyncio.sleep(0)
            early.cancel()
        assert len(venue.open) == 1, "what had left is executed, and `close` waits for it; what had not is not sent"

    simulate(scenario)


def test_traps_14_and_13_a_refused_change_is_unknown_until_it_is_looked_at() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            first = order()
            resting = await hl.exchange.place(first)
            assert isinstance(resting, Resting)
            changed = await hl.exchange.modify(resting.oid, order(price="65001", cloid=first.cloid))
            assert changed == Resting(102, first.cloid), "a new oid under the same cloid"
            dead = await hl.exchange.modify(resting.oid, order(price="65002", cloid=first.cloid))
            assert isinstance(dead, Unknown)
            settled = await hl.resolve(dead)
            assert (settled.state, settled.oid) == ("resting", 102)

    simulate(scenario)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (order(price="65000.55"), "significant figures"),
        (order(quantity="0.000001"), "at most 5 decimals"),
        (order(price="100", quantity="0.001"), "at least 10"),
        (order(coin="OLD", price="10", quantity="10"), "delisted"),
        (order(coin="NOWHERE"), "lists no such instrument"),
        (order(trigger="sl", trigger_price=Decimal("1.2345678")), "trigger_price"),
    ],
)
def test_what_breaks_the_rules_of_the_instrument_is_not_sent(wrong: NewOrder, text: str) -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            with pytest.raises(ParameterError, match=text):
                await hl.exchange.place(wrong)

    simulate(scenario)
    assert venue.posted == []


def test_trap_30_a_reduce_only_rest_may_be_worth_little() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            small = order(price="100", quantity="0.001", reduce_only=True)
            assert isinstance(await hl.exchange.place(small), Resting)

    simulate(scenario)
