"""A file that says that a runner lives, and what would be left of it if it died: for a watchdog in a process of its own."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import orjson

from algo_trade.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FILE: Final = "heartbeat.json"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a runner says of itself.

    Parameters
    ----------
    pid : of its process
    tags : what the ids of its orders begin with, one for each bot
    accounts : vaults and sub-accounts that it trades; None stands for the account itself
    has_ended : it has ended in good order: nothing is left to be done
    """

    pid: int
    tags: tuple[str, ...]
    accounts: tuple[str | None, ...]
    has_ended: bool = False


def write(folder: Path, tags: Sequence[str], accounts: Sequence[str | None], *, has_ended: bool = False) -> None:
    """Say that this process lives now, or that it has ended."""
    beat = Heartbeat(os.getpid(), tuple(tags), tuple(accounts), has_ended)
    fresh = folder / f"{FILE}.new"
    fresh.write_bytes(orjson.dumps(asdict(beat)))
    fresh.replace(folder / FILE)


def read(folder: Path) -> tuple[Heartbeat, float] | None:
    """Return the last word of a runner and when it was said, in seconds since the epoch; None if there never was one.

    Raises
    ------
    DataError
        The file holds something else.
    """
    path = folder / FILE
    try:
        with path.open("rb") as file:
            text, time_s = file.read(1 << 20), os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:
        return None
    try:
        found = orjson.loads(text)
        beat = Heartbeat(found["pid"], tuple(found["tags"]), tuple(found["accounts"]), found["has_ended"])
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: is no heartbeat of a runner: {error}") from None
    return beat, time_s
