"""Events that nobody has taken yet: the newest of what is replaced by newer, all of what must not be lost."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    from algo_trade.hyperliquid.stream.events import StreamEvent


class Mailbox:
    """Events in the order of their arrival; a newer one of the same key takes the place of the older, at the end."""

    __slots__ = ("_events", "_number", "allowance", "kept")

    def __init__(self) -> None:
        self._events: OrderedDict[Hashable, StreamEvent] = OrderedDict()
        self._number = 0
        self.kept = 0
        # Events that came because we asked for them: they do not count against a consumer until it has seen them all.
        self.allowance = 0

    def __len__(self) -> int:
        return len(self._events)

    def latest(self, key: Hashable, event: StreamEvent) -> None:
        """Put in an event that makes the one before it, of this key, worthless."""
        events = self._events
        if key in events:
            events.move_to_end(key)
        events[key] = event

    def keep(self, event: StreamEvent) -> None:
        """Put in an event that must not be lost."""
        self._number += 1
        self._events[self._number] = event
        self.kept += 1

    def pop(self) -> StreamEvent | None:
        """Take out the oldest event."""
        if not self._events:
            self.allowance = 0
            return None
        key, event = self._events.popitem(last=False)
        if type(key) is int:
            self.kept -= 1
        return event

    def drop(self, kinds: tuple[type, ...]) -> list[StreamEvent]:
        """Throw out the kept events of these kinds, and return them."""
        dropped = [(key, event) for key, event in self._events.items() if type(key) is int and isinstance(event, kinds)]
        for key, _ in dropped:
            del self._events[key]
        self.kept -= len(dropped)
        return [event for _, event in dropped]
