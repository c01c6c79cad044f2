"""What the state store keeps, the same in a file and on a server."""

from __future__ import annotations

import asyncio
import doctest
import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import algo_trade as at
from algo_trade.errors import ParameterError, StorageError
from algo_trade.storage import BotRecord

if TYPE_CHECKING:
    from tests.storage.kinds import FileStore, Kind, ServerStore
    from tests.storage.processes import Processes

NOW = datetime(2025, 11, 25, 8, 0, 0, 123_456, tzinfo=UTC)
CONFIG = {"symbols": ["BTC", "ÆTH"], "params": {"fast": 10, "ratio": 0.1, "none": None}, "risk": {}, "big": 2**70}


class Clock:
    """A clock that is put on by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def test_the_example_of_the_package_is_true() -> None:
    assert doctest.testmod(at.storage) == (0, 4)


def test_the_name_of_the_contract_is_lazy_and_the_same_everywhere() -> None:
    assert at.DatabaseClient is at.storage.DatabaseClient


def test_a_bot_is_kept_with_its_config(store: Kind) -> None:
    async def main() -> None:
        clock = Clock()
        async with store.client(clock=clock) as db:
            assert await db.bot("grid") is None
            kept = await db.save_bot("grid", CONFIG, "running")
            assert kept == BotRecord("grid", CONFIG, "running", version=1, created_at=NOW, changed_at=NOW)
            assert await db.bot("grid") == kept
        async with store.client() as db:
            again = await db.bot("grid")
            assert again == kept
            assert again is not None
            assert list(again.config["params"]) == ["fast", "ratio", "none"]

    asyncio.run(main())


def test_every_change_of_a_bot_raises_its_version_and_keeps_when_it_was_made(store: Kind) -> None:
    async def main() -> None:
        clock = Clock()
        async with store.client(clock=clock) as db:
            await db.save_bot("grid", {"a": 1}, "running")
            clock.now += timedelta(hours=1)
            saved = await db.save_bot("grid", {"a": 2}, "paused")
            assert (saved.config, saved.wanted, saved.version) == ({"a": 2}, "paused", 2)
            clock.now += timedelta(hours=1)
            changed = await db.set_wanted("grid", "stopped")
            assert (changed.config, changed.wanted, changed.version) == ({"a": 2}, "stopped", 3)
            assert (changed.created_at, changed.changed_at) == (NOW, NOW + timedelta(hours=2))
            assert await db.bot("grid") == changed

    asyncio.run(main())


def test_times_of_any_zone_are_kept_in_utc(store: Kind) -> None:
    async def main() -> None:
        from zoneinfo import ZoneInfo

        async with store.client(clock=lambda: NOW.astimezone(ZoneInfo("Asia/Tokyo"))) as db:
            kept = await db.save_bot("grid", {}, "running")
            assert kept.created_at == NOW
            assert kept.created_at.utcoffset() == timedelta(0)

    asyncio.run(main())


def test_bots_are_listed_by_their_ids_whatever_the_language_of_the_server(store: Kind) -> None:
    async def main() -> None:
        async with store.client() as db:
            assert await db.bots() == []
            for bot_id in ("b", "B", "a-1", "a_1", "A"):
                await db.save_bot(bot_id, {}, "stopped")
            assert [bot.bot_id for bot in await db.bots()] == ["A", "B", "a-1", "a_1", "b"]

    asyncio.run(main())


def test_a_removed_bot_takes_its_values_with_it_and_leaves_its_epochs(store: Kind) -> None:
    async def main() -> None:
        async with store.client() as db:
            for bot_id in ("grid", "other"):
                await db.save_bot(bot_id, {}, "running")
                await db.put_value(bot_id, "halted", {"reason": "drawdown"})
                await db.next_epoch(bot_id)
            await db.remove_bot("grid")
            await db.remove_bot("grid")
            assert [bot.bot_id for bot in await db.bots()] == ["other"]
            assert await db.value("grid", "halted") is None
            assert await db.value("other", "halted") == {"reason": "drawdown"}
            assert await db.next_epoch("grid") == 2

    asyncio.run(main())


def test_what_a_bot_should_do_cannot_be_set_for_one_that_is_not_there(store: Kind) -> None:
    async def main() -> None:
        async with store.client() as db:
            with pytest.raises(ParameterError, match="bot_id = 'grid': there is no such bot"):
                await db.set_wanted("grid", "running")

    asyncio.run(main())


def test_a_value_replaces_the_one_before_and_needs_no_bot(store: Kind) -> None:
    async def main() -> None:
        async with store.client() as db:
            assert await db.value("grid", "day") is None
            await db.put_value("grid", "day", {"equity": "10000"})
            await db.put_value("grid", "day", {"equity": "9000"})
            await db.put_value("grid", "halted", {})
            assert await db.value("grid", "day") == {"equity": "9000"}
            assert await db.value("grid", "halted") == {}
            await db.remove_value("grid", "day")
            await db.remove_value("grid", "day")
            assert await db.value("grid", "day") is None
            assert await db.value("grid", "halted") == {}

    asyncio.run(main())


_leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_trees = st.recursive(_leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def test_whatever_json_says_comes_back_as_it_was(store: Kind) -> None:
    with asyncio.Runner() as runner:
        db = runner.run(store.client().__aenter__())

        @given(value=st.dictionaries(st.text(), _trees))
        def comes_back(value: dict[str, Any]) -> None:
            runner.run(db.put_value("grid", "x", value))
            found = runner.run(db.value("grid", "x"))
            assert found == value
            assert repr(found) == repr(value)

        try:
            comes_back()
        finally:
            runner.run(db.__aexit__(None, None, None))


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ({"x": math.nan}, "cannot be kept as JSON"),
        ({"x": math.inf}, "cannot be kept as JSON"),
        ({"x": NOW}, "cannot be kept as JSON"),
        ({1: "x"}, "would not come back"),
        ({"x": (1, 2)}, "would not come back"),
        ({"x": "y" * 2_000_000}, "at most 1048576"),
    ],
)
def test_a_value_that_would_not_come_back_is_refused(file_store: FileStore, value: dict[str, Any], what: str) -> None:
    async def main() -> None:
        async with file_store.client() as db:
            with pytest.raises(ParameterError, match=what):
                await db.put_value("grid", "x", value)
            assert await db.value("grid", "x") is None

    asyncio.run(main())


@pytest.mark.parametrize("name", ["", "a\nb", "a\0b", "\ud800", "x" * 201])
def test_names_that_cannot_be_shown_are_refused_before_they_are_sent(store: Kind, name: str) -> None:
    async def main() -> None:
        async with store.client() as db:
            with pytest.raises(ParameterError, match="bot_id = "):
                await db.save_bot(name, {}, "running")
            with pytest.raises(ParameterError, match="who = "):
                await db.audit(name, "stop", "grid", {})

    asyncio.run(main())


def test_an_unknown_wish_is_refused(store: Kind) -> None:
    async def main() -> None:
        async with store.client() as db:
            with pytest.raises(ParameterError, match="wanted = 'runing': must be one of running, paused, stopped"):
                await db.save_bot("grid", {}, "runing")  # type: ignore[arg-type]

    asyncio.run(main())


def test_epochs_of_each_bot_rise_from_one_and_go_on_after_a_restart(store: Kind) -> None:
    async def main() -> None:
        async with store.client() as db:
            assert [await db.next_epoch("grid") for _ in range(3)] == [1, 2, 3]
            assert await db.next_epoch("other") == 1
        async with store.client() as db:
            assert await db.next_epoch("grid") == 4
            assert await db.next_epoch("grid", above=2) == 5
            assert await db.next_epoch("grid", above=100) == 101
            assert await db.next_epoch("grid") == 102
            with pytest.raises(ParameterError, match="above = 4294967295: must be 0 to 4294967294"):
                await db.next_epoch("grid", above=2**32 - 1)

    asyncio.run(main())


def test_no_epoch_is_given_to_two_of_many_who_ask_at_once(store: Kind) -> None:
    async def main() -> None:
        async with store.client(max_connections=3) as one, store.client(max_connections=3) as two:
            drawn = await asyncio.gather(*((one, two)[n % 2].next_epoch("grid") for n in range(100)))
        assert sorted(drawn) == list(range(1, 101))

    asyncio.run(main())


def test_no_epoch_is_given_to_two_processes(store: Kind, processes: Processes) -> None:
    actors = [processes.start("draw_epochs", store.url, "grid", 100) for _ in range(3)]
    for actor in actors:
        assert actor.says() == "ready"
    for actor in actors:
        actor.hears()
    drawn = [actor.everything() for actor in actors]
    assert all(each == sorted(each) for each in drawn)
    assert sorted(epoch for each in drawn for epoch in each) == list(range(1, 301))


def test_what_was_acknowledged_is_there_after_a_kill(store: Kind, processes: Processes, repeats: int) -> None:
    async def check(number: int, epoch: int, after: int) -> tuple[int, int]:
        async with store.client() as db:
            value = await db.value("grid", "last")
            assert value is not None
            # The one after what was acknowledged may have been under way.
            assert value["number"] in {number, number + 1}
            audits = await db.audits(after, limit=1_000)
            assert [audit.details["number"] for audit in audits] == list(range(1, len(audits) + 1))
            assert len(audits) in {number, number + 1}
            drawn = await db.next_epoch("grid")
            assert epoch < drawn <= epoch + 2
            return drawn, audits[-1].id

    drawn, after = 0, 0
    for round_ in range(max(repeats // 10, 2)):
        actor = processes.start("write_on", store.url)
        acknowledged = [actor.says() for _ in range(20 + 7 * round_)]
        actor.kill()
        acknowledged += actor.everything()
        assert [epoch for _, epoch in acknowledged] == list(range(drawn + 1, drawn + 1 + len(acknowledged)))
        number, epoch = acknowledged[-1]
        drawn, after = asyncio.run(check(number, epoch, after))


def test_audits_come_in_pages_in_the_order_of_writing(store: Kind) -> None:
    async def main() -> None:
        async with store.client(clock=Clock()) as db:
            assert await db.audits() == []
            for number in range(5):
                await db.audit("ann", "stop_bot", "grid", {"number": number})
            first = await db.audits(limit=2)
            assert [(a.at, a.who, a.action, a.target) for a in first] == [(NOW, "ann", "stop_bot", "grid")] * 2
            seen = first
            while page := await db.audits(after=seen[-1].id, limit=2):
                seen += page
            assert [audit.details["number"] for audit in seen] == [0, 1, 2, 3, 4]
            assert await db.audits(after=2**70) == []
            for limit in (0, 1_001):
                with pytest.raises(ParameterError, match="must be 1 to 1000"):
                    await db.audits(limit=limit)

    asyncio.run(main())


def test_who_reads_on_while_others_write_misses_no_audit(store: Kind) -> None:
    async def main() -> None:
        async with store.client() as db, store.client() as other:

            async def write(who: str) -> None:
                for number in range(20):
                    await (db if number % 2 else other).audit(who, "act", "it", {})

            async def read() -> list[str]:
                seen: list[str] = []
                after = None
                while len(seen) < 100:
                    for audit in await db.audits(after=after):
                        after = audit.id
                        seen.append(audit.who)
                return seen

            async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(read())
                for who in "abcde":
                    tasks.create_task(write(who))
            assert sorted(reading.result()) == sorted("abcde" * 20)

    asyncio.run(main())


@pytest.mark.parametrize("command", ["DELETE FROM audits", "UPDATE audits SET who = 'bob'", "TRUNCATE audits"])
def test_audits_are_neither_changed_nor_deleted(store: Kind, command: str) -> None:
    if command.startswith("TRUNCATE") and store.dialect == "sqlite":
        command = "DELETE FROM audits WHERE id = 1"

    async def main() -> None:
        async with store.client() as db:
            await db.audit("ann", "stop_bot", "grid", {})
            with pytest.raises(Exception, match="audits are only appended to"):
                store.sql(command)
            assert [audit.who for audit in await db.audits()] == ["ann"]

    asyncio.run(main())


def test_what_was_changed_by_hand_is_named_and_not_served(store: Kind) -> None:
    async def main() -> None:
        async with store.client() as db:
            await db.save_bot("grid", {}, "running")
            await db.put_value("grid", "day", {})
            store.sql("UPDATE bots SET config = '[1]'", "UPDATE bot_values SET value = '17'")
            with pytest.raises(StorageError, match=r"bots, 'grid': no JSON object: '\[1\]'"):
                await db.bots()
            with pytest.raises(StorageError, match="bot_values, 'grid', 'day': no JSON object: '17'"):
                await db.value("grid", "day")

    asyncio.run(main())


def test_a_client_works_only_within_its_block_and_again_in_another(store: Kind) -> None:
    async def main() -> None:
        db = store.client()
        for _ in range(2):
            with pytest.raises(StorageError, match="is not open: use `async with DatabaseClient"):
                await db.bots()
            async with db:
                assert await db.bots() == []

    asyncio.run(main())


def test_calls_under_way_when_the_block_is_left_end_as_well(store: Kind) -> None:
    async def main() -> None:
        async with store.client(max_connections=2) as db:
            calls = [asyncio.ensure_future(db.next_epoch("grid")) for _ in range(20)]
            await asyncio.sleep(0.002)
        async with asyncio.timeout(15):
            ends = await asyncio.gather(*calls, return_exceptions=True)
        drawn = [end for end in ends if isinstance(end, int)]
        assert [end for end in ends if not isinstance(end, int | StorageError)] == []
        async with store.client() as db:
            assert await db.next_epoch("grid") > max(drawn, default=0)

    asyncio.run(main())


def test_a_cancelled_call_leaves_the_store_in_order(store: Kind) -> None:
    async def main() -> None:
        async with store.client(max_connections=2) as db:
            for number in range(30):
                writing = asyncio.ensure_future(db.put_value("grid", "n", {"n": number}))
                await asyncio.sleep(0.0002 * (number % 10))
                writing.cancel()
                await asyncio.wait([writing])
            await db.put_value("grid", "n", {"n": "last"})
            assert await db.value("grid", "n") == {"n": "last"}

    asyncio.run(main())


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"max_connections": 0}, "max_connections = 0: must be at least 1"),
        ({"timeout_s": 0}, "must be above 0"),
        ({"lease_ttl_s": math.nan}, "must be above 0"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], what: str) -> None:
    with pytest.raises(ParameterError, match=what):
        at.DatabaseClient("sqlite:///x.db", **options)


def test_a_client_shows_where_it_is_without_the_password(server_store: ServerStore) -> None:
    assert repr(server_store.client()) == f"DatabaseClient({server_store.where})"
