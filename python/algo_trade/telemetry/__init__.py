"""What is told of a run: the log, metrics, alerts. Any room may import it; it imports none.

``Telemetry`` ties them together; ``TelemetryConfig`` is what can be configured. Its parts need the extra ``live``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from algo_trade.telemetry.settings import AlertRule, Level, TelemetryConfig

if TYPE_CHECKING:
    from algo_trade.telemetry.alerts import Alerts
    from algo_trade.telemetry.lag import LagMonitor
    from algo_trade.telemetry.logs import Logs
    from algo_trade.telemetry.metrics import Metrics
    from algo_trade.telemetry.redaction import Secrets
    from algo_trade.telemetry.telemetry import Telemetry

__all__ = [
    "AlertRule",
    "Alerts",
    "LagMonitor",
    "Level",
    "Logs",
    "Metrics",
    "Secrets",
    "Telemetry",
    "TelemetryConfig",
]

# Who only reads a configuration needs none of the libraries.
_WHERE = {
    "Alerts": "alerts",
    "LagMonitor": "lag",
    "Logs": "logs",
    "Metrics": "metrics",
    "Secrets": "redaction",
    "Telemetry": "telemetry",
}


def __getattr__(name: str) -> object:
    """Import a part when it is first asked for."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
