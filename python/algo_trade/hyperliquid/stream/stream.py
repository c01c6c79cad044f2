"""A stream: its state, and how it comes back when it falls silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algo_trade.hyperliquid.stream.events import News, StreamChange, StreamState
from algo_trade.hyperliquid.stream.settings import in_ns

if TYPE_CHECKING:
    from algo_trade._native import HyperliquidMessage
    from algo_trade.hyperliquid.stream.catch_up import Questions
    from algo_trade.hyperliquid.stream.connection import Connection
    from algo_trade.hyperliquid.stream.context import SessionContext
    from algo_trade.hyperliquid.stream.subscription import Route, Subscription

# Patience doubles with each attempt to wake a stream, this many times: a coin that died must not cost the others their connection.
DOUBLINGS_MAX = 6


class Stream:
    """A stream of messages that are passed on as plain values, of which the newest is wanted.

    It is live once a message has come: an acknowledgement proves nothing. When it has been silent for too long, it is subscribed
    to again; if that does not help, its connection is given up.
    """

    must_not_lose = False
    __slots__ = (
        "_context",
        "_level",
        "_limit_ns",
        "_questions",
        "_reason",
        "_slack_ns",
        "connection",
        "heard_ns",
        "is_confirmed",
        "references",
        "route",
        "state",
        "subscription",
        "symbol",
    )

    def __init__(
        self,
        subscription: Subscription,
        symbol: str,
        connection: Connection,
        context: SessionContext,
        questions: Questions,
    ) -> None:
        self.subscription = subscription
        self.symbol = symbol
        self.route: Route = subscription.route(symbol)
        self.connection = connection
        self.state: StreamState = "waiting"
        self._reason = ""
        self.references = 1
        self.is_confirmed = False
        self.heard_ns = 0
        self._level = 0
        self._context = context
        self._questions = questions
        kind = f"{subscription.kind} fast" if subscription.is_fast else subscription.kind
        limit = context.settings.stale_after_s.get(kind)
        self._limit_ns = None if limit is None else in_ns(limit)
        self._slack_ns = in_ns(context.settings.clock_slack_s)

    def start(self, now_ns: int) -> None:
        """Subscribe: the connection is open."""
        self.is_confirmed = False
        self.change("subscribing", "", now_ns)
        self.connection.send(self.subscription.request("subscribe"), now_ns)
        self._wait_for_word(now_ns)

    def interrupt(self, now_ns: int, reason: str) -> None:
        """Wait for another connection."""
        self.is_confirmed = False
        self._context.timers.cancel(self.check)
        self._questions.forget(self)
        self.change("waiting", reason, now_ns)

    def retire(self) -> None:
        """Want nothing any more."""
        self._context.timers.cancel(self.check)
        self._questions.forget(self)

    def confirmed(self, _now_ns: int) -> None:
        """Take note that the exchange took the subscription up."""
        self.is_confirmed = True

    def message(self, message: HyperliquidMessage, now_ns: int) -> None:
        """Take a message of this stream."""
        self._context.mailbox.latest(self, News(self.subscription, message.channel, message.data))
        self.heard(now_ns)

    def heard(self, now_ns: int) -> None:
        """Take note of a message that is fresh."""
        self.heard_ns = now_ns
        if self.state != "live":
            self.live(now_ns)

    def live(self, now_ns: int, reason: str = "") -> None:
        """Say that the stream is good."""
        self._level = 0
        self.change("live", reason, now_ns)
        if self._limit_ns is None:
            self._context.timers.cancel(self.check)
        else:
            self._context.timers.set(self.check, now_ns + self._limit_ns)

    def change(self, state: StreamState, reason: str, now_ns: int) -> None:
        """Say that the stream is in another state."""
        if (state, reason) != (self.state, self._reason):
            self.state, self._reason = state, reason
            self._context.mailbox.latest((self, "state"), StreamChange(self.subscription, state, reason, now_ns))

    def check(self, now_ns: int) -> None:
        """Look whether the stream is still good, or has come back, and do more if it has not."""
        if self.state == "live" and self._limit_ns is not None:
            if self.heard_ns + self._limit_ns > now_ns:
                self._context.timers.set(self.check, self.heard_ns + self._limit_ns)
                return
            self.change("stale", f"nothing new for {(now_ns - self.heard_ns) / 1e9:.1f} s", now_ns)
        elif self.state == "subscribing" and self.is_confirmed and self.ask_instead(now_ns):
            return
        if self.doubt(now_ns):
            self._wait_for_word(now_ns)
            return
        self._level += 1
        # A stream that may be silent for ever is not worth the connection of the others.
        if self._level % 2 or self._limit_ns is None:
            self.resubscribe(now_ns)
        else:
            self.connection.close(now_ns, f"{self.subscription} stays silent")

    def resubscribe(self, now_ns: int) -> None:
        """Subscribe again on the same connection."""
        if self.is_confirmed:
            self.connection.send(self.subscription.request("unsubscribe"), now_ns)
            self.is_confirmed = False
        self.connection.send(self.subscription.request("subscribe"), now_ns)
        self._wait_for_word(now_ns)

    def doubt(self, _now_ns: int) -> bool:
        """Ask elsewhere whether silence is real, before more is done about it. Return whether there is somewhere to ask."""
        return False

    def ask_instead(self, _now_ns: int) -> bool:
        """Ask for what the stream would say, when it was taken up but says nothing. Return whether there is something to ask."""
        return False

    def _wait_for_word(self, now_ns: int) -> None:
        patience = in_ns(self._context.settings.answer_within_s) << min(self._level, DOUBLINGS_MAX)
        self._context.timers.set(self.check, now_ns + patience)
