"""Recordings of ticks and files of bars into a lake: all of them, or nothing."""

from __future__ import annotations

import gzip
import json
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from algo_trade._native import import_ticks
from algo_trade._native import synthetic_ticks as native_ticks
from algo_trade.core.times import time_ns
from algo_trade.data.provider import HistoricalDataProvider
from algo_trade.data.rules import update_rules
from algo_trade.errors import DataError, ParameterError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

_TABLES = (b"PAR1", b"ARROW1", b"\xff\xff\xff\xff")
_GZIP = b"\x1f\x8b"
_PRICES = {b"open", b"high", b"low", b"close"}


def import_data(
    paths: str | PathLike[str] | Sequence[str | PathLike[str]],
    out: str | PathLike[str],
    *,
    format: str = "auto",  # noqa: A002 -- the flag of the command is called so
    symbol: str | None = None,
    venue: str | None = None,
    arrow: bool = False,
    strict: bool = False,
    progress: Callable[[int], object] | None = None,
) -> dict[str, Any]:
    """Write recordings into a lake.

    Parameters
    ----------
    paths : one or more files, or folders of them
    out : the folder of the lake; parts that the recordings cover are replaced
    format : "auto", "bars", or a format of ticks (hftbacktest, tardis, binance, bybit, databento, hyperliquid)
    symbol, venue : names, where the files do not say or should be called otherwise
    arrow : Arrow IPC instead of Parquet: five times the size, faster to read; ticks only
    strict : what is otherwise repaired or left out and counted is an error
    progress : called with the number of rows read and written so far

    Returns
    -------
    What was read, repaired, refused and written, in plain JSON: ``files``, ``symbols`` with their inferred ``rules``,
    ``refused``, ``with_local_time``, ``without_local_time``, ``shifts`` (ns, by venue), ``batches_closed``,
    ``lone_history``, ``written`` (paths), ``rows``; for bars ``files``, ``symbols``, ``written`` and ``rows``.

    Raises
    ------
    DataError
        A recording that cannot be trusted, with ``file``, ``line`` (or record), ``column`` and ``value``; a part of the
        lake that covers other times too. Nothing was written then.
    ParameterError
        An option that makes no sense, or ticks and bars at once.
    """
    files = _files([paths] if isinstance(paths, (str, PathLike)) else paths)
    kinds = {format == "bars" or (format == "auto" and _is_bars(file)) for file in files}
    if len(kinds) > 1:
        raise ParameterError("paths: they hold bars and ticks: import one after the other")
    out = Path(out)
    if kinds == {True}:
        return _import_bars(files, out, symbol=symbol, venue=venue or "unknown")
    document = _into(
        out,
        lambda stage: import_ticks(
            [str(file) for file in files],
            stage,
            format=format,
            symbol=symbol,
            venue=venue,
            is_arrow=arrow,
            is_strict=strict,
            progress=progress,
        ),
    )
    update_rules(out / "instruments.toml", document["symbols"])
    return document


def synthetic_ticks(
    symbols: str | Sequence[str],
    rows: int,
    out: str | PathLike[str],
    *,
    seed: int = 0,
    density: int = 1_000,
    orders: bool = False,
    arrow: bool = False,
    start: str | int | dt.datetime | dt.date | None = None,
    progress: Callable[[int], object] | None = None,
) -> dict[str, Any]:
    """Write a lake of ticks of markets that do not exist: books, prints, mark prices and funding, the same on every machine.

    Parameters
    ----------
    symbols : one or more names
    rows : int, of all symbols together
    out : the folder of the lake
    seed : int, not negative
    density : int, rows a second of each market, about
    orders : each order of the book instead of its levels
    arrow : Arrow IPC instead of Parquet
    start : the time of the first row; by default 2024-01-01
    progress : called with the number of rows made and written so far

    Returns
    -------
    As :func:`import_data`.
    """
    names = [symbols] if isinstance(symbols, str) else list(symbols)
    document = _into(
        Path(out),
        lambda stage: native_ticks(
            names,
            rows,
            stage,
            seed=seed,
            density=density,
            is_orders=orders,
            is_arrow=arrow,
            start_ns=None if start is None else time_ns(start),
            progress=progress,
        ),
    )
    update_rules(Path(out) / "instruments.toml", document["symbols"])
    return document


def _into(out: Path, write: Callable[[str], str]) -> dict[str, Any]:
    """Have ticks written into a folder of its own, and take them into the lake; return what was said of them."""
    from algo_trade.storage.lake import ParquetStorage  # noqa: PLC0415 -- it takes its time

    lake = ParquetStorage(out)
    with lake.staging() as folder:
        stage = folder / "lake"
        document: dict[str, Any] = json.loads(write(str(stage)))
        document["written"] = [str(out / part.path) for part in lake.adopt(stage)]
    return document


def _files(paths: Sequence[str | PathLike[str]]) -> list[Path]:
    files: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
            if not inside:
                raise DataError(f"{path}: the folder holds no files")
            files.extend(inside)
        else:
            files.append(path)
    if not files:
        raise ParameterError("paths: give at least one file or folder")
    return files


def _is_bars(path: Path) -> bool:
    """Whether a file holds bars: a table of columns, or text whose first line names four prices."""
    try:
        with path.open("rb") as file:
            first = file.read(1 << 12)
        if first.startswith(_GZIP):
            with gzip.open(path, "rb") as packed:
                first = packed.read(1 << 12)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except (OSError, EOFError):
        return False  # The reader of ticks words what is wrong with it.
    names = {name.strip().strip(b'"') for name in first.partition(b"\n")[0].lower().split(b",")}
    return first.startswith(_TABLES) or names >= _PRICES


def _import_bars(files: list[Path], out: Path, *, symbol: str | None, venue: str) -> dict[str, Any]:
    from algo_trade.storage.lake import ParquetStorage  # noqa: PLC0415 -- it takes its time

    provider = HistoricalDataProvider([str(file) for file in files], symbols=symbol)
    lake = ParquetStorage(out)
    frame = provider.read()
    with lake.staging() as folder:
        for found in provider.summary.symbols:
            rows = frame.filter(symbol=found.symbol)
            bars = rows.drop("volume") if rows["volume"].null_count() else rows
            source = ", ".join(file.name for file in files)
            lake.lay(folder, "bars", bars.to_arrow(), venue=venue, resolution=found.resolution_ns, source=source)
        written = lake.adopt(folder)
    return {
        "files": [{"file": str(file), "venue": venue} for file in files],
        "symbols": [{"symbol": s.symbol, "venue": venue, "rows": {"bars": s.rows}} for s in provider.summary.symbols],
        "written": [str(out / part.path) for part in written],
        "rows": frame.height,
    }
