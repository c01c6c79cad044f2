"""Whether a lake can be trusted: its files, their rows, and whether kinds agree with one another."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from itertools import groupby, pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
import pyarrow as pa

from algo_trade.core.times import duration_ns
from algo_trade.errors import StorageError
from algo_trade.storage.kinds import KINDS, times_of
from algo_trade.storage.lake.layout import span_ns
from algo_trade.storage.lake.parquet import read_part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from algo_trade.storage.lake.layout import Part, Partition
    from algo_trade.storage.lake.storage import ParquetStorage

Severity = Literal["error", "warning"]

_MINUTE_NS = duration_ns("1m")
_TRADE = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found.

    Attributes
    ----------
    severity : "error": rows are lost or false; "warning": rows may be missing, or look strange
    where : the file, or what it is about
    problem : what is wrong, with the row and the value
    """

    severity: Severity
    where: str
    problem: str

    def as_json(self) -> dict[str, str]:
        """Return it as plain JSON."""
        return asdict(self)


def verify(
    lake: ParquetStorage, parts: Sequence[Part], watch: Callable[[int], object] = lambda _rows: None
) -> Iterator[Finding]:
    """Look through parts of a lake.

    Each file has to have the bytes that were written, its rows to be readable, in order, each once, within the times that the manifest
    names, with prices that can be; parts of one day, of bars of one month or year, must not overlap; bars have to follow one another, and to be what the trades of
    their minutes make.

    Parameters
    ----------
    lake : where they lie
    parts : which, in order
    watch : told how many rows were looked at so far
    """
    done = 0
    days = {partition: list(held) for partition, held in groupby(parts, key=attrgetter("partition"))}
    trades: dict[tuple[str, str], list[pl.DataFrame]] = {}
    for partition, held in days.items():
        yield from _overlaps(lake, held)
        tables = []
        for part in held:
            table = yield from _file(lake, part)
            if table is not None:
                tables.append(table)
                done += table.num_rows
                watch(done)
        if not tables:
            continue
        rows = pl.DataFrame(pa.concat_tables(tables))
        where = f"{lake.files.name}/{partition.folder}"
        yield from _doubles(where, partition, rows)
        if partition.kind == "bars":
            yield from _bars(where, partition, rows)
        elif KINDS[partition.kind].is_ticks:
            yield from _ticks(where, partition, rows)
        if partition.kind == "trades":
            # But for the first and last minute of a day, of which only a part may have been heard.
            trades.setdefault((partition.venue, partition.symbol), []).append(_minutes(rows)[1:-1])
    for partition, held in days.items():
        made = trades.get((partition.venue, partition.symbol))
        if partition.kind == "bars" and partition.resolution_ns == _MINUTE_NS and made:
            yield from _against_trades(lake, partition, held, pl.concat(made))


def _overlaps(lake: ParquetStorage, held: list[Part]) -> Iterator[Finding]:
    parts = sorted(held, key=lambda part: part.first_ns)
    for one, two in pairwise(parts):
        if one.overlaps(two.first_ns, two.last_ns):
            yield Finding("error", f"{lake.files.name}/{two.path}", f"covers times that {one.path} covers, too")


def _file(lake: ParquetStorage, part: Part) -> Any:  # noqa: ANN401 -- a generator that gives findings and returns a table
    where = f"{lake.files.name}/{part.path}"
    try:
        content = lake.files.read(part.path)
    except FileNotFoundError:
        yield Finding("error", where, "is gone: the manifest names it; restore it from a backup")
        return None
    except OSError as error:
        yield Finding("error", where, f"cannot be read: {error.strerror}")
        return None
    if len(content) != part.size:
        yield Finding(
            "error", where, f"has {len(content):,} bytes; {part.size:,} were written: restore it from a backup"
        )
    elif part.sha256 and hashlib.sha256(content).hexdigest() != part.sha256:
        yield Finding("error", where, "its bytes are not those that were written: restore it from a backup")
    try:
        batches = list(read_part(lake.files, part))
    except StorageError as error:
        yield Finding("error", where, str(error).partition(": ")[2].partition("; run ")[0])
        return None
    table = pa.Table.from_batches(batches).replace_schema_metadata(None) if batches else None
    rows = 0 if table is None else table.num_rows
    if part.rows >= 0 and rows != part.rows:
        yield Finding("error", where, f"has {rows:,} rows; {part.rows:,} were written")
    if table is None:
        return None
    yield from _times(where, part, table)
    return table


def _times(where: str, part: Part, table: pa.Table) -> Iterator[Finding]:
    kind = KINDS[part.partition.kind]
    times = times_of(kind, table)
    back = np.flatnonzero(np.diff(times) < 0)
    if len(back):
        yield Finding("error", where, f"row {back[0] + 2}: {kind.time} lies before that of the row before")
    start, end = span_ns(part.partition.date)
    if times.min() < start or times.max() >= end:
        yield Finding("error", where, f"has rows that are not of {part.partition.date}")
    elif (times.min() < part.first_ns and not kind.is_ticks) or times.max() > part.last_ns:
        # Ticks of before a stream began lie ahead of what a part covers.
        yield Finding("error", where, "has rows outside of the times that the manifest names")


def _doubles(where: str, partition: Partition, rows: pl.DataFrame) -> Iterator[Finding]:
    kind = KINDS[partition.kind]
    doubled = rows.height - rows.n_unique(kind.key)
    if doubled:
        # Ticks without a number of their own may be alike; bars may not.
        yield Finding("warning" if kind.is_ticks else "error", where, f"{doubled:,} rows are there twice")


def _bars(where: str, partition: Partition, rows: pl.DataFrame) -> Iterator[Finding]:
    numbered = rows.with_row_index("row", 1)
    for name, wrong in (
        ("is not above zero", pl.min_horizontal("open", "high", "low", "close") <= 0),
        ("high is below low", pl.col("high") < pl.col("low")),
        ("open or close lies outside of low and high", pl.max_horizontal("open", "close") > pl.col("high")),
        ("open or close lies outside of low and high", pl.min_horizontal("open", "close") < pl.col("low")),
        *((("volume is below zero", pl.col("volume") < 0),) if "volume" in rows.columns else ()),
    ):
        bad = numbered.filter(wrong)
        if bad.height:
            row = bad.row(0, named=True)
            values = ", ".join(f"{column} {row[column]}" for column in ("open", "high", "low", "close"))
            yield Finding(
                "error", where, f"row {row['row']}, {row['timestamp']}: {name}: {values} ({bad.height:,} in all)"
            )
    if partition.resolution_ns:
        times = rows["timestamp"].cast(pl.Int64).to_numpy()
        steps = np.diff(times)
        holes = np.flatnonzero(steps > partition.resolution_ns)
        missing = int((steps[holes] // partition.resolution_ns - 1).sum())
        if missing:
            first = rows["timestamp"][int(holes[0])]
            yield Finding("warning", where, f"{missing:,} bars are missing, the first after {first}")
        odd = np.flatnonzero(times % partition.resolution_ns)
        if len(odd):
            yield Finding("error", where, f"row {odd[0] + 1}: {rows['timestamp'][int(odd[0])]} does not begin a bar")


def _ticks(where: str, partition: Partition, rows: pl.DataFrame) -> Iterator[Finding]:
    numbered = rows.with_row_index("row", 1)
    checks: list[tuple[str, pl.Expr]] = [("a quantity below zero", pl.col("quantity") < 0)]
    if partition.kind in {"trades", "quotes"}:
        checks.append(("a price that is not above zero", pl.col("price") <= 0))
    for name, wrong in checks:
        bad = numbered.filter(wrong)
        if bad.height:
            row = bad.row(0, named=True)
            text = f"row {row['row']}, {row['exchange_time']}: {name}: {row['price']} × {row['quantity']}"
            yield Finding("error", where, f"{text} ({bad.height:,} in all)")
    early = rows.filter(pl.col("local_time") < pl.col("exchange_time")).height
    if early:
        yield Finding("warning", where, f"{early:,} rows were heard before they happened: a clock was wrong")


def _minutes(rows: pl.DataFrame) -> pl.DataFrame:
    """Make bars of a minute of trades."""
    return (
        rows.filter(pl.col("kind") == _TRADE)
        .group_by(pl.col("exchange_time").dt.truncate("1m").alias("timestamp"), maintain_order=True)
        .agg(
            pl.col("price").first().alias("open"),
            pl.col("price").max().alias("high"),
            pl.col("price").min().alias("low"),
            pl.col("price").last().alias("close"),
            pl.col("quantity").sum().alias("volume"),
        )
    )


def _against_trades(
    lake: ParquetStorage, partition: Partition, held: list[Part], made: pl.DataFrame
) -> Iterator[Finding]:
    """Compare bars with those that trades make."""
    try:
        bars = pl.concat([pl.DataFrame(pa.Table.from_batches(list(read_part(lake.files, part)))) for part in held])
    except StorageError:
        return  # it was said already
    both = bars.join(made, on="timestamp", suffix="_made")
    columns = [name for name in ("open", "high", "low", "close", "volume") if name in bars.columns]
    differ = both.filter(pl.any_horizontal(*(pl.col(name) != pl.col(f"{name}_made") for name in columns)))
    if differ.height:
        row = differ.row(0, named=True)
        name = next(name for name in columns if row[name] != row[f"{name}_made"])
        text = f"{row['timestamp']}: {name} is {row[name]}, the trades make {row[f'{name}_made']}"
        where = f"{lake.files.name}/{partition.folder}"
        yield Finding("warning", where, f"{text} ({differ.height:,} of {both.height:,} bars differ)")
