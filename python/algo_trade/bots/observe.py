"""What the metrics say of bots, and of the exchange as they have it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from algo_trade.bots.gateway import Gateway
    from algo_trade.bots.models import BotStatus
    from algo_trade.bots.registry import BotRegistry
    from algo_trade.telemetry import Metrics

# So many bots, or orders, are looked at before others may run.
STEP = 50
PAPER = "resting"
LIVE = ("submitted", "resting", "unknown")


def observe(metrics: Metrics, registry: BotRegistry, gateway: Gateway) -> Iterator[None]:
    """Set what is asked for when somebody looks: states, books, orders, ages of streams, what is left within limits."""
    for limit, left in gateway.budgets():
        metrics.rate_limit_budget(limit, left)
    ages = dict(gateway.stream_ages())
    for stream, age_s in ages.items():
        metrics.stream_age(stream, age_s)
    metrics.keep_streams(set(ages))
    yield
    orders: Counter[tuple[object, str]] = Counter()
    for desk in gateway.accounts():
        for number, place in enumerate(desk.open_orders()):
            orders[place] += 1
            if number % STEP == STEP - 1:
                yield
    for number, handle in enumerate(registry.all()):
        status, run = handle.status(), registry.run_of(handle.bot_id)
        _observe_bot(metrics, status)
        if status.mode == "live":
            for state in LIVE:
                metrics.open_orders(status.bot_id, state, orders[run, state])
        elif status.books is not None:
            metrics.open_orders(status.bot_id, PAPER, status.books.open_orders)
        if number % STEP == STEP - 1:
            yield


def _observe_bot(metrics: Metrics, status: BotStatus) -> None:
    bot_id = status.bot_id
    metrics.bot_state(bot_id, str(status.state))
    metrics.mailbox_depth(bot_id, status.mailbox)
    if status.books is not None:
        metrics.bot_equity(bot_id, float(status.books.equity))
        metrics.bot_pnl(bot_id, float(status.books.pnl))
        held = {each.symbol: float(each.quantity) for each in status.books.positions}
        for symbol in status.symbols:
            metrics.bot_position(bot_id, symbol, held.get(symbol, 0.0))


class Tally:
    """Passes on what a run has counted since it was asked last."""

    def __init__(self, metrics: Metrics, bot_id: str) -> None:
        self._metrics = metrics
        self._bot_id = bot_id
        self._told: dict[str, int] = {}

    def take(self, counted: Mapping[str, int]) -> None:
        """Take what was counted since the start of the run."""
        for what, count in counted.items():
            new = count - self._told.get(what, 0)
            if new and what == "fill":
                self._metrics.fills(self._bot_id, new)
            elif new:
                self._metrics.orders_done(self._bot_id, what, new)
        self._told = dict(counted)
