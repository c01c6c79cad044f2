"""Which files of what a user names are ticks, and which are bars."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from algo_trade.errors import DataError

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from algo_trade.storage.lake import Part

# The ticks among storage.kinds.KINDS, which take their time to import.
_TICKS = ("trades", "orders", "book", "quotes", "contexts", "funding", "status")


def tick_files(path: str | os.PathLike[str]) -> list[str]:
    """Return the files of ticks of a lake, or of its layout; none if there are none."""
    path = Path(path)
    if not path.is_dir():
        parents = path.absolute().parents
        is_part = path.name.startswith("part-") and len(parents) > 3 and parents[3].name in _TICKS
        return [str(path)] if is_part else []
    if not any((path / kind).is_dir() for kind in _TICKS):
        return []
    return [str(path / part.path) for part in _parts(path, _TICKS)]


def bar_files(path: Path) -> dict[Path, int]:
    """Return the files of bars of a lake, or of its folder ``bars``, by symbol and time; none if it is neither.

    Each comes with the length of its bars in ns, 0 where the lake does not know it.
    """
    root = path.parent if path.name == "bars" else path
    if not (root / "bars").is_dir():
        return {}
    return {root / part.path: part.partition.resolution_ns for part in _parts(root, ("bars",))}


def resolution_of(files: Mapping[Path, int]) -> int | None:
    """Give the length of the bars of a lake in ns, as it knows or its files say.

    Raises
    ------
    DataError
        They say different things.
    """
    # Only lakes need it, and it takes its time.
    from algo_trade.storage.lake.parquet import resolution_in  # noqa: PLC0415

    found: dict[int, Path] = {}
    for file, known_ns in files.items():
        if length_ns := known_ns or resolution_in(file):
            found.setdefault(length_ns, file)
    if len(found) > 1:
        (one, a), (other, b), *_ = found.items()
        raise DataError(f"{a}: holds bars of {one} ns, {b} of {other} ns: name one as `resolution`")
    return next(iter(found), None)


def _parts(root: Path, kinds: Sequence[str]) -> list[Part]:
    from algo_trade.storage.lake import ParquetStorage  # noqa: PLC0415

    return ParquetStorage(root).parts(kinds)
