"""The same crossover of averages in every form that is measured, and what they run on."""

from __future__ import annotations

import sys
import time
from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from subprocess import run
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

import algo_trade as at

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

FAST, SLOW = 10, 30
SIZE, FEE, SLIPPAGE = 0.01, 0.00045, 0.0001
# Enough that no order is refused: the peers know no margin.
CAPITAL = 1_000_000_000


class Crossover(at.Strategy):
    """The built-in strategy in Python: the fast average less the slow one, times both periods."""

    # Sums of whole prices are exact in floats; for other prices `Decimal` itself is.
    number = float

    def on_start(self, _ctx):
        self.closes = deque([self.number(0)] * SLOW, maxlen=SLOW)
        self.lead, self.seen, self.side = self.number(0), 0, 0

    def on_bar(self, _ctx, bar):
        close, closes = self.number(bar.close), self.closes
        self.lead += (SLOW - FAST) * close - SLOW * closes[-FAST] + FAST * closes[0]
        closes.append(close)
        self.seen += 1
        if self.seen < SLOW or not self.lead:
            return None
        side = 1 if self.lead > 0 else -1
        if side == self.side:
            return None
        self.side = side
        return (at.Signal.long if side > 0 else at.Signal.short)(bar.symbol)


class DecimalCrossover(Crossover):
    """The same with exact sums of any prices."""

    number = Decimal


class EventCrossover(Crossover):
    """The same through the plain contract."""

    on_bar = None

    def on_market_event(self, event):
        return Crossover.on_bar(self, None, event)


class IndicatorCrossover(at.Strategy):
    """The same with the averages that the engine feeds."""

    def on_start(self, ctx):
        self.fast = ctx.indicator(at.indicators.Sma(FAST), field="close")
        self.slow = ctx.indicator(at.indicators.Sma(SLOW), field="close")
        self.side = 0

    def on_bar(self, _ctx, bar):
        if not self.slow.ready:
            return None
        fast, slow = self.fast.value, self.slow.value
        side = (fast > slow) - (fast < slow) or self.side
        if side == self.side:
            return None
        self.side = side
        return (at.Signal.long if side > 0 else at.Signal.short)(bar.symbol)


class Nothing(at.Strategy):
    """The price of being called."""

    def on_bar(self, _ctx, _bar):
        return None


def ours(data, strategy):
    return at.backtest(
        data,
        strategy,
        quantity=str(SIZE),
        initial_capital=CAPITAL,
        details=False,
        venue=at.VenueConfig(margin="none", max_participation=1),
    )


def sides(closes: np.ndarray) -> np.ndarray:
    """The side after each close, 0 before the first: for whole prices the sums are exact in floats too."""
    total = np.concatenate([[0.0], np.cumsum(closes)])
    lead = np.zeros(len(closes))
    end = total[SLOW:]
    lead[SLOW - 1 :] = (end - total[SLOW - FAST : -FAST]) * SLOW - (end - total[:-SLOW]) * FAST
    held = np.maximum.accumulate(np.where(lead != 0, np.arange(len(lead)), 0))
    return np.sign(lead[held])


def vectorbt(frame: pl.DataFrame):
    """Orders at the open after the signal, as ours; only what vectorbt itself computes."""
    import pandas as pd
    import vectorbt as vbt

    side = sides(frame["close"].to_numpy())
    turn = np.concatenate([[0.0], np.where(side[1:] != side[:-1], side[1:], 0.0)])
    act = np.concatenate([[0.0], turn[:-1]])
    return vbt.Portfolio.from_signals(
        pd.Series(frame["close"].to_numpy()),
        entries=act > 0,
        short_entries=act < 0,
        price=frame["open"].to_numpy(),
        size=SIZE,
        fees=FEE,
        slippage=SLIPPAGE,
        init_cash=CAPITAL,
        freq="1min",
    )


def backtesting_py(frame: pl.DataFrame):
    """As in the documentation of backtesting.py; averages computed at once, ahead of the run."""
    import pandas as pd
    from backtesting import Backtest, Strategy

    class Peer(Strategy):
        def init(self):
            self.want = self.I(sides, self.data.Close)

        def next(self):
            want, before = self.want[-1], self.want[-2]
            if want != before:
                self.position.close()
                (self.buy if want > 0 else self.sell)(size=1)

    bars = pd.DataFrame(
        {name.capitalize(): frame[name].to_numpy() for name in ("open", "high", "low", "close", "volume")},
        index=pd.to_datetime(frame["timestamp"].to_numpy()),
    )
    return Backtest(bars, Peer, cash=CAPITAL, commission=FEE, finalize_trades=True).run()


def walk(rows: int) -> pl.DataFrame:
    """A walk on whole dollars that crosses its averages every thirty bars."""
    rng = np.random.default_rng(42)
    close = 40_000 + np.cumsum(rng.integers(-20, 21, rows)).astype(float)
    close += max(0.0, 1_000 - close.min())
    opens = np.concatenate([[close[0]], close[:-1]])
    start = np.datetime64("2024-01-01T00:00", "us")
    return pl.DataFrame(
        {
            "timestamp": start + np.arange(rows) * np.timedelta64(60_000_000, "us"),
            "open": opens,
            "high": np.maximum(opens, close) + 5,
            "low": np.minimum(opens, close) - 5,
            "close": close,
            "volume": np.full(rows, 10.0),
        }
    )


@dataclass(frozen=True)
class Finished:
    """A process that has ended well."""

    seconds: float
    peak_mib: float
    output: str


# A process inherits the peak of the one that starts it, so a small one stands between; it also looks at the clock.
LAUNCH = """
import os, sys, time
began = time.perf_counter()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(time.perf_counter() - began, usage.ru_maxrss / 1024, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def process(*arguments: str | Path) -> Finished:
    """Run Python with arguments, from the start of the process to its end; the peak is of resident memory."""
    command = [sys.executable, "-S", "-c", LAUNCH, sys.executable, *map(str, arguments)]
    done = run(command, capture_output=True, text=True, check=True)
    seconds, peak_mib = map(float, done.stderr.splitlines()[-1].split())
    return Finished(seconds, peak_mib, done.stdout)


def in_turn(calls: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """The best time of each call, in seconds; they take turns, so that all meet the same weather."""
    best = [float("inf")] * len(calls)
    for _ in range(rounds):
        for place, call in enumerate(calls):
            began = time.perf_counter()
            call()
            best[place] = min(best[place], time.perf_counter() - began)
    return best
