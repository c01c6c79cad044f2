"""The time series that a report draws, computed from a result with polars. Every frame has ``time`` and its values as floats."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algo_trade.backtest.report.result import Result

LINE_POINTS_MAX = 4_000
_NS_PER_S = 1_000_000_000


def thin(frame: pl.DataFrame, value: str, points_max: int = LINE_POINTS_MAX) -> pl.DataFrame:
    """Thin a line for drawing, and keep its extremes.

    The rows are cut into equal stretches; of each, the first, the lowest, the highest and the last row are kept. So no
    spike is lost, and the lowest point of a drawn drawdown is the true one.
    """
    if frame.height <= points_max:
        return frame
    stretches = max(points_max // 4, 1)
    row = pl.int_range(pl.len())
    kept = (
        frame.lazy()
        .select(value, row=row, stretch=row * stretches // frame.height)
        .group_by("stretch")
        .agg(
            pl.col("row").first().alias("first"),
            pl.col("row").get(pl.col(value).arg_min()).alias("low"),
            pl.col("row").get(pl.col(value).arg_max()).alias("high"),
            pl.col("row").last().alias("last"),
        )
        .select(pl.concat_list("first", "low", "high", "last").explode().unique().sort().alias("row"))
        .collect()
    )
    return frame[kept["row"]]


def equity(result: Result) -> pl.DataFrame:
    """Equity: (time, equity)."""
    return result.equity.select("time", pl.col("equity").cast(pl.Float64))


def drawdown(result: Result) -> pl.DataFrame:
    """Fraction below the highest equity so far, zero or negative: (time, drawdown)."""
    return equity(result).select("time", drawdown=pl.col("equity") / pl.col("equity").cum_max() - 1)


def buy_and_hold(result: Result) -> pl.DataFrame:
    """What the initial capital, spread equally over the symbols at their first close, would be worth: (time, value).

    No costs. The share of a symbol that has not begun yet is held as cash.
    """
    capital = float(result.initial_capital)
    closes = result.prices.select("time", "symbol", close=pl.col("close").cast(pl.Float64)).filter(pl.col("close") > 0)
    if closes.is_empty():
        return pl.DataFrame(schema={"time": result.equity.schema["time"], "value": pl.Float64})
    held = (
        closes.sort("time", maintain_order=True)
        .with_columns(growth=pl.col("close") / pl.col("close").first().over("symbol"))
        .pivot(on="symbol", index="time", values="growth", aggregate_function="last")
        .sort("time")
        .with_columns(pl.exclude("time").fill_null(strategy="forward").fill_null(1.0))
    )
    return held.select("time", value=pl.mean_horizontal(pl.exclude("time")) * capital)


def returns(result: Result, step_s: float) -> pl.DataFrame:
    """Simple returns on the grid of the metrics, by last value: (time, return).

    The grid is E_0 at the start, then each multiple of ``step_s`` since the epoch, and the end. A return on an equity of zero
    or less means nothing and is left out.
    """
    step_ns = max(int(step_s * _NS_PER_S), 1)
    rows = equity(result).with_columns(index=(pl.col("time").dt.epoch("ns") + (step_ns - 1)) // step_ns)
    if rows.height < 2:
        return pl.DataFrame(schema={"time": pl.Datetime("ns", "UTC"), "return": pl.Float64})
    sampled = rows.group_by("index", maintain_order=True).agg(pl.col("equity").last())
    first, last = sampled["index"][0], sampled["index"][-1]
    grid = (
        pl.DataFrame({"index": pl.int_range(first, last + 1, eager=True)})
        .join(sampled, on="index", how="left", maintain_order="left")
        .with_columns(pl.col("equity").forward_fill())
    )
    time = pl.from_epoch(pl.col("index") * step_ns, time_unit="ns").dt.replace_time_zone("UTC")
    before = pl.col("equity").shift(1, fill_value=rows["equity"][0])
    out = grid.select(time.alias("time"), pl.when(before > 0).then(pl.col("equity") / before - 1).alias("return"))
    # A run that starts on the grid has E_0 as its first sample, which is no return.
    starts_on_grid = rows["time"].dt.epoch("ns")[0] % step_ns == 0
    return out.slice(1 if starts_on_grid else 0).drop_nulls("return")


@dataclass(frozen=True, slots=True)
class Rolling:
    """A rolling Sharpe ratio: its line (time, sharpe), and the window that it was computed over."""

    line: pl.DataFrame
    window: timedelta
    samples: int


def rolling_sharpe(result: Result) -> Rolling | None:
    """Annualised Sharpe ratio over a moving window; None where the run is too short to say anything.

    The window is the longest of 1, 7, 30, 90 and 180 days that is at most a third of the run and holds 20 returns; else
    the shortest that holds 20 returns and leaves a third of the run to draw.
    """
    step_s = result.metrics.sampling_step_s
    run = result.end - result.start
    windows = [d for d in map(timedelta, (1, 7, 30, 90, 180)) if d / timedelta(seconds=step_s) >= 20]
    fitting = [w for w in windows if w <= run / 3] or [w for w in windows[:1] if w <= run * 2 / 3]
    if not fitting:
        return None
    window = fitting[-1]
    samples = int(window / timedelta(seconds=step_s))
    value = pl.col("return")
    deviation = value.rolling_std(samples, ddof=1)
    line = (
        returns(result, step_s)
        .select("time", sharpe=value.rolling_mean(samples) / deviation * result.metrics.periods_per_year**0.5)
        .filter(pl.col("sharpe").is_finite())
    )
    return None if line.is_empty() else Rolling(line, window, samples)


def monthly_returns(result: Result) -> pl.DataFrame:
    """Return of each calendar month (UTC) that holds data: (year, month, return). The first and the last may be short."""
    # A bar that closes at midnight on the first belongs to the month before.
    month = (pl.col("time") - pl.duration(nanoseconds=1)).dt.truncate("1mo")
    rows = equity(result)
    return (
        rows.slice(1)
        .group_by(month.alias("month"), maintain_order=True)
        .agg(pl.col("equity").last())
        .with_columns(before=pl.col("equity").shift(1, fill_value=rows["equity"][0] if rows.height else None))
        .select(
            pl.col("month").dt.year().alias("year"),
            pl.col("month").dt.month().alias("month"),
            pl.when(pl.col("before") > 0).then(pl.col("equity") / pl.col("before") - 1).alias("return"),
        )
        .drop_nulls("return")
    )


def symbols_by_trades(result: Result) -> Sequence[str]:
    """The symbols, most traded first, then in their own order."""
    counts = dict(result.trades.group_by("symbol").len().iter_rows())
    return sorted(result.symbols, key=lambda symbol: -counts.get(symbol, 0))
