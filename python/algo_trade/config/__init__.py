"""Configuration: what can be configured, read from its layers, and watched while running."""

from algo_trade.config.loader import ConfigLoader
from algo_trade.config.models import (
    AppConfig,
    BotConfig,
    DatabaseConfig,
    RiskConfig,
    RiskLimits,
    ServerConfig,
    StorageConfig,
)
from algo_trade.config.watcher import ConfigChange, ConfigRefusal, ConfigWatcher
from algo_trade.telemetry import AlertRule, TelemetryConfig

__all__ = [
    "AlertRule",
    "AppConfig",
    "BotConfig",
    "ConfigChange",
    "ConfigLoader",
    "ConfigRefusal",
    "ConfigWatcher",
    "DatabaseConfig",
    "RiskConfig",
    "RiskLimits",
    "ServerConfig",
    "StorageConfig",
    "TelemetryConfig",
]
