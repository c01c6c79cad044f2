"""The provider of historical bars and ticks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, final

from algo_trade._native import BarData, TickData
from algo_trade.core.times import duration_ns, time_ns
from algo_trade.data.inputs import find_inputs, paths_of
from algo_trade.data.lake import bar_files, resolution_of, tick_files
from algo_trade.data.selections import Selection, inputs_of, selections_of, within
from algo_trade.data.selections import resolution_of as picked_resolution
from algo_trade.data.summary import DataSummary, DayPrint
from algo_trade.errors import DataError, ParameterError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl

    from algo_trade.core import BookKind, MarketEvent
    from algo_trade.data.inputs import DataLike

VolumeUnit = Literal["base", "quote"]
Stamp = Literal["open", "close"]


@final
class HistoricalDataProvider:
    """Bars of files or tables, checked row by row when the provider is made; or the ticks of a lake.

    Parameters
    ----------
    data : path, table, or a list of them, or a mapping of symbol to path or table
        CSV (also ``.gz``, ``.zst``), Parquet and Arrow IPC (Feather) files, told apart by their first bytes; a
        directory stands for the files of these kinds in it, by name; one that ``data import`` wrote for its ticks, or
        for its bars if it has no ticks. Tables: polars, pyarrow, pandas, and whatever
        else speaks the Arrow C stream interface. The symbols of a mapping name data without a symbol column. Rows of a
        lake: a URL (``lake://trades/BTC?from=2026-03-01&to=2026-03-02&lake=PATH``) or what ``ParquetStorage.select`` gives.
    symbols : str or list of str, optional
        The symbols to keep, all by default; for data without a symbol column, the one symbol that they hold.
    start, end : str, datetime, or int, optional
        Bars that open in [start, end) are kept. Text is ISO 8601, UTC without a zone; an int is an epoch number in
        s, ms, us or ns.
    columns : mapping of column to header, optional
        Headers other than ``timestamp``, ``symbol``, ``open``, ``high``, ``low``, ``close`` and ``volume``.
    volume_unit : "base" or "quote"
        Quote volumes are divided by the close of the bar.
    stamp : "open" or "close"
        Which end of the bar its time stamp names.
    resolution : str, timedelta, or int in ns, optional
        The length of a bar (``"1m"``); by default the commonest step of the first 16,384 rows of each file.
    kinds : list of str, optional
        Of ticks, the kinds to keep: trades, orders, book, quotes, contexts, funding, status.
    venue : str, optional
        Of ticks, the venue, where the lake has several of one symbol.

    Raises
    ------
    DataError
        A row, column or file that cannot be trusted, with ``file``, ``line`` (the header of a CSV file is line 1;
        rows of tables count from 1), ``column`` and ``value``.
    ParameterError
        An option that makes no sense.

    Notes
    -----
    Bars stay in memory up to half a GiB (seven million bars), so that a second run starts at once; beyond that they
    are read again in each run, a block at a time.
    """

    __slots__ = ("_bars", "_options", "_paths", "_picked", "_summary", "_ticks")

    def __init__(
        self,
        data: DataLike | Selection,
        *,
        symbols: str | Sequence[str] | None = None,
        start: str | int | dt.datetime | dt.date | None = None,
        end: str | int | dt.datetime | dt.date | None = None,
        columns: Mapping[str, str] | None = None,
        volume_unit: VolumeUnit = "base",
        stamp: Stamp = "open",
        resolution: str | int | dt.timedelta | None = None,
        kinds: Sequence[str] = (),
        venue: str | None = None,
    ) -> None:
        headers = dict(columns or {})
        names = [symbols] if isinstance(symbols, str) else list(symbols or ())
        span = (None if start is None else time_ns(start), None if end is None else time_ns(end))
        self._picked = selections_of(data)
        files_and_tables = cast("DataLike", data)
        self._paths = [each.url for each in self._picked] or paths_of(files_and_tables)
        self._ticks: TickData | None = None
        self._bars: BarData | None = None
        self._options: dict[str, Any]
        if self._picked:
            span = within(self._picked, *span)
            ticks = [each.files() for each in self._picked if each.is_ticks]
        else:
            ticks = [tick_files(path) for path in self._paths] if isinstance(self._paths, list) else []
        if ticks and all(ticks):
            self._ticks = TickData(
                [file for files in ticks for file in files],
                symbols=names,
                kinds=list(kinds),
                venue=venue,
                start_ns=span[0],
                end_ns=span[1],
            )
            self._options = {
                "symbols": [symbols] if isinstance(symbols, str) else None if symbols is None else list(symbols),
                "start": None if start is None else str(start),
                "end": None if end is None else str(end),
                "kinds": list(kinds),
                "venue": venue,
            }
            self._summary: DataSummary | None = None
            return
        if kinds or venue is not None:
            raise ParameterError("kinds, venue: these data are bars, and have neither")
        if resolution is None and self._picked:
            resolution = picked_resolution(self._picked)
        elif resolution is None and isinstance(self._paths, list):
            files = [bar_files(Path(path)) for path in self._paths]
            resolution = resolution_of({file: length_ns for each in files for file, length_ns in each.items()})
        self._bars = BarData(
            inputs_of(self._picked) if self._picked else find_inputs(files_and_tables, headers),
            columns=list(headers.items()),
            symbols=names,
            start_ns=span[0],
            end_ns=span[1],
            stamp=stamp,
            volume_unit=volume_unit,
            resolution_ns=None if resolution is None else duration_ns(resolution),
        )
        self._options = {
            "symbols": [symbols] if isinstance(symbols, str) else None if symbols is None else list(symbols),
            "start": None if start is None else str(start),
            "end": None if end is None else str(end),
            "columns": headers or None,
            "volume_unit": volume_unit,
            "stamp": stamp,
            "resolution": None if resolution is None else duration_ns(resolution),
        }
        self._summary = None

    @property
    def bars(self) -> BarData:
        """The bars as the native drivers take them; an error if the data are ticks."""
        if self._bars is None:
            raise ParameterError("data: they are ticks, and bars are asked for: give the folder of the bars")
        return self._bars

    @property
    def ticks(self) -> TickData | None:
        """The ticks as the native drivers take them; None if the data are bars."""
        return self._ticks

    def load(self) -> HistoricalDataProvider:
        """Read ticks now and keep them, 64 bytes a row, so that every run after it starts at once; bars are kept anyway.

        Returns
        -------
        This provider.
        """
        if self._ticks is not None:
            self._ticks.load()
        return self

    @property
    def symbols(self) -> list[str]:
        """The symbols of the data, sorted."""
        return self._data.symbols

    @property
    def books(self) -> dict[str, BookKind]:
        """What drives the book of each symbol when ticks are iterated over: levels, or else best prices; nothing of bars.

        Raises
        ------
        ParameterError
            The data of a symbol hold neither.
        """
        if self._ticks is None:
            return {}
        kinds = {symbol: self._ticks.books(symbol) for symbol in self._ticks.symbols}
        for symbol, held in kinds.items():
            if not {"l2", "quote"} & set(held):
                raise ParameterError(
                    f"{symbol}: the data hold neither levels nor best prices, which alone have events: import one of them, "
                    "or run at.backtest, which takes books of orders"
                )
        return {symbol: "l2" if "l2" in held else "quote" for symbol, held in kinds.items()}

    @property
    def summary(self) -> DataSummary:
        """What was found in the data, and what was assumed."""
        if self._summary is None:
            self._summary = DataSummary.from_json(self.bars.summary_json())
        return self._summary

    @property
    def paths(self) -> list[str] | dict[str, str] | None:
        """What to give to read the same data again: paths, or paths by symbol; None for tables in memory."""
        return self._paths

    @property
    def rules(self) -> list[Path]:
        """The files with the rules of the symbols that lie beside the data."""
        if self._picked:
            return [file for each in self._picked for file in each.rules()]
        paths = self._paths if isinstance(self._paths, list) else []
        return [file for path in paths if (file := Path(path, "instruments.toml")).is_file()]

    @property
    def options(self) -> dict[str, Any]:
        """How the paths were read: the keyword arguments that make the same provider of the same paths, in plain JSON."""
        return dict(self._options)

    @property
    def digest(self) -> str:
        """A digest over all rows, 64 hex digits: the same for the same rows, whatever the format of the file."""
        return self._data.fingerprint

    @property
    def fingerprint(self) -> list[tuple[str, str, int, str]]:
        """The rows of each symbol and UTC day: symbol, date, how many, and 16 hex digits of their digest.

        Of ticks the symbol is ``kind/venue/symbol``.
        """
        if self._ticks is not None:
            parts = json.loads(self._ticks.parts_json())
            return [
                (
                    f"{part['kind']}/{part['venue']}/{part['symbol']}",
                    DayPrint(part["day"], part["rows"], part["digest"]).date,
                    part["rows"],
                    part["digest"],
                )
                for part in parts
            ]
        return [
            (symbol.symbol, day.date, day.rows, day.digest) for symbol in self.summary.symbols for day in symbol.days
        ]

    @property
    def has_volume(self) -> bool:
        """Whether all bars have a volume; ticks have none."""
        return self._ticks is None and all(symbol.has_volume for symbol in self.summary.symbols)

    @property
    def warnings(self) -> list[str]:
        """What somebody who trusts a result made from these data should know."""
        return [] if self._ticks is not None else self.summary.warnings()

    def resample(self, rule: str) -> pl.DataFrame:
        """Larger bars, as a frame.

        Parameters
        ----------
        rule : str
            When a bar is complete: a length of time ("5m", "4h", "1d", counted from midnight UTC), "100 trades",
            "2.5 base" or "1000000 quote" (traded units). What completes a bar belongs to it whole.

        Returns
        -------
        DataFrame with the columns of :meth:`read`, ``timestamp`` the open time. A bar that is unfinished at the end of the
        data is left out.

        Raises
        ------
        ParameterError
            For a rule that makes no sense.
        DataError
            For a rule that the data cannot meet: shorter than their bars, or by volume where they have none.
        """
        import polars as pl  # noqa: PLC0415 -- a run that shows no table does not pay for the import

        try:
            return pl.DataFrame(self.bars.resample(rule))
        except pl.exceptions.PolarsError as error:
            # What went wrong while the stream was read arrives through polars.
            raise DataError(f"bars of {rule} cannot be made of these data: {error}") from error

    def read(self) -> pl.DataFrame:
        """All rows as a frame, ordered by time and symbol.

        Returns
        -------
        DataFrame with ``timestamp`` (open time, datetime[ns, UTC]), ``symbol``, and ``open``, ``high``, ``low``,
        ``close``, ``volume`` as decimal(20, 8); ``volume`` is null where the data have none. Of ticks the columns of the
        table (docs/data.md), in the order of a run.
        """
        import polars as pl  # noqa: PLC0415 -- a run that shows no table does not pay for the import

        if self._ticks is not None:
            return pl.DataFrame(self._ticks)
        return pl.DataFrame(self._bars).sort("timestamp", "symbol", maintain_order=True)

    def chunks(self) -> Iterator[pl.DataFrame]:
        """Give the rows in frames of at most 65,536, input by input, in bounded memory."""
        import polars as pl  # noqa: PLC0415
        import pyarrow as pa  # noqa: PLC0415, only here is it needed, and it takes its time

        for batch in pa.RecordBatchReader.from_stream(self._data):
            yield pl.DataFrame(batch)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Give the rows as an Arrow stream, for any library that reads one."""
        return self._data.__arrow_c_stream__(requested_schema)

    def __iter__(self) -> Iterator[MarketEvent]:
        """The events one by one: bars by close, then by symbol; ticks in the order in which they reached us.

        Rows that are marked as history (older than the stream, sent on subscription) make no event.

        Raises
        ------
        DataError
            A row that cannot be trusted, or of a kind that no event tells: orders of a book of orders, states of the instrument.
        """
        return iter(self._data)

    def __len__(self) -> int:
        """How many rows there are; of ticks, in all files that hold a part of the range of time."""
        if self._ticks is not None:
            return sum(rows for _, _, rows, _ in self.fingerprint)
        return len(self.bars)

    @property
    def _data(self) -> BarData | TickData:
        return self.bars if self._ticks is None else self._ticks

    def __repr__(self) -> str:
        if self._ticks is not None:
            return f"HistoricalDataProvider({', '.join(self._ticks.kinds)} of {', '.join(self.symbols)})"
        return f"HistoricalDataProvider({len(self):,} bars of {', '.join(self.symbols)})"
