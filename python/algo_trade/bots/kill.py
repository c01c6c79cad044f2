"""The kill switch of one bot that trades: whoever does not hear of it in time is given up, and is closed from outside."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from algo_trade.bots.ending import FLATTEN_S, pausing
from algo_trade.errors import StrategyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from algo_trade.bots.ending import Ending

ANSWER_S: Final = 0.5
"""How long a strategy may take to hear of the kill switch."""


class KillSwitch:
    """Tells a bot to cancel everything, and to close everything.

    Parameters
    ----------
    ending : brings it to rest
    failed : ends it: it does not do what it is told
    not_flat : told, in words, what it could not close
    clock : the time in nanoseconds since the epoch
    """

    def __init__(
        self,
        ending: Ending,
        failed: Callable[[Exception], None],
        not_flat: Callable[[str], None],
        clock: Callable[[], int],
    ) -> None:
        self.ending = ending
        self._failed = failed
        self._not_flat = not_flat
        self._clock = clock
        self._pressing: asyncio.Task[bool] | None = None
        self._flattening: asyncio.Task[None] | None = None
        self.must_be_flat = False
        """Whether positions are to be closed that the bot has not closed itself."""

    def press(self, *, flatten: bool) -> asyncio.Task[bool]:
        """Have everything cancelled, and closed if wanted, from now on; nothing is opened afterwards.

        The task says whether the bot heard of it in time. It closes its positions after that.
        """
        self.must_be_flat = self.must_be_flat or flatten
        if self._pressing is None or self._pressing.done():
            self._pressing = asyncio.create_task(self._press())
        return self._pressing

    async def _press(self) -> bool:
        try:
            await asyncio.wait_for(self.ending.tell(*pausing(self._clock())), ANSWER_S)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it does not do what it is told
            self._failed(_given_up(f"it did not answer the kill switch within {ANSWER_S} s", error))
            return False
        if self.must_be_flat and (self._flattening is None or self._flattening.done()):
            self._flattening = asyncio.create_task(self.flatten())
        return True

    async def flatten(self) -> None:
        """Have the bot close everything itself."""
        self.must_be_flat = True
        try:
            is_flat = await self.ending.flatten()
        except Exception as error:  # noqa: BLE001 -- as above
            self._failed(_given_up("it did not close its positions", error))
            return
        self.must_be_flat = False
        if not is_flat:
            self._not_flat(f"positions could not be closed within {FLATTEN_S:.0f} s")

    def close(self) -> None:
        """Tell it nothing more."""
        for each in (self._pressing, self._flattening):
            if each is not None:
                each.cancel()


def _given_up(what: str, error: Exception) -> StrategyError:
    return StrategyError(what if isinstance(error, TimeoutError) else f"{what}: {error}")
