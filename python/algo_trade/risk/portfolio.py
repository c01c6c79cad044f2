"""Limits over all bots together: what each could come to adds up, whichever way it points."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from algo_trade.risk.limits import Limits, LossState, LossWatch, Pace, order_refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from algo_trade.risk.exposure import Exposure, Wish

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class PortfolioLoss:
    """What losses of all bots together are measured from, whichever of them are there.

    Parameters
    ----------
    day, lost : what was lost on a day (UTC, counted from 1970); below 0 it was won
    left : which share of the highest equity there is
    won : what each bot had won when it was seen last: what it wins or loses until it is seen again counts
    """

    day: int
    lost: Decimal
    left: Decimal
    won: Mapping[str, Decimal]


class Portfolio:
    """What all bots could come to, symbol by symbol. Bots call it from their own threads.

    Parameters
    ----------
    limits : over all of them
    loss : what a process before this one had lost
    """

    def __init__(self, limits: Limits, loss: PortfolioLoss | None = None) -> None:
        self._lock = threading.Lock()
        self._worth: dict[tuple[str, str], Decimal] = {}
        self._equity: dict[str, Decimal] = {}
        self._bots: set[str] = set()
        self._won: dict[str, Decimal] = {} if loss is None else dict(loss.won)
        # Nobody is there yet, so that what there is is nothing.
        self._watch = LossWatch(limits, None if loss is None else LossState(loss.day, loss.lost, ZERO))
        self._left = Decimal(1) if loss is None else loss.left
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
            if limits.max_position_notional is not None:
                of_symbol = (w for (bot, symbol), w in self._worth.items() if symbol == wish.symbol and bot != bot_id)
                together = sum(of_symbol, worth)
                if together > limits.max_position_notional:
                    return (
                        f"with it all bots could come to {together:.2f} of {wish.symbol}, above "
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

    def owns(self, bot_id: str, equity: Decimal, capital: Decimal) -> None:
        """Take what a bot owns now, and what that is counted against. What it comes with is no profit."""
        with self._lock:
            if bot_id not in self._bots:
                return
            won = equity - capital
            if bot_id not in self._equity:
                self._moved(capital + self._won.get(bot_id, won))
            self._equity[bot_id], self._won[bot_id] = equity, won

    def forget(self, bot_id: str) -> None:
        """Let a bot count no more, whatever a strategy that hangs may still do. What it takes along is no loss."""
        with self._lock:
            self._bots.discard(bot_id)
            if bot_id in self._equity:
                self._moved(-self._equity[bot_id])
                del self._equity[bot_id]
            for key in [key for key in self._worth if key[0] == bot_id]:
                del self._worth[key]

    def drop(self, bot_id: str) -> None:
        """Forget a bot that is no more: another one of its name begins anew."""
        with self._lock:
            self._won.pop(bot_id, None)

    @property
    def loss(self) -> PortfolioLoss | None:
        """What losses are measured from, to be kept over a restart; None before anybody was there."""
        with self._lock:
            state, equity = self._watch.state, sum(self._equity.values(), ZERO)
            if state.day_equity is None:
                return None
            return PortfolioLoss(state.day, state.day_equity - equity, self._share(equity), dict(self._won))

    def _share(self, equity: Decimal) -> Decimal:
        """Return which share of the highest equity there is; while there is none, which it was."""
        peak = self._watch.state.peak
        return self._left if equity <= 0 or peak is None else equity / max(peak, equity)

    def _moved(self, amount: Decimal) -> None:
        """Take note that equity grows by what was put in, or taken out where it is below 0: that is neither won nor lost."""
        state, equity = self._watch.state, sum(self._equity.values(), ZERO)
        if state.day_equity is None:
            return
        self._left = self._share(equity)
        peak = max(ZERO, equity + amount) / self._left
        self._watch.state = LossState(state.day, state.day_equity + amount, peak)

    def breach(self, now_ns: int) -> str | None:
        """Return which limit of loss all bots together have broken, if one is."""
        with self._lock:
            if not self._equity:
                return None
            return self._watch.breach(sum(self._equity.values(), ZERO), now_ns)
