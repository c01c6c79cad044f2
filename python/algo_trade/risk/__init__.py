"""Risk managers: how signals are sized and positions capped."""

from algo_trade.risk.simple import SimpleRiskManager, VolatilityTarget

__all__ = ["SimpleRiskManager", "VolatilityTarget"]
