"""What a trading system hears of its orders, in an order that it can rely on: each fill once, and the end after all fills."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from algo_trade._native import AccountEvent, FillEvent, OrderUpdate, order_outcome

if TYPE_CHECKING:
    from algo_trade._native import OrderEvent
    from algo_trade.core.protocols import Report
    from algo_trade.hyperliquid.orders import LiveOrder, LiveOrders
    from algo_trade.hyperliquid.stream.events import AccountFill, AccountFunding

NOBODY = f"0x{0:032x}"
"""The id of an order that nobody placed: that of a liquidation."""

_FORCED = ("Auto-Deleveraging", "Liquidated", "Settlement")


@dataclass(slots=True)
class _Told:
    order: OrderEvent
    fills: int = 0
    state: tuple[int | None, str] = (None, "")
    is_over: bool = False


class Reporting:
    """Turns what is known of live orders into reports, and says nothing twice."""

    def __init__(self, orders: LiveOrders) -> None:
        self._orders = orders
        self._told: dict[str, _Told] = {}

    def begin(self, order: OrderEvent, *, told: int = 0) -> None:
        """Begin an order, of which so many fills were told before."""
        self._told[order.cloid] = _Told(order, fills=told)

    def forget(self, cloid: str) -> None:
        """Give an order up."""
        self._told.pop(cloid, None)

    def is_over(self, cloid: str) -> bool:
        """Return whether the end of an order was told."""
        told = self._told.get(cloid)
        return told is None or told.is_over

    def news(self, order: LiveOrder, now_ns: int, *, is_cancelled: bool) -> list[Report]:
        """Return what is new of an order.

        Its end waits for the fills that the exchange says there are; fills that come later still are told. ``is_cancelled``: we have
        asked for its end.
        """
        told = self._told[order.cloid]
        fills = self._orders.fills(order.cloid)
        reports: list[Report] = [fill_event(fill, order.cloid, now_ns) for fill in fills[told.fills :]]
        told.fills = len(fills)
        if told.is_over:
            return reports
        if order.is_done:
            if not order.missing:
                told.is_over = True
                reports.append(self._end(order, told.order, now_ns, is_cancelled=is_cancelled))
        elif order.state == "resting" and told.state != (order.oid, order.status):
            told.state = (order.oid, order.status)
            status = "resting"
            if told.order.trigger_price is not None or order.oid is None:
                status = "triggered" if order.status == "triggered" else "waiting"
            reports.append(_update(order, now_ns, status))
        return reports

    def change_refused(self, order: LiveOrder, reason: str, now_ns: int) -> list[Report]:
        """Return the news that an order is as it was."""
        return [] if self.is_over(order.cloid) else [_update(order, now_ns, "action_rejected", reason)]

    def _end(self, order: LiveOrder, asked: OrderEvent, now_ns: int, *, is_cancelled: bool) -> OrderUpdate:
        if order.state == "filled":
            return _update(order, now_ns, "filled")
        _, reason = order_outcome(order.status) or (None, None)
        if order.refusal is not None and reason in {None, "other"}:
            reason = order.refusal.kind.reason
        # What an immediate order could not fill is cancelled in the words of a cancel of ours.
        is_immediate = asked.kind == "market" or asked.time_in_force == "ioc"
        if reason == "requested" and is_immediate and not is_cancelled:
            reason = "ioc_cancel"
        return _update(order, now_ns, order.state, reason or "other")


def fill_event(fill: AccountFill, cloid: str, now_ns: int) -> FillEvent:
    """Return a fill as a trading system takes it."""
    usual = "taker" if fill.is_taker else "queue"
    return FillEvent(
        fill.symbol,
        cloid=cloid,
        side=fill.side,
        price=fill.price,
        quantity=fill.quantity,
        fee=fill.fee,
        time=fill.time_ns,
        local_time=now_ns,
        liquidity="taker" if fill.is_taker else "maker",
        reason="liquidation" if is_forced(fill) else usual,
        trade_id=fill.trade_id,
        oid=fill.oid,
    )


def is_forced(fill: AccountFill) -> bool:
    """Return whether a fill is the exchange's doing: a liquidation, a deleveraging, a settlement of the account's position."""
    liquidation = fill.data.get("liquidation")
    is_ours = liquidation is not None and str(liquidation["liquidated_user"]).lower() == fill.user.lower()
    return is_ours or str(fill.data.get("direction", "")).startswith(_FORCED)


def funding_event(payment: AccountFunding) -> AccountEvent:
    """Return a payment of funding as a trading system takes it, at the hour that it is for: that tells it from all others.

    The exchange does not tell the oracle price that it was worked out at: it follows from the payment, to the last digits of that.
    """
    size = payment.data["size"]
    divisor = abs(size * payment.rate)
    oracle = abs(payment.amount / divisor).quantize(Decimal("1e-8")) if divisor else Decimal(0)
    return AccountEvent.funding(payment.symbol, payment.hour_ns, -payment.amount, payment.rate, oracle)


def _update(order: LiveOrder, now_ns: int, status: str, reason: str | None = None) -> OrderUpdate:
    return OrderUpdate(order.symbol, cloid=order.cloid, status=status, reason=reason, time=now_ns, oid=order.oid or 0)
