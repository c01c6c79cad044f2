"""Rows of all tiers picked for a backtest, in Python or by a URL."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from algo_trade.storage.lake.manifest import version_of
from algo_trade.storage.lake.select import asked_by, select
from algo_trade.storage.lake.storage import ParquetStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from algo_trade.storage.lake.select import LakeSelection
    from algo_trade.storage.tiers.query import Answer


class Folder:
    """A folder for as long as somebody holds this, and no longer than the process."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="algo-trade-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class TieredSelection:
    """Rows of all tiers, as they were when they were picked; a ``Selection`` of :mod:`algo_trade.data.selections`.

    Attributes
    ----------
    picked : all of them, as if they lay in the lake
    laid : holds those that do not lie in the lake alone
    folder : where it lies; it goes with this
    """

    picked: LakeSelection
    laid: ParquetStorage
    folder: Folder

    @property
    def url(self) -> str:
        """What picks the same rows again."""
        return self.picked.url

    @property
    def is_ticks(self) -> bool:
        """Whether the rows are ticks, or else bars."""
        return self.picked.is_ticks

    @property
    def span_ns(self) -> tuple[int | None, int | None]:
        """Rows within [start, end) are meant."""
        return self.picked.span_ns

    @property
    def resolution_ns(self) -> int | None:
        """The length of bars."""
        return self.picked.resolution_ns

    def files(self) -> list[str]:
        """Return the files of ticks."""
        return [file for each in self._each() for file in each.files()]

    def tables(self) -> list[tuple[str, Callable[[], pa.RecordBatchReader]]]:
        """Return the tables of bars, in order of time."""
        return [table for each in self._each() for table in each.tables()]

    def rules(self) -> list[Path]:
        """Return the file with the rules of the symbols, if there is one."""
        return self.picked.rules()

    def _each(self) -> list[LakeSelection]:
        """Return what was picked, part by part, from where it lies."""
        own = {part.path for part in self.laid.parts()}
        return [
            replace(self.picked, lake=self.laid if part.path in own else self.picked.lake, parts=(part,))
            for part in self.picked.parts
        ]


def pick(lake: ParquetStorage, answers: Sequence[Answer], **asked: object) -> TieredSelection:
    """Pick rows of all tiers; what does not lie in the lake alone is laid beside it.

    Parameters
    ----------
    lake : the cold tier
    answers : of the kinds that are asked for
    asked : as of :func:`algo_trade.storage.lake.select.select`

    Raises
    ------
    ParameterError, DataError
        As :func:`algo_trade.storage.lake.select.select`.
    """
    folder = Folder()
    laid = ParquetStorage(folder.path / "rows")
    gone: set[str] = set()
    # First: what is moved down meanwhile is laid, and must not be taken from the lake, too.
    version = answers[0].version if answers else lake.version()
    for answer in answers:
        for series, rows, parts in answer.upper():
            laid.write(series.kind, rows, venue=series.venue, resolution=series.resolution_ns or None)
            gone.update(part.path for part in parts)
    cold = [part for part in version.parts() if part.path not in gone]
    picked = select(lake, version=version_of([*cold, *laid.parts()]), **asked)  # type: ignore[arg-type]
    return TieredSelection(picked, laid, folder)


def of_url(url: str) -> LakeSelection | TieredSelection:
    """Pick the rows that a URL names, of a lake and of what was recorded beside it and is on its way there.

    Raises
    ------
    ParameterError, DataError
        As :func:`algo_trade.storage.lake.select.select`; an option that is unknown or missing.
    """
    from algo_trade.storage.tiers.storage import TieredStorage, beside  # noqa: PLC0415 -- it knows this, too

    lake, asked = asked_by(url)
    warm = beside(lake)
    if warm is None or not warm.exists():
        return select(ParquetStorage(lake, must_exist=True), **asked)
    with TieredStorage(lake, f"sqlite:///{warm}") as tiers:
        return tiers.select(**asked)
