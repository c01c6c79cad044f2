"""The RSI strategy: signals from TA-Lib's RSI, and from them the exact fills and equity."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest
import talib

import algo_trade as at

from .bars import RECORDED, UNIT, Bar, equity_of, fills_of, frame, recorded, units
from .books import equity_curve, round_trips, trades_of
from .targets import Costs, fills_from_targets, sized

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def turns(bars: Sequence[Bar], period: int, oversold: float, overbought: float) -> Iterator[tuple[int, int]]:
    """Yield (bar, +1 or −1): long from the first RSI at or below oversold, short from the first at or above overbought."""
    side = 0
    for index, value in enumerate(talib.RSI(np.array([bar.close / UNIT for bar in bars]), period)):
        # No value of these bars is so near to a threshold that the rounding of floats could decide.
        assert np.isnan(value) or min(abs(value - oversold), abs(value - overbought)) > 1e-9
        now = 1 if value <= oversold else -1 if value >= overbought else 0
        if now not in {0, side}:
            side = now
            yield index, side


@pytest.mark.parametrize("direction", ["both", "long_only"])
@pytest.mark.parametrize(("period", "oversold", "overbought"), [(14, 30, 70), (5, 21.5, 83.25), (30, 45, 55)])
def test_real_bars_give_the_fills_that_the_signals_of_ta_lib_ask_for(
    shared_data: Path, period: int, oversold: float, overbought: float, direction: str
) -> None:
    bars = recorded(shared_data)
    costs = Costs(slippage_bps=Decimal("0.5"))
    quantity = Decimal("0.013")
    result = at.backtest(
        shared_data / RECORDED,
        "rsi",
        params={"period": period, "oversold": oversold, "overbought": overbought, "direction": direction},
        symbol="BTC",
        volume_unit="quote",
        quantity=quantity,
        **costs.options,
    )
    targets = sized(turns(bars, period, oversold, overbought), units(quantity), direction)
    assert len(targets) > 100
    expected = fills_from_targets(bars, targets, costs)
    assert fills_of(result) == expected
    assert trades_of(result) == round_trips(expected)
    assert equity_of(result)[1:] == equity_curve(expected, bars, 10_000 * UNIT)


CLOSES = [10, 9, 8, 9, 12, 13, 14, 10, 6, 5]


def rows(closes: Sequence[float]) -> list[tuple[float, ...]]:
    return [(c, c + 1, c - 1, c, 1_000) for c in closes]


@pytest.mark.parametrize(("direction", "sold"), [("both", 2), ("long_only", 1)])
def test_oversold_is_bought_overbought_is_sold_and_between_nothing_happens(direction: str, sold: int) -> None:
    # RSI of 2 closes, by hand: bar 2: 0; bar 3: 50; bar 4: 3.5/3.75; then up; bar 7: down to 4/13 of the way; bar 8: below 30.
    free = Costs(commission=Decimal(0), slippage_bps=Decimal(0))
    params = {"period": 2, "oversold": 20, "overbought": 80, "direction": direction}
    result = at.backtest(frame(rows(CLOSES)), "rsi", params=params, quantity=1, **free.options)
    expected = [(1, 9, 1), (-1, 13, sold), (1, 5, sold)]
    assert [(f.sign, f.price // UNIT, f.quantity // UNIT) for f in fills_of(result)] == expected


def test_nothing_is_decided_before_a_whole_period_of_changes() -> None:
    params = {"period": 9}
    assert len(fills_of(at.backtest(frame(rows([20 - i for i in range(10)])), "rsi", params=params, quantity=1))) == 0
    fills = fills_of(at.backtest(frame(rows([20 - i for i in range(11)])), "rsi", params=params, quantity=1))
    assert [f.sign for f in fills] == [1]
