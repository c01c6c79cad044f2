"""Limits over all bots together: what each could come to adds up, whichever way it points."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import TYPE_CHECKING

from algo_trade.risk.limits import Limits, LossWatch, Pace, order_refusal

if TYPE_CHECKING:
    from algo_trade.risk.exposure import Exposure, Wish

ZERO = Decimal(0)


class Portfolio:
    """What all bots could come to, symbol by symbol. Bots call it from their own threads.

    Parameters
    ----------
    limits : over all of them
    """

    def __init__(self, limits: Limits) -> None:
        self._lock = threading.Lock()
        self._worth: dict[tuple[str, str], Decimal] = {}
        self._equity: dict[str, Decimal] = {}
        self._bots: set[str] = set()
        self._watch = LossWatch(limits)
        self.limits = limits

    @property
    def limits(self) -> Limits:
        """The limits now."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        with self._lock:
            self._limits = limits
            per_second = limits.max_orders_per_second
            self._pace = None if per_second is None else Pace(per_second)
            self._watch.limits = limits

    def join(self, bot_id: str) -> None:
        """Let a bot count, from when it is known what it owns."""
        with self._lock:
            self._bots.add(bot_id)

    def refusal(self, bot_id: str, wish: Wish, exposure: Exposure, now_ns: int) -> str | None:
        """Return why an order may not be sent, if it may not; if it may, it counts from now on."""
        limits = self._limits
        why = order_refusal(limits, wish, exposure)
        if why is not None:
            return f"{why} of all bots"
        if wish.reduce_only:
            return None
        with self._lock:
            worth = exposure.notional(wish.symbol, wish)
            others = sum(
                (w for (bot, symbol), w in self._worth.items() if symbol == wish.symbol and bot != bot_id), ZERO
            )
            if limits.max_position_notional is not None and others + worth > limits.max_position_notional:
                return (
                    f"with it all bots could come to {others + worth:.2f} of {wish.symbol}, above "
                    f"max_position_notional = {limits.max_position_notional} of all bots"
                )
            if limits.max_leverage is not None:
                gross = sum(self._worth.values(), ZERO) - self._worth.get((bot_id, wish.symbol), ZERO) + worth
                equity = sum(self._equity.values(), ZERO)
                if gross > limits.max_leverage * equity:
                    return (
                        f"with it all bots could have {gross:.2f} in the market, above max_leverage = "
                        f"{limits.max_leverage} times {equity:.2f} of all bots"
                    )
            if self._pace is not None and not self._pace.take(now_ns):
                return f"more than max_orders_per_second = {limits.max_orders_per_second} of all bots"
            if bot_id in self._bots:
                self._worth[bot_id, wish.symbol] = worth
        return None

    def changed(self, bot_id: str, symbol: str, exposure: Exposure) -> None:
        """Take what a bot could come to of a symbol now."""
        worth = exposure.notional(symbol)
        with self._lock:
            if worth and bot_id in self._bots:
                self._worth[bot_id, symbol] = worth
            else:
                self._worth.pop((bot_id, symbol), None)

    def owns(self, bot_id: str, equity: Decimal) -> None:
        """Take what a bot owns now. What it comes with is no profit."""
        with self._lock:
            if bot_id not in self._bots:
                return
            if bot_id not in self._equity:
                self._watch.moved(equity)
            self._equity[bot_id] = equity

    def forget(self, bot_id: str) -> None:
        """Let a bot count no more, whatever a strategy that hangs may still do. What it takes along is no loss."""
        with self._lock:
            self._bots.discard(bot_id)
            self._watch.moved(-self._equity.pop(bot_id, ZERO))
            for key in [key for key in self._worth if key[0] == bot_id]:
                del self._worth[key]

    def breach(self, now_ns: int) -> str | None:
        """Return which limit of loss all bots together have broken, if one is."""
        with self._lock:
            if not self._equity:
                return None
            return self._watch.breach(sum(self._equity.values(), ZERO), now_ns)
