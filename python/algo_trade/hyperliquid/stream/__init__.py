"""The session of streams: subscriptions, connections and what was missed, as a machine of bytes and times without a socket or a clock."""

from algo_trade.hyperliquid.stream.events import (
    AccountFill,
    AccountFunding,
    AccountState,
    Action,
    CatchUp,
    Close,
    Gap,
    History,
    Malformed,
    News,
    Open,
    OpenOrders,
    OrderNews,
    Overflow,
    PostResult,
    Refused,
    Send,
    StreamChange,
    StreamEvent,
    StreamState,
)
from algo_trade.hyperliquid.stream.fills import FillLog
from algo_trade.hyperliquid.stream.session import Session, StreamStatus
from algo_trade.hyperliquid.stream.settings import SessionSettings
from algo_trade.hyperliquid.stream.subscription import Subscription

__all__ = [
    "AccountFill",
    "AccountFunding",
    "AccountState",
    "Action",
    "CatchUp",
    "Close",
    "FillLog",
    "Gap",
    "History",
    "Malformed",
    "News",
    "Open",
    "OpenOrders",
    "OrderNews",
    "Overflow",
    "PostResult",
    "Refused",
    "Send",
    "Session",
    "SessionSettings",
    "StreamChange",
    "StreamEvent",
    "StreamState",
    "StreamStatus",
    "Subscription",
]
