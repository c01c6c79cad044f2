"""The statistics of a run."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

    from algo_trade._native import Outcome

_NOT_IN_JSON = frozenset(
    [
        "sampling_step_s",
        "periods_per_year",
        "short_sample",
        "fees_taker",
        "fees_maker",
        "fees_builder",
        "rebates",
        "slippage",
        "funding_paid",
        "funding_received",
        "payoff_ratio",
        "expectancy_bps",
        "max_leverage",
        "mean_leverage",
    ]
)


@dataclass(frozen=True, slots=True)
class PerformanceMetrics:
    """Ratios are None where undefined, never NaN; money is exact, in quote currency. Formulas: docs/metrics.md."""

    total_return: float | None
    annual_return: float | None
    annual_volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown: float
    max_drawdown_duration_s: float
    num_trades: int
    num_fills: int
    num_orders: int
    win_rate: float | None
    profit_factor: float | None
    expectancy: Decimal
    avg_win: Decimal
    avg_loss: Decimal
    exposure: float
    turnover: float
    volume: Decimal
    fees: Decimal
    funding: Decimal
    sampling_step_s: float
    periods_per_year: float
    short_sample: bool
    fees_taker: Decimal
    fees_maker: Decimal
    fees_builder: Decimal
    rebates: Decimal
    slippage: Decimal
    funding_paid: Decimal
    funding_received: Decimal
    payoff_ratio: float | None
    expectancy_bps: float | None
    max_leverage: float
    mean_leverage: float

    @classmethod
    def of(cls, outcome: Outcome) -> PerformanceMetrics:
        """Take the statistics of a native run."""
        return cls(**outcome.metrics())

    def to_json(self) -> dict[str, object]:
        """Return the documented fields: ratios as numbers or None, money as decimal text."""
        shown = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in _NOT_IN_JSON}
        return {
            name: value if isinstance(value, int | float | None) else format(value, "f")
            for name, value in shown.items()
        }
