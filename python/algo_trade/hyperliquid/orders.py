"""The life of our live orders, out of everything that is told about them, in whatever order and however often it is told.

Answers to actions, news of orders and fills come on channels that do not wait for each other. So an order keeps facts, and its state
is a function of the facts alone: no order of arrival can lead to another one.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from algo_trade.errors import ParameterError
from algo_trade.hyperliquid.stream.events import AccountFill

if TYPE_CHECKING:
    from collections.abc import Iterable

    from algo_trade.hyperliquid.stream.events import OpenOrders, OrderNews

OrderState: TypeAlias = Literal["submitted", "unknown", "resting", "filled", "cancelled", "rejected"]
"""Sent; nothing is known of it though something should be; on the book; and the three ends."""

ENDS = frozenset({"filled", "cancelled", "rejected"})
# Fills and news of orders whose id is not known to be ours (yet): others trade on the account, too.
EARLY_MAX = 10_000


def state_of(status: str) -> OrderState | None:
    """Return what a status of the exchange means; None for a text that is new to us."""
    if status in {"open", "triggered"}:
        return "resting"
    if status == "filled":
        return "filled"
    if status == "scheduledCancel" or status.lower().endswith("canceled"):
        return "cancelled"
    if status.lower().endswith("rejected"):
        return "rejected"
    return None


@dataclass(frozen=True, slots=True)
class LiveOrder:
    """An order as it is known to be now.

    ``filled`` is the sum of its fills and nothing else: a ``filled`` order whose fills are still on their way shows less than
    ``quantity``. ``reason`` is the exchange's word for its end. ``strange`` are statuses that are new to us, for people to read.
    """

    cloid: str
    symbol: str
    quantity: Decimal
    state: OrderState
    oid: int | None
    filled: Decimal
    reason: str
    strange: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether it rests no more and never will."""
        return self.state in ENDS

    @property
    def remaining(self) -> Decimal:
        """What is not filled, by the fills that are known."""
        return self.quantity - self.filled


@dataclass(slots=True)
class _Facts:
    cloid: str
    symbol: str
    quantity: Decimal
    oids: set[int] = field(default_factory=set)
    # By oid: the newest time at which it had a status, whether that is an end, and its text. Ends win over what else has their time.
    statuses: dict[int, tuple[bool, int, str]] = field(default_factory=dict)
    fills: dict[tuple[Any, ...], Decimal] = field(default_factory=dict)
    strange: set[str] = field(default_factory=set)
    refused: str = ""
    is_unanswered: bool = False
    modifies: int = 0
    missing_ns: int = 0

    def told(self, oid: int, status: str, time_ns: int) -> None:
        state = state_of(status)
        self.oids.add(oid)
        if state is None:
            self.strange.add(status)
            return
        # An oid that has ended does not come back: a modify gives a new one.
        fact = (state in ENDS, time_ns, status)
        self.statuses[oid] = max(self.statuses.get(oid, fact), fact)

    def order(self) -> LiveOrder:
        # The exchange counts upwards: of the oids that a cloid had, the highest is the one that lives.
        oid = max(self.oids, default=None)
        filled = sum(self.fills.values(), Decimal(0))
        state, reason = self._state(oid)
        if filled >= self.quantity:
            state, reason = "filled", ""
        return LiveOrder(
            self.cloid, self.symbol, self.quantity, state, oid, filled, reason, tuple(sorted(self.strange))
        )

    def _state(self, oid: int | None) -> tuple[OrderState, str]:
        if oid is None:
            if self.refused:
                return "rejected", self.refused
            return ("unknown" if self.is_unanswered or self.missing_ns else "submitted"), ""
        is_end, time_ns, status = self.statuses.get(oid, (False, 0, "open"))
        state = state_of(status) or "resting"
        if state == "cancelled" and self.modifies:
            # The order that a modify replaces is cancelled under the same cloid; its successor may not be known yet.
            return "unknown", status
        if not is_end and self.missing_ns > time_ns:
            return "unknown", ""
        return state, status if is_end and state != "filled" else ""


class LiveOrders:
    """All orders of ours that were sent, by their cloid, until they are dropped."""

    def __init__(self) -> None:
        self._orders: dict[str, _Facts] = {}
        self._cloids: dict[int, str] = {}
        self._early: OrderedDict[int, list[AccountFill | OrderNews]] = OrderedDict()

    def submit(self, cloid: str, symbol: str, quantity: Decimal) -> LiveOrder:
        """Begin an order, before it is sent.

        Raises
        ------
        ParameterError
            If the cloid was used before, or the quantity is not above zero.
        """
        if cloid in self._orders:
            raise ParameterError(f"order: cloid = {cloid}: was used before")
        if not quantity > 0:
            raise ParameterError(f"order: quantity = {quantity}: must be above 0")
        facts = self._orders[cloid] = _Facts(cloid, symbol, quantity)
        return facts.order()

    def answered(self, cloid: str, status: dict[str, Any]) -> LiveOrder:
        """Take the exchange's answer to the order, as the decoder gives it: resting, filled, error, or a word."""
        facts = self._orders[cloid]
        facts.is_unanswered = False
        if "error" in status:
            facts.refused = status["error"]
        elif "resting" in status or "filled" in status:
            # The size that an answer names is not added: it comes as fills.
            self._link(facts, (status.get("resting") or status["filled"])["oid"])
        else:
            facts.strange.add(str(status.get("word", status)))
        return facts.order()

    def unanswered(self, cloid: str) -> LiveOrder:
        """Take note that no answer came: the order may live, and must be looked up."""
        facts = self._orders[cloid]
        facts.is_unanswered = not facts.oids
        return facts.order()

    def modifying(self, cloid: str, quantity: Decimal) -> LiveOrder:
        """Take note that a change is about to be sent; ``quantity`` is the new one, what is filled included."""
        facts = self._orders[cloid]
        facts.modifies += 1
        facts.quantity = quantity
        return facts.order()

    def modified(self, cloid: str, status: dict[str, Any]) -> LiveOrder:
        """Take the answer to a change. After an error nothing rests until it is seen to: the order must be looked up."""
        facts = self._orders[cloid]
        facts.modifies = max(0, facts.modifies - 1)
        if "error" in status:
            facts.missing_ns = max(facts.missing_ns, 1 + max((t for _, t, _ in facts.statuses.values()), default=0))
        else:
            self._link(facts, (status.get("resting") or status["filled"])["oid"])
        return facts.order()

    def news(self, news: OrderNews) -> LiveOrder | None:
        """Take news of an order; None if it is not known to be ours."""
        facts = self._find(news.cloid, news.oid)
        if facts is None:
            self._keep(news)
            return None
        self._link(facts, news.oid)
        facts.told(news.oid, news.status, news.time_ns)
        return facts.order()

    def fill(self, fill: AccountFill) -> LiveOrder | None:
        """Take a fill; None if its order is not known to be ours. The same fill counts once."""
        facts = self._find(fill.cloid, fill.oid)
        if facts is None:
            self._keep(fill)
            return None
        self._link(facts, fill.oid)
        facts.fills[fill.coin, fill.trade_id, fill.time_ns, fill.oid] = fill.quantity
        return facts.order()

    def open_orders(self, found: OpenOrders, symbols: Iterable[str]) -> list[LiveOrder]:
        """Take a list of all that rested; return the orders in these symbols that should have been in it and must be looked up."""
        oids = set()
        for row in found.orders:
            oids.add(row["oid"])
            facts = self._find(row["cloid"], row["oid"])
            if facts is not None:
                self._link(facts, row["oid"])
                facts.told(row["oid"], "open", max(row["time"], facts.missing_ns))
        listed = set(symbols)
        missing = []
        for facts in self._orders.values():
            order = facts.order()
            if facts.symbol in listed and order.state in {"resting", "unknown"} and order.oid not in oids:
                facts.missing_ns = max(facts.missing_ns, found.asked_ns)
                missing.append(facts.order())
        return [order for order in missing if order.state == "unknown"]

    def never_arrived(self, cloid: str) -> LiveOrder:
        """End an order that the exchange does not know, and can not come to know any more: its expiry has passed."""
        facts = self._orders[cloid]
        facts.refused = facts.refused or "never arrived"
        return facts.order()

    def get(self, cloid: str) -> LiveOrder | None:
        """Return an order."""
        facts = self._orders.get(cloid)
        return facts.order() if facts else None

    def live(self) -> list[LiveOrder]:
        """Return all orders that have not ended."""
        return [order for facts in self._orders.values() if not (order := facts.order()).is_done]

    def drop(self, cloid: str) -> None:
        """Forget an order that has ended."""
        facts = self._orders.pop(cloid, None)
        for oid in facts.oids if facts else ():
            self._cloids.pop(oid, None)

    def _find(self, cloid: str | None, oid: int) -> _Facts | None:
        facts = self._orders.get(cloid) if cloid else None
        return facts or self._orders.get(self._cloids.get(oid, ""))

    def _link(self, facts: _Facts, oid: int) -> None:
        """Take note that an order has an oid, and apply what came under it before that was known."""
        if oid in facts.oids:
            return
        facts.oids.add(oid)
        self._cloids[oid] = facts.cloid
        for early in self._early.pop(oid, ()):
            if isinstance(early, AccountFill):
                self.fill(early)
            else:
                self.news(early)

    def _keep(self, early: AccountFill | OrderNews) -> None:
        self._early.setdefault(early.oid, []).append(early)
        if len(self._early) > EARLY_MAX:
            self._early.popitem(last=False)
