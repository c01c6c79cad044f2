"""How long messages took, out of the orders' own time stamps."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from algo_trade.execution.book import ConstantLatency

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from algo_trade.backtest.calibration.orders import OwnOrder

HEADER = "req_ns,exch_ns,resp_ns"


@dataclass(frozen=True, slots=True)
class Measured:
    """Measured latencies.

    Attributes
    ----------
    samples : (sent, at the venue, answered) for each order that the venue took, by time of sending
    is_response_known : whether any answer has a time; if not, it is taken to be as long as the way there
    """

    samples: tuple[tuple[int, int, int], ...]
    is_response_known: bool

    @classmethod
    def of(cls, orders: Sequence[OwnOrder]) -> Measured:
        """Measure; an order with a time of the answer alone counts half the round trip for each way."""
        ways = [way for order in sorted(orders, key=lambda order: order.sent_ns) if (way := _way(order)) is not None]
        backs = [back - ack for _, ack, back in ways if back is not None]
        usual = round(median(backs)) if backs else None
        samples: dict[int, tuple[int, int, int]] = {}
        for sent, ack, back in ways:
            # The table has one sample for an instant: orders of one batch travel together.
            samples.setdefault(
                sent, (sent, ack, back if back is not None else ack + (ack - sent if usual is None else usual))
            )
        return cls(tuple(samples.values()), usual is not None)

    def constant(self) -> ConstantLatency:
        """The medians."""
        return ConstantLatency(
            entry_ns=round(median(ack - sent for sent, ack, _ in self.samples)),
            response_ns=round(median(back - ack for _, ack, back in self.samples)),
        )

    def write(self, path: Path) -> None:
        """Write them as a file of ``latency = { kind = "table" }``."""
        rows = [f"{sent},{ack},{back}" for sent, ack, back in self.samples]
        path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")


def _way(order: OwnOrder) -> tuple[int, int, int | None] | None:
    if order.ack_ns is not None:
        return order.sent_ns, order.ack_ns, order.response_ns
    if order.response_ns is None:
        return None
    return order.sent_ns, order.sent_ns + (order.response_ns - order.sent_ns) // 2, order.response_ns
