"""What may be asked of the exchange, and when: weight by IP address, requests by account. No clock and no I/O in here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from algo_trade.hyperliquid.settings import LimitSettings

# Of questions that are cheaper, and dearer, than the others.
_WEIGHTS = {
    **dict.fromkeys(
        ["allMids", "l2Book", "clearinghouseState", "spotClearinghouseState", "orderStatus", "exchangeStatus"], 2
    ),
    "userRole": 60,
}
_WEIGHT = 20

# Questions that are charged by what they return, too: items for one more of weight, and the most that an answer can have.
_BY_ITEMS = {
    "recentTrades": (20, 500),
    "candleSnapshot": (60, 5000),
    "fundingHistory": (20, 500),
    "historicalOrders": (20, 2000),
    "userFills": (20, 2000),
    "userFillsByTime": (20, 2000),
    "userTwapSliceFills": (20, 2000),
    "twapHistory": (20, 2000),
    "userFunding": (20, 500),
    "userNonFundingLedgerUpdates": (20, 2000),
}


def info_weight(question: str) -> int:
    """Return the weight of a question, whatever it returns."""
    return _WEIGHTS.get(question, _WEIGHT)


def items_weight(question: str, items: int | None = None) -> int:
    """Return what is added for so many items, or at most, if it is not known yet how many there are."""
    each, items_max = _BY_ITEMS.get(question, (1, 0))
    return (items_max if items is None else items) // each if items_max else 0


def action_weight(items: int) -> int:
    """Return the weight of an action on so many orders."""
    return 1 + items // 40


class Bucket:
    """A leaky bucket of weight. What is under way is held in it, and begins to leak once it is answered.

    What is held and what was charged never exceed ``burst`` together, and what was charged leaks away at ``per_s``. The exchange counts a
    request at some moment between its leaving and its answer, and in that time it lies in the bucket: so in any stretch of time of length
    ``t``, wherever it begins, the exchange counts at most ``burst + per_s × t``, however long requests take on their way.
    """

    __slots__ = ("_burst", "_held", "_level", "_per_s", "_since")

    def __init__(self, burst: float, per_s: float) -> None:
        self._burst = burst
        self._per_s = per_s
        self._level = 0.0
        self._held = 0.0
        self._since = 0.0

    def wait_s(self, now_s: float, weight: float, reserve: float = 0.0) -> float:
        """Return how long until so much fits and ``reserve`` stays free; infinite while it takes answers under way to tell."""
        self._leak(now_s)
        if self._held + weight + reserve > self._burst:
            return float("inf")
        over = self._level + self._held + weight + reserve - self._burst
        return max(0.0, over / self._per_s)

    def left(self, now_s: float) -> float:
        """Return what would fit now."""
        self._leak(now_s)
        return max(0.0, self._burst - self._level - self._held)

    def hold(self, weight: float) -> None:
        """Hold what a request weighs at most."""
        self._held += weight

    def settle(self, now_s: float, held: float, weight: float) -> None:
        """Charge what a request turned out to weigh, instead of what was held for it."""
        self._leak(now_s)
        self._held -= held
        self._level += weight

    def _leak(self, now_s: float) -> None:
        # A clock that goes back gives nothing away.
        self._level = max(0.0, self._level - max(0.0, now_s - self._since) * self._per_s)
        self._since = max(self._since, now_s)


@dataclass(slots=True)
class AddressBudget:
    """The requests that an account has for actions: 10000, and one for each USDC that it ever traded.

    Counted as they are sent; the exchange's own count sets that right. It may have counted a request at any moment until its answer:
    so pauses begin with answers, and what was under way may be missing in what it says.
    """

    settings: LimitSettings
    used: int = 0
    cap: int = 10_000
    _sent: int = 0
    settled: int = 0
    """Of all that was sent, what is not under way any more."""
    _last_s: float = float("-inf")
    _asked_s: float = float("-inf")

    def told(self, used: int, cap: int, settled: int) -> None:
        """Take over what the exchange says; ``settled`` is what was settled when it was asked."""
        # Of what was not, nobody knows whether it is in the count: the own count stays if it may be right.
        most = used + self._sent - settled
        if not used <= self.used <= most:
            self.used = most
        self.cap = cap

    def spent(self) -> None:
        """Take note that the exchange says that there is no more, without saying how much there was."""
        self.used = max(self.used, self.cap)

    def wants_news(self, now_s: float) -> bool:
        """Return whether the exchange should be asked again; then it counts as asked. More often when little is left."""
        is_low = self.used >= self.cap * self.settings.budget_slow_from
        if now_s - self._asked_s < self.settings.budget_poll_s / (10 if is_low else 1):
            return False
        self._asked_s = now_s
        return True

    def traded(self, notional: int) -> None:
        """Take note of trading, in whole USDC; what the exchange says replaces it."""
        self.cap += notional

    def sent(self, now_s: float, items: int) -> None:
        """Count an action on so many orders."""
        self.used += items
        self._sent += items
        self._last_s = now_s

    def answered(self, now_s: float, items: int) -> None:
        """Take note that an action is not under way any more."""
        self.settled += items
        if items:
            self._last_s = now_s

    def refused(self, items: int) -> None:
        """Count it back: an action that is refused as a whole costs nothing."""
        self.used = max(0, self.used - items)

    @property
    def cancel_cap(self) -> int:
        """How many requests there are for cancels."""
        return min(self.cap + 100_000, 2 * self.cap)

    def wait_s(self, now_s: float, items: int, *, may_use_reserve: bool, is_cancel: bool = False) -> float:
        """Return how long an action on so many orders has to wait; infinite if the rest is kept for others."""
        settings = self.settings
        after = self.used + items
        if is_cancel:
            return 0.0 if after <= self.cancel_cap else self._spaced(now_s, settings.budget_spent_interval_s)
        if may_use_reserve:
            return 0.0 if after <= self.cap else self._spaced(now_s, settings.budget_spent_interval_s)
        if after > self.cap - min(settings.budget_reserve, self.cap // 10):
            return float("inf")
        if after > self.cap * settings.budget_slow_from:
            return self._spaced(now_s, settings.budget_slow_interval_s)
        return 0.0

    def _spaced(self, now_s: float, interval_s: float) -> float:
        return max(0.0, self._last_s + interval_s - now_s)
