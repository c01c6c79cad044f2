"""What is given as ``--data``: files, and rows of a lake, by default of the one of the configuration."""

from __future__ import annotations

import urllib.parse
from typing import TYPE_CHECKING

from algo_trade.cli.output import say
from algo_trade.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEME = "lake://"
DATA_HELP = "or rows of a lake: lake://trades/BTC?from=2026-03-01&to=2026-03-02; may be repeated."


def named(data: Sequence[str]) -> list[str]:
    """Return data with the lake of the configuration where a ``lake://`` names none."""
    return [_named(each) for each in data]


def _named(source: str) -> str:
    if not source.startswith(SCHEME) or "lake" in urllib.parse.parse_qs(source.partition("?")[2]):
        return source
    from algo_trade.config import ConfigLoader  # noqa: PLC0415 -- who names a lake does not wait for it

    path = ConfigLoader(None).load().storage.lake
    say(f"the lake of the configuration: {path}")
    return f"{source}{'&' if '?' in source else '?'}lake={urllib.parse.quote(path, safe='/:')}"


def tick_files(data: Sequence[str]) -> list[str]:
    """Return data as files and folders of ticks, for what takes nothing else.

    Raises
    ------
    ParameterError
        Bars; a range of time, which only whole files can have.
    """
    paths: list[str] = []
    for source in named(data):
        if not source.startswith(SCHEME):
            paths.append(source)
            continue
        from algo_trade.storage.tiers.select import of_url  # noqa: PLC0415 -- it takes its time

        picked = of_url(source)
        if not picked.is_ticks:
            raise ParameterError(f"{source}: they are bars: a market is made of ticks")
        if picked.span_ns != (None, None):
            raise ParameterError(f"{source}: whole days make a market: leave from and to out")
        paths += picked.files()
    return paths
