"""Rows of markets on a server: written once each, read in order, taken away."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from algo_trade.core.times import duration_ns
from algo_trade.storage.kinds import SeriesId, check_one_length, plain
from algo_trade.storage.lake.layout import DAY_NS, Part, Partition, date_of
from algo_trade.storage.market import reading
from algo_trade.storage.market.copying import copy_in
from algo_trade.storage.market.inserting import ROWS_MAX, insert
from algo_trade.storage.market.rows import pieces
from algo_trade.storage.market.tables import AGGREGATES, SCHEMA, TABLES, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algo_trade.storage.market.rows import Batch
    from algo_trade.storage.pool import Connection
    from algo_trade.storage.postgresql import ServerStore

MINUTE_NS = 60_000_000_000
_AGGREGATE_NS = {duration_ns(name): f"ohlcv_{name}" for name in AGGREGATES}
# What a server does at least of the slowest that is asked of it, and before it does the first.
_ROWS_A_SECOND = 5_000
_BEGIN_S = 30.0
# Without COPY, and with statements below 64 KiB.
_ROWS_OF_A_STATEMENT = 100
# More new pieces of time than that are left to the default partition: each is a table.
_PIECES_MAX = 2_000
_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
_NO_LIMITS = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
# Rows are read along the primary key as they come, and not sorted first, nor is a compiler started for it.
_WALK = "SET LOCAL enable_sort = off; SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off"
# Compiled to WebAssembly, PostgreSQL knows no COPY over a socket, and ends when it is asked for one.
_HAS_COPY = "SELECT version() NOT LIKE '%by emcc%'"


class MarketRows:
    """The tables of markets in the database of a store.

    Parameters
    ----------
    store : that is open, or will be when something is asked of this
    """

    def __init__(self, store: ServerStore) -> None:
        self._store = store
        self._known: set[tuple[str, int]] = set()
        self._has_copy: bool | None = None

    async def write(self, batches: Sequence[Batch]) -> int:
        """Keep rows, all of them or none, and return how many are new. Of two rows with one key the first stays."""
        batches = [batch for batch in batches if batch.rows.num_rows]
        for batch in batches:
            await self._make_room(batch)
        has_copy = await self._may_copy()
        rows = sum(int(batch.rows.num_rows) for batch in batches)

        async def work(connection: Connection) -> int:
            await connection.execute(_NO_LIMITS)
            return sum([await _write(connection, batch, has_copy=has_copy) for batch in batches])

        if not batches:
            return 0
        if len(batches) == 1 and _is_one_statement(batches[0], has_copy=has_copy):
            return await self._store.work(lambda connection: insert(connection, batches[0]))
        return await self._store.transaction(work, attempt_s=_BEGIN_S + rows / _ROWS_A_SECOND)

    async def query(
        self,
        table: Table,
        symbols: Sequence[str],
        *,
        venue: str | None,
        start_ns: int | None,
        end_ns: int | None,
        columns: Sequence[str] | None,
        resolution_ns: int | None,
    ) -> pa.Table:
        """Return rows of a kind: venue by venue, symbol by symbol, each in order, all as they are at one moment."""
        schema = plain(None if columns is None else tuple(columns), table.kind)
        stored = [name for name in schema.names if name not in {"venue", "symbol"}] or [table.kind.time]
        has_copy = await self._may_copy()

        async def work(connection: Connection) -> list[pa.RecordBatch]:
            await connection.execute(f"{_SNAPSHOT}; {_NO_LIMITS}")
            batches = []
            chosen = await self._series(connection, table, venue, symbols, start_ns, end_ns, resolution_ns)
            if not any(view for _, view in chosen):
                await connection.execute(_WALK)
            for series, view in chosen:
                found = await reading.read(
                    connection, series, table, stored, start_ns, end_ns, view=view, has_copy=has_copy
                )
                batches += [_shown(batch, schema, series) for batch in found]
            return batches

        return pa.Table.from_batches(await self._store.transaction(work, attempt_s=None), schema=schema)

    async def read(
        self, series: SeriesId, start_ns: int | None, end_ns: int | None, columns: Sequence[str] | None
    ) -> pa.Table:
        """Return the rows of a series within [start, end), with the columns of the kind or these."""
        has_copy = await self._may_copy()

        async def work(connection: Connection) -> pa.Table:
            await connection.execute(f"{_NO_LIMITS}; {_WALK}")
            return await _rows(connection, series, start_ns, end_ns, columns, has_copy=has_copy)

        return await self._store.transaction(work, attempt_s=None)

    async def series(self, kinds: Sequence[str], symbols: Sequence[str]) -> dict[SeriesId, tuple[int, int]]:
        """Return what is there, each with times between which its rows lie."""

        async def work(connection: Connection) -> dict[SeriesId, tuple[int, int]]:
            await connection.execute(_NO_LIMITS)
            found = {}
            for kind in kinds or TABLES:
                for lead in await reading.leads_of(connection, TABLES[kind], None, symbols):
                    series = _series_id(kind, lead)
                    ends = await reading.ends(connection, TABLES[kind], series)
                    if ends is not None:
                        found[series] = ends
            return found

        return await self._store.transaction(work, attempt_s=None)

    async def days(self, kinds: Sequence[str], symbols: Sequence[str]) -> list[Part]:
        """Return what there is of each day, as parts without a path and a size."""

        async def work(connection: Connection) -> list[Part]:
            await connection.execute(_NO_LIMITS)
            return [
                Part(
                    Partition(kind, venue, symbol, date_of(day * DAY_NS, 0), *length),
                    first * 1_000,
                    last * 1_000 + (0 if length else 999),
                    "",
                    rows,
                    0,
                )
                for kind in kinds or TABLES
                for venue, symbol, *length, day, first, last, rows in await reading.days(
                    connection, TABLES[kind], symbols
                )
            ]

        return await self._store.transaction(work, attempt_s=None)

    async def take(self, series: SeriesId, end_ns: int) -> Taken:
        """Return the rows of a series before a time, and what takes them away."""
        has_copy = await self._may_copy()

        async def begin() -> Taken:
            async with AsyncExitStack() as lent:
                connection = await lent.enter_async_context(self._store.lend())
                await connection.execute(f"BEGIN ISOLATION LEVEL REPEATABLE READ; {_NO_LIMITS}; {_WALK}")
                rows = await _rows(connection, series, None, end_ns, None, has_copy=has_copy)
                return Taken(rows, self._store, connection, lent.pop_all(), series, end_ns)

        return await self._store.patiently(begin, attempt_s=None)

    async def _series(
        self,
        connection: Connection,
        table: Table,
        venue: str | None,
        symbols: Sequence[str],
        start_ns: int | None,
        end_ns: int | None,
        resolution_ns: int | None,
    ) -> list[tuple[SeriesId, str | None]]:
        """Return the series that are asked for, each with the view that it is read from; None: its table."""
        if not table.kind.has_resolution:
            if venue is not None and symbols:
                return [(SeriesId(table.kind.name, venue, symbol), None) for symbol in sorted(set(symbols))]
            leads = await reading.leads_of(connection, table, venue, symbols)
            return [(_series_id(table.kind.name, lead), None) for lead in leads]
        found = [
            _series_id(table.kind.name, lead) for lead in await reading.leads_of(connection, table, venue, symbols)
        ]
        if resolution_ns is not None:
            return _of_length(found, resolution_ns)
        held = []
        for series in found:
            is_there = (
                f"SELECT EXISTS (SELECT FROM {table.place} WHERE {reading.where(table, series, start_ns, end_ns)})"
            )
            if await connection.fetchval(is_there):
                held.append(series)
        check_one_length(table.kind, (series.resolution_ns for series in held))
        return [(series, None) for series in held]

    async def _make_room(self, batch: Batch) -> None:
        """Make the partitions in which rows will lie."""
        new = [piece for piece in pieces(batch) if (batch.table.name, piece) not in self._known]
        if not new or len(new) > _PIECES_MAX:
            return
        moments = [datetime.fromtimestamp(second, UTC) for second in new]

        async def work(connection: Connection) -> None:
            await connection.execute(_NO_LIMITS)
            # A lock is waited for, but not while others wait behind us.
            await connection.execute("SET LOCAL lock_timeout = '3s'")
            await connection.fetch(
                f"SELECT {SCHEMA}.market_partition($1::text, $2::timestamptz[])", batch.table.name, moments
            )

        await self._store.transaction(work, attempt_s=_BEGIN_S + len(new))
        self._known.update((batch.table.name, piece) for piece in new)

    async def _may_copy(self) -> bool:
        if self._has_copy is None:
            ((self._has_copy,),) = await self._store.rows(_HAS_COPY)
        return self._has_copy


class Taken:
    """Rows that go when :meth:`commit` is called, and stay with :meth:`cancel`, or if neither is.

    What is deleted are the rows that were read, and none that were written meanwhile: all is done as of one moment.
    """

    def __init__(
        self,
        rows: pa.Table,
        store: ServerStore,
        connection: Connection,
        lent: AsyncExitStack,
        series: SeriesId,
        end_ns: int,
    ) -> None:
        self.rows = rows
        self._store = store
        self._lent = lent
        self._connection = connection
        self._series = series
        self._end_ns = end_ns

    async def commit(self) -> None:
        """Take the rows away."""
        table = TABLES[self._series.kind]
        statement = f"DELETE FROM {table.place} WHERE {reading.where(table, self._series, None, self._end_ns)}"

        async def work() -> None:
            async with self._lent:
                await self._connection.execute(statement)
                await self._connection.execute("COMMIT")

        await self._store.once(work, within_s=_BEGIN_S + self.rows.num_rows / _ROWS_A_SECOND)

    async def cancel(self) -> None:
        """Leave the rows where they are."""

        async def work() -> None:
            async with self._lent:
                await self._connection.execute("ROLLBACK")

        await self._store.once(work, within_s=_BEGIN_S)


def _is_one_statement(batch: Batch, *, has_copy: bool) -> bool:
    return int(batch.rows.num_rows) <= (ROWS_MAX if has_copy else _ROWS_OF_A_STATEMENT)


async def _write(connection: Connection, batch: Batch, *, has_copy: bool) -> int:
    if has_copy and not _is_one_statement(batch, has_copy=True):
        return await copy_in(connection, batch)
    size = ROWS_MAX if has_copy else _ROWS_OF_A_STATEMENT
    slices = [batch.rows.slice(first, size) for first in range(0, batch.rows.num_rows, size)]
    return sum([await insert(connection, batch._replace(rows=rows)) for rows in slices])


async def _rows(
    connection: Connection,
    series: SeriesId,
    start_ns: int | None,
    end_ns: int | None,
    columns: Sequence[str] | None,
    *,
    has_copy: bool,
) -> pa.Table:
    kind = TABLES[series.kind].kind
    names = list(kind.schema.names if columns is None else columns)
    schema = pa.schema([kind.schema.field(name) for name in names])
    stored = [name for name in names if name != "symbol"] or [kind.time]
    found = await reading.read(connection, series, TABLES[series.kind], stored, start_ns, end_ns, has_copy=has_copy)
    rows = pa.Table.from_batches([_shown(batch, schema, series) for batch in found], schema=schema)
    is_told = "volume" not in names or not rows.num_rows or rows["volume"].null_count < rows.num_rows
    return rows if is_told else rows.drop_columns(["volume"])


def _shown(batch: pa.RecordBatch, schema: pa.Schema, series: SeriesId) -> pa.RecordBatch:
    said = {"venue": series.venue, "symbol": series.symbol}
    columns = [
        pa.repeat(pa.scalar(said[field.name], pa.string()), batch.num_rows).cast(field.type)
        if field.name in said
        else batch.column(field.name)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _series_id(kind: str, lead: reading.Lead) -> SeriesId:
    venue, symbol, *length = lead
    return SeriesId(kind, str(venue), str(symbol), int(length[0]) if length else 0)


def _of_length(found: list[SeriesId], length_ns: int) -> list[tuple[SeriesId, str | None]]:
    """Return the series of a length, and where it is none's, what is made of minutes."""
    view = _AGGREGATE_NS.get(length_ns)
    held = {(series.venue, series.symbol) for series in found if series.resolution_ns == length_ns}
    chosen: list[tuple[SeriesId, str | None]] = []
    for series in found:
        if series.resolution_ns == length_ns:
            chosen.append((series, None))
        elif view and series.resolution_ns == MINUTE_NS and (series.venue, series.symbol) not in held:
            chosen.append((series, view))
    return chosen
