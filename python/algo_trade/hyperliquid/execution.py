"""Orders of a trading system on Hyperliquid: commands in, reports out."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any, Final, Self

from algo_trade._native import BookSnapshot, CancelOrder, MarketContext, ModifyOrder, Quote, ScheduleCancel, SubmitOrder
from algo_trade.core.protocols import FeedChange
from algo_trade.errors import DataError, ParameterError, RefusedError, VenueError
from algo_trade.hyperliquid.adoption import adopted, found_fills, known_fill
from algo_trade.hyperliquid.answers import Cancelled, Refused, Unknown
from algo_trade.hyperliquid.commands import Reach, changed_order, new_order
from algo_trade.hyperliquid.orders import LiveOrders
from algo_trade.hyperliquid.refusals import RefusalKind
from algo_trade.hyperliquid.reporting import NOBODY, Reporting, fill_event, funding_event, is_forced
from algo_trade.hyperliquid.sender import DEFAULT_CALLER
from algo_trade.hyperliquid.stream.events import AccountFill, AccountFunding, OpenOrders, OrderNews, StreamChange
from algo_trade.hyperliquid.stream.subscription import Subscription
from algo_trade.hyperliquid.websocket import HyperliquidWebSocket, leave
from algo_trade.hyperliquid.working import Trouble, Working, families

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
    from decimal import Decimal
    from types import TracebackType

    from algo_trade._native import FillEvent, OrderEvent
    from algo_trade.core.protocols import Command, MarketEvent, Report
    from algo_trade.hyperliquid.answers import OrderAnswer
    from algo_trade.hyperliquid.client import HyperliquidClient
    from algo_trade.hyperliquid.instruments import ListedInstrument
    from algo_trade.hyperliquid.orders import LiveOrder
    from algo_trade.hyperliquid.stream.events import StreamEvent
    from algo_trade.hyperliquid.stream.fills import FillLog
    from algo_trade.hyperliquid.stream.settings import SessionSettings

ACCOUNT: Final = ("userFills", "orderUpdates", "userFundings", "userEvents")
"""The streams of an account that reports are made of."""

ENDED_MAX = 10_000  # orders that have ended and are remembered: a fill of theirs may still come
# How long the word of a stream is waited for before the exchange is asked; then ever longer.
PATIENCE_S = 1.0
PATIENCE_MAX_S = 30.0
# How long, at most, until a cancel that was not heard of is sent again.
CANCEL_AGAIN_S = 5.0
_MS_NS = 1_000_000


class LiveExecutionHandler:
    """Carries out orders on Hyperliquid, for the time of an ``async with``: an :class:`AsyncExecutionHandler`.

    ``execute`` returns at once; what becomes of an order comes by :meth:`reports`. Each fill comes once, an order's end once, after all
    of its fills. An order whose answer is lost is looked up until it is known what became of it; it is never sent again. A cancel is
    carried out until the order is gone. Orders of one turn of the event loop leave together, a parent with its children.

    The exchange has no trailing stops, no fill-or-kill and no TWAP with an id of ours: those are refused as ``unsupported``.

    Parameters
    ----------
    client : the account; its key signs
    coins : our symbol for each of the exchange's names that may be traded; perpetuals only
    settings : limits and deadlines of the account's socket
    fills : what is known of the account's fills from before a restart
    reach : how far orders at the market go
    caller : whose turn in the client's queue it is
    listener : called with each report at once, instead of :meth:`reports`
    notice : hears of everything else: orders and fills of others, what could not be read, :class:`Trouble`
    options : ``fetch``, ``connect``, ``clock``, ``random``, ``dexes`` of :class:`HyperliquidWebSocket`

    Raises
    ------
    ParameterError
        A coin is not listed, or no perpetual (on entering).
    """

    def __init__(
        self,
        client: HyperliquidClient,
        coins: Mapping[str, str],
        *,
        settings: SessionSettings | None = None,
        fills: FillLog | None = None,
        reach: Reach | None = None,
        caller: str = DEFAULT_CALLER,
        listener: Callable[[Report | FeedChange], None] | None = None,
        notice: Callable[[StreamEvent | Trouble], None] | None = None,
        **options: Any,  # noqa: ANN401 -- those of HyperliquidWebSocket
    ) -> None:
        if client.config.trader is None:
            raise ParameterError("execution: the client has no account_address: whose orders are these?")
        self._client = client
        self.user = client.config.trader  # whose orders these are
        self._coins = dict(coins)
        self._fills = fills
        self._reach = reach or Reach()
        self._caller = caller
        self._listener = listener
        self._notice = notice
        self._clock: Callable[[], int] = options.get("clock", time.time_ns)
        self._account = HyperliquidWebSocket(
            self._coins, url=client.config.ws_url, settings=settings, listener=self._hear, **options
        )
        self._instruments: dict[str, ListedInstrument] = {}
        self._streams = dict.fromkeys(ACCOUNT, "waiting")
        self._is_live = False
        self._orders = LiveOrders()
        self.each_order = self._orders.each  # as ``orders``, for whoever has not the time for all at once
        self._reporting = Reporting(self._orders)
        self._working: dict[str, Working] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._fresh: list[Working] = []
        self._books: dict[str, BookSnapshot | Quote] = {}
        self._marks: dict[str, Decimal] = {}
        self._reports: deque[Report | FeedChange] = deque()
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._group: asyncio.TaskGroup | None = None

    @property
    def account(self) -> HyperliquidWebSocket:
        """The socket of the account."""
        return self._account

    @property
    def is_live(self) -> bool:
        """Whether everything that is known of the account is good: then orders may be placed."""
        return self._is_live

    def orders(self) -> list[LiveOrder]:
        """Return all orders that have not ended, as they are known to be now."""
        return self._orders.live()

    async def __aenter__(self) -> Self:
        for coin, symbol in self._coins.items():
            instrument = await self._client.instrument(coin, caller=self._caller)
            if instrument.kind != "perp":
                raise ParameterError(f"execution: {coin}: is a spot pair: a trading system holds perpetuals only")
            self._instruments[symbol] = instrument
        self._group = asyncio.TaskGroup()
        await self._group.__aenter__()
        await self._account.__aenter__()
        for kind in ACCOUNT:
            self._account.subscribe(Subscription(kind, user=self.user), fills=self._fills)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the answers that are under way, then give up looking."""
        under_way = [self._start(working.answered.wait()) for working in self._working.values()]
        if under_way and error is None:
            await asyncio.wait(under_way, timeout=self._client.config.timeout_s)
        group, self._group = self._group, None
        for task in self._tasks:
            task.cancel()
        self._news.set()
        try:
            if group is not None:
                await leave(group, kind, error, trace)
        finally:
            await self._account.__aexit__(kind, error, trace)

    # --- what a driver calls ---

    def on_market_event(self, event: MarketEvent) -> Sequence[Report]:
        """Remember the newest prices: orders at the market need a limit."""
        if isinstance(event, Quote | BookSnapshot):
            self._books[event.symbol] = event
        elif isinstance(event, MarketContext):
            self._marks[event.symbol] = event.mark_price
        return ()

    def execute(self, command: Command, now_ns: int) -> Sequence[Report]:
        """Begin to carry out a command. What becomes of it comes by :meth:`reports`."""
        match command:
            case SubmitOrder():
                self._submit(command.order, now_ns)
            case ModifyOrder():
                self._start(self._modify(command))
            case CancelOrder():
                self.cancel(command.cloid)
            case ScheduleCancel():
                self._start(self._schedule_cancel(command.time_ns))
            case _:
                pass  # what is for the driver: timers, notices, what risk refused
        return ()

    def adopt(self, order: OrderEvent, fills: Sequence[FillEvent]) -> None:
        """Take an order over that was sent, or was about to be, before a restart: it is found out what became of it.

        Of one that this handler has sent itself, all that is known is told again.

        Parameters
        ----------
        order : as it was known then, with what was left of it
        fills : those of it that were told then; all others will be
        """
        if self._orders.get(order.cloid) is None:
            instrument = self._instruments[order.symbol]
            known = [known_fill(fill, instrument.coin, self.user) for fill in fills]
            self._orders.adopt(order.cloid, order.symbol, order.leaves, known)
            self._working[order.cloid] = adopted(order, instrument, self._client.config, self._reach)
        self._reporting.begin(order, told=len(fills))
        self._changed(order.cloid)

    def cancel(self, cloid: str) -> None:
        """Begin to cancel an order, and do so until it is gone; one that has ended is passed over."""
        working = self._working.get(cloid)
        if working is not None and not working.is_cancelled:
            working.is_cancelled = True
            self._start(self._cancel(working))

    async def reports(self) -> AsyncIterator[Report | FeedChange]:
        """Yield what becomes of orders and money, and whether that can be relied on: a change without a symbol is the account's."""
        while True:
            while self._reports:
                yield self._reports.popleft()
            if self._group is None:
                return
            self._news.clear()
            await self._news.wait()

    # --- what the account's streams say ---

    def _hear(self, event: StreamEvent) -> None:
        if self._group is None:
            return
        order: LiveOrder | None = None
        match event:
            case AccountFill():
                order = self._orders.fill(event)
                if order is None and is_forced(event):
                    self._tell([fill_event(event, NOBODY, self._clock())])
                    return
            case OrderNews():
                order = self._orders.news(event)
            case AccountFunding():
                self._tell([funding_event(event)])
                return
            case OpenOrders():
                self._orders.open_orders(event, self._instruments)
                for cloid in list(self._working):
                    self._changed(cloid)
            case StreamChange():
                self._stream_changed(event)
            case _:
                pass
        if order is not None:
            self._changed(order.cloid)
        elif self._notice is not None:
            self._notice(event)

    def _stream_changed(self, event: StreamChange) -> None:
        self._streams[event.subscription.kind] = event.state
        is_live = all(state == "live" for state in self._streams.values())
        if is_live != self._is_live:
            self._is_live = is_live
            reason = "" if is_live else f"{event.subscription}: {event.reason}"
            self._tell([FeedChange("", is_live, reason, event.time_ns)])

    # --- orders ---

    def _submit(self, order: OrderEvent, now_ns: int) -> None:
        instrument = self._instruments.get(order.symbol)
        if instrument is None or self._group is None:
            raise ParameterError(
                f"execution: {order.symbol}: is not among its coins"
                if self._group is not None
                else "execution: works inside `async with` only"
            )
        self._orders.submit(order.cloid, order.symbol, order.quantity)
        self._reporting.begin(order)
        new = new_order(order, instrument, lambda: self._middle(order.symbol), self._reach)
        if isinstance(new, Refused):
            self._orders.answered(order.cloid, new)
            self._changed(order.cloid)
            return
        working = Working(order, instrument, new, now_ns // _MS_NS)
        self._working[order.cloid] = working
        self._fresh.append(working)
        if len(self._fresh) == 1:
            asyncio.get_running_loop().call_soon(self._leave)

    def _middle(self, symbol: str) -> Decimal | None:
        """Return the middle of the book, else the mark price, if either is known."""
        match self._books.get(symbol):
            case Quote() as quote:
                return (quote.bid_price + quote.ask_price) / 2
            case BookSnapshot() as book if book.bids and book.asks:
                return (book.bids[0][0] + book.asks[0][0]) / 2
            case _:
                return self._marks.get(symbol)

    def _leave(self) -> None:
        """Send what was asked for in this turn."""
        fresh, self._fresh = self._fresh, []
        for parent, family in families(fresh):
            if family[0].cloid != parent:
                refused = Refused(RefusalKind.UNSUPPORTED, "an order can hang only on one that is placed with it")
                self._answered(family, [refused] * len(family))
            else:
                self._start(self._place(family))

    async def _place(self, family: list[Working]) -> None:
        exchange, news = self._client.exchange, [working.new for working in family]
        expires_ns = family[0].order.expires_after_ns
        terms: dict[str, Any] = {"caller": self._caller, "expires_at_ms": expires_ns and expires_ns // _MS_NS}
        answers: Sequence[OrderAnswer]
        for working in family:
            await working.lock.acquire()
        try:
            if len(family) > 1:
                answers = await exchange.place_together(news, grouping="normalTpsl", **terms)
            elif family[0].order.for_position:
                answers = await exchange.place_together(news, grouping="positionTpsl", **terms)
            else:
                answers = [await exchange.place(news[0], **terms)]
        except (VenueError, ParameterError, DataError) as error:
            answers = [self._not_executed(error, family[0].cloid)] * len(family)
        finally:
            for working in family:
                working.lock.release()
        self._answered(family, answers)

    def _answered(self, family: Sequence[Working], answers: Sequence[OrderAnswer]) -> None:
        for working, answer in zip(family, answers, strict=True):
            self._orders.answered(working.cloid, answer)
            working.unknown = answer if isinstance(answer, Unknown) else None
            working.answered.set()
            self._changed(working.cloid)

    async def _modify(self, command: ModifyOrder) -> None:
        working = self._working.get(command.cloid)
        if working is None:
            if (ended := self._orders.get(command.cloid)) is not None:
                self._tell(self._reporting.change_refused(ended, "not_found", self._clock()))
            return
        await working.answered.wait()
        async with working.lock:
            order = self._order(working)
            if order.is_done:
                self._tell(self._reporting.change_refused(order, "not_found", self._clock()))
                return
            new = changed_order(
                working.new, working.order, command.price, command.quantity, working.instrument, self._reach
            )
            if isinstance(new, Refused):
                self._tell(self._reporting.change_refused(order, new.kind.reason, self._clock()))
                return
            before, reason = order.oid, RefusalKind.MODIFY.reason
            self._orders.modifying(working.cloid, new.quantity)
            try:
                answer = await self._client.exchange.modify(working.cloid, new, caller=self._caller)
            except (VenueError, ParameterError, DataError) as error:
                answer = self._not_executed(error, working.cloid)
                reason = answer.kind.reason
            order = self._orders.modified(working.cloid, answer)
            if order.state == "unknown":
                working.unknown = answer if isinstance(answer, Unknown) else None
                await self._find_out(working)
            after = self._order(working)
            if after.oid != before:
                working.new = new
            elif not after.is_done:
                self._tell(self._reporting.change_refused(after, reason, self._clock()))
        self._changed(working.cloid)

    async def _cancel(self, working: Working) -> None:
        """Cancel an order until it is gone: a cancel may come before its order, or be lost."""
        await working.answered.wait()
        pause_s = PATIENCE_S
        while not self._order(working).is_done:
            try:
                answer = await self._client.exchange.cancel(working.instrument.coin, working.cloid, caller=self._caller)
                if not isinstance(answer, Cancelled) and getattr(answer, "kind", None) is not RefusalKind.GONE:
                    self._trouble(f"cancel: {answer}", working.cloid)
            except (VenueError, DataError) as error:
                self._not_executed(error, working.cloid)
            # The end is told by the streams, and if they do not, it is asked for.
            try:
                async with asyncio.timeout(pause_s):
                    await working.ended.wait()
            except TimeoutError:
                await self._look(working)
            pause_s = min(pause_s * 2, CANCEL_AGAIN_S)

    async def _schedule_cancel(self, time_ns: int | None) -> None:
        try:
            await self._client.account.schedule_cancel(None if time_ns is None else time_ns // _MS_NS)
        except (VenueError, DataError) as error:
            self._trouble(f"scheduled cancel: {error}")

    # --- what became of an order ---

    def _changed(self, cloid: str) -> None:
        """Tell what is new of an order, and see to it that what is not known becomes known."""
        order, working = self._orders.get(cloid), self._working.get(cloid)
        if order is None:
            return
        is_cancelled = working is not None and working.is_cancelled
        self._tell(self._reporting.news(order, self._clock(), is_cancelled=is_cancelled))
        if self._reporting.is_over(cloid):
            self._over(cloid)
        if working is None:
            return
        if order.strange != working.strange:
            working.strange = order.strange
            self._trouble(f"words that are new to us: {', '.join(order.strange)}", cloid)
        if order.is_done:
            working.answered.set()
            working.ended.set()
            if order.missing and not working.is_proving:
                working.is_proving = True
                self._start(self._prove(working))
        elif order.state == "unknown" and not working.is_looking and not working.lock.locked():
            working.is_looking = True
            self._start(self._look(working))

    def _over(self, cloid: str) -> None:
        if self._working.pop(cloid, None) is None and cloid in self._ended:
            return
        self._ended[cloid] = None
        self._orders.over(cloid)
        if len(self._ended) > ENDED_MAX:
            oldest, _ = self._ended.popitem(last=False)
            self._orders.drop(oldest)
            self._reporting.forget(oldest)

    async def _look(self, working: Working) -> None:
        """Find out what became of an order, unless that has become known meanwhile."""
        async with working.lock:
            order = self._order(working)
            if not order.is_done and (order.state == "unknown" or working.is_cancelled):
                await self._find_out(working)
            working.is_looking = False
        self._changed(working.cloid)

    async def _prove(self, working: Working) -> None:
        """Have the fills of an order told that has ended, and learn how much they come to."""
        pause_s = PATIENCE_S
        while self._order(working).missing:
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, PATIENCE_MAX_S)
            if not self._order(working).missing:
                break
            async with working.lock:
                await self._find_out(working)
            self._account.look_up(self.user)
            self._changed(working.cloid)

    async def _find_out(self, working: Working) -> None:
        pause_s = PATIENCE_S
        while True:
            asked_ns = self._clock()
            # Of an order that was answered, whatever is found now holds.
            answered = Unknown(0, working.since_ms, asked_ns // _MS_NS, "answered", cloid=working.cloid)
            try:
                found = await self._client.resolve(working.unknown or answered)
            except (VenueError, DataError) as error:
                self._trouble(f"looking an order up: {error}", working.cloid)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, PATIENCE_MAX_S)
                continue
            working.unknown = None
            self._orders.settled(working.cloid, found, asked_ns, found_fills(working, found, self.user))
            return

    def _order(self, working: Working) -> LiveOrder:
        order = self._orders.get(working.cloid)
        assert order is not None  # noqa: S101 -- kept for as long as it works
        return order

    def _not_executed(self, error: Exception, cloid: str) -> Refused:
        self._trouble(str(error), cloid)
        kind = error.kind if isinstance(error, RefusedError) else RefusalKind.NOT_SENT
        return Refused(kind, str(error))

    def _trouble(self, text: str, cloid: str | None = None) -> None:
        if self._notice is not None:
            self._notice(Trouble(text, self._clock(), cloid))

    def _tell(self, reports: Sequence[Report | FeedChange]) -> None:
        if self._listener is not None:
            for report in reports:
                self._listener(report)
        elif reports:
            self._reports += reports
            self._news.set()

    def _start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        if self._group is None:
            work.close()
            raise ParameterError("LiveExecutionHandler: works inside `async with` only")
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
