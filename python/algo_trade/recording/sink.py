"""Where rows go: taken cheaply, durable when asked for, moved on now and then."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, final

import pyarrow as pa

from algo_trade.errors import DataError, StorageError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from algo_trade.storage.lake import ParquetStorage
    from algo_trade.storage.lake.storage import Time

# A day of small files is joined once so many writes have come.
_COMPACT_EVERY = 32


class Migrated(Protocol):
    """What came of moving rows on."""

    @property
    def problems(self) -> Sequence[str]:
        """What could not be moved, and why."""


class Sink(Protocol):
    """Takes rows. All but ``write`` may take their time, and are called in a thread."""

    def write(
        self, kind: str, rows: pa.Table, *, venue: str, resolution: str | int | dt.timedelta | None = None
    ) -> object:
        """Take rows of a kind into memory. ``StorageError``: none of them was taken."""

    def flush(self) -> object:
        """Make durable all that was written before; ``StorageError``: it could not be, and stays for the next call."""

    def migrate(self) -> Migrated:
        """Move rows to where they stay."""

    def close(self) -> object:
        """Make all durable, and let go."""


class Store(Sink, Protocol):
    """A sink that can be asked what it holds."""

    def query(
        self,
        kind: str,
        symbols: str | Sequence[str] = (),
        *,
        venue: str | None = None,
        start: Time | None = None,
        end: Time | None = None,
        columns: Sequence[str] | None = None,
        resolution: str | int | dt.timedelta | None = None,
    ) -> pa.RecordBatchReader:
        """Return rows of a kind; see :meth:`ParquetStorage.query`."""


@dataclass(slots=True)
class Compacted:
    """What could not be joined."""

    problems: list[str] = field(default_factory=list)


@final
class LakeSink:
    """A sink straight into a lake: each flush writes a file for each kind, symbol and day, so flush seldom, or few symbols.

    Parameters
    ----------
    lake : where to
    """

    def __init__(self, lake: ParquetStorage) -> None:
        self._lake = lake
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._waiting: dict[tuple[str, str, object], list[pa.Table]] = {}
        self._flushes = 0

    def write(
        self, kind: str, rows: pa.Table, *, venue: str, resolution: str | int | dt.timedelta | None = None
    ) -> None:
        """Take rows into memory."""
        with self._lock:
            self._waiting.setdefault((kind, venue, resolution), []).append(pa.table(rows))

    def flush(self) -> None:
        """Write what is in memory into the lake.

        Raises
        ------
        StorageError
            The lake cannot be written now; what was not written stays in memory.
        """
        with self._writing:
            with self._lock:
                waiting = {key: list(tables) for key, tables in self._waiting.items()}
            for key, tables in waiting.items():
                kind, venue, resolution = key
                rows = pa.concat_tables([table.unify_dictionaries() for table in tables])
                try:
                    self._lake.write(kind, rows, venue=venue, resolution=resolution, source="recorded")  # type: ignore[arg-type]
                except (OSError, DataError, pa.ArrowException) as error:
                    raise StorageError(f"{self._lake.files.name}: cannot be written: {error}") from error
                with self._lock:
                    del self._waiting[key][: len(tables)]
                    if not self._waiting[key]:
                        del self._waiting[key]
            self._flushes += bool(waiting)

    def migrate(self) -> Compacted:
        """Join the files of each day, once they have become many."""
        if self._flushes < _COMPACT_EVERY:
            return Compacted()
        self._flushes = 0
        try:
            self._lake.compact()
        except (OSError, DataError, StorageError, pa.ArrowException) as error:
            return Compacted([f"{self._lake.files.name}: cannot be compacted: {error}"])
        return Compacted()

    def query(
        self,
        kind: str,
        symbols: str | Sequence[str] = (),
        *,
        venue: str | None = None,
        start: Time | None = None,
        end: Time | None = None,
        columns: Sequence[str] | None = None,
        resolution: str | int | dt.timedelta | None = None,
    ) -> pa.RecordBatchReader:
        """Return rows of the lake; see :meth:`ParquetStorage.query`."""
        return self._lake.query(
            kind, symbols, venue=venue, start=start, end=end, columns=columns, resolution=resolution
        )

    def close(self) -> None:
        """Write what is in memory into the lake."""
        self.flush()
