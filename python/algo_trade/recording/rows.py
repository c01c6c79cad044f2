"""Tables of what comes one by one: bars, funding rates, present prices, gaps."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from algo_trade.storage.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from algo_trade._native import Bar

_CONTEXT, _FUNDING = 9, 10
_STEP = Decimal("1e-8")
_RATE_STEPS = 10**12
_STEPS = 10**8
FEED_LATENCY_NS = 1_000_000
"""How long a row took that nobody heard as it was said: what an import takes, too."""


class GapRow(NamedTuple):
    """Rows of a kind that are missing between two times."""

    symbol: str
    missing: str
    start_ns: int
    end_ns: int
    reason: str


def bar_table(bars: Iterable[Bar]) -> pa.Table:
    """Return bars as rows of ``bars``."""
    rows = [(bar.open_time_ns, bar.symbol, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars]
    return table_of("bars", rows)


def candle_table(symbol: str, candles: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Return bars of an answer as rows of ``bars``."""
    return table_of(
        "bars",
        [
            (row["open_time"], symbol, row["open"], row["high"], row["low"], row["close"], steps(row["volume"]))
            for row in candles
        ],
    )


def funding_table(symbol: str, rates: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Return settled rates as rows of ``funding``; the exchange tells no price with them."""
    rows = [
        (row["time"], row["time"] + FEED_LATENCY_NS, symbol, _FUNDING, 0, *(Decimal(0),) * 2, 0, 0, 0, _rate(row))
        for row in rates
    ]
    return table_of("funding", rows)


def context_table(contexts: Mapping[str, Mapping[str, Any]], now_ns: int) -> pa.Table:
    """Return the present prices by symbol as rows of ``contexts``."""
    rows = []
    for symbol, context in contexts.items():
        bid, ask = context["impact_prices"] or (Decimal(0), Decimal(0))
        mark, oracle = steps(context["mark_price"]), steps(context["oracle_price"])
        sides = int(steps(bid) * _STEPS), int(steps(ask) * _STEPS)
        rows.append((now_ns, now_ns + FEED_LATENCY_NS, symbol, _CONTEXT, 0, mark, oracle, sides[0], 0, 0, sides[1]))
    return table_of("contexts", rows)


def gap_table(gaps: Iterable[GapRow]) -> pa.Table:
    """Return gaps as rows of ``gaps``."""
    return table_of("gaps", [(gap.start_ns, gap.symbol, gap.missing, gap.end_ns, gap.reason) for gap in gaps])


def steps(number: Decimal) -> Decimal:
    """Return a statistic, which may carry dust of floats, at 1e-8."""
    return number.quantize(_STEP, ROUND_HALF_EVEN)


def _rate(row: Mapping[str, Any]) -> int:
    return int((row["rate"] * _RATE_STEPS).to_integral_value(ROUND_HALF_EVEN))


def table_of(kind: str, rows: Sequence[tuple[object, ...]]) -> pa.Table:
    """Return rows, with values in the order of their kind's columns, as a table."""
    schema = KINDS[kind].schema
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    return pa.table([_column(values, field.type) for values, field in zip(columns, schema, strict=True)], schema=schema)


def _column(values: Sequence[object], of: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(of):
        return pa.array(values, pa.string()).dictionary_encode().cast(of)
    return pa.array(values, of)
