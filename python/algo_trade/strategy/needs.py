"""What a strategy has to hear of the market."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Final

from algo_trade.strategy.apart import ApartStrategy
from algo_trade.strategy.builtin import BuiltinStrategy

_BUILTIN_ON_BOOKS: Final = frozenset({"market_maker"})


@dataclass(frozen=True, slots=True)
class Needs:
    """The kinds of market data that strategies are woken by or look at.

    The best prices of a symbol are streamed in any case, since orders need them. ``quotes``: whether the strategy hears them, too.
    """

    bars: bool = False
    trades: bool = False
    levels: bool = False
    quotes: bool = False

    def __or__(self, other: Needs) -> Needs:
        return Needs(*(one or another for one, another in zip(astuple(self), astuple(other), strict=True)))


def needs_of(strategy: object) -> Needs:
    """Return what a strategy needs: of a built-in one what it is made for, of one elsewhere what was said, of any other what its hooks ask for."""
    if isinstance(strategy, ApartStrategy):
        return strategy.needs
    if isinstance(strategy, BuiltinStrategy):
        is_quoting = strategy.name in _BUILTIN_ON_BOOKS
        return Needs(bars=not is_quoting, trades=is_quoting, levels=is_quoting, quotes=is_quoting)
    hears_all = _has(strategy, "on_market_event") or hasattr(strategy, "__algo_trade_strategy__")
    trades = hears_all or _has(strategy, "on_trade")
    # Who hears prints has the bars of its resolutions built of them, as in a backtest on ticks: bars beside them would count twice.
    builds = trades and bool(getattr(strategy, "resolutions", ()))
    bars = (hears_all or _has(strategy, "on_bar")) and not builds
    # Whatever hook it has, it may look at the quote that stands.
    return Needs(bars=bars, trades=trades, levels=_has(strategy, "on_book"), quotes=True)


def _has(strategy: object, hook: str) -> bool:
    return getattr(strategy, hook, None) is not None
