"""A process that records, moves and compacts without end, and says what is acknowledged. To be killed.

``python -m tests.tiers.worker LAKE WARM FIRST``: step by step from the first one on, each with rows that its number alone decides.
"""

from __future__ import annotations

import random
import sys
import threading
from decimal import Decimal
from typing import TYPE_CHECKING

from algo_trade.core.times import time_ns
from algo_trade.storage.kinds import SeriesId
from algo_trade.storage.lake.layout import DAY_NS
from algo_trade.storage.tiers.storage import TieredStorage
from tests.tiers.model import Row, table

if TYPE_CHECKING:
    import pyarrow as pa

START_NS = time_ns("2026-03-01")
STEP_NS = 37 * 60_000_000_000
SERIES = [
    SeriesId("trades", "v", "BTC"),
    SeriesId("trades", "v", "ETH"),
    SeriesId("book", "v", "BTC"),
    SeriesId("bars", "v", "BTC", 60_000_000_000),
]


def rows_of(series: SeriesId, step: int) -> list[Row]:
    """Return the rows of a step. Some are late by days, and some belong to the step before, too."""
    chance = random.Random(f"{series} {step}")
    rows: list[Row] = []
    for number in range(20):
        at = START_NS + step * STEP_NS + number * 60_000_000_000
        if number == 7 and step > 100:
            at -= 3 * DAY_NS
        amount = Decimal(chance.randint(1, 10**6)).scaleb(-3)
        if series.kind == "bars":
            rows.append(
                {
                    "timestamp": at - at % 60_000_000_000,
                    "open": amount,
                    "high": amount,
                    "low": amount,
                    "close": amount,
                    "volume": amount,
                }
            )
        else:
            numbers = {"order_id": step * 100 + number, "sequence": step, "flags": 0, "aux": 0}
            row_kind = 0 if series.kind == "trades" else 5
            times = {"exchange_time": at, "local_time": at + 1}
            rows.append({**times, "kind": row_kind, "side": 1, "price": amount, "quantity": amount, **numbers})
    return rows


def write(storage: TieredStorage, step: int) -> None:
    """Write a step, and the last one again."""
    for series in SERIES:
        for each in (step - 1, step):
            if each >= 0:
                rows: pa.Table = table(series, rows_of(series, each))
                storage.write(series.kind, rows, venue=series.venue, resolution=series.resolution_ns or None)


def main() -> None:
    """Work until killed."""
    lake, warm, first = sys.argv[1:]
    now = [START_NS]
    storage = TieredStorage(lake, f"sqlite:///{warm}", warm_for="12h", clock=lambda: now[0])

    def tidy() -> None:
        while True:
            storage.migrate()
            storage.lake.compact()
            storage.lake.sweep(after_s=60)

    threading.Thread(target=tidy, daemon=True).start()
    step = int(first)
    while True:
        now[0] = START_NS + step * STEP_NS
        write(storage, step)
        storage.flush()
        sys.stdout.write(f"{step}\n")
        sys.stdout.flush()
        step += 1


if __name__ == "__main__":
    main()
