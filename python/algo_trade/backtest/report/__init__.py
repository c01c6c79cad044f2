"""The backtest report: one HTML file that works offline, the figures in it, and the summary that a notebook shows."""

from algo_trade.backtest.report.notebook import summary
from algo_trade.backtest.report.page import read_manifest, render, write
from algo_trade.backtest.report.result import Metrics, Result

__all__ = ["Metrics", "Result", "read_manifest", "render", "summary", "write"]
