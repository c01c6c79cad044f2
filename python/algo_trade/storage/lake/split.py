"""Rows of any symbols and days, as the rows of each part."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from algo_trade.core.times import duration_ns
from algo_trade.errors import ParameterError
from algo_trade.storage.kinds import conform, kind_of, times_of
from algo_trade.storage.lake.layout import Partition, date_of, span_ns
from algo_trade.storage.lake.parquet import table_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    import numpy.typing as npt

    from algo_trade.storage.kinds import Kind

    Ints = npt.NDArray[np.integer]


class Group(NamedTuple):
    """The rows of one partition, in order, each once, and the times of the first and the last."""

    partition: Partition
    table: pa.Table
    first_ns: int
    last_ns: int


def split(
    kind: str, rows: pa.Table, venue: str, resolution: str | int | dt.timedelta | None
) -> tuple[Kind, list[Group]]:
    """Return the rows of each partition, checked.

    Raises
    ------
    ParameterError
        A column or an option that does not fit.
    """
    of = kind_of(kind)
    if of.has_resolution != (resolution is not None):
        raise ParameterError(f"{kind}: resolution = {resolution}: bars have one, all others have none")
    length_ns = 0 if resolution is None else duration_ns(resolution)
    return of, list(_groups(of, conform(of, rows), venue, length_ns))


def _groups(kind: Kind, table: pa.Table, venue: str, resolution_ns: int) -> Iterator[Group]:
    if not table.num_rows:
        return
    names, ends = _runs(table["symbol"])
    times = times_of(kind, table)
    if not _is_in_order(names, ends, times):
        table, names, ends = _sorted(kind, table, names, ends)
        times = times_of(kind, table)
    first = 0
    for name, end in zip(names, ends, strict=True):
        while first < end:
            date = date_of(int(times[first]), resolution_ns)
            cut = first + int(np.searchsorted(times[first:end], span_ns(date)[1]))
            partition = Partition(kind.name, venue, name, date, resolution_ns)
            yield Group(partition, table.slice(first, cut - first), int(times[first]), int(times[cut - 1]))
            first = cut


def _runs(symbols: pa.ChunkedArray) -> tuple[list[str], Ints]:
    """Return the symbol of each run of rows of one symbol, and where it ends."""
    whole = symbols.cast(pa.string()).combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # of no chunk, or of more text than one can hold
        whole = pa.concat_arrays(whole.chunks)
    runs = pc.run_end_encode(whole, run_end_type=pa.int64())
    return runs.values.to_pylist(), runs.run_ends.to_numpy()


def _is_in_order(names: list[str], ends: Ints, times: Ints) -> bool:
    """Whether all rows follow one another: none has the time of the one before, so that none can be there twice."""
    follows = times[1:] > times[:-1]
    follows[ends[:-1] - 1] = True
    return bool(follows.all()) and all(one < two for one, two in pairwise(names))


def _sorted(kind: Kind, table: pa.Table, names: list[str], ends: Ints) -> tuple[pa.Table, list[str], Ints]:
    """Put rows into order, by symbol first; of two with the same key the first stays."""
    known = sorted(set(names))
    place = {name: number for number, name in enumerate(known)}
    numbers = np.repeat(np.array([place[name] for name in names], np.int32), np.diff(ends, prepend=0))
    frame = pl.DataFrame(table.drop_columns(["symbol"])).with_columns(pl.Series("symbol", numbers))
    order = ["symbol", *kind.order]
    frame = frame.sort(order, maintain_order=True)
    # The order is a part of the key: where all rows differ in it, none is there twice.
    if frame.select(pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in order).any()).item():
        frame = frame.unique(["symbol", *kind.key], keep="first", maintain_order=True)
    numbers = frame["symbol"].to_numpy()
    symbols = pa.DictionaryArray.from_arrays(pa.array(numbers), pa.array(known, pa.string()))
    starts = np.append(np.flatnonzero(np.diff(numbers)) + 1, len(numbers))
    return table_of(frame, table.schema, symbols), known, starts
