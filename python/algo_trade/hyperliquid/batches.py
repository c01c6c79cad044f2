"""Orders that are asked for together leave together: one signature, one request, and each asker gets the answer to theirs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Hashable

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Batches(Generic[Item, Answer]):
    """Gathers items of one kind for a moment, sends them as one, and hands the answers out.

    Parameters
    ----------
    send : sends items of one key; returns an answer for each, in order, or raises for all
    window_s : how long items are gathered; 0: for the rest of this turn of the event loop
    items_max : how many go together at most
    start : starts a task that outlives whoever asked
    """

    def __init__(
        self,
        send: Callable[[Hashable, list[Item]], Awaitable[list[Answer]]],
        *,
        window_s: float,
        items_max: int,
        start: Callable[[Coroutine[None, None, None]], object],
    ) -> None:
        self._send = send
        self._window_s = window_s
        self._items_max = items_max
        self._start = start
        self._gathered: dict[Hashable, list[tuple[Item, asyncio.Future[Answer]]]] = {}

    async def ask(self, key: Hashable, item: Item) -> Answer:
        """Send an item with others of its key, and return the answer to it.

        Once it has left, giving up the wait does not take it back.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        gathered = self._gathered.setdefault(key, [])
        gathered.append((item, answer))
        if len(gathered) == 1:
            if self._window_s > 0:
                loop.call_later(self._window_s, self._leave, key)
            else:
                loop.call_soon(self._leave, key)
        return await answer

    def _leave(self, key: Hashable) -> None:
        gathered = [each for each in self._gathered.pop(key, []) if not each[1].done()]
        for first in range(0, len(gathered), self._items_max):
            self._start(self._go(key, gathered[first : first + self._items_max]))

    async def _go(self, key: Hashable, batch: list[tuple[Item, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._send(key, [item for item, _ in batch])
        except BaseException as error:
            for _, future in batch:
                if not future.done():
                    # Each asker gets an error of its own: one that several raise would collect the traces of all.
                    future.set_exception(_copy(error)) if isinstance(error, Exception) else future.cancel()
            if not isinstance(error, Exception):
                raise
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)


def _copy(error: Exception) -> Exception:
    copied = error.__class__.__new__(error.__class__, *error.args)
    copied.args = error.args
    copied.__dict__.update(error.__dict__)
    copied.__cause__ = error
    return copied
