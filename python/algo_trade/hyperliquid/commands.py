"""Orders of a trading system in the exchange's terms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from algo_trade.errors import ParameterError
from algo_trade.hyperliquid.answers import Refused
from algo_trade.hyperliquid.exchange import NewOrder
from algo_trade.hyperliquid.refusals import RefusalKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from algo_trade._native import OrderEvent
    from algo_trade.hyperliquid.instruments import ListedInstrument

_TRIGGERS: dict[str, Literal["tp", "sl"]] = {
    "stop": "sl",
    "stop_limit": "sl",
    "take_profit": "tp",
    "take_profit_limit": "tp",
}


@dataclass(frozen=True, slots=True)
class Reach:
    """How far beyond the price an order at the market may go, as a share; the simulated venue has the same.

    Parameters
    ----------
    market : from the middle of the book
    trigger : from the trigger of a stop or take-profit that becomes an order at the market
    """

    market: Decimal = Decimal("0.05")
    trigger: Decimal = Decimal("0.1")

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        for name in ("market", "trigger"):
            if not 0 < getattr(self, name) < 1:
                raise ParameterError(f"reach: {name} = {getattr(self, name)}: must be above 0 and below 1")


def new_order(
    order: OrderEvent, instrument: ListedInstrument, middle: Callable[[], Decimal | None], reach: Reach
) -> NewOrder | Refused:
    """Return an order as it is to be placed, or why the exchange would not take it.

    An order at the market becomes an immediate one with a limit, since the exchange has no other. ``middle`` tells the middle of the
    book, or None while it is not known.
    """
    terms: dict[str, Any] = {"price": order.price, "time_in_force": order.time_in_force}
    if order.time_in_force == "fok" or order.kind in {"trailing_stop", "twap"}:
        what = order.kind if order.kind != "limit" else order.time_in_force
        return Refused(RefusalKind.UNSUPPORTED, f"{what}: the exchange has no such order")
    if order.kind == "market":
        price = middle()
        if price is None:
            return Refused(RefusalKind.NO_LIQUIDITY, "a market order, before the book is known")
        terms = {"price": instrument.rules.reach(price, reach.market, order.side), "time_in_force": "ioc"}
    elif order.trigger_price is not None:
        terms = _trigger(order, instrument, order.trigger_price, reach)
    new = NewOrder(
        coin=instrument.coin,
        is_buy=order.side == "buy",
        # Exits of a position are as large as it is when they wake.
        quantity=Decimal(0) if order.for_position else order.quantity,
        reduce_only=order.reduce_only or order.for_position,
        cloid=order.cloid,
        **terms,
    )
    return new.refusal(instrument, is_whole_position=order.for_position) or new


def changed_order(
    new: NewOrder, order: OrderEvent, price: Decimal, quantity: Decimal, instrument: ListedInstrument, reach: Reach
) -> NewOrder | Refused:
    """Return what is to replace an order: at another limit, or if it has none, at another trigger; and what is to be left of it."""
    terms: dict[str, Any] = {"price": price}
    if order.trigger_price is not None and order.price is None:
        terms = _trigger(order, instrument, price, reach)
    changed = replace(new, quantity=quantity, **terms)
    return changed.refusal(instrument) or changed


def _trigger(order: OrderEvent, instrument: ListedInstrument, trigger: Decimal, reach: Reach) -> dict[str, Any]:
    """Return what an order that waits for a price has besides."""
    at_market = order.price is None
    limit = instrument.rules.reach(trigger, reach.trigger, order.side) if at_market else order.price
    return {
        "price": limit,
        "time_in_force": "gtc",
        "trigger_price": trigger,
        "trigger": _TRIGGERS[order.kind],
        "trigger_market": at_market,
    }
