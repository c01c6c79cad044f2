"""Execution: what becomes of orders. Here, the simulated venue and its options."""

from algo_trade.execution.simulated import SimulatedExecutionHandler
from algo_trade.execution.venue import Fees, InstrumentRules, VenueConfig

__all__ = ["Fees", "InstrumentRules", "SimulatedExecutionHandler", "VenueConfig"]
