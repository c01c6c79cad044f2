"""Orders from before a restart, as the handler of orders takes them over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from algo_trade.hyperliquid.answers import Unknown
from algo_trade.hyperliquid.stream.events import AccountFill
from algo_trade.hyperliquid.working import Working

if TYPE_CHECKING:
    from algo_trade._native import FillEvent, OrderEvent
    from algo_trade.hyperliquid.exchange import NewOrder
    from algo_trade.hyperliquid.instruments import ListedInstrument
    from algo_trade.hyperliquid.settings import HyperliquidConfig

# How long an order without an expiry may be on its way.
ON_ITS_WAY_MS: Final = 60_000


def adopted(order: OrderEvent, instrument: ListedInstrument, new: NewOrder, config: HyperliquidConfig) -> Working:
    """Return an order as one that was answered by nobody.

    It may never have left, or still be on its way: only what is asked after its expiry proves that it never came.
    """
    since_ms = round(order.time.timestamp() * 1_000)
    deadline_ms = since_ms + (config.expires_after_ms or ON_ITS_WAY_MS) + config.settle_margin_ms
    working = Working(order, instrument, new, since_ms)
    working.unknown = Unknown(0, since_ms, deadline_ms, "sent before a restart", cloid=order.cloid)
    working.answered.set()
    return working


def known_fill(fill: FillEvent, coin: str, user: str) -> AccountFill:
    """Return a fill as the exchange told it, as far as that is needed to know it again."""
    return AccountFill(
        user=user,
        symbol=fill.symbol,
        coin=coin,
        oid=fill.oid,
        cloid=fill.cloid,
        trade_id=fill.trade_id,
        side=fill.side,
        price=fill.price,
        quantity=fill.quantity,
        fee=fill.fee,
        fee_token=None,
        is_taker=fill.liquidity == "taker",
        time_ns=fill.time_ns,
        data={},
    )
