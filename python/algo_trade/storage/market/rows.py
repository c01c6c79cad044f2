"""Rows on their way into a table: checked, so that whatever the server is given it can keep, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from algo_trade.errors import ParameterError
from algo_trade.storage.kinds import conform, times_of
from algo_trade.storage.market.tables import RESOLUTION

if TYPE_CHECKING:
    from algo_trade.storage.market.tables import Table

# A row of an index of PostgreSQL has 2,704 bytes at most, and a key up to six texts.
_KEY_TEXT_BYTES_MAX = 400
_ORIGIN_S = 946_857_600
"""2000-01-03 UTC, a Monday: from where pieces of time are counted."""
_NS = 1_000_000_000


class Batch(NamedTuple):
    """Rows of one kind, venue and length, which were checked."""

    table: Table
    venue: str
    resolution_ns: int
    rows: pa.Table

    @property
    def names(self) -> list[str]:
        """The columns of the table that are written, in the order of :attr:`lead` and the fields of :attr:`rows`."""
        lead = ["venue", RESOLUTION] if self.table.kind.has_resolution else ["venue"]
        return [*lead, *(field for name in self.rows.column_names for field in fields(self.table, name))]

    @property
    def lead(self) -> list[str | int]:
        """What is the same in each row, and no column of :attr:`rows`."""
        return [self.venue, self.resolution_ns] if self.table.kind.has_resolution else [self.venue]


def fields(table: Table, name: str) -> tuple[str, ...]:
    """Return the columns of a table that hold a column of its kind."""
    return (name,) if name == "symbol" else table.fields(name)


def checked(table: Table, rows: pa.Table, venue: str, resolution_ns: int) -> Batch:
    """Return rows of which a table can keep each.

    Raises
    ------
    ParameterError
        A column that does not fit its kind, a bar that begins within a microsecond, a text that PostgreSQL cannot keep.
    """
    kind = table.kind
    if table.kind.has_resolution != (resolution_ns > 0):
        raise ParameterError(f"{kind.name}: resolution = {resolution_ns or None}: bars have one, all others have none")
    rows = conform(kind, rows)
    if kind.has_resolution:
        beyond = np.flatnonzero(times_of(kind, rows) % 1_000)
        if beyond.size:
            at = int(times_of(kind, rows)[beyond[0]])
            raise ParameterError(
                f"{kind.name}.{kind.time}: row {beyond[0] + 1} = {at} ns: a bar begins at a whole microsecond: a database keeps no shorter "
                "time; keep such bars in a lake"
            )
    in_key = {"symbol", *kind.key}
    _check_text(f"{kind.name}: venue", "\0" in venue, len(venue.encode()))
    for name in rows.column_names:
        column = rows[name]
        if pa.types.is_dictionary(column.type):
            column = pa.chunked_array([chunk.dictionary for chunk in column.chunks], pa.string())
        if pa.types.is_string(column.type):
            has_zero = pc.any(pc.match_substring(column, "\0")).as_py() or False
            longest = (pc.max(pc.binary_length(column)).as_py() or 0) if name in in_key else 0
            _check_text(f"{kind.name}.{name}", has_zero, longest)
    return Batch(table, venue, resolution_ns, rows)


def _check_text(what: str, has_zero: bool, longest: int) -> None:  # noqa: FBT001 -- what was found
    if has_zero:
        raise ParameterError(f"{what}: holds a zero byte, which no text of PostgreSQL may")
    if longest > _KEY_TEXT_BYTES_MAX:
        raise ParameterError(f"{what}: {longest} bytes: must be at most {_KEY_TEXT_BYTES_MAX} in a database")


def pieces(batch: Batch) -> list[int]:
    """Return the pieces of time of the table in which rows lie, each by its first second."""
    step_s = batch.table.step_s
    if step_s is None or not batch.rows.num_rows:
        return []
    numbers = np.unique((times_of(batch.table.kind, batch.rows) - _ORIGIN_S * _NS) // (step_s * _NS))
    return [int(number) * step_s + _ORIGIN_S for number in numbers]
