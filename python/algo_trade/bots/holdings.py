"""What a bot holds by what it was told, and which of that it heard before a restart already."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Self

from algo_trade._native import AccountEvent, FillEvent, OrderUpdate
from algo_trade.hyperliquid.reporting import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from algo_trade._native import Recovered
    from algo_trade.bots.memory import Estate
    from algo_trade.bots.models import Books
    from algo_trade.core.protocols import Report

ZERO = Decimal(0)


@dataclass(slots=True)
class Holdings:
    """Takes reports on their way to a trading system, each once.

    Parameters
    ----------
    held : positions by symbol
    paid_ns : when funding was paid last, by symbol
    left_ns : when the last run ended; 0 of one that was cut off
    forced : trades of no order of the bot's system that it has heard of
    closings : ids of orders that closed positions past its system
    """

    held: dict[str, Decimal] = field(default_factory=dict)
    paid_ns: Mapping[str, int] = field(default_factory=dict)
    left_ns: int = 0
    forced: frozenset[int] = frozenset()
    closings: set[str] = field(default_factory=set)

    @classmethod
    def left(cls, estate: Estate, symbols: Iterable[str]) -> Self:
        """Return what another run left to one that trades these symbols."""
        held = {symbol: quantity for symbol, quantity, _ in estate.positions}
        paid_ns = {**dict.fromkeys(symbols, estate.time_ns), **estate.fundings}
        return cls(held, paid_ns, estate.time_ns, estate.forced)

    @classmethod
    def recovered(cls, books: Books, journal: Recovered) -> Self:
        """Return what a run has that goes on where its journal ends."""
        held = {each.symbol: each.quantity for each in books.positions}
        forced = frozenset(fill.trade_id for fill in journal.fills if fill.cloid == NOBODY)
        return cls(held, journal.last_funding_ns, forced=forced)

    def position(self, symbol: str) -> Decimal:
        """Return what is held of a symbol."""
        return self.held.get(symbol, ZERO)

    def take(self, report: Report, now_ns: int) -> Report | None:
        """Count a report; return it as the system is to hear it, or None if it is not."""
        match report:
            case FillEvent():
                is_closing = report.cloid in self.closings
                if is_closing:
                    report = of_nobody(report, now_ns)
                if report.cloid == NOBODY and report.trade_id in self.forced:
                    return None
                # What was closed past the system while it was away came after its end, whatever the exchange's clock says.
                if report.cloid == NOBODY and not is_closing and report.time_ns <= self.left_ns:
                    return None
                self.held[report.symbol] = self.position(report.symbol) + signed(report)
            case AccountEvent() if report.symbol is not None:
                if report.kind == "position":
                    self.held[report.symbol] = report.quantity or ZERO
                elif report.time_ns <= self.paid_ns.get(report.symbol, 0):
                    return None
            case OrderUpdate() if report.cloid in self.closings:
                return None
            case _:
                pass
        return report


def signed(fill: FillEvent) -> Decimal:
    """Return what a fill does to a position."""
    return fill.quantity if fill.side == "buy" else -fill.quantity


def of_nobody(fill: FillEvent, now_ns: int, quantity: Decimal | None = None, fee: Decimal | None = None) -> FillEvent:
    """Return a fill, or a part of it, as one of no order of a system's: for that it is the exchange's doing, as a liquidation is."""
    return FillEvent(
        fill.symbol,
        cloid=NOBODY,
        side=fill.side,
        price=fill.price,
        quantity=fill.quantity if quantity is None else quantity,
        fee=fill.fee if fee is None else fee,
        time=fill.time_ns,
        local_time=now_ns,
        liquidity=fill.liquidity,
        reason=fill.reason,
        trade_id=fill.trade_id,
        oid=fill.oid,
    )
