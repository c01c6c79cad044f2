"""Every metric equals its formula in docs/metrics.md, computed again from the tables of the run."""

from __future__ import annotations

import random
from dataclasses import fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

import algo_trade as at

from .bars import RECORDED, frame
from .formulas import all_figures, leverages

if TYPE_CHECKING:
    from pathlib import Path


def wandering(seed: int, count: int, *, start: datetime, step: timedelta, symbol: str = "BTC") -> pl.DataFrame:
    """Bars of a random walk with steps of 1 %."""
    chance = random.Random(seed)
    price, rows = 10_000, []
    for _ in range(count):
        closed = max(100, round(price * (1 + chance.gauss(0, 0.01))))
        edge = chance.randrange(1, 40)
        rows.append((price, max(price, closed) + edge, min(price, closed) - edge, closed, chance.randrange(50, 500)))
        price = closed
    return frame([[value / 100 for value in row[:4]] + [row[4]] for row in rows], symbol=symbol, start=start, step=step)


def expect_formulas(result: at.BacktestResult) -> None:
    expected = all_figures(result)
    names = {field.name for field in fields(at.PerformanceMetrics)}
    if result.strategy == "grid":
        # Fills inside a bar and at the next open have one time: which equity they belong to, the tables do not say.
        names -= {"mean_leverage", "max_leverage"}
    else:
        expected |= leverages(result, is_filled_at_close=result.manifest["venue"]["fill_on"] == "close")
    assert names - expected.keys() == set()
    shown = {name: getattr(result.metrics, name) for name in names}
    differing = {
        name: (shown[name], expected[name]) for name in sorted(names) if not is_same(shown[name], expected[name])
    }
    assert differing == {}


def is_same(shown: object, expected: object) -> bool:
    if isinstance(shown, float) and isinstance(expected, float | int):
        return shown == pytest.approx(expected, rel=1e-9, abs=1e-12)
    return type(shown) is type(expected) and shown == expected


MIDNIGHT = datetime.fromisoformat("2022-03-01T00:00:00+00:00")
ODD = datetime.fromisoformat("2022-03-01T07:43:00+00:00")
RUNS: dict[str, tuple[datetime, timedelta, int, str, dict[str, Any]]] = {
    "minutes of two days from an odd time": (ODD, timedelta(minutes=1), 3_000, "ma_crossover", {}),
    "minutes of one hour": (MIDNIGHT, timedelta(minutes=1), 60, "ma_crossover", {"params": {"fast": 2, "slow": 5}}),
    "a quarter hour inside one hour": (
        ODD,
        timedelta(minutes=1),
        15,
        "ma_crossover",
        {"params": {"fast": 1, "slow": 2}},
    ),
    "hours just under sixty days": (MIDNIGHT, timedelta(hours=1), 60 * 24 - 1, "rsi", {}),
    "hours of sixty days": (MIDNIGHT, timedelta(hours=1), 60 * 24, "rsi", {"fill_on": "close"}),
    "hours of a hundred days from an odd time": (
        ODD,
        timedelta(hours=1),
        2_400,
        "ma_crossover",
        {"leverage": 3, "fraction": 2},
    ),
    "days of a year": (MIDNIGHT, timedelta(days=1), 365, "ma_crossover", {"params": {"direction": "long_only"}}),
    "a grid with rebates": (ODD, timedelta(minutes=5), 4_000, "grid", {"maker_rate": "-0.0001", "quantity": "2"}),
    "nothing is ever traded": (ODD, timedelta(minutes=5), 20, "ma_crossover", {}),
}


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("seed", [1, 2])
def test_every_metric_is_what_its_formula_gives(name: str, seed: int) -> None:
    start, step, count, strategy, options = RUNS[name]
    expect_formulas(at.backtest(wandering(seed, count, start=start, step=step), strategy, **options))


def test_every_metric_of_several_symbols_is_what_its_formula_gives() -> None:
    tables = [
        wandering(i, 2_000, start=ODD, step=timedelta(minutes=5), symbol=s) for i, s in enumerate(["A", "B", "C"])
    ]
    expect_formulas(at.backtest(pl.concat(tables).sort("timestamp", "symbol"), "ma_crossover", fraction="0.3"))


@pytest.mark.parametrize("strategy", ["ma_crossover", "rsi", "grid"])
def test_every_metric_of_a_recorded_month_is_what_its_formula_gives(shared_data: Path, strategy: str) -> None:
    # A bar in eight, so that every close of the run is in the table of prices.
    frame = pl.read_csv(shared_data / RECORDED)[::8]
    expect_formulas(at.backtest(frame, strategy, symbol="BTC", volume_unit="quote"))
