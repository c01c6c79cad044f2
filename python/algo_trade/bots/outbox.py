"""What a bot has asked for and that has not left yet: an order leaves when the record of it would survive a crash."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from algo_trade._native import CancelOrder, ModifyOrder, SubmitOrder
from algo_trade.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from algo_trade.bots.journals import Journals
    from algo_trade.core.protocols import Command


class Outbox:
    """Keeps orders and changes until they are safe. Cancels leave at once, unless what they cancel has not left.

    Parameters
    ----------
    journals : say when what was written is safe
    send : carries out what was asked for at a moment
    may_send : whether this process still is the one that may; asked before anything leaves
    failed : called if it may not any more
    """

    def __init__(
        self,
        journals: Journals,
        send: Callable[[list[Command], int], None],
        may_send: Callable[[], bool],
        failed: Callable[[Exception], None],
    ) -> None:
        self._journals = journals
        self._send = send
        self._may_send = may_send
        self._failed = failed
        self._waiting: deque[tuple[list[Command], int]] = deque()
        self._cloids: set[str] = set()
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._is_shut = False

    def shut(self) -> None:
        """Let nothing leave any more, and nothing that waits: whoever shuts it cancels what has left."""
        self._is_shut = True

    def put(self, commands: list[Command], asked_ns: int) -> None:
        """Take what was asked for at one moment."""
        if self._is_shut:
            return
        keep: list[Command] = []
        now: list[Command] = []
        for each in commands:
            if self._must_wait(each):
                keep.append(each)
                self._cloids.add(_cloid(each))
            else:
                now.append(each)
        if now:
            self._leave(now, asked_ns)
        if keep:
            self._waiting.append((keep, asked_ns))
            self._is_empty.clear()
            self._journals.safe(self._safe)

    async def empty(self, *, within_s: float) -> bool:
        """Wait until nothing waits any more; return whether that came to be."""
        try:
            async with asyncio.timeout(within_s):
                await self._is_empty.wait()
        except TimeoutError:
            return False
        return True

    def _must_wait(self, command: Command) -> bool:
        if isinstance(command, SubmitOrder | ModifyOrder):
            return True
        return isinstance(command, CancelOrder) and command.cloid in self._cloids

    def _safe(self) -> None:
        commands, asked_ns = self._waiting.popleft()
        if not self._waiting:
            self._cloids.clear()
            self._is_empty.set()
        self._leave(commands, asked_ns)

    def _leave(self, commands: list[Command], asked_ns: int) -> None:
        if self._is_shut:
            return
        if not self._may_send():
            self._failed(
                EngineError("another process has taken this bot over: nothing of it leaves from here any more")
            )
            return
        self._send(commands, asked_ns)


def _cloid(command: Command) -> str:
    return command.order.cloid if isinstance(command, SubmitOrder) else getattr(command, "cloid", "")
