"""What the warm tier has to do, whichever store it is in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from algo_trade.storage.kinds import SeriesId
    from algo_trade.storage.lake.layout import Part


class Warm(Protocol):
    """Rows of the last days, durable. Calls may come from several threads.

    Tables have the columns of their kind (bars may lack a volume). Of two rows with one key the first that was written stays, and
    rows that are equal in the order of their kind keep the order in which they were written.

    Every call raises ``StorageUnavailableError`` if the store does not answer, and ``StorageError`` if it is damaged, full, or newer
    than this program.
    """

    @property
    def name(self) -> str:
        """What to call it in messages, without passwords."""

    def open(self) -> None:
        """Make it if it is not there, and bring it up to date."""

    def close(self) -> None:
        """Let go of it."""

    def write(self, rows: Mapping[SeriesId, pa.Table]) -> None:
        """Keep rows, all of them or none; they are durable when this returns. Rows that are there already are left out."""

    def series(self, kinds: Sequence[str] = (), symbols: Sequence[str] = ()) -> dict[SeriesId, tuple[int, int]]:
        """Return what is there, each with times between which its rows lie, both included (they may be wider than the rows)."""

    def days(self, kinds: Sequence[str] = (), symbols: Sequence[str] = ()) -> list[Part]:
        """Return what there is of each day, as parts without a path; rows that were written twice may be counted twice."""

    def read(
        self,
        series: SeriesId,
        start_ns: int | None = None,
        end_ns: int | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Return the rows of a series within [start, end), each once, in order; by default with all columns of the kind."""

    def taking(self, series: SeriesId, end_ns: int) -> AbstractContextManager[pa.Table]:
        """Give the rows of a series before a time, in a ``with``: they are gone when it ends well, and stay if it raises.

        Rows that are written meanwhile stay.
        """
