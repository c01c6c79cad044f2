"""A process that runs bots: what they share, the bots of the configuration and of the store, and the end of it all."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from algo_trade._native import __version__, cloid_tag
from algo_trade.bots import heartbeat
from algo_trade.bots.gateway import Gateway
from algo_trade.bots.journals import Journals
from algo_trade.bots.memory import Memory, PortfolioMemory
from algo_trade.bots.models import BotState
from algo_trade.bots.observe import observe
from algo_trade.bots.record import MarketRecord
from algo_trade.bots.registry import BotRegistry
from algo_trade.bots.services import Services
from algo_trade.bots.steady import SteadyClock
from algo_trade.config import BotConfig
from algo_trade.config.show import plain
from algo_trade.errors import AlgoTradeError, ConfigError, ParameterError, StorageError
from algo_trade.risk.limits import Limits
from algo_trade.risk.portfolio import Portfolio
from algo_trade.storage import DatabaseClient
from algo_trade.strategy import load
from algo_trade.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from algo_trade._native import SigningKey
    from algo_trade.bots.handle import BotHandle
    from algo_trade.bots.models import BotStatus
    from algo_trade.config import AppConfig, RiskConfig
    from algo_trade.hyperliquid import SessionSettings
    from algo_trade.storage.records import Wanted

_WANTED_BY: Final[dict[str, Wanted]] = {
    "start": "running",
    "resume": "running",
    "stop": "stopped",
    "pause": "paused",
}
_WANTED_IN: Final[dict[BotState, Wanted]] = {BotState.RUNNING: "running", BotState.PAUSED: "paused"}
WATCH_S: Final = 0.25
BEAT_S: Final = 1.0
# How long a bot may take to hear of the kill switch, with all that is done about one that does not.
KILL_S: Final = 1.0


class Runner:
    """Bots, for the time of an ``async with``: nothing starts by itself.

    Parameters
    ----------
    config : of everything
    key : signs; without it, bots trade on paper only
    telemetry : where it is told what happens; made from the configuration, unless given
    settings : of the sockets
    clock : the wall's time in nanoseconds since the epoch
    """

    def __init__(
        self,
        config: AppConfig,
        key: SigningKey | None = None,
        *,
        telemetry: Telemetry | None = None,
        settings: SessionSettings | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.config = config
        self.telemetry = telemetry or Telemetry(config.telemetry, version=__version__)
        self._key = key
        self._settings = settings
        self._clock = SteadyClock(clock)
        self._stack = AsyncExitStack()
        self.registry: BotRegistry
        self.store: DatabaseClient
        self.gateway: Gateway
        self._journals: Journals
        self._portfolios: dict[str, Portfolio] = {}
        self._losses: dict[str, PortfolioMemory] = {}
        self.began_s = time.monotonic()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            config = self.config
            await stack.enter_async_context(self.telemetry)
            database = config.database
            self.store = await stack.enter_async_context(DatabaseClient(database.url, database.max_connections))
            self._journals = journals = stack.enter_context(
                Journals(
                    config.storage.state_dir / "journals", self._disk_failed, self.telemetry.metrics.journal_durable
                )
            )
            record = MarketRecord(config.storage, self.telemetry, self._clock)
            # After the sockets.
            stack.push_async_callback(record.close)
            self.gateway = Gateway(
                config.hyperliquid,
                self._key,
                telemetry=self.telemetry,
                store=self.store,
                settings=self._settings,
                record=record,
                clock=self._clock,
            )
            stack.push_async_callback(self.gateway.close)
            for mode in ("paper", "live"):
                memory = PortfolioMemory(self.store, mode, config.telemetry.instance)
                self._losses[mode] = memory
                self._portfolios[mode] = Portfolio(Limits.of(config.risk), await memory.loss())
            stack.push_async_callback(self._keep_losses)
            services = Services(
                gateway=self.gateway,
                journals=journals,
                store=self.store,
                telemetry=self.telemetry,
                record=record,
                portfolios=self._portfolios,
                clock=self._clock,
                owner="a runner",
                on_breach=lambda: self.config.risk.on_breach,
            )
            self.registry = BotRegistry(services)
            metrics = self.telemetry.metrics
            metrics.before_render(lambda: observe(metrics, self.registry, self.gateway))
            metrics.before_render(lambda: record.observe(metrics))
            stack.callback(lambda: self._say(has_ended=True))
            stack.push_async_callback(self._end_bots)
            await self._gather_bots()
            self._watching = asyncio.create_task(self._watch())
            self._beating = asyncio.create_task(self._beat())
            for task in (self._watching, self._beating):
                stack.callback(task.cancel)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def uptime_s(self) -> float:
        """For how long it has been running."""
        return time.monotonic() - self.began_s

    # --- bots ---

    async def create(self, config: BotConfig) -> BotHandle:
        """Make a bot that will be there after a restart, too; it starts if it is enabled.

        Raises
        ------
        BotExistsError
            There is one of that name.
        InputError
            Its strategy does not exist, or a parameter is wrong.
        """
        await self._check(config)
        handle = self.registry.spawn(config)
        await self.store.save_bot(config.bot_id, plain(config), "running" if config.enabled else "stopped")
        if config.enabled:
            self.start_quietly(handle)
        return handle

    async def replace(self, config: BotConfig) -> BotStatus:
        """Give a bot another configuration.

        Raises
        ------
        UnknownBotError
            There is none of that name.
        InputError
            The configuration is wrong; nothing has changed.
        """
        handle = self.registry.find(config.bot_id)
        await self._check(config)
        status = await handle.update(config)
        await self.store.save_bot(config.bot_id, plain(config), _WANTED_IN.get(handle.state, "stopped"))
        return status

    async def remove(self, bot_id: str) -> None:
        """Forget a bot that is stopped; its journals stay."""
        account = self.registry.find(bot_id).config.account
        await self.registry.remove(bot_id)
        await self.store.remove_bot(bot_id)
        self.gateway.parking(account).leave(bot_id)
        for portfolio in self._portfolios.values():
            portfolio.drop(bot_id)
        self.telemetry.metrics.forget(bot_id)

    async def command(self, bot_id: str, command: str, *, takeover: bool = False) -> BotStatus:
        """Have a bot ``start``, ``stop``, ``pause`` or ``resume``, and remember what is wanted of it."""
        handle = self.registry.find(bot_id)
        options = {"takeover": True} if takeover and command == "start" else {}
        status: BotStatus = await getattr(handle, command)(**options)
        if await self.store.bot(bot_id) is not None:
            await self.store.set_wanted(bot_id, _WANTED_BY[command])
        return status

    def start_quietly(self, handle: BotHandle) -> None:
        """Begin to start a bot; whether it worked is told by its state."""
        starting = asyncio.create_task(handle.start())
        starting.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def start_enabled(self) -> None:
        """Begin to start every bot that is enabled, and was not stopped by hand."""
        wanted = {record.bot_id: record.wanted for record in await self.store.bots()}
        for handle in self.registry.all():
            if handle.config.enabled and wanted.get(handle.bot_id, "running") != "stopped":
                self.start_quietly(handle)

    async def kill(self, *, flatten: bool, mode: str | None = None) -> dict[str, Any]:
        """Cancel every order of every bot, or of those of a mode, close every position if wanted, and leave the bots paused."""
        self.telemetry.tell("kill", "warning", "kill switch" + (", closing all positions" if flatten else ""))
        desks = [] if mode == "paper" else self.gateway.accounts()
        cancelled = sum(desk.cancel_all() for desk in desks)
        handles = [handle for handle in self.registry.all() if mode in {None, handle.config.mode}]
        reached = [handle.bot_id for handle in handles if handle.state in {BotState.RUNNING, BotState.PAUSED}]
        heard = await asyncio.gather(*(self._kill(handle, flatten=flatten) for handle in handles))
        stuck = [handle.bot_id for handle, is_heard in zip(handles, heard, strict=True) if not is_heard]
        quiet = all([await desk.quiet(within_s=1.0) for desk in desks])
        return {"cancelled": cancelled, "bots": reached, "flatten": flatten, "quiet": quiet, "stuck": stuck}

    async def _kill(self, handle: BotHandle, *, flatten: bool) -> bool:
        """Kill one bot; return whether it heard of it, and is paused if it traded."""
        try:
            async with asyncio.timeout(KILL_S):
                is_heard = await handle.kill(flatten=flatten)
                if handle.state is BotState.RUNNING:
                    await handle.pause()
        except (AlgoTradeError, TimeoutError):
            return False
        return is_heard

    def unready(self) -> list[str]:
        """Return why it can not do its work now, in words; nothing if it can."""
        reasons = []
        for handle in self.registry.all():
            status = handle.status()
            if status.state is BotState.ERROR:
                reasons.append(f"{status.bot_id}: {status.error}")
            elif status.state is BotState.RUNNING and not status.is_live:
                reasons.append(f"{status.bot_id}: {status.detail}")
        if self._journals.failure is not None:
            reasons.append(f"journals: {self._journals.failure}")
        return reasons

    def change_risk(self, risk: RiskConfig) -> None:
        """Be bound by other limits over all bots from now on."""
        for portfolio in self._portfolios.values():
            portfolio.limits = Limits.of(risk)

    # --- inside ---

    async def _check(self, config: BotConfig) -> None:
        """Refuse a bot whose strategy could not be made, or is a file that may not be named from outside.

        Whoever reaches the API could have any file run otherwise.
        """
        place, colon, _ = config.strategy.rpartition(":")
        if colon:
            folder = self.config.storage.strategies.resolve()
            path = Path(place).resolve()
            if not (place.endswith(".py") and path.is_relative_to(folder)):
                raise ParameterError(
                    f"strategy = {config.strategy!r}: must be a built-in one, or a file in {self.config.storage.strategies}/ "
                    "(storage.strategies)"
                )
        await asyncio.to_thread(load, config.strategy, config.params)

    async def _gather_bots(self) -> None:
        """Make the bots of the file, and those of the store that are not in it."""
        for bot in self.config.bots:
            self.registry.spawn(bot)
        in_file = {bot.bot_id for bot in self.config.bots}
        for record in await self.store.bots():
            if record.bot_id in in_file:
                continue
            try:
                self.registry.spawn(BotConfig.model_validate(record.config))
            except ValueError as error:
                raise ConfigError(f"the store's bot {record.bot_id!r} cannot be read: {error}") from None
        for handle in self.registry.all():
            await self._park(handle.config)

    async def _park(self, bot: BotConfig) -> None:
        """Take note what a bot holds before it begins."""
        memory = Memory(self.store, bot.bot_id)
        last, estate = await memory.last_run(), await memory.estate()
        if bot.mode != "live" or last is None:
            return
        parking = self.gateway.parking(bot.account)
        if not last.has_ended:
            parking.park_unknown(bot.bot_id, bot.symbols)
        elif estate is not None:
            parking.park(bot.bot_id, {symbol: quantity for symbol, quantity, _ in estate.positions})

    async def _end_bots(self) -> None:
        late = await self.registry.shut_down()
        if late:
            self.telemetry.tell("runner.late", "error", f"did not end in time: {', '.join(late)}")

    async def _watch(self) -> None:
        """Look whether all bots together have lost enough."""
        while True:
            await asyncio.sleep(WATCH_S)
            for mode, portfolio in self._portfolios.items():
                breach = portfolio.breach(self._clock())
                trades = any(
                    each.state is BotState.RUNNING and each.config.mode == mode for each in self.registry.all()
                )
                # Whoever is told to trade again while that stands is paused again.
                if breach is not None and trades:
                    self.telemetry.tell("risk.halt", "error", f"all bots ({mode}): {breach}")
                    await self.kill(flatten=self.config.risk.on_breach == "flatten", mode=mode)

    async def _beat(self) -> None:
        """Say that this process lives, for a watchdog; and keep what a restart must not forgive."""
        while True:
            self._say()
            await self._keep_losses()
            await asyncio.sleep(BEAT_S)

    async def _keep_losses(self) -> None:
        """Keep what all bots together have lost."""
        for mode, memory in self._losses.items():
            try:
                await memory.keep(self._portfolios[mode].loss)
            except StorageError as error:
                self.telemetry.tell("storage.failed", "warning", str(error))

    def _say(self, *, has_ended: bool = False) -> None:
        live = [handle.config for handle in self.registry.all() if handle.config.mode == "live"]
        accounts = sorted({config.account for config in live}, key=str)
        try:
            heartbeat.write(
                self.config.storage.state_dir,
                [cloid_tag(config.bot_id) for config in live],
                accounts,
                has_ended=has_ended,
            )
        except OSError as error:
            self.telemetry.tell("runner.heartbeat", "error", f"heartbeat: {error.strerror or error}")

    def _disk_failed(self, text: str) -> None:
        self.telemetry.metrics.journal_failed(is_failed=True)
        self.telemetry.tell("journal.failed", "error", text)
