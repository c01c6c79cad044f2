"""Rows of every kind, with the extremes of each type; and what a store must make of them, in plain Python."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from hypothesis import strategies as st

from algo_trade.storage.kinds import KINDS, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algo_trade.storage.kinds import Kind

MINUTE_NS = 60_000_000_000
# Of what fits into 63 bits of nanoseconds, all but the last day at either end: DuckDB and Python's datetime know no more.
FIRST_NS, LAST_NS = -(2**63) + 86_400 * 10**9, 2**63 - 86_400 * 10**9
NOW_NS = 1_764_057_600_123_456_789
WIDEST = Decimal("92233720368.54775807")

_TICKS = {"trades": 0, "orders": 4, "book": 6, "quotes": 8, "contexts": 9, "funding": 10, "status": 11}

_NUMBERS = st.one_of(
    st.decimals(-WIDEST, WIDEST, places=8),
    st.sampled_from([WIDEST, -WIDEST, Decimal(0), Decimal("0.00000001"), Decimal("-92233720368.54775808")]),
)
_TEXTS = st.one_of(
    st.sampled_from(["", "BTC", "BTC/USDT", "₿-ÆTH 比特", 'it\'s \\ "x" {} $1', "a\nb\tc"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
)


def _values(of: pa.DataType) -> st.SearchStrategy[Any]:
    if pa.types.is_decimal(of):
        return _NUMBERS
    if pa.types.is_timestamp(of):
        # Few, so that some are equal, and any.
        return st.one_of(st.integers(NOW_NS, NOW_NS + 3), st.integers(FIRST_NS, LAST_NS))
    if pa.types.is_dictionary(of) or pa.types.is_string(of):
        return _TEXTS
    if of == pa.bool_():
        return st.booleans()
    low, high = {
        pa.uint8(): (0, 2**8 - 1),
        pa.uint16(): (0, 2**16 - 1),
        pa.uint64(): (0, 2**64 - 1),
        pa.int64(): (-(2**63), 2**63 - 1),
    }[of]
    return st.one_of(st.sampled_from([low, high]), st.integers(low, high), st.integers(0, 2))


def rows_of(kind: Kind, *, max_size: int = 12) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Return rows of a kind, as dictionaries; times as numbers of nanoseconds, those of bars whole minutes."""
    values = {field.name: _values(field.type) for field in kind.schema}
    if kind.has_resolution:
        values[kind.time] = st.integers(FIRST_NS // MINUTE_NS + 1, LAST_NS // MINUTE_NS).map(lambda at: at * MINUTE_NS)
    return st.lists(st.fixed_dictionaries(values), max_size=max_size)


def table_of(kind: Kind, rows: Sequence[dict[str, Any]]) -> pa.Table:
    columns = [pa.array([row[field.name] for row in rows], field.type) for field in kind.schema]
    return pa.table(columns, schema=kind.schema)


def kept(kind: Kind, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what is left of rows that were written one after the other, in order."""
    first: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        first.setdefault((row["symbol"], *(row[name] for name in kind.key)), row)

    def place(row: dict[str, Any]) -> tuple[Any, ...]:
        names = (row["symbol"], *(row[name] for name in kind.order))
        return tuple(name.encode() if isinstance(name, str) else name for name in names)

    return sorted(first.values(), key=place)


def answer(kind: Kind, rows: Sequence[dict[str, Any]], venue: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Return rows as a query gives them."""
    schema = plain(None if columns is None else tuple(columns), kind)
    values = [[venue if field.name == "venue" else row[field.name] for row in rows] for field in schema]
    return pa.table([pa.array(v, f.type) for v, f in zip(values, schema, strict=True)], schema=schema)


def many(kind: Kind, count: int, *, symbol: str = "BTC", start_ns: int = NOW_NS // MINUTE_NS * MINUTE_NS) -> pa.Table:
    """Return many rows, each of a minute of its own, quickly."""
    rows = pa.array(range(count), pa.int64())
    columns = []
    for field in kind.schema:
        if pa.types.is_timestamp(field.type):
            column = pa.compute.add(pa.compute.multiply(rows, MINUTE_NS), start_ns).cast(field.type)
        elif field.name == "symbol":
            column = pa.repeat(pa.scalar(symbol, pa.string()), count).cast(field.type)
        elif pa.types.is_decimal(field.type):
            column = pa.compute.add(pa.compute.multiply(rows, 7), 100).cast(pa.decimal128(38, 8)).cast(field.type)
        elif pa.types.is_string(field.type):
            column = rows.cast(pa.string())
        elif field.type in {pa.uint64(), pa.int64()}:
            column = rows.cast(field.type)
        else:
            value = _TICKS.get(kind.name, 0) if field.name == "kind" else 1
            column = pa.repeat(pa.scalar(value, pa.int64()), count).cast(field.type)
        columns.append(column)
    return pa.table(columns, schema=kind.schema)


__all__ = ["KINDS", "answer", "kept", "many", "rows_of", "table_of"]
