"""The grid: its first orders, its answers, and an independent simulation of resting limits inside bars."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import algo_trade as at

from .bars import (
    RECORDED,
    UNIT,
    Bar,
    Fill,
    bars_of,
    charged,
    equity_of,
    fills_of,
    frame,
    notional,
    recorded,
    slipped,
    steps,
    units,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MAKER, TAKER = Decimal("0.00015"), Decimal("0.00045")


@dataclass(slots=True)
class Resting:
    """A limit order; ``is_new`` until it has met an open."""

    sign: int
    price: int
    left: int
    is_new: bool = True


@dataclass(slots=True)
class Grid:
    """The rules of docs/strategies.md and docs/backtesting.md, one bar after the other."""

    levels: int
    step: Decimal
    quantity: int
    cash: int
    participation: Decimal = Decimal("0.1")
    slippage_bps: Decimal = Decimal(1)
    orders: list[Resting] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    equity: list[int] = field(default_factory=list)
    answers: list[Resting] = field(default_factory=list)
    spacing: int = 0
    position: int = 0
    share: int = 0

    def on_bar(self, bar: Bar) -> None:
        self.share = bar.volume * int(self.participation * UNIT) // UNIT
        path = self.path(bar, self.position)
        for order in self.orders:
            if order.sign * (order.price - bar.open) >= 0:
                if order.is_new:
                    moved = slipped(bar.open, order.sign, self.slippage_bps)
                    worst = min(moved, order.price) if order.sign > 0 else max(moved, order.price)
                    self.fill(order, worst, TAKER, bar.open_ns)
                else:
                    self.fill(order, order.price, MAKER, bar.open_ns)
            order.is_new = False
        for end in path:
            for order in sorted(self.orders, key=lambda o: -o.sign * o.price):
                # Through the limit by one tick, which is the smallest step.
                if order.sign * (order.price - end) >= 1:
                    self.fill(order, order.price, MAKER, bar.close_ns)
        self.orders = [order for order in self.orders if order.left] + self.answers
        self.answers = []
        if not self.spacing:
            spacing = bar.close * self.step
            assert spacing == spacing.to_integral_value(), "choose a step that is exact"
            self.spacing = int(spacing)
            for level in range(1, self.levels // 2 + 1):
                self.orders += [Resting(s, bar.close - s * level * self.spacing, self.quantity) for s in (1, -1)]
        self.equity.append(self.cash + notional(bar.close, self.position))

    def fill(self, order: Resting, price: int, rate: Decimal, time_ns: int) -> None:
        quantity = min(order.left, self.share)
        if quantity:
            fee = charged(price, quantity, rate)
            self.fills.append(Fill(time_ns, order.sign, price, quantity, fee))
            self.answers.append(Resting(-order.sign, order.price + order.sign * self.spacing, quantity))
            order.left -= quantity
            self.share -= quantity
            self.position += order.sign * quantity
            self.cash -= order.sign * notional(price, quantity) + fee

    @staticmethod
    def path(bar: Bar, position: int) -> tuple[int, int, int]:
        low_first = bar.open - bar.low <= bar.high - bar.open if position == 0 else position > 0
        return (bar.low, bar.high, bar.close) if low_first else (bar.high, bar.low, bar.close)


def expect(result: at.BacktestResult, bars: Sequence[Bar], grid: Grid) -> None:
    for bar in bars:
        grid.on_bar(bar)
    assert fills_of(result) == grid.fills
    assert [value for _, value in equity_of(result)][1:] == grid.equity


@pytest.mark.parametrize(
    ("levels", "step", "quantity"), [(10, "0.005", "0.01"), (80, "0.005", "0.03"), (60, "0.001", "0.5")]
)
def test_real_bars_give_the_exact_fills_and_equity(shared_data: Path, levels: int, step: str, quantity: str) -> None:
    bars = recorded(shared_data)
    result = at.backtest(
        shared_data / RECORDED,
        "grid",
        params={"levels": levels, "step": step},
        symbol="BTC",
        volume_unit="quote",
        quantity=quantity,
        initial_capital=3_000_000,
        venue=at.VenueConfig(margin="none"),
    )
    grid = Grid(levels, Decimal(step), units(quantity), 3_000_000 * UNIT)
    expect(result, bars, grid)
    assert len(grid.fills) > 10


@st.composite
def tables(draw: st.DrawFn) -> list[tuple[int, ...]]:
    rows: list[tuple[int, ...]] = [(100, 101, 99, 100, 50)]
    for opened, closed, above, below in draw(
        st.lists(st.tuples(*[st.integers(85, 115)] * 2, *[st.integers(0, 9)] * 2), min_size=1, max_size=25)
    ):
        volume = draw(st.sampled_from([0, 3, 25, 1_000]))
        rows.append((opened, max(opened, closed) + above, min(opened, closed) - below, closed, volume))
    return rows


@given(
    rows=tables(),
    levels=st.sampled_from([2, 4, 10]),
    step=st.sampled_from(["0.01", "0.02", "0.035"]),
    slippage_bps=st.sampled_from(["0", "30"]),
)
def test_random_bars_that_jump_over_levels_give_the_exact_fills_and_equity(
    rows: list[tuple[int, ...]], levels: int, step: str, slippage_bps: str
) -> None:
    result = at.backtest(
        frame(rows),
        "grid",
        params={"levels": levels, "step": step},
        quantity=1,
        slippage_bps=slippage_bps,
        venue=at.VenueConfig(margin="none"),
    )
    bars = bars_of(frame(rows))
    expect(result, bars, Grid(levels, Decimal(step), UNIT, 10_000 * UNIT, slippage_bps=Decimal(slippage_bps)))


def test_half_of_the_levels_are_buys_below_and_half_are_sells_above_the_first_close() -> None:
    rows = [(150, 200, 150, 200, 1_000), (200, 200, 200, 200, 1_000)]
    orders = at.backtest(frame(rows), "grid", params={"levels": 6, "step": "0.01"}, quantity=1).orders
    placed = sorted(zip(orders["side"], [p // UNIT for p in steps(orders["price"])], strict=True))
    assert placed == [("buy", 194), ("buy", 196), ("buy", 198), ("sell", 202), ("sell", 204), ("sell", 206)]
    assert set(orders["kind"]) == {"limit"}


def test_a_series_worked_by_hand() -> None:
    rows = [
        (100, 100, 100, 100, 1_000),  # buys 99 and 98, sells 101 and 102
        (100, 100, 99, 100, 1_000),  # 99 is touched, which is not enough
        (100, 100, 98.5, 99.5, 1_000),  # buy 99, answered by a sell at 100
        (99.5, 100.5, 99.5, 100.5, 1_000),  # sell 100, answered by a buy at 99
        (
            103,
            103,
            103,
            103,
            1_000,
        ),  # opens beyond 101 and 102: each fills at its price, answered by buys at 100 and 101
        (
            100.5,
            100.5,
            100.5,
            100.5,
            1_000,
        ),  # the new buy at 101 is marketable: a taker at the open and a bit, answered at 102
    ]
    result = at.backtest(
        frame(rows),
        "grid",
        params={"levels": 4, "step": "0.01"},
        quantity=1,
        slippage_bps=10,
        commission_rate="0.001",
        maker_rate="-0.0001",
    )
    seen = [(f.sign, f.price, f.fee) for f in fills_of(result)]
    assert seen == [
        (1, units("99"), units("-0.0099")),
        (-1, units("100"), units("-0.01")),
        (-1, units("101"), units("-0.0101")),
        (-1, units("102"), units("-0.0102")),
        (1, units("100.6005"), units("0.1006005")),
    ]
    # 10,000 and what the fills left: −99 + 100 + 101 + 102 − 100.6005, less fees, and one short at 100.5.
    assert result.final_equity == Decimal("10000") + Decimal("103.3995") - Decimal("0.0604005") - Decimal("100.5")
    assert result.metrics.rebates == Decimal("0.0402")
    assert [p // UNIT for p in steps(result.orders["price"])][4:] == [100, 99, 100, 101, 102]
