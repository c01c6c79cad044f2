"""What was acknowledged is there exactly once, whatever is killed, full, forbidden or damaged; what is not is said."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from algo_trade.core.times import time_ns
from algo_trade.errors import StorageError
from algo_trade.storage.lake import ParquetStorage
from algo_trade.storage.lake import manifest as log
from algo_trade.storage.lake.check import verify
from tests.lake.rows import DAY, bars, trades

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]

# Each third step writes rows that lie between those of steps before, so that files are joined; each fourth step compacts.
WRITER = """
import sys
from algo_trade.storage.lake import ParquetStorage
from algo_trade.storage.lake import manifest
from tests.lake.rows import bars, trades
manifest.CHECKPOINT_EVERY = 8
lake, step = ParquetStorage(sys.argv[1]), int(sys.argv[2])
ParquetStorage(f"{sys.argv[1]}-first").write("bars", bars(), venue="v", resolution="1m")  # whatever takes its time once
print("ready", flush=True)
while True:
    base = step * 100
    times = range(base, base + 50, 2) if step % 3 else range(max(base - 99, 0), base, 2)
    lake.write("trades", trades("BTC", times), venue="v")
    lake.write("bars", bars("ETH", (step,)), venue="v", resolution="1m")
    if step % 4 == 0:
        lake.compact()
        lake.sweep(after_s=5)
    print(step, flush=True)
    step += 1
"""


def written_by(step: int) -> set[int]:
    base = step * 100
    return set(range(base, base + 50, 2) if step % 3 else range(max(base - 99, 0), base, 2))


def errors(lake: ParquetStorage) -> list[str]:
    return [f"{each.where}: {each.problem}" for each in verify(lake, lake.parts()) if each.severity == "error"]


def test_a_writer_that_is_killed_at_any_moment_loses_nothing_that_it_acknowledged(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    rng = random.Random(7)
    times_killed = 100 if pytestconfig.getoption("--long") else 4
    acknowledged: list[int] = []
    step = 0
    for _ in range(times_killed):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, tmp_path / "lake", str(step)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        time.sleep(rng.uniform(0.02, 0.5))
        writer.send_signal(signal.SIGKILL)
        done = [int(line) for line in writer.stdout.read().splitlines()]
        writer.stdout.close()
        writer.wait()
        acknowledged += done
        lake = ParquetStorage(tmp_path / "lake")
        assert errors(lake) == []
        start = time_ns(DAY)
        found = [at - start for at in lake.query("trades").read_all()["exchange_time"].cast(pa.int64()).to_pylist()]
        wanted = set().union(*(written_by(each) for each in acknowledged)) if acknowledged else set()
        assert len(found) == len(set(found)), "each once"
        # Of the step that was cut off, all may be there, or nothing.
        last = (done[-1] + 1) if done else step
        assert set(found) in (wanted, wanted | written_by(last))
        assert lake.query("bars").read_all().num_rows in {len(acknowledged), len(acknowledged) + 1}
        step = last
    assert acknowledged
    lake.write("trades", trades("BTC", range(0, step * 100, 7)), venue="v")
    lake.compact()
    lake.sweep(after_s=0)
    assert len(lake.parts("trades")) == 1
    assert errors(lake) == []
    left = {path.relative_to(tmp_path / "lake").parts[0] for path in (tmp_path / "lake").rglob("*") if path.is_file()}
    assert left == {"_manifest", "bars", "trades"}, "what killed writers left behind is gone"


def fill_up(disk: Path) -> Path:
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 10, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    return ballast


@pytest.mark.parametrize("kind", ["trades", "bars"])
def test_a_disk_without_room_is_said_and_what_was_there_stays(small_disk: Path, kind: str) -> None:
    def write(count: int) -> object:
        if kind == "trades":
            return lake.write("trades", trades("BTC", range(1, count)), venue="v")
        return lake.write("bars", bars("BTC", range(1, count)), venue="v", resolution="1m")

    lake = ParquetStorage(small_disk / "lake")
    write(1_000)
    ballast = fill_up(small_disk)
    with pytest.raises(StorageError, match=rf"{lake.files.name}: cannot be written: .*No space left.*: nothing of it"):
        write(40_000)
    assert lake.query(kind).read_all().num_rows == 999
    assert errors(lake) == []
    ballast.unlink()
    write(1_200)
    assert lake.query(kind).read_all().num_rows == 1_199
    assert errors(lake) == []
    assert not list(small_disk.glob("lake/.*")), "nothing unfinished is left"


def test_a_lake_that_may_not_be_written_is_read_all_the_same(small_disk: Path) -> None:
    lake = ParquetStorage(small_disk / "lake")
    lake.write("trades", trades("BTC", range(10)), venue="v")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    deeds: list[Callable[[], object]] = [lambda: lake.write("trades", trades("BTC", (99,)), venue="v")]
    for deed in deeds:
        with pytest.raises(StorageError, match="cannot be written: Read-only file system: nothing of it is there"):
            deed()
    assert lake.query("trades").read_all().num_rows == 10
    assert errors(lake) == []


def test_a_checkpoint_that_cannot_be_written_does_not_undo_a_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "CHECKPOINT_EVERY", 2)
    lake = ParquetStorage(tmp_path)
    lake.write("trades", trades("BTC", (1,)), venue="v")
    (tmp_path / "_manifest" / "000000000004.arrow").mkdir()  # in the place of the next one
    for at in (2, 3, 4):
        lake.write("trades", trades("BTC", (at,)), venue="v")
    (tmp_path / "_manifest" / "000000000004.arrow").rmdir()
    assert lake.query("trades").read_all().num_rows == 4


def test_a_damaged_checkpoint_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "CHECKPOINT_EVERY", 2)
    lake = ParquetStorage(tmp_path)
    lake.write("trades", trades("BTC", (1,)), venue="v")
    (checkpoint,) = (tmp_path / "_manifest").glob("*.arrow")
    whole = checkpoint.read_bytes()
    for content in (b"", whole[:-30], b"x" * len(whole)):
        checkpoint.write_bytes(content)
        with pytest.raises(StorageError, match=f"_manifest/{checkpoint.name}: is damaged .*: restore it from a backup"):
            lake.parts()
    checkpoint.write_bytes(whole)
    assert len(lake.parts()) == 1


def answer(lake: ParquetStorage) -> pa.Table | StorageError:
    try:
        return lake.query("bars", "BTC").read_all()
    except StorageError as error:
        return error


@pytest.mark.parametrize("place", [4, 100, -200, -9])
def test_a_flipped_byte_is_never_taken_for_data(tmp_path: Path, place: int) -> None:
    lake = ParquetStorage(tmp_path)
    parts = lake.write("bars", pa.concat_tables([bars("BTC", range(500)), bars("ETH")]), venue="v", resolution="1m")
    before = lake.query("bars", "BTC").read_all()
    file = tmp_path / parts[0].path
    content = bytearray(file.read_bytes())
    content[place] ^= 0x04
    file.write_bytes(content)
    got = answer(lake)
    assert got.equals(before) if isinstance(got, pa.Table) else parts[0].path in str(got)
    assert {finding.where for finding in verify(lake, parts)} == {f"{tmp_path}/{parts[0].path}"}
    assert lake.query("bars", "ETH").read_all().num_rows == 3
