"""All bots of a process: made, found, listed, started again when they fail, and ended in good order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from algo_trade.bots.actor import BotActor
from algo_trade.bots.handle import BotHandle
from algo_trade.bots.models import BotCommand as Command
from algo_trade.bots.models import BotState, Message
from algo_trade.errors import BotExistsError, BotRunsError, MailboxFullError, UnknownBotError

if TYPE_CHECKING:
    from algo_trade.bots.run import BotRun
    from algo_trade.bots.services import Services
    from algo_trade.config import BotConfig

RESTART_FIRST_S: Final = 1.0
RESTART_MAX_S: Final = 300.0
# A bot that has traded for so long starts its row of failures anew.
STEADY_S: Final = 600.0
SHUTDOWN_S: Final = 30.0


class BotRegistry:
    """All bots of a process, by their names.

    A bot that failed is started again, after a pause that doubles each time, unless its configuration is wrong, its strategy failed, or it was halted.

    Parameters
    ----------
    services : what they share
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._actors: dict[str, BotActor] = {}
        self._failures: dict[str, tuple[int, float]] = {}
        self._restarts: dict[str, asyncio.TimerHandle] = {}
        self._is_ending = False

    def __len__(self) -> int:
        return len(self._actors)

    def spawn(self, config: BotConfig) -> BotHandle:
        """Make a bot, which does nothing yet.

        Raises
        ------
        BotExistsError
            There is one of that name.
        """
        if config.bot_id in self._actors:
            raise BotExistsError(
                f"bot_id = {config.bot_id!r}: there is a bot of that name: choose another, or replace its configuration"
            )
        actor = self._actors[config.bot_id] = BotActor(config, self._services, self._failed)
        return BotHandle(actor)

    def find(self, bot_id: str) -> BotHandle:
        """Return a bot.

        Raises
        ------
        UnknownBotError
            There is none of that name.
        """
        actor = self._actors.get(bot_id)
        if actor is None:
            names = ", ".join(sorted(self._actors)) or "none"
            raise UnknownBotError(f"bot_id = {bot_id!r}: there is no such bot; there are: {names}")
        return BotHandle(actor)

    def run_of(self, bot_id: str) -> BotRun | None:
        """Return the run of a bot that trades."""
        return self._actors[bot_id].run

    def all(self) -> list[BotHandle]:
        """Return all bots, by name."""
        return [BotHandle(self._actors[name]) for name in sorted(self._actors)]

    async def remove(self, bot_id: str) -> None:
        """Forget a bot that is stopped.

        Raises
        ------
        UnknownBotError
            There is none of that name.
        BotRunsError
            It is not stopped.
        """
        handle = self.find(bot_id)
        if handle.state not in {BotState.STOPPED, BotState.ERROR}:
            raise BotRunsError(f"bot_id = {bot_id!r}: is {handle.state}: stop it first")
        await handle.shut_down(within_s=SHUTDOWN_S)
        self._forget_restart(bot_id)
        del self._actors[bot_id]
        self._failures.pop(bot_id, None)

    async def shut_down(self, *, within_s: float = SHUTDOWN_S) -> list[str]:
        """End all, at the same time; return those that did not end in time."""
        self._is_ending = True
        for bot_id in tuple(self._restarts):
            self._forget_restart(bot_id)
        ending = {asyncio.create_task(handle.shut_down(within_s=within_s)): handle.bot_id for handle in self.all()}
        if ending:
            await asyncio.wait(ending)
        return sorted(bot_id for task, bot_id in ending.items() if task.exception() is not None)

    def _forget_restart(self, bot_id: str) -> None:
        timer = self._restarts.pop(bot_id, None)
        if timer is not None:
            timer.cancel()

    def _failed(self, actor: BotActor, may_help: bool) -> None:  # noqa: FBT001 -- a callback
        if not may_help or self._is_ending:
            return
        loop = asyncio.get_running_loop()
        bot_id = actor.config.bot_id
        count, at_s = self._failures.get(bot_id, (0, 0.0))
        count = 0 if loop.time() - at_s > STEADY_S else count
        self._failures[bot_id] = (count + 1, loop.time())
        pause_s = min(RESTART_FIRST_S * 2**count, RESTART_MAX_S)
        self._services.telemetry.tell("bot.restart", "warning", f"starts again in {pause_s:.0f} s", bot_id=bot_id)
        self._forget_restart(bot_id)
        self._restarts[bot_id] = loop.call_later(pause_s, self._start_again, actor)

    def _start_again(self, actor: BotActor) -> None:
        self._restarts.pop(actor.config.bot_id, None)
        if actor.state is not BotState.ERROR or actor.has_ended:
            return
        try:
            answer = actor.post(Message(Command.START))
        except MailboxFullError:
            return
        # Whether it worked is told by its state.
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
