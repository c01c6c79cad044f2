"""Where a part of a lake lies: ``<kind>/venue=<v>/symbol=<s>/date=<YYYY-MM-DD>/part-<first>-<last>-<unique>.<ending>``.

Bars are few: those of a minute and more lie by month (``date=<YYYY-MM>``), those of an hour and more by year (``date=<YYYY>``).
"""

from __future__ import annotations

import datetime as dt
import secrets
import urllib.parse
from dataclasses import dataclass
from typing import Any, NamedTuple

from algo_trade.errors import DataError
from algo_trade.storage.kinds import KINDS, SeriesId

DAY_NS = 86_400_000_000_000
_MINUTE_NS, _HOUR_NS = 60_000_000_000, 3_600_000_000_000
MANIFEST = "_manifest"
"""The folder of a lake that says which parts are of it."""


class Partition(NamedTuple):
    """The rows of one kind, venue, symbol and ``date``; of bars, of one length (``resolution_ns``, 0 of ticks) too.

    The date is a UTC day, of bars of a minute and more a month (``2026-03``), of an hour and more a year.
    """

    kind: str
    venue: str
    symbol: str
    date: str
    resolution_ns: int = 0

    @property
    def series(self) -> SeriesId:
        """What its rows are of, whichever the day."""
        return SeriesId(self.kind, self.venue, self.symbol, self.resolution_ns)

    @property
    def folder(self) -> str:
        """Its folder below that of the lake; bars of several lengths share one."""
        return f"{self.kind}/venue={escaped(self.venue)}/symbol={escaped(self.symbol)}/date={self.date}"

    @property
    def whole(self) -> Partition:
        """The partition that it is of: parts of longer bars may lie in folders of a day, where they were once written."""
        return self._replace(date=self.date[: date_digits(self.resolution_ns)])


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """A file of a lake.

    Attributes
    ----------
    partition : what its rows are
    first_ns, last_ns : the times of its first and last row
    path : below the folder of the lake
    rows, size : how many rows, how many bytes
    sha256 : of its bytes, as hex; empty where nobody has written it down
    """

    partition: Partition
    first_ns: int
    last_ns: int
    path: str
    rows: int
    size: int
    sha256: str = ""

    def overlaps(self, first_ns: int, last_ns: int) -> bool:
        """Whether it has a part of the times from the first to the last, both included."""
        return self.first_ns <= last_ns and first_ns <= self.last_ns

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            **self.partition._asdict(),
            "first_ns": self.first_ns,
            "last_ns": self.last_ns,
            "path": self.path,
            "rows": self.rows,
            "size": self.size,
            "sha256": self.sha256,
        }

    @classmethod
    def of_json(cls, said: dict[str, Any]) -> Part:
        """Return what was written by :meth:`as_json`."""
        partition = Partition(*(said[field] for field in Partition._fields))
        return cls(
            partition.whole, said["first_ns"], said["last_ns"], said["path"], said["rows"], said["size"], said["sha256"]
        )


def part_path(partition: Partition, first_ns: int, last_ns: int, ending: str = "parquet") -> str:
    """Return a new path for a part: none is ever written over, so that whoever reads the old one reads on."""
    return f"{partition.folder}/part-{first_ns:019}-{last_ns:019}-{secrets.token_hex(4)}.{ending}"


def place_of(path: str) -> tuple[Partition, int, int] | None:
    """Return what a path says: the partition (of bars without their length), the first and the last time; None if it is no part."""
    pieces = path.split("/")
    if len(pieces) < 5:
        return None
    kind, venue, symbol, date, name = pieces[-5:]
    said = name.removeprefix("part-").partition(".")[0].split("-")
    is_part = (
        kind in KINDS
        and venue.startswith("venue=")
        and symbol.startswith("symbol=")
        and date.startswith("date=")
        and name.startswith("part-")
        and name.endswith((".parquet", ".arrow"))
        and len(said) in {2, 3}
        and said[0].isdigit()
        and said[1].isdigit()
    )
    if not is_part:
        return None
    partition = Partition(
        kind,
        unescaped(venue.removeprefix("venue=")),
        unescaped(symbol.removeprefix("symbol=")),
        date.removeprefix("date="),
    )
    return partition, int(said[0]), int(said[1])


def date_digits(resolution_ns: int) -> int:
    """Return how many characters of YYYY-MM-DD name the folder of bars of a length; of ticks (0) all do.

    A file of a day of minutes is read in less time than it is opened.
    """
    return 10 if resolution_ns < _MINUTE_NS else 7 if resolution_ns < _HOUR_NS else 4


def date_of(time_ns: int, resolution_ns: int) -> str:
    """Return the day, month or year in which rows of a time lie, by the length of their bars."""
    day = dt.date(1970, 1, 1) + dt.timedelta(days=time_ns // DAY_NS)
    return day.isoformat()[: date_digits(resolution_ns)]


def span_ns(date: str) -> tuple[int, int]:
    """Return the first moment of a day, month or year, and the first one after it.

    Raises
    ------
    DataError
        The folder names none of them.
    """
    digits = len(date)
    text = f"{date}-01-01"[:10] if digits in {4, 7, 10} else ""
    try:
        first = dt.date.fromisoformat(text)
        end = first + dt.timedelta(days={10: 1, 7: 31, 4: 366}[digits])
    except (ValueError, OverflowError):
        text = ""
    if not text or first.isoformat() != text:
        raise DataError(f"date={date}: is no day: give YYYY-MM-DD")
    end = end if digits == 10 else end.replace(day=1) if digits == 7 else end.replace(month=1, day=1)
    epoch = dt.date(1970, 1, 1)
    return (first - epoch).days * DAY_NS, (end - epoch).days * DAY_NS


def escaped(name: str) -> str:
    """Escape a name as the engine names folders."""
    text = urllib.parse.quote(name, safe="").replace("~", "%7E")
    return f"%2E{text[1:]}" if text.startswith(".") else text


def unescaped(text: str) -> str:
    """Return the name of a folder."""
    return urllib.parse.unquote(text)
