"""Which fills, trades and news were seen before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

FILLS_MAX = 20_000


class Seen:
    """The newest of what was seen, in bounded memory."""

    __slots__ = ("_keys", "_most")

    def __init__(self, most: int) -> None:
        self._keys: dict[Hashable, None] = {}
        self._most = most

    def add(self, key: Hashable) -> bool:
        """Remember a key; return whether it was new."""
        keys = self._keys
        if key in keys:
            return False
        keys[key] = None
        if len(keys) > self._most:
            del keys[next(iter(keys))]
        return True

    def forget(self, key: Hashable) -> None:
        """Let a key be new again."""
        self._keys.pop(key, None)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __len__(self) -> int:
        return len(self._keys)


class FillLog:
    """The fills of an account that are known, so that each counts once, whichever way and however often it comes.

    A fill is known by (coin, trade id, time, oid). Memory is bounded: what is older than everything kept counts as known.
    :meth:`dump` and :meth:`load` carry the log over a restart.

    Parameters
    ----------
    since_ns : fills before this time of the exchange are history: remembered, never new
    most : how many are kept

    Attributes
    ----------
    complete_ns : up to here nothing is missing: when the exchange was last asked for everything and answered
    """

    __slots__ = ("_floor_ns", "_keys", "_most", "complete_ns", "since_ns")

    def __init__(self, since_ns: int, *, most: int = FILLS_MAX) -> None:
        self.since_ns = since_ns
        self.complete_ns = since_ns
        self._floor_ns = -1
        self._keys: dict[tuple[Any, ...], None] = {}
        self._most = most

    @staticmethod
    def key(fill: dict[str, Any]) -> tuple[Any, ...]:
        """Return what tells a fill from all others."""
        return (fill["coin"], fill["trade_id"], fill["time"], fill["oid"])

    def add(self, fill: dict[str, Any]) -> bool:
        """Remember a fill as the decoder gives it; return whether it is new."""
        key, time_ns = self.key(fill), fill["time"]
        if key in self._keys or time_ns <= self._floor_ns:
            return False
        self._keys[key] = None
        if len(self._keys) > self._most:
            oldest = next(iter(self._keys))
            del self._keys[oldest]
            self._floor_ns = max(self._floor_ns, oldest[2])
        return bool(time_ns >= self.since_ns)

    def forget(self, fills: Iterable[dict[str, Any]]) -> None:
        """Let fills be new again, and be asked for again: nobody took them."""
        for fill in fills:
            self._keys.pop(self.key(fill), None)
            self.complete_ns = min(self.complete_ns, fill["time"])

    def __len__(self) -> int:
        return len(self._keys)

    def dump(self) -> dict[str, Any]:
        """Return everything, as plain values for a store."""
        return {
            "since_ns": self.since_ns,
            "complete_ns": self.complete_ns,
            "floor_ns": self._floor_ns,
            "most": self._most,
            "keys": [list(key) for key in self._keys],
        }

    @classmethod
    def load(cls, stored: dict[str, Any]) -> FillLog:
        """Return the log that was dumped."""
        log = cls(stored["since_ns"], most=stored["most"])
        log.complete_ns, log._floor_ns = stored["complete_ns"], stored["floor_ns"]
        log._keys = dict.fromkeys(tuple(key) for key in stored["keys"])
        return log
