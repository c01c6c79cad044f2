"""What was found in data: rows, times, gaps, assumptions, digests."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any, Literal

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def _time(nanos: int) -> dt.datetime:
    return _EPOCH + dt.timedelta(microseconds=nanos // 1_000)


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of time without bars: from the close of the bar before to the open of the bar after."""

    start_ns: int
    end_ns: int

    @property
    def length_ns(self) -> int:
        """How long it is."""
        return self.end_ns - self.start_ns

    def __str__(self) -> str:
        length = dt.timedelta(microseconds=self.length_ns // 1_000)
        return f"{length} from {_time(self.start_ns):%Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True)
class DayPrint:
    """The bars of one symbol that open on one UTC day: how many, and the first 16 hex digits of their digest."""

    day_ns: int
    rows: int
    digest: str

    @property
    def date(self) -> str:
        """The day as ``YYYY-MM-DD``."""
        return f"{_time(self.day_ns):%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class SymbolSummary:
    """What was found of one symbol. ``first_ns`` and ``last_ns`` are the open times of its first and last bar."""

    symbol: str
    rows: int
    first_ns: int
    last_ns: int
    last_close_ns: int
    resolution_ns: int
    gaps: int
    longest_gap: Gap | None
    overlapping: int
    snapped: int
    has_volume: bool
    days: tuple[DayPrint, ...]


@dataclass(frozen=True, slots=True)
class DataSummary:
    """What was found in one or more files or tables, and what was assumed about them."""

    files: tuple[str, ...]
    rows: int
    symbols: tuple[SymbolSummary, ...]
    left_out: tuple[str, ...]
    snapped: int
    is_utc_assumed: bool
    volume_unit: Literal["base", "quote"]
    stamp: Literal["open", "close"]
    fingerprint: str

    @classmethod
    def from_json(cls, text: str) -> DataSummary:
        """Read the document that the native reader writes."""
        found = json.loads(text)
        return cls(
            files=tuple(found["files"]),
            rows=found["rows"],
            symbols=tuple(_symbol(symbol) for symbol in found["symbols"]),
            left_out=tuple(found["left_out"]),
            snapped=found["snapped"],
            is_utc_assumed=found["is_utc_assumed"],
            volume_unit=found["volume_unit"],
            stamp=found["stamp"],
            fingerprint=found["fingerprint"],
        )

    def lines(self) -> list[str]:
        """Describe it for a person, one line per symbol and one per assumption."""
        lines = [_line(symbol) for symbol in self.symbols]
        if self.left_out:
            lines.append(f"left out: {', '.join(self.left_out)}")
        if self.is_utc_assumed:
            lines.append("time stamps without a zone: read as UTC")
        if any(symbol.has_volume for symbol in self.symbols):
            unit = "base units" if self.volume_unit == "base" else "quote currency, divided by the close"
            lines.append(f"volume: taken as {unit}")
        lines.append(f"time stamps: taken as the {self.stamp} of the bar")
        return lines + self._snapped()

    def _snapped(self) -> list[str]:
        return [f"{self.snapped} numbers moved to the nearest 1e-8 (prints of floats)"] if self.snapped else []

    def warnings(self) -> list[str]:
        """Name what may make a result worth less than it looks."""
        lines = []
        for symbol in self.symbols:
            if symbol.longest_gap is not None:
                lines.append(f"{symbol.symbol}: {_gaps(symbol)}")
            if symbol.overlapping:
                lines.append(f"{symbol.symbol}: {symbol.overlapping} bars open before the bar before has closed")
            if not symbol.has_volume:
                lines.append(f"{symbol.symbol}: the bars have no volume, so fills are not limited by it")
        return lines + self._snapped()

    def facts(self) -> dict[str, object]:
        """Describe it in plain values, for reports and JSON."""
        return {
            "files": list(self.files),
            "bars": self.rows,
            "symbols": [
                {
                    "symbol": symbol.symbol,
                    "bars": symbol.rows,
                    "first": f"{_time(symbol.first_ns):%Y-%m-%d %H:%M:%S}",
                    "last": f"{_time(symbol.last_ns):%Y-%m-%d %H:%M:%S}",
                    "resolution": str(dt.timedelta(microseconds=symbol.resolution_ns // 1_000)),
                    "gaps": symbol.gaps,
                    "longest_gap": None if symbol.longest_gap is None else str(symbol.longest_gap),
                    "snapped": symbol.snapped,
                }
                for symbol in self.symbols
            ],
            "left_out": list(self.left_out),
            "time_zone": "none given: read as UTC" if self.is_utc_assumed else "UTC",
            "volume_unit": self.volume_unit,
            "stamp": self.stamp,
            "fingerprint": self.fingerprint,
        }

    def keys(self) -> list[str]:
        """Name the facts, so that ``dict(summary)`` gives them."""
        return list(self.facts())

    def __getitem__(self, name: str) -> object:
        return self.facts()[name]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def _symbol(found: dict[str, Any]) -> SymbolSummary:
    gap = found["longest_gap"]
    return SymbolSummary(
        symbol=found["symbol"],
        rows=found["rows"],
        first_ns=found["first"],
        last_ns=found["last"],
        last_close_ns=found["last_close"],
        resolution_ns=found["resolution"],
        gaps=found["gaps"],
        longest_gap=None if gap is None else Gap(gap["start"], gap["end"]),
        overlapping=found["overlapping"],
        snapped=found["snapped"],
        has_volume=found["has_volume"],
        days=tuple(DayPrint(day["day"], day["rows"], day["digest"]) for day in found["days"]),
    )


def _line(symbol: SymbolSummary) -> str:
    length = dt.timedelta(microseconds=symbol.resolution_ns // 1_000)
    line = (
        f"{symbol.symbol}: {symbol.rows:,} bars of {length}, "
        f"{_time(symbol.first_ns):%Y-%m-%d %H:%M} to {_time(symbol.last_ns):%Y-%m-%d %H:%M}, "
    )
    if symbol.longest_gap is None:
        return line + "no gap"
    return line + _gaps(symbol)


def _gaps(symbol: SymbolSummary) -> str:
    return f"{symbol.gaps} {'gap' if symbol.gaps == 1 else 'gaps'}, the longest {symbol.longest_gap}"
