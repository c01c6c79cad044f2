"""One run of a bot, from start to stop: all that is opened for it, and closed again, whatever happens."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from algo_trade._native import AccountEvent, Bar, ControlEvent, FillEvent, cloid_tag
from algo_trade.bots.beginnings import (
    LOAD_S,
    MISSED_BARS_MAX,
    apart_of,
    beginning_of,
    history_of,
    strategy_of,
    warm_up_of,
)
from algo_trade.bots.ending import FLATTEN_S, QUIET_S, Ending, pausing
from algo_trade.bots.memory import Estate, Memory
from algo_trade.bots.outbox import Outbox
from algo_trade.bots.room import room_for
from algo_trade.bots.trader import Trader
from algo_trade.core.instants import NEVER
from algo_trade.errors import HaltError, LeaseError, StrategyError
from algo_trade.hyperliquid.reporting import NOBODY
from algo_trade.hyperliquid.stream.subscription import INTERVALS_NS
from algo_trade.risk.limits import Limits
from algo_trade.strategy import needs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from algo_trade.bots.accounts import AccountDesk
    from algo_trade.bots.beginnings import Beginning
    from algo_trade.bots.models import Books
    from algo_trade.bots.room import Room
    from algo_trade.bots.services import Services
    from algo_trade.bots.trader import Outcome, Owned
    from algo_trade.config import BotConfig
    from algo_trade.core.protocols import Command, FeedChange, MarketEvent, Report
    from algo_trade.hyperliquid.feed import MarketFeed
    from algo_trade.storage import Lease
    from algo_trade.strategy import Needs
    from algo_trade.telemetry.settings import Level

HEARTBEAT_S: Final = 1.0
ACCOUNT: Final = ""
"""Where the word on an account is kept among those on symbols."""


class BotRun:
    """A bot that trades: a :class:`~algo_trade.hyperliquid.feed.FeedListener`, and a customer of an account's desk.

    Parameters
    ----------
    config : of the bot
    services : what it shares with others
    failed : called once when it can trade no more; its orders are being cancelled by then
    """

    def __init__(self, config: BotConfig, services: Services, failed: Callable[[Exception], None]) -> None:
        self.config = config
        self.detail = "starting"
        self.owned: Owned | None = None
        self.last_heartbeat: datetime | None = None
        self._services = services
        self._report_failure = failed
        self._clock = services.clock
        self._stack = AsyncExitStack()
        self._memory = Memory(services.store, config.bot_id)
        self._begins: Beginning
        self._room: Room | None = None
        self._feed: MarketFeed
        self._desk: AccountDesk | None = None
        self._outbox: Outbox | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._pending: list[tuple[list[MarketEvent], int]] | None = []
        self._newest_bar_ns: dict[str, int] = {}
        self._held: dict[str, Decimal] = {}
        # What was told before a restart and comes again.
        self._paid_ns: dict[str, int] = {}
        self._forced: frozenset[int] = frozenset()
        self._left_ns = 0
        self._blocked: dict[str, str] = {}
        self._has_failed = False
        self._has_ended = False
        self._lag_ns = 0
        self._heard_ns = 0
        self._lease: Lease | None = None
        self._flattening: asyncio.Task[None] | None = None
        self._ending: Ending | None = None

    # --- beginning ---

    async def open(self, *, takeover: bool = False) -> None:
        """Begin to trade; with ``takeover`` even if another process does, which may act no more from then on.

        Raises
        ------
        AlgoTradeError
            Something that it needs is not to be had; nothing is open then.
        """
        async with AsyncExitStack() as stack:
            await self._open(stack, takeover=takeover)
            self._stack = stack.pop_all()

    async def _open(self, stack: AsyncExitStack, *, takeover: bool) -> None:
        config, services = self.config, self._services
        self._lease = lease = await services.store.acquire_lease(config.bot_id, services.owner, takeover=takeover)
        stack.push_async_callback(lease.release)
        strategy = await stack.enter_async_context(strategy_of(config, lambda: self._deadline_s))
        needs = needs_of(strategy)
        listed = [await services.gateway.instrument(symbol) for symbol in config.symbols]
        begins = await beginning_of(
            config, services, self._memory, strategy, listed, needs, lease.epoch, may_begin_anew=takeover
        )
        self._begins, plan = begins, begins.plan
        stack.callback(begins.journal.close)
        if config.mode == "live":
            await self._open_account(stack, lease.is_held, is_new=begins.recovers is None)
        await self._open_feed(stack, needs)
        loss, portfolio = await self._memory.loss(), services.portfolios[config.mode]
        portfolio.join(config.bot_id)
        stack.callback(portfolio.forget, config.bot_id)

        def make() -> Trader:
            limits = Limits.of(config.risk)
            apart = apart_of(strategy, plan)
            return Trader(plan, limits=limits, loss=loss, portfolio=portfolio, journal=begins.journal, apart=apart)

        self._room = room_for(strategy, make, self._answer, self._fail, name=f"bot {config.bot_id}")
        stack.callback(self._room.close)
        self._ending = Ending(
            self._room,
            self,
            self._desk,
            self._outbox,
            answer=self._answer,
            clock=self._clock,
            deadline_s=lambda: self.config.deadline_s,
        )
        for symbol, why in self._blocked.items():
            self._room.call(Trader.block, self._clock(), symbol, why)
        count = warm_up_of(config, strategy, needs)
        if begins.recovers is None:
            await self._start(self._room, count)
        else:
            await self._recover(self._room, begins.recovers, has_bars=needs.bars)
        await self._memory.begin(begins.run)
        services.gateway.parking(config.account).leave(config.bot_id)
        pending, self._pending = self._pending or [], None
        for events, now_ns in pending:
            self.hear(events, now_ns)
        for work in (self._beat(), self._watch_lease()):
            stack.callback(asyncio.create_task(work).cancel)
        self._say()

    async def _start(self, room: Room, count: int) -> None:
        """Begin afresh, with what the last run left."""
        history = await self._history(count)
        estate, now_ns = self._begins.estate, self._clock()
        events = [] if estate is None else list(estate.events(now_ns))
        self._answer(await asyncio.wait_for(room.ask(Trader.start, now_ns, history, events), LOAD_S))
        if estate is not None:
            self._held = {symbol: quantity for symbol, quantity, _ in estate.positions}
            self._left_ns = estate.time_ns
            self._paid_ns = {**dict.fromkeys(self.symbols, estate.time_ns), **estate.fundings}
            self._forced = estate.forced
            if self._desk is not None:
                # What is open of the last run is nothing that this one knows: it is found out what became of it, and it goes.
                for order, fills in estate.orders:
                    self._desk.adopt(self, order, fills, goes=True)

    async def _recover(self, room: Room, journal: str, *, has_bars: bool) -> None:
        """Go on where another process was stopped: the same system, by its journal; then what was missed meanwhile."""
        self.detail = "reads its journal"
        recovered = await room.ask(Trader.recover, self._clock(), journal)
        text = f"goes on after {recovered.events:,} events, {recovered.commands:,} commands were the same"
        self._tell("bot.recovered", "warning", text)
        history: list[Bar] = []
        if has_bars:
            length_ns = INTERVALS_NS[self.config.interval]
            missed = (self._clock() - recovered.last_time_ns) // length_ns
            history = await self._history(min(missed, MISSED_BARS_MAX))
            history = [bar for bar in history if bar.close_time_ns > recovered.last_bar_ns.get(bar.symbol, 0)]
        orders = await room.ask(Trader.open_orders, self._clock())
        going = room.ask(Trader.go_on, self._clock(), self._begins.epoch, history, recovered.timers)
        self._answer(await asyncio.wait_for(going, LOAD_S))
        self.owned = await room.ask(Trader.owned, self._clock())
        self._held = {each.symbol: each.quantity for each in self.owned.books.positions}
        self._paid_ns = recovered.last_funding_ns
        self._forced = frozenset(fill.trade_id for fill in recovered.fills if fill.cloid == NOBODY)
        if self._desk is not None:
            for order in orders:
                self._desk.adopt(self, order, recovered.fills, goes=order.cloid in recovered.in_doubt)
            if self.config.on_restart == "cancel":
                self.control(ControlEvent.cancel_all(self._clock()))

    async def _watch_lease(self) -> None:
        """End when another process has taken the bot over."""
        if self._lease is not None:
            await self._lease.lost.wait()
            self._fail(LeaseError(f"{self.config.bot_id}: {self._lease.lost_because}"))

    async def _history(self, count: int) -> list[Bar]:
        """Return bars of the past, and pass over them when they come again."""
        if not count:
            return []
        gateway = self._services.gateway
        history = await history_of(gateway, self._begins.plan.symbols, self.config.interval, count)
        self._newest_bar_ns = {bar.symbol: bar.close_time_ns for bar in history}
        missing = count * len(self.symbols) - len(history)
        if missing:
            text = f"{missing} of {count} bars for each symbol are not to be had: the strategy learns the rest while it trades"
            self._tell("bot.history", "warning", text)
        return history

    async def _open_account(self, stack: AsyncExitStack, is_held: Callable[[], bool], *, is_new: bool) -> None:
        self._blocked[ACCOUNT] = "the account: waits for its first word"
        self._desk = desk = await self._services.gateway.account(self.config.account)
        metrics, clock = self._services.telemetry.metrics, self._clock

        def send(commands: list[Command], asked_ns: int) -> None:
            desk.execute(self, commands)
            metrics.tick_to_order((clock() - asked_ns) / 1e9)

        self._outbox = Outbox(self._services.journals, send, is_held, self._fail)
        desk.join(self)
        stack.callback(desk.leave, self)
        if is_new:
            await desk.cancel_orphans(cloid_tag(self.config.bot_id))

    async def _open_feed(self, stack: AsyncExitStack, needs: Needs) -> None:
        for symbol in self._begins.plan.symbols:
            self._blocked[symbol] = "waits for its first prices"
        self._feed = await self._services.gateway.feed()
        seat = self._feed.join(self, self._begins.plan.symbols, needs, interval=self.config.interval)
        stack.callback(self._feed.leave, seat)

    # --- what it hears ---

    def hear(self, events: list[MarketEvent], now_ns: int) -> None:
        """Take the market events of one message."""
        if self._pending is not None:
            self._pending.append((events, now_ns))
            return
        if self._newest_bar_ns:
            events = [event for event in events if not self._is_known(event)]
            if not events:
                return
        if self._desk is not None:
            for event in events:
                self._desk.on_market_event(event)
        if self._room is not None:
            self._heard_ns = now_ns
            self._room.call(Trader.hear, now_ns, events)
            self._lag_ns = max(self._lag_ns, self._clock() - now_ns)

    def _is_known(self, event: MarketEvent) -> bool:
        """Return whether a bar was part of the history."""
        return isinstance(event, Bar) and event.close_time_ns <= self._newest_bar_ns.get(event.symbol, 0)

    def feed_changed(self, change: FeedChange) -> None:
        """Take note whether a symbol may be traded on."""
        self._block(change.symbol, None if change.is_live else change.reason)

    def account_changed(self, change: FeedChange) -> None:
        """Take note whether the account's word can be relied on."""
        self._block(ACCOUNT, None if change.is_live else change.reason)

    def told(self, report: Report) -> None:
        """Take what became of an order, or of money."""
        if isinstance(report, FillEvent):
            if report.cloid == NOBODY and (report.trade_id in self._forced or report.time_ns <= self._left_ns):
                return  # it was told before a restart
            signed = report.quantity if report.side == "buy" else -report.quantity
            self._held[report.symbol] = self.position(report.symbol) + signed
        elif isinstance(report, AccountEvent) and report.symbol is not None:
            if report.kind == "position":
                self._held[report.symbol] = report.quantity or Decimal(0)
            elif report.time_ns <= self._paid_ns.get(report.symbol, 0):
                return  # it was told before a restart
        if self._room is not None:
            self._heard_ns = self._clock()
            self._room.call(Trader.told, self._heard_ns, [report])

    @property
    def _deadline_s(self) -> float:
        """How long its strategy may think about one event; while it begins, as long as about all of them."""
        return self.config.deadline_s if self.is_settled else LOAD_S

    @property
    def symbols(self) -> Sequence[str]:
        """What it trades."""
        return self.config.symbols

    @property
    def is_settled(self) -> bool:
        """Whether it knows what it holds: not while it begins."""
        return self._pending is None

    def position(self, symbol: str) -> Decimal:
        """Return what it holds of a symbol, by what it was told."""
        return self._held.get(symbol, Decimal(0))

    def _block(self, symbol: str, why: str | None) -> None:
        was_blocked = symbol in self._blocked
        if why is None:
            self._blocked.pop(symbol, None)
        else:
            self._blocked[symbol] = why
        self._say()
        if self._room is None:
            return
        now_ns = self._clock()
        self._room.call(Trader.block, now_ns, symbol, why)
        if why is not None and not was_blocked:
            self._tell("data.stale", "warning", why, symbol=symbol or "account")
            if self.config.on_stale == "cancel":
                self._room.call(Trader.control, now_ns, ControlEvent.cancel_all(now_ns))

    def _say(self) -> None:
        """Say in words how it is."""
        if self._pending is not None:
            return
        self.detail = next(iter(self._blocked.values()), "")

    @property
    def is_live(self) -> bool:
        """Whether all that it needs to know is fresh."""
        return self._pending is None and not self._blocked

    @property
    def books(self) -> Books | None:
        """What it owns, as it knew last."""
        return None if self.owned is None else self.owned.books

    def take_lag_ms(self) -> float:
        """Return how long the slowest news since the last question took to be dealt with."""
        lag_ns, self._lag_ns = self._lag_ns, 0
        return lag_ns / 1e6

    # --- what comes of it ---

    def _answer(self, outcome: Outcome) -> None:
        """Carry out what a call of the trader came to."""
        for notice in outcome.notices:
            self._tell("bot.notice", notice.level, notice.text)
        for refusal in outcome.refusals:
            self._tell("risk.refused", "warning", refusal)
        if outcome.commands and self._outbox is not None:
            self._outbox.put(outcome.commands, self._heard_ns)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if outcome.due_ns < NEVER:
            delay_s = max(0.0, (outcome.due_ns - self._clock()) / 1e9)
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._fire)

    def _fire(self) -> None:
        self._timer = None
        if self._room is not None:
            self._heard_ns = self._clock()
            self._room.call(Trader.due, self._heard_ns)

    async def _beat(self) -> None:
        """Show that it is alive, once a second, or that it is not."""
        while self._room is not None:
            room = self._room
            try:
                began_ns = self._clock()
                self.owned = await asyncio.wait_for(room.ask(Trader.owned, began_ns), self.config.deadline_s)
            except TimeoutError:
                self._fail(
                    StrategyError(
                        f"the strategy has been thinking for {room.stuck_s:.1f} s: deadline_s = {self.config.deadline_s}"
                    )
                )
                return
            except Exception as error:  # noqa: BLE001 -- it ends this bot and no other
                self._fail(error)
                return
            self._lag_ns = max(self._lag_ns, self._clock() - began_ns)
            self.last_heartbeat = datetime.now(UTC)
            if self.owned.breach is not None:
                await self._halt(self.owned.breach)
                return
            await asyncio.sleep(HEARTBEAT_S)

    async def _halt(self, breach: str) -> None:
        """End trading, since enough was lost."""
        self._tell("risk.halt", "error", breach)
        self.control(*pausing(self._clock()))
        if self._services.on_breach() == "flatten":
            await self._flatten()
        self._fail(HaltError(breach))

    def _fail(self, error: Exception) -> None:
        """End trading at once: orders are cancelled from outside, since the strategy can not be relied on any more.

        What another process has taken over is left to it.
        """
        if self._has_failed:
            return
        self._has_failed = True
        if self._desk is not None and self._is_ours:
            self._desk.cancel_all(self)
        self._report_failure(error)

    @property
    def _is_ours(self) -> bool:
        return self._lease is not None and self._lease.is_held()

    # --- what it is told to do ---

    def control(self, *events: ControlEvent) -> None:
        """Pass the operator's word on."""
        if self._room is not None:
            self._heard_ns = self._clock()
            self._room.call(Trader.control, self._heard_ns, *events)

    def pause(self) -> None:
        """Open nothing any more, until it is told to resume."""
        self.control(*pausing(self._clock(), cancels=self.config.on_pause == "cancel"))

    def resume(self) -> None:
        """Trade again."""
        self.control(ControlEvent.resume(self._clock()))

    def kill(self, *, flatten: bool) -> None:
        """Have everything cancelled, and closed if wanted, from now on; nothing is opened afterwards."""
        self.control(*pausing(self._clock()))
        if flatten and (self._flattening is None or self._flattening.done()):
            self._flattening = asyncio.create_task(self._flatten())

    async def _flatten(self) -> None:
        if self._ending is not None and not self._has_failed:
            self._say_flat(is_flat=await self._ending.flatten())

    def _tell(self, kind: str, level: Level, text: str, **fields: str) -> None:
        self._services.telemetry.tell(kind, level, text, bot_id=self.config.bot_id, **fields)

    def _say_flat(self, *, is_flat: bool) -> None:
        if not is_flat:
            text = f"positions could not be closed within {FLATTEN_S:.0f} s"
            self._tell("risk.not_flat", "error", text)

    def change_limits(self, config: BotConfig) -> None:
        """Be bound by other limits from now on."""
        self.config = config
        if self._room is not None:
            self._room.call(Trader.change_limits, self._clock(), Limits.of(config.risk))

    async def close(self, on_stop: str | None = None) -> None:
        """Stop trading, with orders and positions as configured, and give everything up."""
        if self._room is not None and self._pending is None and self._is_ours:
            if not self._has_failed:
                await self._wind_up(on_stop or self.config.on_stop)
            elif self._desk is not None:
                await self._desk.quiet(self, within_s=QUIET_S)
            await self._keep()
        for each in (self._timer, self._flattening):
            if each is not None:
                each.cancel()
        await self._stack.aclose()
        if self.config.mode == "live" and self._pending is None:
            self._services.gateway.parking(self.config.account).park(self.config.bot_id, self._held)
        self._room = None

    async def _wind_up(self, on_stop: str) -> None:
        if self._ending is None:
            return
        try:
            rest = await self._ending.end(on_stop)
            self._say_flat(is_flat=rest.is_flat)
            if not rest.is_quiet:
                text = f"orders were still open, or on their way, after {QUIET_S:.0f} s: they go at its next start"
                self._tell("bot.stop", "error", text)
            self._has_ended = True
            self.owned = await self._ending.owned()
        except Exception as error:  # noqa: BLE001 -- what its last words were matters less than that it ends
            self._tell("bot.stop", "warning", f"its last words: {error}")

    async def _keep(self) -> None:
        """Keep what a restart must not forgive, and what the next run begins with."""
        if self.owned is None:
            return
        await self._memory.keep_loss(self.owned.loss)
        if self._has_failed:
            await self._memory.fail(self._begins.run)
        elif self._has_ended:
            self._begins.journal.end()
            estate = Estate.of(self.owned.books, self.owned.cash, self.config.capital, self._clock())
            await self._memory.end(self._begins.run, estate)
