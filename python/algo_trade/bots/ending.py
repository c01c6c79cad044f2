"""How a run comes to rest: orders gone, positions closed if that is wanted, and nothing on its way any more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from algo_trade._native import ControlEvent
from algo_trade.bots.trader import Trader

if TYPE_CHECKING:
    from collections.abc import Callable

    from algo_trade.bots.accounts import AccountDesk, Trading
    from algo_trade.bots.outbox import Outbox
    from algo_trade.bots.room import Room
    from algo_trade.bots.trader import Outcome, Owned

# How long orders may take to leave the book, and positions to be closed.
QUIET_S: Final = 15.0
FLATTEN_S: Final = 10.0
FLATTEN_AGAIN_S: Final = 0.2


def pausing(now_ns: int, *, cancels: bool = True) -> list[ControlEvent]:
    """Return the operator's word that nothing is opened any more, and that orders go, if they are to."""
    pause = ControlEvent.pause(now_ns)
    return [pause, ControlEvent.cancel_all(now_ns)] if cancels else [pause]


class Ending:
    """Brings a bot to rest. Of a bot on paper, desk and outbox are None: there nothing is ever on its way.

    Parameters
    ----------
    room : where it thinks
    trader : whose orders these are at the desk
    desk, outbox : the way of its orders
    answer : carries out what comes of a call
    clock : the time in nanoseconds since the epoch
    deadline_s : how long the strategy may take to answer
    """

    def __init__(
        self,
        room: Room,
        trader: Trading,
        desk: AccountDesk | None,
        outbox: Outbox | None,
        *,
        answer: Callable[[Outcome], None],
        clock: Callable[[], int],
        deadline_s: Callable[[], float],
    ) -> None:
        self._room = room
        self._trader = trader
        self._desk = desk
        self._outbox = outbox
        self._answer = answer
        self._clock = clock
        self._deadline_s = deadline_s

    async def tell(self, *words: ControlEvent) -> None:
        """Give the operator's word, and have what comes of it carried out."""
        said = self._room.ask(Trader.control, self._clock(), *words)
        self._answer(await asyncio.wait_for(said, self._deadline_s()))

    async def owned(self) -> Owned:
        """Return what the bot owns."""
        return await asyncio.wait_for(self._room.ask(Trader.owned, self._clock()), self._deadline_s())

    async def quiet(self, *, wait: bool = True) -> bool:
        """Wait until what was asked for has left, and then until no order is left; return whether that came to be."""
        has_left = self._outbox is None or await self._outbox.empty(within_s=QUIET_S)
        is_gone = not wait or self._desk is None or await self._desk.quiet(self._trader, within_s=QUIET_S)
        return has_left and is_gone

    async def flatten(self) -> bool:
        """Close all positions, as often as it takes: a book may be too thin for all at once. Return whether all are closed."""
        await self.tell(*pausing(self._clock()))
        until_s = asyncio.get_running_loop().time() + FLATTEN_S
        while (await self.owned()).books.positions:
            if asyncio.get_running_loop().time() > until_s:
                return False
            await self.tell(ControlEvent.flatten(self._clock()))
            await self.quiet()
            if (await self.owned()).books.positions:
                await asyncio.sleep(FLATTEN_AGAIN_S)
        return True

    async def end(self, on_stop: str) -> bool:
        """End trading with orders as is wanted; return whether none is left, or may be."""
        # A strategy that still may would quote anew what was just cancelled.
        await self.tell(*pausing(self._clock(), cancels=on_stop != "keep"))
        is_quiet = await self.quiet(wait=on_stop != "keep")
        ended = self._room.ask(Trader.stop, self._clock())
        self._answer(await asyncio.wait_for(ended, self._deadline_s()))
        return is_quiet
