"""What drives each book of a run over tick data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algo_trade.errors import ParameterError

if TYPE_CHECKING:
    from algo_trade._native import TickData
    from algo_trade.execution import VenueConfig


def books_of(config: VenueConfig, ticks: TickData) -> list[str]:
    """Name what drives the book of each symbol: what the venue's options want, or the richest kind that there is.

    Raises
    ------
    ParameterError
        The data of a symbol hold no book of the wanted kind.
    """
    chosen = []
    for symbol in ticks.symbols:
        kinds = ticks.books(symbol)
        wanted = config.book or (kinds[0] if kinds else None)
        if wanted is None:
            raise ParameterError(
                f"{symbol}: the data hold no book, neither orders nor levels nor quotes: import one of them"
            )
        if wanted not in kinds:
            raise ParameterError(f"book = {wanted}: the data of {symbol} hold {', '.join(kinds) or 'none'}")
        chosen.append(wanted)
    return chosen
