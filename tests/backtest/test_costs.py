"""Fees by schedule, a builder's fee, rates on other bases, and isolated margin, as a whole run shows them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

import algo_trade as at
from algo_trade.errors import ParameterError

from .bars import UNIT, Fill, fills_of, frame, notional, units

CAPITAL = 10_000


def wave(bars: int = 240) -> list[tuple[float, float, float, float, float]]:
    """Prices that go up and down between 100 and 130, a tick at a time, so that a fast and a slow mean cross."""
    closes = [100 + min(i % 60, 60 - i % 60) for i in range(bars + 1)]
    return [(a, max(a, b), min(a, b), b, 1_000) for a, b in pairwise(closes)]


def run(**venue: Any) -> at.BacktestResult:
    return at.backtest(
        frame(wave()),
        "ma_crossover",
        params={"fast": 3, "slow": 12, "direction": "long_only"},
        quantity=7,
        initial_capital=CAPITAL,
        venue=at.VenueConfig.model_validate(venue),
    )


def truncated(fill: Fill, rate: int) -> int:
    """Return the fee at a rate above zero, in steps of 1e-12, rounded down to six decimals."""
    return fill.price * fill.quantity * rate // 10**22 * 100


def test_hyperliquids_schedule_charges_each_fill_truncated_with_discounts_and_the_builder_apart() -> None:
    result = run(fees={"schedule": "hyperliquid", "staking": "0.1", "referral": "0.04", "builder_rate": "0.0001"})
    fills = fills_of(result)
    # 0.00045 less a tenth, less 4 %.
    rate = 388_800_000
    assert [f.fee for f in fills] == [truncated(f, rate) for f in fills]
    builders = [truncated(f, 100_000_000) for f in fills]
    builder = sum(builders)
    assert len(fills) > 5
    assert units(result.metrics.fees_builder) == builder
    assert units(result.metrics.fees) == sum(f.fee for f in fills) + builder
    flows = sum(f.sign * notional(f.price, f.quantity) + f.fee for f in fills) + builder
    held = sum(f.sign * f.quantity for f in fills)
    last = units(str(wave()[-1][3]))
    assert units(result.final_equity) == CAPITAL * UNIT - flows + notional(last, held)
    paid = [f.fee + b for f, b in zip(fills, builders, strict=True)]
    assert [units(fees) for fees in result.trades["fees"]] == [
        a + b for a, b in zip(paid[::2], paid[1::2], strict=False)
    ]
    said = " ".join(result.assumptions)
    assert "10% for staking" in said
    assert "0.0001 of notional besides" in said


@pytest.mark.parametrize(
    ("fees", "expected"),
    [
        ({"taker_rate": "0.01", "basis": "per_qty"}, lambda f: f.quantity // 100),
        ({"taker_rate": "-0.25", "basis": "per_fill"}, lambda _: -UNIT // 4),
        ({"taker_rate": "1.5", "basis": "per_order"}, lambda _: UNIT * 3 // 2),
    ],
)
def test_rates_on_another_basis_charge_by_it(fees: dict[str, str], expected: Any) -> None:
    result = run(fees=fees)
    fills = fills_of(result)
    assert fills
    assert [f.fee for f in fills] == [expected(f) for f in fills]


def test_a_rebate_is_said_to_be_one() -> None:
    said = " ".join(run(fees={"maker_rate": "-0.0001"}).assumptions)
    assert "-0.0001 (a rebate) maker, of notional" in said


@pytest.mark.parametrize(("mode", "least"), [("isolated", 9_000), ("cross", 0)])
def test_an_isolated_position_loses_its_margin_and_a_cross_one_the_account(mode: str, least: int) -> None:
    class Long(at.Strategy):
        """Buys once."""

        def on_bar(self, ctx: at.core.Context, bar: at.Bar) -> None:
            ctx.signal(at.SignalEvent.long(bar.symbol))

    rows = [(100, 100, 100, 100, 100_000)] * 3 + [(100, 100, 60, 60, 100_000), (60, 60, 60, 60, 0)]
    rules = {"leverage": 20, "margin_mode": mode, "tiers": ((0, 20),)}
    result = at.backtest(
        frame([tuple(map(float, row)) for row in rows]),
        Long(),
        fraction=1 if mode == "isolated" else 3,
        initial_capital=CAPITAL,
        venue=at.VenueConfig.model_validate({"instruments": {"BTC": rules}}),
    )
    assert result.fills["reason"].to_list()[-1] == "liquidation"
    assert result.final_equity >= least
    assert (result.final_equity == 0) == (mode == "cross")
    assert f"BTC 20x {mode}" in " ".join(result.assumptions)


def test_a_maker_rate_alone_cannot_stand_beside_a_schedule() -> None:
    with pytest.raises(ParameterError, match="commission_rate"):
        at.backtest(
            frame(wave()),
            "rsi",
            maker_rate="0.0001",
            venue=at.VenueConfig.model_validate({"fees": {"schedule": "hyperliquid"}}),
        )


def test_fee_tables_hold_from_their_day() -> None:
    tables = [
        {"valid_from": "2021-12-31", "tiers": [[0, "0.001", "0.0005"]]},
        {"valid_from": "2022-01-02", "tiers": [[0, "0.002", "0.0005"]]},
    ]
    result = run(fees={"schedule": "hyperliquid", "tables": tables})
    fills = fills_of(result)
    assert fills
    assert [f.fee for f in fills] == [truncated(f, 10**9) for f in fills]
    assert "2021-12-31, 2022-01-02" in " ".join(result.assumptions)
