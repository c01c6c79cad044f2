"""The moving-average crossover against an exact computation from its rule: every fill, every round trip, every point of the equity."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import algo_trade as at

from .bars import RECORDED, UNIT, bars_of, equity_of, fills_of, frame, recorded, steps, units
from .books import before_the_close, equity_curve, round_trips, trades_of
from .targets import Costs, crossings, fills_from_targets, sized

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .bars import Bar

CAPITAL = 10_000 * UNIT
QUANTITY = Decimal("0.01")


def expect(result: at.BacktestResult, bars: Sequence[Bar], targets: dict[int, int], costs: Costs) -> None:
    """Hold a run to what its targets mean."""
    expected = fills_from_targets(bars, targets, costs)
    assert fills_of(result) == expected
    trips = round_trips(expected)
    assert trades_of(result) == trips
    assert result.metrics.num_trades == len(trips)
    assert result.metrics.num_fills == len(expected)
    assert units(result.metrics.fees) == sum(fill.fee for fill in expected)
    curve = equity_curve(before_the_close(expected) if costs.fill_on == "close" else expected, bars, CAPITAL)
    assert equity_of(result) == [(bars[0].open_ns, CAPITAL), *curve]
    assert units(result.final_equity) == curve[-1][1]


@pytest.mark.parametrize("direction", ["both", "long_only"])
@pytest.mark.parametrize("fill_on", ["next_open", "close"])
@pytest.mark.parametrize(
    ("fast", "slow", "commission", "slippage_bps"),
    [(10, 30, "0.00045", "1"), (7, 19, "0", "0"), (1, 200, "-0.0001", "2.5")],
)
def test_real_bars_give_the_exact_fills_round_trips_and_equity(
    shared_data: Path, fast: int, slow: int, commission: str, slippage_bps: str, fill_on: str, direction: str
) -> None:
    bars = recorded(shared_data)
    costs = Costs(fill_on, Decimal(commission), Decimal(slippage_bps))
    params = {"fast": fast, "slow": slow, "direction": direction}
    result = at.backtest(
        shared_data / RECORDED,
        "ma_crossover",
        params=params,
        symbol="BTC",
        quantity=QUANTITY,
        volume_unit="quote",
        **costs.options,
    )
    targets = sized(crossings([bar.close for bar in bars], fast, slow), units(QUANTITY), direction)
    assert len(targets) > 500
    expect(result, bars, targets, costs)


# Closes of few values, so that averages are often equal.
PRICES = st.integers(8, 12)
VOLUMES = st.sampled_from([0, 1, 5, 7, 40, 1_000])


@st.composite
def tables(draw: st.DrawFn, *, volumes: st.SearchStrategy[int] = VOLUMES) -> list[tuple[int, ...]]:
    rows: list[tuple[int, ...]] = []
    for opened, closed in draw(st.lists(st.tuples(PRICES, PRICES), min_size=2, max_size=40)):
        rows.append((opened, max(opened, closed) + 1, min(opened, closed) - 1, closed, draw(volumes)))
    return rows


def run(rows: Sequence[Sequence[Any]], costs: Costs, *, quantity: str = "2", **params: object) -> at.BacktestResult:
    venue = at.VenueConfig(max_participation=costs.participation)
    return at.backtest(
        frame(rows),
        "ma_crossover",
        params=params,
        quantity=quantity,
        initial_capital=10_000,
        venue=venue,
        **costs.options,
    )


@given(
    rows=tables(),
    fast=st.integers(1, 4),
    longer=st.integers(1, 4),
    fill_on=st.sampled_from(["next_open", "close"]),
    direction=st.sampled_from(["both", "long_only"]),
    commission=st.sampled_from(["0", "0.00045", "0.00000001", "-0.00015"]),
    slippage_bps=st.sampled_from(["0", "1", "3.3333", "100"]),
    participation=st.sampled_from(["0.1", "0.3", "1"]),
    quantity=st.sampled_from(["0.00000001", "0.33333333", "2", "7.5"]),
)
def test_random_bars_full_of_ties_and_thin_volumes_give_the_exact_fills_and_equity(
    rows: list[tuple[int, ...]],
    fast: int,
    longer: int,
    fill_on: str,
    direction: str,
    commission: str,
    slippage_bps: str,
    participation: str,
    quantity: str,
) -> None:
    slow = fast + longer
    costs = Costs(fill_on, Decimal(commission), Decimal(slippage_bps), Decimal(participation))
    bars = bars_of(frame(rows))
    targets = sized(crossings([bar.close for bar in bars], fast, slow), units(quantity), direction)
    expect(run(rows, costs, quantity=quantity, fast=fast, slow=slow, direction=direction), bars, targets, costs)


FREE = Costs("next_open", Decimal(0), Decimal(0))


def row(opened: float, closed: float, volume: float = 1_000) -> tuple[float, ...]:
    return opened, max(opened, closed), min(opened, closed), closed, volume


def test_the_first_bar_with_both_averages_full_and_different_signals() -> None:
    # The averages of 1 and 2 closes first exist at the second bar: 11 against 10.5.
    result = run([row(10, 10), row(10, 11), row(12, 12)], FREE, fast=1, slow=2)
    assert [(f.sign, f.price) for f in fills_of(result)] == [(1, 12 * UNIT)]


def test_a_tie_at_the_start_waits_and_a_tie_later_keeps_the_side() -> None:
    closes = [10, 10, 11, 11, 10]
    result = run([row(c, c) for c in closes] + [row(9, 9)], FREE, fast=1, slow=2)
    # Bar 1 ties: no side yet. Bar 2 goes long, bar 3 ties and stays, bar 4 goes short.
    assert [(f.sign, f.price, f.quantity) for f in fills_of(result)] == [
        (1, 11 * UNIT, 2 * UNIT),
        (-1, 9 * UNIT, 4 * UNIT),
    ]


def test_a_tie_that_floats_would_not_see_is_a_tie() -> None:
    # 0.1 + 0.2 + 0.3 over 3 and 0.2 are equal, in decimals.
    result = run([row(c, c) for c in (0.1, 0.2, 0.3, 0.2, 0.2)], FREE, fast=2, slow=4)
    # Bar 3: (0.3 + 0.2) / 2 = 0.25 over 0.2: long. Bar 4: 0.2 under 0.225: short.
    assert len(fills_of(result)) == 1
    result = run([row(c, c) for c in (0.3, 0.1, 0.2, 0.2, 0.2)], FREE, fast=1, slow=3)
    # Bars 2: 0.2 = (0.3 + 0.1 + 0.2) / 3. Bar 3: 0.2 over 0.1666…
    assert [f.time_ns for f in fills_of(result)] == [bars_of(frame([row(1, 1)] * 5))[4].open_ns]


def test_a_flip_is_one_order_and_closes_one_trade_and_the_last_position_is_none() -> None:
    result = run([row(c, c) for c in (10, 11, 10, 9, 8)], FREE, fast=1, slow=2)
    assert result.metrics.num_orders == 2
    assert result.metrics.num_trades == 1
    assert result.final_equity == 10_000 + 2 * (9 - 10) * 1 + 2 * (9 - 8)


def test_with_next_open_an_order_of_the_last_bar_does_not_fill() -> None:
    rows = [row(10, 10), row(10, 11)]
    assert fills_of(run(rows, FREE, fast=1, slow=2)) == []
    assert len(fills_of(run(rows, Costs("close", Decimal(0), Decimal(0)), fast=1, slow=2))) == 1


def test_slippage_is_against_us_and_rounded_to_the_tick_against_us() -> None:
    rows = [row(1, 1), row(1, 1.00000001), row(1.00000001, 0.5), row(0.33333333, 0.3)]
    result = run(rows, Costs("next_open", Decimal(0), Decimal(1)), fast=1, slow=2)
    # 1.00000001 × 1.0001 = 1.000100010001, up; 0.33333333 × 0.9999 = 0.333299996667, down.
    assert [f.price for f in fills_of(result)] == [100_010_002, 33_329_999]


def test_an_order_larger_than_its_share_of_the_volume_works_on_in_the_bars_that_follow() -> None:
    rows = [row(10, 10), row(10, 11), row(11, 11, 8), row(12, 12, 0), row(13, 13, 4), row(14, 14, 100)]
    result = run(rows, FREE, fast=1, slow=2)
    # A tenth of each volume: 0.8, nothing, 0.4, and the rest of 2.
    tenths = [(f.price // UNIT, f.quantity * 10 // UNIT) for f in fills_of(result)]
    assert tenths == [(11, 8), (13, 4), (14, 8)]
    assert result.metrics.num_orders == 1
    assert result.metrics.num_fills == 3


def test_the_position_is_capped_and_a_signal_is_for_that_cap() -> None:
    rows = [row(c, c) for c in (10, 11, 10, 9, 8)]
    result = at.backtest(
        frame(rows), "ma_crossover", params={"fast": 1, "slow": 2}, quantity=2, max_position_size="0.5", **FREE.options
    )
    assert [f.quantity for f in fills_of(result)] == [UNIT // 2, UNIT]


def test_a_trade_entered_by_one_fill_has_the_price_of_that_fill() -> None:
    rows = [row(c, c) for c in (1, 1.1, 1.12345678, 1, 0.9)]
    result = run(rows, FREE, quantity="0.00000007", fast=1, slow=2)
    prices = [fill.price for fill in fills_of(result)]
    assert [(trip.entry_price, trip.exit_price) for trip in trades_of(result)] == [tuple(prices)]
    assert steps(result.orders["average_price"]) == prices
