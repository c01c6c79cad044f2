"""Synthetic bars from a seed: for a first try, for tests, for benchmarks."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from algo_trade._native import synthetic_bars as native_bars
from algo_trade.core.times import duration_ns

if TYPE_CHECKING:
    import datetime as dt
    import os
    from collections.abc import Iterable, Sequence

    import polars as pl

    from algo_trade._native import BarData

HEADER = ("timestamp", "symbol", "open", "high", "low", "close", "volume")


def synthetic_bars(
    symbols: str | Sequence[str],
    rows: int,
    *,
    seed: int = 0,
    resolution: str | int | dt.timedelta = "1m",
) -> BarData:
    """Make seeded bars: a random walk with bursts of volatility, the same on every machine.

    Parameters
    ----------
    symbols : one or more names
    rows : int, bars of all symbols together
    seed : int, not negative
    resolution : the length of a bar
    """
    names = [symbols] if isinstance(symbols, str) else list(symbols)
    return native_bars(names, rows, seed=seed, resolution_ns=duration_ns(resolution))


def write_csv(bars: BarData, path: str | os.PathLike[str]) -> None:
    """Write bars as a CSV file that the reader takes without options."""
    import polars as pl  # noqa: PLC0415 -- only here is it needed, and it takes its time

    frame = pl.DataFrame(bars)
    with open(path, "w", newline="", encoding="utf-8") as file:  # noqa: PTH123, any path-like
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(_rows(frame))


def _rows(frame: pl.DataFrame) -> Iterable[list[str]]:
    for time, symbol, *numbers in frame.iter_rows():
        shown = ["" if number is None else format(number.normalize(), "f") for number in numbers]
        yield [time.strftime("%Y-%m-%dT%H:%M:%SZ"), symbol, *shown]
