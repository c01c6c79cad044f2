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
    TelemetryConfig,
)
from algo_trade.config.watcher import ConfigChange, ConfigRefusal, ConfigWatcher

__all__ = [
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
