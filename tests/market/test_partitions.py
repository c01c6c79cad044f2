"""Pieces of time on a PostgreSQL of its own: made as rows come, dropped as they age."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from algo_trade.storage import DatabaseClient
from tests.market.rows import KINDS, MINUTE_NS, many

if TYPE_CHECKING:
    from tests.market.conftest import Market
    from tests.storage.kinds import ServerStore

DAY_NS = 86_400 * 10**9
START_NS = 1_764_547_200 * 10**9
"""2025-12-01, a Monday."""


def parts(store: ServerStore, table: str) -> list[str]:
    found = store.sql(
        f"SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = '{table}'::regclass ORDER BY 1"  # noqa: S608 -- a name of ours
    )
    return found.split()


def of_days(kind: str, days: int) -> pa.Table:
    return pa.concat_tables([many(KINDS[kind], 2, start_ns=START_NS + day * DAY_NS) for day in range(days)])


def test_rows_lie_in_partitions_of_their_time_that_are_made_when_they_come(market: Market) -> None:
    market.write("trades", of_days("trades", 3), "v")
    assert parts(market.store, "trades") == [
        "trades_default",
        "trades_p20251201",
        "trades_p20251202",
        "trades_p20251203",
    ]
    assert market.store.sql("SELECT count(*) FROM trades_p20251202") == "2"
    market.write("bars", of_days("bars", 40), "v", "1m")
    assert parts(market.store, "ohlcv") == ["ohlcv_default", "ohlcv_p20251201", "ohlcv_p20251229"]


def test_what_came_to_lie_in_the_default_partition_is_moved_out_of_it(market: Market) -> None:
    market.write("trades", of_days("trades", 1), "v")
    market.store.sql(
        "INSERT INTO trades SELECT venue, symbol, exchange_time + INTERVAL '10 days', exchange_time_ns, local_time, local_time_ns, kind, "
        "side, price, quantity, order_id, sequence, flags, aux FROM trades"
    )
    assert market.store.sql("SELECT count(*) FROM trades_default") == "2"
    market.write("trades", many(KINDS["trades"], 5, start_ns=START_NS + 10 * DAY_NS), "v")
    assert market.store.sql("SELECT count(*) FROM trades_default") == "0"
    assert market.store.sql("SELECT count(*) FROM trades_p20251211") == "5"
    assert market.query("trades").num_rows == 7


def test_maintenance_makes_partitions_ahead_and_drops_what_is_older_than_it_is_to_be_kept(market: Market) -> None:
    market.write("trades", of_days("trades", 3), "v")
    market.write("bars", of_days("bars", 3), "v", "1m")
    market.store.sql(
        "SELECT market_keep('trades', now() - TIMESTAMPTZ '2025-12-02 00:00:00+00')", "SELECT market_maintain('3 days')"
    )
    left = parts(market.store, "trades")
    assert left[:3] == ["trades_default", "trades_p20251202", "trades_p20251203"]
    assert len(left) in {3 + 4, 3 + 5}
    assert market.query("trades").num_rows == 4
    # Bars are kept until somebody says for how long.
    assert market.query("bars").num_rows == 6
    market.store.sql("SELECT market_maintain('3 days')")
    assert parts(market.store, "trades") == left


def test_old_rows_of_the_default_partition_go_too(market: Market) -> None:
    market.write("trades", of_days("trades", 1), "v")
    market.store.sql(
        "ALTER TABLE trades DETACH PARTITION trades_p20251201", "INSERT INTO trades SELECT * FROM trades_p20251201"
    )
    assert market.store.sql("SELECT count(*) FROM trades_default") == "2"
    assert market.store.sql("SELECT market_drop('trades', '2025-12-01 00:01:00+00')") == "0"
    assert market.query("trades").num_rows == 1


def test_fills_are_no_large_table_and_nothing_of_them_is_dropped(market: Market) -> None:
    with pytest.raises(AssertionError, match="market_drop: fills is no large table"):
        market.store.sql("SELECT market_drop('fills', now())")
    with pytest.raises(AssertionError, match="market_keep: fills is no large table"):
        market.store.sql("SELECT market_keep('fills', INTERVAL '1 day')")


def test_writers_that_come_at_once_make_each_partition_once_and_lose_nothing(server_store: ServerStore) -> None:
    async def main() -> None:
        async with server_store.client() as db:
            assert await db.write("trades", of_days("trades", 1), venue="first") == 2

        async def write(number: int) -> int:
            async with DatabaseClient(server_store.url, timeout_s=30) as db:
                rows: Any = pa.concat_tables(
                    [
                        many(KINDS["trades"], 300, start_ns=START_NS + day * DAY_NS + number * 300 * MINUTE_NS)
                        for day in range(6)
                    ]
                )
                return await db.write("trades", rows, venue="v")

        assert await asyncio.gather(*map(write, (0, 0, 1, 1))) in (
            [1800, 0, 1800, 0], [0, 1800, 1800, 0], [1800, 0, 0, 1800], [0, 1800, 0, 1800]
        )  # fmt: skip
        async with server_store.client() as db:
            assert (await db.query("trades", venue="v")).num_rows == 3600
        assert server_store.sql("SELECT count(*) FROM trades_default") == "0"

    asyncio.run(main())
