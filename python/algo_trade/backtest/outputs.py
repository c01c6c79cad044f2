"""Files appear whole or not at all, and all of a run or none."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from algo_trade.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from algo_trade.backtest.result import BacktestResult

TABLES = ("trades", "fills", "orders", "equity")


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Make a file beside ``path``; give it that name when the block ends well, remove it when it does not.

    Raises
    ------
    ConfigError
        At once, where ``path`` cannot be written.
    """
    path = Path(path)
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder: name a file")
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.touch()
    except OSError as error:
        why = "the folder does not exist" if not path.parent.exists() else error.strerror or error
        raise ConfigError(f"{path}: cannot be written: {why}") from None
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(folder: Path) -> Iterator[None]:
    """Make a folder and those above it; remove those that are new when the block ends badly."""
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be made: {error.strerror or error}") from None
    try:
        yield
    except BaseException:
        for path in new:
            with suppress(OSError):
                path.rmdir()
        raise


@contextmanager
def table_files(folder: str | Path | None) -> Iterator[dict[str, Path]]:
    """Give a temporary file for each table; all of them appear in ``folder`` when the block ends well, or none."""
    with ExitStack() as stack:
        if folder is None:
            yield {}
            return
        folder = Path(folder)
        stack.enter_context(whole_folder(folder))
        yield {name: stack.enter_context(whole_file(folder / f"{name}.parquet")) for name in TABLES}


def write_tables(result: BacktestResult, files: Mapping[str, Path]) -> None:
    """Write trades, fills, orders and equity as Parquet."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    for name, path in files.items():
        pq.write_table(pa.table(result.table(name)), path, compression="zstd")
