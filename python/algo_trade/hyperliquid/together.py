"""Questions that many have at once, asked once for all of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


class Together(Generic[T]):
    """A question about all that happened since a moment. One answer serves everyone who asked before the question was put.

    Whoever asks while it is on its way waits for the next one: what is on its way may be older than what he wants to know. So there
    are never more than two, however many ask.

    Parameters
    ----------
    ask : puts the question, for all since a time in nanoseconds
    """

    def __init__(self, ask: Callable[[int], Awaitable[T]]) -> None:
        self._ask = ask
        self._since_ns = 0
        self._next: asyncio.Task[T] | None = None
        # Kept: the loop alone would not keep it, and its end lets the next one go.
        self._on_its_way: asyncio.Task[T] | None = None
        self._turn = asyncio.Lock()

    async def answer(self, since_ns: int = 0) -> T:
        """Return an answer to a question that was put after this call, which may reach further back than ``since_ns``.

        Raises
        ------
        Exception
            As ``ask`` does, for all whom it would have answered.
        """
        if self._next is None:
            self._since_ns = since_ns
            self._next = asyncio.get_running_loop().create_task(self._put())
        self._since_ns = min(self._since_ns, since_ns)
        # Others wait for it, too: it goes on when one of them gives up.
        return await asyncio.shield(self._next)

    async def _put(self) -> T:
        async with self._turn:
            self._on_its_way, self._next = self._next, None
            return await self._ask(self._since_ns)
