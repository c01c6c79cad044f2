"""What a lake holds, by kind, venue and symbol, day by day."""

from __future__ import annotations

import datetime as dt
import statistics
from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from algo_trade.storage.kinds import KINDS
from algo_trade.storage.lake.layout import DAY_NS, date_of
from algo_trade.storage.lake.parquet import counted, read_part

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from algo_trade.storage.lake.files import Files
    from algo_trade.storage.lake.layout import Part


@dataclass(frozen=True, slots=True)
class Day:
    """The rows of one day.

    Attributes
    ----------
    date : UTC
    rows : how many
    size : in bytes; of a file of several days, its share of them
    parts : in how many files; more than one may be compacted
    share : of the bars that a day has; of ticks, of the middle day of this series. At most 1
    """

    date: dt.date
    rows: int
    size: int
    parts: int
    share: float


@dataclass(frozen=True, slots=True)
class Series:
    """What there is of one kind, venue and symbol; of bars, of one length.

    Attributes
    ----------
    kind, venue, symbol : of which rows
    resolution_ns : the length of bars, 0 of ticks and where nobody wrote it down
    first_ns, last_ns : the times of the first and the last row
    days : those that have rows, in order
    """

    kind: str
    venue: str
    symbol: str
    resolution_ns: int
    first_ns: int
    last_ns: int
    days: tuple[Day, ...]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(day.rows for day in self.days)

    @property
    def size(self) -> int:
        """How many bytes they take."""
        return sum(day.size for day in self.days)

    @property
    def gaps(self) -> list[tuple[dt.date, dt.date]]:
        """Days without any row between the first and the last: the first and the last day of each gap."""
        one = dt.timedelta(days=1)
        neighbours = zip(self.days, self.days[1:], strict=False)
        return [(a.date + one, b.date - one) for a, b in neighbours if b.date - a.date > one]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "kind": self.kind,
            "venue": self.venue,
            "symbol": self.symbol,
            "resolution_ns": self.resolution_ns or None,
            "first_ns": self.first_ns,
            "last_ns": self.last_ns,
            "rows": self.rows,
            "bytes": self.size,
            "days": [
                {"date": str(day.date), "rows": day.rows, "bytes": day.size, "parts": day.parts} for day in self.days
            ],
            "gaps": [{"first": str(first), "last": str(last)} for first, last in self.gaps],
        }


def coverage(files: Files, parts: Sequence[Part]) -> list[Series]:
    """Sum parts up, by kind, venue, symbol and length of bars.

    Parameters
    ----------
    files : where they lie: which days a month of bars has is told by its rows, if some are missing
    parts : which

    Raises
    ------
    StorageError
        A file that has to be looked into is gone or damaged; the message names it.
    """

    def series(part: Part) -> tuple[str, str, str, int]:
        return part.partition.kind, part.partition.venue, part.partition.symbol, part.partition.resolution_ns

    known = sorted((counted(files, part) for part in parts), key=series)
    return [_series(files, key, list(group)) for key, group in groupby(known, key=series)]


def _series(files: Files, key: tuple[str, str, str, int], parts: list[Part]) -> Series:
    kind, venue, symbol, resolution_ns = key
    rows: dict[str, int] = defaultdict(int)
    size: dict[str, float] = defaultdict(float)
    count: dict[str, int] = defaultdict(int)
    for part in parts:
        for date, held in _days(files, part):
            rows[date] += held
            size[date] += part.size * held / max(part.rows, 1)
            count[date] += 1
    whole = DAY_NS / resolution_ns if resolution_ns else statistics.median(rows.values())
    told = tuple(
        Day(dt.date.fromisoformat(date), held, round(size[date]), count[date], min(1.0, held / max(whole, 1)))
        for date, held in sorted(rows.items())
    )
    first_ns, last_ns = min(part.first_ns for part in parts), max(part.last_ns for part in parts)
    return Series(kind, venue, symbol, resolution_ns, first_ns, last_ns, told)


def _days(files: Files, part: Part) -> Iterator[tuple[str, int]]:
    """Give each day of a part and how many rows it has."""
    date, length_ns = part.partition.date, part.partition.resolution_ns
    if len(date) == len("YYYY-MM-DD"):
        yield date, part.rows
        return
    if part.last_ns - part.first_ns == (part.rows - 1) * length_ns:  # none is missing
        times = np.arange(part.first_ns, part.last_ns + 1, length_ns)
    else:
        time = KINDS[part.partition.kind].time
        batches = read_part(files, part, [time])
        times = np.concatenate([batch.column(time).cast(pa.int64()).to_numpy() for batch in batches])
    for day, rows in zip(*np.unique(times // DAY_NS, return_counts=True), strict=True):
        yield date_of(int(day) * DAY_NS, 0), int(rows)
