"""One file as if it were a lake: a part of one, or a table of bars."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from algo_trade.data import import_data

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from algo_trade.storage.lake import ParquetStorage


@contextmanager
def lake_of(file: Path, symbols: Sequence[str]) -> Iterator[ParquetStorage]:
    """Give a lake of this file alone; it goes with the block. Bars without a symbol are of the one that is named.

    Raises
    ------
    DataError
        The file is neither a part of a lake nor bars; the message says why.
    StorageError
        A part that is damaged.
    """
    from algo_trade.storage.lake import ParquetStorage  # noqa: PLC0415 -- it takes its time
    from algo_trade.storage.lake.files import Folder  # noqa: PLC0415
    from algo_trade.storage.lake.layout import part_path  # noqa: PLC0415
    from algo_trade.storage.lake.parquet import place_in  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        if (place := place_in(file)) is not None:
            link = Path(folder, part_path(*place, file.suffix.removeprefix(".")))
            link.parent.mkdir(parents=True)
            link.symlink_to(file.absolute())
        else:
            import_data(file, folder, format="bars", symbol=symbols[0] if len(symbols) == 1 else None)
        lake = ParquetStorage(folder)
        if isinstance(lake.files, Folder):
            lake.files.name = str(file)
        yield lake
