"""The life of our live orders, out of everything that is told about them, in whatever order and however often it is told.

Answers to actions, news of orders and fills come on channels that do not wait for each other. So an order keeps facts, and its state
is a function of the facts alone: no order of arrival can lead to another one.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from algo_trade._native import order_outcome
from algo_trade.errors import ParameterError
from algo_trade.hyperliquid.answers import Filled, Refused, Resting, Unknown, Waiting
from algo_trade.hyperliquid.refusals import RefusalKind
from algo_trade.hyperliquid.stream.events import AccountFill

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from algo_trade.hyperliquid.answers import OrderAnswer
    from algo_trade.hyperliquid.outcomes import Settled
    from algo_trade.hyperliquid.stream.events import OpenOrders, OrderNews

OrderState: TypeAlias = Literal["submitted", "unknown", "resting", "filled", "cancelled", "rejected"]
"""Sent; nothing is known of it though something should be; on the book, or waiting to be; and the three ends."""

ENDS = frozenset({"filled", "cancelled", "rejected"})
# Fills and news of orders whose id is not known to be ours (yet): others trade on the account, too.
EARLY_MAX = 10_000


@dataclass(frozen=True, slots=True)
class LiveOrder:
    """An order as it is known to be now.

    ``filled`` is the sum of its fills and nothing else; ``missing`` is what the exchange executed besides, by its own word, so that
    those fills are still on their way. ``quantity`` is what it comes to once all is filled, before and after changes. ``status`` is the
    exchange's word for its state, empty if there is none; ``refusal`` is why it was refused. ``strange`` are statuses that are new to
    us, for people to read.
    """

    cloid: str
    symbol: str
    quantity: Decimal
    state: OrderState
    oid: int | None
    filled: Decimal
    missing: Decimal
    status: str
    refusal: Refused | None
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
    # Of the newest oid; and of its successor, with the oid that it replaces, while a change is under way.
    size: Decimal
    change: tuple[int, Decimal] | None = None
    oids: set[int] = field(default_factory=set)
    # By oid: the newest time at which it had a status, whether that is an end, and its text. Ends win over what else has their time.
    statuses: dict[int, tuple[bool, int, str]] = field(default_factory=dict)
    fills: dict[tuple[Any, ...], AccountFill] = field(default_factory=dict)
    # By oid: what was executed, as answers and ends tell; and the whole of it, once somebody has looked.
    executed: dict[int, Decimal] = field(default_factory=dict)
    proven: Decimal | None = None
    strange: set[str] = field(default_factory=set)
    refusal: Refused | None = None
    waits: str = ""
    is_unanswered: bool = False
    is_forgotten: bool = False
    modifies: bool = False
    missing_ns: int = 0

    def told(self, oid: int, status: str, time_ns: int) -> bool:
        """Take a status; return whether it is an end."""
        state = _state_of(status)
        if state is None:
            self.strange.add(status)
            return False
        # An oid that has ended does not come back: a modify gives a new one.
        fact = (state in ENDS, time_ns, status)
        self.statuses[oid] = max(self.statuses.get(oid, fact), fact)
        return state in ENDS

    def linked(self, oid: int) -> None:
        """Take note of an oid; the one that replaces another has its own size."""
        self.oids.add(oid)
        if self.change is not None and oid > self.change[0]:
            # That it is there says that the change was made, whatever its answer says or does not.
            self.size, self.change, self.missing_ns = self.change[1], None, 0

    def order(self) -> LiveOrder:
        oid = self.newest
        filled = sum((fill.quantity for fill in self.fills.values()), Decimal(0))
        # What the orders had filled that this one replaced.
        before = sum((fill.quantity for fill in self.fills.values() if fill.oid != oid), Decimal(0))
        state, status = self._state(oid)
        if filled >= before + self.size:
            state, status = "filled", "filled"
        executed = sum(self.executed.values(), Decimal(0)) if self.proven is None else self.proven
        return LiveOrder(
            cloid=self.cloid,
            symbol=self.symbol,
            quantity=before + self.size,
            state=state,
            oid=oid,
            filled=filled,
            missing=max(Decimal(0), executed - filled),
            status=status,
            refusal=self.refusal if state == "rejected" else None,
            strange=tuple(sorted(self.strange)),
        )

    @property
    def newest(self) -> int | None:
        """The oid that lives: the exchange counts upwards."""
        return max(self.oids, default=None)

    def _state(self, oid: int | None) -> tuple[OrderState, str]:
        if oid is None:
            if self.refusal is not None:
                return "rejected", ""
            if self.is_unanswered or self.missing_ns:
                return "unknown", ""
            return ("resting", self.waits) if self.waits else ("submitted", "")
        is_end, time_ns, status = self.statuses.get(oid, (False, 0, "open"))
        state = _state_of(status) or "resting"
        if is_end and state == "cancelled" and self.modifies:
            # The order that a modify replaces is cancelled under the same cloid; its successor may not be known yet.
            return "unknown", status
        if not is_end and self.is_forgotten:
            return "cancelled", ""
        if not is_end and self.missing_ns > time_ns:
            return "unknown", ""
        return state, status


class LiveOrders:
    """All orders of ours that were sent, by their cloid, until they are dropped."""

    def __init__(self) -> None:
        self._orders: dict[str, _Facts] = {}
        # Those of which the end was not told yet: looking at all would take longer and longer.
        self._living: dict[str, _Facts] = {}
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
        facts = self._orders[cloid] = self._living[cloid] = _Facts(cloid, symbol, quantity)
        return facts.order()

    def adopt(self, cloid: str, symbol: str, leaves: Decimal, fills: Sequence[AccountFill]) -> LiveOrder:
        """Take an order over that was sent before a restart; nothing is known of it but what was filled then.

        Raises
        ------
        ParameterError
            If the cloid is known already.
        """
        newest = max((fill.oid for fill in fills), default=None)
        own = sum((fill.quantity for fill in fills if fill.oid == newest), Decimal(0))
        self.submit(cloid, symbol, leaves + own)
        for fill in sorted(fills, key=lambda each: each.oid):
            self.fill(fill)
        facts = self._orders[cloid]
        facts.is_unanswered = not facts.oids
        facts.missing_ns = 1 if facts.oids else 0
        return facts.order()

    def answered(self, cloid: str, answer: OrderAnswer) -> LiveOrder:
        """Take the answer to the order."""
        facts = self._orders[cloid]
        facts.is_unanswered = False
        match answer:
            case Unknown():
                # The order may live, and must be looked up.
                facts.is_unanswered = not facts.oids
            case Refused():
                facts.refusal = answer
            case _:
                self._take(facts, answer)
        return facts.order()

    def modifying(self, cloid: str, size: Decimal) -> LiveOrder:
        """Take note that a change is about to be sent, to an order of a ``size`` of its own; one is under way at a time."""
        facts = self._orders[cloid]
        facts.modifies = True
        facts.change = (facts.newest or 0, size)
        return facts.order()

    def modified(self, cloid: str, answer: OrderAnswer) -> LiveOrder:
        """Take the answer to a change. After an error nothing rests until it is seen to: the order must be looked up."""
        facts = self._orders[cloid]
        facts.modifies = False
        if isinstance(answer, Unknown | Refused):
            if facts.change is None:
                return facts.order()
            facts.missing_ns = max(facts.missing_ns, 1 + max((t for _, t, _ in facts.statuses.values()), default=0))
        else:
            self._take(facts, answer)
        return facts.order()

    def settled(self, cloid: str, found: Settled, asked_ns: int, fills: Sequence[AccountFill] = ()) -> LiveOrder:
        """Take what a look-up found that began at ``asked_ns``, and fills of it; after it, the order is not unknown any more."""
        facts = self._orders[cloid]
        for fill in fills:
            self.fill(fill)
        facts.is_unanswered = False
        if found.oid is not None:
            self._link(facts, found.oid)
        facts.change = None
        if found.state == "resting" and found.oid is not None:
            facts.told(found.oid, "open", max(asked_ns, facts.missing_ns))
            return facts.order()
        # Everything is over: what it was is told by its fills, and all that was filled was found.
        facts.proven = found.filled
        if found.oid is not None and found.status is not None and _state_of(found.status) in ENDS:
            facts.told(found.oid, found.status, max(asked_ns, facts.missing_ns))
        elif facts.oids:
            facts.is_forgotten = True
        else:
            facts.refusal = facts.refusal or Refused(RefusalKind.NOT_SENT, "it never arrived")
        return facts.order()

    def news(self, news: OrderNews) -> LiveOrder | None:
        """Take news of an order; None if it is not known to be ours."""
        facts = self._find(news.cloid, news.oid)
        if facts is None:
            self._keep(news)
            return None
        self._link(facts, news.oid)
        if facts.told(news.oid, news.status, news.time_ns):
            asked, left = (news.data.get("order", {}).get(name) for name in ("original_quantity", "quantity"))
            if asked is not None and left is not None:
                facts.executed[news.oid] = max(asked - left, facts.executed.get(news.oid, Decimal(0)))
        return facts.order()

    def fill(self, fill: AccountFill) -> LiveOrder | None:
        """Take a fill; None if its order is not known to be ours. The same fill counts once."""
        facts = self._find(fill.cloid, fill.oid)
        if facts is None:
            self._keep(fill)
            return None
        self._link(facts, fill.oid)
        facts.fills.setdefault((fill.coin, fill.trade_id, fill.time_ns, fill.oid), fill)
        return facts.order()

    def fills(self, cloid: str) -> Sequence[AccountFill]:
        """Return the fills of an order, in the order in which they were told."""
        facts = self._orders.get(cloid)
        return list(facts.fills.values()) if facts else []

    def open_orders(self, found: OpenOrders, symbols: Iterable[str]) -> list[LiveOrder]:
        """Take a list of all that rested; return the orders in these symbols that should have been in it and must be looked up."""
        cloids = set()
        for row in _with_children(found.orders):
            facts = self._find(row["cloid"], row["oid"])
            if facts is not None:
                cloids.add(facts.cloid)
                self._link(facts, row["oid"])
                facts.told(row["oid"], "open", max(row["time"], facts.missing_ns))
        listed = set(symbols)
        missing = []
        for facts in self._living.values():
            state = facts.order().state
            if facts.symbol in listed and state in {"resting", "unknown"} and facts.cloid not in cloids:
                facts.missing_ns = max(facts.missing_ns, found.asked_ns)
                missing.append(facts.order())
        return [order for order in missing if order.state == "unknown"]

    def get(self, cloid: str) -> LiveOrder | None:
        """Return an order."""
        facts = self._orders.get(cloid)
        return facts.order() if facts else None

    def live(self) -> list[LiveOrder]:
        """Return all orders that have not ended."""
        return list(self.each())

    def each(self) -> Iterator[LiveOrder]:
        """Yield all orders that have not ended, each as it is when its turn comes."""
        for facts in list(self._living.values()):
            order = facts.order()
            if not order.is_done:
                yield order

    def over(self, cloid: str) -> None:
        """Take note that an order has ended and that this was told; what is still said of it is taken in."""
        self._living.pop(cloid, None)

    def drop(self, cloid: str) -> None:
        """Forget an order that has ended."""
        self.over(cloid)
        facts = self._orders.pop(cloid, None)
        for oid in facts.oids if facts else ():
            self._cloids.pop(oid, None)

    def _take(self, facts: _Facts, answer: OrderAnswer) -> None:
        # Whatever was missing before: what was just answered is there.
        facts.missing_ns = 0
        match answer:
            case Resting():
                self._link(facts, answer.oid)
            case Filled():
                # The size that an answer names is not added: it comes as fills.
                self._link(facts, answer.oid)
                facts.executed[answer.oid] = max(answer.quantity, facts.executed.get(answer.oid, Decimal(0)))
            case Waiting():
                facts.waits = answer.word
            case _:
                facts.strange.add(str(answer))

    def _find(self, cloid: str | None, oid: int) -> _Facts | None:
        facts = self._orders.get(cloid) if cloid else None
        return facts or self._orders.get(self._cloids.get(oid, ""))

    def _link(self, facts: _Facts, oid: int) -> None:
        """Take note that an order has an oid, and apply what came under it before that was known."""
        if oid in facts.oids:
            return
        facts.linked(oid)
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


def _state_of(status: str) -> OrderState | None:
    """Return what a status of the exchange means; None for a text that is new to us."""
    match order_outcome(status):
        case None:
            return None
        case ("cancelled", _):
            return "cancelled"
        case ("rejected", _):
            return "rejected"
        case ("filled", _):
            return "filled"
        case _:
            return "resting"


def _with_children(rows: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """Yield orders and those that wait for them."""
    for row in rows:
        yield row
        yield from _with_children(row.get("children") or ())
