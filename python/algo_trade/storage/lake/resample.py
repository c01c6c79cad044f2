"""Bars made of the rows of a lake."""

from __future__ import annotations

import polars as pl

from algo_trade.core.times import duration_ns
from algo_trade.errors import ParameterError


def resampled(frame: pl.DataFrame, kind: str, length: str) -> pl.DataFrame:
    """Make bars of a length of bars or trades; the last one may be unfinished.

    Parameters
    ----------
    frame : rows of a lake, with ``venue``, in order
    kind : bars or trades
    length : 5m, 1h, 1d: counted from midnight UTC

    Raises
    ------
    ParameterError
        Rows of another kind; no length of time.
    """
    if kind not in {"bars", "trades"}:
        raise ParameterError(f"resample: bars are made of bars or trades, not of {kind}")
    every = f"{duration_ns(length)}ns"
    time = "timestamp" if kind == "bars" else "exchange_time"
    prices = ("open", "high", "low", "close") if kind == "bars" else ("price",) * 4
    volume = "volume" if kind == "bars" else "quantity"
    needed = {time, "venue", "symbol", *prices, volume}
    if missing := sorted(needed - set(frame.columns)):
        raise ParameterError(f"resample: column {missing[0]!r} is needed: do not leave it out")
    first, high, low, last = prices
    return (
        frame.group_by("venue", "symbol", pl.col(time).dt.truncate(every).alias("timestamp"), maintain_order=True)
        .agg(
            pl.col(first).first().alias("open"),
            pl.col(high).max().alias("high"),
            pl.col(low).min().alias("low"),
            pl.col(last).last().alias("close"),
            pl.col(volume).sum().alias("volume"),
        )
        .with_columns(pl.col("volume").cast(pl.Decimal(20, 8)))
    )
