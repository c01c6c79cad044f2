"""An account that many bots trade: one handler at the exchange, and each report for the bot whose order it is about."""

from __future__ import annotations

import asyncio
from collections import deque
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol, Self

from algo_trade._native import AccountEvent, BookSnapshot, FillEvent, OrderUpdate, SubmitOrder
from algo_trade.bots.deadman import DeadMansSwitch
from algo_trade.bots.holdings import of_nobody
from algo_trade.bots.orphans import cancel_orphans
from algo_trade.bots.reconciliation import Difference, Reconciler, shares
from algo_trade.core.protocols import FeedChange
from algo_trade.errors import StorageError, VenueError
from algo_trade.hyperliquid import LiveExecutionHandler
from algo_trade.hyperliquid.execution import ENDED_MAX
from algo_trade.hyperliquid.reporting import NOBODY
from algo_trade.hyperliquid.stream.events import AccountFill, AccountState, OrderNews
from algo_trade.hyperliquid.stream.fills import FillLog
from algo_trade.hyperliquid.working import Trouble
from algo_trade.risk.exposure import ENDS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from types import TracebackType

    from algo_trade._native import OrderEvent
    from algo_trade.bots.parking import Parking
    from algo_trade.core.protocols import Command, MarketEvent, Report
    from algo_trade.hyperliquid import HyperliquidClient, SessionSettings
    from algo_trade.storage import DatabaseClient
    from algo_trade.telemetry import Telemetry

# How soon a difference is looked at again: by then, what is on its way has come.
LOOK_AGAIN_S = 2.0
KEEP_S = 1.0
LOOK_S = 0.5
# Clocks differ, and what was told last may not have been written.
OVERLAP_NS = 60_000_000_000


class Owner(Protocol):
    """Whose orders these are."""

    def told(self, report: Report) -> None:
        """Take what became of an order, or of money."""
        ...


class Trading(Owner, Protocol):
    """Who trades at a desk."""

    def account_changed(self, change: FeedChange) -> None:
        """Take note whether the account's word can be relied on."""
        ...

    @property
    def symbols(self) -> Sequence[str]:
        """What it trades."""
        ...

    @property
    def is_settled(self) -> bool:
        """Whether it knows what it holds: not while it begins."""
        ...

    def position(self, symbol: str) -> Decimal:
        """Return what it holds of a symbol, by what it was told."""
        ...


class AccountDesk:
    """The orders of many bots on one account, for the time of an ``async with``.

    What concerns no order (funding, a liquidation) is shared out among the bots that hold the symbol, in proportion to what they hold.
    """

    def __init__(
        self,
        client: HyperliquidClient,
        settings: SessionSettings,
        *,
        telemetry: Telemetry,
        store: DatabaseClient,
        parking: Parking,
        clock: Callable[[], int],
    ) -> None:
        self._client = client
        self._settings = settings
        self._store = store
        self._parking = parking
        self._tell = telemetry.tell
        self._metrics = telemetry.metrics
        self._reconciler = Reconciler()
        self._looking: asyncio.TimerHandle | None = None
        self._clock = clock
        self._owners: dict[str, Owner] = {}
        self._ended: deque[str] = deque()
        self._traders: list[Trading] = []
        self._change: FeedChange | None = None
        self._handler: LiveExecutionHandler
        self._switch: DeadMansSwitch
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        if not len(self._client.instruments):
            await self._client.load_instruments()
        # What was missed while nobody listened is asked for, since when everything was known last.
        name = f"account:{self._client.config.trader}"
        kept = await self._store.value(name, "fills")
        known = None if kept is None else FillLog(kept["complete_ns"] - OVERLAP_NS)
        coins = {each.coin: each.symbol for each in self._client.instruments.all() if each.kind == "perp"}
        self._handler = LiveExecutionHandler(
            self._client,
            coins,
            settings=self._settings,
            fills=known,
            listener=self._hear,
            notice=self._noticed,
            clock=self._clock,
        )
        await self._handler.__aenter__()
        self._switch = DeadMansSwitch(
            self._client.account, lambda: any(True for _ in self._handler.each_order()), self._clock, self._tell
        )
        self._tasks = [asyncio.create_task(self._keep(name)), asyncio.create_task(self._switch.run())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._looking is not None:
            self._looking.cancel()
        for task in self._tasks:
            task.cancel()
        try:
            await self._switch.end()
            await self._handler.__aexit__(kind, error, trace)
        finally:
            await self._client.close()

    @property
    def name(self) -> str:
        """The account's address."""
        return self._handler.user

    @property
    def requests_left(self) -> int:
        """How many more actions the exchange takes of the account."""
        budget = self._client.budget
        return max(0, budget.cap - budget.used)

    def open_orders(self) -> Iterator[tuple[Owner | None, str]]:
        """Yield each order that is not done: whose it is, and its state."""
        for order in self._handler.each_order():
            yield self._owners.get(order.cloid), order.state

    @property
    def handler(self) -> LiveExecutionHandler:
        """What carries out orders."""
        return self._handler

    def join(self, trader: Trading) -> None:
        """Begin to tell a bot of its orders, and how good the account's word is now."""
        self._traders.append(trader)
        if self._change is not None:
            trader.account_changed(self._change)

    def leave(self, trader: Trading) -> None:
        """Tell a bot nothing any more."""
        self._traders.remove(trader)
        self.forget(trader)

    def forget(self, owner: Owner) -> None:
        """Tell the owner of orders nothing more of them."""
        for cloid in [cloid for cloid, each in self._owners.items() if each is owner]:
            del self._owners[cloid]

    def on_market_event(self, event: MarketEvent) -> None:
        """Remember the newest prices: orders at the market need a limit."""
        self._handler.on_market_event(event)

    async def look_at(self, symbols: Collection[str]) -> None:
        """Learn the prices of now, since nobody may have told them for long; those that do not come soon stay as they were."""
        looks = [self._look_at(symbol) for symbol in symbols]
        try:
            await asyncio.wait_for(asyncio.gather(*looks), LOOK_S)
        except (TimeoutError, VenueError) as error:
            self._tell("venue.trouble", "warning", f"the prices of now were not to be had: {error!r}")

    async def _look_at(self, symbol: str) -> None:
        instrument = await self._client.instrument(symbol)
        book = await self._client.info.book(instrument.coin)
        if book is not None:
            bids, asks = ([(each["price"], each["quantity"]) for each in side] for side in book["levels"])
            self.on_market_event(BookSnapshot(instrument.symbol, book["time"], bids, asks))

    def adopt(self, trader: Owner, order: OrderEvent, fills: Sequence[FillEvent], *, goes: bool) -> None:
        """Take over an order of a bot from before a restart, with the fills of it that were told then.

        ``goes``: its end is wanted; or its end or a change was asked for then, and nobody knows whether that left.
        """
        self._owners[order.cloid] = trader
        self._handler.adopt(order, [fill for fill in fills if fill.cloid == order.cloid])
        if goes:
            self._handler.cancel(order.cloid)

    def execute(self, trader: Owner, commands: Sequence[Command]) -> None:
        """Carry out what a bot asks for."""
        now_ns = self._clock()
        for command in commands:
            if isinstance(command, SubmitOrder):
                self._owners[command.order.cloid] = trader
            self._handler.execute(command, now_ns)

    def cancel_all(self, trader: Owner | None = None) -> int:
        """Cancel every order of a bot, or of all; return how many there were."""
        count = 0
        for order in self._handler.orders():
            if trader is None or self._owners.get(order.cloid) is trader:
                self._handler.cancel(order.cloid)
                count += 1
        return count

    async def cancel_orphans(self, tag: str) -> None:
        """Cancel what rests of a bot that begins anew: nobody would look after it."""
        for coin, cloid, answer in await cancel_orphans(self._client, [tag], known=self._owners):
            self._tell("account.orphan", "warning", f"{coin}: an order of an earlier run: {answer}", cloid=cloid)

    async def quiet(self, trader: Owner | None = None, *, within_s: float) -> bool:
        """Wait until no order of a bot, or of anyone, is left; return whether that came to be."""
        try:
            async with asyncio.timeout(within_s):
                while any(
                    trader is None or self._owners.get(each.cloid) is trader for each in self._handler.each_order()
                ):
                    await asyncio.sleep(0.01)
        except TimeoutError:
            return False
        return True

    def _hear(self, report: Report | FeedChange) -> None:
        match report:
            case FeedChange():
                self._change = report
                for trader in list(self._traders):
                    trader.account_changed(report)
            case FillEvent() if report.cloid == NOBODY:
                self._share_fill(report)
            case FillEvent() | OrderUpdate():
                owner = self._owners.get(report.cloid)
                if owner is not None:
                    owner.told(report)
                if isinstance(report, OrderUpdate) and report.status in ENDS:
                    self._over(report.cloid)
            case AccountEvent():
                self._share_payment(report)

    def _over(self, cloid: str) -> None:
        """Take note that an order has ended: whose the last so many were is remembered, since a fill of theirs may still come."""
        self._ended.append(cloid)
        if len(self._ended) > ENDED_MAX:
            self._owners.pop(self._ended.popleft(), None)

    async def _keep(self, name: str) -> None:
        """Keep up to when everything is known, now and then."""
        kept_ns = 0
        while True:
            await asyncio.sleep(KEEP_S)
            log = self._handler.account.fills(self._handler.user)
            if log is None or log.complete_ns == kept_ns or not self._handler.is_live:
                continue
            try:
                await self._store.put_value(name, "fills", {"complete_ns": log.complete_ns})
            except StorageError as error:
                self._tell("storage.failed", "warning", str(error))
            else:
                kept_ns = log.complete_ns

    def _noticed(self, event: object) -> None:
        match event:
            case AccountState():
                self._reconcile(event)
            case AccountFill() | OrderNews():
                self._tell("account.foreign", "debug", f"not of a bot: {event.symbol} {event.cloid or event.oid}")
            case Trouble():
                self._tell("venue.trouble", "warning", event.text, cloid=event.cloid)
            case _:
                self._tell("venue.notice", "debug", lambda: str(event)[:2_000])

    def _reconcile(self, state: AccountState) -> None:
        """Compare what the exchange says with what the bots believe, and repair what is still different the second time."""
        listed = self._client.instruments
        venue: dict[str, Decimal] = {}
        entries: dict[str, Decimal] = {}
        for row in state.state["positions"]:
            position = row["position"]
            instrument = listed.get(position["coin"])
            if instrument is not None:
                venue[instrument.symbol] = position["size"]
                entries[instrument.symbol] = position["entry_price"] or Decimal(0)
        if not all(trader.is_settled for trader in self._traders):
            return
        ours: dict[str, Decimal] = {}
        for symbol in {symbol for trader in self._traders for symbol in trader.symbols}:
            parked = self._parking.held(symbol)
            if parked is not None:
                ours[symbol] = sum((trader.position(symbol) for trader in self._traders), parked)
        real, again = self._reconciler.look(venue, ours, asyncio.get_running_loop().time())
        for difference in real:
            self._repair(difference, entries.get(difference.symbol, Decimal(0)))
        if again and self._looking is None:
            self._looking = asyncio.get_running_loop().call_later(LOOK_AGAIN_S, self._look_again)

    def _look_again(self) -> None:
        self._looking = None
        self._handler.account.look_up(self._handler.user)

    def _repair(self, difference: Difference, entry_price: Decimal) -> None:
        symbol = difference.symbol
        traders = [trader for trader in self._traders if symbol in trader.symbols]
        parked = self._parking.held(symbol) or Decimal(0)
        of_traders = Difference(symbol, difference.venue - parked, difference.ours - parked)
        holds = shares(of_traders, [trader.position(symbol) for trader in traders])
        self._metrics.reconciliation_differences(1)
        if holds is None:
            self._tell(
                "reconcile.difference",
                "error",
                f"{difference}; nobody knows whose it is: it is left as it is",
                symbol=symbol,
            )
            return
        self._tell("reconcile.difference", "warning", f"{difference}; their books are put right", symbol=symbol)
        for trader, quantity in zip(traders, holds, strict=True):
            if quantity != trader.position(symbol):
                trader.told(AccountEvent.position(symbol, self._clock(), quantity, entry_price if quantity else None))

    def _share_fill(self, fill: FillEvent) -> None:
        """A forced fill closes what is held on the other side: the largest holdings first, to the last lot."""
        sign = 1 if fill.side == "sell" else -1
        holders = sorted(
            ((sign * trader.position(fill.symbol), index, trader) for index, trader in enumerate(self._traders)),
            key=lambda each: (-each[0], each[1]),
        )
        left, fee_left = fill.quantity, fill.fee
        takers: list[tuple[Decimal, Trading]] = []
        for held, _, trader in holders:
            if left <= 0 or held <= 0:
                break
            takers.append((min(held, left), trader))
            left -= takers[-1][0]
        for number, (quantity, trader) in enumerate(takers):
            is_last = number == len(takers) - 1
            fee = fee_left if is_last else _part(fill.fee, quantity, fill.quantity)
            fee_left -= fee
            trader.told(of_nobody(fill, self._clock(), quantity, fee))
        if left > 0:
            self._tell("account.foreign", "warning", f"{left} {fill.symbol} of a forced fill belong to no bot")

    def _share_payment(self, event: AccountEvent) -> None:
        symbol = event.symbol
        if symbol is None:
            return
        held = [(trader, abs(trader.position(symbol))) for trader in self._traders]
        held = [(trader, quantity) for trader, quantity in held if quantity]
        whole = sum((quantity for _, quantity in held), start=Decimal(0))
        left = event.amount
        for number, (trader, quantity) in enumerate(held):
            amount = left if number == len(held) - 1 else _part(event.amount, quantity, whole)
            left -= amount
            rate, oracle = event.rate, event.oracle_price
            trader.told(AccountEvent.funding(symbol, event.time_ns, amount, rate or 0, oracle or 0))


def _part(amount: Decimal, quantity: Decimal, whole: Decimal) -> Decimal:
    """Return a share of an amount, down to the last unit of the books."""
    return (amount * quantity / whole).quantize(Decimal("1e-8"))
