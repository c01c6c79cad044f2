"""Rows to and from the server as parameters and records: a few at a time, and where there is no COPY."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from algo_trade.errors import DataError
from algo_trade.storage.market.rows import fields
from algo_trade.storage.market.tables import RESOLUTION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from algo_trade.storage.market.rows import Batch
    from algo_trade.storage.market.tables import Table
    from algo_trade.storage.pool import Connection

ROWS_MAX = 500
"""Above, COPY is faster."""


async def insert(connection: Connection, batch: Batch) -> int:
    """Write rows, in one statement, and return how many are new."""
    names = tuple(batch.rows.column_names)
    values = [value for name in names for value in _values(batch.rows[name], batch.table, name)]
    done = await connection.execute(_insert(batch.table, names), *batch.lead, *values)
    return int(done.rpartition(" ")[2])


@cache
def _insert(table: Table, columns: tuple[str, ...]) -> str:
    lead = {"venue": "text", **({RESOLUTION: "bigint"} if table.kind.has_resolution else {})}
    names = [field for name in columns for field in fields(table, name)]
    types = [of for name in columns for of in _types(table, name)]
    chosen = [f"${number}::{of}" for number, of in enumerate(lead.values(), 1)]
    # Numbers come as text: no other type of Python is as quickly made, and exact.
    chosen += [f"{name}::numeric" if of == "text-number" else name for name, of in zip(names, types, strict=True)]
    arrays = [f"${number}::{'text' if of == 'text-number' else of}[]" for number, of in enumerate(types, len(lead) + 1)]
    return (
        f"INSERT INTO {table.place} ({', '.join([*lead, *names])}) SELECT {', '.join(chosen)} "
        f"FROM unnest({', '.join(arrays)}) AS given ({', '.join(names)}) ON CONFLICT DO NOTHING"
    )


def _types(table: Table, name: str) -> tuple[str, ...]:
    of = table.kind.schema.field(name).type
    if pa.types.is_timestamp(of):
        return ("timestamptz", "smallint")[: len(fields(table, name))]
    if pa.types.is_decimal(of) or of == pa.uint64():
        return ("text-number",)
    known = {pa.uint8(): "smallint", pa.uint16(): "integer", pa.int64(): "bigint", pa.bool_(): "boolean"}
    return (known.get(of, "text"),)


def _values(column: pa.ChunkedArray, table: Table, name: str) -> Iterator[list[Any]]:
    of = column.type
    if pa.types.is_timestamp(of) and len(fields(table, name)) == 1:
        yield column.cast(pa.timestamp("us", tz="UTC")).to_pylist()
    elif pa.types.is_timestamp(of):
        whole = column.cast(pa.timestamp("us", tz="UTC"), safe=False)
        # Towards zero, where the time before 1970 wants its floor.
        beyond = pc.subtract(column.cast(pa.int64()), whole.cast(of).cast(pa.int64())).to_pylist()
        if any(each < 0 for each in beyond):
            micros = [each.value // 1_000 for each in column]
            whole = pa.array(micros, pa.timestamp("us", tz="UTC"))
            beyond = [each % 1_000 for each in beyond]
        yield whole.to_pylist()
        yield beyond
    elif pa.types.is_decimal(of) or of == pa.uint64():
        yield column.cast(pa.string()).to_pylist()
    else:
        yield column.to_pylist()


async def fetch(connection: Connection, query: str, schema: pa.Schema, *, is_whole: bool) -> list[pa.RecordBatch]:
    """Return the rows of a query, as :func:`~algo_trade.storage.market.copying.copy_out` does.

    Raises
    ------
    DataError
        The server says what no row is.
    """
    records = await connection.fetch(query)
    columns = list(zip(*records, strict=True)) if records else [()] * _width(schema, is_whole=is_whole)
    arrays = []
    for field in schema:
        values: Any = columns.pop(0)
        if pa.types.is_timestamp(field.type):
            beyond = (0,) * len(values) if is_whole else columns.pop(0)
            micros = pa.array(values, pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_pylist()
            values = [us * 1_000 + ns for us, ns in zip(micros, beyond, strict=True)]
        elif field.type == pa.uint64():
            values = [int(value) for value in values]
        try:
            arrays.append(pa.array(values, field.type))
        except (pa.ArrowInvalid, OverflowError) as error:
            raise DataError(f"{field.name}: {error}") from error
    return [pa.RecordBatch.from_arrays(arrays, schema=schema)]


def _width(schema: pa.Schema, *, is_whole: bool) -> int:
    return sum(1 + (pa.types.is_timestamp(of) and not is_whole) for of in schema.types)
