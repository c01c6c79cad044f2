"""What a strategy of targets must do on bars: market orders for the difference, a share of the volume at most, exact to the last step."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .bars import UNIT, Bar, Fill, charged, slipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Costs:
    """How a market order is filled."""

    fill_on: str = "next_open"
    commission: Decimal = Decimal("0.00045")
    slippage_bps: Decimal = Decimal(1)
    participation: Decimal = Decimal("0.1")

    @property
    def options(self) -> dict[str, Any]:
        """As keywords of ``at.backtest``."""
        return {"fill_on": self.fill_on, "commission_rate": self.commission, "slippage_bps": self.slippage_bps}


@dataclass(slots=True)
class _Desk:
    costs: Costs
    fills: list[Fill] = field(default_factory=list)
    position: int = 0
    # Sign and what is left of the order that works.
    order: tuple[int, int] = (1, 0)

    def aim(self, target: int) -> None:
        """Drop what still works towards an earlier target, and order the difference to the present position."""
        difference = target - self.position
        self.order = (1 if difference > 0 else -1, abs(difference))

    def meet(self, price: int, time_ns: int, share: int) -> int:
        """Fill what works, as far as the share of the volume goes; return what is left of the share."""
        sign, left = self.order
        quantity = min(left, share)
        if quantity:
            paid = slipped(price, sign, self.costs.slippage_bps)
            self.fills.append(Fill(time_ns, sign, paid, quantity, charged(paid, quantity, self.costs.commission)))
            self.order = (sign, left - quantity)
            self.position += sign * quantity
        return share - quantity


def fills_from_targets(bars: Sequence[Bar], targets: dict[int, int], costs: Costs) -> list[Fill]:
    """Return the fills of a run in which the close of bar ``i`` asks for the position ``targets[i]``."""
    desk = _Desk(costs)
    for index, bar in enumerate(bars):
        share = bar.volume * int(costs.participation * UNIT) // UNIT
        if costs.fill_on == "next_open":
            desk.meet(bar.open, bar.open_ns, share)
        else:
            # What was ordered at an earlier close comes before what this one decides.
            share = desk.meet(bar.close, bar.close_ns, share)
        if index in targets:
            desk.aim(targets[index])
            if costs.fill_on == "close":
                desk.meet(bar.close, bar.close_ns, share)
    return desk.fills


def crossings(closes: Sequence[int], fast: int, slow: int) -> Iterator[tuple[int, int]]:
    """Yield (bar, +1 or −1) where the fast average's side is first known, and where it changes. A tie keeps the side."""
    side = 0
    for index in range(max(fast, slow) - 1, len(closes)):
        # Averages compared without a division: a tie is a tie.
        fast_sum = sum(closes[index + 1 - fast : index + 1]) * slow
        slow_sum = sum(closes[index + 1 - slow : index + 1]) * fast
        now = (fast_sum > slow_sum) - (fast_sum < slow_sum)
        if now not in {0, side}:
            side = now
            yield index, side


def sized(signals: Iterator[tuple[int, int]], quantity: int, direction: str) -> dict[int, int]:
    """Return positions to aim for: ±quantity, or zero for the short side with ``long_only``."""
    return {index: quantity * (side if direction == "both" else max(side, 0)) for index, side in signals}
