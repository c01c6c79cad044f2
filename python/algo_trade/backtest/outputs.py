"""Files appear whole or not at all."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from algo_trade.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from algo_trade.backtest.result import BacktestResult

TABLES = ("trades", "fills", "orders", "equity")


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Give a temporary name beside ``path``; rename it when the block ends well, remove it when it does not."""
    path = Path(path)
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: the folder {path.parent} does not exist")
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_tables(result: BacktestResult, folder: str | Path) -> None:
    """Write trades, fills, orders and equity as Parquet files; all of them or none."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        for name in TABLES:
            partial = stack.enter_context(whole_file(folder / f"{name}.parquet"))
            pq.write_table(pa.table(result.table(name)), partial, compression="zstd")
