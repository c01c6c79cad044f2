"""How fast indicators are, beside TA-Lib on the same values: whole columns, and one call per value from Python."""

from __future__ import annotations

import time
from statistics import median

import numpy as np
import pytest
import talib
from talib import stream

from algo_trade import indicators as ind

LENGTH = 1_000_000
PAIRS = 15
STREAMED = 200_000
HISTORY = 200


@pytest.fixture(scope="module")
def bars():
    random = np.random.default_rng(1)
    close = 46_000 + np.cumsum(random.normal(0, 20, LENGTH))
    return close + random.uniform(0, 5, LENGTH), close - random.uniform(0, 5, LENGTH), close


def turn_by_turn(ours, theirs):
    """Time both in pairs, so that both meet the same weather: the ratios of the pairs."""
    ratios = []
    for _ in range(PAIRS):
        times = []
        for call in (theirs, ours):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        ratios.append(times[0] / times[1])
    return sorted(ratios)


def state(benchmark, capsys, name, ratios):
    benchmark.extra_info["ratio_talib"] = median(ratios)
    benchmark.extra_info["talib_spread"] = [ratios[0], ratios[-1]]
    with capsys.disabled():
        print(f"\n{name}: {median(ratios):.2f} times TA-Lib ({ratios[0]:.2f} to {ratios[-1]:.2f})")


# The first number is what a noisy machine must still reach; docs/performance.md has what was measured.
BATCH = {
    "sma": (0.8, 1, lambda c: ind.sma(c, 20), lambda c: talib.SMA(c, 20)),
    "ema": (0.95, 1, lambda c: ind.ema(c, 20), lambda c: talib.EMA(c, 20)),
    "rsi": (1.2, 1, lambda c: ind.rsi(c, 14), lambda c: talib.RSI(c, 14)),
    "atr": (0.7, 3, lambda *c: ind.atr(*c, 14), lambda *c: talib.ATR(*c, 14)),
    "macd": (0.85, 1, lambda c: ind.macd(c, 12, 26, 9), lambda c: talib.MACD(c, 12, 26, 9)),
    "bollinger": (0.5, 1, lambda c: ind.bollinger(c, 20, 2.0), lambda c: talib.BBANDS(c, 20, 2.0, 2.0)),
}


@pytest.mark.parametrize("name", BATCH)
def test_batch(benchmark, capsys, bars, name):
    least, width, ours, theirs = BATCH[name]
    columns = bars[-width:]
    np.testing.assert_allclose(ours(*columns), theirs(*columns), rtol=1e-9, atol=1e-6)
    benchmark.pedantic(ours, columns, rounds=PAIRS, warmup_rounds=1)
    ratios = turn_by_turn(lambda: ours(*columns), lambda: theirs(*columns))
    state(benchmark, capsys, f"{name} of {LENGTH:,} values", ratios)
    assert median(ratios) >= least


STREAMING = {
    "sma": (1, lambda: ind.Sma(20), lambda *h: stream.SMA(*h, timeperiod=20)),
    "ema": (1, lambda: ind.Ema(20), lambda *h: stream.EMA(*h, timeperiod=20)),
    "rsi": (1, lambda: ind.Rsi(14), lambda *h: stream.RSI(*h, timeperiod=14)),
    "atr": (3, lambda: ind.Atr(14), lambda *h: stream.ATR(*h, timeperiod=14)),
    "macd": (1, lambda: ind.Macd(12, 26, 9), lambda *h: stream.MACD(*h, fastperiod=12, slowperiod=26, signalperiod=9)),
    "bollinger": (1, lambda: ind.Bollinger(20, 2.0), lambda *h: stream.BBANDS(*h, timeperiod=20)),
}


def feed(indicator, columns):
    update = indicator.update
    if len(columns) == 1:
        for value in columns[0]:
            update(value)
    else:
        for high, low, close in zip(*columns, strict=True):
            update(high, low, close)


@pytest.mark.parametrize("name", STREAMING)
def test_streaming_from_python(benchmark, capsys, bars, name):
    width, make, open_stream = STREAMING[name]
    columns = [column[: HISTORY + STREAMED] for column in bars[-width:]]
    # TA-Lib's streams are opened with a history, ours are fed it: from there on, both take one call per value.
    history = [column[:HISTORY] for column in columns]
    values = [column[HISTORY:].tolist() for column in columns]
    ours, theirs = make(), open_stream(*history)
    feed(ours, [column.tolist() for column in history])
    feed(ours, values)
    feed(theirs, values)
    np.testing.assert_allclose(ours.value, theirs.value, rtol=1e-9, atol=1e-6)
    benchmark.pedantic(feed, (ours, values), rounds=PAIRS, warmup_rounds=1)
    ratios = turn_by_turn(lambda: feed(ours, values), lambda: feed(theirs, values))
    state(benchmark, capsys, f"{name}, {STREAMED:,} updates", ratios)
    # Several outputs are a named tuple here, a plain one there.
    assert median(ratios) >= (0.8 if isinstance(ours.value, tuple) else 1.2)
