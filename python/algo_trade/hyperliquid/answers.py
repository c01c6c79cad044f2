"""What became of each order of an action: typed, with whatever is new kept as it came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from algo_trade.hyperliquid.refusals import RefusalKind, kind_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Resting:
    """The order rests."""

    oid: int
    cloid: str | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """It was filled, perhaps in part: what is left of an immediate order is gone. Its fee is told by its fills alone."""

    oid: int
    quantity: Decimal
    average_price: Decimal
    cloid: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """It waits, for its parent to fill or for its price; it has no oid yet: find it by its cloid."""

    word: str


@dataclass(frozen=True, slots=True)
class Refused:
    """It was refused, in the exchange's words."""

    kind: RefusalKind
    text: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """It was taken off the book."""


@dataclass(frozen=True, slots=True)
class Unread:
    """The exchange said something new: it was executed in some way, and people have to read how."""

    raw: Any


@dataclass(frozen=True, slots=True)
class Unknown:
    """It is not known what became of it: ask with ``resolve``, and never send it again.

    Parameters
    ----------
    cloid, oid : the order, by either
    nonce : of the action, which a no-op with the same nonce voids
    since_ms : when it was sent; no fill of it is older
    deadline_ms : from then on it can not be executed any more; None: it does not expire
    reason : why it is not known
    is_change : it was to replace an order, which may rest meanwhile under the same cloid
    """

    nonce: int
    since_ms: int
    deadline_ms: int | None
    reason: str
    cloid: str | None = None
    oid: int | None = None
    is_change: bool = False


OrderAnswer: TypeAlias = Resting | Filled | Waiting | Refused | Unread | Unknown
CancelAnswer: TypeAlias = Cancelled | Refused | Unread | Unknown

_WAITING = frozenset({"waitingForFill", "waitingForTrigger"})


def order_answer(status: dict[str, Any]) -> OrderAnswer:
    """Return what one status of an order or a modify says."""
    answer = _answer(status)
    return Unread(status) if isinstance(answer, Cancelled) else answer


def cancel_answer(status: dict[str, Any]) -> CancelAnswer:
    """Return what one status of a cancel says."""
    answer = _answer(status)
    return answer if isinstance(answer, Cancelled | Refused) else Unread(status)


def matched(statuses: Sequence[dict[str, Any]], items: int) -> list[dict[str, Any]] | None:
    """Return a status for each item; None if it cannot be told which is whose.

    The exchange may answer to a whole batch with one error, which then stands for all of it.
    """
    if len(statuses) == items:
        return list(statuses)
    if len(statuses) == 1 and "error" in statuses[0]:
        return list(statuses) * items
    return None


def _answer(status: dict[str, Any]) -> Resting | Filled | Waiting | Refused | Cancelled | Unread:
    if (text := status.get("error")) is not None:
        return Refused(kind_of(text), text)
    if (resting := status.get("resting")) is not None:
        return Resting(resting["oid"], resting["cloid"])
    if (filled := status.get("filled")) is not None:
        return Filled(filled["oid"], filled["quantity"], filled["average_price"], filled["cloid"])
    word = status.get("word")
    if word in _WAITING:
        return Waiting(word)
    return Cancelled() if word == "success" else Unread(status)
