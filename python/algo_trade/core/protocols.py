"""What a user may implement: where events come from, what decides on them, what watches over orders, what carries them out."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from algo_trade._native import (
    AccountEvent,
    Bar,
    BookDelta,
    BookSnapshot,
    CancelOrder,
    Context,
    ControlEvent,
    FillEvent,
    FundingRate,
    MarketContext,
    ModifyOrder,
    Notice,
    OrderEvent,
    OrderUpdate,
    Quote,
    RefuseOrder,
    ScheduleCancel,
    SetTimer,
    SignalEvent,
    SubmitOrder,
    TimerEvent,
    Trade,
)

MarketEvent: TypeAlias = Bar | Trade | Quote | BookSnapshot | BookDelta | MarketContext | FundingRate
"""News from the market."""

BookKind: TypeAlias = Literal["quote", "l2"]
"""What drives a book: best prices, or levels."""

Report: TypeAlias = FillEvent | OrderUpdate | AccountEvent
"""The venue's word on our orders and our money."""

Event: TypeAlias = MarketEvent | Report | TimerEvent | ControlEvent
"""Everything that can enter ``TradingSystem.step``."""

Command: TypeAlias = SubmitOrder | RefuseOrder | ModifyOrder | CancelOrder | ScheduleCancel | SetTimer | Notice
"""Everything that can come out of it."""


@runtime_checkable
class DataProvider(Protocol):
    """Market events in time order: bars by their close; of ticks, in the order in which they reached us.

    ``symbols`` must name every symbol that will occur, since instruments are ranked before the first event. A provider of
    ticks also has ``books``, a mapping of symbol to what drives its book (:data:`BookKind`): without it, there are none.
    """

    @property
    def symbols(self) -> Sequence[str]:
        """Every symbol that occurs."""
        ...

    def __iter__(self) -> Iterator[MarketEvent]:
        """Yield the events, each at or after the one before it."""
        ...


@dataclass(frozen=True, slots=True)
class FeedChange:
    """What is known of a symbol has become good, or is no longer: then nobody may quote on it. Without a symbol, of the account."""

    symbol: str
    is_live: bool
    reason: str
    time_ns: int


@runtime_checkable
class AsyncDataProvider(Protocol):
    """Market events as they happen, in the order in which they reach us. A symbol is not live until a :class:`FeedChange` says so."""

    @property
    def symbols(self) -> Sequence[str]:
        """Every symbol that can occur."""
        ...

    @property
    def books(self) -> Mapping[str, BookKind]:
        """What drives the book of a symbol; a symbol that is not named has none."""
        ...

    def __aiter__(self) -> AsyncIterator[MarketEvent | FeedChange]:
        """Yield the events, as they come."""
        ...


@runtime_checkable
class EventStrategy(Protocol):
    """The plain contract of a strategy: one market event in, perhaps a signal out."""

    @property
    def name(self) -> str:
        """What it is called in reports."""
        ...

    def on_market_event(self, event: MarketEvent) -> SignalEvent | None:
        """Answer an event with a target, or with nothing."""
        ...


@runtime_checkable
class CompiledStrategy(Protocol):
    """A strategy compiled in another language, which hands over a table of C callbacks (``algo_trade.h``)."""

    @property
    def name(self) -> str:
        """What it is called in reports."""
        ...

    def __algo_trade_strategy__(self) -> object:
        """Return a capsule named ``algo_trade.strategy.v1`` around a fresh ``at_strategy``; called once for each run."""
        ...


@runtime_checkable
class RiskManager(Protocol):
    """Turns targets into sizes and has the last word on every order. ``ctx`` is for looking only."""

    def target(self, ctx: Context, signal: SignalEvent) -> Decimal:
        """Return the position that a signal asks for, in base units, negative for short."""
        ...

    def order_quantity(self, ctx: Context, symbol: str) -> Decimal:
        """Return the size of an order for which the strategy left it open, in base units."""
        ...

    def check(self, ctx: Context, order: OrderEvent) -> Decimal | str | None:
        """Return None to pass the order, a smaller quantity to shrink it, or the reason for refusing it."""
        ...


@runtime_checkable
class ExecutionHandler(Protocol):
    """Carries out commands and says what became of them."""

    def on_market_event(self, event: MarketEvent) -> Sequence[Report]:
        """Hear the market, before the strategy does. What it makes of our orders is returned, by time."""
        ...

    def execute(self, command: Command, now_ns: int) -> Sequence[Report]:
        """Carry out an order, change or cancel at ``now_ns``. What is known of it at once is returned, by time."""
        ...


@runtime_checkable
class TimedExecutionHandler(ExecutionHandler, Protocol):
    """An execution handler where things happen by the clock too: slices of a TWAP, scheduled cancels, funding."""

    @property
    def next_time_ns(self) -> int | None:
        """When something falls due though nobody says anything; None if nothing does."""
        ...

    def on_time(self, now_ns: int) -> Sequence[Report]:
        """Do what is due by ``now_ns``; called once ``next_time_ns`` has come, after the market events of that instant."""
        ...


@runtime_checkable
class AsyncExecutionHandler(ExecutionHandler, Protocol):
    """An execution handler at a venue far away: ``execute`` only begins, and what becomes of it is told by ``reports``.

    Of an order, each fill is told once, and its end after all of them.
    """

    def reports(self) -> AsyncIterator[Report | FeedChange]:
        """Yield what becomes of orders and money, as it becomes known, and whether that can be relied on."""
        ...
