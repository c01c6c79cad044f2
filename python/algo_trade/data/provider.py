"""The provider of historical bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, final

import polars as pl

from algo_trade._native import BarData
from algo_trade.data.inputs import find_inputs, paths_of
from algo_trade.data.summary import DataSummary
from algo_trade.data.times import duration_ns, time_ns
from algo_trade.errors import DataError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence

    from algo_trade._native import Bar
    from algo_trade.data.inputs import DataLike

VolumeUnit = Literal["base", "quote"]
Stamp = Literal["open", "close"]


@final
class HistoricalDataProvider:
    """Bars of files or tables, checked row by row when the provider is made.

    Parameters
    ----------
    data : path, table, or a list of them, or a mapping of symbol to path or table
        CSV (also ``.gz``, ``.zst``), Parquet and Arrow IPC (Feather) files, told apart by their first bytes; a
        directory stands for the files of these kinds in it, by name. Tables: polars, pyarrow, pandas, and whatever
        else speaks the Arrow C stream interface. The symbols of a mapping name data without a symbol column.
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

    __slots__ = ("_bars", "_options", "_paths", "_summary")

    def __init__(
        self,
        data: DataLike,
        *,
        symbols: str | Sequence[str] | None = None,
        start: str | int | dt.datetime | dt.date | None = None,
        end: str | int | dt.datetime | dt.date | None = None,
        columns: Mapping[str, str] | None = None,
        volume_unit: VolumeUnit = "base",
        stamp: Stamp = "open",
        resolution: str | int | dt.timedelta | None = None,
    ) -> None:
        headers = dict(columns or {})
        self._paths = paths_of(data)
        self._bars = BarData(
            find_inputs(data, headers),
            columns=list(headers.items()),
            symbols=[symbols] if isinstance(symbols, str) else list(symbols or ()),
            start_ns=None if start is None else time_ns(start),
            end_ns=None if end is None else time_ns(end),
            stamp=stamp,
            volume_unit=volume_unit,
            resolution_ns=None if resolution is None else duration_ns(resolution),
        )
        self._options: dict[str, Any] = {
            "symbols": [symbols] if isinstance(symbols, str) else None if symbols is None else list(symbols),
            "start": None if start is None else str(start),
            "end": None if end is None else str(end),
            "columns": headers or None,
            "volume_unit": volume_unit,
            "stamp": stamp,
            "resolution": None if resolution is None else duration_ns(resolution),
        }
        self._summary: DataSummary | None = None

    @property
    def bars(self) -> BarData:
        """The bars as the native drivers take them."""
        return self._bars

    @property
    def symbols(self) -> list[str]:
        """The symbols of the bars, sorted."""
        return self._bars.symbols

    @property
    def summary(self) -> DataSummary:
        """What was found in the data, and what was assumed."""
        if self._summary is None:
            self._summary = DataSummary.from_json(self._bars.summary_json())
        return self._summary

    @property
    def paths(self) -> list[str] | dict[str, str] | None:
        """What to give to read the same data again: paths, or paths by symbol; None for tables in memory."""
        return self._paths

    @property
    def options(self) -> dict[str, Any]:
        """How the paths were read: the keyword arguments that make the same provider of the same paths, in plain JSON."""
        return dict(self._options)

    @property
    def digest(self) -> str:
        """A digest over all bars, 64 hex digits: the same for the same bars, whatever the format of the file."""
        return self._bars.fingerprint

    @property
    def fingerprint(self) -> list[tuple[str, str, int, str]]:
        """The bars of each symbol and UTC day: symbol, date, how many, and 16 hex digits of their digest."""
        return [
            (symbol.symbol, day.date, day.rows, day.digest) for symbol in self.summary.symbols for day in symbol.days
        ]

    @property
    def has_volume(self) -> bool:
        """Whether all bars have a volume."""
        return all(symbol.has_volume for symbol in self.summary.symbols)

    @property
    def warnings(self) -> list[str]:
        """What somebody who trusts a result made from these data should know."""
        return self.summary.warnings()

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
        try:
            return pl.DataFrame(self._bars.resample(rule))
        except pl.exceptions.PolarsError as error:
            # What went wrong while the stream was read arrives through polars.
            raise DataError(f"bars of {rule} cannot be made of these data: {error}") from error

    def read(self) -> pl.DataFrame:
        """All bars as a frame, ordered by time and symbol.

        Returns
        -------
        DataFrame with ``timestamp`` (open time, datetime[ns, UTC]), ``symbol``, and ``open``, ``high``, ``low``,
        ``close``, ``volume`` as decimal(20, 8); ``volume`` is null where the data have none.
        """
        return pl.DataFrame(self._bars).sort("timestamp", "symbol", maintain_order=True)

    def chunks(self) -> Iterator[pl.DataFrame]:
        """Give the bars in frames of at most 65,536 rows, input by input, in bounded memory."""
        import pyarrow as pa  # noqa: PLC0415, only here is it needed, and it takes its time

        for batch in pa.RecordBatchReader.from_stream(self._bars):
            yield pl.DataFrame(batch)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Give the bars as an Arrow stream, for any library that reads one."""
        return self._bars.__arrow_c_stream__(requested_schema)

    def __iter__(self) -> Iterator[Bar]:
        """The bars one by one, in the order in which a run takes them: by close, then by symbol."""
        return iter(self._bars)

    def __len__(self) -> int:
        """How many bars there are."""
        return len(self._bars)

    def __repr__(self) -> str:
        return f"HistoricalDataProvider({len(self):,} bars of {', '.join(self.symbols)})"
