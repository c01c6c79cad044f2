"""Replays a journal: what happened, and proof that it would again."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from algo_trade._native import Journal
from algo_trade.backtest.remake import risk_of, strategy_of
from algo_trade.core import risk_part, strategy_part
from algo_trade.errors import JournalError, ParameterError
from algo_trade.execution import VenueConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay saw."""

    events: int
    commands: int


class JournalFile:
    """A journal on disk, with its header understood."""

    def __init__(self, path: str | Path) -> None:
        self._path = path
        self._journal = Journal(path)
        try:
            self.header: dict[str, Any] = json.loads(self._journal.header)
            self.manifest: dict[str, Any] = self.header["manifest"]
        except (ValueError, KeyError, TypeError):
            raise JournalError(f"{path}: the header of this journal does not say how its system was made") from None

    def verify(self, *, until: datetime | str | None = None) -> Replay:
        """Feed the events to the same system again and compare the commands, byte for byte.

        Raises
        ------
        JournalError
            At the first command that differs, or where the journal is damaged.
        InputError
            For a strategy that cannot be found again, or a risk manager of one's own.
        """
        made = self.manifest
        strategy, risk = strategy_of(self._path, made), risk_of(self._path, made)
        venue = VenueConfig.model_validate(made["venue"])
        with self._named():
            events, commands, is_complete = self._journal.replay(
                strategy_part(strategy),
                symbols=made["symbols"],
                rules=venue.rules(),
                risk=risk_part(risk),
                initial_capital=made["initial_capital"],
                bot_id=self.header["bot_id"],
                epoch=self.header.get("epoch", 0),
                books=made.get("books", []),
                until_ns=nanoseconds(until),
            )
        if until is None and self.header.get("kind") == "backtest" and not is_complete:
            raise JournalError(f"{self._path}: the journal is cut off: the run went on after its {events:,} events")
        return Replay(events, commands)

    def dump(self, write: Callable[[str], object], *, until: datetime | str | None = None) -> int:
        """Give each record to ``write`` as a line; return how many there were."""
        with self._named():
            return self._journal.dump(write, until_ns=nanoseconds(until))

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Name the file in what is wrong with it."""
        try:
            yield
        except JournalError as error:
            raise JournalError(f"{self._path}: {error}") from None


def nanoseconds(time: datetime | str | None) -> int | None:
    """Return a time as nanoseconds since the epoch; text without a zone is UTC."""
    if time is None:
        return None
    if isinstance(time, str):
        try:
            time = datetime.fromisoformat(time)
        except ValueError:
            raise ParameterError(f"`{time}` is not a time: give ISO 8601, such as 2022-01-31T12:00Z") from None
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    delta = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return ((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) * 1_000
