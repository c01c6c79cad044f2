"""The contract: events, commands, and the protocols that connect data, strategy, risk and execution."""

from algo_trade._native import (
    Bar,
    Context,
    FillEvent,
    Instrument,
    OrderEvent,
    Orders,
    OrderUpdate,
    Position,
    Quote,
    SignalEvent,
    Trade,
)
from algo_trade.core.durations import hours, minutes, ms, seconds
from algo_trade.core.protocols import DataProvider, EventStrategy, MarketEvent

__all__ = [
    "Bar",
    "Context",
    "DataProvider",
    "EventStrategy",
    "FillEvent",
    "Instrument",
    "MarketEvent",
    "OrderEvent",
    "OrderUpdate",
    "Orders",
    "Position",
    "Quote",
    "SignalEvent",
    "Trade",
    "hours",
    "minutes",
    "ms",
    "seconds",
]
