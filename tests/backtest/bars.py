"""Bars for tests, and tables of a run as plain integers: prices, quantities and money in steps of 1e-8, times in nanoseconds."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import algo_trade as at

UNIT = 10**8
MINUTE_NS = 60 * 10**9
START = datetime(2022, 1, 1, tzinfo=UTC)
RECORDED = "bars/btc-perp-20211231-20220201_1m.csv"
COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, in steps of 1e-8."""

    open_ns: int
    open: int
    high: int
    low: int
    close: int
    volume: int

    @property
    def close_ns(self) -> int:
        return self.open_ns + MINUTE_NS


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution, in steps of 1e-8; ``sign`` is +1 for a buy."""

    time_ns: int
    sign: int
    price: int
    quantity: int
    fee: int


def units(value: Decimal | str | float) -> int:
    """Return a decimal number in steps of 1e-8; anything finer is a mistake of the test."""
    steps = Decimal(value) * UNIT
    assert steps == steps.to_integral_value(), value
    return int(steps)


def decimal(steps: int) -> Decimal:
    return Decimal(steps).scaleb(-8)


def half_even(numerator: int, denominator: int) -> int:
    """Divide, rounding half to even."""
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    quotient, rest = divmod(numerator, denominator)
    return quotient + (2 * rest > denominator or (2 * rest == denominator and quotient % 2 == 1))


def notional(price: int, quantity: int) -> int:
    return half_even(price * quantity, UNIT)


def charged(price: int, quantity: int, rate: Decimal) -> int:
    """Return the fee of a fill: the rate times price times quantity, rounded once."""
    per_trillion = int(rate * 10**12)
    assert per_trillion == rate * 10**12
    return half_even(price * quantity * per_trillion, UNIT * 10**12)


def slipped(price: int, sign: int, bps: Decimal, tick: int = 1) -> int:
    """Return the price moved against us, rounded to the tick against us."""
    hundredths = int(bps * 10**8)
    moved = price * (10**12 + sign * hundredths)
    step = 10**12 * tick
    return (-(-moved // step) if sign > 0 else moved // step) * tick


def frame(
    rows: Iterable[Sequence[Decimal | str | float]],
    *,
    symbol: str = "BTC",
    start: datetime = START,
    step: timedelta = timedelta(minutes=1),
) -> pl.DataFrame:
    """Return bars as a table; a row is open, high, low, close, volume."""
    lines = [[Decimal(str(value)) for value in row] for row in rows]
    data: dict[str, Any] = {
        "timestamp": [start + i * step for i in range(len(lines))],
        "symbol": [symbol] * len(lines),
    }
    for index, column in enumerate(COLUMNS):
        data[column] = pl.Series([line[index] for line in lines], dtype=pl.Decimal(20, 8))
    return pl.DataFrame(data)


def bars_of(table: pl.DataFrame) -> list[Bar]:
    opens = [nanoseconds(time) for time in table["timestamp"]]
    opened, high, low, close, volume = (steps(table[name]) for name in COLUMNS)
    return [Bar(opens[i], opened[i], high[i], low[i], close[i], volume[i]) for i in range(len(opens))]


def nanoseconds(time: datetime) -> int:
    delta = time - datetime(1970, 1, 1, tzinfo=UTC)
    return ((delta.days * 86_400 + delta.seconds) * 10**6 + delta.microseconds) * 1_000


@cache
def recorded(folder: Path) -> tuple[Bar, ...]:
    """Return the recorded bars. Their volume is in money; in base units it is that over the close, rounded half to even."""
    bars = []
    with (folder / RECORDED).open(newline="") as file:
        for row in csv.DictReader(file):
            time = nanoseconds(datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC))
            opened, high, low, close = (units(row[name]) for name in COLUMNS[:4])
            # Six volumes of the file carry the dust of a float: they mean the nearest step.
            money = int((Decimal(row["volume"]) * UNIT).to_integral_value())
            bars.append(Bar(time, opened, high, low, close, half_even(money * UNIT, close)))
    return tuple(bars)


def steps(column: pl.Series) -> list[int]:
    """Return a column of decimals in steps of 1e-8."""
    return [int(value.scaleb(8)) for value in column.to_list()]


def times(column: pl.Series) -> list[int]:
    return [int(value) for value in column.cast(pl.Int64).to_list()]


def fills_of(result: at.BacktestResult, symbol: str | None = None) -> list[Fill]:
    table = result.fills if symbol is None else result.fills.filter(pl.col("symbol") == symbol)
    signs = [1 if side == "buy" else -1 for side in table["side"]]
    columns = (times(table["time"]), signs, steps(table["price"]), steps(table["quantity"]), steps(table["fee"]))
    return [Fill(*values) for values in zip(*columns, strict=True)]


def equity_of(result: at.BacktestResult) -> list[tuple[int, int]]:
    return list(zip(times(result.equity["time"]), steps(result.equity["equity"]), strict=True))
