"""One run of a bot, from start to stop: all that is opened for it, and closed again, whatever happens."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from algo_trade._native import Bar, ControlEvent, Quote, cloid_tag
from algo_trade.bots.beginnings import (
    LOAD_S,
    apart_of,
    beginning_of,
    strategy_of,
    warm_up_of,
)
from algo_trade.bots.closing import orders_of
from algo_trade.bots.ending import QUIET_S, Ending, pausing
from algo_trade.bots.holdings import Holdings
from algo_trade.bots.kill import KillSwitch
from algo_trade.bots.memory import Estate, Memory
from algo_trade.bots.observe import Tally
from algo_trade.bots.outbox import Outbox
from algo_trade.bots.room import room_for
from algo_trade.bots.starting import Starting
from algo_trade.bots.trader import Trader
from algo_trade.core.instants import NEVER
from algo_trade.errors import HaltError, JournalError, LeaseError, StorageError, StrategyError
from algo_trade.risk.limits import Limits
from algo_trade.strategy import needs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from algo_trade.bots.accounts import AccountDesk
    from algo_trade.bots.beginnings import Beginning
    from algo_trade.bots.ledger import BotLedger
    from algo_trade.bots.room import Room
    from algo_trade.bots.services import Services
    from algo_trade.bots.trader import Outcome, Owned, Plan
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
        self._hears_quotes = True
        self._outbox: Outbox | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._pending: list[tuple[list[MarketEvent], int]] | None = []
        self._newest_bar_ns: dict[str, int] = {}
        self.holdings = Holdings()
        self.ledger: BotLedger | None = None
        self._tally = Tally(services.telemetry.metrics, config.bot_id)
        self._blocked: dict[str, str] = {}
        self.has_failed = False
        self._lease_ends = False
        self._has_ended = False
        self._lag_ns = 0
        self._heard_ns = 0
        self._lease: Lease | None = None
        self._switch: KillSwitch | None = None
        self._words: list[ControlEvent] = []

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
        account = None if self._desk is None else self._desk.name
        self.ledger = services.record.ledger(config.bot_id, account, {each.symbol: each.quote for each in listed})
        loss, portfolio = await self._memory.loss(), services.portfolios[config.mode]
        portfolio.join(config.bot_id)
        stack.callback(portfolio.forget, config.bot_id)

        def make() -> Trader:
            limits = Limits.of(config.risk)
            apart = apart_of(strategy, plan)
            return Trader(
                plan,
                limits=limits,
                loss=loss,
                portfolio=portfolio,
                journal=begins.journal,
                apart=apart,
                ledger=self.ledger,
            )

        self._room = room_for(strategy, make, self._answer, self._fail, name=f"bot {config.bot_id}")
        stack.callback(self._room.close)
        ending = Ending(
            self._room,
            self,
            self._desk,
            self._outbox,
            answer=self._answer,
            clock=self._clock,
            deadline_s=lambda: self.config.deadline_s,
        )
        not_flat = partial(self._tell, "risk.not_flat", "error")
        self._switch = KillSwitch(ending, self._fail, not_flat, self._clock)
        for symbol, why in self._blocked.items():
            self._room.call(Trader.block, self._clock(), symbol, why)
        starting = Starting(self, self._room, self._desk, begins, services, answer=self._answer)
        await starting.run(warm_up_of(config, strategy, needs), has_bars=needs.bars)
        self._newest_bar_ns = starting.newest_bar_ns
        await self._hear_closings(plan)
        await self._memory.begin(begins.run)
        services.gateway.parking(config.account).leave(config.bot_id)
        pending, self._pending = self._pending or [], None
        self.control(*self._words)
        for events, now_ns in pending:
            self.hear(events, now_ns)
        for work in (self._beat(), self._watch_lease()):
            stack.callback(asyncio.create_task(work).cancel)
        self._say()

    async def _hear_closings(self, plan: Plan) -> None:
        """Have the fills told with which positions were closed while nobody could tell the strategy."""
        if self._desk is not None:
            for order in orders_of(plan, await self._memory.closings()):
                self.holdings.closings.add(order.cloid)
                self._desk.adopt(self, order, (), goes=False)

    async def _watch_lease(self) -> None:
        """End when another process has taken the bot over, or soon might: its orders go while it is known to be ours."""
        if self._lease is not None:
            why = await self._lease.ending()
            self._fail(LeaseError(f"{self.config.bot_id}: {why}"))

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
        # A simulated venue fills orders by them.
        self._hears_quotes = needs.quotes or self._desk is None
        self._feed = await self._services.gateway.feed()
        seat = self._feed.join(self, self._begins.plan.symbols, needs, interval=self.config.interval)
        stack.callback(self._feed.leave, seat)

    # --- what it hears ---

    def hear(self, events: list[MarketEvent], now_ns: int) -> None:
        """Take the market events of one message."""
        if self._pending is not None:
            self._pending.append((events, now_ns))
            return
        if self._has_ended or self.has_failed:
            return
        if self._newest_bar_ns:
            events = [event for event in events if not self._is_known(event)]
            if not events:
                return
        if self._desk is not None:
            for event in events:
                self._desk.on_market_event(event)
        if self._room is not None:
            if not self._hears_quotes:
                events = [event for event in events if type(event) is not Quote]
                if not events:
                    return
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
        heard = self.holdings.take(report, self._clock())
        if heard is None:
            return
        if self._room is not None:
            self._heard_ns = self._clock()
            self._room.call(Trader.told, self._heard_ns, [heard])

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
        return self.holdings.position(symbol)

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

    def take_lag_ms(self) -> float:
        """Return how long the slowest news since the last question took to be dealt with."""
        lag_ns, self._lag_ns = self._lag_ns, 0
        return lag_ns / 1e6

    # --- what comes of it ---

    def _answer(self, outcome: Outcome) -> None:
        """Carry out what a call of the trader came to."""
        if self.has_failed:
            return
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
        if self._room is not None and not (self._has_ended or self.has_failed):
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
            self._tally.take(self.owned.counted)
            if self.ledger is not None:
                self.ledger.owned(self.owned)
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
        if self._services.on_breach() == "flatten" and self._switch is not None:
            await self._switch.flatten()
        self._fail(HaltError(breach))

    def _fail(self, error: Exception) -> None:
        """End trading at once: orders are cancelled from outside, since the strategy can not be relied on any more.

        What another process has taken over is left to it.
        """
        if self.has_failed:
            return
        self.has_failed, self._lease_ends = True, isinstance(error, LeaseError)
        self._give_up()
        self._report_failure(self._services.journals.reason(error))

    def _give_up(self) -> None:
        """Let nothing come of what the strategy may still do, and cancel its orders."""
        if self._room is not None:
            self._room.close()
        if self._outbox is not None:
            self._outbox.shut()
        if self._desk is not None and self._is_ours:
            self._desk.cancel_all(self)

    @property
    def _is_ours(self) -> bool:
        return self._lease is not None and self._lease.is_held()

    # --- what it is told to do ---

    def control(self, *events: ControlEvent) -> None:
        """Pass the operator's word on; while it begins, when it has begun."""
        if self._pending is not None:
            self._words += events
        elif self._room is not None:
            self._heard_ns = self._clock()
            self._room.call(Trader.control, self._heard_ns, *events)

    def pause(self) -> None:
        """Open nothing any more, until it is told to resume."""
        self.control(*pausing(self._clock(), cancels=self.config.on_pause == "cancel"))

    def resume(self) -> None:
        """Trade again."""
        self.control(ControlEvent.resume(self._clock()))

    def kill(self, *, flatten: bool) -> asyncio.Task[bool] | None:
        """Have everything cancelled, and closed if wanted, from now on; nothing is opened afterwards.

        The task says whether it heard of it. None: there is nobody to be told.
        """
        return None if self._switch is None or self.has_failed else self._switch.press(flatten=flatten)

    def _tell(self, kind: str, level: Level, text: str, **fields: str) -> None:
        self._services.telemetry.tell(kind, level, text, bot_id=self.config.bot_id, **fields)

    def change_limits(self, config: BotConfig) -> None:
        """Be bound by other limits from now on."""
        self.config = config
        if self._room is not None:
            self._room.call(Trader.change_limits, self._clock(), Limits.of(config.risk))

    async def close(self, on_stop: str | None = None) -> bool:
        """Stop trading, with orders and positions as configured, and give everything up.

        Return whether positions are left that were to be closed. A run is closed once: it knows nothing new afterwards.
        """
        if self._room is None:
            return False
        if self._pending is None and self._is_ours:
            if not self.has_failed and self._switch is not None:
                await self._wind_up(self._switch, on_stop or self.config.on_stop)
            if not self._has_ended and self._desk is not None:
                await self._desk.quiet(self, within_s=QUIET_S)
            if self.ledger is not None and self.owned is not None:
                self.ledger.owned(self.owned, is_last=True)
            try:
                await self._keep()
            except (StorageError, JournalError) as error:
                # Its journal says so, too: there the next run finds what this one leaves.
                self._tell("storage.failed", "error", f"how the run ended was not kept: {error}")
        if self._timer is not None:
            self._timer.cancel()
        if self._switch is not None:
            self._switch.close()
        await self._stack.aclose()
        if self.config.mode == "live" and self._pending is None:
            self._services.gateway.parking(self.config.account).park(self.config.bot_id, self.holdings.held)
        must_be_flat = self._switch is not None and self._switch.must_be_flat
        # They know it and it knows them: it is to go at once, not when the garbage collector comes by.
        self._room = self._outbox = self._switch = None
        return must_be_flat

    async def _wind_up(self, switch: KillSwitch, on_stop: str) -> None:
        try:
            if on_stop == "flatten":
                await switch.flatten()
                if self.has_failed:
                    return
            if not await switch.ending.end(on_stop):
                self._tell(
                    "bot.stop", "error", f"orders were still there after {QUIET_S:.0f} s: they go at its next start"
                )
            self._has_ended = True
            self.owned = await switch.ending.owned()
            self._tally.take(self.owned.counted)
        except Exception as error:  # noqa: BLE001 -- what its last words were matters less than that it ends
            self._tell("bot.stop", "warning", f"its last words: {error}")
            if on_stop != "keep":
                self._give_up()

    async def _keep(self) -> None:
        """Keep what a restart must not forgive, and what the next run begins with."""
        # Another may have the bot by the time that this were written: the next run goes on by the journal.
        if self.owned is None or self._lease_ends:
            return
        await self._memory.keep_loss(self.owned.loss)
        if self.has_failed:
            await self._memory.fail(self._begins.run)
        elif self._has_ended:
            estate = Estate.of(self.owned.books, self.owned.cash, self.config.capital, self._clock())
            await self._memory.end(self._begins.run, estate)
            # Not before: where that could not be kept, the next run goes on with this journal.
            self._begins.journal.end()
