"""scripts/setup_timescale.sql is what the program runs, may be run again, and makes tables of the kinds' own columns."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from algo_trade.storage.market.script import script
from algo_trade.storage.market.tables import TABLES
from algo_trade.storage.schema import shipped
from tests.market.rows import KINDS, many

if TYPE_CHECKING:
    from tests.storage.kinds import ServerStore

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "scripts" / "setup_timescale.sql"
COLUMNS = "SELECT column_name FROM information_schema.columns WHERE table_schema = 'algo_trade' AND table_name = '{}' ORDER BY ordinal_position"


def test_the_script_is_what_the_program_runs_and_what_the_kinds_say() -> None:
    remedy = "python -m algo_trade.storage.market.script | tee python/algo_trade/storage/migrations/postgresql/0002_market.sql > scripts/setup_timescale.sql"
    assert SCRIPT.read_text() == script(), remedy
    assert shipped("postgresql")[1].script == script(), remedy


def run(store: ServerStore) -> None:
    store.cluster.restore(store.database, f"SET ROLE trader;\n{SCRIPT.read_text()}")


def test_it_runs_with_psql_twice_and_then_the_program_takes_the_tables_over(server_store: ServerStore) -> None:
    run(server_store)
    run(server_store)

    async def main() -> None:
        async with server_store.client() as db:
            assert await db.write("trades", many(KINDS["trades"], 3), venue="v") == 3
        run(server_store)
        async with server_store.client() as db:
            assert (await db.query("trades")).num_rows == 3

    asyncio.run(main())
    for table in TABLES.values():
        columns = server_store.sql(COLUMNS.format(table.name)).split()
        assert columns[: len(table.lead)] == list(table.lead)
        assert set(table.written) | ({"ordinal"} if table.has_ordinal else set()) == set(columns)


def test_tables_of_markets_stand_beside_those_of_the_state_and_take_no_name_of_theirs() -> None:
    state = shipped("postgresql")[0].script
    assert [table.name for table in TABLES.values() if f"CREATE TABLE {table.name} " in state] == []
    assert TABLES["bars"].name == "ohlcv"


def test_a_dump_of_the_schema_keeps_rows_partitions_and_functions(server_store: ServerStore) -> None:
    async def main() -> None:
        rows = many(KINDS["book"], 600)
        async with server_store.client() as db:
            await db.write("book", rows, venue="v")
            wanted = await db.query("book")
        dump = server_store.cluster.dump(server_store.database)
        server_store.sql("DROP SCHEMA algo_trade CASCADE")
        server_store.cluster.restore(server_store.database, dump)
        async with server_store.client() as db:
            assert await db.query("book") == wanted
            assert await db.write("book", rows, venue="v") == 0

    asyncio.run(main())
