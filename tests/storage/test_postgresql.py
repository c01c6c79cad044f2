"""The store on a server that refuses, hangs up, is slow, fails over, or has no connection left."""

from __future__ import annotations

import asyncio
import time
import traceback
from functools import partial
from typing import TYPE_CHECKING

import pytest
import uvloop

from algo_trade.errors import ParameterError, StorageError, StorageUnavailableError
from algo_trade.storage import DatabaseClient
from tests.storage.cluster import free_port
from tests.storage.relay import Relay, relayed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.storage.cluster import Cluster
    from tests.storage.kinds import ServerStore


def test_a_server_that_is_not_there_at_the_start_is_named_after_a_bounded_time(server_store: ServerStore) -> None:
    async def main() -> None:
        port = free_port()
        began = time.monotonic()
        with pytest.raises(StorageUnavailableError) as caught:
            async with server_store.client(port=port, timeout_s=0.5):
                pass
        assert time.monotonic() - began < 60
        text = "".join(traceback.format_exception(caught.value))
        assert f"postgresql://trader@127.0.0.1:{port}/{server_store.database}: no success within" in text
        assert "[Errno 111]" in text
        assert server_store.cluster.password[:16] not in text

    asyncio.run(main())


def test_a_server_that_comes_late_is_waited_for(server_store: ServerStore) -> None:
    async def main() -> None:
        async with Relay(server_store.cluster.port) as relay:
            relay.refuse()
            asyncio.get_running_loop().call_later(0.5, relay.accept)
            async with server_store.client(port=relay.port) as db:
                assert await db.next_epoch("grid") == 1

    asyncio.run(main())


@pytest.mark.parametrize("fault", ["password", "database", "host rule", "address"])
def test_a_server_that_does_not_let_us_in_is_told_at_once_and_without_the_password(
    server_store: ServerStore, fault: str
) -> None:
    url = server_store.url
    url = {
        "password": url.replace(":" + url.split(":")[2].split("@")[0], ":hunter2"),
        "database": url.replace(server_store.database, "nowhere"),
        "host rule": url.replace("trader", "stranger"),
        "address": url.replace(f":{server_store.cluster.port}/", ":hunter2/"),
    }[fault]

    async def main() -> None:
        began = time.monotonic()
        with pytest.raises(
            (StorageError, ParameterError), match=r"does not let us in|address cannot be read"
        ) as caught:
            async with DatabaseClient(url):
                pass
        assert time.monotonic() - began < 5
        text = "".join(traceback.format_exception(caught.value))
        if fault != "address":
            assert "hunter2" not in text
        assert server_store.cluster.password[:16] not in text

    asyncio.run(main())


def test_a_user_without_the_right_to_make_the_schema_is_told_what_is_needed(server_store: ServerStore) -> None:
    async def main() -> None:
        server_store.cluster.sql(
            f"ALTER DATABASE {server_store.database} OWNER TO postgres",
            f"REVOKE CREATE ON DATABASE {server_store.database} FROM PUBLIC",
        )
        with pytest.raises(
            StorageError,
            match="the user needs the right to make a schema in the database, or to own the schema algo_trade",
        ):
            async with server_store.client():
                pass
        # A schema that is made for it is enough.
        server_store.cluster.sql("CREATE SCHEMA algo_trade AUTHORIZATION trader", database=server_store.database)
        async with server_store.client() as db:
            assert await db.next_epoch("grid") == 1

    asyncio.run(main())


def test_tables_of_others_in_the_same_database_are_left_alone(server_store: ServerStore) -> None:
    async def main() -> None:
        server_store.cluster.sql("CREATE TABLE public.bots (other INTEGER)", database=server_store.database)
        async with server_store.client() as db:
            await db.save_bot("grid", {}, "running")
        assert server_store.cluster.sql("SELECT count(*) FROM public.bots", database=server_store.database) == "0"

    asyncio.run(main())


# The runner's event loop has transports of its own.
@pytest.mark.parametrize("make_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_whatever_connection_is_dropped_every_write_is_done_and_no_audit_twice(
    server_store: ServerStore, make_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def main() -> None:
        async with relayed(server_store) as (db, relay):

            async def write(who: str) -> list[int]:
                drawn = []
                for number in range(40):
                    drawn.append(await db.next_epoch("grid"))
                    await db.audit(who, "draw", "grid", {"number": number})
                    await db.put_value("grid", who, {"number": number})
                return drawn

            async def cut() -> None:
                while True:
                    await asyncio.sleep(0.05)
                    relay.cut()

            cutting = asyncio.get_running_loop().create_task(cut())
            drawn = await asyncio.gather(*(write(who) for who in "abcd"))
            cutting.cancel()
            assert relay.connections > 8
            assert all(each == sorted(each) for each in drawn)
            assert len({epoch for each in drawn for epoch in each}) == 160
            audits = await db.audits(limit=1_000)
            assert sorted((a.who, a.details["number"]) for a in audits) == [
                (who, n) for who in "abcd" for n in range(40)
            ]
            assert [await db.value("grid", who) for who in "abcd"] == [{"number": 39}] * 4

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(main())


def test_a_connection_that_died_unnoticed_costs_an_attempt_and_not_the_call(server_store: ServerStore) -> None:
    async def main() -> None:
        async with relayed(server_store, timeout_s=3) as (db, relay):
            await asyncio.gather(*(db.next_epoch("grid") for _ in range(5)))
            relay.silence_old()
            assert await db.next_epoch("grid") == 6

    asyncio.run(main())


def test_a_server_that_says_nothing_ends_every_call_in_time_and_is_used_again_when_it_speaks(
    server_store: ServerStore,
) -> None:
    async def main() -> None:
        async with relayed(server_store, timeout_s=0.6) as (db, relay):
            await db.next_epoch("grid")
            relay.silence()
            began = time.monotonic()
            answers = await asyncio.gather(*(db.next_epoch("grid") for _ in range(30)), return_exceptions=True)
            assert time.monotonic() - began < 3
            assert {type(answer) for answer in answers} == {StorageUnavailableError}
            assert "no success within 0.6 s" in str(answers[0])
            relay.resume()
            assert await db.next_epoch("grid") > 1

    asyncio.run(main())


def test_a_write_that_was_given_up_is_not_done_later_after_a_newer_one(server_store: ServerStore) -> None:
    import asyncpg

    async def main() -> None:
        async with server_store.client(timeout_s=0.6) as db:
            await db.put_value("grid", "x", {"is": "old"})
            other = await asyncpg.connect(server_store.url)
            await other.execute("BEGIN; LOCK TABLE algo_trade.bot_values IN EXCLUSIVE MODE")
            with pytest.raises(StorageUnavailableError, match="a write may have been done"):
                await db.put_value("grid", "x", {"is": "given up"})
            assert await db.value("grid", "x") == {"is": "old"}
            # What waits at the server still must be over before the way is free.
            async with asyncio.timeout(10):
                while await other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                    await asyncio.sleep(0.02)
            await other.execute("COMMIT")
            await other.close()
            await asyncio.sleep(0.1)
            assert await db.value("grid", "x") == {"is": "old"}

    asyncio.run(main())


@pytest.mark.parametrize("at_once", [False, True], ids=["told", "crashed"])
def test_a_restart_of_the_server_is_waited_out_and_nothing_acknowledged_is_lost(
    server_store: ServerStore, at_once: bool
) -> None:
    async def main() -> None:
        async with server_store.client(timeout_s=30) as db:
            drawn = [await db.next_epoch("grid")]

            async def draw() -> None:
                for _ in range(100):
                    drawn.append(await db.next_epoch("grid"))
                    await asyncio.sleep(0.01)

            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(draw())
                await asyncio.sleep(0.2)
                try:
                    await asyncio.to_thread(server_store.cluster.stop, at_once=at_once)
                    await asyncio.sleep(0.2)
                finally:
                    await asyncio.to_thread(server_store.cluster.start)
            assert len(drawn) == 101
            assert drawn == sorted(set(drawn))

    asyncio.run(main())


def test_a_server_that_only_reads_during_a_failover_is_waited_out(server_store: ServerStore) -> None:
    async def main() -> None:
        async with relayed(server_store) as (db, relay):
            await db.next_epoch("grid")
            server_store.cluster.sql(f"ALTER DATABASE {server_store.database} SET default_transaction_read_only = on")
            relay.cut()
            drawing = asyncio.get_running_loop().create_task(db.next_epoch("grid"))
            await asyncio.sleep(0.5)
            assert not drawing.done()
            server_store.cluster.sql(f"ALTER DATABASE {server_store.database} SET default_transaction_read_only = off")
            # The new primary is another server: connections to the old one end.
            relay.cut()
            assert await drawing >= 2

    asyncio.run(main())


@pytest.fixture
def few_connections(server_store: ServerStore) -> Iterator[Cluster]:
    """Return the server with room for one connection of ours."""
    server_store.cluster.sql("ALTER ROLE trader CONNECTION LIMIT 1")
    yield server_store.cluster
    server_store.cluster.sql("ALTER ROLE trader CONNECTION LIMIT -1")


def test_a_server_out_of_connections_is_told_and_waited_for(
    few_connections: Cluster, server_store: ServerStore
) -> None:
    async def main() -> None:
        async with server_store.client(timeout_s=5) as first:
            await first.next_epoch("grid")
            with pytest.raises(StorageUnavailableError, match="too many connections for role"):
                async with server_store.client(timeout_s=0.3):
                    pass
            lift = partial(few_connections.sql, "ALTER ROLE trader CONNECTION LIMIT 2")
            asyncio.get_running_loop().call_later(0.3, lift)
            async with server_store.client(timeout_s=10) as second:
                assert await second.next_epoch("grid") == 2

    asyncio.run(main())


def test_more_callers_than_connections_take_turns(server_store: ServerStore) -> None:
    async def main() -> None:
        async with server_store.client(max_connections=2) as db:
            drawn = await asyncio.gather(*(db.next_epoch("grid") for _ in range(200)))
            assert sorted(drawn) == list(range(1, 201))
            used = server_store.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'algo_trade'")
            assert int(used) == 2

    asyncio.run(main())


def test_all_connections_busy_is_told_as_such(server_store: ServerStore) -> None:
    import asyncpg

    async def main() -> None:
        async with server_store.client(max_connections=1, timeout_s=0.9) as db:
            other = await asyncpg.connect(server_store.url)
            await other.execute("BEGIN; LOCK TABLE algo_trade.bots IN ACCESS EXCLUSIVE MODE")
            answers = await asyncio.gather(*(db.bots() for _ in range(3)), return_exceptions=True)
            assert all(isinstance(answer, StorageUnavailableError) for answer in answers)
            await other.execute("COMMIT")
            await other.close()
            assert await db.bots() == []

    asyncio.run(main())


def test_a_backup_of_a_server_is_left_to_its_own_tools(server_store: ServerStore) -> None:
    async def main() -> None:
        async with server_store.client() as db:
            with pytest.raises(StorageError, match="pg_dump --schema=algo_trade"):
                await db.backup("backup.db")

    asyncio.run(main())


def test_a_dump_restored_elsewhere_is_the_same_store(server_store: ServerStore, cluster: Cluster) -> None:
    async def main() -> None:
        async with server_store.client() as db:
            kept = await db.save_bot("grid", {"a": 1}, "running")
            await db.audit("ann", "save", "grid", {})
            await db.next_epoch("grid")
        other = cluster.make_database()
        dump = cluster.dump(server_store.database)
        cluster.restore(other, dump)
        async with DatabaseClient(cluster.url(other)) as db:
            assert await db.bot("grid") == kept
            await db.audit("ann", "save", "grid", {})
            assert [audit.id for audit in await db.audits()] == [1, 2]
            assert await db.next_epoch("grid") == 2
        cluster.sql(f"DROP DATABASE {other}")

    asyncio.run(main())
