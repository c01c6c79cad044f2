"""How a run begins: afresh, with what the last one left, or where a process that died was stopped."""

from __future__ import annotations

import asyncio
import hashlib
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from algo_trade._native import builtin_warm_up, journal_estate
from algo_trade.backtest import JournalFile
from algo_trade.bots.memory import Estate, LastRun
from algo_trade.bots.plans import header_of, plan_of
from algo_trade.bots.process import StrategyProcess
from algo_trade.errors import JournalError, StrategyError
from algo_trade.strategy import BuiltinStrategy, load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from algo_trade._native import Bar, JournalWriter
    from algo_trade.bots.gateway import Gateway
    from algo_trade.bots.memory import Memory
    from algo_trade.bots.services import Services
    from algo_trade.bots.trader import Plan
    from algo_trade.config import BotConfig
    from algo_trade.hyperliquid.instruments import ListedInstrument
    from algo_trade.strategy import Needs, Runnable

# How long a strategy in Python may take to load.
LOAD_S: Final = 30.0
# So many bars that were missed while nobody listened are heard afterwards, at most.
MISSED_BARS_MAX: Final = 5_000


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a run begins with.

    Parameters
    ----------
    plan : what its trader is made of
    run : what is kept of it
    journal : where it is written
    recovers : the journal that it goes on with; None: it begins afresh
    epoch : of its orders from now on
    estate : what another run left to it
    """

    plan: Plan
    run: LastRun
    journal: JournalWriter
    recovers: str | None
    epoch: int
    estate: Estate | None


async def beginning_of(
    config: BotConfig,
    services: Services,
    memory: Memory,
    strategy: Runnable,
    listed: Sequence[ListedInstrument],
    needs: Needs,
    epoch: int,
    *,
    may_begin_anew: bool = False,
) -> Beginning:
    """Return how a bot begins. A run that was cut off goes on, as long as the bot is what it was then; else what it left is taken over.

    A bot that was taken over from a process of which this one has no journals may begin anew: what it holds, the exchange says.

    Raises
    ------
    JournalError
        The journal of a run that was cut off is not to be had: what the bot owns is not known.
    """
    if isinstance(strategy, StrategyProcess) and not strategy.is_fenced:
        text = (
            "the kernel has no Landlock, or no seccomp: the strategy's process can read and remove what this user can"
        )
        services.telemetry.tell("bot.notice", "warning", text, bot_id=config.bot_id)
    plan = plan_of(config, listed, needs, epoch)
    header = header_of(plan, strategy)
    made_of = fingerprint(header)
    last, estate = await memory.last_run(), None
    if last is None or last.has_ended:
        estate = await memory.estate()
    elif _has_journal(services, last):
        path = services.journals.path(last.journal)
        journal = services.journals.resume(last.journal)
        if journal.cut is not None:
            services.telemetry.tell("journal.cut", "warning", f"{path}: {journal.cut}", bot_id=config.bot_id)
        if last.made_of == made_of and not last.has_failed:
            # Should nothing be left in it, the run begins once more with what the one before left.
            estate = await memory.estate()
            return Beginning(replace(plan, epoch=last.epoch), last, journal, str(path), epoch, estate)
        journal.close()
        # Another strategy, or one that failed, cannot be where the last one was; what it left can be told without it.
        estate = await asyncio.to_thread(estate_of, path)
    elif not may_begin_anew:
        raise JournalError(
            f"{services.journals.path(last.journal)}: the journal of the run that was cut off is gone: what {config.bot_id} owns is not "
            "known. Put it back, or remove the bot and make it anew"
        )
    name = f"{config.bot_id}/{epoch:06}"
    run = LastRun(name, epoch, made_of, has_ended=False)
    return Beginning(plan, run, services.journals.create(name, header), None, epoch, estate)


def estate_of(path: Path) -> Estate:
    """Return what a run left, by its journal.

    Raises
    ------
    JournalError
        It is no journal of a bot.
    """
    made = JournalFile(path).manifest
    left = journal_estate(path, symbols=made["symbols"], initial_capital=made["initial_capital"])
    return Estate.of_journal(left, Decimal(made["initial_capital"]))


def _has_journal(services: Services, run: LastRun) -> bool:
    return services.journals.path(run.journal).exists()


def fingerprint(header: str) -> str:
    """Return a hash of what a system is made of, whichever run it is."""
    document = json.loads(header)
    document.pop("epoch")
    return hashlib.blake2b(json.dumps(document, sort_keys=True).encode(), digest_size=16).hexdigest()


@asynccontextmanager
async def strategy_of(config: BotConfig, deadline_s: Callable[[], float]) -> AsyncIterator[Runnable]:
    """Yield the strategy of a bot: made here, or in a process of its own, which goes with it.

    Raises
    ------
    StrategyError, ParameterError
        It cannot be made, or takes too long.
    """
    if config.isolation == "thread":
        yield await load_strategy(config)
        return
    process = StrategyProcess(config, load_s=LOAD_S, deadline_s=deadline_s)
    try:
        await process.load()
        yield process
    finally:
        await process.close()


def apart_of(strategy: Runnable, plan: Plan) -> StrategyProcess | None:
    """Have a strategy that lives elsewhere made ready for a plan; return None for any other."""
    if not isinstance(strategy, StrategyProcess):
        return None
    strategy.settle(header_of(plan, strategy))
    return strategy


async def load_strategy(config: BotConfig) -> Runnable:
    """Make the strategy once, to see what it needs. A file of somebody else's runs then: not in the event loop.

    Raises
    ------
    StrategyError
        It cannot be made, or takes too long.
    """
    if ":" not in config.strategy:
        return load(config.strategy, config.params)
    try:
        return await asyncio.wait_for(asyncio.to_thread(load, config.strategy, config.params), LOAD_S)
    except TimeoutError:
        raise StrategyError(f"{config.strategy}: did not load within {LOAD_S:.0f} s") from None


def warm_up_of(config: BotConfig, strategy: Runnable, needs: Needs) -> int:
    """Return how many bars of the past a bot hears before it trades: as configured, else as its strategy says."""
    if not needs.bars:
        return 0
    if config.warm_up is not None:
        return config.warm_up
    if isinstance(strategy, BuiltinStrategy):
        return builtin_warm_up(*strategy.engine_part)
    return int(getattr(strategy, "warm_up", 0))


async def history_of(gateway: Gateway, symbols: Sequence[str], interval: str, count: int) -> list[Bar]:
    """Return the last bars of symbols, in the order in which they ended."""
    bars = [bar for symbol in symbols for bar in await gateway.history(symbol, interval, count)]
    return sorted(bars, key=lambda bar: (bar.close_time_ns, bar.symbol))
