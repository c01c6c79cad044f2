"""What a bot holds by what it was told; and what was told before it began, which comes again and is no news."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from algo_trade._native import AccountEvent, FillEvent
from algo_trade.hyperliquid.reporting import NOBODY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algo_trade._native import Recovered
    from algo_trade.bots.memory import Estate
    from algo_trade.bots.models import BotPosition
    from algo_trade.core.protocols import Report


class Told:
    """What one run was told by the exchange, with what those before it were.

    Attributes
    ----------
    held : what it holds of each symbol
    """

    def __init__(self) -> None:
        self.held: dict[str, Decimal] = {}
        self._paid_ns: dict[str, int] = {}
        self._forced: frozenset[int] = frozenset()
        self._left_ns = 0

    def inherit(self, estate: Estate, symbols: Sequence[str]) -> None:
        """Begin with what another run left."""
        self.held = {symbol: quantity for symbol, quantity, _ in estate.positions}
        self._left_ns = estate.time_ns
        self._paid_ns = {**dict.fromkeys(symbols, estate.time_ns), **estate.fundings}
        self._forced = estate.forced

    def go_on(self, recovered: Recovered, positions: Sequence[BotPosition]) -> None:
        """Go on where another process was stopped."""
        self.held = {each.symbol: each.quantity for each in positions}
        self._paid_ns = recovered.last_funding_ns
        self._forced = frozenset(fill.trade_id for fill in recovered.fills if fill.cloid == NOBODY)

    def is_news(self, report: Report) -> bool:
        """Take what became of an order, or of money; return whether it was not told before."""
        if isinstance(report, FillEvent):
            if report.cloid == NOBODY and (report.trade_id in self._forced or report.time_ns <= self._left_ns):
                return False
            signed = report.quantity if report.side == "buy" else -report.quantity
            self.held[report.symbol] = self.held.get(report.symbol, Decimal(0)) + signed
        elif isinstance(report, AccountEvent) and report.symbol is not None:
            if report.kind == "position":
                self.held[report.symbol] = report.quantity or Decimal(0)
            else:
                return report.time_ns > self._paid_ns.get(report.symbol, 0)
        return True
