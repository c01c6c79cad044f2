"""The series that are drawn: worked by hand where a hand can, against plain Python where it cannot."""

from __future__ import annotations

import statistics
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algo_trade.backtest.report import series
from tests.report import worlds

HOUR = timedelta(hours=1)


def world(times: list[datetime], equity: list[float]) -> worlds.Result:
    frame = pl.DataFrame({"time": pl.Series(times, dtype=worlds.TIME), "equity": worlds.decimals(equity)})
    return replace(worlds.untraded(10), start=times[0], end=times[-1], equity=frame)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=3_000), st.integers(4, 400))
def test_a_thinned_line_keeps_its_ends_and_its_extremes(values: list[float], points_max: int) -> None:
    frame = pl.DataFrame({"time": range(len(values)), "value": values})
    thinned = series.thin(frame, "value", points_max)
    assert thinned.height <= points_max
    assert thinned.row(0) == frame.row(0)
    assert thinned.row(-1) == frame.row(-1)
    assert thinned["value"].min() == frame["value"].min()
    assert thinned["value"].max() == frame["value"].max()
    assert thinned["time"].is_sorted()
    assert thinned["time"].is_unique().all()


def test_the_drawn_drawdown_is_the_true_one() -> None:
    result = worlds.month()
    values = result.equity["equity"].cast(pl.Float64).to_numpy()
    peak = np.maximum.accumulate(values)
    drawn = series.thin(series.drawdown(result), "drawdown")
    assert drawn.height < result.equity.height
    assert drawn["drawdown"].min() == pytest.approx((values / peak - 1).min(), abs=1e-15)


def test_buy_and_hold_spreads_the_capital_and_holds_late_symbols_as_cash() -> None:
    t = [worlds.START + HOUR * i for i in range(4)]
    prices = pl.DataFrame(
        {
            "time": pl.Series([t[0], t[1], t[2], t[2], t[3]], dtype=worlds.TIME),
            "symbol": ["A", "A", "A", "B", "B"],
            "close": worlds.decimals([100, 110, 120, 50, 25]),
        }
    )
    held = series.buy_and_hold(replace(worlds.untraded(10), prices=prices))
    # A: 1, 1.1, 1.2, 1.2; B: cash, cash, 1, 0.5; half of 10,000 in each.
    assert held["value"].to_list() == pytest.approx([10_000, 10_500, 11_000, 8_500])


def test_returns_are_sampled_on_the_grid_by_last_value() -> None:
    begin = datetime(2022, 1, 1, 0, 30, tzinfo=UTC)
    minutes = [0, 10, 30, 45, 200]  # 00:30 00:40 01:00 01:15 03:50
    result = world([begin + timedelta(minutes=m) for m in minutes], [100, 110, 120, 90, 99])
    sampled = series.returns(result, 3_600)
    # E: 100 at 00:30, 120 at 01:00, 90 at 02:00, 90 at 03:00, 99 at the end.
    assert sampled["return"].to_list() == pytest.approx([0.2, -0.25, 0.0, 0.1])


def test_a_run_that_starts_on_the_grid_has_no_return_at_its_start() -> None:
    times = [worlds.START + HOUR * i for i in range(4)]
    assert series.returns(world(times, [100, 101, 102, 51]), 3_600)["return"].to_list() == pytest.approx(
        [0.01, 102 / 101 - 1, -0.5]
    )


def test_a_return_on_nothing_is_left_out() -> None:
    times = [worlds.START + HOUR * i for i in range(5)]
    assert series.returns(world(times, [100, 50, 0, -10, -5]), 3_600)["return"].to_list() == pytest.approx([-0.5, -1.0])


def test_the_rolling_ratio_is_the_sharpe_ratio_of_its_window() -> None:
    result = worlds.month()
    rolling = series.rolling_sharpe(result)
    assert rolling is not None
    assert (rolling.window, rolling.samples) == (timedelta(days=7), 168)
    returns = series.returns(result, 3_600)["return"].to_list()
    for back in (0, 100):
        window = returns[len(returns) - back - 168 : len(returns) - back]
        expected = statistics.fmean(window) / statistics.stdev(window) * 8_760**0.5
        assert rolling.line["sharpe"][-1 - back] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("hours", "days"), [(12, None), (40, 1), (24 * 5, 1), (24 * 25, 7), (24 * 100, 30)])
def test_the_window_grows_with_the_run(hours: int, days: int | None) -> None:
    times = [worlds.START + HOUR * i for i in range(hours + 1)]
    equity = 10_000 + np.random.default_rng(1).normal(0, 1, hours + 1).cumsum()
    rolling = series.rolling_sharpe(world(times, equity.tolist()))
    assert (rolling and rolling.window.days) == days


def test_a_flat_equity_has_no_rolling_ratio() -> None:
    times = [worlds.START + HOUR * i for i in range(24 * 30)]
    assert series.rolling_sharpe(world(times, [10_000.0] * len(times))) is None


def test_a_bar_that_closes_at_midnight_belongs_to_the_month_that_ends() -> None:
    times = [datetime(2022, *rest, tzinfo=UTC) for rest in ((1, 10), (2, 1), (2, 15), (3, 1), (5, 5))]
    months = series.monthly_returns(world(times, [100, 110, 99, 121, 60.5]))
    assert months.rows() == [
        (2022, 1, pytest.approx(0.1)),
        (2022, 2, pytest.approx(0.1)),
        (2022, 5, pytest.approx(-0.5)),
    ]


def test_months_multiply_to_the_total_return() -> None:
    result = worlds.crossover({"BTC": worlds.random_closes(20_000, seed=8)}, step=timedelta(minutes=30))
    growth = (series.monthly_returns(result)["return"] + 1).product()
    assert growth == pytest.approx(1 + (result.metrics.total_return or 0))
