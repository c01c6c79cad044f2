"""The control API: bots over HTTP and WebSocket, for this machine alone."""

from algo_trade.api.server import ApiServer

__all__ = ["ApiServer"]
