"""What the metrics say of a bot."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from algo_trade.bots.models import BotStatus
    from algo_trade.telemetry import Metrics


def observe(metrics: Metrics, status: BotStatus) -> None:
    """Set the gauges of a bot."""
    bot_id = status.bot_id
    metrics.bot_state(bot_id, str(status.state))
    metrics.mailbox_depth(bot_id, status.mailbox)
    if status.books is not None:
        metrics.bot_equity(bot_id, float(status.books.equity))
        metrics.bot_pnl(bot_id, float(status.books.pnl))
        held = {each.symbol: float(each.quantity) for each in status.books.positions}
        for symbol in status.symbols:
            metrics.bot_position(bot_id, symbol, held.get(symbol, 0.0))
