"""What is asked of the tables: which series there are, and the rows of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from algo_trade.errors import DataError
from algo_trade.storage.market.copying import copy_out, damaged
from algo_trade.storage.market.inserting import fetch
from algo_trade.storage.market.tables import RESOLUTION, SCHEMA
from algo_trade.storage.market.words import text, within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algo_trade.storage.kinds import SeriesId
    from algo_trade.storage.market.tables import Table
    from algo_trade.storage.pool import Connection

    Lead = tuple[str | int, ...]


_DAY_US = 86_400_000_000


async def leads(connection: Connection, table: Table, **known: str | None) -> list[Lead]:
    """Return the series of a table, in order; of a venue or symbol alone if it is told.

    Each is found by one look into the index, however many rows there are.
    """
    fixed = [f"{name} = {text(value)}" for name, value in known.items() if value is not None]
    names = ", ".join(table.lead)
    one = f"SELECT {names} FROM {table.place} {{where}} ORDER BY {names} LIMIT 1"
    first = one.format(where=f"WHERE {' AND '.join(fixed)}" if fixed else "")
    after = f"({names}) > ({', '.join(f'before.{name}' for name in table.lead)})"
    next_ = one.format(where=f"WHERE {' AND '.join([after, *fixed])}")
    found = await connection.fetch(
        f"WITH RECURSIVE found AS (({first}) UNION ALL SELECT next.* FROM found AS before, LATERAL ({next_}) AS next) "
        f"SELECT {names} FROM found ORDER BY {names}"
    )
    return [tuple(each) for each in found]


async def leads_of(connection: Connection, table: Table, venue: str | None, symbols: Sequence[str]) -> list[Lead]:
    """Return the series of these symbols, or of all, in order."""
    if not symbols:
        return await leads(connection, table, venue=venue)
    return sorted(
        [each for symbol in set(symbols) for each in await leads(connection, table, venue=venue, symbol=symbol)]
    )


async def read(
    connection: Connection,
    series: SeriesId,
    table: Table,
    columns: Sequence[str],
    start_ns: int | None = None,
    end_ns: int | None = None,
    *,
    view: str | None = None,
    has_copy: bool,
) -> list[pa.RecordBatch]:
    """Return stored columns of the rows of a series within [start, end), in order.

    Raises
    ------
    StorageError
        Something in the table is no row.
    """
    kind = table.kind
    names = [field for name in columns for field in table.fields(name)]
    place = f"{SCHEMA}.{view}" if view else table.place
    query = (
        f"SELECT {', '.join(names)} FROM {place} WHERE {where(table, series, start_ns, end_ns, is_view=view is not None)} "
        f"ORDER BY {', '.join(table.order)}"
    )
    schema = pa.schema([kind.schema.field(name) for name in columns])
    try:
        return await (copy_out if has_copy else fetch)(connection, query, schema, is_whole=kind.has_resolution)
    except DataError as error:
        raise damaged(f"{place}, {series.venue}, {series.symbol}", error) from None


def where(table: Table, series: SeriesId, start_ns: int | None, end_ns: int | None, *, is_view: bool = False) -> str:
    """Return the condition that holds of the rows of a series within [start, end)."""
    conditions = [f"venue = {text(series.venue)}", f"symbol = {text(series.symbol)}"]
    if table.kind.has_resolution and not is_view:
        conditions.append(f"{RESOLUTION} = {series.resolution_ns}")
    return " AND ".join([*conditions, *within(table.fields(table.kind.time), start_ns, end_ns)])


async def days(connection: Connection, table: Table, symbols: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return what tells a series from others, the days since the epoch, the first and the last time in µs, and how many rows."""
    time = table.kind.time
    micros = f"(extract(epoch FROM {time}) * 1000000)::bigint"
    lead = ", ".join(table.lead)
    of = f"WHERE symbol IN ({', '.join(map(text, symbols))})" if symbols else ""
    day = f"{micros} / {_DAY_US} - ({micros} % {_DAY_US} < 0)::int"
    statement = (
        f"SELECT {lead}, {day}, min({micros}), max({micros}), count(*) FROM {table.place} {of} GROUP BY {lead}, {day}"
    )
    return [tuple(row) for row in await connection.fetch(f"{statement} ORDER BY {lead}, {day}")]


async def ends(connection: Connection, table: Table, series: SeriesId) -> tuple[int, int] | None:
    """Return times between which the rows of a series lie, in nanoseconds, to the microsecond; None: there are none."""
    time = table.kind.time
    of = where(table, series, None, None)
    found = await connection.fetchrow(
        f"SELECT (SELECT {time} FROM {table.place} WHERE {of} ORDER BY {time} LIMIT 1), "
        f"(SELECT {time} FROM {table.place} WHERE {of} ORDER BY {time} DESC LIMIT 1)"
    )
    if found[0] is None:
        return None
    first, last = pa.array(list(found), pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_pylist()
    beyond = 0 if table.kind.has_resolution else 999
    return first * 1_000, last * 1_000 + beyond
