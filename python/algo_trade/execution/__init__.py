"""Execution: what becomes of orders. Here, the simulated venue and its options."""

from algo_trade.execution.fees import Fees, FeeTable, HyperliquidFees
from algo_trade.execution.simulated import SimulatedExecutionHandler
from algo_trade.execution.venue import InstrumentRules, VenueConfig

__all__ = ["FeeTable", "Fees", "HyperliquidFees", "InstrumentRules", "SimulatedExecutionHandler", "VenueConfig"]
