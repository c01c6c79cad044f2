"""Numbers as people read them: grouped, with a real minus sign, a dash where undefined, and never NaN."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

DASH = "–"
MINUS = "−"


def _signed(text: str) -> str:
    """With a real minus sign; what is shown as zero has no sign at all."""
    return text.replace("-", MINUS) if any(digit in text for digit in "123456789") else text.lstrip("+-")


def ratio(value: float | None, digits: int = 2) -> str:
    """``1.87``; a dash for None or what is not finite."""
    if value is None or not math.isfinite(value):
        return DASH
    return _signed(f"{value:,.{digits}f}")


def percent(value: float | None, digits: int = 2, *, plus: bool = False) -> str:
    """``12.34 %`` for the fraction 0.1234."""
    if value is None or not math.isfinite(value):
        return DASH
    return _signed(f"{value * 100:{'+' if plus else ''},.{digits}f} %")


def money(value: Decimal | float | None, *, plus: bool = False) -> str:
    """Money with two decimals; smaller amounts with as many as show three digits, eight at most."""
    if value is None or not math.isfinite(value):
        return DASH
    size = abs(float(value))
    digits = 2 if size >= 1 or size == 0 else min(8, 2 - math.floor(math.log10(size)))
    return _signed(f"{value:{'+' if plus else ''},.{digits}f}")


def plain(value: Decimal) -> str:
    """All the digits of a decimal, without trailing zeros or an exponent."""
    text = f"{value:,f}"
    return _signed(text.rstrip("0").rstrip(".") if "." in text else text)


def count(value: int, noun: str = "") -> str:
    """``45,031``; with a noun, ``1 event`` and ``2 events``."""
    return _signed(f"{value:,}") + (f" {noun}{'' if value == 1 else 's'}" if noun else "")


def bps(value: Decimal, volume: Decimal) -> str:
    """An amount in basis points of the traded volume."""
    return DASH if volume == 0 else _signed(f"{value / volume * 10_000:,.2f}")


def duration(seconds: float | None) -> str:
    """The two largest units: ``3 d 4 h``, ``12 min 5 s``."""
    if seconds is None or not math.isfinite(seconds):
        return DASH
    if seconds < 1:
        return f"{seconds * 1_000:.0f} ms"
    left = round(seconds)
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        amount, left = divmod(left, size)
        if amount:
            parts.append(f"{amount:,} {unit}")
    return " ".join(parts[:2])


def moment(time: datetime) -> str:
    """``2022-01-31 05:31``, with seconds only where there are some; UTC."""
    time = time.astimezone(UTC)
    return time.strftime("%Y-%m-%d %H:%M:%S" if time.second else "%Y-%m-%d %H:%M")


def step(seconds: float) -> str:
    """A sampling step as a word: ``daily``, ``hourly``, or its length."""
    words = {86_400.0: "daily", 3_600.0: "hourly", 60.0: "one-minute"}
    return words.get(float(seconds)) or f"every {duration(seconds)}"


def span(start: datetime, end: datetime) -> str:
    """The length of a run, in days where it has some."""
    length = end - start
    return duration(length / timedelta(seconds=1))
