"""A connection that comes back: its socket of the moment, heartbeats, what is to be sent, and the streams that it carries."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from algo_trade.hyperliquid.stream.events import Close, Open, Send
from algo_trade.hyperliquid.stream.settings import in_ns

if TYPE_CHECKING:
    from collections.abc import Callable

    from algo_trade.hyperliquid.stream.context import SessionContext
    from algo_trade.hyperliquid.stream.stream import Stream
    from algo_trade.hyperliquid.stream.subscription import Route

PING = b'{"method":"ping"}'
# Of the messages of a minute, kept for pings and posts when thousands of subscriptions wait.
SENDS_RESERVED = 100


class Connection:
    """One of the few connections of a session. ``socket`` is None between two sockets."""

    __slots__ = (
        "_attempts",
        "_awaits_pong",
        "_context",
        "_on_lost",
        "_outgoing",
        "_urgent",
        "heard_ns",
        "is_open",
        "socket",
        "streams",
    )

    def __init__(self, context: SessionContext, on_lost: Callable[[int, int], None]) -> None:
        self._context = context
        self._on_lost = on_lost
        self._outgoing: deque[bytes] = deque()
        self._urgent: deque[bytes] = deque()
        self._attempts = 0
        self._awaits_pong = False
        self.socket: int | None = None
        self.is_open = False
        self.heard_ns = 0
        self.streams: dict[Route, Stream] = {}

    def open(self, now_ns: int) -> None:
        """Ask for a socket, as soon as the exchange allows one more."""
        context = self._context
        if self.socket is not None or (context.is_choked and self.must_not_lose):
            return
        free_at = context.opens.free_at(now_ns)
        if free_at > now_ns:
            context.timers.set(self.open, free_at)
            return
        context.opens.use(now_ns)
        context.sockets += 1
        self.socket = context.sockets
        self._attempts += 1
        context.actions.append(Open(self.socket))
        context.timers.set(self._not_opened, now_ns + in_ns(context.settings.open_within_s))

    @property
    def must_not_lose(self) -> bool:
        """Whether a stream of it has events that must not be lost."""
        return any(stream.must_not_lose for stream in self.streams.values())

    @property
    def is_waiting(self) -> bool:
        """Whether a socket will be asked for by itself."""
        return self.open in self._context.timers

    def opened(self, now_ns: int) -> None:
        """Begin all streams: the socket is open."""
        context = self._context
        self.is_open = True
        context.timers.cancel(self._not_opened)
        context.timers.set(self._ping, now_ns + in_ns(context.settings.ping_every_s))
        context.timers.set(self._steady, now_ns + in_ns(context.settings.steady_after_s))
        for stream in self.streams.values():
            stream.start(now_ns)
        self.flush(now_ns)

    def close(self, now_ns: int, reason: str) -> None:
        """Give the socket up, and open another after a while."""
        if self.socket is not None:
            self._context.actions.append(Close(self.socket))
            self.closed(now_ns, reason)

    def closed(self, now_ns: int, reason: str) -> None:
        """Interrupt all streams: the socket is gone."""
        socket = self.retire()
        for stream in self.streams.values():
            stream.interrupt(now_ns, reason)
        if socket is not None:
            self._on_lost(socket, now_ns)
        # The first attempt comes soon, each after it later on average.
        self._context.timers.set(self.open, now_ns + self._context.backoff_ns(max(0, self._attempts - 1)))

    def retire(self) -> int | None:
        """Forget the socket and everything that was due; return its number."""
        socket, self.socket = self.socket, None
        self.is_open = self._awaits_pong = False
        self._outgoing.clear()
        self._urgent.clear()
        timers = self._context.timers
        for due in (self.open, self._not_opened, self._ping, self._no_pong, self._steady, self.flush):
            timers.cancel(due)
        return socket

    def send(self, message: bytes, now_ns: int) -> None:
        """Send when it is its turn; dropped with the socket."""
        if self.is_open:
            self._outgoing.append(message)
            self.flush(now_ns)

    def send_urgent(self, message: bytes, now_ns: int) -> None:
        """Send before all that is not urgent."""
        self._urgent.append(message)
        self.flush(now_ns)

    def flush(self, now_ns: int) -> None:
        """Send as much as the exchange allows in a minute."""
        context = self._context
        while self.socket is not None and (self._urgent or self._outgoing):
            reserve = 0 if self._urgent else SENDS_RESERVED
            free_at = context.sends.free_at(now_ns, reserve=reserve)
            if free_at > now_ns:
                context.timers.set(self.flush, free_at)
                return
            context.sends.use(now_ns)
            message = self._urgent.popleft() if self._urgent else self._outgoing.popleft()
            context.actions.append(Send(self.socket, message))

    def pong(self) -> None:
        """Take note that a ping was answered."""
        self._awaits_pong = False
        self._context.timers.cancel(self._no_pong)

    def _ping(self, now_ns: int) -> None:
        settings = self._context.settings
        self.send_urgent(PING, now_ns)
        self._context.timers.set(self._ping, now_ns + in_ns(settings.ping_every_s))
        if not self._awaits_pong:
            self._awaits_pong = True
            self._context.timers.set(self._no_pong, now_ns + in_ns(settings.pong_within_s))

    def _no_pong(self, now_ns: int) -> None:
        self.close(now_ns, "no answer to a ping")

    def _not_opened(self, now_ns: int) -> None:
        self.close(now_ns, "did not open in time")

    def _steady(self, _now_ns: int) -> None:
        self._attempts = 0
