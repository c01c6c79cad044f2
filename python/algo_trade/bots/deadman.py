"""The exchange's own dead man's switch: it cancels all orders of an account, unless that is put off again and again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from algo_trade.errors import DataError, RefusedError, VenueError
from algo_trade.hyperliquid.refusals import RefusalKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from algo_trade.hyperliquid.account import Account

AHEAD_S: Final = 30
EVERY_S: Final = 10.0
# How soon it is seen that there are orders: until then nothing guards them, and looking costs nothing.
LOOK_S: Final = 1.0
_MS_NS: Final = 1_000_000


class DeadMansSwitch:
    """Puts the cancelling of an account's orders off for as long as this process lives, while there are orders.

    The exchange takes it from accounts that have traded $1M; from all others it does not, and this says so once: then a watchdog has to
    run beside. It lets it fire ten times a day.

    Parameters
    ----------
    account : acts
    has_orders : whether there is anything to cancel
    clock : the time in nanoseconds since the epoch
    tell : hears what becomes of it
    """

    def __init__(
        self,
        account: Account,
        has_orders: Callable[[], bool],
        clock: Callable[[], int],
        tell: Callable[..., None],
    ) -> None:
        self._account = account
        self._has_orders = has_orders
        self._clock = clock
        self._tell = tell
        # What was not answered may have been done.
        self._may_be_set = False
        self._trouble = ""
        self.is_refused = False

    async def run(self) -> None:
        """Put it off, until the exchange refuses to have it at all."""
        while not self.is_refused:
            await self.look()
            await asyncio.sleep(EVERY_S if self._may_be_set else LOOK_S)

    async def look(self) -> None:
        """Set it, put it off or take it back, once."""
        has_orders = self._has_orders()
        if not has_orders and not self._may_be_set:
            return
        at_ms = self._clock() // _MS_NS + AHEAD_S * 1_000 if has_orders else None
        self._may_be_set = True
        try:
            await self._account.schedule_cancel(at_ms)
        except (VenueError, DataError) as error:
            if isinstance(error, RefusedError) and error.kind is RefusalKind.SCHEDULE:
                self._give_up()
            elif self._trouble != (trouble := str(error)):
                self._trouble = trouble
                self._tell("venue.trouble", "warning", f"scheduled cancel: {trouble}")
        else:
            self._may_be_set, self._trouble = has_orders, ""

    def _give_up(self) -> None:
        self._may_be_set, self.is_refused = False, True
        self._tell(
            "runner.unguarded",
            "warning",
            "the exchange takes no scheduled cancel from this account: if this machine dies, orders rest on. "
            "Run algo-trade watchdog beside it",
        )

    async def end(self) -> None:
        """Take it back: what rests on purpose rests on."""
        self._has_orders = lambda: False
        await self.look()
