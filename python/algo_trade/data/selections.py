"""Which data are rows that a store picks, by a URL or as an object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from algo_trade.core.times import duration_text
from algo_trade.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from algo_trade.data.inputs import ArrowTable, Input

SCHEME = "lake://"


@runtime_checkable
class Selection(Protocol):
    """Rows that were picked, and stay what they are. A lake gives them, and so does whatever else keeps rows.

    Rows that lie in no file of the table yet are handed over as one more file (:meth:`ParquetStorage.lay` writes it into a folder that
    lives as long as the selection), or as one more table.
    """

    @property
    def url(self) -> str:
        """What to give as data to pick the same rows again."""

    @property
    def is_ticks(self) -> bool:
        """Whether the rows are ticks, of :meth:`files`, or else bars, of :meth:`tables`."""

    @property
    def span_ns(self) -> tuple[int | None, int | None]:
        """Rows within [start, end) are meant; files may hold more."""

    @property
    def resolution_ns(self) -> int | None:
        """The length of bars, if it is known."""

    def files(self) -> list[str]:
        """Return files of ticks, as the engine reads them; of one symbol no two have a moment in common."""

    def tables(self) -> list[tuple[str, Callable[[], ArrowTable]]]:
        """Return tables of bars in order of time: what to call each in messages, and what opens it, each time anew."""

    def rules(self) -> list[Path]:
        """Return the files with the rules of the symbols, as ``data import`` writes them, if there are any."""


def selections_of(data: Any) -> list[Selection]:  # noqa: ANN401 -- whatever may be given as data
    """Return what was picked of stores; nothing if the data are files and tables.

    Raises
    ------
    ParameterError
        Files and picked rows at once, ticks and bars, or several ranges of time; a URL of another kind.
    DataError
        There are no such rows.
    """
    items = list(data) if isinstance(data, (list, tuple)) else [data]
    found = [_selection(item) for item in items]
    picked = [each for each in found if each is not None]
    if picked and len(picked) < len(items):
        raise ParameterError("data: rows of a lake and files at once: give one or the other")
    if len({each.is_ticks for each in picked}) > 1:
        raise ParameterError("data: ticks and bars at once: give one or the other")
    if len({each.span_ns for each in picked}) > 1:
        raise ParameterError("data: their ranges of time differ: name one for all, as start and end")
    return picked


def _selection(item: object) -> Selection | None:
    if isinstance(item, str) and item.startswith(SCHEME):
        from algo_trade.storage.tiers.select import of_url  # noqa: PLC0415 -- it takes its time

        return of_url(item)
    if isinstance(item, str) and "://" in item:
        raise ParameterError(f"{item}: name what of it is meant: {SCHEME}trades/BTC?lake={item}")
    return item if isinstance(item, Selection) else None


def inputs_of(selections: list[Selection]) -> list[Input]:
    """Return picked bars as inputs of the native reader."""
    return [(name, opener, None) for each in selections for name, opener in each.tables()]


def resolution_of(selections: list[Selection]) -> int | None:
    """Return the length of picked bars, if it is known.

    Raises
    ------
    ParameterError
        There are several.
    """
    known = sorted({each.resolution_ns for each in selections if each.resolution_ns is not None})
    if len(known) > 1:
        raise ParameterError(f"data: bars of {', '.join(map(duration_text, known))}: name one as resolution")
    return known[0] if known else None


def within(selections: list[Selection], start_ns: int | None, end_ns: int | None) -> tuple[int | None, int | None]:
    """Return the range of time that was picked, cut to [start, end)."""
    first, last = selections[0].span_ns
    starts = [each for each in (first, start_ns) if each is not None]
    ends = [each for each in (last, end_ns) if each is not None]
    return max(starts, default=None), min(ends, default=None)
