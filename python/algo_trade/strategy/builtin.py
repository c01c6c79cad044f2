"""The strategies that come with the engine, as objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from algo_trade._native import ParamSpec, builtin_params, builtin_strategies


@dataclass(frozen=True, slots=True)
class Declaration:
    """Name, meaning and parameters of a strategy."""

    name: str
    help: str
    params: tuple[ParamSpec, ...]


def declarations() -> list[Declaration]:
    """Every built-in strategy."""
    return [Declaration(name, text, tuple(params)) for name, text, params in builtin_strategies()]


class BuiltinStrategy:
    """A strategy that runs inside the engine: its name and its parameters, complete and checked."""

    def __init__(self, name: str, /, **params: object) -> None:
        self._name = name
        self._params = builtin_params(name, params)

    @property
    def name(self) -> str:
        """Its name on the command line."""
        return self._name

    @property
    def params(self) -> dict[str, object]:
        """Its parameters, complete."""
        return dict(self._params)

    @property
    def engine_part(self) -> tuple[str, dict[str, object]]:
        """As the engine takes it."""
        return self._name, dict(self._params)

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self._params.items())
        return f"{self._name}({inside})"


class _Named(BuiltinStrategy):
    """A built-in strategy with a class of its own."""

    builtin: ClassVar[str]

    def __init__(self, **params: object) -> None:
        super().__init__(self.builtin, **params)


class MaCrossoverStrategy(_Named):
    """Long while the fast simple average of closes is above the slow one, short (or flat) below.

    Parameters: ``fast`` (bars, 10), ``slow`` (bars, 30), ``direction`` ("both" or "long_only").
    """

    builtin = "ma_crossover"


class RsiStrategy(_Named):
    """Long from the first oversold RSI (Wilder), short (or flat) from the first overbought one.

    Parameters: ``period`` (bars, 14), ``oversold`` (30), ``overbought`` (70), ``direction`` ("both" or "long_only").
    """

    builtin = "rsi"


class GridStrategy(_Named):
    """Rests buys below and sells above the first price; answers each fill one step away on the other side.

    Parameters: ``levels`` (10, even), ``step`` (fraction of the first price, 0.005).
    """

    builtin = "grid"


class MarketMakerStrategy(_Named):
    """Quotes both sides of a book around an inventory-skewed reservation price (Avellaneda-Stoikov), post-only.

    Parameters: see docs/strategies.md; ``levels`` (1), ``quantity`` (base units, 0: the risk manager's), ``max_position``
    (quotes, 5), ``interval`` (ms, 100) are the first to look at.
    """

    builtin = "market_maker"
