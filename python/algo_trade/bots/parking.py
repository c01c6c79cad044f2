"""What bots hold that do not trade now: it is in the account all the same."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Parking:
    """Positions of the bots of an account that are stopped. Of one whose last run was cut off nothing is known until it begins."""

    def __init__(self) -> None:
        self._held: dict[str, Mapping[str, Decimal]] = {}
        self._unknown: dict[str, Sequence[str]] = {}

    def park(self, bot_id: str, held: Mapping[str, Decimal]) -> None:
        """Take note what a bot holds that has stopped."""
        self._unknown.pop(bot_id, None)
        self._held[bot_id] = dict(held)

    def park_unknown(self, bot_id: str, symbols: Sequence[str]) -> None:
        """Take note that a bot may hold something of these symbols."""
        self._unknown[bot_id] = symbols

    def leave(self, bot_id: str) -> None:
        """Take note that a bot trades, and is asked itself; or that it is no more."""
        self._held.pop(bot_id, None)
        self._unknown.pop(bot_id, None)

    def of(self, bot_id: str) -> dict[str, Decimal] | None:
        """Return what a stopped bot holds, without what is flat; None if that is not known."""
        if bot_id in self._unknown:
            return None
        return {symbol: quantity for symbol, quantity in self._held.get(bot_id, {}).items() if quantity}

    def held(self, symbol: str) -> Decimal | None:
        """Return what stopped bots hold of a symbol together; None if that is not known of all."""
        if any(symbol in symbols for symbols in self._unknown.values()):
            return None
        return sum((held.get(symbol, Decimal(0)) for held in self._held.values()), Decimal(0))
