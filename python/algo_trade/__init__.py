"""Algorithmic trading for Hyperliquid: one deterministic system for backtest, paper and live.

>>> import algo_trade as at
>>> at.MaCrossoverStrategy(fast=5)
ma_crossover(direction='both', fast=5, slow=30)
"""

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
    from algo_trade.hyperliquid import HyperliquidClient, HyperliquidWebSocket, LiveDataProvider, LiveExecutionHandler

__all__ = [
    "BacktestResult",
    "Bar",
    "BookDelta",
    "BookSnapshot",
    "DataProvider",
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
    "PerformanceMetrics",
    "Quote",
    "RiskManager",
    "RsiStrategy",
    "Signal",
    "SignalEvent",
    "SimpleRiskManager",
    "SimulatedExecutionHandler",
    "Strategy",
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
]


def __getattr__(name: str) -> object:
    """Import what is live when it is first asked for."""
    if name in {"HyperliquidClient", "HyperliquidWebSocket", "LiveDataProvider", "LiveExecutionHandler"}:
        return getattr(hyperliquid, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
