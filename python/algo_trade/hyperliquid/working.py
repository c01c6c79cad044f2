"""Orders of a trading system that are under way at the exchange."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from algo_trade._native import OrderEvent
    from algo_trade.hyperliquid.answers import Unknown
    from algo_trade.hyperliquid.exchange import NewOrder
    from algo_trade.hyperliquid.instruments import ListedInstrument


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something went wrong with an order (or with none in particular) that a person may want to know."""

    text: str
    time_ns: int
    cloid: str | None = None


@dataclass(slots=True)
class Working:
    """An order under way. ``new`` is as the exchange has it; ``unknown`` is the action whose answer is lost."""

    order: OrderEvent
    instrument: ListedInstrument
    new: NewOrder
    since_ms: int
    # Held while it is placed, changed or looked up: one after the other.
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    unknown: Unknown | None = None
    is_adopted: bool = False
    is_cancelled: bool = False
    is_looking: bool = False
    is_proving: bool = False
    strange: tuple[str, ...] = ()

    @property
    def cloid(self) -> str:
        """Its id."""
        return self.order.cloid


def families(orders: Iterable[Working]) -> list[tuple[str, list[Working]]]:
    """Return orders with those that hang on them, by the id of the parent."""
    found: dict[str, list[Working]] = {}
    for each in orders:
        found.setdefault(each.order.parent or each.cloid, []).append(each)
    return list(found.items())
