"""What is on its way to one connection."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much may wait for a reader before it counts as one that does not keep up."""

    messages_max: int = 4_096
    bytes_max: int = 16 << 20


class Outbox:
    """Messages in order, each held back until its time, and at last the code to close with.

    A message that is held back holds back those behind it: they share a stream.

    Attributes
    ----------
    connection : int
        The machine's number of the connection.
    hurried : asyncio.Event
        Set by `end`: whoever writes to the socket has no more time.
    """

    def __init__(self, connection: int, allowance: Allowance) -> None:
        self.connection = connection
        self.hurried = asyncio.Event()
        self._allowance = allowance
        self._loop = asyncio.get_running_loop()
        self._items: deque[tuple[float, bytes | int]] = deque()
        self._bytes = 0
        self._changed = asyncio.Event()
        self._is_closed = False

    def put(self, body: bytes, delay_s: float) -> bool:
        """Add a message that leaves after a delay; return False if there is no room for it."""
        if self._is_closed:
            return True
        is_full = (
            len(self._items) >= self._allowance.messages_max or self._bytes + len(body) > self._allowance.bytes_max
        )
        # A lone message may be of any size, or a large one could never be sent.
        if is_full and self._items:
            return False
        self._bytes += len(body)
        self._add(body, delay_s)
        return True

    def close(self, code: int, delay_s: float) -> None:
        """Close with a code once everything before has left; what is added later is dropped."""
        if not self._is_closed:
            self._add(code, delay_s)
            self._is_closed = True

    def end(self, code: int) -> None:
        """Drop what waits, and close with a code at once."""
        if self.hurried.is_set():
            return
        self._items.clear()
        self._bytes = 0
        self._is_closed = True
        self._add(code, 0)
        self.hurried.set()

    async def take(self) -> bytes | int:
        """Wait for the next message, or for the code to close with."""
        while True:
            self._changed.clear()
            wait_s = self._items[0][0] - self._loop.time() if self._items else None
            if wait_s is not None and wait_s <= 0:
                item = self._items.popleft()[1]
                if isinstance(item, bytes):
                    self._bytes -= len(item)
                return item
            try:
                async with asyncio.timeout(wait_s):
                    await (self._changed if wait_s is None else self.hurried).wait()
            except TimeoutError:
                pass  # its time has come

    def _add(self, item: bytes | int, delay_s: float) -> None:
        self._items.append((self._loop.time() + delay_s, item))
        self._changed.set()
