"""Rows to and from the server by binary COPY: no object per value."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pyarrow as pa

from algo_trade._native import CopyDecoder, encode_copy
from algo_trade.errors import DataError, StorageError
from algo_trade.storage.market.tables import SCHEMA
from algo_trade.storage.market.words import moment, text

try:
    from asyncpg import UniqueViolationError
except ModuleNotFoundError as missing:
    raise StorageError("rows in a database need asyncpg: pip install 'algo-trade[storage]'") from missing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from algo_trade.storage.market.rows import Batch
    from algo_trade.storage.pool import Connection

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
# Half a megabyte or so: less costs calls, more costs memory and the server waits.
_ROWS_A_PIECE = 4_096
_ROWS_A_BATCH = 1 << 16
SILENCE_S = 60.0
"""How long a server may say nothing while it answers: it may have to sort first."""


async def copy_in(connection: Connection, batch: Batch) -> int:
    """Write rows within a transaction, and return how many are new."""
    if await _is_free(connection, batch):
        # Nothing is there yet: the rows go straight into their table, unless one of them comes twice.
        await connection.execute("SAVEPOINT straight")
        try:
            await _copy(connection, batch.table.name, SCHEMA, batch)
        except UniqueViolationError:
            await connection.execute("ROLLBACK TO straight")
        else:
            await connection.execute("RELEASE straight")
            return int(batch.rows.num_rows)
    stage = f"stage_{batch.table.name}"
    await connection.execute(
        f"CREATE TEMP TABLE IF NOT EXISTS {stage} (LIKE {batch.table.place} INCLUDING DEFAULTS) ON COMMIT DROP; TRUNCATE pg_temp.{stage}"
    )
    await _copy(connection, stage, None, batch)
    names = ", ".join([*batch.names, *(["ordinal"] if batch.table.has_ordinal else [])])
    # A table of one session is read from its beginning, so of two rows with one key the first is kept.
    done = await connection.execute(
        f"INSERT INTO {batch.table.place} ({names}) SELECT {names} FROM pg_temp.{stage} ON CONFLICT DO NOTHING"
    )
    return int(done.rpartition(" ")[2])


async def _is_free(connection: Connection, batch: Batch) -> bool:
    """Whether no row lies between the first and the last of these."""
    of = batch.table.kind
    symbols = batch.rows["symbol"].cast(pa.string()).unique().to_pylist()
    at = batch.rows[of.time].cast(pa.int64())
    first, last = pa.compute.min_max(at).values()
    conditions = [
        f"venue = {text(batch.venue)}",
        f"symbol IN ({', '.join(map(text, symbols))})",
        *([f"resolution_ns = {batch.resolution_ns}"] if of.has_resolution else []),
        f"{of.time} BETWEEN {moment(first.as_py() // 1_000)} AND {moment(last.as_py() // 1_000)}",
    ]
    found = await connection.fetchval(
        f"SELECT EXISTS (SELECT FROM {batch.table.place} WHERE {' AND '.join(conditions)})"
    )
    return not found


async def _copy(connection: Connection, name: str, schema: str | None, batch: Batch) -> None:
    await connection.copy_to_table(
        name, source=_pieces(batch), columns=batch.names, schema_name=schema, format="binary", timeout=None
    )


async def _pieces(batch: Batch) -> AsyncIterator[bytes]:
    yield _HEADER
    first_row = 1
    for rows in batch.rows.to_batches(max_chunksize=_ROWS_A_PIECE):
        yield encode_copy(rows, batch.lead, is_whole=batch.table.kind.has_resolution, first_row=first_row)
        first_row += rows.num_rows
        # Others wait for this loop.
        await asyncio.sleep(0)
    yield _TRAILER


async def copy_out(connection: Connection, query: str, schema: pa.Schema, *, is_whole: bool) -> list[pa.RecordBatch]:
    """Return the rows of a query, whose fields are those of the columns.

    Raises
    ------
    TimeoutError
        The server says nothing for long.
    DataError
        It says what no row is.
    """
    decoder = CopyDecoder(schema, is_whole=is_whole)
    batches: list[pa.RecordBatch] = []
    clock = asyncio.get_running_loop().time
    async with asyncio.timeout(SILENCE_S) as limit:

        async def take(piece: bytes) -> None:
            decoder.feed(piece)
            if decoder.waiting >= _ROWS_A_BATCH:
                batches.append(pa.record_batch(decoder.take()))
                limit.reschedule(clock() + SILENCE_S)

        await connection.copy_from_query(query, output=take, format="binary", timeout=None)
        decoder.finish()
    batches.append(pa.record_batch(decoder.take()))
    return batches


def damaged(place: str, error: DataError) -> StorageError:
    """Return what to say of a row in a table that is none."""
    return StorageError(f"{place}: {error}: somebody else has written it: correct it there, or restore a backup")
