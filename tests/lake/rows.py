"""Rows for tests of a lake."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa

from algo_trade.core.times import time_ns
from algo_trade.storage.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

MINUTE_NS = 60_000_000_000
DAY = "2026-03-01"


def bars(
    symbol: str = "BTC", minutes: Sequence[int] = (0, 1, 2), *, day: str = DAY, price: int = 100, length: int = 1
) -> pa.Table:
    """Return bars of a day, by how many minutes after midnight they open."""
    start = time_ns(day)
    number = [Decimal(price + minute) for minute in minutes]
    return pa.table(
        [
            [start + minute * MINUTE_NS for minute in minutes],
            [symbol] * len(minutes),
            number,
            [each + length for each in number],
            number,
            [each + Decimal("0.5") for each in number],
            [Decimal("1.25")] * len(minutes),
        ],
        schema=KINDS["bars"].schema,
    )


def trades(symbol: str = "BTC", times_ns: Sequence[int] = (0, 1, 2), *, day: str = DAY, price: int = 100) -> pa.Table:
    """Return trades of a day, by how many nanoseconds after midnight they were; each has the number of its time."""
    start = time_ns(day)
    count = len(times_ns)
    values = {
        "exchange_time": [start + after for after in times_ns],
        "local_time": [start + after + 5 for after in times_ns],
        "symbol": [symbol] * count,
        "kind": [0] * count,
        "side": [1 + after % 2 for after in times_ns],
        "price": [Decimal(price) + Decimal(after % 100) / 8 for after in times_ns],
        "quantity": [Decimal("0.125")] * count,
        "order_id": [after + 1 for after in times_ns],
        "sequence": [0] * count,
        "flags": [0] * count,
        "aux": [0] * count,
    }
    schema = KINDS["trades"].schema
    columns = [
        pa.array(values[field.name], pa.string()).cast(field.type)
        if field.name == "symbol"
        else pa.array(values[field.name], field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)
