"""What servers of ours have in common: they listen to this machine alone, and end in good order."""

from algo_trade.web.listening import Address, ServerWithoutSignals, ends_by_signal, is_loopback, listen

__all__ = ["Address", "ServerWithoutSignals", "ends_by_signal", "is_loopback", "listen"]
