"""Strategies: the base class that users extend, the built-in ones, and finding one by name or file."""

from algo_trade.strategy.apart import ApartStrategy
from algo_trade.strategy.base import Strategy, param
from algo_trade.strategy.builtin import (
    BuiltinStrategy,
    GridStrategy,
    MaCrossoverStrategy,
    MarketMakerStrategy,
    RsiStrategy,
    declarations,
)
from algo_trade.strategy.compiled import PointerStrategy
from algo_trade.strategy.loader import Runnable, load, name_of, params_of
from algo_trade.strategy.needs import Needs, needs_of

__all__ = [
    "ApartStrategy",
    "BuiltinStrategy",
    "GridStrategy",
    "MaCrossoverStrategy",
    "MarketMakerStrategy",
    "Needs",
    "PointerStrategy",
    "RsiStrategy",
    "Runnable",
    "Strategy",
    "declarations",
    "load",
    "name_of",
    "needs_of",
    "param",
    "params_of",
]
