"""Orders from before a restart, as the handler of orders takes them over."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from algo_trade.hyperliquid.answers import Unknown
from algo_trade.hyperliquid.commands import new_order
from algo_trade.hyperliquid.exchange import NewOrder
from algo_trade.hyperliquid.stream.events import AccountFill
from algo_trade.hyperliquid.working import Working

if TYPE_CHECKING:
    from algo_trade._native import FillEvent, OrderEvent
    from algo_trade.hyperliquid.commands import Reach
    from algo_trade.hyperliquid.instruments import ListedInstrument
    from algo_trade.hyperliquid.outcomes import Settled
    from algo_trade.hyperliquid.settings import HyperliquidConfig

# How long an order without an expiry may be on its way.
ON_ITS_WAY_MS: Final = 60_000
ANY_PRICE: Final = Decimal(1_000)


def adopted(order: OrderEvent, instrument: ListedInstrument, config: HyperliquidConfig, reach: Reach) -> Working:
    """Return an order as one that was answered by nobody.

    It may never have left, or still be on its way: only what is asked after its expiry proves that it never came.
    """
    since_ms = round(order.time.timestamp() * 1_000)
    deadline_ms = since_ms + (config.expires_after_ms or ON_ITS_WAY_MS) + config.settle_margin_ms
    working = Working(order, instrument, _as_sent(order, instrument, reach), since_ms, is_adopted=True)
    working.unknown = Unknown(0, since_ms, deadline_ms, "sent before a restart", cloid=order.cloid)
    working.answered.set()
    return working


def _as_sent(order: OrderEvent, instrument: ListedInstrument, reach: Reach) -> NewOrder:
    """Return an order as it may have been sent. It is not sent again: where it went by a price of then, any will do."""
    new = new_order(order, instrument, lambda: None, reach)
    if isinstance(new, NewOrder):
        return new
    return NewOrder(
        coin=instrument.coin,
        is_buy=order.side == "buy",
        price=order.price or order.trigger_price or ANY_PRICE,
        quantity=order.quantity,
        reduce_only=order.reduce_only,
        cloid=order.cloid,
    )


def found_fills(working: Working, found: Settled, user: str) -> list[AccountFill]:
    """Return the fills that a look-up found of an order from before a restart: the streams may begin later than those.

    All other orders hear of their fills by the streams alone.
    """
    return [AccountFill.of(fill, user, working.order.symbol) for fill in found.fills] if working.is_adopted else []


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
