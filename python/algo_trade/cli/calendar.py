"""Days drawn as a calendar: a row for each weekday, a column for each week, darker where a day has more."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SHADES = "·░▒▓█"
"""From a day without anything to a whole one."""

_WEEKDAYS = ("Mon", "", "Wed", "", "Fri", "", "Sun")
_WEEK = dt.timedelta(days=7)


def calendar(shares: Mapping[dt.date, float], *, weeks_max: int = 60) -> list[str]:
    """Return the lines of a calendar from the first day to the last; of more weeks than fit, of the last ones.

    Parameters
    ----------
    shares : of each day that has something, how much of a whole day that is, from 0 to 1
    weeks_max : how many weeks there is room for
    """
    first, last = min(shares), max(shares)
    monday = first - dt.timedelta(days=first.weekday())
    weeks = (last - monday).days // 7 + 1
    if weeks > weeks_max:
        monday += (weeks - weeks_max) * _WEEK
        weeks = weeks_max
    mondays = [monday + week * _WEEK for week in range(weeks)]
    lines = [f"     {_months(mondays)}".rstrip()]
    for weekday, name in enumerate(_WEEKDAYS):
        days = [monday + dt.timedelta(days=weekday) for monday in mondays]
        marks = "".join(_mark(shares.get(day, 0.0)) if first <= day <= last else " " for day in days)
        lines.append(f"{name:4} {marks}".rstrip())
    return lines


def _mark(share: float) -> str:
    """A day that has anything at all is never drawn as an empty one, nor one that lacks something as whole."""
    if share <= 0:
        return SHADES[0]
    return SHADES[-1] if share >= 1 else SHADES[1 + min(2, int(share * 3))]


def _months(mondays: list[dt.date]) -> str:
    """Name each month above its first week, where there is room."""
    text = ""
    for week, monday in enumerate(mondays):
        begins = week == 0 or any((monday + dt.timedelta(days=day)).day == 1 for day in range(7))
        if begins and len(text) <= week:
            last = monday + dt.timedelta(days=6)
            text = text.ljust(week) + (f"{last:%b %Y}" if week == 0 or last.month == 1 else f"{last:%b}") + " "
    return text
