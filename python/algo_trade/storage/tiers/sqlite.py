"""The warm tier in a file: batches of columns in SQLite, joined as they become many."""

from __future__ import annotations

import threading
import zlib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from algo_trade.errors import ParameterError, StorageError
from algo_trade.storage.kinds import KINDS, SeriesId
from algo_trade.storage.lake.layout import DAY_NS, Part, Partition, date_of
from algo_trade.storage.schema import shipped
from algo_trade.storage.sqlite_file import SqliteFile
from algo_trade.storage.tiers.pieces import Piece, by_day, ordered, piece_of, within

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from algo_trade.storage.kinds import Kind

FAN_IN = 32
"""So many batches of one level become one of the next."""
LEVEL_MAX = 3

_OF = "kind = ? AND venue = ? AND symbol = ? AND resolution_ns = ?"
_INSERT = (
    "INSERT INTO batches (kind, venue, symbol, resolution_ns, day, level, first_ns, last_ns, rows, content, checksum) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_FOUND = f"SELECT id, level, first_ns, last_ns FROM batches WHERE {_OF} AND first_ns < ? AND last_ns >= ? ORDER BY level DESC, id"  # noqa: S608
_COUNTS = "SELECT kind, venue, symbol, resolution_ns, day, level, COUNT(*) FROM batches GROUP BY 1, 2, 3, 4, 5, 6"
_LEVEL = f"SELECT id, level, first_ns, last_ns FROM batches WHERE {_OF} AND day = ? AND level = ? ORDER BY id"  # noqa: S608
_SERIES = "SELECT kind, venue, symbol, resolution_ns, MIN(first_ns), MAX(last_ns) FROM batches {where} GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
_DAYS = "SELECT kind, venue, symbol, resolution_ns, day, MIN(first_ns), MAX(last_ns), SUM(rows), SUM(LENGTH(content)) FROM batches {where} GROUP BY 1, 2, 3, 4, 5"
_EPOCH_END = 1 << 62


class SqliteWarm:
    """The warm tier in one file, which several processes may read; one writes.

    A flush appends a batch for each series and day, in one transaction. When there are many, they are joined into one, and those
    into a larger one: a row is written some few times, whatever the length of the flushes.

    Parameters
    ----------
    path : absolute; made if it is not there, with its folder
    timeout_s : how long a call waits for another process
    """

    def __init__(self, path: Path, *, timeout_s: float = 30.0) -> None:
        self._file = SqliteFile(path, timeout_s=timeout_s, migrations=shipped("warm"))
        self._lock = threading.RLock()
        # How many batches there are of each series, day and level.
        self._counts: dict[tuple[SeriesId, int, int], int] = {}
        # Their batches stay what they are: somebody moves them.
        self._taken: set[SeriesId] = set()

    @property
    def name(self) -> str:
        """What to call it in messages."""
        return self._file.where

    def open(self) -> None:
        """Make it if it is not there, and bring it up to date."""
        with self._lock:
            self._file.open()
            self._count()

    def close(self) -> None:
        """Let go of it."""
        with self._lock:
            self._file.close()

    def write(self, rows: Mapping[SeriesId, pa.Table]) -> None:
        """Keep rows, all of them or none; they are durable when this returns."""
        batches = [
            (series, day, piece)
            for series, table in rows.items()
            if table.num_rows
            for day, piece in by_day(KINDS[series.kind], table)
        ]
        with self._lock, self._counting(), self._file.transaction():
            for series, day, piece in batches:
                self._insert(series, day, 0, piece)
            for series, day in {(series, day) for series, day, _ in batches}:
                self._join(series, day)

    def series(self, kinds: Sequence[str] = (), symbols: Sequence[str] = ()) -> dict[SeriesId, tuple[int, int]]:
        """Return what is there, each with times between which its rows lie, both included."""
        return {SeriesId(*row[:4]): (row[4], row[5]) for row in self._asked(_SERIES, kinds, symbols)}

    def days(self, kinds: Sequence[str] = (), symbols: Sequence[str] = ()) -> list[Part]:
        """Return what there is of each day, as parts without a path; rows that were written twice may be counted twice."""
        return [
            Part(
                Partition(kind, venue, symbol, date_of(day * DAY_NS, 0), resolution_ns),
                first_ns,
                last_ns,
                "",
                rows,
                size,
            )
            for kind, venue, symbol, resolution_ns, day, first_ns, last_ns, rows, size in self._asked(
                _DAYS, kinds, symbols
            )
        ]

    def read(
        self,
        series: SeriesId,
        start_ns: int | None = None,
        end_ns: int | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Return the rows of a series within [start, end), each once, in order."""
        kind = KINDS[series.kind]
        # The process that writes may join batches between two statements.
        with self._lock, self._file.snapshot():
            pieces = self._pieces(series, self._found(series, start_ns, end_ns))
        table = _whole(kind, [within(kind, piece, start_ns, end_ns) for piece in pieces])
        return table if columns is None else table.select(list(columns))

    @contextmanager
    def taking(self, series: SeriesId, end_ns: int) -> Iterator[pa.Table]:
        """Give the rows of a series before a midnight, UTC: they are gone when the ``with`` ends well, and stay if it raises."""
        if end_ns % DAY_NS:
            raise ParameterError(f"end_ns = {end_ns}: must be a midnight, UTC: rows are taken by whole days")
        with self._lock, self._file.snapshot():
            self._taken.add(series)
            found = self._found(series, None, end_ns)
            pieces = self._pieces(series, found)
        try:
            yield _whole(KINDS[series.kind], pieces)
            with self._lock, self._counting(), self._file.transaction():
                for number, *_ in found:
                    self._delete(number)
        finally:
            with self._lock:
                self._taken.discard(series)

    def _asked(self, statement: str, kinds: Sequence[str], symbols: Sequence[str]) -> list[tuple[Any, ...]]:
        """Ask of these kinds and symbols, or of all."""
        named = [(name, tuple(of)) for name, of in (("kind", kinds), ("symbol", symbols)) if of]
        terms = [f"{name} IN ({', '.join('?' * len(of))})" for name, of in named]
        where = f"WHERE {' AND '.join(terms)}" if terms else ""
        with self._lock:
            return self._file.run(statement.format(where=where), tuple(value for _, of in named for value in of))

    # --- within the lock ---

    def _count(self) -> None:
        self._counts = {(SeriesId(*key), day, level): count for *key, day, level, count in self._file.run(_COUNTS)}

    @contextmanager
    def _counting(self) -> Iterator[None]:
        """Count anew what is there if nothing comes of a change."""
        try:
            yield
        except BaseException:
            # The first error is the one to be seen; a file that cannot be read refuses everything after it.
            with suppress(StorageError):
                self._count()
            raise

    def _insert(self, series: SeriesId, day: int, level: int, piece: Piece) -> None:
        content = _packed(piece.table, "zstd" if level else None)
        values = (
            *series,
            day,
            level,
            piece.first_ns,
            piece.last_ns,
            piece.table.num_rows,
            content,
            zlib.crc32(content),
        )
        self._file.run(_INSERT, values)
        key = (series, day, level)
        self._counts[key] = self._counts.get(key, 0) + 1

    def _delete(self, number: int) -> None:
        for *key, day, level in self._file.run(
            "DELETE FROM batches WHERE id = ? RETURNING kind, venue, symbol, resolution_ns, day, level", (number,)
        ):
            # What another process has written was not counted here.
            place = SeriesId(*key), day, level
            left = self._counts.pop(place, 1) - 1
            if left:
                self._counts[place] = left

    def _join(self, series: SeriesId, day: int) -> None:
        """Join the batches of a level where they are many."""
        for level in range(LEVEL_MAX):
            if self._counts.get((series, day, level), 0) < FAN_IN or series in self._taken:
                return
            found = [(row[0], row[1], row[2], row[3]) for row in self._file.run(_LEVEL, (*series, day, level))]
            if len(found) < FAN_IN:  # another process has moved some
                self._counts[series, day, level] = len(found)
                return
            kind = KINDS[series.kind]
            piece = piece_of(kind, ordered(kind, self._pieces(series, found)), is_clean=True)
            self._insert(series, day, level + 1, piece)
            for number, *_ in found:
                self._delete(number)

    def _found(self, series: SeriesId, start_ns: int | None, end_ns: int | None) -> list[tuple[int, int, int, int]]:
        span = (_EPOCH_END if end_ns is None else end_ns, -_EPOCH_END if start_ns is None else start_ns)
        return [(row[0], row[1], row[2], row[3]) for row in self._file.run(_FOUND, (*series, *span))]

    def _pieces(self, series: SeriesId, found: Sequence[tuple[int, int, int, int]]) -> list[Piece]:
        """Read batches, in the order in which they were written."""
        pieces = []
        for number, level, first_ns, last_ns in found:
            ((content, checksum),) = self._file.run("SELECT content, checksum FROM batches WHERE id = ?", (number,))
            if zlib.crc32(content) != checksum:
                raise StorageError(
                    f"{self.name}: batch {number} of {series.kind} {series.venue} {series.symbol}: its bytes are not those that were "
                    "written: restore a backup, or delete that row of the table `batches` to go on without what it held"
                )
            pieces.append(Piece(_unpacked(KINDS[series.kind], series.symbol, content), first_ns, last_ns, level > 0))
        return pieces


def _whole(kind: Kind, pieces: Sequence[Piece]) -> pa.Table:
    held = [piece for piece in pieces if piece.table.num_rows]
    return ordered(kind, held) if held else kind.schema.empty_table()


def _packed(table: pa.Table, compression: str | None) -> bytes:
    rows = table.drop_columns(["symbol"]).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(rows)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _unpacked(kind: Kind, symbol: str, content: bytes) -> pa.Table:
    rows = pa.ipc.open_stream(content).read_all()
    place = kind.schema.get_field_index("symbol")
    field = kind.schema.field(place)
    return rows.add_column(place, field, pa.repeat(pa.scalar(symbol, pa.string()), rows.num_rows).cast(field.type))
