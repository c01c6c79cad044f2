"""Questions: asked again where that is safe, whole however many pages they take, and each row once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algo_trade.errors import DataError, NotSentError, ParameterError, RefusedError
from algo_trade.hyperliquid.client import HyperliquidClient
from algo_trade.hyperliquid.settings import HyperliquidConfig
from tests.hyperliquid.simulated import ACCOUNT, META, SmallVenue, client, simulate

MILLI = 1_000_000
NEW = {"name": "NEW", "szDecimals": 1, "maxLeverage": 3}
GROWN: dict[str, Any] = META | {"universe": [*META["universe"], NEW]}


def rate(time: int, number: int) -> dict[str, Any]:
    return {"coin": "BTC", "fundingRate": f"0.{number:010d}", "premium": "0.0", "time": time}


def paged(rows: list[dict[str, Any]], cap: int = 500) -> Any:
    def answer(question: dict[str, Any]) -> list[dict[str, Any]]:
        last = question.get("endTime", 1 << 62)
        return [row for row in rows if question["startTime"] <= row["time"] <= last][:cap]

    return answer


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 400), min_size=0, max_size=1800), st.integers(0, 200), st.integers(0, 300))
def test_pages_are_joined_without_loss_or_repetition(times: list[int], start: int, length: int) -> None:
    rows = [rate(time, number) for number, time in enumerate(sorted(times))]
    venue = SmallVenue()
    venue.info["fundingHistory"] = paged(rows)

    async def scenario() -> None:
        async with client(venue) as hl:
            got = await hl.info.funding_history("BTC", start_ns=start * MILLI, end_ns=(start + length) * MILLI)
            wanted = [row["time"] * MILLI for row in rows if start <= row["time"] < start + length]
            assert [row["time"] for row in got] == wanted
            assert len({row["rate"] for row in got}) == len(got)

    simulate(scenario)


def test_more_rows_at_one_time_than_an_answer_holds_are_an_error_and_not_a_loss() -> None:
    venue = SmallVenue()
    venue.info["fundingHistory"] = paged([rate(5, number) for number in range(501)])

    async def scenario() -> None:
        async with client(venue) as hl:
            with pytest.raises(DataError, match="more rows at 5 ms"):
                await hl.info.funding_history("BTC", start_ns=0)

    simulate(scenario)


def test_trap_38_of_an_order_that_is_listed_once_per_status_the_newest_counts_and_an_end_wins() -> None:
    venue = SmallVenue()
    row = {"coin": "BTC", "side": "B", "limitPx": "1.0", "sz": "1.0", "origSz": "1.0", "timestamp": 1}

    def news(oid: int, status: str, time: int) -> dict[str, Any]:
        return {"order": row | {"oid": oid}, "status": status, "statusTimestamp": time}

    venue.info["historicalOrders"] = [
        news(1, "filled", 9),
        news(1, "open", 9),
        news(2, "open", 3),
        news(2, "canceled", 2),
    ]

    async def scenario() -> None:
        async with client(venue) as hl:
            got = await hl.info.historical_orders()
            assert [(each["order"]["oid"], each["status"]) for each in got] == [(1, "filled"), (2, "open")]

    simulate(scenario)


def test_trap_33_a_question_on_a_dead_connection_is_asked_again_at_once() -> None:
    venue = SmallVenue()
    venue.info_faults.append("reset")

    async def scenario() -> None:
        async with client(venue) as hl:
            assert len((await hl.info.meta())["universe"]) == 3

    assert simulate(scenario) < 0.2
    assert len(venue.asked) == 2


def test_questions_are_asked_again_after_429_and_5xx_and_given_up_in_the_end() -> None:
    venue = SmallVenue()
    venue.info_faults.extend([429, 503, 500])

    async def scenario() -> None:
        async with client(venue) as hl:
            await hl.info.meta()
            venue.info_faults.extend([500] * 4)
            with pytest.raises(NotSentError, match="asked 4 times: meta: HTTP 500"):
                await hl.info.meta()
            venue.info_faults.append(422)
            with pytest.raises(RefusedError, match="HTTP 422"):
                await hl.info.meta()

    assert simulate(scenario) > 1


def test_trap_24_contexts_of_another_length_are_read_again_with_the_list_and_never_paired_by_half() -> None:
    venue = SmallVenue()
    context = {"funding": "0.0", "openInterest": "1.0", "prevDayPx": "1.0", "dayNtlVlm": "1.0", "premium": None}
    context |= {"oraclePx": "1.0", "markPx": "1.0", "midPx": None, "impactPxs": None}
    answers = [[META, [context] * 4], [GROWN, [context] * 4]]
    venue.info["metaAndAssetCtxs"] = lambda _: answers.pop(0) if len(answers) > 1 else answers[0]

    async def scenario() -> None:
        async with client(venue) as hl:
            await hl.load_instruments()
            venue.info["meta"] = GROWN
            assert list(await hl.contexts()) == ["BTC", "ETH", "OLD", "NEW"]
            assert [(change.what, change.after.coin) for change in hl.changes] == [("listed", "NEW")]
            venue.info["metaAndAssetCtxs"] = [META, [context]]
            with pytest.raises(DataError, match="1 for 3 instruments"):
                await hl.contexts()

    simulate(scenario)


def test_trap_23_an_unknown_coin_has_the_list_read_again() -> None:
    venue = SmallVenue()

    async def scenario() -> None:
        async with client(venue) as hl:
            assert (await hl.instrument("BTC")).asset == 0
            venue.info["meta"] = META | {
                "universe": [*META["universe"], {"name": "NEW", "szDecimals": 1, "maxLeverage": 3}]
            }
            assert (await hl.instrument("NEW")).asset == 3
            with pytest.raises(ParameterError, match="lists no such instrument"):
                await hl.instrument("NOWHERE")

    simulate(scenario)


def test_builder_lists_are_numbered_by_their_place() -> None:
    venue = SmallVenue()
    venue.info["perpDexs"] = [None, {"name": "abc"}, {"name": "xyz"}]
    gold = {"universe": [{"name": "xyz:GOLD", "szDecimals": 2, "maxLeverage": 10}]}
    venue.info["meta"] = lambda question: gold if question["dex"] == "xyz" else META

    async def scenario() -> None:
        config = HyperliquidConfig()
        async with HyperliquidClient(config, dexes=["xyz"], transport=venue) as hl:
            assert (await hl.instrument("xyz:GOLD")).asset == 120_000
        async with HyperliquidClient(config, dexes=["nope"], transport=venue) as hl:
            with pytest.raises(ParameterError, match="'nope': is not listed: abc, xyz"):
                await hl.load_instruments()
            with pytest.raises(ParameterError, match="account_address"):
                await hl.info.open_orders()

    simulate(scenario)


def test_the_configured_account_is_asked_about_and_a_vault_in_its_stead() -> None:
    venue = SmallVenue()
    vault = "0x" + "cd" * 20
    venue.info["userFees"] = {"userCrossRate": "0.00045", "userAddRate": "0.00015"}

    async def scenario() -> None:
        async with client(venue) as hl:
            await hl.info.fees()
        async with client(venue, vault_address=vault) as hl:
            await hl.info.fees()
            await hl.info.fees("0x" + "EF" * 20)

    simulate(scenario)
    assert [question["user"] for question in venue.asked] == [ACCOUNT, vault, "0x" + "ef" * 20]


def test_the_budget_is_taken_over_from_the_exchange() -> None:
    venue = SmallVenue()
    venue.info["userRateLimit"] = {
        "cumVlm": "5000.5",
        "nRequestsUsed": 12,
        "nRequestsCap": 15_000,
        "nRequestsSurplus": 3,
    }

    async def scenario() -> None:
        async with client(venue) as hl:
            budget = await hl.poll_budget()
            assert (budget.used, budget.cap) == (12, 15_000)

    simulate(scenario)
