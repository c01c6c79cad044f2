"""Finds a strategy: NAME, file.py:Class or module:Class."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from algo_trade.core import EventStrategy
from algo_trade.errors import ParameterError, StrategyError
from algo_trade.strategy.base import Strategy
from algo_trade.strategy.builtin import BuiltinStrategy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

Runnable: TypeAlias = BuiltinStrategy | Strategy | EventStrategy
"""What a driver can run."""


def load(spec: str, params: Mapping[str, object]) -> Runnable:
    """Make the strategy that a text names.

    Parameters
    ----------
    spec : str
        The name of a built-in strategy, ``file.py:Class`` or ``module:Class``.
    params : mapping
        Its parameters; text is read as the declared type.

    Raises
    ------
    ParameterError
        For a name, file, class or parameter that does not exist or is not allowed.
    StrategyError
        When the file cannot be executed or the class not be made.
    """
    place, colon, class_name = spec.rpartition(":")
    if not colon:
        return BuiltinStrategy(spec, **params)
    module = _module(place)
    found = getattr(module, class_name, None)
    if not inspect.isclass(found):
        there = [
            name
            for name, value in vars(module).items()
            if inspect.isclass(value) and value.__module__ == module.__name__
        ]
        raise ParameterError(
            f"{place} has no class `{class_name}`.{_suggest(class_name, there)} It has: {', '.join(there) or 'none'}"
        )
    if not (issubclass(found, Strategy) or callable(getattr(found, "on_market_event", None))):
        raise ParameterError(
            f"{spec}: a strategy extends algo_trade.Strategy, or has `name` and `on_market_event(event)`"
        )
    try:
        made = found(**params)
    except ParameterError:
        raise
    except Exception as error:
        raise StrategyError(f"{spec} cannot be made: {type(error).__name__}: {error}") from error
    if not isinstance(made, Strategy | EventStrategy):
        raise ParameterError(f"{spec}: a strategy has a `name` and `on_market_event(event)`")
    return made


def name_of(strategy: Runnable) -> str:
    """What a strategy is called in reports."""
    return str(strategy.name)


def params_of(strategy: Runnable) -> dict[str, object]:
    """The parameters of a strategy; none for one that declares none."""
    params = getattr(strategy, "params", {})
    return dict(params) if isinstance(params, dict) else {}


def _module(place: str) -> ModuleType:
    if not place.endswith(".py"):
        try:
            return importlib.import_module(place)
        except ModuleNotFoundError as error:
            raise ParameterError(
                f"there is no module `{place}`: give file.py:Class, module:Class or a built-in name"
            ) from error
    path = Path(place)
    if not path.is_file():
        raise ParameterError(f"{place}: no such file")
    name = f"algo_trade_strategy_{path.stem}"
    loader = importlib.util.spec_from_file_location(name, path)
    if loader is None or loader.loader is None:
        raise ParameterError(f"{place}: cannot be loaded as Python")
    module = importlib.util.module_from_spec(loader)
    sys.modules[name] = module
    try:
        loader.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        line = error.lineno if isinstance(error, SyntaxError) else None
        where = f"{place}:{line}" if line else place
        raise StrategyError(f"{where}: {type(error).__name__}: {error}") from error
    return module


def _suggest(name: str, candidates: list[str]) -> str:
    near = difflib.get_close_matches(name, candidates, n=1)
    return f" Did you mean `{near[0]}`?" if near else ""
