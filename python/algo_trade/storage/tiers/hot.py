"""The hot tier: rows of the last hours in memory, in columns, as they came."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from algo_trade.storage.kinds import KINDS
from algo_trade.storage.tiers.pieces import ordered, piece_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from algo_trade.storage.kinds import Kind, SeriesId
    from algo_trade.storage.tiers.pieces import Piece

FAN_IN = 32
"""So many pieces of one level become one of the next."""
_LEVEL_MAX = 3


@dataclass(slots=True)
class _Ring:
    """The pieces of one series.

    Attributes
    ----------
    whole_from_ns : from this time on, these pieces are all that there is
    levels : those that are durable elsewhere, by how often they were joined; of two levels the higher one was written first
    fresh : those that are not yet, which came after all of them
    """

    whole_from_ns: int
    levels: list[list[Piece]] = field(default_factory=lambda: [[] for _ in range(_LEVEL_MAX + 1)])
    fresh: list[Piece] = field(default_factory=list)

    def kept(self) -> list[Piece]:
        """Return what is durable elsewhere, in the order of writing."""
        return [piece for level in reversed(self.levels) for piece in level]

    def join(self, kind: Kind) -> int:
        """Join the pieces of a level where they are many; return how many bytes more it is then."""
        more = 0
        for level in range(_LEVEL_MAX):
            pieces = self.levels[level]
            if len(pieces) < FAN_IN:
                break
            one = piece_of(kind, ordered(kind, pieces), is_clean=True)
            more += one.table.nbytes - sum(piece.table.nbytes for piece in pieces)
            self.levels[level + 1].append(one)
            self.levels[level] = []
        return more

    def forget(self, first: Piece) -> None:
        """Let go of a piece that is kept."""
        for level in self.levels:
            level[:] = [piece for piece in level if piece is not first]
        self.whole_from_ns = max(self.whole_from_ns, first.last_ns + 1)


class Hot:
    """Rows in memory. One thread at a time may call.

    What was not kept elsewhere yet stays in any case; of the rest, what is old or too much goes.
    """

    def __init__(self) -> None:
        self._rings: dict[SeriesId, _Ring] = {}
        self.size = 0
        """The bytes of all rows."""
        self.fresh_bytes = 0
        """Of rows that are only here."""

    def add(self, series: SeriesId, table: pa.Table, known_until_ns: int) -> None:
        """Take rows. Of a series that is new here, other tiers may hold rows up to ``known_until_ns``."""
        ring = self._rings.setdefault(series, _Ring(known_until_ns + 1))
        ring.fresh.append(piece_of(KINDS[series.kind], table))
        self.fresh_bytes += table.nbytes
        self.size += table.nbytes

    def fresh(self) -> dict[SeriesId, list[Piece]]:
        """Return all that is only here."""
        return {series: list(ring.fresh) for series, ring in self._rings.items() if ring.fresh}

    def kept(self, pieces: dict[SeriesId, list[Piece]]) -> None:
        """Take note that the first fresh pieces of these series, which :meth:`fresh` has told, are durable elsewhere."""
        for series, held in pieces.items():
            ring = self._rings[series]
            del ring.fresh[: len(held)]
            self.fresh_bytes -= sum(piece.table.nbytes for piece in held)
            ring.levels[0] += held
            self.size += ring.join(KINDS[series.kind])

    def forget(self, before_ns: int, bytes_max: int) -> None:
        """Let go of what is durable elsewhere and older than a time, and of more, the oldest first, until the rest is small enough."""
        held = [(piece.last_ns, ring, piece) for ring in self._rings.values() for piece in ring.kept()]
        for last_ns, ring, piece in sorted(held, key=lambda each: each[0]):
            if last_ns >= before_ns and self.size <= bytes_max:
                return
            self.size -= piece.table.nbytes
            ring.forget(piece)

    def series(self, kinds: Sequence[str] = (), symbols: Sequence[str] = ()) -> list[SeriesId]:
        """Return which series have rows here."""
        return [
            series
            for series, ring in self._rings.items()
            if (ring.fresh or any(ring.levels))
            and (not kinds or series.kind in kinds)
            and (not symbols or series.symbol in symbols)
        ]

    def pieces(self, series: SeriesId) -> tuple[list[Piece], int]:
        """Return the pieces of a series in the order in which they came, and from which time on they are all that there is."""
        ring = self._rings[series]
        return [*ring.kept(), *ring.fresh], ring.whole_from_ns
