"""Bots: strategies that trade, each with its own state, supervised, and steered from outside."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from algo_trade.bots.actor import BotActor
    from algo_trade.bots.handle import BotHandle
    from algo_trade.bots.models import BotCommand, BotState, BotStatus
    from algo_trade.bots.registry import BotRegistry
    from algo_trade.bots.runner import Runner

__all__ = ["BotActor", "BotCommand", "BotHandle", "BotRegistry", "BotState", "BotStatus", "Runner"]

_HOMES = {
    "BotActor": "actor",
    "BotCommand": "models",
    "BotHandle": "handle",
    "BotRegistry": "registry",
    "BotState": "models",
    "BotStatus": "models",
    "Runner": "runner",
}


def __getattr__(name: str) -> object:
    """Import a part when it is first asked for: a strategy's own process, which is in this room too, has no use for any of them."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"algo_trade.bots.{home}"), name)
