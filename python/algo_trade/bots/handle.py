"""How others speak to a bot."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from algo_trade.bots.models import BotCommand, Message

if TYPE_CHECKING:
    from algo_trade.bots.actor import BotActor
    from algo_trade.bots.models import BotState, BotStatus
    from algo_trade.config import BotConfig


class BotHandle:
    """A bot, for those who want something of it. Each method says how it is afterwards.

    Raises
    ------
    BotError
        What is asked for does not go, in the state that it is in.
    MailboxFullError
        It does not keep up with what it is told.
    """

    def __init__(self, actor: BotActor) -> None:
        self._actor = actor

    @property
    def bot_id(self) -> str:
        """Its name."""
        return self._actor.config.bot_id

    @property
    def config(self) -> BotConfig:
        """What it is configured to do."""
        return self._actor.config

    @property
    def state(self) -> BotState:
        """What it is doing."""
        return self._actor.state

    def status(self) -> BotStatus:
        """Return how it is, without asking it."""
        return self._actor.status()

    async def start(self, *, takeover: bool = False) -> BotStatus:
        """Have it trade, with ``takeover`` even if another process runs it; returns once it does."""
        options = {"takeover": True} if takeover else {}
        return await self._actor.post(Message(BotCommand.START, options=options))

    async def stop(self, on_stop: str | None = None) -> BotStatus:
        """Have it stop, with orders and positions as configured, or as is said here: ``cancel``, ``keep``, ``flatten``."""
        options = {} if on_stop is None else {"on_stop": on_stop}
        return await self._actor.post(Message(BotCommand.STOP, options=options))

    async def pause(self) -> BotStatus:
        """Have it open nothing more."""
        return await self._tell(BotCommand.PAUSE)

    async def resume(self) -> BotStatus:
        """Have it trade again after a pause."""
        return await self._tell(BotCommand.RESUME)

    async def kill(self, *, flatten: bool) -> bool:
        """Have its orders cancelled and, if wanted, its positions closed, past its mailbox; return whether it heard of it."""
        return await self._actor.kill(flatten=flatten)

    async def update(self, config: BotConfig) -> BotStatus:
        """Have it do something else from now on."""
        return await self._actor.post(Message(BotCommand.UPDATE_CONFIG, config=config))

    async def ask(self) -> BotStatus:
        """Ask it how it is, after all that waits for it."""
        return await self._tell(BotCommand.GET_STATUS)

    async def shut_down(self, *, within_s: float) -> None:
        """Stop it for good."""
        await asyncio.wait_for(self._tell(BotCommand.SHUTDOWN), within_s)

    async def _tell(self, command: BotCommand) -> BotStatus:
        return await self._actor.post(Message(command))
