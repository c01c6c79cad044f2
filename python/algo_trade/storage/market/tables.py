"""The tables of a database: one of each kind, its columns derived from the kind's.

A time is a ``timestamptz``, which counts microseconds, and where a kind may have them the 0 to 999 ns beyond in a column of the same name with
``_ns``. Bars have none: what is shorter than a microsecond is no bar. Integers of 64 bits without a sign are ``numeric(20, 0)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from algo_trade.storage.kinds import KINDS

if TYPE_CHECKING:
    from algo_trade.storage.kinds import Kind

SCHEMA = "algo_trade"
DAY_S = 86_400
ORDINAL = "ordinal"
RESOLUTION = "resolution_ns"
"""Of a bar, as in :class:`~algo_trade.storage.kinds.SeriesId`: an interval of SQL may hold months, which have no length."""

AGGREGATES = {"5m": "5 minutes", "15m": "15 minutes", "1h": "1 hour", "4h": "4 hours", "1d": "1 day"}
"""Bigger bars that are made of those of a minute: each is a view ``ohlcv_…``."""

# In how long pieces of time large tables lie. Multiples of days, so that they begin at midnight UTC.
_STEP_DAYS = {"bars": 28, "trades": 1, "orders": 1, "book": 1, "quotes": 1, "contexts": 1}
# Streams that a venue sends whether anybody trades or not fill a disk. What is ours is never deleted by age.
_KEEP_DAYS = {"trades": 730, "orders": 90, "book": 90, "quotes": 90, "contexts": 90}


@dataclass(frozen=True)
class Table:
    """The table of one kind."""

    kind: Kind

    @property
    def name(self) -> str:
        """Of the table, without its schema."""
        return "ohlcv" if self.kind.has_resolution else self.kind.name

    @property
    def place(self) -> str:
        """Of the table, with its schema."""
        return f"{SCHEMA}.{self.name}"

    @property
    def step_s(self) -> int | None:
        """How long the pieces are in which it lies; None: it is one piece."""
        days = _STEP_DAYS.get(self.kind.name)
        return None if days is None else days * DAY_S

    @property
    def keep_days(self) -> int | None:
        """After how many days rows go; None: they stay."""
        return _KEEP_DAYS.get(self.kind.name)

    @property
    def has_ordinal(self) -> bool:
        """Whether rows may be equal in their order, so that the order in which they were written has to be kept."""
        return not set(self.kind.key) <= set(self.kind.order)

    @property
    def lead(self) -> tuple[str, ...]:
        """What tells one series from another."""
        return ("venue", "symbol", *([RESOLUTION] if self.kind.has_resolution else []))

    @property
    def stored(self) -> list[str]:
        """The columns of the kind without the symbol."""
        return [name for name in self.kind.schema.names if name != "symbol"]

    def fields(self, name: str) -> tuple[str, ...]:
        """Return the columns of the table that hold a column of the kind."""
        is_split = pa.types.is_timestamp(self.kind.schema.field(name).type) and not self.kind.has_resolution
        return (name, f"{name}_ns") if is_split else (name,)

    @cached_property
    def written(self) -> tuple[str, ...]:
        """The columns of the table that are written, in the order in which they are."""
        return (*self.lead, *(field for name in self.stored for field in self.fields(name)))

    @cached_property
    def order(self) -> tuple[str, ...]:
        """By what the rows of one series are sorted."""
        fields = tuple(field for name in self.kind.order for field in self.fields(name))
        return (*fields, *([ORDINAL] if self.has_ordinal else []))

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The primary key: what the rows are sorted by first, so that a range of time is a range of its index."""
        rest = [name for name in self.kind.key if name not in self.kind.order]
        names = [*(name for name in self.kind.order if name in self.kind.key), *rest]
        return (*self.lead, *(field for name in names for field in self.fields(name)))

    def ddl(self) -> str:
        """Return what stands between the parentheses of CREATE TABLE."""
        lines = ['venue text COLLATE "C" NOT NULL', 'symbol text COLLATE "C" NOT NULL']
        if self.kind.has_resolution:
            lines.append(f"{RESOLUTION} bigint NOT NULL CHECK ({RESOLUTION} > 0)")
        for name in self.stored:
            column, *beyond = self.fields(name)
            null = "" if name == "volume" else " NOT NULL"
            lines.append(f"{column} {sql_type(self.kind.schema.field(name).type)}{null}")
            lines += [f"{field} smallint NOT NULL DEFAULT 0 CHECK ({field} BETWEEN 0 AND 999)" for field in beyond]
        if self.has_ordinal:
            lines.append(f"{ORDINAL} bigint NOT NULL DEFAULT nextval('{SCHEMA}.market_ordinal')")
        lines.append(f"PRIMARY KEY ({', '.join(self.key)})")
        return ",\n".join(f"    {line}" for line in lines)


def sql_type(of: pa.DataType) -> str:
    """Return the type of a column of a table for one of a kind."""
    if pa.types.is_decimal(of):
        return f"numeric({of.precision}, {of.scale})"
    if pa.types.is_timestamp(of):
        return "timestamptz"
    if pa.types.is_dictionary(of) or pa.types.is_string(of):
        # Sorted byte by byte, as in every other tier.
        return 'text COLLATE "C"'
    known = {
        pa.uint8(): "smallint",
        pa.uint16(): "integer",
        pa.uint64(): "numeric(20, 0)",
        pa.int64(): "bigint",
        pa.bool_(): "boolean",
    }
    return known[of]


TABLES = {name: Table(kind) for name, kind in KINDS.items()}
