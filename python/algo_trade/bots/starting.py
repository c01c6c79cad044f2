"""How a run begins: afresh, with what the one before it left; or where another process was stopped, by its journal."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING

from algo_trade._native import ControlEvent, cloid_tag
from algo_trade.bots.beginnings import LOAD_S, MISSED_BARS_MAX, history_of
from algo_trade.bots.holdings import Holdings
from algo_trade.bots.trader import Trader
from algo_trade.hyperliquid.stream.subscription import INTERVALS_NS

if TYPE_CHECKING:
    from collections.abc import Callable

    from algo_trade._native import Bar, Recovered
    from algo_trade.bots.accounts import AccountDesk
    from algo_trade.bots.beginnings import Beginning
    from algo_trade.bots.room import Room
    from algo_trade.bots.run import BotRun
    from algo_trade.bots.services import Services
    from algo_trade.bots.trader import Outcome


class Starting:
    """Gets the trader of a run going.

    Parameters
    ----------
    run : gets its holdings, and what it owns
    room : where its trader lives
    desk : of its account; None on paper
    begins : what it begins with
    services : what it shares with others
    answer : takes what a call of the trader came to

    Attributes
    ----------
    newest_bar_ns : the end of the last bar of each symbol that came as history: those before it come again, and are no news
    """

    def __init__(
        self,
        run: BotRun,
        room: Room,
        desk: AccountDesk | None,
        begins: Beginning,
        services: Services,
        *,
        answer: Callable[[Outcome], None],
    ) -> None:
        self._run = run
        self._room = room
        self._desk = desk
        self._begins = begins
        self._services = services
        self._clock = services.clock
        self._answer = answer
        self.newest_bar_ns: dict[str, int] = {}

    async def run(self, count: int, *, has_bars: bool) -> None:
        """Begin; with so many bars of history, if that is not in its journal."""
        journal = self._begins.recovers
        if journal is None:
            await self._start(count)
        else:
            await self._recover(journal, count, has_bars=has_bars)

    async def _start(self, count: int) -> None:
        """Begin afresh, with what the last run left."""
        history = await self._history(count)
        estate, now_ns = self._begins.estate, self._clock()
        events = [] if estate is None else list(estate.events(now_ns))
        self._answer(await asyncio.wait_for(self._room.ask(Trader.start, now_ns, history, events), LOAD_S))
        if estate is not None:
            self._run.holdings = Holdings.left(estate, self._run.symbols)
            if self._desk is not None:
                # What is open of the last run is nothing that this one knows: it is found out what became of it, and it goes.
                for order, fills in estate.orders:
                    self._desk.adopt(self._run, order, fills, goes=True)
                    if self._run.ledger is not None:
                        self._run.ledger.adopt(order, sum((fill.quantity for fill in fills), Decimal(0)))

    async def _recover(self, journal: str, count: int, *, has_bars: bool) -> None:
        """Go on where another process was stopped: the same system, by its journal; then what was missed meanwhile."""
        self._run.detail = "reads its journal"
        recovered = await self._room.ask(Trader.recover, self._clock(), journal)
        orders = await self._room.ask(Trader.open_orders, self._clock())
        if recovered.events:
            await self._go_on(recovered, has_bars=has_bars)
        else:
            # Nothing of it was written, or is left: all that is known of it is that its ids may be used.
            self._control(ControlEvent.takeover(self._clock(), self._begins.epoch))
            await self._start(count)
        if self._desk is not None:
            for order in orders:
                self._desk.adopt(self._run, order, recovered.fills, goes=order.cloid in recovered.in_doubt)
            if self._begins.journal.cut is not None or not recovered.events:
                # Of what was cut off, orders may rest that it knows nothing of.
                await self._desk.cancel_orphans(cloid_tag(self._run.config.bot_id))
            if self._run.config.on_restart == "cancel":
                self._control(ControlEvent.cancel_all(self._clock()))

    async def _go_on(self, recovered: Recovered, *, has_bars: bool) -> None:
        text = f"goes on after {recovered.events:,} events, {recovered.commands:,} commands were the same"
        self._services.telemetry.tell("bot.recovered", "warning", text, bot_id=self._run.config.bot_id)
        history: list[Bar] = []
        if has_bars:
            length_ns = INTERVALS_NS[self._run.config.interval]
            missed = (self._clock() - recovered.last_time_ns) // length_ns
            history = await self._history(min(missed, MISSED_BARS_MAX))
            history = [bar for bar in history if bar.close_time_ns > recovered.last_bar_ns.get(bar.symbol, 0)]
        going = self._room.ask(Trader.go_on, self._clock(), self._begins.epoch, history, recovered.timers)
        self._answer(await asyncio.wait_for(going, LOAD_S))
        owned = await self._room.ask(Trader.owned, self._clock())
        self._run.owned = owned
        self._run.holdings = Holdings.recovered(owned.books, recovered)

    def _control(self, event: ControlEvent) -> None:
        self._room.call(Trader.control, self._clock(), event)

    async def _history(self, count: int) -> list[Bar]:
        """Return bars of the past, and pass over them when they come again."""
        if not count:
            return []
        symbols, interval = self._begins.plan.symbols, self._run.config.interval
        history = await history_of(self._services.gateway, symbols, interval, count)
        self.newest_bar_ns = {bar.symbol: bar.close_time_ns for bar in history}
        missing = count * len(symbols) - len(history)
        if missing:
            text = f"{missing} of {count} bars for each symbol are not to be had: the strategy learns the rest while it trades"
            self._services.telemetry.tell("bot.history", "warning", text, bot_id=self._run.config.bot_id)
        return history
