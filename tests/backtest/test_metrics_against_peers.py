"""The metrics against quantstats and empyrical, where the definitions coincide, and how they differ where they do not."""

from __future__ import annotations

import warnings
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import algo_trade as at

from .bars import UNIT, equity_of
from .formulas import sampled
from .test_metrics_from_frames import wandering

with warnings.catch_warnings():
    # What a peer says about its own imports is not our matter.
    warnings.simplefilter("ignore")
    import empyrical
    import quantstats

if TYPE_CHECKING:
    from collections.abc import Iterator

stats: Any = quantstats.stats
MIDNIGHT = datetime.fromisoformat("2022-03-01T00:00:00+00:00")
STEPS = {"daily": timedelta(days=1), "hourly": timedelta(hours=1)}


@pytest.fixture(autouse=True)
def _quiet_peers() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(params=[(1, "daily"), (2, "daily"), (1, "hourly"), (2, "hourly")], ids=str, scope="module")
def run(request: pytest.FixtureRequest) -> tuple[str, at.BacktestResult, pd.Series[float]]:
    """A run of 120 whole days, and its daily returns."""
    seed, bars = request.param
    count = 120 * (timedelta(days=1) // STEPS[bars])
    data = wandering(seed, count, start=MIDNIGHT, step=STEPS[bars])
    result = at.backtest(data, "ma_crossover", params={"fast": 2, "slow": 6}, fraction="0.9", commission_rate="0.0001")
    delta_s, grid = sampled(equity_of(result))
    assert (delta_s, len(grid)) == (86_400, 121)
    days = pd.date_range(MIDNIGHT, periods=len(grid), freq="D", tz=None).tz_localize(None)
    equity = pd.Series([value / UNIT for value in grid], index=days)
    return bars, result, equity.pct_change().dropna()


def test_return_volatility_and_ratios_agree_with_both_peers(run: Any) -> None:
    _, result, returns = run
    m = result.metrics
    same: dict[str, tuple[float | None, list[float]]] = {
        "total return": (m.total_return, [stats.comp(returns), empyrical.cum_returns_final(returns)]),
        "annual return": (
            m.annual_return,
            [stats.cagr(returns, periods=365), empyrical.cagr(returns, annualization=365)],
        ),
        "volatility": (
            m.annual_volatility,
            [stats.volatility(returns, periods=365), empyrical.annual_volatility(returns, annualization=365)],
        ),
        "sharpe": (m.sharpe, [stats.sharpe(returns, periods=365), empyrical.sharpe_ratio(returns, annualization=365)]),
        "sortino": (
            m.sortino,
            [stats.sortino(returns, periods=365), empyrical.sortino_ratio(returns, annualization=365)],
        ),
    }
    for name, (ours, theirs) in same.items():
        assert theirs == pytest.approx([ours] * 2, rel=1e-9), name


def test_drawdown_and_calmar_agree_on_daily_bars_and_are_never_smaller_on_smaller_bars(run: Any) -> None:
    bars, result, returns = run
    m = result.metrics
    depths = [-stats.max_drawdown(returns), -empyrical.max_drawdown(returns)]
    if bars == "daily":
        assert depths == pytest.approx([m.max_drawdown] * 2, rel=1e-9)
        calmars = [stats.calmar(returns, periods=365), empyrical.calmar_ratio(returns, annualization=365)]
        assert calmars == pytest.approx([m.calmar] * 2, rel=1e-9)
    else:
        assert all(m.max_drawdown > depth for depth in depths)


def test_the_figures_of_round_trips_agree_when_the_peer_is_given_round_trips(run: Any) -> None:
    _, result, _ = run
    m = result.metrics
    profits = result.trades["pnl"].cast(float)
    assert (profits == 0).sum() == 0
    # As fractions of the capital, since the peer takes large numbers for prices.
    given = pd.Series(profits.to_list(), index=pd.date_range("2022-01-01", periods=len(profits), freq="D")) / 1e6
    assert stats.win_rate(given) == pytest.approx(m.win_rate, rel=1e-9)
    assert stats.profit_factor(given) == pytest.approx(m.profit_factor, rel=1e-9)
    assert stats.payoff_ratio(given) == pytest.approx(m.payoff_ratio, rel=1e-7)
    assert stats.avg_win(given) * 1e6 == pytest.approx(float(m.avg_win), abs=1e-8)
    assert stats.avg_loss(given) * 1e6 == pytest.approx(float(m.avg_loss), abs=1e-8)


def test_the_year_of_the_peers_is_another_by_default(run: Any) -> None:
    _, result, returns = run
    for theirs in (stats.sharpe(returns), empyrical.sharpe_ratio(returns)):
        assert theirs * (365 / 252) ** 0.5 == pytest.approx(result.metrics.sharpe, rel=1e-9)


def test_the_worked_example_of_the_docs_holds_with_the_peers_too() -> None:
    equity = pd.Series(
        [100_000, 101_000, 100_500, 99_000, 99_990, 102_000, 101_490], index=pd.date_range("2022-01-01", periods=7)
    )
    returns = equity.pct_change().dropna()
    assert empyrical.sharpe_ratio(returns, annualization=365) == pytest.approx(3.74558045, abs=1e-8)
    assert empyrical.sharpe_ratio(returns) == pytest.approx(3.11223919, abs=1e-8)
    assert empyrical.sortino_ratio(returns, annualization=365) == pytest.approx(7.19709883, abs=1e-8)
    assert empyrical.max_drawdown(returns) == pytest.approx(-0.01980198, abs=1e-8)
