"""Backtests: the driver, results, reports, reproduction and replay."""

from algo_trade.backtest.journal import JournalFile
from algo_trade.backtest.metrics import PerformanceMetrics
from algo_trade.backtest.reproduce import reproduce
from algo_trade.backtest.result import BacktestResult
from algo_trade.backtest.run import backtest

__all__ = [
    "BacktestResult",
    "JournalFile",
    "PerformanceMetrics",
    "backtest",
    "reproduce",
]
