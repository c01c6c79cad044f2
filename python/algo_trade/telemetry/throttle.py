"""How many messages of a kind go out in a period; how many did not is told at its end."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

_KINDS_MAX = 256
_BOTS_MAX = 20
OTHER_KINDS = "others"


@dataclass(slots=True)
class _Window:
    """A period of one kind, since its first message."""

    ends: float
    sent: int = 0
    held: int = 0
    last: str = ""
    bots: OrderedDict[str, None] = field(default_factory=OrderedDict)


@dataclass(frozen=True, slots=True)
class Held:
    """Messages of a kind that were not sent: how many, the last one, and the bots that they were about (at most 20)."""

    kind: str
    count: int
    last: str
    bots: tuple[str, ...]


class Throttle:
    """Lets so many messages of each kind pass in a period, which begins with the first one. It has no clock: times are given.

    Parameters
    ----------
    messages_max : of a kind, in a period
    period_s : seconds
    """

    def __init__(self, messages_max: int, period_s: float) -> None:
        self._messages_max = messages_max
        self._period_s = period_s
        self._windows: dict[str, _Window] = {}

    def passes(self, kind: str, now: float, *, text: str = "", bot_id: str | None = None) -> bool:
        """Return whether a message may go out; if not, it is counted."""
        window = self._windows.get(kind)
        if window is None:
            # Kinds are few, unless somebody puts an id into them.
            if len(self._windows) >= _KINDS_MAX:
                kind = OTHER_KINDS
            window = self._windows.setdefault(kind, _Window(now + self._period_s))
        elif now >= window.ends and not window.held:
            window.ends, window.sent = now + self._period_s, 0
        if window.sent < self._messages_max:
            window.sent += 1
            return True
        window.held += 1
        window.last = text
        if bot_id is not None and len(window.bots) < _BOTS_MAX:
            window.bots[bot_id] = None
        return False

    def ended(self, now: float) -> list[Held]:
        """Return what was held back in periods that are over. Where there was something, the next period begins."""
        found = []
        for kind, window in list(self._windows.items()):
            if now < window.ends:
                continue
            if not window.held:
                del self._windows[kind]
                continue
            found.append(_held(kind, window))
            # What tells of them counts as a message of the next period.
            self._windows[kind] = _Window(now + self._period_s, sent=1)
        return found

    def all_held(self) -> list[Held]:
        """Return what is held back now, and start anew."""
        found = [_held(kind, window) for kind, window in self._windows.items() if window.held]
        self._windows.clear()
        return found


def _held(kind: str, window: _Window) -> Held:
    return Held(kind, window.held, window.last, tuple(window.bots))
