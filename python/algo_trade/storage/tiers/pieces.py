"""Rows in memory, piece by piece as they came, and all of them in order."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from algo_trade.storage.kinds import times_of
from algo_trade.storage.lake.layout import DAY_NS
from algo_trade.storage.lake.parquet import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from algo_trade.storage.kinds import Kind


class Piece(NamedTuple):
    """Some rows of one series.

    Attributes
    ----------
    table : at least one row
    first_ns, last_ns : the least and the largest of their times
    is_clean : they are in order, and no two have one key
    """

    table: pa.Table
    first_ns: int
    last_ns: int
    is_clean: bool = False


def piece_of(kind: Kind, table: pa.Table, *, is_clean: bool = False) -> Piece:
    """Return a table as a piece."""
    at = times_of(kind, table)
    # A key has a time: rows that follow one another differ.
    return Piece(table, int(at.min()), int(at.max()), is_clean or bool((np.diff(at) > 0).all()))


def by_day(kind: Kind, table: pa.Table) -> Iterator[tuple[int, Piece]]:
    """Give the rows of each UTC day, with the number of days since the epoch; rows of a day keep their order."""
    days = np.floor_divide(times_of(kind, table), DAY_NS)
    if (days == days[0]).all():
        yield int(days[0]), piece_of(kind, table)
        return
    order = np.argsort(days, kind="stable")
    rows, days = table.take(pa.array(order)), days[order]
    starts = [0, *(np.flatnonzero(np.diff(days)) + 1), len(days)]
    for first, last in pairwise(starts):
        yield int(days[first]), piece_of(kind, rows.slice(first, last - first))


def by_symbol(table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Give the rows of each symbol; they keep their order."""
    if not table.num_rows:
        return
    column = table["symbol"].unify_dictionaries().combine_chunks()
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):  # of more than one can hold
        coded = pa.concat_arrays(coded.chunks)
    numbers = coded.indices.to_numpy()
    if (numbers[1:] < numbers[:-1]).any():
        order = np.argsort(numbers, kind="stable")
        table, numbers = table.take(pa.array(order)), numbers[order]
    starts = [0, *(np.flatnonzero(np.diff(numbers)) + 1), len(numbers)]
    for first, last in pairwise(starts):
        yield coded.dictionary[int(numbers[first])].as_py(), table.slice(first, last - first)


def ordered(kind: Kind, pieces: Sequence[Piece]) -> pa.Table:
    """Return the rows of at least one piece in order, each once: of two with the same key the one of the earlier piece."""
    tables = [table for run in _runs(pieces) for table in _of_run(kind, run)]
    return together(kind, tables).combine_chunks()


def _of_run(kind: Kind, run: Sequence[Piece]) -> Iterator[pa.Table]:
    if len(run) == 1 and run[0].is_clean:
        yield run[0].table
    else:
        yield joined(kind, _even(kind, [piece.table for piece in run]))


def _runs(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Give pieces whose times overlap together, in the order in which they were given, and one such group after the other."""
    last_ns, group = -(1 << 63), 0
    groups = []
    for place, piece in sorted(enumerate(pieces), key=lambda each: each[1].first_ns):
        group += piece.first_ns > last_ns
        last_ns = max(last_ns, piece.last_ns)
        groups.append((group, place))
    for _, members in groupby(sorted(groups), key=lambda each: each[0]):
        yield [pieces[place] for _, place in members]


def together(kind: Kind, tables: Sequence[pa.Table]) -> pa.Table:
    """Return all rows one after the other."""
    return tables[0] if len(tables) == 1 else pa.concat_tables(_even(kind, tables))


def _even(kind: Kind, tables: Sequence[pa.Table]) -> list[pa.Table]:
    """Give all tables a volume, unknown where nobody told it, if one of them has one."""
    names = max((table.column_names for table in tables), key=len)
    volume = kind.schema.field(names[-1])
    return [
        table if table.column_names == names else table.append_column(volume, pa.nulls(table.num_rows, volume.type))
        for table in tables
    ]


def within(kind: Kind, piece: Piece, start_ns: int | None, end_ns: int | None) -> Piece:
    """Return the rows of a piece within [start, end), which may be none."""
    first_ns = piece.first_ns if start_ns is None else max(piece.first_ns, start_ns)
    last_ns = piece.last_ns if end_ns is None else min(piece.last_ns, end_ns - 1)
    if (first_ns, last_ns) == (piece.first_ns, piece.last_ns):
        return piece
    at = times_of(kind, piece.table)
    if piece.is_clean:
        first, last = (int(each) for each in np.searchsorted(at, [first_ns, last_ns + 1]))
        rows = piece.table.slice(first, max(0, last - first))
    else:
        rows = piece.table.filter(pa.array((at >= first_ns) & (at <= last_ns)))
    return Piece(rows, first_ns, last_ns, piece.is_clean)
