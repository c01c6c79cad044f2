"""One storage over memory, a database and a lake."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self, final

from algo_trade.core.times import duration_ns, time_ns
from algo_trade.errors import AlgoTradeError, DataError, ParameterError, StorageError
from algo_trade.storage.address import is_server, sqlite_path
from algo_trade.storage.kinds import KINDS, SeriesId, conform, kind_of, plain
from algo_trade.storage.lake.layout import DAY_NS
from algo_trade.storage.lake.storage import ParquetStorage
from algo_trade.storage.tiers.hot import Hot
from algo_trade.storage.tiers.pieces import by_symbol, together
from algo_trade.storage.tiers.query import Answer, Question
from algo_trade.storage.tiers.select import TieredSelection, pick
from algo_trade.storage.tiers.sqlite import SqliteWarm

if TYPE_CHECKING:
    import datetime as dt
    import os
    from collections.abc import Callable, Sequence
    from types import TracebackType

    import pyarrow as pa

    from algo_trade.storage.lake.files import Files
    from algo_trade.storage.lake.layout import Part
    from algo_trade.storage.lake.storage import Time
    from algo_trade.storage.tiers.warm import Warm

_FORGET_EVERY_NS = 30_000_000_000
_NEVER_NS = -(1 << 62)


@dataclass(slots=True)
class Moved:
    """What a move from warm to cold did.

    Attributes
    ----------
    rows : how many left the warm tier
    series : of how many kinds, venues and symbols
    problems : what could not be moved and stays in the warm tier, and why
    """

    rows: int = 0
    series: int = 0
    problems: list[str] = field(default_factory=list)


@final
class TieredStorage:
    """Market rows in three tiers that are one: memory for the last hours, a database for the last days, a lake for the rest.

    Rows are written into memory, made durable in the warm tier by :meth:`flush`, and go to the lake by whole days with
    :meth:`migrate`. At whatever point a process is killed, rows that were flushed are there, once. A question is answered from all
    tiers together; of two rows with one key (:attr:`Kind.key`) the first that was written is told.

    One process writes a series. Any number may ask; they see what was flushed. Calls may come from several threads.

    Parameters
    ----------
    lake : the cold tier, or where it lies
    warm : the warm tier, or its address: ``sqlite:///PATH`` or ``postgresql://…``
    hot_for : how long rows stay in memory after they are durable
    warm_for : how long rows stay warm after the end of their day, UTC
    hot_bytes_max : of rows in memory; those that are not durable yet may be as many
    clock : the time of this machine in ns

    Raises
    ------
    ParameterError
        What was given is no address, or out of range.
    StorageUnavailableError
        The warm tier does not answer.
    StorageError
        It is damaged, newer than this program, or not to be had.
    """

    def __init__(
        self,
        lake: ParquetStorage | str | os.PathLike[str],
        warm: Warm | str,
        *,
        hot_for: str | int | dt.timedelta = "2h",
        warm_for: str | int | dt.timedelta = "2d",
        hot_bytes_max: int = 1 << 29,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        if hot_bytes_max < 1:
            raise ParameterError(f"hot_bytes_max = {hot_bytes_max}: must be at least 1")
        self._hot_for_ns, self._warm_for_ns = duration_ns(hot_for), duration_ns(warm_for)
        self._hot_bytes_max = hot_bytes_max
        self._clock = clock
        self._lake = lake if isinstance(lake, ParquetStorage) else ParquetStorage(lake)
        self._warm = warm_at(warm) if isinstance(warm, str) else warm
        self._hot = Hot()
        # Of the rows in memory; never held while a disk or a server is waited for.
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._migrating = threading.Lock()
        self._forget_ns = _NEVER_NS
        # Until when the lower tiers have rows; whoever only asks does not look.
        self._known: dict[SeriesId, int] | None = None
        self._warm.open()

    def __repr__(self) -> str:
        return f"TieredStorage({self._warm.name}, {self._lake.files.name})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            # The first error is the one to be seen.
            with suppress(AlgoTradeError):
                self.close()

    @property
    def lake(self) -> ParquetStorage:
        """The cold tier."""
        return self._lake

    @property
    def files(self) -> Files:
        """Where the lake lies."""
        return self._lake.files

    @property
    def warm(self) -> Warm:
        """The warm tier."""
        return self._warm

    @property
    def hot_bytes(self) -> int:
        """How many bytes of rows are in memory."""
        with self._lock:
            return self._hot.size

    def close(self) -> None:
        """Make all rows durable, and let go of the warm tier.

        Raises
        ------
        StorageError
            They could not be; the warm tier is let go of all the same.
        """
        try:
            self.flush()
        finally:
            self._warm.close()

    # --- writing ---

    def write(
        self,
        kind: str,
        rows: pa.Table,
        *,
        venue: str,
        resolution: str | int | dt.timedelta | None = None,
    ) -> None:
        """Take rows into memory, of any symbols and days, in any order. They are durable after the next :meth:`flush`.

        Parameters
        ----------
        kind : which rows: one of :data:`~algo_trade.storage.kinds.KINDS`
        rows : a table with the columns of the kind (docs/data.md)
        venue : where they are from
        resolution : the length of bars, which they must have

        Raises
        ------
        ParameterError
            A column or an option that does not fit.
        StorageError
            Too many rows are not durable yet, since they could not be flushed; none of these was taken.
        """
        of = kind_of(kind)
        if of.has_resolution != (resolution is not None):
            raise ParameterError(f"{kind}: resolution = {resolution}: bars have one, all others have none")
        length_ns = 0 if resolution is None else duration_ns(resolution)
        groups = [(SeriesId(kind, venue, symbol, length_ns), table) for symbol, table in by_symbol(conform(of, rows))]
        known = self._last_times()
        with self._lock:
            if self._hot.fresh_bytes > self._hot_bytes_max:
                raise StorageError(
                    f"{self!r}: {self._hot.fresh_bytes:,} bytes in memory are not durable yet: nothing more is taken before a flush "
                    "has gone well"
                )
            for series, table in groups:
                self._hot.add(series, table, known.get(series, _NEVER_NS))

    def flush(self) -> int:
        """Make all rows that were written before this call durable; return how many that were.

        Raises
        ------
        StorageError
            The warm tier cannot keep them now. They stay in memory, and the next call tries again.
        """
        with self._flushing:
            with self._lock:
                fresh = self._hot.fresh()
            if fresh:
                self._warm.write(
                    {
                        series: together(KINDS[series.kind], [piece.table for piece in pieces])
                        for series, pieces in fresh.items()
                    }
                )
            now_ns = self._clock()
            with self._lock:
                self._hot.kept(fresh)
                if now_ns >= self._forget_ns or self._hot.size > self._hot_bytes_max:
                    self._hot.forget(now_ns - self._hot_for_ns, self._hot_bytes_max)
                    self._forget_ns = now_ns + _FORGET_EVERY_NS
        return sum(piece.table.num_rows for pieces in fresh.values() for piece in pieces)

    def migrate(self, *, before: Time | None = None) -> Moved:
        """Move the rows of days that are over from the warm tier to the lake.

        Parameters
        ----------
        before : of days before this midnight, UTC; by default of those that ended longer ago than ``warm_for``

        Raises
        ------
        StorageError
            A tier cannot be read or written now. What was moved before is moved; no row is lost or twice.
        """
        end_ns = self._clock() - self._warm_for_ns if before is None else time_ns(before)
        end_ns -= end_ns % DAY_NS
        moved = Moved()
        with self._migrating:
            for series, (first_ns, _) in self._warm.series().items():
                rows = 0
                for day_ns in range(first_ns - first_ns % DAY_NS, end_ns, DAY_NS):
                    try:
                        rows += self._move(series, day_ns + DAY_NS)
                    except (DataError, ParameterError) as error:
                        moved.problems.append(f"{series.kind} {series.venue} {series.symbol}: {error}")
                        break
                moved.rows += rows
                moved.series += bool(rows)
        return moved

    def _move(self, series: SeriesId, end_ns: int) -> int:
        with self._warm.taking(series, end_ns) as table:
            if table.num_rows:
                # Rows that are there already, from a move that did not come to its end, are not written again.
                self._lake.write(
                    series.kind,
                    table,
                    venue=series.venue,
                    resolution=series.resolution_ns or None,
                    source="moved from the warm tier",
                )
            return int(table.num_rows)

    # --- reading ---

    def parts(
        self,
        kinds: str | Sequence[str] = (),
        symbols: str | Sequence[str] = (),
        *,
        venue: str | None = None,
        start: Time | None = None,
        end: Time | None = None,
        resolution: str | int | dt.timedelta | None = None,
    ) -> list[Part]:
        """Return the parts of the lake that hold such rows, and the days of the warm tier, which have no path."""
        cold = self._lake.parts(kinds, symbols, venue=venue, start=start, end=end, resolution=resolution)
        named, wanted = ([names] if isinstance(names, str) else list(names) for names in (kinds, symbols))
        length_ns = None if resolution is None else duration_ns(resolution)
        first_ns = _NEVER_NS if start is None else time_ns(start)
        last_ns = -_NEVER_NS if end is None else time_ns(end) - 1
        warm = [
            part
            for part in self._warm.days(named, wanted)
            if venue in {None, part.partition.venue}
            and length_ns in {None, part.partition.resolution_ns}
            and part.overlaps(first_ns, last_ns)
        ]
        return sorted([*cold, *warm])

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
        """Return the rows of a kind as a stream: venue by venue, symbol by symbol, each in order of time, whichever tier holds them.

        Options and errors are those of :meth:`ParquetStorage.query`. Rows that come while the stream is read may be in it or not.
        """
        return self._answer(kind, symbols, venue, start, end, columns, resolution).stream()

    def select(
        self,
        kinds: str | Sequence[str],
        symbols: str | Sequence[str] = (),
        *,
        venue: str | None = None,
        start: Time | None = None,
        end: Time | None = None,
        resolution: str | int | dt.timedelta | None = None,
    ) -> TieredSelection:
        """Pick rows for a backtest, which takes them as its data: bars, or ticks of some kinds, whichever tier holds them.

        Options and errors are those of :meth:`ParquetStorage.select`; what was picked stays, whatever is written meanwhile.
        """
        named = [kinds] if isinstance(kinds, str) else list(kinds)
        answers = [self._answer(kind, symbols, venue, start, end, None, resolution) for kind in named]
        return pick(
            self._lake,
            answers,
            kinds=named,
            symbols=symbols,
            venue=venue,
            start=start,
            end=end,
            resolution=resolution,
        )

    def _answer(
        self,
        kind: str,
        symbols: str | Sequence[str],
        venue: str | None,
        start: Time | None,
        end: Time | None,
        columns: Sequence[str] | None,
        resolution: str | int | dt.timedelta | None,
    ) -> Answer:
        question = Question(
            kind_of(kind),
            [symbols] if isinstance(symbols, str) else list(symbols),
            venue,
            None if start is None else time_ns(start),
            None if end is None else time_ns(end),
            plain(None if columns is None else tuple(columns), kind_of(kind)),
            None if resolution is None else duration_ns(resolution),
        )
        # What is moved down meanwhile is looked for where it goes: first in memory, then warm, then cold.
        with self._lock:
            hot = {series: self._hot.pieces(series) for series in self._hot.series([kind], question.symbols)}
        return Answer(question, hot, self._warm, self._lake)

    def _last_times(self) -> dict[SeriesId, int]:
        """Return the last time of each series in the lower tiers, as it was before the first row was written here."""
        if self._known is None:
            known = self._lake.version().last_times()
            for series, (_, last_ns) in self._warm.series().items():
                known[series] = max(known.get(series, _NEVER_NS), last_ns)
            self._known = known
        return self._known


def beside(lake: str | os.PathLike[str]) -> Path | None:
    """Return the file of the warm tier of a lake where nobody names another; None of a lake that is in no folder."""
    return None if "://" in str(lake) else Path(f"{lake}-warm.db")


def warm_at(url: str) -> Warm:
    """Return the warm tier of an address.

    Raises
    ------
    ParameterError
        It is none.
    """
    if is_server(url):
        # Who keeps rows in a file needs no asyncpg.
        from algo_trade.storage.tiers.server import ServerWarm  # noqa: PLC0415

        return ServerWarm(url)
    return SqliteWarm(sqlite_path(url))
