"""What a session tells, and what it asks its driver to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, cast

from algo_trade._native import Bar, BookSnapshot, MarketContext, Quote, Trade

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from algo_trade.hyperliquid.stream.subscription import Subscription

Plain: TypeAlias = Any
"""What the decoder makes of a message or an answer: dicts with our names, lists, Decimal, int, str; times in nanoseconds."""

StreamState: TypeAlias = Literal["waiting", "subscribing", "catching up", "live", "stale"]
"""Of a stream: no connection; asked for; it speaks but the past is still being fetched; good; silent or late."""


@dataclass(frozen=True, slots=True)
class StreamChange:
    """A stream is in another state now. Only what is ``live`` may be traded on."""

    subscription: Subscription
    state: StreamState
    reason: str
    time_ns: int


@dataclass(frozen=True, slots=True)
class History:
    """Trades from before the stream began or from a gap in it, oldest first: to be recorded, never to be acted on."""

    subscription: Subscription
    trades: tuple[Trade, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """Something between two times was missed and cannot be fetched any more."""

    subscription: Subscription
    from_ns: int
    to_ns: int


@dataclass(frozen=True, slots=True)
class Overflow:
    """The consumer was too slow: this many events were dropped. They are fetched again once it has taken all others."""

    dropped: int
    time_ns: int


@dataclass(frozen=True, slots=True)
class Malformed:
    """A message contradicts the protocol, in the words of the error; it was passed over."""

    error: str
    message: bytes
    time_ns: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The exchange refuses something, in its words."""

    text: str
    time_ns: int


@dataclass(frozen=True, slots=True)
class AccountFill:
    """A fill of an account, told once. ``data`` is all that the exchange says of it."""

    user: str
    symbol: str
    coin: str
    oid: int
    cloid: str | None
    trade_id: int
    side: Literal["buy", "sell"]
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_token: str | None
    is_taker: bool
    time_ns: int
    data: dict[str, Any]

    @classmethod
    def of(cls, fill: Mapping[str, Any], user: str, symbol: str) -> Self:
        """Return a fill of a user as it stands in a message or an answer."""
        return cls(
            user=user,
            symbol=symbol,
            coin=fill["coin"],
            oid=fill["oid"],
            cloid=fill["cloid"],
            trade_id=fill["trade_id"] or 0,
            side=fill["side"],
            price=fill["price"],
            quantity=fill["quantity"],
            fee=fill["fee"],
            fee_token=fill["fee_token"],
            is_taker=fill["is_taker"],
            time_ns=fill["time"],
            data=cast("dict[str, Any]", fill),
        )


@dataclass(frozen=True, slots=True)
class OrderNews:
    """The exchange's word on an order. ``status`` is its own text, which may be new to us."""

    user: str
    symbol: str
    oid: int
    cloid: str | None
    status: str
    time_ns: int
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AccountFunding:
    """A payment of funding, told once. ``hour_ns`` is the hour it belongs to; the exchange stamps it some milliseconds later."""

    user: str
    symbol: str
    amount: Decimal
    rate: Decimal
    hour_ns: int
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class OpenOrders:
    """All orders of an account that rested when this was asked, at ``asked_ns`` of our clock."""

    user: str
    dex: str
    orders: tuple[dict[str, Any], ...]
    asked_ns: int


@dataclass(frozen=True, slots=True)
class AccountState:
    """The positions and margin of an account when this was asked."""

    user: str
    dex: str
    state: dict[str, Any]
    asked_ns: int


@dataclass(frozen=True, slots=True)
class News:
    """Any other message of a stream, as plain values."""

    subscription: Subscription | None
    channel: str
    data: Any


@dataclass(frozen=True, slots=True)
class PostResult:
    """What became of a post.

    ``outcome`` is ``answered`` (``data`` holds the answer), ``refused`` (``data`` is the exchange's text), ``not sent``
    (nothing can have happened) or ``unknown``: it was sent, and no answer came. An action whose outcome is unknown must never be
    sent again; it is looked up by its cloid.
    """

    request: int
    is_action: bool
    outcome: Literal["answered", "refused", "not sent", "unknown"]
    data: Any = None


Market: TypeAlias = BookSnapshot | Quote | Trade | MarketContext | Bar
StreamEvent: TypeAlias = (
    Market
    | StreamChange
    | History
    | Gap
    | Overflow
    | Malformed
    | Refused
    | AccountFill
    | OrderNews
    | AccountFunding
    | OpenOrders
    | AccountState
    | News
)
"""Everything that a session tells."""


@dataclass(frozen=True, slots=True)
class Open:
    """Open a socket and say ``opened`` or ``closed``."""

    socket: int


@dataclass(frozen=True, slots=True)
class Send:
    """Send a text message."""

    socket: int
    message: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """Close a socket; nothing more is expected of it."""

    socket: int


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Ask this of ``/info`` and say ``answered`` or ``failed``."""

    request: int
    question: dict[str, Any]


Action: TypeAlias = Open | Send | Close | CatchUp | PostResult
"""Everything that a session asks its driver to do; a result of a post is for whoever posted."""
