"""How the parts that users write are handed to the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from algo_trade.core.protocols import CompiledStrategy
from algo_trade.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from algo_trade._native import RiskOptions

    StrategyPart: TypeAlias = (
        tuple[str, Mapping[str, object]] | tuple[Callable[[bytes], bytes], bytes] | Mapping[str, Any] | CompiledStrategy
    )

HOOKS = (
    "on_start",
    "on_bar",
    "on_trade",
    "on_quote",
    "on_book",
    "on_fill",
    "on_order",
    "on_timer",
    "on_stop",
    "on_market_event",
)
RISK_METHODS = ("target", "order_quantity", "check")


def strategy_part(strategy: object) -> StrategyPart:
    """Return what the engine takes: of a built-in strategy name and parameters, of one elsewhere the way there, a compiled one itself.

    Of any other these are the bound hooks.

    Raises
    ------
    ParameterError
        When it defines no hook at all.
    """
    part: StrategyPart | None = getattr(strategy, "engine_part", None)
    if part is not None:
        return part
    if isinstance(strategy, CompiledStrategy):
        return strategy
    hooks = {hook: getattr(strategy, hook, None) for hook in HOOKS}
    if not any(hooks.values()):
        raise ParameterError(
            f"{type(strategy).__name__} defines no hook: give it on_bar, on_market_event or another one"
        )
    return {**hooks, "resolutions": list(getattr(strategy, "resolutions", ()))}


def risk_part(manager: object) -> RiskOptions | Mapping[str, Callable[..., Any]]:
    """Return the options of the engine's own risk manager; of any other object its bound methods.

    Raises
    ------
    ParameterError
        When one of them is missing.
    """
    options: RiskOptions | None = getattr(manager, "engine_part", None)
    if options is not None:
        return options
    methods = {method: getattr(manager, method, None) for method in RISK_METHODS}
    missing = [name for name, method in methods.items() if not callable(method)]
    if missing:
        raise ParameterError(f"{type(manager).__name__} is no risk manager: it lacks {', '.join(missing)}")
    return {name: method for name, method in methods.items() if method is not None}
