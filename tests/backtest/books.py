"""The accounts of a run, kept from its fills alone: cash, equity and round trips, by other formulas than the product's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .bars import Fill, half_even, notional, steps, times

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import algo_trade as at

    from .bars import Bar


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """From flat to a position and back. Prices are averages, rounded half to even."""

    sign: int
    entry_ns: int
    exit_ns: int
    quantity: int
    entry_price: int
    exit_price: int
    pnl: int
    fees: int


@dataclass(frozen=True, slots=True)
class _Part:
    """The part of a fill that opened or closed."""

    price: int
    quantity: int
    worth: int
    fee: int


def equity_curve(fills: Sequence[Fill], bars: Sequence[Bar], capital: int) -> list[tuple[int, int]]:
    """Return equity at each close: what cash the fills left, and the position at the close.

    A fill of the open of the next bar has the time of this close, so a bar owns the fills after its open time began;
    for fills at the close give ``fills`` with their times moved back by one nanosecond.
    """
    curve = []
    cash, position, index = capital, 0, 0
    for bar in bars:
        while index < len(fills) and fills[index].time_ns < bar.close_ns:
            fill = fills[index]
            cash -= fill.sign * notional(fill.price, fill.quantity) + fill.fee
            position += fill.sign * fill.quantity
            index += 1
        curve.append((bar.close_ns, cash + notional(bar.close, position)))
    return curve


def before_the_close(fills: Iterable[Fill]) -> list[Fill]:
    """Move fills by one nanosecond, so that those at a close belong to the bar that ends there."""
    return [Fill(f.time_ns - 1, f.sign, f.price, f.quantity, f.fee) for f in fills]


def round_trips(fills: Iterable[Fill]) -> list[RoundTrip]:
    """Cut the fills into round trips. Of a fill that flips, notional and fee are each rounded once and split by quantity."""
    found: list[RoundTrip] = []
    position = 0
    entries: list[_Part] = []
    exits: list[_Part] = []
    entry_ns = 0
    for fill in fills:
        closes = min(fill.quantity, abs(position)) if position * fill.sign < 0 else 0
        worth = notional(fill.price, fill.quantity)
        closing = _Part(
            fill.price, closes, half_even(worth * closes, fill.quantity), half_even(fill.fee * closes, fill.quantity)
        )
        opening = _Part(fill.price, fill.quantity - closes, worth - closing.worth, fill.fee - closing.fee)
        if closes:
            exits.append(closing)
            position += fill.sign * closes
            if position == 0:
                found.append(_finished(-fill.sign, entry_ns, fill.time_ns, entries, exits))
                entries, exits = [], []
        if opening.quantity:
            if not entries:
                entry_ns = fill.time_ns
            entries.append(opening)
            position += fill.sign * opening.quantity
    return found


def _finished(sign: int, entry_ns: int, exit_ns: int, entries: list[_Part], exits: list[_Part]) -> RoundTrip:
    quantity = sum(part.quantity for part in entries)
    assert quantity == sum(part.quantity for part in exits)
    entered, left = (sum(part.worth for part in side) for side in (entries, exits))
    averages = [half_even(sum(p.price * p.quantity for p in side), quantity) for side in (entries, exits)]
    fees = sum(part.fee for part in entries + exits)
    return RoundTrip(sign, entry_ns, exit_ns, quantity, averages[0], averages[1], sign * (left - entered) - fees, fees)


def trades_of(result: at.BacktestResult) -> list[RoundTrip]:
    table = result.trades
    signs = [1 if side == "long" else -1 for side in table["side"]]
    columns = (
        signs,
        times(table["entry_time"]),
        times(table["exit_time"]),
        *(steps(table[name]) for name in ("quantity", "entry_price", "exit_price", "pnl", "fees")),
    )
    return [RoundTrip(*values) for values in zip(*columns, strict=True)]
