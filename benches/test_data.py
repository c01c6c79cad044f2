"""How fast bars are read, beside polars on the same file."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import polars as pl
import pytest

from algo_trade.data import HistoricalDataProvider, synthetic_bars

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 1_000_000
ROUNDS = 7


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("bars")
    frame = pl.DataFrame(synthetic_bars("BTC", ROWS, seed=1))
    floats = frame.with_columns(pl.col(pl.Decimal).cast(pl.Float64), pl.col("timestamp").dt.replace_time_zone(None))
    floats.write_csv(path / "bars.csv", datetime_format="%Y-%m-%d %H:%M:%S")
    floats.write_parquet(path / "bars.parquet", compression="snappy", row_group_size=ROWS)
    return path


def polars_csv(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, try_parse_dates=True)


def test_csv(benchmark, folder):
    provider = benchmark.pedantic(HistoricalDataProvider, (folder / "bars.csv",), rounds=ROUNDS, warmup_rounds=1)
    assert len(provider) == ROWS


def test_csv_with_polars(benchmark, folder):
    frame = benchmark.pedantic(polars_csv, (folder / "bars.csv",), rounds=ROUNDS, warmup_rounds=1)
    assert frame.height == ROWS


def test_parquet(benchmark, folder):
    provider = benchmark.pedantic(HistoricalDataProvider, (folder / "bars.parquet",), rounds=ROUNDS, warmup_rounds=1)
    assert len(provider) == ROWS


def test_csv_is_read_at_least_as_fast_as_by_polars(folder, capsys):
    path = folder / "bars.csv"
    ours, theirs = [], []
    # The same bars first, then turn by turn, so that both meet the same weather.
    closes = polars_csv(path)["close"]
    assert (HistoricalDataProvider(path).read()["close"].cast(pl.Float64) == closes).all()
    for _ in range(ROUNDS):
        for read, times in [(HistoricalDataProvider, ours), (polars_csv, theirs)]:
            start = time.perf_counter()
            read(path)
            times.append(time.perf_counter() - start)
    ratios = sorted(other / own for own, other in zip(ours, theirs, strict=True))
    with capsys.disabled():
        print(
            f"\n{ROWS:,} rows of CSV: {min(ours) * 1e3:.0f} ms checked, hashed and in memory; "
            f"polars {pl.thread_pool_size()} threads {min(theirs) * 1e3:.0f} ms; "
            f"ratio {ratios[len(ratios) // 2]:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        )
    assert ratios[len(ratios) // 2] >= 1
