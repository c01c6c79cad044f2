"""What a run over tick data needs besides: the rules of its instruments, and what drives each book."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from algo_trade.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algo_trade._native import TickData
    from algo_trade.execution import VenueConfig

RULES = "instruments.toml"


def tick_venue(config: VenueConfig, ticks: TickData, paths: Sequence[str] | None) -> VenueConfig:
    """Return the venue with what it leaves open decided by the data.

    Blocks and latency by the venue that they are of, the rules of instruments by the file that an import writes beside them.
    """
    venues = ticks.venues
    decided = config.for_data_of(venues[0] if len(venues) == 1 else "")
    folders = [path for path in map(Path, paths or ()) if (path / RULES).is_file()]
    return decided.with_rules(*(folder / RULES for folder in folders), of=ticks.symbols)


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
