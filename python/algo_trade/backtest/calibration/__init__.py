"""Queue model, exponent and latency out of one's own fills."""

from algo_trade.backtest.calibration.likelihood import Score
from algo_trade.backtest.calibration.result import Calibration, Trial
from algo_trade.backtest.calibration.run import calibrate

__all__ = ["Calibration", "Score", "Trial", "calibrate"]
