"""A bot: a mailbox, a state, and one run at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from algo_trade.bots.closing import close_positions
from algo_trade.bots.ending import FLATTEN_S
from algo_trade.bots.models import BotCommand, BotState, BotStatus, Message
from algo_trade.bots.run import BotRun
from algo_trade.errors import AlgoTradeError, BotError, ConfigError, InputError, MailboxFullError, StrategyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from algo_trade.bots.services import Services
    from algo_trade.config import BotConfig

MAILBOX_MAX: Final = 32
# What of a bot's configuration can change while it trades.
_HOT: Final = frozenset({"risk", "enabled", "on_stop", "on_pause", "on_stale", "deadline_s"})


class BotActor:
    """A bot. It is told things by its mailbox, one after the other, and answers each with how it is then.

    Starting takes time (history, first prices) and the mailbox goes on meanwhile: a stop during a start ends it.

    Parameters
    ----------
    config : of the bot
    services : what it shares with others
    failed : called when it has failed, with whether starting it again may help
    """

    def __init__(self, config: BotConfig, services: Services, failed: Callable[[BotActor, bool], None]) -> None:
        self._config = config
        self._services = services
        self._failed = failed
        self._mailbox: asyncio.Queue[tuple[Message, asyncio.Future[BotStatus]]] = asyncio.Queue(MAILBOX_MAX)
        self._state = BotState.STOPPED
        self._error: str | None = None
        self._run: BotRun | None = None
        self._starting: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._must_be_flat = False
        self._task = asyncio.create_task(self._work(), name=f"bot {config.bot_id}")

    @property
    def config(self) -> BotConfig:
        """What it is configured to do."""
        return self._config

    @property
    def state(self) -> BotState:
        """What it is doing."""
        return self._state

    @property
    def has_ended(self) -> bool:
        """Whether it has been shut down."""
        return self._task.done()

    @property
    def run(self) -> BotRun | None:
        """The run that goes on, if one does."""
        return self._run

    def post(self, message: Message) -> asyncio.Future[BotStatus]:
        """Put a command into its mailbox; the answer says how it is afterwards, or why that was not done.

        Raises
        ------
        MailboxFullError
            It does not keep up with what it is told.
        """
        answer: asyncio.Future[BotStatus] = asyncio.get_running_loop().create_future()
        if self._task.done():
            raise BotError(f"{self._config.bot_id}: was shut down")
        try:
            self._mailbox.put_nowait((message, answer))
        except asyncio.QueueFull:
            raise MailboxFullError(
                f"{self._config.bot_id}: {MAILBOX_MAX} commands wait in its mailbox already: try again later"
            ) from None
        return answer

    def status(self) -> BotStatus:
        """Return how it is."""
        run, config = self._run, self._config
        return BotStatus(
            bot_id=config.bot_id,
            mode=config.mode,
            strategy=config.strategy,
            symbols=config.symbols,
            state=self._state,
            detail="" if run is None else run.detail,
            is_live=run is not None and run.is_live and self._state is not BotState.ERROR,
            last_heartbeat=None if run is None else run.last_heartbeat,
            error=self._error,
            books=None if run is None or run.owned is None else run.owned.books,
            lag_ms=0.0 if run is None else run.take_lag_ms(),
            mailbox=self._mailbox.qsize(),
        )

    async def kill(self, *, flatten: bool) -> bool:
        """Have everything cancelled, and closed if wanted, whatever it is doing; return whether it heard of that.

        What it holds is closed from outside if it cannot do so: its strategy hangs or has failed, or it does not trade.
        """
        if self._starting is not None:
            # It knows too little yet to be told.
            await self.post(Message(BotCommand.STOP))
        told = None if self._run is None else self._run.kill(flatten=flatten)
        if told is not None:
            await asyncio.wait({told})
            return not told.cancelled() and told.result()
        if flatten:
            self._must_be_flat = True
            if self._closing is None:
                self._closing = asyncio.create_task(self._clean_up(None))
        return True

    # --- the mailbox ---

    async def _work(self) -> None:
        while True:
            message, answer = await self._mailbox.get()
            try:
                await self._do(message, answer)
            except AlgoTradeError as error:
                _refuse(answer, error)
            if message.command is BotCommand.SHUTDOWN:
                return

    async def _do(self, message: Message, answer: asyncio.Future[BotStatus]) -> None:
        match message.command:
            case BotCommand.START:
                if self._starting is None and self._state in {BotState.STOPPED, BotState.ERROR}:
                    await self._end(None)
                    self._begin(takeover=bool(message.options.get("takeover")))
                if self._starting is not None:
                    self._starting.add_done_callback(lambda _: self._started(answer))
                    return
                if self._state is BotState.PAUSED:
                    raise BotError(f"{self._config.bot_id}: is paused: resume it")
            case BotCommand.STOP | BotCommand.SHUTDOWN:
                await self._end(message.options.get("on_stop"))
                self._state, self._error = BotState.STOPPED, None
            case BotCommand.PAUSE | BotCommand.RESUME:
                self._pause_or_resume(message.command)
            case BotCommand.UPDATE_CONFIG if message.config is not None:
                await self._update(message.config)
            case _:
                pass
        _fulfil(answer, self.status())

    def _begin(self, *, takeover: bool = False) -> None:
        self._state, self._error = BotState.RUNNING, None
        run = self._run = BotRun(self._config, self._services, self._has_failed)
        self._starting = asyncio.create_task(self._open(run, takeover=takeover))

    async def _open(self, run: BotRun, *, takeover: bool) -> None:
        try:
            await run.open(takeover=takeover)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is this bot's and it has to be told
            self._has_failed(error)
        finally:
            self._starting = None
        if self._state is BotState.RUNNING:
            self._services.telemetry.tell(
                "bot.started", "info", f"trades {', '.join(self._config.symbols)}", bot_id=self._config.bot_id
            )

    def _started(self, answer: asyncio.Future[BotStatus]) -> None:
        if self._state is BotState.ERROR:
            _refuse(answer, BotError(f"{self._config.bot_id}: {self._error}"))
        else:
            _fulfil(answer, self.status())

    async def _end(self, on_stop: str | None) -> None:
        """Stop whatever goes on; nothing does, afterwards."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait({self._starting})
            # One that was cancelled before it began has not said so itself.
            self._starting = None
        if self._closing is not None:
            await asyncio.wait({self._closing})
        run, self._run = self._run, None
        if run is not None:
            if await run.close(on_stop):
                await self._close_positions()
            self._services.telemetry.tell("bot.stopped", "info", "stopped", bot_id=self._config.bot_id)

    def _pause_or_resume(self, command: BotCommand) -> None:
        wanted = BotState.PAUSED if command is BotCommand.PAUSE else BotState.RUNNING
        if self._run is None or self._state not in {BotState.RUNNING, BotState.PAUSED}:
            raise BotError(f"{self._config.bot_id}: is {self._state}: start it first")
        if wanted is self._state:
            return
        if wanted is BotState.PAUSED:
            self._run.pause()
        else:
            self._run.resume()
        self._state = wanted
        self._services.telemetry.tell(f"bot.{wanted}", "info", str(wanted), bot_id=self._config.bot_id)

    async def _update(self, config: BotConfig) -> None:
        """Take over another configuration: what is hot at once, all else by starting again."""
        before, self._config = self._config, config
        changed = {name for name in type(config).model_fields if getattr(before, name) != getattr(config, name)}
        if not changed or self._run is None:
            return
        if changed <= _HOT:
            self._run.change_limits(config)
            return
        if before.symbols != config.symbols or before.mode != config.mode or before.account != config.account:
            self._config = before
            raise ConfigError(
                f"{config.bot_id}: its symbols, mode and account can change only while it is stopped: stop it first"
            )
        was_paused = self._state is BotState.PAUSED
        await self._end("keep" if before.mode == "live" else None)
        self._begin()
        if was_paused and self._starting is not None:
            await asyncio.wait({self._starting})
            self._pause_or_resume(BotCommand.PAUSE)

    def _has_failed(self, error: Exception) -> None:
        """Take note that the run can trade no more, and clean up after it."""
        self._state = BotState.ERROR
        # What is not ours has no words of its own for what it is; and a strategy may say anything.
        text = str(error) if isinstance(error, AlgoTradeError) else f"{type(error).__name__}: {error}"
        self._error = self._services.telemetry.secrets.redact(text)
        self._services.telemetry.tell("bot.error", "error", self._error, bot_id=self._config.bot_id)
        run = self._run
        if run is not None and self._closing is None:
            self._closing = asyncio.create_task(self._clean_up(run))
        # What was asked for wrongly, and what a strategy does, is the same again the next time; a disk that failed is so for all.
        may_help = not isinstance(error, InputError | StrategyError) and self._services.journals.failure is None
        self._failed(self, may_help)

    async def _clean_up(self, run: BotRun | None) -> None:
        try:
            if run is not None and await run.close():
                self._must_be_flat = True
            while self._must_be_flat:
                self._must_be_flat = False
                await self._close_positions()
        finally:
            self._closing = None

    async def _close_positions(self) -> None:
        """Close from outside what it holds. On paper only the strategy's own thread could."""
        if self._config.mode != "live":
            return
        try:
            is_flat = await close_positions(self._config, self._services)
            why = "" if is_flat else f" within {FLATTEN_S:.0f} s"
        except Exception as error:  # noqa: BLE001 -- whatever it is, a position stands and somebody has to be told
            is_flat, why = False, f": {error if isinstance(error, AlgoTradeError) else repr(error)}"
        if not is_flat:
            text = f"positions could not be closed from outside{why}"
            self._services.telemetry.tell("risk.not_flat", "error", text, bot_id=self._config.bot_id)


def _fulfil(answer: asyncio.Future[BotStatus], status: BotStatus) -> None:
    if not answer.done():
        answer.set_result(status)


def _refuse(answer: asyncio.Future[BotStatus], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
