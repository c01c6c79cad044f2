"""On a real TimescaleDB: hypertables, compression, bars that are added up, retention; and every row as exact as elsewhere."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algo_trade.storage import DatabaseClient
from algo_trade.storage.kinds import SeriesId
from algo_trade.storage.market.tables import AGGREGATES
from algo_trade.storage.tiers.server import ServerWarm
from tests.market.conftest import Market
from tests.market.rows import KINDS, MINUTE_NS, answer, kept, many, rows_of, table_of
from tests.market.timescale import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = Path(__file__).resolve().parent.parent.parent / "scripts" / "setup_timescale.sql"
START_NS = 1_762_128_000 * 10**9
"""2025-11-03, a Monday."""


class Timescale(Market):
    """A client of a TimescaleDB, and the way around it."""

    def sql(self, command: str) -> list[Any]:
        async def work(connection: Any) -> list[Any]:
            return [tuple(row) for row in await connection.fetch(command)]

        found: list[Any] = self.run(self.db.market._store.work(work))
        return found


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture
def timescale(address: str) -> Iterator[Timescale]:
    with asyncio.Runner() as runner:
        db = DatabaseClient(address, 1, timeout_s=60)
        runner.run(db.__aenter__())
        market = Timescale(None, db, runner)
        for table in ("ohlcv", "trades", "book"):
            market.sql(f"DELETE FROM algo_trade.{table}")  # noqa: S608 -- a name of ours
        yield market
        runner.run(db.__aexit__(None, None, None))


def test_the_script_makes_hypertables_with_compression_and_retention_and_may_run_again(timescale: Timescale) -> None:
    async def again(connection: Any) -> None:
        await connection.execute(SCRIPT.read_text())

    timescale.run(timescale.db.market._store.work(again))
    tables = timescale.sql(
        "SELECT hypertable_name, compression_enabled FROM timescaledb_information.hypertables ORDER BY 1"
    )
    large = ["book", "contexts", "ohlcv", "orders", "quotes", "trades"]
    assert [row for row in tables if not row[0].startswith("_")] == [(name, True) for name in large]
    jobs = timescale.sql(
        "SELECT proc_name::text, hypertable_name::text FROM timescaledb_information.jobs WHERE hypertable_schema = 'algo_trade' ORDER BY 1, 2"
    )
    assert [name for job, name in jobs if job == "policy_compression"] == large
    assert [name for job, name in jobs if job == "policy_retention"] == [
        "book",
        "contexts",
        "orders",
        "quotes",
        "trades",
    ]
    segments = timescale.sql(
        "SELECT attname FROM timescaledb_information.compression_settings WHERE hypertable_name = 'ohlcv' AND segmentby_column_index > 0 ORDER BY segmentby_column_index"
    )
    assert segments == [("venue",), ("symbol",), ("resolution_ns",)]
    views = timescale.sql("SELECT view_name::text FROM timescaledb_information.continuous_aggregates")
    assert {name for (name,) in views} == {f"ohlcv_{length}" for length in AGGREGATES}


def test_every_kind_comes_back_exactly(timescale: Timescale) -> None:
    @settings(max_examples=3 * len(KINDS))
    @given(st.data(), st.sampled_from(sorted(KINDS)))
    def check(data: st.DataObject, name: str) -> None:
        kind, venue = KINDS[name], timescale.venue()
        rows = data.draw(rows_of(kind, max_size=6))
        timescale.write(name, table_of(kind, rows), venue, "1m" if kind.has_resolution else None)
        assert timescale.query(name, venue=venue) == answer(kind, kept(kind, rows), venue)

    check()


def test_rows_are_the_same_once_their_chunk_is_compressed_and_others_may_still_come(timescale: Timescale) -> None:
    rows = many(KINDS["trades"], 600, start_ns=START_NS)
    timescale.write("trades", rows.filter(pa.array([n % 7 > 0 for n in range(600)])), "v")
    timescale.sql("SELECT public.compress_chunk(c) FROM public.show_chunks('algo_trade.trades') AS c")
    states = timescale.sql(
        "SELECT DISTINCT is_compressed FROM timescaledb_information.chunks WHERE hypertable_name = 'trades'"
    )
    assert states == [(True,)]
    assert timescale.query("trades").num_rows == 514
    assert timescale.write("trades", rows, "v") == 86
    assert timescale.query("trades").drop_columns(["venue", "symbol"]) == rows.drop_columns(["symbol"])


def test_bigger_bars_are_kept_up_to_date_and_equal_to_bars_made_by_hand(timescale: Timescale) -> None:
    rows = many(KINDS["bars"], 1_500, start_ns=START_NS)
    timescale.write("bars", rows.slice(0, 1_400), "v", "1m")
    for length, minutes in (("5m", 5), ("1h", 60), ("1d", 1440)):
        wanted = [
            (part["open"][0].as_py(), max(part["high"].to_pylist()), min(part["low"].to_pylist()), part["close"][-1].as_py(), sum(part["volume"].to_pylist()))
            for part in (rows.slice(0, 1_400).slice(first, minutes) for first in range(0, 1_400, minutes))
        ]  # fmt: skip
        for is_refreshed in (False, True):
            if is_refreshed:
                timescale.sql(f"CALL public.refresh_continuous_aggregate('algo_trade.ohlcv_{length}', NULL, NULL)")
            found = timescale.query("bars", resolution=length)
            columns = ("open", "high", "low", "close", "volume")
            assert list(zip(*(found[name].to_pylist() for name in columns), strict=True)) == wanted
            assert found["timestamp"].cast(pa.int64()).to_pylist() == [
                START_NS + first * MINUTE_NS for first in range(0, 1_400, minutes)
            ]
    # What came after the last refresh is added up when it is asked for.
    timescale.write("bars", rows, "v", "1m")
    assert timescale.query("bars", resolution="5m").num_rows == 300


def test_old_chunks_are_dropped_and_how_long_rows_are_kept_can_be_changed(timescale: Timescale) -> None:
    for day in range(3):
        timescale.write("book", many(KINDS["book"], 2, start_ns=START_NS + day * 1440 * MINUTE_NS), "v")
    old = timescale.sql(
        "SELECT * FROM public.show_chunks('algo_trade.book', older_than => TIMESTAMPTZ '2025-11-05 00:00:00+00')"
    )
    assert len(old) >= 2
    assert timescale.sql("SELECT algo_trade.market_drop('book', '2025-11-05 00:00:00+00')") == [(len(old),)]
    assert timescale.query("book").num_rows == 2
    timescale.sql("SELECT algo_trade.market_keep('book', INTERVAL '5 days')")
    kept_for = "SELECT config->>'drop_after' FROM timescaledb_information.jobs WHERE proc_name = 'policy_retention' AND hypertable_name = 'book'"
    assert timescale.sql(kept_for) == [("5 days",)]
    timescale.sql("SELECT algo_trade.market_keep('book', NULL)")
    assert timescale.sql(kept_for) == []


def test_the_warm_tier_takes_rows_away(address: str, timescale: Timescale) -> None:
    rows = many(KINDS["trades"], 30, start_ns=START_NS)
    timescale.write("trades", rows, "v")
    timescale.run(timescale.db.__aexit__(None, None, None))
    warm = ServerWarm(address, max_connections=1, timeout_s=60)
    warm.open()
    series = SeriesId("trades", "v", "BTC")
    with warm.taking(series, START_NS + 10 * MINUTE_NS) as taken:
        assert taken == rows.slice(0, 10)
    assert warm.read(series) == rows.slice(10)
    warm.close()
    timescale.run(timescale.db.__aenter__())
