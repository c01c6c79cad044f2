"""What a bot holds and has asked for, by what it was told: orders that are on their way count as if they were there."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from algo_trade._native import (
    AccountEvent,
    Bar,
    BookSnapshot,
    FillEvent,
    MarketContext,
    ModifyOrder,
    OrderUpdate,
    Quote,
    SubmitOrder,
    Trade,
)

if TYPE_CHECKING:
    from algo_trade.core.protocols import Command, MarketEvent, Report

ZERO = Decimal(0)
ENDS = frozenset({"filled", "cancelled", "rejected"})


@dataclass(frozen=True, slots=True)
class Wish:
    """An order as limits see it: a new one, or what a change would make of one. ``price`` is None at the market."""

    cloid: str
    symbol: str
    is_buy: bool
    quantity: Decimal
    price: Decimal | None
    reduce_only: bool


@dataclass(slots=True)
class _Working:
    symbol: str
    is_buy: bool
    leaves: Decimal
    reduce_only: bool


class Exposure:
    """Positions, working orders and prices of one bot."""

    def __init__(self) -> None:
        self.positions: dict[str, Decimal] = {}
        self._working: dict[str, _Working] = {}
        # What the newest price of a symbol can be read off: that is done for the few events after which somebody asks.
        self._newest: dict[str, MarketEvent] = {}

    def hear(self, event: MarketEvent) -> None:
        """Take the newest price of a symbol: the mark price, or the middle of a book; before the first of these, a print or a close."""
        kind = type(event)
        if kind is MarketContext or ((kind is Quote or kind is BookSnapshot) and event.is_two_sided):  # type: ignore[union-attr]
            self._newest[event.symbol] = event
        elif kind is Trade or kind is Bar:
            self._newest.setdefault(event.symbol, event)

    def price(self, symbol: str) -> Decimal | None:
        """Return the newest price of a symbol; None before the first."""
        match self._newest.get(symbol):
            case Quote(bid_price=bid, ask_price=ask):
                return (bid + ask) / 2
            case MarketContext(mark_price=price) | Trade(price=price) | Bar(close=price):
                return price
            case BookSnapshot(bids=bids, asks=asks):
                return (bids[0][0] + asks[0][0]) / 2
            case _:
                return None

    def wish(self, command: Command) -> Wish | None:
        """Return what a command asks for, if it places or changes an order."""
        match command:
            case SubmitOrder():
                order = command.order
                price = order.price if order.price is not None else order.trigger_price
                return Wish(order.cloid, order.symbol, order.side == "buy", order.quantity, price, order.reduce_only)
            case ModifyOrder():
                working = self._working.get(command.cloid)
                if working is None:
                    return None
                return Wish(
                    command.cloid,
                    command.symbol,
                    working.is_buy,
                    command.quantity,
                    command.price,
                    working.reduce_only,
                )
            case _:
                return None

    def asked(self, wish: Wish) -> None:
        """Count what is asked for; until a change is answered, the larger of both sizes."""
        known = self._working.get(wish.cloid)
        leaves = wish.quantity if known is None else max(known.leaves, wish.quantity)
        self._working[wish.cloid] = _Working(wish.symbol, wish.is_buy, leaves, wish.reduce_only)

    def told(self, report: Report) -> None:
        """Take what became of it."""
        match report:
            case FillEvent():
                signed = report.quantity if report.side == "buy" else -report.quantity
                self.positions[report.symbol] = self.positions.get(report.symbol, ZERO) + signed
                working = self._working.get(report.cloid)
                if working is not None:
                    working.leaves = max(ZERO, working.leaves - report.quantity)
            case OrderUpdate() if report.status in ENDS:
                self._working.pop(report.cloid, None)
            case AccountEvent() if report.symbol is not None and report.quantity is not None:
                self.positions[report.symbol] = report.quantity
            case _:
                pass

    def position(self, symbol: str) -> Decimal:
        """Return what is held of a symbol."""
        return self.positions.get(symbol, ZERO)

    def furthest(self, symbol: str, wish: Wish | None = None) -> Decimal:
        """Return the largest position that a symbol could come to, either way, if everything asked for was filled."""
        buys = sells = ZERO
        for cloid, each in self._working.items():
            if each.symbol == symbol and not each.reduce_only and (wish is None or wish.cloid != cloid):
                buys, sells = (buys + each.leaves, sells) if each.is_buy else (buys, sells + each.leaves)
        if wish is not None and not wish.reduce_only:
            buys, sells = (buys + wish.quantity, sells) if wish.is_buy else (buys, sells + wish.quantity)
        held = self.position(symbol)
        return max(abs(held + buys), abs(held - sells))

    def notional(self, symbol: str, wish: Wish | None = None) -> Decimal:
        """Return what :meth:`furthest` is worth."""
        price = self.price(symbol)
        if price is None:
            price = ZERO if wish is None or wish.price is None else wish.price
        return self.furthest(symbol, wish) * price

    def gross(self, wish: Wish | None = None) -> Decimal:
        """Return what all symbols together could come to."""
        symbols = {*self.positions, *(each.symbol for each in self._working.values())}
        if wish is not None:
            symbols.add(wish.symbol)
        of = (self.notional(each, wish if wish is not None and wish.symbol == each else None) for each in symbols)
        return sum(of, ZERO)
