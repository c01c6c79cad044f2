"""Our rows as an event array of hftbacktest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

EVENT = np.dtype(
    [
        ("ev", "u8"),
        ("exch_ts", "i8"),
        ("local_ts", "i8"),
        ("px", "f8"),
        ("qty", "f8"),
        ("order_id", "u8"),
        ("ival", "i8"),
        ("fval", "f8"),
    ],
    align=True,
)
EXCH, LOCAL = 1 << 31, 1 << 30
SIDES = np.array([0, 1 << 29, 1 << 28], dtype=np.uint64)
TRADE, DELTA, SNAPSHOT = 0, 5, 6
"""Kinds of our rows."""
DEPTH_EVENT, TRADE_EVENT, SNAPSHOT_EVENT = 1, 2, 4
"""Kinds of theirs."""
FIRST, LAST, HISTORY = 1, 2, 4


def market(frame: pl.DataFrame) -> pl.DataFrame:
    """Return what both engines read of a market: levels and prints, without what was sent on subscription."""
    kinds = [TRADE, DELTA, SNAPSHOT]
    return frame.filter(pl.col("kind").is_in(kinds) & (pl.col("flags") & HISTORY == 0))


def events(frame: pl.DataFrame) -> npt.NDArray[np.void]:
    """Return the events of one instrument, each for exchange and local at its own place in either order.

    A snapshot is written as the changes that it makes, as the engine takes it: the peer would forget its queues.
    """
    rows = gone_first(changes(market(frame)))
    array = np.zeros(rows.height, EVENT)
    kind = rows["kind"].to_numpy()
    array["ev"] = np.where(kind == TRADE, TRADE_EVENT, np.where(kind == SNAPSHOT, SNAPSHOT_EVENT, DEPTH_EVENT))
    array["ev"] |= SIDES[rows["side"].to_numpy()]
    array["exch_ts"] = rows["exchange_time"].cast(pl.Int64).to_numpy()
    array["local_ts"] = rows["local_time"].cast(pl.Int64).to_numpy()
    array["px"] = rows["price"].cast(pl.Float64).to_numpy()
    array["qty"] = rows["quantity"].cast(pl.Float64).to_numpy()
    array["order_id"] = np.where(kind == TRADE, rows["order_id"].to_numpy(), 0)
    return in_both_orders(array)


def gone_first(rows: pl.DataFrame) -> pl.DataFrame:
    """Write what goes before what comes, within each batch: the peer looks after each level, so a level that comes
    before the one across it has gone would be a cross that the venue never had.
    """
    is_change = pl.col("kind") == DELTA
    ends = (pl.col("flags") & LAST != 0) | ~is_change
    batch = ends.shift(1, fill_value=False).cum_sum()
    comes = is_change & (pl.col("quantity") != 0)
    return (
        rows.with_columns(_batch=batch, _comes=comes)
        .sort("_batch", "_comes", maintain_order=True)
        .drop("_batch", "_comes")
    )


def in_both_orders(array: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    """Write an event that overtook others on its way to us twice, as the peer wants it.

    Its readers take the array as it stands, and each skips what is not marked as its own; so both orders must be
    sub-orders of the array.
    """
    local = array["local_ts"]
    # What every later event reaches us after, and every earlier one before, stays one event.
    before = np.maximum.accumulate(local)
    after = np.minimum.accumulate(local[::-1])[::-1]
    is_one = (before == local) & (after == local)
    array["ev"] |= np.where(is_one, EXCH | LOCAL, EXCH).astype(np.uint64)
    late = array[~is_one].copy()
    late["ev"] = (late["ev"] & ~np.uint64(EXCH)) | np.uint64(LOCAL)
    late = late[np.argsort(late["local_ts"], kind="stable")]
    # A copy for us stands before the first single event that reaches us later.
    singles = np.flatnonzero(is_one)
    places = np.searchsorted(local[singles], late["local_ts"], side="right")
    ends = np.append(singles, len(array))
    return np.insert(array, ends[places], late)


def changes(rows: pl.DataFrame) -> pl.DataFrame:
    """Turn every snapshot but one that opens the stream into the changes that it makes."""
    kind = rows["kind"].to_numpy()
    later = np.flatnonzero(kind == SNAPSHOT)
    opening = int(np.argmax(kind != SNAPSHOT)) if (kind != SNAPSHOT).any() else len(kind)
    flags = rows["flags"].to_numpy()
    if later.size == 0 or (later[-1] < opening and (flags[:opening] & FIRST).sum() == 1):
        return rows
    return pl.DataFrame(list(_applied(rows)), schema=rows.schema, orient="row")


def _applied(rows: pl.DataFrame) -> Iterator[tuple[Any, ...]]:
    """Follow the book, and give the rows with the changes of a snapshot in its place."""
    columns = rows.columns
    kind_at, side_at, price_at, quantity_at = map(columns.index, ["kind", "side", "price", "quantity"])
    flags_at = columns.index("flags")
    books: dict[int, dict[Any, Any]] = {1: {}, 2: {}}
    told: list[tuple[Any, ...]] = []
    for row in rows.iter_rows():
        kind, side, price, quantity = row[kind_at], row[side_at], row[price_at], row[quantity_at]
        if kind == DELTA:
            books[side][price] = quantity
            if not quantity:
                del books[side][price]
        if kind != SNAPSHOT:
            yield row
            continue
        if row[flags_at] & FIRST:
            told = []
        told.append(row)
        if not row[flags_at] & LAST:
            continue
        for side in (1, 2):
            named = {r[price_at]: r[quantity_at] for r in told if r[side_at] == side and r[quantity_at]}
            book = books[side]
            edge = (min if side == 1 else max)(named, default=None)
            inside = [p for p in book if edge is None or (p >= edge if side == 1 else p <= edge)]
            new = {p: 0 for p in inside if p not in named} | named
            for price, quantity in new.items():
                values = list(row)
                values[kind_at], values[side_at], values[price_at], values[quantity_at] = DELTA, side, price, quantity
                yield tuple(values)
                book[price] = quantity
                if not quantity:
                    del book[price]
