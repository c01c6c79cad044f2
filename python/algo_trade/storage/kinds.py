"""What is kept of markets and of our own trading: the kinds of rows, their columns, and what tells one row from another. The same in every tier."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from algo_trade.core.times import duration_text
from algo_trade.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from algo_trade.storage.lake.layout import Partition

SCHEMA_VERSION = 1
"""Of all kinds together; a file says with which one it was written."""

TIME = pa.timestamp("ns", tz="UTC")
NUMBER = pa.decimal128(20, 8)

_TICKS = pa.schema(
    [
        ("exchange_time", TIME),
        ("local_time", TIME),
        ("symbol", pa.dictionary(pa.int32(), pa.string())),
        ("kind", pa.uint8()),
        ("side", pa.uint8()),
        ("price", NUMBER),
        ("quantity", NUMBER),
        ("order_id", pa.uint64()),
        ("sequence", pa.uint64()),
        ("flags", pa.uint16()),
        ("aux", pa.int64()),
    ]
)
_BARS = pa.schema(
    [
        ("timestamp", TIME),
        ("symbol", pa.string()),
        ("open", NUMBER),
        ("high", NUMBER),
        ("low", NUMBER),
        ("close", NUMBER),
        ("volume", NUMBER),
    ]
)
# What became of our own orders and money. Text that is not told is empty, a number that is not told is zero.
_FILLS = pa.schema(
    [
        ("exchange_time", TIME),
        ("local_time", TIME),
        ("symbol", pa.string()),
        ("account", pa.string()),
        ("bot_id", pa.string()),
        ("trade_id", pa.string()),
        ("order_id", pa.string()),
        ("client_id", pa.string()),
        ("side", pa.string()),
        ("price", NUMBER),
        ("quantity", NUMBER),
        ("is_maker", pa.bool_()),
        ("fee", NUMBER),
        ("fee_currency", pa.string()),
        ("realized_pnl", NUMBER),
    ]
)
_ORDER_STATES = pa.schema(
    [
        ("exchange_time", TIME),
        ("local_time", TIME),
        ("symbol", pa.string()),
        ("account", pa.string()),
        ("bot_id", pa.string()),
        ("order_id", pa.string()),
        ("client_id", pa.string()),
        ("side", pa.string()),
        ("price", NUMBER),
        ("quantity", NUMBER),
        ("filled_quantity", NUMBER),
        ("status", pa.string()),
        ("reason", pa.string()),
    ]
)
_EQUITY = pa.schema(
    [
        ("timestamp", TIME),
        ("symbol", pa.string()),
        ("account", pa.string()),
        ("bot_id", pa.string()),
        ("equity", NUMBER),
        ("cash", NUMBER),
        ("unrealized_pnl", NUMBER),
    ]
)
# What a recorder could not hear: rows of which kind, from when to when by the venue's clock, and why.
_GAPS = pa.schema(
    [
        ("timestamp", TIME),
        ("symbol", pa.string()),
        ("missing", pa.string()),
        ("end_time", TIME),
        ("reason", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of rows.

    Attributes
    ----------
    name : of the folder in a lake and of the table in a database (of bars, that is ``ohlcv``)
    schema : its columns
    time : the column that says when; rows lie in its order
    order : the columns by which rows are sorted, ``time`` first; rows that are equal in all of them keep their order
    key : the columns that tell a row from all others of its symbol and venue: of two with the same key one is kept
    """

    name: str
    schema: pa.Schema
    time: str
    order: tuple[str, ...]
    key: tuple[str, ...]

    @property
    def is_ticks(self) -> bool:
        """Whether its rows are ticks, which the tick engine reads."""
        return self.schema is _TICKS

    @property
    def has_resolution(self) -> bool:
        """Whether its rows are of lengths that must be named."""
        return self.schema is _BARS


def _ticks(name: str) -> Kind:
    # A row says one fact of the venue, whoever recorded it and whenever it was heard: a print that was heard live may come again as
    # history. In books the flags hold batches together.
    told = {"local_time", "symbol", "flags"} if name == "trades" else {"local_time", "symbol"}
    key = tuple(column for column in _TICKS.names if column not in told)
    return Kind(name, _TICKS, "exchange_time", ("exchange_time", "sequence"), key)


def times_of(kind: Kind, rows: pa.Table) -> npt.NDArray[np.int64]:
    """Return the times of rows in nanoseconds since the epoch, without a copy where they lie in one piece."""
    times: npt.NDArray[np.int64] = rows[kind.time].cast(pa.int64()).to_numpy()
    return times


class SeriesId(NamedTuple):
    """The rows of one kind, venue and symbol; of bars, of one length (``resolution_ns``, 0 of all others) too."""

    kind: str
    venue: str
    symbol: str
    resolution_ns: int = 0


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        *map(_ticks, ("trades", "orders", "book", "quotes", "contexts", "funding", "status")),
        Kind("bars", _BARS, "timestamp", ("timestamp",), ("timestamp",)),
        Kind(
            "fills",
            _FILLS,
            "exchange_time",
            ("exchange_time", "trade_id"),
            ("exchange_time", "account", "trade_id", "order_id"),
        ),
        Kind(
            "order_states",
            _ORDER_STATES,
            "exchange_time",
            ("exchange_time",),
            ("exchange_time", "account", "order_id", "client_id", "status", "price", "quantity", "filled_quantity"),
        ),
        # Its symbol is the currency.
        Kind("equity", _EQUITY, "timestamp", ("timestamp", "account", "bot_id"), ("timestamp", "account", "bot_id")),
        Kind("gaps", _GAPS, "timestamp", ("timestamp", "missing"), ("timestamp", "missing", "end_time")),
    )
}


def kind_of(name: str) -> Kind:
    """Return the kind of a name.

    Raises
    ------
    ParameterError
        There is none; the message names all.
    """
    try:
        return KINDS[name]
    except KeyError:
        raise ParameterError(f"kind = {name!r}: must be one of {', '.join(KINDS)}") from None


def check_one_length(kind: Kind, lengths_ns: Iterable[int]) -> None:
    """Refuse bars of several lengths: nobody said which.

    Raises
    ------
    ParameterError
        There are several; the message names them.
    """
    known = sorted(set(lengths_ns))
    if len(known) > 1:
        raise ParameterError(
            f"{kind.name}: there are lengths of {', '.join(map(duration_text, known))}: name one as resolution"
        )


def conform(kind: Kind, table: pa.Table) -> pa.Table:
    """Return a table with exactly the columns of its kind, in their order.

    Raises
    ------
    ParameterError
        A column is missing or unknown, holds nothing somewhere, or cannot be taken over without loss.
    """
    missing = [name for name in kind.schema.names if name not in table.column_names and name != "volume"]
    if missing:
        raise ParameterError(
            f"{kind.name}: column {missing[0]!r} is missing: needed are {', '.join(kind.schema.names)}"
        )
    unknown = [name for name in table.column_names if name not in kind.schema.names]
    if unknown:
        raise ParameterError(
            f"{kind.name}: column {unknown[0]!r} is unknown: columns are {', '.join(kind.schema.names)}"
        )
    fields = [field for field in kind.schema if field.name in table.column_names]
    columns = []
    for field in fields:
        try:
            column = _exact(table[field.name], field.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise ParameterError(f"{kind.name}.{field.name}: {error}") from None
        if column.null_count:
            row = next(at for at, value in enumerate(column) if not value.is_valid)
            raise ParameterError(f"{kind.name}.{field.name}: row {row + 1} has no value")
        if pa.types.is_decimal(field.type):
            _check_range(f"{kind.name}.{field.name}", column)
        columns.append(column)
    return pa.table(columns, schema=pa.schema(fields))


def _check_range(name: str, column: pa.ChunkedArray) -> None:
    """Refuse amounts that the engine cannot count: it does so in 64 bits, of 1e-8 each."""
    done = 0
    for chunk in filter(len, column.chunks):
        words = np.frombuffer(chunk.buffers()[1], np.int64).reshape(-1, 2)[chunk.offset : chunk.offset + len(chunk)]
        low, high = words[:, 0], words[:, 1]
        wide = np.flatnonzero(high != low >> 63)
        if len(wide):
            row = int(wide[0])
            raise ParameterError(
                f"{name}: row {done + row + 1}: {chunk[row].as_py()}: is out of range: the largest amount is "
                f"{Decimal((1 << 63) - 1).scaleb(-8):,}"
            )
        done += len(chunk)


def _exact(column: pa.ChunkedArray, of: pa.DataType) -> pa.ChunkedArray:
    if column.type == of:
        return column
    if pa.types.is_decimal(of) and pa.types.is_floating(column.type):
        raise pa.ArrowInvalid("holds floats, which are not exact: give decimals, or text")
    if pa.types.is_decimal(of) and pa.types.is_integer(column.type):
        # Wide enough for any integer; what does not fit is said by the second cast.
        column = column.cast(pa.decimal128(38, 8))
    return column.cast(of)


@cache
def plain(columns: Sequence[str] | None, kind: Kind) -> pa.Schema:
    """Return the schema of an answer: venue first, symbols as text, and only the columns that are asked for."""
    fields = [pa.field("venue", pa.string()), *(_plain(field) for field in kind.schema)]
    known = [field.name for field in fields]
    for name in columns or ():
        if name not in known:
            raise ParameterError(f"{kind.name}: column {name!r} is unknown: columns are {', '.join(known)}")
    return pa.schema([fields[known.index(name)] for name in columns] if columns else fields)


def _plain(field: pa.Field) -> pa.Field:
    return pa.field(field.name, pa.string()) if field.name == "symbol" else field


def shown(batch: pa.RecordBatch, schema: pa.Schema, of: SeriesId | Partition) -> pa.RecordBatch:
    """Return stored rows as an answer shows them: a schema of :func:`plain`, with the venue and symbol of what they are of."""
    said = {"venue": of.venue, "symbol": of.symbol}
    columns = [
        pa.repeat(pa.scalar(said[field.name], pa.string()), batch.num_rows)
        if field.name in said
        else _column(batch, field)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _column(batch: pa.RecordBatch, field: pa.Field) -> pa.Array:
    if field.name in batch.schema.names:
        return batch.column(field.name)
    return pa.nulls(batch.num_rows, field.type)  # a volume that nobody told
