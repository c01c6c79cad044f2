"""What the parts of a session share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from algo_trade.hyperliquid.stream.mailbox import Mailbox
from algo_trade.hyperliquid.stream.settings import SessionSettings, in_ns
from algo_trade.hyperliquid.stream.timers import Timers, Window

if TYPE_CHECKING:
    from random import Random

    from algo_trade.hyperliquid.stream.events import Action


@dataclass(slots=True)
class SessionContext:
    """Settings, randomness, deadlines, what is to be told and what is to be done. Deadlines are methods, called when they are due."""

    settings: SessionSettings
    random: Random
    symbols: dict[str, str]
    opens: Window
    sends: Window
    timers: Timers = field(default_factory=Timers)
    mailbox: Mailbox = field(default_factory=Mailbox)
    actions: list[Action] = field(default_factory=list)
    sockets: int = 0
    is_choked: bool = False

    def backoff_ns(self, attempts: int) -> int:
        """Return how long to wait after this many attempts in a row: full jitter, which spreads clients that failed together."""
        settings = self.settings
        longest = min(settings.backoff_max_s, settings.backoff_s * 2.0 ** min(attempts, 30))
        return in_ns(self.random.uniform(0, longest))
