"""What a lake costs: writing, scanning, bytes, and a question among ten thousand files, beside pyarrow's data sets and pandas.

`ALGO_TRADE_BENCH_BARS` is the number of bars of each table (4,320,000).
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from benches.crossover import in_turn

from algo_trade.data import synthetic_bars, synthetic_ticks
from algo_trade.storage.kinds import KINDS
from algo_trade.storage.lake import ParquetStorage

if TYPE_CHECKING:
    from pathlib import Path

BARS = int(os.environ.get("ALGO_TRADE_BENCH_BARS", "4_320_000"))
SYMBOLS = 100
TICKS = 2_000_000
FILES = 10_000
ROUNDS = 5


def bars(symbols: int) -> pa.Table:
    """Return minutes of some symbols, as many rows in all for any number of them."""
    frame = pl.concat(
        [pl.DataFrame(synthetic_bars(f"S{number:03}", BARS // symbols, seed=number)) for number in range(symbols)]
    )
    table = frame.select(KINDS["bars"].schema.names).to_arrow(compat_level=pl.CompatLevel.oldest())
    return table.cast(KINDS["bars"].schema).combine_chunks()


@pytest.fixture(scope="module")
def many():
    return bars(SYMBOLS)


@pytest.fixture(scope="module")
def lake(many, tmp_path_factory):
    held = ParquetStorage(tmp_path_factory.mktemp("lake") / "lake")
    held.write("bars", many, venue="v", resolution="1m")
    return held


@contextmanager
def without_sync():
    """Let nothing wait for the disk: what a lake would be like that may be lost."""
    sync, os.fsync = os.fsync, lambda _: None
    try:
        yield
    finally:
        os.fsync = sync


def with_dataset(table: pa.Table, folder: Path) -> None:
    """Write the same files with pyarrow: by symbol and month, in order as they are; nothing is checked, summed or synced."""
    months = pc.strftime(table["timestamp"], "%Y-%m")
    ds.write_dataset(
        table.append_column("date", months),
        folder,
        format="parquet",
        partitioning=ds.partitioning(pa.schema([("symbol", pa.string()), ("date", pa.string())]), flavor="hive"),
        max_partitions=1 << 16,
        max_open_files=1 << 12,
    )


def writing(benchmark, table, folder):
    def ours():
        shutil.rmtree(folder, ignore_errors=True)
        ParquetStorage(folder).write("bars", table, venue="v", resolution="1m")

    def unsynced():
        with without_sync():
            ours()

    def theirs():
        shutil.rmtree(folder, ignore_errors=True)
        with_dataset(table, folder)

    us, loose, dataset = in_turn([ours, unsynced, theirs], ROUNDS)
    benchmark.extra_info["ratio_pyarrow_dataset"] = dataset / us
    benchmark.extra_info["rows_per_second_without_sync"] = round(table.num_rows / loose)
    benchmark.pedantic(
        lambda: ParquetStorage(folder).write("bars", table, venue="v", resolution="1m"),
        setup=lambda: shutil.rmtree(folder, ignore_errors=True),
        rounds=ROUNDS,
    )
    benchmark.extra_info["rows_per_second"] = round(table.num_rows / benchmark.stats.stats.median)
    benchmark.extra_info["files"] = len(ParquetStorage(folder).parts())
    assert dataset / us > 1


def test_writing_a_month_of_a_hundred_symbols(benchmark, many, tmp_path):
    writing(benchmark, many, tmp_path / "lake")


def test_writing_years_of_one_symbol(benchmark, tmp_path):
    writing(benchmark, bars(1), tmp_path / "lake")


def test_writing_rows_in_no_order(benchmark, many, tmp_path):
    shuffled = many.take(pa.array(pl.int_range(many.num_rows, eager=True).shuffle(seed=1).to_arrow()))
    benchmark.pedantic(
        lambda folder: ParquetStorage(folder).write("bars", shuffled, venue="v", resolution="1m"),
        setup=lambda: ((tmp_path / f"lake{len(list(tmp_path.iterdir()))}",), {}),
        rounds=3,
    )
    benchmark.extra_info["rows_per_second"] = round(many.num_rows / benchmark.stats.stats.median)


def scanning(benchmark, lake, kind, columns):
    def ours():
        return sum(batch.num_rows for batch in lake.query(kind, columns=columns))

    paths = [f"{lake.files.name}/{part.path}" for part in lake.parts(kind)]

    def theirs():
        # The reader of one file, without threads that read ahead: one core for both.
        files = (pq.ParquetFile(path, pre_buffer=False) for path in paths)
        return sum(file.read(columns=columns, use_threads=False).num_rows for file in files)

    assert ours() == theirs() == sum(part.rows for part in lake.parts(kind))
    us, files = in_turn([ours, theirs], ROUNDS)
    benchmark.extra_info["ratio_pyarrow_files"] = files / us
    benchmark.pedantic(ours, rounds=ROUNDS)
    benchmark.extra_info["rows_per_second"] = round(ours() / benchmark.stats.stats.median)
    assert files / us > 0.75


def test_scanning_two_columns_of_bars(benchmark, lake):
    scanning(benchmark, lake, "bars", ["timestamp", "close"])


def of_pandas(table: pa.Table, file: Path) -> float:
    """Return the bytes a row that pandas takes by default; numbers as floats, as pandas has them."""
    frame = table.to_pandas()
    decimals = [field.name for field in table.schema if pa.types.is_decimal(field.type)]
    frame[decimals] = frame[decimals].astype(float)
    assert isinstance(frame, pd.DataFrame)
    frame.to_parquet(file)
    return file.stat().st_size / table.num_rows


def bytes_a_row(benchmark, lake, kind, file):
    held = lake.parts(kind)
    ours = sum(part.size for part in held) / sum(part.rows for part in held)
    theirs = of_pandas(lake.query(kind).read_all(), file)
    benchmark.extra_info["bytes_a_row"] = round(ours, 2)
    benchmark.extra_info["bytes_a_row_of_pandas"] = round(theirs, 2)
    assert ours <= theirs


def test_bytes_of_a_bar(benchmark, lake, tmp_path):
    benchmark.pedantic(lake.parts, rounds=ROUNDS)
    bytes_a_row(benchmark, lake, "bars", tmp_path / "bars.parquet")


@pytest.mark.parametrize(("kind", "column"), [("trades", "price"), ("book", "price")])
def test_scanning_two_columns_of_ticks(benchmark, tmp_path, kind, column):
    synthetic_ticks(["BTC", "ETH"], TICKS, tmp_path / "lake", density=100)
    lake = ParquetStorage(tmp_path / "lake")
    scanning(benchmark, lake, kind, ["exchange_time", column])
    bytes_a_row(benchmark, lake, kind, tmp_path / "rows.parquet")


def test_writing_trades(benchmark, tmp_path):
    synthetic_ticks(["BTC", "ETH"], TICKS, tmp_path / "ticks", density=100)
    rows = ParquetStorage(tmp_path / "ticks").query("book").read_all().drop_columns(["venue"])
    benchmark.pedantic(
        lambda folder: ParquetStorage(folder).write("book", rows, venue="v"),
        setup=lambda: ((tmp_path / f"lake{len(list(tmp_path.iterdir()))}",), {}),
        rounds=3,
    )
    benchmark.extra_info["rows_per_second"] = round(rows.num_rows / benchmark.stats.stats.median)


def test_a_question_among_ten_thousand_files(benchmark, tmp_path):
    minute = 60 * 10**9
    names = [f"S{number:05}" for number in range(FILES)]
    price = pa.array([1.0] * FILES).cast(pa.decimal128(20, 8))
    times = pa.array([1_700_000_000 * 10**9 // minute * minute] * FILES, pa.timestamp("ns", "UTC"))
    table = pa.table([times, names, *[price] * 5], schema=KINDS["bars"].schema)
    ParquetStorage(tmp_path).write("bars", table, venue="v", resolution="1m")

    def ours():
        return ParquetStorage(tmp_path).query("bars", "S07777", start="2023-11-14", end="2023-11-15").read_all()

    def theirs():
        found = ds.dataset(tmp_path / "bars", format="parquet", partitioning="hive")
        return found.to_table(filter=ds.field("symbol") == "S07777")

    assert ours().num_rows == theirs().num_rows == 1
    us, dataset = in_turn([ours, theirs], 3)
    benchmark.extra_info["ratio_pyarrow_dataset"] = dataset / us
    benchmark.pedantic(ours, rounds=ROUNDS)
    benchmark.extra_info["milliseconds"] = round(benchmark.stats.stats.median * 1e3, 1)
    assert dataset / us > 2
