"""Finds a strategy: NAME, file.py:Class or module:Class."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from algo_trade.core import CompiledStrategy, EventStrategy
from algo_trade.errors import ParameterError, StrategyError
from algo_trade.strategy.apart import ApartStrategy
from algo_trade.strategy.base import Strategy
from algo_trade.strategy.builtin import BuiltinStrategy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

Runnable: TypeAlias = BuiltinStrategy | Strategy | EventStrategy | CompiledStrategy | ApartStrategy
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
    plain = ("on_market_event", "__algo_trade_strategy__")
    if not (issubclass(found, Strategy) or any(callable(getattr(found, method, None)) for method in plain)):
        raise ParameterError(
            f"{spec}: a strategy extends algo_trade.Strategy, or has `name` and `on_market_event(event)`"
        )
    try:
        made = found(**params)
    except ParameterError:
        raise
    except Exception as error:
        source = inspect.getsourcefile(found) or ""
        where = _where(spec, source, error)
        raise StrategyError(f"{where} cannot be made: {type(error).__name__}: {error}") from error
    if not isinstance(made, Strategy | EventStrategy | CompiledStrategy):
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
            if error.name is None or not f"{place}.".startswith(f"{error.name}."):
                raise StrategyError(f"{place}: {type(error).__name__}: {error}") from error
            raise ParameterError(
                f"there is no module `{place}`: give file.py:Class, module:Class or a built-in name"
            ) from error
        except Exception as error:
            raise StrategyError(f"{place}: {type(error).__name__}: {error}") from error
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
        raise StrategyError(f"{_where(place, place, error)}: {type(error).__name__}: {error}") from error
    return module


def _where(name: str, file: str, error: Exception) -> str:
    """Add to a name the last line of a file that an error came through; an error of syntax has a line of its own."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return f"{name}:{error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    if not lines:
        return name
    return f"{name}:{lines[-1]}" if name == file else f"{name} ({Path(file).name}:{lines[-1]})"


def _suggest(name: str, candidates: list[str]) -> str:
    near = difflib.get_close_matches(name, candidates, n=1)
    return f" Did you mean `{near[0]}`?" if near else ""
