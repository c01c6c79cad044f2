"""A dozen lines of Python trade as the built-in strategy does, to the last unit, by either contract."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import pytest

import algo_trade as at

from .bars import RECORDED

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path


class Hooked(at.Strategy):
    """By the hook for bars."""

    fast = at.param(10, low=1, high=500)
    slow = at.param(30, low=2, high=500)

    def on_start(self, ctx: Any) -> None:
        self.closes: deque[Decimal] = deque(maxlen=self.slow)
        self.side = 0

    def on_bar(self, ctx: Any, bar: at.Bar) -> at.Signal | None:
        self.closes.append(bar.close)
        if len(self.closes) < self.slow:
            return None
        difference = sum(list(self.closes)[-self.fast :]) * self.slow - sum(self.closes) * self.fast
        side = (difference > 0) - (difference < 0)
        if side in {0, self.side}:
            return None
        self.side = side
        return at.Signal.long(bar.symbol) if self.side > 0 else at.Signal.short(bar.symbol)


class Plain:
    """By the plain contract: a name, and one method."""

    name = "plain"

    def __init__(self) -> None:
        self.inner = Hooked()
        self.inner.on_start(None)

    def on_market_event(self, event: at.MarketEvent) -> at.Signal | None:
        assert isinstance(event, at.Bar)
        return self.inner.on_bar(None, event)


class WithIndicators(at.Strategy):
    """By the averages that come with the package, which are floats: these bars hold no tie that they could miss."""

    def on_start(self, ctx: Any) -> None:
        symbol = ctx.symbols[0]
        assert symbol == "BTC"
        self.fast, self.slow = at.indicators.Sma(10), at.indicators.Sma(30)
        self.side = 0

    def on_bar(self, ctx: Any, bar: at.Bar) -> at.Signal | None:
        fast, slow = self.fast.update(float(bar.close)), self.slow.update(float(bar.close))
        if fast is None or slow is None or abs(fast - slow) < 1e-9:
            return None
        side = 1 if fast > slow else -1
        if side == self.side:
            return None
        self.side = side
        return at.Signal.long(bar.symbol) if side > 0 else at.Signal.short(bar.symbol)


@pytest.mark.parametrize("fill_on", ["next_open", "close"])
@pytest.mark.parametrize("make", [Hooked, Plain, WithIndicators])
def test_it_gives_the_same_digest_fills_and_trades(shared_data: Path, make: Any, fill_on: str) -> None:
    options: dict[str, Any] = {
        "symbol": "BTC",
        "volume_unit": "quote",
        "fill_on": fill_on,
        "slippage_bps": "1.5",
        "data": shared_data / RECORDED,
    }
    ours, builtin = at.backtest(strategy=make(), **options), at.backtest(strategy="ma_crossover", **options)
    assert ours.metrics.num_trades > 1_000
    for name in ("time", "side", "price", "quantity", "fee", "liquidity"):
        assert ours.fills[name].equals(builtin.fills[name]), name
    assert ours.trades.equals(builtin.trades)
    assert ours.equity.equals(builtin.equity)
    assert ours.metrics == builtin.metrics
    assert ours.digest == builtin.digest
