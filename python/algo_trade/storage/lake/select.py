"""Rows of a lake picked for a backtest, in Python or by a URL: ``lake://trades/BTC?from=2026-03-01&to=2026-03-02&lake=PATH``."""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from algo_trade.core.times import duration_ns, duration_text, time_ns
from algo_trade.errors import DataError, ParameterError
from algo_trade.storage.kinds import kind_of
from algo_trade.storage.lake.parquet import columns_of, read_part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from algo_trade.storage.lake.layout import Part
    from algo_trade.storage.lake.manifest import Version
    from algo_trade.storage.lake.storage import ParquetStorage

SCHEME = "lake://"
RULES = "instruments.toml"
_OPTIONS = ("from", "to", "venue", "resolution", "lake")
_NAMES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class LakeSelection:
    """Rows of a lake, as it was when they were picked; a ``Selection`` of :mod:`algo_trade.data.selections`.

    Attributes
    ----------
    lake : where they lie
    kinds, symbols, venue : which
    span_ns : within [start, end)
    resolution_ns : the length of bars
    parts : the files that hold them
    """

    lake: ParquetStorage
    kinds: tuple[str, ...]
    symbols: tuple[str, ...]
    venue: str | None
    span_ns: tuple[int | None, int | None]
    resolution_ns: int | None
    parts: tuple[Part, ...]

    @property
    def is_ticks(self) -> bool:
        """Whether the rows are ticks, or else bars."""
        return kind_of(self.kinds[0]).is_ticks

    @property
    def url(self) -> str:
        """What picks the same rows again."""
        start_ns, end_ns = self.span_ns
        said = {
            "from": start_ns,
            "to": end_ns,
            "venue": self.venue,
            "resolution": None if self.resolution_ns is None else duration_text(self.resolution_ns),
            "lake": self.lake.files.address,
        }
        options = urllib.parse.urlencode(
            {name: value for name, value in said.items() if value is not None}, safe="/:", quote_via=urllib.parse.quote
        )
        symbols = ",".join(urllib.parse.quote(symbol, safe="") for symbol in self.symbols)
        return f"{SCHEME}{','.join(self.kinds)}/{symbols}?{options}"

    def files(self) -> list[str]:
        """Return the files of ticks; those of an object store are fetched and kept for a while."""
        return [str(path) for path in self.lake.files.local([part.path for part in self.parts])]

    def tables(self) -> list[tuple[str, Callable[[], pa.RecordBatchReader]]]:
        """Return the parts of bars; of an object store only what is read is fetched."""

        def opener(part: Part) -> Callable[[], pa.RecordBatchReader]:
            return lambda: self._opened(part)

        return [(f"{self.lake.files.name}/{part.path}", opener(part)) for part in self.parts]

    def rules(self) -> list[Path]:
        """Return the file with the rules of the symbols, if there is one."""
        try:
            return self.lake.files.local([RULES])
        except FileNotFoundError:
            return []

    def _opened(self, part: Part) -> pa.RecordBatchReader:
        kind = kind_of(part.partition.kind)
        names = columns_of(self.lake.files, part)
        schema = pa.schema([field for field in kind.schema if field.name in names])
        batches = read_part(self.lake.files, part, schema.names, *self.span_ns)
        plain = (pa.RecordBatch.from_arrays(batch.select(schema.names).columns, schema=schema) for batch in batches)
        return pa.RecordBatchReader.from_batches(schema, plain)


def select(
    lake: ParquetStorage,
    kinds: str | Sequence[str],
    symbols: str | Sequence[str] = (),
    *,
    venue: str | None = None,
    start: Any = None,  # noqa: ANN401 -- a time as people write it
    end: Any = None,  # noqa: ANN401
    resolution: Any = None,  # noqa: ANN401
    version: Version | None = None,
) -> LakeSelection:
    """Pick rows for a backtest; :meth:`ParquetStorage.select` says which, of the lake as it is or as a version says.

    Raises
    ------
    ParameterError
        No kinds of market rows; several venues or lengths of bars, and none is named.
    DataError
        There are no such rows; the message says what there is.
    """
    named = tuple([kinds] if isinstance(kinds, str) else kinds)
    wanted = tuple([symbols] if isinstance(symbols, str) else symbols)
    _check_kinds(named)
    span = (None if start is None else time_ns(start), None if end is None else time_ns(end))
    if None not in span and span[0] >= span[1]:  # type: ignore[operator]
        raise ParameterError(f"from = {start}: lies not before to = {end}")
    length_ns = None if resolution is None else duration_ns(resolution)
    if length_ns is not None and named != ("bars",):
        raise ParameterError(f"resolution = {resolution}: bars have one, {', '.join(named)} have none")
    version = lake.version() if version is None else version
    held = version.parts(named, symbols=wanted, venue=venue, resolution_ns=length_ns)
    _check_held(lake, version, named, wanted, venue, held)
    parts = [part for part in held if _reaches(part, *span)]
    if not parts:
        first_ns, last_ns = min(part.first_ns for part in held), max(part.last_ns for part in held)
        raise DataError(
            f"{lake.files.name}: no {', '.join(named)} within that time: there are some from {_shown(first_ns)} to {_shown(last_ns)}"
        )
    _check_one(parts, length_ns)
    return LakeSelection(lake, named, wanted, venue, span, length_ns or _length(parts), tuple(parts))


def asked_by(url: str) -> tuple[str, dict[str, Any]]:
    """Return which lake a URL names, and the options of :func:`select`.

    ``lake://KINDS/SYMBOLS?from=…&to=…&venue=…&resolution=…&lake=…``, names separated by commas.

    Raises
    ------
    ParameterError
        An option that is unknown, missing, or no time.
    """
    kinds, symbols, options = split_url(url)
    if "lake" not in options:
        raise ParameterError(f"{url}: which lake is not said: add lake=PATH")
    for name, read in (("from", time_ns), ("to", time_ns), ("resolution", duration_ns)):
        try:
            read(options.get(name, 1))
        except ParameterError as error:
            raise ParameterError(f"{url}: {name}: {error}") from None
    return options["lake"], {
        "kinds": kinds,
        "symbols": symbols,
        "venue": options.get("venue"),
        "start": options.get("from"),
        "end": options.get("to"),
        "resolution": options.get("resolution"),
    }


def split_url(url: str) -> tuple[list[str], list[str], dict[str, str]]:
    """Return the kinds, the symbols and the options of a URL.

    Raises
    ------
    ParameterError
        An option is unknown, there twice, or empty.
    """
    names, _, query = url.removeprefix(SCHEME).partition("?")
    kinds, _, symbols = names.partition("/")
    options: dict[str, str] = {}
    for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True, separator="&"):
        if name not in _OPTIONS:
            raise ParameterError(f"{url}: option {name!r} is unknown: options are {', '.join(_OPTIONS)}")
        if name in options or not value:
            raise ParameterError(f"{url}: option {name!r} {'is there twice' if value else 'is empty'}")
        options[name] = value
    split = (list(filter(None, text.split(","))) for text in (kinds, symbols))
    found, wanted = ([urllib.parse.unquote(name) for name in each] for each in split)
    return found, wanted, options


def _check_kinds(kinds: Sequence[str]) -> None:
    if not kinds:
        raise ParameterError("which kind of rows is not said: lake://bars/BTC, lake://book,trades/BTC")
    of = [kind_of(kind) for kind in kinds]
    for kind in of:
        if not (kind.is_ticks or kind.has_resolution):
            raise ParameterError(f"kind = {kind.name!r}: is nothing that a market tells: nothing can be run on it")
    if len({kind.is_ticks for kind in of}) > 1:
        raise ParameterError(f"kinds = {', '.join(kinds)}: bars and ticks at once: name one or the other")


def _check_held(
    lake: ParquetStorage,
    version: Version,
    kinds: Sequence[str],
    symbols: Sequence[str],
    venue: str | None,
    held: list[Part],
) -> None:
    """Refuse a kind or symbol of which there is nothing at all."""
    where = f"{lake.files.name}: there are no {{}}{f' at {venue}' if venue else ''}"
    for kind in kinds:
        if any(part.partition.kind == kind for part in held):
            continue
        every = version.parts([kind])
        if not every:
            kept = sorted({part.partition.kind for part in version.parts()})
            raise DataError(f"{where.format(kind)}: it holds {', '.join(kept) or 'nothing'}")
        if venue is not None and not any(part.partition.venue == venue for part in every):
            raise DataError(f"{where.format(kind)}: there are some at {_listed(p.partition.venue for p in every)}")
        if known := [part for part in every if not symbols or part.partition.symbol in symbols]:
            lengths = sorted({part.partition.resolution_ns for part in known})
            told = ", ".join(map(duration_text, lengths))
            raise DataError(f"{where.format(kind)} of that length: there are some of {told}")
        of = f"{kind} of {', '.join(symbols)}"
        raise DataError(f"{where.format(of)}: there are some of {_listed(p.partition.symbol for p in every)}")
    for symbol in symbols:
        if not any(part.partition.symbol == symbol for part in held):
            every = version.parts(kinds, venue=venue)
            of = f"{', '.join(kinds)} of {symbol}"
            raise DataError(f"{where.format(of)}: there are some of {_listed(p.partition.symbol for p in every)}")


def _check_one(parts: Sequence[Part], length_ns: int | None) -> None:
    """Refuse rows of which a backtest would not know which to take."""
    venues: dict[str, set[str]] = {}
    for part in parts:
        venues.setdefault(part.partition.symbol, set()).add(part.partition.venue)
    for symbol, names in venues.items():
        if len(names) > 1:
            raise ParameterError(f"{symbol}: there is one at {' and one at '.join(sorted(names))}: name one as venue")
    lengths = sorted({part.partition.resolution_ns for part in parts} - {0})
    if length_ns is None and len(lengths) > 1:
        raise ParameterError(
            f"bars: there are lengths of {', '.join(map(duration_text, lengths))}: name one as resolution"
        )


def _length(parts: Sequence[Part]) -> int | None:
    return max((part.partition.resolution_ns for part in parts), default=0) or None


def _reaches(part: Part, start_ns: int | None, end_ns: int | None) -> bool:
    return (start_ns is None or part.last_ns >= start_ns) and (end_ns is None or part.first_ns < end_ns)


def _listed(names: Iterator[str] | Sequence[str]) -> str:
    known = sorted(set(names))
    more = f" and {len(known) - _NAMES_SHOWN:,} more" if len(known) > _NAMES_SHOWN else ""
    return ", ".join(known[:_NAMES_SHOWN]) + more


def _shown(time: int) -> str:
    return f"{pa.scalar(time // 1_000_000, pa.timestamp('ms')).as_py():%Y-%m-%dT%H:%M:%S}Z"
