"""What there is on its way to the lake is told by day, and seen by the commands that look at a lake."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from algo_trade.core.times import time_ns
from algo_trade.storage.tiers import TieredStorage
from tests.backtest.commands import process
from tests.lake.rows import DAY, bars, trades
from tests.storage.kinds import ServerStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["file", "server"])
def warm_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "file":
        yield f"sqlite:///{tmp_path}/lake-warm.db"
        return
    cluster = request.getfixturevalue("cluster")
    store = ServerStore(cluster, cluster.make_database())
    yield store.url
    store.remove()


def test_each_day_of_all_tiers_is_told_with_its_rows(tmp_path: Path, warm_url: str) -> None:
    midnight = time_ns(DAY)
    with TieredStorage(tmp_path / "lake", warm_url) as storage:
        storage.write("trades", trades("BTC", (0, 5)), venue="v")
        storage.flush()
        storage.migrate(before="2026-03-02")
        storage.write("trades", trades("BTC", (86_399_999_998_000,)), venue="v")
        storage.write("trades", trades("BTC", (1_000, 86_400_000_000_000), day="2026-03-02"), venue="v")
        storage.write("bars", bars("ETH", (0, 1)), venue="v", resolution="1m")
        storage.flush()
        told = [
            (part.partition.kind, part.partition.date, part.rows, bool(part.path), (part.first_ns - midnight) // 1_000)
            for part in storage.parts()
        ]
        assert told == [
            ("bars", "2026-03-01", 2, False, 0),
            ("trades", "2026-03-01", 2, True, 0),
            ("trades", "2026-03-01", 1, False, 86_399_999_998),
            ("trades", "2026-03-02", 1, False, 86_400_000_001),
            ("trades", "2026-03-03", 1, False, 2 * 86_400_000_000),
        ]
        assert [part.partition.symbol for part in storage.parts("bars", resolution="1m")] == ["ETH"]
        assert storage.parts("trades", "ETH") == storage.parts(venue="w") == []
        assert len(storage.parts("trades", start="2026-03-02", end="2026-03-03")) == 1


def test_who_asks_beside_a_writer_that_joins_batches_sees_all_that_was_durable(tmp_path: Path, warm_url: str) -> None:
    with (
        TieredStorage(tmp_path / "lake", warm_url) as storage,
        TieredStorage(tmp_path / "lake", warm_url) as other,
        ThreadPoolExecutor(1) as pool,
    ):

        def write() -> None:
            for number in range(200):
                storage.write("trades", trades("BTC", (number,)), venue="v")
                storage.flush()

        writing = pool.submit(write)
        counts = [0]
        while not writing.done():
            counts.append(other.query("trades", "BTC", venue="v").read_all().num_rows)
        writing.result()
        assert counts == sorted(counts)
        assert other.query("trades", "BTC", venue="v").read_all().num_rows == 200


def test_commands_see_what_is_on_its_way_to_the_lake(tmp_path: Path) -> None:
    with TieredStorage(tmp_path / "lake", f"sqlite:///{tmp_path}/lake-warm.db") as storage:
        storage.write("trades", trades("BTC", (0, 5)), venue="v")
        storage.flush()
        storage.migrate(before="2026-04-01")
        storage.write("trades", trades("BTC", (5, 7)), venue="v")
    listed = process("data", "list", tmp_path / "lake", "--json")
    assert [(each["kind"], each["rows"]) for each in json.loads(listed.out)] == [("trades", 4)], (
        "a row that is in two tiers is counted in both"
    )
    asked = process("data", "query", tmp_path / "lake", "--kind", "trades", "--column", "order_id", "--json")
    assert [row["order_id"] for row in json.loads(asked.out)] == [1, 6, 8]
    assert "and what is on its way there" in asked.err
    checked = process("data", "verify", tmp_path / "lake", "--json")
    assert json.loads(checked.out)["rows"] == 2


def test_what_another_process_has_written_since_can_be_moved(tmp_path: Path) -> None:
    where = tmp_path / "lake", f"sqlite:///{tmp_path}/lake-warm.db"
    with TieredStorage(*where) as mover, TieredStorage(*where) as writer:
        writer.write("trades", trades("BTC", (0, 5)), venue="v")
        writer.flush()
        assert mover.migrate(before="2026-04-01").rows == 2
        assert mover.warm.series() == {}
        assert writer.query("trades").read_all().num_rows == 2
