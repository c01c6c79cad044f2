"""Algorithmic trading for Hyperliquid: one deterministic system for backtest, paper and live.

>>> import algo_trade as at
>>> at.MaCrossoverStrategy(fast=5)
ma_crossover(direction='both', fast=5, slow=30)
"""

from importlib import import_module
from typing import TYPE_CHECKING

from algo_trade import errors, hyperliquid, indicators
from algo_trade._native import (
    Bar,
    BookDelta,
    BookSnapshot,
    FillEvent,
    FundingRate,
    Instrument,
    MarketContext,
    OrderEvent,
    OrderUpdate,
    Quote,
    SignalEvent,
    Trade,
    __version__,
)
from algo_trade._native import SignalEvent as Signal
from algo_trade.backtest import BacktestResult, PerformanceMetrics, backtest, reproduce
from algo_trade.core import (
    DataProvider,
    ExecutionHandler,
    MarketEvent,
    RiskManager,
    TradingSystem,
    hours,
    minutes,
    ms,
    seconds,
)
from algo_trade.data import HistoricalDataProvider
from algo_trade.execution import InstrumentRules, SimulatedExecutionHandler, VenueConfig
from algo_trade.hyperliquid import HyperliquidConfig
from algo_trade.risk import SimpleRiskManager, VolatilityTarget
from algo_trade.strategy import (
    GridStrategy,
    MaCrossoverStrategy,
    MarketMakerStrategy,
    RsiStrategy,
    Strategy,
    param,
)

if TYPE_CHECKING:
    from algo_trade import storage
    from algo_trade.api import ApiServer
    from algo_trade.bots import BotActor, BotCommand, BotHandle, BotRegistry, BotState, BotStatus
    from algo_trade.config import AppConfig, BotConfig, ConfigLoader, ConfigWatcher, DatabaseConfig, ServerConfig
    from algo_trade.hyperliquid import HyperliquidClient, HyperliquidWebSocket, LiveDataProvider, LiveExecutionHandler
    from algo_trade.storage import DatabaseClient, ParquetStorage, TieredStorage

__all__ = [
    "ApiServer",
    "AppConfig",
    "BacktestResult",
    "Bar",
    "BookDelta",
    "BookSnapshot",
    "BotActor",
    "BotCommand",
    "BotConfig",
    "BotHandle",
    "BotRegistry",
    "BotState",
    "BotStatus",
    "ConfigLoader",
    "ConfigWatcher",
    "DataProvider",
    "DatabaseClient",
    "DatabaseConfig",
    "ExecutionHandler",
    "FillEvent",
    "FundingRate",
    "GridStrategy",
    "HistoricalDataProvider",
    "HyperliquidClient",
    "HyperliquidConfig",
    "HyperliquidWebSocket",
    "Instrument",
    "InstrumentRules",
    "LiveDataProvider",
    "LiveExecutionHandler",
    "MaCrossoverStrategy",
    "MarketContext",
    "MarketEvent",
    "MarketMakerStrategy",
    "OrderEvent",
    "OrderUpdate",
    "ParquetStorage",
    "PerformanceMetrics",
    "Quote",
    "RiskManager",
    "RsiStrategy",
    "ServerConfig",
    "Signal",
    "SignalEvent",
    "SimpleRiskManager",
    "SimulatedExecutionHandler",
    "Strategy",
    "TieredStorage",
    "Trade",
    "TradingSystem",
    "VenueConfig",
    "VolatilityTarget",
    "__version__",
    "backtest",
    "errors",
    "hours",
    "hyperliquid",
    "indicators",
    "minutes",
    "ms",
    "param",
    "reproduce",
    "seconds",
    "storage",
]


# Who only backtests does not pay for them.
_LIVE = {"HyperliquidClient", "HyperliquidWebSocket", "LiveDataProvider", "LiveExecutionHandler"}
_BOTS = {"BotActor", "BotCommand", "BotHandle", "BotRegistry", "BotState", "BotStatus"}
_STORAGE = {"DatabaseClient", "ParquetStorage", "TieredStorage"}
_CONFIG = {"AppConfig", "BotConfig", "ConfigLoader", "ConfigWatcher", "DatabaseConfig", "ServerConfig"}


def __getattr__(name: str) -> object:
    """Import what is live, configures it, or keeps its state, when it is first asked for."""
    if name in _LIVE:
        return getattr(hyperliquid, name)
    if name in _CONFIG:
        return getattr(import_module("algo_trade.config"), name)
    if name in _BOTS:
        return getattr(import_module("algo_trade.bots"), name)
    if name == "ApiServer":
        return import_module("algo_trade.api").ApiServer
    if name == "storage":
        return import_module("algo_trade.storage")
    if name in _STORAGE:
        return getattr(import_module("algo_trade.storage"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
