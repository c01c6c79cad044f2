"""Orders whose answer was lost: found by looking, by fills, by their expiry, or voided; never sent again."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algo_trade.errors import NotSentError, ParameterError
from algo_trade.hyperliquid.answers import Cancelled, Resting, Unknown
from algo_trade.hyperliquid.exchange import NewOrder
from algo_trade.hyperliquid.together import Together
from tests.hyperliquid.simulated import SmallVenue, client, clock_ms, simulate

if TYPE_CHECKING:
    from algo_trade.hyperliquid.client import HyperliquidClient


def order() -> NewOrder:
    return NewOrder(coin="BTC", is_buy=True, price=Decimal(65_000), quantity=Decimal("0.002"))


async def lost(hl: HyperliquidClient, venue: SmallVenue, fault: str) -> Unknown:
    await hl.load_instruments()
    venue.faults.append(fault)
    answer = await hl.exchange.place(order())
    assert isinstance(answer, Unknown)
    return answer


def test_trap_11_an_order_that_had_arrived_is_found_resting() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            unknown = await lost(hl, venue, "after")
            settled = await hl.resolve(unknown)
            assert (settled.state, settled.oid, settled.filled) == ("resting", 101, Decimal(0))
            assert await hl.resolve(unknown) == settled, "asked twice, it is the same"

    simulate(scenario)
    assert len(venue.posted) == 1


def test_trap_11_an_order_that_never_arrived_is_absent_only_after_its_expiry() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            unknown = await lost(hl, venue, "before")
            assert await hl.look(unknown) is None
            settled = await hl.resolve(unknown)
            assert settled.state == "absent"
            assert unknown.deadline_ms is not None
            assert clock_ms() >= unknown.deadline_ms

    simulate(scenario)
    assert len(venue.posted) == 1


def test_an_order_that_arrives_late_is_found_and_one_that_arrives_after_its_expiry_is_refused_by_it() -> None:
    venue = SmallVenue()

    async def scenario(expires_after_ms: int, state: str) -> None:
        async with client(venue, expires_after_ms=expires_after_ms) as hl:
            unknown = await lost(hl, venue, "before")
            assert await hl.look(unknown) is None
            venue.execute(venue.posted[-1])  # it had lain somewhere on the way, for as long as an answer was waited for
            assert (await hl.resolve(unknown)).state == state

    simulate(lambda: scenario(60_000, "resting"))
    simulate(lambda: scenario(5_000, "absent"))
    assert len(venue.open) == 1


def test_trap_28_what_the_exchange_has_forgotten_is_found_by_its_fills() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            unknown = await lost(hl, venue, "after")
            venue.fill(101, "0.0015", is_whole=False)
            venue.fill(101, "0.0005", is_remembered=False)
            assert venue.answer({"type": "orderStatus", "oid": unknown.cloid}) == {"status": "unknownOid"}
            settled = await hl.resolve(unknown)
            assert (settled.state, settled.oid, settled.status) == ("done", 101, None)
            assert settled.filled == Decimal("0.002")

    simulate(scenario)


def test_trap_40_the_filled_size_is_the_sum_of_fills_and_not_what_a_status_says() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            unknown = await lost(hl, venue, "after")
            venue.fill(101, "0.0015", is_whole=False)
            settled = await hl.resolve(unknown)
            assert (settled.state, settled.status, settled.filled) == ("resting", "open", Decimal("0.0015"))
            assert await hl.exchange.cancel("BTC", 101) == Cancelled()
            settled = await hl.resolve(unknown)
            assert (settled.state, settled.status, settled.filled) == ("done", "canceled", Decimal("0.0015"))

    simulate(scenario)


def test_fills_of_others_are_not_its_own() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            other = await hl.exchange.place(order())
            assert isinstance(other, Resting)
            unknown = await lost(hl, venue, "before")
            venue.fill(other.oid, "0.002")
            assert (await hl.resolve(unknown)).state == "absent"

    simulate(scenario)


def test_looking_goes_on_through_failures() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            unknown = await lost(hl, venue, "after")
            venue.info_faults.extend([500] * 5 + ["reset"] * 5)
            assert (await hl.resolve(unknown)).state == "resting"

    simulate(scenario)


def test_a_no_op_with_its_nonce_voids_what_has_not_arrived() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            unknown = await lost(hl, venue, "before")
            assert await hl.void(unknown)
            assert venue.execute(venue.posted[0])["status"] == "err", "it comes too late"
            assert venue.open == {}

    simulate(scenario)
    assert venue.posted[1]["action"] == {"type": "noop"}
    assert venue.posted[1]["nonce"] == venue.posted[0]["nonce"]


def test_a_no_op_is_too_late_for_what_was_executed_and_looking_finds_it() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            unknown = await lost(hl, venue, "after")
            assert not await hl.void(unknown)
            assert (await hl.resolve(unknown)).state == "resting"

    simulate(scenario)


def test_trap_13_a_lost_change_is_not_settled_by_the_order_that_it_was_to_replace() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            first = order()
            resting = await hl.exchange.place(first)
            assert isinstance(resting, Resting)
            venue.faults.append("before")
            to = NewOrder(coin="BTC", is_buy=True, price=Decimal(65_001), quantity=first.quantity, cloid=first.cloid)
            unknown = await hl.exchange.modify(resting.oid, to)
            assert isinstance(unknown, Unknown)
            assert unknown.is_change
            settled = await hl.resolve(unknown)
            assert (settled.state, settled.oid) == ("resting", resting.oid)
            assert unknown.deadline_ms is not None
            assert clock_ms() >= unknown.deadline_ms

    simulate(scenario)


def test_a_lost_cancel_is_looked_up_by_whatever_named_the_order() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            resting = await hl.exchange.place(order())
            assert isinstance(resting, Resting)
            assert resting.cloid is not None
            venue.faults.extend(["after", "before"])
            by_oid = await hl.exchange.cancel("BTC", resting.oid)
            by_cloid = await hl.exchange.cancel("BTC", resting.cloid)
            for unknown in (by_oid, by_cloid):
                assert isinstance(unknown, Unknown)
                settled = await hl.resolve(unknown)
                assert (settled.state, settled.status) == ("done", "canceled")

    simulate(scenario)


FAULTS = st.sampled_from([None, None, "before", "after", "unsent", 429, "429 after", 500, b"<html>"])
CHANGES = st.lists(st.tuples(FAULTS, st.sampled_from(["rest", "fill", "part", "forgotten"])), max_size=12)


@settings(max_examples=60, deadline=None)
@given(CHANGES, st.lists(st.sampled_from([429, 500, "reset"]), max_size=8))
def test_whatever_is_lost_no_order_lives_twice_and_what_is_settled_is_what_the_exchange_has(
    lives: list[tuple[str | int | bytes | None, str]], info_faults: list[str | int]
) -> None:
    venue = SmallVenue()

    async def one(hl: HyperliquidClient, fault: str | int | bytes | None, life: str) -> None:
        if fault is not None:
            venue.faults.append(fault)
        asked = order()
        placed_before = venue.oid
        try:
            answer = await hl.exchange.place(asked)
        except NotSentError:
            assert venue.oid == placed_before
            return
        assert venue.oid - placed_before <= 1, "it was executed once, or not at all"
        is_there = venue.oid > placed_before
        if is_there and life != "rest":
            venue.fill(venue.oid, "0.001", is_whole=life != "part", is_remembered=life != "forgotten")
        if isinstance(answer, Unknown):
            settled = await hl.resolve(answer)
            wanted = {"rest": "resting", "part": "resting"}.get(life, "done") if is_there else "absent"
            assert settled.state == wanted
            assert settled.filled == (Decimal("0.001") if is_there and life != "rest" else 0)

    async def scenario() -> None:
        async with client(venue) as hl:
            await hl.load_instruments()
            venue.info_faults.extend(info_faults)
            for fault, life in lives:
                await one(hl, fault, life)

    simulate(scenario)
    cloids = [each["cloid"] for each in venue.open.values()] + [each["cloid"] for each, _ in venue.ended.values()]
    assert len(set(cloids)) == len(cloids)


def test_what_names_no_order_and_what_was_answered_is_refused() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            with pytest.raises(ParameterError, match="neither cloid nor oid"):
                await hl.look(Unknown(1, 1, 1, ""))
            with pytest.raises(ParameterError, match="nothing to void"):
                await hl.void(Unknown(0, 1, 1, "", oid=1))

    simulate(scenario)


def test_orders_that_are_in_doubt_at_once_are_looked_up_by_questions_that_all_share() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            await hl.load_instruments()
            venue.faults.extend(["after"] * 20)
            unknown = await asyncio.gather(*(hl.exchange.place(order()) for _ in range(20)))
            venue.fill(101, "0.002")
            venue.asked.clear()
            found = await asyncio.gather(*(hl.resolve(each) for each in unknown if isinstance(each, Unknown)))
            assert [each.state for each in found] == ["done"] + ["resting"] * 19
            assert [each.filled for each in found] == [Decimal("0.002")] + [Decimal(0)] * 19

    simulate(scenario)
    asked = Counter(question["type"] for question in venue.asked)
    assert asked["orderStatus"] == 20
    assert asked["frontendOpenOrders"] <= 2
    assert asked["userFillsByTime"] <= 2


def test_an_answer_that_was_on_its_way_before_somebody_asked_is_not_his() -> None:
    put: list[int] = []

    async def ask(since_ns: int) -> int:
        put.append(since_ns)
        number = len(put)
        await asyncio.sleep(1)
        return number

    async def scenario() -> None:
        question = Together(ask)
        first = asyncio.create_task(question.answer(50))
        await asyncio.sleep(0.5)
        later = [asyncio.create_task(question.answer(since_ns)) for since_ns in (70, 30, 90)]
        assert await first == 1
        later[0].cancel()
        assert await asyncio.gather(*later[1:]) == [2, 2], "who gives up does not give up for the others"
        assert await question.answer(10) == 3

    simulate(scenario)
    assert put == [50, 30, 10], "for all, as far back as any of them wants to know"


def test_a_question_that_fails_fails_for_all_who_wait_and_the_next_one_is_put() -> None:
    failures = ["down"]

    async def ask(since_ns: int) -> int:
        await asyncio.sleep(1)
        if failures:
            raise NotSentError(failures.pop())
        return since_ns

    async def scenario() -> None:
        question = Together(ask)
        told = await asyncio.gather(question.answer(1), question.answer(2), return_exceptions=True)
        assert [str(each) for each in told] == ["down", "down"]
        assert await question.answer(3) == 3
        nobody = [asyncio.create_task(question.answer(4)) for _ in range(2)]
        await asyncio.sleep(0.5)
        for each in nobody:
            each.cancel()
        gc.collect()
        assert await question.answer(5) == 5, "what nobody waits for any more comes to its end"

    simulate(scenario)
