"""A question to all tiers: where each day's rows are, and how they become one stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from algo_trade.storage.kinds import check_one_length, shown
from algo_trade.storage.lake.layout import DAY_NS
from algo_trade.storage.lake.parquet import read_part
from algo_trade.storage.tiers.pieces import ordered, piece_of, within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from algo_trade.storage.kinds import Kind, SeriesId
    from algo_trade.storage.lake.layout import Part
    from algo_trade.storage.lake.manifest import Version
    from algo_trade.storage.lake.storage import ParquetStorage
    from algo_trade.storage.tiers.pieces import Piece
    from algo_trade.storage.tiers.warm import Warm

_BATCH_ROWS = 1 << 16


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for: rows of a kind within [start, end), of all symbols, venues and lengths that are not named."""

    kind: Kind
    symbols: list[str]
    venue: str | None
    start_ns: int | None
    end_ns: int | None
    schema: pa.Schema
    resolution_ns: int | None

    def wants(self, series: SeriesId, first_ns: int, last_ns: int) -> bool:
        """Whether rows of a series between two times, both included, may be asked for."""
        return (
            self.venue in {None, series.venue}
            and self.resolution_ns in {None, series.resolution_ns}
            and (self.end_ns is None or first_ns < self.end_ns)
            and (self.start_ns is None or last_ns >= self.start_ns)
        )


@dataclass(slots=True)
class _Held:
    """Where rows of one series are: which pieces in memory, between which times in the warm tier, which parts in the lake."""

    hot: list[Piece] = field(default_factory=list)
    hot_from_ns: int = 1 << 62
    warm: tuple[int, int] | None = None
    cold: list[Part] = field(default_factory=list)

    def days(self) -> set[int]:
        """Return the days, since the epoch, of which rows may be elsewhere than in the lake."""
        spans = [(piece.first_ns, piece.last_ns) for piece in self.hot]
        if self.warm is not None:
            spans.append(self.warm)
        return {day for first, last in spans for day in range(first // DAY_NS, last // DAY_NS + 1)}


class _Span(NamedTuple):
    """A stretch of time whose rows are looked at together, both ends included."""

    first_ns: int
    last_ns: int
    parts: tuple[Part, ...] = ()
    is_cold: bool = False


def _spans(held: _Held) -> Iterator[_Span]:
    """Give the stretches of a series in order: days of which rows are in the upper tiers, and parts; what overlaps is one."""
    pieces = [_Span(day * DAY_NS, (day + 1) * DAY_NS - 1) for day in held.days()]
    pieces += [_Span(part.first_ns, part.last_ns, (part,), is_cold=True) for part in held.cold]
    span: _Span | None = None
    for each in sorted(pieces, key=lambda each: each.first_ns):
        if span is None or each.first_ns > span.last_ns:
            if span is not None:
                yield span
            span = each
        else:
            last_ns = max(span.last_ns, each.last_ns)
            span = _Span(span.first_ns, last_ns, (*span.parts, *each.parts), is_cold=span.is_cold and each.is_cold)
    if span is not None:
        yield span


class Answer:
    """The rows that answer a question.

    Parameters
    ----------
    question : what is asked for
    hot : the pieces in memory of series that may be asked for, and from which time on there are no others
    warm, lake : the other tiers
    """

    def __init__(
        self, question: Question, hot: dict[SeriesId, tuple[list[Piece], int]], warm: Warm, lake: ParquetStorage
    ) -> None:
        self._question, self._warm, self._lake = question, warm, lake
        self._held: dict[SeriesId, _Held] = {}
        for series, (pieces, whole_from_ns) in hot.items():
            held = [piece for piece in pieces if question.wants(series, piece.first_ns, piece.last_ns)]
            if held:
                self._held[series] = _Held(held, whole_from_ns)
        for series, (first_ns, last_ns) in warm.series([question.kind.name], question.symbols).items():
            if question.wants(series, first_ns, last_ns):
                self._held.setdefault(series, _Held()).warm = (first_ns, last_ns)
        # Last: what left the warm tier before it was asked is here.
        self.version = self._version = lake.version()
        """The lake as it was when this was made."""
        for part in self._parts(self._version):
            self._held.setdefault(part.partition.series, _Held()).cold.append(part)
        check_one_length(question.kind, (series.resolution_ns for series in self._held))

    def stream(self) -> pa.RecordBatchReader:
        """Return the rows: venue by venue, symbol by symbol, each in order of time."""
        schema = self._question.schema
        batches = (
            shown(batch, schema, series)
            for series in sorted(self._held, key=lambda each: (each.venue, each.symbol))
            for batch in self._series(series, self._held[series])
        )
        return pa.RecordBatchReader.from_batches(schema, batches)

    def _series(self, series: SeriesId, held: _Held) -> Iterator[pa.RecordBatch]:
        q = self._question
        if held.hot and q.start_ns is not None and q.start_ns >= held.hot_from_ns:
            yield from self._merged(held.hot)
            return
        for span in _spans(held):
            if not q.wants(series, span.first_ns, span.last_ns):
                continue
            if span.is_cold:
                for part in span.parts:
                    yield from read_part(self._lake.files, part, self._stored, q.start_ns, q.end_ns)
            else:
                yield from self._merged(self._pieces(series, held, span.first_ns, span.last_ns + 1))

    def upper(self) -> Iterator[tuple[SeriesId, pa.Table, tuple[Part, ...]]]:
        """Give the rows of stretches that are not in the lake alone, and the parts of the lake whose place they take."""
        for series, held in self._held.items():
            for span in _spans(held):
                if span.is_cold or not self._question.wants(series, span.first_ns, span.last_ns):
                    continue
                batches = list(self._merged(self._pieces(series, held, span.first_ns, span.last_ns + 1)))
                if batches:
                    yield series, pa.Table.from_batches(batches), span.parts

    def _pieces(self, series: SeriesId, held: _Held, start_ns: int, end_ns: int) -> list[Piece]:
        """Return the rows of all tiers within [start, end), those that were written first first."""
        kind = self._question.kind
        # The warm tier before the lake: what leaves the one in between is in the other then.
        warm = self._warm.read(series, start_ns, end_ns) if held.warm is not None else kind.schema.empty_table()
        self._version = self._lake.version(self._version)
        cold = [
            _of_kind(kind, pa.Table.from_batches(batches))
            for part in self._parts(self._version, series, start_ns, end_ns)
            if (batches := list(read_part(self._lake.files, part, None, start_ns, end_ns)))
        ]
        stored = [piece_of(kind, table, is_clean=True) for table in [*cold, warm] if table.num_rows]
        return [*stored, *(within(kind, piece, start_ns, end_ns) for piece in held.hot)]

    def _merged(self, pieces: list[Piece]) -> Iterator[pa.RecordBatch]:
        q = self._question
        cut = [within(q.kind, piece, q.start_ns, q.end_ns) for piece in pieces]
        cut = [piece for piece in cut if piece.table.num_rows]
        if cut:
            yield from ordered(q.kind, cut).to_batches(_BATCH_ROWS)

    @property
    def _stored(self) -> list[str]:
        return [name for name in self._question.schema.names if name not in {"venue", "symbol"}]

    def _parts(
        self, version: Version, of: SeriesId | None = None, start_ns: int | None = None, end_ns: int | None = None
    ) -> list[Part]:
        q = self._question
        return version.parts(
            [q.kind.name],
            symbols=q.symbols if of is None else [of.symbol],
            venue=q.venue if of is None else of.venue,
            start_ns=q.start_ns if of is None else start_ns,
            end_ns=q.end_ns if of is None else end_ns,
            resolution_ns=q.resolution_ns if of is None else of.resolution_ns,
        )


def _of_kind(kind: Kind, table: pa.Table) -> pa.Table:
    """Return rows of a file as all tiers have them: files say more, such as that nothing is missing."""
    return table.cast(pa.schema([kind.schema.field(name) for name in table.column_names]))
