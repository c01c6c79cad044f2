"""Limits outside a strategy's reach: what an order may be, and when a bot has lost enough."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from decimal import Decimal

    from algo_trade.risk.exposure import Exposure, Wish

_SECOND_NS = 1_000_000_000
_DAY_NS = 86_400 * _SECOND_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is allowed; None: no such limit. Money is in quote currency, shares are parts of 1.

    Parameters
    ----------
    max_order_notional : of one order
    max_position_notional : of one symbol, if everything asked for was filled
    max_leverage : of all symbols together over equity, the same way
    max_orders_per_second : new orders and changes; cancels and what only reduces are free
    max_price_distance : of a limit from the mark price
    max_daily_loss : of a day (UTC)
    max_drawdown : of equity from its highest
    """

    max_order_notional: Decimal | None = None
    max_position_notional: Decimal | None = None
    max_leverage: Decimal | None = None
    max_orders_per_second: Decimal | None = None
    max_price_distance: Decimal | None = None
    max_daily_loss: Decimal | None = None
    max_drawdown: Decimal | None = None

    @classmethod
    def of(cls, table: object) -> Self:
        """Return the limits that a table of the configuration holds, under the same names."""
        return cls(**{each.name: getattr(table, each.name) for each in fields(cls)})


class Pace:
    """How fast something may be done: a bucket of one second's worth, by the time of events."""

    def __init__(self, per_second: Decimal) -> None:
        self._per_second = float(per_second)
        self._full = max(1.0, self._per_second)
        self._left = self._full
        self._at_ns = 0

    def take(self, now_ns: int) -> bool:
        """Take one, if there is one."""
        if now_ns > self._at_ns:
            grown = self._left + (now_ns - self._at_ns) / _SECOND_NS * self._per_second
            self._left, self._at_ns = min(self._full, grown), now_ns
        if self._left < 1:
            return False
        self._left -= 1
        return True


def order_refusal(limits: Limits, wish: Wish, exposure: Exposure) -> str | None:
    """Return why an order may not be sent by itself, whatever else there is; None if it may."""
    mark = exposure.price(wish.symbol)
    price = wish.price if wish.price is not None else mark
    if price is None:
        return "there is no price yet to judge it by"
    if limits.max_price_distance is not None and wish.price is not None and mark is not None:
        distance = abs(wish.price - mark)
        if distance > limits.max_price_distance * mark:
            return f"price {wish.price} is more than max_price_distance = {limits.max_price_distance} from {mark}"
    # Whoever buys high is bound by the limit, whoever sells low by the market.
    worth = wish.quantity * max(price, mark or price)
    if limits.max_order_notional is not None and not wish.reduce_only and worth > limits.max_order_notional:
        return f"it is worth {worth:.2f}, above max_order_notional = {limits.max_order_notional}"
    return None


class LimitCheck:
    """Judges orders by limits. One for a bot, and one over all."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        per_second = limits.max_orders_per_second
        self._pace = None if per_second is None else Pace(per_second)

    def refusal(self, wish: Wish, exposure: Exposure, equity: Decimal, now_ns: int) -> str | None:
        """Return why an order may not be sent, with the limit and what it would be; None if it may.

        What can only reduce a position is held to the price alone.
        """
        limits = self.limits
        why = order_refusal(limits, wish, exposure)
        if why is not None or wish.reduce_only:
            return why
        if limits.max_position_notional is not None:
            position = exposure.notional(wish.symbol, wish)
            if position > limits.max_position_notional:
                return (
                    f"with it {wish.symbol} could come to {position:.2f}, above max_position_notional = "
                    f"{limits.max_position_notional}"
                )
        if limits.max_leverage is not None:
            gross = exposure.gross(wish)
            if gross > limits.max_leverage * equity:
                return (
                    f"with it {gross:.2f} could be in the market, above max_leverage = {limits.max_leverage} times "
                    f"{equity:.2f}"
                )
        return self.pace(now_ns)

    def pace(self, now_ns: int) -> str | None:
        """Return why nothing may be sent now, if too much was."""
        if self._pace is None or self._pace.take(now_ns):
            return None
        return f"more than max_orders_per_second = {self.limits.max_orders_per_second}"


@dataclass(frozen=True, slots=True)
class LossState:
    """What losses are measured from: equity at the beginning of a day (UTC, counted from 1970), and the highest there was."""

    day: int = -1
    day_equity: Decimal | None = None
    peak: Decimal | None = None


class LossWatch:
    """Sees when enough was lost. ``state`` is to be kept over a restart, which forgives nothing."""

    def __init__(self, limits: Limits, state: LossState | None = None) -> None:
        self.limits = limits
        self.state = state or LossState()

    def breach(self, equity: Decimal, now_ns: int) -> str | None:
        """Take equity as it is now; return which limit is broken, if one is."""
        limits, state = self.limits, self.state
        day, peak = now_ns // _DAY_NS, equity if state.peak is None else max(state.peak, equity)
        day_equity = equity if day != state.day or state.day_equity is None else state.day_equity
        if (day, day_equity, peak) != (state.day, state.day_equity, state.peak):
            self.state = LossState(day, day_equity, peak)
        loss = day_equity - equity
        if limits.max_daily_loss is not None and loss >= limits.max_daily_loss:
            return f"{loss:.2f} were lost today, max_daily_loss = {limits.max_daily_loss}"
        if limits.max_drawdown is not None and peak > 0:
            drawdown = (peak - equity) / peak
            if drawdown >= limits.max_drawdown:
                return f"equity is {drawdown:.2%} below its highest, max_drawdown = {limits.max_drawdown}"
        return None
