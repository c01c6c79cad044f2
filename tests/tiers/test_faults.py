"""What a storage says when a disk, a file or the past is not as it should be, and that the rest goes on."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from algo_trade.errors import ParameterError, StorageError
from algo_trade.storage.kinds import SeriesId
from algo_trade.storage.tiers.storage import TieredStorage
from tests.lake.rows import bars, trades

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa

MANY = tuple(range(0, 4_000_000, 1_000))


def opened(folder: Path, warm: Path | None = None, hot_bytes_max: int = 1 << 29) -> TieredStorage:
    return TieredStorage(folder / "lake", f"sqlite:///{warm or folder}/warm.db", hot_bytes_max=hot_bytes_max)


def times(storage: TieredStorage, symbol: str = "BTC") -> pa.Table:
    return storage.query("trades", symbol, columns=["exchange_time"]).read_all()


def test_a_disk_without_room_is_told_nothing_is_lost_and_all_goes_on_when_there_is_room(
    tmp_path: Path, small_disk: Path
) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 750_000)
    storage = opened(tmp_path, small_disk)
    storage.write("trades", trades("ETH", (1, 2)), venue="v")
    storage.flush()
    storage.write("trades", trades("BTC", MANY), venue="v")
    for _ in range(2):
        with pytest.raises(StorageError, match=r"warm\.db: the disk is full: nothing was changed; make room"):
            storage.flush()
    assert times(storage).num_rows == len(MANY), "they are in memory"
    assert times(storage, "ETH").num_rows == 2
    ballast.unlink()
    assert storage.flush() == len(MANY)
    storage.warm.close()
    with opened(tmp_path, small_disk) as again:
        assert times(again).num_rows == len(MANY)


def test_memory_is_bounded_and_what_is_too_much_is_refused_whole(tmp_path: Path) -> None:
    with opened(tmp_path, hot_bytes_max=50_000) as storage:
        storage.write("trades", trades("BTC", MANY), venue="v")
        with pytest.raises(
            StorageError, match=r"bytes in memory are not durable yet: nothing more is taken before a flush"
        ):
            storage.write("trades", trades("ETH", (1,)), venue="v")
        storage.flush()
        assert storage.hot_bytes <= 50_000
        storage.write("trades", trades("ETH", (1,)), venue="v")
        assert times(storage, "ETH").num_rows == 1
        assert times(storage).num_rows == len(MANY)


def test_a_flipped_byte_is_told_with_its_place_and_all_else_is_still_readable(tmp_path: Path) -> None:
    with opened(tmp_path) as storage:
        storage.write("trades", trades("BTC", MANY), venue="v")
        storage.write("trades", trades("ETH", (1, 2)), venue="v")
    with closing(sqlite3.connect(tmp_path / "warm.db")) as file, file:
        ((content,),) = file.execute("SELECT content FROM batches WHERE symbol = 'BTC'").fetchall()
        flipped = bytearray(content)
        flipped[len(flipped) // 2] ^= 1
        file.execute("UPDATE batches SET content = ? WHERE symbol = 'BTC'", (bytes(flipped),))
    with opened(tmp_path) as storage:
        with pytest.raises(
            StorageError, match=r"warm\.db: batch \d+ of trades v BTC: its bytes are not those that were written"
        ):
            times(storage)
        assert times(storage, "ETH").num_rows == 2
        with pytest.raises(StorageError, match="its bytes are not those"):
            storage.migrate(before="2026-04-01")
        assert SeriesId("trades", "v", "BTC") in storage.warm.series()


def test_a_warm_tier_of_the_future_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    with opened(tmp_path) as storage:
        storage.write("trades", trades("BTC", (1, 2)), venue="v")
    with closing(sqlite3.connect(tmp_path / "warm.db")) as file, file:
        file.execute("INSERT INTO schema_version VALUES (99, '2030-01-01', '9.9')")
    with pytest.raises(StorageError, match=r"schema has version 99, written by algo_trade 9\.9"):
        opened(tmp_path)
    with closing(sqlite3.connect(tmp_path / "warm.db")) as file:
        assert file.execute("SELECT SUM(rows) FROM batches").fetchall() == [(2,)]


def test_a_warm_tier_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", disk], check=False, capture_output=True).returncode:
        pytest.skip("no right to mount a disk")
    try:
        with opened(tmp_path, disk) as storage:
            storage.write("trades", trades("BTC", (1, 2)), venue="v")
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        with pytest.raises(StorageError, match=r"warm\.db"):
            opened(tmp_path, disk)
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def test_what_does_not_fit_the_lake_stays_warm_is_told_and_the_rest_moves(tmp_path: Path) -> None:
    with opened(tmp_path) as storage:
        storage.lake.write("bars", bars("BTC", (0, 1)).drop_columns(["volume"]), venue="v", resolution="1m")
        storage.write("bars", bars("BTC", (1, 2)), venue="v", resolution="1m")
        storage.write("bars", bars("ETH", (1, 2)), venue="v", resolution="1m")
        storage.flush()
        moved = storage.migrate(before="2026-04-01")
        assert (moved.rows, moved.series) == (2, 1)
        (problem,) = moved.problems
        assert problem.startswith("bars v BTC: bars: volume")
        found = storage.query("bars", "BTC", columns=["open", "volume"]).read_all().to_pylist()
        assert [(int(row["open"]), row["volume"] is None) for row in found] == [(100, True), (101, True), (102, False)]


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda s: s.query("prices"), "kind = 'prices'"),
        (lambda s: s.query("trades", columns=["vwap"]), "column 'vwap' is unknown"),
        (lambda s: s.write("trades", trades(), venue="v", resolution="1m"), "bars have one, all others have none"),
        (lambda s: s.write("bars", bars(), venue="v"), "bars have one, all others have none"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    tmp_path: Path, ask: Callable[[TieredStorage], object], says: str
) -> None:
    with opened(tmp_path) as storage, pytest.raises(ParameterError, match=says):
        ask(storage)


def test_bars_of_several_lengths_have_to_be_named_whichever_tier_they_are_in(tmp_path: Path) -> None:
    with opened(tmp_path) as storage:
        storage.write("bars", bars("BTC", (0, 1)), venue="v", resolution="1m")
        storage.flush()
        storage.migrate(before="2026-04-01")
        storage.write("bars", bars("BTC", (0, 5)), venue="v", resolution="5m")
        with pytest.raises(ParameterError, match="name one as resolution"):
            storage.query("bars")
        assert storage.query("bars", resolution="5m").read_all().num_rows == 2
        assert storage.query("bars", resolution="1m").read_all().num_rows == 2
