"""Bots: strategies that trade, each with its own state, supervised, and steered from outside."""

from algo_trade.bots.actor import BotActor
from algo_trade.bots.handle import BotHandle
from algo_trade.bots.models import BotCommand, BotState, BotStatus
from algo_trade.bots.registry import BotRegistry
from algo_trade.bots.runner import Runner

__all__ = ["BotActor", "BotCommand", "BotHandle", "BotRegistry", "BotState", "BotStatus", "Runner"]
