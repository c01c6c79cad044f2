"""Backtests: the driver, the simulated venue's options, results, reports, reproduction and replay."""

from algo_trade.backtest.journal import JournalFile
from algo_trade.backtest.metrics import PerformanceMetrics
from algo_trade.backtest.reproduce import reproduce
from algo_trade.backtest.result import BacktestResult
from algo_trade.backtest.run import backtest
from algo_trade.backtest.venue import Fees, InstrumentRules, VenueConfig

__all__ = [
    "BacktestResult",
    "Fees",
    "InstrumentRules",
    "JournalFile",
    "PerformanceMetrics",
    "VenueConfig",
    "backtest",
    "reproduce",
]
