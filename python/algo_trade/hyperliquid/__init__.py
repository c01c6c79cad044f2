"""Hyperliquid: keys, signatures and signed requests; the client that sends them; streams that come back by themselves.

>>> from algo_trade import hyperliquid
>>> key = hyperliquid.SigningKey("0x" + "01" * 32)  # never write a real one into a program
>>> key
SigningKey(0x1a642f0e3c3af545e7acbd38b07251b3990914f1)
>>> hyperliquid.sign_l1_action(key, {"type": "noop"}, nonce=1_700_000_000_000)["v"]
27
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from algo_trade._native import (
    SigningKey,
    WireOrder,
    action_hash,
    l1_digest,
    recover,
    sign_l1_action,
    sign_user_action,
    signed_cancels,
    signed_modifies,
    signed_orders,
    signed_request,
    signed_user_request,
    user_digest,
    wire_decimal,
)
from algo_trade.hyperliquid.answers import (
    CancelAnswer,
    Cancelled,
    Filled,
    OrderAnswer,
    Refused,
    Resting,
    Unknown,
    Unread,
    Waiting,
)
from algo_trade.hyperliquid.keys import key_from_env, key_from_file, key_from_keystore
from algo_trade.hyperliquid.refusals import RefusalKind, Remedy
from algo_trade.hyperliquid.settings import HyperliquidConfig, LimitSettings

if TYPE_CHECKING:
    from algo_trade.hyperliquid.client import HyperliquidClient
    from algo_trade.hyperliquid.commands import Reach
    from algo_trade.hyperliquid.exchange import NewOrder
    from algo_trade.hyperliquid.execution import LiveExecutionHandler
    from algo_trade.hyperliquid.gate import Gate
    from algo_trade.hyperliquid.nonces import NonceFile
    from algo_trade.hyperliquid.orders import LiveOrder, LiveOrders
    from algo_trade.hyperliquid.outcomes import Settled
    from algo_trade.hyperliquid.provider import LiveDataProvider
    from algo_trade.hyperliquid.stream import SessionSettings, Subscription
    from algo_trade.hyperliquid.websocket import HyperliquidWebSocket
    from algo_trade.hyperliquid.working import Trouble

__all__ = [
    "CancelAnswer",
    "Cancelled",
    "Filled",
    "Gate",
    "HyperliquidClient",
    "HyperliquidConfig",
    "HyperliquidWebSocket",
    "LimitSettings",
    "LiveDataProvider",
    "LiveExecutionHandler",
    "LiveOrder",
    "LiveOrders",
    "NewOrder",
    "NonceFile",
    "OrderAnswer",
    "Reach",
    "RefusalKind",
    "Refused",
    "Remedy",
    "Resting",
    "SessionSettings",
    "Settled",
    "SigningKey",
    "Subscription",
    "Trouble",
    "Unknown",
    "Unread",
    "Waiting",
    "WireOrder",
    "action_hash",
    "key_from_env",
    "key_from_file",
    "key_from_keystore",
    "l1_digest",
    "recover",
    "sign_l1_action",
    "sign_user_action",
    "signed_cancels",
    "signed_modifies",
    "signed_orders",
    "signed_request",
    "signed_user_request",
    "user_digest",
    "wire_decimal",
]

# Who only signs, or only backtests, does not pay for asyncio, the client and the streams.
_WHERE = {
    "Gate": "gate",
    "HyperliquidClient": "client",
    "HyperliquidWebSocket": "websocket",
    "LiveDataProvider": "provider",
    "LiveExecutionHandler": "execution",
    "LiveOrder": "orders",
    "LiveOrders": "orders",
    "NewOrder": "exchange",
    "NonceFile": "nonces",
    "Reach": "commands",
    "SessionSettings": "stream",
    "Settled": "outcomes",
    "Subscription": "stream",
    "Trouble": "working",
}


def __getattr__(name: str) -> object:
    """Import what is live when it is first asked for."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
