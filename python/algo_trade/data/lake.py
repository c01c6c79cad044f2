"""The layout of the table: which files of a folder are ticks, which are bars, and putting new parts in place."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from algo_trade.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("trades", "orders", "book", "quotes", "contexts", "funding", "status")
"""Folders of ticks below that of a lake; ``bars`` lies beside them."""

RESOLUTION_KEY = "algo_trade.resolution_ns"
"""The length of a bar in the metadata of a file of bars: one day may hold a single bar, which cannot say."""


def is_ticks(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a lake with ticks, or a file of its layout."""
    path = Path(path)
    if path.is_dir():
        return any((path / kind).is_dir() and any((path / kind).glob("venue=*")) for kind in KINDS)
    parents = path.absolute().parents
    return path.name.startswith("part-") and len(parents) > 3 and parents[3].name in KINDS


def bar_parts(folder: Path) -> list[Path]:
    """Files of bars below a lake or its folder ``bars``, by symbol and time; none if it is neither."""
    root = folder / "bars" if (folder / "bars").is_dir() else folder
    return sorted(root.glob("venue=*/symbol=*/date=*/part-*.parquet"))


def resolution_of(parts: list[Path]) -> int | None:
    """Give the length of the bars of a lake in ns, as its files say.

    Raises
    ------
    DataError
        They say different things.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415 -- only lakes need it, and it takes its time

    found: dict[int, Path] = {}
    for part in parts:
        said = (pq.read_metadata(part).metadata or {}).get(RESOLUTION_KEY.encode())
        if said is not None:
            found.setdefault(int(said), part)
    if len(found) > 1:
        (one, a), (other, b), *_ = found.items()
        raise DataError(f"{a}: holds bars of {one} ns, {b} of {other} ns: give the files of one length")
    return next(iter(found), None)


@contextmanager
def staging(out: Path) -> Iterator[Path]:
    """Make a folder for unfinished files in ``out``; it goes at the end, and with it what was not put in place."""
    is_new = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    folder = out / f".import-{os.getpid()}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
        if is_new and not any(out.iterdir()):
            out.rmdir()


def commit(moves: list[tuple[Path, Path]]) -> None:
    """Put parts in place, each in the stead of those that cover a part of its time and no more.

    Raises
    ------
    DataError
        A part that is there already covers other times too; nothing has changed then.
    """
    replaced = [(new, target, _replaced(target)) for new, target in moves]
    for new, target, old in replaced:
        target.parent.mkdir(parents=True, exist_ok=True)
        new.rename(target)
        for path in old:
            if path != target:
                path.unlink()


def write_whole(path: Path, text: str) -> None:
    """Write a small file so that at any time the old or the new one is there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)


def part_name(first_ns: int, last_ns: int) -> str:
    """Name a part by the times that it covers, both included."""
    return f"part-{first_ns:019}-{last_ns:019}.parquet"


def _covered(path: Path) -> tuple[int, int] | None:
    _, _, span = path.stem.partition("part-")
    first, _, last = span.partition("-")
    return (int(first), int(last)) if first.isdigit() and last.isdigit() else None


def _replaced(target: Path) -> list[Path]:
    new = _covered(target)
    old = []
    for path in sorted(target.parent.glob("part-*")) if new else []:
        span = _covered(path)
        if span is None or new is None:
            continue
        if new[0] <= span[0] and span[1] <= new[1]:
            old.append(path)
        elif span[0] <= new[1] and new[0] <= span[1]:
            raise DataError(
                f"{path}: it covers more than the new part: import all data of that day at once, or delete it"
            )
    return old
