"""The warm tier on a server."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar, final

from algo_trade.errors import ParameterError, StorageError
from algo_trade.storage.address import is_server, shown
from algo_trade.storage.client import DatabaseClient
from algo_trade.storage.kinds import SeriesId, kind_of
from algo_trade.storage.market.rows import checked
from algo_trade.storage.market.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Mapping, Sequence

    import pyarrow as pa

    from algo_trade.storage.lake.layout import Part

T = TypeVar("T")


@final
class ServerWarm:
    """Rows of the last days in PostgreSQL; calls may come from several threads, and wait in them.

    What is asked is done on an event loop in a thread of its own.

    Parameters
    ----------
    url : ``postgresql://…``
    max_connections : at most at a time; each :meth:`taking` holds one
    timeout_s : how long is waited for a server that does not answer

    Raises
    ------
    ParameterError
        The address is not that of a server.
    """

    def __init__(self, url: str, *, max_connections: int = 4, timeout_s: float = 10.0) -> None:
        if not is_server(url):
            raise ParameterError(f"{shown(url)}: must start with postgresql://")
        self._name = shown(url)
        self._client = DatabaseClient(url, max_connections, timeout_s=timeout_s)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"ServerWarm({self._name})"

    @property
    def name(self) -> str:
        """What to call it in messages, without passwords."""
        return self._name

    def open(self) -> None:
        """Make the tables if they are not there, and bring them up to date."""
        if self._thread is not None:
            return
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(self._loop,), name="warm-server", daemon=True)
        self._thread.start()
        try:
            self._wait(self._client.__aenter__())
        except BaseException:
            self._stop()
            raise

    def close(self) -> None:
        """Let go of the server; what is under way is ended."""
        if self._thread is not None:
            try:
                self._wait(self._client.__aexit__(None, None, None))
            finally:
                self._stop()

    def write(self, rows: Mapping[SeriesId, pa.Table]) -> None:
        """Keep rows, all of them or none; they are durable when this returns. Rows that are there already are left out."""
        batches = [
            checked(TABLES[kind_of(series.kind).name], table, series.venue, series.resolution_ns)
            for series, table in rows.items()
        ]
        self._wait(self._client.market.write(batches))

    def series(self, kinds: Sequence[str] = (), symbols: Sequence[str] = ()) -> dict[SeriesId, tuple[int, int]]:
        """Return what is there, each with times between which its rows lie, both included."""
        return self._wait(self._client.market.series([kind_of(kind).name for kind in kinds], symbols))

    def days(self, kinds: Sequence[str] = (), symbols: Sequence[str] = ()) -> list[Part]:
        """Return what there is of each day, as parts without a path. All rows are counted, which takes the server some time."""
        return self._wait(self._client.market.days([kind_of(kind).name for kind in kinds], symbols))

    def read(
        self,
        series: SeriesId,
        start_ns: int | None = None,
        end_ns: int | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Return the rows of a series within [start, end), each once, in order; by default with all columns of the kind."""
        known = kind_of(series.kind).schema.names
        for name in columns or ():
            if name not in known:
                raise ParameterError(f"{series.kind}: column {name!r} is unknown: columns are {', '.join(known)}")
        return self._wait(self._client.market.read(series, start_ns, end_ns, columns))

    @contextmanager
    def taking(self, series: SeriesId, end_ns: int) -> Iterator[pa.Table]:
        """Give the rows of a series before a time: they are gone when the ``with`` ends well, and stay if it raises.

        Rows that are written meanwhile stay.
        """
        kind_of(series.kind)
        taken = self._wait(self._client.market.take(series, end_ns))
        try:
            yield taken.rows
        except BaseException:
            # Whatever comes of it: rows that nobody takes away stay.
            with suppress(StorageError):
                self._wait(taken.cancel())
            raise
        self._wait(taken.commit())

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            work.close()
            raise StorageError(f"{self._name}: the warm tier is not open: call open() first")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    @staticmethod
    def _run(loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    def _stop(self) -> None:
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
