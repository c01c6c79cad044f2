"""``algo-trade data list|query|verify|compact``: what is done with a lake."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from algo_trade.cli.calendar import SHADES, calendar
from algo_trade.cli.config import ConfigPath, Profile
from algo_trade.cli.extras import needed_by
from algo_trade.cli.output import print_json, progress, say, show
from algo_trade.cli.single import lake_of
from algo_trade.core.times import duration_ns, duration_text
from algo_trade.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from algo_trade.storage.lake import ParquetStorage
    from algo_trade.storage.lake.coverage import Series
    from algo_trade.storage.tiers import TieredStorage

LakePath = Annotated[
    str | None,
    typer.Argument(
        help="A lake (its folder, or s3://BUCKET/PREFIX), or one file; by default that of the configuration."
    ),
]
Kinds = Annotated[list[str] | None, typer.Option("--kind", help="Only this kind; may be given several times.")]
Symbols = Annotated[list[str] | None, typer.Option("--symbol", help="Only this symbol; may be given several times.")]
Venue = Annotated[str | None, typer.Option("--venue", help="Only this venue.")]
Start = Annotated[str | None, typer.Option("--from", help="From this time on, UTC.")]
End = Annotated[str | None, typer.Option("--to", help="Before this time, UTC.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]

_ENDINGS = {".csv": "CSV", ".parquet": "Parquet", ".arrow": "Arrow"}
_SHOWN_ROWS = 20
_TIMES = "%Y-%m-%dT%H:%M:%S%.fZ"


def list_command(
    lake: LakePath = None,
    kind: Kinds = None,
    symbol: Symbols = None,
    venue: Venue = None,
    start: Start = None,
    end: End = None,
    json: Json = False,  # noqa: FBT002
    config: ConfigPath = None,
    profile: Profile = None,
) -> None:
    """Say what a lake holds, by kind, venue, symbol and day, and draw it as a calendar.

    Example: algo-trade data list lake --kind trades
    """
    from algo_trade.storage.lake.coverage import coverage  # noqa: PLC0415 -- it takes its time

    with _all_tiers(lake, symbol or (), config, profile) as held:
        found = coverage(held.files, held.parts(kind or (), symbol or (), venue=venue, start=start, end=end))
    if json:
        print_json([series.as_json() for series in found])
        return
    if not found:
        show("nothing of that kind is there")
    for series in found:
        for line in _described(series):
            show(line)
    if found:
        show(f"{SHADES[0]} nothing, {SHADES[-1]} a whole day")


def verify_command(
    lake: LakePath = None,
    kind: Kinds = None,
    symbol: Symbols = None,
    venue: Venue = None,
    start: Start = None,
    end: End = None,
    json: Json = False,  # noqa: FBT002
    config: ConfigPath = None,
    profile: Profile = None,
) -> None:
    """Look through a lake: checksums, order, doubles, gaps, prices, and bars against trades. Exit code 1 if rows are lost or false.

    Example: algo-trade data verify lake
    """
    from algo_trade.storage.lake.check import verify  # noqa: PLC0415 -- it takes its time

    with _lake(lake, symbol or (), config, profile) as held:
        parts = held.parts(kind or (), symbol or (), venue=venue, start=start, end=end)
        looked_at = [0]
        with progress("verify", sum(max(part.rows, 0) for part in parts)) as shown:
            findings = list(verify(held, parts, lambda count: _noted(looked_at, count, shown)))
    if lake is not None and Path(lake).is_file():
        findings = [replace(finding, where=lake) for finding in findings]
    rows = looked_at[-1]
    bad = sum(finding.severity == "error" for finding in findings)
    if json:
        print_json({"files": len(parts), "rows": rows, "findings": [finding.as_json() for finding in findings]})
    else:
        for finding in findings:
            show(f"{finding.severity:8} {finding.where}: {finding.problem}")
        show(f"{len(parts):,} files, {rows:,} rows: {bad:,} errors, {len(findings) - bad:,} warnings")
    if bad:
        raise typer.Exit(1)


def compact_command(
    lake: LakePath = None,
    keep: Annotated[
        str, typer.Option(help="How long files stay that are not needed any more; 0 only while nobody writes or reads.")
    ] = "1d",
    json: Json = False,  # noqa: FBT002
    config: ConfigPath = None,
    profile: Profile = None,
) -> None:
    """Join the files of each day into one, and delete what is not needed any more.

    Example: algo-trade data compact lake
    """
    if lake is not None and Path(lake).is_file():
        raise ParameterError(f"{lake}: is a file: only a lake can be compacted")
    with _lake(lake, (), config, profile) as held:
        gone, come = held.compact()
        swept = held.sweep(after_s=0.0 if keep == "0" else duration_ns(keep) / 1e9)
    if json:
        print_json({"joined": gone, "into": come, "deleted": len(swept)})
    else:
        show(f"{gone:,} files became {come:,}; {len(swept):,} that nobody needs were deleted")


def query_command(
    lake: LakePath = None,
    kind: Annotated[str, typer.Option("--kind", help="Which rows: bars, trades, book, …")] = "bars",
    symbol: Symbols = None,
    venue: Venue = None,
    start: Start = None,
    end: End = None,
    column: Annotated[list[str] | None, typer.Option("--column", help="Only this column; several times.")] = None,
    resolution: Annotated[str | None, typer.Option(help="Bars of this length, where there are several.")] = None,
    resample: Annotated[str | None, typer.Option(help="Bars of this length, made of the rows: 5m, 1h.")] = None,
    sql: Annotated[str | None, typer.Option(help="A question in SQL; each kind is a table.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="A file to write: .csv, .parquet or .arrow.")] = None,
    json: Json = False,  # noqa: FBT002
    config: ConfigPath = None,
    profile: Profile = None,
) -> None:
    """Show rows of a lake, or write them into a file.

    Example: algo-trade data query lake --kind trades --symbol BTC --from 2026-03-01 --to 2026-03-02 --resample 5m
    """
    import polars as pl  # noqa: PLC0415 -- it takes its time

    from algo_trade.storage.lake.resample import resampled  # noqa: PLC0415

    if out is not None and out.suffix not in _ENDINGS:
        raise ParameterError(f"--out = {out}: must end with {', '.join(_ENDINGS)}")
    if sql is not None:
        with needed_by("SQL", "storage"):
            from algo_trade.storage.lake.sql import ask  # noqa: PLC0415
        with _lake(lake, symbol or (), config, profile) as held:
            frame = pl.DataFrame(ask(held, sql))
    else:
        with _all_tiers(lake, symbol or (), config, profile) as held:
            stream = held.query(
                kind, symbol or (), venue=venue, start=start, end=end, columns=column, resolution=resolution
            )
            if out is not None and resample is None:
                show(f"{_counted(_write(stream, out))} in {out}")
                return
            frame = pl.DataFrame(stream.read_all())
    if resample is not None:
        frame = resampled(frame, kind, resample)
    if out is not None:
        rows = frame.to_arrow(compat_level=pl.CompatLevel.oldest()).to_reader()
        show(f"{_counted(_write(rows, out))} in {out}")
    elif json:
        print_json([{name: _plain(value) for name, value in row.items()} for row in frame.iter_rows(named=True)])
    else:
        with pl.Config(tbl_rows=_SHOWN_ROWS, tbl_cols=-1, tbl_width_chars=160, tbl_hide_dataframe_shape=True):
            show(str(frame))
        show(_counted(frame.height))


@contextmanager
def _all_tiers(
    path: str | None, symbols: Sequence[str], config: Path | None, profile: str | None
) -> Iterator[ParquetStorage | TieredStorage]:
    """Open a lake with what was recorded and is on its way there, if there is such a thing."""
    from algo_trade.storage.tiers.storage import TieredStorage, beside  # noqa: PLC0415 -- it takes its time

    if path is None:
        from algo_trade.config import ConfigLoader  # noqa: PLC0415 -- who names a lake does not wait for it

        storage = ConfigLoader(config, profile=profile).load().storage
        path, url = storage.lake, storage.warm_url
    else:
        url = f"sqlite:///{beside(path)}"
    file = Path(url.removeprefix("sqlite:///"))
    if Path(path).is_file() or (url.startswith("sqlite:///") and not file.is_file()):
        with _lake(path, symbols, config, profile) as lake:
            yield lake
        return
    say(f"{path}, and what is on its way there")
    with TieredStorage(path, url) as tiers:
        yield tiers


@contextmanager
def _lake(
    path: str | None, symbols: Sequence[str], config: Path | None, profile: str | None
) -> Iterator[ParquetStorage]:
    """Open a lake, or what looks like one: a file of it, or one of bars."""
    from algo_trade.storage.lake import ParquetStorage  # noqa: PLC0415 -- it takes its time

    if path is None:
        from algo_trade.config import ConfigLoader  # noqa: PLC0415 -- who names a lake does not wait for it

        path = ConfigLoader(config, profile=profile).load().storage.lake
        say(f"the lake of the configuration: {path}")
    if not Path(path).is_file():
        yield ParquetStorage(path, must_exist=True)
        return
    with lake_of(Path(path), symbols) as lake:
        yield lake


def _noted(looked_at: list[int], count: int, shown: Callable[[int], object] | None) -> None:
    looked_at.append(count)
    if shown is not None:
        shown(count)


def _described(series: Series) -> list[str]:
    first, last = series.days[0].date, series.days[-1].date
    length = f" of {duration_text(series.resolution_ns)}" if series.resolution_ns else ""
    lines = [
        f"{series.kind}{length}  {series.symbol}  {series.venue}",
        f"  {series.rows:,} rows, {series.size / 2**20:,.1f} MiB, {len(series.days):,} days from {first} to {last}",
    ]
    gaps = series.gaps
    if gaps:
        said = ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in gaps[:5])
        lines.append(f"  nothing on {said}{f' and {len(gaps) - 5:,} times more' if len(gaps) > 5 else ''}")
    return [*lines, *(f"  {line}" for line in calendar({day.date: day.share for day in series.days})), ""]


def _counted(rows: int) -> str:
    return f"{rows:,} row{'' if rows == 1 else 's'}"


def _write(rows: pa.RecordBatchReader, out: Path) -> int:
    """Write rows into a file as they come, whole or not at all; return how many there were."""
    import polars as pl  # noqa: PLC0415 -- it takes its time
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    count = 0
    unfinished = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as file:
            if out.suffix == ".csv":
                for batch in rows:
                    frame = pl.DataFrame(batch)
                    file.write(frame.write_csv(include_header=not count, datetime_format=_TIMES).encode())
                    count += batch.num_rows
                if not count:
                    file.write(pl.DataFrame(rows.schema.empty_table()).write_csv().encode())
            else:
                new = pq.ParquetWriter if out.suffix == ".parquet" else pa.ipc.new_file
                with new(file, rows.schema) as writer:
                    for batch in rows:
                        writer.write_batch(batch)
                        count += batch.num_rows
        unfinished.rename(out)
    finally:
        unfinished.unlink(missing_ok=True)
    return count


def _plain(value: object) -> object:
    return value if isinstance(value, int | float | str | bool | None) else str(value)
