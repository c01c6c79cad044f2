"""Times and lengths of time as people write them, in nanoseconds."""

from __future__ import annotations

import datetime as dt
import re

from algo_trade._native import parse_time_ns
from algo_trade.errors import ParameterError

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60 * 1_000_000_000,
    "h": 3_600 * 1_000_000_000,
    "d": 86_400 * 1_000_000_000,
    "w": 7 * 86_400 * 1_000_000_000,
}
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def time_ns(time: str | int | dt.datetime | dt.date) -> int:
    """Nanoseconds since the epoch, exactly.

    Parameters
    ----------
    time : ISO 8601 text, epoch number in s, ms, us or ns, datetime or date; UTC where no zone is named

    Raises
    ------
    ParameterError
        Anything else.
    """
    if isinstance(time, str):
        return parse_time_ns(time)
    if isinstance(time, dt.datetime):
        moment = time if time.tzinfo is not None else time.replace(tzinfo=dt.UTC)
        return (moment - _EPOCH) // _MICROSECOND * 1_000
    if isinstance(time, dt.date):
        return (time - _EPOCH.date()).days * _UNITS["d"]
    return parse_time_ns(str(time))


def duration_ns(duration: str | int | dt.timedelta) -> int:
    """Nanoseconds of a length of time such as ``"1m"``, ``"4h"``, ``"1d"`` (ns, us, ms, s, m, h, d, w).

    Raises
    ------
    ParameterError
        Anything that is not a length of time above zero.
    """
    if isinstance(duration, dt.timedelta):
        nanos = duration // _MICROSECOND * 1_000
    elif isinstance(duration, str):
        match = re.fullmatch(r"\s*(\d+)\s*([a-z]+)\s*", duration.lower())
        nanos = int(match[1]) * _UNITS.get(match[2], 0) if match else 0
    else:
        nanos = duration
    if nanos <= 0:
        message = f"{duration!r} is not a length of time: write 30s, 1m, 4h, 1d"
        raise ParameterError(message)
    return nanos


def duration_text(nanos: int) -> str:
    """Write a length of time as :func:`duration_ns` reads it, in the largest unit that it is a multiple of."""
    for name in ("d", "h", "m", "s", "ms", "us"):
        if nanos % _UNITS[name] == 0:
            return f"{nanos // _UNITS[name]}{name}"
    return f"{nanos}ns"
