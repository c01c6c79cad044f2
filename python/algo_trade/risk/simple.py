"""The `simple` risk manager: one way of sizing, and a cap on the position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from algo_trade._native import RiskOptions

if TYPE_CHECKING:
    from decimal import Decimal

    Number = Decimal | int | str | float


@dataclass(frozen=True, slots=True)
class VolatilityTarget:
    """Size such that the position's volatility meets a target.

    Parameters
    ----------
    annual : float
        The target, per year (0.2 is twenty per cent).
    lookback : int
        Span in bars of the exponentially weighted mean of squared returns.
    max_fraction : float
        The largest position as a fraction of equity.
    """

    annual: float
    lookback: int = 100
    max_fraction: float = 1.0


@dataclass(frozen=True, slots=True)
class SimpleRiskManager:
    """Long means +size times the signal's strength, short −size, exit zero; never beyond ``max_position_size``.

    Parameters
    ----------
    quantity : number, optional
        Size in base units.
    fraction : number, optional
        Size as a fraction of equity at the last price, rounded down to the lot. 0.1 if nothing else is given.
    volatility : VolatilityTarget, optional
        Size by volatility.
    max_position_size : number, optional
        Cap in base units; none by default.

    Raises
    ------
    ParameterError
        For more than one way of sizing, or a value out of range.
    """

    quantity: Number | None = None
    fraction: Number | None = None
    volatility: VolatilityTarget | None = None
    max_position_size: Number | None = None

    def __post_init__(self) -> None:
        _ = self.engine_part

    @property
    def engine_part(self) -> RiskOptions:
        """As the engine takes it."""
        none_given = self.quantity is None and self.fraction is None and self.volatility is None
        target = self.volatility
        return RiskOptions(
            quantity=self.quantity,
            fraction="0.1" if none_given else self.fraction,
            volatility=None if target is None else (target.annual, target.lookback, target.max_fraction),
            max_position_size=self.max_position_size,
        )
