"""Positions of a bot that cannot close them itself, closed at the exchange: its strategy hangs, or has failed, or is stopped."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from algo_trade._native import AccountEvent, ControlEvent, FillEvent, OrderUpdate, SubmitOrder
from algo_trade.bots.ending import FLATTEN_AGAIN_S, FLATTEN_S
from algo_trade.bots.holdings import signed
from algo_trade.bots.memory import Closing, Memory
from algo_trade.bots.plans import plan_of
from algo_trade.bots.trader import system_of
from algo_trade.errors import BotError, LeaseError, StorageError
from algo_trade.risk.exposure import ENDS
from algo_trade.strategy import Needs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from algo_trade._native import OrderEvent
    from algo_trade.bots.services import Services
    from algo_trade.bots.trader import Plan
    from algo_trade.config import BotConfig
    from algo_trade.core.protocols import Report


class _Nothing:
    """A strategy that asks for nothing."""

    def on_stop(self, _: object) -> None:
        """Ask for nothing."""


def closing_orders(plan: Plan, closing: Closing) -> list[list[SubmitOrder]]:
    """Return the orders of each round: those of a system without a strategy that holds this and is told to close it.

    The same closing comes to the same orders, with the same ids, after a restart too.
    """
    symbols, time_ns = sorted(plan.symbols), closing.time_ns
    system = system_of(replace(plan, epoch=closing.epoch), _Nothing())
    rounds = []
    for held in closing.rounds:
        for symbol in symbols:
            quantity = held.get(symbol, Decimal(0))
            # Nothing of an order at the market depends on what the position cost.
            system.step(AccountEvent.position(symbol, time_ns, quantity, 1 if quantity else None))
        commands = system.step(ControlEvent.flatten(time_ns))
        rounds.append([each for each in commands if isinstance(each, SubmitOrder)])
    return rounds


def orders_of(plan: Plan, closings: Iterable[Closing]) -> list[OrderEvent]:
    """Return all orders of closings."""
    return [each.order for closing in closings for orders in closing_orders(plan, closing) for each in orders]


class Closer:
    """Owns the orders of a closing at the desk, and counts what is held still.

    Parameters
    ----------
    held : positions by symbol
    changed : told what is held after each fill
    """

    def __init__(self, held: Mapping[str, Decimal], changed: Callable[[Mapping[str, Decimal]], None]) -> None:
        self._held = dict(held)
        self._changed = changed
        self._open: set[str] = set()
        self._over = asyncio.Event()

    @property
    def held(self) -> dict[str, Decimal]:
        """What is left to be closed."""
        return {symbol: quantity for symbol, quantity in self._held.items() if quantity}

    def begin(self, orders: Iterable[SubmitOrder]) -> None:
        """Begin to wait for orders."""
        self._open = {each.order.cloid for each in orders}
        self._over.clear()

    def told(self, report: Report) -> None:
        """Take what became of an order: its end comes after all of its fills."""
        if isinstance(report, FillEvent):
            self._held[report.symbol] = self._held.get(report.symbol, Decimal(0)) + signed(report)
            self._changed(self._held)
        elif isinstance(report, OrderUpdate) and report.status in ENDS:
            self._open.discard(report.cloid)
            if not self._open:
                self._over.set()

    async def over(self) -> None:
        """Wait until nothing is on its way."""
        await self._over.wait()


async def close_positions(config: BotConfig, services: Services) -> bool:
    """Close what a bot that does not trade holds, as often as it takes; return whether it is flat.

    Its share is closed and nothing else: other bots of the account hold what they held. The bot hears of it when it begins again.

    Raises
    ------
    AlgoTradeError
        What it holds is not known, another process has it, or the exchange cannot be reached.
    """
    bot_id, gateway = config.bot_id, services.gateway
    parking = gateway.parking(config.account)
    held = parking.of(bot_id)
    if held is None:
        raise BotError(
            f"{bot_id}: what it holds is not known before it is started: close it by hand, if it holds anything"
        )
    if not held:
        return True
    memory = Memory(services.store, bot_id)
    lease = await services.store.acquire_lease(bot_id, services.owner)
    closer = Closer(held, lambda now: parking.park(bot_id, now))
    try:
        desk = await gateway.account(config.account)
        listed = [await gateway.instrument(symbol) for symbol in config.symbols]
        plan = plan_of(config, listed, Needs(), lease.epoch)
        before, closing = await memory.closings(), Closing(lease.epoch, services.clock(), ())
        try:
            async with asyncio.timeout(FLATTEN_S):
                while left := closer.held:
                    closing = replace(closing, rounds=(*closing.rounds, left))
                    await _keep(memory, [*before, closing], services)
                    await desk.look_at(left)
                    if not lease.is_held():
                        raise LeaseError(f"{bot_id}: {lease.lost_because}")
                    orders = closing_orders(plan, closing)[-1]
                    closer.begin(orders)
                    desk.execute(closer, orders)
                    await closer.over()
                    if closer.held:
                        await asyncio.sleep(FLATTEN_AGAIN_S)
        except TimeoutError:
            return False
        finally:
            desk.forget(closer)
    finally:
        await lease.release()
    return True


async def _keep(memory: Memory, closings: list[Closing], services: Services) -> None:
    """Keep what is about to leave. A store that fails keeps nobody from getting out: the exchange's word puts the books right then."""
    try:
        await memory.keep_closings(closings)
    except StorageError as error:
        services.telemetry.tell("storage.failed", "warning", str(error))
