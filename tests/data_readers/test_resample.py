"""Larger bars from smaller ones, against polars, and as a strategy sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

import algo_trade as at
from algo_trade.data import synthetic_bars
from algo_trade.errors import DataError, ParameterError, StrategyError

if TYPE_CHECKING:
    from algo_trade.core import Context

EVERY = {"5m": at.minutes(5), "90m": at.minutes(90), "1d": at.hours(24)}


@pytest.mark.parametrize("rule", list(EVERY))
def test_time_bars_are_those_that_polars_makes_without_the_unfinished_last_one(rule: str) -> None:
    provider = at.HistoricalDataProvider(synthetic_bars(["BTC", "ETH"], 9_000, seed=3))
    bars = provider.read().sort("symbol", "timestamp")
    expected = (
        bars.group_by_dynamic("timestamp", every=rule, group_by="symbol", start_by="window")
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume").sum(),
        )
        .sort("timestamp", "symbol")
    )
    made = provider.resample(rule).sort("timestamp", "symbol")
    end = bars["timestamp"].max()
    assert end is not None
    whole = expected.filter(pl.col("timestamp").dt.offset_by(rule) <= pl.lit(end).dt.offset_by("1m"))
    assert made.select("timestamp", "symbol", "open", "high", "low", "close").equals(
        whole.select("timestamp", "symbol", "open", "high", "low", "close")
    )
    assert made["volume"].to_list() == whole["volume"].to_list()


def test_volume_bars_hold_what_the_rule_asks_for_and_conserve_it() -> None:
    provider = at.HistoricalDataProvider(synthetic_bars("BTC", 2_000, seed=3))
    made = provider.resample("250 base")
    assert (made["volume"] >= 250).all()
    covered = provider.read().filter(pl.col("timestamp") < made["timestamp"][-1])
    assert covered["volume"].sum() == made["volume"][:-1].sum()


def test_a_strategy_sees_a_larger_bar_with_the_smaller_one_that_completes_it_and_never_before() -> None:
    class Both(at.Strategy):
        resolutions = ("15m", "1h")

        def on_start(self, ctx: Context) -> None:
            self.quarters: list[at.Bar] = []
            self.heard: list[tuple[int, int]] = []

        def on_bar(self, ctx: Context, bar: at.Bar) -> None:
            assert bar.close_time_ns == ctx.now_ns
            self.heard.append((bar.close_time_ns, bar.resolution_ns))
            if bar.resolution_ns == at.minutes(15):
                self.quarters.append(bar)

    strategy, provider = Both(), at.HistoricalDataProvider(synthetic_bars("BTC", 600))
    at.backtest(provider, strategy, quantity=1)
    assert strategy.heard == sorted(strategy.heard), "by time, the smaller bar first"
    assert len(strategy.heard) == 600 + 40 + 10
    table = provider.resample("15m")
    assert [bar.close for bar in strategy.quarters] == table["close"].to_list()
    assert [bar.volume for bar in strategy.quarters] == table["volume"].to_list()


def test_an_indicator_tied_to_a_resolution_has_taken_the_bar_that_the_hook_sees() -> None:
    class Tied(at.Strategy):
        resolutions = ("5m",)

        def on_start(self, ctx: Context) -> None:
            self.fast = ctx.indicator(at.indicators.Sma(3), field="typical")
            self.slow = ctx.indicator(at.indicators.Max(2), field="high", resolution="5m")
            self.seen: list[tuple[float | None, float | None]] = []
            self.highs: list[float] = []

        def on_bar(self, ctx: Context, bar: at.Bar) -> None:
            if bar.resolution_ns == at.minutes(5):
                self.highs.append(float(bar.high))
                assert self.slow.value == (max(self.highs[-2:]) if len(self.highs) > 1 else None)
            self.seen.append((self.fast.value, self.slow.value))

    strategy = Tied()
    provider = at.HistoricalDataProvider(synthetic_bars("BTC", 100))
    at.backtest(provider, strategy, quantity=1)
    last = provider.read().tail(3)
    typical = ((last["high"] + last["low"] + last["close"]).cast(pl.Float64) / 3).mean()
    assert strategy.fast.value == pytest.approx(typical, rel=1e-12)
    assert len(strategy.highs) == 20


@pytest.mark.parametrize(
    ("rule", "error", "message"),
    [
        ("5 lots", ParameterError, "`5 lots`: bars are written as a length of time"),
        ("30s", DataError, "bars of 30s cannot be made of these data: .*longer, 1m"),
        ("0m", ParameterError, "`0m`"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        at.HistoricalDataProvider(synthetic_bars("BTC", 100)).resample(rule)


def test_a_strategy_that_wants_impossible_bars_or_ties_an_indicator_wrongly_is_told() -> None:
    class Wants(at.Strategy):
        resolutions = ("30s",)

        def on_bar(self, ctx: Context, bar: at.Bar) -> None: ...

    class Unknown(at.Strategy):
        resolutions = ("5m",)

        def on_start(self, ctx: Context) -> None:
            ctx.indicator(at.indicators.Sma(3), resolution="1h")

    class Twice(at.Strategy):
        def on_start(self, ctx: Context) -> None:
            average = ctx.indicator(at.indicators.Sma(3))
            ctx.indicator(average)

    bars = synthetic_bars("BTC", 100)
    with pytest.raises(StrategyError, match="wants bars of 30s: the bars of the data are longer, 1m"):
        at.backtest(bars, Wants())
    with pytest.raises(StrategyError, match="name it in the strategy's `resolutions`, which has: 5m"):
        at.backtest(bars, Unknown())
    with pytest.raises(StrategyError, match=r"Sma\(period=3\) is fed already"):
        at.backtest(bars, Twice())
    with pytest.raises(StrategyError, match="several symbols: say which"):
        at.backtest(synthetic_bars(["BTC", "ETH"], 100), Twice())
