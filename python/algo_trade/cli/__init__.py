"""The command line: ``algo-trade``."""

from algo_trade.cli.app import main

__all__ = ["main"]
