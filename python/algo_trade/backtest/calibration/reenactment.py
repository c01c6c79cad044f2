"""Our own orders once more, on the recorded market: sent and cancelled when they were, filled by the venue's model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from algo_trade.backtest.run import backtest
from algo_trade.execution import Fees
from algo_trade.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from algo_trade._native import Context
    from algo_trade.backtest.calibration.orders import OwnOrder
    from algo_trade.data import HistoricalDataProvider
    from algo_trade.execution import VenueConfig

CAPITAL = 1_000_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of each order, in the order of the file.

    Attributes
    ----------
    share : (n,) float, the share of the quantity that was filled, 0 to 1
    wait_ns : (n,) float, from sending to the first fill; NaN where there was none
    """

    share: npt.NDArray[np.float64]
    wait_ns: npt.NDArray[np.float64]

    def of(self, rows: npt.NDArray[np.bool_]) -> Outcomes:
        """Some of them."""
        return Outcomes(self.share[rows], self.wait_ns[rows])


@dataclass(frozen=True, slots=True)
class Replayed:
    """A run of our orders: what became of them, the times of its first and last event, and refusals by reason."""

    outcomes: Outcomes
    start_ns: int
    end_ns: int
    refused: dict[str, int]


def recorded(orders: Sequence[OwnOrder]) -> Outcomes:
    """What became of the orders at the venue."""
    waits = [np.nan if order.first_fill_ns is None else order.first_fill_ns - order.sent_ns for order in orders]
    return Outcomes(np.array([order.share for order in orders]), np.array(waits, dtype=np.float64))


def cancel_ns(order: OwnOrder) -> int | None:
    """When the cancel of an order is sent in a replay.

    The file cannot say when an order that was filled whole would have been cancelled. It stays for twice the time that it
    took: a model that fills it later is late by at most that, and one that does not fill it by then has missed it.
    """
    if order.done_ns is None or order.filled_quantity < order.quantity:
        return order.done_ns
    return order.sent_ns + 2 * (order.done_ns - order.sent_ns)


class Reenactment(Strategy):
    """Sends and cancels orders at given times, and decides nothing."""

    def __init__(self, orders: Sequence[OwnOrder]) -> None:
        super().__init__()
        self._orders = orders
        sent = [(order.sent_ns, 0, row) for row, order in enumerate(orders)]
        # A cancel comes one wake-up after its order at the soonest: before that the order has no instrument.
        gone = [
            (max(time, order.sent_ns + 1), 1, row)
            for row, order in enumerate(orders)
            if (time := cancel_ns(order)) is not None
        ]
        self._actions = sorted(sent + gone)
        self._next = 0
        self._rows: dict[int, str] = {}
        self.row_of: dict[str, int] = {}
        self.start_ns = 0

    def on_start(self, ctx: Context) -> None:
        """Act on what is due at once, and wait for the rest."""
        self.start_ns = ctx.now_ns
        self._act(ctx, ctx.now_ns)

    def on_timer(self, ctx: Context, now_ns: int) -> None:
        """Act on what is due, and wait for the next."""
        self._act(ctx, now_ns)

    def _act(self, ctx: Context, now_ns: int) -> None:
        while self._next < len(self._actions) and self._actions[self._next][0] <= now_ns:
            _, is_cancel, row = self._actions[self._next]
            self._next += 1
            if is_cancel:
                # Of an order that is gone already, the venue says so.
                ctx.cancel(self._rows[row])
            else:
                self._send(ctx, row)
        if self._next < len(self._actions):
            ctx.set_timer(self._actions[self._next][0] - now_ns, repeat=False)

    def _send(self, ctx: Context, row: int) -> None:
        order = self._orders[row]
        send = ctx.buy if order.side == "buy" else ctx.sell
        cloid = send(order.symbol, order.quantity, price=order.price, time_in_force=order.time_in_force)
        self._rows[row] = cloid
        self.row_of[cloid] = row


def replay(
    data: HistoricalDataProvider,
    orders: Sequence[OwnOrder],
    venue: VenueConfig,
    *,
    progress: Callable[[int], object] | None = None,
) -> Replayed:
    """Run the orders on the recorded market; ``venue`` says where in the queue they stand and how long messages take."""
    strategy = Reenactment(orders)
    result = backtest(data, strategy, venue=_without_money(venue), initial_capital=CAPITAL, progress=progress)
    row_of = strategy.row_of
    share, wait = np.zeros(len(orders)), np.full(len(orders), np.nan)
    fills = result.fills.group_by("cloid").agg(pl.col("time").min().dt.epoch("ns"), pl.col("quantity").sum())
    for cloid, time, quantity in fills.iter_rows():
        row = row_of[cloid]
        share[row] = float(quantity / orders[row].quantity)
        wait[row] = time - orders[row].sent_ns
    refused = result.orders.filter(pl.col("status") == "rejected")["reason"].value_counts().iter_rows()
    # The result knows its end to the microsecond.
    end_ns = (result.end - _EPOCH) // timedelta(microseconds=1) * 1_000 + 999
    return Replayed(Outcomes(share, wait), strategy.start_ns, end_ns, {str(reason): count for reason, count in refused})


def _without_money(venue: VenueConfig) -> VenueConfig:
    """Take the same venue without what could refuse an order that the real one took: margin, fees, limits on orders."""
    return venue.model_copy(
        update={
            "margin": "none",
            "fees": Fees(maker_rate=Decimal(0), taker_rate=Decimal(0)),
            "funding": "none",
            "partial_fills": True,
            "max_open_orders": 1_000_000,
        }
    )
