"""A strategy that sends orders of every kind from a list of numbers, so that Hypothesis can shrink it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

import algo_trade as at


@dataclass(frozen=True, slots=True)
class Act:
    """What to do at a bar: ``kind``, and how far from the close, in steps of 0.5."""

    kind: str
    is_buy: bool
    size: int
    away: int
    further: int
    is_reduce_only: bool
    time_in_force: str


KINDS = [
    "market",
    "limit",
    "stop",
    "stop limit",
    "take profit",
    "take profit limit",
    "trail",
    "cancel",
    "modify",
    "target",
]
ACTS = st.builds(
    Act,
    kind=st.sampled_from(KINDS),
    is_buy=st.booleans(),
    size=st.integers(1, 40),
    away=st.integers(-8, 8),
    further=st.integers(-3, 3),
    is_reduce_only=st.sampled_from([False, False, False, True]),
    time_in_force=st.sampled_from(["gtc", "ioc", "alo"]),
)


class Anything(at.Strategy):
    """Does at each bar the next act of its list."""

    def __init__(self, acts: list[Act], lot: str, tick: str) -> None:
        super().__init__()
        self.acts = acts
        self.lot, self.tick = Decimal(lot), Decimal(tick)
        self.next = 0
        self.placed: list[str] = []
        self.modified: set[str] = set()

    def on_bar(self, ctx: Any, bar: at.Bar) -> at.Signal | None:
        if self.next >= len(self.acts):
            return None
        act = self.acts[self.next]
        self.next += 1
        quantity = act.size * self.lot * 3
        # Between ticks too: a price that is not on the grid is moved to the passive side of it.
        price = bar.close + act.away * Decimal("0.5") + Decimal("0.03")
        other = price + act.further * Decimal("0.5")
        if act.kind == "target":
            makes = [at.Signal.exit(bar.symbol), at.Signal.long(bar.symbol, 0.5), at.Signal.short(bar.symbol)]
            return makes[act.size % 3]
        if act.kind == "cancel":
            if self.placed:
                ctx.cancel(self.placed[act.size % len(self.placed)])
            return None
        if act.kind == "modify":
            limits = [order for order in ctx.orders(bar.symbol).open if order.kind == "limit"]
            if limits:
                cloid = limits[act.size % len(limits)].cloid
                ctx.modify(cloid, price=price, quantity=quantity)
                self.modified.add(cloid)
            return None
        options: dict[str, dict[str, Any]] = {
            "market": {},
            "limit": {"price": price, "time_in_force": act.time_in_force},
            "stop": {"stop": price},
            "stop limit": {"stop": price, "price": other},
            "take profit": {"take_profit": price},
            "take profit limit": {"take_profit": price, "price": other},
            "trail": {"trail": abs(act.away) * Decimal("0.5") + 1},
        }
        send = ctx.buy if act.is_buy else ctx.sell
        self.placed.append(send(bar.symbol, quantity, reduce_only=act.is_reduce_only, **options[act.kind]))
        return None
