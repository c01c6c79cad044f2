"""Inputs of the indicator tests, and every indicator with the TA-Lib call that it equals."""

from __future__ import annotations

import contextlib
import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import talib
from numpy.typing import NDArray
from talib import set_unstable_period  # type: ignore[attr-defined]  # its stub does not list it

from algo_trade import indicators as ind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

Floats = NDArray[np.float64]
BARS = "bars/btc-perp-20211231-20220201_1m.csv"


@dataclass(frozen=True, slots=True)
class Market:
    """Columns of bars."""

    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def columns(self, names: Sequence[str]) -> list[Floats]:
        return [getattr(self, name) for name in names]

    def head(self, count: int) -> Market:
        return Market(self.high[:count], self.low[:count], self.close[:count], self.volume[:count])


def real_market(folder: Path) -> Market:
    """A month of BTC minutes."""
    with (folder / BARS).open() as file:
        rows = [[float(row[name]) for name in ("high", "low", "close", "volume")] for row in csv.DictReader(file)]
    return Market(*(np.ascontiguousarray(column) for column in np.array(rows).T))


def random_market(seed: int = 7, count: int = 3000) -> Market:
    random = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.004, count)))
    high = close + np.abs(random.normal(0, 0.2, count))
    low = close - np.abs(random.normal(0, 0.2, count))
    volume = np.abs(random.normal(100, 30, count))
    return Market(high, low, close, volume)


def flat_market(count: int = 300) -> Market:
    """Movement, then none at all: where denominators are zero."""
    moving = random_market(3, count // 3)
    still = np.full(count - count // 3, 100.1)
    nothing = np.zeros(count - count // 3)
    return Market(
        np.r_[moving.high, still], np.r_[moving.low, still], np.r_[moving.close, still], np.r_[moving.volume, nothing]
    )


@contextlib.contextmanager
def unstable(names: Sequence[str], period: int) -> Iterator[None]:
    """Sets TA-Lib's unstable periods for a while."""
    try:
        for name in names:
            set_unstable_period(name, period)
        yield
    finally:
        for name in names:
            set_unstable_period(name, 0)


@dataclass(frozen=True, slots=True)
class Case:
    """An indicator, its parameters, its columns, and what TA-Lib calls it."""

    name: str
    make: Callable[..., Any]
    batch: Callable[..., Any]
    columns: Sequence[str]
    params: dict[str, Any]
    talib: Callable[..., tuple[Floats, ...]]
    #: TA-Lib's names of the unstable periods that this indicator has; empty where it has none.
    unstable: Sequence[str] = ()
    #: Absolute tolerance as a fraction of the largest value: for values that pass through zero.
    scale: float = 1e-12

    def __str__(self) -> str:
        return self.name + "-" + "-".join(str(value) for value in self.params.values())


def one(function: Callable[..., Floats], **params: Any) -> Callable[..., tuple[Floats, ...]]:
    return lambda *columns: (function(*columns, **params),)


def many(function: Callable[..., tuple[Floats, ...]], **params: Any) -> Callable[..., tuple[Floats, ...]]:
    return lambda *columns: tuple(np.asarray(column) for column in function(*columns, **params))


def adx(high: Floats, low: Floats, close: Floats, period: int) -> tuple[Floats, ...]:
    both = [talib.PLUS_DI(high, low, close, period), talib.MINUS_DI(high, low, close, period)]
    index = talib.ADX(high, low, close, period)
    return (index, *(np.where(np.isnan(index), np.nan, directions) for directions in both))


def dmi(high: Floats, low: Floats, close: Floats, period: int) -> tuple[Floats, ...]:
    return talib.PLUS_DI(high, low, close, period), talib.MINUS_DI(high, low, close, period)


def super_trend(high: Floats, low: Floats, close: Floats, period: int, multiplier: float) -> tuple[Floats, ...]:
    line, direction = talib.SUPERTREND(high, low, close, period, multiplier)
    return line, np.where(np.isnan(line), np.nan, direction)


def line(values: Floats, period: int) -> tuple[Floats, ...]:
    functions = (talib.LINEARREG_SLOPE, talib.LINEARREG_INTERCEPT, talib.LINEARREG)
    return tuple(function(values, period) for function in functions)


def rolling_vwap(high: Floats, low: Floats, close: Floats, volume: Floats, period: int) -> tuple[Floats, ...]:
    return (talib.VWMA(talib.TYPPRICE(high, low, close), volume, period),)


CLOSE = ("close",)
HL = ("high", "low")
HLC = ("high", "low", "close")
HLCV = ("high", "low", "close", "volume")


def cases() -> list[Case]:
    """Every indicator that TA-Lib has too."""
    out: list[Case] = []

    def add(
        make: Callable[..., Any],
        batch: Callable[..., Any],
        columns: Sequence[str],
        params: dict[str, Any],
        reference: Callable[..., tuple[Floats, ...]],
        unstable: Sequence[str] = (),
        scale: float = 1e-12,
    ) -> None:
        out.append(Case(make.__name__, make, batch, columns, params, reference, unstable, scale))

    for n in (1, 2, 5, 20, 137):
        add(ind.Sma, ind.sma, CLOSE, {"period": n}, one(talib.SMA, timeperiod=n))
        add(ind.Ema, ind.ema, CLOSE, {"period": n}, one(talib.EMA, timeperiod=n), ["EMA"])
        add(ind.Wma, ind.wma, CLOSE, {"period": n}, one(talib.WMA, timeperiod=n))
        add(ind.Dema, ind.dema, CLOSE, {"period": n}, one(talib.DEMA, timeperiod=n), ["EMA"])
        add(ind.Tema, ind.tema, CLOSE, {"period": n}, one(talib.TEMA, timeperiod=n), ["EMA"])
        add(ind.Atr, ind.atr, HLC, {"period": n}, one(talib.ATR, timeperiod=n), ["ATR"])
        add(ind.Roc, ind.roc, CLOSE, {"period": n}, one(talib.ROC, timeperiod=n))
        add(ind.Momentum, ind.momentum, CLOSE, {"period": n}, one(talib.MOM, timeperiod=n))
        add(ind.RollingVwap, ind.rolling_vwap, HLCV, {"period": n}, many(rolling_vwap, period=n))
    for n in (2, 3, 14, 60):
        add(ind.Hma, ind.hma, CLOSE, {"period": n}, one(talib.HMA, timeperiod=n))
        add(ind.Kama, ind.kama, CLOSE, {"period": n}, one(talib.KAMA, timeperiod=n), ["KAMA"])
        add(ind.Rsi, ind.rsi, CLOSE, {"period": n}, one(talib.RSI, timeperiod=n), ["RSI"])
        add(ind.Adx, ind.adx, HLC, {"period": n}, many(adx, period=n), ["ADX"])
        add(
            ind.Dmi,
            ind.dmi,
            HLC,
            {"period": n},
            many(dmi, period=n),
            ["PLUS_DI", "MINUS_DI"],
        )
        # TA-Lib keeps running sums: where nothing flows upward, it shows their rounding errors.
        add(ind.Mfi, ind.mfi, HLCV, {"period": n}, one(talib.MFI, timeperiod=n), scale=1e-11)
        add(ind.Cci, ind.cci, HLC, {"period": n}, one(talib.CCI, timeperiod=n), scale=1e-11)
        add(ind.WilliamsR, ind.williams_r, HLC, {"period": n}, one(talib.WILLR, timeperiod=n))
        add(ind.Donchian, ind.donchian, HL, {"period": n}, many(talib.DONCHIAN, timeperiod=n))
        add(ind.Min, ind.min, CLOSE, {"period": n}, one(talib.MIN, timeperiod=n))
        add(ind.Max, ind.max, CLOSE, {"period": n}, one(talib.MAX, timeperiod=n))
        add(ind.Std, ind.std, CLOSE, {"period": n}, one(talib.STDDEV, timeperiod=n))
        # TA-Lib regresses levels: its slope carries about 1e-15 of the level over the period.
        add(
            ind.LinearRegression,
            ind.linear_regression,
            CLOSE,
            {"period": n},
            many(line, period=n),
            scale=1e-9,
        )
        for k in (1.0, 2.5):
            reference = many(talib.BBANDS, timeperiod=n, nbdevup=k, nbdevdn=k)
            add(ind.Bollinger, ind.bollinger, CLOSE, {"period": n, "deviations": k}, reference)
            params = {"period": n, "multiplier": k}
            add(
                ind.SuperTrend,
                ind.super_trend,
                HLC,
                params,
                many(super_trend, period=n, multiplier=k),
                ["ATR"],
            )
    for fast, slow, signal in ((12, 26, 9), (2, 3, 1), (5, 35, 5)):
        params = {"fast": fast, "slow": slow, "signal": signal}
        reference = many(talib.MACD, fastperiod=fast, slowperiod=slow, signalperiod=signal)
        add(ind.Macd, ind.macd, CLOSE, params, reference, ["EMA"])
    for k, sk, sd in ((5, 3, 3), (14, 1, 3), (1, 1, 1)):
        params = {"fast_k": k, "slow_k": sk, "slow_d": sd}
        reference = many(talib.STOCH, fastk_period=k, slowk_period=sk, slowd_period=sd)
        add(ind.Stochastic, ind.stochastic, HLC, params, reference)
    for n, k, d in ((14, 5, 3), (2, 1, 1), (10, 14, 5)):
        params = {"period": n, "fast_k": k, "fast_d": d}
        reference = many(talib.STOCHRSI, timeperiod=n, fastk_period=k, fastd_period=d)
        add(ind.StochRsi, ind.stoch_rsi, CLOSE, params, reference, ["RSI"])
    for n, r, k in ((20, 10, 2.0), (5, 30, 1.5), (10, 9, 1.0), (2, 1, 1.0)):
        params = {"period": n, "range_period": r, "multiplier": k}
        reference = many(talib.KC, timeperiod=n, atrperiod=r, nbdev=k)
        add(ind.Keltner, ind.keltner, HLC, params, reference)
    for a, m in ((0.02, 0.2), (0.3, 0.2), (0.1, 0.11)):
        params = {"acceleration": a, "maximum": m}
        add(ind.ParabolicSar, ind.parabolic_sar, HL, params, one(talib.SAR, acceleration=a, maximum=m))
    add(ind.Obv, ind.obv, ("close", "volume"), {}, one(talib.OBV))
    add(ind.Vwap, ind.vwap, HLCV, {}, one(talib.VWAP))
    return out
