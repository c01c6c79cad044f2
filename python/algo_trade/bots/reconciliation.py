"""Whether what bots believe to hold is what the exchange says, and what becomes of a difference.

It depends on the exchange's word and on what the bots were told, and on nothing else: done twice, the second time changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ZERO = Decimal(0)
# What is on its way has come by then.
STANDS_S = 1.5


@dataclass(frozen=True, slots=True)
class Difference:
    """What the exchange says of a symbol, and what all bots together believe."""

    symbol: str
    venue: Decimal
    ours: Decimal

    def __str__(self) -> str:
        return f"{self.symbol}: the exchange says {self.venue}, the bots together {self.ours}"


class Reconciler:
    """Tells real differences from those of news that are on their way: a real one is still the same some time later."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Difference, float]] = {}

    def look(
        self, venue: Mapping[str, Decimal], ours: Mapping[str, Decimal], now_s: float
    ) -> tuple[list[Difference], bool]:
        """Compare; return the differences that have stood for a while, and whether there are others to look at again.

        Parameters
        ----------
        venue : positions by symbol; a symbol that is missing is flat
        ours : the same, of every symbol of which all is known; others are not looked at
        now_s : the time, by any clock that does not go back
        """
        found = {
            symbol: Difference(symbol, venue.get(symbol, ZERO), held)
            for symbol, held in ours.items()
            if venue.get(symbol, ZERO) != held
        }
        real, seen = [], {}
        for symbol, each in found.items():
            before, since_s = self._seen.get(symbol, (None, now_s))
            if before != each:
                seen[symbol] = each, now_s
            elif now_s - since_s >= STANDS_S:
                real.append(each)
            else:
                seen[symbol] = each, since_s
        self._seen = seen
        return real, bool(seen)


def shares(difference: Difference, held: Sequence[Decimal]) -> list[Decimal] | None:
    """Return what each of those who trade a symbol holds once they hold together what the exchange says.

    One alone holds all of it. Of several, the largest holdings give way first where the exchange has less; where it has more, or the
    other side, nobody knows whose that is: None.
    """
    if len(held) == 1:
        return [difference.venue]
    missing = difference.ours - difference.venue
    sign = 1 if difference.ours > 0 else -1
    if not 0 <= difference.venue * sign < difference.ours * sign:
        return None
    left, result = missing * sign, list(held)
    for index in sorted(range(len(held)), key=lambda index: (-held[index] * sign, index)):
        part = min(max(held[index] * sign, ZERO), left)
        result[index] -= part * sign
        left -= part
    return result
