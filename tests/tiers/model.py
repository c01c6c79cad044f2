"""What a storage has to be like: a plain table in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from algo_trade.storage.kinds import KINDS, SeriesId, plain

if TYPE_CHECKING:
    from algo_trade.storage.kinds import Kind

Row = dict[str, Any]


@dataclass
class Model:
    """Rows as they were written; of two with one key the first one counts."""

    rows: list[tuple[SeriesId, Row]] = field(default_factory=list)
    durable: int = 0

    def write(self, series: SeriesId, rows: list[Row]) -> None:
        self.rows += [(series, row) for row in rows]

    def flush(self) -> None:
        self.durable = len(self.rows)

    def crash(self) -> None:
        del self.rows[self.durable :]

    def query(
        self,
        kind: Kind,
        symbols: list[str],
        start_ns: int | None,
        end_ns: int | None,
        columns: tuple[str, ...] | None,
    ) -> pa.Table:
        first: dict[tuple[Any, ...], tuple[SeriesId, Row]] = {}
        for series, row in self.rows:
            if (
                series.kind == kind.name
                and (not symbols or series.symbol in symbols)
                and (start_ns is None or row[kind.time] >= start_ns)
                and (end_ns is None or row[kind.time] < end_ns)
            ):
                first.setdefault((series, *(row[name] for name in kind.key)), (series, row))
        chosen = sorted(
            first.values(), key=lambda each: (each[0].venue, each[0].symbol, *(each[1][name] for name in kind.order))
        )
        schema = plain(columns, kind)
        told = [{**row, "venue": series.venue, "symbol": series.symbol} for series, row in chosen]
        return pa.table([[row[name] for row in told] for name in schema.names], schema=schema)


def table(series: SeriesId, rows: list[Row]) -> pa.Table:
    """Return rows as they are written."""
    schema = KINDS[series.kind].schema
    columns = [
        pa.array([series.symbol] * len(rows), pa.string()).cast(field.type)
        if field.name == "symbol"
        else pa.array([row[field.name] for row in rows], field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)
