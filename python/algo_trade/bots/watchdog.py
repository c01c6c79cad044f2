"""Cancels the orders of a runner that died, from a process and with a key of its own.

The exchange does that by itself only for accounts that have traded $1M (`scheduleCancel`); for all others, this does.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from algo_trade.bots import heartbeat
from algo_trade.bots.orphans import cancel_orphans
from algo_trade.errors import DataError, VenueError
from algo_trade.hyperliquid import HyperliquidClient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from algo_trade._native import SigningKey
    from algo_trade.bots.heartbeat import Heartbeat
    from algo_trade.hyperliquid import HyperliquidConfig

LOOK_S: Final = 0.5
AGAIN_S: Final = 2.0


class Watchdog:
    """Watches the heartbeat of a runner on this machine.

    Parameters
    ----------
    config : of the exchange, with the account
    key : of an API wallet that the runner does not use: nonces of one key come from one process
    folder : where the heartbeat is
    after_s : a heartbeat that is older than this is that of a dead one
    tell : hears what it does, in words
    """

    def __init__(
        self,
        config: HyperliquidConfig,
        key: SigningKey,
        folder: Path,
        *,
        after_s: float,
        tell: Callable[[str], None],
    ) -> None:
        self._config = config
        self._key = key
        self._folder = folder
        self._after_s = after_s
        self._tell = tell

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until ``stop`` is set. Whatever fails is tried again."""
        was_dead = False
        while not stop.is_set():
            dead = self._dead()
            if dead is not None:
                if not was_dead:
                    self._tell(
                        f"the runner (process {dead.pid}) has been silent for more than {self._after_s:g} s: its orders go"
                    )
                try:
                    was_dead = await self.cancel(dead) == 0 or was_dead
                except (VenueError, DataError, OSError) as error:
                    self._tell(f"not all could be cancelled, and it is tried again: {error}")
            elif was_dead:
                was_dead = False
                self._tell("the runner lives again")
            try:
                await asyncio.wait_for(stop.wait(), AGAIN_S if dead is not None else LOOK_S)
            except TimeoutError:
                continue

    def _dead(self) -> Heartbeat | None:
        """Return the last word of the runner, if it has died."""
        try:
            found = heartbeat.read(self._folder)
        except DataError as error:
            self._tell(str(error))
            return None
        if found is None or found[0].has_ended or time.time() - found[1] < self._after_s:
            return None
        return found[0]

    async def cancel(self, dead: Heartbeat) -> int:
        """Cancel the orders of a runner's bots; return how many there were."""
        count = 0
        for account in dead.accounts or (None,):
            config = self._config if account is None else replace(self._config, vault_address=account)
            async with HyperliquidClient(config, self._key) as client:
                for coin, cloid, answer in await cancel_orphans(client, dead.tags):
                    self._tell(f"{coin} {cloid}: {answer}")
                    count += 1
        return count
