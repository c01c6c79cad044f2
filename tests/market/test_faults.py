"""Rows of markets on a server that hangs up, dies, or is newer than this program."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from algo_trade.errors import StorageError, StorageUnavailableError
from tests.market.rows import KINDS, many
from tests.storage.relay import relayed

if TYPE_CHECKING:
    from tests.storage.kinds import ServerStore


def test_a_server_that_is_gone_is_told_and_used_again_when_it_is_back(server_store: ServerStore) -> None:
    async def main() -> None:
        rows = many(KINDS["trades"], 700)
        async with server_store.client(timeout_s=1.0) as db:
            await db.write("trades", rows.slice(0, 600), venue="v")
            server_store.cluster.stop(at_once=True)
            try:
                for work in (db.write("trades", rows, venue="v"), db.query("trades")):
                    with pytest.raises(StorageUnavailableError, match="no success within 1 s"):
                        await work
            finally:
                server_store.cluster.start()
            assert await db.write("trades", rows, venue="v") == 100
            assert (await db.query("trades")).num_rows == 700

    asyncio.run(main())


def test_whatever_connection_is_dropped_every_row_is_written_once_and_read_once(server_store: ServerStore) -> None:
    async def main() -> None:
        rows = many(KINDS["trades"], 20_000)
        async with relayed(server_store, timeout_s=30) as (db, relay):

            async def cut() -> None:
                for pause_s in (0.02, 0.05, 0.1, 0.1, 0.2):
                    await asyncio.sleep(pause_s)
                    relay.cut()

            async with asyncio.TaskGroup() as group:
                group.create_task(cut())
                for first in range(0, 20_000, 4_000):
                    group.create_task(db.write("trades", rows.slice(first, 5_000), venue="v"))
            assert relay.connections > 2
            cutting = asyncio.get_running_loop().create_task(cut())
            for _ in range(10):
                assert (await db.query("trades", venue="v"))["sequence"].to_pylist() == list(range(20_000))
            await cutting

    asyncio.run(main())


def test_tables_of_a_newer_program_are_refused(server_store: ServerStore) -> None:
    async def main() -> None:
        async with server_store.client():
            pass
        server_store.sql("INSERT INTO schema_version VALUES (99, 'now', '9.8.7')")
        with pytest.raises(StorageError, match=r"its schema has version 99, written by algo_trade 9\.8\.7"):
            async with server_store.client():
                pass

    asyncio.run(main())


def test_a_table_that_somebody_has_dropped_is_named(server_store: ServerStore) -> None:
    async def main() -> None:
        async with server_store.client() as db:
            server_store.sql("DROP TABLE quotes")
            with pytest.raises(StorageError, match=r'relation "algo_trade\.quotes" does not exist'):
                await db.query("quotes")
            assert await db.next_epoch("grid") == 1

    asyncio.run(main())
