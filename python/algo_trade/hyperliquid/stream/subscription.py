"""A subscription: what is asked of the exchange, and how its messages are told from others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import orjson

from algo_trade._native import BookSnapshot, MarketContext, Quote, Trade
from algo_trade.errors import ParameterError

Route: TypeAlias = tuple[object, ...]
"""What a message tells about its stream. Two streams of one route cannot share a connection: nothing would tell them apart."""

StreamKind: TypeAlias = Literal[
    "allMids",
    "l2Book",
    "bbo",
    "trades",
    "candle",
    "activeAssetCtx",
    "activeAssetData",
    "orderUpdates",
    "userEvents",
    "userFills",
    "userFundings",
    "userNonFundingLedgerUpdates",
    "userTwapSliceFills",
    "clearinghouseState",
    "spotState",
    "openOrders",
]

KINDS: dict[str, tuple[str, ...]] = {
    "allMids": (),
    "l2Book": ("coin",),
    "bbo": ("coin",),
    "trades": ("coin",),
    "candle": ("coin", "interval"),
    "activeAssetCtx": ("coin",),
    "activeAssetData": ("coin", "user"),
    "orderUpdates": ("user",),
    "userEvents": ("user",),
    "userFills": ("user",),
    "userFundings": ("user",),
    "userNonFundingLedgerUpdates": ("user",),
    "userTwapSliceFills": ("user",),
    "clearinghouseState": ("user",),
    "spotState": ("user",),
    "openOrders": ("user",),
}
"""What a subscription of each kind names."""
_HAS_DEX = {"allMids", "clearinghouseState", "openOrders"}
# Messages of these name no user: a connection can hold them for one account only.
_ANONYMOUS = {"orderUpdates": ("orderUpdates",), "userEvents": ("user",)}
_MARKET: dict[str, type] = {"l2Book": BookSnapshot, "bbo": Quote, "trades": Trade, "activeAssetCtx": MarketContext}

MONTH_NS = 30 * 86_400_000_000_000
_MINUTE_NS = 60_000_000_000
INTERVALS_NS: dict[str, int] = {
    "1m": _MINUTE_NS,
    "3m": 3 * _MINUTE_NS,
    "5m": 5 * _MINUTE_NS,
    "15m": 15 * _MINUTE_NS,
    "30m": 30 * _MINUTE_NS,
    "1h": 60 * _MINUTE_NS,
    "2h": 120 * _MINUTE_NS,
    "4h": 240 * _MINUTE_NS,
    "8h": 480 * _MINUTE_NS,
    "12h": 720 * _MINUTE_NS,
    "1d": 1440 * _MINUTE_NS,
    "3d": 3 * 1440 * _MINUTE_NS,
    "1w": 7 * 1440 * _MINUTE_NS,
    "1M": MONTH_NS,
}
"""How long a bar of an interval is; months differ, and count as 30 days here."""


def bar_length_ns(resolution_ns: int) -> int:
    """Return the length by which bars are routed: months of 28 to 31 days are one interval."""
    return MONTH_NS if resolution_ns >= 28 * 1440 * _MINUTE_NS else resolution_ns


@dataclass(frozen=True, slots=True)
class Subscription:
    """One stream of the exchange, by the exchange's own name for it.

    Parameters
    ----------
    kind : the ``type`` of the exchange
    coin : the exchange's name of the instrument, for streams of a market
    user : an address of 42 characters, for streams of an account
    interval : of a ``candle``
    dex : which list of perpetuals; None is the first
    is_fast : of an ``l2Book``: five levels a side about twice a second, instead of twenty every five seconds
    significant_figures, mantissa : of an ``l2Book``: prices gathered

    Raises
    ------
    ParameterError
        For an unknown kind, or a part that is missing or does not belong to the kind.
    """

    kind: StreamKind
    coin: str | None = field(default=None, kw_only=True)
    user: str | None = field(default=None, kw_only=True)
    interval: str | None = field(default=None, kw_only=True)
    dex: str | None = field(default=None, kw_only=True)
    is_fast: bool = field(default=False, kw_only=True)
    significant_figures: int | None = field(default=None, kw_only=True)
    mantissa: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Refuse what the exchange could only answer with silence."""
        needs = KINDS.get(self.kind)
        if needs is None:
            raise ParameterError(f"subscription: {self.kind} is not a stream; it is one of {', '.join(KINDS)}")
        for part in ("coin", "user", "interval"):
            value = getattr(self, part)
            if (part in needs) != bool(value):
                verb = "needs" if part in needs else "has no"
                raise ParameterError(f"subscription: {self.kind} {verb} {part}")
        if self.interval is not None and self.interval not in INTERVALS_NS:
            raise ParameterError(f"subscription: interval = {self.interval}: is one of {', '.join(INTERVALS_NS)}")
        if self.user is not None:
            if len(self.user) != 42 or not self.user.lower().startswith("0x"):
                raise ParameterError(f"subscription: user = {self.user}: is 0x and 40 hex digits")
            object.__setattr__(self, "user", self.user.lower())
        if self.kind != "l2Book" and (self.is_fast or self.significant_figures or self.mantissa):
            raise ParameterError(f"subscription: {self.kind} has no is_fast, significant_figures or mantissa")
        if self.dex is not None and self.kind not in _HAS_DEX:
            raise ParameterError(f"subscription: {self.kind} has no dex")

    def wire(self) -> dict[str, Any]:
        """Return the object that the exchange takes."""
        parts: dict[str, Any] = {
            "type": self.kind,
            "coin": self.coin,
            "user": self.user,
            "interval": self.interval,
            "dex": self.dex,
            "nSigFigs": self.significant_figures,
            "mantissa": self.mantissa,
            "fast": self.is_fast or None,
        }
        return {key: value for key, value in parts.items() if value is not None}

    def request(self, method: Literal["subscribe", "unsubscribe"]) -> bytes:
        """Return the message that begins or ends it."""
        return orjson.dumps({"method": method, "subscription": self.wire()})

    def route(self, symbol: str | None) -> Route:
        """Return what its messages tell about it, with our name of its coin."""
        if self.kind in _MARKET:
            return (_MARKET[self.kind], symbol)
        if self.kind == "candle":
            return ("candle", symbol, INTERVALS_NS[self.interval or ""])
        if self.kind in _ANONYMOUS:
            return _ANONYMOUS[self.kind]
        if self.kind == "allMids":
            return ("allMids", self.dex or "")
        return (self.kind, self.user, self.coin or self.dex or "")

    def __str__(self) -> str:
        parts = [self.kind, self.coin, self.user, self.interval, self.dex, "fast" if self.is_fast else None]
        return " ".join(part for part in parts if part)


def wire_route(wire: dict[str, Any], symbols: dict[str, str]) -> Route | None:
    """Return the route of a subscription as the exchange echoes it, with its defaults filled in; None if it is not one of ours."""
    try:
        subscription = Subscription(
            wire["type"],
            coin=wire.get("coin"),
            user=wire.get("user"),
            interval=wire.get("interval"),
            dex=wire.get("dex") or None if wire["type"] in _HAS_DEX else None,
        )
    except (ParameterError, KeyError, TypeError, AttributeError):
        return None
    return subscription.route(symbols.get(subscription.coin) if subscription.coin else None)
