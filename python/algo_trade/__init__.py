"""Algorithmic trading for Hyperliquid: one deterministic system for backtest, paper and live."""

from algo_trade._native import __version__

__all__ = ["__version__"]
