"""What a session may ask of the exchange, and how patient it is."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Self

from algo_trade.errors import ParameterError

SECOND_NS = 1_000_000_000


def in_ns(seconds: float) -> int:
    """Return seconds as nanoseconds."""
    return round(seconds * SECOND_NS)


def _stale_after() -> dict[str, float]:
    return {"l2Book fast": 3.0, "l2Book": 20.0, "bbo": 30.0, "activeAssetCtx": 30.0, "allMids": 10.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """Limits of the exchange for one address of the internet, and the session's own deadlines. Seconds, unless the name says otherwise.

    Parameters
    ----------
    connections_max, opens_per_minute, subscriptions_max, users_max, sends_per_minute, posts_max
        The exchange's limits. What cannot fit is refused when it is asked for.
    subscriptions_per_connection
        Where another connection is opened though one would do.
    ping_every_s, pong_within_s
        The exchange closes a connection on which nothing moved for a minute. A pong that does not come ends a connection.
    open_within_s, answer_within_s
        How long to wait for a connection, and for the first word of a stream, before trying again.
    stale_after_s
        For a kind of stream (``l2Book fast`` and ``l2Book`` apart): the age of its last message, by our clock and by the
        message's own time, from which it is stale. Kinds that are not named may be silent for ever: trades come when they come.
    clock_slack_s
        How far our clock may be from the exchange's.
    backoff_s, backoff_max_s, steady_after_s
        Before the n-th attempt to connect in a row, a random part of ``backoff_s`` times 2 to the n, at most ``backoff_max_s``.
        A connection that stood for ``steady_after_s`` ends the row.
    post_within_s
        How long a post may take.
    fill_overlap_s, fills_page, audit_every_s
        How far back fills are asked for before the last one known; how many make a full page; and how often an account is
        looked up though nothing seems amiss.
    bar_grace_s
        How long after its end a bar may still change.
    catch_ups_max
        Questions about what was missed that may be under way at once.
    queue_max
        Events that must not be lost and that nobody has taken yet, at most. Beyond, see :class:`Overflow`.
    """

    connections_max: int = 10
    opens_per_minute: int = 30
    subscriptions_max: int = 1000
    subscriptions_per_connection: int = 1000
    users_max: int = 10
    sends_per_minute: int = 2000
    posts_max: int = 100
    ping_every_s: float = 15.0
    pong_within_s: float = 10.0
    open_within_s: float = 10.0
    answer_within_s: float = 10.0
    stale_after_s: dict[str, float] = field(default_factory=_stale_after)
    clock_slack_s: float = 1.0
    backoff_s: float = 0.5
    backoff_max_s: float = 30.0
    steady_after_s: float = 30.0
    post_within_s: float = 10.0
    fill_overlap_s: float = 60.0
    fills_page: int = 2000
    audit_every_s: float = 60.0
    bar_grace_s: float = 2.0
    catch_ups_max: int = 8
    queue_max: int = 100_000

    def __post_init__(self) -> None:
        """Refuse what would never do anything, and pings so rare that the exchange hangs up."""
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, int | float) and not value > 0:
                raise ParameterError(f"session: {each.name} = {value}: must be above 0")
        if self.ping_every_s > 20:
            raise ParameterError(f"session: ping_every_s = {self.ping_every_s}: must be at most 20")
        if any(not limit > 0 for limit in self.stale_after_s.values()):
            raise ParameterError(f"session: stale_after_s = {self.stale_after_s}: each must be above 0")

    def shared(self) -> tuple[Self, Self]:
        """Return these limits in two parts, for the sockets of markets and of an account behind one address: an account needs few."""

        def part(whole: int, few: int) -> int:
            """Return a tenth, but at least a few, and never more than half."""
            return max(1, min(whole // 2, max(few, whole // 10)))

        connections, opens = part(self.connections_max, 2), part(self.opens_per_minute, 10)
        sends, streams = part(self.sends_per_minute, 300), max(1, min(10, self.subscriptions_max // 2))
        market = replace(
            self,
            connections_max=max(1, self.connections_max - connections),
            opens_per_minute=max(1, self.opens_per_minute - opens),
            sends_per_minute=max(1, self.sends_per_minute - sends),
            subscriptions_max=max(1, self.subscriptions_max - streams),
        )
        account = replace(
            self,
            connections_max=connections,
            opens_per_minute=opens,
            sends_per_minute=sends,
            subscriptions_max=streams,
            users_max=1,
        )
        return market, account
