"""The schema: brought up to date once, whoever comes, wholly or not at all; a newer one is refused."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

import algo_trade as at
from algo_trade.errors import StorageError
from algo_trade.storage.schema import Dialect, Migration, shipped

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.storage.kinds import Kind
    from tests.storage.processes import Processes

ADD = "CREATE TABLE added (x INTEGER);\nINSERT INTO added VALUES (1);\n"


def next_of(dialect: Dialect) -> int:
    return shipped(dialect)[-1].version + 1


def with_more(*scripts: str) -> Callable[[Dialect], list[Migration]]:
    """Return the schema of a program that is some versions ahead."""
    return lambda dialect: [
        *shipped(dialect),
        *(Migration(next_of(dialect) + n, script) for n, script in enumerate(scripts)),
    ]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_migrations_are_numbered_from_one_without_a_gap(dialect: Dialect) -> None:
    assert [each.version for each in shipped(dialect)] == list(range(1, next_of(dialect)))


def test_a_store_one_version_behind_is_brought_up_to_date_with_all_that_is_in_it(store: Kind) -> None:
    async def main() -> None:
        async with store.client() as db:
            kept = await db.save_bot("grid", {"a": 1}, "running")
        async with store.client(migrations=with_more(ADD)) as db:
            assert await db.bot("grid") == kept
        assert store.sql("SELECT x FROM added") == "1"
        assert store.sql("SELECT version, program FROM schema_version ORDER BY version DESC LIMIT 1") == (
            f"{next_of(store.dialect)}|{at.__version__}"
        )
        async with store.client(migrations=with_more(ADD)):
            pass
        assert store.sql("SELECT count(*) FROM added") == "1"

    asyncio.run(main())


def test_a_store_ahead_of_the_program_is_refused_with_both_versions_and_what_to_do(store: Kind) -> None:
    async def main() -> None:
        async with store.client(migrations=with_more(ADD, ADD.replace("added", "more"))):
            pass
        store.sql("UPDATE schema_version SET program = '9.8.7'")
        with pytest.raises(StorageError) as caught:
            async with store.client():
                pass
        assert str(caught.value) == (
            f"{store.where}: its schema has version {next_of(store.dialect) + 1}, written by algo_trade 9.8.7; this one ({at.__version__}) knows "
            f"versions up to {next_of(store.dialect) - 1}: run algo_trade 9.8.7 or newer, or restore a backup that was made before"
        )

    asyncio.run(main())


def test_a_migration_that_fails_leaves_the_old_store(store: Kind) -> None:
    async def main() -> None:
        async with store.client() as db:
            kept = await db.save_bot("grid", {"a": 1}, "running")
        failing = with_more(ADD, "DELETE FROM bots;\nCREATE TABLE half (x INTEGER);\nINSERT INTO nowhere VALUES (1);\n")
        with pytest.raises(StorageError, match="nowhere"):
            async with store.client(migrations=failing):
                pass
        # The one before it was whole.
        assert store.sql("SELECT max(version) FROM schema_version") == str(next_of(store.dialect))
        with pytest.raises(Exception, match="half"):
            store.sql("SELECT * FROM half")
        async with store.client(migrations=with_more(ADD)) as db:
            assert await db.bot("grid") == kept

    asyncio.run(main())


def test_a_migration_whose_process_is_killed_leaves_the_old_store(store: Kind, processes: Processes) -> None:
    # Longer than anybody waits.
    long = "DELETE FROM bots;\nCREATE TABLE half (i BIGINT);\nINSERT INTO half "
    long += "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT i FROM n;\n"

    async def main() -> None:
        async with store.client() as db:
            kept = await db.save_bot("grid", {"a": 1}, "running")
        actor = processes.start("open_and_migrate", store.url, long)
        assert actor.says() == "ready"
        actor.hears()
        time.sleep(0.7)
        assert actor.process.poll() is None
        actor.kill()
        async with store.client() as db:
            assert await db.bot("grid") == kept
        assert store.sql("SELECT max(version) FROM schema_version") == str(next_of(store.dialect) - 1)
        with pytest.raises(Exception, match="half"):
            store.sql("SELECT * FROM half")

    asyncio.run(main())


def test_of_many_processes_that_come_at_once_one_migrates(store: Kind, processes: Processes) -> None:
    actors = [processes.start("open_and_migrate", store.url, ADD) for _ in range(4)]
    for actor in actors:
        assert actor.says() == "ready"
    for actor in actors:
        actor.hears()
    assert [actor.says() for actor in actors] == ["open"] * 4
    assert store.sql("SELECT count(*) FROM added") == "1"
    assert store.sql("SELECT count(*) FROM schema_version") == str(next_of(store.dialect))
